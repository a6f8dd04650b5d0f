// A matrix of the library's own form as plain arrays.
#include <algorithm>
#include <cstring>

#include "quant/quant.hh"
#include "simd/products.hh"

namespace infermem {
namespace {

Status check_length(const char *what, size_t n, size_t wanted) {
  if (n == wanted) return INFERMEM_OK;
  return fail(INFERMEM_E_SHAPE, wanted, n, "%s of %zu are not the %zu of the matrix", what, n, wanted);
}

}  // namespace

Status Quant::export_arrays(const PlainArrays &out) const {
  INFERMEM_TRY(store_.check());
  if (dtype_ != INFERMEM_QUANT_NATIVE)
    return fail(INFERMEM_E_UNSUPPORTED, 0, static_cast<uint64_t>(dtype_),
                "a matrix of borrowed %s has no levels, scales and minima of its own", infermem_dtype_name(dtype_));
  const size_t groups = rows_ * groups_, row_bytes = bits_ == 8 ? cols_ : cols_ / 2 + cols_ % 2;
  INFERMEM_TRY(check_length("levels", out.n_levels, rows_ * row_bytes));
  INFERMEM_TRY(check_length("scales", out.n_scales, groups));
  INFERMEM_TRY(check_length("minima", out.n_mins, groups));
  if (is_packed_) {
    for (size_t at = 0; at < groups; ++at) {
      const size_t row = at / groups_, first = at % groups_ * group_;
      get_levels(row, first, std::min(group_, cols_ - first), out.levels + row * row_bytes + first * bits_ / 8);
      const reference::RowParameters p = reference::parameters_of(form(), data_ + record_at(row, at % groups_),
                                                                  form().columns(first), row % Packed::kRows);
      out.scales[at] = p.scale;
      out.mins[at] = p.min;
    }
    return INFERMEM_OK;
  }
  std::memcpy(out.levels, data_, out.n_levels);
  if (bits_ == 4 && cols_ % 2 != 0)  // the other half of a row's last byte, which a file may have set
    for (size_t end = row_bytes; end <= out.n_levels; end += row_bytes) out.levels[end - 1] &= 15;
  ParameterRoom room;
  for (size_t at = 0; at < groups; at += ParameterRoom::kGroups) {
    const size_t n = std::min(ParameterRoom::kGroups, groups - at);
    const GroupParameters p = parameters(at, n, &room);
    std::memcpy(out.scales + at, p.scales, n * sizeof(float));
    std::memcpy(out.mins + at, p.mins, n * sizeof(float));
  }
  return INFERMEM_OK;
}

}  // namespace infermem
