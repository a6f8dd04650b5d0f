// Package llama is a Llama model held in infermem's memory, and its forward pass: weights in the weights tape, the buffers
// of a pass in the scratch tape, the KV cache in the history tape. Products with weights are the library's; the rest is
// straightforward Go.
package llama

import (
	"fmt"
	"io"

	infermem "infermem.dev/go"
)

type layer struct {
	attentionNorm, ffnNorm     []float32
	q, k, v, o, gate, up, down *infermem.Quant
}

// Model is one, ready to run.
type Model struct {
	Config    infermem.ModelConfig
	Layout    *infermem.Layout
	KV        *infermem.KV
	Scratch   *infermem.Scratch
	Neurons   *infermem.Neuron
	Metrics   *infermem.Dispatch
	MaxTokens int

	embedding, output *infermem.Quant // the same of a model with tied embeddings
	outputNorm        []float32
	layers            []layer
	made              []io.Closer
}

// Load lays out the three tapes for maxTokens tokens, copies or quantizes every weight into the first, seals it, and makes
// an empty cache in the third.
func Load(file *infermem.Model, maxTokens int) (m *Model, err error) {
	m = &Model{MaxTokens: maxTokens}
	loading := m
	defer func() {
		if err != nil {
			loading.Close()
		}
	}()
	if m.Config, err = file.Config(); err != nil {
		return nil, err
	}
	if err = m.Config.Validate(); err != nil {
		return nil, err
	}
	if m.Config.HeadDimK != m.Config.HeadDimV {
		return nil, infermem.ErrUnsupported
	}
	layout, err := layOut(file, &m.Config, maxTokens)
	if m.Layout, err = keep(m, layout, err); err != nil {
		return nil, err
	}
	if err = m.loadWeights(file); err != nil {
		return nil, err
	}
	if err = m.Layout.Weights().Seal(); err != nil {
		return nil, err
	}
	if m.KV, err = m.NewCache(); err != nil {
		return nil, err
	}
	scratch, err := infermem.NewScratch(m.Config, infermem.ScratchOptions{Tape: m.Layout.Scratch()})
	if m.Scratch, err = keep(m, scratch, err); err != nil {
		return nil, err
	}
	metrics, err := infermem.NewDispatch(infermem.DispatchOptions{})
	if m.Metrics, err = keep(m, metrics, err); err != nil {
		return nil, err
	}
	neurons, err := infermem.NewNeuron(infermem.NeuronOptions{Layers: int(m.Config.NLayers),
		Neurons: int(m.Config.Intermediate), Threshold: 0.5})
	m.Neurons, err = keep(m, neurons, err)
	return m, err
}

// NewCache makes an empty cache in the history tape.
func (m *Model) NewCache() (*infermem.KV, error) {
	kv, err := infermem.NewKV(infermem.KVOptions{Layers: int(m.Config.NLayers), KVHeads: int(m.Config.NKVHeads),
		HeadDim: int(m.Config.HeadDimK), MaxTokens: m.MaxTokens, Tape: m.Layout.History()})
	return keep(m, kv, err)
}

// Close frees all of it now, what was made last first.
func (m *Model) Close() {
	for i := len(m.made) - 1; i >= 0; i-- {
		m.made[i].Close()
	}
}

// keep has Close free an object that was made.
func keep[T io.Closer](m *Model, object T, err error) (T, error) {
	if err == nil {
		m.made = append(m.made, object)
	}
	return object, err
}

