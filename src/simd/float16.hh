// The two 16-bit float types against F32: IEEE 754 binary16 (F16) and the upper half of binary32 (BF16).
//
// In integer arithmetic, so that neither the rounding mode nor a host that flushes denormals changes a bit. NaNs are
// treated as x86's and ARM's conversion instructions do: F16 keeps the upper bits of the payload and becomes quiet.
#pragma once

#include <cstdint>
#include <cstring>

namespace infermem {

inline uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline float float_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline float f16_to_f32(uint16_t half) {
  const uint32_t sign = (half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  const uint32_t mantissa = half & 0x3ffu;
  if (exponent == 0x1f) return float_of(sign | 0x7f800000u | (mantissa != 0 ? 0x400000u : 0) | mantissa << 13);
  // A denormal is a normal F32: mantissa * 2^-24, exactly.
  if (exponent == 0) return float_of(sign | bits_of(static_cast<float>(mantissa) * 0x1p-24f));
  return float_of(sign | (exponent + 127 - 15) << 23 | mantissa << 13);
}

// Rounds to nearest, ties to even; from 65520 on the nearest is infinity.
inline uint16_t f32_to_f16(float value) {
  const uint32_t bits = bits_of(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  uint32_t half;
  if (magnitude > 0x7f800000u) {  // NaN
    half = 0x7e00u | ((magnitude >> 13) & 0x3ffu);
  } else if (magnitude >= 0x47800000u) {  // 65536 and more
    half = 0x7c00u;
  } else if (magnitude >= 0x38800000u) {  // 2^-14 and more; a carry out of the mantissa raises the exponent rightly
    half = (magnitude + 0xfffu + ((magnitude >> 13) & 1u) - ((127u - 15u) << 23)) >> 13;
  } else {  // denormal: the mantissa, with its leading one, in units of 2^-24
    const uint32_t shift = 126u - (magnitude >> 23);
    if (shift > 24) return static_cast<uint16_t>(sign);
    const uint32_t mantissa = (magnitude & 0x7fffffu) | 0x800000u;
    const uint32_t rest = mantissa & ((1u << shift) - 1);
    const uint32_t tie = 1u << (shift - 1);
    half = mantissa >> shift;
    if (rest > tie || (rest == tie && (half & 1u) != 0)) half++;
  }
  return static_cast<uint16_t>(sign | half);
}

inline float bf16_to_f32(uint16_t half) { return float_of(static_cast<uint32_t>(half) << 16); }

// Rounds to nearest, ties to even; what is nearest to 2^128 becomes infinity.
inline uint16_t f32_to_bf16(float value) {
  const uint32_t bits = bits_of(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>(bits >> 16 | 0x40u);  // NaN
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

}  // namespace infermem
