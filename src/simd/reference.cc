#include "simd/reference.hh"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>

#include "infermem/dtype.h"
#include "simd/float16.hh"

namespace infermem::reference {
namespace {

bool is_finite(float value) { return (bits_of(value) & 0x7f800000u) != 0x7f800000u; }

float highest_level(uint32_t bits) { return static_cast<float>((1u << bits) - 1); }

uint16_t load_u16(const void *p) {
  uint16_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

// Blocks of 32, as GGML lays them out: an F16 scale, then the values.
constexpr size_t kBlock = 32;

void decode_q8_0(const uint8_t *block, float *out) {
  const float scale = f16_to_f32(load_u16(block));
  for (size_t i = 0; i < kBlock; ++i) out[i] = scale * static_cast<float>(static_cast<int8_t>(block[2 + i]));
}

void decode_q4_0(const uint8_t *block, float *out) {
  const float scale = f16_to_f32(load_u16(block));
  for (size_t i = 0; i < kBlock / 2; ++i) {
    const int packed = block[2 + i];
    out[i] = scale * static_cast<float>((packed & 15) - 8);
    out[i + kBlock / 2] = scale * static_cast<float>((packed >> 4) - 8);
  }
}

}  // namespace

size_t find_not_finite(const float *data, size_t n) {
  size_t i = 0;
  while (i < n && is_finite(data[i])) ++i;
  return i;
}

void quantize_group(const float *values, size_t n, uint32_t bits, uint8_t *levels, float *out_scale, float *out_min) {
  float min = values[0], max = values[0];
  for (size_t i = 1; i < n; ++i) {
    min = std::min(min, values[i]);
    max = std::max(max, values[i]);
  }
  min += 0.0f;  // of a mix of zeros the minimum is +0, whichever came first

  // Where the range overflows, everything is taken at half size: the bits of the results are those of an F32 with a
  // larger exponent.
  const float top = highest_level(bits);
  const float unit = is_finite(max - min) ? 1.0f : 0.5f;
  const float range = max * unit - min * unit;
  float step = range / top;
  if (range == 0.0f)
    step = 1.0f;
  else if (step == 0.0f || range / step >= top + 0.5f)
    step += FLT_TRUE_MIN;  // a denormal quotient was rounded down so far that max would lie beyond the highest level

  for (size_t i = 0; i < n; ++i) {
    const float x = (values[i] * unit - min * unit) / step;
    // The order of the comparisons makes 0 of a NaN, which there can be only where the host flushes denormals.
    const auto level = static_cast<uint8_t>(x >= top ? top : x > 0.0f ? std::round(x) : 0.0f);
    if (bits == 8)
      levels[i] = level;
    else if (i % 2 == 0)
      levels[i / 2] = level;
    else
      levels[i / 2] = static_cast<uint8_t>(levels[i / 2] | level << 4);
  }
  *out_scale = step / unit;
  *out_min = min;
}

void dequantize_group(const uint8_t *levels, size_t n, uint32_t bits, float scale, float min, float *out) {
  // The highest level is the one that can overflow, in the product or, by the roundings, in the sum. Then all are taken
  // at half size, and what is beyond the largest float was it before it was quantized.
  const bool fits = is_finite(highest_level(bits) * scale + min);
  for (size_t i = 0; i < n; ++i) {
    const int q = bits == 8 ? levels[i] : (levels[i / 2] >> (i % 2 * 4)) & 15;
    const auto level = static_cast<float>(q);
    if (fits) {
      out[i] = level * scale + min;
    } else {
      const float half = level * (scale * 0.5f) + min * 0.5f;
      out[i] = half > FLT_MAX * 0.5f ? FLT_MAX : half * 2.0f;
    }
  }
}

bool can_decode(int32_t dtype) {
  switch (dtype) {
    case INFERMEM_DTYPE_F32:
    case INFERMEM_DTYPE_F16:
    case INFERMEM_DTYPE_BF16:
    case INFERMEM_DTYPE_Q8_0:
    case INFERMEM_DTYPE_Q4_0:
      return true;
  }
  return false;
}

void decode(int32_t dtype, const void *stored, size_t n, float *out) {
  const auto *bytes = static_cast<const uint8_t *>(stored);
  switch (dtype) {
    case INFERMEM_DTYPE_F32:
      std::memmove(out, bytes, n * sizeof(float));
      break;
    case INFERMEM_DTYPE_F16:
      for (size_t i = 0; i < n; ++i) out[i] = f16_to_f32(load_u16(bytes + 2 * i));
      break;
    case INFERMEM_DTYPE_BF16:
      for (size_t i = 0; i < n; ++i) out[i] = bf16_to_f32(load_u16(bytes + 2 * i));
      break;
    case INFERMEM_DTYPE_Q8_0:
      for (size_t i = 0; i < n / kBlock; ++i) decode_q8_0(bytes + i * 34, out + i * kBlock);
      break;
    case INFERMEM_DTYPE_Q4_0:
      for (size_t i = 0; i < n / kBlock; ++i) decode_q4_0(bytes + i * 18, out + i * kBlock);
      break;
  }
}

bool can_encode(int32_t dtype) { return dtype == INFERMEM_DTYPE_F32 || dtype == INFERMEM_DTYPE_F16; }

void encode(int32_t dtype, const float *values, size_t n, void *out) {
  if (dtype == INFERMEM_DTYPE_F32) {
    std::memmove(out, values, n * sizeof(float));
    return;
  }
  auto *bytes = static_cast<uint8_t *>(out);
  for (size_t i = 0; i < n; ++i) {
    const uint16_t half = f32_to_f16(values[i]);
    std::memcpy(bytes + 2 * i, &half, sizeof half);
  }
}

}  // namespace infermem::reference