// layOut sizes the tapes: what the tensors take; the larger of one pass and the largest tensor as floats; and two KV
// caches, that which is used and that which a saved one is restored to.
func layOut(file *infermem.Model, c *infermem.ModelConfig, maxTokens int) (*infermem.Layout, error) {
	const float, slack = 4, 4096
	buffers, err := infermem.NewScratch(*c, infermem.ScratchOptions{})
	if err != nil {
		return nil, err
	}
	defer buffers.Close()
	pass := uint64(buffers.TotalBytes())
	var weights uint64
	for i := 0; i < file.TensorCount(); i++ {
		tensor, err := file.Tensor(i)
		if err != nil {
			return nil, err
		}
		weights += tensor.Bytes + slack
		if tensor.DType == infermem.DTypeF16 { // 8 bits a weight, and two floats for each 32
			weights += tensor.Elements + tensor.Elements/4 - tensor.Bytes
		}
		if float*tensor.Elements > pass {
			pass = float * tensor.Elements
		}
	}
	kvDim := c.NKVHeads * c.HeadDimK
	return infermem.NewLayout(infermem.LayoutOptions{WeightsSize: uint(weights), ScratchSize: uint(pass + slack),
		HistorySize:  uint(2 * (c.NLayers*2*(float*kvDim*uint64(maxTokens)+64) + slack)),
		ScratchFlags: infermem.TapeWarm | infermem.TapeExclusive})
}

func (m *Model) loadWeights(file *infermem.Model) (err error) {
	if m.embedding, err = m.loadMatrix(file, "token_embd.weight"); err != nil {
		return err
	}
	m.layers = make([]layer, m.Config.NLayers)
	for i := range m.layers {
		l := &m.layers[i]
		name := func(suffix string) string { return fmt.Sprintf("blk.%d.%s.weight", i, suffix) }
		for _, matrix := range []struct {
			suffix string
			out    **infermem.Quant
		}{{"attn_q", &l.q}, {"attn_k", &l.k}, {"attn_v", &l.v}, {"attn_output", &l.o}, {"ffn_gate", &l.gate},
			{"ffn_up", &l.up}, {"ffn_down", &l.down}} {
			if *matrix.out, err = m.loadMatrix(file, name(matrix.suffix)); err != nil {
				return err
			}
		}
		if l.attentionNorm, err = m.loadVector(file, name("attn_norm")); err != nil {
			return err
		}
		if l.ffnNorm, err = m.loadVector(file, name("ffn_norm")); err != nil {
			return err
		}
	}
	if m.outputNorm, err = m.loadVector(file, "output_norm.weight"); err != nil {
		return err
	}
	m.output = m.embedding
	if m.Config.TiedEmbeddings == 0 {
		m.output, err = m.loadMatrix(file, "output.weight")
	}
	return err
}

func find(file *infermem.Model, name string) (*infermem.View, error) {
	index, err := file.FindTensor(name)
	if err != nil {
		return nil, err
	}
	return file.TensorView(index)
}

// loadVector copies a norm, as floats.
func (m *Model) loadVector(file *infermem.Model, name string) ([]float32, error) {
	view, err := find(file, name)
	if err != nil {
		return nil, err
	}
	source, err := infermem.BorrowView(view)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	values, err := infermem.AllocSlice[float32](m.Layout.Weights(), view.Shape[0])
	if err != nil {
		return nil, err
	}
	return values, source.Float32(values)
}

// loadMatrix quantizes F16 to 8 bits, by way of floats in the scratch tape; what is quantized already it copies.
func (m *Model) loadMatrix(file *infermem.Model, name string) (*infermem.Quant, error) {
	weights := m.Layout.Weights()
	view, err := find(file, name)
	if err != nil {
		return nil, err
	}
	rows, cols := view.Shape[0], view.Shape[1]
	if view.DType != infermem.DTypeF16 {
		memory, err := weights.Alloc(len(view.Bytes()), 64)
		if err != nil {
			return nil, err
		}
		copy(memory, view.Bytes())
		matrix, err := infermem.BorrowQuant(view.DType, memory, rows, cols, weights)
		return keep(m, matrix, err)
	}
	source, err := infermem.BorrowView(view)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	expanded, err := infermem.AllocSlice[float32](m.Layout.Scratch(), rows*cols)
	if err != nil {
		return nil, err
	}
	if err := source.Float32(expanded); err != nil {
		return nil, err
	}
	matrix, err := infermem.QuantFromFloat32(expanded, rows, cols,
		&infermem.QuantOptions{Bits: 8, Group: 32, Tape: weights})
	if matrix, err = keep(m, matrix, err); err != nil {
		return nil, err
	}
	return matrix, m.Layout.ClearPass()
}
