// The checksum of saved files: XXH3 of 64 bits, seed 0.
#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace infermem {

inline uint64_t checksum_of(const void *bytes, size_t n) { return XXH3_64bits(bytes, n); }

// The same of bytes that come in pieces.
class Checksum {
 public:
  Checksum() { XXH3_64bits_reset(&state_); }
  void add(const void *bytes, size_t n) { XXH3_64bits_update(&state_, bytes, n); }
  // Of what was added since the last time.
  uint64_t take() {
    const uint64_t value = XXH3_64bits_digest(&state_);
    XXH3_64bits_reset(&state_);
    return value;
  }

 private:
  XXH3_state_t state_;
};

}  // namespace infermem
