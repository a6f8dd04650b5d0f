/* kv.h: the KV cache of one sequence, every layer contiguous.
 *
 *     INFERMEM_STRUCT(infermem_kv_options, options);
 *     options.n_layers = 32;
 *     options.n_kv_heads = 8;
 *     options.head_dim = 128;
 *     options.max_tokens = 4096;
 *     infermem_kv *kv;
 *     if (kv_new(&options, &kv) != INFERMEM_OK) return 1;
 *     for (size_t layer = 0; layer < 32; layer++) {
 *       kv_append(kv, layer, k, 1024, v, 1024, 1);    // this token's key and value
 *       kv_attend(kv, layer, NULL, 0, 8, q, 1024, out, 1024);  // to all tokens up to and including this one
 *     }
 *     kv_advance(kv, 1);
 *     kv_free(kv);
 *
 * A layer's keys, and its values, are rows, one a token, of n_kv_heads * head_dim elements. K and V are each
 * [layer][token][row], and every layer begins on a multiple of 64 bytes. A step appends the same number of tokens to
 * every layer and then advances: what is appended is pending until then, and no part of the length.
 *
 * Keys and values are stored as F32, F16, BF16, Q8_0, Q4_0 or Q4_1, each its own type, in all layers or in each its own.
 * Appending converts in the one pass that copies, with GGML's bytes. The blocks of the last three are 32 elements, which
 * head_dim must be a multiple of. INFERMEM_KV_ROTATE_K and _V lessen what blocks of few bits lose: each head is
 * multiplied by an orthonormal, symmetric Hadamard matrix before it is stored. Its size is the largest power of two that
 * divides the head's, 1024 at most; a head of more than one such run has each rotated by itself. Views show what is
 * stored, so the rotated rows; kv_read rotates back.
 *
 * Room for max_tokens is reserved at construction, pages are committed as tokens arrive, and nothing is allocated
 * afterwards, but while kv_load replaces tokens. Rows below the length never change until they are truncated, cleared,
 * moved by kv_keep or replaced by kv_load, and their places never do: a view stays valid until then, and shows no more
 * tokens than it had. Of a cache that was stored in a tape, every function that returns a status answers INFERMEM_E_STALE
 * once the tape has taken the memory back: cleared, rewound past it, or freed. A call that fails changes nothing.
 */
#ifndef INFERMEM_KV_H
#define INFERMEM_KV_H

#include "alloc.h"
#include "error.h"
#include "io.h"
#include "tensor.h"

/* Which half of a cache. */
enum { INFERMEM_KV_K = 0, INFERMEM_KV_V = 1 };

/* The most bytes of a fingerprint; see kv_save. */
enum { INFERMEM_KV_MAX_FINGERPRINT = 64 };

/* A KV cache; see kv_new. */
typedef struct infermem_kv infermem_kv;

/* Options of a cache: flags. */
enum {
  INFERMEM_KV_ROTATE_K = 1, /* rotate the heads of keys before they are stored */
  INFERMEM_KV_ROTATE_V = 2, /* those of values */
  INFERMEM_KV_STREAM = 4 /* store past the processor's caches, whatever the size: for rows that are not soon read. Other
                          * threads see them after kv_advance. */
};

/* How a cache is made. n_layers, n_kv_heads, head_dim and max_tokens are more than 0; zero in any other field means the
 * default. */
