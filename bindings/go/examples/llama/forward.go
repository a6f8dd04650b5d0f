package llama

import (
	"math"

	infermem "infermem.dev/go"
)

// pass is a forward pass of which the first error stands.
type pass struct {
	m   *Model
	err error
}

func (p *pass) do(call func() error) {
	if p.err == nil {
		p.err = call()
	}
}

// buffer is one of the pass, in the scratch tape.
func (p *pass) buffer(which int32) (floats []float32) {
	p.do(func() (err error) {
		floats, err = p.m.Scratch.Float32(which)
		return err
	})
	return floats
}

// product is y = W x, from the form in which the weights are stored.
func (p *pass) product(w *infermem.Quant, x, y []float32) {
	p.do(func() error { return w.Gemv(0, len(y), x, y) })
}

// Forward runs one token through the model, at the position after those before. The logits are good until the next call.
func (m *Model) Forward(token uint32) (logits []float32, err error) {
	p, started := &pass{m: m}, infermem.TimerStart()
	x, normed := p.buffer(infermem.ScratchHidden), p.buffer(infermem.ScratchNormed)
	q, k, v := p.buffer(infermem.ScratchQ), p.buffer(infermem.ScratchK), p.buffer(infermem.ScratchV)
	attended, projected := p.buffer(infermem.ScratchAttnOut), p.buffer(infermem.ScratchAttnProj)
	up, gate, down := p.buffer(infermem.ScratchFFNUp), p.buffer(infermem.ScratchFFNGate), p.buffer(infermem.ScratchFFNDown)
	logits = p.buffer(infermem.ScratchLogits)
	if p.err != nil {
		return nil, p.err
	}
	c, position := &m.Config, m.KV.Len()
	heads := &infermem.KVAttendOptions{NQHeads: uint(c.NHeads)}
	p.do(func() error { return m.embedding.RowsFloat32([]uint{uint(token)}, x) })
	for i := range m.layers {
		i, l := i, &m.layers[i]
		rmsNorm(x, l.attentionNorm, c.NormEps, normed)
		p.product(l.q, normed, q)
		p.product(l.k, normed, k)
		p.product(l.v, normed, v)
		rope(q, c, position)
		rope(k, c, position)
		p.do(func() error { return m.KV.Append(i, k, v, 1) })
		p.do(func() error { return m.KV.Attend(i, heads, 0, int(c.NKVHeads), q, attended) })
		p.product(l.o, attended, projected)
		add(x, projected)

		rmsNorm(x, l.ffnNorm, c.NormEps, normed)
		p.product(l.gate, normed, gate)
		p.product(l.up, normed, up)
		var sum float32
		for j, g := range gate {
			gate[j] = g / (1 + exp(-g)) * up[j]
			sum += float32(math.Abs(float64(gate[j])))
		}
		// Active are the neurons of more than the mean magnitude of their layer.
		p.do(func() error { return m.Neurons.RecordValues(i, gate, sum/float32(len(gate))) })
		p.product(l.down, gate, down)
		add(x, down)
	}
	p.do(func() error { return m.KV.Advance(1) })
	rmsNorm(x, m.outputNorm, c.NormEps, normed)
	p.product(m.output, normed, logits)
	p.do(func() error { return m.Metrics.TimerStop(infermem.DispatchCPU, started) })
	return logits, p.err
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
