// The layout: three tapes that differ in when they are cleared.
#pragma once

#include "layout/tape.hh"

namespace infermem {

enum Lifetime { kWeights, kScratch, kHistory, kLifetimes };

class Layout {
 public:
  // Opens the tapes whose size is not 0. Called once; what was opened before a failure ends with the object.
  Status open(const infermem_layout_options &options, const Allocator &allocator);

  infermem_tape *tape(Lifetime lifetime) const { return present_[lifetime] ? &tapes_[lifetime] : nullptr; }
  Status clear_pass();
  Status clear_talk();
  size_t total() const;
  void usage(infermem_layout_usage *out) const;
  Status text(char *buffer, size_t capacity, size_t *out_length) const;

 private:
  TapeUsage usage_of(Lifetime lifetime) const;

  mutable infermem_tape tapes_[kLifetimes];
  bool present_[kLifetimes] = {};
};

}  // namespace infermem

struct infermem_layout {
  static constexpr infermem::Kind kKind = infermem::Kind::kLayout;
  infermem::Head head{kKind};
  infermem::Layout core;
  infermem::Allocator allocator;
};
