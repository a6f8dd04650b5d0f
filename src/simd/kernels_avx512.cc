// The kernels for AVX-512 with VBMI and VNNI, in intrinsics: on these the portable form stays well below the speed of
// memory. Compiled with the target's flags, so nothing here may be inline in a header that others use.
//
// Sixteen groups are a block: their parameters fill one register, and are worked out together.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"  // gcc 12 warns of its own _mm512_undefined_ps
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include <utility>

#include "infermem/dtype.h"
#include "simd/blocks_avx512.hh"
#include "simd/cpu.hh"
#include "simd/dequantize_avx512.hh"
#include "simd/kernels.hh"
#include "simd/prefetch.hh"
#include "simd/products_avx512.hh"
#include "simd/reduce_avx512.hh"
#include "simd/reference.hh"

namespace infermem {
namespace {

constexpr size_t kBlock = 16;     // groups
constexpr size_t kChunk = 16;     // values of a register; groups of whole ones take the fast way
constexpr int kNotFinite = 0x99;  // to vfpclassps: a NaN of either kind, an infinity of either sign

inline __mmask16 first(size_t count) {
  return count >= kBlock ? static_cast<__mmask16>(0xffff) : static_cast<__mmask16>((1u << count) - 1);
}

// ---- Quantizing ----

// Lane i of *min and *max is the range of group i, of `count` groups. False when a value is NaN or infinite.
inline bool find_range_of_each(const float *values, size_t group, size_t count, Ahead *ahead, __m512 *min,
                               __m512 *max) {
  const __m512 zero = _mm512_setzero_ps();
  __m512 low[kBlock], high[kBlock];
  __m512 zeros = zero, others = zero;  // NaN, and for good, as soon as a value is NaN or infinite
  for (size_t g = 0; g < count; ++g) {
    const float *const from = values + g * group;
    ahead->follow(from, group * sizeof(float));
    __m512 a = _mm512_loadu_ps(from), b = a;
    zeros = _mm512_fmadd_ps(a, zero, zeros);
    for (size_t i = 16; i < group; i += 16) {
      const __m512 v = _mm512_loadu_ps(from + i);
      a = _mm512_min_ps(a, v);
      b = _mm512_max_ps(b, v);
      others = _mm512_fmadd_ps(v, zero, others);
      std::swap(zeros, others);
    }
    low[g] = a;
    high[g] = b;
  }
  for (size_t g = count; g < kBlock; ++g) low[g] = high[g] = zero;
  *min = _mm512_add_ps(avx512::reduce_each<avx512::Minimum>(low), zero);  // a minimum of -0 becomes +0
  *max = avx512::reduce_each<avx512::Maximum>(high);
  return _mm512_cmp_ps_mask(_mm512_add_ps(zeros, others), zero, _CMP_EQ_OQ) == 0xffff;
}

// Of sixteen groups.
struct Parameters {
  alignas(64) float scales[kBlock], mins[kBlock];
  alignas(64) float inverses[kBlock], rests[kBlock];  // of the scales, for divide()
  uint32_t divided;                                   // a bit is set of each group that divide() would not do for
  uint32_t slow;                                      // and of each that the plain code must do
};

inline void find_inverses(__m512 step, Parameters *out) {
  const __m512i ones = _mm512_set1_epi32(0x7fffff);
  const __m512 one = _mm512_set1_ps(1.0f);
  const __mmask16 safe = _mm512_cmp_ps_mask(step, _mm512_set1_ps(0x1p-96f), _CMP_GE_OQ) &
                         _mm512_cmp_ps_mask(step, _mm512_set1_ps(0x1p96f), _CMP_LE_OQ) &
                         _mm512_cmpneq_epi32_mask(_mm512_and_si512(_mm512_castps_si512(step), ones), ones);
  const __m512 inverse = _mm512_maskz_div_ps(safe, one, step);  // never by 0, which a program may trap
  out->divided = static_cast<__mmask16>(~safe);
  _mm512_store_ps(out->inverses, inverse);
  _mm512_store_ps(out->rests, _mm512_mul_ps(_mm512_fnmadd_ps(step, inverse, one), inverse));
}

// Of `count` groups.
template <uint32_t kBits>
inline void find_parameters(const float *values, size_t group, size_t count, Ahead *ahead, Parameters *out) {
  __m512 min, max;
  const bool all_finite = find_range_of_each(values, group, count, ahead, &min, &max);
  const __m512 range = _mm512_sub_ps(max, min);
  const __mmask16 flat = _mm512_cmp_ps_mask(range, _mm512_setzero_ps(), _CMP_EQ_OQ);
  const __m512 quotient = _mm512_div_ps(range, _mm512_set1_ps((1u << kBits) - 1));
  const __m512 step = _mm512_mask_mov_ps(quotient, flat, _mm512_set1_ps(1.0f));
  const __mmask16 good =
      _mm512_cmp_ps_mask(step, _mm512_set1_ps(0x1p-126f), _CMP_GE_OQ) & ~_mm512_fpclass_ps_mask(range, kNotFinite);
  find_inverses(step, out);
  _mm512_store_ps(out->scales, step);
  _mm512_store_ps(out->mins, min);
  out->slow = all_finite ? ~static_cast<uint32_t>(good) & first(count) : first(count);
}

struct Step {
  __m512 step, inverse, rest, origin;
};

// x / step to nearest, in a quarter of the time of the instruction for it. The product with an inverse of twice the digits is
// one of the quotient's two neighbours, and of such a value one correction by its remainder makes the nearest, for every step
// whose mantissa is not all ones (Markstein, "Computation of elementary functions on the IBM RISC System/6000 processor",
// 1990). The remainder is exact unless it is denormal: with safe steps, x is then far below one step.
inline __m512 divide(__m512 x, const Step &by) {
  const __m512 near = _mm512_fmadd_ps(x, by.inverse, _mm512_mul_ps(x, by.rest));
  return _mm512_fmadd_ps(_mm512_fnmadd_ps(near, by.step, x), by.inverse, near);
}

// Halves go away from 0: the sum with this number reaches the next integer from a half on, and not before.
template <uint32_t kBits, bool kSymmetric, bool kSafe>
inline __m512i levels_of(const float *values, const Step &by) {
  const __m512 almost_half = _mm512_set1_ps(0.49999997f);
  const __m512 offset = _mm512_sub_ps(_mm512_loadu_ps(values), by.origin);
  const __m512 x = kSafe ? divide(offset, by) : _mm512_div_ps(offset, by.step);
  if (!kSymmetric) return _mm512_cvttps_epi32(_mm512_add_ps(x, almost_half));
  const __m512 half = _mm512_or_ps(_mm512_and_ps(x, _mm512_set1_ps(-0.0f)), almost_half);
  return _mm512_add_epi32(_mm512_cvttps_epi32(_mm512_add_ps(x, half)), _mm512_set1_epi32(1 << (kBits - 1)));
}

// Sixteen levels each of a, b, c and d, as bytes or nibbles one after the other.
template <uint32_t kBits>
inline void put_levels(__m512i a, __m512i b, __m512i c, __m512i d, uint8_t *levels) {
  // Packing goes by lanes of 128 bits: of each of the four, four levels stand beside each other there.
  const __m512i bytes = _mm512_packus_epi16(_mm512_packus_epi32(a, b), _mm512_packus_epi32(c, d));
  if (kBits == 8) {
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    _mm512_storeu_si512(levels, _mm512_permutexvar_epi32(order, bytes));
  } else {
    const __m512i pairs = _mm512_maddubs_epi16(bytes, _mm512_set1_epi16(0x1001));  // even + 16 * odd
    const __m256i order = _mm256_setr_epi16(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(levels),
                        _mm256_permutexvar_epi16(order, _mm512_cvtepi16_epi8(pairs)));
  }
}

template <uint32_t kBits, bool kSymmetric, bool kSafe>
inline void find_levels(const float *values, size_t group, const Step &by, uint8_t *levels) {
  size_t i = 0;
  for (; i + 64 <= group; i += 64)
    put_levels<kBits>(levels_of<kBits, kSymmetric, kSafe>(values + i, by),
                      levels_of<kBits, kSymmetric, kSafe>(values + i + 16, by),
                      levels_of<kBits, kSymmetric, kSafe>(values + i + 32, by),
                      levels_of<kBits, kSymmetric, kSafe>(values + i + 48, by), levels + i * kBits / 8);
  for (; i < group; i += 16) {
    const __m512i level = levels_of<kBits, kSymmetric, kSafe>(values + i, by);
    if (kBits == 8) {
      _mm_storeu_si128(reinterpret_cast<__m128i *>(levels + i), _mm512_cvtepi32_epi8(level));
    } else {
      // A pair of lanes is even + 2^32 * odd; shifted right by 28, the odd level stands above the even one.
      const __m512i pair = _mm512_or_si512(level, _mm512_srli_epi64(level, 28));
      _mm_storel_epi64(reinterpret_cast<__m128i *>(levels + i / 2), _mm512_cvtepi64_epi8(pair));
    }
  }
}

// Of two groups of 32.
template <uint32_t kBits>
inline void find_64_levels(const float *values, const Step &a, const Step &b, uint8_t *levels) {
  put_levels<kBits>(levels_of<kBits, false, true>(values, a), levels_of<kBits, false, true>(values + 16, a),
                    levels_of<kBits, false, true>(values + 32, b), levels_of<kBits, false, true>(values + 48, b),
                    levels);
}

// Of the g-th group.
inline Step step_of(const Parameters &of, size_t g) {
  return {_mm512_set1_ps(of.scales[g]), _mm512_set1_ps(of.inverses[g]), _mm512_set1_ps(of.rests[g]),
          _mm512_set1_ps(of.mins[g])};
}

template <uint32_t kBits, bool kSymmetric>
inline void find_levels(const float *values, size_t group, const Parameters &of, size_t g, uint8_t *levels) {
  if (__builtin_expect(of.divided >> g & 1, 0))
    find_levels<kBits, kSymmetric, false>(values, group, step_of(of, g), levels);
  else
    find_levels<kBits, kSymmetric, true>(values, group, step_of(of, g), levels);
}

inline void stream(const void *from, size_t bytes, void *out) {
  for (size_t i = 0; i < bytes; i += 64)
    _mm512_stream_si512(reinterpret_cast<__m512i *>(static_cast<char *>(out) + i),
                        _mm512_load_si512(static_cast<const char *>(from) + i));
}

// The levels of `count` groups whose parameters are found, of kGroup values each unless that is 0.
template <uint32_t kBits, size_t kGroup>
inline bool quantize_block(const float *values, size_t group, size_t count, Parameters *of, uint8_t *levels) {
  if (kGroup == 32 && count == kBlock && (of->slow | of->divided) == 0) {
    for (size_t g = 0; g < kBlock; g += 2, values += 64, levels += 64 * kBits / 8)
      find_64_levels<kBits>(values, step_of(*of, g), step_of(*of, g + 1), levels);
    return true;
  }
  for (size_t g = 0; g < count; ++g, values += group, levels += group * kBits / 8) {
    if (__builtin_expect(of->slow >> g & 1, 0)) {
      if (!reference::quantize_group(values, group, kBits, levels, &of->scales[g], &of->mins[g])) return false;
    } else {
      find_levels<kBits, false>(values, group, *of, g, levels);
    }
  }
  return true;
}

// kGroup is the group's size where that is known at compile time, else 0. With kStream, which needs it, whole blocks go past
// the caches.
template <uint32_t kBits, size_t kGroup, bool kStream>
bool quantize_groups(const float *values, size_t any_group, size_t n, uint8_t *levels, float *scales, float *mins) {
  const size_t group = kGroup != 0 ? kGroup : any_group, group_bytes = group * kBits / 8;
  const size_t whole = n / group;
  Parameters of;
  alignas(64) uint8_t made[kStream ? kBlock * kGroup * kBits / 8 : 1];
  Ahead ahead(values);
  bool is_done = true;
  for (size_t block = 0; block < whole && is_done; block += kBlock) {
    const size_t count = whole - block < kBlock ? whole - block : kBlock;
    const float *const from = values + block * group;
    const bool streams = kStream && count == kBlock;
    find_parameters<kBits>(from, group, count, &ahead, &of);
    is_done = quantize_block<kBits, kGroup>(from, group, count, &of, streams ? made : levels + block * group_bytes);
    if (streams) {
      stream(made, kBlock * group_bytes, levels + block * group_bytes);
      stream(of.scales, sizeof of.scales, scales + block);
      stream(of.mins, sizeof of.mins, mins + block);
    } else {
      _mm512_mask_storeu_ps(scales + block, first(count), _mm512_load_ps(of.scales));
      _mm512_mask_storeu_ps(mins + block, first(count), _mm512_load_ps(of.mins));
    }
  }
  if (kStream) _mm_sfence();
  if (!is_done || n % group == 0) return is_done;
  return reference::quantize_group(values + whole * group, n % group, kBits, levels + whole * group_bytes,
                                   &scales[whole], &mins[whole]);
}

template <uint32_t kBits, size_t kGroup>
bool quantize_groups(const float *values, size_t n, uint8_t *levels, float *scales, float *mins) {
  const auto at =
      reinterpret_cast<uintptr_t>(levels) | reinterpret_cast<uintptr_t>(scales) | reinterpret_cast<uintptr_t>(mins);
  const bool streams = at % 64 == 0 && n * kBits / 8 > streaming_threshold();
  return (streams ? quantize_groups<kBits, kGroup, true> : quantize_groups<kBits, kGroup, false>)(values, kGroup, n,
                                                                                                  levels, scales, mins);
}

template <uint32_t kBits>
bool quantize(const float *values, size_t group, size_t n, uint8_t *levels, float *scales, float *mins) {
  if (group % kChunk != 0)
    return (kBits == 4 ? kernels_reference.quantize4 : kernels_reference.quantize8)(values, group, n, levels, scales,
                                                                                    mins);
  switch (group) {
    case 32:
      return quantize_groups<kBits, 32>(values, n, levels, scales, mins);
    case 64:
      return quantize_groups<kBits, 64>(values, n, levels, scales, mins);
    case 128:
      return quantize_groups<kBits, 128>(values, n, levels, scales, mins);
    default:
      return quantize_groups<kBits, 0, false>(values, group, n, levels, scales, mins);
  }
}

bool find_ranges(const float *values, size_t group, size_t n, float *mins, float *maxs) {
  const size_t whole = group % kChunk == 0 ? n / group : 0;
  Ahead ahead(values);
  for (size_t block = 0; block < whole; block += kBlock) {
    const size_t count = whole - block < kBlock ? whole - block : kBlock;
    __m512 min, max;
    if (!find_range_of_each(values + block * group, group, count, &ahead, &min, &max)) return false;
    _mm512_mask_storeu_ps(mins + block, first(count), min);
    _mm512_mask_storeu_ps(maxs + block, first(count), max);
  }
  return kernels_reference.find_ranges(values + whole * group, group, n - whole * group, mins + whole, maxs + whole);
}

template <uint32_t kBits>
void find_levels(const float *values, size_t group, size_t n, const float *scales, const float *origins, uint32_t zero,
                 uint8_t *levels) {
  const auto plain = kBits == 4 ? kernels_reference.find_levels4 : kernels_reference.find_levels8;
  const size_t whole = group % kChunk == 0 ? n / group : 0;
  const size_t done = whole * group;
  Parameters of;
  for (size_t g = 0; g < whole; ++g) {
    if (g % kBlock == 0) {
      const __m512 step = _mm512_maskz_loadu_ps(first(whole - g), scales + g);
      find_inverses(step, &of);
      _mm512_store_ps(of.scales, step);
      _mm512_store_ps(of.mins, _mm512_maskz_loadu_ps(first(whole - g), origins + g));
    }
    uint8_t *const to = levels + g * group * kBits / 8;
    if (zero != 0)
      find_levels<kBits, true>(values + g * group, group, of, g % kBlock, to);
    else
      find_levels<kBits, false>(values + g * group, group, of, g % kBlock, to);
  }
  plain(values + done, group, n - done, scales + whole, origins + whole, zero, levels + done * kBits / 8);
}

// ---- Products ----

float dot(const float *values, size_t n, const float *x) {
  __m512 sum0 = _mm512_setzero_ps(), sum1 = sum0;
  size_t at = 0;
  for (; at + 32 <= n; at += 32) {
    sum0 = _mm512_fmadd_ps(_mm512_loadu_ps(values + at), _mm512_loadu_ps(x + at), sum0);
    sum1 = _mm512_fmadd_ps(_mm512_loadu_ps(values + at + 16), _mm512_loadu_ps(x + at + 16), sum1);
  }
  return _mm512_reduce_add_ps(_mm512_add_ps(sum0, sum1)) + kernels_reference.dot(values + at, n - at, x + at);
}

// Sixteen weights, each rounded once: a sum may do that.
inline __m512 weights4(const uint8_t *levels, __m512 table) {
  const __m512i counts = _mm512_set1_epi64(0x0000000400000000);
  const __m512i pairs = _mm512_cvtepu8_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(levels)));
  return _mm512_permutexvar_ps(_mm512_multishift_epi64_epi8(counts, pairs), table);
}

