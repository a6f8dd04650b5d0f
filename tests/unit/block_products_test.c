/* Matrices in GGML's block types, converted and multiplied where they lie by every instruction set: against the plain code,
 * and against double precision. */
#include <math.h>
#include <stdlib.h>

#include "fence.h"

/* A type: its block, and the F16 numbers in it; of Q8_K the scale is an F32, and of MXFP4 an exponent. */
typedef struct {
  int32_t dtype;
  size_t elements, bytes, bits;
  size_t n_halves, halves[2];
} type;

static const type kTypes[] = {
    {INFERMEM_DTYPE_Q4_0, 32, 18, 4, 1, {0}},       {INFERMEM_DTYPE_Q4_1, 32, 20, 4, 2, {0, 2}},
    {INFERMEM_DTYPE_Q8_0, 32, 34, 8, 1, {0}},       {INFERMEM_DTYPE_Q4_K, 256, 144, 4, 2, {0, 2}},
    {INFERMEM_DTYPE_Q6_K, 256, 210, 6, 1, {208}},   {INFERMEM_DTYPE_Q5_0, 32, 22, 5, 1, {0}},
    {INFERMEM_DTYPE_Q5_1, 32, 24, 5, 2, {0, 2}},    {INFERMEM_DTYPE_Q5_K, 256, 176, 5, 2, {0, 2}},
    {INFERMEM_DTYPE_Q2_K, 256, 84, 2, 2, {80, 82}}, {INFERMEM_DTYPE_Q3_K, 256, 110, 3, 1, {108}},
    {INFERMEM_DTYPE_Q8_K, 256, 292, 8, 0, {0}},     {INFERMEM_DTYPE_MXFP4, 32, 17, 4, 0, {0}},
};
#define N_TYPES (sizeof kTypes / sizeof *kTypes)

enum { kRows = 3, kMostCols = 4096 + 256, kVectors = 3 };

/* Infinities, NaNs, denormals, zeros, the largest: what a file may hold. */
static const uint16_t kSpecial[] = {0x7c00, 0xfc00, 0x7e00, 0xfd01, 0x0001, 0x83ff, 0x0000, 0x8000, 0x7bff, 0xfbff};

static uint64_t seed = 5;

static void put_half(uint8_t *at, uint16_t half) { memcpy(at, &half, sizeof half); }

/* Random levels and integers; scales of either sign about 2^-4, or anything special in one block of `one_in`. */
static void fill(const type *t, uint8_t *bytes, size_t n_blocks, size_t one_in) {
  for (size_t i = 0; i < n_blocks * t->bytes; i++) bytes[i] = (uint8_t)test_random(&seed);
  for (size_t b = 0; b < n_blocks; b++) {
    uint8_t *const block = bytes + b * t->bytes;
    const int special = one_in != 0 && test_random_below(&seed, one_in) == 0;
    for (size_t i = 0; i < t->n_halves; i++) {
      const uint16_t usual = (uint16_t)((0x2800 + test_random_below(&seed, 0x800)) | (test_random(&seed) & 0x8000));
      const uint16_t any = kSpecial[test_random_below(&seed, sizeof kSpecial / sizeof *kSpecial)];
      put_half(block + t->halves[i], special ? any : usual);
    }
    if (t->dtype == INFERMEM_DTYPE_Q8_K) {
      const float scale = special ? INFINITY : test_random_float(&seed);
      memcpy(block, &scale, sizeof scale);
    }
    if (t->dtype == INFERMEM_DTYPE_MXFP4) block[0] = (uint8_t)(120 + test_random_below(&seed, 10));
  }
}

static double half_of(const uint8_t *at) {
  uint16_t half;
  memcpy(&half, at, sizeof half);
  const int exponent = half >> 10 & 31;
  const double mantissa = half & 1023;
  return exponent == 0 ? ldexp(mantissa, -24)
                       : ldexp(mantissa + 1024, exponent - 25); /* the magnitude of a finite one */
}

/* The largest magnitude of a scale in a row: of Q4_K and Q6_K the product of the block's and a run's. */
static double largest_scale(const type *t, const uint8_t *row, size_t cols) {
  double largest = 0;
  for (size_t b = 0; b < cols / t->elements; b++, row += t->bytes) {
    int integer = 1;
    for (int run = 0; t->dtype == INFERMEM_DTYPE_Q6_K && run < 16; run++)
      if (abs((int8_t)row[192 + run]) > integer) integer = abs((int8_t)row[192 + run]);
    for (int run = 0; t->dtype == INFERMEM_DTYPE_Q4_K && run < 8; run++) {
      const int scale = run < 4 ? row[4 + run] & 63 : (row[8 + run] & 15) | row[run] >> 6 << 4;
      if (scale > integer) integer = scale;
    }
    if (t->n_halves != 0) largest = fmax(largest, integer * half_of(row + t->halves[0]));
  }
  return largest;
}

