package infermem

import (
	"io"
	"sync"
	"sync/atomic"
	"unsafe"
)

// stream is what a call of the library's reads from or writes to, as long as it takes. C code is given the address of its
// number, never a pointer to Go's memory that has pointers in it.
type stream struct {
	writer   io.Writer
	reader   io.Reader
	readerAt io.ReaderAt
	err      error       // the first that one of these returned
	panicked interface{} // what one of these panicked with
}

var (
	streams    sync.Map // uintptr: *stream
	lastStream uintptr
)

// through makes a call with a stream. A panic of the reader or writer ends the call, and goes on from here: it never
// crosses C.
func through(s *stream, keep interface{}, call func(context unsafe.Pointer) int32) error {
	id := new(uintptr)
	*id = atomic.AddUintptr(&lastStream, 1)
	streams.Store(*id, s)
	defer streams.Delete(*id)
	err := check(keep, func() int32 { return call(unsafe.Pointer(id)) })
	if s.panicked != nil {
		panic(s.panicked)
	}
	if e, ok := err.(*Error); ok {
		e.Cause = s.err
	}
	return err
}

func guarded(context unsafe.Pointer, use func(*stream) int64) (result int64) {
	found, _ := streams.Load(*(*uintptr)(context))
	s := found.(*stream)
	defer func() {
		if p := recover(); p != nil {
			s.panicked, result = p, -1
		}
	}()
	return use(s)
}

func onWrite(context, bytes unsafe.Pointer, n uint) int64 {
	return guarded(context, func(s *stream) int64 {
		written, err := s.writer.Write(unsafe.Slice((*byte)(bytes), n))
		if err != nil {
			s.err = err
			return -1
		}
		return int64(written)
	})
}

func onRead(context, out unsafe.Pointer, n uint) int64 {
	return guarded(context, func(s *stream) int64 {
		for tries := 0; tries < 100; tries++ { // a reader may return 0 bytes and no error
			read, err := s.reader.Read(unsafe.Slice((*byte)(out), n))
			switch {
			case read > 0:
				return int64(read)
			case err == io.EOF:
				return 0
			case err != nil:
				s.err = err
				return -1
			}
		}
		s.err = io.ErrNoProgress
		return -1
	})
}

func onReadAt(context unsafe.Pointer, offset uint64, out unsafe.Pointer, n uint) int64 {
	return guarded(context, func(s *stream) int64 {
		read, err := s.readerAt.ReadAt(unsafe.Slice((*byte)(out), n), int64(offset))
		if err != nil && err != io.EOF && read == 0 {
			s.err = err
			return -5 // EIO
		}
		return int64(read)
	})
}

var logTo atomic.Pointer[func(level int, message string)]

// SetLog has lines of at least minLevel, which is LogDebug, LogInfo or LogWarn, passed to a function, in the whole process;
// nil turns logging off. The function must not call this package (infermem_log_set).
func SetLog(minLevel int, function func(level int, message string)) error {
	pointer := logFunction()
	if function == nil {
		pointer = nil
	}
	err := check(nil, func() int32 { return infermem_log_set(pointer, nil, int32(minLevel)) })
	if err == nil {
		logTo.Store(&function)
	}
	return err
}

func onLog(level int32, message *byte) {
	defer func() { _ = recover() }() // a panic has nowhere to go: the line is lost
	if function := logTo.Load(); function != nil && *function != nil {
		(*function)(int(level), goString(message))
	}
}
