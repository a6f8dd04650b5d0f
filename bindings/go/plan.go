package infermem

import "runtime"

// Plan says whether and how a model fits (infermem_plan). It never changes.
type Plan struct{ own *owner[infermem_plan] }

// PlanTerm is a line of a plan's ledger (infermem_plan_term_facts).
type PlanTerm struct {
	Kind       uint32 // PlanWeights, …
	Place      uint32 // a device's index, or PlanPlaceHost
	Bytes      uint64
	Confidence uint32 // ConfidenceExact, …
	Name       string // of the kind
	Formula    string // where the bytes are from, in words
}

// PlanDeviceFrom is what a probe found, for a plan (plan_device_from).
func PlanDeviceFrom(facts DeviceFacts) (device PlanDevice, err error) {
	err = check(nil, func() int32 { return plan_device_from(sized(&facts), sized(&device)) })
	return device, err
}

// NewPlan plans an open model; options may be nil (plan_new).
func NewPlan(model *Model, devices []PlanDevice, options *PlanOptions) (*Plan, error) {
	return newPlan(model.own, nil, devices, options)
}

// NewPlanOfConfig plans a model of which the numbers are known (plan_new).
func NewPlanOfConfig(config ModelConfig, devices []PlanDevice, options *PlanOptions) (*Plan, error) {
	return newPlan(nil, sized(&config), devices, options)
}

func newPlan(model *owner[infermem_model], config *ModelConfig, devices []PlanDevice, options *PlanOptions) (*Plan, error) {
	given := append([]PlanDevice(nil), devices...)
	for i := range given {
		sized(&given[i])
	}
	o := sizedCopy(options)
	var out *infermem_plan
	err := check(model, func() int32 {
		return plan_new(model.get(), config, first(given), uint(len(given)), o, &out)
	})
	if err != nil {
		return nil, err
	}
	return &Plan{own(out, plan_free)}, nil
}

// Close frees the plan (plan_free).
func (p *Plan) Close() error {
	p.own.close()
	return nil
}

// Mode is PlanFullCache, … (plan_mode).
func (p *Plan) Mode() int32 { return asked(p.own, plan_mode) }

// Query is a number of the plan's, of a device's index, PlanPlaceHost or PlanPlaceAll (plan_query).
func (p *Plan) Query(key, place uint32) (value uint64, err error) {
	err = check(p.own, func() int32 { return plan_query(p.own.get(), key, place, &value) })
	return value, err
}

// TermCount is how many terms there are (plan_term_count).
func (p *Plan) TermCount() int { return int(asked(p.own, plan_term_count)) }

// Term is one of them (plan_term).
func (p *Plan) Term(index int) (PlanTerm, error) {
	raw := sized(&infermem_plan_term_facts{})
	if err := check(p.own, func() int32 { return plan_term(p.own.get(), uint(index), raw) }); err != nil {
		return PlanTerm{}, err
	}
	return PlanTerm{raw.Kind, raw.Place, raw.Bytes, raw.Confidence, goString(raw.Name), goString(raw.Formula)}, nil
}

// Layer is what becomes of a layer (plan_layer).
func (p *Plan) Layer(index uint64) (facts PlanLayerFacts, err error) {
	err = check(p.own, func() int32 { return plan_layer(p.own.get(), index, sized(&facts)) })
	return facts, err
}

// Advice is the changes that would do (plan_advice_count, plan_advice).
func (p *Plan) Advice() ([]PlanAdviceFacts, error) {
	advice := make([]PlanAdviceFacts, asked(p.own, plan_advice_count))
	for i := range advice {
		err := check(p.own, func() int32 { return plan_advice(p.own.get(), uint(i), sized(&advice[i])) })
		if err != nil {
			return nil, err
		}
	}
	return advice, nil
}

// Text is the plan as a table for people; flags are 0 or PlanTextUTF8 (plan_text).
func (p *Plan) Text(flags uint32) (string, error) {
	return written(p.own, func(buffer *byte, capacity uint, length *uint) int32 {
		return plan_text(p.own.get(), flags, buffer, capacity, length)
	})
}

// JSON is the plan as an object (plan_json).
func (p *Plan) JSON() (string, error) {
	return written(p.own, func(buffer *byte, capacity uint, length *uint) int32 {
		return plan_json(p.own.get(), buffer, capacity, length)
	})
}

// BuildLayout makes a layout for what the plan puts into the host's memory (plan_build_layout).
func (p *Plan) BuildLayout() (*Layout, error) {
	var out *infermem_layout
	if err := check(p.own, func() int32 { return plan_build_layout(p.own.get(), &out) }); err != nil {
		return nil, err
	}
	return newLayout(out), nil
}

// BuildKV makes the cache of one sequence, in a tape or, where that is nil, a mapping of its own (plan_build_kv).
func (p *Plan) BuildKV(tape *Tape) (*KV, error) {
	in, pointer, err := placed(tape)
	if err != nil {
		return nil, err
	}
	var out *infermem_kv
	defer runtime.KeepAlive(in)
	if err := check(p.own, func() int32 { return plan_build_kv(p.own.get(), pointer, &out) }); err != nil {
		return nil, err
	}
	return &KV{own(out, kv_free, in)}, nil
}

// BuildScratch makes the buffers of a pass, in a tape or, where that is nil, a mapping of their own (plan_build_scratch).
func (p *Plan) BuildScratch(tape *Tape) (*Scratch, error) {
	in, pointer, err := placed(tape)
	if err != nil {
		return nil, err
	}
	var out *infermem_scratch
	defer runtime.KeepAlive(in)
	if err := check(p.own, func() int32 { return plan_build_scratch(p.own.get(), pointer, &out) }); err != nil {
		return nil, err
	}
	return &Scratch{own(out, scratch_free, in)}, nil
}

// Audit sets, of each measure, what the plan says of the same, and how far off it was (plan_audit).
func (p *Plan) Audit(measures []PlanMeasure) error {
	for i := range measures {
		sized(&measures[i])
	}
	return check(p.own, func() int32 { return plan_audit(p.own.get(), first(measures), uint(len(measures))) })
}

// AuditText is the same as a table for people (plan_audit_text).
func (p *Plan) AuditText(measures []PlanMeasure) (string, error) {
	given := append([]PlanMeasure(nil), measures...)
	for i := range given {
		sized(&given[i])
	}
	return written(p.own, func(buffer *byte, capacity uint, length *uint) int32 {
		return plan_audit_text(p.own.get(), first(given), uint(len(given)), buffer, capacity, length)
	})
}
