/* Quantized weights: to and from numbers of 16 bits, ranges of rows, values that are not finite, parameters of 16 bits. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "support.h"

/* ---- Numbers of 16 bits, by their definition ---- */

struct type16 {
  int32_t dtype;
  int mantissa_bits, exponent_bits;
};

static const struct type16 kTypes[] = {{INFERMEM_DTYPE_F16, 10, 5}, {INFERMEM_DTYPE_BF16, 7, 8}};

/* Of a number that is finite. Its bits, without the sign, are in the order of the magnitudes. */
static double value16(const struct type16 *t, uint32_t bits) {
  const int exponent = (int)(bits >> t->mantissa_bits) & ((1 << t->exponent_bits) - 1);
  const int mantissa = (int)bits & ((1 << t->mantissa_bits) - 1);
  const int least = 2 - (1 << (t->exponent_bits - 1)) - t->mantissa_bits; /* of the exponents of the last bit */
  const double magnitude =
      exponent == 0 ? ldexp(mantissa, least) : ldexp(mantissa + (1 << t->mantissa_bits), least + exponent - 1);
  return bits & 0x8000 ? -magnitude : magnitude;
}

static uint32_t infinity16(const struct type16 *t) { return ((1u << t->exponent_bits) - 1) << t->mantissa_bits; }

/* The bits of the largest number whose magnitude is not above x, which is not negative. */
static uint32_t truncated(const struct type16 *t, double x) {
  uint32_t low = 0, high = infinity16(t);
  while (high - low > 1) {
    const uint32_t middle = (low + high) / 2;
    if (value16(t, middle) <= x)
      low = middle;
    else
      high = middle;
  }
  return low;
}

/* The nearest, of two the even one; what would be the next number after the largest is infinity. */
static uint32_t nearest(const struct type16 *t, float value) {
  const uint32_t sign = signbit(value) ? 0x8000 : 0;
  const double x = fabs((double)value);
  if (isinf(value)) return sign | infinity16(t);
  const uint32_t low = truncated(t, x);
  const double below = x - value16(t, low);
  const double above = (low + 1 == infinity16(t) ? value16(t, low) * 2 - value16(t, low - 1) : value16(t, low + 1)) - x;
  return sign | (below < above || (below == above && low % 2 == 0) ? low : low + 1);
}

static double round_down(const struct type16 *t, double x) {
  if (x >= 0) return value16(t, truncated(t, x));
  const uint32_t low = truncated(t, -x);
  return value16(t, low) == -x ? x : -value16(t, low + 1);
}

/* ---- Matrices ---- */

/* Rows, columns, group: whole groups and not, odd rows, groups within a piece, longer than it, dividing none, and more
 * of them than are widened at once. */
static const size_t kShapes[][3] = {{1, 1, 8},       {3, 7, 8},       {5, 33, 32},    {4, 64, 64},
                                    {9, 512, 32},    {2, 1100, 128},  {2, 1101, 704}, {2, 2048, 256},
                                    {2, 3001, 2048}, {1, 4096, 4096}, {3, 2048, 8}};
enum { kNShapes = sizeof kShapes / sizeof *kShapes, kMost = 9 * 512 + 2000 };

static float data[kMost], clean[kMost], expected[kMost], got[kMost];
static uint16_t halves[kMost];

static infermem_quant *from_f32(const float *values, const size_t *shape, const infermem_quant_options *options) {
  infermem_quant *q = NULL;
  assert_ok(quant_from_f32(values, shape[0] * shape[1], shape[0], shape[1], options, &q));
  return q;
}

static int32_t from_16(const struct type16 *t, const uint16_t *values, const size_t *shape,
                       const infermem_quant_options *options, infermem_quant **out) {
  const size_t n = shape[0] * shape[1];
  return t->dtype == INFERMEM_DTYPE_F16 ? quant_from_f16(values, n, shape[0], shape[1], options, out)
                                        : quant_from_bf16(values, n, shape[0], shape[1], options, out);
}

static int32_t to_16(const struct type16 *t, const infermem_quant *q, uint16_t *out, size_t n) {
  return t->dtype == INFERMEM_DTYPE_F16 ? quant_to_f16(q, out, n) : quant_to_bf16(q, out, n);
}

/* ---- To 16 bits ---- */

