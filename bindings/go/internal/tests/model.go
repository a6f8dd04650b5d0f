package tests

import (
	"bytes"
	"errors"
	"io"
	"testing"

	infermem "infermem.dev/go"
)

func tiny(t testing.TB) *infermem.Model {
	t.Helper()
	return made[*infermem.Model](t)(infermem.OpenModel(Data(t, "tiny-llama.gguf"), 0))
}

func modelTells(t *testing.T) {
	model := tiny(t)
	defer model.Close()
	want(t, "format", model.Format(), infermem.FormatGGUF)
	want(t, "parts", len(model.Parts()), 1)
	want(t, "path", model.Parts()[0], Data(t, "tiny-llama.gguf"))
	want(t, "warnings", len(model.Warnings()), 0)
	config := made[infermem.ModelConfig](t)(model.Config())
	want(t, "architecture", config.ArchitectureText(), "llama")
	must(t, config.Validate())
	weights := made[infermem.ModelWeights](t)(model.Weights())
	var sum uint64
	for i := 0; i < model.TensorCount(); i++ {
		sum += made[infermem.TensorInfo](t)(model.Tensor(i)).Bytes
	}
	want(t, "bytes of all tensors", weights.TotalBytes, sum)
	layer := made[infermem.ModelLayer](t)(model.Layer(0))
	if computed := made[infermem.ModelLayer](t)(config.Layer(0)); computed.NKVHeads != layer.NKVHeads {
		t.Fatal(computed, layer)
	}
	if computed := made[infermem.ModelWeights](t)(config.Weights()); computed.Elements != weights.Elements {
		t.Fatal(computed, weights)
	}
	index := made[int](t)(model.FindTensor("token_embd.weight"))
	info := made[infermem.TensorInfo](t)(model.Tensor(index))
	want(t, "name", info.Name, "token_embd.weight")
	want(t, "rows", info.Shape[0], config.Vocab)
	view := made[*infermem.View](t)(model.TensorView(index))
	want(t, "bytes", uint64(len(view.Bytes())), info.Bytes)
	want(t, "the file's bytes", bytes.Equal(view.Bytes(), readFile(t, Data(t, "tiny-llama.gguf"))[info.Offset:][:info.Bytes]),
		true)
	q := made[*infermem.Quant](t)(infermem.BorrowView(view))
	defer q.Close()
	_, width, err := q.Shape()
	must(t, err)
	want(t, "columns", uint64(width), config.Hidden)
	_, err = model.FindTensor("no such tensor")
	wantCode(t, err, infermem.ErrNotFound)
	_, err = model.Tensor(-1)
	wantCode(t, err, infermem.ErrRange)
	_, err = model.Layer(1000)
	wantCode(t, err, infermem.ErrRange)
	config.NHeads = 7
	wantCode(t, config.Validate(), infermem.ErrShape)
	noData := made[*infermem.Model](t)(infermem.OpenModel(Data(t, "tiny-llama.gguf"), infermem.ModelNoData))
	defer noData.Close()
	_, err = noData.TensorView(0)
	wantCode(t, err, infermem.ErrState)
}

