/* The ladder of plan_new: each step where it is the first that fits. */
#include "plans.h"

static void assert_device_plan(const infermem_plan *plan, int32_t mode, uint64_t resident) {
  assert_int_equal(plan_mode(plan), mode);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_RESIDENT_LAYERS), resident);
}

static void a_model_that_fits_stays_whole(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  const infermem_plan_options options = plans_f16(8192);
  infermem_plan *plan = plans_one(&c, 24 * GIB, &options);
  assert_device_plan(plan, INFERMEM_PLAN_FULL_CACHE, 32);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_WEIGHTS), 16060522496);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_KV_GLOBAL), (uint64_t)32 * 2 * 1024 * 2 * 8192);
  assert_int_equal(plan_advice_count(plan), 0);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_STREAM_SOURCE), INFERMEM_PLAN_SOURCE_NONE);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_LARGEST_TERM), INFERMEM_PLAN_WEIGHTS);
  plans_check(plan);
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
  infermem_plan_options options = plans_f16(8192);
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
  plans_check(plan);
  plan_free(plan);

  const uint64_t fixed = full - 32 * layer + 2 * layer;
  plan = plans_one(&c, fixed + layer, &options);
  assert_device_plan(plan, INFERMEM_PLAN_PARTIAL, 1);
  plan_free(plan);
  plan = plans_one(&c, fixed + layer - 1, &options);
  assert_device_plan(plan, INFERMEM_PLAN_LAYER_STREAMING, 0);
  plans_check(plan);
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
  plans_check(plan);
  plan_free(plan);
}

static void what_streams_is_kept_by_the_host_where_it_can(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  infermem_plan_options options = plans_f16(8192);
  options.host_bytes = 64 * GIB;
  infermem_plan *plan = plans_one(&c, 10 * GIB, &options);
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_PARTIAL);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_STREAM_SOURCE), INFERMEM_PLAN_SOURCE_HOST);
  const uint64_t streamed = plans_get(plan, INFERMEM_PLAN_STREAM_BYTES);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_WEIGHTS, INFERMEM_PLAN_PLACE_HOST), streamed);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_WEIGHTS), 16060522496);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_MILLI_TOKENS), 24000000000000 / streamed);
  plans_check(plan);
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
  plans_check(plan);
  plan_free(plan);
}

static void a_context_is_shortened_as_little_as_need_be(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  infermem_plan_options options = plans_f16(131072);
  options.min_context = 4096;
  options.profile = INFERMEM_PLAN_CELLS;
  infermem_plan *plan = plans_one(&c, 24 * GIB, &options);
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_FULL_CACHE);
  const uint64_t context = plans_get(plan, INFERMEM_PLAN_CONTEXT);
  assert_true(context > 4096 && context < 131072 && context % 256 == 0);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_MAX_CONTEXT_FITS), context);
  assert_true((plans_get(plan, INFERMEM_PLAN_NOTES) & INFERMEM_PLAN_NOTE_CONTEXT_SHORTENED) != 0);
  plans_check(plan);
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
  infermem_plan_options options = plans_f16(65536); /* 8 GiB in F16 */
  options.steps = INFERMEM_PLAN_STEP_QUANTIZE_KV | INFERMEM_PLAN_STEP_SOME_LAYERS;
  infermem_plan *plan = plans_one(&c, 20 * GIB, &options);
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_FULL_CACHE);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_K_TYPE), INFERMEM_DTYPE_Q8_0);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_V_TYPE), INFERMEM_DTYPE_Q8_0);
  assert_true((plans_get(plan, INFERMEM_PLAN_NOTES) & INFERMEM_PLAN_NOTE_KV_QUANTIZED) != 0);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_KV_GLOBAL), (uint64_t)32 * 2 * 1024 / 32 * 34 * 65536);
  plans_check(plan);
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
  infermem_plan_options options = plans_f16(4096);
  options.host_bytes = 128 * GIB;
  const uint64_t expert_layer = (uint64_t)8 * 3 * 4096 * 14336 * 2;
  infermem_plan *plan = plans_one(&c, 48 * GIB, &options);
  assert_device_plan(plan, INFERMEM_PLAN_PARTIAL, 32);
  const uint64_t n = plans_get(plan, INFERMEM_PLAN_HOST_EXPERT_LAYERS);
  assert_true(n > 0 && n < 32);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_WEIGHTS, INFERMEM_PLAN_PLACE_HOST), n * expert_layer);
  assert_true(plans_at(plan, INFERMEM_PLAN_TOTAL_BYTES, 0) + expert_layer > 48 * GIB); /* as few as will do */
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_STREAMED_LAYERS), 0);
  plans_check(plan);
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
  plans_check(plan);
  plan_free(plan);
}

