/* The field's block types, written by quant_quantize, against the vectors in data/blocks. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "fence.h"
#include "files.h"
#include "quants.h"

/* Those that can be written, and the largest magnitude that each takes whatever else is in the block. */
static const struct written {
  int32_t dtype;
  size_t elements, bytes;
  float limit;
} written[] = {
    {INFERMEM_DTYPE_Q4_0, 32, 18, 524032},      {INFERMEM_DTYPE_Q4_1, 32, 20, 65504},
    {INFERMEM_DTYPE_Q8_0, 32, 34, 8319008},     {INFERMEM_DTYPE_Q4_K, 256, 144, 4126752},
    {INFERMEM_DTYPE_Q6_K, 256, 210, 268304384}, {INFERMEM_DTYPE_Q8_K, 256, 292, 3.4e38f},
};
enum { kWritten = sizeof written / sizeof *written };

/* ---- Writing: bytes that are known ---- */

static void q4_0_q4_1_q8_0_and_q8_k_have_the_bytes_of_the_vectors(void **state) {
  (void)state;
  static const char *const names[] = {"q4_0", "q4_1", "q8_0", NULL, NULL, "q8_k"};
  struct bytes floats = data_read("blocks", "floats", "f32");
  const size_t n = floats.size / sizeof(float), rows = n / 256;
  assert_int_equal(n % 256, 0);
  for (size_t t = 0; t < kWritten; t++) {
    if (!names[t]) continue;
    struct bytes expected = data_read("blocks", "floats", names[t]);
    const size_t n_bytes = expected.size;
    assert_int_equal(n_bytes, n / written[t].elements * written[t].bytes);
    unsigned char *out = malloc(n_bytes + 2);
    assert_non_null(out);
    for (size_t offset = 0; offset < 2; offset++) {
      memset(out, 0xa5, n_bytes + 2);
      assert_ok(quant_quantize(written[t].dtype, (float *)(void *)floats.data, n, rows, 256, out + offset, n_bytes));
      for (size_t i = 0; i < n_bytes; i++)
        if (out[offset + i] != expected.data[i])
          fail_msg("%s: byte %zu of block %zu (row %zu) is %02x, not %02x", names[t], i % written[t].bytes,
                   i / written[t].bytes, i / written[t].bytes * written[t].elements / 256, out[offset + i],
                   expected.data[i]);
      assert_true(out[offset == 0 ? n_bytes + 1 : 0] == 0xa5 && out[offset == 0 ? n_bytes : n_bytes + 1] == 0xa5);
    }
    free(out);
    bytes_free(&expected);
  }
  bytes_free(&floats);
}

static void known_values_have_known_bytes(void **state) {
  (void)state;
  float x[256] = {0};
  unsigned char out[292];

  /* A scale of 1: halves are rounded up in Q4_0, away from 0 in Q8_0. */
  x[0] = -8, x[1] = 7, x[2] = 0.5f, x[3] = -0.5f, x[16] = 3, x[17] = -1.5f;
  assert_ok(quant_quantize(INFERMEM_DTYPE_Q4_0, x, 32, 1, 32, out, 18));
  const unsigned char q4_0[] = {0x00, 0x3c, 0xb0, 0x7f, 0x89, 0x88, 0x88};
  assert_memory_equal(out, q4_0, sizeof q4_0);
  x[0] = 127;
  assert_ok(quant_quantize(INFERMEM_DTYPE_Q8_0, x, 32, 1, 32, out, 34));
  const unsigned char q8_0[] = {0x00, 0x3c, 127, 7, 1, 0xff, 0};
  assert_memory_equal(out, q8_0, sizeof q8_0);
  assert_int_equal(out[2 + 17], 0xfe);
  x[0] = -2, x[1] = 13;
  assert_ok(quant_quantize(INFERMEM_DTYPE_Q4_1, x, 32, 1, 32, out, 20));
  const unsigned char q4_1[] = {0x00, 0x3c, 0x00, 0xc0, 0x50, 0x1f, 0x23, 0x22};
  assert_memory_equal(out, q4_1, sizeof q4_1);

  /* Q8_K: the farthest value is level -127, ties go to even, and sums are kept. */
  x[0] = -127, x[1] = 2.5f, x[2] = 0.5f, x[3] = -0.5f, x[16] = 100, x[17] = -1.5f;
  assert_ok(quant_quantize(INFERMEM_DTYPE_Q8_K, x, 256, 1, 256, out, 292));
  const unsigned char q8_k[] = {0, 0, 0x80, 0x3f, 0x81, 2, 0, 0};
  assert_memory_equal(out, q8_k, sizeof q8_k);
  assert_true(out[4 + 16] == 100 && out[4 + 17] == 0xfe);
  const unsigned char sums[] = {0x83, 0xff, 98, 0, 0, 0}; /* -125, 98 */
  assert_memory_equal(out + 260, sums, sizeof sums);
}

