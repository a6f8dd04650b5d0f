/* neuron.h: which neurons of a layer do the work, counted and sorted into hot and cold; and a store that keeps the rows
 * of the hot ones close.
 *
 *     INFERMEM_STRUCT(infermem_neuron_options, options);
 *     options.n_layers = 32;
 *     options.n_neurons = 14336;
 *     options.threshold = 0.2f;   // hot: active in a fifth of the passes or more
 *     infermem_neuron *neuron;
 *     if (neuron_new(&options, &neuron) != INFERMEM_OK) return 1;
 *     neuron_record(neuron, layer, active, n_active);    // once a layer and pass
 *     const uint32_t *hot;
 *     size_t n_hot;
 *     neuron_hot(neuron, layer, &hot, &n_hot);
 *
 * Counting is cheap and done at every pass; sorting into hot and cold is done every `interval` passes. At any time each
 * neuron of a layer is in exactly one of the two lists, and before the first classification all are cold.
 *
 *     infermem_neuron_store *store;                       // see infermem_neuron_store_options
 *     if (neuron_store_new(&store_options, &store) != INFERMEM_OK) return 1;
 *     neuron_fetch(store, active, n_active, rows);        // rows[i] is the row of active[i], loaded or already there
 */
#ifndef INFERMEM_NEURON_H
#define INFERMEM_NEURON_H

#include "alloc.h"
#include "error.h"
#include "quant.h"

enum {
  INFERMEM_NEURON_STRICT = 1 /* an index out of range is an error, where else it is skipped and counted */
};

/* Activation counts of the layers of a model; see neuron_new. */
typedef struct infermem_neuron infermem_neuron;

/* How one is made. Zero in any field but n_neurons means the default. At most one of threshold, budget_count,
 * budget_fraction and budget_bytes is not 0. */
typedef struct infermem_neuron_options {
  size_t struct_size;
  uint32_t n_layers;  /* 0 means 1 */
  uint32_t n_neurons; /* of each layer, more than 0 */
  float threshold;    /* 0 to 1: the share of a layer's events from which on a neuron is hot; with 0, and no budget, a
                        neuron is hot once it was active at all */
  uint32_t interval;  /* events of a layer from one classification of it to the next; 0 means 1000 */
  uint32_t flags;     /* INFERMEM_NEURON_* */
  uint32_t half_life; /* events of a layer in which what was counted comes to count half; 0: it counts for ever */
  const infermem_tape *tape;           /* where counts and lists live; NULL means a mapping of their own */
  const infermem_allocator *allocator; /* for the handle; NULL means malloc */
  uint32_t budget_count;               /* as many neurons of a layer are hot: the most active */
  float budget_fraction;               /* the same as a share of n_neurons, to the nearest whole number, at least 1 */
  uint64_t budget_bytes;               /* the same as budget_bytes / row_bytes, which is at least 1 */
  uint64_t row_bytes;                  /* bytes of a neuron's weights; with budget_bytes, else 0 */
  float
      hysteresis; /* 0 to 1: by what share of itself the count of a hot neuron is taken for more when it is classified,
                       so that what is near the limit does not come and go */
  uint32_t reserved; /* 0 */
} infermem_neuron_options;

/* The state of one layer. */
typedef struct infermem_neuron_counts {
  size_t struct_size;
  uint64_t n_hot;             /* by the last classification */
  uint64_t n_cold;            /* the others: n_hot + n_cold is n_neurons */
  uint64_t events;            /* calls that recorded something about the layer, be it that nothing was active */
  uint64_t out_of_range;      /* indices skipped */
  uint64_t reclassifications; /* automatic ones and those asked for */
  double hot_ratio;           /* n_hot / n_neurons */
  uint64_t nans;              /* activations skipped because they were NaN */
} infermem_neuron_counts;

/* policy: which row makes room for another. Of equal ones, that of the lowest id does. */
enum {
  INFERMEM_NEURON_LRU = 0, /* the one not asked for the longest, in fetches */
  INFERMEM_NEURON_LFU = 1, /* the one asked for the least, in all or with half_life lately; of equal ones as LRU */
  INFERMEM_NEURON_HOT = 2  /* the one least frequently active by the last neuron_store_rank; of equal ones as LRU */
};

