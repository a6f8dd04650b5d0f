// The plain kernels of activation counts.
#include <algorithm>
#include <cmath>

#include "simd/counts.hh"

namespace infermem {
namespace {

constexpr uint32_t kWord = 64;  // bits

inline void add(uint32_t weight, uint32_t *count) { *count += std::min(weight, UINT32_MAX - *count); }

void add_mask(const uint8_t *mask, size_t n, uint32_t weight, uint32_t *counts) {
  for (size_t i = 0; i < n; ++i)
    if ((mask[i / 8] >> (i % 8) & 1) != 0) add(weight, &counts[i]);
}

size_t add_values(const float *values, size_t n, float cutoff, uint32_t weight, uint32_t *counts) {
  size_t nans = 0;
  for (size_t i = 0; i < n; ++i) {
    if (std::fabs(values[i]) > cutoff) add(weight, &counts[i]);
    nans += std::isnan(values[i]);
  }
  return nans;
}

uint32_t largest(const uint32_t *values, size_t n) {
  uint32_t most = 0;
  for (size_t i = 0; i < n; ++i) most = std::max(most, values[i]);
  return most;
}

void count_above(const uint32_t *values, size_t n, const uint32_t *limits, size_t *out) {
  size_t a = 0, b = 0, c = 0;
  for (size_t i = 0; i < n; ++i) {
    a += values[i] > limits[0];
    b += values[i] > limits[1];
    c += values[i] > limits[2];
  }
  out[0] = a, out[1] = b, out[2] = c;
}

uint32_t split_all(const uint32_t *values, uint32_t n, const Split &split, uint64_t *bits, uint32_t *first,
                   uint32_t *second) {
  return split_rest(values, 0, n, 0, split, bits, first, second);
}

}  // namespace

size_t add_at_plain(const uint32_t *indices, size_t n, uint32_t weight, uint32_t *counts, size_t n_counts) {
  size_t skipped = 0;
  for (size_t k = 0; k < n; ++k) {
    const uint32_t index = indices[k];
    if (__builtin_expect(index < n_counts, 1))
      counts[index] += weight;
    else
      ++skipped;
  }
  return skipped;
}

uint32_t split_rest(const uint32_t *values, uint32_t from, uint32_t n, uint32_t n_first, const Split &split,
                    uint64_t *bits, uint32_t *first, uint32_t *second) {
  for (uint32_t base = from; base < n;) {
    const uint32_t width = std::min(kWord, n - base);
    const uint64_t was = bits[base / kWord];
    uint64_t word = 0;
    for (uint32_t i = 0; i < width; ++i) {
      const uint32_t value = values[base + i];
      const bool is = value > split.above || (value == split.above && base + i < split.ties_before) ||
                      ((was >> i & 1) != 0 && value > split.stays_above);
      word |= uint64_t{is} << i;
      // Both lists get the index, and the next of the wrong one overwrites it: cheaper than a branch on a coin toss.
      first[n_first] = base + i;
      second[base + i - n_first] = base + i;
      n_first += is;
    }
    bits[base / kWord] = word;
    base += width;
  }
  return n_first;
}

const CountKernels counts_reference = {add_at_plain, add_mask, add_values, largest, count_above, split_all};

}  // namespace infermem
