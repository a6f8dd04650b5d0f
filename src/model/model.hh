// An open model file: what it contains, the numbers derived from it, and the mapped data.
#pragma once

#include "base/handle.hh"
#include "infermem/model.h"
#include "model/gguf.hh"
#include "model/shape.hh"

namespace infermem {

class Model {
 public:
  // Opens and reads the file. Called once.
  Status open(const infermem_model_options &options, const Allocator &allocator, const char *path);

  const Shape &shape() const { return shape_; }
  const Warnings &warnings() const { return contents_.warnings; }
  const MetaTable &metas() const { return contents_.metas; }
  const TensorTable &tensors() const { return contents_.tensors; }

  Status layer(uint64_t index, infermem_model_layer *out) const;
  Status tensor_info(size_t index, infermem_tensor_info *out) const;
  Status tensor_find(const char *name, size_t *out) const;
  Status tensor_view(size_t index, infermem_view *out) const;
  Status meta_info(size_t index, infermem_meta_info *out) const;
  Status meta_find(const char *key, size_t *out) const;

 private:
  Source source_;
  Contents contents_;
  Shape shape_;
  bool has_data_ = false;
};

}  // namespace infermem

struct infermem_model {
  static constexpr infermem::Kind kKind = infermem::Kind::kModel;
  infermem::Head head{kKind};
  infermem::Model core;
  infermem::Allocator allocator;
};
