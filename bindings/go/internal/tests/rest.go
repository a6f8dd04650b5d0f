package tests

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unsafe"

	infermem "infermem.dev/go"
)

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	return made[[]byte](t)(os.ReadFile(path))
}

func padHolds(t *testing.T) {
	pad := made[*infermem.Pad](t)(infermem.NewPad(infermem.PadOptions{MaxTokens: 4, Dim: 3, Type: infermem.DTypeF64}))
	defer pad.Close()
	want(t, "empty", pad.IsEmpty(), true)
	must(t, pad.AppendFloat32([]float32{1, 2, 3, 4, 5, 6}, 2))
	view := made[*infermem.View](t)(pad.View())
	want(t, "doubles", len(view.Float64()), 6)
	want(t, "the fifth", view.Float64()[4], 5)
	must(t, pad.Append(view.Bytes()[24:]))
	must(t, pad.AppendRows(view.Bytes()[:24], 1))
	want(t, "length", pad.Len(), 4)
	want(t, "text", pad.String(), "Scratchpad(len=4, capacity=4, dim=3)")
	all := made[*infermem.View](t)(pad.View()).Float64()
	if all[6] != 4 || all[9] != 1 {
		t.Fatal(all)
	}
	wantCode(t, pad.AppendFloat32([]float32{1, 2, 3}, 1), infermem.ErrFull)
	wantCode(t, pad.AppendFloat32([]float32{1, 2, 3}, 2), infermem.ErrShape)
	wantCode(t, pad.AppendFloat32([]float32{1, 2, 3, 4}, 2), infermem.ErrShape)
	wantCode(t, pad.Append(make([]byte, 7)), infermem.ErrShape)
	wantCode(t, pad.AppendRows(make([]byte, 24), -1), infermem.ErrShape)
	must(t, pad.AppendFloat32(nil, 0))
	must(t, pad.Truncate(1))
	want(t, "capacity", pad.Capacity(), 4)
	want(t, "dim", pad.Dim(), 3)
	must(t, pad.Clear())
	want(t, "generation", pad.Generation(), 1)
	wantCode(t, pad.Truncate(1), infermem.ErrRange)
	_, err := infermem.NewPad(infermem.PadOptions{MaxTokens: 1})
	wantCode(t, err, infermem.ErrArg)
}

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

type readerAt struct{ err error }

func (r readerAt) ReadAt([]byte, int64) (int, error) { return 0, r.err }

func planFits(t *testing.T) {
	model := tiny(t)
	defer model.Close()
	options := &infermem.PlanOptions{Context: 256, HostBytes: 8 << 30, KType: infermem.DTypeF16, VType: infermem.DTypeF16}
	plan := made[*infermem.Plan](t)(infermem.NewPlan(model, nil, options))
	defer plan.Close()
	want(t, "mode", plan.Mode(), infermem.PlanHost)
	var sum uint64
	for i := 0; i < plan.TermCount(); i++ {
		term := made[infermem.PlanTerm](t)(plan.Term(i))
		if term.Name == "" || term.Formula == "" {
			t.Fatal(term)
		}
		sum += term.Bytes
	}
	want(t, "sum", made[uint64](t)(plan.Query(infermem.PlanTotalBytes, infermem.PlanPlaceAll)), sum)
	layer := made[infermem.PlanLayerFacts](t)(plan.Layer(1))
	want(t, "place", layer.Place, infermem.PlanPlaceHost)
	want(t, "advice", len(made[[]infermem.PlanAdviceFacts](t)(plan.Advice())), 0)
	if text := made[string](t)(plan.Text(infermem.PlanTextUTF8)); !strings.Contains(text, "weights") {
		t.Fatal(text)
	}
	want(t, "JSON", json.Valid([]byte(made[string](t)(plan.JSON()))), true)
	layout := made[*infermem.Layout](t)(plan.BuildLayout())
	defer layout.Close()
	kv := made[*infermem.KV](t)(plan.BuildKV(layout.History()))
	defer kv.Close()
	want(t, "room", kv.Max(), 256)
	measures := []infermem.PlanMeasure{{Kind: infermem.PlanKVGlobal, Place: infermem.PlanPlaceAll,
		MeasuredBytes: uint64(kv.MemoryBytes())}}
	must(t, plan.Audit(measures))
	want(t, "how far off", measures[0].PerMillion, 0)
	if text := made[string](t)(plan.AuditText(measures)); text == "" {
		t.Fatal("no audit")
	}
	_, err := plan.Query(1000, 0)
	wantCode(t, err, infermem.ErrArg)

	config := made[infermem.ModelConfig](t)(model.Config())
	small := made[infermem.PlanDevice](t)(infermem.PlanDeviceFrom(infermem.DeviceFacts{TotalBytes: 1 << 20,
		FreeBytes: 1 << 20, FreeKnown: 1}))
	small.SetName("a small one")
	want(t, "name", small.NameText(), "a small one")
	refusal := made[*infermem.Plan](t)(infermem.NewPlanOfConfig(config, []infermem.PlanDevice{small},
		&infermem.PlanOptions{Context: 256, Steps: infermem.PlanStepNone}))
	defer refusal.Close()
	want(t, "mode", refusal.Mode(), infermem.PlanInsufficient)
	advice := made[[]infermem.PlanAdviceFacts](t)(refusal.Advice())
	if len(advice) == 0 || advice[0].Code == 0 {
		t.Fatal(advice)
	}
	_, err = refusal.BuildKV(nil)
	wantCode(t, err, infermem.ErrState)
	_, err = infermem.NewPlanOfConfig(config, nil, nil)
	wantCode(t, err, infermem.ErrArg)
}

