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

infermem_plan_device plans_device(uint64_t free_bytes) {
  INFERMEM_STRUCT(infermem_plan_device, device);
  device.free_bytes = free_bytes;
  return device;
}

infermem_plan_options plans_f16(uint64_t context) {
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = context;
  options.k_type = options.v_type = INFERMEM_DTYPE_F16;
  return options;
}

void plans_check(const infermem_plan *plan) {
  uint64_t sum = 0, places[INFERMEM_PLAN_MAX_DEVICES + 1] = {0};
  uint32_t kind = 0;
  for (size_t i = 0; i < plan_term_count(plan); i++) {
    INFERMEM_STRUCT(infermem_plan_term_facts, term);
    assert_ok(plan_term(plan, i, &term));
    assert_true(term.bytes > 0);
    assert_true(term.kind >= kind && term.kind <= INFERMEM_PLAN_KINDS);
    kind = term.kind;
    assert_int_equal(plans_at(plan, term.kind, term.place), term.bytes);
    assert_in_range(term.confidence, INFERMEM_CONFIDENCE_EXACT, INFERMEM_CONFIDENCE_ROUGH);
    assert_string_not_equal(term.name, "unknown");
    assert_string_not_equal(term.formula, "unknown");
    sum += term.bytes;
    places[term.place == INFERMEM_PLAN_PLACE_HOST ? INFERMEM_PLAN_MAX_DEVICES : term.place] += term.bytes;
  }
  assert_int_equal(sum, plans_get(plan, INFERMEM_PLAN_TOTAL_BYTES));
  assert_int_equal(places[INFERMEM_PLAN_MAX_DEVICES],
                   plans_at(plan, INFERMEM_PLAN_TOTAL_BYTES, INFERMEM_PLAN_PLACE_HOST));
  const int fits = plan_mode(plan) != INFERMEM_PLAN_INSUFFICIENT;
  int too_much = 0;
  for (uint32_t i = 0; i < INFERMEM_PLAN_MAX_DEVICES; i++) {
    uint64_t total;
    if (plan_query(plan, INFERMEM_PLAN_TOTAL_BYTES, i, &total) != INFERMEM_OK) break;
    assert_int_equal(total, places[i]);
    too_much |= total > plans_at(plan, INFERMEM_PLAN_FREE_BYTES, i);
  }
  const uint64_t host = plans_at(plan, INFERMEM_PLAN_FREE_BYTES, INFERMEM_PLAN_PLACE_HOST);
  too_much |= host != 0 && places[INFERMEM_PLAN_MAX_DEVICES] > host;
  assert_int_equal(too_much, !fits);

  /* The layers add up to their terms. */
  uint64_t kv = 0, recurrent = 0, resident = 0, streamed = 0;
  INFERMEM_STRUCT(infermem_plan_layer_facts, layer);
  for (uint64_t i = 0; plan_layer(plan, i, &layer) == INFERMEM_OK; i++) {
    kv += layer.kv_bytes;
    recurrent += layer.recurrent_bytes;
    resident += layer.is_resident;
    streamed += layer.is_loaded && !layer.is_resident;
  }
  assert_int_equal(kv, plans_get(plan, INFERMEM_PLAN_KV_GLOBAL) + plans_get(plan, INFERMEM_PLAN_KV_WINDOW));
  assert_int_equal(recurrent, plans_get(plan, INFERMEM_PLAN_RECURRENT));
  assert_int_equal(resident, plans_get(plan, INFERMEM_PLAN_RESIDENT_LAYERS));
  if (fits) assert_int_equal(streamed, plans_get(plan, INFERMEM_PLAN_STREAMED_LAYERS));
  char text[16384];
  size_t length;
  assert_ok(plan_text(plan, 0, text, sizeof text, &length));
  for (size_t i = 0; i < length; i++) assert_true(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'));
  assert_ok(plan_json(plan, text, sizeof text, &length));
}