/* The elements that activations stand for. */
static void dequantize(const float *x, size_t n, double *out) {
  for (size_t first = 0; first < n; first += 32) {
    float farthest = 0;
    for (size_t i = first; i < first + 32; i++) farthest = fmaxf(farthest, fabsf(x[i]));
    const float scale = farthest / 127.0f, per_level = farthest >= 0x1p-100f ? 127.0f / farthest : 0.0f;
    for (size_t i = first; i < first + 32; i++)
      out[i] = farthest >= 0x1p-100f ? (double)scale * (double)nearbyintf(x[i] * per_level) : 0.0;
  }
}

/* What must hold of the product of a row with x; of one that is not finite, that the result is neither. steps: how many
 * roundings the bound is for. */
static void assert_product(const type *t, float got, const float *row, const double *x, size_t n, double least,
                           size_t steps) {
  double sum = 0, largest = least, magnitude = 0;
  for (size_t i = 0; i < n; i++) {
    sum += (double)row[i] * x[i];
    largest = fmax(largest, fabs((double)row[i]));
    magnitude += fabs(x[i]);
  }
  if (!isfinite(sum)) {
    assert_true(!isfinite(got));
    return;
  }
  const double bound = (double)steps * 0x1p-23 * largest * magnitude;
  if (!(fabs((double)got - sum) <= bound))
    fail_msg("%s, %s, %zu columns: %.9g, not %.9g, within %.3g", infermem_simd_name(), infermem_dtype_name(t->dtype), n,
             (double)got, sum, bound);
}

typedef struct {
  float x[kVectors * kMostCols];
  double elements[kVectors * kMostCols], exact[kVectors * kMostCols];
  float weights[kRows * kMostCols], floats[kRows * kMostCols + 1], out[kVectors * kRows];
} work;

static void check(const type *t, const infermem_quant *q, const uint8_t *bytes, size_t cols, work *w) {
  const size_t row_bytes = cols / t->elements * t->bytes, n = kRows * cols;
  assert_ok(infermem_simd_select("reference"));
  assert_ok(quant_to_f32(q, w->weights, n));
  for (size_t i = 0; i < kVectors * cols; i++) w->exact[i] = (double)w->x[i];
  const size_t n_xq = quant_activations_bytes(cols, kVectors), n_one = quant_activations_bytes(cols, 1);
  const struct fenced all = fence(n_xq), one = fence(n_one);
  void *const xq = all.end - n_xq, *const x1 = one.end - n_one;
  for (size_t v = 0; v < kVectors; v++) dequantize(w->x + v * cols, cols, w->elements + v * cols);

  const char *set;
  for (size_t k = 0; (set = infermem_simd_available(k)) != NULL; k++) {
    assert_ok(infermem_simd_select(set));
    assert_ok(quant_activations(w->x, cols * kVectors, cols, kVectors, xq, n_xq));
    assert_ok(quant_activations(w->x, cols, cols, 1, x1, n_one));
    w->floats[n] = 12345.0f;
    assert_ok(quant_to_f32(q, w->floats, n));
    assert_true(w->floats[n] == 12345.0f);
    for (size_t i = 0; i < n; i++)
      if (memcmp(&w->floats[i], &w->weights[i], sizeof(float)) != 0 && !(isnan(w->floats[i]) && isnan(w->weights[i])))
        fail_msg("%s, %s: element %zu is %a, not %a", set, infermem_dtype_name(t->dtype), i, (double)w->floats[i],
                 (double)w->weights[i]);

    assert_ok(quant_gemm_q8(q, 0, kRows, xq, n_xq, kVectors, w->out, kRows, kVectors * kRows));
    for (size_t i = 0; i < kVectors * kRows; i++) {
      const double least = ldexp(largest_scale(t, bytes + i % kRows * row_bytes, cols), (int)t->bits);
      assert_product(t, w->out[i], w->weights + i % kRows * cols, w->elements + i / kRows * cols, cols, least,
                     cols / 8 + 8);
    }
    assert_ok(quant_gemv_q8(q, 1, kRows - 1, x1, n_one, w->out + kRows, kRows - 1));
    assert_memory_equal(w->out + kRows, w->out + 1, (kRows - 1) * sizeof(float)); /* a row's bits are its own */

    assert_ok(quant_gemm(q, 0, kRows, w->x, cols * kVectors, kVectors, w->out, kRows, kVectors * kRows));
    for (size_t i = 0; i < kVectors * kRows; i++)
      assert_product(t, w->out[i], w->weights + i % kRows * cols, w->exact + i / kRows * cols, cols, 0, cols + 8);
    assert_ok(quant_gemv(q, 1, kRows - 1, w->x, cols, w->out + kRows, kRows - 1));
    assert_memory_equal(w->out + kRows, w->out + 1, (kRows - 1) * sizeof(float));
  }
  assert_ok(infermem_simd_select(NULL));
  unfence(&one);
  unfence(&all);
}