typedef struct infermem_kv_options {
  size_t struct_size;
  size_t n_layers;   /* below 2^20, as are n_kv_heads, head_dim and head_dim_v */
  size_t n_kv_heads; /* heads that K and V have; under grouped-query attention fewer than those of the query */
  size_t head_dim;   /* elements of one head's key */
  size_t head_dim_v; /* elements of one head's value; 0 means head_dim */
  size_t max_tokens;
  int32_t k_type;            /* how keys are stored: INFERMEM_DTYPE_F32, which is 0, _F16, _BF16, _Q8_0, … */
  int32_t v_type;            /* how values are stored */
  const infermem_tape *tape; /* where the cache is stored; NULL means a mapping of its own */
  const infermem_allocator *allocator; /* for the handle and a few bytes a layer; NULL means malloc */
  const int32_t *k_types;              /* n_layers types, a layer's each, instead of k_type; NULL means k_type in all */
  const int32_t *v_types;              /* the same for values */
  size_t growable;   /* the tokens that kv_grow may grow to, max_tokens or more; 0 means that it may not grow */
  uint32_t flags;    /* INFERMEM_KV_ROTATE_K, … */
  uint32_t reserved; /* 0 */
} infermem_kv_options;

/* What attention is computed; see kv_attend. Zero in any field but struct_size means the default. */
typedef struct infermem_kv_attend_options {
  size_t struct_size;
  size_t n_q_heads;  /* heads of the query, a multiple of the cache's n_kv_heads; 0 means n_kv_heads */
  size_t n_q_tokens; /* tokens of the query, 64 at most; 0 means 1 */
  size_t n_after;    /* tokens that other caches hold after those of this one; see kv_attend_partial */
  size_t window;     /* a token sees itself and the window - 1 tokens before it; 0 means all before it */
  float scale;       /* of the scores, finite; 0 means 1 / sqrt(head_dim) */
  float soft_cap;    /* scores become soft_cap * tanh(score / soft_cap); finite, at least 0; 0 means that they stay */
} infermem_kv_attend_options;

/* What a saved cache says of itself; see kv_verify. A cache made with these numbers can load it. */
typedef struct infermem_kv_saved {
  size_t struct_size;
  uint64_t n_tokens;
  uint64_t n_layers;
  uint64_t n_kv_heads;
  uint64_t head_dim;
  uint64_t head_dim_v;
  uint64_t file_bytes;
  int32_t k_type;    /* of the first layer: INFERMEM_DTYPE_* */
  int32_t v_type;    /* likewise */
  uint32_t is_mixed; /* 1 where another layer's types are others */
  uint32_t flags;    /* INFERMEM_KV_ROTATE_* */
  uint32_t n_fingerprint;
  uint32_t reserved;
  uint8_t fingerprint[INFERMEM_KV_MAX_FINGERPRINT]; /* n_fingerprint bytes, and zeros */
} infermem_kv_saved;

#ifndef INFERMEM_NO_PROTOTYPES
INFERMEM_BEGIN_DECLS

/* Makes an empty cache; free it with kv_free.
 * Errors: INFERMEM_E_NULL: options or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: a field that must be more than
 * 0 is 0, growable is below max_tokens, a flag is unknown, reserved is not 0, or the allocator lacks a function.
 * INFERMEM_E_LIMIT: a field is 2^20 or more where it must be below.  INFERMEM_E_TYPE: a type is no known type's number.
 * INFERMEM_E_UNSUPPORTED: it is a type that a cache cannot store.  INFERMEM_E_SHAPE: a head is not whole blocks of its
 * type.  INFERMEM_E_OVERFLOW: the bytes do not fit.  INFERMEM_E_NOMEM: the handle or the address range could not be had.
 * INFERMEM_E_HANDLE: the tape is none.  INFERMEM_E_FULL, INFERMEM_E_SEALED: as tape_alloc.
 * Thread: any.  Memory: two allocations from the allocator; one mapping, or one allocation from the tape.  Since: 0.1
 */
INFERMEM_FN int32_t kv_new(const infermem_kv_options *options, infermem_kv **out) INFERMEM_AS(kv_new);

/* Frees a cache; a tape's memory stays as it is. NULL is allowed.
 * Thread: exclusive.  Memory: releases.  Since: 0.1 */
INFERMEM_FN void kv_free(infermem_kv *kv) INFERMEM_AS(kv_free);

