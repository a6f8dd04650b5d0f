// Package infermem is the memory of an LLM inference runtime: arenas, KV caches, quantized weights, hot neurons, model
// files and memory plans. It is the C library of that name; what a call does, which shapes it takes and which errors it
// gives, the headers of the library say, under the name that each comment here has.
//
// # Handles
//
// Tape, KV, Quant and their kind each hold an object of the library. Close frees it at once and may be called more than
// once; an object that is forgotten is freed when the garbage collector finds it. An object that was made in a tape keeps
// the tape. After Close, methods that return an error give ErrNull, and the others zero.
//
// # Views
//
// A View shows memory of the library's without a copy. It keeps its object from being collected, and not from what the
// header says ends it: Close, or a Clear of the tape. Slices that it gives (Float32, Bytes) are of that memory, which the
// garbage collector knows nothing of: whoever keeps one keeps the View, or the object, too, by runtime.KeepAlive at the
// end of its use where nothing else does.
//
// # Memory that is given
//
// Slices are read and written where they are, without copies, and are not kept after the call. The functions that keep
// memory say so in their comment: it must not be Go's then, but a tape's, a view's or a mapping.
//
// # Goroutines
//
// Where a header says "many at once", methods may be called by many goroutines at once; where it says "exclusive",
// nothing else may use the object meanwhile, Close included.
package infermem

import (
	"bytes"
	"runtime"
	"sync/atomic"
	"unsafe"
)

// Version is the library's at run time: major, minor and patch in a byte each (infermem_version).
func Version() uint32 { return infermem_version() }

// VersionText is the same as text, "0.1.0" (infermem_version_string).
func VersionText() string { return goString(infermem_version_string()) }

// field is a field of a struct, by its name in C.
type field struct {
	name         string
	offset, size uintptr
}

// owner holds an object of the library, and keeps what that needs: nothing that points back to it, which would keep the
// garbage collector from both.
type owner[T any] struct {
	pointer atomic.Pointer[T] // nil once it was closed
	free    func(*T)
	keeps   []interface{}
}

func own[T any](pointer *T, free func(*T), keeps ...interface{}) *owner[T] {
	o := &owner[T]{free: free, keeps: keeps}
	o.pointer.Store(pointer)
	runtime.SetFinalizer(o, (*owner[T]).close)
	return o
}

// get is nil also of an object that is nil.
func (o *owner[T]) get() *T {
	if o == nil {
		return nil
	}
	return o.pointer.Load()
}

func (o *owner[T]) close() {
	if pointer := o.take(); pointer != nil {
		o.free(pointer)
	}
}

// take takes the object away from its owner.
func (o *owner[T]) take() *T {
	if o == nil {
		return nil
	}
	runtime.SetFinalizer(o, nil)
	return o.pointer.Swap(nil)
}

// check makes a call, which uses what keep owns, and the error of its code. The record of a failure is the thread's, so
// the goroutine stays on it.
func check(keep interface{}, call func() int32) (err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if code := call(); code != 0 {
		err = lastError(Code(code))
	}
	runtime.KeepAlive(keep)
	return err
}

// sized sets the struct_size that a struct of the library begins with.
func sized[T any](s *T) *T {
	*(*uint)(unsafe.Pointer(s)) = uint(unsafe.Sizeof(*s))
	return s
}

// sizedCopy leaves the caller's struct alone; nil, which means all defaults, stays nil.
func sizedCopy[T any](s *T) *T {
	if s == nil {
		return nil
	}
	c := *s
	return sized(&c)
}

// first is where a slice begins; nil of an empty one.
func first[T any](s []T) *T {
	if len(s) == 0 {
		return nil
	}
	return &s[0]
}

func firstByte(s []byte) unsafe.Pointer { return unsafe.Pointer(first(s)) }

// copied is a copy in memory that is not Go's, for a struct to point to, and what frees it.
func copied[T any](s []T) (*T, func()) {
	if len(s) == 0 {
		return nil, func() {}
	}
	pointer := allocate(len(s) * int(unsafe.Sizeof(s[0])))
	copy(unsafe.Slice((*T)(pointer), len(s)), s)
	return (*T)(pointer), func() { release(pointer) }
}

func text(b []byte) string {
	if end := bytes.IndexByte(b, 0); end >= 0 {
		b = b[:end]
	}
	return string(b)
}

func setText(b []byte, value string) {
	n := copy(b[:len(b)-1], value)
	for i := range b[n:] {
		b[n+i] = 0
	}
}

func goString(p *byte) string {
	if p == nil {
		return ""
	}
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}

// cString is the text with a NUL; a NUL within it would name something else.
func cString(function, value string) (*byte, error) {
	for i := range value {
		if value[i] == 0 {
			return nil, &Error{Code: ErrArg, Function: function, Message: "a NUL within a text"}
		}
	}
	return first(append([]byte(value), 0)), nil
}

// written is a text that the library writes to a buffer: as long as it says, asked again where it has grown meanwhile.
func written(keep interface{}, call func(buffer *byte, capacity uint, length *uint) int32) (string, error) {
	var length uint
	var buffer []byte
	for {
		code := int32(0)
		err := check(keep, func() int32 {
			code = call(first(buffer), uint(len(buffer)), &length)
			return code
		})
		switch {
		case err == nil && len(buffer) > 0:
			return string(buffer[:length]), nil
		case err != nil && Code(code) != ErrBuffer:
			return "", err
		case err != nil:
			length = uint(2 * len(buffer))
		}
		buffer = make([]byte, length+1)
	}
}
