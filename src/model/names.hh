// Keys and tensor names: what is allowed in one, how one is shown, and finding one in constant time.
#pragma once

#include "base/text.hh"
#include "base/vec.hh"

namespace infermem {

struct Name {
  const char *text;
  size_t length;
};

bool operator==(const Name &a, const Name &b);

// A name for a message: printable ASCII, other bytes as \xNN, and cut where it is long.
struct Quoted {
  explicit Quoted(const Name &name);
  char text[72];
};

// Records INFERMEM_E_FORMAT when a name is empty or has a control character; what is "key" or "tensor name".
Status check_name(const Name &name, const char *what);

// Finds records by name. The hash is seeded at random, so that whoever makes a file cannot know which names collide.
class NameIndex {
 public:
  // Where a record has its name.
  using NameOf = Name (*)(const char *record);

  // Called when all records are there, and again when they have changed. Records INFERMEM_E_FORMAT when two have the same
  // name, and INFERMEM_E_NOMEM.
  Status build(const Allocator &allocator, const Vec<char *> &records, NameOf name_of, const char *what);

  // For records that come one by one: room for n of them, and then each of them as it is there.
  Status reserve(const Allocator &allocator, size_t n);
  Status add(const Vec<char *> &records, NameOf name_of, size_t i, const char *what);

  bool find(const Vec<char *> &records, NameOf name_of, const Name &name, size_t *out) const;

 private:
  // The slot that holds the name's record, or the empty one where it would go.
  size_t slot_of(const Vec<char *> &records, NameOf name_of, const Name &name) const;

  Vec<uint32_t> slots_;  // a power of two of them; 0, or a record's index and 1
  uint64_t seed_ = 0;
};

}  // namespace infermem