static void the_host_runs_what_no_device_can(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  infermem_plan_options options = plans_f16(8192);
  options.host_bytes = 32 * GIB;
  infermem_plan *plan = plans_one(&c, 1 * GIB, &options);
  assert_device_plan(plan, INFERMEM_PLAN_HOST, 32);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_TOTAL_BYTES, 0), 0);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_WEIGHTS, INFERMEM_PLAN_PLACE_HOST), 16060522496);
  plans_check(plan);
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
  plans_check(plan);
  plan_free(plan);
}

static void without_devices_the_host_is_the_device(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  infermem_plan_options options = plans_f16(8192);
  options.host_bytes = 32 * GIB;
  infermem_plan *plan = NULL;
  assert_ok(plan_new(NULL, &c, NULL, 0, &options, &plan));
  assert_device_plan(plan, INFERMEM_PLAN_HOST, 32);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_MARGIN_LEFT, INFERMEM_PLAN_PLACE_HOST), INFERMEM_PLAN_HOST_MARGIN);
  plans_check(plan);
  plan_free(plan);
  options.host_bytes = 8 * GIB;
  options.file_bytes_per_s = 3000000000;
  assert_ok(plan_new(NULL, &c, NULL, 0, &options, &plan));
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_PARTIAL);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_STREAM_SOURCE), INFERMEM_PLAN_SOURCE_FILE);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_MILLI_TOKENS),
                   3000000000000 / plans_get(plan, INFERMEM_PLAN_STREAM_BYTES));
  plans_check(plan);
  /* How fast a file is read is not known unless it is told. */
  const uint64_t bytes = plans_get(plan, INFERMEM_PLAN_STREAM_BYTES);
  plan_free(plan);
  options.file_bytes_per_s = 0;
  assert_ok(plan_new(NULL, &c, NULL, 0, &options, &plan));
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_MILLI_TOKENS), 0);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_STREAM_BYTES), bytes);
  plan_free(plan);
  options.host_bytes = 1 * GIB;
  assert_ok(plan_new(NULL, &c, NULL, 0, &options, &plan));
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_INSUFFICIENT);
  plans_check(plan);
  plan_free(plan);
}

static void one_pool_is_full_or_insufficient(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  infermem_plan_options options = plans_f16(8192);
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
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_FREE_BYTES, INFERMEM_PLAN_PLACE_HOST), 0);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_WEIGHTS, 0), 16060522496); /* the embedding among them */
  plans_check(plan);
  plan_free(plan);
  device.free_bytes = 20 * GIB;
  assert_ok(plan_new(NULL, &c, &device, 1, &options, &plan));
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_INSUFFICIENT);
  plans_check(plan);
  plan_free(plan);
  INFERMEM_STRUCT(infermem_plan_device, other);
  other.free_bytes = GIB;
  const infermem_plan_device both[] = {device, other};
  assert_fails(INFERMEM_E_ARG, plan_new(NULL, &c, both, 2, &options, &plan));
}

static void margins_are_the_larger_of_bytes_and_fraction(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  infermem_plan_options options = plans_f16(8192);
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
  plans_check(plan);
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
  infermem_plan_options options = plans_f16(8192);
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
  plans_check(plan);
  plan_free(plan);
}

/* Of what is free, the margin and the driver's are not for layers. */
static void the_device_with_the_most_usable_memory_comes_first(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  infermem_plan_options options = plans_f16(8192);
  options.driver_bytes = 4 * GIB;
  infermem_plan_device devices[2] = {plans_device(12 * GIB), plans_device(10 * GIB)};
  INFERMEM_STRUCT(infermem_plan_layer_facts, first);
  INFERMEM_STRUCT(infermem_plan_layer_facts, last);
  for (uint32_t largest = 0; largest < 2; largest++) {
    devices[1].flags = largest == 1 ? INFERMEM_PLAN_DEVICE_HAS_CONTEXT : 0;
    infermem_plan *plan = NULL;
    assert_ok(plan_new(NULL, &c, devices, 2, &options, &plan));
    assert_ok(plan_layer(plan, 0, &first));
    assert_ok(plan_layer(plan, c.n_layers - 1, &last));
    assert_int_equal(first.place, largest);
    assert_int_equal(last.place, 1 - largest);
    plans_check(plan);
    plan_free(plan);
  }
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
  plans_check(plan);
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
      cmocka_unit_test(the_device_with_the_most_usable_memory_comes_first),
      cmocka_unit_test(a_model_without_caches_has_no_longest_context),
      cmocka_unit_test(the_usual_options_are_those_of_the_model),
  };
  return cmocka_run_group_tests_name("the plan's ladder", tests, NULL, NULL);
}
