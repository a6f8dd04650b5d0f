/* Products of packed and plain matrices with floats and activations, against double precision; packing itself. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fence.h"

typedef struct {
  size_t rows, cols;
  uint32_t bits;
  size_t group;
  int32_t params;
} shape;

static const shape kShapes[] = {
    {1, 1, 4, 8, INFERMEM_DTYPE_F32},        {17, 7, 8, 8, INFERMEM_DTYPE_F32},
    {16, 32, 4, 32, INFERMEM_DTYPE_F32},     {33, 100, 4, 32, INFERMEM_DTYPE_F16},
    {5, 100, 8, 32, INFERMEM_DTYPE_BF16},    {40, 512, 4, 64, INFERMEM_DTYPE_F32},
    {20, 1037, 4, 32, INFERMEM_DTYPE_F32},   {20, 1037, 8, 32, INFERMEM_DTYPE_F32},
    {18, 640, 8, 128, INFERMEM_DTYPE_F32},   {3, 700, 4, 96, INFERMEM_DTYPE_F32},
    {19, 700, 8, 24, INFERMEM_DTYPE_F16},    {32, 256, 4, 256, INFERMEM_DTYPE_F32},
    {16, 2056, 8, 2056, INFERMEM_DTYPE_F32}, {2, 40, 4, 40, INFERMEM_DTYPE_BF16},
    {64, 544, 8, 32, INFERMEM_DTYPE_F32},    {64, 544, 4, 32, INFERMEM_DTYPE_F32},
    {16, 48, 8, 16, INFERMEM_DTYPE_F32},     {2, 600 * 32 + 5, 8, 32, INFERMEM_DTYPE_F16},
};
#define N_SHAPES (sizeof kShapes / sizeof *kShapes)
#define N_VECTORS 75 /* more than are taken at once, and no multiple of anything */

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
  if (!(fabs((double)got - sum) <= bound))
    fail_msg("%zu columns: %.9g, not %.9g, within %.3g", n, (double)got, sum, bound);
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

