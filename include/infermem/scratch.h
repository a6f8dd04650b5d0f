/* scratch.h: the buffers of one forward pass, sized from the model's configuration; and the planner that lets any buffers
 * whose lifetimes do not meet share memory.
 *
 *     INFERMEM_STRUCT(infermem_scratch_options, options);
 *     options.flags = INFERMEM_SCRATCH_OVERLAP;
 *     infermem_scratch *scratch;
 *     if (scratch_new(&config, &options, &scratch) != INFERMEM_OK) return 1;
 *     float *hidden;
 *     size_t n;
 *     scratch_f32(scratch, INFERMEM_SCRATCH_HIDDEN, &hidden, &n);    // n is batch * config.hidden
 *     scratch_free(scratch);
 *
 * Everything is one piece of memory, of a tape or of its own, and each buffer begins on a multiple of 64 bytes. Addresses
 * and lengths never change. Of a scratch that was stored in a tape, every function that returns a status answers
 * INFERMEM_E_STALE once the tape has taken the memory back.
 */
#ifndef INFERMEM_SCRATCH_H
#define INFERMEM_SCRATCH_H

#include "alloc.h"
#include "error.h"
#include "model.h"
#include "tensor.h"

/* X(name, number, elements of a token, type): the buffers. With h = hidden, i the largest of intermediate,
 * expert_intermediate and shared_intermediate, v = vocab, dk = head_dim_k and dv = head_dim_v (h / n_heads where they
 * are 0; of a model without heads, 0): q = n_heads * dk, k = n_kv_heads * dk, w = n_kv_heads * dv,
 * o = n_heads * dv, a = max(h, q, o) rounded up to 256, b = i rounded up to 256, s = max(h, q, o) / 32 rounded up. */
#define INFERMEM_SCRATCH_LIST(X)                                                           \
  X(HIDDEN, 0, h, F32)      /* the stream that the layers add to */                        \
  X(NORMED, 1, h, F32)      /* what a norm makes of it */                                  \
  X(QKV, 2, q + k + w, F32) /* a fused projection */                                       \
  X(Q, 3, q, F32)           /* queries */                                                  \
  X(K, 4, k, F32)           /* keys */                                                     \
  X(V, 5, w, F32)           /* values */                                                   \
  X(ATTN_OUT, 6, o, F32)    /* attention, before its projection */                         \
  X(ATTN_PROJ, 7, h, F32)   /* and after it */                                             \
  X(FFN_UP, 8, i, F32)      /* the feed-forward part */                                    \
  X(FFN_GATE, 9, i, F32)                                                                   \
  X(FFN_DOWN, 10, h, F32)                                                                  \
  X(LOGITS, 11, v, F32)                                                                    \
  X(EXPANDED_V, 12, o, F32) /* values, repeated for each query head; with EXPAND_V */      \
  X(Q8_SCALES, 13, s, F32)  /* 8-bit activations in blocks of 32; with Q8 */               \
  X(Q8_QUANTS, 14, s * 32, I8)                                                             \
  X(Q8K_HIDDEN_SCALES, 15, a / 256, F32) /* in blocks of 256, of what is h, q or o long */ \
  X(Q8K_HIDDEN_QUANTS, 16, a, I8)                                                          \
  X(Q8K_INTER_SCALES, 17, b / 256, F32) /* and of what is i long */                        \
  X(Q8K_INTER_QUANTS, 18, b, I8)

enum {
#define INFERMEM_SCRATCH_ENTRY(name, number, elements, type) INFERMEM_SCRATCH_##name = (number),
  INFERMEM_SCRATCH_LIST(INFERMEM_SCRATCH_ENTRY)
#undef INFERMEM_SCRATCH_ENTRY
      INFERMEM_SCRATCH_COUNT = 19
};

enum {
  INFERMEM_SCRATCH_OVERLAP = 1, /* buffers that are not in use at the same time share memory */
  INFERMEM_SCRATCH_Q8 = 2,      /* Q8_SCALES and Q8_QUANTS, too */
  INFERMEM_SCRATCH_EXPAND_V = 4 /* EXPANDED_V, too */
};

/* The rows that scratch_quantize_q8k writes. */
enum {
  INFERMEM_SCRATCH_Q8K_HIDDEN = 0, /* Q8K_HIDDEN_SCALES and _QUANTS */
  INFERMEM_SCRATCH_Q8K_INTER = 1   /* Q8K_INTER_SCALES and _QUANTS */
};

/* The buffers of a forward pass; see scratch_new. */
typedef struct infermem_scratch infermem_scratch;

