// What the core can do at most: pure reads and writes.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace limits {

struct Free {
  void operator()(void *p) const { std::free(p); }
};
using Floats = std::unique_ptr<float[], Free>;

// n floats from -1 to 1, at a multiple of 64 bytes.
Floats new_floats(size_t n);

void store_all(float *out, size_t n, float value);
void stream_all(float *out, size_t n, float value);  // past the caches where the processor can

// Their sum, so that they are read: from memory, in the fastest order there is. n is a multiple of 128.
float load_all(const float *in, size_t n);

}  // namespace limits