static void floats_are_rounded_to_the_nearest_even_number(void **state) {
  (void)state;
  for (int which = 0; which < 2; which++) {
    const struct type16 *t = &kTypes[which];
    const uint32_t n = 6 * infinity16(t);
    float *values = malloc(n * sizeof *values);
    uint16_t *out = malloc(n * sizeof *out);
    assert_non_null(values);
    assert_non_null(out);
    for (uint32_t i = 0; i < n / 6; i++) { /* between each number and the next, which may be beyond the largest */
      const double low = value16(t, i);
      const double high = i + 1 == n / 6 ? 2 * low - value16(t, i - 1) : value16(t, i + 1);
      const float middle = (float)(low + (high - low) / 2);
      values[6 * i] = middle;
      values[6 * i + 1] = nextafterf(middle, 0);
      values[6 * i + 2] = nextafterf(middle, INFINITY);
      for (uint32_t k = 0; k < 3; k++) values[6 * i + 3 + k] = -values[6 * i + k];
    }
    infermem_quant *q = NULL;
    assert_ok(quant_borrow(INFERMEM_DTYPE_F32, values, n * sizeof *values, 6, n / 6, NULL, &q));
    assert_ok(to_16(t, q, out, n));
    for (uint32_t i = 0; i < n; i++) {
      const uint32_t low = i / 6, at = i % 3;
      const uint32_t bits = (at == 0 ? low + low % 2 : low + (at == 2)) | (i % 6 < 3 ? 0 : 0x8000);
      if (out[i] != bits) fail_msg("%a became 0x%04x, not 0x%04x", (double)values[i], out[i], bits);
    }
    quant_free(q);
    free(out);
    free(values);
  }
}

static void what_is_not_finite_stays_so_in_16_bits(void **state) {
  (void)state;
  float payload;
  const uint32_t least_nan = 0x7f800001, most_nan = 0xffffffff;
  float values[6] = {INFINITY, -INFINITY, NAN, 0, 0, -0.0f};
  memcpy(&payload, &least_nan, sizeof payload);
  values[3] = payload;
  memcpy(&payload, &most_nan, sizeof payload);
  values[4] = payload;
  infermem_quant *q = NULL;
  assert_ok(quant_borrow(INFERMEM_DTYPE_F32, values, sizeof values, 2, 3, NULL, &q));
  for (int which = 0; which < 2; which++) {
    uint16_t out[6];
    const uint32_t infinity = infinity16(&kTypes[which]);
    assert_ok(to_16(&kTypes[which], q, out, 6));
    assert_int_equal(out[0], infinity);
    assert_int_equal(out[1], infinity | 0x8000);
    for (int i = 2; i < 5; i++) assert_true((out[i] & 0x7fff) > infinity);
    assert_int_equal(out[5], 0x8000);
  }
  quant_free(q);
}

static void a_matrix_in_16_bits_is_that_in_floats_rounded(void **state) {
  (void)state;
  static const int32_t params[] = {INFERMEM_DTYPE_F32, INFERMEM_DTYPE_F16, INFERMEM_DTYPE_BF16};
  uint64_t seed = 41;
  for (int run = 0; run < kNShapes * 12; run++) {
    const size_t *shape = kShapes[run / 12];
    const size_t n = shape[0] * shape[1];
    for (size_t i = 0; i < n; i++) data[i] = ldexpf(test_random_float(&seed), (int)(i % 40) - 30);
    INFERMEM_STRUCT(infermem_quant_options, options);
    options.bits = run % 2 ? 4 : 8;
    options.symmetric = (uint32_t)(run / 2 % 2);
    options.params = params[run / 4 % 3];
    options.group = shape[2];
    infermem_quant *q = from_f32(data, shape, &options);
    assert_ok(quant_to_f32(q, got, n));
    for (int which = 0; which < 2; which++) {
      halves[n] = 42;
      assert_ok(to_16(&kTypes[which], q, halves, n));
      for (size_t i = 0; i < n; i++) assert_int_equal(halves[i], nearest(&kTypes[which], got[i]));
      assert_int_equal(halves[n], 42);
    }
    quant_free(q);
  }
}

static void borrowed_numbers_of_16_bits_come_back_as_they_are(void **state) {
  (void)state;
  for (int which = 0; which < 2; which++) {
    uint16_t in[64 * 31], out[64 * 31];
    for (uint32_t i = 0; i < 64 * 31; i++) in[i] = (uint16_t)(i * 16 | (i % 2 ? 0x8000 : 0));
    infermem_quant *q = NULL;
    assert_ok(quant_borrow(kTypes[which].dtype, in, sizeof in, 31, 64, NULL, &q));
    assert_ok(to_16(&kTypes[which], q, out, 64 * 31));
    assert_memory_equal(in, out, sizeof in);
    quant_free(q);
  }
}

/* ---- Ranges of rows ---- */

