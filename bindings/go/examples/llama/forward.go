package llama

import (
	"math"

	infermem "infermem.dev/go"
)

// pass is the buffers of one forward pass. The first error stands.
type pass struct {
	m   *Model
	err error
}

func (p *pass) floats(n uint64) []float32 {
	if p.err != nil {
		return nil
	}
	var out []float32
	out, p.err = infermem.AllocSlice[float32](p.m.Layout.Scratch(), int(n))
	return out
}

// product is y = W x, from the form in which the weights are stored.
func (p *pass) product(w *infermem.Quant, x, y []float32) {
	if p.err == nil {
		p.err = w.Gemv(0, len(y), x, y)
	}
}

// Forward runs one token through the model, at the position after those before. The logits are in the scratch tape, good
// until the next call.
func (m *Model) Forward(token uint32) (logits []float32, err error) {
	if err := m.Layout.ClearPass(); err != nil {
		return nil, err
	}
	c, p := &m.Config, &pass{m: m}
	qDim, kvDim := c.NHeads*c.HeadDimK, c.NKVHeads*c.HeadDimK
	x, normed, projected := p.floats(c.Hidden), p.floats(c.Hidden), p.floats(c.Hidden)
	q, attended := p.floats(qDim), p.floats(qDim)
	k, v := p.floats(kvDim), p.floats(kvDim)
	gate, up := p.floats(c.Intermediate), p.floats(c.Intermediate)
	scores, out := p.floats(uint64(m.KV.Max())), p.floats(c.Vocab)
	if p.err != nil {
		return nil, p.err
	}

	position := m.KV.Len()
	p.err = m.embedding.RowsFloat32([]uint{uint(token)}, x)
	for i := range m.layers {
		l := &m.layers[i]
		rmsNorm(x, l.attentionNorm, c.NormEps, normed)
		p.product(l.q, normed, q)
		p.product(l.k, normed, k)
		p.product(l.v, normed, v)
		rope(q, c, position)
		rope(k, c, position)
		if p.err == nil {
			p.err = m.KV.Append(i, k, v, 1)
		}
		if p.err == nil {
			p.err = m.attend(i, q, scores, attended)
		}
		p.product(l.o, attended, projected)
		add(x, projected)

		rmsNorm(x, l.ffnNorm, c.NormEps, normed)
		p.product(l.gate, normed, gate)
		p.product(l.up, normed, up)
		for j, g := range gate {
			gate[j] = g / (1 + exp(-g)) * up[j]
		}
		if p.err == nil {
			p.err = m.recordActive(i, gate)
		}
		p.product(l.down, gate, projected)
		add(x, projected)
	}
	if p.err == nil {
		p.err = m.KV.Advance(1)
	}
	rmsNorm(x, m.outputNorm, c.NormEps, normed)
	p.product(m.output, normed, out)
	return out, p.err
}

func exp(x float32) float32 { return float32(math.Exp(float64(x))) }

func add(x, y []float32) {
	for i := range x {
		x[i] += y[i]
	}
}

func rmsNorm(x, weight []float32, eps float64, out []float32) {
	var squares float32
	for _, value := range x {
		squares += value * value
	}
	scale := 1 / float32(math.Sqrt(float64(squares/float32(len(x))+float32(eps))))
	for i, value := range x {
		out[i] = value * scale * weight[i]
	}
}

// rope rotates each head's pairs (2i, 2i + 1) by position * theta^(-2i / dims): the order of pairs that GGUF's "llama" has.
func rope(x []float32, c *infermem.ModelConfig, position int) {
	for head := uint64(0); head < uint64(len(x)); head += c.HeadDimK {
		for i := uint64(0); i < c.RopeDims; i += 2 {
			angle := float64(position) * math.Pow(c.RopeTheta, -float64(i)/float64(c.RopeDims))
			cosine, sine := float32(math.Cos(angle)), float32(math.Sin(angle))
			pair := x[head+i : head+i+2]
			a, b := pair[0], pair[1]
			pair[0], pair[1] = a*cosine-b*sine, a*sine+b*cosine
		}
	}
}

// attend has each query head attend to its group's keys and values, which are read where the cache has them.
func (m *Model) attend(layer int, q, scores, out []float32) error {
	keys, err := m.KV.KeysPending(layer)
	if err != nil {
		return err
	}
	values, err := m.KV.ValuesPending(layer)
	if err != nil {
		return err
	}
	c, d := &m.Config, int(m.Config.HeadDimK)
	tokens, width := keys.Shape[0], keys.Shape[1]
	k, v := keys.Float32(), values.Float32()
	scale := 1 / float32(math.Sqrt(float64(d)))
	for h := 0; h < int(c.NHeads); h++ {
		group := h / int(c.NHeads/c.NKVHeads) * d
		largest, sum := float32(math.Inf(-1)), float32(0)
		for t := 0; t < tokens; t++ {
			var dot float32
			for i := 0; i < d; i++ {
				dot += q[h*d+i] * k[t*width+group+i]
			}
			scores[t] = dot * scale
			if scores[t] > largest {
				largest = scores[t]
			}
		}
		for t := 0; t < tokens; t++ {
			scores[t] = exp(scores[t] - largest)
			sum += scores[t]
		}
		head := out[h*d : (h+1)*d]
		for i := range head {
			head[i] = 0
		}
		for t := 0; t < tokens; t++ {
			for i := range head {
				head[i] += scores[t] / sum * v[t*width+group+i]
			}
		}
	}
	return nil
}

// recordActive records the neurons that were active: those of at least the mean magnitude of their layer.
func (m *Model) recordActive(layer int, activations []float32) error {
	scratch := m.Layout.Scratch()
	mark, err := scratch.Mark()
	if err != nil {
		return err
	}
	active, err := infermem.AllocSlice[uint32](scratch, len(activations))
	if err != nil {
		return err
	}
	var sum float32
	for _, a := range activations {
		sum += abs(a)
	}
	n := 0
	for i, a := range activations {
		if abs(a)*float32(len(activations)) >= sum {
			active[n] = uint32(i)
			n++
		}
	}
	if err := m.Neurons.Record(layer, active[:n]); err != nil {
		return err
	}
	return scratch.Rewind(mark)
}

func abs(x float32) float32 { return float32(math.Abs(float64(x))) }
