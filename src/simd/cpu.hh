// What the processor has.
#pragma once

#include <cstddef>

namespace infermem {

// The instruction sets of infermem/simd.h, as the kernels are compiled for them; also that the system saves their
// registers. Each is false on other processors.
bool cpu_has_sse4();
bool cpu_has_avx2();
bool cpu_has_avx512();
bool cpu_has_neon();

// Whether it also has NEON's instructions for dot products of bytes.
bool cpu_has_dot_product();

// Outputs of more bytes than these are written faster past the caches than through them.
size_t streaming_threshold();

}  // namespace infermem
