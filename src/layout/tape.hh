// A tape: a range of memory and a cursor. Everything before the cursor is handed out, everything after it is free.
//
// try_alloc() runs in many threads at once: the cursor moves by compare-and-swap, so an allocation that does not fit
// never moves it. But for an allocation that is undone, the cursor only grows between the exclusive calls (rewind,
// clear), so these alone need to keep the peak up to date, and try_alloc() touches one atomic. Cursor and end are
// addresses, which makes aligning one addition and one mask: that chain, from one allocation's cursor to the next's, is
// what an allocation costs.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/allocator.hh"
#include "base/checked.hh"
#include "base/handle.hh"
#include "base/mapping.hh"
#include "base/poison.hh"
#include "infermem/layout.h"

namespace infermem {

class Store;

// Used, peak and total bytes of one moment: used <= peak <= total.
struct TapeUsage {
  size_t used = 0;
  size_t peak = 0;
  size_t total = 0;
};

class Tape {
 public:
  Tape() = default;
  ~Tape();

  // Maps (or borrows) the memory and grants the wishes. Called once.
  Status open(const infermem_tape_options &options, const Allocator &allocator);

  // True and *out when size bytes at align could be had; else nothing has changed, and why_not() says what is wrong.
  // *cursor_before is for take_back().
  bool try_alloc(size_t size, size_t align, void **out, uintptr_t *cursor_before = nullptr) const;
  // Undoes an allocation: cleans its bytes, and moves the cursor from `end` back to where it was before. False, and the
  // bytes stay taken, when it has moved on.
  bool take_back(uintptr_t cursor_before, uintptr_t end) const;
  // Records why an allocation just failed; counts it where the tape was full.
  [[gnu::cold]] Status why_not(size_t size, size_t align) const;
  Status alloc(size_t size, size_t align, void **out) const {
    return __builtin_expect(try_alloc(size, align, out), 1) ? INFERMEM_OK : why_not(size, align);
  }
  Status alloc_array(size_t count, size_t size, size_t align, void **out) const;
  infermem_tape_mark mark() const;
  Status rewind(const infermem_tape_mark &mark);
  Status check_unsealed() const;
  Status check_clearable() const;
  // Clears a tape of which nothing is special; else does nothing, and leaves it to clear().
  bool try_clear();
  Status clear();
  Status trim();
  Status warm() const;
  Status seal();
  Status unseal();

  TapeUsage usage() const;
  size_t free_bytes() const;
  uint64_t failures() const { return failures_.load(std::memory_order_relaxed); }
  uint64_t generation() const { return generation_.load(std::memory_order_relaxed); }
  bool owns(const void *pointer) const;
  size_t offset_of(const void *pointer) const { return reinterpret_cast<uintptr_t>(pointer) - base_; }
  void describe(infermem_tape_facts *out) const;

  // A tape that is a layout's weights: only the end of the layout clears it.
  void keep_for_ever() { special_ |= kKept; }

 private:
  // Bytes left untouched before an allocation at the cursor: none at the start of the tape.
  size_t gap(uintptr_t cursor) const { return poison::kCompiledIn && cursor != base_ ? red_zone_ : 0; }
  void make_accessible(uintptr_t begin, size_t size) const;
  // Zeroes bytes, and marks them as out of use, where the tape does that.
  void clean(uintptr_t begin, uintptr_t end) const;
  // Takes the bytes from there to the cursor out of use, and moves the cursor back.
  void give_back(uintptr_t to);
  void move_back(uintptr_t to);
  void next_generation() { generation_.store(generation() + 1, std::memory_order_relaxed); }
  void *data() const { return reinterpret_cast<void *>(base_); }
  size_t offset() const { return cursor_.load(std::memory_order_relaxed) - base_; }

  friend class Store;

  // What try_alloc() reads and writes, in one cache line.
  mutable std::atomic<uintptr_t> cursor_{0};
  uintptr_t end_ = 0;  // 0 while sealed, so that try_alloc() need not ask
  uintptr_t base_ = 0;
  size_t red_zone_ = 0;
  bool exclusive_ = false;
  enum : uint8_t {
    kSealed = 1,
    kKept = 2,
    kCleaned = 4  // what is given back is zeroed, or marked for a tool
  };
  uint8_t special_ = 0;

  // The objects whose memory is here; Store keeps the list.
  mutable std::atomic<Store *> stores_{nullptr};

  std::atomic<size_t> peak_{0};  // of the past; the cursor may be beyond it
  std::atomic<uint64_t> generation_{0};
  mutable std::atomic<uint64_t> failures_{0};
  uint64_t id_ = 0;
  size_t size_ = 0;
  uint32_t requested_ = 0;
  uint32_t granted_ = 0;
  bool lent_ = false;
  Mapping mapping_;
};

inline bool Tape::try_alloc(size_t size, size_t align, void **out, uintptr_t *cursor_before) const {
  if (__builtin_expect(size == 0 || !checked::is_power_of_two(align), 0)) return false;
  uintptr_t cursor = cursor_.load(std::memory_order_relaxed);
  uintptr_t begin;
  do {
    // Neither wraps: an address is below 2^56, and align - 1 below 2^63.
    begin = (cursor + gap(cursor) + (align - 1)) & (0 - align);
    if (__builtin_expect(begin > end_ || size > end_ - begin, 0)) return false;
    if (exclusive_) {
      cursor_.store(begin + size, std::memory_order_relaxed);
      break;
    }
  } while (!cursor_.compare_exchange_weak(cursor, begin + size, std::memory_order_acquire, std::memory_order_relaxed));
  if (poison::kCompiledIn) make_accessible(begin, size);
  if (cursor_before) *cursor_before = cursor;
  *out = reinterpret_cast<void *>(begin);
  return true;
}

inline void Tape::move_back(uintptr_t to) {
  const size_t used = offset();
  if (used > peak_.load(std::memory_order_relaxed)) peak_.store(used, std::memory_order_relaxed);
  cursor_.store(to, std::memory_order_relaxed);
}

inline bool Tape::try_clear() {
  if (__builtin_expect(special_ != 0 || stores_.load(std::memory_order_relaxed), 0)) return false;
  move_back(base_);
  next_generation();
  return true;
}

}  // namespace infermem

// The handle. A layout's tapes are handles inside the layout's own.
struct infermem_tape {
  static constexpr infermem::Kind kKind = infermem::Kind::kTape;
  infermem::Head head{kKind};
  infermem::Tape core;
  infermem::Allocator allocator;
  bool of_layout = false;
};
