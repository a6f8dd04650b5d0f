// The block types in kernels_avx2's table; see kernels.hh.
#pragma once

#include "simd/kernels.hh"

namespace infermem::avx2 {

float dot_blocks_q8(int32_t dtype, const uint8_t *stored, size_t n, const Activations &x);

}  // namespace infermem::avx2
