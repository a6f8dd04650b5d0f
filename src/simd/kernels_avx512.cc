// The kernels for AVX-512 with VBMI and VNNI, in intrinsics: on these the portable form stays well below the speed of
// memory. Compiled with the target's flags, so nothing here may be inline in a header that others use.
//
// Sixteen groups are a block: their parameters fill one register, and are worked out together.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"  // gcc 12 warns of its own _mm512_undefined_ps
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include "infermem/dtype.h"
#include "simd/blocks_avx512.hh"
#include "simd/cpu.hh"
#include "simd/dequantize_avx512.hh"
#include "simd/kernels.hh"
#include "simd/products_avx512.hh"
#include "simd/reduce_avx512.hh"
#include "simd/reference.hh"

namespace infermem {
namespace {

constexpr size_t kBlock = 16;     // groups
constexpr size_t kChunk = 16;     // values of a register; groups of whole ones take the fast way
constexpr size_t kAhead = 4096;   // bytes that quantizing prefetches ahead at least, for what comes from memory
constexpr int kNotFinite = 0x99;  // to vfpclassps: a NaN of either kind, an infinity of either sign

inline __mmask16 first(size_t count) {
  return count >= kBlock ? static_cast<__mmask16>(0xffff) : static_cast<__mmask16>((1u << count) - 1);
}

// ---- Quantizing ----

// Lane i of *min and *max is the range of group i, of `count` groups. False when a value is NaN or infinite.
inline bool find_range_of_each(const float *values, size_t group, size_t count, __m512 *min, __m512 *max) {
  const __m512 zero = _mm512_setzero_ps();
  const size_t block_bytes = kBlock * group * sizeof(float), ahead = block_bytes > kAhead ? block_bytes : kAhead;
  __m512 low[kBlock], high[kBlock];
  __m512 zeros = zero;  // NaN, and for good, as soon as a value is NaN or infinite
  for (size_t g = 0; g < count; ++g) {
    const float *const from = values + g * group;
    __m512 a = _mm512_loadu_ps(from), b = a;
    for (size_t i = 0; i < group; i += 16) {
      _mm_prefetch(reinterpret_cast<const char *>(from + i) + ahead, _MM_HINT_T0);
      const __m512 v = _mm512_loadu_ps(from + i);
      a = _mm512_min_ps(a, v);
      b = _mm512_max_ps(b, v);
      zeros = _mm512_fmadd_ps(v, zero, zeros);
    }
    low[g] = a;
    high[g] = b;
  }
  for (size_t g = count; g < kBlock; ++g) low[g] = high[g] = zero;
  *min = _mm512_add_ps(avx512::reduce_each<avx512::Minimum>(low), zero);  // a minimum of -0 becomes +0
  *max = avx512::reduce_each<avx512::Maximum>(high);
  return _mm512_cmp_ps_mask(zeros, zero, _CMP_EQ_OQ) == 0xffff;
}

// The scales and minima of `count` groups; a bit is set of each group that the plain code must do.
template <uint32_t kBits>
inline uint32_t find_parameters(const float *values, size_t group, size_t count, float *scales, float *mins) {
  __m512 min, max;
  const bool all_finite = find_range_of_each(values, group, count, &min, &max);
  const __m512 range = _mm512_sub_ps(max, min);
  const __mmask16 flat = _mm512_cmp_ps_mask(range, _mm512_setzero_ps(), _CMP_EQ_OQ);
  const __m512 quotient = _mm512_div_ps(range, _mm512_set1_ps((1u << kBits) - 1));
  const __m512 step = _mm512_mask_mov_ps(quotient, flat, _mm512_set1_ps(1.0f));
  const __mmask16 good =
      _mm512_cmp_ps_mask(step, _mm512_set1_ps(0x1p-126f), _CMP_GE_OQ) & ~_mm512_fpclass_ps_mask(range, kNotFinite);
  _mm512_mask_storeu_ps(scales, first(count), step);
  _mm512_mask_storeu_ps(mins, first(count), min);
  return all_finite ? ~static_cast<uint32_t>(good) & first(count) : first(count);
}

// Halves go away from 0: the sum with this number reaches the next integer from a half on, and not before.
template <uint32_t kBits, bool kSymmetric>
inline __m512i levels_of(const float *values, __m512 origin, __m512 step) {
  const __m512 almost_half = _mm512_set1_ps(0.49999997f);
  const __m512 x = _mm512_div_ps(_mm512_sub_ps(_mm512_loadu_ps(values), origin), step);
  if (!kSymmetric) return _mm512_cvttps_epi32(_mm512_add_ps(x, almost_half));
  const __m512 half = _mm512_or_ps(_mm512_and_ps(x, _mm512_set1_ps(-0.0f)), almost_half);
  return _mm512_add_epi32(_mm512_cvttps_epi32(_mm512_add_ps(x, half)), _mm512_set1_epi32(1 << (kBits - 1)));
}

template <uint32_t kBits, bool kSymmetric>
inline void find_levels(const float *values, size_t group, float scale, float minimum, uint8_t *levels) {
  const __m512 step = _mm512_set1_ps(scale), origin = _mm512_set1_ps(minimum);
  for (size_t i = 0; i < group; i += 16) {
    const __m512i level = levels_of<kBits, kSymmetric>(values + i, origin, step);
    if (kBits == 8) {
      _mm_storeu_si128(reinterpret_cast<__m128i *>(levels + i), _mm512_cvtepi32_epi8(level));
    } else {
      // A pair of lanes is even + 2^32 * odd; shifted right by 28, the odd level stands above the even one.
      const __m512i pair = _mm512_or_si512(level, _mm512_srli_epi64(level, 28));
      _mm_storel_epi64(reinterpret_cast<__m128i *>(levels + i / 2), _mm512_cvtepi64_epi8(pair));
    }
  }
}

template <uint32_t kBits, size_t kGroup>
bool quantize_groups(const float *values, size_t any_group, size_t n, uint8_t *levels, float *scales, float *mins) {
  const size_t group = kGroup != 0 ? kGroup : any_group;
  const size_t whole = n / group;
  for (size_t block = 0; block < whole; block += kBlock) {
    const size_t count = whole - block < kBlock ? whole - block : kBlock;
    const float *const from = values + block * group;
    const uint32_t slow = find_parameters<kBits>(from, group, count, scales + block, mins + block);
    for (size_t g = 0; g < count; ++g) {
      uint8_t *const to = levels + (block + g) * group * kBits / 8;
      if (__builtin_expect(slow >> g & 1, 0)) {
        if (!reference::quantize_group(from + g * group, group, kBits, to, &scales[block + g], &mins[block + g]))
          return false;
      } else {
        find_levels<kBits, false>(from + g * group, group, scales[block + g], mins[block + g], to);
      }
    }
  }
  return n % group == 0 || reference::quantize_group(values + whole * group, n % group, kBits,
                                                     levels + whole * group * kBits / 8, &scales[whole], &mins[whole]);
}

template <uint32_t kBits>
bool quantize(const float *values, size_t group, size_t n, uint8_t *levels, float *scales, float *mins) {
  if (group % kChunk != 0)
    return (kBits == 4 ? kernels_reference.quantize4 : kernels_reference.quantize8)(values, group, n, levels, scales,
                                                                                    mins);
  switch (group) {
    case 32:
      return quantize_groups<kBits, 32>(values, group, n, levels, scales, mins);
    case 64:
      return quantize_groups<kBits, 64>(values, group, n, levels, scales, mins);
    case 128:
      return quantize_groups<kBits, 128>(values, group, n, levels, scales, mins);
    default:
      return quantize_groups<kBits, 0>(values, group, n, levels, scales, mins);
  }
}

bool find_ranges(const float *values, size_t group, size_t n, float *mins, float *maxs) {
  const size_t whole = group % kChunk == 0 ? n / group : 0;
  for (size_t block = 0; block < whole; block += kBlock) {
    const size_t count = whole - block < kBlock ? whole - block : kBlock;
    __m512 min, max;
    if (!find_range_of_each(values + block * group, group, count, &min, &max)) return false;
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
  for (size_t g = 0; g < whole; ++g) {
    uint8_t *const to = levels + g * group * kBits / 8;
    if (zero != 0)
      find_levels<kBits, true>(values + g * group, group, scales[g], origins[g], to);
    else
      find_levels<kBits, false>(values + g * group, group, scales[g], origins[g], to);
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
