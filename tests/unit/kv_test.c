/* The KV cache: how it lies in memory, its types, and what is read from it. */
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "kv_small.h"
#include "stored.h"

/* ---- Layout ---- */

static void f32_layers_lie_at_the_known_strides(void **state) {
  (void)state;
  static const struct {
    size_t layers, dim, max, stride, bytes;
  } golden[] = {{4, 64, 32, 2048, 65536},     {4, 64, 33, 2112, 67584}, {2, 80, 16, 1280, 20480},
                {8, 256, 64, 16384, 1048576}, {2, 4, 10, 48, 768},      {1, 5, 3, 16, 128}};
  for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
    infermem_kv *kv = make(shape(golden[i].layers, 1, golden[i].dim, golden[i].max));
    assert_int_equal(kv_layer_stride(kv, INFERMEM_KV_K), golden[i].stride);
    assert_int_equal(kv_layer_stride(kv, INFERMEM_KV_V), golden[i].stride);
    assert_int_equal(kv_memory_bytes(kv), golden[i].bytes);
    assert_int_equal(kv_max(kv), golden[i].max);
    assert_int_equal(kv_len(kv), 0);
    kv_free(kv);
  }
}

static void f16_layers_are_rounded_up_to_32_elements(void **state) {
  (void)state;
  infermem_kv_options options = shape(3, 1, 5, 7); /* 35 elements of K, 77 of V */
  options.head_dim_v = 11;
  options.k_type = options.v_type = INFERMEM_DTYPE_F16;
  infermem_kv *kv = make(options);
  assert_int_equal(kv_layers(kv), 3);
  assert_int_equal(kv_heads(kv), 1);
  assert_int_equal(kv_head_dim(kv, INFERMEM_KV_K), 5);
  assert_int_equal(kv_head_dim(kv, INFERMEM_KV_V), 11);
  assert_int_equal(kv_layer_stride(kv, INFERMEM_KV_K), 64);
  assert_int_equal(kv_layer_stride(kv, INFERMEM_KV_V), 96);
  assert_int_equal(kv_memory_bytes(kv), 3 * (64 + 96) * 2);
  kv_free(kv);
  options.k_type = INFERMEM_DTYPE_F32;
  kv = make(options);
  assert_int_equal(kv_layer_stride(kv, INFERMEM_KV_K), 48);
  assert_int_equal(kv_layer_stride(kv, INFERMEM_KV_V), 96);
  assert_int_equal(kv_memory_bytes(kv), 3 * (48 * 4 + 96 * 2));
  assert_int_equal(kv_layer_stride(kv, 2), 0);
  assert_int_equal(kv_layer_stride(kv, -1), 0);
  assert_int_equal(kv_head_dim(kv, 2), 0);
  assert_int_equal(kv_head_dim(kv, -1), 0);
  kv_free(kv);
}

static void every_layer_begins_on_64_bytes_a_stride_after_the_last(void **state) {
  (void)state;
  infermem_tape *tape = test_tape(1 << 16);
  void *odd;
  assert_ok(tape_alloc(tape, 3, 1, &odd));
  for (int in_tape = 0; in_tape < 2; in_tape++) {
    infermem_kv_options options = shape(3, 3, 5, 7);
    options.head_dim_v = 2;
    options.v_type = INFERMEM_DTYPE_F16;
    options.tape = in_tape ? tape : NULL;
    infermem_kv *kv = make(options);
    const char *next_k = NULL, *next_v = NULL;
    for (size_t layer = 0; layer < 3; layer++) {
      infermem_view k, v;
      assert_ok(kv_keys(kv, layer, &k));
      assert_ok(kv_values(kv, layer, &v));
      assert_int_equal((uintptr_t)k.data % 64, 0);
      assert_int_equal((uintptr_t)v.data % 64, 0);
      if (layer > 0) {
        assert_ptr_equal(k.data, next_k);
        assert_ptr_equal(v.data, next_v);
      }
      next_k = (const char *)k.data + kv_layer_stride(kv, INFERMEM_KV_K) * 4;
      next_v = (const char *)v.data + kv_layer_stride(kv, INFERMEM_KV_V) * 2;
    }
    kv_free(kv);
  }
  tape_free(tape);
}