/* How they are made. Zero in any field means the default. */
typedef struct infermem_scratch_options {
  size_t struct_size;
  size_t batch;                        /* tokens of a pass; 0 means 1 */
  uint32_t flags;                      /* INFERMEM_SCRATCH_* */
  uint32_t reserved;                   /* 0 */
  const infermem_tape *tape;           /* where the buffers are; NULL means a mapping of their own */
  const infermem_allocator *allocator; /* for the handle, and for planning; NULL means malloc */
} infermem_scratch_options;

/* When a buffer of a plan is in use: both uses, and all steps between them, included. */
typedef struct infermem_scratch_lifetime {
  uint64_t bytes;     /* 0 is allowed, and takes nothing */
  uint64_t first_use; /* a step, of any numbering that ascends with time */
  uint64_t last_use;
} infermem_scratch_lifetime;

/* Where the buffers of any graph go; see scratch_plan_new. */
typedef struct infermem_scratch_plan infermem_scratch_plan;

/* How one is planned. Zero in any field means the default. */
typedef struct infermem_scratch_plan_options {
  size_t struct_size;
  uint64_t align;                      /* of each offset, a power of two; 0 means 64 */
  const infermem_allocator *allocator; /* NULL means malloc */
} infermem_scratch_plan_options;

#define INFERMEM_SCRATCH_PLAN_MAX 8192 /* buffers of a plan */

#ifndef INFERMEM_NO_PROTOTYPES
INFERMEM_BEGIN_DECLS

/* ---- The buffers of a pass --------------------------------------------------------------------------------------- */

/* Makes the buffers, all zero; free them with scratch_free. Each is a matrix of batch rows.
 *
 * With OVERLAP, buffers share memory whose uses in a pass do not meet, where a pass is in this order: HIDDEN is normed to
 * NORMED; that is projected to QKV, or to Q, K and V, which QKV may be split into; attention reads these and EXPANDED_V
 * and writes ATTN_OUT, which is projected to ATTN_PROJ and added to HIDDEN; that is normed to NORMED, which becomes
 * FFN_UP and FFN_GATE, these FFN_DOWN, by way of Q8K_INTER, and that is added to HIDDEN; in the end NORMED becomes LOGITS.
 * HIDDEN, NORMED, Q8 and Q8K_HIDDEN share with none.
 *   config: as infermem_config_validate takes it.  options: NULL means all defaults.
 * Errors: INFERMEM_E_NULL: config or out is NULL.  INFERMEM_E_STRUCT.  Those of infermem_config_validate.
 * INFERMEM_E_ARG: a flag is unknown, a reserved field is not 0, or the allocator lacks a function.  INFERMEM_E_OVERFLOW:
 * the buffers do not fit the address range.  INFERMEM_E_NOMEM.  INFERMEM_E_HANDLE: tape is another kind of handle.
 * INFERMEM_E_FULL, INFERMEM_E_SEALED: the tape has no room, or is sealed.
 * Thread: any; with an EXCLUSIVE tape, one at a time.  Memory: one handle from the allocator, and meanwhile what planning
 * takes; one allocation from the tape, or one mapping.  Since: 0.1 */
INFERMEM_FN int32_t scratch_new(const infermem_model_config *config, const infermem_scratch_options *options,
                                infermem_scratch **out) INFERMEM_AS(scratch_new);

/* Frees the buffers; a tape keeps its bytes until it is cleared. NULL is allowed.
 * Thread: exclusive.  Memory: releases.  Since: 0.1 */
INFERMEM_FN void scratch_free(infermem_scratch *scratch) INFERMEM_AS(scratch_free);

