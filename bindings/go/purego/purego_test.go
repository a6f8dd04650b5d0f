//go:build !cgo || infermem_purego

package purego

import (
	"os"
	"strings"
	"testing"

	"infermem.dev/go/internal/tests"
)

func TestMain(m *testing.M) {
	if err := Load(os.Getenv("INFERMEM_LIBRARY")); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func Test(t *testing.T) { tests.Run(t) }

func BenchmarkCalls(b *testing.B) { tests.Calls(b) }

func TestLoadSaysWhatIsWrong(t *testing.T) {
	if err := Load(""); err != nil { // there is one already
		t.Fatal(err)
	}
	if _, err := open("/no/such/library.so"); err == nil || !strings.Contains(err.Error(), "no/such") {
		t.Fatal(err)
	}
	if _, err := open("libc.so.6"); err == nil || !strings.Contains(err.Error(), "another library") {
		t.Fatal(err)
	}
}
