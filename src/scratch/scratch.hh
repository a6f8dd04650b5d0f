// The buffers of a forward pass: their sizes from the configuration, their places from a plan, in one Store.
#pragma once

#include "base/handle.hh"
#include "infermem/scratch.h"
#include "layout/store.hh"

namespace infermem {

class Scratch {
 public:
  // Called once.
  Status open(const infermem_scratch_options &options, const Allocator &allocator,
              const infermem_model_config *const &config);

  Status f32(int32_t which, float **out, size_t *out_n) const;
  Status i8(int32_t which, int8_t **out, size_t *out_n) const;
  Status view(int32_t which, infermem_view *out) const;
  Status reset();
  Status reset_all();
  Status quantize_q8k(int32_t which, size_t row, const float *values, size_t n);
  Status quantize_q8(size_t row, const float *values, size_t n);

  size_t total_bytes() const { return total_bytes_; }
  size_t separate_bytes() const { return separate_bytes_; }

 private:
  struct Buffer {
    size_t offset = 0;  // bytes
    size_t width = 0;   // elements of a token; 0 where there is no such buffer
    int32_t type = 0;
  };

  void set_widths(const infermem_model_config &config, uint32_t flags);
  Status set_places(uint32_t flags, const Allocator &allocator);
  bool bytes_of(const Buffer &buffer, size_t *out) const;
  Status find(int32_t which, const Buffer **out) const;
  Status find(int32_t which, int32_t type, const Buffer **out) const;
  // Levels and scales of a row, in blocks of so many elements.
  Status quantize(int32_t scales, int32_t levels, size_t block, size_t row, const float *values, size_t n);
  void clear(int32_t which);

  Buffer buffers_[INFERMEM_SCRATCH_COUNT];
  size_t batch_ = 0;
  size_t total_bytes_ = 0;
  size_t separate_bytes_ = 0;
  Store store_;
};

}  // namespace infermem

struct infermem_scratch {
  static constexpr infermem::Kind kKind = infermem::Kind::kScratch;
  infermem::Head head{kKind};
  infermem::Scratch core;
  infermem::Allocator allocator;
};
