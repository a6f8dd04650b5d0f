package tests

import (
	"bytes"
	"math"
	"path/filepath"
	"sync"
	"testing"
	"unsafe"

	infermem "infermem.dev/go"
)

const rows, cols = 48, 64

// product is row i times x, in double precision.
func product(matrix []float32, i int, x []float32) (sum float64) {
	for j := range x {
		sum += float64(matrix[i*cols+j]) * float64(x[j])
	}
	return sum
}

func matrixOf(t testing.TB, options *infermem.QuantOptions) *infermem.Quant {
	t.Helper()
	return made[*infermem.Quant](t)(infermem.QuantFromFloat32(numbers(rows*cols, 3), rows, cols, options))
}

func floatsOf(t testing.TB, q *infermem.Quant) []float32 {
	t.Helper()
	r, c, err := q.Shape()
	must(t, err)
	out := make([]float32, r*c)
	must(t, q.Float32(out))
	return out
}

func quantComesBack(t *testing.T) {
	data := numbers(rows*cols, 3)
	tape := made[*infermem.Tape](t)(infermem.NewTape(infermem.TapeOptions{Size: 1 << 20}))
	defer tape.Close()
	q := matrixOf(t, &infermem.QuantOptions{Bits: 8, Group: 32, Params: infermem.DTypeF16, Symmetric: true, Tape: tape})
	defer q.Close()
	want(t, "bits", q.Bits(), 8)
	want(t, "group", q.Group(), 32)
	want(t, "params", q.Params(), infermem.DTypeF16)
	want(t, "symmetric", q.IsSymmetric(), true)
	want(t, "layout", q.Layout(), infermem.QuantPlain)
	want(t, "type", q.DType(), infermem.QuantNative)
	want(t, "bytes", q.Bytes(), rows*cols+rows*cols/32*2)
	back := floatsOf(t, q)
	for i := range data {
		near(t, "a weight", float64(back[i]), float64(data[i]), 1.0/250)
	}
	measured := made[infermem.QuantErrors](t)(q.Errors(data))
	if measured.Max <= 0 || measured.Max > 1.0/250 {
		t.Fatal(measured)
	}
	row := make([]float32, 2*cols)
	must(t, q.RangeFloat32(4, 2, row))
	want(t, "a range", row[cols], back[5*cols])
	must(t, q.RowsFloat32([]uint{7, 3}, row))
	want(t, "rows", row[cols], back[3*cols])
	halves := make([]uint16, rows*cols)
	must(t, q.F16(halves))
	again := made[*infermem.Quant](t)(infermem.QuantFromF16(halves, rows, cols, nil))
	defer again.Close()
	must(t, q.BF16(halves))
	once := made[*infermem.Quant](t)(infermem.QuantFromBF16(halves, rows, cols, nil))
	defer once.Close()
	for _, other := range []*infermem.Quant{again, once} {
		for i, value := range floatsOf(t, other) {
			near(t, "a weight of 16 bits", float64(value), float64(data[i]), 1.0/60)
		}
	}
	levels, scales, mins := make([]uint8, rows*cols), make([]float32, rows*2), make([]float32, rows*2)
	must(t, q.Export(levels, scales, mins))
	want(t, "an exported weight", float32(levels[0])*scales[0]+mins[0], back[0])
	wantCode(t, q.Export(levels[1:], scales, mins), infermem.ErrShape)
}

