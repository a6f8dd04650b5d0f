/* quant_export, and where quant_error finds the worst of a matrix. */
#include <math.h>
#include <stdlib.h>

#include "support.h"

enum { kMost = 4096 };
static float data[kMost], out[kMost], scales[kMost], mins[kMost], scales_packed[kMost], mins_packed[kMost];
static uint8_t levels[kMost], levels_packed[kMost];

static infermem_quant *from_f32(const float *values, size_t rows, size_t cols, const infermem_quant_options *options) {
  infermem_quant *q = NULL;
  assert_ok(quant_from_f32(values, rows * cols, rows, cols, options, &q));
  return q;
}

/* ---- Plain arrays ---- */

static void zero_to_four_are_the_known_levels(void **state) {
  (void)state;
  const float values[5] = {0, 1, 2, 3, 4};
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.bits = 4;
  infermem_quant *q = from_f32(values, 1, 5, &options);
  float scale, min;
  assert_ok(quant_export(q, levels, 3, &scale, 1, &min, 1));
  assert_int_equal(levels[0], 0x40); /* 0, 4, 7, 11, 15 */
  assert_int_equal(levels[1], 0xb7);
  assert_int_equal(levels[2], 0x0f);
  assert_true(scale == 4.0f / 15 && min == 0);
  quant_free(q);
}

static void the_arrays_stand_for_the_matrix(void **state) {
  (void)state;
  static const size_t shapes[][3] = {{1, 1, 8}, {3, 7, 8}, {5, 33, 32}, {4, 64, 64}, {7, 400, 8}, {2, 1101, 704}};
  static const int32_t params[] = {INFERMEM_DTYPE_F32, INFERMEM_DTYPE_F16, INFERMEM_DTYPE_BF16};
  uint64_t seed = 71;
  for (int run = 0; run < 6 * 12; run++) {
    const size_t rows = shapes[run / 12][0], cols = shapes[run / 12][1], group = shapes[run / 12][2];
    INFERMEM_STRUCT(infermem_quant_options, options);
    options.bits = run % 2 ? 4 : 8;
    options.symmetric = run / 2 % 2 != 0;
    options.params = params[run / 4 % 3];
    options.group = group;
    for (size_t i = 0; i < rows * cols; i++) data[i] = test_random_float(&seed) * 100;
    infermem_quant *q = from_f32(data, rows, cols, &options);
    const size_t row_bytes = options.bits == 8 ? cols : (cols + 1) / 2, per_row = (cols + group - 1) / group;
    const size_t n_levels = rows * row_bytes, n_groups = rows * per_row;
    memset(levels, 0xee, sizeof levels);
    scales[n_groups] = mins[n_groups] = 7;
    assert_ok(quant_export(q, levels, n_levels, scales, n_groups, mins, n_groups));
    assert_ok(quant_to_f32(q, out, rows * cols));
    for (size_t row = 0; row < rows; row++) {
      for (size_t i = 0; i < cols; i++) {
        const uint8_t byte = levels[row * row_bytes + (options.bits == 8 ? i : i / 2)];
        const int level = options.bits == 8 ? byte : i % 2 ? byte >> 4 : byte & 15;
        const size_t g = row * per_row + i / group;
        assert_true(out[row * cols + i] == (float)level * scales[g] + mins[g]);
      }
      if (options.bits == 4 && cols % 2) assert_true(levels[row * row_bytes + row_bytes - 1] < 16);
    }
    assert_int_equal(levels[n_levels], 0xee); /* nothing beyond */
    assert_true(scales[n_groups] == 7 && mins[n_groups] == 7);

    infermem_quant *packed = NULL; /* which gives the same */
    assert_ok(quant_pack(q, NULL, &packed));
    memset(levels_packed, 0xee, sizeof levels_packed);
    assert_ok(quant_export(packed, levels_packed, n_levels, scales_packed, n_groups, mins_packed, n_groups));
    assert_memory_equal(levels_packed, levels, n_levels + 1);
    assert_memory_equal(scales_packed, scales, n_groups * sizeof *scales);
    assert_memory_equal(mins_packed, mins, n_groups * sizeof *mins);
    quant_free(packed);
    quant_free(q);
  }
}