inline __m512 weights8(const uint8_t *levels, __m512 scale, __m512 min) {
  const __m512i level = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(levels)));
  return _mm512_fmadd_ps(_mm512_cvtepi32_ps(level), scale, min);
}

template <uint32_t kBits, size_t kGroup>
float dot_groups(const uint8_t *levels, const float *scales, const float *mins, size_t any_group, size_t n,
                 const float *x) {
  const size_t group = kGroup != 0 ? kGroup : any_group;
  const __m512 iota = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  __m512 sum0 = _mm512_setzero_ps(), sum1 = sum0;
  const size_t whole = n - n % group;
  for (size_t at = 0; at < whole; at += group, ++scales, ++mins) {
    const __m512 scale = _mm512_set1_ps(*scales), min = _mm512_set1_ps(*mins);
    const __m512 table = _mm512_fmadd_ps(iota, scale, min);
    size_t i = at;
    for (; i + 2 * kChunk <= at + group; i += 2 * kChunk) {
      const uint8_t *const from = levels + i * kBits / 8;
      const __m512 a = kBits == 4 ? weights4(from, table) : weights8(from, scale, min);
      const __m512 b = kBits == 4 ? weights4(from + 8, table) : weights8(from + 16, scale, min);
      sum0 = _mm512_fmadd_ps(a, _mm512_loadu_ps(x + i), sum0);
      sum1 = _mm512_fmadd_ps(b, _mm512_loadu_ps(x + i + kChunk), sum1);
    }
    if (i < at + group) {
      const uint8_t *const from = levels + i * kBits / 8;
      const __m512 a = kBits == 4 ? weights4(from, table) : weights8(from, scale, min);
      sum0 = _mm512_fmadd_ps(a, _mm512_loadu_ps(x + i), sum0);
    }
  }
  const float sum = _mm512_reduce_add_ps(_mm512_add_ps(sum0, sum1));
  if (whole == n) return sum;
  const auto plain = kBits == 4 ? kernels_reference.dot4 : kernels_reference.dot8;
  return sum + plain(levels + whole * kBits / 8, scales, mins, group, n - whole, x + whole);
}