static void ranges_of_rows_are_parts_of_the_whole(void **state) {
  (void)state;
  uint64_t seed = 42;
  static unsigned char blocks[6 * 3 * 34];
  for (size_t i = 0; i < sizeof blocks; i++) blocks[i] = (unsigned char)(test_random(&seed) & 0x3f);
  for (int s = 0; s <= kNShapes; s++) {
    const size_t rows = s < kNShapes ? kShapes[s][0] : 6, cols = s < kNShapes ? kShapes[s][1] : 96;
    for (size_t i = 0; i < rows * cols; i++) data[i] = test_random_float(&seed);
    INFERMEM_STRUCT(infermem_quant_options, options);
    options.bits = s % 2 ? 4 : 8;
    options.group = kShapes[s % kNShapes][2];
    infermem_quant *q = NULL;
    if (s < kNShapes)
      q = from_f32(data, kShapes[s], &options);
    else
      assert_ok(quant_borrow(INFERMEM_DTYPE_Q8_0, blocks, sizeof blocks, rows, cols, NULL, &q));
    assert_ok(quant_to_f32(q, expected, rows * cols));
    for (size_t first = 0; first <= rows; first++) {
      for (size_t n = 0; n <= rows - first; n++) {
        got[n * cols] = 42;
        assert_ok(quant_range_to_f32(q, first, n, got, n * cols));
        assert_memory_equal(got, expected + first * cols, n * cols * sizeof *got);
        assert_true(got[n * cols] == 42);
      }
    }
    quant_free(q);
  }
}

static void bad_ranges_and_lengths_leave_the_output_alone(void **state) {
  (void)state;
  const size_t shape[2] = {4, 8};
  float out[32], before[32];
  uint16_t out16[32], before16[32];
  memset(out, 0x5a, sizeof out);
  memset(out16, 0x5a, sizeof out16);
  memcpy(before, out, sizeof out);
  memcpy(before16, out16, sizeof out16);
  infermem_quant *q = from_f32(data, shape, NULL);
  assert_fails(INFERMEM_E_RANGE, quant_range_to_f32(q, 3, 2, out, 16));
  assert_int_equal(infermem_error_detail()->got, 3);
  assert_int_equal(infermem_error_detail()->expected, 4);
  assert_fails(INFERMEM_E_RANGE, quant_range_to_f32(q, 5, 0, out, 0));
  assert_fails(INFERMEM_E_RANGE, quant_range_to_f32(q, SIZE_MAX, 2, out, 16));
  assert_fails(INFERMEM_E_RANGE, quant_range_to_f32(q, 0, 5, out, 40));
  assert_fails(INFERMEM_E_SHAPE, quant_range_to_f32(q, 0, 2, out, 15));
  assert_int_equal(infermem_error_detail()->expected, 16);
  assert_fails(INFERMEM_E_SHAPE, quant_range_to_f32(q, 0, SIZE_MAX / 4, out, 16));
  assert_fails(INFERMEM_E_NULL, quant_range_to_f32(q, 0, 2, NULL, 16));
  assert_fails(INFERMEM_E_SHAPE, quant_to_f16(q, out16, 31));
  assert_fails(INFERMEM_E_SHAPE, quant_to_bf16(q, out16, 33));
  assert_fails(INFERMEM_E_NULL, quant_to_f16(q, NULL, 32));
  assert_fails(INFERMEM_E_NULL, quant_to_bf16(q, NULL, 32));
  assert_memory_equal(out, before, sizeof out);
  assert_memory_equal(out16, before16, sizeof out16);
  quant_free(q);
}

/* ---- From 16 bits ---- */

static void a_matrix_from_16_bits_is_that_from_the_floats(void **state) {
  (void)state;
  uint64_t seed = 43;
  static const int32_t params[] = {INFERMEM_DTYPE_F32, INFERMEM_DTYPE_F16, INFERMEM_DTYPE_BF16};
  for (int run = 0; run < kNShapes * 12; run++) {
    const size_t *shape = kShapes[run / 12];
    const struct type16 *t = &kTypes[run % 2];
    const size_t n = shape[0] * shape[1];
    for (size_t i = 0; i < n; i++) {
      do halves[i] = (uint16_t)test_random(&seed);
      while ((halves[i] & 0x7fff) >= (t->dtype == INFERMEM_DTYPE_F16 ? 0x7800 : 0x4700)); /* up to 2^15 */
      data[i] = (float)value16(t, halves[i]);
    }
    INFERMEM_STRUCT(infermem_quant_options, options);
    options.bits = run / 2 % 2 ? 4 : 8;
    options.params = params[run / 4 % 3];
    options.group = shape[2];
    infermem_quant *q = from_f32(data, shape, &options);
    assert_ok(quant_to_f32(q, expected, n));
    const size_t bytes = quant_bytes(q);
    quant_free(q);
    q = NULL;
    assert_ok(from_16(t, halves, shape, &options, &q));
    assert_ok(quant_to_f32(q, got, n));
    assert_memory_equal(got, expected, n * sizeof *got);
    assert_int_equal(quant_bytes(q), bytes);
    assert_int_equal(quant_dtype(q), INFERMEM_QUANT_NATIVE);
    quant_free(q);
  }
}

