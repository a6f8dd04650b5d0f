package tests

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"testing"
	"time"
	"unsafe"

	infermem "infermem.dev/go"
)

func neuronRecords(t *testing.T) {
	options := infermem.NeuronOptions{Neurons: 16, BudgetCount: 2}
	neuron := made[*infermem.Neuron](t)(infermem.NewNeuron(options))
	defer neuron.Close()
	must(t, neuron.RecordMask(0, []uint8{0b11, 0b1}))
	values := make([]float32, 16)
	values[1], values[8] = -3, 0.5
	must(t, neuron.RecordValues(0, values, 1))
	must(t, neuron.Reclassify(0))
	hot := made[[]uint32](t)(neuron.Hot(0))
	want(t, "hot", fmt.Sprint(hot), "[0 1]")
	want(t, "coverage", made[[]float64](t)(neuron.Coverage(0, []float64{0, 1.0 / 16, 1}))[1], 0.5)
	path := filepath.Join(t.TempDir(), "neurons")
	must(t, neuron.Save(path))
	loaded := made[*infermem.Neuron](t)(infermem.LoadNeuron(path, nil))
	defer loaded.Close()
	want(t, "frequency", loaded.Frequency(0, 1), 1)
	must(t, loaded.Merge(neuron, neuron))
	want(t, "events", made[infermem.NeuronCounts](t)(loaded.Counts(0)).Events, 6)
	wantCode(t, loaded.Merge(loaded), infermem.ErrArg)
	wantCode(t, neuron.RecordMask(0, nil), infermem.ErrNull)
	wantCode(t, neuron.RecordValues(0, values[1:], 0), infermem.ErrShape)
	_, err := infermem.LoadNeuron(Data(t, "tiny-llama.gguf"), nil)
	wantCode(t, err, infermem.ErrFormat)
}

// rowOfID is what the stores' rows are filled with.
func rowOfID(id uint32) byte { return byte(id*7 + 1) }

func fill(ids []uint32, rows [][]byte) {
	for i, id := range ids {
		for j := range rows[i] {
			rows[i][j] = rowOfID(id)
		}
	}
}

func storeKeepsRows(t *testing.T) {
	loads := 0
	store := made[*infermem.NeuronStore](t)(infermem.NewNeuronStore(infermem.NeuronStoreOptions{Rows: 100, RowBytes: 64,
		BudgetBytes: 640, Load: func(_ uint64, ids []uint32, rows [][]byte) error {
			loads++
			fill(ids, rows)
			return nil
		}}))
	defer store.Close()
	rows := make([][]byte, 3)
	for pass := 0; pass < 2; pass++ {
		must(t, store.Fetch([]uint32{5, 9, 5}, rows))
		if len(rows[1]) != 64 || rows[1][63] != rowOfID(9) || rows[2][0] != rowOfID(5) {
			t.Fatal(rows)
		}
	}
	want(t, "loads", loads, 1)
	want(t, "has", store.Has(9), true)
	want(t, "has", store.Has(10), false)
	must(t, store.Release())
	must(t, store.Keep([]uint32{1, 2}))
	facts := made[infermem.NeuronStoreFacts](t)(store.Facts())
	want(t, "misses", facts.Misses, 4)
	wantCode(t, store.Fetch([]uint32{100}, rows[:1]), infermem.ErrRange)
	wantCode(t, store.Fetch([]uint32{1}, rows), infermem.ErrShape)
	wantCode(t, store.FetchEnd(77), infermem.ErrState)
	neuron := made[*infermem.Neuron](t)(infermem.NewNeuron(infermem.NeuronOptions{Neurons: 100}))
	defer neuron.Close()
	wantCode(t, store.Rank(neuron), infermem.ErrState)
	_, err := infermem.NewNeuronStore(infermem.NeuronStoreOptions{Rows: 1, RowBytes: 1, BudgetBytes: 64})
	wantCode(t, err, infermem.ErrArg)
}

func storeOfMatrix(t *testing.T) {
	q := matrixOf(t, nil)
	store := made[*infermem.NeuronStore](t)(infermem.NewNeuronStore(infermem.NeuronStoreOptions{Quant: q,
		Policy: infermem.NeuronHot, BudgetBytes: 10 * 4 * cols}))
	defer store.Close()
	neuron := made[*infermem.Neuron](t)(infermem.NewNeuron(infermem.NeuronOptions{Neurons: rows}))
	defer neuron.Close()
	must(t, store.Rank(neuron))
	all := floatsOf(t, q)
	q = nil
	collect(func() bool { return false }) // the store has to keep the matrix
	out := make([][]byte, 1)
	must(t, store.Fetch([]uint32{7}, out))
	want(t, "a weight", *(*float32)(unsafe.Pointer(&out[0][0])), all[7*cols])
}

