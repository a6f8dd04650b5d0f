//go:build !cgo || infermem_purego

package infermem

import (
	"sync"
	"unsafe"

	"infermem.dev/go/internal/dynamic"
)

func init() {
	dynamic.TableSize = tableSize
	dynamic.Loaded = func(register func(pointer interface{}, function uintptr)) {
		registerFloats(func(index int, pointer interface{}) { register(pointer, entry(index)) })
	}
}

// entry is the address of a function in the table.
func entry(index int) uintptr {
	if dynamic.Table == nil {
		panic("infermem: no library is loaded: import infermem.dev/go/purego, and call its Load first")
	}
	return *(*uintptr)(unsafe.Add(dynamic.Table, uintptr(index)*unsafe.Sizeof(uintptr(0))))
}

// call calls a function of the table. What arguments were made of is kept, and not moved, until it returns.
//
//go:uintptrescapes
//go:noinline
func call(index int, arguments ...uintptr) uintptr {
	result, _, _ := dynamic.Call(entry(index), arguments...)
	return result
}

// pointer is an address that C code returned.
func pointer(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }

// Without cgo, structs may point to Go's memory: it does not move, and what points to it keeps it.
func allocate(n int) unsafe.Pointer { return unsafe.Pointer(&make([]byte, n)[0]) }
func release(unsafe.Pointer)        {}

// callback makes a C function once.
func callback(function interface{}) func() unsafe.Pointer {
	var once sync.Once
	var made unsafe.Pointer
	return func() unsafe.Pointer {
		once.Do(func() { made = pointer(dynamic.Callback(function)) })
		return made
	}
}

var (
	writeFunction = callback(func(context, bytes unsafe.Pointer, n uintptr) uintptr {
		return uintptr(onWrite(context, bytes, uint(n)))
	})
	readFunction = callback(func(context, out unsafe.Pointer, n uintptr) uintptr {
		return uintptr(onRead(context, out, uint(n)))
	})
	readAtFunction = callback(func(context unsafe.Pointer, offset uint64, out unsafe.Pointer, n uintptr) uintptr {
		return uintptr(onReadAt(context, offset, out, uint(n)))
	})
	loadFunction = callback(func(context unsafe.Pointer, load uint64, ids *uint32, n uintptr, rows *unsafe.Pointer) uintptr {
		return uintptr(onLoad(context, load, ids, uint(n), rows))
	})
	logFunction = callback(func(_ unsafe.Pointer, level int32, message *byte) uintptr {
		onLog(level, message)
		return 0
	})
)

func dlpackDelete(t *infermem_dlpack) { dynamic.Call(uintptr(t.Deleter), uintptr(unsafe.Pointer(t))) }

func dlpackDeleteUnversioned(t *infermem_dlpack_unversioned) {
	dynamic.Call(uintptr(t.Deleter), uintptr(unsafe.Pointer(t)))
}

func quantImport(form int, t *QuantTensors, rows, cols uint, options *infermem_quant_options, out **infermem_quant) int32 {
	tensors := sized(&infermem_quant_tensors{Weights: firstByte(t.Weights), WeightsBytes: uint(len(t.Weights)),
		Zeros: firstByte(t.Zeros), ZerosBytes: uint(len(t.Zeros)), Scales: firstByte(t.Scales),
		ScalesBytes: uint(len(t.Scales)), GroupIndex: firstByte(t.GroupIndex), GroupIndexBytes: uint(len(t.GroupIndex)),
		ScalesType: t.ScalesType, GptqVersion: t.GPTQVersion})
	from := [...]func(*infermem_quant_tensors, uint, uint, *infermem_quant_options, **infermem_quant) int32{
		quant_from_gptq, quant_from_awq, quant_from_hqq}
	return from[form](tensors, rows, cols, options, out)
}
