// Buckets of latencies, whose edges are round decimal numbers.
//
// The numbers from 2^i to 2^(i + 1) have buckets of one width: the largest of 1, 2, 5, 10, 20, 50, ... that is at most
// 2^i / resolution. With a resolution of 10^d, every number of d significant digits is a multiple of its bucket's width.
// A bucket has two entries, one for what is exactly its lower edge and one for the rest: so such a number parts the
// latencies exactly, whichever side of it what equals it is to be on.
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
    const Row &row = rows_[bit_of(x)];
    // Exact (Granlund and Montgomery, Division by Invariant Integers using Multiplication, 1994).
    const uint64_t q = high_of(U128{row.inverse} * (x << 1)) >> row.shift;
    return row.base + 2 * q + (q * row.width != x);
  }

  // What stands for all numbers of an entry: the edge, or the middle of what is beyond it.
  uint64_t value(size_t entry) const;

 private:
  static constexpr unsigned kBits = 63;
  static size_t bit_of(uint64_t x) { return 63 - static_cast<size_t>(__builtin_clzll(x | 1)); }

  struct Row {  // of the numbers from 2^i on: x / width is x * inverse / 2^(63 + shift)
    uint64_t inverse;
    uint64_t width;
    uint64_t base;  // the entry of 0, if the widths were all the same; modulo 2^64
    uint64_t shift;
  };
  Row rows_[kBits] = {};
  size_t entries_ = 0;
};

}  // namespace infermem
