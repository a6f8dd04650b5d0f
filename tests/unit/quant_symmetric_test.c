/* Symmetric matrices: levels on both sides of an exact zero, and no minima. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "support.h"

/* Rows, columns, group: as elsewhere whole groups and not, odd rows, groups of all sizes. */
static const size_t kShapes[][3] = {{1, 1, 8},      {3, 7, 8},      {5, 33, 32},    {4, 64, 64},     {9, 512, 32},
                                    {2, 1100, 128}, {2, 1101, 704}, {2, 2048, 256}, {2, 3001, 2048}, {1, 4096, 4096}};
enum { kNShapes = sizeof kShapes / sizeof *kShapes, kMost = 9 * 512 + 2000 };
static const int32_t kParams[] = {INFERMEM_DTYPE_F32, INFERMEM_DTYPE_F16, INFERMEM_DTYPE_BF16};

static float data[kMost], out[kMost], expected[kMost], scales[kMost], mins[kMost];
static uint8_t levels[kMost];

static infermem_quant *from_f32(const float *values, const size_t *shape, const infermem_quant_options *options) {
  infermem_quant *q = NULL;
  assert_ok(quant_from_f32(values, shape[0] * shape[1], shape[0], shape[1], options, &q));
  return q;
}

static infermem_quant_options symmetric(uint32_t bits, int32_t params, size_t group) {
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.bits = bits;
  options.params = params;
  options.group = group;
  options.symmetric = 1;
  return options;
}

static size_t groups_of(const size_t *shape) { return shape[0] * ((shape[1] + shape[2] - 1) / shape[2]); }

static void export_all(const infermem_quant *q, const size_t *shape, uint32_t bits) {
  const size_t groups = groups_of(shape);
  const size_t bytes = shape[0] * (bits == 8 ? shape[1] : (shape[1] + 1) / 2);
  assert_ok(quant_export(q, levels, bytes, scales, groups, mins, groups));
}

static int level_at(const size_t *shape, uint32_t bits, size_t row, size_t column) {
  if (bits == 8) return levels[row * shape[1] + column];
  return levels[row * ((shape[1] + 1) / 2) + column / 2] >> (column % 2 * 4) & 15;
}

/* Whether a float is a number of the type, by its bits. */
static int has(int32_t params, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  if (params == INFERMEM_DTYPE_BF16) return (bits & 0xffff) == 0;
  if (params == INFERMEM_DTYPE_F32) return 1;
  return fabsf(value) <= 65504 && ldexp((double)value, 24) == floor(ldexp((double)value, 24)) && (bits & 0x1fff) == 0;
}

/* The next number of the type below a positive one. */
static float next_below(int32_t params, float value) {
  if (params == INFERMEM_DTYPE_F32) return nextafterf(value, 0);
  if (params == INFERMEM_DTYPE_F16 && value <= 0x1p-14f) return value - 0x1p-24f;
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  bits -= params == INFERMEM_DTYPE_F16 ? 1u << 13 : 1u << 16;
  memcpy(&value, &bits, sizeof bits);
  return value;
}

/* All groups of `data`, by the header's words. */
static void check_matrix(const size_t *shape, uint32_t bits, int32_t params) {
  const size_t n = shape[0] * shape[1], per_row = groups_of(shape) / shape[0];
  const infermem_quant_options options = symmetric(bits, params, shape[2]);
  infermem_quant *q = from_f32(data, shape, &options);
  assert_ok(quant_to_f32(q, out, n));
  export_all(q, shape, bits);
  const int middle = bits == 8 ? 128 : 8;
  for (size_t row = 0; row < shape[0]; row++) {
    for (size_t g = 0; g < per_row; g++) {
      const size_t end = (g + 1) * shape[2] < shape[1] ? (g + 1) * shape[2] : shape[1];
      const float scale = scales[row * per_row + g];
      float most = 0;
      for (size_t i = g * shape[2]; i < end; i++) most = fmaxf(most, fabsf(data[row * shape[1] + i]));
      const float exact = most / (float)(middle - 1);
      if (params == INFERMEM_DTYPE_F32 && exact >= FLT_MIN) assert_true(scale == exact);
      assert_true(has(params, scale));
      assert_true(scale >= exact);
      if (exact >= FLT_MIN) assert_true(next_below(params, scale) < exact); /* the smallest of those */
      assert_true(mins[row * per_row + g] == -(float)middle * scale);
      for (size_t i = g * shape[2]; i < end; i++) {
        const float value = data[row * shape[1] + i], got = out[row * shape[1] + i];
        const int level = level_at(shape, bits, row, i);
        assert_int_equal(level, (scale == 0 ? 0 : (int)round((double)(value / scale))) + middle);
        assert_true(level > 0);
        assert_true(got == (float)level * scale + mins[row * per_row + g]);
        assert_true(fabs((double)got - (double)value) <= (double)scale * (0.5 + 0x1p-15));
        if (value == 0) assert_true(got == 0 && !signbit(got));
      }
    }
  }
  const size_t stored = params == INFERMEM_DTYPE_F32 ? 4 : 2;
  assert_int_equal(quant_bytes(q), shape[0] * ((shape[1] * bits + 7) / 8) + groups_of(shape) * stored);
  quant_free(q);
}

