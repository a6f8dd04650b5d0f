package infermem

import (
	"errors"
	"runtime"
	"sync/atomic"
	"unsafe"
)

// ErrPending is what a NeuronLoad returns that has not loaded the rows yet.
var ErrPending = errors.New("infermem: the rows are still being loaded")

// NeuronLoad loads rows: that of ids[i] to rows[i]. With ErrPending it says that NeuronStore.Loaded is called later, and
// may keep ids and rows until then. Any other error is the load's failure; it must not call the store but for Loaded
// (infermem_neuron_load_function).
type NeuronLoad func(load uint64, ids []uint32, rows [][]byte) error

// NeuronStore keeps rows close (infermem_neuron_store). All methods but Close may be called by many goroutines at once,
// Fetch, Release and Keep each by one at a time.
type NeuronStore struct {
	own      *owner[infermem_neuron_store]
	rowBytes int
	loader   *loader
}

// NeuronStoreOptions is how a store is made, with either Load or Quant.
type NeuronStoreOptions struct {
	Rows        int
	Policy      uint32 // NeuronLRU, …
	RowBytes    int
	BudgetBytes uint64
	Load        NeuronLoad
	Quant       *Quant
	HalfLife    uint32
	Window      uint32
	Fetches     uint32
	Tape        *Tape // nil: a mapping of its own
}

// loader is what C code's context names; the store points to it, and it not to the store.
type loader struct {
	load     NeuronLoad
	rowBytes int
	failed   atomic.Pointer[failure]
}

// failure is the last that a load function gave, until a call tells it.
type failure struct {
	err      error
	panicked interface{}
}

// NewNeuronStore makes an empty store (neuron_store_new).
func NewNeuronStore(options NeuronStoreOptions) (*NeuronStore, error) {
	tape, pointer, err := placed(options.Tape)
	if err != nil {
		return nil, err
	}
	raw := sized(&infermem_neuron_store_options{NRows: uint32(options.Rows), Policy: options.Policy,
		RowBytes: uint64(options.RowBytes), BudgetBytes: options.BudgetBytes, HalfLife: options.HalfLife,
		Window: options.Window, NFetches: options.Fetches, Tape: pointer})
	l := &loader{load: options.Load, rowBytes: options.RowBytes}
	var matrix *owner[infermem_quant]
	if options.Quant != nil {
		_, cols, err := options.Quant.Shape()
		if err != nil {
			return nil, err
		}
		matrix, l.rowBytes = options.Quant.own, 4*cols
		raw.Quant = matrix.get()
	}
	free := neuron_store_free
	var context unsafe.Pointer
	if options.Load != nil { // the store keeps the context, which is therefore not Go's
		id := atomic.AddUintptr(&lastStream, 1)
		context = allocate(int(unsafe.Sizeof(id)))
		*(*uintptr)(context) = id
		raw.Load, raw.Context = loadFunction(), context
		streams.Store(id, l)
		free = func(store *infermem_neuron_store) {
			neuron_store_free(store)
			streams.Delete(id)
			release(context)
		}
	}
	var out *infermem_neuron_store
	if err := check(tape, func() int32 { return neuron_store_new(raw, &out) }); err != nil {
		free(nil)
		return nil, err
	}
	runtime.KeepAlive(matrix)
	return &NeuronStore{own(out, free, tape, matrix, context), l.rowBytes, l}, nil
}

// Close frees the store once all loads that are pending are complete (neuron_store_free).
func (s *NeuronStore) Close() error {
	s.own.close()
	return nil
}

func rowsAt(pointers []unsafe.Pointer, bytes int, rows [][]byte) {
	for i, p := range pointers {
		rows[i] = unsafe.Slice((*byte)(p), bytes)
	}
}

// onLoad is called in the goroutine that fetches.
func onLoad(context unsafe.Pointer, load uint64, ids *uint32, n uint, rows *unsafe.Pointer) (code int32) {
	found, _ := streams.Load(*(*uintptr)(context))
	l := found.(*loader)
	defer func() {
		if p := recover(); p != nil {
			l.failed.Store(&failure{panicked: p})
			code = int32(ErrState)
		}
	}()
	slices := make([][]byte, n)
	rowsAt(unsafe.Slice(rows, n), l.rowBytes, slices)
	err := l.load(load, unsafe.Slice(ids, n), slices)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrPending):
		return NeuronPending
	}
	l.failed.Store(&failure{err: err})
	return int32(codeOf(err))
}

