/* Caches by what they store: block types, 16-bit rows, rotation, types by layer. */
#include <math.h>
#include <stdlib.h>

#include "files.h"
#include "kvs.h"
#include "stored.h"

static const int32_t kTypes[] = {INFERMEM_DTYPE_F32,  INFERMEM_DTYPE_F16,  INFERMEM_DTYPE_BF16,
                                 INFERMEM_DTYPE_Q8_0, INFERMEM_DTYPE_Q4_0, INFERMEM_DTYPE_Q4_1};
enum { kNTypes = sizeof kTypes / sizeof *kTypes };

/* ---- Types ---- */

static void layers_are_rounded_up_to_whole_blocks_and_64_bytes(void **state) {
  (void)state;
  static const struct {
    int32_t type;
    size_t stride, bytes, block_bytes; /* of 3 tokens of 96 */
  } expected[] = {{INFERMEM_DTYPE_F32, 288, 1152, 4},   {INFERMEM_DTYPE_F16, 288, 576, 2},
                  {INFERMEM_DTYPE_BF16, 288, 576, 2},   {INFERMEM_DTYPE_Q8_0, 1024, 1088, 34},
                  {INFERMEM_DTYPE_Q4_0, 1024, 576, 18}, {INFERMEM_DTYPE_Q4_1, 512, 320, 20}};
  for (size_t i = 0; i < kNTypes; i++) {
    infermem_kv *kv = make(typed(2, 3, 32, 3, expected[i].type));
    assert_int_equal(kv_layer_stride(kv, INFERMEM_KV_K), expected[i].stride);
    assert_int_equal(kv_memory_bytes(kv), 2 * 2 * expected[i].bytes);
    infermem_view first, second;
    assert_ok(kv_values(kv, 0, &first));
    assert_ok(kv_values(kv, 1, &second));
    assert_int_equal((char *)second.data - (char *)first.data, expected[i].bytes);
    assert_int_equal((uintptr_t)second.data % 64, 0);
    assert_int_equal(second.strides[1], expected[i].block_bytes);
    assert_int_equal(second.strides[0], stored_bytes(expected[i].type, 96));
    kv_free(kv);
  }
}

static void heads_must_be_whole_blocks(void **state) {
  (void)state;
  infermem_kv *kv = NULL;
  for (size_t i = 3; i < kNTypes; i++) {
    infermem_kv_options options = typed(1, 2, 48, 4, kTypes[i]); /* the row would be whole blocks */
    assert_fails(INFERMEM_E_SHAPE, kv_new(&options, &kv));
    assert_int_equal(infermem_error_detail()->expected, 32);
    assert_int_equal(infermem_error_detail()->got, 48);
    options.head_dim = 64;
    options.head_dim_v = 33;
    assert_fails(INFERMEM_E_SHAPE, kv_new(&options, &kv));
  }
  assert_null(kv);
}

static void each_layer_may_have_its_types(void **state) {
  (void)state;
  enum { kRow = 64 };
  const int32_t k_types[] = {INFERMEM_DTYPE_F16, INFERMEM_DTYPE_Q8_0, INFERMEM_DTYPE_Q4_0};
  int32_t v_types[] = {INFERMEM_DTYPE_Q4_1, INFERMEM_DTYPE_Q4_1, INFERMEM_DTYPE_Q4_1};
  infermem_kv_options options = typed(3, 2, 32, 5, INFERMEM_DTYPE_F32);
  options.k_types = k_types;
  options.v_types = v_types;
  infermem_kv *kv = make(options);
  assert_int_equal(kv_layer_stride(kv, INFERMEM_KV_K), 0); /* there is no one stride */
  assert_int_equal(kv_layer_stride(kv, INFERMEM_KV_V), 512);
  float *rows = test_random_floats(2 * 5 * kRow, 3);
  for (size_t layer = 0; layer < 3; layer++) {
    unsigned char expected[5 * kRow * 4];
    infermem_view view;
    assert_ok(kv_append(kv, layer, rows, 5 * kRow, rows + 5 * kRow, 5 * kRow, 5));
    assert_ok(kv_keys_pending(kv, layer, &view));
    assert_int_equal(view.dtype, k_types[layer]);
    assert_int_equal((uintptr_t)view.data % 64, 0);
    stored_encode(k_types[layer], rows, 5 * kRow, expected);
    assert_memory_equal(view.data, expected, view.bytes);
    assert_ok(kv_values_pending(kv, layer, &view));
    assert_int_equal(view.dtype, v_types[layer]);
  }
  kv_free(kv);
  free(rows);
  kv = NULL;
  v_types[2] = INFERMEM_DTYPE_Q6_K;
  assert_fails(INFERMEM_E_UNSUPPORTED, kv_new(&options, &kv));
  v_types[2] = 5;
  assert_fails(INFERMEM_E_TYPE, kv_new(&options, &kv));
  assert_null(kv);
}