static void zeros_of_either_sign_are_stored_as_ggml_stores_them(void **state) {
  (void)state;
  float x[256], decoded[256];
  unsigned char out[292];
  for (int kind = 0; kind < 3; kind++) { /* all +0, all -0, -0 first */
    for (int i = 0; i < 256; i++) x[i] = kind == 0 || (kind == 2 && i % 2) ? 0.0f : -0.0f;
    for (size_t t = 0; t < kWritten; t++) {
      memset(out, 0xa5, sizeof out);
      assert_ok(
          quant_quantize(written[t].dtype, x, written[t].elements, 1, written[t].elements, out, written[t].bytes));
      if (written[t].dtype == INFERMEM_DTYPE_Q4_0) assert_true(out[0] == 0 && out[1] == 0x80); /* 0 / -8 */
      if (written[t].dtype == INFERMEM_DTYPE_Q4_1) assert_true(out[2] == 0 && out[3] == (kind == 0 ? 0 : 0x80));
      if (written[t].dtype == INFERMEM_DTYPE_Q8_K)
        for (size_t i = 0; i < 292; i++) assert_int_equal(out[i], 0);
      infermem_quant *q = borrow(written[t].dtype, out, written[t].bytes, 1, written[t].elements);
      assert_ok(quant_to_f32(q, decoded, written[t].elements));
      for (size_t i = 0; i < written[t].elements; i++) assert_true(decoded[i] == 0);
      quant_free(q);
    }
  }
}

/* ---- Seeded weights, of several distributions, in arithmetic that is the same everywhere ---- */

enum { kRows = 8, kCols = 1024, kWeights = kRows * kCols };

/* Nearly normal, of variance 1: a sum of twelve. */
static float normal(uint64_t *seed) {
  float sum = 0;
  for (int i = 0; i < 12; i++) sum += test_random_float(seed);
  return sum / 2;
}

/* One of 11 kinds. */
static void make_weights(int kind, float *out) {
  uint64_t seed = 1000 + (uint64_t)kind;
  float constant = 0;
  for (int i = 0; i < kWeights; i++) {
    const float u = test_random_float(&seed), g = normal(&seed);
    if (i % 256 == 0) constant = 3 * u;
    switch (kind) {
      case 0:
        out[i] = g;
        break;
      case 1:
        out[i] = u / (1.02f - (u < 0 ? -u : u));
        break; /* heavy tails */
      case 2:
        out[i] = i % 256 == i / 256 * 37 % 256 ? 40 : g;
        break; /* an outlier in each block of 256 */
      case 3:
        out[i] = constant;
        break;
      case 4:
        out[i] = 0;
        break;
      case 5:
        out[i] = u;
        break;
      case 6:
        out[i] = u + 1.01f;
        break;
      case 7:
        out[i] = g - 6;
        break;
      case 8:
        out[i] = i % 7 == 0 ? g : 0;
        break;
      case 9:
        out[i] = g * 1e-5f;
        break;
      case 10:
        out[i] = g * 1e5f;
        break;
    }
  }
}