static void wrong_exports_are_refused_and_nothing_is_written(void **state) {
  (void)state;
  infermem_tape *tape = test_tape(4096);
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.tape = tape;
  infermem_quant *q = from_f32(data, 4, 40, &options), *borrowed = NULL;
  levels[0] = 0xee;
  scales[0] = mins[0] = 7;
  assert_fails(INFERMEM_E_SHAPE, quant_export(q, levels, 159, scales, 8, mins, 8));
  assert_int_equal(infermem_error_detail()->expected, 160);
  assert_fails(INFERMEM_E_SHAPE, quant_export(q, levels, 160, scales, 9, mins, 8));
  assert_fails(INFERMEM_E_SHAPE, quant_export(q, levels, 160, scales, 8, mins, 0));
  assert_fails(INFERMEM_E_NULL, quant_export(NULL, levels, 160, scales, 8, mins, 8));
  assert_fails(INFERMEM_E_NULL, quant_export(q, NULL, 160, scales, 8, mins, 8));
  assert_fails(INFERMEM_E_NULL, quant_export(q, levels, 160, NULL, 8, mins, 8));
  assert_fails(INFERMEM_E_NULL, quant_export(q, levels, 160, scales, 8, NULL, 8));
  const infermem_quant *const other = (const infermem_quant *)(const void *)tape;
  assert_fails(INFERMEM_E_HANDLE, quant_export(other, levels, 160, scales, 8, mins, 8));
  assert_ok(quant_borrow(INFERMEM_DTYPE_F32, data, 160 * 4, 4, 40, NULL, &borrowed));
  assert_fails(INFERMEM_E_UNSUPPORTED, quant_export(borrowed, levels, 160, scales, 8, mins, 8));
  quant_free(borrowed);
  assert_ok(tape_clear(tape));
  assert_fails(INFERMEM_E_STALE, quant_export(q, levels, 160, scales, 8, mins, 8));
  assert_true(levels[0] == 0xee && scales[0] == 7 && mins[0] == 7);
  quant_free(q);
  tape_free(tape);
}

/* ---- The worst ---- */

static void the_worst_value_and_group_are_told(void **state) {
  (void)state;
  static const size_t shapes[][3] = {{6, 64, 32}, {3, 100, 24}, {2, 2000, 704}, {1, 1500, 1504}, {4, 9, 8}};
  uint64_t seed = 72;
  for (int s = 0; s < 5; s++) {
    const size_t rows = shapes[s][0], cols = shapes[s][1], group = shapes[s][2], n = rows * cols;
    INFERMEM_STRUCT(infermem_quant_options, options);
    options.bits = 4;
    options.group = group;
    for (size_t i = 0; i < n; i++) data[i] = test_random_float(&seed);
    infermem_quant *q = from_f32(data, rows, cols, &options);
    assert_ok(quant_to_f32(q, out, n));
    double max = 0, worst = -1, squares = 0;
    size_t max_index = 0, worst_group = 0, g = 0;
    for (size_t row = 0; row < rows; row++) {
      for (size_t first = 0; first < cols; first += group, g++) {
        const size_t end = first + group < cols ? first + group : cols;
        double sum = 0;
        for (size_t i = first; i < end; i++) {
          const size_t at = row * cols + i;
          const double difference = fabs((double)out[at] - (double)data[at]);
          sum += difference * difference;
          if (difference > max) {
            max = difference;
            max_index = at;
          }
        }
        squares += sum;
        if (sum / (double)(end - first) <= worst) continue;
        worst = sum / (double)(end - first);
        worst_group = g;
      }
    }
    INFERMEM_STRUCT(infermem_quant_errors, errors);
    assert_ok(quant_error(q, data, n, &errors));
    assert_true(errors.max == max);
    assert_int_equal(errors.max_index, max_index);
    assert_int_equal(errors.worst_group, worst_group);
    assert_true(fabs(errors.worst_group_rmse - sqrt(worst)) <= 1e-12);
    assert_true(fabs(errors.rmse - sqrt(squares / (double)n)) <= 1e-12);
    quant_free(q);
  }
}

static void of_a_borrowed_type_a_group_is_a_block(void **state) {
  (void)state;
  uint8_t blocks[3 * 34] = {0}; /* Q8_0: three blocks of zeros */
  memset(data, 0, sizeof data);
  data[40] = 3;
  data[90] = -2;
  infermem_quant *q = NULL;
  assert_ok(quant_borrow(INFERMEM_DTYPE_Q8_0, blocks, sizeof blocks, 1, 96, NULL, &q));
  INFERMEM_STRUCT(infermem_quant_errors, errors);
  assert_ok(quant_error(q, data, 96, &errors));
  assert_int_equal(errors.max_index, 40);
  assert_int_equal(errors.worst_group, 1);
  assert_true(fabs(errors.worst_group_rmse - sqrt(9.0 / 32)) <= 1e-12);
  quant_free(q);
}

static void a_struct_of_the_first_fields_alone_will_do(void **state) {
  (void)state;
  infermem_quant *q = from_f32(data, 1, 40, NULL);
  infermem_quant_errors errors;
  memset(&errors, 0x5a, sizeof errors);
  errors.struct_size = offsetof(infermem_quant_errors, max_index);
  assert_ok(quant_error(q, data, 40, &errors));
  assert_true(errors.rmse < 1);
  unsigned char untouched[sizeof(size_t)];
  memset(untouched, 0x5a, sizeof untouched);
  assert_memory_equal(&errors.max_index, untouched, sizeof untouched);
  quant_free(q);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(zero_to_four_are_the_known_levels),
      cmocka_unit_test(the_arrays_stand_for_the_matrix),
      cmocka_unit_test(wrong_exports_are_refused_and_nothing_is_written),
      cmocka_unit_test(the_worst_value_and_group_are_told),
      cmocka_unit_test(of_a_borrowed_type_a_group_is_a_block),
      cmocka_unit_test(a_struct_of_the_first_fields_alone_will_do),
  };
  return cmocka_run_group_tests_name("quant_export", tests, NULL, NULL);
}
