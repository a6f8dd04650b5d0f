/* The ladder of plan_new: each step where it is the first that fits, and what holds of every plan. */
#include <math.h>
#include <stdio.h>

#include "plans.h"

static infermem_plan_options options_f16(uint64_t context) {
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = context;
  options.k_type = options.v_type = INFERMEM_DTYPE_F16;
  return options;
}

static void assert_device_plan(const infermem_plan *plan, int32_t mode, uint64_t resident) {
  assert_int_equal(plan_mode(plan), mode);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_RESIDENT_LAYERS), resident);
}

/* What holds of any plan. */
static void check_plan(const infermem_plan *plan) {
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

static void a_model_that_fits_stays_whole(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  const infermem_plan_options options = options_f16(8192);
  infermem_plan *plan = plans_one(&c, 24 * GIB, &options);
  assert_device_plan(plan, INFERMEM_PLAN_FULL_CACHE, 32);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_WEIGHTS), 16060522496);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_KV_GLOBAL), (uint64_t)32 * 2 * 1024 * 2 * 8192);
  assert_int_equal(plan_advice_count(plan), 0);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_STREAM_SOURCE), INFERMEM_PLAN_SOURCE_NONE);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_LARGEST_TERM), INFERMEM_PLAN_WEIGHTS);
  check_plan(plan);
  plan_free(plan);
}

/* The least free memory of a single device with which the plan has the mode or a better one. */
static uint64_t least_free(const infermem_model_config *c, const infermem_plan_options *options, int32_t mode) {
  uint64_t low = 0, high = (uint64_t)1 << 45;
  while (low + 1 < high) {
    const uint64_t middle = low + (high - low) / 2;
    infermem_plan *plan = plans_one(c, middle, options);
    if (plan_mode(plan) <= mode)
      high = middle;
    else
      low = middle;
    plan_free(plan);
  }
  return high;
}

static void a_byte_less_than_is_needed_is_a_step_down(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  infermem_plan_options options = options_f16(8192);
  const uint64_t full = least_free(&c, &options, INFERMEM_PLAN_FULL_CACHE);
  infermem_plan *plan = plans_one(&c, full, &options);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_TOTAL_BYTES), full);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_FULL_NEEDS_BYTES), full);
  plan_free(plan);
  const uint64_t layer = 2 * (uint64_t)(4096 * (4096 + 2048) + 4096 * 4096 + 3 * 4096 * 14336 + 2 * 4096);
  plan = plans_one(&c, full - 1, &options);
  /* Two slots instead of two layers, and one byte more: 29 stay. */
  assert_device_plan(plan, INFERMEM_PLAN_PARTIAL, 29);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_STAGING), 2 * layer);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_LARGEST_LAYER_BYTES), layer);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_SLOTS), 2);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_STREAM_BYTES), 3 * layer);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_STREAM_SOURCE), INFERMEM_PLAN_SOURCE_FILE);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_FULL_NEEDS_BYTES), full);
  assert_true(plan_advice_count(plan) > 0);
  check_plan(plan);
  plan_free(plan);

  const uint64_t fixed = full - 32 * layer + 2 * layer;
  plan = plans_one(&c, fixed + layer, &options);
  assert_device_plan(plan, INFERMEM_PLAN_PARTIAL, 1);
  plan_free(plan);
  plan = plans_one(&c, fixed + layer - 1, &options);
  assert_device_plan(plan, INFERMEM_PLAN_LAYER_STREAMING, 0);
  check_plan(plan);
  plan_free(plan);
  plan = plans_one(&c, fixed, &options);
  assert_device_plan(plan, INFERMEM_PLAN_LAYER_STREAMING, 0);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_NEEDS_BYTES), fixed);
  plan_free(plan);
  plan = plans_one(&c, fixed - 1, &options);
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_INSUFFICIENT);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_NEEDS_BYTES), fixed);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_TOTAL_BYTES), full); /* as it was asked for */
  /* A model of so many of these layers would fit, each with its cache. */
  const uint64_t cache = (uint64_t)2 * 1024 * 2 * 8192;
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_RESIDENT_LAYERS), (2 * layer + 32 * cache - 1) / (layer + cache));
  check_plan(plan);
  plan_free(plan);
}

