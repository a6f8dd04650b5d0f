#include "neuron/neuron.hh"

#include <algorithm>
#include <cstring>

#include "base/checked.hh"

namespace infermem {
namespace {

constexpr uint32_t kDefaultInterval = 1000;
constexpr size_t kLine = 64;  // bytes of a cache line
constexpr size_t kWord = 64;  // neurons of a word of bits

// The count from which on a neuron is hot. A neuron that was never active is never hot; a count that can grow no more
// reaches every threshold.
uint32_t needed(uint64_t events, double threshold) {
  const double product = static_cast<double>(events) * threshold;
  if (product >= static_cast<double>(UINT32_MAX)) return UINT32_MAX;
  return std::max(uint32_t{1}, static_cast<uint32_t>(product));
}

}  // namespace

Status Neuron::open(const infermem_neuron_options &options, const Allocator &) {
  if (options.n_neurons == 0) return fail(INFERMEM_E_ARG, 1, 0, "n_neurons is 0");
  if (!(options.threshold >= 0.0f && options.threshold <= 1.0f)) {
    uint32_t bits;
    std::memcpy(&bits, &options.threshold, sizeof bits);
    return fail(INFERMEM_E_ARG, 1, bits, "threshold (as bits, 0x%08x) is not within 0 to 1", bits);
  }
  if ((options.flags & ~uint32_t{INFERMEM_NEURON_STRICT}) != 0)
    return fail(INFERMEM_E_ARG, INFERMEM_NEURON_STRICT, options.flags, "flags are 0x%x, of which 0x%x are unknown",
                options.flags, options.flags & ~uint32_t{INFERMEM_NEURON_STRICT});
  if (options.reserved != 0)
    return fail(INFERMEM_E_ARG, 0, options.reserved, "a reserved field is %u, not 0", options.reserved);

  n_layers_ = options.n_layers != 0 ? options.n_layers : 1;
  n_ = options.n_neurons;
  interval_ = options.interval != 0 ? options.interval : kDefaultInterval;
  threshold_ = static_cast<double>(options.threshold);
  strict_ = (options.flags & INFERMEM_NEURON_STRICT) != 0;

  // A layer: its head, three arrays of 32-bit entries, and the bits.
  size_t bits_bytes, layer_bytes, size;
  if (!checked::align_up(static_cast<size_t>(n_), kLine / sizeof(uint32_t), &row_) ||
      !checked::align_up((n_ + (kWord - 1)) / kWord * sizeof(uint64_t), kLine, &bits_bytes) ||
      !checked::product(&layer_bytes, row_, 3 * sizeof(uint32_t)) ||
      !checked::add(layer_bytes, bits_bytes, &layer_bytes) || !checked::add(layer_bytes, sizeof(Layer), &size) ||
      !checked::mul(size, n_layers_, &size))
    return fail(INFERMEM_E_OVERFLOW, SIZE_MAX, n_, "%zu layers of %u neurons do not fit the address range", n_layers_,
                n_);
  INFERMEM_TRY(store_.take(options.tape, size, alignof(Layer)));
  char *arrays = store_.data() + n_layers_ * sizeof(Layer);
  for (size_t i = 0; i < n_layers_; ++i, arrays += layer_bytes) {
    auto *const counts = reinterpret_cast<uint32_t *>(arrays);
    Layer *const layer = new (Place{&at(i)}) Layer();
    layer->counts = counts;
    layer->hot = counts + row_;
    layer->cold = counts + 2 * row_;
    if (options.tape) layer->bound = UINT32_MAX;  // a tape's memory is not zero: the counts are yet to be cleared
    reset(layer);
  }
  return INFERMEM_OK;
}

// The state before any event: all counts zero, all neurons cold.
void Neuron::reset(Layer *layer) {
  // Pages of a mapping that no count was written to stay untouched.
  if (layer->bound != 0) std::memset(layer->counts, 0, n_ * sizeof(uint32_t));
  std::memset(bits(*layer), 0, (n_ + (kWord - 1)) / kWord * sizeof(uint64_t));
  for (uint32_t i = 0; i < n_; ++i) layer->cold[i] = i;
  layer->events = 0;
  layer->next = interval_;
  layer->out_of_range = 0;
  layer->reclassifications = 0;
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

Status Neuron::record(size_t layer, const uint32_t *indices, size_t n) {
  INFERMEM_TRY(check_writable(layer));
  if (!indices && n != 0) return fail_null("indices");
  if (strict_) INFERMEM_TRY(check_indices(layer, indices, n));
  Layer &l = at(layer);
  uint32_t *const counts = l.counts;
  const uint32_t n_neurons = n_;
  uint64_t skipped = 0;
  if (__builtin_expect(n <= UINT32_MAX - l.bound, 1)) {  // no count can overflow
    for (size_t k = 0; k < n; ++k) {
      const uint32_t index = indices[k];
      if (__builtin_expect(index < n_neurons, 1))
        ++counts[index];
      else
        ++skipped;
    }
    l.bound += static_cast<uint32_t>(n);
  } else {
    for (size_t k = 0; k < n; ++k) {
      const uint32_t index = indices[k];
      if (__builtin_expect(index < n_neurons, 1))
        counts[index] += counts[index] != UINT32_MAX;
      else
        ++skipped;
    }
    l.bound = UINT32_MAX;
  }
  l.out_of_range += skipped;
  if (++l.events == l.next) {
    classify(&l);
    l.next += interval_;
  }
  return INFERMEM_OK;
}

Status Neuron::reclassify(size_t layer) {
  INFERMEM_TRY(check_writable(layer));
  classify(&at(layer));
  return INFERMEM_OK;
}

void Neuron::classify(Layer *layer) {
  const uint32_t need = needed(layer->events, threshold_);
  const uint32_t *const counts = layer->counts;
  uint64_t *const words = bits(*layer);
  uint32_t *const hot = layer->hot;
  uint32_t *const cold = layer->cold;
  uint32_t largest = 0;
  uint32_t n_hot = 0;
  for (uint32_t base = 0; base != n_;) {
    const uint32_t width = std::min<uint32_t>(kWord, n_ - base);
    uint64_t word = 0;
    for (uint32_t i = 0; i < width; ++i) {
      const uint32_t count = counts[base + i];
      const bool is = count >= need;
      largest = std::max(largest, count);
      word |= uint64_t{is} << i;
      // Both lists get the neuron, and the next of the wrong one overwrites it: cheaper than a branch on a coin toss.
      hot[n_hot] = base + i;
      cold[base + i - n_hot] = base + i;
      n_hot += is;
    }
    words[base / kWord] = word;
    base += width;
  }
  layer->n_hot = n_hot;
  layer->bound = largest;
  ++layer->reclassifications;
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
  if (l.events != 0) *out = static_cast<double>(l.counts[index]) / static_cast<double>(l.events);
  return INFERMEM_OK;
}

Status Neuron::describe(size_t layer, infermem_neuron_counts *out) const {
  INFERMEM_TRY(check(layer));
  const Layer &l = at(layer);
  out->n_hot = l.n_hot;
  out->n_cold = n_ - l.n_hot;
  out->events = l.events;
  out->out_of_range = l.out_of_range;
  out->reclassifications = l.reclassifications;
  out->hot_ratio = static_cast<double>(l.n_hot) / static_cast<double>(n_);
  return INFERMEM_OK;
}

Status Neuron::clear() {
  INFERMEM_TRY(store_.check_writable());
  for (size_t i = 0; i < n_layers_; ++i) reset(&at(i));
  return INFERMEM_OK;
}

}  // namespace infermem
