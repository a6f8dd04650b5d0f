// The product of a matrix with a vector, reading the stored form directly.
#include <algorithm>

#include "quant/quant.hh"
#include "simd/kernels.hh"

namespace infermem {
namespace {

// Elements decoded at once where no kernel reads the form itself: whole blocks of any type.
constexpr size_t kDecoded = 256;

}  // namespace

float Quant::dot_row(size_t row, const float *x) const {
  float sum = 0;
  if (dtype_ == INFERMEM_QUANT_NATIVE) {
    const auto dot = bits_ == 4 ? kernels().dot4 : kernels().dot8;
    const size_t most = are_parameters_plain() ? cols_ : ParameterRoom::kGroups * group_;
    ParameterRoom room;
    for (size_t first = 0; first < cols_; first += most) {
      const size_t run = std::min(most, cols_ - first);
      const GroupParameters p = parameters(row * groups_ + first / group_, (run - 1) / group_ + 1, &room);
      sum += dot(data_ + row * row_bytes_ + first * bits_ / 8, p.scales, p.mins, group_, run, x + first);
    }
    return sum;
  }
  float values[kDecoded];
  for (size_t first = 0; first < cols_; first += kDecoded) {
    const size_t run = std::min(kDecoded, cols_ - first);
    decode(row, first, run, false, values);
    sum += kernels().dot(values, run, x + first);
  }
  return sum;
}

Status Quant::check_vectors(size_t n_x, size_t n_rows, size_t n_out) const {
  if (n_x != cols_) return fail(INFERMEM_E_SHAPE, cols_, n_x, "x of %zu floats is not one row of %zu", n_x, cols_);
  if (n_out != n_rows)
    return fail(INFERMEM_E_SHAPE, n_rows, n_out, "out of %zu floats is not one of each of %zu rows", n_out, n_rows);
  return INFERMEM_OK;
}

Status Quant::gemv(size_t first_row, size_t n_rows, const float *x, size_t n_x, float *out, size_t n_out) const {
  INFERMEM_TRY(store_.check());
  INFERMEM_TRY(check_vectors(n_x, n_rows, n_out));
  INFERMEM_TRY(check_range(first_row, n_rows));
  for (size_t i = 0; i < n_rows; ++i) out[i] = dot_row(first_row + i, x);
  return INFERMEM_OK;
}

Status Quant::gemv_rows(const size_t *rows, size_t n_rows, const float *x, size_t n_x, float *out, size_t n_out) const {
  INFERMEM_TRY(store_.check());
  INFERMEM_TRY(check_vectors(n_x, n_rows, n_out));
  INFERMEM_TRY(check_indices(rows, n_rows));
  for (size_t i = 0; i < n_rows; ++i) out[i] = dot_row(rows[i], x);
  return INFERMEM_OK;
}

}  // namespace infermem