static void what_streams_is_kept_by_the_host_where_it_can(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  infermem_plan_options options = options_f16(8192);
  options.host_bytes = 64 * GIB;
  infermem_plan *plan = plans_one(&c, 10 * GIB, &options);
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_PARTIAL);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_STREAM_SOURCE), INFERMEM_PLAN_SOURCE_HOST);
  const uint64_t streamed = plans_get(plan, INFERMEM_PLAN_STREAM_BYTES);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_WEIGHTS, INFERMEM_PLAN_PLACE_HOST), streamed);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_WEIGHTS), 16060522496);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_MILLI_TOKENS), 24000000000000 / streamed);
  check_plan(plan);
  plan_free(plan);
  /* The link's own speed, where it is known. */
  options.link_bytes_per_s = INFERMEM_PLAN_PCIE5;
  plan = plans_one(&c, 10 * GIB, &options);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_MILLI_TOKENS), 52000000000000 / streamed);
  plan_free(plan);
  /* A host that is too small leaves it in the file, which is as fast as it is. */
  options.host_bytes = 4 * GIB;
  options.file_bytes_per_s = 3000000000;
  plan = plans_one(&c, 10 * GIB, &options);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_STREAM_SOURCE), INFERMEM_PLAN_SOURCE_FILE);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_WEIGHTS, INFERMEM_PLAN_PLACE_HOST), 0);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_MILLI_TOKENS), 3000000000000 / streamed);
  check_plan(plan);
  plan_free(plan);
}

static void a_context_is_shortened_as_little_as_need_be(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  infermem_plan_options options = options_f16(131072);
  options.min_context = 4096;
  options.profile = INFERMEM_PLAN_CELLS;
  infermem_plan *plan = plans_one(&c, 24 * GIB, &options);
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_FULL_CACHE);
  const uint64_t context = plans_get(plan, INFERMEM_PLAN_CONTEXT);
  assert_true(context > 4096 && context < 131072 && context % 256 == 0);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_MAX_CONTEXT_FITS), context);
  assert_true((plans_get(plan, INFERMEM_PLAN_NOTES) & INFERMEM_PLAN_NOTE_CONTEXT_SHORTENED) != 0);
  check_plan(plan);
  plan_free(plan);
  options.context = context;
  options.min_context = 0;
  plan = plans_one(&c, 24 * GIB, &options);
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_FULL_CACHE);
  plan_free(plan);
  options.context = context + 256;
  plan = plans_one(&c, 24 * GIB, &options);
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_PARTIAL);
  plan_free(plan);
}

static void caches_become_smaller_before_layers_leave(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  infermem_plan_options options = options_f16(65536); /* 8 GiB in F16 */
  options.steps = INFERMEM_PLAN_STEP_QUANTIZE_KV | INFERMEM_PLAN_STEP_SOME_LAYERS;
  infermem_plan *plan = plans_one(&c, 20 * GIB, &options);
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_FULL_CACHE);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_K_TYPE), INFERMEM_DTYPE_Q8_0);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_V_TYPE), INFERMEM_DTYPE_Q8_0);
  assert_true((plans_get(plan, INFERMEM_PLAN_NOTES) & INFERMEM_PLAN_NOTE_KV_QUANTIZED) != 0);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_KV_GLOBAL), (uint64_t)32 * 2 * 1024 / 32 * 34 * 65536);
  check_plan(plan);
  plan_free(plan);
  plan = plans_one(&c, 18 * GIB, &options);
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_FULL_CACHE);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_K_TYPE), INFERMEM_DTYPE_Q4_0);
  plan_free(plan);
  /* Types that are smaller already stay. */
  options.v_type = INFERMEM_DTYPE_Q4_0;
  plan = plans_one(&c, 19 * GIB, &options);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_K_TYPE), INFERMEM_DTYPE_Q8_0);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_V_TYPE), INFERMEM_DTYPE_Q4_0);
  plan_free(plan);
  /* Heads of 100 are no whole blocks. */
  infermem_model_config odd = c;
  odd.head_dim_k = odd.head_dim_v = odd.rope_dims = 100;
  options.v_type = INFERMEM_DTYPE_F16;
  plan = plans_one(&odd, 18 * GIB, &options);
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_PARTIAL);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_K_TYPE), INFERMEM_DTYPE_F16);
  plan_free(plan);
}