func planEstimates(t *testing.T) {
	model := tiny(t)
	defer model.Close()
	config := made[infermem.ModelConfig](t)(model.Config())
	kv := made[uint64](t)(config.EstimateKV(100))
	want(t, "cache", kv, 4*config.NLayers*100*config.NKVHeads*(config.HeadDimK+config.HeadDimV))
	full, layer := made[uint64](t)(config.EstimateFull(100)), made[uint64](t)(config.EstimateLayer())
	streaming := made[uint64](t)(config.EstimateStreaming(100))
	want(t, "what streaming saves", full-streaming, (config.NLayers-1)*layer)
	prefill := made[uint64](t)(config.EstimatePrefillCache(false))
	want(t, "a copy of 2 bytes", prefill, 2*made[uint64](t)(config.EstimatePrefillCache(true)))
	want(t, "mode", made[int32](t)(config.EstimateMode(100, 1<<40)), infermem.PlanFullCache)
	want(t, "should stream", made[bool](t)(config.ShouldStream(100, full)), true)
	if text := made[string](t)(config.EstimateText(100, 1<<40, 1<<40)); !strings.Contains(text, "Full Cache") {
		t.Fatal(text)
	}
	if !strings.Contains(infermem.PlanModeText(infermem.PlanLayerStreaming), "Streaming") {
		t.Fatal(infermem.PlanModeText(infermem.PlanLayerStreaming))
	}
	_, err := infermem.ModelConfig{}.EstimateKV(1)
	wantCode(t, err, infermem.ErrArg)
}

func devicesProbed(t *testing.T) {
	devices := made[*infermem.Devices](t)(infermem.ProbeDevices(infermem.DeviceOptions{
		Flags: infermem.DeviceNoCUDA | infermem.DeviceNoAMD}))
	defer devices.Close()
	want(t, "devices", devices.Count(), 0)
	want(t, "reason", made[int32](t)(devices.WhyNot()), infermem.DeviceWhyDisabled)
	if devices.WhyNotText() == "" {
		t.Fatal("no reason")
	}
	host := made[infermem.HostFacts](t)(devices.Host())
	if host.Known&infermem.HostTotal == 0 || host.TotalBytes == 0 {
		t.Fatal(host)
	}
	_, err := devices.Device(0)
	wantCode(t, err, infermem.ErrRange)
	root := made[*infermem.Devices](t)(infermem.ProbeDevices(infermem.DeviceOptions{CUDAPath: "/no/such/cuda.so",
		NVMLPath: "/no/such/nvml.so", Root: "/no/such/root"}))
	defer root.Close()
	want(t, "what is known of no host", made[infermem.HostFacts](t)(root.Host()).Known&infermem.HostTotal, 0)
	want(t, "reason", made[int32](t)(root.WhyNot()), infermem.DeviceWhyNoDriver)
	_, err = infermem.ProbeDevices(infermem.DeviceOptions{Root: "relative"})
	wantCode(t, err, infermem.ErrArg)
}

