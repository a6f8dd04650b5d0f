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
	HalfLife        uint32
	BudgetCount     uint32
	BudgetFraction  float32
	BudgetBytes     uint64
	RowBytes        uint64
	Hysteresis      float32
	Tape            *Tape // nil: a mapping of its own
}

// newNeuron makes counts in the tape of the options.
func newNeuron(options NeuronOptions, call func(*infermem_neuron_options, **infermem_neuron) int32) (*Neuron, error) {
	tape, pointer, err := placed(options.Tape)
	if err != nil {
		return nil, err
	}
	raw := sized(&infermem_neuron_options{NLayers: uint32(options.Layers), NNeurons: uint32(options.Neurons),
		Threshold: options.Threshold, Interval: options.Interval, Flags: options.Flags,
		HalfLife: options.HalfLife, BudgetCount: options.BudgetCount, BudgetFraction: options.BudgetFraction,
		BudgetBytes: options.BudgetBytes, RowBytes: options.RowBytes, Hysteresis: options.Hysteresis, Tape: pointer})
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

// RecordMask is Record of a mask, a bit a neuron (neuron_record_mask).
func (n *Neuron) RecordMask(layer int, mask []uint8) error {
	return check(n.own, func() int32 {
		return neuron_record_mask(n.own.get(), uint(layer), first(mask), uint(len(mask)))
	})
}

// RecordValues is Record of activations, of those whose magnitude is above the cutoff (neuron_record_values).
func (n *Neuron) RecordValues(layer int, values []float32, cutoff float32) error {
	return check(n.own, func() int32 {
		return neuron_record_values(n.own.get(), uint(layer), first(values), uint(len(values)), cutoff)
	})
}

// Coverage is what share of all activations the most active of these fractions have (neuron_coverage).
func (n *Neuron) Coverage(layer int, fractions []float64) ([]float64, error) {
	out := make([]float64, len(fractions))
	err := check(n.own, func() int32 {
		return neuron_coverage(n.own.get(), uint(layer), first(fractions), uint(len(fractions)), first(out))
	})
	return out, err
}

// Merge adds what others counted (neuron_merge).
func (n *Neuron) Merge(others ...*Neuron) error {
	pointers := make([]*infermem_neuron, len(others))
	for i, other := range others {
		pointers[i] = other.own.get()
	}
	defer runtime.KeepAlive(others)
	return check(n.own, func() int32 { return neuron_merge(n.own.get(), first(pointers), uint(len(pointers))) })
}

// Save writes everything there is to a file, whole or not at all (neuron_save).
func (n *Neuron) Save(path string) error {
	p, err := cString("neuron_save", path)
	if err != nil {
		return err
	}
	return check(n.own, func() int32 { return neuron_save(n.own.get(), p) })
}

// LoadNeuron makes counts from a file that Save wrote, in a tape or, where that is nil, a mapping of their own
// (neuron_load).
func LoadNeuron(path string, tape *Tape) (*Neuron, error) {
	p, err := cString("neuron_load", path)
	if err != nil {
		return nil, err
	}
	return newNeuron(NeuronOptions{Tape: tape}, func(options *infermem_neuron_options, out **infermem_neuron) int32 {
		return neuron_load(p, options, out)
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
