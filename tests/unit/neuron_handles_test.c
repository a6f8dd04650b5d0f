/* Hot and cold neurons: construction, handles, tapes and allocators. */
#include <math.h>

#include "neurons.h"

/* ---- Memory ---- */

static int32_t scenario(const infermem_allocator *allocator) {
  INFERMEM_STRUCT(infermem_neuron_options, options);
  options.n_layers = 4;
  options.n_neurons = 1000;
  options.allocator = allocator;
  infermem_neuron *neuron = NULL;
  const int32_t status = neuron_new(&options, &neuron);
  if (status != INFERMEM_OK) {
    assert_null(neuron);
    return status;
  }
  const uint32_t active[] = {1, 999};
  assert_ok(neuron_record(neuron, 3, active, 2));
  assert_ok(neuron_reclassify(neuron, 3));
  assert_lists(neuron, 3, active, 2, 1000);
  neuron_free(neuron);
  return INFERMEM_OK;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  assert_int_equal(oom_walk(scenario), 1);
}

static void nothing_is_allocated_after_construction(void **state) {
  (void)state;
  struct test_allocator a;
  test_allocator_init(&a);
  infermem_tape *tape = test_tape(1 << 16);
  INFERMEM_STRUCT(infermem_neuron_options, options);
  options.n_neurons = 500;
  options.interval = 10;
  options.tape = tape;
  options.allocator = &a.hook;
  infermem_neuron *neuron = NULL;
  assert_ok(neuron_new(&options, &neuron));
  const size_t calls = a.calls, used = tape_used(tape);
  assert_true(used >= 500 * 12);
  const uint32_t active[] = {3, 4, 499};
  record_times(neuron, 0, active, 3, 100);
  assert_lists(neuron, 0, active, 3, 500);
  assert_ok(neuron_clear(neuron));
  assert_int_equal(a.calls, calls);
  assert_int_equal(tape_used(tape), used);
  neuron_free(neuron);
  assert_int_equal(a.live, 0);
  assert_int_equal(tape_used(tape), used);
  tape_free(tape);
}

static void a_cleared_tape_makes_the_counts_stale(void **state) {
  (void)state;
  infermem_tape *tape = test_tape(1 << 16);
  INFERMEM_STRUCT(infermem_neuron_options, options);
  options.n_neurons = 10;
  options.interval = 1;
  options.tape = tape;
  infermem_neuron *neuron = NULL;
  infermem_tape_mark mark;
  assert_ok(tape_mark(tape, &mark));
  assert_ok(neuron_new(&options, &neuron));
  const uint32_t active = 2;
  assert_ok(neuron_record(neuron, 0, &active, 1));
  assert_int_equal(neuron_is_hot(neuron, 0, 2), 1);

  for (int rewind = 1; rewind >= 0; rewind--) {
    if (rewind)
      assert_ok(tape_rewind(tape, &mark));
    else
      assert_ok(tape_clear(tape));
    const uint32_t *out = &active;
    size_t out_n = 77;
    INFERMEM_STRUCT(infermem_neuron_counts, counts);
    assert_fails(INFERMEM_E_STALE, neuron_record(neuron, 0, &active, 1));
    assert_fails(INFERMEM_E_STALE, neuron_reclassify(neuron, 0));
    assert_fails(INFERMEM_E_STALE, neuron_hot(neuron, 0, &out, &out_n));
    assert_fails(INFERMEM_E_STALE, neuron_cold(neuron, 0, &out, &out_n));
    assert_fails(INFERMEM_E_STALE, neuron_stat(neuron, 0, &counts));
    assert_fails(INFERMEM_E_STALE, neuron_clear(neuron));
    assert_ptr_equal(out, &active);
    assert_int_equal(out_n, 77);
    infermem_error_clear();
    assert_int_equal(neuron_is_hot(neuron, 0, 2), 0);
    assert_int_equal(infermem_error_detail()->code, INFERMEM_E_STALE);
    assert_string_equal(infermem_error_detail()->function, "neuron_is_hot");
    assert_true(neuron_frequency(neuron, 0, 2) == 0.0);
    assert_string_equal(infermem_error_detail()->function, "neuron_frequency");
  }
  neuron_free(neuron);
  tape_free(tape);
}