static void what_is_wrong_with_16_bits_is_refused(void **state) {
  (void)state;
  for (int which = 0; which < 2; which++) {
    const struct type16 *t = &kTypes[which];
    const size_t shape[2] = {3, 700};
    memset(halves, 0, sizeof halves);
    for (size_t at = 0; at < 2100; at += 523) {
      halves[at] = (uint16_t)(infinity16(t) + at % 2);
      halves[2099] = 0xffff;
      infermem_quant *q = NULL;
      assert_int_equal(from_16(t, halves, shape, NULL, &q), INFERMEM_E_NOT_FINITE);
      assert_int_equal(infermem_error_detail()->got, at);
      assert_null(q);
      halves[at] = 0;
    }
  }
  infermem_quant *q = NULL;
  assert_fails(INFERMEM_E_NULL, quant_from_f16(NULL, 8, 1, 8, NULL, &q));
  assert_fails(INFERMEM_E_NULL, quant_from_f16(halves, 8, 1, 8, NULL, NULL));
  assert_fails(INFERMEM_E_NULL, quant_from_bf16(NULL, 8, 1, 8, NULL, &q));
  assert_fails(INFERMEM_E_NULL, quant_from_bf16(halves, 8, 1, 8, NULL, NULL));
  assert_fails(INFERMEM_E_SHAPE, quant_from_f16(halves, 7, 1, 8, NULL, &q));
  assert_fails(INFERMEM_E_SHAPE, quant_from_bf16(halves, 8, 0, 8, NULL, &q));
  assert_fails(INFERMEM_E_OVERFLOW, quant_from_bf16(halves, 8, SIZE_MAX / 4, 8, NULL, &q));
  assert_null(q);
}

/* ---- Values that are not finite ---- */

static void clamped_values_stay_in_the_range_of_their_group(void **state) {
  (void)state;
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.nan_policy = INFERMEM_QUANT_CLAMP;
  options.group = 8;
  options.bits = 4;
  const size_t shape[2] = {1, 32};
  const float values[32] = {-1,  -15, INFINITY, -INFINITY, -2,       0,        -9,        NAN,       /* -15 to 0 */
                            NAN, 16,  17,       18,        19,       INFINITY, -INFINITY, 31,        /* 16 to 31 */
                            NAN, NAN, INFINITY, -INFINITY, INFINITY, INFINITY, INFINITY,  -INFINITY, /* all 0 */
                            0,   1,   2,        3,         4,        5,        6,         15};
  const float want[32] = {-1, -15, 0, -15, -2, 0, -9, 0, 16, 16, 17, 18, 19, 31, 16, 31,
                          0,  0,   0, 0,   0,  0, 0,  0, 0,  1,  2,  3,  4,  5,  6,  15};
  infermem_quant *q = from_f32(values, shape, &options);
  assert_ok(quant_to_f32(q, got, 32));
  for (int i = 0; i < 32; i++) assert_true(got[i] == want[i]);
  quant_free(q);
}

