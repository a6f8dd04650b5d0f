// The conversions in plain C++: what every faster kernel must equal bit for bit.
//
// Stored data may lie at any address: it is read and written bytewise. F32 may overlap what it is converted to or from.
#pragma once

#include <cstddef>
#include <cstdint>

namespace infermem::reference {

// The index of the first NaN or infinity among n floats, or n.
size_t find_not_finite(const float *data, size_t n);

// ---- The library's own form: groups of n values with a scale and a minimum ----

// Writes the levels of a group of n values (one a byte, or with 4 bits two, the even one in the low nibble; an odd last
// byte's high nibble is 0) and the parameters. False, and nothing is written, when a value is NaN or infinite.
bool quantize_group(const float *values, size_t n, uint32_t bits, uint8_t *levels, float *out_scale, float *out_min);

// The steps of quantize_group, for what it cannot do in one: of finite values.
//
// A level is (value - origin) / scale, rounded to the nearest integer, halves away from 0, + zero. The origin is the
// group's minimum, and the level zero 0; or, symmetric, the origin is 0, and the level zero the middle one.
struct Levels {
  uint32_t bits;
  bool symmetric;

  uint32_t zero() const { return symmetric ? 1u << (bits - 1) : 0; }
  // How far from the level zero they go.
  float top() const { return static_cast<float>((1u << (symmetric ? bits - 1 : bits)) - 1); }
};
struct Range {
  float min, max;
};
struct Parameters {
  float scale, min;  // the origin, where that is none
};
Range find_range(const float *values, size_t n);
// Such that no level lies beyond the highest, top. The range of what is symmetric is from 0 to the largest magnitude.
Parameters parameters_of(Range range, float top);
// Levels as quantize_group writes them. max: the largest value of the whole group; the minimum may be below the least.
void find_levels(const float *values, size_t n, Levels form, Parameters parameters, float max, uint8_t *levels);

// level * scale + min, two roundings. Never infinite for what quantize_group wrote.
void dequantize_group(const uint8_t *levels, size_t n, uint32_t bits, float scale, float min, float *out);
// The same, rounded to F16 or BF16.
void dequantize_group(const uint8_t *levels, size_t n, uint32_t bits, float scale, float min, int32_t dtype,
                      uint16_t *out);

// ---- Stored types, by INFERMEM_DTYPE_* ----

// The bits of a stored value, its share of a block's parameters apart; 0 of a type that cannot be decoded.
uint32_t level_bits(int32_t dtype);
inline bool can_decode(int32_t dtype) { return level_bits(dtype) != 0; }

// n elements, whole blocks, of a type that can_decode, to floats: GGML's values, bit for bit.
void decode(int32_t dtype, const void *stored, size_t n, float *out);

// n floats to F32, F16 or BF16.
void encode(int32_t dtype, const float *values, size_t n, void *out);

// n finite floats to whole blocks of a type that can_quantize. What a block needs must fit.
bool can_quantize(int32_t dtype);
void quantize(int32_t dtype, const float *values, size_t n, void *out);

// Whether a block of these values, as many as it holds, has finite parameters and gives finite values.
bool block_fits(int32_t dtype, const float *values, size_t n);

}  // namespace infermem::reference
