package tests

import (
	"testing"

	infermem "infermem.dev/go"
)

func scratchHasBuffers(t *testing.T) {
	model := tiny(t)
	defer model.Close()
	config := made[infermem.ModelConfig](t)(model.Config())
	tape := made[*infermem.Tape](t)(infermem.NewTape(infermem.TapeOptions{Size: 1 << 20}))
	defer tape.Close()
	scratch := made[*infermem.Scratch](t)(infermem.NewScratch(config, infermem.ScratchOptions{Batch: 2,
		Flags: infermem.ScratchOverlap | infermem.ScratchQ8, Tape: tape}))
	defer scratch.Close()
	hidden := made[[]float32](t)(scratch.Float32(infermem.ScratchHidden))
	want(t, "elements", uint64(len(hidden)), 2*config.Hidden)
	hidden[0] = 5
	view := made[*infermem.View](t)(scratch.View(infermem.ScratchHidden))
	want(t, "rows", view.Shape[0], 2)
	want(t, "an element", view.Float32()[0], 5)
	must(t, scratch.Reset())
	want(t, "an element", hidden[0], 0)
	must(t, scratch.QuantizeQ8(1, numbers(32, 1)))
	must(t, scratch.QuantizeQ8K(infermem.ScratchQ8kHidden, 0, numbers(128, 1)))
	quants := made[[]int8](t)(scratch.Int8(infermem.ScratchQ8Quants))
	var any int8
	for _, q := range quants {
		any |= q
	}
	if any == 0 {
		t.Fatal("nothing was quantized")
	}
	must(t, scratch.ResetAll())
	want(t, "a level", quants[len(quants)/2], 0)
	if scratch.TotalBytes() >= scratch.SeparateBytes() {
		t.Fatal(scratch.TotalBytes(), scratch.SeparateBytes())
	}
	_, err := scratch.Int8(infermem.ScratchHidden)
	wantCode(t, err, infermem.ErrType)
	_, err = scratch.Float32(infermem.ScratchExpandedV)
	wantCode(t, err, infermem.ErrState)
	must(t, tape.Clear())
	wantCode(t, scratch.Reset(), infermem.ErrStale)

	plan := made[*infermem.Plan](t)(infermem.NewPlan(model, nil, &infermem.PlanOptions{Context: 64, HostBytes: 8 << 30}))
	defer plan.Close()
	built := made[*infermem.Scratch](t)(plan.BuildScratch(nil))
	must(t, built.Close())
}

func scratchPlans(t *testing.T) {
	plan := made[*infermem.ScratchPlan](t)(infermem.NewScratchPlan([]infermem.ScratchLifetime{
		{Bytes: 64, FirstUse: 0, LastUse: 1}, {Bytes: 64, FirstUse: 1, LastUse: 2}, {Bytes: 64, FirstUse: 2, LastUse: 3}}, 0))
	defer plan.Close()
	want(t, "bytes", plan.TotalBytes(), 128)
	want(t, "bytes apart", plan.SeparateBytes(), 192)
	offsets := made[[]uint64](t)(plan.Offsets())
	if len(offsets) != 3 || offsets[0] != offsets[2] || offsets[0] == offsets[1] {
		t.Fatal(offsets)
	}
	_, err := infermem.NewScratchPlan([]infermem.ScratchLifetime{{FirstUse: 2, LastUse: 1}}, 0)
	wantCode(t, err, infermem.ErrArg)
}
