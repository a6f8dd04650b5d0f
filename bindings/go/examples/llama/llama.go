// Package llama is a Llama model held in infermem's memory, and its forward pass: weights in the weights tape, the buffers
// of a pass in the scratch tape, the KV cache in the history tape. Products with weights are the library's; the rest is
// straightforward Go.
package llama

import (
	"fmt"

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
	Neurons   *infermem.Neuron
	MaxTokens int

	embedding, output *infermem.Quant // the same of a model with tied embeddings
	outputNorm        []float32
	layers            []layer
}

// Load lays out the three tapes for maxTokens tokens, copies or quantizes every weight into the first, seals it, and makes
// an empty cache in the third.
func Load(file *infermem.Model, maxTokens int) (m *Model, err error) {
	m = &Model{MaxTokens: maxTokens}
	defer func() {
		if err != nil {
			m.Close()
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
	if m.Layout, err = layOut(file, &m.Config, maxTokens); err != nil {
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
	m.Neurons, err = infermem.NewNeuron(infermem.NeuronOptions{Layers: int(m.Config.NLayers),
		Neurons: int(m.Config.Intermediate), Threshold: 0.5})
	return m, err
}

// NewCache makes an empty cache in the history tape.
func (m *Model) NewCache() (*infermem.KV, error) {
	return infermem.NewKV(infermem.KVOptions{Layers: int(m.Config.NLayers), KVHeads: int(m.Config.NKVHeads),
		HeadDim: int(m.Config.HeadDimK), MaxTokens: m.MaxTokens, Tape: m.Layout.History()})
}

// Close frees all of it now.
func (m *Model) Close() {
	matrices := []*infermem.Quant{m.embedding}
	if m.output != m.embedding {
		matrices = append(matrices, m.output)
	}
	for _, l := range m.layers {
		matrices = append(matrices, l.q, l.k, l.v, l.o, l.gate, l.up, l.down)
	}
	for _, matrix := range matrices {
		if matrix != nil {
			matrix.Close()
		}
	}
	if m.KV != nil {
		m.KV.Close()
	}
	if m.Neurons != nil {
		m.Neurons.Close()
	}
	if m.Layout != nil {
		m.Layout.Close()
	}
}

// layOut sizes the tapes: what the tensors take; the larger of one pass and the largest tensor as floats; and two KV
// caches, that which is used and that which a saved one is restored to.
func layOut(file *infermem.Model, c *infermem.ModelConfig, maxTokens int) (*infermem.Layout, error) {
	const float, slack = 4, 4096
	var weights, largest uint64
	for i := 0; i < file.TensorCount(); i++ {
		tensor, err := file.Tensor(i)
		if err != nil {
			return nil, err
		}
		weights += tensor.Bytes + slack
		if tensor.DType == infermem.DTypeF16 { // 8 bits a weight, and two floats for each 32
			weights += tensor.Elements + tensor.Elements/4 - tensor.Bytes
		}
		if tensor.Elements > largest {
			largest = tensor.Elements
		}
	}
	kvDim, qDim := c.NKVHeads*c.HeadDimK, c.NHeads*c.HeadDimK
	pass := 3*c.Hidden + 3*c.Intermediate + c.Vocab + 2*qDim + 2*kvDim + uint64(maxTokens)
	if largest > pass {
		pass = largest
	}
	return infermem.NewLayout(infermem.LayoutOptions{WeightsSize: uint(weights), ScratchSize: uint(float*pass + slack),
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
		return infermem.BorrowQuant(view.DType, memory, rows, cols, weights)
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
	if err != nil {
		return nil, err
	}
	return matrix, m.Layout.ClearPass()
}
