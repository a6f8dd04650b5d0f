#include "kv/rotate.hh"

#include "simd/kernels.hh"

namespace infermem {

void rotate(float *values, size_t n, size_t run) {
  if (run > 1) kernels().stored->rotate(values, n, run);
}

}  // namespace infermem