static void experts_go_to_the_host_before_layers_stream(void **state) {
  (void)state;
  const infermem_model_config c = plans_mixtral();
  infermem_plan_options options = options_f16(4096);
  options.host_bytes = 128 * GIB;
  const uint64_t expert_layer = (uint64_t)8 * 3 * 4096 * 14336 * 2;
  infermem_plan *plan = plans_one(&c, 48 * GIB, &options);
  assert_device_plan(plan, INFERMEM_PLAN_PARTIAL, 32);
  const uint64_t n = plans_get(plan, INFERMEM_PLAN_HOST_EXPERT_LAYERS);
  assert_true(n > 0 && n < 32);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_WEIGHTS, INFERMEM_PLAN_PLACE_HOST), n * expert_layer);
  assert_true(plans_at(plan, INFERMEM_PLAN_TOTAL_BYTES, 0) + expert_layer > 48 * GIB); /* as few as will do */
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_STREAMED_LAYERS), 0);
  check_plan(plan);
  plan_free(plan);
  /* Where that is not allowed, or the host has no room, they stream. */
  options.steps = INFERMEM_PLAN_STEP_SOME_LAYERS;
  options.flags = INFERMEM_PLAN_EXPERT_WISE;
  plan = plans_one(&c, 48 * GIB, &options);
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_PARTIAL);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_HOST_EXPERT_LAYERS), 0);
  const uint64_t streamed = plans_get(plan, INFERMEM_PLAN_STREAMED_LAYERS);
  assert_true(streamed > 0);
  INFERMEM_STRUCT(infermem_plan_layer_facts, layer);
  assert_ok(plan_layer(plan, 31, &layer));
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_STREAM_BYTES), streamed * (layer.weight_bytes - expert_layer / 8 * 6));
  check_plan(plan);
  plan_free(plan);
}

static void the_host_runs_what_no_device_can(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  infermem_plan_options options = options_f16(8192);
  options.host_bytes = 32 * GIB;
  infermem_plan *plan = plans_one(&c, 1 * GIB, &options);
  assert_device_plan(plan, INFERMEM_PLAN_HOST, 32);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_TOTAL_BYTES, 0), 0);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_WEIGHTS, INFERMEM_PLAN_PLACE_HOST), 16060522496);
  check_plan(plan);
  plan_free(plan);
  options.steps = INFERMEM_PLAN_STEP_SOME_LAYERS | INFERMEM_PLAN_STEP_ALL_LAYERS;
  plan = plans_one(&c, 1 * GIB, &options);
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_INSUFFICIENT);
  INFERMEM_STRUCT(infermem_plan_advice_facts, advice);
  int allow = 0;
  for (size_t i = 0; i < plan_advice_count(plan); i++) {
    assert_ok(plan_advice(plan, i, &advice));
    allow |= advice.code == INFERMEM_PLAN_ADVICE_ALLOW && advice.value == INFERMEM_PLAN_STEP_HOST &&
             advice.mode == INFERMEM_PLAN_HOST;
  }
  assert_true(allow);
  check_plan(plan);
  plan_free(plan);
}

static void without_devices_the_host_is_the_device(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  infermem_plan_options options = options_f16(8192);
  options.host_bytes = 32 * GIB;
  infermem_plan *plan = NULL;
  assert_ok(plan_new(NULL, &c, NULL, 0, &options, &plan));
  assert_device_plan(plan, INFERMEM_PLAN_HOST, 32);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_MARGIN_LEFT, INFERMEM_PLAN_PLACE_HOST), INFERMEM_PLAN_HOST_MARGIN);
  check_plan(plan);
  plan_free(plan);
  options.host_bytes = 8 * GIB;
  options.file_bytes_per_s = 3000000000;
  assert_ok(plan_new(NULL, &c, NULL, 0, &options, &plan));
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_PARTIAL);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_STREAM_SOURCE), INFERMEM_PLAN_SOURCE_FILE);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_MILLI_TOKENS),
                   3000000000000 / plans_get(plan, INFERMEM_PLAN_STREAM_BYTES));
  check_plan(plan);
  plan_free(plan);
  options.host_bytes = 1 * GIB;
  assert_ok(plan_new(NULL, &c, NULL, 0, &options, &plan));
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_INSUFFICIENT);
  check_plan(plan);
  plan_free(plan);
}

