/* The KV cache: construction, handles, tapes and allocators. */
#include "kv_small.h"

static void what_cannot_be_a_cache_is_refused(void **state) {
  (void)state;
  infermem_kv *kv = NULL;
  infermem_kv_options options = shape(2, 2, 2, 5);
  assert_fails(INFERMEM_E_NULL, kv_new(NULL, &kv));
  assert_fails(INFERMEM_E_NULL, kv_new(&options, NULL));
  for (int field = 0; field < 4; field++) {
    options = shape(field != 0, field != 1, field != 2, field != 3);
    assert_fails(INFERMEM_E_ARG, kv_new(&options, &kv));
  }
  for (int field = 0; field < 4; field++) {
    const size_t limit = 1 << 20;
    options = shape(field == 0 ? limit : 1, field == 1 ? limit : 1, field == 2 ? limit : 1, 1);
    if (field == 3) options.head_dim_v = limit;
    assert_fails(INFERMEM_E_LIMIT, kv_new(&options, &kv));
    assert_int_equal(infermem_error_detail()->got, limit);
  }
  for (int which = 0; which < 2; which++) {
    options = shape(1, 1, 32, 1);
    int32_t *type = which ? &options.v_type : &options.k_type;
    *type = INFERMEM_DTYPE_Q4_K;
    assert_fails(INFERMEM_E_UNSUPPORTED, kv_new(&options, &kv));
    assert_non_null(strstr(infermem_error_detail()->message, "Q4_K"));
    *type = 5;
    assert_fails(INFERMEM_E_TYPE, kv_new(&options, &kv));
    *type = -1;
    assert_fails(INFERMEM_E_TYPE, kv_new(&options, &kv));
  }
  options = shape(1, 1, 1, 5);
  options.growable = 4;
  assert_fails(INFERMEM_E_ARG, kv_new(&options, &kv));
  assert_int_equal(infermem_error_detail()->expected, 5);
  options.growable = 0;
  options.flags = 8;
  assert_fails(INFERMEM_E_ARG, kv_new(&options, &kv));
  options.flags = 0;
  options.reserved = 1;
  assert_fails(INFERMEM_E_ARG, kv_new(&options, &kv));
  options = shape(1, 1, 1, SIZE_MAX);
  assert_fails(INFERMEM_E_OVERFLOW, kv_new(&options, &kv));
  options = shape(1, 1, 1, SIZE_MAX / 4);
  assert_fails(INFERMEM_E_OVERFLOW, kv_new(&options, &kv));
  options = shape(2, 1, 1, SIZE_MAX / 8);
  assert_fails(INFERMEM_E_OVERFLOW, kv_new(&options, &kv));
  options = shape(1, 1, 1, SIZE_MAX / 12);
  assert_fails(INFERMEM_E_OVERFLOW, kv_new(&options, &kv)); /* adds up, but to more than an address range */
  options = shape(1, 1, 1, SIZE_MAX / 32);
  assert_fails(INFERMEM_E_NOMEM, kv_new(&options, &kv));
  options = shape(1, 1, 1, 1);
  options.struct_size = 7;
  assert_fails(INFERMEM_E_STRUCT, kv_new(&options, &kv));
  options.struct_size = sizeof options;
  INFERMEM_STRUCT(infermem_allocator, half);
  options.allocator = &half;
  assert_fails(INFERMEM_E_ARG, kv_new(&options, &kv));
  assert_null(kv);
}