/* Stores the keys and values of the step's tokens in one layer, after the kv_len tokens that are there, converted to
 * the stored type. They are pending until kv_advance. Appending to the same layer again replaces what is pending in it.
 * To F16 and BF16 values are rounded to the nearest, ties to even, and what is too large becomes infinite; block types
 * refuse what they cannot hold.
 *   layer: below n_layers.  k: k_len floats, n_tokens rows of n_kv_heads * head_dim.  v: v_len floats, n_tokens rows of
 * n_kv_heads * head_dim_v.  n_tokens: more than 0.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SEALED: the tape of the cache is sealed.
 * INFERMEM_E_RANGE: there is no such layer.  INFERMEM_E_ARG: n_tokens is 0.  INFERMEM_E_SHAPE: k_len or v_len is not
 * n_tokens rows.  INFERMEM_E_FULL: n_tokens exceeds kv_max - kv_len.  Of block types, INFERMEM_E_NOT_FINITE: a value is
 * NaN or infinite; the error's `got` is its index.  INFERMEM_E_LIMIT: values, rotated where the cache does that, are too
 * large for the parameters of their block, which are F16; `got` is the index of its first.
 * Thread: exclusive.  Memory: none; commits the pages that the rows lie in, also where values are refused.  Since: 0.1 */
INFERMEM_FN int32_t kv_append(infermem_kv *kv, size_t layer, const float *k, size_t k_len, const float *v, size_t v_len,
                              size_t n_tokens) INFERMEM_AS(kv_append);

/* As kv_append, from rows of F16.
 * Thread: exclusive.  Memory: as kv_append.  Since: 0.1 */
INFERMEM_FN int32_t kv_append_f16(infermem_kv *kv, size_t layer, const uint16_t *k, size_t k_len, const uint16_t *v,
                                  size_t v_len, size_t n_tokens) INFERMEM_AS(kv_append_f16);

/* As kv_append, from rows of BF16.
 * Thread: exclusive.  Memory: as kv_append.  Since: 0.1 */
INFERMEM_FN int32_t kv_append_bf16(infermem_kv *kv, size_t layer, const uint16_t *k, size_t k_len, const uint16_t *v,
                                   size_t v_len, size_t n_tokens) INFERMEM_AS(kv_append_bf16);

/* Ends a step: the n tokens pending in every layer become part of the length.
 *   n: exactly the tokens pending in each layer; 0 does nothing when none are pending.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_INCOMPLETE: a layer has another number of
 * tokens pending; the message names the first such layer, and the error's `got` is how many it has.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t kv_advance(infermem_kv *kv, size_t n) INFERMEM_AS(kv_advance);

/* Drops what is pending in every layer.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t kv_abort(infermem_kv *kv) INFERMEM_AS(kv_abort);

/* Shortens the cache to its first n tokens, and drops what is pending: how speculative decoding takes back what was
 * rejected.
 *   n: kv_len at most.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_RANGE: n exceeds kv_len.
 * Thread: exclusive.  Memory: none; pages stay committed.  Since: 0.1 */
INFERMEM_FN int32_t kv_truncate(infermem_kv *kv, size_t n) INFERMEM_AS(kv_truncate);

/* Empties the cache, and drops what is pending; the generation grows by one.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.
 * Thread: exclusive.  Memory: none; pages stay committed.  Since: 0.1 */
INFERMEM_FN int32_t kv_clear(infermem_kv *kv) INFERMEM_AS(kv_clear);

/* As kv_clear, and overwrites with zeros every byte that was ever written, so that nothing of the talk is left.
 * Errors: as kv_clear, and INFERMEM_E_SEALED.
 * Thread: exclusive.  Memory: none; pages stay committed.  Since: 0.1 */
INFERMEM_FN int32_t kv_clear_zero(infermem_kv *kv) INFERMEM_AS(kv_clear_zero);

