/* The rows of caches: kept, copied, changed in place, cleared with zeros; caches that grow. */
#include <unistd.h>

#include "kvs.h"

/* ---- A small cache of 4 elements a row, whose tokens hold their numbers ---- */

static float value_of(size_t layer, size_t token) { return (float)(100 * layer + token); }

static void step(infermem_kv *kv, size_t n) {
  float k[64], v[64];
  for (size_t layer = 0; layer < 2; layer++) {
    for (size_t i = 0; i < 4 * n; i++) {
      k[i] = value_of(layer, kv_len(kv) + i / 4);
      v[i] = -k[i];
    }
    assert_ok(kv_append(kv, layer, k, 4 * n, v, 4 * n, n));
  }
  assert_ok(kv_advance(kv, n));
}

/* Row i holds what token tokens[i] held. */
static void assert_tokens(const infermem_kv *kv, const size_t *tokens, size_t n) {
  assert_int_equal(kv_len(kv), n);
  for (size_t layer = 0; layer < 2; layer++) {
    infermem_view k, v;
    assert_ok(kv_keys(kv, layer, &k));
    assert_ok(kv_values(kv, layer, &v));
    assert_int_equal(k.shape[0], n);
    for (size_t i = 0; i < 4 * n; i++) {
      assert_true(((const float *)k.data)[i] == value_of(layer, tokens[i / 4]));
      assert_true(((const float *)v.data)[i] == -value_of(layer, tokens[i / 4]));
    }
  }
}

static void keeping_drops_the_middle(void **state) {
  (void)state;
  infermem_kv *kv = make(typed(2, 2, 2, 10, INFERMEM_DTYPE_F32));
  size_t dropped = 77;
  assert_ok(kv_keep(kv, 1, 1, &dropped)); /* of nothing, nothing */
  assert_int_equal(dropped, 0);
  step(kv, 9);
  static const size_t all[] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  const float pending[4] = {0};
  assert_ok(kv_append(kv, 0, pending, 4, pending, 4, 1));
  assert_fails(INFERMEM_E_NULL, kv_keep(kv, 1, 1, NULL));
  assert_ok(kv_keep(kv, 4, 5, &dropped));
  assert_int_equal(dropped, 0);
  assert_ok(kv_keep(kv, SIZE_MAX, SIZE_MAX, &dropped));
  assert_int_equal(dropped, 0);
  assert_int_equal(kv_generation(kv), 0);
  assert_tokens(kv, all, 9);
  infermem_view view;
  assert_ok(kv_keys_pending(kv, 0, &view));
  assert_int_equal(view.shape[0], 9); /* what was pending is dropped all the same */

  assert_ok(kv_keep(kv, 2, 4, &dropped));
  assert_int_equal(dropped, 3);
  assert_int_equal(kv_generation(kv), 1);
  assert_tokens(kv, (const size_t[]){0, 1, 5, 6, 7, 8}, 6);
  step(kv, 2); /* tokens 6 and 7, as their place says */
  assert_ok(kv_keep(kv, 1, 3, &dropped));
  assert_int_equal(dropped, 4);
  assert_tokens(kv, (const size_t[]){0, 8, 6, 7}, 4);
  assert_ok(kv_keep(kv, 3, 0, &dropped));
  assert_int_equal(dropped, 1);
  assert_tokens(kv, (const size_t[]){0, 8, 6}, 3);
  assert_ok(kv_keep(kv, 0, 0, &dropped));
  assert_int_equal(dropped, 3);
  assert_int_equal(kv_len(kv), 0);
  assert_int_equal(kv_generation(kv), 4);
  kv_free(kv);
}

