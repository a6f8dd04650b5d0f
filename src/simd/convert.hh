// Stored types to floats and back, by the fastest kernel that there is for the type.
#pragma once

#include "infermem/dtype.h"
#include "simd/float16.hh"
#include "simd/kernels.hh"
#include "simd/reference.hh"

namespace infermem {

// n elements, whole blocks, of a type that reference::can_decode, to floats.
inline void decode(int32_t dtype, const void *stored, size_t n, float *out) {
  switch (dtype) {
    case INFERMEM_DTYPE_F16:
      return kernels().f16_to_f32(stored, n, out);
    case INFERMEM_DTYPE_BF16:
      return kernels().stored->from_bf16(stored, n, out);
    default:
      return kernels().decode(dtype, stored, n, out);
  }
}

// Whether keys and values can be stored as a type: whether encode() knows it.
inline bool can_encode(int32_t dtype) {
  return dtype == INFERMEM_DTYPE_F32 || dtype == INFERMEM_DTYPE_F16 || dtype == INFERMEM_DTYPE_BF16 ||
         dtype == INFERMEM_DTYPE_Q8_0 || dtype == INFERMEM_DTYPE_Q4_0 || dtype == INFERMEM_DTYPE_Q4_1;
}

// n floats, whole blocks, to a type that can_encode. False, with the output half done, when a block type cannot hold one.
inline bool encode(int32_t dtype, const float *values, size_t n, void *out) {
  switch (dtype) {
    case INFERMEM_DTYPE_F16:
      kernels().f32_to_f16(values, n, out);
      return true;
    case INFERMEM_DTYPE_BF16:
      kernels().stored->to_bf16(values, n, out);
      return true;
    case INFERMEM_DTYPE_Q8_0:
      return kernels().stored->to_q8_0(values, n, out);
    case INFERMEM_DTYPE_Q4_0:
      return kernels().stored->to_q4_0(values, n, out);
    case INFERMEM_DTYPE_Q4_1:
      return kernels().stored->to_q4_1(values, n, out);
    default:
      reference::encode(dtype, values, n, out);
      return true;
  }
}

// n floats to F16 or BF16.
inline void encode16(int32_t dtype, const float *values, size_t n, uint16_t *out) { encode(dtype, values, n, out); }

}  // namespace infermem
