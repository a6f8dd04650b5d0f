// Activations in the caller's memory: a head, then of each vector its levels, scales and sums.
#pragma once

#include "base/error.hh"
#include "simd/activations.hh"

namespace infermem {

// Bytes of n_x vectors of n elements each; 0 when there are none, or when they do not fit.
size_t activations_bytes(size_t n, size_t n_x);

// Quantizes n_x vectors of n floats, one after the other.
Status quantize_activations(const float *x, size_t n_floats, size_t n, size_t n_x, void *out, size_t n_out);

// Activations as they were written, of so many elements and vectors.
class ActivationsView {
 public:
  Status open(const void *bytes, size_t n_bytes, size_t n, size_t n_x);
  Activations at(size_t vector) const;

 private:
  size_t n_ = 0;
  const char *vectors_ = nullptr;
};

}  // namespace infermem
