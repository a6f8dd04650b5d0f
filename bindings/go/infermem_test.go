//go:build cgo && !infermem_purego

package infermem_test

import (
	"testing"

	"infermem.dev/go/internal/tests"
)

func Test(t *testing.T) { tests.Run(t) }

func BenchmarkCalls(b *testing.B) { tests.Calls(b) }