static void every_group_is_about_an_exact_zero(void **state) {
  (void)state;
  uint64_t seed = 61;
  for (int s = 0; s < kNShapes; s++) {
    for (int magnitude = -10; magnitude <= 10; magnitude += 5) {
      for (size_t i = 0; i < kShapes[s][0] * kShapes[s][1]; i++) {
        data[i] = test_random_below(&seed, 8) == 0 ? 0.0f : ldexpf(test_random_float(&seed), magnitude);
        if (test_random_below(&seed, 30) == 0) data[i] = -0.0f;
      }
      for (int p = 0; p < 3; p++) {
        check_matrix(kShapes[s], 4, kParams[p]);
        check_matrix(kShapes[s], 8, kParams[p]);
      }
    }
  }
}

static void halves_go_away_from_zero(void **state) {
  (void)state;
  const size_t shape[3] = {1, 32, 32};
  for (size_t set = 0; infermem_simd_available(set); set++) {
    assert_ok(infermem_simd_select(infermem_simd_available(set)));
    for (int half = -253; half <= 253; half += 2) {
      for (int i = 0; i < 32; i++) data[i] = (float)half / 2;
      data[3] = nextafterf(data[3], 0);
      data[31] = 127; /* the scale is 1 */
      const infermem_quant_options options = symmetric(8, INFERMEM_DTYPE_F32, 32);
      infermem_quant *q = from_f32(data, shape, &options);
      assert_ok(quant_to_f32(q, out, 32));
      for (int i = 0; i < 31; i++) assert_true(out[i] == (i == 3 ? rintf(data[3]) : roundf(data[i])));
      quant_free(q);
    }
  }
  assert_ok(infermem_simd_select(NULL));
}

static void zeros_give_zeros_in_the_fewest_bytes(void **state) {
  (void)state;
  const size_t shape[3] = {4, 512, 32};
  memset(data, 0, sizeof data);
  for (int i = 0; i < 2048; i += 3) data[i] = -0.0f;
  static const size_t sixteenths[3][2] = {{80, 144}, {72, 136}, {72, 136}}; /* of a bit, a weight */
  for (int p = 0; p < 3; p++) {
    for (uint32_t bits = 4; bits <= 8; bits += 4) {
      const infermem_quant_options options = symmetric(bits, kParams[p], 32);
      infermem_quant *q = from_f32(data, shape, &options);
      assert_int_equal(quant_bytes(q) * 8 * 16, 2048 * sixteenths[p][bits / 8]);
      assert_ok(quant_to_f32(q, out, 2048));
      for (int i = 0; i < 2048; i++) assert_true(out[i] == 0 && !signbit(out[i]));
      export_all(q, shape, bits);
      assert_true(scales[0] == 0 && mins[0] == 0);
      quant_free(q);
    }
  }
}

/* Denormal, huge, and mixed groups: within half a scale whatever they are. */
static void any_finite_floats_will_do(void **state) {
  (void)state;
  uint64_t seed = 62;
  const size_t shape[3] = {8, 64, 8};
  for (int round = 0; round < 60; round++) {
    const float limit = round % 2 ? 0x1.b8p127f : 0x1.f6p127f; /* FLT_MAX * 7/8, * 127/128, and a little less */
    for (int i = 0; i < 512; i++) {
      do {
        const uint32_t bits = (uint32_t)test_random(&seed);
        memcpy(&data[i], &bits, sizeof bits);
      } while (!(fabsf(data[i]) <= limit));
      if (round % 3 == 1) data[i] = (float)((int)test_random_below(&seed, 61) - 30) * 0x1p-149f;
      if (round % 3 == 2) data[i] = test_random_float(&seed) * FLT_MIN * 40;
    }
    const uint32_t bits = round % 2 ? 4 : 8;
    for (int p = 0; p < 3; p += 2) {
      const infermem_quant_options options = symmetric(bits, kParams[p], 8);
      infermem_quant *q = from_f32(data, shape, &options);
      assert_ok(quant_to_f32(q, out, 512));
      export_all(q, shape, bits);
      for (int i = 0; i < 512; i++) {
        const double scale = (double)scales[i / 8];
        assert_true(scale > 0);
        assert_true(fabs((double)out[i] - (double)data[i]) <= scale * (0.5 + 0x1p-15));
      }
      quant_free(q);
    }
  }
}

