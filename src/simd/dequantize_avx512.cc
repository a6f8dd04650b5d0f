// Dequantizing for AVX-512 with VBMI, to floats and to the types of 16 bits; see kernels_avx512.cc for how it is compiled.
//
// Nibbles go by way of a table of the group's 16 values: a permutation looks at the low bits of each lane's index, so what
// stands above the nibble does no harm. Groups whose values may be NaN or infinite go to the plain code.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"  // gcc 12 warns of its own _mm512_undefined_ps
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "simd/dequantize_avx512.hh"

#include <immintrin.h>

#include "infermem/dtype.h"
#include "simd/reference.hh"

namespace infermem::avx512 {
namespace {

constexpr size_t kBlock = 16;     // groups
constexpr int kNotFinite = 0x99;  // to vfpclassps: a NaN of either kind, an infinity of either sign

inline bool is_aligned(const void *p) { return reinterpret_cast<uintptr_t>(p) % 64 == 0; }

template <bool kStream>
inline void put(void *out, __m512i v) {
  if (kStream)
    _mm512_stream_si512(static_cast<__m512i *>(out), v);
  else
    _mm512_storeu_si512(out, v);
}

inline __m512 table_of(float scale, float min) {
  const __m512 iota = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return _mm512_add_ps(_mm512_mul_ps(iota, _mm512_set1_ps(scale)), _mm512_set1_ps(min));
}

// Sixteen values of 8 bits.
inline __m512 values8(const uint8_t *levels, __m512 scale, __m512 min) {
  const __m512i level = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(levels)));
  return _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(level), scale), min);
}

// What is made of a group, and of whole chunks at once.
struct ToF32 {
  using Value = float;
  static constexpr size_t kChunk = 16;

  static void plain(const uint8_t *levels, size_t n, uint32_t bits, float scale, float min, float *out) {
    reference::dequantize_group(levels, n, bits, scale, min, out);
  }

  // Each byte goes to a pair of lanes, and one shift of unequal counts brings its upper nibble to the second.
  template <bool kStream>
  static inline void group4(const uint8_t *levels, float scale, float min, size_t group, float *out) {
    const __m512 table = table_of(scale, min);
    const __m512i counts = _mm512_set1_epi64(0x0000000400000000);
    for (size_t i = 0; i < group; i += 16) {
      const __m512i pairs = _mm512_cvtepu8_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(levels + i / 2)));
      const __m512 v = _mm512_permutexvar_ps(_mm512_multishift_epi64_epi8(counts, pairs), table);
      put<kStream>(out + i, _mm512_castps_si512(v));
    }
  }

  template <bool kStream>
  static inline void group8(const uint8_t *levels, float scale, float min, size_t group, float *out) {
    const __m512 s = _mm512_set1_ps(scale), m = _mm512_set1_ps(min);
    for (size_t i = 0; i < group; i += 16) put<kStream>(out + i, _mm512_castps_si512(values8(levels + i, s, m)));
  }
};

// Finite floats, a before b, rounded.
struct F16 {
  static constexpr int32_t kType = INFERMEM_DTYPE_F16;
  static inline __m512i of(__m512 a, __m512 b) {
    constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtps_ph(a, kNearest)), _mm512_cvtps_ph(b, kNearest), 1);
  }
};

// In integers: the processor's own conversion takes denormals for 0.
struct Bf16 {
  static constexpr int32_t kType = INFERMEM_DTYPE_BF16;
  static inline __m512i rounded(__m512 v) {
    const __m512i bits = _mm512_castps_si512(v);
    const __m512i is_odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    return _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), is_odd);
  }
  static inline __m512i of(__m512 a, __m512 b) {
    alignas(64) static constexpr uint16_t kUpper[32] = {1,  3,  5,  7,  9,  11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31,
                                                        33, 35, 37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57, 59, 61, 63};
    return _mm512_permutex2var_epi16(rounded(a), _mm512_load_si512(kUpper), rounded(b));
  }
};

template <typename Half>
struct To16 {
  using Value = uint16_t;
  static constexpr size_t kChunk = 32;

  static void plain(const uint8_t *levels, size_t n, uint32_t bits, float scale, float min, uint16_t *out) {
    reference::dequantize_group(levels, n, bits, scale, min, Half::kType, out);
  }

  // Two bytes go to four lanes, the table is there twice. Of 64 bytes, words i, i + 8, i + 16 and i + 24 go to the i-th
  // eight bytes, where each of four outputs finds its own.
  template <bool kStream>
  static inline void group4(const uint8_t *levels, float scale, float min, size_t group, uint16_t *out) {
    alignas(64) static constexpr uint16_t kSpread[32] = {0, 8,  16, 24, 1, 9,  17, 25, 2, 10, 18, 26, 3, 11, 19, 27,
                                                         4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31};
    const __m512 values = table_of(scale, min);
    const __m512i table = Half::of(values, values);
    const __m512i counts = _mm512_set1_epi64(0x000c000800040000);
    if (group % 128 != 0) {
      for (size_t i = 0; i < group; i += 32) {
        const __m512i fours = _mm512_cvtepu16_epi64(_mm_loadu_si128(reinterpret_cast<const __m128i *>(levels + i / 2)));
        put<kStream>(out + i, _mm512_permutexvar_epi16(_mm512_multishift_epi64_epi8(counts, fours), table));
      }
      return;
    }
    const __m512i next = _mm512_set1_epi8(16);
    const __m512i counts1 = _mm512_add_epi8(counts, next);
    const __m512i counts2 = _mm512_add_epi8(counts1, next), counts3 = _mm512_add_epi8(counts2, next);
    for (size_t i = 0; i < group; i += 128) {
      const __m512i fours = _mm512_permutexvar_epi16(_mm512_load_si512(kSpread), _mm512_loadu_si512(levels + i / 2));
      const __m512i a = _mm512_multishift_epi64_epi8(counts, fours), b = _mm512_multishift_epi64_epi8(counts1, fours);
      const __m512i c = _mm512_multishift_epi64_epi8(counts2, fours), d = _mm512_multishift_epi64_epi8(counts3, fours);
      put<kStream>(out + i, _mm512_permutexvar_epi16(a, table));
      put<kStream>(out + i + 32, _mm512_permutexvar_epi16(b, table));
      put<kStream>(out + i + 64, _mm512_permutexvar_epi16(c, table));
      put<kStream>(out + i + 96, _mm512_permutexvar_epi16(d, table));
    }
  }

