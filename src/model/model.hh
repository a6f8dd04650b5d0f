// An open model file: what it contains, the numbers derived from it, and the mapped data.
#pragma once

#include "base/handle.hh"
#include "infermem/model.h"
#include "model/contents.hh"
#include "model/parts.hh"
#include "model/shape.hh"

namespace infermem {

// A file that is not on the disk: its first n bytes, or a function that reads it; and how many bytes it has.
struct GivenBytes {
  const void *bytes;
  size_t n;
  uint64_t size;  // 0: n
};
struct GivenFunction {
  infermem_read_at_function read;
  void *context;
  uint64_t size;
};

class Model {
 public:
  // One of these is called, once: it opens and reads the file.
  Status open(const infermem_model_options &options, const Allocator &allocator, const char *path);
  Status open(const infermem_model_options &options, const Allocator &allocator, const GivenBytes &file);
  Status open(const infermem_model_options &options, const Allocator &allocator, const GivenFunction &file);

  const Shape &shape() const { return shape_; }
  const Warnings &warnings() const { return contents_.warnings; }
  const MetaTable &metas() const { return contents_.metas; }
  const TensorTable &tensors() const { return contents_.tensors; }
  const Contents &contents() const { return contents_; }
  const Parts &parts() const { return parts_; }

  Status layer(uint64_t index, infermem_model_layer *out) const;
  Status tensor_info(size_t index, infermem_tensor_info *out) const;
  Status tensor_find(const char *name, size_t *out) const;
  Status tensor_view(size_t index, infermem_view *out) const;
  Status meta_info(size_t index, infermem_meta_info *out) const;
  Status meta_find(const char *key, size_t *out) const;

 private:
  Status start(const infermem_model_options &options, const Allocator &allocator);
  // The one file that is not on the disk.
  Status open_part(const Allocator &allocator, Part *part);

  Parts parts_;
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