/* What a load function returns that has not loaded the rows yet. */
enum { INFERMEM_NEURON_PENDING = 1 };

/* Loads rows: n of them, that of ids[i] to rows[i], at a multiple of 64 bytes. Called by the thread that fetches, which
 * holds no lock meanwhile; several may be at it at once, never two for one row. Returns
 *   INFERMEM_OK when all rows are there;
 *   INFERMEM_NEURON_PENDING when they will be: neuron_store_loaded(store, load, status) is then called once, by any
 *     thread, in this call already if need be; ids and rows are valid until then;
 *   a negative code when they cannot be had: what is in the rows does not matter.
 * It must not call the store back, but for neuron_store_loaded. */
typedef int32_t (*infermem_neuron_load_function)(void *context, uint64_t load, const uint32_t *ids, size_t n,
                                                 void *const *rows);

/* Rows kept close; see neuron_store_new. */
typedef struct infermem_neuron_store infermem_neuron_store;

/* How a store is made. A row is whatever is read together, as one neuron's up row, gate row and down column, or an
 * expert; rows of several layers have ids layer * n_neurons + neuron. Either load or quant is given. */
typedef struct infermem_neuron_store_options {
  size_t struct_size;
  uint32_t n_rows;       /* ids are below; more than 0. With quant, 0 means its rows */
  uint32_t policy;       /* INFERMEM_NEURON_LRU, LFU or HOT */
  uint64_t row_bytes;    /* of each row, more than 0; with quant 0 */
  uint64_t budget_bytes; /* of the rows in memory, each rounded up to 64 bytes; at least one */
  infermem_neuron_load_function load;
  void *context;               /* for load */
  const infermem_quant *quant; /* a matrix whose rows are loaded as floats; it must outlive the store */
  uint32_t half_life; /* with LFU: fetches in which what was asked for comes to count half; 0: it counts for ever */
  uint32_t window;    /* with LRU: rows that none of the last `window` fetches asked for are dropped; 0 drops none */
  uint32_t n_fetches; /* how many may be begun and not ended, and their loads not complete; 0 means 4 */
  uint32_t reserved;  /* 0 */
  const infermem_tape *tape;           /* where all of it lives; NULL means a mapping of its own */
  const infermem_allocator *allocator; /* for the handle; NULL means malloc */
} infermem_neuron_store_options;

/* What a store holds, and what happened since it was made. In a fetch, a row counts once. */
typedef struct infermem_neuron_store_facts {
  size_t struct_size;
  uint64_t fetches;      /* of both kinds, and neuron_store_keep */
  uint64_t hits;         /* rows that were there */
  uint64_t waits;        /* rows that were being loaded for another fetch */
  uint64_t misses;       /* rows that were not: as many were to be loaded */
  uint64_t loads;        /* calls of the load function */
  uint64_t failures;     /* rows whose loading failed */
  uint64_t bytes_loaded; /* of the others that were loaded */
  uint64_t evictions;    /* rows that made room for others */
  uint64_t drops;        /* rows that left the window */
  uint64_t capacity;     /* rows that fit the budget */
  uint64_t resident;     /* rows that are there, or being loaded */
  uint64_t in_use;       /* those of them that fetches have, or that are kept or being loaded */
  uint64_t memory_bytes; /* of the rows and the bookkeeping */
} infermem_neuron_store_facts;

#ifndef INFERMEM_NO_PROTOTYPES
INFERMEM_BEGIN_DECLS

/* ---- Counting ---------------------------------------------------------------------------------------------------- */

