// Weights of GPTQ, AWQ and HQQ, (q - zero) * scale by group, to the library's own form: their levels in our order, their
// scales, and min = -zero * scale.
//
// GPTQ and AWQ store a row an input, HQQ a row an output, as we do. The layouts are those of AutoGPTQ's and GPTQModel's
// QuantLinear, AutoAWQ's WQLinear_GEMM and HQQ's BitPack. Words are loaded as they lie: hosts are little-endian.
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>

#include "base/dtype.hh"
#include "quant/quant.hh"
#include "quant/shape.hh"
#include "simd/convert.hh"

namespace infermem {
namespace {

// Where a word of AWQ has each of its 8 outputs.
constexpr uint32_t kAwqNibble[8] = {0, 4, 1, 5, 2, 6, 3, 7};

uint32_t load_word(const void *words, size_t index) {
  uint32_t word;
  std::memcpy(&word, static_cast<const char *>(words) + index * sizeof word, sizeof word);
  return word;
}

float load_float(int32_t dtype, const void *values, size_t index) {
  float value;
  const size_t size = dtype == INFERMEM_DTYPE_F32 ? 4 : 2;
  infermem::decode(dtype, static_cast<const char *>(values) + index * size, 1, &value);
  return value;
}

// Numbers in a word.
size_t per_word(uint32_t bits) { return 32 / bits; }

Status check_bytes(const char *what, size_t got, size_t wanted) {
  if (got == wanted) return INFERMEM_OK;
  return fail(INFERMEM_E_SHAPE, wanted, got, "%s of %zu bytes are not the %zu of this shape", what, got, wanted);
}

// The shapes of the three tensors by their bytes. False where these do not fit.
struct TensorBytes {
  size_t weights, zeros, scales;
};
bool bytes_of(const ForeignMatrix &from, uint32_t bits, size_t groups, TensorBytes *out) {
  const size_t float_size = from.tensors.scales_type == INFERMEM_DTYPE_F32 ? 4 : 2;
  size_t elements, parameters;
  if (!checked::mul(from.rows, from.cols, &elements) || !checked::mul(from.rows, groups, &parameters) ||
      !checked::mul(parameters, float_size, &out->scales))
    return false;
  out->weights = bits == 8 ? elements : elements / 2;
  const size_t packed = bits == 8 ? parameters : parameters / 2;
  out->zeros = from.source == Source::kHqq ? out->scales : packed;
  return true;
}

// The zero point of a group, of GPTQ and AWQ.
uint32_t unpack_zero(const ForeignMatrix &from, uint32_t bits, size_t row, size_t group) {
  const size_t n = per_word(bits);
  uint32_t word = load_word(from.tensors.zeros, group * (from.rows / n) + row / n);
  if (from.source == Source::kAwq) return word >> (4 * kAwqNibble[row % n]) & 15;
  // Added to the whole word, as it was taken off: what a zero point of 0 borrowed from the next comes back.
  if (from.tensors.gptq_version != 2) word += bits == 4 ? 0x11111111u : 0x01010101u;
  return word >> (bits * (row % n)) & ((1u << bits) - 1);
}

// A word has consecutive inputs of an output, in our order: what remains is to transpose the words.
void import_gptq(const void *weights, size_t rows, size_t row_bytes, uint8_t *levels) {
  constexpr size_t kTile = 16;  // words of a cache line
  for (size_t tile = 0; tile < rows; tile += kTile)
    for (size_t i = 0; i < row_bytes / 4; ++i)
      for (size_t row = tile; row < std::min(tile + kTile, rows); ++row) {
        const uint32_t word = load_word(weights, i * rows + row);
        std::memcpy(levels + row * row_bytes + 4 * i, &word, sizeof word);
      }
}

// Squares of 8 x 8 nibbles.
void import_awq(const void *weights, size_t rows, size_t cols, uint8_t *levels) {
  for (size_t column = 0; column < cols; column += 8) {
    for (size_t row = 0; row < rows; row += 8) {
      uint32_t in[8];
      for (size_t i = 0; i < 8; ++i) in[i] = load_word(weights, (column + i) * (rows / 8) + row / 8);
      for (size_t r = 0; r < 8; ++r) {
        uint32_t out = 0;
        for (size_t i = 0; i < 8; ++i) out |= (in[i] >> (4 * kAwqNibble[r]) & 15) << (4 * i);
        std::memcpy(levels + (row + r) * (cols / 2) + column / 2, &out, sizeof out);
      }
    }
  }
}

// n bytes: of the high nibbles the first half of the levels, of the low ones the second.
void import_hqq4(const void *weights, size_t n, uint8_t *levels) {
  const auto *in = static_cast<const uint8_t *>(weights);
  for (size_t i = 0; i < n / 2; ++i, in += 2) {
    levels[i] = static_cast<uint8_t>(in[0] >> 4 | (in[1] & 0xf0));
    levels[n / 2 + i] = static_cast<uint8_t>((in[0] & 15) | in[1] << 4);
  }
}

}  // namespace

Status Quant::open(const infermem_quant_options &options, const Allocator &, const ForeignMatrix &from) {
  INFERMEM_TRY(set_shape(from.rows, from.cols));
  INFERMEM_TRY(set_form(options));
  INFERMEM_TRY(check_tensors(options, from));
  INFERMEM_TRY(take_plain(options.tape));
  const Status status = import_parameters(from);
  if (status != INFERMEM_OK) {
    store_.give_back();
    return status;
  }
  import_levels(from);
  return INFERMEM_OK;
}

Status Quant::check_tensors(const infermem_quant_options &options, const ForeignMatrix &from) const {
  const infermem_quant_tensors &t = from.tensors;
  const bool is_gptq = from.source == Source::kGptq, is_awq = from.source == Source::kAwq;
  if (!t.weights || !t.zeros || !t.scales)
    return fail_null(!t.weights ? "tensors->weights" : !t.zeros ? "tensors->zeros" : "tensors->scales");
  if (options.nan_policy != INFERMEM_QUANT_REFUSE)
    return fail(INFERMEM_E_ARG, 0, options.nan_policy, "nan_policy is %u, not 0, for weights that are quantized",
                options.nan_policy);
  if (is_awq && bits_ != 4) return fail(INFERMEM_E_ARG, 4, bits_, "bits is %u, and AWQ has but 4", bits_);
  if (t.gptq_version > (is_gptq ? 2 : 0))
    return fail(INFERMEM_E_ARG, is_gptq ? 2 : 0, t.gptq_version, "there is no gptq_version %u here", t.gptq_version);
  if (!is_gptq && (t.group_index || t.group_index_bytes != 0))
    return fail(INFERMEM_E_ARG, 0, t.group_index_bytes, "a group_index of %zu bytes is GPTQ's alone",
                t.group_index_bytes);
  Block block;
  INFERMEM_TRY(dtype_block(t.scales_type, &block));
  if (t.scales_type != INFERMEM_DTYPE_F32 && t.scales_type != INFERMEM_DTYPE_F16 &&
      t.scales_type != INFERMEM_DTYPE_BF16)
    return fail(INFERMEM_E_UNSUPPORTED, 0, static_cast<uint64_t>(t.scales_type),
                "scales of type %s are none of F32, F16, BF16", infermem_dtype_name(t.scales_type));

  const size_t n = per_word(bits_);
  if ((is_gptq || is_awq) && (rows_ % n != 0 || cols_ % n != 0))
    return fail(INFERMEM_E_SHAPE, n, rows_ % n != 0 ? rows_ : cols_,
                "%zu outputs of %zu inputs do not fill words of %zu", rows_, cols_, n);
  if (from.source == Source::kHqq && cols_ % group_ != 0)
    return fail(INFERMEM_E_SHAPE, group_, cols_, "rows of %zu are not whole groups of %zu", cols_, group_);
  if (from.source == Source::kHqq && bits_ == 4 && rows_ % 2 != 0 && groups_ % 2 != 0)
    return fail(INFERMEM_E_SHAPE, 2, rows_, "%zu rows of %zu groups have no two halves", rows_, groups_);
  TensorBytes bytes;
  if (!bytes_of(from, bits_, groups_, &bytes)) return fail_overflow(rows_, cols_);
  INFERMEM_TRY(check_bytes("weights", t.weights_bytes, bytes.weights));
  INFERMEM_TRY(check_bytes("zeros", t.zeros_bytes, bytes.zeros));
  INFERMEM_TRY(check_bytes("scales", t.scales_bytes, bytes.scales));
  return check_group_index(t);
}

Status Quant::check_group_index(const infermem_quant_tensors &tensors) const {
  if (!tensors.group_index) return check_bytes("group_index", tensors.group_index_bytes, 0);
  size_t bytes;
  if (!checked::mul(cols_, sizeof(uint32_t), &bytes)) return fail_overflow(rows_, cols_);
  INFERMEM_TRY(check_bytes("group_index", tensors.group_index_bytes, bytes));
  bool all_zero = true;  // as some programs say that there is no order
  for (size_t i = 0; i < cols_; ++i) all_zero &= load_word(tensors.group_index, i) == 0;
  for (size_t i = 0; i < cols_ && !all_zero; ++i) {
    const uint32_t group = load_word(tensors.group_index, i);
    if (group != i / group_)
      return fail(INFERMEM_E_UNSUPPORTED, i / group_, i, "input %zu is of group %u, not %zu: inputs out of order", i,
                  group, i / group_);
  }
  return INFERMEM_OK;
}

Status Quant::import_parameters(const ForeignMatrix &from) {
  const infermem_quant_tensors &t = from.tensors;
  const float middle = static_cast<float>(1u << (bits_ - 1));
  const double top = (1u << bits_) - 1;
  const bool by_row = from.source == Source::kHqq;
  const size_t size = params_ == INFERMEM_DTYPE_F32 ? sizeof(float) : sizeof(uint16_t);
  for (size_t row = 0; row < rows_; ++row) {
    for (size_t group = 0; group < groups_; ++group) {
      const size_t at = row * groups_ + group;
      const float scale = load_float(t.scales_type, t.scales, by_row ? at : group * rows_ + row);
      const float zero =
          by_row ? load_float(t.scales_type, t.zeros, at) : static_cast<float>(unpack_zero(from, bits_, row, group));
      if (!std::isfinite(scale) || !std::isfinite(zero))
        return fail(INFERMEM_E_NOT_FINITE, 0, at, "group %zu of row %zu has scale %g and zero point %g", group, row,
                    static_cast<double>(scale), static_cast<double>(zero));
      if (symmetric_ && zero != middle)
        return fail(INFERMEM_E_UNSUPPORTED, static_cast<uint64_t>(middle), at,
                    "group %zu of row %zu has zero point %g, and is not symmetric", group, row,
                    static_cast<double>(zero));
      float parameters[2] = {scale, -zero * scale + 0.0f};  // not -0
      if (params_ != INFERMEM_DTYPE_F32) {
        uint16_t halves[2];
        encode16(params_, parameters, 2, halves);
        infermem::decode(params_, halves, 2, parameters);
        if (symmetric_) parameters[1] = -middle * parameters[0];
      }
      const double low = static_cast<double>(parameters[1]);
      const double high = low + top * static_cast<double>(parameters[0]);
      if (!(std::fabs(low) <= static_cast<double>(FLT_MAX) && std::fabs(high) <= static_cast<double>(FLT_MAX)))
        return fail(INFERMEM_E_LIMIT, 0, at, "group %zu of row %zu, of scale %g and zero point %g, does not fit %s",
                    group, row, static_cast<double>(scale), static_cast<double>(zero), infermem_dtype_name(params_));
      store_parameters(params_, &parameters[0], 1, scales_ + at * size);
      if (!symmetric_) store_parameters(params_, &parameters[1], 1, mins_ + at * size);
    }
  }
  return INFERMEM_OK;
}

void Quant::import_levels(const ForeignMatrix &from) {
  const void *const weights = from.tensors.weights;
  if (from.source == Source::kGptq)
    import_gptq(weights, rows_, row_bytes_, levels_);
  else if (from.source == Source::kAwq)
    import_awq(weights, rows_, cols_, levels_);
  else if (bits_ == 4)
    import_hqq4(weights, from.tensors.weights_bytes, levels_);
  else
    std::memcpy(levels_, weights, from.tensors.weights_bytes);
}

}  // namespace infermem
