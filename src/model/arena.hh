// Where a model's keys, names and strings live: memory that grows in chunks, never moves, and ends all at once.
//
// The chunks double up to 1 MiB and a large piece gets one of its own, so that little is taken beyond what is used.
#pragma once

#include "base/allocator.hh"

namespace infermem {

class Arena {
 public:
  Arena() = default;
  ~Arena();
  Arena(const Arena &) = delete;
  Arena &operator=(const Arena &) = delete;

  // Which allocator to take from; called first.
  void use(const Allocator &allocator) { allocator_ = allocator; }

  // n bytes, without alignment. Records INFERMEM_E_LIMIT when the pieces are more than INFERMEM_MODEL_MAX_METADATA
  // together, and INFERMEM_E_NOMEM.
  Status take(uint64_t n, char **out);

 private:
  struct Chunk {
    Chunk *next;
    size_t size;  // with this header
  };

  Status add_chunk(size_t room, char **out);

  Allocator allocator_;
  Chunk *chunks_ = nullptr;
  size_t next_room_ = size_t{4} << 10;
  uint64_t taken_ = 0;
  char *at_ = nullptr;  // the free part of the newest shared chunk
  size_t left_ = 0;
};

}  // namespace infermem