func quantMultiplies(t *testing.T) {
	plain := matrixOf(t, nil)
	defer plain.Close()
	packed := made[*infermem.Quant](t)(plain.Pack(nil))
	defer packed.Close()
	want(t, "layout", packed.Layout(), infermem.QuantPacked)
	unpacked := made[*infermem.Quant](t)(packed.Unpack(&infermem.QuantOptions{}))
	defer unpacked.Close()
	_, err := plain.Unpack(nil)
	wantCode(t, err, infermem.ErrState)
	weights, x := floatsOf(t, plain), numbers(2*cols, 8)
	activations := infermem.NewActivations(cols, 2)
	want(t, "alignment", uintptr(unsafe.Pointer(&activations[0]))%64, 0)
	must(t, infermem.QuantizeActivations(x, cols, 2, activations))
	one := infermem.NewActivations(cols, 1)
	must(t, infermem.QuantizeActivations(x[:cols], cols, 1, one))
	for _, q := range []*infermem.Quant{plain, packed, unpacked} {
		out := make([]float32, 2*rows)
		must(t, q.Gemv(0, rows, x[:cols], out[:rows]))
		for i := 0; i < rows; i++ {
			near(t, "gemv", float64(out[i]), product(weights, i, x[:cols]), 1e-4)
		}
		must(t, q.GemvRows([]uint{9, 2}, x[:cols], out[:2]))
		near(t, "gemv of rows", float64(out[1]), product(weights, 2, x[:cols]), 1e-4)
		dot, err := q.DotRow(5, x[:cols])
		must(t, err)
		near(t, "dot", float64(dot), product(weights, 5, x[:cols]), 1e-4)
		must(t, q.Gemm(0, rows, x, 2, out, rows))
		near(t, "gemm", float64(out[rows+7]), product(weights, 7, x[cols:]), 1e-4)
		must(t, q.GemvQ8(0, rows, one, out[:rows]))
		near(t, "gemv of 8 bits", float64(out[7]), product(weights, 7, x[:cols]), 0.2)
		must(t, q.GemmQ8(0, rows, activations, 2, out, rows))
		near(t, "gemm of 8 bits", float64(out[rows+7]), product(weights, 7, x[cols:]), 0.2)
		wantCode(t, q.Gemv(1, rows, x[:cols], out[:rows]), infermem.ErrRange)
		wantCode(t, q.Gemv(0, rows, x[1:cols], out[:rows]), infermem.ErrShape)
	}
}

func quantFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.quant")
	q := matrixOf(t, &infermem.QuantOptions{Bits: 4})
	defer q.Close()
	must(t, q.Save(path))
	wantCode(t, q.Verify(), infermem.ErrState)
	loaded := made[*infermem.Quant](t)(infermem.LoadQuant(path, &infermem.QuantOptions{Flags: infermem.QuantNoVerify}))
	defer loaded.Close()
	must(t, loaded.Verify())
	want(t, "a weight", floatsOf(t, loaded)[77], floatsOf(t, q)[77])
	tape := made[*infermem.Tape](t)(infermem.NewTape(infermem.TapeOptions{Size: 1 << 20}))
	defer tape.Close()
	saved := readFile(t, path)
	memory := made[[]byte](t)(tape.Alloc(len(saved), infermem.QuantSavedAlign))
	copy(memory, saved)
	inMemory := made[*infermem.Quant](t)(infermem.LoadQuantBytes(memory, nil, tape))
	defer inMemory.Close()
	want(t, "a weight", floatsOf(t, inMemory)[77], floatsOf(t, q)[77])
	memory[len(memory)-1] ^= 1
	wantCode(t, inMemory.Verify(), infermem.ErrCorrupt)
	_, err := infermem.LoadQuant(Data(t, "tiny-llama.gguf"), nil)
	wantCode(t, err, infermem.ErrFormat)
}

func quantBorrows(t *testing.T) {
	data := numbers(rows*cols, 3)
	n := made[uint64](t)(infermem.DTypeQ8_0.Bytes(rows * cols))
	tape := made[*infermem.Tape](t)(infermem.NewTape(infermem.TapeOptions{Size: 1 << 20}))
	memory := made[[]byte](t)(tape.Alloc(int(n), 64))
	must(t, infermem.Quantize(infermem.DTypeQ8_0, data, rows, cols, memory))
	q := made[*infermem.Quant](t)(infermem.BorrowQuant(infermem.DTypeQ8_0, memory, rows, cols, tape))
	tape, memory = nil, nil
	collect(func() bool { return false }) // the matrix has to keep the tape
	want(t, "type", q.DType(), infermem.DTypeQ8_0)
	for i, value := range floatsOf(t, q) {
		near(t, "a weight", float64(value), float64(data[i]), 1.0/200)
	}
	must(t, q.Close())
	_, err := infermem.BorrowQuant(infermem.DTypeQ8_0, nil, 1, 32, nil)
	wantCode(t, err, infermem.ErrNull)
	wantCode(t, infermem.Quantize(infermem.DTypeQ8_0, data, rows, cols, make([]byte, n-1)), infermem.ErrShape)
}