  template <bool kStream>
  static inline void group8(const uint8_t *levels, float scale, float min, size_t group, uint16_t *out) {
    const __m512 s = _mm512_set1_ps(scale), m = _mm512_set1_ps(min);
    for (size_t i = 0; i < group; i += 32)
      put<kStream>(out + i, Half::of(values8(levels + i, s, m), values8(levels + i + 16, s, m)));
  }
};

// kGroup is the group's size where that is known at compile time, else 0.
template <typename To, uint32_t kBits, bool kStream, size_t kGroup>
void dequantize_groups(const uint8_t *levels, const float *scales, const float *mins, size_t any_group, size_t n,
                       typename To::Value *out) {
  const size_t group = kGroup != 0 ? kGroup : any_group;
  const __m512 top = _mm512_set1_ps((1u << kBits) - 1);
  const size_t whole = n / group;
  for (size_t block = 0; block < whole; block += kBlock) {
    const size_t count = whole - block < kBlock ? whole - block : kBlock;
    const auto first = static_cast<__mmask16>((1u << count) - 1);
    const __m512 s = _mm512_maskz_loadu_ps(first, scales + block);
    const __m512 m = _mm512_maskz_loadu_ps(first, mins + block);
    uint32_t slow = _mm512_fpclass_ps_mask(_mm512_add_ps(_mm512_mul_ps(top, s), m), kNotFinite);
    for (size_t g = block; g < block + count; ++g) {
      const uint8_t *const from = levels + g * group * kBits / 8;
      if (kBits == 4)
        To::template group4<kStream>(from, scales[g], mins[g], group, out + g * group);
      else
        To::template group8<kStream>(from, scales[g], mins[g], group, out + g * group);
    }
    for (; __builtin_expect(slow != 0, 0); slow &= slow - 1) {
      const size_t g = block + static_cast<size_t>(__builtin_ctz(slow));
      To::plain(levels + g * group * kBits / 8, group, kBits, scales[g], mins[g], out + g * group);
    }
  }
  if (n % group != 0)
    To::plain(levels + whole * group * kBits / 8, n % group, kBits, scales[whole], mins[whole], out + whole * group);
}

template <typename To, uint32_t kBits, bool kStream>
void dequantize_by_size(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n,
                        typename To::Value *out) {
  switch (group) {
    case 32:
      return dequantize_groups<To, kBits, kStream, 32>(levels, scales, mins, group, n, out);
    case 64:
      return dequantize_groups<To, kBits, kStream, 64>(levels, scales, mins, group, n, out);
    case 128:
      return dequantize_groups<To, kBits, kStream, 128>(levels, scales, mins, group, n, out);
    default:
      return dequantize_groups<To, kBits, kStream, 0>(levels, scales, mins, group, n, out);
  }
}

template <typename To, uint32_t kBits>
void dequantize_to(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n, bool stream,
                   typename To::Value *out) {
  if (group % To::kChunk != 0) {
    for (size_t i = 0; i < n; i += group)
      To::plain(levels + i * kBits / 8, n - i < group ? n - i : group, kBits, *scales++, *mins++, out + i);
  } else if (stream && is_aligned(out)) {
    dequantize_by_size<To, kBits, true>(levels, scales, mins, group, n, out);
    _mm_sfence();
  } else {
    dequantize_by_size<To, kBits, false>(levels, scales, mins, group, n, out);
  }
}

}  // namespace

template <uint32_t kBits>
void dequantize(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n, bool stream,
                float *out) {
  dequantize_to<ToF32, kBits>(levels, scales, mins, group, n, stream, out);
}

template <uint32_t kBits>
void dequantize_to_16(int32_t dtype, const uint8_t *levels, const float *scales, const float *mins, size_t group,
                      size_t n, bool stream, uint16_t *out) {
  const auto to = dtype == INFERMEM_DTYPE_F16 ? dequantize_to<To16<F16>, kBits> : dequantize_to<To16<Bf16>, kBits>;
  to(levels, scales, mins, group, n, stream, out);
}

template void dequantize<4>(const uint8_t *, const float *, const float *, size_t, size_t, bool, float *);
template void dequantize<8>(const uint8_t *, const float *, const float *, size_t, size_t, bool, float *);
template void dequantize_to_16<4>(int32_t, const uint8_t *, const float *, const float *, size_t, size_t, bool,
                                  uint16_t *);
template void dequantize_to_16<8>(int32_t, const uint8_t *, const float *, const float *, size_t, size_t, bool,
                                  uint16_t *);

}  // namespace infermem::avx512
