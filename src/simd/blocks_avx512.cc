// GGML's block types for AVX-512 with VBMI and VNNI: products with activations of 8 bits, and conversion to floats.
// Compiled with the target's flags, so nothing here may be inline in a header that others use.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"  // gcc 12 warns of its own _mm512_undefined_ps
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "simd/blocks_avx512.hh"

#include "infermem/dtype.h"
#include "simd/blocks.hh"
#include "simd/blocks_product.hh"
#include "simd/products.hh"
#include "simd/reference.hh"

namespace infermem::avx512 {
namespace {

inline __m512 set_half(const void *at) { return _mm512_cvtph_ps(_mm256_set1_epi16(load_half(at))); }
inline __m512 to_floats(__m128i integers) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(integers)); }

// Of the halves of two registers those at the indices; from 32 on they count in the second.
inline __m256i pick_halves(__m512i a, __m512i b, __m256i indices) {
  return _mm512_castsi512_si256(_mm512_permutex2var_epi16(a, _mm512_castsi256_si512(indices), b));
}

// ---- Types ----

// A Type that gives the sums of products of levels 64 * i to 64 * i + 63, in sixteen lanes: two blocks' eight each.
template <typename Type>
struct Quarters : Type {
  using Sum = __m512;
  static constexpr int kParts = 4;

  static __m512 zero() { return _mm512_setzero_ps(); }

  static __m256 narrow(__m512 sum) {
    const __m512 all = _mm512_mul_ps(sum, Type::weights());
    return _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));
  }

  template <int i>
  static __m512 add(const uint8_t *at, const int8_t *levels, __m256 scales, __m512 sum) {
    const __m512 products = _mm512_cvtepi32_ps(Type::template multiply<i>(at, _mm512_loadu_si512(levels + i * 64)));
    const __m512i lanes = _mm512_inserti64x4(_mm512_set1_epi32(2 * i), _mm256_set1_epi32(2 * i + 1), 1);
    return _mm512_fmadd_ps(products, _mm512_permutexvar_ps(lanes, _mm512_castps256_ps512(scales)), sum);
  }
};

inline __m512i multiply(__m512i unsigned_levels, __m512i x) {
  return _mm512_dpbusd_epi32(_mm512_setzero_si512(), unsigned_levels, x);
}

// Eight blocks of 32 in nibbles, kBytes each; the levels are the last 16. The high nibbles are left where they are in a
// byte, and count sixteenfold until the row is summed up.
template <size_t kBytes>
struct Nibbles {
  static constexpr size_t kUnitBytes = 8 * kBytes;

  static __m512 weights() {
    return _mm512_broadcast_f32x8(_mm256_setr_ps(1, 1, 1, 1, 0x1p-4f, 0x1p-4f, 0x1p-4f, 0x1p-4f));
  }

  template <int i>
  static __m512i multiply(const uint8_t *at, __m512i x) {
    const uint8_t *const first = at + (2 * i + 1) * kBytes - 16;
    const __m512i one = _mm512_broadcast_i32x4(load16(first));
    const __m512i both = _mm512_mask_broadcast_i32x4(one, 0xff00, load16(first + kBytes));
    const __m512i mask = _mm512_broadcast_i64x4(_mm256_set_m128i(_mm_set1_epi8(-16), _mm_set1_epi8(15)));
    return avx512::multiply(_mm512_and_si512(both, mask), x);
  }
};

struct Q4_0 : Nibbles<sizeof(blocks::Q4_0)> {
  static constexpr float kMin = -8.0f;

  static Parameters parameters(const uint8_t *at) {
    const __m256i indices = _mm256_setr_epi16(0, 9, 18, 27, 32, 41, 50, 59, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i halves = pick_halves(_mm512_loadu_si512(at), _mm512_loadu_si512(at + 72), indices);
    const __m256 scales = _mm256_cvtph_ps(_mm256_castsi256_si128(halves));
    return {scales, scales};
  }
};

struct Q4_1 : Nibbles<sizeof(blocks::Q4_1)> {
  static constexpr float kMin = 1.0f;

  static Parameters parameters(const uint8_t *at) {
    const __m256i indices = _mm256_setr_epi16(0, 10, 20, 30, 32, 42, 52, 62, 1, 11, 21, 31, 33, 43, 53, 63);
    const __m256i halves = pick_halves(_mm512_loadu_si512(at), _mm512_loadu_si512(at + 80), indices);
    return {_mm256_cvtph_ps(_mm256_castsi256_si128(halves)), _mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1))};
  }
};

// Signed levels: made unsigned by adding 128 to each, whose products are then taken out.
struct Q8_0 {
  static constexpr size_t kBytes = sizeof(blocks::Q8_0), kUnitBytes = 8 * kBytes;
  static constexpr float kMin = 0.0f;

  static __m512 weights() { return _mm512_set1_ps(1.0f); }

  static Parameters parameters(const uint8_t *at) { return {load_halves<kBytes>(at), _mm256_setzero_ps()}; }

