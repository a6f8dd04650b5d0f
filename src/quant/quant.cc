#include "quant/quant.hh"

#include <algorithm>

#include "base/dtype.hh"
#include "quant/shape.hh"
#include "simd/convert.hh"
#include "simd/cpu.hh"

namespace infermem {
namespace {

constexpr size_t kDefaultGroup = 32;
constexpr size_t kAlign = 64;  // of each of the three arrays

}  // namespace

Status Quant::set_shape(size_t rows, size_t cols) {
  INFERMEM_TRY(check_shape(rows, cols, &elements_));
  rows_ = rows;
  cols_ = cols;
  return INFERMEM_OK;
}

// bits and group; needs the shape.
Status Quant::set_form(const infermem_quant_options &options) {
  if (options.flags != 0)
    return fail(INFERMEM_E_ARG, 0, options.flags, "flags are 0x%llx, not 0, of a matrix that is not loaded",
                wide(options.flags));
  if (options.symmetric > 1)
    return fail(INFERMEM_E_ARG, 1, options.symmetric, "symmetric is %u, neither 0 nor 1", options.symmetric);
  symmetric_ = options.symmetric != 0;
  if (options.nan_policy > INFERMEM_QUANT_CLAMP)
    return fail(INFERMEM_E_ARG, INFERMEM_QUANT_CLAMP, options.nan_policy, "nan_policy is %u, not one of 0 to %d",
                options.nan_policy, INFERMEM_QUANT_CLAMP);
  clamp_ = options.nan_policy == INFERMEM_QUANT_CLAMP;
  params_ = options.params;
  if (params_ != INFERMEM_DTYPE_F32 && params_ != INFERMEM_DTYPE_F16 && params_ != INFERMEM_DTYPE_BF16)
    return fail(INFERMEM_E_ARG, 0, static_cast<uint64_t>(params_), "params is %d, not F32 (0), F16 (1) or BF16 (30)",
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
  if (symmetric_) size = scales_at + parameter_bytes;
  INFERMEM_TRY(store_.take(tape, size, kAlign, true));
  bytes_ = data_bytes + (symmetric_ ? 1 : 2) * parameter_bytes;
  levels_ = reinterpret_cast<uint8_t *>(store_.data());
  data_ = levels_;
  scales_ = store_.data() + scales_at;
  mins_ = symmetric_ ? nullptr : store_.data() + mins_at;
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
      options.symmetric != 0 || options.flags != 0)
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
  const bool direct = from.dtype == INFERMEM_DTYPE_F32 && are_parameters_plain() && !clamp_;
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
  if (values) {
    uint8_t *const levels = levels_ + row * row_bytes_ + first * bits_ / 8;
    const size_t parameter = (row * groups_ + first / group_) * size_of(params_);
    char *const scales = scales_ + parameter, *const mins = symmetric_ ? nullptr : mins_ + parameter;
    if (are_parameters_plain()) {
      const auto kernel = bits_ == 4 ? kernels().quantize4 : kernels().quantize8;
      if (kernel(values, group_, n, levels, reinterpret_cast<float *>(scales), reinterpret_cast<float *>(mins)))
        return INFERMEM_OK;
      if (!clamp_) return fail_values(from, 0);
    } else if (quantize_groups(group_form(), values, group_, n, levels, scales, mins)) {
      return INFERMEM_OK;
    }
  }
  for (size_t i = 0; i < n; i += std::min(group_, n - i))
    INFERMEM_TRY(quantize_group(from, row, first + i, std::min(group_, n - i)));
  return INFERMEM_OK;
}

Status Quant::quantize_group(const FloatMatrix &from, size_t row, size_t first, size_t n) {
  const size_t at = row * cols_ + first;
  reference::Parameters parameters;
  if (!infermem::quantize_group(group_form(), from.dtype, from.at(at), n,
                                levels_ + row * row_bytes_ + first * bits_ / 8, &parameters))
    return fail_values(from, at);
  const size_t parameter = (row * groups_ + first / group_) * size_of(params_);
  store_parameters(params_, &parameters.scale, 1, scales_ + parameter);
  if (!symmetric_) store_parameters(params_, &parameters.min, 1, mins_ + parameter);
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
  return fail(INFERMEM_E_LIMIT, 0, group_at,
              "%s cannot hold the scale or the minimum of the group from element %zu (row %zu, column %zu) on",
              infermem_dtype_name(params_), group_at, group_at / cols_, group_at % cols_);
}

GroupParameters Quant::parameters(size_t first, size_t groups, ParameterRoom *room) const {
  const void *const scales = scales_ + first * size_of(params_);
  if (are_parameters_plain())
    return {static_cast<const float *>(scales), reinterpret_cast<const float *>(mins_) + first};
  infermem::decode(params_, scales, groups, room->scales);
  if (symmetric_) {
    const float zero = -static_cast<float>(group_form().levels.zero());
    for (size_t i = 0; i < groups; ++i) room->mins[i] = room->scales[i] * zero;
  } else {
    infermem::decode(params_, mins_ + first * sizeof(uint16_t), groups, room->mins);
  }
  return {room->scales, room->mins};
}

template <typename Kernel>
void Quant::each_run(size_t row, size_t first, size_t n, const Kernel &kernel) const {
  const uint8_t *const levels = data_ + row * row_bytes_;
  ParameterRoom room;
  for (size_t at = 0; at < n;) {
    // Whole groups with what remains of a row, or a part of one group, which is a group of its own to the kernel.
    const size_t in_group = first % group_;
    size_t count = n - at;
    if (in_group != 0) count = std::min(count, group_ - in_group);
    if (!are_parameters_plain()) count = std::min(count, ParameterRoom::kGroups * group_);
    const GroupParameters p = parameters(row * groups_ + first / group_, (count - 1) / group_ + 1, &room);
    const size_t group = count < group_ ? (count + kLeastGroup - 1) / kLeastGroup * kLeastGroup : group_;
    kernel(levels + first * bits_ / 8, p, group, count, at);
    first += count;
    at += count;
  }
}

void Quant::dequantize(size_t row, size_t first, size_t n, bool stream, float *out) const {
  const auto kernel = bits_ == 4 ? kernels().dequantize4 : kernels().dequantize8;
  each_run(row, first, n, [=](const uint8_t *levels, GroupParameters p, size_t group, size_t count, size_t at) {
    kernel(levels, p.scales, p.mins, group, count, stream, out + at);
  });
}

void Quant::dequantize_to_16(int32_t dtype, size_t row, size_t n, bool stream, uint16_t *out) const {
  const auto kernel = bits_ == 4 ? kernels().dequantize4_to_16 : kernels().dequantize8_to_16;
  each_run(row, 0, n, [=](const uint8_t *levels, GroupParameters p, size_t group, size_t count, size_t at) {
    kernel(dtype, levels, p.scales, p.mins, group, count, stream, out + at);
  });
}

void Quant::decode(size_t row, size_t first, size_t n, bool stream, float *out) const {
  if (is_packed_) return decode_packed(row, first, n, out);
  if (dtype_ == INFERMEM_QUANT_NATIVE) return dequantize(row, first, n, stream, out);
  const size_t block_bytes = row_bytes_ / groups_;
  infermem::decode(dtype_, data_ + row * row_bytes_ + first / group_ * block_bytes, n, out);
}

Status Quant::check_elements(size_t n) const {
  if (n == elements_) return INFERMEM_OK;
  return fail(INFERMEM_E_SHAPE, elements_, n, "%zu elements are not the %zu of a matrix of %zu x %zu", n, elements_,
              rows_, cols_);
}

Status Quant::check_rows(size_t n_rows, size_t n_out) const {
  size_t wanted = SIZE_MAX;
  if (checked::mul(n_rows, cols_, &wanted) && n_out == wanted) return INFERMEM_OK;
  return fail(INFERMEM_E_SHAPE, wanted, n_out, "%zu elements are not the %zu rows of %zu", n_out, n_rows, cols_);
}

// Past the caches where they cannot hold it.
void Quant::decode_rows(size_t first_row, size_t n_rows, float *out) const {
  const size_t n = n_rows * cols_;
  if (is_one_run())
    decode(first_row, 0, n, n > streaming_threshold() / sizeof(float), out);
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
  if (dtype_ == INFERMEM_QUANT_NATIVE && !is_packed_) {
    const bool stream = is_one_run() && elements_ > streaming_threshold() / sizeof(uint16_t);
    for (size_t at = 0, row = 0; at < elements_; at += run(), ++row)
      dequantize_to_16(dtype, row, run(), stream, out + at);
    return INFERMEM_OK;
  }
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

}  // namespace infermem
