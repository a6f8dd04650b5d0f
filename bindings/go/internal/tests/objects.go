package tests

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	infermem "infermem.dev/go"
)

func errorsHaveNumbers(t *testing.T) {
	tape := made[*infermem.Tape](t)(infermem.NewTape(infermem.TapeOptions{Size: 4096}))
	defer tape.Close()
	_, err := tape.Alloc(5000, 1)
	e := wantCode(t, err, infermem.ErrFull)
	want(t, "function", e.Function, "tape_alloc")
	want(t, "what was asked for", e.Expected, 5000)
	want(t, "what there is", e.Got, 4096)
	if !strings.Contains(err.Error(), "5000") || !strings.Contains(err.Error(), "tape_alloc") {
		t.Fatal(err)
	}
	if infermem.ErrFull.Error() != "infermem: no room is left" || infermem.ErrFull.Name() != "INFERMEM_E_FULL" {
		t.Fatal(infermem.ErrFull, infermem.ErrFull.Name())
	}
	_, err = infermem.OpenModel("/nowhere/at/all", 0)
	wantCode(t, err, infermem.ErrIO)
	if !os.IsNotExist(err.(*infermem.Error).OSError) {
		t.Fatal(err)
	}
	_, err = infermem.OpenModel("a\x00b", 0)
	wantCode(t, err, infermem.ErrArg)
}

func closedObjectsAnswer(t *testing.T) {
	tape := made[*infermem.Tape](t)(infermem.NewTape(infermem.TapeOptions{Size: 4096}))
	must(t, tape.Close())
	must(t, tape.Close())
	_, err := tape.Alloc(1, 1)
	wantCode(t, err, infermem.ErrNull)
	want(t, "used", tape.Used(), 0)
	_, err = infermem.NewPad(infermem.PadOptions{MaxTokens: 1, Dim: 1, Tape: tape})
	wantCode(t, err, infermem.ErrHandle)
	pad := made[*infermem.Pad](t)(infermem.NewPad(infermem.PadOptions{MaxTokens: 1, Dim: 1}))
	must(t, pad.Close())
	want(t, "text", pad.String(), "Scratchpad(closed)")
	_, err = pad.View()
	wantCode(t, err, infermem.ErrNull)
}

func closeByMany(t *testing.T) {
	for i := 0; i < 20; i++ {
		tape := made[*infermem.Tape](t)(infermem.NewTape(infermem.TapeOptions{Size: 4096}))
		var group sync.WaitGroup
		for j := 0; j < 4; j++ {
			group.Add(1)
			go func() {
				defer group.Done()
				tape.Close()
			}()
		}
		group.Wait()
	}
}

// openFiles is how many descriptors of memfds the process has: as many as shared tapes.
func openFiles() (n int) {
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, entry := range entries {
		if name, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil && strings.HasPrefix(name, "/memfd:") {
			n++
		}
	}
	return n
}

func forgottenObjectsAreFreed(t *testing.T) {
	before := openFiles()
	for i := 0; i < 50; i++ {
		tape := made[*infermem.Tape](t)(infermem.NewTape(infermem.TapeOptions{Size: 1 << 20, Flags: infermem.TapeShared}))
		made[*infermem.Pad](t)(infermem.NewPad(infermem.PadOptions{MaxTokens: 4, Dim: 4, Tape: tape}))
	}
	if openFiles() == before {
		t.Fatal("shared tapes have no descriptors to be counted by")
	}
	if !collect(func() bool { time.Sleep(time.Millisecond); return openFiles() <= before }) {
		t.Fatalf("%d tapes are left", openFiles()-before)
	}
}

// objectsKeepTheirTape makes objects of which nothing else keeps the tape, or the layout.
func objectsKeepTheirTape(t *testing.T) {
	tape := made[*infermem.Tape](t)(infermem.NewTape(infermem.TapeOptions{Size: 1 << 20}))
	kv := made[*infermem.KV](t)(infermem.NewKV(infermem.KVOptions{Layers: 1, KVHeads: 1, HeadDim: 8, MaxTokens: 100,
		Tape: tape}))
	layout := made[*infermem.Layout](t)(infermem.NewLayout(infermem.LayoutOptions{ScratchSize: 1 << 20}))
	scratch := layout.Scratch()
	tape, layout = nil, nil
	for i := 0; i < 100; i++ {
		runtime.GC()
		must(t, kv.Append(0, numbers(8, uint64(i)), numbers(8, uint64(i)), 1))
		must(t, kv.Advance(1))
		_, err := infermem.AllocSlice[float32](scratch, 10)
		must(t, err)
	}
	view := made[*infermem.View](t)(kv.Keys(0))
	kv = nil
	for i := 0; i < 10; i++ {
		runtime.GC()
		want(t, "key", view.Float32()[8*99], numbers(8, 99)[0])
	}
	runtime.KeepAlive(view)
}

func eachGoroutineItsError(t *testing.T) {
	tape := made[*infermem.Tape](t)(infermem.NewTape(infermem.TapeOptions{Size: 4096}))
	defer tape.Close()
	var group sync.WaitGroup
	for i := 0; i < 16; i++ {
		size := 10000 + i
		group.Add(1)
		go func() {
			defer group.Done()
			for j := 0; j < 200; j++ {
				_, err := tape.Alloc(size, 1)
				e, ok := err.(*infermem.Error)
				if !ok || e.Expected != uint64(size) || !strings.Contains(e.Message, fmt.Sprint(size)) {
					t.Errorf("asked for %d: %v", size, err)
					return
				}
				runtime.Gosched()
			}
		}()
	}
	group.Wait()
}

