#include "dispatch/totals.hh"

#include <algorithm>
#include <cmath>

namespace infermem {
namespace {

double to_double(U128 x) { return static_cast<double>(high_of(x)) * 0x1p64 + static_cast<double>(low_of(x)); }

// The first entry whose latencies are all at least a bound: that of the bound, rounded down.
size_t first_from(const Buckets &buckets, uint64_t bound) {
  return bound > INT64_MAX ? buckets.entries() : buckets.entry(bound) & ~size_t{1};
}

}  // namespace

// The mean, rounded to the nearest integer: it lies between the extremes, too.
uint64_t Totals::nearest_mean() const { return low_of((sum + latencies / 2) / latencies); }

double Totals::mean() const {
  if (latencies == 0) return 0;
  const uint64_t c = nearest_mean();
  const auto beyond = static_cast<int64_t>(low_of(sum - U128{c} * latencies));  // half the latencies at most
  const double exact = static_cast<double>(c) + static_cast<double>(beyond) / static_cast<double>(latencies);
  return std::clamp(exact, static_cast<double>(min()), static_cast<double>(max));
}

// With an integer c next to the mean, the squares of the distances from c add up to an integer, which is computed exactly:
// squares - c * (2 * sum - n * c). Half of it at least remains when the square of the mean's own distance is taken off, so
// that nothing cancels, and nothing is negative.
double Totals::variance() const {
  if (latencies == 0) return 0;
  const uint64_t c = nearest_mean();
  const U128 beyond = sum - U128{c} * latencies;  // as a signed number, half the latencies at most
  const U128 factor = sum + beyond;
  const U128 low = U128{c} * low_of(factor), high = U128{c} * high_of(factor) + high_of(low);
  const U128 squares_low = U128{squares[1]} << 64 | squares[0], product_low = high << 64 | low_of(low);
  const U128 distances = squares_low - product_low;
  const uint64_t top = squares[2] - high_of(high) - (squares_low < product_low);
  const auto n = static_cast<double>(latencies);
  const double offset = static_cast<double>(static_cast<int64_t>(low_of(beyond))) / n;
  const double mean_square = static_cast<double>(top) / n * 0x1p128 + to_double(distances) / n;
  return mean_square - offset * offset;
}

uint64_t Totals::before(const Buckets &buckets, size_t entry) const {
  if (latencies == 0) return 0;
  uint64_t count = 0;
  const size_t end = std::min(entry, buckets.entry(max) + 1);
  for (size_t i = buckets.entry(min()); i < end; ++i) count += entries()[i];
  return count;
}

uint64_t Totals::percentile(const Buckets &buckets, uint64_t per_mille) const {
  const U128 scaled = U128{latencies} * per_mille;
  const uint64_t rank = low_of((scaled + 999) / 1000);
  size_t i = buckets.entry(min());
  for (uint64_t count = entries()[i]; count < rank; count += entries()[i]) ++i;
  return std::clamp(buckets.value(i), min(), max);
}

void Totals::describe(const Buckets &buckets, infermem_dispatch_stats *out) const {
  out->dispatches = dispatches();
  out->latencies = latencies;
  if (latencies == 0) return;
  out->sum_ns = high_of(sum) != 0 ? UINT64_MAX : low_of(sum);
  out->min_ns = min();
  out->max_ns = max;
  out->p50_ns = percentile(buckets, 500);
  out->p90_ns = percentile(buckets, 900);
  out->p95_ns = percentile(buckets, 950);
  out->p99_ns = percentile(buckets, 990);
  out->p999_ns = percentile(buckets, 999);
  out->mean_ns = mean();
  out->variance_ns2 = variance();
  out->deviation_ns = std::sqrt(out->variance_ns2);
  out->variation_percent = out->mean_ns < 1 ? 0 : 100 * out->deviation_ns / out->mean_ns;
}

void Totals::histogram(const Buckets &buckets, const uint64_t *bounds, size_t n, uint64_t *out) const {
  uint64_t below = 0;
  for (size_t i = 0; i < n; ++i) {
    const uint64_t count = before(buckets, first_from(buckets, bounds[i]));
    out[i] = count - below;
    below = count;
  }
  out[n] = latencies - below;
}

}  // namespace infermem
