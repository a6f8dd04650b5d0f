package tests

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/iotest"

	infermem "infermem.dev/go"
)

const (
	kvLayers = 2
	kvHeads  = 2
	kvDim    = 8
	kvRow    = kvHeads * kvDim
)

// filled is a cache of n tokens, of which layer l and token i have the numbers of rowOf, and minus them as values.
func filled(t testing.TB, options infermem.KVOptions, n int) *infermem.KV {
	t.Helper()
	options.Layers, options.KVHeads, options.HeadDim = kvLayers, kvHeads, kvDim
	if options.KType == infermem.DTypeQ8_0 {
		options.HeadDim = 32
	}
	if options.MaxTokens == 0 {
		options.MaxTokens = 64
	}
	kv := made[*infermem.KV](t)(infermem.NewKV(options))
	for i := 0; i < n; i++ {
		for layer := 0; layer < kvLayers; layer++ {
			k := rowOf(layer, i, kvHeads*options.HeadDim)
			must(t, kv.Append(layer, k, negative(k), 1))
		}
		must(t, kv.Advance(1))
	}
	return kv
}

func rowOf(layer, token, n int) []float32 { return numbers(n, uint64(layer*1000+token+1)) }

func negative(x []float32) []float32 {
	out := make([]float32, len(x))
	for i := range x {
		out[i] = -x[i]
	}
	return out
}

// wantRow wants layer 1's token i to be what token `was` was given.
func wantRow(t testing.TB, kv *infermem.KV, i, was int) {
	t.Helper()
	row := make([]float32, kvRow)
	must(t, kv.Read(1, infermem.KVV, i, 1, row))
	for j, value := range rowOf(1, was, kvRow) {
		if row[j] != -value {
			t.Fatalf("token %d is not what token %d was", i, was)
		}
	}
}

func kvHolds(t *testing.T) {
	kv := filled(t, infermem.KVOptions{}, 5)
	defer kv.Close()
	want(t, "length", kv.Len(), 5)
	want(t, "room", kv.Max(), 64)
	want(t, "layers", kv.Layers(), kvLayers)
	want(t, "heads", kv.KVHeads(), kvHeads)
	want(t, "head", kv.HeadDim(infermem.KVV), kvDim)
	wantRow(t, kv, 4, 4)
	k := rowOf(0, 9, kvRow)
	must(t, kv.Append(0, k, k, 1))
	e := wantCode(t, kv.Advance(1), infermem.ErrIncomplete)
	want(t, "pending", e.Got, 0)
	must(t, kv.Abort())
	must(t, kv.Advance(0))
	wantCode(t, kv.Append(2, k, k, 1), infermem.ErrRange)
	wantCode(t, kv.Append(0, k[1:], k, 1), infermem.ErrShape)
	wantCode(t, kv.Append(0, nil, nil, 1), infermem.ErrNull)
	wantCode(t, kv.Read(0, 7, 0, 1, k), infermem.ErrArg)
	halves := make([]uint16, kvRow)
	halves[0] = 0x3c00 // 1 as F16
	must(t, kv.AppendF16(0, halves, halves, 1))
	halves[0] = 0x3f80 // 1 as BF16
	must(t, kv.AppendBF16(1, halves, halves, 1))
	must(t, kv.Advance(1))
	for layer := 0; layer < kvLayers; layer++ {
		must(t, kv.Read(layer, infermem.KVK, 5, 1, k))
		want(t, "a number of 16 bits", k[0], 1)
	}
	if kv.MemoryBytes() < 2*kvLayers*64*kvRow*4 || kv.MemoryReserved() < kv.MemoryBytes() || kv.MemoryCommitted() <= 0 {
		t.Fatal(kv.MemoryBytes(), kv.MemoryReserved(), kv.MemoryCommitted())
	}
	want(t, "stride", kv.LayerStride(infermem.KVK), 64*kvRow)
	_, err := infermem.NewKV(infermem.KVOptions{Layers: 1, KVHeads: 1, HeadDim: 8})
	wantCode(t, err, infermem.ErrArg)
	_, err = infermem.NewKV(infermem.KVOptions{Layers: 1, KVHeads: 1, HeadDim: 8, MaxTokens: 1, KType: 77})
	wantCode(t, err, infermem.ErrType)
}