/* Of each type rows of various lengths, at the end of the memory that there is, and one byte before it. */
static void check_types(size_t one_in) {
  static const size_t kCols[] = {32, 64, 96, 160, 256, 288, 512, 768, 1376, 4096, kMostCols};
  work *const w = malloc(sizeof *w);
  assert_non_null(w);
  for (size_t i = 0; i < kVectors * kMostCols; i++) w->x[i] = test_random_float(&seed);
  memset(w->x + 64, 0, 32 * sizeof(float)); /* activations without a scale */
  for (size_t i = 0; i < N_TYPES; i++) {
    const type *const t = &kTypes[i];
    for (size_t c = 0; c < sizeof kCols / sizeof *kCols; c++) {
      const size_t cols = kCols[c], n_bytes = kRows * cols / t->elements * t->bytes;
      if (cols % t->elements != 0) continue;
      const struct fenced f = fence(n_bytes + 1);
      for (size_t shift = 0; shift < 2; shift++) {
        uint8_t *const bytes = f.end - n_bytes - shift;
        fill(t, bytes, n_bytes / t->bytes, one_in);
        infermem_quant *q = NULL;
        assert_ok(quant_borrow(t->dtype, bytes, n_bytes, kRows, cols, NULL, &q));
        check(t, q, bytes, cols, w);
        quant_free(q);
      }
      unfence(&f);
    }
  }
  free(w);
}

static void every_type_is_converted_and_multiplied(void **state) {
  (void)state;
  check_types(0);
}

static void special_scales_give_what_they_stand_for(void **state) {
  (void)state;
  check_types(1); /* a row of finite ones is found among short ones */
  check_types(60);
}

/* The largest integers that there are: of levels, activations, and integers of runs. */
static void the_largest_levels_do_not_overflow(void **state) {
  (void)state;
  work *const w = malloc(sizeof *w);
  assert_non_null(w);
  static uint8_t bytes[kRows * kMostCols / 32 * 34];
  for (size_t i = 0; i < kVectors * kMostCols; i++) w->x[i] = i / kMostCols == 0 ? 1.0f : i % 2 ? 1.0f : -1.0f;
  for (size_t i = 0; i < N_TYPES; i++) {
    const type *const t = &kTypes[i];
    static const uint8_t kPatterns[] = {0xff, 0x00, 0x80, 0x7f};
    for (size_t p = 0; p < sizeof kPatterns; p++) {
      const size_t cols = 768, n_bytes = kRows * cols / t->elements * t->bytes;
      memset(bytes, kPatterns[p], n_bytes);
      for (size_t b = 0; b < n_bytes / t->bytes; b++) {
        for (size_t h = 0; h < t->n_halves; h++)
          put_half(bytes + b * t->bytes + t->halves[h], h == 0 ? 0x3c00 : 0x3400);
        if (t->dtype == INFERMEM_DTYPE_Q8_K) memset(bytes + b * t->bytes, 0x3f, 4);
        if (t->dtype == INFERMEM_DTYPE_MXFP4) bytes[b * t->bytes] = 127;
      }
      infermem_quant *q = NULL;
      assert_ok(quant_borrow(t->dtype, bytes, n_bytes, kRows, cols, NULL, &q));
      check(t, q, bytes, cols, w);
      quant_free(q);
    }
  }
  free(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_type_is_converted_and_multiplied),
      cmocka_unit_test(special_scales_give_what_they_stand_for),
      cmocka_unit_test(the_largest_levels_do_not_overflow),
  };
  return cmocka_run_group_tests_name("block products", tests, NULL, NULL);
}
