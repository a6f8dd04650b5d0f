/* Products of packed and plain matrices with floats and activations, against double precision; packing itself. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

typedef struct {
  size_t rows, cols;
  uint32_t bits;
  size_t group;
  int32_t params;
} shape;

static const shape kShapes[] = {
    {1, 1, 4, 8, INFERMEM_DTYPE_F32},       {17, 7, 8, 8, INFERMEM_DTYPE_F32},      {16, 32, 4, 32, INFERMEM_DTYPE_F32},
    {33, 100, 4, 32, INFERMEM_DTYPE_F16},   {5, 100, 8, 32, INFERMEM_DTYPE_BF16},   {40, 512, 4, 64, INFERMEM_DTYPE_F32},
    {20, 1037, 4, 32, INFERMEM_DTYPE_F32},  {20, 1037, 8, 32, INFERMEM_DTYPE_F32},  {18, 640, 8, 128, INFERMEM_DTYPE_F32},
    {3, 700, 4, 96, INFERMEM_DTYPE_F32},    {19, 700, 8, 24, INFERMEM_DTYPE_F16},   {32, 256, 4, 256, INFERMEM_DTYPE_F32},
    {16, 2056, 8, 2056, INFERMEM_DTYPE_F32}, {2, 40, 4, 40, INFERMEM_DTYPE_BF16},   {64, 544, 8, 32, INFERMEM_DTYPE_F32},
    {64, 544, 4, 32, INFERMEM_DTYPE_F32},   {16, 48, 8, 16, INFERMEM_DTYPE_F32},
};
#define N_SHAPES (sizeof kShapes / sizeof *kShapes)
#define N_VECTORS 67 /* more than are taken at once, and no multiple of anything */

static uint32_t state = 1;
static float uniform(void) {
  state = state * 1664525u + 1013904223u;
  return (float)(int32_t)state / 2147483648.0f;
}

static float *random_floats(size_t n) {
  float *values = malloc(n * sizeof *values);
  assert_non_null(values);
  for (size_t i = 0; i < n; ++i) values[i] = uniform();
  return values;
}

static infermem_quant *make(const shape *s) {
  float *data = random_floats(s->rows * s->cols);
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.bits = s->bits;
  options.group = s->group;
  options.params = s->params;
  infermem_quant *q = NULL;
  assert_ok(quant_from_f32(data, s->rows * s->cols, s->rows, s->cols, &options, &q));
  free(data);
  return q;
}

static infermem_quant *pack(const infermem_quant *q) {
  infermem_quant *packed = NULL;
  assert_ok(quant_pack(q, NULL, &packed));
  return packed;
}

static float *floats_of(const infermem_quant *q, const shape *s) {
  float *out = malloc(s->rows * s->cols * sizeof *out);
  assert_non_null(out);
  assert_ok(quant_to_f32(q, out, s->rows * s->cols));
  return out;
}

/* What must hold of a product of a row with x: see quant_gemv. */
static void assert_product(float got, const float *row, const double *x, size_t n) {
  double sum = 0, largest = 0, magnitude = 0;
  for (size_t i = 0; i < n; ++i) {
    sum += (double)row[i] * x[i];
    largest = fmax(largest, fabs((double)row[i]));
    magnitude += fabs(x[i]);
  }
  const double bound = ((double)n + 8) * 0x1p-23 * largest * magnitude;
  if (!(fabs((double)got - sum) <= bound)) fail_msg("%zu columns: %.9g, not %.9g, within %.3g", n, (double)got, sum, bound);
}

/* The elements that activations stand for. */
static double *dequantized(const float *x, size_t n) {
  double *out = malloc(n * sizeof *out);
  assert_non_null(out);
  for (size_t first = 0; first < n; first += 32) {
    float farthest = 0;
    for (size_t i = first; i < n && i < first + 32; ++i) farthest = fmaxf(farthest, fabsf(x[i]));
    const float scale = farthest / 127.0f, per_level = farthest >= 0x1p-100f ? 127.0f / farthest : 0.0f;
    for (size_t i = first; i < n && i < first + 32; ++i)
      out[i] = farthest >= 0x1p-100f ? (double)scale * (double)nearbyintf(x[i] * per_level) : 0.0;
  }
  return out;
}

