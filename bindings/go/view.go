package infermem

import (
	"unsafe"
)

// View shows memory of an object without a copy: a matrix, or what else has up to four dimensions, from the slowest to the
// fastest (infermem_view). It keeps the object; what ends the view, the function says that gave it.
type View struct {
	DType    DType
	ReadOnly bool  // writing to what it shows may fault
	Shape    []int // elements
	Strides  []int // bytes
	raw      *infermem_view
	keeps    interface{}
}

// viewed is the view that a call fills.
func viewed(keeps interface{}, call func(out *infermem_view) int32) (*View, error) {
	raw := new(infermem_view)
	if err := check(keeps, func() int32 { return call(raw) }); err != nil {
		return nil, err
	}
	v := &View{DType: raw.DType, ReadOnly: raw.Flags&ViewReadonly != 0, raw: raw, keeps: keeps}
	for i := 0; i < int(raw.NDims); i++ {
		v.Shape = append(v.Shape, int(raw.Shape[i]))
		v.Strides = append(v.Strides, int(raw.Strides[i]))
	}
	return v, nil
}

// Bytes is all that the view shows, as it is stored.
func (v *View) Bytes() []byte { return shown[byte](v, 1) }

// Float32 is the elements, row by row; nil of another type than F32.
func (v *View) Float32() []float32 { return elements[float32](v, DTypeF32) }

// Float64 is the elements, row by row; nil of another type than F64.
func (v *View) Float64() []float64 { return elements[float64](v, DTypeF64) }

// Bits16 is the elements, row by row, as they are stored; nil of other types than F16 and BF16.
func (v *View) Bits16() []uint16 {
	if v.DType == DTypeBF16 {
		return elements[uint16](v, DTypeBF16)
	}
	return elements[uint16](v, DTypeF16)
}

// Int8 is the elements, row by row; nil of another type than I8.
func (v *View) Int8() []int8 { return elements[int8](v, DTypeI8) }

// elements is those of a view in rows without gaps, as all of the library's are. A file's tensors are at any multiple of
// the file's alignment, so that of the element is looked at.
func elements[T any](v *View, dtype DType) []T {
	if v.DType != dtype || uintptr(v.raw.Data)%unsafe.Alignof(*new(T)) != 0 {
		return nil
	}
	return shown[T](v, unsafe.Sizeof(*new(T)))
}

func shown[T any](v *View, size uintptr) []T {
	if v.raw.Data == nil {
		return nil
	}
	return unsafe.Slice((*T)(v.raw.Data), uintptr(v.raw.Bytes)/size)
}

// DLPack is a view as other programs take it: a DLManagedTensorVersioned, or, made by DLPackUnversioned, a
// DLManagedTensor.
type DLPack struct {
	versioned   *owner[infermem_dlpack]
	unversioned *owner[infermem_dlpack_unversioned]
}

// DLPack makes a tensor of the view (infermem_view_dlpack).
func (v *View) DLPack() (*DLPack, error) {
	var out *infermem_dlpack
	if err := check(v, func() int32 { return infermem_view_dlpack(v.raw, nil, &out) }); err != nil {
		return nil, err
	}
	return &DLPack{versioned: own(out, dlpackDelete, v)}, nil
}

// DLPackUnversioned makes one in the form from before versions (infermem_view_dlpack_unversioned).
func (v *View) DLPackUnversioned() (*DLPack, error) {
	var out *infermem_dlpack_unversioned
	if err := check(v, func() int32 { return infermem_view_dlpack_unversioned(v.raw, nil, &out) }); err != nil {
		return nil, err
	}
	return &DLPack{unversioned: own(out, dlpackDeleteUnversioned, v)}, nil
}

// Pointer is the address of the tensor, for code that looks at it as long as the DLPack is kept; nil once it was closed.
func (d *DLPack) Pointer() unsafe.Pointer {
	if d.versioned != nil {
		return unsafe.Pointer(d.versioned.get())
	}
	return unsafe.Pointer(d.unversioned.get())
}

// Give is the address of the tensor for code that calls its deleter; the caller keeps the view until then.
func (d *DLPack) Give() unsafe.Pointer {
	if d.versioned != nil {
		return unsafe.Pointer(d.versioned.take())
	}
	return unsafe.Pointer(d.unversioned.take())
}

// Close calls the tensor's deleter.
func (d *DLPack) Close() error {
	d.versioned.close()
	d.unversioned.close()
	return nil
}
