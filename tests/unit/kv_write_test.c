/* The KV cache: appending, advancing, aborting, truncating, clearing. */
#include "kv_small.h"

static void appended_rows_are_pending_until_the_step_advances(void **state) {
  (void)state;
  infermem_kv *kv = small();
  append(kv, 0, 2, 10);
  assert_int_equal(kv_len(kv), 0);
  keys_of(kv, 0, 0);
  float expected[2 * kRow];
  infermem_view view;
  assert_ok(kv_keys_pending(kv, 0, &view));
  assert_int_equal(view.shape[0], 2);
  assert_int_equal(view.bytes, sizeof expected);
  fill(expected, 2, 10);
  assert_memory_equal(view.data, expected, sizeof expected);
  assert_ok(kv_values_pending(kv, 0, &view));
  fill(expected, 2, -10);
  assert_int_equal(view.shape[0], 2);
  assert_memory_equal(view.data, expected, sizeof expected);
  assert_ok(kv_keys_pending(kv, 1, &view));
  assert_int_equal(view.shape[0], 0); /* counted a layer */

  append(kv, 1, 2, 20);
  assert_ok(kv_advance(kv, 2));
  assert_int_equal(kv_len(kv), 2);
  fill(expected, 2, 20);
  assert_memory_equal(keys_of(kv, 1, 2), expected, sizeof expected);
  assert_ok(kv_keys_pending(kv, 1, &view));
  assert_int_equal(view.shape[0], 2);
  kv_free(kv);
}

static void appending_again_replaces_what_is_pending(void **state) {
  (void)state;
  infermem_kv *kv = small();
  step(kv, 1, 1);
  append(kv, 0, 3, 10);
  append(kv, 0, 2, 30);
  infermem_view view;
  assert_ok(kv_keys_pending(kv, 0, &view));
  assert_int_equal(view.shape[0], 3);
  float expected[2 * kRow];
  fill(expected, 2, 30);
  assert_memory_equal((const float *)view.data + kRow, expected, sizeof expected);
  append(kv, 1, 2, 40);
  assert_ok(kv_advance(kv, 2));
  assert_memory_equal(keys_of(kv, 0, 3) + kRow, expected, sizeof expected);
  kv_free(kv);
}

static void a_step_must_be_the_same_in_every_layer(void **state) {
  (void)state;
  infermem_kv *kv = small();
  static struct snapshot before;
  append(kv, 0, 2, 1);
  take_snapshot(kv, &before);
  assert_fails(INFERMEM_E_INCOMPLETE, kv_advance(kv, 2));
  assert_non_null(strstr(infermem_error_detail()->message, "layer 1 "));
  assert_int_equal(infermem_error_detail()->expected, 2);
  assert_int_equal(infermem_error_detail()->got, 0);
  assert_fails(INFERMEM_E_INCOMPLETE, kv_advance(kv, 0));
  assert_non_null(strstr(infermem_error_detail()->message, "layer 0 "));
  assert_int_equal(infermem_error_detail()->got, 2);
  assert_unchanged(kv, &before);
  append(kv, 1, 1, 1);
  take_snapshot(kv, &before);
  assert_fails(INFERMEM_E_INCOMPLETE, kv_advance(kv, 2));
  assert_int_equal(infermem_error_detail()->got, 1);
  assert_fails(INFERMEM_E_INCOMPLETE, kv_advance(kv, 1));
  assert_fails(INFERMEM_E_INCOMPLETE, kv_advance(kv, SIZE_MAX));
  assert_unchanged(kv, &before);
  append(kv, 1, 2, 1);
  assert_ok(kv_advance(kv, 2));
  assert_ok(kv_advance(kv, 0));
  assert_int_equal(kv_len(kv), 2);
  assert_fails(INFERMEM_E_INCOMPLETE, kv_advance(kv, 2)); /* nothing is pending any more */
  kv_free(kv);
}

static void aborting_drops_the_step(void **state) {
  (void)state;
  infermem_kv *kv = small();
  step(kv, 2, 1);
  append(kv, 0, 1, 50);
  append(kv, 1, 3, 50);
  assert_ok(kv_abort(kv));
  static struct snapshot s;
  take_snapshot(kv, &s);
  for (int layer = 0; layer < 2; layer++)
    for (int i = 0; i < 4; i++) assert_int_equal(s.views[layer][i].shape[0], 2);
  assert_fails(INFERMEM_E_INCOMPLETE, kv_advance(kv, 1));
  step(kv, 3, 7);
  float expected[3 * kRow];
  fill(expected, 3, 7);
  assert_memory_equal(keys_of(kv, 0, 5) + 2 * kRow, expected, sizeof expected);
  kv_free(kv);
}

