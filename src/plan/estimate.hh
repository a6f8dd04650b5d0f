// The classic estimates: what a dense transformer takes in f32, by its configuration alone. infermem/plan.h has the
// formulas.
#pragma once

#include "base/error.hh"
#include "infermem/plan.h"

namespace infermem {

// Sizes in bytes, each checked for overflow by itself.
class Estimate {
 public:
  // Takes a copy of *config, which is not NULL, and validates it.
  Status read(const infermem_model_config *config);

  Status layer(uint64_t *out) const;
  Status kv(uint64_t n_tokens, uint64_t *out) const;
  Status full(uint64_t n_tokens, uint64_t *out) const;
  Status streaming(uint64_t n_tokens, uint64_t *out) const;
  Status prefill_cache(int32_t fp8, uint64_t *out) const;
  Status mode(uint64_t n_tokens, uint64_t free_bytes, int32_t *out) const;
  Status text(uint64_t n_tokens, uint64_t free_bytes, uint64_t total_bytes, char *buffer, size_t capacity,
              size_t *out_length) const;

 private:
  infermem_model_config config_;
};

const char *mode_text(int32_t mode);

}  // namespace infermem
