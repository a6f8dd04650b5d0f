// What every matrix is checked for, and the sentences for it.
#pragma once

#include "base/checked.hh"
#include "base/error.hh"

namespace infermem {

[[gnu::cold]] inline Status fail_overflow(size_t rows, size_t cols) {
  return fail(INFERMEM_E_OVERFLOW, 0, rows, "a matrix of %zu x %zu does not fit", rows, cols);
}

[[gnu::cold]] inline Status fail_not_finite(size_t index, size_t cols) {
  return fail(INFERMEM_E_NOT_FINITE, 0, index, "element %zu (row %zu, column %zu) is NaN or infinite", index,
              index / cols, index % cols);
}

// The elements of a matrix: more than 0, and a number that fits.
inline Status check_shape(size_t rows, size_t cols, size_t *out_elements) {
  if (rows == 0 || cols == 0) return fail(INFERMEM_E_SHAPE, 1, 0, "a matrix of %zu x %zu has no elements", rows, cols);
  return checked::mul(rows, cols, out_elements) ? INFERMEM_OK : fail_overflow(rows, cols);
}

}  // namespace infermem