func viewDLPack(t *testing.T) {
	kv := filled(t, infermem.KVOptions{}, 3)
	defer kv.Close()
	view := made[*infermem.View](t)(kv.Keys(0))
	tensor := made[*infermem.DLPack](t)(view.DLPack())
	want(t, "version", *(*uint32)(tensor.Pointer()), infermem.DLPackMajor)
	must(t, tensor.Close())
	must(t, tensor.Close())
	if tensor.Pointer() != nil {
		t.Fatal("a closed tensor")
	}
	old := made[*infermem.DLPack](t)(view.DLPackUnversioned())
	want(t, "data", *(*unsafe.Pointer)(old.Pointer()), unsafe.Pointer(&view.Bytes()[0]))
	given := old.Give()
	if given == nil || old.Pointer() != nil || old.Give() != nil {
		t.Fatal("given, and kept")
	}
	must(t, old.Close())
	blocks := filled(t, infermem.KVOptions{KType: infermem.DTypeQ8_0}, 1)
	defer blocks.Close()
	_, err := made[*infermem.View](t)(blocks.Keys(0)).DLPack()
	wantCode(t, err, infermem.ErrUnsupported)
	_, err = made[*infermem.View](t)(blocks.Keys(0)).DLPackUnversioned()
	wantCode(t, err, infermem.ErrUnsupported)
}

func dtypes(t *testing.T) {
	want(t, "name", infermem.DTypeQ4_0.String(), "Q4_0")
	want(t, "name", infermem.DType(1000).String(), "unknown")
	elements, size, err := infermem.DTypeQ4_0.Block()
	must(t, err)
	want(t, "elements", elements, 32)
	want(t, "bytes", size, 18)
	want(t, "bytes of all", made[uint64](t)(infermem.DTypeQ4_0.Bytes(64)), 36)
	_, err = infermem.DTypeQ4_0.Bytes(33)
	wantCode(t, err, infermem.ErrShape)
	_, _, err = infermem.DType(1000).Block()
	wantCode(t, err, infermem.ErrType)
	want(t, "version", infermem.Version(),
		uint32(infermem.VersionMajor<<16|infermem.VersionMinor<<8|infermem.VersionPatch))
	want(t, "version", infermem.VersionText(), infermem.VersionString)
}

func simdChosen(t *testing.T) {
	names := infermem.SIMDAvailable()
	want(t, "plainest", names[0], "reference")
	must(t, infermem.SelectSIMD("reference"))
	want(t, "chosen", infermem.SIMDName(), "reference")
	must(t, infermem.SelectSIMD(""))
	want(t, "fastest", infermem.SIMDName(), names[len(names)-1])
	wantCode(t, infermem.SelectSIMD("abacus"), infermem.ErrNotFound)
}

// logLines has a process of its own, in which the first use of a kernel finds an instruction set that there is not.
func logLines(t *testing.T) {
	const variable = "INFERMEM_GO_TEST_LOG"
	if os.Getenv(variable) == "" {
		child := exec.Command(os.Args[0], "-test.run=^Test$/^log_lines_arrive$")
		child.Env = append(os.Environ(), variable+"=1", "INFERMEM_SIMD=abacus")
		if out, err := child.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	var lines []string
	must(t, infermem.SetLog(infermem.LogDebug, func(level int, message string) {
		if level == infermem.LogWarn {
			lines = append(lines, message)
		}
		panic("which ends here")
	}))
	q := matrixOf(t, nil)
	defer q.Close()
	if len(lines) != 1 || !strings.Contains(lines[0], "abacus") {
		t.Fatal(lines)
	}
	must(t, infermem.SetLog(infermem.LogDebug, nil))
	wantCode(t, infermem.SetLog(99, nil), infermem.ErrArg)
}