func storeLoadsLater(t *testing.T) {
	var store *infermem.NeuronStore
	var group sync.WaitGroup
	store = made[*infermem.NeuronStore](t)(infermem.NewNeuronStore(infermem.NeuronStoreOptions{Rows: 100, RowBytes: 64,
		BudgetBytes: 6400, Load: func(load uint64, ids []uint32, rows [][]byte) error {
			group.Add(1)
			go func() {
				defer group.Done()
				time.Sleep(time.Millisecond)
				if ids[0] == 99 {
					store.Loaded(load, io.ErrUnexpectedEOF)
					return
				}
				fill(ids, rows)
				store.Loaded(load, nil)
			}()
			return infermem.ErrPending
		}}))
	rows := make([][]byte, 2)
	fetch := made[uint64](t)(store.FetchBegin([]uint32{3, 4}, rows))
	must(t, store.FetchWait(fetch))
	want(t, "ready", store.FetchIsReady(fetch), true)
	want(t, "row", rows[1][0], rowOfID(4))
	must(t, store.FetchEnd(fetch))
	fetch = made[uint64](t)(store.FetchBegin([]uint32{99}, rows[:1]))
	err := store.FetchWait(fetch)
	if wantCode(t, err, infermem.ErrIO); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	must(t, store.FetchEnd(fetch))
	group.Wait()
	must(t, store.Close())
}

func storeLoadsFail(t *testing.T) {
	fails := func(err error) *infermem.NeuronStore {
		return made[*infermem.NeuronStore](t)(infermem.NewNeuronStore(infermem.NeuronStoreOptions{Rows: 9, RowBytes: 64,
			BudgetBytes: 640, Load: func(uint64, []uint32, [][]byte) error {
				if err == nil {
					panic("within a load")
				}
				return err
			}}))
	}
	rows := make([][]byte, 1)
	store := fails(io.ErrClosedPipe)
	err := store.Fetch([]uint32{1}, rows)
	if wantCode(t, err, infermem.ErrIO); !errors.Is(err, io.ErrClosedPipe) {
		t.Fatal(err)
	}
	store.Close()
	store = fails(fmt.Errorf("no: %w", infermem.ErrCorrupt))
	wantCode(t, store.Fetch([]uint32{1}, rows), infermem.ErrCorrupt)
	store.Close()
	store = fails(nil)
	defer store.Close()
	defer func() { want(t, "panic", fmt.Sprint(recover()), "within a load") }()
	_ = store.Fetch([]uint32{1}, rows)
}

func neuronFinds(t *testing.T) {
	neuron := made[*infermem.Neuron](t)(infermem.NewNeuron(infermem.NeuronOptions{Layers: 2, Neurons: 10, Threshold: 0.5,
		Flags: infermem.NeuronStrict}))
	defer neuron.Close()
	must(t, neuron.Record(1, []uint32{3, 7}))
	must(t, neuron.Record(1, []uint32{3}))
	must(t, neuron.Record(1, []uint32{3, 8}))
	must(t, neuron.Record(1, nil))
	must(t, neuron.Reclassify(1))
	hot := made[[]uint32](t)(neuron.Hot(1))
	if len(hot) != 1 && len(hot) != 3 || hot[0] != 3 {
		t.Fatal(hot)
	}
	want(t, "hot and cold", len(hot)+len(made[[]uint32](t)(neuron.Cold(1))), 10)
	want(t, "hot of another layer", len(made[[]uint32](t)(neuron.Hot(0))), 0)
	want(t, "is hot", neuron.IsHot(1, 3), true)
	want(t, "is hot", neuron.IsHot(1, 0), false)
	want(t, "frequency", neuron.Frequency(1, 3), 0.75)
	counts := made[infermem.NeuronCounts](t)(neuron.Counts(1))
	want(t, "events", counts.Events, 4)
	wantCode(t, neuron.Record(1, []uint32{10}), infermem.ErrRange)
	wantCode(t, neuron.Record(2, nil), infermem.ErrRange)
	must(t, neuron.Clear())
	want(t, "events", made[infermem.NeuronCounts](t)(neuron.Counts(1)).Events, 0)
	_, err := infermem.NewNeuron(infermem.NeuronOptions{Neurons: 1, Threshold: 2})
	wantCode(t, err, infermem.ErrArg)
}