/* Makes the counts of options->n_layers layers, all zero; free them with neuron_free. A layer takes 128 bytes, and 12
 * bytes and one bit a neuron.
 * Errors: INFERMEM_E_NULL: options or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: n_neurons is 0; threshold,
 * budget_fraction or hysteresis is not within 0 to 1 (or NaN); more than one of threshold, budget_count,
 * budget_fraction and budget_bytes is given; row_bytes is 0 with budget_bytes, or more, or not 0 without; a flag is
 * unknown, a reserved field is not 0, or the allocator lacks a function. INFERMEM_E_OVERFLOW: the counts do not fit the
 * address range.  INFERMEM_E_NOMEM.  INFERMEM_E_HANDLE: tape is another kind of handle.  INFERMEM_E_FULL,
 * INFERMEM_E_SEALED: the tape has no room, or is sealed.
 * Thread: any; with an EXCLUSIVE tape, one at a time.  Memory: one handle from the allocator; counts and lists from the
 * tape, or one mapping.  Since: 0.1 */
INFERMEM_FN int32_t neuron_new(const infermem_neuron_options *options, infermem_neuron **out) INFERMEM_AS(neuron_new);

/* Frees the counts; a tape keeps its bytes until it is cleared. NULL is allowed.
 * Thread: exclusive.  Memory: releases.  Since: 0.1 */
INFERMEM_FN void neuron_free(infermem_neuron *neuron) INFERMEM_AS(neuron_free);

