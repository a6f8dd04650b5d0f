#include "dispatch/buckets.hh"

namespace infermem {
namespace {

// The largest of 1, 2, 5, 10, ... that is at most x, or 1.
uint64_t round_down(uint64_t x) {
  uint64_t unit = 1;
  while (unit <= x / 10) unit *= 10;
  return x / unit >= 5 ? 5 * unit : x / unit >= 2 ? 2 * unit : unit;
}

}  // namespace

void Buckets::open(uint32_t resolution) {
  entries_ = 0;
  for (unsigned bit = 0; bit < kBits; ++bit) {
    Row &row = rows_[bit];
    const uint64_t first = bit == 0 ? 0 : uint64_t{1} << bit, last = (uint64_t{2} << bit) - 1;
    row.width = round_down(first / resolution);
    row.shift = 0;
    while (U128{1} << row.shift < row.width) ++row.shift;
    row.inverse = low_of(((U128{1} << (63 + row.shift)) + row.width - 1) / row.width);
    row.base = entries_ - 2 * (first / row.width);
    entries_ = static_cast<size_t>(row.base + 2 * (last / row.width) + 2);
  }
}

uint64_t Buckets::value(size_t entry) const {
  unsigned bit = 0;
  while (bit + 1 < kBits && entry >= rows_[bit + 1].base + 2 * ((uint64_t{2} << bit) / rows_[bit + 1].width)) ++bit;
  const Row &row = rows_[bit];
  return (entry - row.base) / 2 * row.width + (entry % 2 != 0 ? row.width / 2 : 0);
}

}  // namespace infermem
