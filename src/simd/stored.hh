// The kernels of keys and values as caches store them: a part of each table of kernels, with the same rule: the bits are
// those of the plain ones, whatever the instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace infermem {

constexpr float kLeastMagnitude = 1e-10f;  // of to_levels

struct StoredKernels {
  // n floats to whole blocks, at any address: GGML's reference, bit for bit. False, with the output half done, when a value
  // is NaN or infinite, or a block's parameters do not fit.
  bool (*to_q8_0)(const float *in, size_t n, void *out);
  bool (*to_q4_0)(const float *in, size_t n, void *out);
  bool (*to_q4_1)(const float *in, size_t n, void *out);
  // n finite floats to levels of 8 bits, in blocks of `block`, 32 or 256, of which n is a multiple: a scale is the block's
  // largest magnitude / 127, or 1 / 127 where that magnitude is at most 1e-10; a level is the value / scale, rounded to
  // nearest, halves away from 0.
  void (*to_levels)(const float *in, size_t block, size_t n, int8_t *levels, float *scales);
  // To nearest, ties to even; at any address.
  void (*to_bf16)(const float *in, size_t n, void *out);
  void (*from_bf16)(const void *in, size_t n, float *out);
  // Whether the magnitude of each of n floats is below a limit; that of NaN is not.
  bool (*all_below)(const float *values, size_t n, float limit);
  // Multiplies each run of n floats by the Hadamard matrix of its size, and by 1 / sqrt(size), in place. run is a power of
  // two, and n a multiple of it.
  void (*rotate)(float *values, size_t n, size_t run);
  // Copies bytes past the caches where the processor can; fence_streams() lets other threads see them in order.
  void (*stream)(const void *in, size_t bytes, void *out);
};

// For what any table has streamed: another may have been chosen since.
inline void fence_streams() {
#ifdef __x86_64__
  __builtin_ia32_sfence();
#endif
}

extern const StoredKernels stored_reference, stored_sse4, stored_avx2, stored_avx512, stored_neon;

}  // namespace infermem
