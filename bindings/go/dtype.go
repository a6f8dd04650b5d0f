package infermem

// DType is a type of elements; the numbers are GGUF's.
type DType int32

// String is the name of the type, "Q4_0", or "unknown" (infermem_dtype_name).
func (d DType) String() string { return goString(infermem_dtype_name(int32(d))) }

// Block is how many elements one block of the type holds, and in how many bytes (infermem_dtype_block).
func (d DType) Block() (elements, bytes int, err error) {
	var n, size uint
	err = check(nil, func() int32 { return infermem_dtype_block(int32(d), &n, &size) })
	return int(n), int(size), err
}

// Bytes is how many n elements take (infermem_dtype_bytes).
func (d DType) Bytes(n uint64) (bytes uint64, err error) {
	err = check(nil, func() int32 { return infermem_dtype_bytes(int32(d), n, &bytes) })
	return bytes, err
}
