#include "plans.h"

infermem_model_config plans_llama8(void) {
  INFERMEM_STRUCT(infermem_model_config, config);
  strcpy(config.architecture, "llama");
  config.n_layers = 32;
  config.hidden = 4096;
  config.n_heads = 32;
  config.n_kv_heads = 8;
  config.intermediate = 14336;
  config.vocab = 128256;
  config.context = 131072;
  config.rope_dims = 128;
  config.weight_type = INFERMEM_DTYPE_F16;
  return config;
}

infermem_model_config plans_llama70(void) {
  infermem_model_config config = plans_llama8();
  config.n_layers = 80;
  config.hidden = 8192;
  config.n_heads = 64;
  config.intermediate = 28672;
  return config;
}

infermem_model_config plans_mixtral(void) {
  infermem_model_config config = plans_llama8();
  config.vocab = 32000;
  config.context = 32768;
  config.n_experts = 8;
  config.n_experts_used = 2;
  return config;
}

infermem_plan *plans_one(const infermem_model_config *config, uint64_t free_bytes,
                         const infermem_plan_options *options) {
  INFERMEM_STRUCT(infermem_plan_options, read);
  if (options) read = *options;
  read.flags |= INFERMEM_PLAN_NO_MARGIN;
  INFERMEM_STRUCT(infermem_plan_device, device);
  device.free_bytes = free_bytes;
  device.flags = INFERMEM_PLAN_DEVICE_HAS_CONTEXT;
  infermem_plan *plan = NULL;
  assert_ok(plan_new(NULL, config, &device, 1, &read, &plan));
  return plan;
}

uint64_t plans_get(const infermem_plan *plan, uint32_t key) { return plans_at(plan, key, INFERMEM_PLAN_PLACE_ALL); }

uint64_t plans_at(const infermem_plan *plan, uint32_t key, uint32_t place) {
  uint64_t out = 0;
  assert_ok(plan_query(plan, key, place, &out));
  return out;
}
