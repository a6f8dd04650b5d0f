// Package dynamic is what the package purego gives to the package infermem, where that is built without cgo.
package dynamic

import "unsafe"

var (
	// Table is the library's table of functions; nil until one was loaded.
	Table unsafe.Pointer
	// Call calls a C function that takes and returns no floats by value.
	Call func(function uintptr, arguments ...uintptr) (r1, r2, err uintptr)
	// Callback makes a C function of one of Go's.
	Callback func(function interface{}) uintptr
	// TableSize is how large the table must be, and Loaded is called once it is there, with what makes a Go function, which
	// it has a pointer to, of a C function. Both are nil, or 0, where the package infermem is built with cgo.
	TableSize uint
	Loaded    func(register func(pointer interface{}, function uintptr))
)
