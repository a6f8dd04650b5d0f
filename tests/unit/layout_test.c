/* The layout: what infermem/layout.h says of it, with the errors that it documents. */
#include "tapes.h"

static infermem_layout *new_layout(size_t weights, size_t scratch, size_t history) {
  INFERMEM_STRUCT(infermem_layout_options, options);
  options.weights_size = weights;
  options.scratch_size = scratch;
  options.history_size = history;
  infermem_layout *layout = NULL;
  assert_ok(layout_new(&options, &layout));
  return layout;
}

static void three_tapes_have_three_lifetimes(void **state) {
  (void)state;
  infermem_layout *layout = new_layout(MIB, 256 * KIB, 256 * KIB);
  infermem_tape *w = layout_weights(layout), *s = layout_scratch(layout), *h = layout_history(layout);
  assert_int_equal(layout_total(layout), MIB + 512 * KIB);
  take(w, 512, 64);
  take(s, 256, 64);
  take(h, 128, 64);

  assert_ok(layout_clear_pass(layout));
  assert_int_equal(tape_used(w), 512);
  assert_int_equal(tape_used(s), 0);
  assert_int_equal(tape_used(h), 128);

  take(s, 256, 64);
  assert_ok(layout_clear_talk(layout));
  assert_int_equal(tape_used(w), 512);
  assert_int_equal(tape_used(s), 0);
  assert_int_equal(tape_used(h), 0);
  assert_int_equal(tape_generation(w), 0);
  assert_int_equal(tape_generation(s), 2);
  assert_int_equal(tape_generation(h), 1);

  /* nothing but layout_free clears the weights, or ends the tapes */
  assert_fails(INFERMEM_E_STATE, tape_clear(w));
  tape_free(w);
  tape_free(s);
  assert_int_equal(tape_used(w), 512);
  layout_free(layout);
}

static void weights_are_warm_and_the_rest_lazy_by_default(void **state) {
  (void)state;
  infermem_layout *layout = new_layout(16 * page(), 16 * page(), 16 * page());
  const infermem_tape_facts w = facts_of(layout_weights(layout)), s = facts_of(layout_scratch(layout));
  assert_true(w.granted & INFERMEM_TAPE_WARM);
  assert_int_equal(resident_pages(w.base, w.total), 16);
  assert_int_equal(resident_pages(s.base, s.total), 0);
  layout_free(layout);

  INFERMEM_STRUCT(infermem_layout_options, options);
  options.weights_size = 16 * page();
  options.history_size = 16 * page();
  options.weights_flags = INFERMEM_TAPE_LAZY;
  options.history_flags = INFERMEM_TAPE_WARM;
  assert_ok(layout_new(&options, &layout));
  const infermem_tape_facts w2 = facts_of(layout_weights(layout)), h2 = facts_of(layout_history(layout));
  assert_int_equal(resident_pages(w2.base, w2.total), 0);
  assert_int_equal(resident_pages(h2.base, h2.total), 16);
  layout_free(layout);
}

static void a_size_of_zero_leaves_a_tape_out(void **state) {
  (void)state;
  infermem_layout *layout = new_layout(0, 0, 4096);
  assert_null(layout_weights(layout));
  assert_null(layout_scratch(layout));
  take(layout_history(layout), 10, 1);
  assert_ok(layout_clear_pass(layout));
  assert_int_equal(tape_used(layout_history(layout)), 10);
  assert_ok(layout_clear_talk(layout));
  assert_int_equal(tape_used(layout_history(layout)), 0);
  assert_int_equal(layout_total(layout), page());
  layout_free(layout);
}

static void layout_construction_refuses_bad_options(void **state) {
  (void)state;
  INFERMEM_STRUCT(infermem_layout_options, options);
  infermem_layout *layout = NULL;
  assert_fails(INFERMEM_E_ARG, layout_new(&options, &layout));
  options.weights_size = SIZE_MAX / 2;
  options.scratch_size = SIZE_MAX / 2;
  options.history_size = SIZE_MAX / 2;
  assert_fails(INFERMEM_E_OVERFLOW, layout_new(&options, &layout));
  options.scratch_size = options.history_size = 0;
  options.weights_size = SIZE_MAX;
  assert_fails(INFERMEM_E_OVERFLOW, layout_new(&options, &layout));
  options.weights_size = options.history_size = page();
  options.history_flags = (uint32_t)1 << 30; /* the weights tape is made by then, and ends again */
  assert_fails(INFERMEM_E_ARG, layout_new(&options, &layout));
  options.history_flags = INFERMEM_TAPE_REQUIRE | INFERMEM_TAPE_HUGE;
  assert_fails(INFERMEM_E_SYSTEM, layout_new(&options, &layout));
  options.history_flags = 0;
  options.history_size = (size_t)1 << 62;
  assert_fails(INFERMEM_E_NOMEM, layout_new(&options, &layout));
  options.history_size = 0;
  options.scratch_flags = INFERMEM_TAPE_WARM; /* of a tape that is left out */
  assert_fails(INFERMEM_E_ARG, layout_new(&options, &layout));
  options.scratch_flags = 0;
  options.reserved = 7;
  assert_fails(INFERMEM_E_ARG, layout_new(&options, &layout));
  options.reserved = 0;
  options.struct_size = 3;
  assert_fails(INFERMEM_E_STRUCT, layout_new(&options, &layout));
  assert_fails(INFERMEM_E_NULL, layout_new(NULL, &layout));
  assert_fails(INFERMEM_E_NULL, layout_new(&options, NULL));
  assert_null(layout);
}

