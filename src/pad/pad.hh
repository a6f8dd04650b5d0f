// The scratchpad: rows of one width, one after the other in a Store, and how many of them there are.
#pragma once

#include "base/handle.hh"
#include "infermem/pad.h"
#include "layout/store.hh"

namespace infermem {

class Pad {
 public:
  // Called once.
  Status open(const infermem_pad_options &options, const Allocator &allocator);

  // Rows of the pad's own type; or floats, converted to it.
  Status append(const void *rows, size_t n, size_t dim);
  Status append_f32(const float *rows, size_t n, size_t dim);
  Status view(infermem_view *out) const;
  Status truncate(size_t n);
  Status clear();

  size_t length() const { return length_; }
  size_t capacity() const { return capacity_; }
  size_t dim() const { return dim_; }
  uint64_t generation() const { return generation_; }
  Status text(char *buffer, size_t capacity, size_t *out_length) const;

 private:
  Status check_append(size_t n, size_t dim) const;
  char *end() const { return store_.data() + length_ * dim_ * element_; }

  size_t length_ = 0;    // rows
  size_t capacity_ = 0;  // rows
  size_t dim_ = 0;
  size_t element_ = 0;  // bytes
  int32_t type_ = 0;
  uint64_t generation_ = 0;
  Store store_;
};

}  // namespace infermem

struct infermem_pad {
  static constexpr infermem::Kind kKind = infermem::Kind::kPad;
  infermem::Head head{kKind};
  infermem::Pad core;
  infermem::Allocator allocator;
};