static void one_pool_is_full_or_insufficient(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  infermem_plan_options options = options_f16(8192);
  options.host_bytes = 128 * GIB; /* the same memory, which is not to be counted twice */
  options.profile = INFERMEM_PLAN_CELLS;
  INFERMEM_STRUCT(infermem_plan_device, device);
  device.flags = INFERMEM_PLAN_DEVICE_UNIFIED;
  device.free_bytes = 24 * GIB;
  infermem_plan *plan = NULL;
  assert_ok(plan_new(NULL, &c, &device, 1, &options, &plan));
  assert_device_plan(plan, INFERMEM_PLAN_FULL_CACHE, 32);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_MARGIN_LEFT, 0), 6 * GIB); /* three quarters are used */
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_TOTAL_BYTES, INFERMEM_PLAN_PLACE_HOST), 0);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_WEIGHTS, 0), 16060522496); /* the embedding among them */
  check_plan(plan);
  plan_free(plan);
  device.free_bytes = 20 * GIB;
  assert_ok(plan_new(NULL, &c, &device, 1, &options, &plan));
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_INSUFFICIENT);
  check_plan(plan);
  plan_free(plan);
  INFERMEM_STRUCT(infermem_plan_device, other);
  other.free_bytes = GIB;
  const infermem_plan_device both[] = {device, other};
  assert_fails(INFERMEM_E_ARG, plan_new(NULL, &c, both, 2, &options, &plan));
}

static void margins_are_the_larger_of_bytes_and_fraction(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  infermem_plan_options options = options_f16(8192);
  INFERMEM_STRUCT(infermem_plan_device, device);
  device.free_bytes = 40 * GIB;
  infermem_plan *plan = NULL;
  assert_ok(plan_new(NULL, &c, &device, 1, &options, &plan));
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_MARGIN_LEFT, 0), INFERMEM_PLAN_MARGIN);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_DRIVER_CONTEXT, 0), INFERMEM_PLAN_DRIVER);
  plan_free(plan);
  options.margin_fraction = 0.125;
  assert_ok(plan_new(NULL, &c, &device, 1, &options, &plan));
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_MARGIN_LEFT, 0), 5 * GIB);
  plan_free(plan);
  options.margin_bytes = 7 * GIB;
  options.driver_bytes = 616 * MIB;
  assert_ok(plan_new(NULL, &c, &device, 1, &options, &plan));
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_MARGIN_LEFT, 0), 7 * GIB);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_DRIVER_CONTEXT, 0), 616 * MIB);
  check_plan(plan);
  plan_free(plan);
  options.flags = INFERMEM_PLAN_NO_MARGIN;
  device.flags = INFERMEM_PLAN_DEVICE_HAS_CONTEXT;
  assert_ok(plan_new(NULL, &c, &device, 1, &options, &plan));
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_MARGIN_LEFT), 0);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_DRIVER_CONTEXT), 0);
  plan_free(plan);
}

static void devices_share_in_proportion_to_what_is_free(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama70();
  infermem_plan_options options = options_f16(8192);
  options.profile = INFERMEM_PLAN_CELLS;
  INFERMEM_STRUCT(infermem_plan_device, device);
  infermem_plan_device devices[3] = {device, device, device};
  devices[0].free_bytes = 48 * GIB;
  devices[1].free_bytes = 96 * GIB;
  devices[2].free_bytes = 48 * GIB;
  infermem_plan *plan = NULL;
  assert_ok(plan_new(NULL, &c, devices, 3, &options, &plan));
  assert_device_plan(plan, INFERMEM_PLAN_FULL_CACHE, 80);
  const uint64_t layers[] = {plans_at(plan, INFERMEM_PLAN_RESIDENT_LAYERS, 0),
                             plans_at(plan, INFERMEM_PLAN_RESIDENT_LAYERS, 1),
                             plans_at(plan, INFERMEM_PLAN_RESIDENT_LAYERS, 2)};
  assert_int_equal(layers[0] + layers[1] + layers[2], 80);
  assert_in_range(layers[1], 2 * layers[0] - 3, 2 * layers[0] + 6); /* its room is a little more than twice as much */
  /* The last in use has the output besides, and so fewer layers. */
  assert_true(layers[2] <= layers[0]);
  assert_true(plans_at(plan, INFERMEM_PLAN_COMPUTE, 2) > plans_at(plan, INFERMEM_PLAN_COMPUTE, 0));
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_COMPUTE, 1), plans_at(plan, INFERMEM_PLAN_COMPUTE, 0));
  check_plan(plan);
  plan_free(plan);
}

