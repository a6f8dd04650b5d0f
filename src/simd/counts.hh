// The kernels of activation counts: a part of each table of kernels, with the same rule: the results are those of the
// plain ones, whatever the instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace infermem {

// Which values are in the first list: those above a limit; those that equal it, of an index below ties_before; and
// those above another limit whose bit is set.
struct Split {
  uint32_t above;
  uint32_t ties_before;
  uint32_t stays_above;
};

// Counts are added up to 2^32 - 1 and stay there.
struct CountKernels {
  // Adds weight to the count of each index; returns how many are n_counts or more, which are skipped. No sum overflows:
  // that is the caller's business here.
  size_t (*add_at)(const uint32_t *indices, size_t n, uint32_t weight, uint32_t *counts, size_t n_counts);
  // Adds weight to the counts of the bits that are set: bit i of the mask is bit i % 8 of byte i / 8.
  void (*add_mask)(const uint8_t *mask, size_t n, uint32_t weight, uint32_t *counts);
  // Adds weight to the counts of values whose magnitude is above the cutoff; returns how many values are NaN.
  size_t (*add_values)(const float *values, size_t n, float cutoff, uint32_t weight, uint32_t *counts);
  uint32_t (*largest)(const uint32_t *values, size_t n);
  // How many values are above each of three limits.
  void (*count_above)(const uint32_t *values, size_t n, const uint32_t *limits, size_t *out);
  // The indices of the values, ascending, in two lists, and a bit each that tells whether it is in the first. The lists
  // have room for n rounded up to 16, which may all be written; second may be values itself. Returns the first's
  // length.
  uint32_t (*split)(const uint32_t *values, uint32_t n, const Split &split, uint64_t *bits, uint32_t *first,
                    uint32_t *second);
};

extern const CountKernels counts_reference, counts_sse4, counts_avx2, counts_avx512, counts_neon;

// The plain kernel, which stands in other tables, too.
size_t add_at_plain(const uint32_t *indices, size_t n, uint32_t weight, uint32_t *counts, size_t n_counts);

// The plain kernel from the index `from` on, a multiple of 64, behind the n_first that were found before: what the
// others leave of their last word.
uint32_t split_rest(const uint32_t *values, uint32_t from, uint32_t n, uint32_t n_first, const Split &split,
                    uint64_t *bits, uint32_t *first, uint32_t *second);

}  // namespace infermem
