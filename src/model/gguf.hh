// Reading GGUF: magic, version, counts, the metadata, the tensor table. Source: the GGUF specification of ggml.
#pragma once

#include "base/file.hh"
#include "model/meta.hh"
#include "model/tensors.hh"
#include "model/warnings.hh"

namespace infermem {

// What a model file contains, but for the data.
struct Contents {
  void use(const Allocator &allocator) {
    arena.use(allocator);
    metas.use(allocator);
    tensors.use(allocator);
    warnings.use(allocator);
  }

  Arena arena;
  MetaTable metas;
  TensorTable tensors;
  Warnings warnings;
  uint64_t data_start = 0;  // in the file
};

// Fills out, which is empty. What is wrong with a file is recorded as model_open's comment lists it.
Status read_gguf(const File &file, const Allocator &allocator, Contents *out);

}  // namespace infermem
