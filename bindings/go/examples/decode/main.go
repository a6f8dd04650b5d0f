// decode opens a GGUF file of the Llama architecture and generates tokens from a fixed prompt, with every byte of the model
// in infermem's memory.
//
//	decode MODEL
package main

import (
	"fmt"
	"os"

	"infermem.dev/go/examples/llama"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: decode MODEL")
		os.Exit(2)
	}
	if _, err := llama.Decode(os.Args[1], 32, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "decode:", err)
		os.Exit(1)
	}
}
