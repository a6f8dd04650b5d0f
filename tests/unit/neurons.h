/* neurons.h: what the tests of hot and cold neurons share. */
#ifndef NEURONS_H
#define NEURONS_H

#include "support.h"

static inline infermem_neuron *make(uint32_t n_layers, uint32_t n_neurons, float threshold, uint32_t interval,
                                    uint32_t flags) {
  INFERMEM_STRUCT(infermem_neuron_options, options);
  options.n_layers = n_layers;
  options.n_neurons = n_neurons;
  options.threshold = threshold;
  options.interval = interval;
  options.flags = flags;
  infermem_neuron *neuron = NULL;
  assert_ok(neuron_new(&options, &neuron));
  return neuron;
}

static inline infermem_neuron_counts stat_of(const infermem_neuron *neuron, size_t layer) {
  INFERMEM_STRUCT(infermem_neuron_counts, counts);
  assert_ok(neuron_stat(neuron, layer, &counts));
  return counts;
}

static inline void record_times(infermem_neuron *neuron, size_t layer, const uint32_t *indices, size_t n,
                                size_t times) {
  for (size_t i = 0; i < times; i++) assert_ok(neuron_record(neuron, layer, indices, n));
}

/* The two lists are ascending, and neuron_is_hot agrees with them about every neuron. */
static inline void assert_lists(const infermem_neuron *neuron, size_t layer, const uint32_t *hot, size_t n_hot,
                                uint32_t n) {
  const uint32_t *out;
  size_t out_n;
  assert_ok(neuron_hot(neuron, layer, &out, &out_n));
  assert_int_equal(out_n, n_hot);
  for (size_t i = 0; i < n_hot; i++) assert_int_equal(out[i], hot[i]);
  assert_ok(neuron_cold(neuron, layer, &out, &out_n));
  assert_int_equal(out_n, n - n_hot);
  size_t h = 0, c = 0;
  for (uint32_t i = 0; i < n; i++) {
    const int is_hot = h < n_hot && hot[h] == i;
    if (is_hot)
      h++;
    else
      assert_int_equal(out[c++], i);
    assert_int_equal(neuron_is_hot(neuron, layer, i), is_hot);
  }
  const infermem_neuron_counts counts = stat_of(neuron, layer);
  assert_int_equal(counts.n_hot, n_hot);
  assert_int_equal(counts.n_cold, n - n_hot);
  assert_true(counts.hot_ratio == (double)n_hot / (double)n);
}

#endif