static void clamping_changes_nothing_else(void **state) {
  (void)state;
  uint64_t seed = 44;
  static const int32_t params[] = {INFERMEM_DTYPE_F32, INFERMEM_DTYPE_F16, INFERMEM_DTYPE_BF16};
  for (int run = 0; run < kNShapes * 12; run++) {
    const size_t *shape = kShapes[run / 12];
    const struct type16 *t = &kTypes[run % 2];
    const size_t n = shape[0] * shape[1];
    INFERMEM_STRUCT(infermem_quant_options, options);
    options.bits = run / 2 % 2 ? 4 : 8;
    options.params = params[run / 4 % 3];
    options.group = shape[2];
    for (size_t i = 0; i < n; i++) {
      const uint32_t kind = (uint32_t)test_random_below(&seed, 60);
      halves[i] = (uint16_t)nearest(t, test_random_float(&seed));
      data[i] = clean[i] = (float)value16(t, halves[i]);
      if (kind > 2) continue;
      data[i] = kind == 0 ? NAN : kind == 1 ? INFINITY : -INFINITY;
      halves[i] = (uint16_t)(infinity16(t) | (kind == 0) | (kind == 2 ? 0x8000 : 0));
    }
    for (size_t row = 0; row < shape[0]; row++) {
      for (size_t first = 0; first < shape[1]; first += shape[2]) {
        const size_t begin = row * shape[1] + first;
        const size_t end = begin + (shape[1] - first < shape[2] ? shape[1] - first : shape[2]);
        float low = INFINITY, high = -INFINITY;
        for (size_t i = begin; i < end; i++)
          if (isfinite(data[i])) low = fminf(low, data[i]), high = fmaxf(high, data[i]);
        if (low > high) low = high = 0;
        for (size_t i = begin; i < end; i++)
          if (!isfinite(data[i])) clean[i] = fminf(fmaxf(isnan(data[i]) ? 0 : data[i], low), high);
      }
    }
    infermem_quant *q = from_f32(clean, shape, &options);
    assert_ok(quant_to_f32(q, expected, n));
    quant_free(q);
    options.nan_policy = INFERMEM_QUANT_CLAMP;
    for (int source = 0; source < 3; source++) {
      q = NULL;
      if (source == 0)
        q = from_f32(data, shape, &options);
      else if (source == 1)
        assert_ok(from_16(t, halves, shape, &options, &q));
      else
        q = from_f32(clean, shape, &options);
      assert_ok(quant_to_f32(q, got, n));
      assert_memory_equal(got, expected, n * sizeof *got);
      quant_free(q);
    }
  }
}

/* ---- Parameters of 16 bits ---- */

/* To 24 bits, also beyond the range of a float: a double has room enough for any one operation on two floats. */
static double f32(double x) { return fabs(x) >= 0x1p126 ? (double)(float)(x * 0x1p-3) * 0x1p3 : (double)(float)x; }

/* One group, by the header's words in double precision. */
static void check_group(const struct type16 *t, const float *v, size_t n, uint32_t bits, const float *out) {
  const double levels = bits == 4 ? 15 : 255;
  double least = (double)v[0], max = (double)v[0];
  for (size_t i = 1; i < n; i++) {
    least = fmin(least, (double)v[i]);
    max = fmax(max, (double)v[i]);
  }
  const double min = round_down(t, least), range = f32(max - min);
  double scale = 1;
  if (range != 0) {
    scale = f32(range / levels);
    if (scale == 0 || f32(range / scale) >= levels + 0.5) scale += 0x1p-149;
    scale = -round_down(t, -scale);
  }
  for (size_t i = 0; i < n; i++) {
    const double q = fmin(floor(f32(f32((double)v[i] - min) / scale) + 0.5), levels);
    const double value = fmin(f32(f32(q * scale) + min), (double)FLT_MAX);
    if ((double)out[i] != value)
      fail_msg("element %zu of %zu: %a became %a, not %a", i, n, (double)v[i], (double)out[i], value);
    const double ulps = 0x1p-22 * fmax(fabs(min), fabs(min + levels * scale));
    assert_true(fabs((double)out[i] - (double)v[i]) <= scale / 2 + ulps);
  }
}

static void check_matrix(const struct type16 *t, const size_t *shape, uint32_t bits) {
  const size_t n = shape[0] * shape[1];
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.bits = bits;
  options.params = t->dtype;
  options.group = shape[2];
  infermem_quant *q = from_f32(data, shape, &options);
  assert_ok(quant_to_f32(q, got, n));
  for (size_t row = 0; row < shape[0]; row++)
    for (size_t i = 0; i < shape[1]; i += shape[2])
      check_group(t, data + row * shape[1] + i, shape[1] - i < shape[2] ? shape[1] - i : shape[2], bits,
                  got + row * shape[1] + i);
  /* A row alone has the same values, and so have a row's pieces: quant_error reads by the piece. */
  const size_t last = shape[0] - 1;
  assert_ok(quant_rows_to_f32(q, &last, 1, expected, shape[1]));
  assert_memory_equal(expected, got + last * shape[1], shape[1] * sizeof *got);
  INFERMEM_STRUCT(infermem_quant_errors, errors);
  assert_ok(quant_error(q, got, n, &errors));
  assert_true(errors.max == 0);
  quant_free(q);
}

