package tests

import (
	"testing"

	infermem "infermem.dev/go"
)

// Calls measures what a call costs beyond the library's own work: of a function that does next to nothing, of one with an
// error to return, and of one that appends a small row.
func Calls(b *testing.B) {
	tape := made[*infermem.Tape](b)(infermem.NewTape(infermem.TapeOptions{Size: 1 << 20, Flags: infermem.TapeExclusive}))
	defer tape.Close()
	var err error
	defer func() { must(b, err) }() // of the last call: must itself takes longer than a call
	b.Run("tape_used", func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			tape.Used()
		}
	})
	b.Run("tape_clear", func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			err = tape.Clear()
		}
	})
	kv := made[*infermem.KV](b)(infermem.NewKV(infermem.KVOptions{Layers: 1, KVHeads: 1, HeadDim: 8, MaxTokens: 2}))
	defer kv.Close()
	row := numbers(8, 1)
	b.Run("kv_append", func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			err = kv.Append(0, row, row, 1)
		}
	})
}
