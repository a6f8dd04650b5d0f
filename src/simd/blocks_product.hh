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
//     kParts, 4 or 8              that a unit is multiplied in
//     Sum, zero()                 a register of floats, in which parts are summed up
//     Sum add<i>(at, levels, scales, sum)    adds the products of the i-th part with activations
//     __m256 narrow(sum)          the same sum in eight lanes
#pragma once

#include <immintrin.h>

#include <cstring>

#include "simd/activations.hh"
#include "simd/prefetch.hh"

namespace infermem {
namespace {

constexpr size_t kUnit = 256;
constexpr size_t kBlock = Activations::kBlock;

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

struct Parameters {
  __m256 scales, minima;
};

// Four runs' integers of six bits as blocks::RunScale has them, of the first four runs and then of the last, whose high bits
// are on top of `first`.
inline __m256 load_integers(uint32_t first, uint32_t last) {
  const uint64_t low = first & 0x3f3f3f3fu, high = (last & 0x0f0f0f0fu) | (first >> 2 & 0x30303030u);
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<int64_t>(low | high << 32))));
}

// Of Q4_K: the integers of eight runs, times the block's own two.
inline Parameters run_parameters(const uint8_t *at) {
  uint32_t head[4];  // the two halves, then the integers
  std::memcpy(head, at, sizeof head);
  const __m128 own = _mm_cvtph_ps(_mm_cvtsi32_si128(static_cast<int32_t>(head[0])));
  return {_mm256_mul_ps(load_integers(head[1], head[3]), _mm256_broadcastss_ps(own)),
          _mm256_mul_ps(load_integers(head[2], head[3] >> 4), _mm256_broadcastss_ps(_mm_movehdup_ps(own)))};
}

template <typename Type>
struct Totals {
  typename Type::Sum a = Type::zero(), b = a, c = a, d = a;
  __m256 minima = _mm256_setzero_ps();
};

// What the eight times 32 elements of a unit are scaled with; their minima are added at once.
template <typename Type>
inline __m256 scale_unit(const uint8_t *at, const Activations &x, size_t unit, Totals<Type> *t) {
  const Parameters p = Type::parameters(at);
  t->minima = _mm256_fmadd_ps(p.minima, _mm256_loadu_ps(x.sums + 8 * unit), t->minima);
  return _mm256_mul_ps(p.scales, _mm256_loadu_ps(x.scales + 8 * unit));
}

template <typename Type>
inline void add_unit(const uint8_t *at, const int8_t *levels, __m256 scales, Totals<Type> *t) {
  t->a = Type::template add<0>(at, levels, scales, t->a);
  t->b = Type::template add<1>(at, levels, scales, t->b);
  t->c = Type::template add<2>(at, levels, scales, t->c);
  t->d = Type::template add<3>(at, levels, scales, t->d);
  if constexpr (Type::kParts == 8) {
    t->a = Type::template add<4>(at, levels, scales, t->a);
    t->b = Type::template add<5>(at, levels, scales, t->b);
    t->c = Type::template add<6>(at, levels, scales, t->c);
    t->d = Type::template add<7>(at, levels, scales, t->d);
  }
}

// Adds whole units, one or more.
template <typename Type>
inline void add_units(const uint8_t *at, size_t count, const Activations &x, Totals<Type> *t) {
  const int8_t *levels = x.levels;
  Ahead ahead(at);
  __m256 scales = scale_unit<Type>(at, x, 0, t);
  for (size_t i = 1; i < count; ++i, at += Type::kUnitBytes, levels += kUnit) {
    ahead.follow(at, Type::kUnitBytes);
    const __m256 next = scale_unit<Type>(at + Type::kUnitBytes, x, i, t);
    add_unit<Type>(at, levels, scales, t);
    scales = next;
  }
  add_unit<Type>(at, levels, scales, t);
}

inline float sum_of(__m256 v) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

template <typename Type>
float dot(const uint8_t *stored, size_t n, const Activations &x) {
  Totals<Type> totals;
  const size_t units = n / kUnit, at = units * kUnit;
  if (units != 0) add_units<Type>(stored, units, x, &totals);
  if (at < n) {  // fewer blocks than a unit, with zeros behind them
    uint8_t rest[Type::kUnitBytes] = {};
    int8_t levels[kUnit] = {};
    std::memcpy(rest, stored + units * Type::kUnitBytes, (n - at) / kBlock * (Type::kUnitBytes / 8));
    std::memcpy(levels, x.levels + at, n - at);
    add_units<Type>(rest, 1, {levels, x.scales + at / kBlock, x.sums + at / kBlock}, &totals);
  }
  const __m256 sums = Type::narrow((totals.a + totals.c) + (totals.b + totals.d));
  return sum_of(_mm256_fmadd_ps(totals.minima, _mm256_set1_ps(Type::kMin), sums));
}

}  // namespace
}  // namespace infermem
