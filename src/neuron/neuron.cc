#include "neuron/neuron.hh"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/checked.hh"
#include "simd/kernels.hh"

namespace infermem {
namespace {

constexpr uint32_t kDefaultInterval = 1000;
constexpr size_t kLine = 64;     // bytes of a cache line
constexpr size_t kWord = 64;     // neurons of a word of bits
constexpr double kWeight = 256;  // of an activation right after counts were halved
constexpr uint32_t kKnownFlags = INFERMEM_NEURON_STRICT;

uint32_t float_bits(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

Status check_fraction(float value, const char *name) {
  if (value >= 0.0f && value <= 1.0f) return INFERMEM_OK;
  return fail(INFERMEM_E_ARG, 1, float_bits(value), "%s (as bits, 0x%08x) is not within 0 to 1", name,
              float_bits(value));
}

// As the kernels add where no sum overflows, but with a check of each.
size_t add_saturating(const uint32_t *indices, size_t n, uint32_t weight, uint32_t *counts, uint32_t n_counts) {
  size_t skipped = 0;
  for (size_t k = 0; k < n; ++k) {
    if (indices[k] < n_counts)
      counts[indices[k]] += std::min(weight, UINT32_MAX - counts[indices[k]]);
    else
      ++skipped;
  }
  return skipped;
}

}  // namespace

Status Neuron::set_form(const infermem_neuron_options &options) {
  if (options.n_neurons == 0) return fail(INFERMEM_E_ARG, 1, 0, "n_neurons is 0");
  INFERMEM_TRY(check_fraction(options.threshold, "threshold"));
  INFERMEM_TRY(check_fraction(options.budget_fraction, "budget_fraction"));
  INFERMEM_TRY(check_fraction(options.hysteresis, "hysteresis"));
  if ((options.flags & ~kKnownFlags) != 0)
    return fail(INFERMEM_E_ARG, kKnownFlags, options.flags, "flags are 0x%x, of which 0x%x are unknown", options.flags,
                options.flags & ~kKnownFlags);
  if (options.reserved != 0)
    return fail(INFERMEM_E_ARG, 0, options.reserved, "a reserved field is %u, not 0", options.reserved);
  const bool has_fraction = options.budget_fraction > 0.0f, has_bytes = options.budget_bytes != 0;
  const int criteria = (options.threshold > 0.0f) + (options.budget_count != 0) + has_fraction + has_bytes;
  if (criteria > 1)
    return fail(INFERMEM_E_ARG, 1, static_cast<uint64_t>(criteria),
                "%d of threshold, budget_count, budget_fraction and budget_bytes are given, of which one tells",
                criteria);
  if (has_bytes ? options.row_bytes == 0 || options.row_bytes > options.budget_bytes : options.row_bytes != 0)
    return fail(INFERMEM_E_ARG, options.budget_bytes, options.row_bytes,
                "row_bytes is %llu, with a budget of %llu bytes", wide(options.row_bytes), wide(options.budget_bytes));

  form_ = options;
  form_.struct_size = 0;
  form_.tape = nullptr;
  form_.allocator = nullptr;
  form_.threshold += 0.0f;  // no -0
  form_.budget_fraction += 0.0f;
  form_.hysteresis += 0.0f;
  if (form_.n_layers == 0) form_.n_layers = 1;
  if (form_.interval == 0) form_.interval = kDefaultInterval;
  n_layers_ = form_.n_layers;
  n_ = form_.n_neurons;
  uint64_t budget = form_.budget_count;
  if (has_fraction)
    budget =
        std::max<uint64_t>(1, static_cast<uint64_t>(std::llround(n_ * static_cast<double>(form_.budget_fraction))));
  if (has_bytes) budget = form_.budget_bytes / form_.row_bytes;
  budget_ = static_cast<uint32_t>(std::min<uint64_t>(budget, n_));
  return INFERMEM_OK;
}

Status Neuron::take(const infermem_tape *tape) {
  // A layer: its head, three arrays of 32-bit entries, and the bits.
  size_t layer_bytes, size;
  if (!checked::align_up(static_cast<size_t>(n_), kLine / sizeof(uint32_t), &row_) ||
      !checked::align_up((n_ + (kWord - 1)) / kWord * sizeof(uint64_t), kLine, &bits_bytes_) ||
      !checked::product(&layer_bytes, row_, 3 * sizeof(uint32_t)) ||
      !checked::add(layer_bytes, bits_bytes_, &layer_bytes) || !checked::add(layer_bytes, sizeof(Layer), &size) ||
      !checked::mul(size, n_layers_, &size))
    return fail(INFERMEM_E_OVERFLOW, SIZE_MAX, n_, "%zu layers of %u neurons do not fit the address range", n_layers_,
                n_);
  INFERMEM_TRY(store_.take(tape, size, alignof(Layer)));
  char *arrays = store_.data() + n_layers_ * sizeof(Layer);
  for (size_t i = 0; i < n_layers_; ++i, arrays += layer_bytes) {
    auto *const counts = reinterpret_cast<uint32_t *>(arrays);
    Layer *const layer = new (Place{&at(i)}) Layer();
    layer->counts = counts;
    layer->hot = counts + row_;
    layer->cold = counts + 2 * row_;
  }
  return INFERMEM_OK;
}

Status Neuron::open(const infermem_neuron_options &options, const Allocator &) {
  INFERMEM_TRY(set_form(options));
  INFERMEM_TRY(take(options.tape));
  for (size_t i = 0; i < n_layers_; ++i) {
    if (options.tape) at(i).bound = UINT32_MAX;  // a tape's memory is not zero: the counts are yet to be cleared
    reset(&at(i));
  }
  return INFERMEM_OK;
}

// The state before any event: all counts zero, all neurons cold.
void Neuron::reset(Layer *layer) {
  // Pages of a mapping that no count was written to stay untouched.
  if (layer->bound != 0) std::memset(layer->counts, 0, row_ * sizeof(uint32_t));
  std::memset(bits(*layer), 0, bits_bytes_);
  for (uint32_t i = 0; i < n_; ++i) layer->cold[i] = i;
  layer->state = {};
  layer->state.next = form_.interval;
  layer->n_hot = 0;
  layer->bound = 0;
}

Status Neuron::check_layer(size_t layer) const {
  if (__builtin_expect(layer < n_layers_, 1)) return INFERMEM_OK;
  return fail(INFERMEM_E_RANGE, n_layers_, layer, "layer is %zu, of %zu layers", layer, n_layers_);
}

Status Neuron::check(size_t layer) const {
  INFERMEM_TRY(check_layer(layer));
  return store_.check();
}

Status Neuron::check_writable(size_t layer) const {
  INFERMEM_TRY(check_layer(layer));
  return store_.check_writable();
}

Status Neuron::check_indices(size_t layer, const uint32_t *indices, size_t n) const {
  for (size_t k = 0; k < n; ++k)
    if (__builtin_expect(indices[k] >= n_, 0))
      return fail(INFERMEM_E_RANGE, n_, indices[k], "indices[%zu] is %u, of %u neurons, in layer %zu", k, indices[k],
                  n_, layer);
  return INFERMEM_OK;
}

// ---- Recording ----

uint32_t Neuron::weight_of(const Layer &layer) const {
  if (form_.half_life == 0) return 1;
  const double progress = static_cast<double>(layer.state.phase) / form_.half_life;
  return static_cast<uint32_t>(std::lround(kWeight * std::exp2(progress)));
}

void Neuron::end_event(Layer *layer, uint32_t weight) {
  State &state = layer->state;
  ++state.events;
  state.weight += weight;
  if (form_.half_life != 0 && ++state.phase == form_.half_life) {
    for (uint32_t i = 0; i < n_; ++i) layer->counts[i] /= 2;
    layer->bound /= 2;
    state.weight /= 2;
    state.phase = 0;
  }
  if (state.events != state.next) return;
  classify(layer);
  state.next += form_.interval;
}

Status Neuron::record(size_t layer, const uint32_t *indices, size_t n) {
  INFERMEM_TRY(check_writable(layer));
  if (!indices && n != 0) return fail_null("indices");
  if ((form_.flags & INFERMEM_NEURON_STRICT) != 0) INFERMEM_TRY(check_indices(layer, indices, n));
  Layer &l = at(layer);
  const uint32_t weight = weight_of(l);
  const CountKernels &kernel = *kernels().counts;
  size_t most;  // that a count may grow by
  if (!checked::mul<size_t>(n, weight, &most)) most = SIZE_MAX;
  if (__builtin_expect(most > UINT32_MAX - l.bound, 0)) l.bound = kernel.largest(l.counts, n_);
  if (__builtin_expect(most <= UINT32_MAX - l.bound, 1)) {
    l.state.out_of_range += kernel.add_at(indices, n, weight, l.counts, n_);
    l.bound += static_cast<uint32_t>(most);
  } else {
    l.state.out_of_range += add_saturating(indices, n, weight, l.counts, n_);
    l.bound = UINT32_MAX;
  }
  end_event(&l, weight);
  return INFERMEM_OK;
}

Status Neuron::record_mask(size_t layer, const uint8_t *mask, size_t n_bytes) {
  INFERMEM_TRY(check_writable(layer));
  const size_t due = n_ / 8 + (n_ % 8 != 0);
  if (n_bytes != due)
    return fail(INFERMEM_E_SHAPE, due, n_bytes, "the mask has %zu bytes, not %zu: a bit for each of %u neurons",
                n_bytes, due, n_);
  const unsigned beyond = n_ % 8 != 0 ? static_cast<unsigned>(mask[due - 1]) >> n_ % 8 : 0u;
  if (beyond != 0 && (form_.flags & INFERMEM_NEURON_STRICT) != 0) {
    const uint32_t index = n_ + static_cast<uint32_t>(__builtin_ctz(beyond));
    return fail(INFERMEM_E_RANGE, n_, index, "bit %u of the mask is set, of %u neurons, in layer %zu", index, n_,
                layer);
  }
  Layer &l = at(layer);
  const uint32_t weight = weight_of(l);
  kernels().counts->add_mask(mask, n_, weight, l.counts);
  l.bound += std::min(weight, UINT32_MAX - l.bound);
  l.state.out_of_range += static_cast<uint64_t>(__builtin_popcount(beyond));
  end_event(&l, weight);
  return INFERMEM_OK;
}

Status Neuron::record_values(size_t layer, const float *values, size_t n, float cutoff) {
  INFERMEM_TRY(check_writable(layer));
  if (n != n_) return fail(INFERMEM_E_SHAPE, n_, n, "%zu values, of %u neurons", n, n_);
  if (!(cutoff >= 0.0f))
    return fail(INFERMEM_E_ARG, 0, float_bits(cutoff), "cutoff (as bits, 0x%08x) is NaN or less than 0",
                float_bits(cutoff));
  if ((form_.flags & INFERMEM_NEURON_STRICT) != 0) {
    const size_t bad = kernels().find_not_finite(values, n);
    if (bad != n)
      return fail(INFERMEM_E_NOT_FINITE, 0, bad, "values[%zu] is NaN or infinite, in layer %zu", bad, layer);
  }
  Layer &l = at(layer);
  const uint32_t weight = weight_of(l);
  l.state.nans += kernels().counts->add_values(values, n, cutoff, weight, l.counts);
  l.bound += std::min(weight, UINT32_MAX - l.bound);
  end_event(&l, weight);
  return INFERMEM_OK;
}

// ---- What is asked ----

Status Neuron::reclassify(size_t layer) {
  INFERMEM_TRY(check_writable(layer));
  classify(&at(layer));
  return INFERMEM_OK;
}

Status Neuron::hot(size_t layer, const uint32_t **out, size_t *out_n) const {
  INFERMEM_TRY(check(layer));
  *out = at(layer).hot;
  *out_n = at(layer).n_hot;
  return INFERMEM_OK;
}

Status Neuron::cold(size_t layer, const uint32_t **out, size_t *out_n) const {
  INFERMEM_TRY(check(layer));
  *out = at(layer).cold;
  *out_n = n_ - at(layer).n_hot;
  return INFERMEM_OK;
}

Status Neuron::is_hot(size_t layer, uint32_t index, bool *out) const {
  if (layer >= n_layers_ || index >= n_) return INFERMEM_OK;
  INFERMEM_TRY(store_.check());
  *out = (bits(at(layer))[index / kWord] >> (index % kWord) & 1) != 0;
  return INFERMEM_OK;
}

Status Neuron::frequency(size_t layer, uint32_t index, double *out) const {
  if (layer >= n_layers_ || index >= n_) return INFERMEM_OK;
  INFERMEM_TRY(store_.check());
  const Layer &l = at(layer);
  if (l.state.weight != 0) *out = static_cast<double>(l.counts[index]) / static_cast<double>(l.state.weight);
  return INFERMEM_OK;
}

Status Neuron::frequencies(size_t n, double *out) const {
  size_t due;
  if (!checked::mul<size_t>(n_layers_, n_, &due) || n != due)
    return fail(INFERMEM_E_SHAPE, n, n_, "%zu layers of %u neurons, for %zu rows", n_layers_, n_, n);
  INFERMEM_TRY(store_.check());
  for (size_t i = 0; i < n_layers_; ++i) {
    const Layer &l = at(i);
    const double weight = static_cast<double>(std::max<uint64_t>(1, l.state.weight));
    for (uint32_t j = 0; j < n_; ++j) *out++ = static_cast<double>(l.counts[j]) / weight;
  }
  return INFERMEM_OK;
}

Status Neuron::describe(size_t layer, infermem_neuron_counts *out) const {
  INFERMEM_TRY(check(layer));
  const Layer &l = at(layer);
  out->n_hot = l.n_hot;
  out->n_cold = n_ - l.n_hot;
  out->events = l.state.events;
  out->out_of_range = l.state.out_of_range;
  out->reclassifications = l.state.reclassifications;
  out->hot_ratio = static_cast<double>(l.n_hot) / static_cast<double>(n_);
  out->nans = l.state.nans;
  return INFERMEM_OK;
}

Status Neuron::clear() {
  INFERMEM_TRY(store_.check_writable());
  for (size_t i = 0; i < n_layers_; ++i) reset(&at(i));
  return INFERMEM_OK;
}

}  // namespace infermem
