//go:build cgo && !infermem_purego

package infermem

// #include <infermem.h>
// #include <stdlib.h>
//
// int64_t infermem_go_write(void *, void *, size_t);
// int64_t infermem_go_read(void *, void *, size_t);
// int64_t infermem_go_read_at(void *, uint64_t, void *, size_t);
// void infermem_go_log(void *, int32_t, char *);
// int32_t infermem_go_load(void *, uint64_t, uint32_t *, size_t, void **);
import "C"

import "unsafe"

func allocate(n int) unsafe.Pointer { return C.malloc(C.size_t(n)) } // which cgo lets panic rather than return nil
func release(p unsafe.Pointer)      { C.free(p) }

func writeFunction() unsafe.Pointer  { return C.infermem_go_write }
func readFunction() unsafe.Pointer   { return C.infermem_go_read }
func readAtFunction() unsafe.Pointer { return C.infermem_go_read_at }
func logFunction() unsafe.Pointer    { return C.infermem_go_log }
func loadFunction() unsafe.Pointer   { return C.infermem_go_load }

//export infermem_go_write
func infermem_go_write(context, bytes unsafe.Pointer, n C.size_t) C.int64_t {
	return C.int64_t(onWrite(context, bytes, uint(n)))
}

//export infermem_go_read
func infermem_go_read(context, out unsafe.Pointer, n C.size_t) C.int64_t {
	return C.int64_t(onRead(context, out, uint(n)))
}

//export infermem_go_read_at
func infermem_go_read_at(context unsafe.Pointer, offset C.uint64_t, out unsafe.Pointer, n C.size_t) C.int64_t {
	return C.int64_t(onReadAt(context, uint64(offset), out, uint(n)))
}

//export infermem_go_log
func infermem_go_log(_ unsafe.Pointer, level C.int32_t, message *C.char) {
	onLog(int32(level), (*byte)(unsafe.Pointer(message)))
}

//export infermem_go_load
func infermem_go_load(context unsafe.Pointer, load C.uint64_t, ids *C.uint32_t, n C.size_t, rows *unsafe.Pointer) C.int32_t {
	return C.int32_t(onLoad(context, uint64(load), (*uint32)(unsafe.Pointer(ids)), uint(n), rows))
}