static void a_prefix_is_copied(void **state) {
  (void)state;
  infermem_kv *from = make(typed(2, 2, 2, 10, INFERMEM_DTYPE_F32)), *to = make(typed(2, 2, 2, 5, INFERMEM_DTYPE_F32));
  static const size_t all[] = {0, 1, 2, 3, 4, 5, 6, 7};
  step(from, 8);
  step(to, 3);
  assert_fails(INFERMEM_E_RANGE, kv_copy_prefix(from, to, 4));
  assert_fails(INFERMEM_E_FULL, kv_copy_prefix(to, from, 6));
  assert_int_equal(infermem_error_detail()->got, 5);
  assert_fails(INFERMEM_E_ARG, kv_copy_prefix(from, from, 1));
  assert_tokens(to, all, 3);
  assert_tokens(from, all, 8);
  assert_ok(kv_copy_prefix(to, from, 5));
  assert_tokens(to, all, 5);
  assert_int_equal(kv_generation(to), 1);
  assert_int_equal(kv_generation(from), 0);
  assert_ok(kv_truncate(to, 4));
  step(to, 1);
  assert_ok(kv_copy_prefix(from, to, 0));
  assert_int_equal(kv_len(from), 0);
  kv_free(from);

  infermem_kv_options other[] = {typed(3, 2, 2, 9, INFERMEM_DTYPE_F32), typed(2, 4, 1, 9, INFERMEM_DTYPE_F32),
                                 typed(2, 2, 2, 9, INFERMEM_DTYPE_F32), typed(2, 2, 2, 9, INFERMEM_DTYPE_F32),
                                 typed(2, 2, 2, 9, INFERMEM_DTYPE_F32), typed(2, 2, 2, 9, INFERMEM_DTYPE_F32)};
  other[2].head_dim_v = 3;
  other[3].v_type = INFERMEM_DTYPE_F16;
  const int32_t k_types[] = {INFERMEM_DTYPE_F32, INFERMEM_DTYPE_BF16};
  other[4].k_types = k_types;
  other[5].flags = INFERMEM_KV_ROTATE_V;
  for (size_t i = 0; i < 6; i++) {
    infermem_kv *unlike = make(other[i]);
    assert_fails(i < 3 ? INFERMEM_E_SHAPE : INFERMEM_E_TYPE, kv_copy_prefix(unlike, to, 1));
    assert_fails(i < 3 ? INFERMEM_E_SHAPE : INFERMEM_E_TYPE, kv_copy_prefix(to, unlike, 0));
    kv_free(unlike);
  }
  assert_tokens(to, all, 5);
  kv_free(to);
}

static void growing_moves_nothing(void **state) {
  (void)state;
  infermem_kv_options options = typed(2, 2, 2, 3, INFERMEM_DTYPE_F32);
  options.growable = 9;
  infermem_kv *kv = make(options);
  assert_int_equal(kv_layer_stride(kv, INFERMEM_KV_K), 48); /* of nine tokens, not three */
  assert_int_equal(kv_memory_bytes(kv), 2 * 2 * 48 * 4);
  assert_int_equal(kv_max(kv), 3);
  step(kv, 3);
  static const size_t all[] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  infermem_view before, after;
  assert_ok(kv_keys(kv, 1, &before));
  const float row[4] = {0};
  assert_fails(INFERMEM_E_FULL, kv_append(kv, 0, row, 4, row, 4, 1));
  assert_fails(INFERMEM_E_RANGE, kv_grow(kv, 2));
  assert_fails(INFERMEM_E_RANGE, kv_grow(kv, 10));
  assert_int_equal(infermem_error_detail()->expected, 9);
  assert_int_equal(infermem_error_detail()->got, 10);
  assert_ok(kv_grow(kv, 3));
  assert_ok(kv_grow(kv, 9));
  assert_int_equal(kv_max(kv), 9);
  assert_ok(kv_keys(kv, 1, &after));
  assert_memory_equal(&after, &before, sizeof after);
  step(kv, 6);
  assert_tokens(kv, all, 9);
  kv_free(kv);
  options.growable = 0;
  kv = make(options);
  assert_int_equal(kv_layer_stride(kv, INFERMEM_KV_K), 16);
  assert_ok(kv_grow(kv, 3));
  assert_fails(INFERMEM_E_RANGE, kv_grow(kv, 4));
  kv_free(kv);
}

