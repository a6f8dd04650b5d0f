// Between the plain layout and the packed one; reading single rows of the packed one.
#include <algorithm>
#include <cstring>

#include "quant/quant.hh"
#include "quant/shape.hh"
#include "simd/products.hh"

namespace infermem {
namespace {

constexpr size_t kRows = Packed::kRows;
constexpr size_t kAlign = 64;

constexpr size_t kStep = Packed::kColumns;

// Bytes of a step of so many columns of a plain row.
size_t plain_bytes(uint32_t bits, size_t columns) { return bits == 8 ? columns : (columns + 1) / 2; }

// A step of one row between the layouts: 8 columns, which are 4 or 8 bytes of the plain one, as they stand in the runs of
// 64 bytes. Even columns of 4 bits are in the low nibbles of the plain one, columns 0 to 3 in those of the packed one.
void pack_step(uint32_t bits, const uint8_t *in, uint8_t *out) {
  if (bits == 8) {
    std::memcpy(out, in, 4);
    std::memcpy(out + 64, in + 4, 4);
    return;
  }
  for (size_t i = 0; i < 2; ++i) {
    out[2 * i] = static_cast<uint8_t>((in[i] & 15) | in[i + 2] << 4);
    out[2 * i + 1] = static_cast<uint8_t>(in[i] >> 4 | (in[i + 2] & 0xf0));
  }
}

void unpack_step(uint32_t bits, const uint8_t *in, uint8_t *out) {
  if (bits == 8) {
    std::memcpy(out, in, 4);
    std::memcpy(out + 4, in + 64, 4);
    return;
  }
  for (size_t i = 0; i < 2; ++i) {
    out[i] = static_cast<uint8_t>((in[2 * i] & 15) | in[2 * i + 1] << 4);
    out[i + 2] = static_cast<uint8_t>(in[2 * i] >> 4 | (in[2 * i + 1] & 0xf0));
  }
}

}  // namespace

Packed Quant::form() const { return {bits_, params_, symmetric_, group_, cols_}; }

// Where the record of a row and a group begins.
size_t Quant::record_at(size_t row, size_t group) const {
  return row / kRows * block_bytes_ + group * form().record_bytes(group_);
}

Status Quant::set_packed() {
  const size_t blocks = (rows_ - 1) / kRows + 1, last = (groups_ - 1) * group_;
  if (!checked::mul(groups_ - 1, form().record_bytes(group_), &block_bytes_) ||
      !checked::add(block_bytes_, form().record_bytes(form().columns(last)), &block_bytes_) ||
      !checked::mul(blocks, block_bytes_, &bytes_))
    return fail_overflow(rows_, cols_);
  is_packed_ = true;
  return INFERMEM_OK;
}

Status Quant::open(const infermem_quant_options &options, const Allocator &, const Repacked &repacked) {
  const Quant &from = *repacked.from;
  if (options.bits != 0 || options.group != 0 || options.nan_policy != 0 || options.params != 0 ||
      options.symmetric != 0 || options.flags != 0)
    return fail(INFERMEM_E_ARG, 0, 0, "options for packing hold bits %u, group %zu, or another field, not 0",
                options.bits, options.group);
  INFERMEM_TRY(from.store_.check());
  if (from.dtype_ != INFERMEM_QUANT_NATIVE)
    return fail(INFERMEM_E_UNSUPPORTED, 0, static_cast<uint64_t>(from.dtype_), "a matrix of type %s has but one layout",
                infermem_dtype_name(from.dtype_));
  if (from.is_packed_ == repacked.packed)
    return fail(INFERMEM_E_STATE, 0, 0, "the matrix is %s already", repacked.packed ? "packed" : "plain");
  rows_ = from.rows_;
  cols_ = from.cols_;
  elements_ = from.elements_;
  bits_ = from.bits_;
  group_ = from.group_;
  groups_ = from.groups_;
  params_ = from.params_;
  symmetric_ = from.symmetric_;
  if (!repacked.packed) {
    INFERMEM_TRY(take_plain(options.tape));
    for (size_t row = 0; row < rows_; ++row)
      for (size_t g = 0; g < groups_; ++g) unpack_group(from, row, g);
    return INFERMEM_OK;
  }
  INFERMEM_TRY(set_packed());
  INFERMEM_TRY(store_.take(options.tape, bytes_, kAlign, true));
  levels_ = reinterpret_cast<uint8_t *>(store_.data());
  data_ = levels_;
  std::memset(levels_, 0, bytes_);
  for (size_t row = 0; row < rows_; ++row)
    for (size_t g = 0; g < groups_; ++g) pack_group(from, row, g);
  return INFERMEM_OK;
}

void Quant::pack_group(const Quant &from, size_t row, size_t g) {
  const Packed packed = form();
  uint8_t *const record = levels_ + record_at(row, g);
  const uint8_t *const levels = from.data_ + row * from.row_bytes_ + g * group_ * bits_ / 8;
  const size_t count = std::min(group_, cols_ - g * group_);
  for (size_t i = 0; i < count; i += kStep) {
    uint8_t step[kStep] = {};
    std::memcpy(step, levels + i * bits_ / 8, plain_bytes(bits_, std::min(kStep, count - i)));
    pack_step(bits_, step, record + packed.byte_of(row % kRows, i));
  }
  const size_t size = packed.parameter_bytes() / kRows, parameter = (row * groups_ + g) * size;
  uint8_t *const parameters = record + packed.level_bytes(packed.columns(g * group_)) + row % kRows * size;
  std::memcpy(parameters, from.scales_ + parameter, size);
  if (!packed.symmetric) std::memcpy(parameters + packed.parameter_bytes(), from.mins_ + parameter, size);
}

void Quant::unpack_group(const Quant &from, size_t row, size_t g) {
  const Packed packed = form();
  const size_t count = std::min(group_, cols_ - g * group_);
  from.get_levels(row, g * group_, count, levels_ + row * row_bytes_ + g * group_ * bits_ / 8);
  const size_t size = packed.parameter_bytes() / kRows, parameter = (row * groups_ + g) * size;
  const uint8_t *const parameters =
      from.data_ + from.record_at(row, g) + packed.level_bytes(packed.columns(g * group_)) + row % kRows * size;
  std::memcpy(scales_ + parameter, parameters, size);
  if (!packed.symmetric) std::memcpy(mins_ + parameter, parameters + packed.parameter_bytes(), size);
}

// The levels of a packed row, from a multiple of 8 columns on and within a group, as the plain layout has them.
void Quant::get_levels(size_t row, size_t first, size_t n, uint8_t *levels) const {
  const Packed packed = form();
  const uint8_t *const record = data_ + record_at(row, first / group_);
  for (size_t i = 0; i < n; i += kStep) {
    uint8_t step[kStep];
    unpack_step(bits_, record + packed.byte_of(row % kRows, first % group_ + i), step);
    std::memcpy(levels + i * bits_ / 8, step, plain_bytes(bits_, std::min(kStep, n - i)));
  }
}

void Quant::decode_packed(size_t row, size_t first, size_t n, float *out) const {
  uint8_t levels[kPiece];
  const auto kernel = bits_ == 4 ? kernels().dequantize4 : kernels().dequantize8;
  for (const size_t end = first + n; first < end;) {
    const size_t g = first / group_;
    const size_t count = std::min({kPiece, (g + 1) * group_ - first, end - first});
    get_levels(row, first, count, levels);
    const reference::RowParameters p =
        reference::parameters_of(form(), data_ + record_at(row, g), form().columns(g * group_), row % kRows);
    kernel(levels, &p.scale, &p.min, (count + 7) / 8 * 8, count, false, out);
    first += count;
    out += count;
  }
}

}  // namespace infermem