/* Records one activation event of a layer: the neurons that were active in one pass. Each index counts once for each
 * time that it occurs. An index of n_neurons or more is skipped and counted in out_of_range; with STRICT it is an error
 * and the whole call records nothing. Every `interval` events of the layer since the start (or neuron_clear) the layer
 * is reclassified on the way out. Counts are exact up to 2^32 - 1 and stay there.
 *   With a half_life, an activation counts 256 * 2^(p / half_life), to the nearest whole number, p events of the layer
 * after the start, and each half_life events all counts are halved, rounded down, and p begins at 0 again: they, and
 * the events that frequencies and thresholds are about, fade smoothly, and what happened once is forgotten after about
 * nine half-lives.
 *   indices: n_indices of them, in any order; may be NULL when n_indices is 0, which is an event all the same.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such layer, or (with STRICT) no such
 * neuron.  INFERMEM_E_STALE: the tape was cleared, or rewound past the counts.  INFERMEM_E_SEALED: it is sealed.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_record(infermem_neuron *neuron, size_t layer, const uint32_t *indices, size_t n_indices)
    INFERMEM_AS(neuron_record);

/* The same of a mask: bit i % 8 of byte i / 8 tells whether neuron i was active. Bits beyond the last neuron are out of
 * range, as such indices are.
 *   mask: n_bytes bytes.  n_bytes: n_neurons / 8, rounded up.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such layer, or (with STRICT) a bit beyond
 * the last neuron is set.  INFERMEM_E_SHAPE: n_bytes is another number.  INFERMEM_E_STALE.  INFERMEM_E_SEALED.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_record_mask(infermem_neuron *neuron, size_t layer, const uint8_t *mask, size_t n_bytes)
    INFERMEM_AS(neuron_record_mask);

/* The same of the activations themselves: a neuron was active where the magnitude of its value is above the cutoff, so
 * with a cutoff of 0 where it is not 0. A value that is NaN is skipped and counted in nans; with STRICT, one that is
 * NaN or infinite is an error and the call records nothing.
 *   values: n floats.  n: n_neurons.  cutoff: 0 or more.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such layer.  INFERMEM_E_SHAPE: n is not
 * n_neurons.  INFERMEM_E_ARG: cutoff is negative or NaN.  INFERMEM_E_NOT_FINITE: (with STRICT) a value is NaN or
 * infinite; the error's `got` is the index of the first.  INFERMEM_E_STALE.  INFERMEM_E_SEALED.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_record_values(infermem_neuron *neuron, size_t layer, const float *values, size_t n,
                                         float cutoff) INFERMEM_AS(neuron_record_values);

/* Sorts a layer's neurons into hot and cold now. By threshold, hot is whose count is at least max(1, trunc(events *
 * threshold)), the product taken in double precision; a count that has reached 2^32 - 1 is enough in any case. By
 * budget, hot are the budget_count neurons with the largest counts, of equal ones those of the lowest indices, and
 * fewer where fewer were ever active. In both, the count of a neuron that is hot already is taken as count +
 * trunc(count * hysteresis). The events until the next automatic classification stay what they were.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such layer.  INFERMEM_E_STALE.
 * INFERMEM_E_SEALED.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_reclassify(infermem_neuron *neuron, size_t layer) INFERMEM_AS(neuron_reclassify);

/* The hot neurons of a layer by its last classification, in ascending order; they are valid until the next call that
 * takes the handle without const, or until the tape is cleared. None of them are hot before the first classification.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such layer.  INFERMEM_E_STALE.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_hot(const infermem_neuron *neuron, size_t layer, const uint32_t **out, size_t *out_n)
    INFERMEM_AS(neuron_hot);

/* The cold neurons, all that are not hot; as neuron_hot.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such layer.  INFERMEM_E_STALE.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_cold(const infermem_neuron *neuron, size_t layer, const uint32_t **out, size_t *out_n)
    INFERMEM_AS(neuron_cold);

/* 1 when the last classification found the neuron hot, else 0; constant time. 0 also where there is no such neuron or
 * layer, of NULL, of a handle of another kind, and when the tape was cleared (the error record then says so).
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_is_hot(const infermem_neuron *neuron, size_t layer, uint32_t index)
    INFERMEM_AS(neuron_is_hot);

/* How often the neuron was active: count / events, as of now. More than 1 when it occurs several times in an event; 0
 * when there were no events, and in the cases of neuron_is_hot.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN double neuron_frequency(const infermem_neuron *neuron, size_t layer, uint32_t index)
    INFERMEM_AS(neuron_frequency);

/* Fills *out, whose struct_size the caller has set, with the state of a layer.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.  INFERMEM_E_RANGE: there is no such layer.
 * INFERMEM_E_STALE.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_stat(const infermem_neuron *neuron, size_t layer, infermem_neuron_counts *out)
    INFERMEM_AS(neuron_stat);

/* Forgets everything, in all layers: they are as neuron_new made them.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SEALED.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_clear(infermem_neuron *neuron) INFERMEM_AS(neuron_clear);

/* What share of all activations of a layer its most active neurons have: out[i] is that of the n_neurons * fractions[i]
 * (to the nearest whole number) with the largest counts, and 0 as long as nothing was active. Where a quarter of the
 * neurons has most of the activations, keeping hot neurons apart pays; where it has little more than a quarter, it does
 * not.
 *   fractions: n numbers from 0 to 1, in any order.  out: n numbers; may be fractions.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such layer.  INFERMEM_E_ARG: a fraction
 * is not within 0 to 1, or NaN; the error's `got` is its index.  INFERMEM_E_STALE.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_coverage(const infermem_neuron *neuron, size_t layer, const double *fractions, size_t n,
                                    double *out) INFERMEM_AS(neuron_coverage);

/* Adds what others counted to a neuron's counts: events and activations of each layer, and what was skipped. Then all
 * layers are reclassified, and the next automatic classification comes with the next multiple of `interval` events.
 * How neurons are classified stays the handle's own: so a saved profile is classified otherwise by merging it into a
 * new handle. Where counts fade, those of each are taken as they stand in their half-life.
 *   others: n handles of as many layers and neurons, with the same half_life; none may be the neuron itself.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_ARG: one is the neuron itself, or has another half_life.
 * INFERMEM_E_SHAPE: one has other layers or neurons.  INFERMEM_E_LIMIT: the events would be more than 2^62.
 * INFERMEM_E_STALE.  INFERMEM_E_SEALED.
 * Thread: exclusive, and many at once of the others.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_merge(infermem_neuron *neuron, const infermem_neuron *const *others, size_t n)
    INFERMEM_AS(neuron_merge);

/* Writes everything there is to a file: how neurons are classified, the counts, and which are hot. The file is written
 * whole or not at all, as quant_save does, and is the same for the same state; its format is told in
 * src/doc/neuron_file.md.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_ARG: path names no file, or something that is no regular
 * file.  INFERMEM_E_STALE.  INFERMEM_E_IO: the system refused; the error has its errno. Where it is only the directory
 * that could not be written back, the new file is in its place.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_save(const infermem_neuron *neuron, const char *path) INFERMEM_AS(neuron_save);

/* Makes counts from a saved file, in the state that they were saved in; free them with neuron_free. Nothing of the file
 * is trusted: whatever its bytes are, what is loaded works.
 *   options: NULL, or all but tape and allocator 0.
 * Errors: INFERMEM_E_NULL: path or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: a field of options that must be 0
 * is not, or the allocator lacks a function.  INFERMEM_E_IO.  INFERMEM_E_FORMAT: it is no saved profile, or contradicts
 * itself.  INFERMEM_E_VERSION: it is of a later format.  INFERMEM_E_UNSUPPORTED: it has a flag that is not known.
 * INFERMEM_E_TRUNCATED.  INFERMEM_E_CORRUPT: a checksum is wrong, or the file is longer than it says.
 * INFERMEM_E_NOMEM. INFERMEM_E_HANDLE: tape is another kind of handle.  INFERMEM_E_FULL, INFERMEM_E_SEALED: the tape
 * has no room, or is sealed. When reading fails, the tape's cursor moves back, unless another thread took something
 * from it meanwhile.
 * Thread: any; with an EXCLUSIVE tape, one at a time.  Memory: one handle from the allocator; counts and lists from the
 * tape, or one mapping.  Since: 0.1 */