/* Keeps the first `sinks` and the last `recent` tokens, and drops those between, and what is pending: attention with
 * sinks, StreamingLLM (Xiao et al. 2023). The recent rows move up behind the sinks; their contents stay as they are, so
 * keys keep the positions that were encoded in them. Where anything was dropped the generation grows by one.
 *   sinks, recent: any numbers; together kv_len or more keep everything.
 *   out_dropped: how many tokens were dropped. What is token i now was token i before, where i is below sinks, and else
 * token i + dropped.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SEALED.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t kv_keep(infermem_kv *kv, size_t sinks, size_t recent, size_t *out_dropped) INFERMEM_AS(kv_keep);

/* Makes dst hold copies of the first n tokens of src, and nothing else: what was in it is cleared, as by kv_clear. The
 * caches agree in layers, heads, head sizes, types and rotation; their max_tokens may differ.
 *   n: at most the kv_len of src.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SEALED: the tape of dst is.
 * INFERMEM_E_ARG: dst is src.  INFERMEM_E_SHAPE: layers, heads or head sizes differ.  INFERMEM_E_TYPE: a type or the
 * rotation does. INFERMEM_E_RANGE: n exceeds the tokens of src.  INFERMEM_E_FULL: it exceeds the kv_max of dst.
 * Thread: exclusive for dst; src many at once.  Memory: none; commits the pages that the rows lie in.  Since: 0.1 */
INFERMEM_FN int32_t kv_copy_prefix(infermem_kv *dst, const infermem_kv *src, size_t n) INFERMEM_AS(kv_copy_prefix);