static void an_empty_cache_has_empty_views(void **state) {
  (void)state;
  infermem_kv_options options = shape(2, 3, 4, 5);
  options.head_dim_v = 6;
  options.v_type = INFERMEM_DTYPE_F16;
  infermem_kv *kv = make(options);
  infermem_view views[4];
  assert_ok(kv_keys(kv, 1, &views[0]));
  assert_ok(kv_keys_pending(kv, 1, &views[1]));
  assert_ok(kv_values(kv, 1, &views[2]));
  assert_ok(kv_values_pending(kv, 1, &views[3]));
  for (int i = 0; i < 4; i++) {
    const int is_v = i >= 2;
    assert_non_null(views[i].data);
    assert_int_equal(views[i].dtype, is_v ? INFERMEM_DTYPE_F16 : INFERMEM_DTYPE_F32);
    assert_int_equal(views[i].flags, INFERMEM_VIEW_READONLY);
    assert_int_equal(views[i].n_dims, 2);
    assert_int_equal(views[i].reserved, 0);
    assert_int_equal(views[i].bytes, 0);
    assert_int_equal(views[i].shape[0], 0);
    assert_int_equal(views[i].shape[1], is_v ? 18 : 12);
    assert_int_equal(views[i].strides[0], is_v ? 36 : 48);
    assert_int_equal(views[i].strides[1], is_v ? 2 : 4);
    for (int d = 2; d < INFERMEM_MAX_DIMS; d++) {
      assert_int_equal(views[i].shape[d], 1);
      assert_int_equal(views[i].strides[d], 0);
    }
  }
  kv_free(kv);
}

static void pages_are_committed_as_tokens_arrive(void **state) {
  (void)state;
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  enum { kLayers = 3 };
  /* A layer of K is 20.5 pages, so that layers share pages; one row is 1/4 page. Without huge pages, which would commit
   * the neighbours of what is written. */
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  infermem_kv_options options = shape(kLayers, 1, page / 16, 82);
  options.head_dim_v = page / 32;
  infermem_kv *kv = make(options);
  const size_t row = page / 16, row_v = page / 32;
  float *rows = calloc(82 * row, sizeof *rows);
  unsigned char *resident = malloc(200);
  assert_non_null(rows);
  assert_non_null(resident);
  const size_t bytes = kLayers * (82 * row + 82 * row_v) * 4;
  assert_int_equal(kv_memory_bytes(kv), bytes);
  const size_t pages = (bytes + page - 1) / page;
  assert_int_equal(kv_memory_reserved(kv), pages * page);
  assert_int_equal(kv_memory_committed(kv), 0);
  infermem_view view;
  assert_ok(kv_keys(kv, 0, &view));
  assert_int_equal((uintptr_t)view.data % page, 0);
  static const size_t appends[][2] = {{0, 1}, {2, 3},  {1, 1},  {1, 5}, {0, 82},
                                      {2, 2}, {1, 81}, {1, 82}, {1, 1}, {2, 82}};
  for (size_t i = 0; i < sizeof appends / sizeof *appends; i++) {
    const size_t n = appends[i][1];
    assert_ok(kv_append(kv, appends[i][0], rows, n * row, rows, n * row_v, n));
    assert_int_equal(mincore(view.data, pages * page, resident), 0);
    size_t touched = 0;
    for (size_t p = 0; p < pages; p++) touched += resident[p] & 1;
    assert_int_equal(kv_memory_committed(kv), touched * page);
  }
  assert_int_equal(kv_memory_committed(kv), kv_memory_reserved(kv));
  assert_ok(kv_clear(kv));
  assert_int_equal(kv_memory_committed(kv), kv_memory_reserved(kv));
  kv_free(kv);
  free(resident);
  free(rows);
  prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
}

static void a_long_cache_that_holds_little_costs_little(void **state) {
  (void)state;
  infermem_kv *kv = make(shape(32, 8, 128, 131072)); /* 32 GiB of address range */
  assert_int_equal(kv_memory_bytes(kv), (size_t)32 << 30);
  float *row = calloc(1024, sizeof *row);
  assert_non_null(row);
  for (size_t layer = 0; layer < 32; layer++) assert_ok(kv_append(kv, layer, row, 1024, row, 1024, 1));
  assert_ok(kv_advance(kv, 1));
  assert_true(kv_memory_committed(kv) <= 64 * (4096 + 2 * (size_t)sysconf(_SC_PAGESIZE)));
  free(row);
  kv_free(kv);
}

/* ---- Types ---- */

