package infermem

import (
	"io"
	"runtime"
	"unsafe"
)

// KV is the cache of one sequence (infermem_kv).
type KV struct{ own *owner[infermem_kv] }

// KVOptions is how a cache is made: the first four fields are more than 0, save HeadDimV, of which 0 means HeadDim; zero in
// any other means the default.
type KVOptions struct {
	Layers, KVHeads, HeadDim, MaxTokens int
	HeadDimV                            int
	KType, VType                        DType
	KTypes, VTypes                      []DType // each layer's, instead
	Growable                            int
	Flags                               uint32 // KVRotateK, …
	Tape                                *Tape  // nil: a mapping of its own
}

// NewKV makes an empty cache (kv_new).
func NewKV(options KVOptions) (*KV, error) {
	raw := sized(&infermem_kv_options{NLayers: uint(options.Layers), NKVHeads: uint(options.KVHeads),
		HeadDim: uint(options.HeadDim), HeadDimV: uint(options.HeadDimV), MaxTokens: uint(options.MaxTokens),
		KType: options.KType, VType: options.VType, Growable: uint(options.Growable), Flags: options.Flags})
	tape, pointer, err := placed(options.Tape)
	if err != nil {
		return nil, err
	}
	raw.Tape = pointer
	for _, types := range [][]DType{options.KTypes, options.VTypes} {
		if types != nil && len(types) != options.Layers {
			return nil, &Error{Code: ErrShape, Function: "kv_new", Expected: uint64(options.Layers), Got: uint64(len(types)),
				Message: "there is not one type for each layer"}
		}
	}
	k, freeK := copied(options.KTypes)
	defer freeK()
	v, freeV := copied(options.VTypes)
	defer freeV()
	raw.KTypes, raw.VTypes = (*int32)(k), (*int32)(v)
	var out *infermem_kv
	if err := check(tape, func() int32 { return kv_new(raw, &out) }); err != nil {
		return nil, err
	}
	return &KV{own(out, kv_free, tape)}, nil
}

// Close frees the cache (kv_free).
func (kv *KV) Close() error {
	kv.own.close()
	return nil
}

// Append stores the keys and values of n tokens in a layer, pending until Advance (kv_append).
func (kv *KV) Append(layer int, k, v []float32, n int) error {
	return check(kv.own, func() int32 {
		return kv_append(kv.own.get(), uint(layer), first(k), uint(len(k)), first(v), uint(len(v)), uint(n))
	})
}

// AppendF16 is Append of F16 (kv_append_f16).
func (kv *KV) AppendF16(layer int, k, v []uint16, n int) error {
	return check(kv.own, func() int32 {
		return kv_append_f16(kv.own.get(), uint(layer), first(k), uint(len(k)), first(v), uint(len(v)), uint(n))
	})
}

// AppendBF16 is Append of BF16 (kv_append_bf16).
func (kv *KV) AppendBF16(layer int, k, v []uint16, n int) error {
	return check(kv.own, func() int32 {
		return kv_append_bf16(kv.own.get(), uint(layer), first(k), uint(len(k)), first(v), uint(len(v)), uint(n))
	})
}

// Advance ends a step of n tokens (kv_advance).
func (kv *KV) Advance(n int) error {
	return check(kv.own, func() int32 { return kv_advance(kv.own.get(), uint(n)) })
}

// Abort drops what is pending (kv_abort).
func (kv *KV) Abort() error { return check(kv.own, func() int32 { return kv_abort(kv.own.get()) }) }

// Truncate shortens the cache to its first n tokens (kv_truncate).
func (kv *KV) Truncate(n int) error {
	return check(kv.own, func() int32 { return kv_truncate(kv.own.get(), uint(n)) })
}

// Clear empties the cache (kv_clear).
func (kv *KV) Clear() error { return check(kv.own, func() int32 { return kv_clear(kv.own.get()) }) }

// ClearZero empties it and overwrites it with zeros (kv_clear_zero).
func (kv *KV) ClearZero() error {
	return check(kv.own, func() int32 { return kv_clear_zero(kv.own.get()) })
}