  template <int i>
  static __m512i multiply(const uint8_t *at, __m512i x) {
    const uint8_t *const first = at + 2 * i * kBytes + 2;
    const __m512i levels = _mm512_inserti64x4(_mm512_castsi256_si512(load32(first)), load32(first + kBytes), 1);
    const __m512i offset = _mm512_set1_epi8(-128);
    return _mm512_sub_epi32(avx512::multiply(_mm512_xor_si512(levels, offset), x), avx512::multiply(offset, x));
  }
};

// High nibbles, those of odd runs, are left where they are as in Nibbles.
struct Q4_K {
  static constexpr size_t kUnitBytes = sizeof(blocks::Q4_K);
  static constexpr float kMin = -1.0f;

  static __m512 weights() { return _mm512_insertf32x8(_mm512_set1_ps(1.0f), _mm256_set1_ps(0x1p-4f), 1); }

  static Parameters parameters(const uint8_t *at) { return run_parameters(at); }

  template <int i>
  static __m512i multiply(const uint8_t *at, __m512i x) {
    const __m512i mask = _mm512_inserti64x4(_mm512_set1_epi8(15), _mm256_set1_epi8(-16), 1);
    const __m512i levels = _mm512_and_si512(_mm512_broadcast_i64x4(load32(at + 16 + i * 32)), mask);
    return avx512::multiply(levels, x);
  }
};

// ---- Q6_K ----

// Levels 64 * i to 64 * i + 63, unsigned: 32 too large.
template <int i>
inline __m512i levels_q6(const uint8_t *at) {
  // Bits 4 and 5: of the first 32 levels in bits 0 and 4 of a byte and those above, for the low and the high nibbles; of
  // the others two bits higher. With the rest taken out, nothing is left above bit 5 once they are moved.
  const __m512i mask = _mm512_inserti64x4(_mm512_set1_epi8(0x33), _mm256_set1_epi8(-0x34), 1);
  const __m512i high = _mm512_and_si512(_mm512_broadcast_i64x4(load32(at + 128 + i / 2 * 32)), mask);
  const __m512i shift = _mm512_inserti64x4(_mm512_set1_epi16(i % 2 ? 0 : 4), _mm256_set1_epi16(2), 1);
  const __m512i moved = i % 2 ? _mm512_srlv_epi16(high, shift) : _mm512_sllv_epi16(high, shift);
  __m512i low = _mm512_loadu_si512(at + i / 2 * 64);
  if (i % 2) low = _mm512_srli_epi16(low, 4);
  return _mm512_ternarylogic_epi32(_mm512_set1_epi8(15), low, moved, 0xca);  // the first's bits: low, else moved
}

// Sums of four, below 2^14.
template <int i>
inline __m512i multiply_q6(const uint8_t *at, const int8_t *levels) {
  const __m512i x = _mm512_loadu_si512(levels + 64 * i);
  return _mm512_sub_epi32(multiply(levels_q6<i>(at), x), multiply(_mm512_set1_epi8(32), x));
}

// The sums of each two neighbours of a, and then of b, in 16-bit integers within each 128 bits; in 32 bits.
inline __m512i add_pairs(__m512i a, __m512i b) {
  return _mm512_madd_epi16(_mm512_packs_epi32(a, b), _mm512_set1_epi16(1));
}

float dot_q6(const uint8_t *stored, size_t n, const Activations &x) {
  // Lane 4 * j + i is of run 4 * i + j, which is in block 2 * i + j / 2 of the activations.
  const __m512i block = _mm512_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6, 1, 3, 5, 7, 1, 3, 5, 7);
  const __m128i run = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  Ahead ahead(stored);
  __m512 total = _mm512_setzero_ps();
  for (size_t at = 0; at < n; at += kUnit, stored += sizeof(blocks::Q6_K)) {
    ahead.follow(stored, sizeof(blocks::Q6_K));
    const int8_t *const levels = x.levels + at;
    const __m512i v01 = add_pairs(multiply_q6<0>(stored, levels), multiply_q6<1>(stored, levels));
    const __m512i v23 = add_pairs(multiply_q6<2>(stored, levels), multiply_q6<3>(stored, levels));
    const __m512 products = _mm512_cvtepi32_ps(add_pairs(v01, v23));
    const __m128i integers = _mm_shuffle_epi8(load16(stored + 192), run);
    const __m512 scale = _mm512_mul_ps(to_floats(integers), set_half(stored + 208));
    const __m512 scales = _mm512_castps256_ps512(_mm256_loadu_ps(x.scales + at / kBlock));
    total = _mm512_fmadd_ps(_mm512_mul_ps(scale, _mm512_permutexvar_ps(block, scales)), products, total);
  }
  return _mm512_reduce_add_ps(total);
}

// ---- To floats ----
//
// Each value is one product, which is exact, or one product and a sum. Of nibbles there is a table of the sixteen values;
// a permutation looks at the low four bits of an index.

inline __m512 iota() { return _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }

