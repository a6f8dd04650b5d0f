/* Quantized weights: every function of infermem/quant.h. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

/* ---- What values must be: the arithmetic of the header, in double precision, rounded to a float after each step ----
 */

/* To 24 bits, also beyond the range of a float: a double has room enough for any one operation on two floats to come
 * out as if it had been rounded once. */
static double f32(double x) { return fabs(x) >= 0x1p126 ? (double)(float)(x * 0x1p-3) * 0x1p3 : (double)(float)x; }

static double expected_scale(const float *v, size_t n, double levels, double *out_min) {
  double min = (double)v[0], max = (double)v[0];
  for (size_t i = 1; i < n; i++) {
    if ((double)v[i] < min) min = (double)v[i];
    if ((double)v[i] > max) max = (double)v[i];
  }
  *out_min = min;
  const double range = f32(max - min);
  if (range == 0) return 1;
  const double scale = f32(range / levels);
  return scale == 0 || f32(range / scale) >= levels + 0.5 ? scale + 0x1p-149 : scale;
}

/* Checks one group's values exactly, and against the promised bound. */
static void check_group(const float *v, size_t n, uint32_t bits, const float *got) {
  const double levels = bits == 4 ? 15 : 255;
  double min;
  const double scale = expected_scale(v, n, levels, &min);
  for (size_t i = 0; i < n; i++) {
    const double x = f32(f32((double)v[i] - min) / scale);
    const double q = fmin(floor(x + 0.5), levels);
    const double value = fmin(f32(f32(q * scale) + min), (double)FLT_MAX);
    if ((double)got[i] != value)
      fail_msg("element %zu of %zu: %a became %a, not %a", i, n, (double)v[i], (double)got[i], value);
    const double ulps = 0x1p-22 * fmax(fabs(min), fabs(min + levels * scale));
    assert_true(fabs((double)got[i] - (double)v[i]) <= scale / 2 + ulps);
  }
}

static infermem_quant *quantize(const float *data, size_t rows, size_t cols, uint32_t bits, size_t group) {
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.bits = bits;
  options.group = group;
  infermem_quant *q = NULL;
  assert_ok(quant_from_f32(data, rows * cols, rows, cols, &options, &q));
  return q;
}

/* Quantizes, reads back, and checks every group. */
static void check_matrix(const float *data, size_t rows, size_t cols, uint32_t bits, size_t group) {
  infermem_quant *q = quantize(data, rows, cols, bits, group);
  const size_t actual = quant_group(q);
  float *out = malloc(rows * cols * sizeof *out);
  assert_non_null(out);
  assert_ok(quant_to_f32(q, out, rows * cols));
  for (size_t row = 0; row < rows; row++)
    for (size_t i = 0; i < cols; i += actual)
      check_group(data + row * cols + i, cols - i < actual ? cols - i : actual, bits, out + row * cols + i);
  free(out);
  quant_free(q);
}

static void make_ramp(float *ramp) {
  for (int i = 0; i < 256; i++) ramp[i] = (float)i / 256;
}

/* ---- Quantizing ---- */

static void the_ramp_takes_the_known_bytes_and_has_the_known_errors(void **state) {
  (void)state;
  static const struct {
    uint32_t bits;
    size_t group, bytes;
    double max_error, digit; /* half a unit of the last digit given */
  } golden[] = {
      {8, 32, 320, 2.2978e-4, 0.5e-8}, {4, 32, 192, 3.90625e-3, 0.5e-8}, {4, 64, 160, 7.81e-3, 0.5e-5},
      {4, 128, 144, 1.64e-2, 0.5e-4},  {4, 256, 136, 3.125e-2, 0.5e-5},
  };
  float ramp[256];
  make_ramp(ramp);
  for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
    infermem_quant *q = quantize(ramp, 1, 256, golden[i].bits, golden[i].group);
    assert_int_equal(quant_bytes(q), golden[i].bytes);
    assert_int_equal(quant_bits(q), golden[i].bits);
    assert_int_equal(quant_group(q), golden[i].group);
    INFERMEM_STRUCT(infermem_quant_errors, errors);
    assert_ok(quant_error(q, ramp, 256, &errors));
    assert_true(fabs(errors.max - golden[i].max_error) <= golden[i].digit);
    quant_free(q);
    check_matrix(ramp, 1, 256, golden[i].bits, golden[i].group);
  }
}

static void the_ramp_has_the_known_scales(void **state) {
  (void)state;
  float ramp[256], out[256];
  make_ramp(ramp);
  infermem_quant *q = quantize(ramp, 1, 256, 8, 32);
  assert_ok(quant_to_f32(q, out, 256));
  const double scale8 = (double)out[1] / 8; /* the first group's minimum is 0, and 1/256 is nearest to level 8 */
  assert_true(fabs(scale8 - 4.74877e-4) <= 0.5e-9);
  quant_free(q);
  q = quantize(ramp, 1, 256, 4, 32);
  assert_ok(quant_to_f32(q, out, 256));
  const double scale4 = (double)out[2]; /* level 1 */
  assert_true(fabs(scale4 - 8.0729e-3) <= 0.5e-7);
  quant_free(q);
}

static void zero_to_four_in_4_bits_are_levels_0_4_7_11_15(void **state) {
  (void)state;
  static const float data[5] = {0, 1, 2, 3, 4};
  static const float levels[5] = {0, 4, 7, 11, 15};
  infermem_quant *q = quantize(data, 1, 5, 4, 0);
  assert_int_equal(quant_group(q), 8);
  assert_int_equal(quant_bytes(q), 3 + 8);
  float out[5];
  assert_ok(quant_to_f32(q, out, 5));
  for (int i = 0; i < 5; i++) assert_true(out[i] == levels[i] * (4.0f / 15.0f));
  quant_free(q);
}

