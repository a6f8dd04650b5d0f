/* The KV cache: every function of infermem/kv.h. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "stored.h"
#include "support.h"

static infermem_kv_options shape(size_t layers, size_t heads, size_t head_dim, size_t max_tokens) {
  INFERMEM_STRUCT(infermem_kv_options, options);
  options.n_layers = layers;
  options.n_kv_heads = heads;
  options.head_dim = head_dim;
  options.max_tokens = max_tokens;
  return options;
}

static infermem_kv *make(infermem_kv_options options) {
  infermem_kv *kv = NULL;
  assert_ok(kv_new(&options, &kv));
  return kv;
}

/* A small cache for most tests: two layers, rows of 4, five tokens. */
enum { kRow = 4 };
static infermem_kv *small(void) { return make(shape(2, 2, 2, 5)); }

/* n rows of which every element tells the layer, the token and the plane. */
static void fill(float *rows, size_t n, float tag) {
  for (size_t i = 0; i < n * kRow; i++) rows[i] = tag + (float)i / 16;
}

static void append(infermem_kv *kv, size_t layer, size_t n, float tag) {
  float k[5 * kRow], v[5 * kRow];
  fill(k, n, tag);
  fill(v, n, -tag);
  assert_ok(kv_append(kv, layer, k, n * kRow, v, n * kRow, n));
}

static void step(infermem_kv *kv, size_t n, float tag) {
  append(kv, 0, n, tag);
  append(kv, 1, n, tag + 1000);
  assert_ok(kv_advance(kv, n));
}

static const float *keys_of(const infermem_kv *kv, size_t layer, size_t tokens) {
  infermem_view view;
  assert_ok(kv_keys(kv, layer, &view));
  assert_int_equal(view.shape[0], tokens);
  return view.data;
}

/* All that a failed call must leave alone, of the small cache. */
struct snapshot {
  size_t length, committed;
  uint64_t generation;
  infermem_view views[2][4];
  float contents[2][4][5 * kRow];
};

static void take_snapshot(const infermem_kv *kv, struct snapshot *s) {
  memset(s, 0, sizeof *s);
  s->length = kv_len(kv);
  s->committed = kv_memory_committed(kv);
  s->generation = kv_generation(kv);
  for (size_t layer = 0; layer < 2; layer++) {
    assert_ok(kv_keys(kv, layer, &s->views[layer][0]));
    assert_ok(kv_values(kv, layer, &s->views[layer][1]));
    assert_ok(kv_keys_pending(kv, layer, &s->views[layer][2]));
    assert_ok(kv_values_pending(kv, layer, &s->views[layer][3]));
    for (int i = 0; i < 4; i++)
      memcpy(s->contents[layer][i], s->views[layer][i].data, (size_t)s->views[layer][i].bytes);
  }
}

static void assert_unchanged(const infermem_kv *kv, const struct snapshot *before) {
  static struct snapshot now;
  take_snapshot(kv, &now);
  assert_memory_equal(&now, before, sizeof now);
}

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

/* ---- Writing ---- */

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

/* ---- Construction, handles, tapes, allocators ---- */

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
      cmocka_unit_test(f32_layers_lie_at_the_known_strides),
      cmocka_unit_test(f16_layers_are_rounded_up_to_32_elements),
      cmocka_unit_test(every_layer_begins_on_64_bytes_a_stride_after_the_last),
      cmocka_unit_test(an_empty_cache_has_empty_views),
      cmocka_unit_test(pages_are_committed_as_tokens_arrive),
      cmocka_unit_test(a_long_cache_that_holds_little_costs_little),
      cmocka_unit_test(appended_rows_are_pending_until_the_step_advances),
      cmocka_unit_test(appending_again_replaces_what_is_pending),
      cmocka_unit_test(a_step_must_be_the_same_in_every_layer),
      cmocka_unit_test(aborting_drops_the_step),
      cmocka_unit_test(a_bad_append_changes_nothing),
      cmocka_unit_test(rows_never_change_and_never_move),
      cmocka_unit_test(truncating_keeps_the_first_tokens),
      cmocka_unit_test(clearing_empties_the_cache_and_counts),
      cmocka_unit_test(f16_rounds_to_nearest_ties_to_even),
      cmocka_unit_test(f16_takes_any_float),
      cmocka_unit_test(keys_and_values_may_differ_in_type_and_width),
      cmocka_unit_test(a_range_of_tokens_is_read_as_floats),
      cmocka_unit_test(a_bad_view_leaves_the_record_alone),
      cmocka_unit_test(what_cannot_be_a_cache_is_refused),
      cmocka_unit_test(no_handle_and_other_handles_are_told_apart),
      cmocka_unit_test(a_cache_lives_in_the_tape_it_is_given),
      cmocka_unit_test(a_cache_whose_tape_was_cleared_or_rewound_is_stale),
      cmocka_unit_test(any_allocation_may_fail),
      cmocka_unit_test(nothing_is_allocated_after_construction),
  };
  return cmocka_run_group_tests_name("kv", tests, NULL, NULL);
}
