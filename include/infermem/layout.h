/* layout.h: tapes, which are arenas with a cursor, and the layout: three tapes with three lifetimes.
 *
 *     INFERMEM_STRUCT(infermem_tape_options, options);
 *     options.size = 64 << 20;
 *     infermem_tape *tape;
 *     if (tape_new(&options, &tape) != INFERMEM_OK) return 1;
 *     void *row;
 *     tape_alloc(tape, 4096, 64, &row);
 *     tape_clear(tape);    // everything taken so far is given back, in constant time
 *     tape_free(tape);
 *
 * What is taken from a tape has no header and is never released alone: a mark and a rewind give back what came after
 * the mark, a clear gives back all. In this library a const handle means that a function may be called from many
 * threads at once; a non-const handle means that nothing else may use the handle meanwhile.
 */
#ifndef INFERMEM_LAYOUT_H
#define INFERMEM_LAYOUT_H

#include "alloc.h"
#include "error.h"

/* Flags of a tape. HUGE, LOCK, WARM, GUARD and NUMA placement are wishes: where the system refuses one, tape_new still
 * succeeds and tape_info leaves its bit out of `granted`, unless REQUIRE asks for all or nothing. */
enum {
  INFERMEM_TAPE_WARM = 1,           /* commit every page at construction */
  INFERMEM_TAPE_LAZY = 2,           /* commit on first touch; the default, but for a layout's weights */
  INFERMEM_TAPE_HUGE = 4,           /* transparent huge pages */
  INFERMEM_TAPE_LOCK = 8,           /* never swapped out; committed pages only, so combine with WARM for all */
  INFERMEM_TAPE_ZERO_ON_CLEAR = 16, /* clear and rewind zero what they give back */
  INFERMEM_TAPE_GUARD = 32,         /* an inaccessible page before and after the tape */
  INFERMEM_TAPE_SHARED = 64,        /* backed by a memfd of fixed size, which another process can map */
  INFERMEM_TAPE_EXCLUSIVE = 128,    /* tape_alloc by one thread at a time, without atomic instructions */
  INFERMEM_TAPE_NUMA = 256,         /* only in `granted`: the pages are bound to numa_nodes */
  INFERMEM_TAPE_REQUIRE = 512       /* fail when a wish is not granted */
};

/* How a tape is made. Zero in any field but size means the default. */
typedef struct infermem_tape_options {
  size_t struct_size;
  size_t size;         /* bytes, more than 0; rounded up to the page, except of lent memory */
  uint32_t flags;      /* INFERMEM_TAPE_* */
  uint32_t reserved;   /* 0 */
  uint64_t numa_nodes; /* bit i allows NUMA node i; 0 leaves the choice to the system */
  void *lent;          /* memory of the caller's to use instead of a mapping: `size` bytes that outlive the tape */
  const infermem_allocator *allocator; /* for the handle; NULL means malloc */
} infermem_tape_options;

/* What a tape is. */
typedef struct infermem_tape_facts {
  size_t struct_size;
  void *base;         /* the first byte */
  size_t total;       /* bytes obtained */
  size_t page_size;   /* bytes of a base page */
  uint32_t requested; /* the flags asked for */
  uint32_t granted;   /* those of them that are in force */
  int32_t fd;         /* the memfd of a SHARED tape, owned by it; -1 of others */
  uint32_t red_zone;  /* unused bytes kept before every allocation but the first: 0, except under Valgrind or
                         AddressSanitizer */
  uint32_t is_sealed; /* 1 between tape_seal and tape_unseal */
  uint32_t reserved;
} infermem_tape_facts;

/* A place in a tape to rewind to; filled by tape_mark, not to be changed. */
typedef struct infermem_tape_mark {
  uint64_t tape;       /* which tape */
  uint64_t offset;     /* its cursor then */
  uint64_t generation; /* its generation then */
} infermem_tape_mark;

/* Three tapes by lifetime; see layout_new. */
typedef struct infermem_layout infermem_layout;

/* How a layout is made. A size of 0 leaves that tape out; at least one size is not 0. The weights tape is WARM unless
 * weights_flags has LAZY; the other two are LAZY unless theirs have WARM. */
typedef struct infermem_layout_options {
  size_t struct_size;
  size_t weights_size; /* bytes */
  size_t scratch_size;
  size_t history_size;
  uint32_t weights_flags; /* INFERMEM_TAPE_* */
  uint32_t scratch_flags;
  uint32_t history_flags;
  uint32_t reserved;
  uint64_t numa_nodes; /* as in infermem_tape_options, for all three */
  const infermem_allocator *allocator;
} infermem_layout_options;

/* One consistent record of a layout's three tapes, in bytes; an absent tape's fields are 0. */
typedef struct infermem_layout_usage {
  size_t struct_size;
  size_t weights_used, weights_total, weights_peak;
  size_t scratch_used, scratch_total, scratch_peak;
  size_t history_used, history_total, history_peak;
} infermem_layout_usage;