func tapeGives(t *testing.T) {
	tape := made[*infermem.Tape](t)(infermem.NewTape(infermem.TapeOptions{Size: 1 << 16, Flags: infermem.TapeZeroOnClear}))
	defer tape.Close()
	floats := made[[]float32](t)(infermem.AllocSlice[float32](tape, 10))
	want(t, "length", len(floats), 10)
	for i := range floats {
		floats[i] = float32(i)
	}
	used := tape.Used()
	if used < 40 || tape.FreeBytes() > 1<<16-used {
		t.Fatal(used, tape.FreeBytes())
	}
	mark := made[infermem.TapeMark](t)(tape.Mark())
	bytes := made[[]byte](t)(tape.Alloc(100, 64))
	want(t, "owns", tape.Owns(bytes), true)
	want(t, "owns Go's", tape.Owns(make([]byte, 1)), false)
	must(t, tape.Rewind(mark))
	want(t, "used after a rewind", tape.Used(), used)
	if tape.Peak() < used+100 {
		t.Fatal(tape.Peak())
	}
	must(t, tape.Warm())
	must(t, tape.Trim())
	want(t, "a float", floats[9], 9)
	must(t, tape.Seal())
	_, err := tape.Alloc(1, 1)
	wantCode(t, err, infermem.ErrSealed)
	facts := made[infermem.TapeFacts](t)(tape.Facts())
	if !facts.IsSealed || facts.FD != -1 || facts.Total != 1<<16 || facts.Base == nil {
		t.Fatal(facts)
	}
	must(t, tape.Unseal())
	must(t, tape.Clear())
	want(t, "used after a clear", tape.Used(), 0)
	want(t, "generation", tape.Generation(), 1)
	wantCode(t, tape.Rewind(mark), infermem.ErrStale)
	_, err = infermem.AllocSlice[float64](tape, -1)
	wantCode(t, err, infermem.ErrOverflow)
	_, err = tape.Alloc(1<<17, 1)
	wantCode(t, err, infermem.ErrFull)
	want(t, "failures", tape.Failures(), 1)
	_, err = infermem.NewTape(infermem.TapeOptions{})
	wantCode(t, err, infermem.ErrArg)
}

func tapeInLentMemory(t *testing.T) {
	outer := made[*infermem.Tape](t)(infermem.NewTape(infermem.TapeOptions{Size: 1 << 16}))
	defer outer.Close()
	memory := made[[]byte](t)(outer.Alloc(8192, 4096))
	inner := made[*infermem.Tape](t)(infermem.NewTape(infermem.TapeOptions{Lent: memory}))
	defer inner.Close()
	want(t, "total", inner.Total(), 8192)
	bytes := made[[]byte](t)(inner.Alloc(8, 8))
	bytes[0] = 7
	want(t, "owns", outer.Owns(bytes), true)
}

func tapeByMany(t *testing.T) {
	tape := made[*infermem.Tape](t)(infermem.NewTape(infermem.TapeOptions{Size: 1 << 20}))
	defer tape.Close()
	var group sync.WaitGroup
	for i := 0; i < 8; i++ {
		mark := uint64(i)
		group.Add(1)
		go func() {
			defer group.Done()
			var slices [][]uint64
			for j := 0; j < 100; j++ {
				slice, err := infermem.AllocSlice[uint64](tape, 8)
				if err != nil {
					t.Error(err)
					return
				}
				for k := range slice {
					slice[k] = mark
				}
				slices = append(slices, slice)
			}
			for _, slice := range slices {
				for _, value := range slice {
					if value != mark {
						t.Error("two goroutines were given the same memory")
						return
					}
				}
			}
		}()
	}
	group.Wait()
	if tape.Used() < 8*100*64 {
		t.Fatal(tape.Used())
	}
}

func layoutLifetimes(t *testing.T) {
	layout := made[*infermem.Layout](t)(infermem.NewLayout(infermem.LayoutOptions{WeightsSize: 1 << 20,
		ScratchSize: 1 << 20, WeightsFlags: infermem.TapeLazy}))
	if layout.History() != nil {
		t.Fatal("a tape of no bytes")
	}
	want(t, "total", layout.Total(), 2<<20)
	weights, scratch := layout.Weights(), layout.Scratch()
	for _, tape := range []*infermem.Tape{weights, scratch} {
		_, err := tape.Alloc(1000, 8)
		must(t, err)
	}
	must(t, layout.ClearPass())
	usage := made[infermem.LayoutUsage](t)(layout.Usage())
	if usage.ScratchUsed != 0 || usage.ScratchPeak < 1000 || usage.WeightsUsed < 1000 {
		t.Fatal(usage)
	}
	text := made[string](t)(layout.UsageText())
	want(t, "text", text, "weights: 0/1 MB | scratch: 0/1 MB | history: 0/0 MB")
	must(t, layout.ClearTalk())
	wantCode(t, weights.Clear(), infermem.ErrState)
	must(t, layout.Close())
	_, err := scratch.Alloc(1, 1)
	wantCode(t, err, infermem.ErrNull)
	must(t, layout.Close())
	_, err = infermem.NewLayout(infermem.LayoutOptions{})
	wantCode(t, err, infermem.ErrArg)
}