static void check_f16(const float *values, size_t n) {
  enum { kDim = 256 };
  infermem_kv_options options = shape(1, 1, kDim, 1);
  options.k_type = options.v_type = INFERMEM_DTYPE_F16;
  infermem_kv *kv = make(options);
  for (size_t at = 0; at < n; at += kDim) {
    float row[kDim] = {0}, back[kDim];
    for (size_t i = 0; i < kDim && at + i < n; i++) row[i] = values[at + i];
    assert_ok(kv_append(kv, 0, row, kDim, row, kDim, 1));
    assert_ok(kv_advance(kv, 1));
    infermem_view k, v;
    assert_ok(kv_keys(kv, 0, &k));
    assert_ok(kv_values(kv, 0, &v));
    const uint16_t *got = k.data;
    for (size_t i = 0; i < kDim; i++)
      if (got[i] != stored_f16(row[i]))
        fail_msg("%a is stored as 0x%04x, not 0x%04x", (double)row[i], got[i], stored_f16(row[i]));
    assert_memory_equal(k.data, v.data, kDim * 2);
    assert_ok(kv_read(kv, 0, INFERMEM_KV_K, 0, 1, back, kDim));
    for (size_t i = 0; i < kDim; i++) assert_int_equal(stored_f16(back[i]), got[i]);
    assert_ok(kv_truncate(kv, 0));
  }
  kv_free(kv);
}

static void f16_rounds_to_nearest_ties_to_even(void **state) {
  (void)state;
  /* Around every F16 and every midpoint of two: the float itself and its neighbours. */
  enum { kEach = 6 };
  float *values = malloc(2 * kEach * 0x7c00 * sizeof *values);
  assert_non_null(values);
  size_t n = 0;
  for (uint32_t bits = 0; bits < 0x7c00; bits++) {
    const int exponent = (int)(bits >> 10);
    const double unit = ldexp(1, (exponent == 0 ? 1 : exponent) - 25);
    const double value = exponent == 0 ? bits * unit : (1024 + (bits & 1023)) * unit;
    for (int half = 0; half < 2; half++) {
      const float exact = (float)(value + half * unit / 2);
      for (int sign = -1; sign <= 1; sign += 2) {
        values[n++] = (float)sign * exact;
        values[n++] = (float)sign * nextafterf(exact, INFINITY);
        values[n++] = (float)sign * nextafterf(exact, -INFINITY);
      }
    }
  }
  check_f16(values, n);
  free(values);
}

static void f16_takes_any_float(void **state) {
  (void)state;
  enum { kCount = 1 << 14 };
  float *values = malloc(kCount * sizeof *values);
  assert_non_null(values);
  uint64_t seed = 77;
  for (size_t i = 0; i < kCount; i++) {
    const uint32_t bits = (uint32_t)test_random(&seed);
    memcpy(&values[i], &bits, sizeof bits);
  }
  static const uint32_t special[] = {0,          0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001,
                                     0xffa00000, 0xff802000, 0x7fffffff, 1,          0x80000001, 0x007fffff,
                                     0x33000000, 0x33000001, 0x32ffffff, 0x477fefff, 0x477ff000, 0x47800000};
  memcpy(values, special, sizeof special);
  check_f16(values, kCount);
  free(values);
}

static void keys_and_values_may_differ_in_type_and_width(void **state) {
  (void)state;
  infermem_kv_options options = shape(1, 2, 3, 4);
  options.head_dim_v = 5;
  options.k_type = INFERMEM_DTYPE_F16;
  infermem_kv *kv = make(options);
  float k[12], v[20], out[20];
  uint64_t seed = 2;
  for (int i = 0; i < 12; i++) k[i] = test_random_float(&seed);
  for (int i = 0; i < 20; i++) v[i] = test_random_float(&seed);
  assert_fails(INFERMEM_E_SHAPE, kv_append(kv, 0, k, 12, v, 12, 2));
  assert_ok(kv_append(kv, 0, k, 12, v, 20, 2));
  assert_ok(kv_advance(kv, 2));
  unsigned char expected[80];
  infermem_view view;
  assert_ok(kv_keys(kv, 0, &view));
  stored_encode(INFERMEM_DTYPE_F16, k, 12, expected);
  assert_int_equal(view.bytes, 24);
  assert_memory_equal(view.data, expected, 24);
  assert_ok(kv_values(kv, 0, &view));
  assert_int_equal(view.bytes, 80);
  assert_memory_equal(view.data, v, 80);
  assert_ok(kv_read(kv, 0, INFERMEM_KV_V, 1, 1, out, 10));
  assert_memory_equal(out, v + 10, 40);
  kv_free(kv);
}

/* ---- Reading ---- */