static void a_bad_append_changes_nothing(void **state) {
  (void)state;
  infermem_kv *kv = small();
  float rows[6 * kRow] = {0};
  step(kv, 2, 1);
  append(kv, 1, 1, 9);
  static struct snapshot before;
  take_snapshot(kv, &before);
  assert_fails(INFERMEM_E_RANGE, kv_append(kv, 2, rows, kRow, rows, kRow, 1));
  assert_int_equal(infermem_error_detail()->got, 2);
  assert_fails(INFERMEM_E_RANGE, kv_append(kv, SIZE_MAX, rows, kRow, rows, kRow, 1));
  assert_fails(INFERMEM_E_ARG, kv_append(kv, 1, rows, 0, rows, 0, 0));
  assert_fails(INFERMEM_E_SHAPE, kv_append(kv, 1, rows, kRow - 1, rows, kRow, 1));
  assert_int_equal(infermem_error_detail()->expected, kRow);
  assert_int_equal(infermem_error_detail()->got, kRow - 1);
  assert_fails(INFERMEM_E_SHAPE, kv_append(kv, 1, rows, kRow, rows, kRow + 1, 1));
  assert_fails(INFERMEM_E_SHAPE, kv_append(kv, 1, rows, kRow, rows, 2 * kRow, 2));
  assert_fails(INFERMEM_E_SHAPE, kv_append(kv, 1, rows, 0, rows, 0, SIZE_MAX / kRow + 1)); /* the product wraps to 0 */
  assert_fails(INFERMEM_E_FULL, kv_append(kv, 1, rows, 4 * kRow, rows, 4 * kRow, 4));
  assert_int_equal(infermem_error_detail()->expected, 4);
  assert_int_equal(infermem_error_detail()->got, 3);
  assert_fails(INFERMEM_E_NULL, kv_append(kv, 1, NULL, kRow, rows, kRow, 1));
  assert_fails(INFERMEM_E_NULL, kv_append(kv, 1, rows, kRow, NULL, kRow, 1));
  assert_unchanged(kv, &before);
  step(kv, 3, 5);
  take_snapshot(kv, &before);
  assert_int_equal(kv_len(kv), kv_max(kv));
  assert_fails(INFERMEM_E_FULL, kv_append(kv, 0, rows, kRow, rows, kRow, 1));
  assert_unchanged(kv, &before);
  kv_free(kv);
}

static void rows_never_change_and_never_move(void **state) {
  (void)state;
  infermem_kv *kv = small();
  step(kv, 1, 3);
  infermem_view view;
  assert_ok(kv_keys(kv, 1, &view));
  float first[kRow];
  memcpy(first, view.data, sizeof first);
  step(kv, 2, 70);
  step(kv, 2, 80);
  assert_memory_equal(view.data, first, sizeof first);
  assert_int_equal(view.shape[0], 1);
  assert_ptr_equal(keys_of(kv, 1, 5), view.data);
  kv_free(kv);
}

static void truncating_keeps_the_first_tokens(void **state) {
  (void)state;
  infermem_kv *kv = small();
  step(kv, 4, 1);
  append(kv, 0, 1, 9);
  static struct snapshot before;
  take_snapshot(kv, &before);
  assert_fails(INFERMEM_E_RANGE, kv_truncate(kv, 5));
  assert_int_equal(infermem_error_detail()->expected, 4);
  assert_int_equal(infermem_error_detail()->got, 5);
  assert_fails(INFERMEM_E_RANGE, kv_truncate(kv, SIZE_MAX));
  assert_unchanged(kv, &before);
  assert_ok(kv_truncate(kv, 4)); /* the step is dropped all the same */
  infermem_view view;
  assert_ok(kv_keys_pending(kv, 0, &view));
  assert_int_equal(view.shape[0], 4);
  append(kv, 0, 1, 9);
  assert_ok(kv_truncate(kv, 2));
  assert_int_equal(kv_len(kv), 2);
  assert_int_equal(kv_generation(kv), 0);
  assert_ok(kv_keys_pending(kv, 0, &view));
  assert_int_equal(view.shape[0], 2);
  float expected[2 * kRow];
  fill(expected, 2, 1);
  assert_memory_equal(keys_of(kv, 0, 2), expected, sizeof expected);
  step(kv, 3, 60);
  assert_memory_equal(keys_of(kv, 0, 5), expected, sizeof expected);
  fill(expected, 2, 60);
  assert_memory_equal(keys_of(kv, 0, 5) + 2 * kRow, expected, sizeof expected);
  kv_free(kv);
}

static void clearing_empties_the_cache_and_counts(void **state) {
  (void)state;
  infermem_kv *kv = small();
  for (uint64_t i = 0; i < 3; i++) {
    step(kv, 2, 1);
    append(kv, 0, 1, 9);
    assert_int_equal(kv_generation(kv), i);
    assert_ok(kv_clear(kv));
    assert_int_equal(kv_generation(kv), i + 1);
    assert_int_equal(kv_len(kv), 0);
    infermem_view view;
    assert_ok(kv_keys_pending(kv, 0, &view));
    assert_int_equal(view.shape[0], 0);
  }
  kv_free(kv);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(appended_rows_are_pending_until_the_step_advances),
      cmocka_unit_test(appending_again_replaces_what_is_pending),
      cmocka_unit_test(a_step_must_be_the_same_in_every_layer),
      cmocka_unit_test(aborting_drops_the_step),
      cmocka_unit_test(a_bad_append_changes_nothing),
      cmocka_unit_test(rows_never_change_and_never_move),
      cmocka_unit_test(truncating_keeps_the_first_tokens),
      cmocka_unit_test(clearing_empties_the_cache_and_counts),
  };
  return cmocka_run_group_tests_name("kv_write", tests, NULL, NULL);
}