static void *activations_of(const float *x, size_t n, size_t n_vectors, size_t *bytes) {
  *bytes = quant_activations_bytes(n, n_vectors);
  void *xq = malloc(*bytes);
  assert_non_null(xq);
  assert_ok(quant_activations(x, n * n_vectors, n, n_vectors, xq, *bytes));
  return xq;
}

static void check_products(const infermem_quant *q, const shape *s) {
  const size_t n = s->cols, stride = s->rows + 3;
  float *const weights = floats_of(q, s), *const x = random_floats(n * N_VECTORS);
  float *const out = malloc(N_VECTORS * stride * sizeof *out);
  double *const exact = malloc(n * sizeof *exact);
  assert_non_null(out);
  assert_non_null(exact);

  size_t bytes;
  void *xq = activations_of(x, n, N_VECTORS, &bytes);
  for (int is_q8 = 0; is_q8 < 2; ++is_q8) {
    for (size_t i = 0; i < N_VECTORS * stride; ++i) out[i] = 77.0f;
    if (is_q8)
      assert_ok(quant_gemm_q8(q, 0, s->rows, xq, bytes, N_VECTORS, out, stride, N_VECTORS * stride));
    else
      assert_ok(quant_gemm(q, 0, s->rows, x, n * N_VECTORS, N_VECTORS, out, stride, N_VECTORS * stride));
    for (size_t v = 0; v < N_VECTORS; ++v) {
      double *const levels = dequantized(x + v * n, n);
      for (size_t i = 0; i < n; ++i) exact[i] = is_q8 ? levels[i] : (double)x[v * n + i];
      for (size_t row = 0; row < s->rows; ++row) assert_product(out[v * stride + row], weights + row * n, exact, n);
      for (size_t row = s->rows; row < stride; ++row) assert_true(out[v * stride + row] == 77.0f);
      free(levels);
    }
  }
  free(xq);

  /* One vector; in ranges of rows the same bits. */
  xq = activations_of(x, n, 1, &bytes);
  float *const whole = out, *const part = out + s->rows;
  double *const levels = dequantized(x, n);
  for (int is_q8 = 0; is_q8 < 2; ++is_q8) {
    if (is_q8)
      assert_ok(quant_gemv_q8(q, 0, s->rows, xq, bytes, whole, s->rows));
    else
      assert_ok(quant_gemv(q, 0, s->rows, x, n, whole, s->rows));
    for (size_t i = 0; i < n; ++i) exact[i] = is_q8 ? levels[i] : (double)x[i];
    for (size_t row = 0; row < s->rows; ++row) assert_product(whole[row], weights + row * n, exact, n);
    for (size_t first = 0; first < s->rows; first += 5) {
      const size_t count = s->rows - first < 5 ? s->rows - first : 5;
      if (is_q8)
        assert_ok(quant_gemv_q8(q, first, count, xq, bytes, part, count));
      else
        assert_ok(quant_gemv(q, first, count, x, n, part, count));
      assert_memory_equal(part, whole + first, count * sizeof *part);
    }
  }
  for (size_t row = 0; row < s->rows; ++row) {
    float y = 0;
    assert_ok(quant_dot_row(q, row, x, n, &y));
    for (size_t i = 0; i < n; ++i) exact[i] = (double)x[i];
    assert_product(y, weights + row * n, exact, n);
  }
  free(levels);
  free(xq);
  free(exact);
  free(out);
  free(x);
  free(weights);
}

static void test_products(void **unused) {
  (void)unused;
  const char *set;
  for (size_t k = 0; (set = infermem_simd_available(k)) != NULL; ++k) {
    assert_ok(infermem_simd_select(set));
    for (size_t i = 0; i < N_SHAPES; ++i) {
      infermem_quant *plain = make(&kShapes[i]), *packed = pack(plain);
      check_products(plain, &kShapes[i]);
      check_products(packed, &kShapes[i]);
      quant_free(plain);
      quant_free(packed);
    }
  }
  assert_ok(infermem_simd_select(NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_products),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
