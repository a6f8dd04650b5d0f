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

// Of a group of n finite values, writes the levels (one a byte, or with 4 bits two, the even one in the low nibble; an
// odd last byte's high nibble is 0) and the parameters.
void quantize_group(const float *values, size_t n, uint32_t bits, uint8_t *levels, float *out_scale, float *out_min);

// level * scale + min, two roundings. Never infinite for what quantize_group wrote.
void dequantize_group(const uint8_t *levels, size_t n, uint32_t bits, float scale, float min, float *out);

// ---- Stored types, by INFERMEM_DTYPE_* ----

// n elements, whole blocks, of a type that can_decode, to floats.
bool can_decode(int32_t dtype);
void decode(int32_t dtype, const void *stored, size_t n, float *out);

// n floats to a type that can_encode, which can_decode as well.
bool can_encode(int32_t dtype);
void encode(int32_t dtype, const float *values, size_t n, void *out);

}  // namespace infermem::reference
