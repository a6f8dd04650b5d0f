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
  uint64_t offset;            // of the data: in the data section before it is placed, in the file after that
  uint64_t bytes;
  uint32_t part;     // the number of the file
  bool is_inferred;  // dtype is not known
};

class TensorTable {
 public:
  void use(const Allocator &allocator) { records_.use(allocator); }

  // Adds a tensor of which all is known.
  Status add(Arena *arena, const Tensor &tensor);

  // Each of these puts the tensors from number first on, which are those of one file, into that file. Each records
  // INFERMEM_E_FORMAT when data overlaps, and INFERMEM_E_TRUNCATED when it is beyond the file's end.
  //
  // As GGUF has them: aligned, in any order, with holes; the bytes of an inferred tensor reach to the next.
  Status place(const Allocator &allocator, size_t first, uint64_t data_start, uint64_t alignment, uint64_t file_size,
               Arena *arena, Warnings *warnings);
  // As safetensors has them: they cover the whole of the data section, once.
  Status place_exactly(const Allocator &allocator, size_t first, uint64_t data_start, uint64_t file_size);

  // Called once, after the last. Records INFERMEM_E_FORMAT when a name stands twice.
  Status index(const Allocator &allocator);

  size_t count() const { return records_.size(); }
  Tensor at(size_t i) const;
  // Reports nothing when there is no such name.
  bool find(const Name &name, size_t *out) const;
  bool find(const char *name, size_t *out) const { return find(Name{name, std::strlen(name)}, out); }

 private:
  void set_place(size_t i, uint64_t offset, uint64_t bytes);
  // The indices from first on in the order of the data; left empty where that is the order of the table.
  Status sort(size_t first, Vec<uint32_t> *order) const;
  Status place_one(size_t i, uint64_t data_start, uint64_t alignment, uint64_t file_size);

  Vec<char *> records_;
  NameIndex names_;
};

}  // namespace infermem
