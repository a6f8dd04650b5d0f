package tests

import (
	"testing"

	infermem "infermem.dev/go"
)

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
