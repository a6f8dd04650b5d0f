#include "plan/estimate.hh"

#include <cinttypes>
#include <cstdio>

#include "base/size.hh"
#include "base/structs.hh"
#include "base/text.hh"

namespace infermem {
namespace {

constexpr uint64_t kF32 = 4;  // bytes

uint64_t head_dim(uint64_t explicit_dim, const infermem_model_config &c) {
  return explicit_dim != 0 ? explicit_dim : c.hidden / c.n_heads;
}

// The keys and values of one token in one layer, in elements.
Size kv_row(const infermem_model_config &c) {
  return Size(c.n_kv_heads) * (Size(head_dim(c.head_dim_k, c)) + head_dim(c.head_dim_v, c));
}

// The weights of one layer without the norms, in elements.
Size matrices(const infermem_model_config &c) {
  const Size h = c.hidden;
  const Size q = Size(c.n_heads) * head_dim(c.head_dim_k, c);
  const Size o = Size(c.n_heads) * head_dim(c.head_dim_v, c);
  return h * (q + kv_row(c)) + o * h + Size(3) * h * c.intermediate;
}

Size layer_bytes(const infermem_model_config &c) { return Size(kF32) * (matrices(c) + Size(2) * c.hidden); }

Size kv_bytes(const infermem_model_config &c, uint64_t n_tokens) {
  return Size(kF32) * c.n_layers * n_tokens * kv_row(c);
}

// The model with the weights of so many of its layers.
Size model_bytes(const infermem_model_config &c, uint64_t n_layers, uint64_t n_tokens) {
  return Size(kF32) * c.hidden * c.vocab + Size(kF32) * c.hidden + Size(n_layers) * layer_bytes(c) +
         kv_bytes(c, n_tokens);
}

// Nine tenths, rounded down.
uint64_t usable(uint64_t bytes) { return bytes / 10 * 9 + bytes % 10 * 9 / 10; }

uint64_t mb(uint64_t bytes) { return bytes / 1048576; }

}  // namespace

Status Estimate::read(const infermem_model_config *config) {
  INFERMEM_TRY(read_struct(config, &config_, "config"));
  INFERMEM_TRY(infermem_config_validate(&config_));
  if (config_.n_heads == 0) return fail(INFERMEM_E_ARG, 1, 0, "n_heads is 0: the estimates are of a transformer");
  return INFERMEM_OK;
}

Status Estimate::layer(uint64_t *out) const { return layer_bytes(config_).give("layer", out); }

Status Estimate::kv(uint64_t n_tokens, uint64_t *out) const {
  return kv_bytes(config_, n_tokens).give("KV cache", out);
}

Status Estimate::full(uint64_t n_tokens, uint64_t *out) const {
  return model_bytes(config_, config_.n_layers, n_tokens).give("model with all its layers", out);
}

Status Estimate::streaming(uint64_t n_tokens, uint64_t *out) const {
  return model_bytes(config_, 1, n_tokens).give("model with one layer", out);
}

Status Estimate::prefill_cache(int32_t fp8, uint64_t *out) const {
  if (fp8 != 0 && fp8 != 1)
    return fail(INFERMEM_E_ARG, 1, static_cast<uint64_t>(fp8), "fp8 is %" PRId32 ", neither 0 nor 1", fp8);
  const Size elements = Size(config_.n_layers) * matrices(config_) + Size(config_.hidden) * config_.vocab;
  return (elements * (fp8 ? 1 : 2)).give("prefill cache", out);
}

Status Estimate::mode(uint64_t n_tokens, uint64_t free_bytes, int32_t *out) const {
  uint64_t all = 0, one = 0;
  INFERMEM_TRY(full(n_tokens, &all));
  INFERMEM_TRY(streaming(n_tokens, &one));
  const uint64_t room = usable(free_bytes);
  *out = all <= room   ? INFERMEM_PLAN_FULL_CACHE
         : one <= room ? INFERMEM_PLAN_LAYER_STREAMING
                       : INFERMEM_PLAN_INSUFFICIENT;
  return INFERMEM_OK;
}

Status Estimate::text(uint64_t n_tokens, uint64_t free_bytes, uint64_t total_bytes, char *buffer, size_t capacity,
                      size_t *out_length) const {
  int32_t chosen = 0;
  uint64_t all = 0, one = 0;
  INFERMEM_TRY(mode(n_tokens, free_bytes, &chosen));
  INFERMEM_TRY(full(n_tokens, &all));
  INFERMEM_TRY(streaming(n_tokens, &one));
  char words[512];  // 330 bytes of words at most, and five numbers of at most 14 digits
  const bool fits = chosen != INFERMEM_PLAN_INSUFFICIENT;
  const int length = std::snprintf(
      words, sizeof words,
      "%s: full cache %" PRIu64 " MB, layer streaming %" PRIu64 " MB, available %" PRIu64 " MB (%" PRIu64
      " MB of it to be used), total %" PRIu64 " MB%s",
      mode_text(chosen), mb(all), mb(one), mb(free_bytes), mb(usable(free_bytes)), mb(total_bytes),
      fits ? ""
           : ". What helps: (1) a shorter context; (2) a smaller or more strongly quantized model; (3) more available "
             "memory, by ending other programs on the device or by taking a larger one.");
  return put_text(words, static_cast<size_t>(length), buffer, capacity, out_length);
}

const char *mode_text(int32_t mode) {
  switch (mode) {
    case INFERMEM_PLAN_FULL_CACHE:
      return "Full Cache (all layers pre-cached on GPU)";
    case INFERMEM_PLAN_PARTIAL:
      return "Partial Cache (first layers pre-cached on GPU, the others loaded per-layer)";
    case INFERMEM_PLAN_LAYER_STREAMING:
      return "Layer Streaming (weights loaded per-layer)";
    case INFERMEM_PLAN_HOST:
      return "Host (all layers in host memory)";
    case INFERMEM_PLAN_INSUFFICIENT:
      return "Insufficient Memory (not even one layer and the cache fit)";
  }
  return "unknown";
}

}  // namespace infermem