static void a_sealed_tape_freezes_the_counts(void **state) {
  (void)state;
  infermem_tape *tape = test_tape(1 << 16);
  INFERMEM_STRUCT(infermem_neuron_options, options);
  options.n_neurons = 10;
  options.tape = tape;
  infermem_neuron *neuron = NULL;
  assert_ok(neuron_new(&options, &neuron));
  const uint32_t active = 2;
  assert_ok(neuron_record(neuron, 0, &active, 1));
  assert_ok(tape_seal(tape));
  assert_fails(INFERMEM_E_SEALED, neuron_record(neuron, 0, &active, 1));
  assert_fails(INFERMEM_E_SEALED, neuron_reclassify(neuron, 0));
  assert_fails(INFERMEM_E_SEALED, neuron_clear(neuron));
  assert_true(neuron_frequency(neuron, 0, 2) == 1.0); /* what only reads still works */
  assert_ok(tape_unseal(tape));
  assert_ok(neuron_record(neuron, 0, &active, 1));
  neuron_free(neuron);
  tape_free(tape);
}

static void a_tape_without_room_is_full(void **state) {
  (void)state;
  infermem_tape *tape = test_tape(4096);
  INFERMEM_STRUCT(infermem_neuron_options, options);
  options.n_neurons = 1000;
  options.tape = tape;
  infermem_neuron *neuron = NULL;
  assert_fails(INFERMEM_E_FULL, neuron_new(&options, &neuron));
  assert_null(neuron);
  assert_int_equal(tape_used(tape), 0);
  options.n_neurons = 10;
  assert_ok(tape_seal(tape));
  assert_fails(INFERMEM_E_SEALED, neuron_new(&options, &neuron));
  assert_null(neuron);
  tape_free(tape);
}

/* ---- Arguments ---- */

static void bad_options_are_refused(void **state) {
  (void)state;
  infermem_neuron *neuron = NULL;
  INFERMEM_STRUCT(infermem_neuron_options, options);
  assert_fails(INFERMEM_E_NULL, neuron_new(NULL, &neuron));
  assert_fails(INFERMEM_E_NULL, neuron_new(&options, NULL));
  assert_fails(INFERMEM_E_ARG, neuron_new(&options, &neuron)); /* no neurons */
  options.n_neurons = 4;
  const float thresholds[] = {-0.001f, 1.0001f, NAN, INFINITY, -INFINITY};
  for (size_t i = 0; i < sizeof thresholds / sizeof *thresholds; i++) {
    options.threshold = thresholds[i];
    assert_fails(INFERMEM_E_ARG, neuron_new(&options, &neuron));
  }
  options.threshold = -0.0f; /* is zero */
  assert_ok(neuron_new(&options, &neuron));
  neuron_free(neuron);
  neuron = NULL;
  options.flags = 2;
  assert_fails(INFERMEM_E_ARG, neuron_new(&options, &neuron));
  options.flags = 0;
  options.reserved = 1;
  assert_fails(INFERMEM_E_ARG, neuron_new(&options, &neuron));
  options.reserved = 0;
  options.struct_size = 4;
  assert_fails(INFERMEM_E_STRUCT, neuron_new(&options, &neuron));
  options.struct_size = sizeof options;

  infermem_allocator half = {0};
  half.struct_size = sizeof half;
  options.allocator = &half;
  assert_fails(INFERMEM_E_ARG, neuron_new(&options, &neuron));
  options.allocator = NULL;

  INFERMEM_STRUCT(infermem_layout_options, layout_options);
  layout_options.scratch_size = 4096;
  infermem_layout *layout = NULL;
  assert_ok(layout_new(&layout_options, &layout));
  options.tape = (const infermem_tape *)(const void *)layout;
  assert_fails(INFERMEM_E_HANDLE, neuron_new(&options, &neuron));
  options.tape = NULL;
  layout_free(layout);

  options.n_layers = UINT32_MAX;
  options.n_neurons = UINT32_MAX;
  assert_fails(INFERMEM_E_OVERFLOW, neuron_new(&options, &neuron));
  assert_null(neuron);
}

static void options_of_an_older_caller_mean_the_defaults(void **state) {
  (void)state;
  INFERMEM_STRUCT(infermem_neuron_options, options);
  options.struct_size = offsetof(infermem_neuron_options, threshold);
  options.n_neurons = 4;
  options.threshold = 7; /* beyond what this caller has */
  infermem_neuron *neuron = NULL;
  assert_ok(neuron_new(&options, &neuron));
  neuron_free(neuron);
}