static void a_sealed_history_keeps_a_conversation_whole(void **state) {
  (void)state;
  infermem_layout *layout = new_layout(0, 4096, 4096);
  take(layout_scratch(layout), 10, 1);
  take(layout_history(layout), 20, 1);
  assert_ok(tape_seal(layout_scratch(layout)));
  assert_fails(INFERMEM_E_SEALED, layout_clear_pass(layout));
  assert_fails(INFERMEM_E_SEALED, layout_clear_talk(layout));
  assert_int_equal(tape_used(layout_history(layout)), 20);
  assert_ok(tape_unseal(layout_scratch(layout)));
  assert_ok(tape_seal(layout_history(layout)));
  assert_fails(INFERMEM_E_SEALED, layout_clear_talk(layout));
  assert_int_equal(tape_used(layout_scratch(layout)), 10);
  assert_fails(INFERMEM_E_NULL, layout_clear_pass(NULL));
  assert_fails(INFERMEM_E_NULL, layout_clear_talk(NULL));
  layout_free(layout);
}

static void the_stat_has_used_total_and_peak(void **state) {
  (void)state;
  infermem_layout *layout = new_layout(MIB, 256 * KIB, 0);
  take(layout_weights(layout), 700, 1);
  take(layout_scratch(layout), 300, 1);
  assert_ok(layout_clear_pass(layout));
  take(layout_scratch(layout), 100, 1);
  INFERMEM_STRUCT(infermem_layout_usage, u);
  assert_ok(layout_stat(layout, &u));
  assert_int_equal(u.weights_used, 700);
  assert_int_equal(u.weights_total, MIB);
  assert_int_equal(u.weights_peak, 700);
  assert_int_equal(u.scratch_used, 100);
  assert_int_equal(u.scratch_total, 256 * KIB);
  assert_int_equal(u.scratch_peak, 300);
  assert_int_equal(u.history_used, 0);
  assert_int_equal(u.history_total, 0);
  assert_int_equal(u.history_peak, 0);
  assert_fails(INFERMEM_E_NULL, layout_stat(NULL, &u));
  assert_fails(INFERMEM_E_NULL, layout_stat(layout, NULL));
  u.struct_size = 1;
  assert_fails(INFERMEM_E_STRUCT, layout_stat(layout, &u));
  layout_free(layout);
}

static void the_stat_text_is_one_line_in_mib(void **state) {
  (void)state;
  static const char expected[] = "weights: 5/8 MB | scratch: 0/1 MB | history: 0/0 MB";
  infermem_layout *layout = new_layout(8 * MIB, MIB, 0);
  take(layout_weights(layout), 5 * MIB + MIB / 2, 1);
  take(layout_scratch(layout), MIB - 1, 1);
  size_t length = 0;
  assert_ok(layout_stat_text(layout, NULL, 0, &length));
  assert_int_equal(length, strlen(expected));
  char line[sizeof expected];
  assert_ok(layout_stat_text(layout, line, sizeof line, &length));
  assert_string_equal(line, expected);

  line[0] = '#';
  length = 77;
  assert_fails(INFERMEM_E_BUFFER, layout_stat_text(layout, line, sizeof line - 1, &length));
  assert_int_equal(infermem_error_detail()->expected, sizeof expected);
  assert_int_equal(line[0], '#');
  assert_int_equal(length, 77);
  assert_fails(INFERMEM_E_NULL, layout_stat_text(layout, NULL, 10, &length));
  assert_fails(INFERMEM_E_NULL, layout_stat_text(layout, line, sizeof line, NULL));
  assert_fails(INFERMEM_E_NULL, layout_stat_text(NULL, line, sizeof line, &length));
  layout_free(layout);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(three_tapes_have_three_lifetimes),
      cmocka_unit_test(weights_are_warm_and_the_rest_lazy_by_default),
      cmocka_unit_test(a_size_of_zero_leaves_a_tape_out),
      cmocka_unit_test(layout_construction_refuses_bad_options),
      cmocka_unit_test(a_sealed_history_keeps_a_conversation_whole),
      cmocka_unit_test(the_stat_has_used_total_and_peak),
      cmocka_unit_test(the_stat_text_is_one_line_in_mib),
  };
  return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
