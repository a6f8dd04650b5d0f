#include "quant/quant.hh"

#include <algorithm>
#include <cmath>

#include "base/checked.hh"
#include "base/dtype.hh"
#include "simd/convert.hh"
#include "simd/cpu.hh"

namespace infermem {
namespace {

constexpr size_t kLeastGroup = 8;
constexpr size_t kDefaultGroup = 32;
constexpr size_t kAlign = 64;   // of each of the three arrays
constexpr size_t kPiece = 256;  // elements decoded at once where there is no output for them: whole blocks of any type

Status fail_not_finite(size_t row, size_t col, size_t cols) {
  const size_t index = row * cols + col;
  return fail(INFERMEM_E_NOT_FINITE, 0, index, "element %zu (row %zu, column %zu) is NaN or infinite", index, row, col);
}

Status fail_overflow(size_t rows, size_t cols) {
  return fail(INFERMEM_E_OVERFLOW, 0, rows, "a matrix of %zu x %zu does not fit", rows, cols);
}

Status check_reserved(const infermem_quant_options &options) {
  if (options.reserved == 0) return INFERMEM_OK;
  return fail(INFERMEM_E_ARG, 0, options.reserved, "a reserved field is %u, not 0", options.reserved);
}

}  // namespace

Status Quant::set_shape(size_t rows, size_t cols) {
  if (rows == 0 || cols == 0) return fail(INFERMEM_E_SHAPE, 1, 0, "a matrix of %zu x %zu has no elements", rows, cols);
  if (!checked::mul(rows, cols, &elements_)) return fail_overflow(rows, cols);
  rows_ = rows;
  cols_ = cols;
  return INFERMEM_OK;
}

// bits and group; needs the shape.
Status Quant::set_form(const infermem_quant_options &options) {
  INFERMEM_TRY(check_reserved(options));
  bits_ = options.bits == 0 ? 8 : options.bits;
  if (bits_ != 4 && bits_ != 8) return fail(INFERMEM_E_ARG, 8, bits_, "bits is %u, neither 4 nor 8", bits_);
  size_t widest;
  if (!checked::align_up(cols_, kLeastGroup, &widest)) return fail_overflow(rows_, cols_);
  group_ = options.group == 0 ? std::min(kDefaultGroup, widest) : options.group;
  if (group_ % kLeastGroup != 0 || group_ > widest)
    return fail(INFERMEM_E_ARG, widest, group_, "group is %zu, not a multiple of %zu from %zu to %zu", group_,
                kLeastGroup, kLeastGroup, widest);
  groups_ = widest / group_ + (widest % group_ != 0 ? 1 : 0);
  row_bytes_ = bits_ == 8 ? cols_ : cols_ / 2 + cols_ % 2;
  return INFERMEM_OK;
}

Status Quant::open(const infermem_quant_options &options, const Allocator &, const FloatMatrix &from) {
  INFERMEM_TRY(set_shape(from.rows, from.cols));
  INFERMEM_TRY(check_elements(from.n));
  INFERMEM_TRY(set_form(options));
  size_t data_bytes, parameter_bytes, scales_at, mins_at, size;
  if (!checked::mul(rows_, row_bytes_, &data_bytes) ||
      !checked::product(&parameter_bytes, sizeof(float), rows_, groups_) ||
      !checked::align_up(data_bytes, kAlign, &scales_at) || !checked::add(scales_at, parameter_bytes, &mins_at) ||
      !checked::align_up(mins_at, kAlign, &mins_at) || !checked::add(mins_at, parameter_bytes, &size))
    return fail_overflow(rows_, cols_);
  INFERMEM_TRY(store_.take(options.tape, size, kAlign));
  bytes_ = data_bytes + 2 * parameter_bytes;
  levels_ = reinterpret_cast<uint8_t *>(store_.data());
  data_ = levels_;
  scales_ = reinterpret_cast<float *>(store_.data() + scales_at);
  mins_ = reinterpret_cast<float *>(store_.data() + mins_at);
  if (!quantize(from.data)) {
    store_.give_back();
    const size_t bad = kernels().find_not_finite(from.data, from.n);
    return fail_not_finite(bad / cols_, bad % cols_, cols_);
  }
  return INFERMEM_OK;
}

Status Quant::open(const infermem_quant_options &options, const Allocator &, const LentMatrix &lent) {
  INFERMEM_TRY(set_shape(lent.rows, lent.cols));
  INFERMEM_TRY(check_reserved(options));
  if (options.bits != 0 || options.group != 0 || options.tape)
    return fail(INFERMEM_E_ARG, 0, 0, "options for borrowed weights hold bits %u, group %zu or a tape, not 0",
                options.bits, options.group);
  Block block;
  INFERMEM_TRY(dtype_block(lent.dtype, &block));
  if (!reference::can_decode(lent.dtype))
    return fail(INFERMEM_E_UNSUPPORTED, 0, static_cast<uint64_t>(lent.dtype), "weights of type %s cannot be read",
                infermem_dtype_name(lent.dtype));
  uint64_t row_bytes;
  INFERMEM_TRY(dtype_bytes(lent.dtype, cols_, &row_bytes));
  if (!checked::narrow(row_bytes, &row_bytes_) || !checked::mul(rows_, row_bytes_, &bytes_))
    return fail_overflow(rows_, cols_);
  if (lent.n_bytes < bytes_)
    return fail(INFERMEM_E_SHAPE, bytes_, lent.n_bytes, "a %s matrix of %zu x %zu takes %zu bytes, not %zu",
                infermem_dtype_name(lent.dtype), rows_, cols_, bytes_, lent.n_bytes);
  dtype_ = lent.dtype;
  bits_ = reference::level_bits(lent.dtype);
  group_ = block.elements;
  groups_ = cols_ / group_;
  data_ = static_cast<const uint8_t *>(lent.bytes);
  return INFERMEM_OK;
}

bool Quant::quantize(const float *values) {
  const auto kernel = bits_ == 4 ? kernels().quantize4 : kernels().quantize8;
  const size_t run = is_one_run() ? elements_ : cols_;
  for (size_t at = 0, row = 0; at < elements_; at += run, ++row)
    if (!kernel(values + at, group_, run, levels_ + row * row_bytes_, scales_ + row * groups_, mins_ + row * groups_))
      return false;
  return true;
}

void Quant::dequantize(size_t row, size_t n, bool stream, float *out) const {
  const auto kernel = bits_ == 4 ? kernels().dequantize4 : kernels().dequantize8;
  kernel(data_ + row * row_bytes_, scales_ + row * groups_, mins_ + row * groups_, group_, n, stream, out);
}

void Quant::decode(size_t row, size_t first, size_t n, float *out) const {
  const uint8_t *stored = data_ + row * row_bytes_;
  if (dtype_ != INFERMEM_QUANT_NATIVE) {
    const size_t block_bytes = row_bytes_ / groups_;
    infermem::decode(dtype_, stored + first / group_ * block_bytes, n, out);
    return;
  }
  const size_t end = first + n;
  for (size_t i = first; i < end;) {
    const size_t in_row = i / group_;
    const size_t run = std::min(group_ - i % group_, end - i);
    const size_t parameter = row * groups_ + in_row;
    reference::dequantize_group(stored + i * bits_ / 8, run, bits_, scales_[parameter], mins_[parameter],
                                out + (i - first));
    i += run;
  }
}

void Quant::decode_row(size_t row, float *out) const {
  if (dtype_ == INFERMEM_QUANT_NATIVE)
    dequantize(row, cols_, false, out);
  else
    decode(row, 0, cols_, out);
}

Status Quant::check_elements(size_t n) const {
  if (n == elements_) return INFERMEM_OK;
  return fail(INFERMEM_E_SHAPE, elements_, n, "%zu floats are not the %zu of a matrix of %zu x %zu", n, elements_,
              rows_, cols_);
}

Status Quant::to_f32(float *out, size_t n) const {
  INFERMEM_TRY(store_.check());
  INFERMEM_TRY(check_elements(n));
  if (dtype_ == INFERMEM_QUANT_NATIVE && is_one_run())
    dequantize(0, n, n > last_level_cache() / sizeof(float), out);
  else
    for (size_t row = 0; row < rows_; ++row) decode_row(row, out + row * cols_);
  return INFERMEM_OK;
}

Status Quant::rows_to_f32(const size_t *rows, size_t n_rows, float *out, size_t n_out) const {
  INFERMEM_TRY(store_.check());
  size_t wanted = SIZE_MAX;
  if (!checked::mul(n_rows, cols_, &wanted) || n_out != wanted)
    return fail(INFERMEM_E_SHAPE, wanted, n_out, "%zu floats are not the %zu rows of %zu", n_out, n_rows, cols_);
  for (size_t i = 0; i < n_rows; ++i)
    if (rows[i] >= rows_)
      return fail(INFERMEM_E_RANGE, rows_, rows[i], "rows[%zu] is %zu, not below the %zu rows", i, rows[i], rows_);
  for (size_t i = 0; i < n_rows; ++i) decode_row(rows[i], out + i * cols_);
  return INFERMEM_OK;
}

Status Quant::error(const float *data, size_t n, infermem_quant_errors *out) const {
  INFERMEM_TRY(store_.check());
  INFERMEM_TRY(check_elements(n));
  float values[kPiece];
  double max = 0, sum = 0, squares = 0;  // differences of finite floats, and their squares, are far within a double
  for (size_t row = 0; row < rows_; ++row) {
    for (size_t first = 0; first < cols_; first += kPiece) {
      const size_t run = std::min(kPiece, cols_ - first);
      const size_t at = row * cols_ + first;
      decode(row, first, run, values);
      for (size_t i = 0; i < run; ++i) {
        const double difference = std::fabs(static_cast<double>(values[i]) - static_cast<double>(data[at + i]));
        if (!std::isfinite(difference)) return fail_not_finite(row, first + i, cols_);
        max = std::max(max, difference);
        sum += difference;
        squares += difference * difference;
      }
    }
  }
  const auto count = static_cast<double>(elements_);
  out->max = max;
  out->mean = sum / count;
  out->rmse = std::sqrt(squares / count);
  return INFERMEM_OK;
}

}  // namespace infermem