INFERMEM_FN int32_t neuron_load(const char *path, const infermem_neuron_options *options, infermem_neuron **out)
    INFERMEM_AS(neuron_load);

/* ---- Rows kept close --------------------------------------------------------------------------------------------- */

/* Makes an empty store; free it with neuron_store_free. Besides the rows it takes 4 bytes an id, 12 with LFU and HOT,
 * and for each row that fits 124 bytes, and 16 for each of n_fetches.
 * Errors: INFERMEM_E_NULL: options or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: both load and quant are given,
 * or neither; n_rows or row_bytes is 0, or with quant not; budget_bytes is less than a row; the policy is unknown;
 * half_life is given without LFU, or window without LRU; n_fetches is more than 1000; reserved is not 0, or the
 * allocator lacks a function.  INFERMEM_E_SHAPE: with quant, n_rows is not its rows.  INFERMEM_E_OVERFLOW: the bytes do
 * not fit. INFERMEM_E_NOMEM.  INFERMEM_E_HANDLE: tape or quant is another kind of handle.  INFERMEM_E_FULL,
 * INFERMEM_E_SEALED: the tape has no room, or is sealed.
 * Thread: any; with an EXCLUSIVE tape, one at a time.  Memory: one handle from the allocator; the rest from the tape,
 * or one mapping, of which untouched pages cost nothing.  Since: 0.1 */
INFERMEM_FN int32_t neuron_store_new(const infermem_neuron_store_options *options, infermem_neuron_store **out)
    INFERMEM_AS(neuron_store_new);

/* Frees the store, once all loads that are pending are complete: it waits for them. A tape keeps its bytes until it is
 * cleared. NULL is allowed.
 * Thread: exclusive, but for the neuron_store_loaded of these loads.  Memory: releases.  Since: 0.1 */
INFERMEM_FN void neuron_store_free(infermem_neuron_store *store) INFERMEM_AS(neuron_store_free);

/* Gives the rows of n ids, out[i] that of ids[i], which are read and not written. Those that are not there are loaded,
 * in one call of the load function, straight to their places; for those that are being loaded it waits. The rows stay
 * until the next neuron_fetch, or neuron_store_release: no row that is in use makes room for another. So a miss costs
 * what loading without a store does, and the bookkeeping.
 *   ids: n ids, which may repeat; may be NULL when n is 0, as out may.  out: n pointers, to row_bytes each.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: an id is not below n_rows; the error's `got` is the
 * id. INFERMEM_E_FULL: the rows do not fit beside those in use; ask for fewer at a time.  INFERMEM_E_STATE: another
 * thread is in the same call.  INFERMEM_E_STALE.  INFERMEM_E_SEALED. In these cases nothing changed. Else it is the code of a load that failed, INFERMEM_E_STATE where that was a positive one: then none of the
 * rows are had, those of the previous fetch are released, and rows that made room are gone.
 * Thread: many at once with other calls, but one neuron_fetch or neuron_store_release at a time.  Memory: none.
 * Since: 0.1 */
