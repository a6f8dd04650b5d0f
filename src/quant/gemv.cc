// Products of a matrix with vectors, reading the stored form directly.
#include <algorithm>
#include <cstring>

#include "quant/activations.hh"
#include "quant/quant.hh"
#include "simd/kernels.hh"

namespace infermem {
namespace {

constexpr size_t kRows = Packed::kRows;
constexpr size_t kVectors = 64;  // taken at once, so that the weights are read once for them
// Elements decoded at once where no kernel reads the form itself: whole blocks of any type.
constexpr size_t kDecoded = 1024;

}  // namespace

// The sum of dot(levels, parameters, n, first) over a plain row, as many columns at once as have parameters at hand.
template <typename Dot>
float Quant::dot_groups(size_t row, Dot dot) const {
  const size_t most = are_parameters_plain() ? cols_ : ParameterRoom::kGroups * group_;
  ParameterRoom room;
  float sum = 0;
  for (size_t first = 0; first < cols_; first += most) {
    const size_t n = std::min(most, cols_ - first);
    const GroupParameters p = parameters(row * groups_ + first / group_, (n - 1) / group_ + 1, &room);
    sum += dot(data_ + row * row_bytes_ + first * bits_ / 8, p, n, first);
  }
  return sum;
}

float Quant::dot_row(size_t row, const float *x) const {
  if (dtype_ == INFERMEM_QUANT_NATIVE && !is_packed_) {
    const auto dot = bits_ == 4 ? kernels().dot4 : kernels().dot8;
    return dot_groups(row, [&](const uint8_t *levels, const GroupParameters &p, size_t n, size_t first) {
      return dot(levels, p.scales, p.mins, group_, n, x + first);
    });
  }
  float values[kDecoded];
  float sum = 0;
  for (size_t first = 0; first < cols_; first += kDecoded) {
    const size_t run = std::min(kDecoded, cols_ - first);
    decode(row, first, run, false, values);
    sum += kernels().dot(values, run, x + first);
  }
  return sum;
}

float Quant::dot_row(size_t row, const Activations &x) const {
  if (dtype_ == INFERMEM_QUANT_NATIVE && !is_packed_) {
    const auto dot = bits_ == 4 ? kernels().dot4_q8 : kernels().dot8_q8;
    return dot_groups(row, [&](const uint8_t *levels, const GroupParameters &p, size_t n, size_t first) {
      return dot(levels, p.scales, p.mins, group_, n, x.from(first));
    });
  }
  if (dtype_ != INFERMEM_QUANT_NATIVE && group_ >= Activations::kBlock)
    return kernels().dot_blocks_q8(dtype_, data_ + row * row_bytes_, cols_, x);
  float values[kDecoded], activations[kDecoded];
  float sum = 0;
  for (size_t first = 0; first < cols_; first += kDecoded) {
    const size_t run = std::min(kDecoded, cols_ - first);
    decode(row, first, run, false, values);
    for (size_t i = 0; i < run; ++i)
      activations[i] = static_cast<float>(x.levels[first + i]) * x.scales[(first + i) / Activations::kBlock];
    sum += kernels().dot(values, run, activations);
  }
  return sum;
}

// The vectors v of a product: floats that follow each other, or activations.
struct Quant::Floats {
  const float *x;
  size_t cols;

  const float *at(size_t v) const { return x + v * cols; }
  void multiply(const Packed &form, const uint8_t *block, size_t v, size_t n_x, float *out) const {
    kernels().packed(form, block, at(v), cols, n_x, out);
  }
};

struct Quant::Levels {
  ActivationsView x;