static void blocks_are_gguf_files_blocks(void **state) {
  (void)state;
  static const struct {
    int32_t type;
    const char *extension;
  } files[] = {{INFERMEM_DTYPE_Q8_0, "q8_0"}, {INFERMEM_DTYPE_Q4_0, "q4_0"}, {INFERMEM_DTYPE_Q4_1, "q4_1"}};
  struct bytes floats = data_read("blocks", "floats", "f32");
  const float *values = (const float *)(const void *)floats.data;
  const size_t n = floats.size / sizeof *values;
  for (size_t i = 0; i < 3; i++) {
    struct bytes expected = data_read("blocks", "floats", files[i].extension);
    infermem_kv *kv = make(typed(1, 1, n, 1, files[i].type));
    infermem_view view;
    assert_ok(kv_append(kv, 0, values, n, values, n, 1));
    assert_ok(kv_keys_pending(kv, 0, &view));
    assert_int_equal(view.bytes, expected.size);
    assert_memory_equal(view.data, expected.data, expected.size);
    kv_free(kv);
    bytes_free(&expected);
  }
  bytes_free(&floats);
}

static void rows_of_16_bits_keep_every_bit_in_their_own_type(void **state) {
  (void)state;
  enum { kRow = 4096 };
  static uint16_t rows[kRow];
  for (size_t i = 0; i < kRow; i++) rows[i] = (uint16_t)(i * 16 + i % 16); /* NaNs, too, quiet or not */
  for (int bf16 = 0; bf16 < 2; bf16++) {
    infermem_kv *kv = make(typed(1, 1, kRow, 1, bf16 ? INFERMEM_DTYPE_BF16 : INFERMEM_DTYPE_F16));
    infermem_view view;
    assert_ok(bf16 ? kv_append_bf16(kv, 0, rows, kRow, rows, kRow, 1)
                   : kv_append_f16(kv, 0, rows, kRow, rows, kRow, 1));
    assert_ok(kv_values_pending(kv, 0, &view));
    assert_memory_equal(view.data, rows, sizeof rows);
    assert_fails(INFERMEM_E_NULL, kv_append_f16(kv, 0, NULL, kRow, rows, kRow, 1));
    assert_fails(INFERMEM_E_NULL, kv_append_f16(kv, 0, rows, kRow, NULL, kRow, 1));
    assert_fails(INFERMEM_E_NULL, kv_append_bf16(kv, 0, NULL, kRow, rows, kRow, 1));
    assert_fails(INFERMEM_E_NULL, kv_append_bf16(kv, 0, rows, kRow, NULL, kRow, 1));
    assert_fails(INFERMEM_E_SHAPE, kv_append_f16(kv, 0, rows, kRow - 1, rows, kRow, 1));
    assert_fails(INFERMEM_E_SHAPE, kv_append_bf16(kv, 0, rows, kRow, rows, kRow + 1, 1));
    kv_free(kv);
  }
}

/* ---- What blocks cannot hold ---- */