static void the_order_of_devices_is_only_their_numbers(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama70();
  uint64_t random = 11;
  for (int round = 0; round < 60; round++) {
    infermem_plan_options options = options_f16(1 + test_random_below(&random, 32768));
    options.profile = 1 + (uint32_t)test_random_below(&random, 3);
    if (round % 2) options.host_bytes = (1 + test_random_below(&random, 200)) * GIB;
    infermem_plan_device devices[4], turned[4];
    const size_t n = 1 + test_random_below(&random, 4);
    for (size_t i = 0; i < n; i++) {
      INFERMEM_STRUCT(infermem_plan_device, device);
      device.free_bytes = (1 + test_random_below(&random, 90)) * GIB + i; /* no two are the same */
      devices[i] = device;
    }
    const size_t by = test_random_below(&random, n);
    for (size_t i = 0; i < n; i++) turned[(i + by) % n] = devices[i];
    infermem_plan *a = NULL, *b = NULL;
    assert_ok(plan_new(NULL, &c, devices, n, &options, &a));
    assert_ok(plan_new(NULL, &c, turned, n, &options, &b));
    assert_int_equal(plan_mode(a), plan_mode(b));
    check_plan(a);
    for (uint32_t key = 1; key <= INFERMEM_PLAN_KINDS; key++)
      for (size_t i = 0; i < n; i++)
        assert_int_equal(plans_at(a, key, (uint32_t)i), plans_at(b, key, (uint32_t)((i + by) % n)));
    plan_free(a);
    plan_free(b);
  }
}

/* Random models, devices and options: what is said of all plans holds. */
static void more_memory_is_never_worse(void **state) {
  (void)state;
  uint64_t random = 3;
  for (uint64_t round = 0; round < 400 * test_soak(); round++) {
    infermem_model_config c = round % 3 == 0 ? plans_mixtral() : plans_llama8();
    c.n_layers = 1 + test_random_below(&random, 40);
    c.sliding_window = test_random_below(&random, 2) * 1024;
    c.window_interval = 4;
    INFERMEM_STRUCT(infermem_plan_options, options);
    options.context = 1 + test_random_below(&random, 100000);
    if (test_random_below(&random, 2)) options.min_context = 1 + test_random_below(&random, options.context);
    options.n_sequences = 1 + test_random_below(&random, 4);
    options.k_type = (int32_t)test_random_below(&random, 2);
    options.v_type = (int32_t)test_random_below(&random, 2);
    options.profile = 1 + (uint32_t)test_random_below(&random, 3);
    options.steps = (uint32_t)test_random_below(&random, 32) * 2;
    options.flags = (uint32_t)test_random_below(&random, 64);
    options.slots = 2 + (uint32_t)test_random_below(&random, 3);
    options.host_bytes = test_random_below(&random, 60) * GIB;
    options.margin_fraction = test_random_below(&random, 2) ? 0.1 : 0;
    infermem_plan_device devices[3];
    const size_t n = 1 + test_random_below(&random, 3);
    for (size_t i = 0; i < n; i++) {
      INFERMEM_STRUCT(infermem_plan_device, device);
      device.free_bytes = 1 + test_random_below(&random, 40 * GIB);
      devices[i] = device;
    }
    infermem_plan *less = NULL, *more = NULL;
    assert_ok(plan_new(NULL, &c, devices, n, &options, &less));
    check_plan(less);
    devices[test_random_below(&random, n)].free_bytes += test_random_below(&random, 20 * GIB);
    assert_ok(plan_new(NULL, &c, devices, n, &options, &more));
    check_plan(more);
    assert_true(plan_mode(more) <= plan_mode(less));
    plan_free(less);
    plan_free(more);
  }
}