  Activations at(size_t v) const { return x.at(v); }
  void multiply(const Packed &form, const uint8_t *block, size_t v, size_t n_x, float *out) const {
    Activations vectors[kVectors];
    for (size_t i = 0; i < n_x; ++i) vectors[i] = x.at(v + i);
    kernels().packed_q8(form, block, vectors, n_x, out);
  }
};

// out[v * stride + i] for rows first_row + i.
template <typename Vectors>
void Quant::multiply(size_t first_row, size_t n_rows, const Vectors &x, size_t n_x, float *out, size_t stride) const {
  if (!is_packed_) {
    for (size_t i = 0; i < n_rows; ++i)
      for (size_t v = 0; v < n_x; ++v) out[v * stride + i] = dot_row(first_row + i, x.at(v));
    return;
  }
  float sums[kVectors * kRows];
  for (size_t v = 0; v < n_x; v += kVectors) {
    const size_t vectors = std::min(kVectors, n_x - v);
    for (size_t row = first_row; row < first_row + n_rows;) {
      const size_t skipped = row % kRows, count = std::min(kRows - skipped, first_row + n_rows - row);
      x.multiply(form(), data_ + record_at(row, 0), v, vectors, sums);
      for (size_t i = 0; i < vectors; ++i)
        std::memcpy(out + (v + i) * stride + row - first_row, sums + i * kRows + skipped, count * sizeof(float));
      row += count;
    }
  }
}

Status Quant::check_vectors(size_t n_x, size_t n_rows, size_t n_out) const {
  if (n_x != cols_) return fail(INFERMEM_E_SHAPE, cols_, n_x, "x of %zu floats is not one row of %zu", n_x, cols_);
  if (n_out != n_rows)
    return fail(INFERMEM_E_SHAPE, n_rows, n_out, "out of %zu floats is not one of each of %zu rows", n_out, n_rows);
  return INFERMEM_OK;
}

// out: of each vector n_rows floats, at multiples of stride.
Status Quant::check_outputs(size_t n_rows, size_t n_x, size_t stride, size_t n_out) const {
  if (n_x == 0) return fail(INFERMEM_E_SHAPE, 1, 0, "there are no vectors");
  if (stride < n_rows)
    return fail(INFERMEM_E_SHAPE, n_rows, stride, "a stride of %zu is less than the %zu rows", stride, n_rows);
  size_t wanted = SIZE_MAX;
  if (checked::mul(n_x - 1, stride, &wanted) && checked::add(wanted, n_rows, &wanted) && n_out >= wanted)
    return INFERMEM_OK;
  return fail(INFERMEM_E_SHAPE, wanted, n_out, "out of %zu floats has no room for %zu vectors of %zu, %zu apart", n_out,
              n_x, n_rows, stride);
}

Status Quant::gemv(size_t first_row, size_t n_rows, const float *x, size_t n_x, float *out, size_t n_out) const {
  INFERMEM_TRY(store_.check());
  INFERMEM_TRY(check_vectors(n_x, n_rows, n_out));
  INFERMEM_TRY(check_range(first_row, n_rows));
  multiply(first_row, n_rows, Floats{x, cols_}, 1, out, n_rows);
  return INFERMEM_OK;
}

Status Quant::gemv_q8(size_t first_row, size_t n_rows, const void *xq, size_t n_bytes, float *out, size_t n_out) const {
  INFERMEM_TRY(store_.check());
  INFERMEM_TRY(check_vectors(cols_, n_rows, n_out));
  return gemm_q8({first_row, n_rows}, xq, n_bytes, 1, {out, n_rows, n_out});
}

Status Quant::gemv_rows(const size_t *rows, size_t n_rows, const float *x, size_t n_x, float *out, size_t n_out) const {
  INFERMEM_TRY(store_.check());
  INFERMEM_TRY(check_vectors(n_x, n_rows, n_out));
  INFERMEM_TRY(check_indices(rows, n_rows));
  for (size_t i = 0; i < n_rows; ++i) out[i] = dot_row(rows[i], x);
  return INFERMEM_OK;
}

Status Quant::gemm(const RowRange &rows, const float *x, size_t n_floats, size_t n_x, const Outputs &out) const {
  INFERMEM_TRY(store_.check());
  INFERMEM_TRY(check_outputs(rows.n, n_x, out.stride, out.n));
  size_t wanted = SIZE_MAX;
  if (!checked::mul(n_x, cols_, &wanted) || n_floats != wanted)
    return fail(INFERMEM_E_SHAPE, wanted, n_floats, "x of %zu floats is not %zu vectors of %zu", n_floats, n_x, cols_);
  INFERMEM_TRY(check_range(rows.first, rows.n));
  multiply(rows.first, rows.n, Floats{x, cols_}, n_x, out.at, out.stride);
  return INFERMEM_OK;
}

Status Quant::gemm_q8(const RowRange &rows, const void *xq, size_t n_bytes, size_t n_x, const Outputs &out) const {
  INFERMEM_TRY(store_.check());
  INFERMEM_TRY(check_outputs(rows.n, n_x, out.stride, out.n));
  Levels x;
  INFERMEM_TRY(x.x.open(xq, n_bytes, cols_, n_x));
  INFERMEM_TRY(check_range(rows.first, rows.n));
  multiply(rows.first, rows.n, x, n_x, out.at, out.stride);
  return INFERMEM_OK;
}

}  // namespace infermem
