package infermem

import "runtime"

// Quant is a matrix of weights in few bits (infermem_quant). It never changes.
type Quant struct{ own *owner[infermem_quant] }

// QuantOptions is how a matrix is made; zero in any field means the default.
type QuantOptions struct {
	Bits, NaNPolicy uint32
	Group           int
	Params          DType // of scales and minima: F32, F16 or BF16
	Symmetric       bool
	Flags           uint64 // of LoadQuant: QuantNoVerify
	Tape            *Tape  // nil: a mapping of its own
}

// QuantTensors is weights in groups as other programs store them (infermem_quant_tensors).
type QuantTensors struct {
	Weights, Zeros, Scales, GroupIndex []byte
	ScalesType                         DType
	GPTQVersion                        uint32
}

// newQuant makes a matrix with options, which may be nil, and has it keep what it needs.
func newQuant(options *QuantOptions, keeps interface{},
	call func(options *infermem_quant_options, out **infermem_quant) int32) (*Quant, error) {
	var raw *infermem_quant_options
	var tape *owner[infermem_tape]
	if options != nil {
		owner, pointer, err := placed(options.Tape)
		if err != nil {
			return nil, err
		}
		tape = owner
		raw = sized(&infermem_quant_options{Bits: options.Bits, NanPolicy: options.NaNPolicy, Group: uint(options.Group),
			Params: options.Params, Flags: options.Flags, Tape: pointer})
		if options.Symmetric {
			raw.Symmetric = 1
		}
	}
	var out *infermem_quant
	if err := check(tape, func() int32 { return call(raw, &out) }); err != nil {
		return nil, err
	}
	return &Quant{own(out, quant_free, tape, keeps)}, nil
}

// QuantFromFloat32 quantizes a row-major matrix; options may be nil (quant_from_f32).
func QuantFromFloat32(data []float32, rows, cols int, options *QuantOptions) (*Quant, error) {
	return newQuant(options, nil, func(raw *infermem_quant_options, out **infermem_quant) int32 {
		return quant_from_f32(first(data), uint(len(data)), uint(rows), uint(cols), raw, out)
	})
}

// QuantFromF16 quantizes a row-major matrix of F16 (quant_from_f16).
func QuantFromF16(data []uint16, rows, cols int, options *QuantOptions) (*Quant, error) {
	return newQuant(options, nil, func(raw *infermem_quant_options, out **infermem_quant) int32 {
		return quant_from_f16(first(data), uint(len(data)), uint(rows), uint(cols), raw, out)
	})
}

// QuantFromBF16 quantizes a row-major matrix of BF16 (quant_from_bf16).
func QuantFromBF16(data []uint16, rows, cols int, options *QuantOptions) (*Quant, error) {
	return newQuant(options, nil, func(raw *infermem_quant_options, out **infermem_quant) int32 {
		return quant_from_bf16(first(data), uint(len(data)), uint(rows), uint(cols), raw, out)
	})
}

// BorrowQuant makes a matrix of weights that lie in one of the field's formats in memory that is not Go's, such as a
// View's or a tape's. It keeps owner, which is what keeps that memory: the View, or the Tape (quant_borrow).
func BorrowQuant(dtype DType, memory []byte, rows, cols int, owner interface{}) (*Quant, error) {
	return newQuant(nil, owner, func(_ *infermem_quant_options, out **infermem_quant) int32 {
		return quant_borrow(int32(dtype), firstByte(memory), uint(len(memory)), uint(rows), uint(cols), nil, out)
	})
}

// BorrowView makes one of a matrix that a view shows, such as a model's tensor; it keeps the view (quant_borrow).
func BorrowView(v *View) (*Quant, error) {
	rows, cols := 1, 1
	for i, n := range v.Shape {
		if i < len(v.Shape)-1 {
			rows *= n
		} else {
			cols = n
		}
	}
	return BorrowQuant(v.DType, v.Bytes(), rows, cols, v)
}

// QuantFromGPTQ makes a matrix of GPTQ's tensors (quant_from_gptq).
func QuantFromGPTQ(tensors QuantTensors, rows, cols int, options *QuantOptions) (*Quant, error) {
	return newQuant(options, nil, func(raw *infermem_quant_options, out **infermem_quant) int32 {
		return quantImport(0, &tensors, uint(rows), uint(cols), raw, out)
	})
}

