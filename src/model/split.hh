// GGUF models in several files: how these are named, and what they say of each other.
#pragma once

#include "model/contents.hh"

namespace infermem {

// "PREFIX-00002-of-00003.gguf"
struct SplitName {
  // Whether the path is such a name; a count of one is none.
  bool read(const char *path);
  // Changes a path that was read to that of part i, from 0.
  void write(uint32_t i, char *path) const;

  size_t at = 0;  // of the part's number in the path
  uint32_t count = 0;
};

// Whether the parts belong together, by their keys split.no, split.count and split.tensors.count.
class SplitCheck {
 public:
  explicit SplitCheck(const SplitName &name) : name_(name) {}

  // Called for each part, with its metadata. Records INFERMEM_E_FORMAT.
  Status part(uint32_t i, const MetaTable &metas);
  // Called at the end, with how many tensors all parts have. Records INFERMEM_E_FORMAT.
  Status tensors(uint64_t n) const;

 private:
  const SplitName name_;
  uint64_t n_tensors_ = 0;
};

// Warns where a file that was read alone says that it is one of several.
Status warn_of_split(Contents *contents);

}  // namespace infermem
