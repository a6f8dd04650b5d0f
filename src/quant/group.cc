#include "quant/group.hh"

#include <algorithm>
#include <cmath>

#include "base/dtype.hh"
#include "simd/convert.hh"

namespace infermem {
namespace {

float widen16(int32_t dtype, uint16_t half) {
  return dtype == INFERMEM_DTYPE_F16 ? f16_to_f32(half) : bf16_to_f32(half);
}

// The largest number of the type that is not above the value. Below the least it is -infinity.
float round_down(int32_t dtype, float value) {
  if (dtype == INFERMEM_DTYPE_F32) return value;
  uint16_t half;
  encode16(dtype, &value, 1, &half);
  if (widen16(dtype, half) > value) {
    if ((half & 0x8000u) != 0)
      ++half;
    else
      half = half == 0 ? uint16_t{0x8001} : static_cast<uint16_t>(half - 1);
  }
  return widen16(dtype, half);
}

float largest(int32_t dtype) {
  if (dtype == INFERMEM_DTYPE_F32) return HUGE_VALF;
  return widen16(dtype, dtype == INFERMEM_DTYPE_F16 ? 0x7bff : 0x7f7f);
}

// The values of a group, piece by piece. With a magnitude, NaN becomes 0 and infinity the magnitude with its sign.
template <typename Use>
void each_piece(int32_t dtype, const void *values, size_t n, const float *magnitude, Use use) {
  const size_t size = dtype == INFERMEM_DTYPE_F32 ? 4 : 2;
  float piece[kPiece];
  for (size_t first = 0; first < n; first += kPiece) {
    const size_t count = std::min(kPiece, n - first);
    decode(dtype, static_cast<const char *>(values) + first * size, count, piece);
    if (magnitude)
      for (size_t i = 0; i < count; ++i)
        if (!std::isfinite(piece[i])) piece[i] = std::isnan(piece[i]) ? 0.0f : std::copysign(*magnitude, piece[i]);
    use(piece, count, first);
  }
}

}  // namespace

bool quantize_group(const GroupForm &form, int32_t dtype, const void *values, size_t n, uint8_t *levels,
                    reference::Parameters *out) {
  float magnitude = 0.0f;
  bool all_finite = true;
  each_piece(dtype, values, n, nullptr, [&](const float *piece, size_t count, size_t) {
    for (size_t i = 0; i < count; ++i) {
      if (std::isfinite(piece[i]))
        magnitude = std::max(magnitude, std::fabs(piece[i]));
      else
        all_finite = false;
    }
  });
  if (!all_finite && !form.clamp) return false;
  const float *const clamp = all_finite ? nullptr : &magnitude;

  reference::Range range = {HUGE_VALF, -HUGE_VALF};
  each_piece(dtype, values, n, clamp, [&](const float *piece, size_t count, size_t) {
    const reference::Range part = reference::find_range(piece, count);
    range = {std::min(range.min, part.min), std::max(range.max, part.max)};
  });
  if (std::fabs(range.min) > largest(form.params)) return false;

  // Downwards and upwards, so that the group's range is still covered and no value moves by more than half a scale.
  range.min = round_down(form.params, range.min);
  reference::Parameters parameters = reference::parameters_of(range, form.bits);
  parameters.scale = -round_down(form.params, -parameters.scale);
  if (!std::isfinite(parameters.scale)) return false;

  each_piece(dtype, values, n, clamp, [&](const float *piece, size_t count, size_t first) {
    reference::find_levels(piece, count, form.bits, parameters, range.max, levels + first * form.bits / 8);
  });
  *out = parameters;
  return true;
}

}  // namespace infermem
