// The KV cache of one sequence: for K and for V an array [layer][token][row], in one piece of memory.
//
// A row is the elements of all heads of one token. The two arrays differ in type and row length, and in nothing else: a
// Plane describes one. The tokens of the length are the same in all layers; those of the step in progress are counted a
// layer, until advance() finds the counts equal.
#pragma once

#include "base/handle.hh"
#include "infermem/kv.h"
#include "layout/store.hh"

namespace infermem {

class Kv {
 public:
  Kv() = default;
  ~Kv();
  Kv(const Kv &) = delete;
  Kv &operator=(const Kv &) = delete;

  // Called once.
  Status open(const infermem_kv_options &options, const Allocator &allocator);

  Status append(size_t layer, const float *k, size_t k_len, const float *v, size_t v_len, size_t n_tokens);
  Status advance(size_t n);
  Status abort();
  Status truncate(size_t n);
  Status clear();

  // `which` is INFERMEM_KV_K or INFERMEM_KV_V.
  Status view(int32_t which, size_t layer, bool with_pending, infermem_view *out) const;
  Status read(size_t layer, int32_t which, size_t first, size_t n, float *out, size_t n_out) const;

  size_t length() const { return length_; }
  size_t max_tokens() const { return max_tokens_; }
  uint64_t generation() const { return generation_; }
  size_t layer_stride(int32_t which) const { return planes_[which].stride; }
  size_t bytes() const { return bytes_; }
  size_t reserved() const;
  size_t committed() const;

 private:
  struct Plane {
    int32_t type = 0;
    size_t begin = 0;        // bytes from the start of the store
    size_t row = 0;          // elements
    size_t row_bytes = 0;    // bytes
    size_t stride = 0;       // elements from layer to layer
    size_t layer_bytes = 0;  // the same in bytes
  };
  struct Layer {
    size_t pending = 0;  // tokens of the step in progress
    size_t written = 0;  // the most tokens there ever were, pending ones included
  };

  // Lays out one plane behind *end bytes, and moves *end behind it.
  Status place(Plane *plane, int32_t type, size_t heads, size_t head_dim, size_t *end);
  Status check_layer(size_t layer) const;
  Status check_rows(const char *name, const Plane &plane, size_t length, size_t n_tokens) const;
  char *row_at(const Plane &plane, size_t layer, size_t token) const;
  void drop_pending();

  size_t length_ = 0;
  size_t max_tokens_ = 0;
  uint64_t generation_ = 0;
  size_t n_layers_ = 0;
  Layer *layers_ = nullptr;
  Plane planes_[2];  // by INFERMEM_KV_*
  size_t bytes_ = 0;
  Store store_;
  Allocator allocator_;
};

}  // namespace infermem

struct infermem_kv {
  static constexpr infermem::Kind kKind = infermem::Kind::kKv;
  infermem::Head head{kKind};
  infermem::Kv core;
  infermem::Allocator allocator;
};
