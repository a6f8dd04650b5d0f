// Buckets of latencies, whose edges are round decimal numbers.
//
// The numbers from 2^i - 1 on and below 2^(i + 1) - 1 have buckets of one width: the largest of 1, 2, 5, 10, 20, 50, ...
// that is at most a resolution-th of the first. With a resolution of 10^d, every number of d significant digits is a
// multiple of its bucket's width. A bucket has two entries, one for what is exactly its lower edge and one for the rest:
// so such a number parts the latencies exactly, whichever side of it what equals it is to be on.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dispatch/wide.hh"

namespace infermem {

class Buckets {
 public:
  void open(uint32_t resolution);

  // How many entries there are for numbers below 2^63.
  size_t entries() const { return entries_; }

  // The entry of a number below 2^63; even where it is its bucket's edge.
  size_t entry(uint64_t x) const {
    const size_t row = row_of(x);
    const uint64_t q = x / widths_[row];
    return bases_[row] + 2 * q + (q * widths_[row] != x);
  }

  // The same of one below small_end(), without a division. With f = (2^51 - 1) / width, rounded down, width * f is 2^51 - e,
  // and e is 1 to width. So (x + 1) * f is q * 2^51 + (remainder + 1) * f - q * e, and as q * e is at most x, which is less
  // than f, its bits from 51 on are q, and those below are more than f just where there is a remainder.
  size_t entry_of_small(uint64_t x) const {
    const size_t row = row_of(x);
    const uint64_t product = (x + 1) * inverses_[row];
    return bases_[row] + (product >> kPoint) + ((product + ups_[row]) >> kPoint);
  }
  uint64_t small_end() const { return small_end_; }

  // What stands for all numbers of an entry: the edge, or the middle of what is beyond it.
  uint64_t value(size_t entry) const;

 private:
  static constexpr size_t kRows = 64, kSmallRows = 32;
  static constexpr unsigned kPoint = 51;
  static size_t row_of(uint64_t x) { return 63 - static_cast<size_t>(__builtin_clzll(x + 1)); }
  static uint64_t first_of(size_t row) { return (uint64_t{1} << row) - 1; }

  size_t entries_ = 0;
  uint64_t small_end_ = 0;
  // By row:
  uint64_t inverses_[kSmallRows] = {};
  uint64_t ups_[kSmallRows] = {};  // what lifts more than the inverse to 2^51
  uint64_t widths_[kRows] = {};
  uint64_t bases_[kRows] = {};  // the entry of 0, if the widths were all the same; modulo 2^64
};

}  // namespace infermem
