// The Hadamard rotation of keys and values before they are quantized.
//
// A head's outliers are spread over all of its elements, so that blocks of few bits lose less. The matrix is orthonormal
// and symmetric: products of rotated vectors are those of the vectors themselves, but for rounding, and rotating twice
// gives back what there was. So attention rotates a query once, and its output, a sum of rotated values, once.
#pragma once

#include <cstddef>

namespace infermem {

// How many elements are rotated together in heads of this size: the largest power of two that divides it, and at most
// kMaxRun. Of an odd size that is 1, and the rotation changes nothing.
constexpr size_t kMaxRun = 1024;
constexpr size_t rotation_run(size_t head_dim) {
  const size_t run = head_dim & (~head_dim + 1);
  return run < kMaxRun ? run : kMaxRun;
}

// Rotates each run of n floats in place. run is a power of two, and n a multiple of it.
void rotate(float *values, size_t n, size_t run);

}  // namespace infermem