static void a_constant_group_comes_back_exactly(void **state) {
  (void)state;
  static const float values[] = {0.0f, -0.0f, 0.1f, -3.7f, FLT_MAX, -FLT_MAX, FLT_MIN, 0x1p-149f, -0x1p-149f};
  for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
    for (uint32_t bits = 4; bits <= 8; bits += 4) {
      float data[40], out[40];
      for (int i = 0; i < 40; i++) data[i] = values[v];
      infermem_quant *q = quantize(data, 1, 40, bits, 32);
      assert_ok(quant_to_f32(q, out, 40));
      for (int i = 0; i < 40; i++) assert_true(out[i] == values[v]);
      quant_free(q);
    }
  }
}

static void halves_are_rounded_away_from_zero(void **state) {
  (void)state;
  float data[32], out[32];
  for (int i = 0; i < 32; i++) data[i] = (float)i / 2; /* 0 to 15.5: with 0 and 15, a scale of 1 */
  data[31] = 15;
  infermem_quant *q = quantize(data, 1, 32, 4, 32);
  assert_ok(quant_to_f32(q, out, 32));
  for (int i = 0; i < 31; i++) assert_true(out[i] == (float)((i + 1) / 2));
  /* The float below a half is below a half. */
  data[1] = 0x1.fffffep-2f;
  quant_free(q);
  q = quantize(data, 1, 32, 4, 32);
  assert_ok(quant_to_f32(q, out, 32));
  assert_true(out[1] == 0.0f);
  quant_free(q);
}

static void every_value_is_exact_and_within_half_a_scale(void **state) {
  (void)state;
  static const size_t shapes[][3] = {{1, 1, 8},    {3, 7, 8},    {5, 8, 8},     {4, 9, 16},    {2, 31, 32},
                                     {3, 33, 32},  {2, 100, 24}, {2, 100, 104}, {3, 255, 64},  {2, 257, 128},
                                     {2, 300, 40}, {1, 1000, 0}, {7, 64, 64},   {3, 512, 256}, {1, 700, 704}};
  uint64_t seed = 20240601;
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    const size_t n = shapes[s][0] * shapes[s][1];
    float *data = malloc(n * sizeof *data);
    assert_non_null(data);
    for (int magnitude = -120; magnitude <= 120; magnitude += 24) {
      const float offset = magnitude % 48 == 0 ? 0.0f : ldexpf(test_random_float(&seed), magnitude + 6);
      for (size_t i = 0; i < n; i++) data[i] = ldexpf(test_random_float(&seed), magnitude) + offset;
      check_matrix(data, shapes[s][0], shapes[s][1], 4, shapes[s][2]);
      check_matrix(data, shapes[s][0], shapes[s][1], 8, shapes[s][2]);
    }
    free(data);
  }
}

static void arbitrary_finite_floats_are_exact(void **state) {
  (void)state;
  uint64_t seed = 7;
  float data[512];
  for (int round = 0; round < 100; round++) {
    for (int i = 0; i < 512; i++) {
      do {
        const uint32_t bits = (uint32_t)test_random(&seed);
        memcpy(&data[i], &bits, sizeof bits);
      } while (!isfinite(data[i]));
    }
    check_matrix(data, 2, 256, round % 2 ? 4 : 8, 8);
  }
}

static void ranges_beyond_a_float_do_not_overflow(void **state) {
  (void)state;
  const float half = FLT_MAX / 2;
  const float rows[][8] = {
      {-FLT_MAX, FLT_MAX, 0, 1, -1, half, -half, 0x1p-149f},
      {FLT_MAX, -0x1.4p126f, -half, 0, half, 1e30f, FLT_MAX, 3e38f},
      {-FLT_MAX, 0x1.1p127f, 3, -3e38f, 2e38f, 1e38f, -1e38f, 0},
      {FLT_MAX, 1e30f, 1e31f, 1e37f, 2e38f, 3e38f, 3.4e38f, FLT_MAX}, /* the range fits, its top rounds beyond */
      {0, FLT_MAX, 1e38f, 2e38f, 3e38f, 3.1e38f, 3.3e38f, 3.4e38f},
      {FLT_MAX, -1e31f, -1e30f, 1, 2, 3, 4, 5},
  };
  const size_t n_rows = sizeof rows / sizeof *rows;
  for (uint32_t bits = 4; bits <= 8; bits += 4) {
    check_matrix(rows[0], n_rows, 8, bits, 8);
    float out[8];
    infermem_quant *q = quantize(rows[0], 1, 8, bits, 8);
    assert_ok(quant_to_f32(q, out, 8));
    assert_true(out[0] == -FLT_MAX && out[1] == FLT_MAX);
    quant_free(q);
  }
  /* Many of them, whose roundings differ. */
  uint64_t seed = 99;
  float data[64 * 8];
  for (int round = 0; round < 200; round++) {
    for (int i = 0; i < 64 * 8; i++) data[i] = FLT_MAX * test_random_float(&seed);
    for (int i = 0; i < 64 * 8; i += 8) data[i] = round % 3 ? FLT_MAX : -FLT_MAX;
    check_matrix(data, 64, 8, round % 2 ? 4 : 8, 8);
  }
}

static void denormal_ranges_keep_the_error_bound(void **state) {
  (void)state;
  /* Every range of up to 600 of the smallest denormal: the quotient rounds to 0, up, and down. */
  for (uint32_t bits = 4; bits <= 8; bits += 4) {
    const double levels = bits == 4 ? 15 : 255;
    for (int range = 1; range <= 600; range++) {
      float data[16], out[16];
      for (int i = 0; i < 16; i++) data[i] = (float)(range * i / 15) * 0x1p-149f;
      infermem_quant *q = quantize(data, 1, 16, bits, 16);
      assert_ok(quant_to_f32(q, out, 16));
      for (int i = 0; i < 16; i++) {
        const double units = fabs((double)out[i] - (double)data[i]) * 0x1p149;
        assert_true(units <= ceil(range / levels) / 2);
        if (range <= levels) assert_true(units == 0);
      }
      quant_free(q);
      check_matrix(data, 1, 16, bits, 16);
    }
  }
}

