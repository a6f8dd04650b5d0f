// The kernels of stored keys and values for AVX-512 with VBMI; see kernels_avx512.cc for how it is compiled.
//
// Blocks are converted sixteen at a time: what is found out of each, and divided, fills one register. A block whose scale
// is so small that its inverse overflows, and one whose parameter depends on which of several values comes first, goes to
// the plain code.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"  // gcc 12 warns of its own _mm512_undefined_ps
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include <cfloat>
#include <cmath>
#include <cstring>

#include "infermem/dtype.h"
#include "simd/blocks.hh"
#include "simd/reduce_avx512.hh"
#include "simd/reference.hh"
#include "simd/stored.hh"

namespace infermem {
namespace {

using namespace avx512;

constexpr size_t kBlock = 32;               // elements of a block of any type here
constexpr size_t kAtOnce = 16;              // blocks
constexpr size_t kAhead = 4096;             // bytes that are prefetched ahead, for what comes from memory
constexpr float kTooLarge = 65520.0f;       // is rounded to infinity as an F16
constexpr float kAlmostHalf = 0.49999997f;  // a sum with it reaches the next integer from a half on, and not before

struct Scales {
  alignas(64) float per_level[kAtOnce];
  uint16_t scale[kAtOnce];  // as F16
  uint32_t slow;            // a bit of each block that the plain code must do
};

// False when a scale is too large, or NaN.
inline bool set_scales(__m512 scale, Scales *out) {
  const __m512 magnitude = _mm512_abs_ps(scale);
  if (_mm512_cmp_ps_mask(magnitude, _mm512_set1_ps(kTooLarge), _CMP_LT_OQ) != 0xffff) return false;
  const __mmask16 some = _mm512_cmp_ps_mask(scale, _mm512_setzero_ps(), _CMP_NEQ_OQ);
  const __m512 per_level = _mm512_maskz_div_ps(some, _mm512_set1_ps(1.0f), scale);
  out->slow = _mm512_cmp_ps_mask(_mm512_abs_ps(per_level), _mm512_set1_ps(FLT_MAX), _CMP_GT_OQ);
  _mm512_store_ps(out->per_level, per_level);
  _mm256_storeu_si256(reinterpret_cast<__m256i *>(out->scale),
                      _mm512_cvtps_ph(scale, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  return true;
}

inline void prefetch(const float *values) {
  _mm_prefetch(reinterpret_cast<const char *>(reinterpret_cast<uintptr_t>(values) + kAhead), _MM_HINT_T0);
}

template <typename T>
inline void encode_slow(uint32_t slow, const float *in, T *block) {
  for (; __builtin_expect(slow != 0, 0); slow &= slow - 1) {
    const auto i = static_cast<size_t>(__builtin_ctz(slow));
    blocks::encode(in + i * kBlock, block + i);
  }
}

inline uint32_t first(size_t count) { return count == kAtOnce ? 0xffffu : (1u << count) - 1; }

// ---- To blocks ----

// x with a half added away from 0, cut to an integer.
inline __m512i round(__m512 x) {
  const __m512i half = _mm512_castps_si512(_mm512_set1_ps(kAlmostHalf));
  const __m512i signs = _mm512_set1_epi32(INT32_MIN);
  const __m512i signed_half = _mm512_ternarylogic_epi32(_mm512_castps_si512(x), half, signs, 0xe4);
  return _mm512_cvttps_epi32(_mm512_add_ps(x, _mm512_castsi512_ps(signed_half)));
}

inline bool find_scales(const float *in, size_t count, Scales *out) {
  // Compared as integers, magnitudes keep their order, and NaN and infinity are the largest.
  __m512 farthest[kAtOnce];
  for (size_t i = 0; i < count; ++i) {
    const float *const from = in + i * kBlock;
    prefetch(from);
    prefetch(from + 16);
    farthest[i] = BitsMaximum::of(_mm512_abs_ps(_mm512_loadu_ps(from)), _mm512_abs_ps(_mm512_loadu_ps(from + 16)));
  }
  for (size_t i = count; i < kAtOnce; ++i) farthest[i] = _mm512_setzero_ps();
  return set_scales(_mm512_div_ps(reduce_each<BitsMaximum>(farthest), _mm512_set1_ps(127.0f)), out);
}

inline void put_blocks(const float *in, size_t count, const Scales &scales, blocks::Q8_0 *block) {
  // The low byte of each of 32 integers.
  alignas(64) static const uint8_t kLow[64] = {0,  4,  8,  12, 16, 20, 24, 28, 32, 36,  40,  44,  48,  52,  56,  60,
                                               64, 68, 72, 76, 80, 84, 88, 92, 96, 100, 104, 108, 112, 116, 120, 124};
  const __m512i low = _mm512_load_si512(kLow);
  for (size_t i = 0; i < count; ++i) {
    const float *const from = in + i * kBlock;
    const __m512 per_level = _mm512_set1_ps(scales.per_level[i]);
    const __m512i a = round(_mm512_mul_ps(_mm512_loadu_ps(from), per_level));
    const __m512i b = round(_mm512_mul_ps(_mm512_loadu_ps(from + 16), per_level));
    std::memcpy(block[i].scale.bytes, &scales.scale[i], 2);
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(block[i].levels),
                        _mm512_castsi512_si256(_mm512_permutex2var_epi8(a, low, b)));
  }
  encode_slow(scales.slow, in, block);
}

// The scales of the next blocks are found before those at hand are written, so that the divisions are not waited for.
bool to_q8_0(const float *in, size_t n, void *out) {
  auto *block = static_cast<blocks::Q8_0 *>(out);
  Scales scales[2];
  size_t left = n / kBlock, count = left < kAtOnce ? left : kAtOnce, now = 0;
  if (!find_scales(in, count, &scales[now])) return false;
  for (; left > kAtOnce; left -= kAtOnce, now = 1 - now) {
    count = left - kAtOnce < kAtOnce ? left - kAtOnce : kAtOnce;
    if (!find_scales(in + kAtOnce * kBlock, count, &scales[1 - now])) return false;
    put_blocks(in, kAtOnce, scales[now], block);
    in += kAtOnce * kBlock;
    block += kAtOnce;
  }
  put_blocks(in, count, scales[now], block);
  return true;
}

void to_levels(const float *in, size_t block, size_t n, int8_t *levels, float *scales) {
  for (const float *end = in + n; in != end; in += block, levels += block) {
    __m512 farthest = _mm512_setzero_ps();
    for (size_t i = 0; i < block; i += 16) {
      prefetch(in + i);
      farthest = _mm512_max_ps(farthest, _mm512_abs_ps(_mm512_loadu_ps(in + i)));
    }
    const float magnitude = _mm512_reduce_max_ps(farthest);
    const float scale = (magnitude > kLeastMagnitude ? magnitude : 1.0f) / 127.0f;
    for (size_t i = 0; i < block; i += 16) {
      const __m512i level = round(_mm512_div_ps(_mm512_loadu_ps(in + i), _mm512_set1_ps(scale)));
      _mm_storeu_si128(reinterpret_cast<__m128i *>(levels + i), _mm512_cvtsepi32_epi8(level));
    }
    *scales++ = scale;
  }
}

struct Extremes {
  __m512 min, max;
};

// False when a value is NaN or infinite.
inline bool find_extremes(const float *in, size_t count, Extremes *out) {
  const __m512 zero = _mm512_setzero_ps();
  __m512 low[kAtOnce], high[kAtOnce], zeros = zero;
  for (size_t i = 0; i < count; ++i) {
    const float *const from = in + i * kBlock;
    prefetch(from);
    prefetch(from + 16);
    const __m512 a = _mm512_loadu_ps(from), b = _mm512_loadu_ps(from + 16);
    low[i] = _mm512_min_ps(a, b);
    high[i] = _mm512_max_ps(a, b);
    zeros = _mm512_fmadd_ps(b, zero, _mm512_fmadd_ps(a, zero, zeros));  // NaN as soon as one is not finite
  }
  for (size_t i = count; i < kAtOnce; ++i) low[i] = high[i] = zero;
  out->min = reduce_each<Minimum>(low);
  out->max = reduce_each<Maximum>(high);
  return _mm512_cmp_ps_mask(zeros, zero, _CMP_EQ_OQ) == 0xffff;
}

// (value - min) * per_level + half, cut to integers of at most 15, in nibbles: the first sixteen low.
inline void put_nibbles(const float *in, __m512 min, __m512 per_level, __m512 half, uint8_t *nibbles) {
  const __m512i top = _mm512_set1_epi32(15);
  const __m512 a = _mm512_mul_ps(_mm512_sub_ps(_mm512_loadu_ps(in), min), per_level);
  const __m512 b = _mm512_mul_ps(_mm512_sub_ps(_mm512_loadu_ps(in + 16), min), per_level);
  const __m512i low = _mm512_min_epi32(_mm512_cvttps_epi32(_mm512_add_ps(a, half)), top);
  const __m512i high = _mm512_min_epi32(_mm512_cvttps_epi32(_mm512_add_ps(b, half)), top);
  _mm_storeu_si128(reinterpret_cast<__m128i *>(nibbles),
                   _mm512_cvtepi32_epi8(_mm512_or_si512(low, _mm512_slli_epi32(high, 4))));
}

inline bool to_q4_0(const float *in, size_t count, blocks::Q4_0 *block) {
  Extremes e;
  Scales scales;
  if (!find_extremes(in, count, &e)) return false;
  const __m512 opposite = _mm512_sub_ps(_mm512_setzero_ps(), e.min);
  const __mmask16 positive = _mm512_cmp_ps_mask(e.max, opposite, _CMP_GT_OQ);
  const __m512 extreme = _mm512_mask_mov_ps(e.min, positive, e.max);
  if (!set_scales(_mm512_div_ps(extreme, _mm512_set1_ps(-8.0f)), &scales)) return false;
  // Of two that are as far from 0 the first counts.
  scales.slow |= _mm512_cmp_ps_mask(e.max, opposite, _CMP_EQ_OQ);
  for (size_t i = 0; i < count; ++i) {
    std::memcpy(block[i].scale.bytes, &scales.scale[i], 2);
    put_nibbles(in + i * kBlock, _mm512_setzero_ps(), _mm512_set1_ps(scales.per_level[i]), _mm512_set1_ps(8.5f),
                block[i].levels);
  }
  encode_slow(scales.slow & first(count), in, block);
  return true;
}

inline bool to_q4_1(const float *in, size_t count, blocks::Q4_1 *block) {
  Extremes e;
  Scales scales;
  if (!find_extremes(in, count, &e)) return false;
  if (!set_scales(_mm512_div_ps(_mm512_sub_ps(e.max, e.min), _mm512_set1_ps(15.0f)), &scales)) return false;
  if (_mm512_cmp_ps_mask(_mm512_abs_ps(e.min), _mm512_set1_ps(kTooLarge), _CMP_LT_OQ) != 0xffff) return false;
  // Of zeros the first one's sign counts.
  scales.slow |= _mm512_cmp_ps_mask(e.min, _mm512_setzero_ps(), _CMP_EQ_OQ);
  alignas(64) float min[kAtOnce];
  uint16_t half_min[kAtOnce];
  _mm512_store_ps(min, e.min);
  _mm256_storeu_si256(reinterpret_cast<__m256i *>(half_min),
                      _mm512_cvtps_ph(e.min, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  for (size_t i = 0; i < count; ++i) {
    std::memcpy(block[i].scale.bytes, &scales.scale[i], 2);
    std::memcpy(block[i].min.bytes, &half_min[i], 2);
    put_nibbles(in + i * kBlock, _mm512_set1_ps(min[i]), _mm512_set1_ps(scales.per_level[i]), _mm512_set1_ps(0.5f),
                block[i].levels);
  }
  encode_slow(scales.slow & first(count), in, block);
  return true;
}

template <typename T, bool (*kConvert)(const float *, size_t, T *)>
bool to_blocks(const float *in, size_t n, void *out) {
  auto *block = static_cast<T *>(out);
  size_t left = n / kBlock;
  for (; left >= kAtOnce; left -= kAtOnce, in += kAtOnce * kBlock, block += kAtOnce)
    if (!kConvert(in, kAtOnce, block)) return false;
  return left == 0 || kConvert(in, left, block);
}

// ---- Floats ----

void to_bf16(const float *in, size_t n, void *out) {
  auto *to = static_cast<char *>(out);
  const __m512i almost_half = _mm512_set1_epi32(0x7fff), one = _mm512_set1_epi32(1), quiet = _mm512_set1_epi32(0x40);
  size_t at = 0;
  for (; at + 16 <= n; at += 16) {
    const __m512 v = _mm512_loadu_ps(in + at);
    const __m512i bits = _mm512_castps_si512(v), upper = _mm512_srli_epi32(bits, 16);
    const __m512i up = _mm512_add_epi32(almost_half, _mm512_and_si512(upper, one));
    const __m512i rounded = _mm512_srli_epi32(_mm512_add_epi32(bits, up), 16);
    const __m512i half = _mm512_mask_or_epi32(rounded, _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), upper, quiet);
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(to + 2 * at), _mm512_cvtepi32_epi16(half));
  }
  reference::encode(INFERMEM_DTYPE_BF16, in + at, n - at, to + 2 * at);
}

void from_bf16(const void *in, size_t n, float *out) {
  const auto *from = static_cast<const char *>(in);
  size_t at = 0;
  for (; at + 16 <= n; at += 16) {
    const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(from + 2 * at));
    _mm512_storeu_si512(out + at, _mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
  }
  reference::decode(INFERMEM_DTYPE_BF16, from + 2 * at, n - at, out + at);
}

bool all_below(const float *values, size_t n, float limit) {
  __m512 a = _mm512_setzero_ps(), b = a;
  size_t at = 0;
  for (; at + 32 <= n; at += 32) {
    a = BitsMaximum::of(a, _mm512_abs_ps(_mm512_loadu_ps(values + at)));
    b = BitsMaximum::of(b, _mm512_abs_ps(_mm512_loadu_ps(values + at + 16)));
  }
  return _mm512_cmp_ps_mask(BitsMaximum::of(a, b), _mm512_set1_ps(limit), _CMP_LT_OQ) == 0xffff &&
         stored_reference.all_below(values + at, n - at, limit);
}

// The lanes' signs, by a bit of their number.
inline __m512 signs_of(uint32_t bit) {
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __mmask16 odd = _mm512_test_epi32_mask(lane, _mm512_set1_epi32(1 << bit));
  return _mm512_mask_mov_ps(_mm512_set1_ps(1.0f), odd, _mm512_set1_ps(-1.0f));
}

// The first steps of runs of so many registers or more, without the memory between them.
template <size_t kRegisters>
inline void rotate_registers(float *values, size_t n, __m512 scale) {
  // A product with 1 or -1 is exact: what is added is a sum or a difference, rounded once.
  const __m512 signs[4] = {signs_of(0), signs_of(1), signs_of(2), signs_of(3)};
  for (float *x = values; x != values + n; x += kRegisters * 16) {
    __m512 v[kRegisters];
    for (size_t i = 0; i < kRegisters; ++i) {
      v[i] = _mm512_mul_ps(_mm512_loadu_ps(x + i * 16), scale);
      v[i] = _mm512_fmadd_ps(v[i], signs[0], _mm512_permute_ps(v[i], 0xb1));
      v[i] = _mm512_fmadd_ps(v[i], signs[1], _mm512_permute_ps(v[i], 0x4e));
      v[i] = _mm512_fmadd_ps(v[i], signs[2], _mm512_shuffle_f32x4(v[i], v[i], 0xb1));
      v[i] = _mm512_fmadd_ps(v[i], signs[3], _mm512_shuffle_f32x4(v[i], v[i], 0x4e));
    }
    for (size_t half = 1; half < kRegisters; half *= 2) {
      for (size_t i = 0; i < kRegisters; ++i) {
        if ((i & half) != 0) continue;
        const __m512 a = v[i], b = v[i + half];
        v[i] = _mm512_add_ps(a, b);
        v[i + half] = _mm512_sub_ps(a, b);
      }
    }
    for (size_t i = 0; i < kRegisters; ++i) _mm512_storeu_ps(x + i * 16, v[i]);
  }
}

void rotate(float *values, size_t n, size_t run) {
  if (run < 16) return stored_reference.rotate(values, n, run);
  const __m512 scale = _mm512_set1_ps(1.0f / std::sqrt(static_cast<float>(run)));
  if (run == 16) return rotate_registers<1>(values, n, scale);
  if (run == 32) return rotate_registers<2>(values, n, scale);
  if (run == 64) return rotate_registers<4>(values, n, scale);
  rotate_registers<8>(values, n, scale);
  for (size_t half = 128; half < run; half *= 2) {
    for (float *x = values; x != values + n; x += 2 * half) {
      for (size_t i = 0; i < half; i += 16) {
        const __m512 a = _mm512_loadu_ps(x + i), b = _mm512_loadu_ps(x + i + half);
        _mm512_storeu_ps(x + i, _mm512_add_ps(a, b));
        _mm512_storeu_ps(x + i + half, _mm512_sub_ps(a, b));
      }
    }
  }
}

void stream(const void *in, size_t bytes, void *out) {
  const auto *from = static_cast<const char *>(in);
  auto *to = static_cast<char *>(out);
  const size_t odd = (64 - reinterpret_cast<uintptr_t>(to) % 64) % 64, head = odd < bytes ? odd : bytes;
  std::memcpy(to, from, head);
  size_t at = head;
  for (; at + 64 <= bytes; at += 64)
    _mm512_stream_si512(reinterpret_cast<__m512i *>(to + at), _mm512_loadu_si512(from + at));
  std::memcpy(to + at, from + at, bytes - at);
}

}  // namespace

const StoredKernels stored_avx512 = {
    to_q8_0,
    to_blocks<blocks::Q4_0, to_q4_0>,
    to_blocks<blocks::Q4_1, to_q4_1>,
    to_levels,
    to_bf16,
    from_bf16,
    all_below,
    rotate,
    stream,
};

}  // namespace infermem