// Of 16 bytes the low nibbles, and the high ones.
inline void put_nibbles(const uint8_t *levels, __m512 low, __m512 high, float *out_low, float *out_high) {
  const __m512i v = _mm512_cvtepu8_epi32(load16(levels));
  _mm512_storeu_ps(out_low, _mm512_permutexvar_ps(v, low));
  _mm512_storeu_ps(out_high, _mm512_permutexvar_ps(_mm512_srli_epi32(v, 4), high));
}

inline void decode_block(const blocks::Q4_0 &block, float *out) {
  const __m512 table = _mm512_mul_ps(_mm512_sub_ps(iota(), _mm512_set1_ps(8.0f)), set_half(&block.scale));
  put_nibbles(block.levels, table, table, out, out + 16);
}

inline void decode_block(const blocks::Q4_1 &block, float *out) {
  const __m512 table = _mm512_add_ps(_mm512_mul_ps(iota(), set_half(&block.scale)), set_half(&block.min));
  put_nibbles(block.levels, table, table, out, out + 16);
}

inline void decode_block(const blocks::Q8_0 &block, float *out) {
  const __m512 scale = set_half(&block.scale);
  _mm512_storeu_ps(out, _mm512_mul_ps(to_floats(load16(block.levels)), scale));
  _mm512_storeu_ps(out + 16, _mm512_mul_ps(to_floats(load16(block.levels + 16)), scale));
}

inline void decode_block(const blocks::Q4_K &block, float *out) {
  const Parameters p = run_parameters(reinterpret_cast<const uint8_t *>(&block));
  alignas(32) float scales[8], minima[8];
  _mm256_store_ps(scales, p.scales);
  _mm256_store_ps(minima, p.minima);
  const auto table = [&](size_t run) {
    return _mm512_sub_ps(_mm512_mul_ps(iota(), _mm512_set1_ps(scales[run])), _mm512_set1_ps(minima[run]));
  };
  for (size_t run = 0; run < 8; run += 2, out += 64) {
    const __m512 low = table(run), high = table(run + 1);
    put_nibbles(block.levels + 16 * run, low, high, out, out + 32);
    put_nibbles(block.levels + 16 * run + 16, low, high, out + 16, out + 48);
  }
}

template <int i>
inline void decode_q6(const uint8_t *at, const float *scales, float *out) {
  alignas(64) int8_t levels[64];
  _mm512_store_si512(levels, _mm512_sub_epi8(levels_q6<i>(at), _mm512_set1_epi8(32)));
  for (size_t run = 0; run < 4; ++run)
    _mm512_storeu_ps(out + 64 * i + 16 * run,
                     _mm512_mul_ps(to_floats(load16(levels + 16 * run)), _mm512_set1_ps(scales[4 * i + run])));
}

inline void decode_block(const blocks::Q6_K &block, float *out) {
  const auto *const at = reinterpret_cast<const uint8_t *>(&block);
  alignas(64) float scales[16];
  _mm512_store_ps(scales, _mm512_mul_ps(to_floats(load16(block.scales)), set_half(&block.scale)));
  decode_q6<0>(at, scales, out);
  decode_q6<1>(at, scales, out);
  decode_q6<2>(at, scales, out);
  decode_q6<3>(at, scales, out);
}

template <typename T>
void decode_all(const void *stored, size_t n, float *out) {
  const auto *block = static_cast<const T *>(stored);
  for (size_t at = 0; at < n; at += T::kElements) decode_block(*block++, out + at);
}

}  // namespace

float dot_blocks_q8(int32_t dtype, const uint8_t *stored, size_t n, const Activations &x) {
  switch (dtype) {
    case INFERMEM_DTYPE_Q4_0:
      return dot<Quarters<Q4_0>>(stored, n, x);
    case INFERMEM_DTYPE_Q4_1:
      return dot<Quarters<Q4_1>>(stored, n, x);
    case INFERMEM_DTYPE_Q8_0:
      return dot<Quarters<Q8_0>>(stored, n, x);
    case INFERMEM_DTYPE_Q4_K:
      return dot<Quarters<Q4_K>>(stored, n, x);
    case INFERMEM_DTYPE_Q6_K:
      return dot_q6(stored, n, x);
  }
  return reference::dot_blocks_q8(dtype, stored, n, x);
}

void decode(int32_t dtype, const void *stored, size_t n, float *out) {
  switch (dtype) {
    case INFERMEM_DTYPE_Q4_0:
      return decode_all<blocks::Q4_0>(stored, n, out);
    case INFERMEM_DTYPE_Q4_1:
      return decode_all<blocks::Q4_1>(stored, n, out);
    case INFERMEM_DTYPE_Q8_0:
      return decode_all<blocks::Q8_0>(stored, n, out);
    case INFERMEM_DTYPE_Q4_K:
      return decode_all<blocks::Q4_K>(stored, n, out);
    case INFERMEM_DTYPE_Q6_K:
      return decode_all<blocks::Q6_K>(stored, n, out);
  }
  reference::decode(dtype, stored, n, out);
}

}  // namespace infermem::avx512
