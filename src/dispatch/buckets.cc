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
  for (size_t row = 0; row < kRows; ++row) {
    const uint64_t first = first_of(row), last = row + 1 < kRows ? first_of(row + 1) - 1 : first;
    const uint64_t width = round_down(first / resolution);
    widths_[row] = width;
    const uint64_t one = uint64_t{1} << kPoint, inverse = (one - 1) / width;
    if (row < kSmallRows && last < inverse) {
      inverses_[row] = inverse;
      ups_[row] = one - 1 - inverse;
      small_end_ = last + 1;
    }
    bases_[row] = entries_ - 2 * (first / width);
    entries_ = static_cast<size_t>(bases_[row] + 2 * (last / width) + 2);
  }
}

uint64_t Buckets::value(size_t entry) const {
  size_t row = 0;
  while (row + 1 < kRows && entry >= bases_[row + 1] + 2 * (first_of(row + 1) / widths_[row + 1])) ++row;
  return (entry - bases_[row]) / 2 * widths_[row] + (entry % 2 != 0 ? widths_[row] / 2 : 0);
}

}  // namespace infermem
