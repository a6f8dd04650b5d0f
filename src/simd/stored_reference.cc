// The plain kernels of stored keys and values.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "infermem/dtype.h"
#include "simd/blocks.hh"
#include "simd/reference.hh"
#include "simd/stored.hh"

namespace infermem {
namespace {

template <typename T, int32_t kType>
bool to_blocks(const float *in, size_t n, void *out) {
  auto *block = static_cast<T *>(out);
  for (const float *end = in + n; in != end; in += T::kElements) {
    if (reference::find_not_finite(in, T::kElements) != T::kElements) return false;
    if (!reference::block_fits(kType, in, T::kElements)) return false;
    blocks::encode(in, block++);
  }
  return true;
}

void to_levels(const float *in, size_t block, size_t n, int8_t *levels, float *scales) {
  for (const float *end = in + n; in != end; in += block, levels += block) {
    float farthest = 0.0f;
    for (size_t i = 0; i < block; ++i) farthest = std::max(farthest, std::fabs(in[i]));
    const float scale = (farthest > kLeastMagnitude ? farthest : 1.0f) / 127.0f;
    // A quotient is beyond 127 by a rounding at most, which rounds to 127.
    for (size_t i = 0; i < block; ++i) levels[i] = static_cast<int8_t>(std::round(in[i] / scale));
    *scales++ = scale;
  }
}

void to_bf16(const float *in, size_t n, void *out) { reference::encode(INFERMEM_DTYPE_BF16, in, n, out); }

void from_bf16(const void *in, size_t n, float *out) { reference::decode(INFERMEM_DTYPE_BF16, in, n, out); }

bool all_below(const float *values, size_t n, float limit) {
  bool below = true;
  for (size_t i = 0; i < n; ++i) below &= std::fabs(values[i]) < limit;
  return below;
}

void rotate(float *values, size_t n, size_t run) {
  // Before the sums, so that these overflow only where the result does.
  const float scale = 1.0f / std::sqrt(static_cast<float>(run));
  for (size_t i = 0; i < n; ++i) values[i] *= scale;
  for (float *x = values; x != values + n; x += run) {
    for (size_t half = 1; half < run; half *= 2) {
      for (size_t pair = 0; pair < run; pair += 2 * half) {
        for (size_t i = pair; i < pair + half; ++i) {
          const float a = x[i], b = x[i + half];
          x[i] = a + b;
          x[i + half] = a - b;
        }
      }
    }
  }
}

void stream(const void *in, size_t bytes, void *out) { std::memcpy(out, in, bytes); }

}  // namespace

const StoredKernels stored_reference = {
    to_blocks<blocks::Q8_0, INFERMEM_DTYPE_Q8_0>,
    to_blocks<blocks::Q4_0, INFERMEM_DTYPE_Q4_0>,
    to_blocks<blocks::Q4_1, INFERMEM_DTYPE_Q4_1>,
    to_levels,
    to_bf16,
    from_bf16,
    all_below,
    rotate,
    stream,
};

}  // namespace infermem
