/* Quantized weights: values that are not finite, and parameters of 16 bits. */
#include <float.h>
#include <math.h>

#include "quants16.h"

static float data[kMost], clean[kMost], expected[kMost], got[kMost];
static uint16_t halves[kMost];

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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(clamped_values_stay_in_the_range_of_their_group),
      cmocka_unit_test(clamping_changes_nothing_else),
      cmocka_unit_test(parameters_of_16_bits_cover_every_group),
      cmocka_unit_test(any_finite_floats_have_parameters_in_bf16),
      cmocka_unit_test(zero_to_four_have_the_known_scales),
      cmocka_unit_test(groups_of_32_in_4_bits_take_5_bits_a_weight),
      cmocka_unit_test(equal_values_come_back_where_the_type_has_them),
      cmocka_unit_test(parameters_that_do_not_fit_are_refused_with_the_index),
  };
  return cmocka_run_group_tests_name("quant_parameters", tests, NULL, NULL);
}
