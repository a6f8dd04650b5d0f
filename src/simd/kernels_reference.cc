// The plain table, and the list of all tables of this build.
#include <algorithm>

#include "infermem/dtype.h"
#include "simd/kernels.hh"
#include "simd/products.hh"
#include "simd/reference.hh"

namespace infermem {
namespace {

template <uint32_t kBits>
void dequantize(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n, bool,
                float *out) {
  for (size_t i = 0; i < n; i += group)
    reference::dequantize_group(levels + i * kBits / 8, std::min(group, n - i), kBits, *scales++, *mins++, out + i);
}

template <uint32_t kBits>
void dequantize_to_16(int32_t dtype, const uint8_t *levels, const float *scales, const float *mins, size_t group,
                      size_t n, bool, uint16_t *out) {
  for (size_t i = 0; i < n; i += group)
    reference::dequantize_group(levels + i * kBits / 8, std::min(group, n - i), kBits, *scales++, *mins++, dtype,
                                out + i);
}

template <uint32_t kBits>
bool quantize(const float *values, size_t group, size_t n, uint8_t *levels, float *scales, float *mins) {
  for (size_t i = 0; i < n; i += group) {
    uint8_t *const to = levels + i * kBits / 8;
    if (!reference::quantize_group(values + i, std::min(group, n - i), kBits, to, scales++, mins++)) return false;
  }
  return true;
}

bool find_ranges(const float *values, size_t group, size_t n, float *mins, float *maxs) {
  if (reference::find_not_finite(values, n) != n) return false;
  for (size_t i = 0; i < n; i += group) {
    const reference::Range range = reference::find_range(values + i, std::min(group, n - i));
    *mins++ = range.min;
    *maxs++ = range.max;
  }
  return true;
}

template <uint32_t kBits>
void find_levels(const float *values, size_t group, size_t n, const float *scales, const float *origins, uint32_t zero,
                 uint8_t *levels) {
  const reference::Levels form = {kBits, zero != 0};
  for (size_t i = 0; i < n; i += group, ++scales, ++origins)
    reference::find_levels(values + i, std::min(group, n - i), form, {*scales, *origins}, *origins,
                           levels + i * kBits / 8);
}

float dot(const float *values, size_t n, const float *x) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += static_cast<double>(values[i]) * static_cast<double>(x[i]);
  return static_cast<float>(sum);
}

template <uint32_t kBits>
float dot(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n, const float *x) {
  constexpr size_t kPiece = 64;
  float values[kPiece];
  double sum = 0;
  for (size_t i = 0; i < n;) {
    const size_t g = i / group;
    const size_t run = std::min({kPiece, (g + 1) * group - i, n - i});
    reference::dequantize_group(levels + i * kBits / 8, run, kBits, scales[g], mins[g], values);
    for (size_t j = 0; j < run; ++j) sum += static_cast<double>(values[j]) * static_cast<double>(x[i + j]);
    i += run;
  }
  return static_cast<float>(sum);
}

void f16_to_f32(const void *in, size_t n, float *out) { reference::decode(INFERMEM_DTYPE_F16, in, n, out); }

void f32_to_f16(const float *in, size_t n, void *out) { reference::encode(INFERMEM_DTYPE_F16, in, n, out); }

bool always() { return true; }

}  // namespace

const Kernels kernels_reference = {
    "reference",
    always,
    dequantize<4>,
    dequantize<8>,
    quantize<4>,
    quantize<8>,
    find_ranges,
    find_levels<4>,
    find_levels<8>,
    dot<4>,
    dot<8>,
    dot,
    reference::dot_q8<4>,
    reference::dot_q8<8>,
    reference::packed,
    reference::packed_q8,
    reference::dot_blocks_q8,
    reference::decode,
    reference::activate,
    reference::find_not_finite,
    f16_to_f32,
    f32_to_f16,
    dequantize_to_16<4>,
    dequantize_to_16<8>,
    &stored_reference,
    &attend_reference,
    &counts_reference,
};

const Kernels *const all_kernels[] = {
    &kernels_reference,
#if defined(INFERMEM_HIGHWAY) && defined(__x86_64__)
    &kernels_sse4,
    &kernels_avx2,
    &kernels_avx512,
#elif defined(INFERMEM_HIGHWAY) && defined(__aarch64__)
    &kernels_neon,
#endif
    nullptr,
};

}  // namespace infermem
