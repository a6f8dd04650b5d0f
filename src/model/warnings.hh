// What is odd about a file and no error: sentences for the caller.
#pragma once

#include "base/vec.hh"
#include "model/arena.hh"

namespace infermem {

class Warnings {
 public:
  void use(const Allocator &allocator) { list_.use(allocator); }

  // Adds a sentence, up to 255 bytes of it; a printf format without floating point.
  [[gnu::cold, gnu::format(printf, 3, 4)]] Status add(Arena *arena, const char *format, ...);

  size_t count() const { return list_.size(); }
  const char *at(size_t index) const { return index < list_.size() ? list_[index] : nullptr; }

 private:
  Vec<const char *> list_;
};

}  // namespace infermem
