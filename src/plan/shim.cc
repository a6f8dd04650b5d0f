// The extern "C" functions of infermem/plan.h.
#include "plan/estimate.hh"

using namespace infermem;

extern "C" {

int32_t plan_estimate_layer(const infermem_model_config *config, uint64_t *out_bytes) {
  INFERMEM_NOT_NULL(config);
  INFERMEM_NOT_NULL(out_bytes);
  Estimate estimate;
  INFERMEM_STEP(estimate.read(config));
  INFERMEM_LEAVE(estimate.layer(out_bytes));
}

int32_t plan_estimate_kv(const infermem_model_config *config, uint64_t n_tokens, uint64_t *out_bytes) {
  INFERMEM_NOT_NULL(config);
  INFERMEM_NOT_NULL(out_bytes);
  Estimate estimate;
  INFERMEM_STEP(estimate.read(config));
  INFERMEM_LEAVE(estimate.kv(n_tokens, out_bytes));
}

int32_t plan_estimate_full(const infermem_model_config *config, uint64_t n_tokens, uint64_t *out_bytes) {
  INFERMEM_NOT_NULL(config);
  INFERMEM_NOT_NULL(out_bytes);
  Estimate estimate;
  INFERMEM_STEP(estimate.read(config));
  INFERMEM_LEAVE(estimate.full(n_tokens, out_bytes));
}

int32_t plan_estimate_streaming(const infermem_model_config *config, uint64_t n_tokens, uint64_t *out_bytes) {
  INFERMEM_NOT_NULL(config);
  INFERMEM_NOT_NULL(out_bytes);
  Estimate estimate;
  INFERMEM_STEP(estimate.read(config));
  INFERMEM_LEAVE(estimate.streaming(n_tokens, out_bytes));
}

int32_t plan_estimate_prefill_cache(const infermem_model_config *config, int32_t fp8, uint64_t *out_bytes) {
  INFERMEM_NOT_NULL(config);
  INFERMEM_NOT_NULL(out_bytes);
  Estimate estimate;
  INFERMEM_STEP(estimate.read(config));
  INFERMEM_LEAVE(estimate.prefill_cache(fp8, out_bytes));
}

int32_t plan_estimate_mode(const infermem_model_config *config, uint64_t n_tokens, uint64_t free_bytes,
                           int32_t *out_mode) {
  INFERMEM_NOT_NULL(config);
  INFERMEM_NOT_NULL(out_mode);
  Estimate estimate;
  INFERMEM_STEP(estimate.read(config));
  INFERMEM_LEAVE(estimate.mode(n_tokens, free_bytes, out_mode));
}

int32_t plan_should_stream(const infermem_model_config *config, uint64_t n_tokens, uint64_t free_bytes, int32_t *out) {
  INFERMEM_NOT_NULL(config);
  INFERMEM_NOT_NULL(out);
  Estimate estimate;
  int32_t mode = 0;
  INFERMEM_STEP(estimate.read(config));
  INFERMEM_STEP(estimate.mode(n_tokens, free_bytes, &mode));
  *out = mode == INFERMEM_PLAN_LAYER_STREAMING;
  return INFERMEM_OK;
}

const char *plan_mode_text(int32_t mode) { return mode_text(mode); }

int32_t plan_estimate_text(const infermem_model_config *config, uint64_t n_tokens, uint64_t free_bytes,
                           uint64_t total_bytes, char *buffer, size_t capacity, size_t *out_length) {
  INFERMEM_NOT_NULL(config);
  INFERMEM_NOT_NULL(out_length);
  Estimate estimate;
  INFERMEM_STEP(estimate.read(config));
  INFERMEM_LEAVE(estimate.text(n_tokens, free_bytes, total_bytes, buffer, capacity, out_length));
}

}  // extern "C"
