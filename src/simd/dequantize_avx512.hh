// The dequantizing of kernels_avx512's table; see kernels.hh.
#pragma once

#include "simd/kernels.hh"

namespace infermem::avx512 {

template <uint32_t kBits>
void dequantize(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n, bool stream,
                float *out);

template <uint32_t kBits>
void dequantize_to_16(int32_t dtype, const uint8_t *levels, const float *scales, const float *mins, size_t group,
                      size_t n, bool stream, uint16_t *out);

}  // namespace infermem::avx512
