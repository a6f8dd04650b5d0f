// Where buffers go in one piece of memory, such that those in use at the same time do not overlap (which is dynamic storage
// allocation, and NP-hard).
#pragma once

#include "base/handle.hh"
#include "base/vec.hh"
#include "infermem/scratch.h"

namespace infermem {

class Plan {
 public:
  // Called once.
  Status open(const infermem_scratch_plan_options &options, const Allocator &allocator,
              const infermem_scratch_lifetime *lifetimes, size_t n);

  const uint64_t *offsets() const { return offsets_.data(); }
  size_t count() const { return offsets_.size(); }
  uint64_t total_bytes() const { return total_bytes_; }
  uint64_t separate_bytes() const { return separate_bytes_; }

 private:
  Vec<uint64_t> offsets_;
  uint64_t total_bytes_ = 0;
  uint64_t separate_bytes_ = 0;
};

}  // namespace infermem

struct infermem_scratch_plan {
  static constexpr infermem::Kind kKind = infermem::Kind::kScratchPlan;
  infermem::Head head{kKind};
  infermem::Plan core;
  infermem::Allocator allocator;
};
