//go:build !cgo || infermem_purego

// Package purego loads the library by dlopen, for programs that are built without cgo (CGO_ENABLED=0, or with cgo and the
// build tag infermem_purego): they need neither a C compiler nor the headers. Load is called once, before anything of the
// package infermem, which is used as with cgo.
package purego

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
	infermem "infermem.dev/go"
	"infermem.dev/go/internal/dynamic"
)

var loading sync.Mutex

// Load loads a library, "" being libinfermem.so.0 where the system finds it, and keeps it for good. Loading again does
// nothing.
func Load(path string) error {
	loading.Lock()
	defer loading.Unlock()
	if dynamic.Table != nil {
		return nil
	}
	if path == "" {
		path = "libinfermem.so.0"
	}
	table, err := open(path)
	if err != nil {
		return fmt.Errorf("infermem: %s: %w", path, err)
	}
	dynamic.Call = purego.SyscallN
	dynamic.Callback = func(function interface{}) uintptr { return purego.NewCallback(function) }
	dynamic.Table = table
	dynamic.Loaded(purego.RegisterFunc)
	return nil
}

// open is the table of a library.
func open(path string) (unsafe.Pointer, error) {
	library, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, err
	}
	symbol, err := purego.Dlsym(library, "infermem_api")
	if err != nil {
		return nil, fmt.Errorf("it is another library: %w", err)
	}
	address, _, _ := purego.SyscallN(symbol, infermem.VersionMajor)
	table := *(*unsafe.Pointer)(unsafe.Pointer(&address))
	if table == nil {
		return nil, fmt.Errorf("it is not of major version %d", infermem.VersionMajor)
	}
	if size := *(*uint)(table); size < dynamic.TableSize {
		return nil, fmt.Errorf("it is older than %s: its table has %d bytes, not %d", infermem.VersionString, size,
			dynamic.TableSize)
	}
	return table, nil
}
