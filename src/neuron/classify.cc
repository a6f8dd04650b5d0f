// Which neurons are hot, and what share of the activations the most active ones have.
//
// The k-th largest count is found by search over the values: each pass over the counts asks how many are above three
// limits, so that what remains is a quarter. No copy is made, nothing is moved, and the counts stay where they are.
#include <algorithm>
#include <cmath>

#include "neuron/neuron.hh"
#include "simd/kernels.hh"

namespace infermem {
namespace {

constexpr Split kNobody = {UINT32_MAX, 0, UINT32_MAX};

// The count from which on a neuron is hot. A neuron that was never active is never hot; a count that can grow no more
// reaches every threshold.
uint32_t needed(uint64_t events, double threshold) {
  const double product = static_cast<double>(events) * threshold;
  if (product >= static_cast<double>(UINT32_MAX)) return UINT32_MAX;
  return std::max(uint32_t{1}, static_cast<uint32_t>(product));
}

// Behind which index the rank-th of the values that equal `wanted` lies; n where there are no more than rank.
uint32_t end_of_ties(const CountKernels &kernel, const uint32_t *values, uint32_t n, uint32_t wanted, size_t rank) {
  constexpr uint32_t kBlock = 1024;
  const uint32_t limits[] = {wanted - 1, wanted, wanted};
  for (uint32_t base = 0; base < n;) {
    const uint32_t width = std::min(kBlock, n - base);
    size_t above[3];
    kernel.count_above(values + base, width, limits, above);
    const size_t ties = above[0] - above[1];
    if (ties < rank) {
      rank -= ties;
      base += width;
      continue;
    }
    for (;; ++base)
      if (values[base] == wanted && --rank == 0) return base + 1;
  }
  return n;
}

}  // namespace

// Of what is hot already, counts are this much larger.
uint32_t Neuron::with_bonus(uint32_t count) const {
  const auto bonus = static_cast<uint32_t>(static_cast<double>(count) * static_cast<double>(form_.hysteresis));
  return count + std::min(bonus, UINT32_MAX - count);
}

Split Neuron::by_threshold(const Layer &layer) const {
  const uint32_t need = needed(layer.state.weight, static_cast<double>(form_.threshold));
  // The least count that is enough with the bonus: between 0, which is not, and need.
  uint32_t low = 0, enough = need;
  while (enough - low > 1) {
    const uint32_t middle = low + (enough - low) / 2;
    (with_bonus(middle) >= need ? enough : low) = middle;
  }
  return {need - 1, 0, enough - 1};
}

Neuron::Cut Neuron::cut(const uint32_t *values, size_t k) const {
  const CountKernels &kernel = *kernels().counts;
  // The least limit that no more than k values are above, which lies within [low, found.limit].
  uint32_t low = 0;
  Cut found = {kernel.largest(values, n_), 0};
  while (low < found.limit) {
    const uint64_t width = found.limit - low;
    const uint32_t limits[3] = {low + static_cast<uint32_t>(width / 4), low + static_cast<uint32_t>(width / 2),
                                low + static_cast<uint32_t>(width * 3 / 4)};
    size_t above[3];
    kernel.count_above(values, n_, limits, above);
    for (size_t i = 0; i < 3; ++i) {
      if (above[i] <= k) {
        found = {limits[i], above[i]};
        break;
      }
      low = limits[i] + 1;
    }
  }
  return found;
}

Split Neuron::by_budget(const uint32_t *values) const {
  const Cut found = cut(values, budget_);
  Split split = kNobody;
  split.above = found.limit;
  // A limit of 0 is that of neurons that were never active.
  if (found.limit != 0 && found.n_above < budget_)
    split.ties_before = end_of_ties(*kernels().counts, values, n_, found.limit, budget_ - found.n_above);
  return split;
}

void Neuron::classify(Layer *layer) {
  uint64_t *const words = bits(*layer);
  const uint32_t *values = layer->counts;
  if (budget_ != 0 && form_.hysteresis > 0.0f) {  // the cold list, soon to be written, holds the counts with the bonus
    for (uint32_t i = 0; i < n_; ++i)
      layer->cold[i] = (words[i / 64] >> (i % 64) & 1) != 0 ? with_bonus(values[i]) : values[i];
    values = layer->cold;
  }
  const Split split = budget_ != 0 ? by_budget(values) : by_threshold(*layer);
  layer->n_hot = kernels().counts->split(values, n_, split, words, layer->hot, layer->cold);
  ++layer->state.reclassifications;
}

Status Neuron::coverage(size_t layer, const double *fractions, size_t n, double *out) const {
  INFERMEM_TRY(check(layer));
  for (size_t i = 0; i < n; ++i)
    if (!(fractions[i] >= 0.0 && fractions[i] <= 1.0))
      return fail(INFERMEM_E_ARG, 1, i, "fractions[%zu] is not within 0 to 1", i);
  const uint32_t *const counts = at(layer).counts;
  uint64_t all = 0;
  for (uint32_t j = 0; j < n_; ++j) all += counts[j];
  for (size_t i = 0; i < n; ++i) {
    const auto k = static_cast<size_t>(std::llround(fractions[i] * static_cast<double>(n_)));
    const Cut found = cut(counts, k);
    uint64_t sum = uint64_t{found.limit} * (k - found.n_above);
    for (uint32_t j = 0; j < n_; ++j) sum += counts[j] > found.limit ? counts[j] : 0;
    out[i] = all != 0 ? static_cast<double>(sum) / static_cast<double>(all) : 0.0;
  }
  return INFERMEM_OK;
}

}  // namespace infermem
