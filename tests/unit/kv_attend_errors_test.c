/* What kv_attend, kv_attend_partial and kv_attend_merge refuse. */
#include <math.h>
#include <stdlib.h>

#include "support.h"

/* A cache of one layer with so many tokens, all zeros. */
static infermem_kv *cache(size_t n_kv_heads, size_t head_dim, size_t head_dim_v, size_t n_tokens) {
  INFERMEM_STRUCT(infermem_kv_options, options);
  options.n_layers = 1;
  options.n_kv_heads = n_kv_heads;
  options.head_dim = head_dim;
  options.head_dim_v = head_dim_v;
  options.max_tokens = n_tokens + 1;
  infermem_kv *kv = NULL;
  assert_ok(kv_new(&options, &kv));
  float *row = calloc(n_kv_heads * (head_dim + head_dim_v), sizeof *row);
  assert_non_null(row);
  for (size_t i = 0; i < n_tokens; i++) {
    assert_ok(kv_append(kv, 0, row, n_kv_heads * head_dim, row, n_kv_heads * head_dim_v, 1));
    assert_ok(kv_advance(kv, 1));
  }
  free(row);
  return kv;
}

static void wrong_arguments_are_refused_and_nothing_is_written(void **state) {
  (void)state;
  infermem_kv *kv = cache(2, 64, 64, 5);
  float q[256] = {0}, out[264];
  for (size_t i = 0; i < 264; i++) out[i] = 7;
  INFERMEM_STRUCT(infermem_kv_attend_options, o);
  assert_fails(INFERMEM_E_NULL, kv_attend(NULL, 0, NULL, 0, 2, q, 128, out, 128));
  assert_fails(INFERMEM_E_NULL, kv_attend(kv, 0, NULL, 0, 2, NULL, 128, out, 128));
  assert_fails(INFERMEM_E_NULL, kv_attend(kv, 0, NULL, 0, 2, q, 128, NULL, 128));
  assert_fails(INFERMEM_E_RANGE, kv_attend(kv, 1, NULL, 0, 2, q, 128, out, 128));
  assert_fails(INFERMEM_E_RANGE, kv_attend(kv, 0, NULL, 1, 2, q, 128, out, 128));
  assert_fails(INFERMEM_E_RANGE, kv_attend(kv, 0, NULL, 3, 0, q, 128, out, 128));
  assert_fails(INFERMEM_E_RANGE, kv_attend(kv, 0, NULL, 1, SIZE_MAX, q, 128, out, 128));
  assert_fails(INFERMEM_E_SHAPE, kv_attend(kv, 0, NULL, 0, 2, q, 127, out, 128));
  assert_int_equal(infermem_error_detail()->expected, 128);
  assert_fails(INFERMEM_E_SHAPE, kv_attend(kv, 0, NULL, 0, 2, q, 128, out, 129));
  o.struct_size = 3;
  assert_fails(INFERMEM_E_STRUCT, kv_attend(kv, 0, &o, 0, 2, q, 128, out, 128));
  o.struct_size = sizeof o;
  o.n_q_heads = 3;
  assert_fails(INFERMEM_E_ARG, kv_attend(kv, 0, &o, 0, 2, q, 192, out, 192));
  o.n_q_heads = SIZE_MAX - 1;
  assert_fails(INFERMEM_E_OVERFLOW, kv_attend(kv, 0, &o, 0, 2, q, 192, out, 192));
  o.n_q_heads = 0;
  o.n_q_tokens = 65;
  assert_fails(INFERMEM_E_LIMIT, kv_attend(kv, 0, &o, 0, 2, q, 128, out, 128));
  o.n_q_tokens = 6;
  assert_fails(INFERMEM_E_RANGE, kv_attend(kv, 0, &o, 0, 2, q, 128, out, 128));
  assert_int_equal(infermem_error_detail()->got, 5);
  o.n_q_tokens = 0;
  o.n_after = SIZE_MAX;
  assert_fails(INFERMEM_E_OVERFLOW, kv_attend(kv, 0, &o, 0, 2, q, 128, out, 128));
  o.n_after = 0;
  const float bad[] = {NAN, INFINITY, -INFINITY};
  for (size_t i = 0; i < 3; i++) {
    o.scale = bad[i];
    assert_fails(INFERMEM_E_ARG, kv_attend(kv, 0, &o, 0, 2, q, 128, out, 128));
    o.scale = 0;
    o.soft_cap = bad[i];
    assert_fails(INFERMEM_E_ARG, kv_attend(kv, 0, &o, 0, 2, q, 128, out, 128));
    o.soft_cap = 0;
  }
  o.soft_cap = -1;
  assert_fails(INFERMEM_E_ARG, kv_attend(kv, 0, &o, 0, 2, q, 128, out, 128));

  assert_fails(INFERMEM_E_NULL, kv_attend_partial(NULL, 0, NULL, 0, 2, 0, 5, q, 128, out, 132));
  assert_fails(INFERMEM_E_NULL, kv_attend_partial(kv, 0, NULL, 0, 2, 0, 5, NULL, 128, out, 132));
  assert_fails(INFERMEM_E_NULL, kv_attend_partial(kv, 0, NULL, 0, 2, 0, 5, q, 128, NULL, 132));
  assert_fails(INFERMEM_E_RANGE, kv_attend_partial(kv, 0, NULL, 0, 2, 0, 6, q, 128, out, 132));
  assert_fails(INFERMEM_E_RANGE, kv_attend_partial(kv, 0, NULL, 0, 2, 6, 0, q, 128, out, 132));
  assert_fails(INFERMEM_E_RANGE, kv_attend_partial(kv, 0, NULL, 0, 2, 2, SIZE_MAX, q, 128, out, 132));
  assert_fails(INFERMEM_E_SHAPE, kv_attend_partial(kv, 0, NULL, 0, 2, 0, 5, q, 128, out, 128));
  assert_fails(INFERMEM_E_NULL, kv_attend_merge(NULL, 132, 1, 2, 64, out, 128));
  assert_fails(INFERMEM_E_NULL, kv_attend_merge(q, 132, 1, 2, 64, NULL, 128));
  assert_fails(INFERMEM_E_ARG, kv_attend_merge(q, 132, 0, 2, 64, out, 128));
  assert_fails(INFERMEM_E_ARG, kv_attend_merge(q, 132, 1, 2, 0, out, 128));
  assert_fails(INFERMEM_E_SHAPE, kv_attend_merge(q, 131, 1, 2, 64, out, 128));
  assert_fails(INFERMEM_E_SHAPE, kv_attend_merge(q, 132, SIZE_MAX, 2, SIZE_MAX, out, 128));
  assert_fails(INFERMEM_E_SHAPE, kv_attend_merge(q, 132, 1, 2, 64, out, 127));
  for (size_t i = 0; i < 264; i++) assert_true(out[i] == 7);
  kv_free(kv);
}