static void parameters_of_16_bits_cover_every_group(void **state) {
  (void)state;
  uint64_t seed = 45;
  for (int s = 0; s < kNShapes; s++) {
    for (int which = 0; which < 2; which++) {
      for (int magnitude = -28; magnitude <= 12; magnitude += 8) {
        const float offset = magnitude % 16 == 0 ? 0.0f : ldexpf(test_random_float(&seed), magnitude + 3);
        const int exponent = which == 0 ? magnitude : 5 * magnitude;
        for (size_t i = 0; i < kShapes[s][0] * kShapes[s][1]; i++)
          data[i] = ldexpf(test_random_float(&seed), exponent) + ldexpf(offset, exponent - magnitude);
        check_matrix(&kTypes[which], kShapes[s], 4);
        check_matrix(&kTypes[which], kShapes[s], 8);
      }
    }
  }
}

static void any_finite_floats_have_parameters_in_bf16(void **state) {
  (void)state;
  uint64_t seed = 46;
  const size_t shape[3] = {8, 64, 8};
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < 512; i++) {
      do {
        const uint32_t bits = (uint32_t)test_random(&seed);
        memcpy(&data[i], &bits, sizeof bits);
      } while (!(fabsf(data[i]) <= 0x1.fep127f));
      if (round % 4 == 3) data[i] = (float)(i * i % 701) * 0x1p-149f; /* denormal ranges */
    }
    check_matrix(&kTypes[1], shape, round % 2 ? 4 : 8);
  }
}

static void zero_to_four_have_the_known_scales(void **state) {
  (void)state;
  static const float values[5] = {0, 1, 2, 3, 4}, levels[5] = {0, 4, 7, 11, 15};
  static const float scales[2] = {1093 / 4096.0f, 137 / 512.0f}; /* the next above 4 / 15 */
  const size_t shape[2] = {1, 5};
  for (int which = 0; which < 2; which++) {
    INFERMEM_STRUCT(infermem_quant_options, options);
    options.bits = 4;
    options.params = kTypes[which].dtype;
    infermem_quant *q = from_f32(values, shape, &options);
    assert_int_equal(quant_bytes(q), 3 + 4);
    float out[5];
    assert_ok(quant_to_f32(q, out, 5));
    for (int i = 0; i < 5; i++) assert_true(out[i] == levels[i] * scales[which]);
    quant_free(q);
  }
}

static void groups_of_32_in_4_bits_take_5_bits_a_weight(void **state) {
  (void)state;
  const size_t shape[2] = {4, 512};
  memset(data, 0, sizeof data);
  static const struct {
    uint32_t bits;
    int32_t params;
    size_t sixteenths; /* of a bit, a weight */
  } costs[] = {{4, INFERMEM_DTYPE_F32, 96},  {4, INFERMEM_DTYPE_F16, 80},  {4, INFERMEM_DTYPE_BF16, 80},
               {8, INFERMEM_DTYPE_F32, 160}, {8, INFERMEM_DTYPE_F16, 144}, {8, INFERMEM_DTYPE_BF16, 144}};
  for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
    INFERMEM_STRUCT(infermem_quant_options, options);
    options.bits = costs[i].bits;
    options.params = costs[i].params;
    infermem_quant *q = from_f32(data, shape, &options);
    assert_int_equal(quant_bytes(q) * 8 * 16, 2048 * costs[i].sixteenths);
    assert_int_equal(quant_bits(q), costs[i].bits);
    quant_free(q);
  }
}

static void equal_values_come_back_where_the_type_has_them(void **state) {
  (void)state;
  static const float values[] = {0, -0.0f, 0.5f, -3.75f, 65504, -65504, 0x1p-24f, -0x1p-24f};
  const size_t shape[2] = {1, 40};
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.params = INFERMEM_DTYPE_F16;
  for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
    for (int i = 0; i < 40; i++) data[i] = values[v];
    infermem_quant *q = from_f32(data, shape, &options);
    assert_ok(quant_to_f32(q, got, 40));
    for (int i = 0; i < 40; i++) assert_true(got[i] == values[v]);
    quant_free(q);
  }
}

