package infermem

// Pad is a preallocated matrix of rows with a length (infermem_pad).
type Pad struct{ own *owner[infermem_pad] }

// PadOptions is how a pad is made.
type PadOptions struct {
	MaxTokens, Dim int
	Type           DType // F32, F64, F16 or BF16
	Tape           *Tape // nil: a mapping of its own
}

// NewPad makes an empty pad (pad_new).
func NewPad(options PadOptions) (*Pad, error) {
	tape, pointer, err := placed(options.Tape)
	if err != nil {
		return nil, err
	}
	raw := sized(&infermem_pad_options{MaxTokens: uint(options.MaxTokens), Dim: uint(options.Dim), Type: options.Type,
		Tape: pointer})
	var out *infermem_pad
	if err := check(tape, func() int32 { return pad_new(raw, &out) }); err != nil {
		return nil, err
	}
	return &Pad{own(out, pad_free, tape)}, nil
}

// Close frees the pad (pad_free).
func (p *Pad) Close() error {
	p.own.close()
	return nil
}

// Append copies one row of the pad's type, in bytes (pad_append).
func (p *Pad) Append(row []byte) error {
	n, err := p.elements(len(row))
	if err != nil {
		return err
	}
	return check(p.own, func() int32 { return pad_append(p.own.get(), firstByte(row), n) })
}

// AppendRows copies n rows of the pad's type, all of them or none (pad_append_rows).
func (p *Pad) AppendRows(rows []byte, n int) error {
	elements, err := p.elements(len(rows))
	if err != nil {
		return err
	}
	dim, err := p.width(int(elements), n)
	if err != nil {
		return err
	}
	return check(p.own, func() int32 { return pad_append_rows(p.own.get(), firstByte(rows), uint(n), dim) })
}

// AppendFloat32 converts n rows of floats to the pad's type, and appends all of them or none (pad_append_f32).
func (p *Pad) AppendFloat32(rows []float32, n int) error {
	dim, err := p.width(len(rows), n)
	if err != nil {
		return err
	}
	return check(p.own, func() int32 { return pad_append_f32(p.own.get(), first(rows), uint(n), dim) })
}

// elements is how many a number of bytes holds.
func (p *Pad) elements(bytes int) (uint, error) {
	view, err := p.View()
	if err != nil {
		return 0, err
	}
	_, size, err := view.DType.Block()
	if err == nil && bytes%size != 0 {
		err = &Error{Code: ErrShape, Function: "pad_append", Got: uint64(bytes), Message: "the bytes are not whole elements"}
	}
	if err != nil {
		return 0, err
	}
	return uint(bytes / size), nil
}

// width is that of n rows, which are not more than the slice holds: the library checks the rest.
func (p *Pad) width(elements, n int) (uint, error) {
	if n == 0 && elements == 0 {
		return uint(p.Dim()), nil
	}
	if n <= 0 || elements%n != 0 {
		return 0, &Error{Code: ErrShape, Function: "pad_append_rows", Expected: uint64(n) * uint64(p.Dim()),
			Got: uint64(elements), Message: "the slice is not whole rows"}
	}
	return uint(elements / n), nil
}

// View is the rows; it is good until they are truncated or cleared (pad_view).
func (p *Pad) View() (*View, error) {
	return viewed(p.own, func(out *infermem_view) int32 { return pad_view(p.own.get(), out) })
}

// Truncate shortens the pad to its first n rows (pad_truncate).
func (p *Pad) Truncate(n int) error {
	return check(p.own, func() int32 { return pad_truncate(p.own.get(), uint(n)) })
}

// Clear empties the pad (pad_clear).
func (p *Pad) Clear() error { return check(p.own, func() int32 { return pad_clear(p.own.get()) }) }

// Len is the rows in the pad (pad_len).
func (p *Pad) Len() int { return int(asked(p.own, pad_len)) }

// Capacity is the most that it can hold (pad_capacity).
func (p *Pad) Capacity() int { return int(asked(p.own, pad_capacity)) }

// Dim is the elements of a row (pad_dim).
func (p *Pad) Dim() int { return int(asked(p.own, pad_dim)) }

// IsEmpty tells whether there are no rows (pad_is_empty).
func (p *Pad) IsEmpty() bool { return asked(p.own, pad_is_empty) != 0 }

// Generation is how many times the pad was cleared (pad_generation).
func (p *Pad) Generation() uint64 { return asked(p.own, pad_generation) }

// String describes the pad (pad_text).
func (p *Pad) String() string {
	s, err := written(p.own, func(buffer *byte, capacity uint, length *uint) int32 {
		return pad_text(p.own.get(), buffer, capacity, length)
	})
	if err != nil {
		return "Scratchpad(closed)"
	}
	return s
}