static void a_range_of_tokens_is_read_as_floats(void **state) {
  (void)state;
  infermem_kv *kv = small();
  step(kv, 4, 1);
  append(kv, 1, 1, 9);
  float out[4 * kRow + 1], expected[4 * kRow];
  out[2 * kRow] = 42;
  fill(expected, 4, -1001);
  for (size_t i = 0; i < 4 * kRow; i++) expected[i] = -1001 + (float)i / 16;
  assert_ok(kv_read(kv, 1, INFERMEM_KV_V, 1, 2, out, 2 * kRow));
  assert_memory_equal(out, expected + kRow, 2 * kRow * sizeof *out);
  assert_true(out[2 * kRow] == 42);
  assert_ok(kv_read(kv, 1, INFERMEM_KV_K, 5, 0, out, 0));
  assert_ok(kv_read(kv, 1, INFERMEM_KV_K, 3, 2, out, 2 * kRow)); /* the last is pending */
  assert_true(out[0] == 1001 + 12 / 16.0f && out[kRow] == 9);
  memset(out, 0x11, sizeof out);
  float before[4 * kRow + 1];
  memcpy(before, out, sizeof out);
  assert_fails(INFERMEM_E_RANGE, kv_read(kv, 1, INFERMEM_KV_K, 5, 1, out, kRow));
  assert_fails(INFERMEM_E_RANGE, kv_read(kv, 0, INFERMEM_KV_K, 4, 1, out, kRow)); /* nothing is pending there */
  assert_fails(INFERMEM_E_RANGE, kv_read(kv, 1, INFERMEM_KV_K, 6, 0, out, 0));
  assert_fails(INFERMEM_E_RANGE, kv_read(kv, 1, INFERMEM_KV_K, 1, SIZE_MAX, out, kRow));
  assert_fails(INFERMEM_E_RANGE, kv_read(kv, 2, INFERMEM_KV_K, 0, 1, out, kRow));
  assert_fails(INFERMEM_E_ARG, kv_read(kv, 1, 2, 0, 1, out, kRow));
  assert_fails(INFERMEM_E_ARG, kv_read(kv, 1, -1, 0, 1, out, kRow));
  assert_fails(INFERMEM_E_SHAPE, kv_read(kv, 1, INFERMEM_KV_K, 0, 1, out, kRow + 1));
  assert_fails(INFERMEM_E_NULL, kv_read(kv, 1, INFERMEM_KV_K, 0, 1, NULL, kRow));
  assert_memory_equal(out, before, sizeof out);
  kv_free(kv);
}

static void a_bad_view_leaves_the_record_alone(void **state) {
  (void)state;
  infermem_kv *kv = small();
  infermem_view view, before;
  memset(&view, 0x33, sizeof view);
  before = view;
  assert_fails(INFERMEM_E_RANGE, kv_keys(kv, 2, &view));
  assert_fails(INFERMEM_E_RANGE, kv_values(kv, 2, &view));
  assert_fails(INFERMEM_E_RANGE, kv_keys_pending(kv, SIZE_MAX, &view));
  assert_fails(INFERMEM_E_RANGE, kv_values_pending(kv, 2, &view));
  assert_memory_equal(&view, &before, sizeof view);
  assert_fails(INFERMEM_E_NULL, kv_keys(kv, 0, NULL));
  assert_fails(INFERMEM_E_NULL, kv_values(kv, 0, NULL));
  assert_fails(INFERMEM_E_NULL, kv_keys_pending(kv, 0, NULL));
  assert_fails(INFERMEM_E_NULL, kv_values_pending(kv, 0, NULL));
  assert_fails(INFERMEM_E_RANGE, kv_keys_mut(kv, 2, &view));
  assert_fails(INFERMEM_E_RANGE, kv_values_mut(kv, 2, &view));
  assert_memory_equal(&view, &before, sizeof view);
  assert_fails(INFERMEM_E_NULL, kv_keys_mut(kv, 0, NULL));
  assert_fails(INFERMEM_E_NULL, kv_values_mut(kv, 0, NULL));
  kv_free(kv);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(f32_layers_lie_at_the_known_strides),
      cmocka_unit_test(f16_layers_are_rounded_up_to_32_elements),
      cmocka_unit_test(every_layer_begins_on_64_bytes_a_stride_after_the_last),
      cmocka_unit_test(an_empty_cache_has_empty_views),
      cmocka_unit_test(pages_are_committed_as_tokens_arrive),
      cmocka_unit_test(a_long_cache_that_holds_little_costs_little),
      cmocka_unit_test(f16_rounds_to_nearest_ties_to_even),
      cmocka_unit_test(f16_takes_any_float),
      cmocka_unit_test(keys_and_values_may_differ_in_type_and_width),
      cmocka_unit_test(a_range_of_tokens_is_read_as_floats),
      cmocka_unit_test(a_bad_view_leaves_the_record_alone),
  };
  return cmocka_run_group_tests_name("kv", tests, NULL, NULL);
}
