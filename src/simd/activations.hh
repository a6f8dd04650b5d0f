// A vector of floats in 8 bits, for products of integers: element i is about levels[i] * scales[i / kBlock].
#pragma once

#include <cstddef>
#include <cstdint>

namespace infermem {

struct Activations {
  static constexpr size_t kBlock = 32;
  static constexpr size_t kAlign = 64;
  static constexpr float kLeast = 0x1p-100f;  // a block below it is all zeros: its inverse need not fit

  // Elements, and blocks, with the zeros that follow them: a kernel may read 64 levels, or 16 scales, at once.
  static constexpr size_t padded(size_t n) { return (n + 63) / 64 * 64; }
  static constexpr size_t padded_blocks(size_t n) { return (n + 511) / 512 * 16; }

  const int8_t *levels;  // -127 to 127
  const float *scales;   // 0 where a block is all zeros
  const float *sums;     // of the levels of a block, times its scale

  // What remains from an element on, which begins a block.
  Activations from(size_t first) const { return {levels + first, scales + first / kBlock, sums + first / kBlock}; }
};

}  // namespace infermem
