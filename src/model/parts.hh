// The files that a model's tensors are in.
#pragma once

#include "base/vec.hh"
#include "model/source.hh"

namespace infermem {

struct Part {
  Source source;
  const char *path = "";    // as it was opened
  uint64_t data_start = 0;  // of the tensors' data, in the file
};

class Parts {
 public:
  ~Parts() {
    for (Part *const part : list_) allocator_.destroy(part);
  }

  void use(const Allocator &allocator) {
    allocator_ = allocator;
    list_.use(allocator);
  }

  // Adds a part, which is not open. Records INFERMEM_E_NOMEM.
  Status add(Part **out) {
    INFERMEM_TRY(list_.push(nullptr));
    INFERMEM_TRY(allocator_.make(&list_[list_.size() - 1]));
    *out = list_[list_.size() - 1];
    return INFERMEM_OK;
  }

  size_t count() const { return list_.size(); }
  const Part &operator[](size_t i) const { return *list_[i]; }

 private:
  Allocator allocator_;
  Vec<Part *> list_;
};

}  // namespace infermem
