/* What holds of every plan, of random models, devices and options. */
#include "plans.h"

static void the_order_of_devices_is_only_their_numbers(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama70();
  uint64_t random = 11;
  for (int round = 0; round < 60; round++) {
    infermem_plan_options options = plans_f16(1 + test_random_below(&random, 32768));
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
    plans_check(a);
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
    options.driver_bytes = 1 + test_random_below(&random, 8 * GIB);
    infermem_plan_device devices[3];
    const size_t n = 1 + test_random_below(&random, 3);
    for (size_t i = 0; i < n; i++) {
      INFERMEM_STRUCT(infermem_plan_device, device);
      device.free_bytes = 1 + test_random_below(&random, 40 * GIB);
      device.flags = (uint32_t)test_random_below(&random, 2) * INFERMEM_PLAN_DEVICE_HAS_CONTEXT;
      devices[i] = device;
    }
    infermem_plan *less = NULL, *more = NULL;
    assert_ok(plan_new(NULL, &c, devices, n, &options, &less));
    plans_check(less);
    devices[test_random_below(&random, n)].free_bytes += test_random_below(&random, 20 * GIB);
    assert_ok(plan_new(NULL, &c, devices, n, &options, &more));
    plans_check(more);
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

/* With all weights stronger quantized by the same part, those on the device are smaller by what it lacks. */
static void assert_saves_enough(const infermem_plan *plan, const infermem_model_config *c,
                                const infermem_plan_options *options, uint64_t advised) {
  INFERMEM_STRUCT(infermem_model_weights, weights);
  assert_ok(infermem_config_weights(c, &weights));
  uint64_t there = weights.total_bytes;
  if (options->profile == INFERMEM_PLAN_CELLS) there -= weights.embedding_bytes; /* which the host has */
  const uint64_t lacking =
      plans_get(plan, INFERMEM_PLAN_FULL_NEEDS_BYTES) - plans_at(plan, INFERMEM_PLAN_FREE_BYTES, 0);
  assert_true(advised < weights.total_bytes);
  const double saved = (double)there * (double)(weights.total_bytes - advised) / (double)weights.total_bytes;
  assert_true(saved > (double)lacking - 16 && saved < (double)lacking + 16);
}

/* Every change that is advised leads to the mode that it promises, or to a better one. */
static void advice_is_true(void **state) {
  (void)state;
  uint64_t random = 21;
  unsigned seen = 0;
  for (uint64_t round = 0; round < 300 * test_soak(); round++) {
    const infermem_model_config c = round % 3 == 0 ? plans_mixtral() : plans_llama8();
    infermem_plan_options options = plans_f16(1 + test_random_below(&random, 60000));
    options.profile = 1 + (uint32_t)test_random_below(&random, 3);
    options.steps = INFERMEM_PLAN_STEP_NONE;
    if (test_random_below(&random, 4)) options.steps = (uint32_t)test_random_below(&random, 32) * 2;
    options.host_bytes = test_random_below(&random, test_random_below(&random, 2) ? 120 * GIB : 3 * GIB);
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
          assert_saves_enough(plan, &c, &options, advice.value);
          continue;
      }
      seen |= 1u << advice.code;
      infermem_plan *then = plans_one(&changed, room, &other);
      assert_true(plan_mode(then) <= advice.mode);
      plan_free(then);
    }
    plan_free(plan);
  }
  assert_int_equal(seen & 0x7e, 0x7e); /* all kinds of them were met */
}

/* With several devices: what is said to be needed of the largest is enough, and a byte less is not; and the longest
 * context is planned no worse than what was asked for. */