static void no_handle_and_other_handles_are_told_apart(void **state) {
  (void)state;
  infermem_tape *tape = test_tape(4096);
  infermem_kv *const other = (infermem_kv *)(void *)tape;
  infermem_kv *const none = NULL;
  infermem_kv *kv = small();
  float row[kRow] = {0};
  const uint16_t halves[kRow] = {0};
  size_t dropped;
  infermem_view view;
  assert_fails(INFERMEM_E_NULL, kv_append(none, 0, row, kRow, row, kRow, 1));
  assert_fails(INFERMEM_E_NULL, kv_append_f16(none, 0, halves, kRow, halves, kRow, 1));
  assert_fails(INFERMEM_E_NULL, kv_append_bf16(none, 0, halves, kRow, halves, kRow, 1));
  assert_fails(INFERMEM_E_NULL, kv_clear_zero(none));
  assert_fails(INFERMEM_E_NULL, kv_keep(none, 1, 1, &dropped));
  assert_fails(INFERMEM_E_NULL, kv_copy_prefix(none, kv, 0));
  assert_fails(INFERMEM_E_NULL, kv_copy_prefix(kv, none, 0));
  assert_fails(INFERMEM_E_NULL, kv_grow(none, 5));
  assert_fails(INFERMEM_E_NULL, kv_prefetch(none, 0));
  assert_fails(INFERMEM_E_NULL, kv_keys_mut(none, 0, &view));
  assert_fails(INFERMEM_E_NULL, kv_values_mut(none, 0, &view));
  assert_fails(INFERMEM_E_NULL, kv_advance(none, 1));
  assert_fails(INFERMEM_E_NULL, kv_abort(none));
  assert_fails(INFERMEM_E_NULL, kv_truncate(none, 0));
  assert_fails(INFERMEM_E_NULL, kv_clear(none));
  assert_fails(INFERMEM_E_NULL, kv_keys(none, 0, &view));
  assert_fails(INFERMEM_E_NULL, kv_values(none, 0, &view));
  assert_fails(INFERMEM_E_NULL, kv_keys_pending(none, 0, &view));
  assert_fails(INFERMEM_E_NULL, kv_values_pending(none, 0, &view));
  assert_fails(INFERMEM_E_NULL, kv_read(none, 0, INFERMEM_KV_K, 0, 1, row, kRow));
  assert_fails(INFERMEM_E_HANDLE, kv_append(other, 0, row, kRow, row, kRow, 1));
  assert_fails(INFERMEM_E_HANDLE, kv_append_f16(other, 0, halves, kRow, halves, kRow, 1));
  assert_fails(INFERMEM_E_HANDLE, kv_append_bf16(other, 0, halves, kRow, halves, kRow, 1));
  assert_fails(INFERMEM_E_HANDLE, kv_clear_zero(other));
  assert_fails(INFERMEM_E_HANDLE, kv_keep(other, 1, 1, &dropped));
  assert_fails(INFERMEM_E_HANDLE, kv_copy_prefix(other, kv, 0));
  assert_fails(INFERMEM_E_HANDLE, kv_copy_prefix(kv, other, 0));
  assert_fails(INFERMEM_E_HANDLE, kv_grow(other, 5));
  assert_fails(INFERMEM_E_HANDLE, kv_prefetch(other, 0));
  assert_fails(INFERMEM_E_HANDLE, kv_keys_mut(other, 0, &view));
  assert_fails(INFERMEM_E_HANDLE, kv_values_mut(other, 0, &view));
  assert_fails(INFERMEM_E_HANDLE, kv_advance(other, 1));
  assert_fails(INFERMEM_E_HANDLE, kv_abort(other));
  assert_fails(INFERMEM_E_HANDLE, kv_truncate(other, 0));
  assert_fails(INFERMEM_E_HANDLE, kv_clear(other));
  assert_fails(INFERMEM_E_HANDLE, kv_keys(other, 0, &view));
  assert_fails(INFERMEM_E_HANDLE, kv_values(other, 0, &view));
  assert_fails(INFERMEM_E_HANDLE, kv_keys_pending(other, 0, &view));
  assert_fails(INFERMEM_E_HANDLE, kv_values_pending(other, 0, &view));
  assert_fails(INFERMEM_E_HANDLE, kv_read(other, 0, INFERMEM_KV_K, 0, 1, row, kRow));
  infermem_kv *const both[] = {none, other};
  for (int i = 0; i < 2; i++) {
    assert_int_equal(kv_len(both[i]), 0);
    assert_int_equal(kv_max(both[i]), 0);
    assert_int_equal(kv_generation(both[i]), 0);
    assert_int_equal(kv_layer_stride(both[i], INFERMEM_KV_K), 0);
    assert_int_equal(kv_layers(both[i]), 0);
    assert_int_equal(kv_heads(both[i]), 0);
    assert_int_equal(kv_head_dim(both[i], INFERMEM_KV_K), 0);
    assert_int_equal(kv_memory_bytes(both[i]), 0);
    assert_int_equal(kv_memory_reserved(both[i]), 0);
    assert_int_equal(kv_memory_committed(both[i]), 0);
    kv_free(both[i]);
  }
  assert_int_equal(tape_total(tape), 4096);
  kv_free(kv);
  tape_free(tape);
}

