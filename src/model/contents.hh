// What a model contains, but for the data: where the readers of all formats put what they find.
#pragma once

#include "model/meta.hh"
#include "model/tensors.hh"
#include "model/warnings.hh"

namespace infermem {

// The numbers are INFERMEM_FORMAT_*.
enum class Format : int32_t {
  kGguf = INFERMEM_FORMAT_GGUF,
  kSafetensors = INFERMEM_FORMAT_SAFETENSORS,
  kConfig = INFERMEM_FORMAT_CONFIG,
};

struct Contents {
  void use(const Allocator &allocator) {
    arena.use(allocator);
    metas.use(allocator);
    tensors.use(allocator);
    warnings.use(allocator);
  }

  Format format = Format::kGguf;
  Arena arena;
  MetaTable metas;
  TensorTable tensors;
  Warnings warnings;
};

// A file to read: which of the model's it is, and where its metadata go.
struct Reading {
  const Source &source;
  uint32_t part;
  Arena *arena;  // of the metadata
  MetaTable *metas;
};

// Metadata of one file alone, which is looked at and dropped.
struct Scratch {
  explicit Scratch(const Allocator &allocator) {
    arena.use(allocator);
    metas.use(allocator);
  }

  Arena arena;
  MetaTable metas;
};

}  // namespace infermem
