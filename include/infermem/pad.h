/* pad.h: the scratchpad, a preallocated [max_tokens, dim] buffer of rows with a length.
 *
 *     INFERMEM_STRUCT(infermem_pad_options, options);
 *     options.max_tokens = 512;
 *     options.dim = 4096;
 *     options.type = INFERMEM_DTYPE_F16;
 *     infermem_pad *pad;
 *     if (pad_new(&options, &pad) != INFERMEM_OK) return 1;
 *     pad_append_f32(pad, hidden, 1, 4096);    // a row of floats, stored as F16
 *     infermem_view rows;
 *     pad_view(pad, &rows);                    // [1, 4096]; stays what it is when more rows come
 *     pad_free(pad);
 *
 * All memory is taken at construction. Rows below the length never change until they are truncated or cleared, and
 * nothing ever moves: a view stays valid until then, and shows no more rows than it had. Of a pad that was stored in a
 * tape, every function that returns a status, but for pad_text, answers INFERMEM_E_STALE once the tape has taken the
 * memory back: cleared, rewound past it, or freed. A call that fails changes nothing.
 */
#ifndef INFERMEM_PAD_H
#define INFERMEM_PAD_H

#include "alloc.h"
#include "error.h"
#include "tensor.h"

/* A scratchpad; see pad_new. */
typedef struct infermem_pad infermem_pad;

/* How a pad is made. Zero in type, tape and allocator means the default; max_tokens and dim are more than 0. */
typedef struct infermem_pad_options {
  size_t struct_size;
  size_t max_tokens;                   /* rows that it can hold */
  size_t dim;                          /* elements of a row */
  int32_t type;                        /* INFERMEM_DTYPE_F32, which is 0, or _F64, _F16 or _BF16 */
  int32_t reserved;                    /* 0 */
  const infermem_tape *tape;           /* where the rows are stored; NULL means a mapping of their own */
  const infermem_allocator *allocator; /* for the handle; NULL means malloc */
} infermem_pad_options;

#ifndef INFERMEM_NO_PROTOTYPES
INFERMEM_BEGIN_DECLS

/* Makes an empty pad of which every byte is 0; free it with pad_free. The first row is on a multiple of 64 bytes, the
 * others follow without gaps. The pages of a mapping are committed as rows arrive; in a
 * tape all of it is written here.
 * Errors: INFERMEM_E_NULL: options or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: max_tokens or dim is 0, reserved
 * is not, or the allocator lacks a function.  INFERMEM_E_TYPE: type is no known type's number.  INFERMEM_E_UNSUPPORTED:
 * it is a type that a pad cannot store.  INFERMEM_E_OVERFLOW: the bytes do not fit.  INFERMEM_E_NOMEM: the handle or the
 * address range could not be had.  INFERMEM_E_HANDLE: the tape is none.  INFERMEM_E_FULL, INFERMEM_E_SEALED: as
 * tape_alloc.
 * Thread: any; with an EXCLUSIVE tape, one at a time.  Memory: one handle from the allocator; one mapping, or one
 * allocation from the tape.  Since: 0.1 */
INFERMEM_FN int32_t pad_new(const infermem_pad_options *options, infermem_pad **out) INFERMEM_AS(pad_new);

/* Frees a pad; a tape's memory stays as it is. NULL is allowed.
 * Thread: exclusive.  Memory: releases.  Since: 0.1 */
INFERMEM_FN void pad_free(infermem_pad *pad) INFERMEM_AS(pad_free);

/* Copies one row behind those that are there. Its width is checked first, then the room.
 *   row: dim elements of the pad's own type (double, float, or 16 bits), at any address.  dim: the pad's.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SEALED: the tape of the pad is sealed.
 * INFERMEM_E_SHAPE: dim is not the pad's.  INFERMEM_E_FULL: the pad has max_tokens rows already.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t pad_append(infermem_pad *pad, const void *row, size_t dim) INFERMEM_AS(pad_append);

/* Copies n rows, all of them or none.
 *   rows: n rows as pad_append takes them, without gaps; may be NULL when n is 0, which changes nothing.
 * Errors: those of pad_append; INFERMEM_E_FULL: n exceeds pad_capacity - pad_len.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t pad_append_rows(infermem_pad *pad, const void *rows, size_t n, size_t dim)
    INFERMEM_AS(pad_append_rows);

/* Appends n rows of floats, all of them or none, converted to the pad's type on the way: to F16 and BF16 by rounding to
 * nearest, ties to even, where what is too large becomes infinite; to F64 exactly.
 *   rows: n * dim floats; may be NULL when n is 0, which changes nothing.  dim: the pad's.
 * Errors: those of pad_append_rows.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t pad_append_f32(infermem_pad *pad, const float *rows, size_t n, size_t dim)
    INFERMEM_AS(pad_append_f32);

/* The rows, [pad_len, dim] of the pad's type, without a copy and read-only. Of an empty pad shape[0] is 0. Valid until
 * the rows are truncated or cleared: rows appended later are not part of it, and leave it as it is.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t pad_view(const infermem_pad *pad, infermem_view *out) INFERMEM_AS(pad_view);

/* Shortens the pad to its first n rows.
 *   n: pad_len at most.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_RANGE: n exceeds pad_len.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t pad_truncate(infermem_pad *pad, size_t n) INFERMEM_AS(pad_truncate);

/* Empties the pad; the generation grows by one.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t pad_clear(infermem_pad *pad) INFERMEM_AS(pad_clear);

/* Rows in the pad. Constant time, as are all the queries below; of NULL or a handle of another kind each is 0, but for
 * pad_is_empty.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t pad_len(const infermem_pad *pad) INFERMEM_AS(pad_len);

/* The most rows that the pad can hold: max_tokens.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t pad_capacity(const infermem_pad *pad) INFERMEM_AS(pad_capacity);

/* Elements of a row.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t pad_dim(const infermem_pad *pad) INFERMEM_AS(pad_dim);

/* 1 when pad_len is 0, else 0.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t pad_is_empty(const infermem_pad *pad) INFERMEM_AS(pad_is_empty);

/* How many times the pad was cleared.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN uint64_t pad_generation(const infermem_pad *pad) INFERMEM_AS(pad_generation);

/* Writes "Scratchpad(len=3, capacity=512, dim=4096)" and a NUL to a buffer of capacity bytes. *out_length is the length
 * without the NUL. A NULL buffer of capacity 0 asks for the length alone.
 * Errors: INFERMEM_E_NULL: pad or out_length is NULL, or buffer is while capacity is not 0.  INFERMEM_E_HANDLE.
 * INFERMEM_E_BUFFER: capacity is too small; the error's `expected` is the capacity needed.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t pad_text(const infermem_pad *pad, char *buffer, size_t capacity, size_t *out_length)
    INFERMEM_AS(pad_text);

INFERMEM_END_DECLS
#endif

#endif