/* Lets the cache hold more tokens, within what was reserved for it; nothing moves, and every view stays valid.
 *   max_tokens: from kv_max to the growable of the options.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_RANGE: max_tokens is not within these.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t kv_grow(infermem_kv *kv, size_t max_tokens) INFERMEM_AS(kv_grow);

/* Asks the processor to bring the beginning of a layer's keys and of its values, up to 64 KiB each, into its caches, and
 * the place of the next row in both: to be called while the layer before is computed. Returns at once, or as soon as the
 * processor has taken the requests.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_RANGE: there is no such layer.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t kv_prefetch(const infermem_kv *kv, size_t layer) INFERMEM_AS(kv_prefetch);

/* The keys of one layer, [kv_len, n_kv_heads * head_dim] of the stored type, without a copy and read-only; rotated where
 * the cache rotates keys. Of an empty cache shape[0] is 0. Valid until the rows are truncated, cleared or moved.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_RANGE: there is no such layer.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t kv_keys(const infermem_kv *kv, size_t layer, infermem_view *out) INFERMEM_AS(kv_keys);

/* The values of one layer, [kv_len, n_kv_heads * head_dim_v] of the stored type; as kv_keys.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t kv_values(const infermem_kv *kv, size_t layer, infermem_view *out) INFERMEM_AS(kv_values);

/* As kv_keys, with the tokens that are pending in this layer after those of the length: what attention reads during a
 * step. The pending rows are valid until the layer is appended to again, or the step aborted.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t kv_keys_pending(const infermem_kv *kv, size_t layer, infermem_view *out)
    INFERMEM_AS(kv_keys_pending);

/* As kv_values, with the tokens that are pending in this layer; see kv_keys_pending.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t kv_values_pending(const infermem_kv *kv, size_t layer, infermem_view *out)
    INFERMEM_AS(kv_values_pending);

/* As kv_keys_pending, to be changed in place: to rotate keys to new positions after kv_keep, for one.
 * Errors: as kv_keys, and INFERMEM_E_SEALED: the tape of the cache is sealed.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t kv_keys_mut(infermem_kv *kv, size_t layer, infermem_view *out) INFERMEM_AS(kv_keys_mut);

/* As kv_values_pending, to be changed in place; see kv_keys_mut.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t kv_values_mut(infermem_kv *kv, size_t layer, infermem_view *out) INFERMEM_AS(kv_values_mut);

/* Copies the rows of tokens first … first + n - 1 of one layer to floats, rotated back where the cache rotates. Tokens
 * pending in this layer come after those of the length.
 *   which: INFERMEM_KV_K or INFERMEM_KV_V.  out: n_out floats.  n_out: n rows' elements.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_ARG: which is neither.  INFERMEM_E_RANGE:
 * there is no such layer, or the tokens are not all there.  INFERMEM_E_SHAPE: n_out is not n rows.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t kv_read(const infermem_kv *kv, size_t layer, int32_t which, size_t first, size_t n, float *out,
                            size_t n_out) INFERMEM_AS(kv_read);

/* Tokens in the cache, those pending not counted. Constant time, but for kv_memory_committed, as are all the queries
 * below; of NULL or a handle of another kind each is 0.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t kv_len(const infermem_kv *kv) INFERMEM_AS(kv_len);

/* The most tokens that the cache can hold, until it grows.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t kv_max(const infermem_kv *kv) INFERMEM_AS(kv_max);

/* How many times rows below the length went or moved otherwise than by truncation: by kv_clear, kv_clear_zero,
 * kv_copy_prefix and kv_load into it, and kv_keep.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN uint64_t kv_generation(const infermem_kv *kv) INFERMEM_AS(kv_generation);

/* The layers of the cache; 0 of NULL or a handle of another kind.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t kv_layers(const infermem_kv *kv) INFERMEM_AS(kv_layers);

/* The heads that keys and values have; 0 as kv_layers.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t kv_heads(const infermem_kv *kv) INFERMEM_AS(kv_heads);

/* Elements of a head.
 *   which: INFERMEM_KV_K or INFERMEM_KV_V; of any other the answer is 0.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t kv_head_dim(const infermem_kv *kv, int32_t which) INFERMEM_AS(kv_head_dim);

/* Elements from the beginning of one layer to that of the next: max_tokens rows, or what growable says, rounded up to a
 * multiple of 64 bytes that is whole blocks.
 *   which: INFERMEM_KV_K or INFERMEM_KV_V; of any other the answer is 0, as where the layers' types differ.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t kv_layer_stride(const infermem_kv *kv, int32_t which) INFERMEM_AS(kv_layer_stride);

/* Bytes of K and V together, for max_tokens in every layer, or what growable says.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t kv_memory_bytes(const infermem_kv *kv) INFERMEM_AS(kv_memory_bytes);

/* Bytes of address range that the cache holds: kv_memory_bytes in whole pages; in a tape, exactly kv_memory_bytes.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t kv_memory_reserved(const infermem_kv *kv) INFERMEM_AS(kv_memory_reserved);

/* Bytes of the pages that tokens were ever written to, in base pages; in a tape, whose pages are its own affair,
 * kv_memory_bytes. Where the system makes huge pages without being asked, there may be up to one more for each layer's
 * keys and values. Time linear in the layers.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t kv_memory_committed(const infermem_kv *kv) INFERMEM_AS(kv_memory_committed);

/* ---- Attention ---- */