// codeOf is the code of an error, ErrIO of one that is not the library's.
func codeOf(err error) Code {
	var e *Error
	var code Code
	switch {
	case errors.As(err, &e):
		return e.Code
	case errors.As(err, &code):
		return code
	}
	return ErrIO
}

// told adds what a load function said to the error of the call that it failed in, or has its panic go on.
func (s *NeuronStore) told(err error) error {
	if err == nil {
		return nil
	}
	if f := s.loader.failed.Swap(nil); f != nil {
		if f.panicked != nil {
			panic(f.panicked)
		}
		if e, ok := err.(*Error); ok {
			e.Cause = f.err
		}
	}
	return err
}

// fetched makes a call that fills rows, of which there are as many as ids.
func (s *NeuronStore) fetched(ids []uint32, rows [][]byte, call func(out *unsafe.Pointer) int32) error {
	if len(rows) != len(ids) {
		return &Error{Code: ErrShape, Function: "neuron_fetch", Expected: uint64(len(ids)), Got: uint64(len(rows)),
			Message: "there is not one row for each id"}
	}
	pointers := make([]unsafe.Pointer, len(ids))
	if err := s.told(check(s.own, func() int32 { return call(first(pointers)) })); err != nil {
		return err
	}
	rowsAt(pointers, s.rowBytes, rows)
	return nil
}

// Fetch gives the rows of ids, loaded or already there. They are views, good until the next Fetch or Release
// (neuron_fetch).
func (s *NeuronStore) Fetch(ids []uint32, rows [][]byte) error {
	return s.fetched(ids, rows, func(out *unsafe.Pointer) int32 {
		return neuron_fetch(s.own.get(), first(ids), uint(len(ids)), out)
	})
}

// Release ends the use of the rows of the last Fetch (neuron_store_release).
func (s *NeuronStore) Release() error {
	return check(s.own, func() int32 { return neuron_store_release(s.own.get()) })
}

// FetchBegin is Fetch without waiting: the rows are there after FetchWait, and good until FetchEnd (neuron_fetch_begin).
func (s *NeuronStore) FetchBegin(ids []uint32, rows [][]byte) (fetch uint64, err error) {
	err = s.fetched(ids, rows, func(out *unsafe.Pointer) int32 {
		return neuron_fetch_begin(s.own.get(), first(ids), uint(len(ids)), out, &fetch)
	})
	return fetch, err
}

// FetchIsReady tells whether FetchWait would not wait (neuron_fetch_is_ready).
func (s *NeuronStore) FetchIsReady(fetch uint64) bool {
	defer runtime.KeepAlive(s.own)
	return neuron_fetch_is_ready(s.own.get(), fetch) != 0
}

// FetchWait waits until nothing of a fetch is being loaded (neuron_fetch_wait).
func (s *NeuronStore) FetchWait(fetch uint64) error {
	return s.told(check(s.own, func() int32 { return neuron_fetch_wait(s.own.get(), fetch) }))
}

// FetchEnd ends the use of a fetch's rows (neuron_fetch_end).
func (s *NeuronStore) FetchEnd(fetch uint64) error {
	return check(s.own, func() int32 { return neuron_fetch_end(s.own.get(), fetch) })
}

// Loaded tells that a load that was pending is complete, or has failed (neuron_store_loaded).
func (s *NeuronStore) Loaded(load uint64, failed error) error {
	code := int32(0)
	if failed != nil {
		s.loader.failed.Store(&failure{err: failed})
		code = int32(codeOf(failed))
	}
	return check(s.own, func() int32 { return neuron_store_loaded(s.own.get(), load, code) })
}

// Keep keeps the rows of ids for good, instead of those kept before (neuron_store_keep).
func (s *NeuronStore) Keep(ids []uint32) error {
	return s.told(check(s.own, func() int32 { return neuron_store_keep(s.own.get(), first(ids), uint(len(ids))) }))
}

// Rank takes over how frequently each row's neuron was active (neuron_store_rank).
func (s *NeuronStore) Rank(neuron *Neuron) error {
	defer runtime.KeepAlive(neuron.own)
	return check(s.own, func() int32 { return neuron_store_rank(s.own.get(), neuron.own.get()) })
}

// Has tells whether a row is there (neuron_store_has).
func (s *NeuronStore) Has(id uint32) bool {
	defer runtime.KeepAlive(s.own)
	return neuron_store_has(s.own.get(), id) != 0
}

// Facts is what the store holds, and what happened (neuron_store_stat).
func (s *NeuronStore) Facts() (facts NeuronStoreFacts, err error) {
	err = check(s.own, func() int32 { return neuron_store_stat(s.own.get(), sized(&facts)) })
	return facts, err
}
