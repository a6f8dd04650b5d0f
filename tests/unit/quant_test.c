/* Quantized weights: what quant_from_f32 makes of floats, by the arithmetic of the header. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "quants.h"

/* ---- What values must be: the arithmetic of the header, in double precision, rounded to a float after each step ----
 */

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

int main(void) {
  const struct CMUnitTest tests[] = {
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
  };
  return cmocka_run_group_tests_name("quant", tests, NULL, NULL);
}
