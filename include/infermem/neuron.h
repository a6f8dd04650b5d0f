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

#ifndef INFERMEM_NO_PROTOTYPES
INFERMEM_BEGIN_DECLS

/* ---- Counting ---------------------------------------------------------------------------------------------------- */

/* Makes the counts of options->n_layers layers, all zero; free them with neuron_free. A layer takes 128 bytes, and 12
 * bytes and one bit a neuron.
 * Errors: INFERMEM_E_NULL: options or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: n_neurons is 0; threshold,
 * budget_fraction or hysteresis is not within 0 to 1 (or NaN); more than one of threshold, budget_count, budget_fraction
 * and budget_bytes is given; row_bytes is 0 with budget_bytes, or more, or not 0 without; a flag is unknown, a reserved
 * field is not 0, or the allocator lacks a function.
 * INFERMEM_E_OVERFLOW: the counts do not fit the address range.  INFERMEM_E_NOMEM.  INFERMEM_E_HANDLE: tape is another
 * kind of handle.  INFERMEM_E_FULL, INFERMEM_E_SEALED: the tape has no room, or is sealed.
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
 * with a cutoff of 0 where it is not 0. A value that is NaN is skipped and counted in nans; with STRICT, one that is NaN
 * or infinite is an error and the call records nothing.
 *   values: n floats.  n: n_neurons.  cutoff: 0 or more.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such layer.  INFERMEM_E_SHAPE: n is not
 * n_neurons.  INFERMEM_E_ARG: cutoff is negative or NaN.  INFERMEM_E_NOT_FINITE: (with STRICT) a value is NaN or
 * infinite; the error's `got` is the index of the first.  INFERMEM_E_STALE.  INFERMEM_E_SEALED.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_record_values(infermem_neuron *neuron, size_t layer, const float *values, size_t n,
                                         float cutoff) INFERMEM_AS(neuron_record_values);

/* Sorts a layer's neurons into hot and cold now. By threshold, hot is whose count is at least max(1, trunc(events *
 * threshold)), the product taken in double precision; a count that has reached 2^32 - 1 is enough in any case. By budget,
 * hot are the budget_count neurons with the largest counts, of equal ones those of the lowest indices, and fewer where
 * fewer were ever active. In both, the count of a neuron that is hot already is taken as count + trunc(count *
 * hysteresis). The events until the next automatic classification stay what they were.
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
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such layer.  INFERMEM_E_ARG: a fraction is
 * not within 0 to 1, or NaN; the error's `got` is its index.  INFERMEM_E_STALE.
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
 * is trusted: what is loaded is a state that the library could have saved.
 *   options: NULL, or all but tape and allocator 0.
 * Errors: INFERMEM_E_NULL: path or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: a field of options that must be 0 is
 * not, or the allocator lacks a function.  INFERMEM_E_IO.  INFERMEM_E_FORMAT: it is no saved profile, or contradicts
 * itself.  INFERMEM_E_VERSION: it is of a later format.  INFERMEM_E_UNSUPPORTED: it has a flag that is not known.
 * INFERMEM_E_TRUNCATED.  INFERMEM_E_CORRUPT: a checksum is wrong, or the file is longer than it says.  INFERMEM_E_NOMEM.
 * INFERMEM_E_HANDLE: tape is another kind of handle.  INFERMEM_E_FULL, INFERMEM_E_SEALED: the tape has no room, or is
 * sealed. When reading fails, the tape's cursor moves back, unless another thread took something from it meanwhile.
 * Thread: any; with an EXCLUSIVE tape, one at a time.  Memory: one handle from the allocator; counts and lists from the
 * tape, or one mapping.  Since: 0.1 */
INFERMEM_FN int32_t neuron_load(const char *path, const infermem_neuron_options *options, infermem_neuron **out)
    INFERMEM_AS(neuron_load);

INFERMEM_END_DECLS
#endif

#endif