/* Quantizes the matrix, reads it back, and measures it. */
static double rmse_of(size_t t, const float *weights, size_t rows, size_t cols) {
  const size_t n = rows * cols, n_bytes = n / written[t].elements * written[t].bytes;
  unsigned char *bytes = malloc(n_bytes);
  assert_non_null(bytes);
  assert_ok(quant_quantize(written[t].dtype, weights, n, rows, cols, bytes, n_bytes));
  infermem_quant *q = borrow(written[t].dtype, bytes, n_bytes, rows, cols);
  INFERMEM_STRUCT(infermem_quant_errors, errors);
  assert_ok(quant_error(q, weights, n, &errors));
  quant_free(q);
  free(bytes);
  return errors.rmse;
}

/* ---- Writing: errors that are small ---- */

static void q4_k_and_q6_k_lose_no_more_than_ggml(void **state) {
  (void)state;
  /* The root mean square error of GGML's quantize_row_q4_K_ref and quantize_row_q6_K_ref on these weights (d99724f2, gcc
   * 12, -O2, x86-64). */
  static const double ggml[11][2] = {
      {0.070514709833242747, 0.017381377691009128},
      {0.64505720012532808, 0.18313279964987625},
      {0.26328782932217143, 0.092322245464252731},
      {0.00034541198122622837, 0.00034480867333339327},
      {0, 0},
      {0.031595003957486802, 0.0076433167938595786},
      {0.033908441181194231, 0.015386026391537289},
      {0.07350874673302199, 0.060184608562600127},
      {0.019708991581906185, 0.0030477367023854928},
      {9.424033733125986e-07, 1.0117313554292993e-05},
      {6956.2366108924307, 1729.1458689696258},
  };
  static float weights[kWeights];
  for (int kind = 0; kind < 11; kind++) {
    make_weights(kind, weights);
    for (int t = 0; t < 2; t++) {
      const double rmse = rmse_of(t == 0 ? 3 : 4, weights, kRows, kCols);
      if (!(rmse <= ggml[kind][t]))
        fail_msg("kind %d, %s: %.9g, not at most %.9g", kind, t ? "Q6_K" : "Q4_K", rmse, ggml[kind][t]);
    }
  }
}

static void a_search_gives_the_same_bytes_everywhere(void **state) {
  (void)state;
  /* FNV-1a over the blocks of all kinds; another search would have other sums. */
  static const uint64_t sums[2] = {0x4432f0fbd1f6afd8, 0xf404b97b85c0db88};
  static float weights[kWeights];
  static unsigned char bytes[kWeights / 256 * 210];
  for (size_t t = 3; t < 5; t++) {
    const size_t n_bytes = kWeights / 256 * written[t].bytes;
    uint64_t sum = 0xcbf29ce484222325;
    for (int kind = 0; kind < 11; kind++) {
      make_weights(kind, weights);
      assert_ok(quant_quantize(written[t].dtype, weights, kWeights, kRows, kCols, bytes, n_bytes));
      for (size_t i = 0; i < n_bytes; i++) sum = (sum ^ bytes[i]) * 0x100000001b3;
    }
    if (sum != sums[t - 3]) fail_msg("%s: %016llx", infermem_dtype_name(written[t].dtype), (unsigned long long)sum);
  }
}

static void every_value_is_near_its_own(void **state) {
  (void)state;
  /* Of values within -1 and 1: half a level's step, and what a scale of 11 or fewer bits may be off. */
  static const double bounds[kWritten] = {
      0.5 / 8 + 0.5 / 8 + 1e-3, 1.0 / 15 + 2e-3, 0.5 / 127 + 1e-3, 2.0 / 15, 3.0 / 64, 0.5 / 127 + 1e-6};
  float weights[1024], out[1024];
  unsigned char bytes[1024 / 32 * 37];
  uint64_t seed = 77;
  for (int round = 0; round < 8; round++) {
    for (int i = 0; i < 1024; i++) weights[i] = test_random_float(&seed);
    for (size_t t = 0; t < kWritten; t++) {
      const size_t n_bytes = 1024 / written[t].elements * written[t].bytes;
      assert_ok(quant_quantize(written[t].dtype, weights, 1024, 2, 512, bytes, n_bytes));
      infermem_quant *q = borrow(written[t].dtype, bytes, n_bytes, 2, 512);
      assert_ok(quant_to_f32(q, out, 1024));
      for (int i = 0; i < 1024; i++)
        if (!(fabs((double)out[i] - (double)weights[i]) <= bounds[t]))
          fail_msg("type %d: %.9g became %.9g", written[t].dtype, (double)weights[i], (double)out[i]);
      quant_free(q);
    }
  }
}