static void products_are_near_the_exact_ones(void **unused) {
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

/* Of a group whose weights are equal the scale is 1, however small they are. */
static void groups_of_equal_weights_add_no_error(void **unused) {
  (void)unused;
  const shape s = {18, 100, 8, 32, INFERMEM_DTYPE_F32};
  const float values[] = {0.0f, 1e-12f, -3e-8f, 1000.0f};
  float *const data = malloc(s.rows * s.cols * sizeof *data);
  assert_non_null(data);
  for (size_t k = 0; infermem_simd_available(k); ++k) {
    assert_ok(infermem_simd_select(infermem_simd_available(k)));
    for (size_t i = 0; i < 8; ++i) {
      for (size_t j = 0; j < s.rows * s.cols; ++j) data[j] = values[i / 2];
      INFERMEM_STRUCT(infermem_quant_options, options);
      options.bits = i % 2 == 0 ? 4 : 8;
      infermem_quant *plain = NULL;
      assert_ok(quant_from_f32(data, s.rows * s.cols, s.rows, s.cols, &options, &plain));
      infermem_quant *const packed = pack(plain);
      check_products(plain, &s);
      check_products(packed, &s);
      quant_free(packed);
      quant_free(plain);
    }
  }
  assert_ok(infermem_simd_select(NULL));
  free(data);
}

/* Plain numbers of the caller's, over more than one piece. */
static void borrowed_numbers_are_multiplied(void **unused) {
  (void)unused;
  const shape s = {3, 1500, 0, 0, 0};
  float *data = random_floats(s.rows * s.cols);
  for (size_t k = 0; infermem_simd_available(k); ++k) {
    assert_ok(infermem_simd_select(infermem_simd_available(k)));
    infermem_quant *floats = NULL, *halves = NULL;
    assert_ok(quant_borrow(INFERMEM_DTYPE_F32, data, s.rows * s.cols * 4, s.rows, s.cols, NULL, &floats));
    uint16_t *const bits = malloc(s.rows * s.cols * sizeof *bits);
    assert_non_null(bits);
    assert_ok(quant_to_bf16(floats, bits, s.rows * s.cols));
    assert_ok(quant_borrow(INFERMEM_DTYPE_BF16, bits, s.rows * s.cols * 2, s.rows, s.cols, NULL, &halves));
    check_products(floats, &s);
    check_products(halves, &s);
    quant_free(halves);
    quant_free(floats);
    free(bits);
  }
  assert_ok(infermem_simd_select(NULL));
  free(data);
}

/* Symmetric groups of zeros beside small weights: what is implied of them must not drown the others. */
static void groups_of_zeros_lose_no_digit(void **unused) {
  (void)unused;
  enum { kN = 256, kM = 18 };
  static float data[kM * kN];
  float x[kN];
  for (size_t i = 0; i < kN; ++i) x[i] = 4 * uniform();
  for (size_t i = 0; i < kM * kN; ++i) data[i] = i / 32 % 2 || i < kN ? 0.0f : 1e-6f * uniform();
  for (size_t k = 0; infermem_simd_available(k); ++k) {
    assert_ok(infermem_simd_select(infermem_simd_available(k)));
    for (int form = 0; form < 8; ++form) {
      const shape s = {kM, kN, form & 1 ? 4 : 8, 32, form & 2 ? INFERMEM_DTYPE_BF16 : INFERMEM_DTYPE_F32};
      INFERMEM_STRUCT(infermem_quant_options, options);
      options.bits = s.bits;
      options.group = s.group;
      options.params = s.params;
      options.symmetric = (form & 4) != 0;
      infermem_quant *plain = NULL;
      assert_ok(quant_from_f32(data, kM * kN, kM, kN, &options, &plain));
      infermem_quant *packed = pack(plain);
      assert_int_equal(quant_is_symmetric(packed), options.symmetric);
      float row[kN], y[kM];
      assert_ok(quant_rows_to_f32(plain, &(size_t){0}, 1, row, kN));
      for (size_t i = 0; i < kN; ++i) assert_true(row[i] == 0.0f && !signbit(row[i]));
      assert_ok(quant_gemv(packed, 0, kM, x, kN, y, kM));
      assert_true(y[0] == 0.0f);
      check_products(plain, &s);
      check_products(packed, &s);
      quant_free(packed);
      quant_free(plain);
    }
  }
  assert_ok(infermem_simd_select(NULL));
}

/* A packed copy gives the same values and its plain copy the same bytes, as far as any function tells. */
static void packing_and_unpacking_change_no_value(void **unused) {
  (void)unused;
  for (size_t i = 0; i < N_SHAPES; ++i) {
    const shape *s = &kShapes[i];
    const size_t n = s->rows * s->cols;
    infermem_quant *plain = make(s), *packed = pack(plain), *back = NULL;
    assert_ok(quant_unpack(packed, NULL, &back));
    assert_int_equal(quant_layout(plain), INFERMEM_QUANT_PLAIN);
    assert_int_equal(quant_layout(packed), INFERMEM_QUANT_PACKED);
    assert_int_equal(quant_params(packed), s->params);
    assert_int_equal(quant_is_symmetric(packed), 0);
    assert_int_equal(quant_layout(back), INFERMEM_QUANT_PLAIN);
    assert_int_equal(quant_bytes(back), quant_bytes(plain));
    assert_int_equal(quant_bits(packed), s->bits);
    assert_int_equal(quant_group(packed), s->group);
    assert_int_equal(quant_dtype(packed), INFERMEM_QUANT_NATIVE);
    float *const wanted = floats_of(plain, s), *const got = floats_of(packed, s), *const again = floats_of(back, s);
    assert_memory_equal(got, wanted, n * sizeof *got);
    assert_memory_equal(again, wanted, n * sizeof *got);

    const size_t last = s->rows - 1;
    assert_ok(quant_rows_to_f32(packed, &last, 1, got, s->cols));
    assert_memory_equal(got, wanted + last * s->cols, s->cols * sizeof *got);
    uint16_t *const halves = malloc(2 * n * sizeof *halves);
    assert_non_null(halves);
    assert_ok(quant_to_bf16(plain, halves, n));
    assert_ok(quant_to_bf16(packed, halves + n, n));
    assert_memory_equal(halves, halves + n, n * sizeof *halves);
    INFERMEM_STRUCT(infermem_quant_errors, errors);
    assert_ok(quant_error(packed, wanted, n, &errors));
    assert_true(errors.max == 0.0);
    free(halves);
    free(wanted);
    free(got);
    free(again);
    quant_free(plain);
    quant_free(packed);
    quant_free(back);
  }
}

/* 16 rows of 32 columns: a record of known size. */
static void a_packed_matrix_takes_whole_records(void **unused) {
  (void)unused;
  const shape s = {17, 33, 4, 32, INFERMEM_DTYPE_F32};
  infermem_quant *plain = make(&s), *packed = pack(plain);
  /* two blocks of 16 rows, each of a record of 32 columns and one of 8 */
  assert_int_equal(quant_bytes(packed), 2 * (16 * 32 / 2 + 128 + 16 * 8 / 2 + 128));
  quant_free(packed);
  quant_free(plain);
}

static void nothing_beyond_the_vectors_is_touched(void **unused) {
  (void)unused;
  const struct fenced x_memory = fence(1 << 16), y_memory = fence(1 << 16);
  for (size_t k = 0; infermem_simd_available(k); ++k) {
    assert_ok(infermem_simd_select(infermem_simd_available(k)));
    for (size_t cols = 1; cols < 300; cols += 7) {
      const shape s = {18, cols, cols % 2 == 0 ? 4 : 8, 8, INFERMEM_DTYPE_F32};
      infermem_quant *plain = make(&s), *packed = pack(plain);
      const size_t bytes = quant_activations_bytes(cols, 2);
      float *const x = (float *)(void *)x_memory.end - 2 * cols, *const y = (float *)(void *)y_memory.end - 2 * s.rows;
      for (size_t i = 0; i < 2 * cols; ++i) x[i] = uniform();
      assert_ok(quant_gemm(packed, 0, s.rows, x, 2 * cols, 2, y, s.rows, 2 * s.rows));
      assert_ok(quant_gemv(packed, 0, s.rows, x + cols, cols, y + s.rows, s.rows));
      unsigned char *const xq = y_memory.end - bytes;
      assert_ok(quant_activations(x, 2 * cols, cols, 2, xq, bytes));
      memmove(x_memory.end - bytes, xq, bytes);
      assert_ok(quant_gemm_q8(packed, 0, s.rows, x_memory.end - bytes, bytes, 2, y, s.rows, 2 * s.rows));
      assert_ok(quant_gemm_q8(plain, 0, s.rows, x_memory.end - bytes, bytes, 2, y, s.rows, 2 * s.rows));
      quant_free(packed);
      quant_free(plain);
    }
  }
  assert_ok(infermem_simd_select(NULL));
  unfence(&x_memory);
  unfence(&y_memory);
}

/* 32 elements of one kind. */
static void fill_block(float *x, size_t kind) {
  for (size_t i = 0; i < 32; ++i) {
    const float u = uniform();
    switch (kind) {
      case 0:
        x[i] = u;
        break;
      case 1:
        x[i] = i == 5 ? 127.0f : floorf(127.0f * u) + 0.5f; /* ties: the scale is 1 */
        break;
      case 2:
        x[i] = copysignf(u < 0.9f ? FLT_MAX : 0.0f, u);
        break;
      case 3:
        x[i] = copysignf(0.0f, u);
        break;
      case 4:
        x[i] = u * FLT_MIN; /* denormal */
        break;
      case 5:
        x[i] = u * 0x1p-99f; /* about the least that does not count as 0 */
        break;
      case 6:
        x[i] = i == 9 ? 0x1p-100f : 0.0f;
        break;
      case 7:
        x[i] = -u * (i == 17 ? 1e20f : 1e-20f);
        break;
      default:
        x[i] = ldexpf(u, (int)(kind * 7 % 250) - 125);
        break;
    }
  }
}

static void every_set_gives_the_same_activations(void **unused) {
  (void)unused;
  enum { kCols = 1000, kRoom = 1024 };
  float *const x = malloc(kRoom * sizeof *x);
  assert_non_null(x);
  const size_t bytes = quant_activations_bytes(kCols, 1);
  char *const wanted = malloc(bytes), *const got = malloc(bytes);
  assert_non_null(wanted);
  assert_non_null(got);
  for (size_t round = 0; round < 300; ++round) {
    for (size_t i = 0; i < kCols; i += 32) fill_block(x + i, (round + i / 32) % 44);
    assert_ok(infermem_simd_select("reference"));
    assert_ok(quant_activations(x, kCols, kCols, 1, wanted, bytes));
    for (size_t k = 1; infermem_simd_available(k); ++k) {
      assert_ok(infermem_simd_select(infermem_simd_available(k)));
      memset(got, 0xa5, bytes);
      assert_ok(quant_activations(x, kCols, kCols, 1, got, bytes));
      assert_memory_equal(got, wanted, bytes);
    }
  }
  assert_ok(infermem_simd_select(NULL));
  free(got);
  free(wanted);
  free(x);
}

enum { kRows = 4, kCols = 40 };

static void wrong_arguments_are_refused_and_nothing_is_written(void **unused) {
  (void)unused;
  const shape s = {kRows, kCols, 4, 32, INFERMEM_DTYPE_F32};
  infermem_quant *q = make(&s), *packed = pack(q), *out = q;
  float x[2 * kCols] = {1}, y[2 * kRows];
  for (size_t i = 0; i < 2 * kRows; ++i) y[i] = 5;
  _Alignas(64) char xq[2 * 256], other[2 * 256];
  const size_t bytes = quant_activations_bytes(kCols, 1), bytes2 = quant_activations_bytes(kCols, 2);
  assert_true(bytes2 <= sizeof xq);
  assert_ok(quant_activations(x, kCols, kCols, 1, xq, bytes));

  assert_fails(INFERMEM_E_SHAPE, quant_dot_row(q, 0, x, kCols - 1, y));
  assert_fails(INFERMEM_E_RANGE, quant_dot_row(q, kRows, x, kCols, y));
  assert_fails(INFERMEM_E_NULL, quant_dot_row(NULL, 0, x, kCols, y));
  assert_fails(INFERMEM_E_NULL, quant_dot_row(q, 0, NULL, kCols, y));
  assert_fails(INFERMEM_E_NULL, quant_dot_row(q, 0, x, kCols, NULL));

  assert_fails(INFERMEM_E_SHAPE, quant_gemm(q, 0, kRows, x, kCols, 0, y, kRows, 2 * kRows));
  assert_fails(INFERMEM_E_SHAPE, quant_gemm(q, 0, kRows, x, 2 * kCols - 1, 2, y, kRows, 2 * kRows));
  assert_fails(INFERMEM_E_SHAPE, quant_gemm(q, 0, kRows, x, 2 * kCols, 2, y, kRows - 1, 2 * kRows));
  assert_fails(INFERMEM_E_SHAPE, quant_gemm(q, 0, kRows, x, 2 * kCols, 2, y, kRows, 2 * kRows - 1));
  assert_fails(INFERMEM_E_SHAPE, quant_gemm(q, 0, kRows, x, 2 * kCols, 2, y, SIZE_MAX, 2 * kRows));
  assert_fails(INFERMEM_E_RANGE, quant_gemm(q, 1, kRows, x, 2 * kCols, 2, y, kRows, 2 * kRows));
  assert_fails(INFERMEM_E_RANGE, quant_gemm(q, SIZE_MAX, 2, x, 2 * kCols, 2, y, kRows, 2 * kRows));
  assert_fails(INFERMEM_E_NULL, quant_gemm(NULL, 0, kRows, x, 2 * kCols, 2, y, kRows, 2 * kRows));
  assert_fails(INFERMEM_E_NULL, quant_gemm(q, 0, kRows, NULL, 2 * kCols, 2, y, kRows, 2 * kRows));
  assert_fails(INFERMEM_E_NULL, quant_gemm(q, 0, kRows, x, 2 * kCols, 2, NULL, kRows, 2 * kRows));

  assert_fails(INFERMEM_E_SHAPE, quant_gemv_q8(q, 0, kRows, xq, bytes - 1, y, kRows));
  assert_fails(INFERMEM_E_SHAPE, quant_gemv_q8(q, 0, kRows, xq, bytes, y, kRows - 1));
  assert_fails(INFERMEM_E_RANGE, quant_gemv_q8(q, 1, kRows, xq, bytes, y, kRows));
  assert_fails(INFERMEM_E_ARG, quant_gemv_q8(q, 0, kRows, xq + 1, bytes, y, kRows));
  assert_fails(INFERMEM_E_NULL, quant_gemv_q8(NULL, 0, kRows, xq, bytes, y, kRows));
  assert_fails(INFERMEM_E_NULL, quant_gemv_q8(q, 0, kRows, NULL, bytes, y, kRows));
  assert_fails(INFERMEM_E_NULL, quant_gemv_q8(q, 0, kRows, xq, bytes, NULL, kRows));
  memset(other, 0, sizeof other);
  assert_fails(INFERMEM_E_FORMAT, quant_gemv_q8(q, 0, kRows, other, bytes, y, kRows));
  memcpy(other, xq, bytes);
  other[4] = 2; /* another version */
  assert_fails(INFERMEM_E_FORMAT, quant_gemv_q8(q, 0, kRows, other, bytes, y, kRows));
  assert_int_equal(quant_activations_bytes(kCols + 1, 1), bytes); /* padded alike, and yet another vector */
  assert_ok(quant_activations(x, kCols + 1, kCols + 1, 1, other, bytes));
  assert_fails(INFERMEM_E_SHAPE, quant_gemv_q8(q, 0, kRows, other, bytes, y, kRows));
  assert_int_equal(infermem_error_detail()->got, kCols + 1);

  assert_fails(INFERMEM_E_SHAPE, quant_gemm_q8(q, 0, kRows, xq, bytes, 0, y, kRows, 2 * kRows));
  assert_fails(INFERMEM_E_SHAPE, quant_gemm_q8(q, 0, kRows, xq, bytes, 2, y, kRows, 2 * kRows));
  assert_fails(INFERMEM_E_SHAPE, quant_gemm_q8(q, 0, kRows, xq, bytes, 1, y, kRows - 1, 2 * kRows));
  assert_fails(INFERMEM_E_NULL, quant_gemm_q8(NULL, 0, kRows, xq, bytes, 1, y, kRows, 2 * kRows));
  assert_fails(INFERMEM_E_NULL, quant_gemm_q8(q, 0, kRows, NULL, bytes, 1, y, kRows, 2 * kRows));
  assert_fails(INFERMEM_E_NULL, quant_gemm_q8(q, 0, kRows, xq, bytes, 1, NULL, kRows, 2 * kRows));
  for (size_t i = 0; i < 2 * kRows; ++i) assert_true(y[i] == 5);

  assert_int_equal(quant_activations_bytes(0, 1), 0);
  assert_int_equal(quant_activations_bytes(1, 0), 0);
  assert_int_equal(quant_activations_bytes(SIZE_MAX, 1), 0);
  assert_int_equal(quant_activations_bytes(SIZE_MAX / 16, 16), 0);
  memset(other, 7, sizeof other);
  assert_fails(INFERMEM_E_NULL, quant_activations(NULL, kCols, kCols, 1, other, bytes));
  assert_fails(INFERMEM_E_NULL, quant_activations(x, kCols, kCols, 1, NULL, bytes));
  assert_fails(INFERMEM_E_SHAPE, quant_activations(x, 0, 0, 1, other, bytes));
  assert_fails(INFERMEM_E_SHAPE, quant_activations(x, 0, kCols, 0, other, bytes));
  assert_fails(INFERMEM_E_SHAPE, quant_activations(x, kCols + 1, kCols, 1, other, bytes));
  assert_fails(INFERMEM_E_SHAPE, quant_activations(x, kCols, kCols, 1, other, bytes + 1));
  assert_fails(INFERMEM_E_OVERFLOW, quant_activations(x, SIZE_MAX, SIZE_MAX, 1, other, bytes));
  assert_fails(INFERMEM_E_ARG, quant_activations(x, kCols, kCols, 1, other + 2, bytes));
  x[33] = INFINITY;
  assert_fails(INFERMEM_E_NOT_FINITE, quant_activations(x, kCols, kCols, 1, other, bytes));
  assert_int_equal(infermem_error_detail()->got, 33);
  for (size_t i = 0; i < sizeof other; ++i) assert_int_equal(other[i], 7);

  INFERMEM_STRUCT(infermem_quant_options, options);
  options.bits = 4;
  assert_fails(INFERMEM_E_ARG, quant_pack(q, &options, &out));
  options.bits = 0;
  options.struct_size = 3;
  assert_fails(INFERMEM_E_STRUCT, quant_pack(q, &options, &out));
  assert_fails(INFERMEM_E_NULL, quant_pack(NULL, NULL, &out));
  assert_fails(INFERMEM_E_NULL, quant_pack(q, NULL, NULL));
  assert_fails(INFERMEM_E_STATE, quant_pack(packed, NULL, &out));
  assert_fails(INFERMEM_E_STATE, quant_unpack(q, NULL, &out));
  assert_fails(INFERMEM_E_NULL, quant_unpack(NULL, NULL, &out));
  assert_fails(INFERMEM_E_NULL, quant_unpack(packed, NULL, NULL));
  infermem_quant *borrowed = NULL;
  assert_ok(quant_borrow(INFERMEM_DTYPE_F32, x, sizeof x, 2, kCols, NULL, &borrowed));
  assert_fails(INFERMEM_E_UNSUPPORTED, quant_pack(borrowed, NULL, &out));
  assert_fails(INFERMEM_E_UNSUPPORTED, quant_unpack(borrowed, NULL, &out));
  assert_int_equal(quant_layout(borrowed), INFERMEM_QUANT_PLAIN);
  assert_int_equal(quant_layout(NULL), INFERMEM_QUANT_PLAIN);
  assert_int_equal(quant_params(NULL), INFERMEM_DTYPE_F32);
  assert_int_equal(quant_params(borrowed), INFERMEM_DTYPE_F32);
  assert_int_equal(quant_is_symmetric(NULL), 0);
  assert_ptr_equal(out, q);
  quant_free(borrowed);
  quant_free(packed);
  quant_free(q);
}

static void packed_matrices_in_tapes_become_stale(void **unused) {
  (void)unused;
  infermem_tape *tape = test_tape(4096);
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.tape = tape;
  const shape s = {kRows, kCols, 8, 8, INFERMEM_DTYPE_F32}, large = {64, 512, 8, 8, INFERMEM_DTYPE_F32};
  infermem_quant *plain = make(&s), *packed = NULL, *back = NULL, *too_large = make(&large), *other = NULL;
  assert_ok(quant_pack(plain, &options, &packed));
  assert_true(tape_used(tape) >= quant_bytes(packed));
  assert_fails(INFERMEM_E_FULL, quant_pack(too_large, &options, &other));
  assert_ok(tape_clear(tape));
  float x[kCols] = {0}, y[kRows];
  _Alignas(64) char xq[256];
  const size_t bytes = quant_activations_bytes(kCols, 1);
  assert_ok(quant_activations(x, kCols, kCols, 1, xq, bytes));
  assert_fails(INFERMEM_E_STALE, quant_unpack(packed, NULL, &back));
  assert_fails(INFERMEM_E_STALE, quant_gemv(packed, 0, kRows, x, kCols, y, kRows));
  assert_fails(INFERMEM_E_STALE, quant_gemv_q8(packed, 0, kRows, xq, bytes, y, kRows));
  assert_fails(INFERMEM_E_STALE, quant_gemm(packed, 0, kRows, x, kCols, 1, y, kRows, kRows));
  assert_fails(INFERMEM_E_STALE, quant_gemm_q8(packed, 0, kRows, xq, bytes, 1, y, kRows, kRows));
  assert_fails(INFERMEM_E_STALE, quant_dot_row(packed, 0, x, kCols, y));
  const infermem_quant *const none = (const infermem_quant *)(const void *)tape;
  assert_fails(INFERMEM_E_HANDLE, quant_pack(none, NULL, &back));
  assert_fails(INFERMEM_E_HANDLE, quant_unpack(none, NULL, &back));
  assert_fails(INFERMEM_E_HANDLE, quant_gemv_q8(none, 0, kRows, xq, bytes, y, kRows));
  assert_fails(INFERMEM_E_HANDLE, quant_gemm(none, 0, kRows, x, kCols, 1, y, kRows, kRows));
  assert_fails(INFERMEM_E_HANDLE, quant_gemm_q8(none, 0, kRows, xq, bytes, 1, y, kRows, kRows));
  assert_fails(INFERMEM_E_HANDLE, quant_dot_row(none, 0, x, kCols, y));
  options.tape = (const infermem_tape *)(const void *)plain;
  assert_fails(INFERMEM_E_HANDLE, quant_pack(plain, &options, &back));
  options.tape = tape;
  assert_ok(tape_seal(tape));
  assert_fails(INFERMEM_E_SEALED, quant_pack(plain, &options, &back));
  assert_null(back);
  quant_free(too_large);
  quant_free(packed);
  quant_free(plain);
  tape_free(tape);
}

static int32_t pack_and_unpack(const infermem_allocator *allocator) {
  const shape s = {kRows, kCols, 4, 8, INFERMEM_DTYPE_F32};
  infermem_quant *plain = make(&s), *packed = NULL, *back = NULL;
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.allocator = allocator;
  int32_t status = quant_pack(plain, &options, &packed);
  if (status == INFERMEM_OK)
    status = quant_unpack(packed, &options, &back);
  else
    assert_null(packed);
  if (status != INFERMEM_OK) assert_null(back);
  quant_free(back);
  quant_free(packed);
  quant_free(plain);
  return status;
}

static void any_allocation_may_fail(void **unused) {
  (void)unused;
  assert_int_equal(oom_walk(pack_and_unpack), 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(products_are_near_the_exact_ones),
      cmocka_unit_test(groups_of_equal_weights_add_no_error),
      cmocka_unit_test(borrowed_numbers_are_multiplied),
      cmocka_unit_test(groups_of_zeros_lose_no_digit),
      cmocka_unit_test(packing_and_unpacking_change_no_value),
      cmocka_unit_test(a_packed_matrix_takes_whole_records),
      cmocka_unit_test(nothing_beyond_the_vectors_is_touched),
      cmocka_unit_test(every_set_gives_the_same_activations),
      cmocka_unit_test(wrong_arguments_are_refused_and_nothing_is_written),
      cmocka_unit_test(packed_matrices_in_tapes_become_stale),
      cmocka_unit_test(any_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("products", tests, NULL, NULL);
}
