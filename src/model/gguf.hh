// Reading GGUF: magic, version, counts, the metadata, the tensor table. Source: the GGUF specification of ggml.
#pragma once

#include "model/meta.hh"
#include "model/tensors.hh"
#include "model/warnings.hh"

namespace infermem {

enum class Format { kGguf, kSafetensors, kConfig };

// What a model file contains, but for the data.
struct Contents {
  // Elements of arrays are read from the source.
  void use(const Allocator &allocator, const Source *source) {
    arena.use(allocator);
    metas.use(allocator, source);
    tensors.use(allocator);
    warnings.use(allocator);
  }

  Format format = Format::kGguf;
  Arena arena;
  MetaTable metas;
  TensorTable tensors;
  Warnings warnings;
  uint64_t data_start = 0;  // in the file
};

// Fills out, which is empty. What is wrong with a file is recorded as model_open's comment lists it.
Status read_gguf(const Source &source, const Allocator &allocator, Contents *out);

}  // namespace infermem
