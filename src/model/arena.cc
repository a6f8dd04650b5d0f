#include "model/arena.hh"

#include <algorithm>

#include "infermem/model.h"

namespace infermem {
namespace {

constexpr size_t kMostRoom = size_t{1} << 20;
// What is larger does not go into a shared chunk, whose end it might leave unused.
constexpr size_t kLarge = size_t{64} << 10;

}  // namespace

Arena::~Arena() {
  while (chunks_) {
    Chunk *const next = chunks_->next;
    allocator_.give(chunks_, chunks_->size, alignof(Chunk));
    chunks_ = next;
  }
}

Status Arena::add_chunk(size_t room, char **out) {
  const size_t size = sizeof(Chunk) + room;
  void *const memory = allocator_.take(size, alignof(Chunk));
  if (!memory) return fail_nomem(size);
  chunks_ = new (Place{memory}) Chunk{chunks_, size};
  *out = static_cast<char *>(memory) + sizeof(Chunk);
  return INFERMEM_OK;
}

Status Arena::take(uint64_t n, char **out) {
  if (n > INFERMEM_MODEL_MAX_METADATA - taken_)
    return fail(INFERMEM_E_LIMIT, INFERMEM_MODEL_MAX_METADATA, n,
                "%llu bytes more of metadata than the %llu read so far are above the limit of %d", wide(n),
                wide(taken_), INFERMEM_MODEL_MAX_METADATA);
  const auto size = static_cast<size_t>(n);
  if (size > kLarge) {
    INFERMEM_TRY(add_chunk(size, out));
  } else {
    if (size > left_) {
      const size_t room = std::max(next_room_, size);
      INFERMEM_TRY(add_chunk(room, &at_));
      left_ = room;
      next_room_ = std::min(2 * next_room_, kMostRoom);
    }
    *out = at_;
    at_ += size;
    left_ -= size;
  }
  taken_ += n;
  return INFERMEM_OK;
}

}  // namespace infermem