/* The longest context that fits does, and a step more does not. */
static void the_longest_context_is_the_longest(void **state) {
  (void)state;
  uint64_t random = 5;
  for (uint64_t round = 0; round < 200 * test_soak(); round++) {
    infermem_model_config c = plans_llama8();
    c.n_layers = 1 + test_random_below(&random, 40);
    c.sliding_window = test_random_below(&random, 2) * 512;
    c.window_interval = 2;
    INFERMEM_STRUCT(infermem_plan_options, options);
    options.context = 1 + test_random_below(&random, 10000);
    options.n_sequences = 1 + test_random_below(&random, 4);
    options.k_type = options.v_type = (int32_t)test_random_below(&random, 2);
    options.profile = 1 + (uint32_t)test_random_below(&random, 3);
    options.steps = INFERMEM_PLAN_STEP_SOME_LAYERS | INFERMEM_PLAN_STEP_ALL_LAYERS;
    const uint64_t free_bytes = 4 * GIB + test_random_below(&random, 20 * GIB);
    infermem_plan *plan = plans_one(&c, free_bytes, &options), *again;
    const int32_t mode = plan_mode(plan);
    const uint64_t most = plans_get(plan, INFERMEM_PLAN_MAX_CONTEXT_FITS);
    const uint64_t step = plans_get(plan, INFERMEM_PLAN_CONTEXT_STEP);
    const uint64_t resident = plans_get(plan, INFERMEM_PLAN_RESIDENT_LAYERS);
    assert_int_equal(most % step, 0);
    plan_free(plan);
    if (mode == INFERMEM_PLAN_INSUFFICIENT) {
      assert_true(most < options.context);
      if (most == 0) continue;
      options.context = most;
      again = plans_one(&c, free_bytes, &options);
      assert_int_not_equal(plan_mode(again), INFERMEM_PLAN_INSUFFICIENT);
      plan_free(again);
      options.context = most + step;
      again = plans_one(&c, free_bytes, &options);
      assert_int_equal(plan_mode(again), INFERMEM_PLAN_INSUFFICIENT);
      plan_free(again);
      continue;
    }
    assert_true(most >= options.context);
    if (most == INFERMEM_PLAN_MAX_CONTEXT) continue;
    options.context = most;
    again = plans_one(&c, free_bytes, &options);
    assert_true(plans_get(again, INFERMEM_PLAN_RESIDENT_LAYERS) >= resident);
    assert_int_equal(plan_mode(again), mode);
    plan_free(again);
    options.context = most + step;
    again = plans_one(&c, free_bytes, &options);
    if (plan_mode(again) != INFERMEM_PLAN_INSUFFICIENT && resident > 0)
      assert_true(plans_get(again, INFERMEM_PLAN_RESIDENT_LAYERS) < resident);
    if (resident == 0) assert_int_equal(plan_mode(again), INFERMEM_PLAN_INSUFFICIENT);
    plan_free(again);
  }
}

/* Every change that is advised leads to the mode that it promises, or to a better one. */
static void advice_is_true(void **state) {
  (void)state;
  uint64_t random = 21;
  unsigned seen = 0;
  for (uint64_t round = 0; round < 300 * test_soak(); round++) {
    const infermem_model_config c = round % 3 == 0 ? plans_mixtral() : plans_llama8();
    infermem_plan_options options = options_f16(1 + test_random_below(&random, 60000));
    options.profile = 1 + (uint32_t)test_random_below(&random, 3);
    options.steps = INFERMEM_PLAN_STEP_NONE;
    if (test_random_below(&random, 4)) options.steps = (uint32_t)test_random_below(&random, 32) * 2;
    options.host_bytes = test_random_below(&random, 120) * GIB;
    const uint64_t free_bytes = 1 + test_random_below(&random, 60 * GIB);
    infermem_plan *plan = plans_one(&c, free_bytes, &options);
    for (size_t i = 0; i < plan_advice_count(plan); i++) {
      INFERMEM_STRUCT(infermem_plan_advice_facts, advice);
      assert_ok(plan_advice(plan, i, &advice));
      infermem_model_config changed = c;
      infermem_plan_options other = options;
      uint64_t room = free_bytes;
      switch (advice.code) {
        case INFERMEM_PLAN_ADVICE_CONTEXT:
          other.context = advice.value;
          break;
        case INFERMEM_PLAN_ADVICE_KV_TYPE:
          other.k_type = other.v_type = (int32_t)advice.value;
          break;
        case INFERMEM_PLAN_ADVICE_MEMORY:
          room = advice.value;
          break;
        case INFERMEM_PLAN_ADVICE_HOST_MEMORY:
          other.host_bytes = advice.value;
          break;
        case INFERMEM_PLAN_ADVICE_LAYERS:
          changed.n_layers = advice.value;
          break;
        case INFERMEM_PLAN_ADVICE_ALLOW:
          other.steps = (other.steps & ~(uint32_t)INFERMEM_PLAN_STEP_NONE) | (uint32_t)advice.value;
          break;
        default:
          assert_int_equal(advice.code, INFERMEM_PLAN_ADVICE_WEIGHTS);
          continue;
      }
      seen |= 1u << advice.code;
      infermem_plan *then = plans_one(&changed, room, &other);
      if (advice.code != INFERMEM_PLAN_ADVICE_HOST_MEMORY) assert_true(plan_mode(then) <= advice.mode);
      plan_free(then);
    }
    plan_free(plan);
  }
  assert_int_equal(seen & 0x3e, 0x3e); /* all kinds of them were met */
}