/* A buffer of floats, for the caller to write and read: *out_n is its length in elements, all rows of the batch together.
 *   which: INFERMEM_SCRATCH_*.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such buffer.  INFERMEM_E_STATE: the scratch
 * was made without it.  INFERMEM_E_TYPE: it is one of 8-bit integers.  INFERMEM_E_STALE.
 * Thread: many at once; who writes where is the caller's.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t scratch_f32(const infermem_scratch *scratch, int32_t which, float **out, size_t *out_n)
    INFERMEM_AS(scratch_f32);

/* A buffer of 8-bit integers; as scratch_f32.
 * Errors: those of scratch_f32; INFERMEM_E_TYPE: it is one of floats.
 * Thread: many at once; who writes where is the caller's.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t scratch_i8(const infermem_scratch *scratch, int32_t which, int8_t **out, size_t *out_n)
    INFERMEM_AS(scratch_i8);

/* Any buffer as a view, [batch, elements of a token] of F32 or I8, valid as long as the scratch.
 * Errors: those of scratch_f32, but for INFERMEM_E_TYPE.
 * Thread: many at once; who writes where is the caller's.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t scratch_view(const infermem_scratch *scratch, int32_t which, infermem_view *out)
    INFERMEM_AS(scratch_view);

/* Makes HIDDEN and NORMED zero, which is what a pass starts from.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SEALED: the tape is sealed.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t scratch_reset(infermem_scratch *scratch) INFERMEM_AS(scratch_reset);

/* Makes all buffers zero.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SEALED: the tape is sealed.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t scratch_reset_all(infermem_scratch *scratch) INFERMEM_AS(scratch_reset_all);

/* Bytes of memory that the buffers take, with the gaps for alignment; 0 of NULL or a handle of another kind.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t scratch_total_bytes(const infermem_scratch *scratch) INFERMEM_AS(scratch_total_bytes);

/* Bytes that they would take if none shared memory; 0 of NULL or a handle of another kind.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t scratch_separate_bytes(const infermem_scratch *scratch) INFERMEM_AS(scratch_separate_bytes);

/* Quantizes one token's floats to 8 bits, in blocks of 256, into a row of Q8K_HIDDEN or Q8K_INTER: of each block the scale
 * is the largest magnitude / 127 (1 / 127 where that magnitude is 1e-10 or less), and a level the value / scale, rounded
 * to nearest, halves away from 0, within -128 to 127: each operation rounded to float, the same bits on every machine. The
 * last block is filled up with zeros; blocks of the row beyond it stay what they are.
 *   which: INFERMEM_SCRATCH_Q8K_*.  row: below the batch.  values: n floats; may be NULL when n is 0, which changes
 *   nothing.  n: the row's length at most.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such `which`, or no such row.
 * INFERMEM_E_SHAPE: n exceeds the row.  INFERMEM_E_NOT_FINITE: a value is NaN or infinite; the error's `got` is its index.
 * INFERMEM_E_STALE.  INFERMEM_E_SEALED: the tape is sealed.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t scratch_quantize_q8k(infermem_scratch *scratch, int32_t which, size_t row, const float *values,
                                         size_t n) INFERMEM_AS(scratch_quantize_q8k);

/* The same in blocks of 32, into a row of Q8_SCALES and Q8_QUANTS.
 * Errors: those of scratch_quantize_q8k; INFERMEM_E_STATE: the scratch was made without INFERMEM_SCRATCH_Q8.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t scratch_quantize_q8(infermem_scratch *scratch, size_t row, const float *values, size_t n)
    INFERMEM_AS(scratch_quantize_q8);

/* ---- Plans of any buffers ---------------------------------------------------------------------------------------- */

/* Finds offsets for n buffers in one piece of memory, such that those in use at the same step do not overlap. The piece is
 * never larger than the buffers one after the other. The search is exact where there are few buffers, and in general
 * stops where the piece is as small as the step at which most bytes are in use allows; it takes a bounded number of steps,
 * of about the square of n.
 *   lifetimes: n of them; may be NULL when n is 0, which gives a plan of 0 bytes.  options: NULL means all defaults.
 * Errors: INFERMEM_E_NULL: out is NULL, or lifetimes is.  INFERMEM_E_STRUCT.  INFERMEM_E_LIMIT: n exceeds
 * INFERMEM_SCRATCH_PLAN_MAX.  INFERMEM_E_ARG: a first_use is after its last_use, align is no power of two, or the allocator
 * lacks a function.  INFERMEM_E_OVERFLOW: the buffers one after the other do not fit 64 bits.  INFERMEM_E_NOMEM.
 * Thread: any.  Memory: the handle and the offsets, and meanwhile what the search takes.  Since: 0.1 */
INFERMEM_FN int32_t scratch_plan_new(const infermem_scratch_lifetime *lifetimes, size_t n,
                                     const infermem_scratch_plan_options *options, infermem_scratch_plan **out)
    INFERMEM_AS(scratch_plan_new);

/* Frees a plan. NULL is allowed.
 * Thread: exclusive.  Memory: releases.  Since: 0.1 */
INFERMEM_FN void scratch_plan_free(infermem_scratch_plan *plan) INFERMEM_AS(scratch_plan_free);

/* The offsets in bytes, in the order of the lifetimes, *out_n of them; valid as long as the plan. Of no bytes it is 0.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t scratch_plan_offsets(const infermem_scratch_plan *plan, const uint64_t **out, size_t *out_n)
    INFERMEM_AS(scratch_plan_offsets);

/* Bytes of the piece of memory; 0 of NULL or a handle of another kind.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN uint64_t scratch_plan_total_bytes(const infermem_scratch_plan *plan) INFERMEM_AS(scratch_plan_total_bytes);

/* Bytes that the buffers take one after the other, each with what aligns the next; 0 of NULL or a handle of another kind.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN uint64_t scratch_plan_separate_bytes(const infermem_scratch_plan *plan)
    INFERMEM_AS(scratch_plan_separate_bytes);

INFERMEM_END_DECLS
#endif

#endif