func kvViews(t *testing.T) {
	kv := filled(t, infermem.KVOptions{}, 3)
	defer kv.Close()
	keys := made[*infermem.View](t)(kv.Keys(1))
	want(t, "dimensions", len(keys.Shape), 2)
	want(t, "tokens", keys.Shape[0], 3)
	want(t, "row", keys.Shape[1], kvRow)
	want(t, "stride", keys.Strides[0], kvRow*4)
	want(t, "type", keys.DType, infermem.DTypeF32)
	want(t, "read-only", keys.ReadOnly, true)
	want(t, "key", keys.Float32()[2*kvRow], rowOf(1, 2, kvRow)[0])
	want(t, "bytes", len(keys.Bytes()), 3*kvRow*4)
	if keys.Bits16() != nil || keys.Float64() != nil || keys.Int8() != nil {
		t.Fatal("floats as another type")
	}
	row := rowOf(1, 3, kvRow)
	must(t, kv.Append(1, row, row, 1))
	for _, view := range []func(int) (*infermem.View, error){kv.KeysPending, kv.ValuesPending, kv.KeysMut, kv.ValuesMut} {
		want(t, "tokens with the pending one", made[*infermem.View](t)(view(1)).Shape[0], 4)
	}
	want(t, "tokens of values", made[*infermem.View](t)(kv.Values(1)).Shape[0], 3)
	mut := made[*infermem.View](t)(kv.ValuesMut(1))
	want(t, "read-only", mut.ReadOnly, false)
	mut.Float32()[0] = 42
	values := made[*infermem.View](t)(kv.Values(1))
	want(t, "a value that was written", values.Float32()[0], 42)
	runtime.KeepAlive(values)
	_, err := kv.Keys(2)
	wantCode(t, err, infermem.ErrRange)
	empty := filled(t, infermem.KVOptions{}, 0)
	want(t, "floats of an empty cache", len(made[*infermem.View](t)(empty.Keys(0)).Float32()), 0)
}

func kvShortens(t *testing.T) {
	kv := filled(t, infermem.KVOptions{MaxTokens: 16, Growable: 32}, 10)
	defer kv.Close()
	must(t, kv.Prefetch(1))
	must(t, kv.Truncate(8))
	want(t, "length", kv.Len(), 8)
	wantCode(t, kv.Truncate(9), infermem.ErrRange)
	dropped, err := kv.Keep(2, 3)
	must(t, err)
	want(t, "dropped", dropped, 3)
	wantRow(t, kv, 1, 1)
	wantRow(t, kv, 2, 5)
	want(t, "generation", kv.Generation(), 1)
	copied := filled(t, infermem.KVOptions{}, 1)
	defer copied.Close()
	must(t, copied.CopyPrefix(kv, 4))
	want(t, "copied", copied.Len(), 4)
	wantRow(t, copied, 3, 6)
	wantCode(t, copied.CopyPrefix(copied, 1), infermem.ErrArg)
	must(t, kv.Grow(32))
	want(t, "room", kv.Max(), 32)
	wantCode(t, kv.Grow(33), infermem.ErrRange)
	must(t, kv.Clear())
	must(t, kv.ClearZero())
	want(t, "length", kv.Len(), 0)
}