enum { kRefusedRow = 2048 }; /* two pieces of conversion */

static void refuse(infermem_kv *kv, float *rows, size_t at, float value, int32_t code, size_t index, int in_v) {
  static float good[kRefusedRow];
  const float before = rows[at];
  rows[at] = value;
  const float *const k = in_v ? good : rows, *const v = in_v ? rows : good;
  assert_fails(code, kv_append(kv, 0, k, kRefusedRow, v, kRefusedRow, 1));
  assert_int_equal(infermem_error_detail()->got, index);
  rows[at] = before;
}

static void what_a_block_cannot_hold_is_refused(void **state) {
  (void)state;
  static const float kLargest[] = {65520.0f * 127, 65520.0f * 8, 65520.0f};
  float *rows = test_random_floats(kRefusedRow, 5);
  for (size_t i = 3; i < kNTypes; i++) {
    for (uint32_t flags = 0; flags < 8; flags += 4) {
      infermem_kv_options options = typed(1, 2, kRefusedRow / 2, 2, kTypes[i]);
      options.flags = flags;
      infermem_kv *kv = make(options);
      for (int pending = 0; pending < 2; pending++) { /* a step in progress stays as it is */
        infermem_view view, now;
        if (pending) assert_ok(kv_append(kv, 0, rows, kRefusedRow, rows, kRefusedRow, 1));
        assert_ok(kv_keys_pending(kv, 0, &view));
        unsigned char *const copy = malloc(view.bytes + 1);
        assert_non_null(copy);
        memcpy(copy, view.data, view.bytes);
        for (int in_v = 0; in_v < 2; in_v++) {
          refuse(kv, rows, 1100, NAN, INFERMEM_E_NOT_FINITE, 1100, in_v);
          refuse(kv, rows, 33, -INFINITY, INFERMEM_E_NOT_FINITE, 33, in_v);
          refuse(kv, rows, 2047, -kLargest[i - 3], INFERMEM_E_LIMIT, 2016, in_v);
        }
        assert_ok(kv_keys_pending(kv, 0, &now));
        assert_memory_equal(&now, &view, sizeof view);
        assert_memory_equal(now.data, copy, view.bytes);
        free(copy);
      }
      assert_ok(kv_advance(kv, 1));
      kv_free(kv);
    }
  }
  free(rows);
  static const uint16_t infinite[32] = {[7] = 0x7c00};
  static const uint16_t large[32] = {[3] = 0x5000};
  infermem_kv *kv = make(typed(1, 1, 32, 1, INFERMEM_DTYPE_Q8_0));
  assert_fails(INFERMEM_E_NOT_FINITE, kv_append_f16(kv, 0, large, 32, infinite, 32, 1));
  assert_int_equal(infermem_error_detail()->got, 7);
  assert_fails(INFERMEM_E_LIMIT, kv_append_bf16(kv, 0, large, 32, infinite, 32, 1)); /* 2^33, of that type */
  assert_ok(kv_append_f16(kv, 0, large, 32, large, 32, 1));
  kv_free(kv);
}

/* ---- Rotation ---- */

/* Element i of a head, rotated in runs of so many: by the definition of the matrix, in double precision. */
static double rotated(const float *head, size_t i, size_t run) {
  const float *const from = head + i / run * run;
  double sum = 0;
  for (size_t j = 0; j < run; j++) sum += __builtin_parityll(i % run & j) ? -(double)from[j] : (double)from[j];
  return sum / sqrt((double)run);
}