static void a_value_that_is_not_finite_is_refused_with_its_index(void **state) {
  (void)state;
  infermem_tape *tape = test_tape(1 << 16);
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.tape = tape;
  static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
  for (size_t b = 0; b < 4; b++) {
    for (size_t at = 0; at < 60; at += 7) {
      float data[60] = {0};
      data[at] = bad[b];
      data[59] = bad[b];
      infermem_quant *q = NULL;
      assert_fails(INFERMEM_E_NOT_FINITE, quant_from_f32(data, 60, 3, 20, &options, &q));
      assert_null(q);
      assert_int_equal(infermem_error_detail()->got, at);
      char index[32];
      snprintf(index, sizeof index, "element %zu ", at);
      assert_non_null(strstr(infermem_error_detail()->message, index));
    }
  }
  assert_int_equal(tape_used(tape), 0);
  tape_free(tape);
}

static void groups_run_from_8_to_the_columns_in_steps_of_8(void **state) {
  (void)state;
  float data[264] = {0};
  INFERMEM_STRUCT(infermem_quant_options, options);
  static const size_t bad[][2] = {{256, 4}, {256, 12}, {256, 33}, {256, 264}, {256, (size_t)-8}, {5, 16}, {9, 24}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    options.group = bad[i][1];
    infermem_quant *q = NULL;
    assert_fails(INFERMEM_E_ARG, quant_from_f32(data, bad[i][0], 1, bad[i][0], &options, &q));
    assert_null(q);
    assert_int_equal(infermem_error_detail()->got, bad[i][1]);
  }
  /* columns, the group asked for, the group had */
  static const size_t good[][3] = {{256, 0, 32}, {256, 8, 8}, {256, 256, 256}, {257, 264, 264}, {5, 8, 8},
                                   {5, 0, 8},    {20, 0, 24}, {31, 0, 32},     {20, 24, 24},    {9, 16, 16}};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    infermem_quant *q = quantize(data, 1, good[i][0], 0, good[i][1]);
    assert_int_equal(quant_group(q), good[i][2]);
    const size_t groups = (good[i][0] + good[i][2] - 1) / good[i][2];
    assert_int_equal(quant_bytes(q), good[i][0] + 8 * groups);
    quant_free(q);
  }
}

static void defaults_are_8_bits_in_groups_of_32(void **state) {
  (void)state;
  float ramp[256];
  make_ramp(ramp);
  infermem_quant *q = NULL;
  assert_ok(quant_from_f32(ramp, 256, 2, 128, NULL, &q));
  assert_int_equal(quant_bits(q), 8);
  assert_int_equal(quant_group(q), 32);
  assert_int_equal(quant_bytes(q), 320);
  assert_int_equal(quant_dtype(q), INFERMEM_QUANT_NATIVE);
  size_t rows = 0, cols = 0;
  assert_ok(quant_shape(q, &rows, &cols));
  assert_int_equal(rows, 2);
  assert_int_equal(cols, 128);
  quant_free(q);
}

static void rows_of_odd_length_start_at_whole_bytes(void **state) {
  (void)state;
  float data[3 * 7];
  for (int i = 0; i < 21; i++) data[i] = (float)(i % 7 * (1 + i / 7));
  infermem_quant *q = quantize(data, 3, 7, 4, 8);
  assert_int_equal(quant_bytes(q), 3 * 4 + 3 * 8);
  quant_free(q);
  check_matrix(data, 3, 7, 4, 8);
}

static void what_cannot_be_quantized_is_refused(void **state) {
  (void)state;
  float data[16] = {0};
  infermem_quant *q = NULL;
  INFERMEM_STRUCT(infermem_quant_options, options);
  assert_fails(INFERMEM_E_NULL, quant_from_f32(NULL, 16, 2, 8, &options, &q));
  assert_fails(INFERMEM_E_NULL, quant_from_f32(data, 16, 2, 8, &options, NULL));
  assert_fails(INFERMEM_E_SHAPE, quant_from_f32(data, 15, 2, 8, &options, &q));
  assert_int_equal(infermem_error_detail()->expected, 16);
  assert_int_equal(infermem_error_detail()->got, 15);
  assert_fails(INFERMEM_E_SHAPE, quant_from_f32(data, 17, 2, 8, &options, &q));
  assert_fails(INFERMEM_E_SHAPE, quant_from_f32(data, 0, 0, 8, &options, &q));
  assert_fails(INFERMEM_E_SHAPE, quant_from_f32(data, 0, 2, 0, &options, &q));
  assert_fails(INFERMEM_E_OVERFLOW, quant_from_f32(data, 16, SIZE_MAX / 4, 8, &options, &q));
  assert_fails(INFERMEM_E_OVERFLOW, quant_from_f32(data, SIZE_MAX, 1, SIZE_MAX, &options, &q));
  options.bits = 5;
  assert_fails(INFERMEM_E_ARG, quant_from_f32(data, 16, 2, 8, &options, &q));
  options.bits = 0;
  options.symmetric = 2;
  assert_fails(INFERMEM_E_ARG, quant_from_f32(data, 16, 2, 8, &options, &q));
  options.symmetric = 0;
  options.struct_size = 1;
  assert_fails(INFERMEM_E_STRUCT, quant_from_f32(data, 16, 2, 8, &options, &q));
  options.struct_size = sizeof options;
  INFERMEM_STRUCT(infermem_allocator, half);
  options.allocator = &half;
  assert_fails(INFERMEM_E_ARG, quant_from_f32(data, 16, 2, 8, &options, &q));
  assert_null(q);
}

/* ---- Borrowing ---- */

