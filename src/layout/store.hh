// The bulk memory of an object: taken from the tape that the object's options name, or a mapping of its own.
//
// Memory from a tape ends when the tape is cleared, rewound past it, or freed. The tape keeps a list of its stores and
// tells each when that happens; check() answers INFERMEM_E_STALE from then on, so that the object touches nothing that is
// another's by now. The list is for construction and destruction alone, and has one lock for all tapes: objects and tapes
// may end in any order, in any threads.
#pragma once

#include <atomic>

#include "layout/tape.hh"

namespace infermem {

class Store {
 public:
  Store() = default;
  ~Store();
  Store(const Store &) = delete;
  Store &operator=(const Store &) = delete;

  // Takes size bytes, more than 0, at a multiple of align; with tape NULL, of a new mapping, where align is at most a
  // page and untouched pages cost nothing and read as zero. What will be written in whole is best on huge pages: is_dense
  // asks for them where there is room. Called once. A tape's memory is not zeroed.
  Status take(const infermem_tape *tape, size_t size, size_t align, bool is_dense = false);

  // Undoes take(), before the end of an object that could not be made: the tape's cursor moves back, unless something was
  // taken from the tape since.
  void give_back();

  // INFERMEM_OK, or INFERMEM_E_STALE when the tape has taken the memory back.
  Status check() const {
    return __builtin_expect(is_stale_.load(std::memory_order_relaxed), 0) ? fail_stale() : INFERMEM_OK;
  }
  // The same, and INFERMEM_E_SEALED when the tape is read-only.
  Status check_writable() const;

  char *data() const { return data_; }
  bool from_tape() const { return from_tape_; }

  // Tells the stores whose memory ends beyond an address of the tape that they have lost it.
  static void expire(const Tape *tape, uintptr_t address);

 private:
  [[gnu::cold]] Status fail_stale() const;
  void unlink();

  std::atomic<bool> is_stale_{false};
  bool from_tape_ = false;
  char *data_ = nullptr;
  size_t size_ = 0;
  uintptr_t cursor_before_ = 0;
  const Tape *tape_ = nullptr;  // as long as the store is in the tape's list
  Store *next_ = nullptr;
  Store *previous_ = nullptr;
  Mapping mapping_;
};

}  // namespace infermem