static void a_constant_block_comes_back_within_an_f16s_rounding(void **state) {
  (void)state;
  static const float values[] = {1, -1, 0.3f, -3.7f, 1e4f, -1e4f, 0.7f};
  float x[256], out[256];
  unsigned char bytes[292];
  for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
    for (int i = 0; i < 256; i++) x[i] = values[v];
    for (size_t t = 0; t < kWritten; t++) {
      assert_ok(
          quant_quantize(written[t].dtype, x, written[t].elements, 1, written[t].elements, bytes, written[t].bytes));
      infermem_quant *q = borrow(written[t].dtype, bytes, written[t].bytes, 1, written[t].elements);
      assert_ok(quant_to_f32(q, out, written[t].elements));
      for (size_t i = 0; i < written[t].elements; i++)
        assert_true(fabs((double)out[i] / (double)values[v] - 1) <= 0x1p-11);
      quant_free(q);
    }
  }
}

static void blocks_do_not_depend_on_their_neighbours(void **state) {
  (void)state;
  float weights[1024];
  unsigned char all[4 * 292 * 8], one[292];
  uint64_t seed = 5;
  for (int i = 0; i < 1024; i++) weights[i] = test_random_float(&seed) * (float)(1 + i / 256);
  for (size_t t = 0; t < kWritten; t++) {
    const size_t blocks = 1024 / written[t].elements;
    assert_ok(quant_quantize(written[t].dtype, weights, 1024, 4, 256, all, blocks * written[t].bytes));
    for (size_t i = 0; i < blocks; i++) {
      assert_ok(quant_quantize(written[t].dtype, weights + i * written[t].elements, written[t].elements, 1,
                               written[t].elements, one, written[t].bytes));
      assert_memory_equal(one, all + i * written[t].bytes, written[t].bytes);
    }
  }
}

static void denormals_and_far_apart_values_give_finite_blocks(void **state) {
  (void)state;
  float x[256], out[256];
  unsigned char bytes[292];
  uint64_t seed = 12;
  for (int exponent = -149; exponent <= 15; exponent++) {
    double largest = 0;
    for (int i = 0; i < 256; i++) {
      x[i] = ldexpf(test_random_float(&seed), i % 3 == 0 ? exponent - (int)test_random_below(&seed, 40) : exponent);
      largest = fmax(largest, fabs((double)x[i]));
    }
    for (size_t t = 0; t < kWritten; t++) {
      const size_t n = written[t].elements;
      assert_ok(quant_quantize(written[t].dtype, x, n, 1, n, bytes, written[t].bytes));
      infermem_quant *q = borrow(written[t].dtype, bytes, written[t].bytes, 1, n);
      assert_ok(quant_to_f32(q, out, n));
      /* The smallest F16 is 2^-24: a scale may be off by half of it, and a level of 127 by 127 times as much. */
      for (size_t i = 0; i < n; i++)
        if (!(fabs((double)out[i] - (double)x[i]) <= fmax(largest * 0.15, fmin(3 * largest, 0x1p-18))))
          fail_msg("%s, 2^%d: %.9g became %.9g", infermem_dtype_name(written[t].dtype), exponent, (double)x[i],
                   (double)out[i]);
      quant_free(q);
    }
  }
}

