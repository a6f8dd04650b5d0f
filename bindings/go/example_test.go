//go:build cgo && !infermem_purego

package infermem_test

import (
	"errors"
	"fmt"
	"log"

	infermem "infermem.dev/go"
)

func Example() {
	model, err := infermem.OpenModel("../../tests/data/tiny-llama.gguf", 0) // a GGUF file: the header is read, the tensors are mapped
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	config, err := model.Config()
	if err != nil {
		log.Fatal(err)
	}
	layout, err := infermem.NewLayout(infermem.LayoutOptions{ScratchSize: 8 << 20, HistorySize: 8 << 20})
	if err != nil {
		log.Fatal(err)
	}
	defer layout.Close()
	kv, err := infermem.NewKV(infermem.KVOptions{
		Layers: int(config.NLayers), KVHeads: int(config.NKVHeads), HeadDim: int(config.HeadDimK), MaxTokens: 512,
		KType: infermem.DTypeF16, VType: infermem.DTypeF16,
		Tape: layout.History(), // the cache lives as long as the conversation
	})
	if err != nil {
		log.Fatal(err)
	}
	defer kv.Close()
	fmt.Printf("%s: %d bytes of history hold %d tokens\n", config.ArchitectureText(), kv.MemoryBytes(), kv.Max())

	if _, err := layout.History().Alloc(1<<30, 64); errors.Is(err, infermem.ErrFull) {
		fmt.Println("and no more than that")
	}
	// Output:
	// llama: 524288 bytes of history hold 512 tokens
	// and no more than that
}
