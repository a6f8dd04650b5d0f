/* neuron.h: which neurons of a layer do the work, counted and sorted into hot and cold.
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

/* How one is made. Zero in any field but n_neurons means the default. */
typedef struct infermem_neuron_options {
  size_t struct_size;
  uint32_t n_layers;  /* 0 means 1 */
  uint32_t n_neurons; /* of each layer, more than 0 */
  float threshold;   /* 0 to 1: the share of a layer's events from which on a neuron is hot; with 0 a neuron is hot once
                        it was active at all */
  uint32_t interval; /* events of a layer from one classification of it to the next; 0 means 1000 */
  uint32_t flags;    /* INFERMEM_NEURON_* */
  uint32_t reserved; /* 0 */
  const infermem_tape *tape;           /* where counts and lists live; NULL means a mapping of their own */
  const infermem_allocator *allocator; /* for the handle; NULL means malloc */
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
} infermem_neuron_counts;

#ifndef INFERMEM_NO_PROTOTYPES
INFERMEM_BEGIN_DECLS

/* Makes the counts of options->n_layers layers, all zero; free them with neuron_free. A layer takes 64 bytes, and 12
 * bytes and one bit a neuron.
 * Errors: INFERMEM_E_NULL: options or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: n_neurons is 0, threshold is
 * not within 0 to 1 (or NaN), a flag is unknown, a reserved field is not 0, or the allocator lacks a function.
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
 *   indices: n_indices of them, in any order; may be NULL when n_indices is 0, which is an event all the same.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_RANGE: there is no such layer, or (with STRICT) no such
 * neuron.  INFERMEM_E_STALE: the tape was cleared, or rewound past the counts.  INFERMEM_E_SEALED: it is sealed.
 * Thread: exclusive.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t neuron_record(infermem_neuron *neuron, size_t layer, const uint32_t *indices, size_t n_indices)
    INFERMEM_AS(neuron_record);

/* Sorts a layer's neurons into hot and cold now. Hot is whose count is at least max(1, trunc(events * threshold)), the
 * product taken in double precision; a count that has reached 2^32 - 1 is enough in any case. The events until the next
 * automatic classification stay what they were.
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

INFERMEM_END_DECLS
#endif

#endif
