// Blocks of 32, read and written; GGML's reference quantization, bit for bit.
#include "simd/blocks.hh"

#include <algorithm>
#include <cmath>

namespace infermem::blocks {
namespace {

constexpr size_t kBytes = 16;  // of the levels' low nibbles

// What is stored where the inverse of a denormal scale is infinite: the scale itself then is 0 as an F16.
uint8_t level_of(float x) { return std::isfinite(x) ? static_cast<uint8_t>(std::min(static_cast<int>(x), 15)) : 0; }

uint32_t fifth_bits(const uint8_t (&high)[4]) {
  uint32_t bits;
  std::memcpy(&bits, high, sizeof bits);
  return bits;
}

int level5(uint8_t nibble, uint32_t high, size_t i) { return nibble | static_cast<int>((high >> i) & 1u) << 4; }

float inverse(float scale) { return scale != 0.0f ? 1.0f / scale : 0.0f; }

}  // namespace

void decode(const Q4_0 &block, float *out) {
  const float scale = block.scale.get();
  for (size_t i = 0; i < kBytes; ++i) {
    out[i] = scale * static_cast<float>((block.levels[i] & 15) - 8);
    out[i + kBytes] = scale * static_cast<float>((block.levels[i] >> 4) - 8);
  }
}

void decode(const Q4_1 &block, float *out) {
  const float scale = block.scale.get(), min = block.min.get();
  for (size_t i = 0; i < kBytes; ++i) {
    out[i] = scale * static_cast<float>(block.levels[i] & 15) + min;
    out[i + kBytes] = scale * static_cast<float>(block.levels[i] >> 4) + min;
  }
}

void decode(const Q5_0 &block, float *out) {
  const float scale = block.scale.get();
  const uint32_t high = fifth_bits(block.high);
  for (size_t i = 0; i < kBytes; ++i) {
    out[i] = scale * static_cast<float>(level5(block.levels[i] & 15, high, i) - 16);
    out[i + kBytes] = scale * static_cast<float>(level5(block.levels[i] >> 4, high, i + kBytes) - 16);
  }
}

void decode(const Q5_1 &block, float *out) {
  const float scale = block.scale.get(), min = block.min.get();
  const uint32_t high = fifth_bits(block.high);
  for (size_t i = 0; i < kBytes; ++i) {
    out[i] = scale * static_cast<float>(level5(block.levels[i] & 15, high, i)) + min;
    out[i + kBytes] = scale * static_cast<float>(level5(block.levels[i] >> 4, high, i + kBytes)) + min;
  }
}

void decode(const Q8_0 &block, float *out) {
  const float scale = block.scale.get();
  for (size_t i = 0; i < Q8_0::kElements; ++i) out[i] = scale * static_cast<float>(block.levels[i]);
}

void decode(const MXFP4 &block, float *out) {
  static constexpr float kTwice[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
  // Half the scale, 2^(exponent - 128), a denormal for the lowest two.
  const uint32_t exponent = block.exponent;
  const float half = float_of(exponent < 2 ? 0x200000u << exponent : (exponent - 1) << 23);
  for (size_t i = 0; i < kBytes; ++i) {
    out[i] = half * kTwice[block.levels[i] & 15];
    out[i + kBytes] = half * kTwice[block.levels[i] >> 4];
  }
}

void encode(const float *values, Q4_0 *out) {
  float extreme = 0.0f;  // the value farthest from 0, the first of several
  for (size_t i = 0; i < Q4_0::kElements; ++i)
    if (std::fabs(extreme) < std::fabs(values[i])) extreme = values[i];
  const float scale = extreme / -8.0f, per_level = inverse(scale);
  out->scale.set(scale);
  for (size_t i = 0; i < kBytes; ++i) {
    const uint8_t low = level_of(values[i] * per_level + 8.5f);
    const uint8_t high = level_of(values[i + kBytes] * per_level + 8.5f);
    out->levels[i] = static_cast<uint8_t>(low | high << 4);
  }
}

void encode(const float *values, Q4_1 *out) {
  float min = values[0], max = values[0];
  for (size_t i = 1; i < Q4_1::kElements; ++i) {
    if (values[i] < min) min = values[i];
    if (values[i] > max) max = values[i];
  }
  const float scale = (max - min) / 15.0f, per_level = inverse(scale);
  out->scale.set(scale);
  out->min.set(min);
  for (size_t i = 0; i < kBytes; ++i) {
    const uint8_t low = level_of((values[i] - min) * per_level + 0.5f);
    const uint8_t high = level_of((values[i + kBytes] - min) * per_level + 0.5f);
    out->levels[i] = static_cast<uint8_t>(low | high << 4);
  }
}

void encode(const float *values, Q8_0 *out) {
  float farthest = 0.0f;
  for (size_t i = 0; i < Q8_0::kElements; ++i) farthest = std::max(farthest, std::fabs(values[i]));
  const float scale = farthest / 127.0f, per_level = inverse(scale);
  out->scale.set(scale);
  for (size_t i = 0; i < Q8_0::kElements; ++i) {
    const float level = values[i] * per_level;
    out->levels[i] = std::isfinite(level) ? static_cast<int8_t>(std::round(level)) : int8_t{0};
  }
}

}  // namespace infermem::blocks