static void a_cache_lives_in_the_tape_it_is_given(void **state) {
  (void)state;
  infermem_tape *tape = test_tape(4096);
  infermem_kv_options options = shape(2, 2, 2, 5);
  options.tape = tape;
  infermem_kv *kv = make(options);
  assert_true(tape_used(tape) >= kv_memory_bytes(kv));
  assert_int_equal(kv_memory_reserved(kv), kv_memory_bytes(kv));
  assert_int_equal(kv_memory_committed(kv), kv_memory_bytes(kv));
  step(kv, 3, 4);
  assert_true(tape_owns(tape, keys_of(kv, 1, 3)));

  static struct snapshot before;
  take_snapshot(kv, &before);
  assert_ok(tape_seal(tape));
  float row[kRow] = {0};
  infermem_kv *open = small();
  size_t dropped;
  infermem_view view;
  assert_fails(INFERMEM_E_SEALED, kv_append(kv, 0, row, kRow, row, kRow, 1));
  assert_fails(INFERMEM_E_SEALED, kv_clear_zero(kv));
  assert_fails(INFERMEM_E_SEALED, kv_keep(kv, 1, 1, &dropped));
  assert_fails(INFERMEM_E_SEALED, kv_copy_prefix(kv, open, 0));
  assert_fails(INFERMEM_E_SEALED, kv_keys_mut(kv, 0, &view));
  assert_fails(INFERMEM_E_SEALED, kv_values_mut(kv, 0, &view));
  assert_ok(kv_copy_prefix(open, kv, 2));
  kv_free(open);
  assert_unchanged(kv, &before);
  assert_ok(tape_unseal(tape));
  step(kv, 1, 5);
  const size_t used = tape_used(tape);
  kv_free(kv);
  assert_int_equal(tape_used(tape), used);

  kv = NULL;
  options.max_tokens = 1000;
  assert_fails(INFERMEM_E_FULL, kv_new(&options, &kv));
  options.max_tokens = 1;
  assert_ok(tape_seal(tape));
  assert_fails(INFERMEM_E_SEALED, kv_new(&options, &kv));
  assert_ok(tape_unseal(tape));
  assert_int_equal(tape_used(tape), used);
  infermem_kv *no_tape = small();
  options.tape = (const infermem_tape *)(const void *)no_tape;
  assert_fails(INFERMEM_E_HANDLE, kv_new(&options, &kv));
  assert_null(kv);
  kv_free(no_tape);
  tape_free(tape);
}

