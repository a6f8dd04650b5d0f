// The product of a row in one of GGML's block types with activations of 8 bits, for AVX2 and for AVX-512: in an unnamed
// namespace, because each of the two compiles it with flags of its own.
//
// A unit is 256 elements: a super-block, or eight blocks of 32. What each 32 of them are scaled with is worked out for some
// units at once, so that no product waits for it. Integers are summed exactly over four elements or more, then in floats.
// What is to be taken off all levels of a block, and its minimum, is multiplied by the sum of the activations.
//
// A Type has
//     kUnitBytes, kMin
//     Parameters parameters(at)   of a unit: its eight scales, and what the sums of activations are multiplied by, over kMin
//     __m256i multiply<i>(at, x)  the sums of products of levels 32 * i to 32 * i + 31 with activations
//     __m256 weights()            of the eight sums
#pragma once

#include <immintrin.h>

#include <cstring>

#include "simd/activations.hh"

namespace infermem {
namespace {

constexpr size_t kUnit = 256;
constexpr size_t kUnits = 16;  // scaled at once
constexpr size_t kBlock = Activations::kBlock;
constexpr size_t kAhead = 6144;  // bytes prefetched ahead, what memory delivers in its latency

inline __m128i load16(const void *at) { return _mm_loadu_si128(static_cast<const __m128i *>(at)); }
inline __m256i load32(const void *at) { return _mm256_loadu_si256(static_cast<const __m256i *>(at)); }

inline int16_t load_half(const void *at) {
  int16_t half;
  std::memcpy(&half, at, sizeof half);
  return half;
}

// The halves at eight addresses, kStride apart.
template <size_t kStride>
inline __m256 load_halves(const uint8_t *at) {
  const auto half = [at](size_t i) { return load_half(at + i * kStride); };
  return _mm256_cvtph_ps(_mm_setr_epi16(half(0), half(1), half(2), half(3), half(4), half(5), half(6), half(7)));
}

template <size_t kBytes>
inline void prefetch(const uint8_t *from) {
  const auto at = reinterpret_cast<uintptr_t>(from) + kAhead;  // maybe beyond what there is, which does no harm
  for (size_t i = 0; i < kBytes; i += 64) _mm_prefetch(reinterpret_cast<const char *>(at + i), _MM_HINT_T0);
}

struct Parameters {
  __m256 scales, minima;
};

struct Totals {
  __m256 a = _mm256_setzero_ps(), b = a, c = a, d = a, minima = a;
};

template <typename Type, int i>
inline __m256 add(const uint8_t *at, const int8_t *levels, __m256 scales, __m256 total) {
  const __m256i products = Type::template multiply<i>(at, load32(levels + i * kBlock));
  return _mm256_fmadd_ps(_mm256_cvtepi32_ps(products), _mm256_permutevar8x32_ps(scales, _mm256_set1_epi32(i)), total);
}

// Adds up to kUnits units.
template <typename Type>
inline void add_units(const uint8_t *at, size_t count, const Activations &x, Totals *t) {
  alignas(32) float scales[8 * kUnits];
  for (size_t i = 0; i < count; ++i) {
    const uint8_t *const unit = at + i * Type::kUnitBytes;
    prefetch<Type::kUnitBytes>(unit);
    const Parameters p = Type::parameters(unit);
    _mm256_store_ps(scales + 8 * i, _mm256_mul_ps(p.scales, _mm256_loadu_ps(x.scales + 8 * i)));
    t->minima = _mm256_fmadd_ps(p.minima, _mm256_loadu_ps(x.sums + 8 * i), t->minima);
  }
  for (size_t i = 0; i < count; ++i, at += Type::kUnitBytes) {
    const int8_t *const levels = x.levels + i * kUnit;
    const __m256 each = _mm256_load_ps(scales + 8 * i);
    t->a = add<Type, 0>(at, levels, each, t->a);
    t->b = add<Type, 1>(at, levels, each, t->b);
    t->c = add<Type, 2>(at, levels, each, t->c);
    t->d = add<Type, 3>(at, levels, each, t->d);
    t->a = add<Type, 4>(at, levels, each, t->a);
    t->b = add<Type, 5>(at, levels, each, t->b);
    t->c = add<Type, 6>(at, levels, each, t->c);
    t->d = add<Type, 7>(at, levels, each, t->d);
  }
}

inline float sum_of(__m256 v) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

template <typename Type>
float dot(const uint8_t *stored, size_t n, const Activations &x) {
  Totals totals;
  const auto from = [&x](size_t at) {
    return Activations{x.levels + at, x.scales + at / kBlock, x.sums + at / kBlock};
  };
  size_t at = 0;
  while (n - at >= kUnit) {
    const size_t left = (n - at) / kUnit, count = left < kUnits ? left : kUnits;
    add_units<Type>(stored, count, from(at), &totals);
    stored += count * Type::kUnitBytes;
    at += count * kUnit;
  }
  if (at < n) {  // fewer blocks than a unit, with zeros behind them
    uint8_t rest[Type::kUnitBytes] = {};
    int8_t levels[kUnit] = {};
    std::memcpy(rest, stored, (n - at) / kBlock * (Type::kUnitBytes / 8));
    std::memcpy(levels, x.levels + at, n - at);
    Activations last = from(at);
    last.levels = levels;
    add_units<Type>(rest, 1, last, &totals);
  }
  const __m256 sums = _mm256_add_ps(_mm256_add_ps(totals.a, totals.b), _mm256_add_ps(totals.c, totals.d));
  const __m256 minima = _mm256_mul_ps(totals.minima, _mm256_set1_ps(Type::kMin));
  return sum_of(_mm256_fmadd_ps(sums, Type::weights(), minima));
}

}  // namespace
}  // namespace infermem
