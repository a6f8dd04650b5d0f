#include "quant/quant.hh"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/dtype.hh"
#include "quant/group.hh"
#include "quant/shape.hh"
#include "simd/convert.hh"
#include "simd/cpu.hh"

namespace infermem {
namespace {

constexpr size_t kLeastGroup = 8;
constexpr size_t kDefaultGroup = 32;
constexpr size_t kAlign = 64;    // of each of the three arrays
constexpr size_t kWidened = 64;  // groups whose parameters of 16 bits are widened at once

}  // namespace

Status Quant::set_shape(size_t rows, size_t cols) {
  INFERMEM_TRY(check_shape(rows, cols, &elements_));
  rows_ = rows;
  cols_ = cols;
  return INFERMEM_OK;
}

// bits and group; needs the shape.
Status Quant::set_form(const infermem_quant_options &options) {
  if (options.reserved != 0)
    return fail(INFERMEM_E_ARG, 0, options.reserved, "a reserved field is %u, not 0", options.reserved);
  if (options.flags != 0)
    return fail(INFERMEM_E_ARG, 0, options.flags, "flags are 0x%llx, not 0, of a matrix that is not loaded",
                static_cast<unsigned long long>(options.flags));
  if (options.nan_policy > INFERMEM_QUANT_CLAMP)
    return fail(INFERMEM_E_ARG, INFERMEM_QUANT_CLAMP, options.nan_policy, "nan_policy is %u, not one of 0 to %d",
                options.nan_policy, INFERMEM_QUANT_CLAMP);
  clamp_ = options.nan_policy == INFERMEM_QUANT_CLAMP;
  params_ = options.params;
  if (params_ != INFERMEM_DTYPE_F32 && params_ != INFERMEM_DTYPE_F16 && params_ != INFERMEM_DTYPE_BF16)
    return fail(INFERMEM_E_ARG, 0, static_cast<uint64_t>(params_), "params is %d, the number of none of F32, F16, BF16",
                params_);
  bits_ = options.bits == 0 ? 8 : options.bits;
  if (bits_ != 4 && bits_ != 8) return fail(INFERMEM_E_ARG, 8, bits_, "bits is %u, neither 4 nor 8", bits_);
  size_t widest;
  if (!checked::align_up(cols_, kLeastGroup, &widest)) return fail_overflow(rows_, cols_);
  group_ = options.group == 0 ? std::min(kDefaultGroup, widest) : options.group;
  if (group_ % kLeastGroup != 0 || group_ > widest)
    return fail(INFERMEM_E_ARG, widest, group_, "group is %zu, not a multiple of %zu from %zu to %zu", group_,
                kLeastGroup, kLeastGroup, widest);
  groups_ = widest / group_ + (widest % group_ != 0 ? 1 : 0);
  return INFERMEM_OK;
}

Status Quant::take_plain(const infermem_tape *tape) {
  set_plain();
  size_t data_bytes, parameter_bytes, scales_at, mins_at, size;
  if (!checked::mul(rows_, row_bytes_, &data_bytes) ||
      !checked::product(&parameter_bytes, size_of(params_), rows_, groups_) ||
      !checked::align_up(data_bytes, kAlign, &scales_at) || !checked::add(scales_at, parameter_bytes, &mins_at) ||
      !checked::align_up(mins_at, kAlign, &mins_at) || !checked::add(mins_at, parameter_bytes, &size))
    return fail_overflow(rows_, cols_);
  INFERMEM_TRY(store_.take(tape, size, kAlign));
  bytes_ = data_bytes + 2 * parameter_bytes;
  levels_ = reinterpret_cast<uint8_t *>(store_.data());
  data_ = levels_;
  scales_ = store_.data() + scales_at;
  mins_ = store_.data() + mins_at;
  return INFERMEM_OK;
}

Status Quant::open(const infermem_quant_options &options, const Allocator &, const FloatMatrix &from) {
  INFERMEM_TRY(set_shape(from.rows, from.cols));
  INFERMEM_TRY(check_elements(from.n));
  INFERMEM_TRY(set_form(options));
  INFERMEM_TRY(take_plain(options.tape));
  const Status status = quantize(from);
  if (status != INFERMEM_OK) store_.give_back();
  return status;
}

Status Quant::open(const infermem_quant_options &options, const Allocator &, const LentMatrix &lent) {
  INFERMEM_TRY(set_shape(lent.rows, lent.cols));
  if (options.bits != 0 || options.group != 0 || options.tape || options.nan_policy != 0 || options.params != 0 ||
      options.reserved != 0 || options.flags != 0)
    return fail(INFERMEM_E_ARG, 0, 0, "options for borrowed weights hold bits %u, group %zu, or another field, not 0",
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

Status Quant::quantize(const FloatMatrix &from) {
  // Where all that a kernel needs is there, it takes whole runs; else what fits a piece.
  const bool direct = from.dtype == INFERMEM_DTYPE_F32 && params_ == INFERMEM_DTYPE_F32 && !clamp_;
  const size_t step = direct ? run() : std::max(kPiece / group_, size_t{1}) * group_;
  for (size_t at = 0, row = 0; at < elements_; at += run(), ++row)
    for (size_t first = 0; first < run(); first += std::min(step, run() - first))
      INFERMEM_TRY(quantize_run(from, row, first, std::min(step, run() - first)));
  return INFERMEM_OK;
}

Status Quant::quantize_run(const FloatMatrix &from, size_t row, size_t first, size_t n) {
  float piece[kPiece];
  const void *const at = from.at(row * cols_ + first);
  const auto *values = static_cast<const float *>(at);
  if (from.dtype != INFERMEM_DTYPE_F32) {
    values = n <= kPiece ? piece : nullptr;
    if (values) infermem::decode(from.dtype, at, n, piece);
  }
  if (values && params_ == INFERMEM_DTYPE_F32) {
    const size_t parameter = (row * groups_ + first / group_) * sizeof(float);
    const auto kernel = bits_ == 4 ? kernels().quantize4 : kernels().quantize8;
    if (kernel(values, group_, n, levels_ + row * row_bytes_ + first * bits_ / 8,
               reinterpret_cast<float *>(scales_ + parameter), reinterpret_cast<float *>(mins_ + parameter)))
      return INFERMEM_OK;
    if (!clamp_) return fail_values(from, 0);
  }
  for (size_t i = 0; i < n; i += std::min(group_, n - i))
    INFERMEM_TRY(quantize_group(from, row, first + i, std::min(group_, n - i)));
  return INFERMEM_OK;
}

Status Quant::quantize_group(const FloatMatrix &from, size_t row, size_t first, size_t n) {
  const size_t at = row * cols_ + first;
  reference::Parameters parameters;
  if (!infermem::quantize_group({bits_, params_, clamp_}, from.dtype, from.at(at), n,
                                levels_ + row * row_bytes_ + first * bits_ / 8, &parameters))
    return fail_values(from, at);
  const size_t parameter = (row * groups_ + first / group_) * size_of(params_);
  if (params_ == INFERMEM_DTYPE_F32) {
    std::memcpy(scales_ + parameter, &parameters.scale, sizeof(float));
    std::memcpy(mins_ + parameter, &parameters.min, sizeof(float));
  } else {
    encode16(params_, &parameters.scale, 1, reinterpret_cast<uint16_t *>(scales_ + parameter));
    encode16(params_, &parameters.min, 1, reinterpret_cast<uint16_t *>(mins_ + parameter));
  }
  return INFERMEM_OK;
}

Status Quant::fail_values(const FloatMatrix &from, size_t group_at) const {
  float piece[kPiece];
  for (size_t at = 0; !clamp_ && at < from.n; at += kPiece) {
    const size_t n = std::min(kPiece, from.n - at);
    infermem::decode(from.dtype, from.at(at), n, piece);
    const size_t bad = at + kernels().find_not_finite(piece, n);
    if (bad != at + n) return fail_not_finite(bad, cols_);
  }
  return fail(INFERMEM_E_LIMIT, params_ == INFERMEM_DTYPE_F16 ? 65504 : 0, group_at,
              "%s cannot hold the scale or the minimum of the group from element %zu (row %zu, column %zu) on",
              infermem_dtype_name(params_), group_at, group_at / cols_, group_at % cols_);
}

void Quant::dequantize(size_t row, size_t first, size_t n, bool stream, float *out) const {
  const auto kernel = bits_ == 4 ? kernels().dequantize4 : kernels().dequantize8;
  const uint8_t *const levels = data_ + row * row_bytes_;
  float scales[kWidened], mins[kWidened];
  for (const size_t end = first + n; first < end;) {
    // Whole groups with what remains of a row, or a part of one group, which is a group of its own to the kernel.
    const size_t in_group = first % group_;
    size_t count = end - first;
    if (in_group != 0) count = std::min(count, group_ - in_group);
    const size_t parameter = row * groups_ + first / group_;
    const float *s = reinterpret_cast<const float *>(scales_) + parameter;
    const float *m = reinterpret_cast<const float *>(mins_) + parameter;
    if (params_ != INFERMEM_DTYPE_F32) {
      const size_t groups = std::min(kWidened, (count - 1) / group_ + 1);
      infermem::decode(params_, scales_ + parameter * sizeof(uint16_t), groups, scales);
      infermem::decode(params_, mins_ + parameter * sizeof(uint16_t), groups, mins);
      s = scales;
      m = mins;
      if (groups == kWidened) count = std::min(count, kWidened * group_);
    }
    const size_t group = count < group_ ? (count + kLeastGroup - 1) / kLeastGroup * kLeastGroup : group_;
    kernel(levels + first * bits_ / 8, s, m, group, count, stream, out);
    first += count;
    out += count;
  }
}

void Quant::decode(size_t row, size_t first, size_t n, bool stream, float *out) const {
  if (is_packed_) return decode_packed(row, first, n, out);
  if (dtype_ == INFERMEM_QUANT_NATIVE) return dequantize(row, first, n, stream, out);
  const size_t block_bytes = row_bytes_ / groups_;
  infermem::decode(dtype_, data_ + row * row_bytes_ + first / group_ * block_bytes, n, out);
}

Status Quant::check_elements(size_t n) const {
  if (n == elements_) return INFERMEM_OK;
  return fail(INFERMEM_E_SHAPE, elements_, n, "%zu floats are not the %zu of a matrix of %zu x %zu", n, elements_,
              rows_, cols_);
}

Status Quant::check_rows(size_t n_rows, size_t n_out) const {
  size_t wanted = SIZE_MAX;
  if (checked::mul(n_rows, cols_, &wanted) && n_out == wanted) return INFERMEM_OK;
  return fail(INFERMEM_E_SHAPE, wanted, n_out, "%zu floats are not the %zu rows of %zu", n_out, n_rows, cols_);
}

// Past the caches where they cannot hold it.
void Quant::decode_rows(size_t first_row, size_t n_rows, float *out) const {
  const size_t n = n_rows * cols_;
  if (is_one_run())
    decode(first_row, 0, n, n > last_level_cache() / sizeof(float), out);
  else
    for (size_t i = 0; i < n_rows; ++i) decode(first_row + i, 0, cols_, false, out + i * cols_);
}

Status Quant::to_f32(float *out, size_t n) const {
  INFERMEM_TRY(store_.check());
  INFERMEM_TRY(check_elements(n));
  decode_rows(0, rows_, out);
  return INFERMEM_OK;
}

Status Quant::to_16(int32_t dtype, uint16_t *out, size_t n) const {
  INFERMEM_TRY(store_.check());
  INFERMEM_TRY(check_elements(n));
  float piece[kPiece];
  for (size_t at = 0, row = 0; at < elements_; at += run(), ++row) {
    for (size_t first = 0; first < run(); first += kPiece) {
      const size_t count = std::min(kPiece, run() - first);
      decode(row, first, count, false, piece);
      encode16(dtype, piece, count, out + at + first);
    }
  }
  return INFERMEM_OK;
}

Status Quant::check_range(size_t first_row, size_t n_rows) const {
  if (first_row <= rows_ && n_rows <= rows_ - first_row) return INFERMEM_OK;
  return fail(INFERMEM_E_RANGE, rows_, first_row, "there are no %zu rows from row %zu on, of %zu", n_rows, first_row,
              rows_);
}

Status Quant::check_indices(const size_t *rows, size_t n_rows) const {
  for (size_t i = 0; i < n_rows; ++i)
    if (rows[i] >= rows_)
      return fail(INFERMEM_E_RANGE, rows_, rows[i], "rows[%zu] is %zu, not below the %zu rows", i, rows[i], rows_);
  return INFERMEM_OK;
}

Status Quant::range_to_f32(size_t first_row, size_t n_rows, float *out, size_t n_out) const {
  INFERMEM_TRY(store_.check());
  INFERMEM_TRY(check_rows(n_rows, n_out));
  INFERMEM_TRY(check_range(first_row, n_rows));
  decode_rows(first_row, n_rows, out);
  return INFERMEM_OK;
}

Status Quant::rows_to_f32(const size_t *rows, size_t n_rows, float *out, size_t n_out) const {
  INFERMEM_TRY(store_.check());
  INFERMEM_TRY(check_rows(n_rows, n_out));
  INFERMEM_TRY(check_indices(rows, n_rows));
  for (size_t i = 0; i < n_rows; ++i) decode(rows[i], 0, cols_, false, out + i * cols_);
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
      decode(row, first, run, false, values);
      for (size_t i = 0; i < run; ++i) {
        const double difference = std::fabs(static_cast<double>(values[i]) - static_cast<double>(data[at + i]));
        if (!std::isfinite(difference)) return fail_not_finite(at + i, cols_);
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