static void values_up_to_the_limit_are_taken_and_beyond_refused(void **state) {
  (void)state;
  unsigned char bytes[2 * 292 * 8], before[sizeof bytes];
  float x[512], out[512];
  memset(bytes, 0x5a, sizeof bytes);
  memcpy(before, bytes, sizeof bytes);
  for (size_t t = 0; t < kWritten; t++) {
    const size_t n = 512, n_bytes = n / written[t].elements * written[t].bytes;
    for (int sign = 0; sign < 4; sign++) {
      for (size_t i = 0; i < n; i++) x[i] = (i % 2 ? sign & 1 : sign >> 1) ? -written[t].limit : written[t].limit;
      unsigned char *room = malloc(n_bytes);
      assert_non_null(room);
      assert_ok(quant_quantize(written[t].dtype, x, n, 2, 256, room, n_bytes));
      infermem_quant *q = borrow(written[t].dtype, room, n_bytes, 2, 256);
      assert_ok(quant_to_f32(q, out, n));
      for (size_t i = 0; i < n; i++) {
        assert_true(isfinite(out[i]));
        assert_true(fabs((double)out[i] / (double)x[i] - 1) <= 0.13);
      }
      quant_free(q);
      free(room);
    }
    memset(x, 0, sizeof x);
    x[300] = -FLT_MAX;
    assert_fails(INFERMEM_E_LIMIT, quant_quantize(written[t].dtype, x, n, 2, 256, bytes, n_bytes));
    assert_int_equal(infermem_error_detail()->got, 300 / written[t].elements * written[t].elements);
    assert_non_null(strstr(infermem_error_detail()->message, infermem_dtype_name(written[t].dtype)));
    x[300] = FLT_MAX;
    x[301] = -FLT_MAX;
    assert_fails(INFERMEM_E_LIMIT, quant_quantize(written[t].dtype, x, n, 2, 256, bytes, n_bytes));
    x[300] = 0;
    if (written[t].dtype == INFERMEM_DTYPE_Q8_K) continue;
    x[301] = -written[t].limit * 1.001f;
    assert_fails(INFERMEM_E_LIMIT, quant_quantize(written[t].dtype, x, n, 2, 256, bytes, n_bytes));
    assert_memory_equal(bytes, before, sizeof bytes);
  }
}

/* ---- Writing: what is refused ---- */

static void a_value_that_is_not_finite_is_refused_and_nothing_written(void **state) {
  (void)state;
  static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
  unsigned char bytes[3 * 292 * 8], before[sizeof bytes];
  memset(bytes, 0x5a, sizeof bytes);
  memcpy(before, bytes, sizeof bytes);
  for (size_t t = 0; t < kWritten; t++)
    for (size_t b = 0; b < 4; b++)
      for (size_t at = 0; at < 768; at += 59) {
        float x[768] = {0};
        x[at] = x[767] = bad[b];
        assert_fails(INFERMEM_E_NOT_FINITE, quant_quantize(written[t].dtype, x, 768, 3, 256, bytes,
                                                           768 / written[t].elements * written[t].bytes));
        assert_int_equal(infermem_error_detail()->got, at);
        char index[64];
        snprintf(index, sizeof index, "element %zu (row %zu, column %zu)", at, at / 256, at % 256);
        assert_non_null(strstr(infermem_error_detail()->message, index));
      }
  assert_memory_equal(bytes, before, sizeof bytes);
}