#ifndef INFERMEM_NO_PROTOTYPES
INFERMEM_BEGIN_DECLS

/* ---- Tapes ------------------------------------------------------------------------------------------------------- */

/* Makes a tape of options->size bytes; free it with tape_free. The address range is reserved at once; pages are
 * committed as they are first touched, or here with WARM. Every allocation of a ZERO_ON_CLEAR tape reads as zero (of
 * lent memory, from the first clear on). Lent memory keeps the properties its owner gave it: HUGE, LOCK, GUARD and
 * NUMA are not granted on it.
 * Errors: INFERMEM_E_NULL: options or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: size is 0, a flag is unknown,
 * WARM comes with LAZY, SHARED comes with lent, reserved is not 0, or the allocator lacks a function.
 * INFERMEM_E_OVERFLOW: size rounded up does not fit.  INFERMEM_E_NOMEM: the handle or the address range could not be
 * had.  INFERMEM_E_SYSTEM: REQUIRE was given and a wish refused, or a memfd could not be made.
 * Thread: any.  Memory: one handle from the allocator; one mapping.  Since: 0.1 */
INFERMEM_FN int32_t tape_new(const infermem_tape_options *options, infermem_tape **out) INFERMEM_AS(tape_new);

/* Frees a tape and its mapping; lent memory stays the caller's. NULL is allowed. A layout's tape is left alone: it
 * ends with layout_free. Objects built in the tape may still be freed, and else answer INFERMEM_E_STALE.
 * Thread: exclusive.  Memory: releases.  Since: 0.1 */
INFERMEM_FN void tape_free(infermem_tape *tape) INFERMEM_AS(tape_free);

/* Takes size bytes at an address that is a multiple of align, and stores the address in *out. The contents are
 * whatever was there; see ZERO_ON_CLEAR. Costs a few nanoseconds whatever the size.
 *   size: bytes, more than 0.  align: a power of two, 1 or more.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_ARG: size is 0, or align is not a power of two.
 * INFERMEM_E_SEALED.  INFERMEM_E_FULL: size and padding exceed what is left; the cursor has not moved, and
 * tape_failures counts one more.
 * Thread: many at once, but one at a time on an EXCLUSIVE tape.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t tape_alloc(const infermem_tape *tape, size_t size, size_t align, void **out)
    INFERMEM_AS(tape_alloc);

/* Takes count * size bytes, as tape_alloc does.
 * Errors: those of tape_alloc.  INFERMEM_E_ARG: also when count is 0.  INFERMEM_E_OVERFLOW: count * size does not fit.
 * Thread: as tape_alloc.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t tape_alloc_array(const infermem_tape *tape, size_t count, size_t size, size_t align, void **out)
    INFERMEM_AS(tape_alloc_array);

/* Notes the present cursor in *out, for tape_rewind.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t tape_mark(const infermem_tape *tape, infermem_tape_mark *out) INFERMEM_AS(tape_mark);

/* Gives back everything taken since the mark, in constant time (with ZERO_ON_CLEAR, in the time to zero it). A mark
 * stays good after a rewind to it.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_ARG: the mark is another tape's.  INFERMEM_E_STALE: the mark
 * lies ahead of the cursor, or is from before the last clear.  INFERMEM_E_SEALED.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t tape_rewind(infermem_tape *tape, const infermem_tape_mark *mark) INFERMEM_AS(tape_rewind);

/* Gives back everything, in constant time (with ZERO_ON_CLEAR, in the time to zero it). The generation grows by one;
 * the pages stay committed. What lived in the tape is gone: objects built in it answer INFERMEM_E_STALE from here on.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_SEALED.  INFERMEM_E_STATE: this is a layout's weights tape,
 * which only layout_free clears.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t tape_clear(infermem_tape *tape) INFERMEM_AS(tape_clear);

/* Returns the pages beyond the cursor to the system; they read as zero when next touched.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_SEALED.  INFERMEM_E_UNSUPPORTED: the memory is lent.
 * INFERMEM_E_SYSTEM: the system refused.
 * Thread: exclusive.  Memory: releases pages.  Since: 0.1 */
INFERMEM_FN int32_t tape_trim(infermem_tape *tape) INFERMEM_AS(tape_trim);

/* Commits every page of the tape, used or not, without changing a byte of it: later first touches cost nothing.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_SEALED.  INFERMEM_E_NOMEM: the system has not the pages.
 * INFERMEM_E_SYSTEM.
 * Thread: many at once, also while others allocate and write.  Memory: commits pages.  Since: 0.1 */
INFERMEM_FN int32_t tape_warm(const infermem_tape *tape) INFERMEM_AS(tape_warm);

