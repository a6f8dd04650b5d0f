package infermem

import (
	"runtime"
	"time"
)

// Dispatch counts which backend did the work, and how long it took (infermem_dispatch). All methods but Close may be called
// by many goroutines at once.
type Dispatch struct{ own *owner[infermem_dispatch] }

// DispatchOptions is how one is made; zero in any field means the default.
type DispatchOptions struct {
	Backends   int // 0: as many as there are names, or 2
	Resolution uint32
	Names      []string
}

// NewDispatch makes one that has recorded nothing (dispatch_new).
func NewDispatch(options DispatchOptions) (*Dispatch, error) {
	raw := sized(&infermem_dispatch_options{NBackends: uint32(options.Backends), Resolution: options.Resolution})
	if options.Names != nil {
		if options.Backends == 0 {
			raw.NBackends = uint32(len(options.Names))
		} else if options.Backends != len(options.Names) {
			return nil, &Error{Code: ErrArg, Function: "dispatch_new", Expected: uint64(options.Backends),
				Got: uint64(len(options.Names)), Message: "there is not one name for each backend"}
		}
		names := make([]*byte, len(options.Names))
		for i, name := range options.Names {
			if _, err := cString("dispatch_new", name); err != nil {
				return nil, err
			}
			p, free := copied(append([]byte(name), 0))
			defer free()
			names[i] = p
		}
		p, free := copied(names)
		defer free()
		raw.Names = p
	}
	var out *infermem_dispatch
	if err := check(nil, func() int32 { return dispatch_new(raw, &out) }); err != nil {
		return nil, err
	}
	return &Dispatch{own(out, dispatch_free)}, nil
}

// Close frees it (dispatch_free).
func (d *Dispatch) Close() error {
	d.own.close()
	return nil
}

// Record records one dispatch and how long it took (dispatch_record).
func (d *Dispatch) Record(backend int, latency time.Duration) error {
	return check(d.own, func() int32 { return dispatch_record(d.own.get(), uint32(backend), int64(latency)) })
}

// CountOnly records one dispatch of which that is not known (dispatch_count_only).
func (d *Dispatch) CountOnly(backend int) error {
	return check(d.own, func() int32 { return dispatch_count_only(d.own.get(), uint32(backend)) })
}

// TimerStart is what TimerStop takes (dispatch_timer_start).
func TimerStart() uint64 { return dispatch_timer_start() }

// TimerStop records one dispatch that started then (dispatch_timer_stop).
func (d *Dispatch) TimerStop(backend int, started uint64) error {
	return check(d.own, func() int32 { return dispatch_timer_stop(d.own.get(), uint32(backend), started) })
}

// Reset forgets everything (dispatch_reset).
func (d *Dispatch) Reset() error {
	return check(d.own, func() int32 { return dispatch_reset(d.own.get()) })
}

// Snapshot is what a backend did (dispatch_snapshot).
func (d *Dispatch) Snapshot(backend int) (stats DispatchStats, err error) {
	err = check(d.own, func() int32 { return dispatch_snapshot(d.own.get(), uint32(backend), sized(&stats)) })
	return stats, err
}

// Histogram counts a backend's latencies between bounds, one more than there are (dispatch_histogram).
func (d *Dispatch) Histogram(backend int, bounds []uint64) ([]uint64, error) {
	counts := make([]uint64, len(bounds)+1)
	err := check(d.own, func() int32 {
		return dispatch_histogram(d.own.get(), uint32(backend), first(bounds), uint(len(bounds)), first(counts))
	})
	return counts, err
}

// Ratio is the share of all dispatches that a backend did (dispatch_ratio).
func (d *Dispatch) Ratio(backend int) float64 {
	defer runtime.KeepAlive(d.own)
	return dispatch_ratio(d.own.get(), uint32(backend))
}

// Speedup is how many times faster one backend is than another (dispatch_speedup).
func (d *Dispatch) Speedup(slow, fast int) float64 {
	defer runtime.KeepAlive(d.own)
	return dispatch_speedup(d.own.get(), uint32(slow), uint32(fast))
}

// Elapsed is how long ago it was made or reset (dispatch_elapsed_ns).
func (d *Dispatch) Elapsed() time.Duration { return time.Duration(asked(d.own, dispatch_elapsed_ns)) }

// Throughput is the dispatches a second since then (dispatch_throughput).
func (d *Dispatch) Throughput() float64 { return asked(d.own, dispatch_throughput) }

// Prometheus is all figures in the text format of Prometheus (dispatch_prometheus).
func (d *Dispatch) Prometheus() (string, error) {
	return written(d.own, func(buffer *byte, capacity uint, length *uint) int32 {
		return dispatch_prometheus(d.own.get(), buffer, capacity, length)
	})
}

// JSON is the same as an object (dispatch_json).
func (d *Dispatch) JSON() (string, error) {
	return written(d.own, func(buffer *byte, capacity uint, length *uint) int32 {
		return dispatch_json(d.own.get(), buffer, capacity, length)
	})
}
