// The bulk memory of an object: taken from the tape that the object's options name, or a mapping of its own.
//
// Memory from a tape ends when the tape is cleared or rewound past it; check() notices, so that an object in a cleared
// tape answers INFERMEM_E_STALE and touches nothing. Destroying a Store never touches the tape.
#pragma once

#include "layout/tape.hh"

namespace infermem {

class Store {
 public:
  // Takes size bytes, more than 0, at a multiple of align; with tape NULL, of a new mapping, where align is at most a
  // page and untouched pages cost nothing and read as zero. Called once. A tape's memory is not zeroed.
  Status take(const infermem_tape *tape, size_t size, size_t align);

  // INFERMEM_OK, or INFERMEM_E_STALE when the tape has taken the memory back.
  Status check() const;
  // The same, and INFERMEM_E_SEALED when the tape is read-only.
  Status check_writable() const;

  char *data() const { return data_; }
  bool from_tape() const { return tape_ != nullptr; }

 private:
  const infermem_tape *tape_ = nullptr;
  uint64_t generation_ = 0;
  size_t end_ = 0;  // the tape's cursor lies here or beyond as long as the memory is ours
  char *data_ = nullptr;
  Mapping mapping_;
};

}  // namespace infermem
