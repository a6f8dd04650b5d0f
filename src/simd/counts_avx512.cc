// The kernels of activation counts for AVX-512; see kernels_avx512.cc for how it is compiled.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"  // gcc 12 warns of its own _mm512_undefined_ps
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include <cstring>

#include "simd/counts.hh"

namespace infermem {
namespace {

constexpr size_t kLanes = 16;
constexpr uint32_t kWord = 64;  // bits

inline __mmask16 first_lanes(size_t count) {
  return count >= kLanes ? static_cast<__mmask16>(0xffff) : static_cast<__mmask16>((1u << count) - 1);
}

inline __m512i set(uint32_t value) { return _mm512_set1_epi32(static_cast<int>(value)); }

inline uint32_t bits_of(__mmask16 mask) { return static_cast<uint32_t>(__builtin_popcount(mask)); }

size_t add_at(const uint32_t *indices, size_t n, uint32_t weight, uint32_t *counts, size_t n_counts) {
  size_t skipped = 0, at = 0;
  const __m512i last = set(static_cast<uint32_t>(n_counts - 1));
  for (; at + kLanes <= n; at += kLanes) {
    const __m512i all = _mm512_loadu_si512(indices + at);
    if (__builtin_expect(_mm512_cmpgt_epu32_mask(all, last) != 0, 0)) {
      skipped += add_at_plain(indices + at, kLanes, weight, counts, n_counts);
      continue;
    }
    // One by one: indices may repeat.
    for (size_t i = 0; i < kLanes; ++i) counts[indices[at + i]] += weight;
  }
  return skipped + add_at_plain(indices + at, n - at, weight, counts, n_counts);
}

inline void add(__mmask16 active, __m512i weight, uint32_t *counts, __mmask16 lanes) {
  const __m512i have = _mm512_maskz_loadu_epi32(lanes, counts);
  const __m512i room = _mm512_ternarylogic_epi32(have, have, have, 0x55);  // not
  const __m512i sum = _mm512_mask_add_epi32(have, active, have, _mm512_min_epu32(weight, room));
  _mm512_mask_storeu_epi32(counts, lanes, sum);
}

void add_mask(const uint8_t *mask, size_t n, uint32_t weight, uint32_t *counts) {
  const __m512i w = set(weight);
  size_t at = 0;
  for (; at + kWord <= n; at += kWord) {
    for (size_t i = at; i < at + kWord; i += kLanes) {
      uint16_t active;
      std::memcpy(&active, mask + i / 8, sizeof active);
      add(active, w, counts + i, 0xffff);
    }
  }
  for (; at < n; at += kLanes) {
    const __mmask16 lanes = first_lanes(n - at);
    const unsigned high = n - at > 8 ? mask[at / 8 + 1] : 0u;
    add(static_cast<__mmask16>((mask[at / 8] | high << 8) & lanes), w, counts + at, lanes);
  }
}

size_t add_values(const float *values, size_t n, float cutoff, uint32_t weight, uint32_t *counts) {
  const __m512i w = set(weight);
  const __m512 limit = _mm512_set1_ps(cutoff);
  size_t nans = 0;
  for (size_t at = 0; at < n; at += kLanes) {
    const __mmask16 lanes = first_lanes(n - at);
    const __m512 v = _mm512_maskz_loadu_ps(lanes, values + at);
    nans += bits_of(_mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q));
    add(_mm512_mask_cmp_ps_mask(lanes, _mm512_abs_ps(v), limit, _CMP_GT_OQ), w, counts + at, lanes);
  }
  return nans;
}

uint32_t largest(const uint32_t *values, size_t n) {
  __m512i most = _mm512_setzero_si512();
  for (size_t at = 0; at < n; at += kLanes)
    most = _mm512_max_epu32(most, _mm512_maskz_loadu_epi32(first_lanes(n - at), values + at));
  return _mm512_reduce_max_epu32(most);
}

void count_above(const uint32_t *values, size_t n, const uint32_t *limits, size_t *out) {
  const __m512i a = set(limits[0]), b = set(limits[1]), c = set(limits[2]);
  const __m512i one = _mm512_set1_epi32(1);
  __m512i n_a = _mm512_setzero_si512(), n_b = n_a, n_c = n_a;
  for (size_t at = 0; at < n; at += kLanes) {  // 0 is above no limit
    const __m512i v = _mm512_maskz_loadu_epi32(first_lanes(n - at), values + at);
    n_a = _mm512_mask_add_epi32(n_a, _mm512_cmpgt_epu32_mask(v, a), n_a, one);
    n_b = _mm512_mask_add_epi32(n_b, _mm512_cmpgt_epu32_mask(v, b), n_b, one);
    n_c = _mm512_mask_add_epi32(n_c, _mm512_cmpgt_epu32_mask(v, c), n_c, one);
  }
  // The values are fewer than 2^32, and so are those above a limit.
  out[0] = static_cast<uint32_t>(_mm512_reduce_add_epi32(n_a));
  out[1] = static_cast<uint32_t>(_mm512_reduce_add_epi32(n_b));
  out[2] = static_cast<uint32_t>(_mm512_reduce_add_epi32(n_c));
}

uint32_t split(const uint32_t *values, uint32_t n, const Split &by, uint64_t *bits, uint32_t *first, uint32_t *second) {
  const __m512i above = set(by.above), ties = set(by.ties_before), stays = set(by.stays_above);
  const __m512i step = _mm512_set1_epi32(kLanes);
  __m512i index = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  uint32_t n_first = 0, n_second = 0, base = 0;
  for (; base + kWord <= n; base += kWord) {
    const uint64_t was = bits[base / kWord];
    uint64_t word = 0;
    for (uint32_t i = 0; i < kWord; i += kLanes) {
      const __m512i v = _mm512_loadu_si512(values + base + i);
      const __mmask16 is_above = _mm512_cmpgt_epu32_mask(v, above);
      const __mmask16 is_tie = _mm512_mask_cmplt_epu32_mask(_mm512_cmpeq_epu32_mask(v, above), index, ties);
      const __mmask16 stays_in = _mm512_mask_cmpgt_epu32_mask(static_cast<__mmask16>(was >> i), v, stays);
      const auto is = static_cast<__mmask16>(is_above | is_tie | stays_in);
      word |= static_cast<uint64_t>(is) << i;
      // Whole registers, of which the next store overwrites what does not count.
      _mm512_storeu_si512(first + n_first, _mm512_maskz_compress_epi32(is, index));
      _mm512_storeu_si512(second + n_second, _mm512_maskz_compress_epi32(static_cast<__mmask16>(~is), index));
      const uint32_t count = bits_of(is);
      n_first += count;
      n_second += static_cast<uint32_t>(kLanes) - count;
      index = _mm512_add_epi32(index, step);
    }
    bits[base / kWord] = word;
  }
  return split_rest(values, base, n, n_first, by, bits, first, second);
}

}  // namespace

const CountKernels counts_avx512 = {add_at, add_mask, add_values, largest, count_above, split};

}  // namespace infermem
