// Q4_K written: the search for the parameters that leave the least squared error; see simd/search.hh.
#include "simd/search.hh"

namespace infermem::blocks {
namespace {

constexpr int kRefits = 3;  // of a run, from one starting point
constexpr int kRounds = 2;  // of a super-block, from one starting point
constexpr size_t kRun = 32;
constexpr size_t kRuns = Q4_K::kElements / kRun;
constexpr int kTop = 15;
constexpr int kTopInteger = 63;

struct Affine {
  double scale, min;
};

// A super-block's parameters.
struct Choice {
  double error = DBL_MAX;
  float scale = 0, min = 0;
  RunScale integers[kRuns] = {};
  uint8_t levels[Q4_K::kElements] = {};
};

struct Sums {
  double l = 0, ll = 0, lx = 0, error = 0;
};

// The levels nearest to a run under the parameters, and their sums.
Sums assign(const float *x, const Affine &by, uint8_t *levels) {
  const double per_level = by.scale > 0 ? 1 / by.scale : 0;
  Sums sums;
  for (size_t i = 0; i < kRun; ++i) {
    const int level = clamp_round((x[i] + by.min) * per_level, 0, kTop);
    const double difference = by.scale * level - by.min - x[i];
    levels[i] = static_cast<uint8_t>(level);
    sums.l += level;
    sums.ll += level * level;
    sums.lx += level * static_cast<double>(x[i]);
    sums.error += difference * difference;
  }
  return sums;
}

Affine fit(const float *x) {
  double low = 0, high = x[0], sum = 0;
  for (size_t i = 0; i < kRun; ++i) {
    low = std::min<double>(low, x[i]);
    high = std::max<double>(high, x[i]);
    sum += x[i];
  }
  Affine best = {0, -low};
  if (high == low) return best;
  double least = DBL_MAX;
  uint8_t levels[kRun];
  // The outermost levels a little inside the outermost values, at either end.
  static constexpr double kInside[][2] = {{0, 0},        {0, -0.06},   {0, -0.03},   {0, 0.03},    {0, 0.06}, {0, 0.09},
                                          {0.04, -0.03}, {0.04, 0.02}, {0.04, 0.07}, {0.08, 0.08}, {-0.03, 0}};
  for (const double *inside : kInside) {
    Affine at = {(high - low) * (1 - inside[0] - inside[1]) / kTop, std::max(0.0, -low - (high - low) * inside[0])};
    for (int i = 0; i < kRefits; ++i) {
      const Sums sums = assign(x, at, levels);
      if (sums.error < least) {
        least = sums.error;
        best = at;
      }
      if (sums.ll == 0) break;
      const double n = kRun, determinant = n * sums.ll - sums.l * sums.l;
      Affine next = {sums.lx / sums.ll, 0};
      if (determinant > 0) {
        const Affine free = {(n * sums.lx - sum * sums.l) / determinant,
                             (sums.l * sums.lx - sums.ll * sum) / determinant};
        if (free.min > 0) next = free;
      }
      if (!(next.scale > 0) || (next.scale == at.scale && next.min == at.min)) break;
      at = next;
    }
  }
  return best;
}

// The integers and levels of a run that leave the least error under a super-block's scale and min, of those around
// what was fitted; returns the error.
double choose_run(const float *x, const Affine &fitted, double scale, double min, RunScale *out, uint8_t *levels) {
  double sum = 0;
  for (size_t i = 0; i < kRun; ++i) sum += x[i];
  double least = DBL_MAX;
  uint8_t tried[kRun];
  const int near = scale > 0 ? clamp_round(fitted.scale / scale, 0, kTopInteger) : 0;
  for (int s = std::max(near - 1, 0); s <= std::min(near + 1, kTopInteger); ++s) {
    const double step = scale * s;
    int m = min > 0 ? clamp_round(fitted.min / min, 0, kTopInteger) : 0;
    for (int i = 0; i < kRefits; ++i) {
      const Sums sums = assign(x, {step, min * m}, tried);
      if (sums.error < least) {
        least = sums.error;
        *out = {static_cast<uint8_t>(s), static_cast<uint8_t>(m)};
        std::copy_n(tried, kRun, levels);
      }
      // With the levels, the best minimum may have moved.
      const int moved = min > 0 ? clamp_round((step * sums.l - sum) / (kRun * min), 0, kTopInteger) : 0;
      if (moved == m) break;
      m = moved;
    }
  }
  return least;
}

Choice choose(const float *values, const Affine (&fitted)[kRuns], float scale, float min) {
  Choice choice;
  choice.error = 0;
  choice.scale = scale;
  choice.min = min;
  for (size_t run = 0; run < kRuns; ++run)
    choice.error +=
        choose_run(values + run * kRun, fitted[run], scale, min, &choice.integers[run], choice.levels + run * kRun);
  return choice;
}

// The scale and min that suit the integers and levels best: value = scale * a - min * b, by least squares.
Affine refit(const float *values, const Choice &choice) {
  double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;
  for (size_t i = 0; i < Q4_K::kElements; ++i) {
    const RunScale &integers = choice.integers[i / kRun];
    const double a = integers.scale * choice.levels[i], b = integers.min, x = values[i];
    aa += a * a;
    ab += a * b;
    bb += b * b;
    ax += a * x;
    bx += b * x;
  }
  const double determinant = aa * bb - ab * ab;
  if (determinant > 0)
    return {std::max(0.0, (ax * bb - bx * ab) / determinant), std::max(0.0, (ax * ab - bx * aa) / determinant)};
  return {aa > 0 ? std::max(0.0, ax / aa) : 0, bb > 0 ? std::max(0.0, -bx / bb) : 0};
}

}  // namespace

void encode(const float *values, Q4_K *out) {
  Affine fitted[kRuns];
  Affine largest = {0, 0};
  for (size_t run = 0; run < kRuns; ++run) {
    fitted[run] = fit(values + run * kRun);
    largest.scale = std::max(largest.scale, fitted[run].scale);
    largest.min = std::max(largest.min, fitted[run].min);
  }
  Choice best;
  // The largest take the last integer, or one nearby: each gives other products.
  static constexpr double kIntegers[] = {63, 62, 61};
  for (const double integer : kIntegers) {
    float scale = half_above(largest.scale / integer), min = half_above(largest.min / integer);
    for (int round = 0; round < kRounds; ++round) {
      const Choice choice = choose(values, fitted, scale, min);
      if (!(choice.error < best.error)) break;
      best = choice;
      const Affine next = refit(values, best);
      scale = half_nearest(next.scale);
      min = half_nearest(next.min);
    }
  }

  std::memset(out, 0, sizeof *out);
  out->scale.set(best.scale);
  out->min.set(best.min);
  for (size_t run = 0; run < kRuns; ++run) set_run(out->scales, run, best.integers[run]);
  for (size_t i = 0; i < Q4_K::kElements; ++i) {
    uint8_t &byte = out->levels[i / 64 * 32 + i % 32];
    byte = static_cast<uint8_t>(byte | best.levels[i] << (i % 64 / 32 * 4));
  }
}

}  // namespace infermem::blocks