static void bad_arguments_are_refused_and_change_nothing(void **state) {
  (void)state;
  infermem_neuron *neuron = make(3, 10, 0.0f, 1, 0);
  infermem_tape *tape = test_tape(4096);
  infermem_neuron *other = (infermem_neuron *)(void *)tape;
  const uint32_t active = 5;
  const uint32_t *out = &active;
  size_t out_n = 77;
  INFERMEM_STRUCT(infermem_neuron_counts, counts);

  assert_fails(INFERMEM_E_NULL, neuron_record(NULL, 0, &active, 1));
  assert_fails(INFERMEM_E_NULL, neuron_record(neuron, 0, NULL, 1));
  assert_fails(INFERMEM_E_HANDLE, neuron_record(other, 0, &active, 1));
  assert_fails(INFERMEM_E_RANGE, neuron_record(neuron, 3, &active, 1));
  assert_fails(INFERMEM_E_RANGE, neuron_record(neuron, SIZE_MAX, &active, 1));
  assert_fails(INFERMEM_E_NULL, neuron_reclassify(NULL, 0));
  assert_fails(INFERMEM_E_HANDLE, neuron_reclassify(other, 0));
  assert_fails(INFERMEM_E_RANGE, neuron_reclassify(neuron, 3));
  assert_fails(INFERMEM_E_NULL, neuron_hot(NULL, 0, &out, &out_n));
  assert_fails(INFERMEM_E_NULL, neuron_hot(neuron, 0, NULL, &out_n));
  assert_fails(INFERMEM_E_NULL, neuron_hot(neuron, 0, &out, NULL));
  assert_fails(INFERMEM_E_HANDLE, neuron_hot(other, 0, &out, &out_n));
  assert_fails(INFERMEM_E_RANGE, neuron_hot(neuron, 3, &out, &out_n));
  assert_fails(INFERMEM_E_NULL, neuron_cold(NULL, 0, &out, &out_n));
  assert_fails(INFERMEM_E_NULL, neuron_cold(neuron, 0, NULL, &out_n));
  assert_fails(INFERMEM_E_NULL, neuron_cold(neuron, 0, &out, NULL));
  assert_fails(INFERMEM_E_HANDLE, neuron_cold(other, 0, &out, &out_n));
  assert_fails(INFERMEM_E_RANGE, neuron_cold(neuron, 3, &out, &out_n));
  assert_fails(INFERMEM_E_NULL, neuron_stat(NULL, 0, &counts));
  assert_fails(INFERMEM_E_NULL, neuron_stat(neuron, 0, NULL));
  assert_fails(INFERMEM_E_HANDLE, neuron_stat(other, 0, &counts));
  assert_fails(INFERMEM_E_RANGE, neuron_stat(neuron, 3, &counts));
  counts.struct_size = 0;
  assert_fails(INFERMEM_E_STRUCT, neuron_stat(neuron, 0, &counts));
  assert_fails(INFERMEM_E_NULL, neuron_clear(NULL));
  assert_fails(INFERMEM_E_HANDLE, neuron_clear(other));
  assert_ptr_equal(out, &active);
  assert_int_equal(out_n, 77);
  for (size_t layer = 0; layer < 3; layer++) assert_int_equal(stat_of(neuron, layer).events, 0);

  assert_ok(neuron_record(neuron, 0, &active, 1));
  assert_int_equal(neuron_is_hot(neuron, 0, 5), 1);
  assert_int_equal(neuron_is_hot(neuron, 0, 10), 0);
  assert_int_equal(neuron_is_hot(neuron, 3, 5), 0);
  assert_int_equal(neuron_is_hot(NULL, 0, 5), 0);
  assert_int_equal(neuron_is_hot(other, 0, 5), 0);
  assert_true(neuron_frequency(neuron, 0, 5) == 1.0);
  assert_true(neuron_frequency(neuron, 1, 5) == 0.0);
  assert_true(neuron_frequency(neuron, 0, 10) == 0.0);
  assert_true(neuron_frequency(neuron, 3, 5) == 0.0);
  assert_true(neuron_frequency(NULL, 0, 5) == 0.0);
  assert_true(neuron_frequency(other, 0, 5) == 0.0);
  neuron_free(NULL);
  neuron_free(other); /* not its kind: left alone */
  assert_int_equal(tape_total(tape), 4096);
  tape_free(tape);
  neuron_free(neuron);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_allocation_may_fail),
      cmocka_unit_test(nothing_is_allocated_after_construction),
      cmocka_unit_test(a_cleared_tape_makes_the_counts_stale),
      cmocka_unit_test(a_sealed_tape_freezes_the_counts),
      cmocka_unit_test(a_tape_without_room_is_full),
      cmocka_unit_test(bad_options_are_refused),
      cmocka_unit_test(options_of_an_older_caller_mean_the_defaults),
      cmocka_unit_test(bad_arguments_are_refused_and_change_nothing),
  };
  return cmocka_run_group_tests_name("neuron_handles", tests, NULL, NULL);
}