static void what_cannot_be_quantized_is_refused(void **state) {
  (void)state;
  float x[512] = {1, 2, 3};
  unsigned char bytes[4096], before[sizeof bytes];
  memset(bytes, 0x5a, sizeof bytes);
  memcpy(before, bytes, sizeof bytes);
  for (size_t t = 0; t < kWritten; t++) {
    const int32_t dtype = written[t].dtype;
    const size_t n_bytes = 512 / written[t].elements * written[t].bytes, half = written[t].elements / 2;
    assert_fails(INFERMEM_E_NULL, quant_quantize(dtype, NULL, 512, 2, 256, bytes, n_bytes));
    assert_fails(INFERMEM_E_NULL, quant_quantize(dtype, x, 512, 2, 256, NULL, n_bytes));
    assert_fails(INFERMEM_E_SHAPE, quant_quantize(dtype, x, 0, 0, 256, bytes, 0));
    assert_fails(INFERMEM_E_SHAPE, quant_quantize(dtype, x, 0, 2, 0, bytes, 0));
    assert_fails(INFERMEM_E_SHAPE, quant_quantize(dtype, x, 511, 2, 256, bytes, n_bytes));
    assert_int_equal(infermem_error_detail()->expected, 512);
    assert_int_equal(infermem_error_detail()->got, 511);
    assert_fails(INFERMEM_E_SHAPE, quant_quantize(dtype, x, 512, 2, 256, bytes, n_bytes - 1));
    assert_int_equal(infermem_error_detail()->expected, n_bytes);
    assert_int_equal(infermem_error_detail()->got, n_bytes - 1);
    assert_fails(INFERMEM_E_SHAPE, quant_quantize(dtype, x, 512, 2, 256, bytes, n_bytes + 1));
    assert_fails(INFERMEM_E_SHAPE, quant_quantize(dtype, x, 2 * half, 2, half, bytes, written[t].bytes));
    assert_fails(INFERMEM_E_OVERFLOW, quant_quantize(dtype, x, 512, SIZE_MAX / 256 + 1, 256, bytes, n_bytes));
    assert_fails(INFERMEM_E_OVERFLOW, quant_quantize(dtype, x, 512, 3, SIZE_MAX / 512 * 256, bytes, n_bytes));
  }
  /* Where the elements fit and the bytes do not. */
  assert_fails(INFERMEM_E_OVERFLOW,
               quant_quantize(INFERMEM_DTYPE_Q8_0, x, 512, SIZE_MAX / 32, 32, bytes, sizeof bytes));
  static const int32_t unknown[] = {-1, 4, 5, 99, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
    assert_fails(INFERMEM_E_TYPE, quant_quantize(unknown[i], x, 512, 2, 256, bytes, 1024));
  size_t refused = 0;
  for (int32_t dtype = 0; dtype < 64; dtype++) {
    if (strcmp(infermem_dtype_name(dtype), "unknown") == 0) continue;
    size_t t = 0;
    while (t < kWritten && written[t].dtype != dtype) t++;
    if (t < kWritten) continue;
    assert_fails(INFERMEM_E_UNSUPPORTED, quant_quantize(dtype, x, 512, 2, 256, bytes, 1024));
    assert_non_null(strstr(infermem_error_detail()->message, infermem_dtype_name(dtype)));
    refused++;
  }
  assert_int_equal(refused, 29);
  assert_memory_equal(bytes, before, sizeof bytes);
}

static void quantizing_touches_no_byte_beyond_either_matrix(void **state) {
  (void)state;
  for (size_t t = 0; t < kWritten; t++) {
    const size_t n = 3 * written[t].elements, n_bytes = 3 * written[t].bytes;
    struct fenced in = fence(n * sizeof(float)), out = fence(n_bytes);
    unsigned char first[3 * 292];
    for (int end = 0; end < 2; end++) {
      float *x = (float *)(void *)(end ? in.end - n * sizeof(float) : in.begin);
      unsigned char *bytes = end ? out.end - n_bytes : out.begin;
      uint64_t seed = 9;
      for (size_t i = 0; i < n; i++) x[i] = test_random_float(&seed);
      assert_ok(quant_quantize(written[t].dtype, x, n, 3, written[t].elements, bytes, n_bytes));
      if (end)
        assert_memory_equal(bytes, first, n_bytes);
      else
        memcpy(first, bytes, n_bytes);
    }
    unfence(&in);
    unfence(&out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(q4_0_q4_1_q8_0_and_q8_k_have_the_bytes_of_the_vectors),
      cmocka_unit_test(known_values_have_known_bytes),
      cmocka_unit_test(zeros_of_either_sign_are_stored_as_ggml_stores_them),
      cmocka_unit_test(q4_k_and_q6_k_lose_no_more_than_ggml),
      cmocka_unit_test(a_search_gives_the_same_bytes_everywhere),
      cmocka_unit_test(every_value_is_near_its_own),
      cmocka_unit_test(a_constant_block_comes_back_within_an_f16s_rounding),
      cmocka_unit_test(blocks_do_not_depend_on_their_neighbours),
      cmocka_unit_test(denormals_and_far_apart_values_give_finite_blocks),
      cmocka_unit_test(values_up_to_the_limit_are_taken_and_beyond_refused),
      cmocka_unit_test(a_value_that_is_not_finite_is_refused_and_nothing_written),
      cmocka_unit_test(what_cannot_be_quantized_is_refused),
      cmocka_unit_test(quantizing_touches_no_byte_beyond_either_matrix),
  };
  return cmocka_run_group_tests_name("quant_write_blocks", tests, NULL, NULL);
}