// Keep keeps the first and the last tokens, and says how many between them were dropped (kv_keep).
func (kv *KV) Keep(sinks, recent int) (dropped int, err error) {
	var n uint
	err = check(kv.own, func() int32 { return kv_keep(kv.own.get(), uint(sinks), uint(recent), &n) })
	return int(n), err
}

// CopyPrefix makes the cache hold the first n tokens of another, and nothing else (kv_copy_prefix).
func (kv *KV) CopyPrefix(from *KV, n int) error {
	defer runtime.KeepAlive(from.own)
	return check(kv.own, func() int32 { return kv_copy_prefix(kv.own.get(), from.own.get(), uint(n)) })
}

// Grow lets the cache hold more tokens (kv_grow).
func (kv *KV) Grow(maxTokens int) error {
	return check(kv.own, func() int32 { return kv_grow(kv.own.get(), uint(maxTokens)) })
}

// Prefetch asks the processor for the beginning of a layer (kv_prefetch).
func (kv *KV) Prefetch(layer int) error {
	return check(kv.own, func() int32 { return kv_prefetch(kv.own.get(), uint(layer)) })
}

func (kv *KV) view(call func(*infermem_kv, uint, *infermem_view) int32, layer int) (*View, error) {
	return viewed(kv.own, func(out *infermem_view) int32 { return call(kv.own.get(), uint(layer), out) })
}

// Keys is the keys of a layer, as they are stored (kv_keys).
func (kv *KV) Keys(layer int) (*View, error) { return kv.view(kv_keys, layer) }

// Values is the values of a layer, as they are stored (kv_values).
func (kv *KV) Values(layer int) (*View, error) { return kv.view(kv_values, layer) }

// KeysPending is Keys with the tokens that are pending (kv_keys_pending).
func (kv *KV) KeysPending(layer int) (*View, error) { return kv.view(kv_keys_pending, layer) }

// ValuesPending is Values with the tokens that are pending (kv_values_pending).
func (kv *KV) ValuesPending(layer int) (*View, error) { return kv.view(kv_values_pending, layer) }

// KeysMut is KeysPending, to be changed in place (kv_keys_mut).
func (kv *KV) KeysMut(layer int) (*View, error) { return kv.view(kv_keys_mut, layer) }

// ValuesMut is ValuesPending, to be changed in place (kv_values_mut).
func (kv *KV) ValuesMut(layer int) (*View, error) { return kv.view(kv_values_mut, layer) }

// Read copies the rows of n tokens of a layer, KVK or KVV, to out (kv_read).
func (kv *KV) Read(layer int, which int32, firstToken, n int, out []float32) error {
	return check(kv.own, func() int32 {
		return kv_read(kv.own.get(), uint(layer), which, uint(firstToken), uint(n), first(out), uint(len(out)))
	})
}

// Len is the tokens in the cache (kv_len).
func (kv *KV) Len() int { return int(asked(kv.own, kv_len)) }

// Max is the most that it can hold (kv_max).
func (kv *KV) Max() int { return int(asked(kv.own, kv_max)) }

// Layers is how many the cache has (kv_layers).
func (kv *KV) Layers() int { return int(asked(kv.own, kv_layers)) }

// KVHeads is the heads that a layer's keys and values have (kv_heads).
func (kv *KV) KVHeads() int { return int(asked(kv.own, kv_heads)) }

// HeadDim is the elements of a head, KVK or KVV (kv_head_dim).
func (kv *KV) HeadDim(which int32) int {
	return int(asked(kv.own, func(p *infermem_kv) uint { return kv_head_dim(p, which) }))
}

// Generation is how many times rows went or moved otherwise than by Truncate (kv_generation).
func (kv *KV) Generation() uint64 { return asked(kv.own, kv_generation) }

// LayerStride is the elements from one layer's KVK or KVV to the next's (kv_layer_stride).
func (kv *KV) LayerStride(which int32) int {
	return int(asked(kv.own, func(p *infermem_kv) uint { return kv_layer_stride(p, which) }))
}

