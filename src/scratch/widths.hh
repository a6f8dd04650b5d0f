// How wide the buffers of a forward pass are: for scratch, which makes them, and for plan, which says what they take.
#pragma once

#include <algorithm>

#include "infermem/scratch.h"

namespace infermem {

struct ScratchWidths {
  // No width of a valid configuration can overflow: its numbers are below 2^32, and those of heads below 2^20.
  explicit ScratchWidths(const infermem_model_config &c) {
    const auto round_up = [](uint64_t n, uint64_t to) { return (n + to - 1) / to * to; };
    const uint64_t shared = c.n_heads != 0 ? c.hidden / c.n_heads : 0;
    const uint64_t dk = c.head_dim_k != 0 ? c.head_dim_k : shared, dv = c.head_dim_v != 0 ? c.head_dim_v : shared;
    const uint64_t h = c.hidden, v = c.vocab;
    const uint64_t i = std::max({c.intermediate, c.expert_intermediate, c.shared_intermediate});
    const uint64_t q = c.n_heads * dk, k = c.n_kv_heads * dk, w = c.n_kv_heads * dv, o = c.n_heads * dv;
    const uint64_t longest = std::max({h, q, o});
    const uint64_t a = round_up(longest, 256), b = round_up(i, 256), s = round_up(longest, 32) / 32;
#define ENTRY(name, number, elements, type_name) \
  of[number] = elements;                         \
  type[number] = INFERMEM_DTYPE_##type_name;
    INFERMEM_SCRATCH_LIST(ENTRY)
#undef ENTRY
  }

  // What is only there when a flag asks for it.
  static constexpr uint32_t flag_of(int32_t which) {
    switch (which) {
      case INFERMEM_SCRATCH_EXPANDED_V:
        return INFERMEM_SCRATCH_EXPAND_V;
      case INFERMEM_SCRATCH_Q8_SCALES:
      case INFERMEM_SCRATCH_Q8_QUANTS:
        return INFERMEM_SCRATCH_Q8;
    }
    return 0;
  }

  uint64_t of[INFERMEM_SCRATCH_COUNT];  // elements of a token
  int32_t type[INFERMEM_SCRATCH_COUNT];
};

}  // namespace infermem
