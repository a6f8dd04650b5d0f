// Super-blocks of 256, read; and Q8_K written, which needs no search: GGML's reference quantization, bit for bit.
#include <algorithm>
#include <cmath>

#include "simd/blocks.hh"

namespace infermem::blocks {
namespace {

// The scale of a run of Q3_K, less its offset: the low four bits are nibbles of the first eight bytes, the high two are
// in the last four.
int run_scale(const uint8_t (&scales)[12], size_t run) {
  const int low = (scales[run % 8] >> (run / 8 * 4)) & 15;
  const int high = (scales[8 + run % 4] >> (run / 4 * 2)) & 3;
  return (low | high << 4) - 32;
}

// To the nearest integer, ties to even; of less than 2^22.
float round_even(float x) { return (x + 0x1.8p23f) - 0x1.8p23f; }

}  // namespace

RunScale get_run(const uint8_t (&scales)[12], size_t run) {
  if (run < 4) return {static_cast<uint8_t>(scales[run] & 63), static_cast<uint8_t>(scales[run + 4] & 63)};
  return {static_cast<uint8_t>((scales[run + 4] & 15) | (scales[run - 4] >> 6) << 4),
          static_cast<uint8_t>((scales[run + 4] >> 4) | (scales[run] >> 6) << 4)};
}

void set_run(uint8_t (&scales)[12], size_t run, RunScale value) {
  if (run < 4) {
    scales[run] = value.scale;
    scales[run + 4] = value.min;
  } else {
    scales[run + 4] = static_cast<uint8_t>((value.scale & 15) | (value.min & 15) << 4);
    scales[run - 4] = static_cast<uint8_t>(scales[run - 4] | (value.scale >> 4) << 6);
    scales[run] = static_cast<uint8_t>(scales[run] | (value.min >> 4) << 6);
  }
}

void decode(const Q2_K &block, float *out) {
  const float scale = block.scale.get(), min = block.min.get();
  for (size_t run = 0; run < 16; ++run, out += 16) {
    const float step = scale * static_cast<float>(block.scales[run] & 15);
    const float below = min * static_cast<float>(block.scales[run] >> 4);
    const uint8_t *levels = block.levels + run / 8 * 32 + run % 2 * 16;
    const size_t shift = run % 8 / 2 * 2;
    for (size_t i = 0; i < 16; ++i) out[i] = step * static_cast<float>((levels[i] >> shift) & 3) - below;
  }
}

void decode(const Q3_K &block, float *out) {
  const float scale = block.scale.get();
  for (size_t run = 0; run < 16; ++run, out += 16) {
    const float step = scale * static_cast<float>(run_scale(block.scales, run));
    const uint8_t *levels = block.levels + run / 8 * 32 + run % 2 * 16, *high = block.high + run % 2 * 16;
    const size_t shift = run % 8 / 2 * 2, bit = run / 2;
    for (size_t i = 0; i < 16; ++i) {
      const int level = ((levels[i] >> shift) & 3) | ((high[i] >> bit) & 1) << 2;
      out[i] = step * static_cast<float>(level - 4);
    }
  }
}

void decode(const Q4_K &block, float *out) {
  const float scale = block.scale.get(), min = block.min.get();
  for (size_t run = 0; run < 8; ++run, out += 32) {
    const RunScale run_scale = get_run(block.scales, run);
    const float step = scale * run_scale.scale, below = min * run_scale.min;
    const uint8_t *levels = block.levels + run / 2 * 32;
    const size_t shift = run % 2 * 4;
    for (size_t i = 0; i < 32; ++i) out[i] = step * static_cast<float>((levels[i] >> shift) & 15) - below;
  }
}

void decode(const Q5_K &block, float *out) {
  const float scale = block.scale.get(), min = block.min.get();
  for (size_t run = 0; run < 8; ++run, out += 32) {
    const RunScale run_scale = get_run(block.scales, run);
    const float step = scale * run_scale.scale, below = min * run_scale.min;
    const uint8_t *levels = block.levels + run / 2 * 32;
    const size_t shift = run % 2 * 4;
    for (size_t i = 0; i < 32; ++i) {
      const int level = ((levels[i] >> shift) & 15) | ((block.high[i] >> run) & 1) << 4;
      out[i] = step * static_cast<float>(level) - below;
    }
  }
}

void decode(const Q6_K &block, float *out) {
  const float scale = block.scale.get();
  for (size_t run = 0; run < 16; ++run, out += 16) {
    const float step = scale * block.scales[run];
    const uint8_t *levels = block.levels + run / 8 * 64 + run % 4 * 16;
    const uint8_t *high = block.high + run / 8 * 32 + run % 2 * 16;
    const size_t shift = run % 8 / 4 * 4, high_shift = run % 8 / 2 * 2;
    for (size_t i = 0; i < 16; ++i) {
      const int level = ((levels[i] >> shift) & 15) | ((high[i] >> high_shift) & 3) << 4;
      out[i] = step * static_cast<float>(level - 32);
    }
  }
}

void decode(const Q8_K &block, float *out) {
  float scale;
  std::memcpy(&scale, block.scale, sizeof scale);
  for (size_t i = 0; i < Q8_K::kElements; ++i) out[i] = scale * static_cast<float>(block.levels[i]);
}

void encode(const float *values, Q8_K *out) {
  float extreme = 0.0f;  // the value farthest from 0, the first of several
  for (size_t i = 0; i < Q8_K::kElements; ++i)
    if (std::fabs(values[i]) > std::fabs(extreme)) extreme = values[i];
  const float per_level = extreme != 0.0f ? -127.0f / extreme : 0.0f;
  const float scale = extreme != 0.0f ? 1.0f / per_level : 0.0f;
  std::memcpy(out->scale, &scale, sizeof scale);
  for (size_t i = 0; i < Q8_K::kElements; ++i) {
    const float level = values[i] * per_level;
    // The inverse of a denormal may be infinite; the scale is 0 then.
    out->levels[i] = std::isfinite(level) ? static_cast<int8_t>(std::min(round_even(level), 127.0f)) : int8_t{0};
  }
  for (size_t run = 0; run < 16; ++run) {
    int16_t sum = 0;
    for (size_t i = 0; i < 16; ++i) sum = static_cast<int16_t>(sum + out->levels[run * 16 + i]);
    std::memcpy(out->sums[run], &sum, sizeof sum);
  }
}

}  // namespace infermem::blocks