// MemoryBytes is the bytes of K and V together (kv_memory_bytes).
func (kv *KV) MemoryBytes() int { return int(asked(kv.own, kv_memory_bytes)) }

// MemoryReserved is the bytes of address range (kv_memory_reserved).
func (kv *KV) MemoryReserved() int { return int(asked(kv.own, kv_memory_reserved)) }

// MemoryCommitted is the bytes of pages that were written to (kv_memory_committed).
func (kv *KV) MemoryCommitted() int { return int(asked(kv.own, kv_memory_committed)) }

// Attend computes attention over a layer, for heads of keys and values; options may be nil (kv_attend).
func (kv *KV) Attend(layer int, options *KVAttendOptions, firstHead, heads int, q, out []float32) error {
	o := sizedCopy(options)
	return check(kv.own, func() int32 {
		return kv_attend(kv.own.get(), uint(layer), o, uint(firstHead), uint(heads), first(q), uint(len(q)), first(out),
			uint(len(out)))
	})
}

// AttendPartial is Attend over a range of tokens, as a part for AttendMerge (kv_attend_partial).
func (kv *KV) AttendPartial(layer int, options *KVAttendOptions, firstHead, heads, firstToken, tokens int,
	q, part []float32) error {
	o := sizedCopy(options)
	return check(kv.own, func() int32 {
		return kv_attend_partial(kv.own.get(), uint(layer), o, uint(firstHead), uint(heads), uint(firstToken), uint(tokens),
			first(q), uint(len(q)), first(part), uint(len(part)))
	})
}

// AttendMerge combines parts over different tokens (kv_attend_merge).
func AttendMerge(parts []float32, nParts, rows, headDimV int, out []float32) error {
	return check(nil, func() int32 {
		return kv_attend_merge(first(parts), uint(len(parts)), uint(nParts), uint(rows), uint(headDimV), first(out),
			uint(len(out)))
	})
}

// Save writes the cache to a file, whole or not at all; fingerprint, which may be nil, tells the model (kv_save).
func (kv *KV) Save(path string, fingerprint []byte) error {
	p, err := cString("kv_save", path)
	if err != nil {
		return err
	}
	return check(kv.own, func() int32 {
		return kv_save(kv.own.get(), p, firstByte(fingerprint), uint(len(fingerprint)))
	})
}

// SaveTo writes the same bytes to a writer, SavedBytes of them (kv_save_to).
func (kv *KV) SaveTo(w io.Writer, fingerprint []byte) error {
	return through(&stream{writer: w}, kv.own, func(context unsafe.Pointer) int32 {
		return kv_save_to(kv.own.get(), writeFunction(), context, firstByte(fingerprint), uint(len(fingerprint)))
	})
}

// Load makes the cache hold what was saved, and nothing else (kv_load).
func (kv *KV) Load(path string, fingerprint []byte) error {
	p, err := cString("kv_load", path)
	if err != nil {
		return err
	}
	return check(kv.own, func() int32 {
		return kv_load(kv.own.get(), p, firstByte(fingerprint), uint(len(fingerprint)))
	})
}

// LoadFrom loads from a reader, of which it reads what was saved and no more (kv_load_from).
func (kv *KV) LoadFrom(r io.Reader, fingerprint []byte) error {
	return through(&stream{reader: r}, kv.own, func(context unsafe.Pointer) int32 {
		return kv_load_from(kv.own.get(), readFunction(), context, firstByte(fingerprint), uint(len(fingerprint)))
	})
}

// SavedBytes is how many bytes Save and SaveTo write (kv_saved_bytes).
func (kv *KV) SavedBytes() uint64 { return asked(kv.own, kv_saved_bytes) }

// VerifyKV reads a saved cache from front to back, and says what it is of (kv_verify).
func VerifyKV(path string) (saved KVSaved, err error) {
	p, err := cString("kv_verify", path)
	if err != nil {
		return saved, err
	}
	err = check(nil, func() int32 { return kv_verify(p, sized(&saved)) })
	return saved, err
}