/* Makes the whole tape read-only: a write to it faults, and every call that would change it answers
 * INFERMEM_E_SEALED. Sealing a sealed tape does nothing.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_UNSUPPORTED: the memory is lent, and is not whole pages.
 * INFERMEM_E_SYSTEM.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t tape_seal(infermem_tape *tape) INFERMEM_AS(tape_seal);

/* Makes a sealed tape writable again; does nothing to one that is not sealed.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_SYSTEM.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t tape_unseal(infermem_tape *tape) INFERMEM_AS(tape_unseal);

/* Bytes in use, the padding of alignments included. Constant time, as are all the queries below; of NULL or a handle
 * of another kind each is 0.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t tape_used(const infermem_tape *tape) INFERMEM_AS(tape_used);

/* Bytes that an allocation of alignment 1 can still have.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t tape_free_bytes(const infermem_tape *tape) INFERMEM_AS(tape_free_bytes);

/* Bytes in all: the size asked for, rounded up to the page.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t tape_total(const infermem_tape *tape) INFERMEM_AS(tape_total);

/* The most bytes that were ever in use at once.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t tape_peak(const infermem_tape *tape) INFERMEM_AS(tape_peak);

/* How many allocations were refused with INFERMEM_E_FULL.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN uint64_t tape_failures(const infermem_tape *tape) INFERMEM_AS(tape_failures);

/* How many times the tape was cleared.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN uint64_t tape_generation(const infermem_tape *tape) INFERMEM_AS(tape_generation);

/* 1 when the pointer lies in the part of the tape that is in use, padding included, else 0.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t tape_owns(const infermem_tape *tape, const void *pointer) INFERMEM_AS(tape_owns);

/* Fills *out, whose struct_size the caller has set.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t tape_info(const infermem_tape *tape, infermem_tape_facts *out) INFERMEM_AS(tape_info);

/* ---- The layout -------------------------------------------------------------------------------------------------- */

/* Makes the three tapes of an inference process: weights are loaded once and kept, scratch is cleared every token,
 * history is cleared every conversation. Free it with layout_free. All three are made, or none.
 * Errors: INFERMEM_E_NULL: options or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: all three sizes are 0, a tape
 * left out has flags, or as in tape_new.  INFERMEM_E_OVERFLOW: a size, or the sum of the three, does not fit.
 * INFERMEM_E_NOMEM.  INFERMEM_E_SYSTEM.
 * Thread: any.  Memory: one handle from the allocator; one mapping a tape.  Since: 0.1 */
INFERMEM_FN int32_t layout_new(const infermem_layout_options *options, infermem_layout **out) INFERMEM_AS(layout_new);

/* Frees the layout and its tapes. NULL is allowed.
 * Thread: exclusive.  Memory: releases.  Since: 0.1 */
INFERMEM_FN void layout_free(infermem_layout *layout) INFERMEM_AS(layout_free);

/* The weights tape, or NULL when there is none (as of a NULL layout). It belongs to the layout and lives as long.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN infermem_tape *layout_weights(const infermem_layout *layout) INFERMEM_AS(layout_weights);

/* The scratch tape; as layout_weights.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN infermem_tape *layout_scratch(const infermem_layout *layout) INFERMEM_AS(layout_scratch);

/* The history tape; as layout_weights.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN infermem_tape *layout_history(const infermem_layout *layout) INFERMEM_AS(layout_history);

/* Ends a forward pass: clears scratch. Weights and history stay.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_SEALED: scratch is sealed.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t layout_clear_pass(infermem_layout *layout) INFERMEM_AS(layout_clear_pass);

/* Ends a conversation: clears history, then scratch. Weights stay.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_SEALED: history or scratch is sealed; neither was cleared.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t layout_clear_talk(infermem_layout *layout) INFERMEM_AS(layout_clear_talk);

/* The sum of the three tapes' totals in bytes; 0 of NULL.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t layout_total(const infermem_layout *layout) INFERMEM_AS(layout_total);

/* Fills *out, whose struct_size the caller has set: used, total and peak bytes of each tape. In each tape
 * used <= peak <= total, also while other threads allocate.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t layout_stat(const infermem_layout *layout, infermem_layout_usage *out) INFERMEM_AS(layout_stat);

/* The same as one line, "weights: U/T MB | scratch: U/T MB | history: U/T MB" with used and total in whole MiB
 * (bytes >> 20), NUL-terminated. *out_length is its length without the NUL. With buffer NULL and capacity 0 the length
 * alone is given.
 *   capacity: bytes of buffer, the NUL included.
 * Errors: INFERMEM_E_NULL: layout or out_length is NULL, or buffer is while capacity is not 0.  INFERMEM_E_HANDLE.
 * INFERMEM_E_BUFFER: capacity is not enough; nothing was written, and the error's `expected` is the capacity needed.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t layout_stat_text(const infermem_layout *layout, char *buffer, size_t capacity, size_t *out_length)
    INFERMEM_AS(layout_stat_text);

INFERMEM_END_DECLS
#endif

#endif