/* Attention over one layer, causal, for the last tokens of the cache: of query token t and query head h, the sum over the
 * tokens j that t sees of softmax over j of scale * (q[t][h] . key[j]) times value[j], where query heads
 * i * n_q_heads / n_kv_heads and on share head i of the keys and values. Stored rows are read as they are, once for 64 or
 * fewer rows of the query, in one pass.
 *   The tokens that are pending in this layer count: call it after kv_append of the layer, before or after kv_advance.
 * The n_q_tokens tokens of the query are the last of them. Each sees itself and those before it, back to its window's
 * begin.
 *   options: NULL means all defaults: one token, as many heads as the cache has.  first_head, n_heads: the heads of
 * keys and values to attend to, and with them their query heads: callers split the heads over their own threads. With
 * n_heads 0 nothing is written.  q: n_q floats, [n_q_tokens][n_q_heads][head_dim], of all heads.  out: n_out floats,
 * [n_q_tokens][n_q_heads][head_dim_v], of all heads, of which those attended to are written; may not overlap q.
 * head_dim and head_dim_v are multiples of 8, and 1024 at most. Where the cache rotates, the query is rotated too, and
 * the output back, so that of rotation nothing is seen but its rounding.
 *   Error: let e = (head_dim + 16) * 2^-23 * |scale| * (the largest sum over i of |q[i] * key[i]|), plus, of keys in
 * blocks, 2^-15 * |scale| * max |q[i]| * (the largest sum of |key[i]|): the query is then multiplied as integers of 16
 * bits, and one below 2^-100 throughout is taken as zeros.
 *   With n tokens seen, each element is within (2.1 * e + (n + 32) * 2^-23) * max |value| of exact, as long as e is
 * below 1/16; with a soft cap, e is 2^-20 * soft_cap more. Of values in blocks as kv_append makes them it is 2^-10 *
 * max |value| more, and of Q4_1 2^-9: weights are then multiplied by the blocks' scales, and the products are integers of
 * 16 bits, relative to the largest of 64 tokens.
 * With rotation this holds of the rotated vectors, and of the output before it is rotated back. Scores beyond the largest
 * float count as the largest; the sums of |q[i] * key[i]| have to be below it. Where a query, or a row that any of the
 * query's tokens sees, is not finite, what is written for that head is unspecified. How heads are split changes no bit.
 * Errors: INFERMEM_E_NULL: kv, q or out is NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.  INFERMEM_E_STALE.
 * INFERMEM_E_RANGE: there is no such layer, or the heads are not all of the cache, or the tokens there are, n_after
 * among them, are fewer than n_q_tokens.  INFERMEM_E_LIMIT: n_q_tokens is above 64.  INFERMEM_E_ARG: n_q_heads is no
 * multiple of n_kv_heads, scale or soft_cap is not finite, or soft_cap is below 0.  INFERMEM_E_UNSUPPORTED: head_dim or
 * head_dim_v is none of the above.  INFERMEM_E_SHAPE: n_q or n_out is another number.  INFERMEM_E_OVERFLOW: n_after, or
 * a length, does not fit.
 * Thread: many at once.  Memory: none; some 100 KiB of stack.  Since: 0.1 */
INFERMEM_FN int32_t kv_attend(const infermem_kv *kv, size_t layer, const infermem_kv_attend_options *options,
                              size_t first_head, size_t n_heads, const float *q, size_t n_q, float *out, size_t n_out)
    INFERMEM_AS(kv_attend);

/* The same over a range of the tokens, as a part for kv_attend_merge: callers split a long cache over their threads, or
 * attend to several caches, such as a prefix that sequences share and what follows in each.
 *   Of each query token and head the part has head_dim_v sums of values weighted with exp(score - largest), then that
 * largest score, then the sum of the weights; where nothing is seen, zeros, -infinity and 0.
 *   first_token, n_tokens: the tokens to attend to, of those that there are with the pending ones; none is allowed.
 * options: n_after is how many tokens lie in other caches behind those of this one. The query's tokens are then the last
 * of all: with a prefix of its own cache, n_after is the length of the suffix, the query's tokens included; with the
 * suffix it is 0. Windows count across caches.  part: n_part floats, [n_q_tokens][n_q_heads][head_dim_v + 2], of which
 * the heads attended to are written; may not overlap q.
 * Errors: as kv_attend, of which INFERMEM_E_SHAPE: n_part is another number; INFERMEM_E_RANGE: the tokens are not all
 * there, too.
 * Thread: many at once.  Memory: none; some 100 KiB of stack.  Since: 0.1 */
INFERMEM_FN int32_t kv_attend_partial(const infermem_kv *kv, size_t layer, const infermem_kv_attend_options *options,
                                      size_t first_head, size_t n_heads, size_t first_token, size_t n_tokens,
                                      const float *q, size_t n_q, float *part, size_t n_part)
    INFERMEM_AS(kv_attend_partial);