static void parameters_that_do_not_fit_are_refused_with_the_index(void **state) {
  (void)state;
  infermem_tape *tape = test_tape(1 << 16);
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.tape = tape;
  options.group = 8;
  /* the type, bits, two values of a group, whether it fits */
  static const struct {
    int which;
    uint32_t bits;
    float low, high;
    int fits;
  } cases[] = {
      {0, 8, -65504, 65504, 1},
      {0, 8, -65505, 0, 0},
      {0, 8, 65504, 70000, 1},
      {0, 8, 65505, 70000, 0},
      {0, 4, 0, 15 * 65504.0f, 1},
      {0, 4, 0, 15 * 65505.0f, 0},
      {0, 8, 0, 255 * 65504.0f, 1},
      {0, 8, 0, 255 * 65505.0f, 0},
      {1, 4, -0x1.fep127f, FLT_MAX, 1},
      {1, 4, -0x1.fe0002p127f, 0, 0},
      {1, 4, 0x1.fe0002p127f, FLT_MAX, 0},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    float values[60] = {0}; /* 3 rows of 3 groups; the middle group of row 1, and the last */
    for (int i = 28; i < 36; i++) values[i] = i % 2 ? cases[c].high : cases[c].low;
    for (int i = 56; i < 60; i++) values[i] = i % 2 ? cases[c].high : cases[c].low;
    options.bits = cases[c].bits;
    options.params = kTypes[cases[c].which].dtype;
    const size_t used = tape_used(tape);
    infermem_quant *q = NULL;
    if (cases[c].fits) {
      assert_ok(quant_from_f32(values, 60, 3, 20, &options, &q));
      quant_free(q);
      continue;
    }
    assert_fails(INFERMEM_E_LIMIT, quant_from_f32(values, 60, 3, 20, &options, &q));
    assert_int_equal(infermem_error_detail()->got, 28);
    values[59] = NAN; /* which is told first */
    assert_fails(INFERMEM_E_NOT_FINITE, quant_from_f32(values, 60, 3, 20, &options, &q));
    assert_int_equal(infermem_error_detail()->got, 59);
    assert_null(q);
    assert_int_equal(tape_used(tape), used);
  }
  tape_free(tape);
}

/* ---- All of it ---- */

static void every_instruction_set_gives_the_same_bits(void **state) {
  (void)state;
  uint64_t seed = 47;
  static uint16_t expected16[2][kMost];
  static const int32_t params[] = {INFERMEM_DTYPE_F32, INFERMEM_DTYPE_F16, INFERMEM_DTYPE_BF16};
  for (int run = 0; run < kNShapes * 6; run++) {
    const size_t *shape = kShapes[run / 6];
    const size_t n = shape[0] * shape[1];
    for (size_t i = 0; i < n; i++) data[i] = test_random_float(&seed);
    INFERMEM_STRUCT(infermem_quant_options, options);
    options.bits = run % 2 ? 4 : 8;
    options.params = params[run / 2 % 3];
    options.group = shape[2];
    const char *set;
    for (size_t i = 0; (set = infermem_simd_available(i)) != NULL; i++) {
      assert_ok(infermem_simd_select(set));
      infermem_quant *q = from_f32(data, shape, &options);
      assert_ok(quant_to_f32(q, i == 0 ? expected : got, n));
      if (i != 0) assert_memory_equal(got, expected, n * sizeof *got);
      for (int which = 0; which < 2; which++) {
        assert_ok(to_16(&kTypes[which], q, i == 0 ? expected16[which] : halves, n));
        if (i != 0) assert_memory_equal(halves, expected16[which], n * sizeof *halves);
      }
      quant_free(q);
    }
    assert_ok(infermem_simd_select(NULL));
  }
}

static void options_beyond_the_known_are_refused(void **state) {
  (void)state;
  const size_t shape[2] = {1, 8};
  infermem_quant *q = NULL;
  for (int field = 0; field < 5; field++) {
    INFERMEM_STRUCT(infermem_quant_options, options);
    if (field == 0) options.nan_policy = 2;
    if (field == 1) options.params = INFERMEM_DTYPE_Q8_0;
    if (field == 2) options.params = -1;
    if (field == 3) options.params = 99;
    if (field == 4) options.symmetric = 2;
    assert_fails(INFERMEM_E_ARG, quant_from_f32(data, 8, 1, 8, &options, &q));
    assert_fails(INFERMEM_E_ARG, quant_from_f16(halves, 8, 1, 8, &options, &q));
    assert_fails(INFERMEM_E_ARG, quant_from_bf16(halves, 8, 1, 8, &options, &q));
    assert_fails(INFERMEM_E_ARG, quant_borrow(INFERMEM_DTYPE_F16, halves, 16, 1, 8, &options, &q));
  }
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.nan_policy = INFERMEM_QUANT_CLAMP; /* known, but not for what is borrowed */
  assert_fails(INFERMEM_E_ARG, quant_borrow(INFERMEM_DTYPE_F16, halves, 16, 1, 8, &options, &q));
  options.nan_policy = 0;
  options.params = INFERMEM_DTYPE_F16;
  assert_fails(INFERMEM_E_ARG, quant_borrow(INFERMEM_DTYPE_F16, halves, 16, 1, 8, &options, &q));
  assert_null(q);
  /* A caller's struct that ends before params. */
  options.struct_size = offsetof(infermem_quant_options, params);
  q = from_f32(data, shape, &options);
  assert_int_equal(quant_bytes(q), 8 + 8);
  quant_free(q);
}

