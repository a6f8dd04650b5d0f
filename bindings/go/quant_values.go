package infermem

import "unsafe"

// Float32 turns the whole matrix into floats (quant_to_f32).
func (q *Quant) Float32(out []float32) error {
	return check(q.own, func() int32 { return quant_to_f32(q.own.get(), first(out), uint(len(out))) })
}

// F16 turns the whole matrix into F16 (quant_to_f16).
func (q *Quant) F16(out []uint16) error {
	return check(q.own, func() int32 { return quant_to_f16(q.own.get(), first(out), uint(len(out))) })
}

// BF16 turns the whole matrix into BF16 (quant_to_bf16).
func (q *Quant) BF16(out []uint16) error {
	return check(q.own, func() int32 { return quant_to_bf16(q.own.get(), first(out), uint(len(out))) })
}

// RangeFloat32 turns a range of rows into floats (quant_range_to_f32).
func (q *Quant) RangeFloat32(firstRow, rows int, out []float32) error {
	return check(q.own, func() int32 {
		return quant_range_to_f32(q.own.get(), uint(firstRow), uint(rows), first(out), uint(len(out)))
	})
}

// RowsFloat32 turns the rows of these indices into floats (quant_rows_to_f32).
func (q *Quant) RowsFloat32(rows []uint, out []float32) error {
	return check(q.own, func() int32 {
		return quant_rows_to_f32(q.own.get(), first(rows), uint(len(rows)), first(out), uint(len(out)))
	})
}

// Errors measures the matrix against floats (quant_error).
func (q *Quant) Errors(data []float32) (errors QuantErrors, err error) {
	err = check(q.own, func() int32 { return quant_error(q.own.get(), first(data), uint(len(data)), sized(&errors)) })
	return errors, err
}

// Export copies a matrix of the library's own form out as plain arrays (quant_export).
func (q *Quant) Export(levels []uint8, scales, mins []float32) error {
	return check(q.own, func() int32 {
		return quant_export(q.own.get(), first(levels), uint(len(levels)), first(scales), uint(len(scales)), first(mins),
			uint(len(mins)))
	})
}

// Quantize quantizes a matrix to blocks of one of the field's formats (quant_quantize).
func Quantize(dtype DType, data []float32, rows, cols int, out []byte) error {
	return check(nil, func() int32 {
		return quant_quantize(int32(dtype), first(data), uint(len(data)), uint(rows), uint(cols), firstByte(out),
			uint(len(out)))
	})
}

// Gemv is the product of a range of rows with a vector (quant_gemv).
func (q *Quant) Gemv(firstRow, rows int, x, out []float32) error {
	return check(q.own, func() int32 {
		return quant_gemv(q.own.get(), uint(firstRow), uint(rows), first(x), uint(len(x)), first(out), uint(len(out)))
	})
}

// GemvRows is the product of the rows of these indices (quant_gemv_rows).
func (q *Quant) GemvRows(rows []uint, x, out []float32) error {
	return check(q.own, func() int32 {
		return quant_gemv_rows(q.own.get(), first(rows), uint(len(rows)), first(x), uint(len(x)), first(out),
			uint(len(out)))
	})
}

// DotRow is the product of one row (quant_dot_row).
func (q *Quant) DotRow(row int, x []float32) (product float32, err error) {
	err = check(q.own, func() int32 {
		return quant_dot_row(q.own.get(), uint(row), first(x), uint(len(x)), &product)
	})
	return product, err
}

// Gemm is the product of a range of rows with several vectors (quant_gemm).
func (q *Quant) Gemm(firstRow, rows int, x []float32, vectors int, out []float32, stride int) error {
	return check(q.own, func() int32 {
		return quant_gemm(q.own.get(), uint(firstRow), uint(rows), first(x), uint(len(x)), uint(vectors), first(out),
			uint(stride), uint(len(out)))
	})
}

// ActivationsBytes is what QuantizeActivations writes (quant_activations_bytes).
func ActivationsBytes(n, vectors int) int {
	return int(quant_activations_bytes(uint(n), uint(vectors)))
}

// NewActivations is room for that, where it is best aligned.
func NewActivations(n, vectors int) []byte {
	const align = 64
	size := ActivationsBytes(n, vectors)
	room := make([]byte, size+align)
	skip := int(-uintptr(unsafe.Pointer(&room[0])) % align)
	return room[skip : skip+size : skip+size]
}

// QuantizeActivations quantizes vectors of n elements to 8 bits, for GemvQ8 and GemmQ8 (quant_activations).
func QuantizeActivations(x []float32, n, vectors int, out []byte) error {
	return check(nil, func() int32 {
		return quant_activations(first(x), uint(len(x)), uint(n), uint(vectors), firstByte(out), uint(len(out)))
	})
}

// GemvQ8 is Gemv with a vector of 8 bits (quant_gemv_q8).
func (q *Quant) GemvQ8(firstRow, rows int, x []byte, out []float32) error {
	return check(q.own, func() int32 {
		return quant_gemv_q8(q.own.get(), uint(firstRow), uint(rows), firstByte(x), uint(len(x)), first(out),
			uint(len(out)))
	})
}

// GemmQ8 is Gemm with vectors of 8 bits (quant_gemm_q8).
func (q *Quant) GemmQ8(firstRow, rows int, x []byte, vectors int, out []float32, stride int) error {
	return check(q.own, func() int32 {
		return quant_gemm_q8(q.own.get(), uint(firstRow), uint(rows), firstByte(x), uint(len(x)), uint(vectors), first(out),
			uint(stride), uint(len(out)))
	})
}