static void what_does_not_fit_is_refused_with_its_group(void **state) {
  (void)state;
  static const struct {
    uint32_t bits;
    int32_t params;
    float most;
    int fits;
  } cases[] = {
      {4, INFERMEM_DTYPE_F32, 0x1.bffffep127f, 1}, {4, INFERMEM_DTYPE_F32, 0x1.c00002p127f, 0},
      {8, INFERMEM_DTYPE_F32, 0x1.fbfffep127f, 1}, {8, INFERMEM_DTYPE_F32, 0x1.fc0002p127f, 0},
      {4, INFERMEM_DTYPE_F16, 7 * 65504.0f, 1},    {4, INFERMEM_DTYPE_F16, 7 * 65505.0f, 0},
      {8, INFERMEM_DTYPE_F16, 127 * 65504.0f, 1},  {8, INFERMEM_DTYPE_F16, 127 * 65505.0f, 0},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    memset(data, 0, sizeof data);
    data[44] = -cases[c].most;
    infermem_quant_options options = symmetric(cases[c].bits, cases[c].params, 8);
    infermem_quant *q = NULL;
    if (cases[c].fits) {
      assert_ok(quant_from_f32(data, 60, 3, 20, &options, &q));
      assert_ok(quant_to_f32(q, out, 60));
      assert_true(fabsf(out[44] / data[44] - 1) < 0.01f);
      quant_free(q);
    } else {
      assert_fails(INFERMEM_E_LIMIT, quant_from_f32(data, 60, 3, 20, &options, &q));
      assert_int_equal(infermem_error_detail()->got, 40);
      data[59] = NAN;
      assert_fails(INFERMEM_E_NOT_FINITE, quant_from_f32(data, 60, 3, 20, &options, &q));
      assert_int_equal(infermem_error_detail()->got, 59);
      assert_null(q);
    }
  }
}

static void values_that_are_not_finite_are_clamped_on_demand(void **state) {
  (void)state;
  const float values[8] = {NAN, INFINITY, -INFINITY, 7, -3, 1, 0, 0.4f}, want[8] = {0, 7, -3, 7, -3, 1, 0, 0};
  const size_t shape[3] = {1, 8, 8};
  infermem_quant_options options = symmetric(4, INFERMEM_DTYPE_F16, 8);
  infermem_quant *q = NULL;
  assert_fails(INFERMEM_E_NOT_FINITE, quant_from_f32(values, 8, 1, 8, &options, &q));
  options.nan_policy = INFERMEM_QUANT_CLAMP;
  q = from_f32(values, shape, &options);
  assert_ok(quant_to_f32(q, out, 8));
  for (int i = 0; i < 8; i++) assert_true(out[i] == want[i]);
  quant_free(q);
}

/* All ways in and out agree with the whole matrix in floats, on every instruction set. */
static void all_ways_in_and_out_agree(void **state) {
  (void)state;
  uint64_t seed = 63;
  static uint16_t halves[kMost];
  for (int run = 0; run < kNShapes * 6; run++) {
    const size_t *shape = kShapes[run / 6], rows = shape[0], cols = shape[1], n = rows * cols;
    const uint32_t bits = run % 2 ? 4 : 8;
    const infermem_quant_options options = symmetric(bits, kParams[run / 2 % 3], shape[2]);
    for (size_t i = 0; i < n; i++) {
      halves[i] = (uint16_t)(test_random_below(&seed, 0x7000) | (test_random(&seed) & 0x8000));
      if (i % 5 == 0) halves[i] &= 0x83ff; /* denormal */
    }
    infermem_quant *plain = NULL;
    assert_ok(quant_borrow(INFERMEM_DTYPE_F16, halves, n * 2, rows, cols, NULL, &plain));
    assert_ok(quant_to_f32(plain, data, n));
    quant_free(plain);
    for (size_t set = 0; infermem_simd_available(set); set++) {
      assert_ok(infermem_simd_select(infermem_simd_available(set)));
      infermem_quant *q = from_f32(data, shape, &options), *same = NULL;
      assert_ok(quant_to_f32(q, set == 0 ? expected : out, n));
      if (set != 0) assert_memory_equal(out, expected, n * sizeof *out);
      assert_ok(quant_from_f16(halves, n, rows, cols, &options, &same));
      assert_ok(quant_to_f32(same, out, n));
      assert_memory_equal(out, expected, n * sizeof *out);
      assert_ok(quant_range_to_f32(q, rows - 1, 1, out, cols));
      assert_memory_equal(out, expected + (rows - 1) * cols, cols * sizeof *out);
      const size_t first = 0;
      assert_ok(quant_rows_to_f32(q, &first, 1, out, cols));
      assert_memory_equal(out, expected, cols * sizeof *out);
      INFERMEM_STRUCT(infermem_quant_errors, errors);
      assert_ok(quant_error(q, expected, n, &errors));
      assert_true(errors.max == 0);

      assert_ok(quant_gemv(q, 0, rows, data, cols, out, rows));
      for (size_t row = 0; row < rows; row++) {
        double sum = 0, most = 0, x_sum = 0;
        for (size_t i = 0; i < cols; i++) {
          sum += (double)expected[row * cols + i] * (double)data[i];
          most = fmax(most, fabs((double)expected[row * cols + i]));
          x_sum += fabs((double)data[i]);
        }
        assert_true(fabs((double)out[row] - sum) <= (double)(cols + 8) * 0x1p-23 * most * x_sum);
      }
      quant_free(same);
      quant_free(q);
    }
  }
  assert_ok(infermem_simd_select(NULL));
}

