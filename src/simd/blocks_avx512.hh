// The block types in kernels_avx512's table; see kernels.hh.
#pragma once

#include "simd/kernels.hh"

namespace infermem::avx512 {

void decode(int32_t dtype, const void *stored, size_t n, float *out);
float dot_blocks_q8(int32_t dtype, const uint8_t *stored, size_t n, const Activations &x);

}  // namespace infermem::avx512