INFERMEM_FN int32_t neuron_fetch(const infermem_neuron_store *store, const uint32_t *ids, size_t n, const void **out)
    INFERMEM_AS(neuron_fetch);

/* Ends the use of the rows of the last neuron_fetch.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SEALED.
 * Thread: as neuron_fetch.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_store_release(const infermem_neuron_store *store) INFERMEM_AS(neuron_store_release);

/* The same as neuron_fetch without waiting, and with an end of its own: the rows are there once neuron_fetch_wait has
 * returned INFERMEM_OK, or neuron_fetch_is_ready 1, and stay until neuron_fetch_end, which must be called. Whoever ends
 * a fetch at once has asked for rows ahead of time.
 *   out: n pointers, where the rows will be.  out_fetch: the number of the fetch.
 * Errors: as neuron_fetch; and INFERMEM_E_STATE: n_fetches are begun and not ended, or ended with their load pending.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_fetch_begin(const infermem_neuron_store *store, const uint32_t *ids, size_t n,
                                       const void **out, uint64_t *out_fetch) INFERMEM_AS(neuron_fetch_begin);

/* 1 when nothing of the fetch is being loaded any more, so that neuron_fetch_wait would not wait, else 0; 0 of NULL, a
 * handle of another kind, and a fetch that was ended.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_fetch_is_ready(const infermem_neuron_store *store, uint64_t fetch)
    INFERMEM_AS(neuron_fetch_is_ready);

/* Waits until nothing of the fetch is being loaded.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STATE: the fetch was ended, or never begun.
 * INFERMEM_E_STALE. Else it is the code of a load that failed, this fetch's own or another's that it waited for: the
 * row is not had.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_fetch_wait(const infermem_neuron_store *store, uint64_t fetch)
    INFERMEM_AS(neuron_fetch_wait);

/* Ends the use of a fetch's rows. What is being loaded for it still comes, and stays as other rows do.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STATE: the fetch was ended, or never begun.
 * INFERMEM_E_STALE. INFERMEM_E_SEALED.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_fetch_end(const infermem_neuron_store *store, uint64_t fetch) INFERMEM_AS(neuron_fetch_end);

/* Tells that a load is complete, whose load function returned INFERMEM_NEURON_PENDING or is about to.
 *   load: what the load function was given.  status: INFERMEM_OK when all rows are there, or a negative code.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_ARG: status is positive.  INFERMEM_E_STATE: the load is
 * complete. INFERMEM_E_STALE.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_store_loaded(const infermem_neuron_store *store, uint64_t load, int32_t status)
    INFERMEM_AS(neuron_store_loaded);

/* Keeps the rows of n ids for good, instead of those kept before: loads what is not there, and no row makes room for
 * another as long as it is kept. The hot neurons are what to keep.
 * Errors: as neuron_fetch; when loading fails, nothing is kept.
 * Thread: many at once with other calls, but one neuron_store_keep at a time.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_store_keep(const infermem_neuron_store *store, const uint32_t *ids, size_t n)
    INFERMEM_AS(neuron_store_keep);

/* Takes over how frequently each row's neuron was active, for HOT: row layer * n_neurons + i has neuron_frequency of
 * neuron i of that layer. To be called whenever the counts have changed enough to matter, as after a classification;
 * before the first time all are equal. It takes time in proportion to the rows.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STATE: the policy is another.  INFERMEM_E_SHAPE: the layers'
 * neurons are not n_rows.  INFERMEM_E_STALE.  INFERMEM_E_SEALED.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_store_rank(const infermem_neuron_store *store, const infermem_neuron *neuron)
    INFERMEM_AS(neuron_store_rank);

/* 1 when the row is there, loaded, else 0; 0 also of NULL, a handle of another kind, and once the tape was cleared.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_store_has(const infermem_neuron_store *store, uint32_t id) INFERMEM_AS(neuron_store_has);

/* Fills *out, whose struct_size the caller has set.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_store_stat(const infermem_neuron_store *store, infermem_neuron_store_facts *out)
    INFERMEM_AS(neuron_store_stat);

INFERMEM_END_DECLS
#endif

#endif