static void heads_are_rotated_and_read_back(void **state) {
  (void)state;
  static const struct {
    size_t head_dim, run;
  } heads[] = {{128, 128}, {64, 64}, {96, 32}, {80, 16}, {40, 8}, {6, 2}, {7, 1}, {1, 1}, {256, 256}, {2048, 1024}};
  for (size_t h = 0; h < sizeof heads / sizeof *heads; h++) {
    const size_t dim = heads[h].head_dim, row = 2 * dim;
    infermem_kv_options options = typed(1, 2, dim, 3, INFERMEM_DTYPE_F32);
    options.flags = INFERMEM_KV_ROTATE_K;
    infermem_kv *kv = make(options);
    float *rows = test_random_floats(3 * row, h), *back = malloc(3 * row * sizeof *back);
    assert_non_null(back);
    assert_ok(kv_append(kv, 0, rows, 3 * row, rows, 3 * row, 3));
    infermem_view k, v;
    assert_ok(kv_keys_pending(kv, 0, &k));
    assert_ok(kv_values_pending(kv, 0, &v));
    assert_memory_equal(v.data, rows, 3 * row * sizeof *rows); /* values are not */
    assert_ok(kv_read(kv, 0, INFERMEM_KV_K, 0, 3, back, 3 * row));
    for (size_t i = 0; i < 3 * row; i++) {
      const double expected = rotated(rows + i / dim * dim, i % dim, heads[h].run);
      assert_true(fabs((double)((const float *)k.data)[i] - expected) < 2e-6);
      assert_true(fabsf(back[i] - rows[i]) < 2e-6f);
    }
    kv_free(kv);
    free(back);
    free(rows);
  }
}

/* The mean error of what is read back from a cache of that type. */
static double error_of(const float *rows, size_t n, int32_t type, uint32_t flags) {
  infermem_kv_options options = typed(1, n / 128, 128, 1, type);
  options.flags = flags;
  infermem_kv *kv = make(options);
  float *back = malloc(n * sizeof *back);
  assert_non_null(back);
  assert_ok(kv_append(kv, 0, rows, n, rows, n, 1));
  assert_ok(kv_read(kv, 0, INFERMEM_KV_V, 0, 1, back, n));
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += fabs((double)back[i] - (double)rows[i]);
  kv_free(kv);
  free(back);
  return sum / (double)n;
}

static void rotation_lessens_what_outliers_cost(void **state) {
  (void)state;
  enum { kN = 16 * 128 };
  float *rows = test_random_floats(kN, 6);
  for (size_t i = 0; i < kN; i += 32) rows[i + i / 32 % 32] *= 20; /* one in each block */
  for (size_t i = 3; i < kNTypes; i++)
    assert_true(error_of(rows, kN, kTypes[i], INFERMEM_KV_ROTATE_V) < 0.8 * error_of(rows, kN, kTypes[i], 0));
  free(rows);
}

static void rotated_values_that_overflow_are_refused(void **state) {
  (void)state;
  enum { kRow = 128 };
  float rows[kRow];
  for (size_t i = 0; i < kRow; i++) rows[i] = -65000.0f;
  infermem_kv_options options = typed(1, 1, kRow, 1, INFERMEM_DTYPE_Q4_1);
  infermem_kv *kv = make(options);
  assert_ok(kv_append(kv, 0, rows, kRow, rows, kRow, 1));
  kv_free(kv);
  options.flags = INFERMEM_KV_ROTATE_V;
  kv = make(options);
  assert_fails(INFERMEM_E_LIMIT, kv_append(kv, 0, rows, kRow, rows, kRow, 1)); /* all of them add up in one place */
  assert_int_equal(infermem_error_detail()->got, 0);
  for (size_t i = 0; i < kRow; i++) rows[i] = 3e38f;
  assert_fails(INFERMEM_E_LIMIT, kv_append(kv, 0, (const float[kRow]){0}, kRow, rows, kRow, 1));
  rows[5] = NAN;
  assert_fails(INFERMEM_E_NOT_FINITE, kv_append(kv, 0, (const float[kRow]){0}, kRow, rows, kRow, 1));
  assert_int_equal(infermem_error_detail()->got, 5);
  kv_free(kv);
}

/* ---- Storing past the caches ---- */

