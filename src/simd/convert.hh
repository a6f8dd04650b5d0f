// Stored types to floats and back, by the fastest kernel that there is for the type.
#pragma once

#include "infermem/dtype.h"
#include "simd/float16.hh"
#include "simd/kernels.hh"
#include "simd/reference.hh"

namespace infermem {

// n elements, whole blocks, of a type that reference::can_decode, to floats.
inline void decode(int32_t dtype, const void *stored, size_t n, float *out) {
  if (dtype == INFERMEM_DTYPE_F16)
    kernels().f16_to_f32(stored, n, out);
  else
    kernels().decode(dtype, stored, n, out);
}

// n floats to a type that reference::can_encode.
inline void encode(int32_t dtype, const float *values, size_t n, void *out) {
  if (dtype == INFERMEM_DTYPE_F16)
    kernels().f32_to_f16(values, n, out);
  else
    reference::encode(dtype, values, n, out);
}

// n floats to F16 or BF16.
inline void encode16(int32_t dtype, const float *values, size_t n, uint16_t *out) {
  if (dtype == INFERMEM_DTYPE_F16)
    kernels().f32_to_f16(values, n, out);
  else
    for (size_t i = 0; i < n; ++i) out[i] = f32_to_bf16(values[i]);
}

}  // namespace infermem