/* The packed layout, and vectors of 8 bits, against the exact product with what these stand for. */
static void packing_and_products_of_integers_agree(void **state) {
  (void)state;
  uint64_t seed = 64;
  static float copy[kMost], x[4096], as_floats[4096];
  static uint8_t xq[8192];
  for (int run = 0; run < kNShapes * 6; run++) {
    const size_t *shape = kShapes[run / 6], rows = shape[0], cols = shape[1], n = rows * cols;
    const infermem_quant_options options = symmetric(run % 2 ? 4 : 8, kParams[run / 2 % 3], shape[2]);
    for (size_t i = 0; i < n; i++) data[i] = test_random_float(&seed);
    for (size_t i = 0; i < cols; i++) x[i] = test_random_float(&seed);
    const size_t n_xq = quant_activations_bytes(cols, 1);
    assert_true(n_xq <= sizeof xq);
    assert_ok(quant_activations(x, cols, cols, 1, xq, n_xq));
    for (size_t first = 0; first < cols; first += 32) { /* as the header says */
      const size_t end = first + 32 < cols ? first + 32 : cols;
      float farthest = 0;
      for (size_t i = first; i < end; i++) farthest = fmaxf(farthest, fabsf(x[i]));
      for (size_t i = first; i < end; i++) as_floats[i] = nearbyintf(x[i] * (127 / farthest)) * (farthest / 127);
    }
    for (size_t set = 0; infermem_simd_available(set); set++) {
      assert_ok(infermem_simd_select(infermem_simd_available(set)));
      infermem_quant *q = from_f32(data, shape, &options), *packed = NULL, *unpacked = NULL;
      assert_ok(quant_to_f32(q, expected, n));
      assert_ok(quant_pack(q, NULL, &packed));
      assert_ok(quant_to_f32(packed, out, n));
      assert_memory_equal(out, expected, n * sizeof *out);
      assert_ok(quant_unpack(packed, NULL, &unpacked));
      assert_ok(quant_to_f32(unpacked, copy, n));
      assert_memory_equal(copy, expected, n * sizeof *copy);
      assert_int_equal(quant_bytes(unpacked), quant_bytes(q));
      const infermem_quant *const all[] = {q, packed, unpacked};
      for (int which = 0; which < 3; which++) {
        for (int integers = 0; integers < 2; integers++) {
          if (integers)
            assert_ok(quant_gemv_q8(all[which], 0, rows, xq, n_xq, out, rows));
          else
            assert_ok(quant_gemv(all[which], 0, rows, x, cols, out, rows));
          for (size_t row = 0; row < rows; row++) {
            double sum = 0, most = 0, x_sum = 0;
            for (size_t i = 0; i < cols; i++) {
              const double xi = (double)(integers ? as_floats[i] : x[i]);
              sum += (double)expected[row * cols + i] * xi;
              most = fmax(most, fabs((double)expected[row * cols + i]));
              x_sum += fabs(xi);
            }
            assert_true(fabs((double)out[row] - sum) <= (double)(cols + 8) * 0x1p-23 * most * x_sum);
          }
        }
      }
      quant_free(unpacked);
      quant_free(packed);
      quant_free(q);
    }
  }
  assert_ok(infermem_simd_select(NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_group_is_about_an_exact_zero),
      cmocka_unit_test(halves_go_away_from_zero),
      cmocka_unit_test(zeros_give_zeros_in_the_fewest_bytes),
      cmocka_unit_test(any_finite_floats_will_do),
      cmocka_unit_test(what_does_not_fit_is_refused_with_its_group),
      cmocka_unit_test(values_that_are_not_finite_are_clamped_on_demand),
      cmocka_unit_test(all_ways_in_and_out_agree),
      cmocka_unit_test(packing_and_products_of_integers_agree),
  };
  return cmocka_run_group_tests_name("quant_symmetric", tests, NULL, NULL);
}
