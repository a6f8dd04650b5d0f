package infermem

import (
	"runtime"
	"unsafe"
)

// Neuron counts which neurons of a model's layers are active (infermem_neuron).
type Neuron struct{ own *owner[infermem_neuron] }

// NeuronOptions is how one is made; zero in any field but Neurons means the default.
type NeuronOptions struct {
	Layers, Neurons int
	Threshold       float32
	Interval        uint32
	Flags           uint32 // NeuronStrict
	Tape            *Tape  // nil: a mapping of its own
}

// newNeuron makes counts in the tape of the options.
func newNeuron(options NeuronOptions, call func(*infermem_neuron_options, **infermem_neuron) int32) (*Neuron, error) {
	tape, pointer, err := placed(options.Tape)
	if err != nil {
		return nil, err
	}
	raw := sized(&infermem_neuron_options{NLayers: uint32(options.Layers), NNeurons: uint32(options.Neurons),
		Threshold: options.Threshold, Interval: options.Interval, Flags: options.Flags, Tape: pointer})
	var out *infermem_neuron
	if err := check(tape, func() int32 { return call(raw, &out) }); err != nil {
		return nil, err
	}
	return &Neuron{own(out, neuron_free, tape)}, nil
}

// NewNeuron makes counts that are all zero (neuron_new).
func NewNeuron(options NeuronOptions) (*Neuron, error) { return newNeuron(options, neuron_new) }

// Close frees the counts (neuron_free).
func (n *Neuron) Close() error {
	n.own.close()
	return nil
}

// Record counts the neurons that were active in one pass (neuron_record).
func (n *Neuron) Record(layer int, indices []uint32) error {
	return check(n.own, func() int32 {
		return neuron_record(n.own.get(), uint(layer), first(indices), uint(len(indices)))
	})
}

// Reclassify sorts a layer's neurons into hot and cold now (neuron_reclassify).
func (n *Neuron) Reclassify(layer int) error {
	return check(n.own, func() int32 { return neuron_reclassify(n.own.get(), uint(layer)) })
}

// list is one of the library's: as long as nothing is recorded, and the Neuron kept.
func (n *Neuron) list(call func(*infermem_neuron, uint, **uint32, *uint) int32, layer int) ([]uint32, error) {
	var out *uint32
	var length uint
	err := check(n.own, func() int32 { return call(n.own.get(), uint(layer), &out, &length) })
	if err != nil || length == 0 {
		return nil, err
	}
	return unsafe.Slice(out, length), nil
}

// Hot is the hot neurons of a layer, ascending: a view, good until something is recorded (neuron_hot).
func (n *Neuron) Hot(layer int) ([]uint32, error) { return n.list(neuron_hot, layer) }

// Cold is the others, as Hot (neuron_cold).
func (n *Neuron) Cold(layer int) ([]uint32, error) { return n.list(neuron_cold, layer) }

// IsHot tells whether the last classification found a neuron hot (neuron_is_hot).
func (n *Neuron) IsHot(layer int, index uint32) bool {
	defer runtime.KeepAlive(n.own)
	return neuron_is_hot(n.own.get(), uint(layer), index) != 0
}

// Frequency is how often a neuron was active (neuron_frequency).
func (n *Neuron) Frequency(layer int, index uint32) float64 {
	defer runtime.KeepAlive(n.own)
	return neuron_frequency(n.own.get(), uint(layer), index)
}

// Counts is the state of a layer (neuron_stat).
func (n *Neuron) Counts(layer int) (counts NeuronCounts, err error) {
	err = check(n.own, func() int32 { return neuron_stat(n.own.get(), uint(layer), sized(&counts)) })
	return counts, err
}

// Clear forgets everything (neuron_clear).
func (n *Neuron) Clear() error {
	return check(n.own, func() int32 { return neuron_clear(n.own.get()) })
}