template <uint32_t kBits>
float dot(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n, const float *x) {
  switch (group) {
    case 32:
      return dot_groups<kBits, 32>(levels, scales, mins, group, n, x);
    case 64:
      return dot_groups<kBits, 64>(levels, scales, mins, group, n, x);
    case 128:
      return dot_groups<kBits, 128>(levels, scales, mins, group, n, x);
  }
  if (group % kChunk == 0) return dot_groups<kBits, 0>(levels, scales, mins, group, n, x);
  return (kBits == 4 ? kernels_reference.dot4 : kernels_reference.dot8)(levels, scales, mins, group, n, x);
}

// ---- Floats ----

size_t find_not_finite(const float *values, size_t n) {
  size_t at = 0;
  for (; at + 64 <= n; at += 64) {
    uint32_t bad = 0;
    for (size_t i = 0; i < 64; i += 16) bad |= _mm512_fpclass_ps_mask(_mm512_loadu_ps(values + at + i), kNotFinite);
    if (__builtin_expect(bad != 0, 0)) break;
  }
  return at + reference::find_not_finite(values + at, n - at);
}

void f16_to_f32(const void *in, size_t n, float *out) {
  const auto *from = static_cast<const char *>(in);
  size_t at = 0;
  for (; at + 16 <= n; at += 16)
    _mm512_storeu_ps(out + at, _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(from + 2 * at))));
  reference::decode(INFERMEM_DTYPE_F16, from + 2 * at, n - at, out + at);
}

void f32_to_f16(const float *in, size_t n, void *out) {
  auto *to = static_cast<char *>(out);
  size_t at = 0;
  for (; at + 16 <= n; at += 16)
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(to + 2 * at),
                        _mm512_cvtps_ph(_mm512_loadu_ps(in + at), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  reference::encode(INFERMEM_DTYPE_F16, in + at, n - at, to + 2 * at);
}

}  // namespace

const Kernels kernels_avx512 = {
    "avx512",
    cpu_has_avx512,
    avx512::dequantize<4>,
    avx512::dequantize<8>,
    quantize<4>,
    quantize<8>,
    find_ranges,
    find_levels<4>,
    find_levels<8>,
    dot<4>,
    dot<8>,
    dot,
    avx512::dot_q8<4>,
    avx512::dot_q8<8>,
    avx512::packed,
    avx512::packed_q8,
    avx512::dot_blocks_q8,
    avx512::decode,
    avx512::activate,
    find_not_finite,
    f16_to_f32,
    f32_to_f16,
    avx512::dequantize_to_16<4>,
    avx512::dequantize_to_16<8>,
    &stored_avx512,
    &attend_avx512,
    &counts_avx512,
};

}  // namespace infermem
