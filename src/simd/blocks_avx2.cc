// Products of GGML's block types with activations of 8 bits, for AVX2. Compiled with the target's flags, so nothing here may
// be inline in a header that others use.
//
// The instruction for products of unsigned bytes with signed ones adds up two in 16 bits, which no type here overflows.
#include "simd/blocks_avx2.hh"

#include "infermem/dtype.h"
#include "simd/blocks.hh"
#include "simd/blocks_product.hh"
#include "simd/products.hh"

namespace infermem::avx2 {
namespace {

inline __m256 set_half(const uint8_t *at) { return _mm256_cvtph_ps(_mm_set1_epi16(load_half(at))); }

// The low nibbles of 16 bytes, then the high ones.
inline __m256i nibbles(const uint8_t *at) {
  const __m128i v = load16(at);
  return _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(v, 4), v), _mm256_set1_epi8(15));
}

inline __m256i widen(__m256i pairs) { return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)); }

// ---- Types ----

// A Type that gives the sums of products of levels 32 * i to 32 * i + 31, in eight lanes.
template <typename Type>
struct Eighths : Type {
  using Sum = __m256;
  static constexpr int kParts = 8;

  static __m256 zero() { return _mm256_setzero_ps(); }
  static __m256 narrow(__m256 sum) { return sum; }

  template <int i>
  static __m256 add(const uint8_t *at, const int8_t *levels, __m256 scales, __m256 sum) {
    const __m256i products = Type::template multiply<i>(at, load32(levels + i * kBlock));
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(products), _mm256_permutevar8x32_ps(scales, _mm256_set1_epi32(i)), sum);
  }
};

struct Q4_0 {
  static constexpr size_t kBytes = sizeof(blocks::Q4_0), kUnitBytes = 8 * kBytes;
  static constexpr float kMin = -8.0f;

  static Parameters parameters(const uint8_t *at) {
    const __m256 scales = load_halves<kBytes>(at);
    return {scales, scales};
  }

  template <int i>
  static __m256i multiply(const uint8_t *at, __m256i x) {
    return widen(_mm256_maddubs_epi16(nibbles(at + i * kBytes + 2), x));
  }
};

struct Q4_1 {
  static constexpr size_t kBytes = sizeof(blocks::Q4_1), kUnitBytes = 8 * kBytes;
  static constexpr float kMin = 1.0f;

  static Parameters parameters(const uint8_t *at) { return {load_halves<kBytes>(at), load_halves<kBytes>(at + 2)}; }

  template <int i>
  static __m256i multiply(const uint8_t *at, __m256i x) {
    return widen(_mm256_maddubs_epi16(nibbles(at + i * kBytes + 4), x));
  }
};

struct Q8_0 {
  static constexpr size_t kBytes = sizeof(blocks::Q8_0), kUnitBytes = 8 * kBytes;
  static constexpr float kMin = 0.0f;

  static Parameters parameters(const uint8_t *at) { return {load_halves<kBytes>(at), _mm256_setzero_ps()}; }

  template <int i>
  static __m256i multiply(const uint8_t *at, __m256i x) {
    const __m256i level = load32(at + i * kBytes + 2);
    return widen(_mm256_maddubs_epi16(_mm256_abs_epi8(level), _mm256_sign_epi8(x, level)));
  }
};

struct Q4_K {
  static constexpr size_t kUnitBytes = sizeof(blocks::Q4_K);
  static constexpr float kMin = -1.0f;

  static Parameters parameters(const uint8_t *at) { return run_parameters(at); }

  template <int i>
  static __m256i multiply(const uint8_t *at, __m256i x) {
    const __m256i v = load32(at + 16 + i / 2 * 32);
    const __m256i level = _mm256_and_si256(i % 2 ? _mm256_srli_epi16(v, 4) : v, _mm256_set1_epi8(15));
    return widen(_mm256_maddubs_epi16(level, x));
  }
};

// Levels are unsigned, and 32 too large: the difference is multiplied as well.
struct Q6_K {
  static constexpr size_t kUnitBytes = sizeof(blocks::Q6_K);
  static constexpr float kMin = 0.0f;

  static Parameters parameters(const uint8_t *at) { return {set_half(at + 208), _mm256_setzero_ps()}; }

  template <int i>
  static __m256i multiply(const uint8_t *at, __m256i x) {
    const __m256i v = load32(at + i / 4 * 64 + i % 2 * 32), h = load32(at + 128 + i / 4 * 32);
    constexpr int kAt = i % 4 * 2;  // of the high bits in their byte
    const __m256i moved =
        kAt < 4 ? _mm256_slli_epi16(h, kAt < 4 ? 4 - kAt : 0) : _mm256_srli_epi16(h, kAt < 4 ? 0 : kAt - 4);
    const __m256i low = _mm256_and_si256(i % 4 < 2 ? v : _mm256_srli_epi16(v, 4), _mm256_set1_epi8(15));
    const __m256i level = _mm256_or_si256(low, _mm256_and_si256(moved, _mm256_set1_epi8(0x30)));
    const __m256i pairs =
        _mm256_sub_epi16(_mm256_maddubs_epi16(level, x), _mm256_maddubs_epi16(_mm256_set1_epi8(32), x));
    // The integers of runs 2 * i and 2 * i + 1, eight times each.
    const __m128i runs = _mm_cvtepi8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(at + 192 + i / 4 * 8)));
    constexpr int kRun = i % 4 * 2 * 0x202 + 0x100, kNext = kRun + 0x202;
    const __m256i indices = _mm256_set_m128i(_mm_set1_epi16(kNext), _mm_set1_epi16(kRun));
    return _mm256_madd_epi16(pairs, _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(runs), indices));
  }
};

}  // namespace

float dot_blocks_q8(int32_t dtype, const uint8_t *stored, size_t n, const Activations &x) {
  switch (dtype) {
    case INFERMEM_DTYPE_Q4_0:
      return dot<Eighths<Q4_0>>(stored, n, x);
    case INFERMEM_DTYPE_Q4_1:
      return dot<Eighths<Q4_1>>(stored, n, x);
    case INFERMEM_DTYPE_Q8_0:
      return dot<Eighths<Q8_0>>(stored, n, x);
    case INFERMEM_DTYPE_Q4_K:
      return dot<Eighths<Q4_K>>(stored, n, x);
    case INFERMEM_DTYPE_Q6_K:
      return dot<Eighths<Q6_K>>(stored, n, x);
  }
  return reference::dot_blocks_q8(dtype, stored, n, x);
}

}  // namespace infermem::avx2