func kvTypes(t *testing.T) {
	types := []infermem.DType{infermem.DTypeF16, infermem.DTypeQ8_0}
	kv := made[*infermem.KV](t)(infermem.NewKV(infermem.KVOptions{Layers: 2, KVHeads: 1, HeadDim: 32, MaxTokens: 4,
		KTypes: types, VType: infermem.DTypeBF16}))
	defer kv.Close()
	want(t, "first keys", made[*infermem.View](t)(kv.Keys(0)).DType, infermem.DTypeF16)
	want(t, "second keys", made[*infermem.View](t)(kv.Keys(1)).DType, infermem.DTypeQ8_0)
	want(t, "values", made[*infermem.View](t)(kv.Values(1)).DType, infermem.DTypeBF16)
	row := numbers(32, 1)
	for layer := 0; layer < 2; layer++ {
		must(t, kv.Append(layer, row, row, 1))
	}
	must(t, kv.Advance(1))
	want(t, "halves", len(made[*infermem.View](t)(kv.Values(0)).Bits16()), 32)
	read := make([]float32, 32)
	must(t, kv.Read(1, infermem.KVK, 0, 1, read))
	for i := range row {
		near(t, "an 8-bit key", float64(read[i]), float64(row[i]), 1.0/127)
	}
	_, err := infermem.NewKV(infermem.KVOptions{Layers: 3, KVHeads: 1, HeadDim: 32, MaxTokens: 4, KTypes: types})
	wantCode(t, err, infermem.ErrShape)
}

// attention is that of one token over all there are, with as many heads of the query as of keys.
func attention(kv *infermem.KV, t *testing.T, q []float32) []float64 {
	n := kv.Len()
	k, v := make([]float32, n*kvRow), make([]float32, n*kvRow)
	must(t, kv.Read(0, infermem.KVK, 0, n, k))
	must(t, kv.Read(0, infermem.KVV, 0, n, v))
	out := make([]float64, kvRow)
	for h := 0; h < kvRow; h += kvDim {
		var sum float64
		for i := 0; i < n; i++ {
			var score float64
			for j := h; j < h+kvDim; j++ {
				score += float64(q[j]) * float64(k[i*kvRow+j])
			}
			weight := math.Exp(score / math.Sqrt(kvDim))
			sum += weight
			for j := h; j < h+kvDim; j++ {
				out[j] += weight * float64(v[i*kvRow+j])
			}
		}
		for j := h; j < h+kvDim; j++ {
			out[j] /= sum
		}
	}
	return out
}

func kvAttends(t *testing.T) {
	kv := filled(t, infermem.KVOptions{}, 20)
	defer kv.Close()
	q, out := numbers(kvRow, 5), make([]float32, kvRow)
	must(t, kv.Attend(0, nil, 0, kvHeads, q, out))
	exact := attention(kv, t, q)
	for i := range out {
		near(t, "attention", float64(out[i]), exact[i], 1e-5)
	}
	const part = kvHeads * (kvDim + 2)
	parts := make([]float32, 2*part)
	options := &infermem.KVAttendOptions{NQTokens: 1}
	must(t, kv.AttendPartial(0, options, 0, kvHeads, 0, 7, q, parts[:part]))
	must(t, kv.AttendPartial(0, options, 0, kvHeads, 7, 13, q, parts[part:]))
	must(t, infermem.AttendMerge(parts, 2, kvHeads, kvDim, out))
	for i := range out {
		near(t, "attention in parts", float64(out[i]), exact[i], 1e-5)
	}
	wantCode(t, kv.Attend(0, &infermem.KVAttendOptions{Scale: float32(math.NaN())}, 0, kvHeads, q, out), infermem.ErrArg)
	wantCode(t, kv.Attend(0, nil, 0, kvHeads, q[1:], out), infermem.ErrShape)
	wantCode(t, infermem.AttendMerge(parts, 3, kvHeads, kvDim, out), infermem.ErrShape)
}

func kvStale(t *testing.T) {
	tape := made[*infermem.Tape](t)(infermem.NewTape(infermem.TapeOptions{Size: 1 << 20}))
	kv := filled(t, infermem.KVOptions{Tape: tape}, 2)
	must(t, tape.Clear())
	wantCode(t, kv.Clear(), infermem.ErrStale)
	must(t, tape.Close())
	wantCode(t, kv.Advance(0), infermem.ErrStale)
	must(t, kv.Close())
}

func kvFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "talk.kv")
	kv := filled(t, infermem.KVOptions{}, 6)
	defer kv.Close()
	must(t, kv.Save(path, []byte("model")))
	info, err := os.Stat(path)
	must(t, err)
	want(t, "bytes", uint64(info.Size()), kv.SavedBytes())
	saved := made[infermem.KVSaved](t)(infermem.VerifyKV(path))
	want(t, "tokens", saved.NTokens, 6)
	want(t, "head", saved.HeadDim, kvDim)
	want(t, "fingerprint", string(saved.Fingerprint[:saved.NFingerprint]), "model")
	other := filled(t, infermem.KVOptions{}, 1)
	defer other.Close()
	wantCode(t, other.Load(path, []byte("other")), infermem.ErrFingerprint)
	wantCode(t, other.Load(path, make([]byte, 65)), infermem.ErrLimit)
	want(t, "length after a failure", other.Len(), 1)
	must(t, other.Load(path, []byte("model")))
	want(t, "length", other.Len(), 6)
	wantRow(t, other, 5, 5)
	err = other.Load(path+"2", nil)
	wantCode(t, err, infermem.ErrIO)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	wantCode(t, kv.Save(t.TempDir(), nil), infermem.ErrArg)
	wantCode(t, kv.Save("a\x00b", nil), infermem.ErrArg)
	_, err = infermem.VerifyKV(Data(t, "tiny-llama.gguf"))
	wantCode(t, err, infermem.ErrFormat)
}

func kvStreams(t *testing.T) {
	kv := filled(t, infermem.KVOptions{KType: infermem.DTypeQ8_0}, 6)
	defer kv.Close()
	var saved bytes.Buffer
	must(t, kv.SaveTo(&saved, nil))
	want(t, "bytes", uint64(saved.Len()), kv.SavedBytes())
	saved.WriteString("more")
	for _, reader := range []io.Reader{bytes.NewReader(saved.Bytes()), iotest.OneByteReader(bytes.NewReader(saved.Bytes())),
		iotest.DataErrReader(bytes.NewReader(saved.Bytes()))} {
		other := filled(t, infermem.KVOptions{KType: infermem.DTypeQ8_0}, 2)
		must(t, other.LoadFrom(reader, nil))
		want(t, "length", other.Len(), 6)
		rest, err := io.ReadAll(reader)
		must(t, err)
		want(t, "what is left", string(rest), "more")
		other.Close()
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
func (f failing) Read([]byte) (int, error)  { return 0, f.err }

func kvStreamsFail(t *testing.T) {
	kv := filled(t, infermem.KVOptions{}, 6)
	defer kv.Close()
	err := kv.SaveTo(failing{io.ErrClosedPipe}, nil)
	wantCode(t, err, infermem.ErrIO)
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Fatal(err)
	}
	wantCode(t, kv.SaveTo(failing{}, nil), infermem.ErrIO)
	var saved bytes.Buffer
	must(t, kv.SaveTo(&saved, nil))
	wantCode(t, kv.LoadFrom(bytes.NewReader(saved.Bytes()[:saved.Len()-1]), nil), infermem.ErrTruncated)
	err = kv.LoadFrom(iotest.ErrReader(io.ErrNoProgress), nil)
	if wantCode(t, err, infermem.ErrIO); !errors.Is(err, io.ErrNoProgress) {
		t.Fatal(err)
	}
	err = kv.LoadFrom(failing{}, nil) // which gives nothing, for ever
	if wantCode(t, err, infermem.ErrIO); !errors.Is(err, io.ErrNoProgress) {
		t.Fatal(err)
	}
	want(t, "length", kv.Len(), 6)
	wantRow(t, kv, 5, 5)
}

type panicking struct{}

func (panicking) Write([]byte) (int, error) { panic("within a writer") }
func (panicking) Read([]byte) (int, error)  { panic("within a reader") }

func kvStreamsPanic(t *testing.T) {
	kv := filled(t, infermem.KVOptions{}, 6)
	defer kv.Close()
	for what, call := range map[string]func() error{
		"within a writer": func() error { return kv.SaveTo(panicking{}, nil) },
		"within a reader": func() error { return kv.LoadFrom(panicking{}, nil) },
	} {
		func() {
			defer func() { want(t, "panic", fmt.Sprint(recover()), what) }()
			_ = call()
		}()
	}
	wantRow(t, kv, 5, 5)
}
