#include "quant/group.hh"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>

#include "base/dtype.hh"
#include "simd/convert.hh"

namespace infermem {
namespace {

constexpr size_t kPieceGroups = kPiece / kLeastGroup;

// Of numbers of 16 bits, by their bits: the next one downwards.
uint16_t next_below(uint16_t half) {
  const uint16_t positive = half == 0 ? uint16_t{0x8001} : static_cast<uint16_t>(half - 1);
  return (half & 0x8000u) != 0 ? static_cast<uint16_t>(half + 1) : positive;
}

// Each of at most kPieceGroups values becomes the largest number of the type that is not above it. Below the least that
// is -infinity.
void round_down(int32_t dtype, float *values, size_t n) {
  if (dtype == INFERMEM_DTYPE_F32) return;
  uint16_t halves[kPieceGroups] = {};
  float nearest[kPieceGroups];
  encode16(dtype, values, n, halves);
  decode(dtype, halves, n, nearest);
  for (size_t i = 0; i < n; ++i) {
    const uint16_t below = next_below(halves[i]);
    halves[i] = nearest[i] > values[i] ? below : halves[i];
  }
  decode(dtype, halves, n, values);
}

void round_up(int32_t dtype, float *values, size_t n) {
  for (size_t i = 0; i < n; ++i) values[i] = -values[i];
  round_down(dtype, values, n);
  for (size_t i = 0; i < n; ++i) values[i] = -values[i];
}

float largest(int32_t dtype) {
  if (dtype == INFERMEM_DTYPE_F32) return FLT_MAX;
  return dtype == INFERMEM_DTYPE_F16 ? f16_to_f32(0x7bff) : bf16_to_f32(0x7f7f);
}

// Whether the scale is finite, and the minimum that it implies in a symmetric form.
bool scale_fits(const reference::Levels &form, float scale) {
  return scale <= FLT_MAX && scale * static_cast<float>(form.zero()) <= FLT_MAX;
}

// The values of a group, piece by piece. With a range, what is not finite is brought into it.
template <typename Use>
void each_piece(int32_t dtype, const void *values, size_t n, const reference::Range *range, Use use) {
  const size_t size = dtype == INFERMEM_DTYPE_F32 ? 4 : 2;
  float piece[kPiece];
  for (size_t first = 0; first < n; first += kPiece) {
    const size_t count = std::min(kPiece, n - first);
    decode(dtype, static_cast<const char *>(values) + first * size, count, piece);
    for (size_t i = 0; range && i < count; ++i) {
      if (std::isnan(piece[i])) piece[i] = 0.0f;
      piece[i] = std::clamp(piece[i], range->min, range->max);
    }
    use(piece, count, first);
  }
}

}  // namespace

bool quantize_group(const GroupForm &form, int32_t dtype, const void *values, size_t n, uint8_t *levels,
                    reference::Parameters *out) {
  reference::Range range = {HUGE_VALF, -HUGE_VALF};  // of the finite values
  bool all_finite = true;
  each_piece(dtype, values, n, nullptr, [&](const float *piece, size_t count, size_t) {
    for (size_t i = 0; i < count; ++i) {
      const bool is_finite = std::isfinite(piece[i]);
      all_finite &= is_finite;
      if (is_finite) range = {std::min(range.min, piece[i]), std::max(range.max, piece[i])};
    }
  });
  if (!all_finite && !form.clamp) return false;
  if (range.min > range.max) range = {0.0f, 0.0f};
  range.min += 0.0f;  // not -0
  const reference::Range finite = range;
  const reference::Range *const clamp = all_finite ? nullptr : &finite;

  if (form.levels.symmetric) range = {0.0f, std::max(-range.min, range.max)};
  if (std::fabs(range.min) > largest(form.params)) return false;

  // Downwards and upwards, so that the group's range is still covered and no value moves by more than half a scale.
  round_down(form.params, &range.min, 1);
  reference::Parameters parameters = reference::parameters_of(range, form.levels.top());
  round_up(form.params, &parameters.scale, 1);
  if (!scale_fits(form.levels, parameters.scale)) return false;

  each_piece(dtype, values, n, clamp, [&](const float *piece, size_t count, size_t first) {
    reference::find_levels(piece, count, form.levels, parameters, range.max, levels + first * form.levels.bits / 8);
  });
  if (form.levels.symmetric && range.max == 0.0f) parameters.scale = 0.0f;
  *out = parameters;
  return true;
}

bool quantize_groups(const GroupForm &form, const float *values, size_t group, size_t n, uint8_t *levels, void *scales,
                     void *mins) {
  const size_t groups = (n - 1) / group + 1;
  const bool symmetric = form.levels.symmetric;
  const float top = form.levels.top(), most = largest(form.params);
  float low[kPieceGroups], high[kPieceGroups], scale[kPieceGroups];
  if (!kernels().find_ranges(values, group, n, low, high)) return false;
  bool is_usual = true;
  for (size_t g = 0; g < groups; ++g) {
    if (symmetric) {
      high[g] = std::max(-low[g], high[g]);
      low[g] = 0.0f;
    }
    is_usual &= std::fabs(low[g]) <= most;
  }
  round_down(form.params, low, groups);
  for (size_t g = 0; g < groups; ++g) {
    const float range = high[g] - low[g];
    scale[g] = range == 0.0f ? 1.0f : range / top;
    is_usual &= scale[g] >= FLT_MIN && scale[g] <= FLT_MAX;
  }
  round_up(form.params, scale, groups);
  for (size_t g = 0; g < groups; ++g) is_usual &= scale_fits(form.levels, scale[g]);
  if (!is_usual) return false;

  const auto find_levels = form.levels.bits == 4 ? kernels().find_levels4 : kernels().find_levels8;
  find_levels(values, group, n, scale, low, form.levels.zero(), levels);
  // Of symmetric zeros the minimum that is implied must be 0, too, or products would lose digits to it.
  for (size_t g = 0; symmetric && g < groups; ++g)
    if (high[g] == 0.0f) scale[g] = 0.0f;
  store_parameters(form.params, scale, groups, scales);
  if (!symmetric) store_parameters(form.params, low, groups, mins);
  return true;
}

void store_parameters(int32_t params, const float *values, size_t n, void *out) {
  if (params == INFERMEM_DTYPE_F32)
    std::memcpy(out, values, n * sizeof(float));
  else
    encode16(params, values, n, static_cast<uint16_t *>(out));
}

}  // namespace infermem