/* Combines parts over different tokens into the attention over all of them: each row is the sum of the parts' sums, each
 * times exp(its largest score - the largest of all), over the sum of their weights times the same; a row of which no part
 * saw anything becomes 0.
 *   parts: n_floats floats, n_parts parts after each other, each n_rows rows of head_dim_v + 2.  n_rows: the query's
 * tokens times its heads; or a share of them.  out: n_out floats, n_rows rows of head_dim_v; may not overlap the parts.
 * The error is that of kv_attend, and (n_parts + 8) * 2^-23 * max |value|.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_ARG: n_parts or head_dim_v is 0.  INFERMEM_E_SHAPE: n_floats or n_out is another
 * number.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t kv_attend_merge(const float *parts, size_t n_floats, size_t n_parts, size_t n_rows,
                                    size_t head_dim_v, float *out, size_t n_out) INFERMEM_AS(kv_attend_merge);

/* ---- Saving ---- */

/* Writes the tokens of the length, not those pending, to a file for kv_load: rows as they are stored, bit for bit, with
 * what tells whether another cache can take them over. The format is told in src/doc/kv_file.md; a file written by any
 * release is read by all later ones of the same major version. The same tokens in caches of the same layers, heads,
 * types and rotation give the same bytes, whatever the caches' room.
 *   The bytes go to a temporary file beside it, are written to the disk, and then take the name: whenever the process
 * or the machine stops, the path has the former file or the new one. A regular file of that name keeps its permissions,
 * a symbolic link is replaced. A process that is killed meanwhile may leave the temporary, `.infermem-PID-….tmp`.
 *   path: NUL-terminated.  fingerprint: n_fingerprint bytes that tell the model, such as a hash of its file, and
 * whatever else the rows depend on; kv_load refuses any other. NULL with n_fingerprint 0 means that the caller sees to
 * that.  n_fingerprint: at most INFERMEM_KV_MAX_FINGERPRINT.
 * Errors: INFERMEM_E_NULL: kv or path is, or fingerprint with n_fingerprint more than 0.  INFERMEM_E_HANDLE.
 * INFERMEM_E_STALE.  INFERMEM_E_LIMIT: n_fingerprint is too large.  INFERMEM_E_ARG: path ends without a name, or names
 * a directory or a device.  INFERMEM_E_IO: the file cannot be written, os_error tells why; the path has the former
 * file, or is free as before, unless the message says that it is the directory that could not be written back.
 * Thread: many at once.  Memory: some KiB of stack; two file descriptors during the call.  Since: 0.1 */
INFERMEM_FN int32_t kv_save(const infermem_kv *kv, const char *path, const void *fingerprint, size_t n_fingerprint)
    INFERMEM_AS(kv_save);

/* The same bytes, kv_saved_bytes of them, to a function of the caller's.
 *   write, context: see io.h. What was written before a failure is of no use.
 * Errors: as kv_save, of which INFERMEM_E_NULL: write is NULL, and INFERMEM_E_IO: write returned no number from 1 to n;
 * the error's `got` is what it returned.
 * Thread: many at once.  Memory: some KiB of stack.  Since: 0.1 */
INFERMEM_FN int32_t kv_save_to(const infermem_kv *kv, infermem_write_function write, void *context,
                               const void *fingerprint, size_t n_fingerprint) INFERMEM_AS(kv_save_to);

