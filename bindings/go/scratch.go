package infermem

import "unsafe"

// Scratch is the buffers of one forward pass (infermem_scratch).
type Scratch struct{ own *owner[infermem_scratch] }

// ScratchOptions is how they are made; zero in any field means the default.
type ScratchOptions struct {
	Batch int
	Flags uint32 // ScratchOverlap, …
	Tape  *Tape  // nil: a mapping of their own
}

// NewScratch makes the buffers, all zero (scratch_new).
func NewScratch(config ModelConfig, options ScratchOptions) (*Scratch, error) {
	tape, pointer, err := placed(options.Tape)
	if err != nil {
		return nil, err
	}
	raw := sized(&infermem_scratch_options{Batch: uint(options.Batch), Flags: options.Flags, Tape: pointer})
	var out *infermem_scratch
	if err := check(tape, func() int32 { return scratch_new(sized(&config), raw, &out) }); err != nil {
		return nil, err
	}
	return &Scratch{own(out, scratch_free, tape)}, nil
}

// Close frees the buffers (scratch_free).
func (s *Scratch) Close() error {
	s.own.close()
	return nil
}

// buffer is one of the library's, for as long as the Scratch is kept.
func buffer[T any](s *Scratch, call func(*infermem_scratch, int32, **T, *uint) int32, which int32) ([]T, error) {
	var out *T
	var n uint
	if err := check(s.own, func() int32 { return call(s.own.get(), which, &out, &n) }); err != nil {
		return nil, err
	}
	return unsafe.Slice(out, n), nil
}

// Float32 is a buffer of floats, ScratchHidden or another, to write and read as long as the Scratch is kept (scratch_f32).
func (s *Scratch) Float32(which int32) ([]float32, error) { return buffer(s, scratch_f32, which) }

// Int8 is a buffer of 8-bit integers, as Float32 (scratch_i8).
func (s *Scratch) Int8(which int32) ([]int8, error) { return buffer(s, scratch_i8, which) }

// View is any buffer (scratch_view).
func (s *Scratch) View(which int32) (*View, error) {
	return viewed(s.own, func(out *infermem_view) int32 { return scratch_view(s.own.get(), which, out) })
}

// Reset makes ScratchHidden and ScratchNormed zero (scratch_reset).
func (s *Scratch) Reset() error {
	return check(s.own, func() int32 { return scratch_reset(s.own.get()) })
}

// ResetAll makes all buffers zero (scratch_reset_all).
func (s *Scratch) ResetAll() error {
	return check(s.own, func() int32 { return scratch_reset_all(s.own.get()) })
}

// TotalBytes is what the buffers take (scratch_total_bytes).
func (s *Scratch) TotalBytes() int { return int(asked(s.own, scratch_total_bytes)) }

// SeparateBytes is what they would take if none shared memory (scratch_separate_bytes).
func (s *Scratch) SeparateBytes() int { return int(asked(s.own, scratch_separate_bytes)) }

// QuantizeQ8K quantizes a token's floats into a row of ScratchQ8KHidden or ScratchQ8KInter (scratch_quantize_q8k).
func (s *Scratch) QuantizeQ8K(which int32, row int, values []float32) error {
	return check(s.own, func() int32 {
		return scratch_quantize_q8k(s.own.get(), which, uint(row), first(values), uint(len(values)))
	})
}

// QuantizeQ8 quantizes a token's floats into a row of ScratchQ8Scales and ScratchQ8Quants (scratch_quantize_q8).
func (s *Scratch) QuantizeQ8(row int, values []float32) error {
	return check(s.own, func() int32 {
		return scratch_quantize_q8(s.own.get(), uint(row), first(values), uint(len(values)))
	})
}

// ScratchPlan is where the buffers of any graph go (infermem_scratch_plan).
type ScratchPlan struct{ own *owner[infermem_scratch_plan] }

// NewScratchPlan finds offsets for buffers; align 0 means 64 (scratch_plan_new).
func NewScratchPlan(lifetimes []ScratchLifetime, align uint64) (*ScratchPlan, error) {
	options := sized(&ScratchPlanOptions{Align: align})
	var out *infermem_scratch_plan
	err := check(nil, func() int32 { return scratch_plan_new(first(lifetimes), uint(len(lifetimes)), options, &out) })
	if err != nil {
		return nil, err
	}
	return &ScratchPlan{own(out, scratch_plan_free)}, nil
}

// Close frees the plan (scratch_plan_free).
func (p *ScratchPlan) Close() error {
	p.own.close()
	return nil
}

// Offsets is where the buffers are, in the order of the lifetimes, copied (scratch_plan_offsets).
func (p *ScratchPlan) Offsets() (offsets []uint64, err error) {
	var out *uint64
	var n uint
	err = check(p.own, func() int32 {
		code := scratch_plan_offsets(p.own.get(), &out, &n)
		if code == 0 && n > 0 {
			offsets = append(offsets, unsafe.Slice(out, n)...)
		}
		return code
	})
	return offsets, err
}

// TotalBytes is that of the piece of memory (scratch_plan_total_bytes).
func (p *ScratchPlan) TotalBytes() uint64 { return asked(p.own, scratch_plan_total_bytes) }

// SeparateBytes is what the buffers take one after the other (scratch_plan_separate_bytes).
func (p *ScratchPlan) SeparateBytes() uint64 { return asked(p.own, scratch_plan_separate_bytes) }
