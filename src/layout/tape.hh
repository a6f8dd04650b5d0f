// A tape: a range of memory and a cursor. Everything before the cursor is handed out, everything after it is free.
//
// alloc() runs in many threads at once: the cursor moves by compare-and-swap, so an allocation that does not fit never
// moves it. The cursor only grows between the exclusive calls (rewind, clear), so these alone need to keep the peak up
// to date, and alloc() touches one atomic.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/allocator.hh"
#include "base/handle.hh"
#include "base/mapping.hh"
#include "base/poison.hh"
#include "infermem/layout.h"

namespace infermem {

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

  Status alloc(size_t size, size_t align, void **out) const;
  Status alloc_array(size_t count, size_t size, size_t align, void **out) const;
  infermem_tape_mark mark() const;
  Status rewind(const infermem_tape_mark &mark);
  Status check_clearable() const;
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
  size_t offset_of(const char *pointer) const { return static_cast<size_t>(pointer - base_); }
  void describe(infermem_tape_facts *out) const;

  // A tape that is a layout's weights: only the end of the layout clears it.
  void keep_for_ever() { kept_ = true; }

 private:
  // Bytes left untouched before an allocation at the cursor: none at the start of the tape.
  size_t gap(size_t cursor) const { return poison::kCompiledIn && cursor != 0 ? red_zone_ : 0; }
  void make_accessible(char *pointer, size_t size) const;
  Status refuse(size_t size, size_t align) const;
  Status check_unsealed() const;
  // Moves the cursor back and takes the bytes behind it out of use.
  void give_back(size_t cursor);

  // What alloc() reads and writes, in one cache line.
  char *base_ = nullptr;
  size_t limit_ = 0;  // the size; 0 while sealed, so that alloc() need not ask
  size_t red_zone_ = 0;
  bool exclusive_ = false;
  bool kept_ = false;
  bool sealed_ = false;
  mutable std::atomic<size_t> cursor_{0};

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

// alloc() and what it needs are inline: the border function is the only caller where it counts.
inline Status Tape::alloc(size_t size, size_t align, void **out) const {
  if (__builtin_expect(size == 0 || align == 0 || (align & (align - 1)) != 0, 0)) return refuse(size, align);
  size_t cursor = cursor_.load(std::memory_order_relaxed);
  for (;;) {
    const size_t start = cursor + gap(cursor);
    // The padding that brings the address, not the offset, to a multiple of align. Cannot overflow.
    const size_t padding = (0 - (reinterpret_cast<uintptr_t>(base_) + start)) & (align - 1);
    const size_t limit = limit_;
    if (__builtin_expect(start > limit || padding > limit - start || size > limit - start - padding, 0))
      return refuse(size, align);
    const size_t offset = start + padding;
    if (exclusive_) {
      cursor_.store(offset + size, std::memory_order_relaxed);
    } else if (!cursor_.compare_exchange_weak(cursor, offset + size, std::memory_order_relaxed)) {
      continue;
    }
    char *const pointer = base_ + offset;
    if (poison::kCompiledIn) make_accessible(pointer, size);
    *out = pointer;
    return INFERMEM_OK;
  }
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
