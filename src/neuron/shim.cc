// The extern "C" functions of infermem/neuron.h.
#include "base/structs.hh"
#include "neuron/neuron.hh"

using namespace infermem;

extern "C" {

int32_t neuron_new(const infermem_neuron_options *options, infermem_neuron **out) {
  INFERMEM_NOT_NULL(options);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options));
}

void neuron_free(infermem_neuron *neuron) { free_handle(neuron); }

int32_t neuron_record(infermem_neuron *neuron, size_t layer, const uint32_t *indices, size_t n_indices) {
  INFERMEM_HANDLE(neuron);
  INFERMEM_LEAVE(neuron->core.record(layer, indices, n_indices));
}

int32_t neuron_record_mask(infermem_neuron *neuron, size_t layer, const uint8_t *mask, size_t n_bytes) {
  INFERMEM_HANDLE(neuron);
  INFERMEM_NOT_NULL(mask);
  INFERMEM_LEAVE(neuron->core.record_mask(layer, mask, n_bytes));
}

int32_t neuron_record_values(infermem_neuron *neuron, size_t layer, const float *values, size_t n, float cutoff) {
  INFERMEM_HANDLE(neuron);
  INFERMEM_NOT_NULL(values);
  INFERMEM_LEAVE(neuron->core.record_values(layer, values, n, cutoff));
}

int32_t neuron_reclassify(infermem_neuron *neuron, size_t layer) {
  INFERMEM_HANDLE(neuron);
  INFERMEM_LEAVE(neuron->core.reclassify(layer));
}

int32_t neuron_hot(const infermem_neuron *neuron, size_t layer, const uint32_t **out, size_t *out_n) {
  INFERMEM_HANDLE(neuron);
  INFERMEM_NOT_NULL(out);
  INFERMEM_NOT_NULL(out_n);
  INFERMEM_LEAVE(neuron->core.hot(layer, out, out_n));
}

int32_t neuron_cold(const infermem_neuron *neuron, size_t layer, const uint32_t **out, size_t *out_n) {
  INFERMEM_HANDLE(neuron);
  INFERMEM_NOT_NULL(out);
  INFERMEM_NOT_NULL(out_n);
  INFERMEM_LEAVE(neuron->core.cold(layer, out, out_n));
}

int32_t neuron_is_hot(const infermem_neuron *neuron, size_t layer, uint32_t index) {
  bool hot = false;
  if (is(neuron)) leave(neuron->core.is_hot(layer, index, &hot), __func__);
  return hot;
}

double neuron_frequency(const infermem_neuron *neuron, size_t layer, uint32_t index) {
  double frequency = 0;
  if (is(neuron)) leave(neuron->core.frequency(layer, index, &frequency), __func__);
  return frequency;
}

int32_t neuron_stat(const infermem_neuron *neuron, size_t layer, infermem_neuron_counts *out) {
  INFERMEM_HANDLE(neuron);
  INFERMEM_NOT_NULL(out);
  infermem_neuron_counts counts = {};
  INFERMEM_STEP(neuron->core.describe(layer, &counts));
  INFERMEM_LEAVE(write_struct(counts, out, "out"));
}

int32_t neuron_clear(infermem_neuron *neuron) {
  INFERMEM_HANDLE(neuron);
  INFERMEM_LEAVE(neuron->core.clear());
}

int32_t neuron_coverage(const infermem_neuron *neuron, size_t layer, const double *fractions, size_t n, double *out) {
  INFERMEM_HANDLE(neuron);
  INFERMEM_NOT_NULL(fractions);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(neuron->core.coverage(layer, fractions, n, out));
}

int32_t neuron_merge(infermem_neuron *neuron, const infermem_neuron *const *others, size_t n) {
  INFERMEM_HANDLE(neuron);
  INFERMEM_LEAVE(neuron->core.merge(others, n));
}

int32_t neuron_save(const infermem_neuron *neuron, const char *path) {
  INFERMEM_HANDLE(neuron);
  INFERMEM_NOT_NULL(path);
  INFERMEM_LEAVE(neuron->core.save(path));
}

int32_t neuron_load(const char *path, const infermem_neuron_options *options, infermem_neuron **out) {
  INFERMEM_NOT_NULL(path);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options, ProfilePath{path}));
}

}  // extern "C"
