package infermem

// Layout is three tapes by lifetime (infermem_layout).
type Layout struct {
	own                       *owner[infermem_layout]
	weights, scratch, history *Tape
}

// NewLayout makes the tapes (layout_new).
func NewLayout(options LayoutOptions) (*Layout, error) {
	var out *infermem_layout
	if err := check(nil, func() int32 { return layout_new(sized(&options), &out) }); err != nil {
		return nil, err
	}
	return newLayout(out), nil
}

func newLayout(pointer *infermem_layout) *Layout {
	l := &Layout{own: own(pointer, layout_free)}
	l.weights = l.tape(layout_weights(pointer))
	l.scratch = l.tape(layout_scratch(pointer))
	l.history = l.tape(layout_history(pointer))
	return l
}

// tape is one of the layout's, which keeps the layout: without a tape nil.
func (l *Layout) tape(pointer *infermem_tape) *Tape {
	if pointer == nil {
		return nil
	}
	return &Tape{own(pointer, func(*infermem_tape) {}, l.own)}
}

// Close frees the layout and its tapes (layout_free).
func (l *Layout) Close() error {
	for _, t := range []*Tape{l.weights, l.scratch, l.history} {
		if t != nil {
			t.own.close()
		}
	}
	l.own.close()
	return nil
}

// Weights is the tape of what is loaded once; nil where there is none (layout_weights).
func (l *Layout) Weights() *Tape { return l.weights }

// Scratch is the tape that is cleared every token; nil where there is none (layout_scratch).
func (l *Layout) Scratch() *Tape { return l.scratch }

// History is the tape that is cleared every conversation; nil where there is none (layout_history).
func (l *Layout) History() *Tape { return l.history }

// ClearPass ends a forward pass (layout_clear_pass).
func (l *Layout) ClearPass() error {
	return check(l.own, func() int32 { return layout_clear_pass(l.own.get()) })
}

// ClearTalk ends a conversation (layout_clear_talk).
func (l *Layout) ClearTalk() error {
	return check(l.own, func() int32 { return layout_clear_talk(l.own.get()) })
}

// Total is the sum of the tapes' bytes (layout_total).
func (l *Layout) Total() int { return int(asked(l.own, layout_total)) }

// Usage is what is used of each tape (layout_stat).
func (l *Layout) Usage() (usage LayoutUsage, err error) {
	err = check(l.own, func() int32 { return layout_stat(l.own.get(), sized(&usage)) })
	return usage, err
}

// UsageText is the same as a line (layout_stat_text).
func (l *Layout) UsageText() (string, error) {
	return written(l.own, func(buffer *byte, capacity uint, length *uint) int32 {
		return layout_stat_text(l.own.get(), buffer, capacity, length)
	})
}