static void no_handle_other_handles_and_stale_ones_are_told_apart(void **state) {
  (void)state;
  const size_t shape[2] = {1, 8};
  infermem_tape *tape = test_tape(4096);
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.tape = tape;
  options.params = INFERMEM_DTYPE_F16;
  infermem_quant *const stale = from_f32(data, shape, &options);
  assert_ok(tape_clear(tape));
  infermem_quant *const other = (infermem_quant *)(void *)tape;
  infermem_quant *const none = NULL;
  assert_fails(INFERMEM_E_STALE, quant_to_f16(stale, halves, 8));
  assert_fails(INFERMEM_E_STALE, quant_to_bf16(stale, halves, 8));
  assert_fails(INFERMEM_E_STALE, quant_range_to_f32(stale, 0, 1, got, 8));
  assert_fails(INFERMEM_E_HANDLE, quant_to_f16(other, halves, 8));
  assert_fails(INFERMEM_E_HANDLE, quant_to_bf16(other, halves, 8));
  assert_fails(INFERMEM_E_HANDLE, quant_range_to_f32(other, 0, 1, got, 8));
  assert_fails(INFERMEM_E_NULL, quant_to_f16(none, halves, 8));
  assert_fails(INFERMEM_E_NULL, quant_to_bf16(none, halves, 8));
  assert_fails(INFERMEM_E_NULL, quant_range_to_f32(none, 0, 1, got, 8));
  quant_free(stale);
  tape_free(tape);
}

static int32_t make_and_read(const infermem_allocator *allocator) {
  uint16_t in[64], out[64];
  float row[32];
  for (int i = 0; i < 64; i++) in[i] = 0x3c00; /* a group of equal values */
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.allocator = allocator;
  options.params = INFERMEM_DTYPE_F16;
  options.nan_policy = INFERMEM_QUANT_CLAMP;
  infermem_quant *first = NULL, *second = NULL;
  int32_t status = quant_from_f16(in, 64, 2, 32, &options, &first);
  if (status != INFERMEM_OK) assert_null(first);
  if (status == INFERMEM_OK) status = quant_from_bf16(in, 64, 2, 32, &options, &second);
  if (status == INFERMEM_OK) {
    const size_t calls = ((const struct test_allocator *)(const void *)allocator)->calls;
    assert_ok(quant_to_f16(first, out, 64));
    assert_memory_equal(out, in, sizeof in);
    assert_ok(quant_to_bf16(second, out, 64));
    assert_memory_equal(out, in, sizeof in);
    assert_ok(quant_range_to_f32(second, 1, 1, row, 32));
    assert_int_equal(((const struct test_allocator *)(const void *)allocator)->calls, calls); /* reading takes none */
  } else {
    assert_null(second);
  }
  quant_free(second);
  quant_free(first);
  return status;
}

static void any_allocation_may_fail(void **state) {
  (void)state;
  assert_int_equal(oom_walk(make_and_read), 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(floats_are_rounded_to_the_nearest_even_number),
      cmocka_unit_test(what_is_not_finite_stays_so_in_16_bits),
      cmocka_unit_test(a_matrix_in_16_bits_is_that_in_floats_rounded),
      cmocka_unit_test(borrowed_numbers_of_16_bits_come_back_as_they_are),
      cmocka_unit_test(ranges_of_rows_are_parts_of_the_whole),
      cmocka_unit_test(bad_ranges_and_lengths_leave_the_output_alone),
      cmocka_unit_test(a_matrix_from_16_bits_is_that_from_the_floats),
      cmocka_unit_test(what_is_wrong_with_16_bits_is_refused),
      cmocka_unit_test(clamped_values_stay_in_the_range_of_their_group),
      cmocka_unit_test(clamping_changes_nothing_else),
      cmocka_unit_test(parameters_of_16_bits_cover_every_group),
      cmocka_unit_test(any_finite_floats_have_parameters_in_bf16),
      cmocka_unit_test(zero_to_four_have_the_known_scales),
      cmocka_unit_test(groups_of_32_in_4_bits_take_5_bits_a_weight),
      cmocka_unit_test(equal_values_come_back_where_the_type_has_them),
      cmocka_unit_test(parameters_that_do_not_fit_are_refused_with_the_index),
      cmocka_unit_test(every_instruction_set_gives_the_same_bits),
      cmocka_unit_test(options_beyond_the_known_are_refused),
      cmocka_unit_test(no_handle_other_handles_and_stale_ones_are_told_apart),
      cmocka_unit_test(any_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("quant_native", tests, NULL, NULL);
}
