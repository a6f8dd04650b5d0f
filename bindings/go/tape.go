package infermem

import (
	"runtime"
	"unsafe"
)

// Tape is an arena (infermem_tape).
type Tape struct{ own *owner[infermem_tape] }

// TapeOptions is how a tape is made; zero in any field but Size means the default.
type TapeOptions struct {
	Size      int
	Flags     uint32 // TapeWarm, …
	NUMANodes uint64
	Lent      []byte // memory to use instead of a mapping: not of Go's, and not to be given back before the tape is closed
}

// TapeFacts is what a tape is (infermem_tape_facts).
type TapeFacts struct {
	Base               unsafe.Pointer
	Total, PageSize    uint
	Requested, Granted uint32 // TapeWarm, …
	FD                 int32  // of a TapeShared tape, else -1
	RedZone            uint32
	IsSealed           bool
}

// NewTape makes a tape (tape_new).
func NewTape(options TapeOptions) (*Tape, error) {
	raw := sized(&infermem_tape_options{Size: uint(options.Size), Flags: options.Flags, NUMANodes: options.NUMANodes,
		Lent: firstByte(options.Lent)})
	if options.Lent != nil {
		raw.Size = uint(len(options.Lent))
	}
	var out *infermem_tape
	if err := check(options.Lent, func() int32 { return tape_new(raw, &out) }); err != nil {
		return nil, err
	}
	return &Tape{own(out, tape_free, options.Lent)}, nil
}

// placed is the owner of a tape that options name, and its tape: nil of no tape.
func placed(t *Tape) (*owner[infermem_tape], *infermem_tape, error) {
	if t == nil {
		return nil, nil, nil
	}
	pointer := t.own.get()
	if pointer == nil {
		return nil, nil, &Error{Code: ErrHandle, Message: "the tape was closed"}
	}
	return t.own, pointer, nil
}

// Close frees the tape; a layout's ends with the layout (tape_free).
func (t *Tape) Close() error {
	t.own.close()
	return nil
}

// Alloc takes size bytes at a multiple of align; they are good until the tape is cleared, rewound past them or closed
// (tape_alloc).
func (t *Tape) Alloc(size, align int) ([]byte, error) {
	var out unsafe.Pointer
	err := check(t.own, func() int32 { return tape_alloc(t.own.get(), uint(size), uint(align), &out) })
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*byte)(out), size), nil
}

// Number is what can be in memory that is not Go's: no pointers.
type Number interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~int | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uint | ~float32 | ~float64
}

// AllocSlice takes n elements, which begin at a multiple of 64 bytes; as Alloc (tape_alloc_array).
func AllocSlice[T Number](t *Tape, n int) ([]T, error) {
	var out unsafe.Pointer
	var element T
	err := check(t.own, func() int32 {
		return tape_alloc_array(t.own.get(), uint(n), uint(unsafe.Sizeof(element)), 64, &out)
	})
	if err != nil {
		return nil, err
	}
	return unsafe.Slice((*T)(out), n), nil
}

// Mark notes the present cursor (tape_mark).
func (t *Tape) Mark() (mark TapeMark, err error) {
	err = check(t.own, func() int32 { return tape_mark(t.own.get(), &mark) })
	return mark, err
}

// Rewind gives back everything taken since the mark (tape_rewind).
func (t *Tape) Rewind(mark TapeMark) error {
	return check(t.own, func() int32 { return tape_rewind(t.own.get(), &mark) })
}

// Clear gives back everything (tape_clear).
func (t *Tape) Clear() error { return check(t.own, func() int32 { return tape_clear(t.own.get()) }) }

// Trim returns the pages beyond the cursor to the system (tape_trim).
func (t *Tape) Trim() error { return check(t.own, func() int32 { return tape_trim(t.own.get()) }) }

// Warm commits every page (tape_warm).
func (t *Tape) Warm() error { return check(t.own, func() int32 { return tape_warm(t.own.get()) }) }

// Seal makes the tape read-only: a write to a slice of it then ends the program (tape_seal).
func (t *Tape) Seal() error { return check(t.own, func() int32 { return tape_seal(t.own.get()) }) }

// Unseal makes it writable again (tape_unseal).
func (t *Tape) Unseal() error { return check(t.own, func() int32 { return tape_unseal(t.own.get()) }) }

// asked is a number that the library says of an object, in constant time.
func asked[T, N any](o *owner[T], ask func(*T) N) N {
	n := ask(o.get())
	runtime.KeepAlive(o)
	return n
}

// Used is the bytes in use (tape_used).
func (t *Tape) Used() int { return int(asked(t.own, tape_used)) }

// FreeBytes is what an allocation of alignment 1 can still have (tape_free_bytes).
func (t *Tape) FreeBytes() int { return int(asked(t.own, tape_free_bytes)) }

// Total is the bytes in all (tape_total).
func (t *Tape) Total() int { return int(asked(t.own, tape_total)) }

// Peak is the most bytes that were ever in use at once (tape_peak).
func (t *Tape) Peak() int { return int(asked(t.own, tape_peak)) }

// Failures is how many allocations were refused with ErrFull (tape_failures).
func (t *Tape) Failures() uint64 { return asked(t.own, tape_failures) }

// Generation is how many times the tape was cleared (tape_generation).
func (t *Tape) Generation() uint64 { return asked(t.own, tape_generation) }

// Owns tells whether a slice that is not empty begins in the part of the tape that is in use (tape_owns).
func (t *Tape) Owns(memory []byte) bool {
	defer runtime.KeepAlive(t.own)
	return tape_owns(t.own.get(), firstByte(memory)) != 0
}

// Facts is what the tape is (tape_info).
func (t *Tape) Facts() (TapeFacts, error) {
	raw := sized(&infermem_tape_facts{})
	if err := check(t.own, func() int32 { return tape_info(t.own.get(), raw) }); err != nil {
		return TapeFacts{}, err
	}
	return TapeFacts{Base: raw.Base, Total: raw.Total, PageSize: raw.PageSize, Requested: raw.Requested,
		Granted: raw.Granted, FD: raw.FD, RedZone: raw.RedZone, IsSealed: raw.IsSealed != 0}, nil
}