/* F16 by its definition; NaN payloads move up and become quiet. */
static float f16_value(uint32_t bits) {
  const int exponent = (int)(bits >> 10 & 31);
  const double mantissa = bits & 1023;
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 31 && mantissa != 0) {
    const uint32_t nan = (bits & 0x8000) << 16 | 0x7fc00000 | (bits & 1023) << 13;
    float value;
    memcpy(&value, &nan, sizeof nan);
    return value;
  }
  if (exponent == 31) return (float)(sign * INFINITY);
  return (float)(sign * (exponent == 0 ? ldexp(mantissa, -24) : ldexp(1024 + mantissa, exponent - 25)));
}

static float bf16_value(uint32_t bits) {
  const int exponent = (int)(bits >> 7 & 255);
  const double mantissa = bits & 127;
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 255 && mantissa != 0) {
    const uint32_t nan = bits << 16;
    float value;
    memcpy(&value, &nan, sizeof nan);
    return value;
  }
  if (exponent == 255) return (float)(sign * INFINITY);
  return (float)(sign * (exponent == 0 ? ldexp(mantissa, -133) : ldexp(128 + mantissa, exponent - 134)));
}

static infermem_quant *borrow(int32_t dtype, const void *bytes, size_t n_bytes, size_t rows, size_t cols) {
  infermem_quant *q = NULL;
  assert_ok(quant_borrow(dtype, bytes, n_bytes, rows, cols, NULL, &q));
  return q;
}

static void every_16_bit_float_is_read_exactly(void **state) {
  (void)state;
  static const struct {
    int32_t dtype;
    float (*value)(uint32_t bits);
  } types[] = {{INFERMEM_DTYPE_F16, f16_value}, {INFERMEM_DTYPE_BF16, bf16_value}};
  uint16_t *bits = malloc(65536 * sizeof *bits);
  float *out = malloc(65536 * sizeof *out);
  assert_non_null(bits);
  assert_non_null(out);
  for (uint32_t i = 0; i < 65536; i++) bits[i] = (uint16_t)i;
  for (int t = 0; t < 2; t++) {
    infermem_quant *q = borrow(types[t].dtype, bits, 65536 * sizeof *bits, 64, 1024);
    assert_ok(quant_to_f32(q, out, 65536));
    for (uint32_t i = 0; i < 65536; i++) {
      const float expected = types[t].value(i);
      if (memcmp(&out[i], &expected, sizeof expected) != 0) fail_msg("0x%04x is read as %a", i, (double)out[i]);
    }
    assert_int_equal(quant_bits(q), 16);
    assert_int_equal(quant_group(q), 1);
    assert_int_equal(quant_bytes(q), 131072);
    assert_int_equal(quant_dtype(q), types[t].dtype);
    quant_free(q);
  }
  free(out);
  free(bits);
}

static void f32_is_read_bit_for_bit(void **state) {
  (void)state;
  uint64_t seed = 3;
  unsigned char memory[1 + 5 * 7 * 4];
  for (size_t i = 0; i < sizeof memory; i++) memory[i] = (unsigned char)test_random(&seed);
  for (size_t offset = 0; offset < 2; offset++) {
    infermem_quant *q = borrow(INFERMEM_DTYPE_F32, memory + offset, 140, 5, 7);
    float out[35];
    assert_ok(quant_to_f32(q, out, 35));
    assert_memory_equal(out, memory + offset, 140);
    assert_int_equal(quant_bits(q), 32);
    assert_int_equal(quant_bytes(q), 140);
    quant_free(q);
  }
}

/* The definition of the two block types, an element at a time. */
static float block_value(int32_t dtype, const unsigned char *row, size_t col) {
  const size_t block_bytes = dtype == INFERMEM_DTYPE_Q8_0 ? 34 : 18;
  const unsigned char *block = row + col / 32 * block_bytes;
  const float d = f16_value((uint32_t)(block[0] | block[1] << 8));
  const size_t i = col % 32;
  int value;
  if (dtype == INFERMEM_DTYPE_Q8_0)
    value = block[2 + i] < 128 ? block[2 + i] : block[2 + i] - 256;
  else
    value = (i < 16 ? block[2 + i] % 16 : block[2 + i - 16] / 16) - 8;
  return (float)((double)d * value); /* exact in a double, so rounded once */
}

static void blocks_are_read_where_they_lie(void **state) {
  (void)state;
  static const int32_t types[] = {INFERMEM_DTYPE_Q8_0, INFERMEM_DTYPE_Q4_0};
  static const size_t block_bytes[] = {34, 18};
  uint64_t seed = 11;
  for (int t = 0; t < 2; t++) {
    for (size_t offset = 0; offset < 4; offset++) {
      enum { kRows = 5, kCols = 96 };
      const size_t row_bytes = 3 * block_bytes[t];
      unsigned char memory[4 + kRows * 3 * 34];
      for (size_t i = 0; i < sizeof memory; i++) memory[i] = (unsigned char)test_random(&seed);
      unsigned char *bytes = memory + offset;
      for (size_t block = 0; block < kRows * 3; block++) bytes[block * block_bytes[t] + 1] &= 0xbf; /* finite scales */
      infermem_quant *q = borrow(types[t], bytes, kRows * row_bytes, kRows, kCols);
      assert_int_equal(quant_bytes(q), kRows * row_bytes);
      assert_int_equal(quant_bits(q), t == 0 ? 8 : 4);
      assert_int_equal(quant_group(q), 32);
      assert_int_equal(quant_dtype(q), types[t]);
      float out[kRows * kCols], data[kRows * kCols];
      assert_ok(quant_to_f32(q, out, kRows * kCols));
      for (size_t i = 0; i < kRows * kCols; i++) {
        data[i] = block_value(types[t], bytes + i / kCols * row_bytes, i % kCols);
        assert_true(out[i] == data[i]);
      }
      const size_t rows[] = {4, 1};
      assert_ok(quant_rows_to_f32(q, rows, 2, out, 2 * kCols));
      assert_memory_equal(out, data + 4 * kCols, kCols * sizeof *out);
      assert_memory_equal(out + kCols, data + kCols, kCols * sizeof *out);
      INFERMEM_STRUCT(infermem_quant_errors, errors);
      assert_ok(quant_error(q, data, kRows * kCols, &errors));
      assert_true(errors.max == 0 && errors.mean == 0 && errors.rmse == 0);
      quant_free(q);
    }
  }
}