static void a_cache_whose_tape_was_cleared_or_rewound_is_stale(void **state) {
  (void)state;
  for (int clear = 0; clear < 2; clear++) {
    infermem_tape *tape = test_tape(4096);
    infermem_tape_mark mark;
    assert_ok(tape_mark(tape, &mark));
    infermem_kv_options options = shape(2, 2, 2, 5);
    options.tape = tape;
    infermem_kv *kv = make(options);
    step(kv, 2, 1);
    append(kv, 0, 1, 1);
    if (clear)
      assert_ok(tape_clear(tape));
    else
      assert_ok(tape_rewind(tape, &mark));
    infermem_kv *fresh = small();
    float row[kRow] = {0};
    const uint16_t halves[kRow] = {0};
    size_t dropped;
    infermem_view view;
    assert_fails(INFERMEM_E_STALE, kv_append(kv, 0, row, kRow, row, kRow, 1));
    assert_fails(INFERMEM_E_STALE, kv_append_f16(kv, 0, halves, kRow, halves, kRow, 1));
    assert_fails(INFERMEM_E_STALE, kv_append_bf16(kv, 0, halves, kRow, halves, kRow, 1));
    assert_fails(INFERMEM_E_STALE, kv_clear_zero(kv));
    assert_fails(INFERMEM_E_STALE, kv_keep(kv, 0, 0, &dropped));
    assert_fails(INFERMEM_E_STALE, kv_copy_prefix(kv, fresh, 0));
    assert_fails(INFERMEM_E_STALE, kv_copy_prefix(fresh, kv, 0));
    assert_fails(INFERMEM_E_STALE, kv_grow(kv, 5));
    assert_fails(INFERMEM_E_STALE, kv_prefetch(kv, 0));
    assert_fails(INFERMEM_E_STALE, kv_keys_mut(kv, 0, &view));
    assert_fails(INFERMEM_E_STALE, kv_values_mut(kv, 0, &view));
    assert_fails(INFERMEM_E_STALE, kv_advance(kv, 1));
    assert_fails(INFERMEM_E_STALE, kv_abort(kv));
    assert_fails(INFERMEM_E_STALE, kv_truncate(kv, 0));
    assert_fails(INFERMEM_E_STALE, kv_clear(kv));
    assert_fails(INFERMEM_E_STALE, kv_keys(kv, 0, &view));
    assert_fails(INFERMEM_E_STALE, kv_values(kv, 0, &view));
    assert_fails(INFERMEM_E_STALE, kv_keys_pending(kv, 0, &view));
    assert_fails(INFERMEM_E_STALE, kv_values_pending(kv, 0, &view));
    assert_fails(INFERMEM_E_STALE, kv_read(kv, 0, INFERMEM_KV_K, 0, 1, row, kRow));
    assert_int_equal(kv_len(kv), 2);
    assert_int_equal(kv_generation(kv), 0);
    kv_free(fresh);
    kv_free(kv);
    tape_free(tape);
  }
}

static int32_t make_and_fill(const infermem_allocator *allocator) {
  infermem_tape *tape = test_tape(4096);
  infermem_kv_options options = shape(2, 2, 2, 5);
  options.allocator = allocator;
  options.tape = tape;
  infermem_kv *kv = NULL;
  const int32_t status = kv_new(&options, &kv);
  if (status == INFERMEM_OK) {
    step(kv, 2, 1);
  } else {
    assert_null(kv);
    assert_int_equal(tape_used(tape), 0);
  }
  kv_free(kv);
  tape_free(tape);
  return status;
}

static void any_allocation_may_fail(void **state) {
  (void)state;
  assert_int_equal(oom_walk(make_and_fill), 2);
}

static void nothing_is_allocated_after_construction(void **state) {
  (void)state;
  struct test_allocator a;
  test_allocator_init(&a);
  infermem_kv_options options = shape(2, 2, 2, 5);
  options.allocator = &a.hook;
  infermem_kv *kv = make(options);
  const size_t calls = a.calls;
  static struct snapshot s;
  step(kv, 3, 1);
  append(kv, 0, 1, 2);
  take_snapshot(kv, &s);
  float out[kRow];
  assert_ok(kv_read(kv, 0, INFERMEM_KV_V, 0, 1, out, kRow));
  assert_ok(kv_abort(kv));
  assert_ok(kv_truncate(kv, 1));
  assert_ok(kv_clear(kv));
  assert_int_equal(a.calls, calls);
  kv_free(kv);
  assert_int_equal(a.live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_cannot_be_a_cache_is_refused),
      cmocka_unit_test(no_handle_and_other_handles_are_told_apart),
      cmocka_unit_test(a_cache_lives_in_the_tape_it_is_given),
      cmocka_unit_test(a_cache_whose_tape_was_cleared_or_rewound_is_stale),
      cmocka_unit_test(any_allocation_may_fail),
      cmocka_unit_test(nothing_is_allocated_after_construction),
  };
  return cmocka_run_group_tests_name("kv_handles", tests, NULL, NULL);
}
