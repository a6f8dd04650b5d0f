package tests

import (
	"testing"
	"unsafe"

	infermem "infermem.dev/go"
)

func viewDLPack(t *testing.T) {
	kv := filled(t, infermem.KVOptions{}, 3)
	defer kv.Close()
	view := made[*infermem.View](t)(kv.Keys(0))
	tensor := made[*infermem.DLPack](t)(view.DLPack())
	want(t, "version", *(*uint32)(tensor.Pointer()), infermem.DLPackMajor)
	must(t, tensor.Close())
	must(t, tensor.Close())
	if tensor.Pointer() != nil {
		t.Fatal("a closed tensor")
	}
	old := made[*infermem.DLPack](t)(view.DLPackUnversioned())
	want(t, "data", *(*unsafe.Pointer)(old.Pointer()), unsafe.Pointer(&view.Bytes()[0]))
	given := old.Give()
	if given == nil || old.Pointer() != nil || old.Give() != nil {
		t.Fatal("given, and kept")
	}
	must(t, old.Close())
	blocks := filled(t, infermem.KVOptions{KType: infermem.DTypeQ8_0}, 1)
	defer blocks.Close()
	_, err := made[*infermem.View](t)(blocks.Keys(0)).DLPack()
	wantCode(t, err, infermem.ErrUnsupported)
	_, err = made[*infermem.View](t)(blocks.Keys(0)).DLPackUnversioned()
	wantCode(t, err, infermem.ErrUnsupported)
}
