package tests

import (
	"fmt"
	"strings"
	"testing"

	"infermem.dev/go/examples/llama"
)

// Tokens is what the example decodes, in every language.
const Tokens = "45 113 312 45 331 167 401 473 78 226 488 263 199 328 377 441 285 425 184 145 380 192 478 478 478 478 " +
	"478 469 439 175 16 226"

func exampleDecodes(t *testing.T) {
	model := tiny(t)
	defer model.Close()
	if _, err := llama.Load(model, 1<<40); err == nil { // some of it was made by then
		t.Fatal("a cache for more tokens than there can be")
	}
	var out strings.Builder
	tokens, err := llama.Decode(Data(t, "tiny-llama.gguf"), 32, &out)
	must(t, err)
	want(t, "tokens", strings.Trim(fmt.Sprint(tokens), "[]"), Tokens)
	if !strings.Contains(out.String(), "saved    19 tokens") || !strings.Contains(out.String(), "35 passes") {
		t.Fatal(out.String())
	}
}
