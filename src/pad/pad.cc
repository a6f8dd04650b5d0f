#include "pad/pad.hh"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "base/checked.hh"
#include "base/dtype.hh"
#include "base/text.hh"
#include "simd/convert.hh"

namespace infermem {
namespace {

constexpr size_t kAlign = 64;  // of the first row

bool can_store(int32_t type) {
  return type == INFERMEM_DTYPE_F64 || type == INFERMEM_DTYPE_F32 || type == INFERMEM_DTYPE_F16 ||
         type == INFERMEM_DTYPE_BF16;
}

}  // namespace

Status Pad::open(const infermem_pad_options &options, const Allocator &) {
  if (options.max_tokens == 0) return fail(INFERMEM_E_ARG, 1, 0, "max_tokens is 0");
  if (options.dim == 0) return fail(INFERMEM_E_ARG, 1, 0, "dim is 0");
  if (options.reserved != 0)
    return fail(INFERMEM_E_ARG, 0, static_cast<uint64_t>(options.reserved), "a reserved field is %d, not 0",
                options.reserved);
  Block block;
  INFERMEM_TRY(dtype_block(options.type, &block));
  if (!can_store(options.type))
    return fail(INFERMEM_E_UNSUPPORTED, 0, static_cast<uint64_t>(options.type), "rows cannot be stored as %s",
                infermem_dtype_name(options.type));
  size_t bytes;
  if (!checked::product(&bytes, options.max_tokens, options.dim, block.bytes))
    return fail(INFERMEM_E_OVERFLOW, 0, options.max_tokens, "%zu rows of %zu elements do not fit", options.max_tokens,
                options.dim);
  capacity_ = options.max_tokens;
  dim_ = options.dim;
  element_ = block.bytes;
  type_ = options.type;
  INFERMEM_TRY(store_.take(options.tape, bytes, kAlign));
  if (store_.from_tape()) std::memset(store_.data(), 0, bytes);  // a mapping reads as zero by itself
  return INFERMEM_OK;
}

Status Pad::check_append(size_t n, size_t dim) const {
  INFERMEM_TRY(store_.check_writable());
  if (dim != dim_)
    return fail(INFERMEM_E_SHAPE, dim_, dim, "a row has %zu elements, where the pad's rows have %zu", dim, dim_);
  if (n > capacity_ - length_)
    return fail(INFERMEM_E_FULL, n, capacity_ - length_, "%zu rows do not fit: %zu of %zu are used", n, length_,
                capacity_);
  return INFERMEM_OK;
}

Status Pad::append(const void *rows, size_t n, size_t dim) {
  INFERMEM_TRY(check_append(n, dim));
  if (n == 0) return INFERMEM_OK;
  std::memcpy(end(), rows, n * dim_ * element_);
  length_ += n;
  return INFERMEM_OK;
}

Status Pad::append_f32(const float *rows, size_t n, size_t dim) {
  if (type_ == INFERMEM_DTYPE_F32) return append(rows, n, dim);
  INFERMEM_TRY(check_append(n, dim));
  const size_t count = n * dim_;
  if (type_ == INFERMEM_DTYPE_F64)
    std::copy(rows, rows + count, reinterpret_cast<double *>(end()));
  else
    encode16(type_, rows, count, reinterpret_cast<uint16_t *>(end()));
  length_ += n;
  return INFERMEM_OK;
}

Status Pad::view(infermem_view *out) const {
  INFERMEM_TRY(store_.check());
  infermem_view view = {};
  view.data = store_.data();
  view.dtype = type_;
  view.flags = INFERMEM_VIEW_READONLY;
  view.n_dims = 2;
  view.bytes = length_ * dim_ * element_;
  std::fill(view.shape, view.shape + INFERMEM_MAX_DIMS, 1);
  view.shape[0] = length_;
  view.shape[1] = dim_;
  view.strides[0] = static_cast<int64_t>(dim_ * element_);
  view.strides[1] = static_cast<int64_t>(element_);
  *out = view;
  return INFERMEM_OK;
}

Status Pad::truncate(size_t n) {
  INFERMEM_TRY(store_.check());
  if (n > length_) return fail(INFERMEM_E_RANGE, length_, n, "a pad of %zu rows cannot be cut to %zu", length_, n);
  length_ = n;
  return INFERMEM_OK;
}

Status Pad::clear() {
  INFERMEM_TRY(truncate(0));
  generation_++;
  return INFERMEM_OK;
}

Status Pad::text(char *buffer, size_t capacity, size_t *out_length) const {
  char line[128];  // three numbers of 20 digits at most, and 32 bytes of words
  const int length =
      std::snprintf(line, sizeof line, "Scratchpad(len=%zu, capacity=%zu, dim=%zu)", length_, capacity_, dim_);
  return put_text(line, static_cast<size_t>(length), buffer, capacity, out_length);
}

}  // namespace infermem
