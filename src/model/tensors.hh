// The tensor table: each tensor as a packed record in the arena, and the proof that their data lies in the file without
// overlap.
#pragma once

#include "infermem/model.h"
#include "model/arena.hh"
#include "model/names.hh"
#include "model/warnings.hh"

namespace infermem {

// A tensor, unpacked.
struct Tensor {
  Name name;
  int32_t dtype;
  uint32_t n_dims;
  uint64_t
      ne[INFERMEM_MAX_DIMS];  // elements, from the fastest dimension to the slowest, as in the file; 1 from n_dims on
  uint64_t offset;            // of the data: in the data section before TensorTable::place, in the file after it
  uint64_t bytes;
  bool is_inferred;
};

class TensorTable {
 public:
  void use(const Allocator &allocator) { records_.use(allocator); }

  // Adds a tensor whose name, n_dims, ne, dtype and offset are known; finds its bytes. Records INFERMEM_E_FORMAT and
  // INFERMEM_E_OVERFLOW.
  Status add(Arena *arena, Tensor *tensor);

  // Called once, after the last: indexes the names and puts the data into the file. Records INFERMEM_E_FORMAT when a
  // name stands twice, when data is not aligned or overlaps, and INFERMEM_E_TRUNCATED when it is beyond the file's end.
  Status place(const Allocator &allocator, uint64_t data_start, uint64_t alignment, uint64_t file_size, Arena *arena,
               Warnings *warnings);

  size_t count() const { return records_.size(); }
  Tensor at(size_t i) const;
  // Reports nothing when there is no such name.
  bool find(const char *name, size_t *out) const;

 private:
  void set_place(size_t i, uint64_t offset, uint64_t bytes);
  // The indices in the order of the data; left empty where that is the order of the table.
  Status sort(Vec<uint32_t> *order) const;
  Status place_one(size_t i, uint64_t data_start, uint64_t alignment, uint64_t file_size);

  Vec<char *> records_;
  NameIndex names_;
};

}  // namespace infermem