func modelMeta(t *testing.T) {
	model := tiny(t)
	defer model.Close()
	var arrays, strings int
	for i := 0; i < model.MetaCount(); i++ {
		info := made[infermem.MetaInfo](t)(model.Meta(i))
		want(t, "index", made[int](t)(model.FindMeta(info.Key)), i)
		switch {
		case info.Type == infermem.MetaArray && info.ElementType == infermem.MetaString:
			arrays++
			texts := made[[]string](t)(model.MetaStrings(info.Key, 0, int(info.Count)))
			want(t, "strings", uint64(len(texts)), info.Count)
			some := made[[]string](t)(model.MetaStrings(info.Key, 1, 2))
			want(t, "the second", some[0], texts[1])
		case info.Type == infermem.MetaArray && info.ElementType == infermem.MetaF32:
			arrays++
			must(t, model.MetaFloat64s(info.Key, 0, make([]float64, info.Count)))
		case info.Type == infermem.MetaArray:
			arrays++
			signed, unsigned := make([]int64, info.Count), make([]uint64, info.Count)
			must(t, model.MetaInt64s(info.Key, 0, signed))
			must(t, model.MetaUint64s(info.Key, 0, unsigned))
			want(t, "the last", uint64(signed[info.Count-1]), unsigned[info.Count-1])
			wantCode(t, model.MetaUint64s(info.Key, 1, unsigned), infermem.ErrRange)
		case info.Type == infermem.MetaString:
			strings++
			made[string](t)(model.MetaString(info.Key))
		case info.Type == infermem.MetaBool:
			made[bool](t)(model.MetaBool(info.Key))
		}
	}
	if strings == 0 {
		t.Fatal("no strings")
	}
	want(t, "architecture", made[string](t)(model.MetaString("general.architecture")), "llama")
	layers := made[uint64](t)(model.MetaUint64("llama.block_count"))
	want(t, "signed", uint64(made[int64](t)(model.MetaInt64("llama.block_count"))), layers)
	if made[float64](t)(model.MetaFloat64("llama.attention.layer_norm_rms_epsilon")) <= 0 {
		t.Fatal("no epsilon")
	}
	_, err := model.MetaBool("llama.block_count")
	wantCode(t, err, infermem.ErrType)
	_, err = model.MetaStrings("llama.block_count", 0, 1)
	wantCode(t, err, infermem.ErrType)
	wantCode(t, model.MetaInt64s("no such key", 0, nil), infermem.ErrNotFound)
	wantCode(t, model.MetaFloat64s("no such key", 0, nil), infermem.ErrNotFound)
	// Arrays of all kinds, from a configuration that is not a file.
	config := made[*infermem.Model](t)(infermem.OpenModelBytes([]byte(
		`{"model_type":"llama","n":[1,-2],"f":[0.5,2.5],"b":true,"s":["a","","\u00e9"]}`), 0))
	defer config.Close()
	numbers, floats := make([]int64, 2), make([]float64, 2)
	must(t, config.MetaInt64s("n", 0, numbers))
	must(t, config.MetaFloat64s("f", 0, floats))
	if numbers[1] != -2 || floats[0] != 0.5 || !made[bool](t)(config.MetaBool("b")) {
		t.Fatal(numbers, floats)
	}
	wantCode(t, config.MetaUint64s("n", 0, make([]uint64, 2)), infermem.ErrRange)
	texts := made[[]string](t)(config.MetaStrings("s", 0, 3))
	if texts[0] != "a" || texts[1] != "" || texts[2] != "é" {
		t.Fatal(texts)
	}
}

type readerAt struct{ err error }

func (r readerAt) ReadAt([]byte, int64) (int, error) { return 0, r.err }

func modelSources(t *testing.T) {
	file := readFile(t, Data(t, "tiny-llama.gguf"))
	fromBytes := made[*infermem.Model](t)(infermem.OpenModelBytes(file, 0))
	defer fromBytes.Close()
	fromReader := made[*infermem.Model](t)(infermem.OpenModelReader(bytes.NewReader(file), uint64(len(file))))
	defer fromReader.Close()
	model := tiny(t)
	defer model.Close()
	for _, other := range []*infermem.Model{fromBytes, fromReader} {
		want(t, "tensors", other.TensorCount(), model.TensorCount())
		want(t, "parts", len(other.Parts()), 1)
		_, err := other.TensorView(0)
		wantCode(t, err, infermem.ErrState)
	}
	_, err := infermem.OpenModelReader(readerAt{io.ErrClosedPipe}, 100)
	if wantCode(t, err, infermem.ErrIO); !errors.Is(err, io.ErrClosedPipe) {
		t.Fatal(err)
	}
	_, err = infermem.OpenModelReader(bytes.NewReader(file[:100]), uint64(len(file)))
	wantCode(t, err, infermem.ErrTruncated)
	_, err = infermem.OpenModelBytes([]byte("nothing of the kind"), 0)
	wantCode(t, err, infermem.ErrFormat)
}
