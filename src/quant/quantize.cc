#include "quant/quantize.hh"

#include "base/dtype.hh"
#include "quant/shape.hh"
#include "simd/convert.hh"

namespace infermem {
namespace {

// Blocks of smaller values fit every type.
constexpr float kAlwaysFits = 65504.0f;

Status check_values(int32_t dtype, size_t block, const FloatMatrix &from) {
  const auto *data = static_cast<const float *>(from.data);
  if (kernels().stored->all_below(data, from.n, kAlwaysFits)) return INFERMEM_OK;
  const size_t bad = kernels().find_not_finite(data, from.n);
  if (bad != from.n) return fail_not_finite(bad, from.cols);
  for (size_t i = 0; i < from.n; i += block)
    if (!reference::block_fits(dtype, data + i, block))
      return fail(INFERMEM_E_LIMIT, 0, i, "%s cannot hold values as large as those of the block from element %zu on",
                  infermem_dtype_name(dtype), i);
  return INFERMEM_OK;
}

}  // namespace

Status quantize_to(int32_t dtype, const FloatMatrix &from, void *out, size_t n_out) {
  Block block = {};
  INFERMEM_TRY(dtype_block(dtype, &block));
  if (!reference::can_quantize(dtype))
    return fail(INFERMEM_E_UNSUPPORTED, 0, static_cast<uint64_t>(dtype), "floats cannot be quantized to type %s",
                infermem_dtype_name(dtype));
  size_t elements = 0, row_bytes, bytes;
  uint64_t wide_row_bytes;
  INFERMEM_TRY(check_shape(from.rows, from.cols, &elements));
  INFERMEM_TRY(dtype_bytes(dtype, from.cols, &wide_row_bytes));
  if (!checked::narrow(wide_row_bytes, &row_bytes) || !checked::mul(from.rows, row_bytes, &bytes))
    return fail_overflow(from.rows, from.cols);
  if (from.n != elements)
    return fail(INFERMEM_E_SHAPE, elements, from.n, "%zu floats are not the %zu of a matrix of %zu x %zu", from.n,
                elements, from.rows, from.cols);
  if (n_out != bytes)
    return fail(INFERMEM_E_SHAPE, bytes, n_out, "a %s matrix of %zu x %zu takes %zu bytes, not %zu",
                infermem_dtype_name(dtype), from.rows, from.cols, bytes, n_out);
  INFERMEM_TRY(check_values(dtype, block.elements, from));
  const auto *data = static_cast<const float *>(from.data);
  if (can_encode(dtype))
    encode(dtype, data, from.n, out);
  else
    reference::quantize(dtype, data, from.n, out);
  return INFERMEM_OK;
}

}  // namespace infermem