// quantImports has 8 rows of one group of 8 columns, all 9, with the zero point 8 and the scale 0.5: so all 0.5.
func quantImports(t *testing.T) {
	scales := bytes.Repeat([]byte{0, 0, 0, 0x3f}, 8)
	words := func(nibbles byte, n int) []byte { return bytes.Repeat([]byte{nibbles}, 4*n) }
	options := &infermem.QuantOptions{Bits: 4, Group: 8}
	for form, q := range map[string]*infermem.Quant{
		"GPTQ": made[*infermem.Quant](t)(infermem.QuantFromGPTQ(infermem.QuantTensors{Weights: words(0x99, 8),
			Zeros: words(0x77, 1), Scales: scales}, 8, 8, options)),
		"GPTQ 2": made[*infermem.Quant](t)(infermem.QuantFromGPTQ(infermem.QuantTensors{Weights: words(0x99, 8),
			Zeros: words(0x88, 1), Scales: scales, GroupIndex: make([]byte, 32), GPTQVersion: 2}, 8, 8, options)),
		"AWQ": made[*infermem.Quant](t)(infermem.QuantFromAWQ(infermem.QuantTensors{Weights: words(0x99, 8),
			Zeros: words(0x88, 1), Scales: scales}, 8, 8, options)),
		"HQQ": made[*infermem.Quant](t)(infermem.QuantFromHQQ(infermem.QuantTensors{Weights: words(0x99, 8),
			Zeros: bytes.Repeat([]byte{0, 0, 0, 0x41}, 8), Scales: scales}, 8, 8, options)),
	} {
		for _, value := range floatsOf(t, q) {
			want(t, form, value, 0.5)
		}
		q.Close()
	}
	_, err := infermem.QuantFromGPTQ(infermem.QuantTensors{}, 8, 8, options)
	wantCode(t, err, infermem.ErrNull)
	_, err = infermem.QuantFromAWQ(infermem.QuantTensors{Weights: words(0x99, 7), Zeros: words(0x88, 1), Scales: scales}, 8,
		8, options)
	wantCode(t, err, infermem.ErrShape)
}

func quantByMany(t *testing.T) {
	q := matrixOf(t, nil)
	defer q.Close()
	x := numbers(cols, 8)
	alone := make([]float32, rows)
	must(t, q.Gemv(0, rows, x, alone))
	together := make([]float32, rows)
	var group sync.WaitGroup
	for i := 0; i < 8; i++ {
		begin, n := i*rows/8, rows/8
		group.Add(1)
		go func() {
			defer group.Done()
			for j := 0; j < 50; j++ {
				if err := q.Gemv(begin, n, x, together[begin:begin+n]); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	group.Wait()
	for i := range alone {
		want(t, "a product", together[i], alone[i])
	}
}

func quantRefuses(t *testing.T) {
	data := numbers(rows*cols, 3)
	data[100] = float32(math.NaN())
	_, err := infermem.QuantFromFloat32(data, rows, cols, nil)
	want(t, "index", wantCode(t, err, infermem.ErrNotFinite).Got, 100)
	q := made[*infermem.Quant](t)(infermem.QuantFromFloat32(data, rows, cols,
		&infermem.QuantOptions{NaNPolicy: infermem.QuantClamp}))
	q.Close()
	_, err = infermem.QuantFromFloat32(data, rows, cols, &infermem.QuantOptions{Bits: 5})
	wantCode(t, err, infermem.ErrArg)
	_, err = infermem.QuantFromFloat32(data[1:], rows, cols, nil)
	wantCode(t, err, infermem.ErrShape)
	wantCode(t, infermem.QuantizeActivations(data, cols, rows, infermem.NewActivations(cols, rows)), infermem.ErrNotFinite)
}
