// What was recorded of one backend, as exact integers, and the statistics that follow from them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dispatch/buckets.hh"
#include "dispatch/wide.hh"
#include "infermem/dispatch.h"

namespace infermem {

// No sum can wrap: latencies are below 2^63, and there are fewer than 2^64.
struct Totals {
  uint64_t counted;    // dispatches without a latency
  uint64_t latencies;  // with one
  U128 sum;
  uint64_t squares[3];  // their sum, the lowest word first
  uint64_t above_min;   // all ones less the least, so that zero stands for none
  uint64_t max;

  // How many latencies each entry of the buckets has: behind this, in the same memory.
  uint64_t *entries() { return reinterpret_cast<uint64_t *>(this + 1); }
  const uint64_t *entries() const { return reinterpret_cast<const uint64_t *>(this + 1); }

  uint64_t dispatches() const { return counted + latencies; }
  uint64_t min() const { return latencies != 0 ? ~above_min : 0; }
  double mean() const;
  // The standard deviation's square.
  double variance() const;
  // How many latencies are in the entries before one.
  uint64_t before(const Buckets &buckets, size_t entry) const;

  void describe(const Buckets &buckets, infermem_dispatch_stats *out) const;
  // The counts of the n + 1 ranges between n bounds.
  void histogram(const Buckets &buckets, const uint64_t *bounds, size_t n, uint64_t *out) const;

 private:
  uint64_t nearest_mean() const;
  uint64_t percentile(const Buckets &buckets, uint64_t per_mille) const;
};

}  // namespace infermem