static void what_is_needed_of_the_largest_is_the_least(void **state) {
  (void)state;
  uint64_t random = 31;
  int lacking = 0;
  for (uint64_t round = 0; round < 300 * test_soak(); round++) {
    infermem_model_config c = round % 3 == 0 ? plans_mixtral() : plans_llama8();
    c.n_layers = 1 + test_random_below(&random, 40);
    infermem_plan_options options = plans_f16(1 + test_random_below(&random, 60000));
    options.profile = 1 + (uint32_t)test_random_below(&random, 3);
    options.steps = round % 2 ? INFERMEM_PLAN_STEP_NONE : 0;
    options.flags = INFERMEM_PLAN_NO_MARGIN;
    options.host_bytes = test_random_below(&random, 40) * GIB;
    infermem_plan_device devices[4];
    const size_t n = 2 + test_random_below(&random, 3);
    size_t largest = 0;
    for (size_t i = 0; i < n; i++) {
      devices[i] = plans_device(1 + test_random_below(&random, 12 * GIB));
      if (devices[i].free_bytes > devices[largest].free_bytes) largest = i;
    }
    infermem_plan *plan = NULL, *again = NULL;
    assert_ok(plan_new(NULL, &c, devices, n, &options, &plan));
    const uint64_t longest = plans_get(plan, INFERMEM_PLAN_MAX_CONTEXT_FITS);
    if (longest != 0) {
      infermem_plan_options other = options;
      other.context = longest;
      assert_ok(plan_new(NULL, &c, devices, n, &other, &again));
      assert_true(plan_mode(again) <= plan_mode(plan));
      plan_free(again);
    }
    const uint32_t keys[] = {INFERMEM_PLAN_FULL_NEEDS_BYTES, INFERMEM_PLAN_NEEDS_BYTES};
    for (int key = 0; key < 2; key++) {
      const uint64_t needed = plans_get(plan, keys[key]);
      const int32_t mode = key == 0 ? INFERMEM_PLAN_FULL_CACHE : INFERMEM_PLAN_HOST;
      if (needed <= 1) continue; /* the host's memory is what is lacking, or all that counts */
      lacking += needed > devices[largest].free_bytes;
      for (uint64_t less = 0; less < 2; less++) {
        infermem_plan_device given[4];
        memcpy(given, devices, sizeof given);
        given[largest].free_bytes = needed - less;
        assert_ok(plan_new(NULL, &c, given, n, &options, &again));
        assert_int_equal(plan_mode(again) <= mode, less == 0);
        plan_free(again);
      }
    }
    plan_free(plan);
  }
  assert_true(lacking > 50);
}

/* A number below 2^bits of any magnitude. */
static uint64_t any(uint64_t *random, unsigned bits) {
  return test_random(random) >> (64 - 1 - test_random_below(random, bits));
}

/* Whatever the numbers are, there is a plan that adds up, or an error. */
static void extreme_numbers_are_planned_or_refused(void **state) {
  (void)state;
  uint64_t random = 9;
  int planned = 0, overflowed = 0;
  for (uint64_t round = 0; round < 2000 * test_soak(); round++) {
    infermem_model_config c = plans_llama8();
    c.n_layers = 1 + any(&random, 6);
    c.n_kv_heads = 1 + any(&random, 10);
    c.n_heads = c.n_kv_heads * (1 + any(&random, 4));
    c.head_dim_k = c.rope_dims = 1 + any(&random, 19);
    c.head_dim_v = 1 + any(&random, 19);
    c.hidden = 1 + any(&random, 30);
    c.intermediate = 1 + any(&random, 30);
    c.vocab = 1 + any(&random, 30);
    c.context = any(&random, 30);
    c.sliding_window = any(&random, 30);
    c.n_experts = any(&random, 12);
    c.n_experts_used = c.n_experts / 2;
    INFERMEM_STRUCT(infermem_plan_options, options);
    options.context = any(&random, 32);
    options.n_sequences = any(&random, 32);
    options.ubatch = any(&random, 32);
    options.n_snapshots = any(&random, 32);
    options.host_bytes = any(&random, 63);
    options.margin_bytes = any(&random, 63);
    options.host_margin_bytes = any(&random, 63);
    options.driver_bytes = any(&random, 63);
    options.profile = 1 + (uint32_t)test_random_below(&random, 3);
    options.flags = (uint32_t)test_random_below(&random, 64);
    options.margin_fraction = test_random_below(&random, 2) ? 0.999 : 0;
    infermem_plan_device devices[2] = {plans_device(1 + any(&random, 63)), plans_device(1 + any(&random, 63))};
    infermem_plan *plan = NULL;
    const int32_t status = plan_new(NULL, &c, devices, 2, &options, &plan);
    if (status == INFERMEM_OK) {
      planned++;
      plans_check(plan);
    } else {
      overflowed += status == INFERMEM_E_OVERFLOW;
      assert_true(status == INFERMEM_E_OVERFLOW || status == INFERMEM_E_LIMIT);
      assert_null(plan);
    }
    plan_free(plan);
  }
  assert_true(planned > 100 && overflowed > 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_order_of_devices_is_only_their_numbers),
      cmocka_unit_test(more_memory_is_never_worse),
      cmocka_unit_test(the_longest_context_is_the_longest),
      cmocka_unit_test(advice_is_true),
      cmocka_unit_test(what_is_needed_of_the_largest_is_the_least),
      cmocka_unit_test(extreme_numbers_are_planned_or_refused),
  };
  return cmocka_run_group_tests_name("all plans", tests, NULL, NULL);
}
