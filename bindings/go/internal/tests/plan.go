package tests

import (
	"encoding/json"
	"strings"
	"testing"

	infermem "infermem.dev/go"
)

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