static void rows_past_the_caches_are_the_same(void **state) {
  (void)state;
  enum { kRow = 96, kTokens = 7 };
  float *rows = test_random_floats(kTokens * kRow, 9);
  for (size_t i = 0; i < kNTypes; i++) {
    unsigned char expected[kTokens * kRow * 4];
    infermem_kv_options options = typed(1, 1, kRow, 2 * kTokens, kTypes[i]);
    options.flags = INFERMEM_KV_STREAM;
    infermem_kv *kv = make(options);
    infermem_view view;
    stored_encode(kTypes[i], rows, kTokens * kRow, expected);
    for (size_t n = 1; n <= kTokens; n++) {
      assert_ok(kv_append(kv, 0, rows, n * kRow, rows, n * kRow, n));
      assert_ok(kv_keys_pending(kv, 0, &view));
      assert_memory_equal(view.data, expected, stored_bytes(kTypes[i], n * kRow));
    }
    kv_free(kv);
  }
  free(rows);
}

static void an_append_larger_than_the_caches_is_the_same(void **state) {
  (void)state;
  enum { kRow = 4096, kTokens = 2600 }; /* 40 MiB of keys */
  float *rows = test_random_floats((size_t)kTokens * kRow, 9);
  for (int rotate = 0; rotate < 2; rotate++) {
    infermem_kv_options options = typed(1, 1, kRow, kTokens, INFERMEM_DTYPE_F32);
    options.head_dim_v = 1;
    options.flags = rotate ? INFERMEM_KV_ROTATE_V : 0;
    infermem_kv *kv = make(options);
    infermem_view view;
    assert_ok(kv_append(kv, 0, rows, (size_t)kTokens * kRow, rows, kTokens, kTokens));
    assert_ok(kv_advance(kv, kTokens));
    assert_ok(kv_keys(kv, 0, &view));
    assert_memory_equal(view.data, rows, (size_t)kTokens * kRow * sizeof *rows);
    kv_free(kv);
  }
  free(rows);
}

/* ---- Memory ---- */

static void two_thousand_tokens_of_128k_cost_what_they_need(void **state) {
  (void)state;
  enum { kLayers = 4, kHeads = 8, kDim = 128, kRow = kHeads * kDim, kTokens = 2048 };
  float *rows = test_random_floats((size_t)kTokens * kRow, 4);
  for (size_t i = 0; i < kNTypes; i++) {
    infermem_kv *kv = make(typed(kLayers, kHeads, kDim, 131072, kTypes[i]));
    for (size_t layer = 0; layer < kLayers; layer++)
      assert_ok(kv_append(kv, layer, rows, (size_t)kTokens * kRow, rows, (size_t)kTokens * kRow, kTokens));
    assert_ok(kv_advance(kv, kTokens));
    const size_t needed = 2 * kLayers * stored_bytes(kTypes[i], (size_t)kTokens * kRow);
    const size_t committed = kv_memory_committed(kv);
    assert_true(committed >= needed && committed - needed <= needed / 50);
    assert_true(kv_memory_reserved(kv) >= 64 * needed);
    kv_free(kv);
  }
  free(rows);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(layers_are_rounded_up_to_whole_blocks_and_64_bytes),
      cmocka_unit_test(heads_must_be_whole_blocks),
      cmocka_unit_test(each_layer_may_have_its_types),
      cmocka_unit_test(blocks_are_gguf_files_blocks),
      cmocka_unit_test(rows_of_16_bits_keep_every_bit_in_their_own_type),
      cmocka_unit_test(what_a_block_cannot_hold_is_refused),
      cmocka_unit_test(heads_are_rotated_and_read_back),
      cmocka_unit_test(rotation_lessens_what_outliers_cost),
      cmocka_unit_test(rotated_values_that_overflow_are_refused),
      cmocka_unit_test(rows_past_the_caches_are_the_same),
      cmocka_unit_test(an_append_larger_than_the_caches_is_the_same),
      cmocka_unit_test(two_thousand_tokens_of_128k_cost_what_they_need),
  };
  return cmocka_run_group_tests_name("kv_types", tests, NULL, NULL);
}
