// The layout that products are fastest in: one stream of records, each a group of 16 rows with its parameters beside it.
//
// A block is 16 rows; its records follow each other along the columns, and blocks follow each other. A record holds
//     levels   of 8 columns at a time: of 8 bits two runs of 64 bytes, columns 0 to 3 and 4 to 7; of 4 bits one, columns
//              0 to 3 in the low nibbles and 4 to 7 in the high ones; in a run 4 bytes a row, a column each
//     scales   one a row
//     minima   one a row; none of a symmetric matrix
// The last record of a block has as many columns as remain, rounded up to 8. Rows and columns beyond the matrix have level
// 0; rows beyond it, scale and minimum 0 too.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "infermem/dtype.h"

namespace infermem {

struct Packed {
  static constexpr size_t kRows = 16;
  static constexpr size_t kColumns = 8;  // of a step

  uint32_t bits;
  int32_t params;  // F32, F16, BF16
  bool symmetric;  // the minimum is -2^(bits - 1) * scale
  size_t group;
  size_t cols;

  // Columns that are stored of the record from column `first` on.
  size_t columns(size_t first) const { return (std::min(group, cols - first) + kColumns - 1) / kColumns * kColumns; }
  size_t level_bytes(size_t columns) const { return kRows * columns * bits / 8; }
  size_t parameter_bytes() const { return kRows * (params == INFERMEM_DTYPE_F32 ? 4 : 2); }
  size_t record_bytes(size_t columns) const { return level_bytes(columns) + (symmetric ? 1 : 2) * parameter_bytes(); }
  float middle() const { return static_cast<float>(1u << (bits - 1)); }

  // Where the level of a row and a column is in a record: the byte, and the shift in it.
  size_t byte_of(size_t row, size_t column) const {
    return bits == 8 ? column / 4 * 64 + row * 4 + column % 4 : column / 8 * 64 + row * 4 + column % 4;
  }
  uint32_t shift_of(size_t column) const { return bits == 8 ? 0 : column % 8 / 4 * 4; }
};

}  // namespace infermem