static void clearing_with_zeros_leaves_nothing(void **state) {
  (void)state;
  infermem_kv *kv = make(typed(2, 2, 2, 10, INFERMEM_DTYPE_F32));
  step(kv, 5);
  const float pending[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  assert_ok(kv_append(kv, 1, pending, 8, pending, 8, 2));
  assert_ok(kv_truncate(kv, 1)); /* what was truncated goes, too */
  infermem_view k, v;
  assert_ok(kv_keys(kv, 1, &k));
  assert_ok(kv_values(kv, 1, &v));
  assert_true(((const float *)k.data)[6 * 4] == 5);
  const size_t committed = kv_memory_committed(kv);
  assert_ok(kv_clear_zero(kv));
  assert_int_equal(kv_len(kv), 0);
  assert_int_equal(kv_generation(kv), 1);
  assert_int_equal(kv_memory_committed(kv), committed);
  for (size_t i = 0; i < 10 * 4; i++) assert_true(((const float *)k.data)[i] == 0 && ((const float *)v.data)[i] == 0);
  step(kv, 10);
  kv_free(kv);
}

static void rows_are_changed_in_place(void **state) {
  (void)state;
  infermem_kv *kv = make(typed(2, 2, 2, 4, INFERMEM_DTYPE_F32));
  step(kv, 2);
  const float row[4] = {1, 2, 3, 4};
  assert_ok(kv_append(kv, 1, row, 4, row, 4, 1));
  infermem_view k, v;
  assert_ok(kv_keys_mut(kv, 1, &k));
  assert_ok(kv_values_mut(kv, 1, &v));
  assert_int_equal(k.flags, 0);
  assert_int_equal(k.shape[0], 3); /* what is pending, too */
  ((float *)k.data)[8] = 42;
  ((float *)v.data)[0] = 43;
  float out[12];
  assert_ok(kv_read(kv, 1, INFERMEM_KV_K, 0, 3, out, 12));
  assert_true(out[8] == 42 && out[9] == 2);
  assert_ok(kv_read(kv, 1, INFERMEM_KV_V, 0, 1, out, 4));
  assert_true(out[0] == 43);
  kv_free(kv);
}

static void prefetching_changes_nothing(void **state) {
  (void)state;
  infermem_kv *kv = make(typed(2, 2, 2, 4, INFERMEM_DTYPE_F32));
  static const size_t all[] = {0, 1, 2, 3};
  for (size_t n = 0; n <= 4; n++) {
    assert_ok(kv_prefetch(kv, 0));
    assert_ok(kv_prefetch(kv, 1));
    assert_fails(INFERMEM_E_RANGE, kv_prefetch(kv, 2));
    assert_int_equal(kv_memory_committed(kv), n == 0 ? 0 : (size_t)sysconf(_SC_PAGESIZE));
    assert_tokens(kv, all, n);
    if (n < 4) step(kv, 1);
  }
  kv_free(kv);
}

/* ---- Allocations ---- */

static int32_t use_everything(const infermem_allocator *allocator) {
  const int32_t types[] = {INFERMEM_DTYPE_Q8_0, INFERMEM_DTYPE_Q4_0};
  infermem_kv_options options = typed(2, 1, 32, 4, INFERMEM_DTYPE_BF16);
  options.k_types = types;
  options.growable = 8;
  options.flags = INFERMEM_KV_ROTATE_K | INFERMEM_KV_ROTATE_V | INFERMEM_KV_STREAM;
  options.allocator = allocator;
  infermem_kv *kv = NULL;
  const int32_t status = kv_new(&options, &kv);
  if (status != INFERMEM_OK) {
    assert_null(kv);
    return status;
  }
  const float row[32] = {0};
  size_t dropped;
  for (size_t layer = 0; layer < 2; layer++) assert_ok(kv_append(kv, layer, row, 32, row, 32, 1));
  assert_ok(kv_advance(kv, 1));
  assert_ok(kv_grow(kv, 8));
  assert_ok(kv_keep(kv, 0, 1, &dropped));
  assert_ok(kv_clear_zero(kv));
  kv_free(kv);
  return INFERMEM_OK;
}

static void any_allocation_may_fail(void **state) {
  (void)state;
  assert_int_equal(oom_walk(use_everything), 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keeping_drops_the_middle),  cmocka_unit_test(a_prefix_is_copied),
      cmocka_unit_test(growing_moves_nothing),     cmocka_unit_test(clearing_with_zeros_leaves_nothing),
      cmocka_unit_test(rows_are_changed_in_place), cmocka_unit_test(prefetching_changes_nothing),
      cmocka_unit_test(any_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("kv_rows", tests, NULL, NULL);
}