// QuantFromAWQ makes a matrix of AWQ's tensors (quant_from_awq).
func QuantFromAWQ(tensors QuantTensors, rows, cols int, options *QuantOptions) (*Quant, error) {
	return newQuant(options, nil, func(raw *infermem_quant_options, out **infermem_quant) int32 {
		return quantImport(1, &tensors, uint(rows), uint(cols), raw, out)
	})
}

// QuantFromHQQ makes a matrix of HQQ's tensors (quant_from_hqq).
func QuantFromHQQ(tensors QuantTensors, rows, cols int, options *QuantOptions) (*Quant, error) {
	return newQuant(options, nil, func(raw *infermem_quant_options, out **infermem_quant) int32 {
		return quantImport(2, &tensors, uint(rows), uint(cols), raw, out)
	})
}

// LoadQuant maps a file that Save wrote (quant_load).
func LoadQuant(path string, options *QuantOptions) (*Quant, error) {
	p, err := cString("quant_load", path)
	if err != nil {
		return nil, err
	}
	return newQuant(options, nil, func(raw *infermem_quant_options, out **infermem_quant) int32 {
		return quant_load(p, raw, out)
	})
}

// LoadQuantBytes makes a matrix of saved bytes in memory that is not Go's; it keeps owner, as BorrowQuant does
// (quant_load_bytes).
func LoadQuantBytes(memory []byte, options *QuantOptions, owner interface{}) (*Quant, error) {
	return newQuant(options, owner, func(raw *infermem_quant_options, out **infermem_quant) int32 {
		return quant_load_bytes(firstByte(memory), uint(len(memory)), raw, out)
	})
}

// Pack makes a copy for products (quant_pack).
func (q *Quant) Pack(options *QuantOptions) (*Quant, error) {
	return q.again(options, quant_pack)
}

// Unpack makes a plain copy of a packed matrix (quant_unpack).
func (q *Quant) Unpack(options *QuantOptions) (*Quant, error) {
	return q.again(options, quant_unpack)
}

// again makes another matrix of this one, which that does not need afterwards.
func (q *Quant) again(options *QuantOptions,
	call func(*infermem_quant, *infermem_quant_options, **infermem_quant) int32) (*Quant, error) {
	defer runtime.KeepAlive(q.own)
	return newQuant(options, nil, func(raw *infermem_quant_options, out **infermem_quant) int32 {
		return call(q.own.get(), raw, out)
	})
}

// Close frees the matrix (quant_free).
func (q *Quant) Close() error {
	q.own.close()
	return nil
}

// Save writes the matrix to a file, whole or not at all (quant_save).
func (q *Quant) Save(path string) error {
	p, err := cString("quant_save", path)
	if err != nil {
		return err
	}
	return check(q.own, func() int32 { return quant_save(q.own.get(), p) })
}

// Verify verifies the checksums of a matrix that was loaded (quant_verify).
func (q *Quant) Verify() error {
	return check(q.own, func() int32 { return quant_verify(q.own.get()) })
}

// Shape is the rows and columns (quant_shape).
func (q *Quant) Shape() (rows, cols int, err error) {
	var r, c uint
	err = check(q.own, func() int32 { return quant_shape(q.own.get(), &r, &c) })
	return int(r), int(c), err
}

// Bytes is what is stored (quant_bytes).
func (q *Quant) Bytes() int { return int(asked(q.own, quant_bytes)) }

// Bits is those of a stored value (quant_bits).
func (q *Quant) Bits() int { return int(asked(q.own, quant_bits)) }

// Group is how many values share parameters (quant_group).
func (q *Quant) Group() int { return int(asked(q.own, quant_group)) }

// Params is the type of scales and minima (quant_params).
func (q *Quant) Params() DType { return DType(asked(q.own, quant_params)) }

// IsSymmetric tells whether minima are implied (quant_is_symmetric).
func (q *Quant) IsSymmetric() bool { return asked(q.own, quant_is_symmetric) != 0 }

// Layout is QuantPlain or QuantPacked (quant_layout).
func (q *Quant) Layout() int32 { return asked(q.own, quant_layout) }

// DType is QuantNative, or the type of a borrowed matrix (quant_dtype).
func (q *Quant) DType() DType { return DType(asked(q.own, quant_dtype)) }