static void a_model_without_caches_has_no_longest_context(void **state) {
  (void)state;
  infermem_model_config c = plans_llama8();
  c.flags = INFERMEM_CONFIG_ENCODER;
  INFERMEM_STRUCT(infermem_plan_options, options);
  infermem_plan *plan = plans_one(&c, 40 * GIB, &options);
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_FULL_CACHE);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_KV_GLOBAL), 0);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_MAX_CONTEXT_FITS), INFERMEM_PLAN_MAX_CONTEXT);
  check_plan(plan);
  plan_free(plan);
}

static void the_usual_options_are_those_of_the_model(void **state) {
  (void)state;
  infermem_model_config c = plans_llama8();
  INFERMEM_STRUCT(infermem_plan_device, device);
  device.free_bytes = 200 * GIB;
  infermem_plan *plan = NULL;
  assert_ok(plan_new(NULL, &c, &device, 1, NULL, &plan));
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_CONTEXT), 131072);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_K_TYPE), INFERMEM_DTYPE_F32);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_NOTES), INFERMEM_PLAN_NOTE_HOST_UNKNOWN);
  plan_free(plan);
  c.context = 0;
  assert_ok(plan_new(NULL, &c, &device, 1, NULL, &plan));
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_CONTEXT), 4096);
  assert_true((plans_get(plan, INFERMEM_PLAN_NOTES) & INFERMEM_PLAN_NOTE_CONTEXT_GUESSED) != 0);
  plan_free(plan);
  c.context = 2048;
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = 2049;
  assert_ok(plan_new(NULL, &c, &device, 1, &options, &plan));
  assert_true((plans_get(plan, INFERMEM_PLAN_NOTES) & INFERMEM_PLAN_NOTE_CONTEXT_BEYOND) != 0);
  plan_free(plan);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_model_that_fits_stays_whole),
      cmocka_unit_test(a_byte_less_than_is_needed_is_a_step_down),
      cmocka_unit_test(what_streams_is_kept_by_the_host_where_it_can),
      cmocka_unit_test(a_context_is_shortened_as_little_as_need_be),
      cmocka_unit_test(caches_become_smaller_before_layers_leave),
      cmocka_unit_test(experts_go_to_the_host_before_layers_stream),
      cmocka_unit_test(the_host_runs_what_no_device_can),
      cmocka_unit_test(without_devices_the_host_is_the_device),
      cmocka_unit_test(one_pool_is_full_or_insufficient),
      cmocka_unit_test(margins_are_the_larger_of_bytes_and_fraction),
      cmocka_unit_test(devices_share_in_proportion_to_what_is_free),
      cmocka_unit_test(the_order_of_devices_is_only_their_numbers),
      cmocka_unit_test(more_memory_is_never_worse),
      cmocka_unit_test(the_longest_context_is_the_longest),
      cmocka_unit_test(advice_is_true),
      cmocka_unit_test(a_model_without_caches_has_no_longest_context),
      cmocka_unit_test(the_usual_options_are_those_of_the_model),
  };
  return cmocka_run_group_tests_name("the plan's ladder", tests, NULL, NULL);
}
