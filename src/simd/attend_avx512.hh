// What the two halves of attention for AVX-512, plain types and blocks, have in common. Only for sources that are compiled
// with the target's flags: nothing here may meet the rest of the library, so all of it is each source's own.
#pragma once

#include <immintrin.h>

#include <cstring>
#include <utility>

#include "infermem/dtype.h"
#include "simd/attend.hh"
#include "simd/reduce_avx512.hh"

namespace infermem::avx512 {

void score_plain(const StoredRows &keys, size_t n, const float *queries, size_t n_rows, size_t dim, float *scores);
void add_plain(const StoredRows &values, size_t n, const float *weights, const float *factors, size_t n_rows,
               size_t dim, float *const *out);

// Makes blocks of levels of a query's floats, where these are; see AttendKernels::prepare.
float prepare_blocks(int32_t type, float *query, size_t dim);
void score_blocks(const StoredRows &keys, size_t n, const float *queries, size_t n_rows, size_t dim, float *scores);
void add_blocks(const StoredRows &values, size_t n, const float *weights, const float *factors, size_t n_rows,
                size_t dim, float *const *out);

namespace {

constexpr size_t kTile = AttendKernels::kTile;
constexpr size_t kTokens = 4;  // whose keys are taken at once
constexpr size_t kLanes = 16;

inline __m128i load16(const char *at) { return _mm_loadu_si128(reinterpret_cast<const __m128i *>(at)); }
inline __m256i load32(const char *at) { return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(at)); }

constexpr size_t kLineBytes = 64;

// Into the L2 cache: what is asked for is more than the nearest one holds. Requests are spread among the instructions that
// work: more at once than wait for memory would let these wait, too. The address may be beyond what there is. In these words
// because gcc 12 leaves out calls of functions that do nothing but prefetch.
inline void prefetch_line(uintptr_t at) {
  __asm__ volatile("prefetcht1 %0" : : "m"(*reinterpret_cast<const char *>(at)));
}
inline void prefetch_line_near(uintptr_t at) {
  __asm__ volatile("prefetcht0 %0" : : "m"(*reinterpret_cast<const char *>(at)));
}

// The lanes of each of four registers, reduced.
template <typename Op>
inline __m128 reduce_four(__m512 a, __m512 b, __m512 c, __m512 d) {
  const __m512 ab = Op::of(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
  const __m512 cd = Op::of(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
  const __m512 four = Op::of(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
  const __m512 two = Op::of(four, _mm512_shuffle_f32x4(four, four, 0x4e));
  return _mm512_castps512_ps128(Op::of(two, _mm512_shuffle_f32x4(two, two, 0xb1)));
}

}  // namespace
}  // namespace infermem::avx512