static void known_blocks_have_known_values(void **state) {
  (void)state;
  unsigned char q4[18] = {0x00, 0x38}; /* a scale of 0.5 */
  unsigned char q8[34] = {0x00, 0xc0}; /* of -2 */
  for (int i = 0; i < 16; i++) q4[2 + i] = (unsigned char)(i | (15 - i) << 4);
  for (int i = 0; i < 32; i++) q8[2 + i] = (unsigned char)(i == 0 ? 128 : i);
  float out[32];
  infermem_quant *q = borrow(INFERMEM_DTYPE_Q4_0, q4, sizeof q4, 1, 32);
  assert_ok(quant_to_f32(q, out, 32));
  for (int i = 0; i < 16; i++) {
    assert_true(out[i] == 0.5f * (float)(i - 8));
    assert_true(out[16 + i] == 0.5f * (float)(7 - i));
  }
  quant_free(q);
  q = borrow(INFERMEM_DTYPE_Q8_0, q8, sizeof q8, 1, 32);
  assert_ok(quant_to_f32(q, out, 32));
  assert_true(out[0] == 256.0f);
  for (int i = 1; i < 32; i++) assert_true(out[i] == -2.0f * (float)i);
  quant_free(q);
}

static void what_cannot_be_borrowed_is_refused(void **state) {
  (void)state;
  unsigned char bytes[256] = {0};
  infermem_quant *q = NULL;
  assert_fails(INFERMEM_E_NULL, quant_borrow(INFERMEM_DTYPE_F32, NULL, 256, 1, 8, NULL, &q));
  assert_fails(INFERMEM_E_NULL, quant_borrow(INFERMEM_DTYPE_F32, bytes, 256, 1, 8, NULL, NULL));
  assert_fails(INFERMEM_E_SHAPE, quant_borrow(INFERMEM_DTYPE_F32, bytes, 256, 0, 8, NULL, &q));
  assert_fails(INFERMEM_E_SHAPE, quant_borrow(INFERMEM_DTYPE_F32, bytes, 256, 8, 0, NULL, &q));
  assert_fails(INFERMEM_E_SHAPE, quant_borrow(INFERMEM_DTYPE_Q8_0, bytes, 256, 1, 33, NULL, &q));
  assert_fails(INFERMEM_E_SHAPE, quant_borrow(INFERMEM_DTYPE_Q4_0, bytes, 35, 2, 32, NULL, &q));
  assert_int_equal(infermem_error_detail()->expected, 36);
  assert_int_equal(infermem_error_detail()->got, 35);
  assert_fails(INFERMEM_E_OVERFLOW, quant_borrow(INFERMEM_DTYPE_F32, bytes, 256, SIZE_MAX / 4, 8, NULL, &q));
  assert_fails(INFERMEM_E_OVERFLOW, quant_borrow(INFERMEM_DTYPE_F32, bytes, 256, 1, SIZE_MAX / 2, NULL, &q));
  assert_fails(INFERMEM_E_OVERFLOW, quant_borrow(INFERMEM_DTYPE_F32, bytes, 256, 2, SIZE_MAX / 8 + 1, NULL, &q));
  static const int32_t unknown[] = {-1, 4, 5, 99, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
    assert_fails(INFERMEM_E_TYPE, quant_borrow(unknown[i], bytes, 256, 1, 8, NULL, &q));
  static const int32_t readable[] = {INFERMEM_DTYPE_F32,  INFERMEM_DTYPE_F16,  INFERMEM_DTYPE_BF16, INFERMEM_DTYPE_Q4_0,
                                     INFERMEM_DTYPE_Q4_1, INFERMEM_DTYPE_Q5_0, INFERMEM_DTYPE_Q5_1, INFERMEM_DTYPE_Q8_0,
                                     INFERMEM_DTYPE_Q2_K, INFERMEM_DTYPE_Q3_K, INFERMEM_DTYPE_Q4_K, INFERMEM_DTYPE_Q5_K,
                                     INFERMEM_DTYPE_Q6_K, INFERMEM_DTYPE_Q8_K, INFERMEM_DTYPE_MXFP4};
  const size_t n_readable = sizeof readable / sizeof *readable;
  int refused = 0;
  for (int32_t dtype = 0; dtype < 64; dtype++) {
    if (strcmp(infermem_dtype_name(dtype), "unknown") == 0) continue;
    size_t i = 0;
    while (i < n_readable && readable[i] != dtype) i++;
    if (i < n_readable) continue;
    assert_fails(INFERMEM_E_UNSUPPORTED, quant_borrow(dtype, bytes, 256, 1, 256, NULL, &q));
    assert_non_null(strstr(infermem_error_detail()->message, infermem_dtype_name(dtype)));
    refused++;
  }
  assert_int_equal(refused, 20);

  infermem_tape *tape = test_tape(4096);
  for (int field = 0; field < 4; field++) {
    INFERMEM_STRUCT(infermem_quant_options, options);
    if (field == 0) options.bits = 8;
    if (field == 1) options.group = 32;
    if (field == 2) options.tape = tape;
    if (field == 3) options.symmetric = 2;
    assert_fails(INFERMEM_E_ARG, quant_borrow(INFERMEM_DTYPE_F32, bytes, 256, 1, 8, &options, &q));
  }
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.struct_size = 0;
  assert_fails(INFERMEM_E_STRUCT, quant_borrow(INFERMEM_DTYPE_F32, bytes, 256, 1, 8, &options, &q));
  assert_null(q);
  tape_free(tape);
}

static void borrowed_memory_is_read_anew_and_may_be_longer(void **state) {
  (void)state;
  float data[6] = {1, 2, 3, 4, 5, 6};
  infermem_quant *q = borrow(INFERMEM_DTYPE_F32, data, sizeof data, 2, 2);
  float out[4];
  data[3] = 9;
  assert_ok(quant_to_f32(q, out, 4));
  assert_memory_equal(out, data, sizeof out);
  quant_free(q);
  assert_true(data[3] == 9);
}

/* ---- Reading ---- */

static void rows_are_gathered_in_the_order_asked_for(void **state) {
  (void)state;
  enum { kRows = 9, kCols = 45 };
  float data[kRows * kCols], all[kRows * kCols], out[5 * kCols + 1];
  uint64_t seed = 5;
  for (int i = 0; i < kRows * kCols; i++) data[i] = test_random_float(&seed);
  for (uint32_t bits = 4; bits <= 8; bits += 4) {
    infermem_quant *q = quantize(data, kRows, kCols, bits, 16);
    assert_ok(quant_to_f32(q, all, kRows * kCols));
    const size_t rows[5] = {8, 0, 3, 3, 7};
    out[5 * kCols] = 42;
    assert_ok(quant_rows_to_f32(q, rows, 5, out, 5 * kCols));
    for (int i = 0; i < 5; i++) assert_memory_equal(out + i * kCols, all + rows[i] * kCols, kCols * sizeof *out);
    assert_true(out[5 * kCols] == 42);
    assert_ok(quant_rows_to_f32(q, rows, 0, out, 0));
    quant_free(q);
  }
}

static void a_bad_row_leaves_the_output_alone(void **state) {
  (void)state;
  float data[32] = {0}, out[24];
  infermem_quant *q = quantize(data, 4, 8, 8, 8);
  memset(out, 0x5a, sizeof out);
  float before[24];
  memcpy(before, out, sizeof out);
  size_t rows[3] = {0, 1, 4};
  assert_fails(INFERMEM_E_RANGE, quant_rows_to_f32(q, rows, 3, out, 24));
  assert_int_equal(infermem_error_detail()->got, 4);
  assert_int_equal(infermem_error_detail()->expected, 4);
  rows[2] = SIZE_MAX;
  assert_fails(INFERMEM_E_RANGE, quant_rows_to_f32(q, rows, 3, out, 24));
  rows[2] = 3;
  assert_fails(INFERMEM_E_SHAPE, quant_rows_to_f32(q, rows, 3, out, 23));
  assert_int_equal(infermem_error_detail()->expected, 24);
  assert_fails(INFERMEM_E_SHAPE, quant_rows_to_f32(q, rows, SIZE_MAX / 4, out, 24));
  assert_fails(INFERMEM_E_NULL, quant_rows_to_f32(q, NULL, 3, out, 24));
  assert_fails(INFERMEM_E_NULL, quant_rows_to_f32(q, rows, 3, NULL, 24));
  assert_fails(INFERMEM_E_SHAPE, quant_to_f32(q, out, 31));
  assert_fails(INFERMEM_E_SHAPE, quant_to_f32(q, out, 33));
  assert_fails(INFERMEM_E_NULL, quant_to_f32(q, NULL, 32));
  assert_memory_equal(out, before, sizeof out);
  quant_free(q);
}

static void errors_are_measured_against_the_floats(void **state) {
  (void)state;
  enum { kRows = 3, kCols = 600 }; /* longer than any buffer inside, and not a multiple of one */
  static float data[kRows * kCols], out[kRows * kCols];
  uint64_t seed = 8;
  for (int i = 0; i < kRows * kCols; i++) data[i] = test_random_float(&seed);
  static const size_t groups[] = {8, 24, 32, 600};
  for (int g = 0; g < 4; g++) {
    for (uint32_t bits = 4; bits <= 8; bits += 4) {
      infermem_quant *q = quantize(data, kRows, kCols, bits, groups[g]);
      assert_ok(quant_to_f32(q, out, kRows * kCols));
      double max = 0, sum = 0, squares = 0;
      for (int i = 0; i < kRows * kCols; i++) {
        const double d = fabs((double)out[i] - (double)data[i]);
        max = fmax(max, d);
        sum += d;
        squares += d * d;
      }
      INFERMEM_STRUCT(infermem_quant_errors, errors);
      assert_ok(quant_error(q, data, kRows * kCols, &errors));
      assert_true(errors.max == max);
      assert_true(fabs(errors.mean - sum / (kRows * kCols)) <= 1e-12 * errors.mean);
      assert_true(fabs(errors.rmse - sqrt(squares / (kRows * kCols))) <= 1e-12 * errors.rmse);
      quant_free(q);
    }
  }
}

static void errors_that_cannot_be_measured_are_refused(void **state) {
  (void)state;
  float data[16] = {1, 2, 3};
  infermem_quant *q = quantize(data, 2, 8, 8, 8);
  INFERMEM_STRUCT(infermem_quant_errors, errors);
  errors.max = 77;
  assert_fails(INFERMEM_E_NULL, quant_error(q, NULL, 16, &errors));
  assert_fails(INFERMEM_E_NULL, quant_error(q, data, 16, NULL));
  assert_fails(INFERMEM_E_SHAPE, quant_error(q, data, 15, &errors));
  data[9] = INFINITY;
  assert_fails(INFERMEM_E_NOT_FINITE, quant_error(q, data, 16, &errors));
  assert_int_equal(infermem_error_detail()->got, 9);
  assert_true(errors.max == 77);
  data[9] = 0;
  errors.struct_size = 3;
  assert_fails(INFERMEM_E_STRUCT, quant_error(q, data, 16, &errors));
  assert_true(errors.max == 77);
  /* An older caller's record, which ends after max. */
  errors.struct_size = offsetof(infermem_quant_errors, mean);
  errors.mean = 88;
  assert_ok(quant_error(q, data, 16, &errors));
  assert_true(errors.max < 1 && errors.mean == 88);
  quant_free(q);

  const unsigned char infinite[2] = {0x00, 0x7c};
  const float one = 1;
  q = borrow(INFERMEM_DTYPE_F16, infinite, 2, 1, 1);
  errors.struct_size = sizeof errors;
  assert_fails(INFERMEM_E_NOT_FINITE, quant_error(q, &one, 1, &errors));
  quant_free(q);
}

/* ---- Handles, tapes, allocators ---- */

static void no_handle_and_other_handles_are_told_apart(void **state) {
  (void)state;
  float out[8] = {0};
  const size_t row = 0;
  size_t rows, cols;
  INFERMEM_STRUCT(infermem_quant_errors, errors);
  infermem_tape *tape = test_tape(4096);
  infermem_quant *const other = (infermem_quant *)(void *)tape;
  infermem_quant *const none = NULL;
  assert_fails(INFERMEM_E_NULL, quant_to_f32(none, out, 8));
  assert_fails(INFERMEM_E_NULL, quant_rows_to_f32(none, &row, 1, out, 8));
  assert_fails(INFERMEM_E_NULL, quant_error(none, out, 8, &errors));
  assert_fails(INFERMEM_E_NULL, quant_shape(none, &rows, &cols));
  assert_fails(INFERMEM_E_HANDLE, quant_to_f32(other, out, 8));
  assert_fails(INFERMEM_E_HANDLE, quant_rows_to_f32(other, &row, 1, out, 8));
  assert_fails(INFERMEM_E_HANDLE, quant_error(other, out, 8, &errors));
  assert_fails(INFERMEM_E_HANDLE, quant_shape(other, &rows, &cols));
  infermem_quant *const both[] = {none, other};
  for (int i = 0; i < 2; i++) {
    assert_int_equal(quant_bytes(both[i]), 0);
    assert_int_equal(quant_bits(both[i]), 0);
    assert_int_equal(quant_group(both[i]), 0);
    assert_int_equal(quant_dtype(both[i]), 0);
    quant_free(both[i]);
  }
  assert_int_equal(tape_total(tape), 4096);
  infermem_quant *q = quantize(out, 1, 8, 8, 8);
  assert_fails(INFERMEM_E_NULL, quant_shape(q, NULL, &cols));
  assert_fails(INFERMEM_E_NULL, quant_shape(q, &rows, NULL));
  quant_free(q);
  tape_free(tape);
}

static void a_matrix_lives_in_the_tape_it_is_given(void **state) {
  (void)state;
  enum { kRows = 4, kCols = 100 };
  float data[kRows * kCols], expected[kRows * kCols], out[kRows * kCols];
  uint64_t seed = 31;
  for (int i = 0; i < kRows * kCols; i++) data[i] = test_random_float(&seed);
  infermem_tape *tape = test_tape(1 << 16);
  void *first;
  assert_ok(tape_alloc(tape, 3, 1, &first));
  for (uint32_t bits = 4; bits <= 8; bits += 4) {
    infermem_quant *own = quantize(data, kRows, kCols, bits, 32);
    assert_ok(quant_to_f32(own, expected, kRows * kCols));
    INFERMEM_STRUCT(infermem_quant_options, options);
    options.bits = bits;
    options.tape = tape;
    infermem_quant *q = NULL;
    const size_t before = tape_used(tape);
    assert_ok(quant_from_f32(data, kRows * kCols, kRows, kCols, &options, &q));
    assert_true(tape_used(tape) - before >= quant_bytes(q));
    assert_ok(tape_seal(tape)); /* weights are read-only from here on */
    assert_ok(quant_to_f32(q, out, kRows * kCols));
    assert_memory_equal(out, expected, sizeof out);
    assert_ok(tape_unseal(tape));
    const size_t used = tape_used(tape);
    quant_free(q);
    assert_int_equal(tape_used(tape), used);
    quant_free(own);
  }
  tape_free(tape);
}

static void a_matrix_whose_tape_was_cleared_or_rewound_is_stale(void **state) {
  (void)state;
  float data[64] = {1}, out[64];
  for (int clear = 0; clear < 2; clear++) {
    infermem_tape *tape = test_tape(1 << 16);
    infermem_tape_mark mark;
    assert_ok(tape_mark(tape, &mark));
    INFERMEM_STRUCT(infermem_quant_options, options);
    options.tape = tape;
    infermem_quant *q = NULL;
    assert_ok(quant_from_f32(data, 64, 2, 32, &options, &q));
    assert_ok(quant_to_f32(q, out, 64));
    if (clear)
      assert_ok(tape_clear(tape));
    else
      assert_ok(tape_rewind(tape, &mark));
    INFERMEM_STRUCT(infermem_quant_errors, errors);
    const size_t row = 0;
    assert_fails(INFERMEM_E_STALE, quant_to_f32(q, out, 64));
    assert_fails(INFERMEM_E_STALE, quant_rows_to_f32(q, &row, 1, out, 32));
    assert_fails(INFERMEM_E_STALE, quant_error(q, data, 64, &errors));
    size_t rows, cols;
    assert_ok(quant_shape(q, &rows, &cols));
    quant_free(q);
    tape_free(tape);
  }
}

static void a_tape_that_cannot_hold_the_matrix_says_so(void **state) {
  (void)state;
  static float data[8192];
  infermem_tape *tape = test_tape(4096);
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.tape = tape;
  infermem_quant *q = NULL;
  assert_fails(INFERMEM_E_FULL, quant_from_f32(data, 8192, 8, 1024, &options, &q));
  assert_ok(tape_seal(tape));
  assert_fails(INFERMEM_E_SEALED, quant_from_f32(data, 8, 1, 8, &options, &q));
  assert_ok(tape_unseal(tape));
  assert_int_equal(tape_used(tape), 0);
  infermem_quant *no_tape = quantize(data, 1, 8, 8, 8);
  options.tape = (const infermem_tape *)(const void *)no_tape;
  assert_fails(INFERMEM_E_HANDLE, quant_from_f32(data, 8, 1, 8, &options, &q));
  assert_null(q);
  quant_free(no_tape);
  tape_free(tape);
}

static int32_t make_and_read(const infermem_allocator *allocator) {
  float data[64] = {1, 2}, out[64];
  infermem_tape *tape = test_tape(4096);
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.allocator = allocator;
  options.tape = tape;
  infermem_quant *native = NULL, *lent = NULL;
  int32_t status = quant_from_f32(data, 64, 2, 32, &options, &native);
  if (status != INFERMEM_OK) {
    assert_null(native);
    assert_int_equal(tape_used(tape), 0);
  }
  options.tape = NULL;
  if (status == INFERMEM_OK) status = quant_borrow(INFERMEM_DTYPE_F32, data, sizeof data, 2, 32, &options, &lent);
  if (status == INFERMEM_OK) {
    assert_ok(quant_to_f32(native, out, 64));
    assert_ok(quant_to_f32(lent, out, 64));
    assert_memory_equal(out, data, sizeof data);
  } else {
    assert_null(lent);
  }
  quant_free(lent);
  quant_free(native);
  tape_free(tape);
  return status;
}

static void any_allocation_may_fail(void **state) {
  (void)state;
  assert_int_equal(oom_walk(make_and_read), 2);
}

static void reading_allocates_nothing(void **state) {
  (void)state;
  struct test_allocator a;
  test_allocator_init(&a);
  float data[64] = {1, 2}, out[64];
  const size_t row = 1;
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.allocator = &a.hook;
  infermem_quant *q = NULL;
  assert_ok(quant_from_f32(data, 64, 2, 32, &options, &q));
  const size_t calls = a.calls;
  INFERMEM_STRUCT(infermem_quant_errors, errors);
  assert_ok(quant_to_f32(q, out, 64));
  assert_ok(quant_rows_to_f32(q, &row, 1, out, 32));
  assert_ok(quant_error(q, data, 64, &errors));
  assert_int_equal(a.calls, calls);
  quant_free(q);
  assert_int_equal(a.live, 0);
}

static void a_refused_matrix_leaves_its_tape_as_it_was(void **state) {
  (void)state;
  enum { kN = 64 };
  static float data[kN * kN];
  static const char zeros[4096];
  for (size_t i = 0; i < kN * kN; i++) data[i] = (float)(i % 7);
  data[kN * kN - 1] = NAN;
  INFERMEM_STRUCT(infermem_tape_options, tape_options);
  tape_options.size = 1 << 20;
  tape_options.flags = INFERMEM_TAPE_ZERO_ON_CLEAR;
  infermem_tape *tape = NULL;
  assert_ok(tape_new(&tape_options, &tape));
  void *p = NULL;
  assert_ok(tape_alloc(tape, 3, 1, &p)); /* so that the matrix needs padding */
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.tape = tape;
  infermem_quant *q = NULL;
  assert_fails(INFERMEM_E_NOT_FINITE, quant_from_f32(data, kN * kN, kN, kN, &options, &q));
  assert_null(q);
  assert_int_equal(tape_used(tape), 3);
  assert_ok(tape_alloc(tape, 4096, 64, &p));
  assert_memory_equal(p, zeros, 4096);
  tape_free(tape);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_refused_matrix_leaves_its_tape_as_it_was),
      cmocka_unit_test(the_ramp_takes_the_known_bytes_and_has_the_known_errors),
      cmocka_unit_test(the_ramp_has_the_known_scales),
      cmocka_unit_test(zero_to_four_in_4_bits_are_levels_0_4_7_11_15),
      cmocka_unit_test(a_constant_group_comes_back_exactly),
      cmocka_unit_test(halves_are_rounded_away_from_zero),
      cmocka_unit_test(every_value_is_exact_and_within_half_a_scale),
      cmocka_unit_test(arbitrary_finite_floats_are_exact),
      cmocka_unit_test(ranges_beyond_a_float_do_not_overflow),
      cmocka_unit_test(denormal_ranges_keep_the_error_bound),
      cmocka_unit_test(a_value_that_is_not_finite_is_refused_with_its_index),
      cmocka_unit_test(groups_run_from_8_to_the_columns_in_steps_of_8),
      cmocka_unit_test(defaults_are_8_bits_in_groups_of_32),
      cmocka_unit_test(rows_of_odd_length_start_at_whole_bytes),
      cmocka_unit_test(what_cannot_be_quantized_is_refused),
      cmocka_unit_test(every_16_bit_float_is_read_exactly),
      cmocka_unit_test(f32_is_read_bit_for_bit),
      cmocka_unit_test(blocks_are_read_where_they_lie),
      cmocka_unit_test(known_blocks_have_known_values),
      cmocka_unit_test(what_cannot_be_borrowed_is_refused),
      cmocka_unit_test(borrowed_memory_is_read_anew_and_may_be_longer),
      cmocka_unit_test(rows_are_gathered_in_the_order_asked_for),
      cmocka_unit_test(a_bad_row_leaves_the_output_alone),
      cmocka_unit_test(errors_are_measured_against_the_floats),
      cmocka_unit_test(errors_that_cannot_be_measured_are_refused),
      cmocka_unit_test(no_handle_and_other_handles_are_told_apart),
      cmocka_unit_test(a_matrix_lives_in_the_tape_it_is_given),
      cmocka_unit_test(a_matrix_whose_tape_was_cleared_or_rewound_is_stale),
      cmocka_unit_test(a_tape_that_cannot_hold_the_matrix_says_so),
      cmocka_unit_test(any_allocation_may_fail),
      cmocka_unit_test(reading_allocates_nothing),
  };
  return cmocka_run_group_tests_name("quant", tests, NULL, NULL);
}
