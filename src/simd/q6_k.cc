// Q6_K written: the search for the parameters that leave the least squared error; see simd/search.hh.
#include "simd/search.hh"

namespace infermem::blocks {
namespace {

constexpr int kRefits = 2;  // of a run, from one starting point
constexpr int kRounds = 2;  // of a super-block, from one starting point
constexpr size_t kRun = 16;
constexpr size_t kRuns = Q6_K::kElements / kRun;
constexpr int kZero = 32;

struct Sums {
  double ll = 0, lx = 0, error = 0;
};

// The levels, less their zero, nearest to a run.
Sums assign(const float *x, double scale, int8_t *levels) {
  const double per_level = 1 / scale;
  Sums sums;
  for (size_t i = 0; i < kRun; ++i) {
    const int level = clamp_round(x[i] * per_level, -kZero, kZero - 1);
    const double difference = scale * level - x[i];
    levels[i] = static_cast<int8_t>(level);
    sums.ll += level * level;
    sums.lx += level * static_cast<double>(x[i]);
    sums.error += difference * difference;
  }
  return sums;
}

double fit(const float *x) {
  double extreme = 0;
  for (size_t i = 0; i < kRun; ++i)
    if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
  if (extreme == 0) return 0;
  double best = 0, least = DBL_MAX;
  int8_t levels[kRun];
  // The farthest value at one of the last levels of either sign.
  static constexpr double kAt[] = {-32, -31, -30, -29, 31, 30, 29};
  for (const double at : kAt) {
    double scale = extreme / at;
    for (int i = 0; i < kRefits; ++i) {
      const Sums sums = assign(x, scale, levels);
      if (sums.error < least) {
        least = sums.error;
        best = scale;
      }
      if (!(sums.ll > 0)) break;
      const double next = sums.lx / sums.ll;
      if (next == scale || next == 0) break;
      scale = next;
    }
  }
  return best;
}

// A super-block's parameters.
struct Choice {
  double error = DBL_MAX;
  float scale = 0;
  int8_t integers[kRuns] = {};
  int8_t levels[Q6_K::kElements] = {};
};

// The integers and levels that leave the least error under a scale, of the integers around what was fitted.
Choice choose(const float *values, const double (&fitted)[kRuns], float scale) {
  Choice choice;
  choice.error = 0;
  choice.scale = scale;
  for (size_t run = 0; run < kRuns; ++run) {
    const float *x = values + run * kRun;
    const int near = clamp_round(fitted[run] / scale, -128, 127);
    double least = DBL_MAX;
    for (int integer = std::max(near - 1, -128); integer <= std::min(near + 1, 127); ++integer) {
      int8_t levels[kRun] = {};
      double error = 0;
      if (integer != 0)
        error = assign(x, static_cast<double>(scale) * integer, levels).error;
      else
        for (size_t i = 0; i < kRun; ++i) error += static_cast<double>(x[i]) * x[i];
      if (error < least) {
        least = error;
        choice.integers[run] = static_cast<int8_t>(integer);
        std::copy_n(levels, kRun, choice.levels + run * kRun);
      }
    }
    choice.error += least;
  }
  return choice;
}

}  // namespace

void encode(const float *values, Q6_K *out) {
  double fitted[kRuns];
  double extreme = 0;
  for (size_t run = 0; run < kRuns; ++run) {
    fitted[run] = fit(values + run * kRun);
    if (std::fabs(fitted[run]) > std::fabs(extreme)) extreme = fitted[run];
  }
  Choice best;
  // The run with the largest scale takes the integer -128, as there is no 128, or one nearby: each gives other products.
  static constexpr double kIntegers[] = {-128, -126, -124, -122};
  for (const double integer : kIntegers) {
    const double wanted = extreme / integer;
    float scale = wanted < 0 ? -half_above(-wanted) : half_above(wanted);
    for (int round = 0; round < kRounds && scale != 0.0f; ++round) {
      const Choice choice = choose(values, fitted, scale);
      if (!(choice.error < best.error)) break;
      best = choice;
      double aa = 0, ax = 0;  // value = scale * a
      for (size_t i = 0; i < Q6_K::kElements; ++i) {
        const double a = choice.integers[i / kRun] * choice.levels[i];
        aa += a * a;
        ax += a * values[i];
      }
      scale = aa > 0 ? half_nearest(ax / aa) : 0.0f;
    }
  }

  std::memset(out, 0, sizeof *out);
  out->scale.set(best.scale);
  std::copy_n(best.integers, kRuns, out->scales);
  for (size_t i = 0; i < Q6_K::kElements; ++i) {
    const auto level = static_cast<unsigned>(best.levels[i] + kZero);
    uint8_t &low = out->levels[i / 128 * 64 + i % 64];
    uint8_t &high = out->high[i / 128 * 32 + i % 32];
    low = static_cast<uint8_t>(low | (level & 15) << (i % 128 / 64 * 4));
    high = static_cast<uint8_t>(high | level >> 4 << (i % 128 / 32 * 2));
  }
}

}  // namespace infermem::blocks