static void sizes_of_heads_that_cannot_be_attended_to_are_told(void **state) {
  (void)state;
  const struct { size_t dim, dim_v; } sizes[] = {{12, 16}, {16, 12}, {1032, 16}, {16, 1032}, {1, 8}};
  float *q = calloc(1032, sizeof *q), *out = calloc(1032, sizeof *out);
  assert_true(q && out);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    infermem_kv *kv = cache(1, sizes[i].dim, sizes[i].dim_v, 1);
    assert_fails(INFERMEM_E_UNSUPPORTED, kv_attend(kv, 0, NULL, 0, 1, q, sizes[i].dim, out, sizes[i].dim_v));
    kv_free(kv);
  }
  free(out);
  free(q);
}

static void an_empty_a_stale_and_no_cache_are_told(void **state) {
  (void)state;
  infermem_kv *kv = cache(1, 64, 64, 0);
  float q[64] = {0}, out[66];
  assert_fails(INFERMEM_E_RANGE, kv_attend(kv, 0, NULL, 0, 1, q, 64, out, 64));
  assert_fails(INFERMEM_E_RANGE, kv_attend_partial(kv, 0, NULL, 0, 1, 0, 0, q, 64, out, 66));
  kv_free(kv);
  infermem_tape *tape = test_tape(1 << 16);
  INFERMEM_STRUCT(infermem_kv_options, options);
  options.n_layers = options.n_kv_heads = options.max_tokens = 1;
  options.head_dim = 64;
  options.tape = tape;
  assert_ok(kv_new(&options, &kv));
  assert_ok(tape_clear(tape));
  assert_fails(INFERMEM_E_STALE, kv_attend(kv, 0, NULL, 0, 1, q, 64, out, 64));
  assert_fails(INFERMEM_E_STALE, kv_attend_partial(kv, 0, NULL, 0, 1, 0, 0, q, 64, out, 66));
  const infermem_kv *other = (const infermem_kv *)(const void *)tape;
  assert_fails(INFERMEM_E_HANDLE, kv_attend(other, 0, NULL, 0, 1, q, 64, out, 64));
  assert_fails(INFERMEM_E_HANDLE, kv_attend_partial(other, 0, NULL, 0, 1, 0, 0, q, 64, out, 66));
  kv_free(kv);
  tape_free(tape);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wrong_arguments_are_refused_and_nothing_is_written),
      cmocka_unit_test(sizes_of_heads_that_cannot_be_attended_to_are_told),
      cmocka_unit_test(an_empty_a_stale_and_no_cache_are_told),
  };
  return cmocka_run_group_tests_name("kv_attend_errors", tests, NULL, NULL);
}
