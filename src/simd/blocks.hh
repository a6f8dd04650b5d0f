// The field's block types: how GGML lays them out, and their conversions in plain C++.
//
// The structs are made of bytes alone, so that a block may lie at any address, and are little-endian, as files are. A
// level is the small integer that is stored of a value. Every product of a level, a run's scale and an F16 has at most
// 24 bits: it is exact in a float, in any order of the factors, and with fused multiply-add or without.
#pragma once

#include <cstring>

#include "infermem/dtype.h"
#include "simd/float16.hh"

// X(name, bits of a level): the block types that can be read.
#define INFERMEM_BLOCK_LIST(X) \
  X(Q4_0, 4)                   \
  X(Q4_1, 4)                   \
  X(Q5_0, 5)                   \
  X(Q5_1, 5)                   \
  X(Q8_0, 8)                   \
  X(MXFP4, 4)                  \
  X(Q2_K, 2)                   \
  X(Q3_K, 3)                   \
  X(Q4_K, 4)                   \
  X(Q5_K, 5)                   \
  X(Q6_K, 6)                   \
  X(Q8_K, 8)

// X(name): those that can be written.
#define INFERMEM_WRITTEN_BLOCK_LIST(X) \
  X(Q4_0)                              \
  X(Q4_1)                              \
  X(Q8_0)                              \
  X(Q4_K)                              \
  X(Q6_K)                              \
  X(Q8_K)

namespace infermem::blocks {

struct Half {
  uint8_t bytes[2];

  float get() const {
    uint16_t half;
    std::memcpy(&half, bytes, sizeof half);
    return f16_to_f32(half);
  }
  void set(float value) {
    const uint16_t half = f32_to_f16(value);
    std::memcpy(bytes, &half, sizeof half);
  }
};

// ---- Blocks of 32 ----
//
// Of levels of 4 or 5 bits, the low four of element i are in byte i % 16, the low nibble of it where i is below 16; the
// fifth of element i is bit i of `high`.

struct Q4_0 {  // scale * (level - 8)
  static constexpr size_t kElements = 32;
  Half scale;
  uint8_t levels[16];
};

struct Q4_1 {  // scale * level + min
  static constexpr size_t kElements = 32;
  Half scale, min;
  uint8_t levels[16];
};

struct Q5_0 {  // scale * (level - 16)
  static constexpr size_t kElements = 32;
  Half scale;
  uint8_t high[4];
  uint8_t levels[16];
};

struct Q5_1 {  // scale * level + min
  static constexpr size_t kElements = 32;
  Half scale, min;
  uint8_t high[4];
  uint8_t levels[16];
};

struct Q8_0 {  // scale * level
  static constexpr size_t kElements = 32;
  Half scale;
  int8_t levels[32];
};

struct MXFP4 {  // 2^(exponent - 127) * the level as an E2M1 float
  static constexpr size_t kElements = 32;
  uint8_t exponent;
  uint8_t levels[16];
};

// ---- Super-blocks of 256: runs of 16 or 32 elements with small integers for scales, which have a scale themselves ----
//
// Levels are shared out among bytes so that the elements of neighbouring bytes are neighbours:
//   2 bits: element i in byte i / 128 * 32 + i % 32, at bit i % 128 / 32 * 2
//   4 bits: in byte i / 64 * 32 + i % 32, at bit i % 64 / 32 * 4; Q6_K: i / 128 * 64 + i % 64, at bit i % 128 / 64 * 4
//   the high bit: in byte i % 32, bit i / 32; Q6_K's two as levels of 2 bits

struct Q2_K {  // runs of 16; scale * (scales & 15) * level - min * (scales >> 4)
  static constexpr size_t kElements = 256;
  uint8_t scales[16];
  uint8_t levels[64];
  Half scale, min;
};

struct Q3_K {  // runs of 16; scale * (6 bits of scales - 32) * (level - 4)
  static constexpr size_t kElements = 256;
  uint8_t high[32];
  uint8_t levels[64];
  uint8_t scales[12];
  Half scale;
};

struct Q4_K {  // runs of 32; scale * (6 bits of scales) * level - min * (6 bits of scales)
  static constexpr size_t kElements = 256;
  Half scale, min;
  uint8_t scales[12];
  uint8_t levels[128];
};

struct Q5_K {  // as Q4_K
  static constexpr size_t kElements = 256;
  Half scale, min;
  uint8_t scales[12];
  uint8_t high[32];
  uint8_t levels[128];
};

struct Q6_K {  // runs of 16; scale * scales * (level - 32)
  static constexpr size_t kElements = 256;
  uint8_t levels[128];
  uint8_t high[64];
  int8_t scales[16];
  Half scale;
};

struct Q8_K {  // scale * level; the scale is an F32, the sums those of 16 levels each, 16-bit integers
  static constexpr size_t kElements = 256;
  uint8_t scale[4];
  int8_t levels[256];
  uint8_t sums[16][2];
};

// What 12 bytes of scales hold of a run of Q4_K and Q5_K: 6 bits each. Of runs 0 to 3, the low six bits of bytes
// run and run + 4; of runs 4 to 7, the nibbles of byte run + 4, and above them the high two bits of bytes run - 4 and
// run.
struct RunScale {
  uint8_t scale, min;
};
RunScale get_run(const uint8_t (&scales)[12], size_t run);
// The bytes must be 0 before the first run, and runs be set in their order.
void set_run(uint8_t (&scales)[12], size_t run, RunScale value);

// ---- Conversions, of one block ----

#define INFERMEM_BLOCK_ENTRY(name, bits) void decode(const name &block, float *out);
INFERMEM_BLOCK_LIST(INFERMEM_BLOCK_ENTRY)
#undef INFERMEM_BLOCK_ENTRY

// Of finite values that fit (see reference::block_fits). Every byte of the block is written.
#define INFERMEM_BLOCK_ENTRY(name) void encode(const float *values, name *out);
INFERMEM_WRITTEN_BLOCK_LIST(INFERMEM_BLOCK_ENTRY)
#undef INFERMEM_BLOCK_ENTRY

}  // namespace infermem::blocks
