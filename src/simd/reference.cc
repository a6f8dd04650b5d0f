#include "simd/reference.hh"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>

#include "infermem/dtype.h"
#include "simd/blocks.hh"

namespace infermem::reference {
namespace {

bool is_finite(float value) { return (bits_of(value) & 0x7f800000u) != 0x7f800000u; }

float highest_level(uint32_t bits) { return static_cast<float>((1u << bits) - 1); }

// Where a group's range overflows, everything is taken at half size: the bits of the results are those of an F32 with a
// larger exponent.
float unit_of(Range range) { return is_finite(range.max - range.min) ? 1.0f : 0.5f; }

uint16_t load_u16(const void *p) {
  uint16_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

constexpr bool has_size(int32_t dtype, size_t elements, size_t bytes) {
  switch (dtype) {
#define ENTRY(name, number, block_elements, block_bytes) \
  case number:                                           \
    return elements == block_elements && bytes == block_bytes;
    INFERMEM_DTYPE_LIST(ENTRY)
#undef ENTRY
  }
  return false;
}

#define ENTRY(name, bits)                                                                         \
  static_assert(has_size(INFERMEM_DTYPE_##name, blocks::name::kElements, sizeof(blocks::name)) && \
                alignof(blocks::name) == 1);
INFERMEM_BLOCK_LIST(ENTRY)
#undef ENTRY

template <typename T>
void decode_blocks(const void *stored, size_t n, float *out) {
  const auto *block = static_cast<const T *>(stored);
  for (const float *end = out + n; out != end; out += T::kElements) blocks::decode(*block++, out);
}

template <typename T>
void encode_blocks(const float *values, size_t n, void *out) {
  auto *block = static_cast<T *>(out);
  for (const float *end = values + n; values != end; values += T::kElements) blocks::encode(values, block++);
}

}  // namespace

size_t find_not_finite(const float *data, size_t n) {
  size_t i = 0;
  while (i < n && is_finite(data[i])) ++i;
  return i;
}

Range find_range(const float *values, size_t n) {
  Range range = {values[0], values[0]};
  for (size_t i = 1; i < n; ++i) {
    range.min = std::min(range.min, values[i]);
    range.max = std::max(range.max, values[i]);
  }
  range.min += 0.0f;  // of a mix of zeros the minimum is +0, whichever came first
  return range;
}

Parameters parameters_of(Range group, float top) {
  const float unit = unit_of(group);
  const float range = group.max * unit - group.min * unit;
  float step = range / top;
  if (range == 0.0f)
    step = 1.0f;
  else if (step == 0.0f || range / step >= top + 0.5f)
    step += FLT_TRUE_MIN;  // a denormal quotient was rounded down so far that max would lie beyond the highest level
  return {step / unit, group.min};
}

void find_levels(const float *values, size_t n, Levels form, Parameters parameters, float max, uint8_t *levels) {
  const float top = form.top();
  const float unit = unit_of({parameters.min, max});
  const float min = parameters.min * unit, step = parameters.scale * unit;
  for (size_t i = 0; i < n; ++i) {
    const float x = (values[i] * unit - min) / step;
    // The comparisons make 0 of a NaN, which there can be only where the host flushes denormals.
    const float distance = x > 0.0f ? std::min(std::round(x), top) : x < 0.0f ? std::max(std::round(x), -top) : 0.0f;
    const auto level = static_cast<uint8_t>(static_cast<int>(distance) + static_cast<int>(form.zero()));
    if (form.bits == 8)
      levels[i] = level;
    else if (i % 2 == 0)
      levels[i / 2] = level;
    else
      levels[i / 2] = static_cast<uint8_t>(levels[i / 2] | level << 4);
  }
}

bool quantize_group(const float *values, size_t n, uint32_t bits, uint8_t *levels, float *out_scale, float *out_min) {
  if (find_not_finite(values, n) != n) return false;
  const Range range = find_range(values, n);
  const Levels form = {bits, false};
  const Parameters parameters = parameters_of(range, form.top());
  find_levels(values, n, form, parameters, range.max, levels);
  *out_scale = parameters.scale;
  *out_min = parameters.min;
  return true;
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

void dequantize_group(const uint8_t *levels, size_t n, uint32_t bits, float scale, float min, int32_t dtype,
                      uint16_t *out) {
  constexpr size_t kPiece = 256;
  float piece[kPiece];
  for (size_t at = 0; at < n; at += kPiece) {
    const size_t count = std::min(kPiece, n - at);
    dequantize_group(levels + at * bits / 8, count, bits, scale, min, piece);
    for (size_t i = 0; i < count; ++i)
      out[at + i] = dtype == INFERMEM_DTYPE_F16 ? f32_to_f16(piece[i]) : f32_to_bf16(piece[i]);
  }
}

uint32_t level_bits(int32_t dtype) {
  switch (dtype) {
    case INFERMEM_DTYPE_F32:
      return 32;
    case INFERMEM_DTYPE_F16:
    case INFERMEM_DTYPE_BF16:
      return 16;
#define ENTRY(name, bits)     \
  case INFERMEM_DTYPE_##name: \
    return bits;
      INFERMEM_BLOCK_LIST(ENTRY)
#undef ENTRY
  }
  return 0;
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
#define ENTRY(name, bits)                        \
  case INFERMEM_DTYPE_##name:                    \
    decode_blocks<blocks::name>(stored, n, out); \
    break;
      INFERMEM_BLOCK_LIST(ENTRY)
#undef ENTRY
  }
}

void encode(int32_t dtype, const float *values, size_t n, void *out) {
  if (dtype == INFERMEM_DTYPE_F32) {
    std::memmove(out, values, n * sizeof(float));
    return;
  }
  auto *bytes = static_cast<uint8_t *>(out);
  for (size_t i = 0; i < n; ++i) {
    const uint16_t half = dtype == INFERMEM_DTYPE_F16 ? f32_to_f16(values[i]) : f32_to_bf16(values[i]);
    std::memcpy(bytes + 2 * i, &half, sizeof half);
  }
}

bool can_quantize(int32_t dtype) {
  switch (dtype) {
#define ENTRY(name) case INFERMEM_DTYPE_##name:
    INFERMEM_WRITTEN_BLOCK_LIST(ENTRY)
#undef ENTRY
    return true;
  }
  return false;
}

bool block_fits(int32_t dtype, const float *values, size_t n) {
  float min = values[0], max = values[0];
  for (size_t i = 1; i < n; ++i) {
    min = std::min(min, values[i]);
    max = std::max(max, values[i]);
  }
  const float farthest = std::max(-min, max);
  float parameter = 0.0f;  // the largest of the block's
  switch (dtype) {
    case INFERMEM_DTYPE_Q4_0:
      parameter = farthest / 8.0f;
      break;
    case INFERMEM_DTYPE_Q4_1:
      parameter = std::max((max - min) / 15.0f, std::fabs(min));
      break;
    case INFERMEM_DTYPE_Q8_0:
      parameter = farthest / 127.0f;
      break;
    case INFERMEM_DTYPE_Q4_K:  // levels to 15, integers to 63; the minimum is not above 0
      parameter = std::max((std::max(max, 0.0f) - std::min(min, 0.0f)) / (15.0f * 63.0f), -min / 63.0f);
      break;
    case INFERMEM_DTYPE_Q6_K:  // levels to -32, integers to -128
      parameter = farthest / (32.0f * 128.0f);
      break;
    case INFERMEM_DTYPE_Q8_K:  // an F32; rounded up, it may give more than the largest float
      return is_finite(127.0f * (1.0f / (127.0f / farthest)));
  }
  return parameter < 65520.0f;  // which would be rounded to infinity
}

void quantize(int32_t dtype, const float *values, size_t n, void *out) {
  switch (dtype) {
#define ENTRY(name)                              \
  case INFERMEM_DTYPE_##name:                    \
    encode_blocks<blocks::name>(values, n, out); \
    break;
    INFERMEM_WRITTEN_BLOCK_LIST(ENTRY)
#undef ENTRY
  }
}

}  // namespace infermem::reference
