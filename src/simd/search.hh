// What the searches for the best Q4_K and Q6_K blocks share.
//
// Both go the same way. First each run by itself, with real numbers for its parameters: from several starting points,
// values are given their nearest levels and the parameters are fitted to the levels by least squares, in turns. Then
// the super-block's scales are taken from the largest parameters; each run chooses its small integers, trying those
// around its fit with the levels that go with them; the scales are fitted to the choice by least squares; and so on
// while the error falls. All in double precision, in which squares of denormals are not 0, and in one order, so that
// the same values give the same bytes everywhere.
#pragma once

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "simd/blocks.hh"

namespace infermem::blocks {

constexpr float kLargestHalf = 65504.0f;

// The F16 nearest to x, at most the largest.
inline float half_nearest(double x) {
  const auto bounded = static_cast<float>(std::clamp<double>(x, -kLargestHalf, kLargestHalf));
  return f16_to_f32(f32_to_f16(bounded));
}

// The F16 at or above x, which is not negative: one below would put the largest parameters out of the integers' reach.
inline float half_above(double x) {
  const float nearest = half_nearest(x);
  if (nearest >= x || nearest == kLargestHalf) return nearest;
  return f16_to_f32(static_cast<uint16_t>(f32_to_f16(nearest) + 1));
}

// The nearest integer from low to high, halves up. The bounds come first, as x may be too large for an int; what is
// converted is not negative, so that truncating it rounds down.
inline int clamp_round(double x, int low, int high) {
  const double bounded = std::min(std::max(x, static_cast<double>(low)), static_cast<double>(high));
  return static_cast<int>(bounded - low + 0.5) + low;
}

}  // namespace infermem::blocks
