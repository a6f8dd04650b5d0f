// What the two halves of attention for AVX-512, plain types and blocks, have in common. Only for sources that are compiled
// with the target's flags: nothing here may meet the rest of the library, so all of it is each source's own.
#pragma once

#include <immintrin.h>

#include <cstring>
#include <utility>

#include "infermem/dtype.h"
#include "simd/attend.hh"

namespace infermem::avx512 {

void score_plain(const StoredRows &keys, size_t n, const float *queries, size_t n_rows, size_t dim, float *scores);
void add_plain(const StoredRows &values, size_t n, const float *weights, const float *factors, size_t n_rows,
               size_t dim, float *const *out);

float prepare_blocks(float *query, size_t dim);
void score_blocks(const StoredRows &keys, size_t n, const float *queries, size_t n_rows, size_t dim, float *scores);
void add_blocks(const StoredRows &values, size_t n, const float *weights, const float *factors, size_t n_rows,
                size_t dim, float *const *out);

namespace {

constexpr size_t kTile = AttendKernels::kTile;
constexpr size_t kTokens = 4;  // whose keys are taken at once
constexpr size_t kLanes = 16;

inline __m128i load16(const char *at) { return _mm_loadu_si128(reinterpret_cast<const __m128i *>(at)); }
inline __m256i load32(const char *at) { return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(at)); }

// Into the L2 cache: what is asked for is as much as the nearest one holds, and more requests can wait there.
inline void prefetch(const char *from, size_t bytes) {
  const auto at = reinterpret_cast<uintptr_t>(from);  // maybe beyond what there is, which does no harm
  constexpr uintptr_t kLineBytes = 64;
  for (uintptr_t line = at & ~(kLineBytes - 1); line < at + bytes; line += kLineBytes)
    _mm_prefetch(reinterpret_cast<const char *>(line), _MM_HINT_T1);
}

// The sums of the lanes of each of four registers.
inline __m128 sum_each(__m512 a, __m512 b, __m512 c, __m512 d) {
  const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
  const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
  const __m512 four = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
  const __m256 two = _mm256_add_ps(_mm512_castps512_ps256(four), _mm512_extractf32x8_ps(four, 1));
  return _mm_add_ps(_mm256_castps256_ps128(two), _mm256_extractf128_ps(two, 1));
}

}  // namespace
}  // namespace infermem::avx512
