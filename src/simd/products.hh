// Products in plain C++, in double precision; and activations.
#pragma once

#include "simd/kernels.hh"

namespace infermem::reference {

bool activate(const float *values, size_t n, int8_t *levels, float *scales, float *sums);

template <uint32_t kBits>
float dot_q8(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n,
             const Activations &x);

float dot_blocks_q8(int32_t dtype, const uint8_t *stored, size_t n, const Activations &x);

void packed(const Packed &form, const uint8_t *block, const float *x, size_t stride, size_t n_x, float *out);
void packed_q8(const Packed &form, const uint8_t *block, const Activations *x, size_t n_x, float *out);

// The parameters of one row of a record that has so many columns.
struct RowParameters {
  float scale, min;
};
RowParameters parameters_of(const Packed &form, const uint8_t *record, size_t columns, size_t row);

}  // namespace infermem::reference