/* Makes a cache hold what was saved, and nothing else: what was in it is cleared, as by kv_clear. The cache agrees with
 * the one that was saved in layers, heads, head sizes, types and rotation; it may be larger or smaller, as long as the
 * tokens fit.
 *   Until everything was read and verified, nothing in the cache changes. Into an empty cache, of length 0 and with
 * nothing pending, rows are read to their places. Otherwise they are read to a mapping of the size of the saved rows,
 * and copied from there: where there is not the memory for both, clear the cache first, and a failed call leaves it
 * empty.
 *   The checksums find accidents. Bytes that somebody made to deceive, with checksums to match, are a cache like any
 * other, of tokens that were never computed; rows are taken as they are, also those that are not finite.
 *   path: a regular file, NUL-terminated, which may change meanwhile: what is restored is what was verified.
 * fingerprint, n_fingerprint: those that it was saved with.
 * Errors: INFERMEM_E_NULL: kv or path is, or fingerprint with n_fingerprint more than 0.  INFERMEM_E_HANDLE.
 * INFERMEM_E_STALE.  INFERMEM_E_SEALED.  INFERMEM_E_LIMIT: n_fingerprint is too large.  INFERMEM_E_IO: the file cannot
 * be opened or read; os_error tells why.  INFERMEM_E_FORMAT: it is no regular file, none of this format, or its header
 * contradicts itself.  INFERMEM_E_VERSION: it is of a version that cannot be read here.  INFERMEM_E_TRUNCATED: it ends
 * before what it declares, or is empty.  INFERMEM_E_CORRUPT: a checksum is not that of the bytes, or the file goes on
 * after its end; `expected` and `got` are the checksums, or the sizes.  INFERMEM_E_UNSUPPORTED: it has a flag that is
 * not known here.  INFERMEM_E_FINGERPRINT: it was saved with another.  INFERMEM_E_SHAPE: layers, heads or head sizes
 * differ.  INFERMEM_E_TYPE: the rotation, or a layer's type does.  INFERMEM_E_FULL: its tokens exceed kv_max.
 * INFERMEM_E_NOMEM: of a cache that is not empty, the mapping could not be had.
 * Thread: exclusive.  Memory: see above; commits the pages that the rows lie in, of an empty cache also where the call
 * fails; some KiB of stack; one file descriptor during the call.  Since: 0.1 */
INFERMEM_FN int32_t kv_load(infermem_kv *kv, const char *path, const void *fingerprint, size_t n_fingerprint)
    INFERMEM_AS(kv_load);

/* The same from a function of the caller's, which is asked for exactly the bytes that were saved, and for none after
 * them.
 *   read, context: see io.h.
 * Errors: as kv_load, of which INFERMEM_E_NULL: read is NULL; INFERMEM_E_IO: read returned a number below 0 or above n,
 * and the error's `got` is that; INFERMEM_E_TRUNCATED: it returned 0 too early. Nothing tells whether bytes follow.
 * Thread: exclusive.  Memory: as kv_load, without the file descriptor.  Since: 0.1 */
INFERMEM_FN int32_t kv_load_from(infermem_kv *kv, infermem_read_function read, void *context, const void *fingerprint,
                                 size_t n_fingerprint) INFERMEM_AS(kv_load_from);

/* Reads a saved cache from front to back without one to load it into: whether it is whole and undamaged, and what it is
 * of. *out, whose struct_size the caller has set, is filled only then.
 *   path: a regular file, NUL-terminated.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_IO, INFERMEM_E_FORMAT, INFERMEM_E_VERSION,
 * INFERMEM_E_TRUNCATED, INFERMEM_E_CORRUPT, INFERMEM_E_UNSUPPORTED: as kv_load, and INFERMEM_E_UNSUPPORTED: a type is
 * none that a cache of this release can store.
 * Thread: any.  Memory: some KiB of stack; one file descriptor during the call.  Since: 0.1 */
INFERMEM_FN int32_t kv_verify(const char *path, infermem_kv_saved *out) INFERMEM_AS(kv_verify);

/* Bytes that kv_save and kv_save_to write of the cache as it is. Time linear in the layers; 0 of NULL or a handle of
 * another kind.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN uint64_t kv_saved_bytes(const infermem_kv *kv) INFERMEM_AS(kv_saved_bytes);

INFERMEM_END_DECLS
#endif

#endif
