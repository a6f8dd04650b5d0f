/* quant_gemv and quant_gemv_rows: the product of a matrix with a vector, against double precision. */
#include <math.h>
#include <stdlib.h>

#include "fence.h"

/* y = W x of what the matrix stands for, within the bound that the header states. */
static void assert_product(const infermem_quant *q, const float *x, const float *y, size_t first_row, size_t n_rows) {
  size_t rows, cols;
  assert_ok(quant_shape(q, &rows, &cols));
  float *row = malloc(cols * sizeof *row);
  for (size_t i = 0; i < n_rows; i++) {
    const size_t index = first_row + i;
    assert_ok(quant_rows_to_f32(q, &index, 1, row, cols));
    double sum = 0, largest = 0, x_sum = 0;
    for (size_t j = 0; j < cols; j++) {
      sum += (double)row[j] * (double)x[j];
      largest = fmax(largest, fabs((double)row[j]));
      x_sum += fabs((double)x[j]);
    }
    const double bound = (double)(cols + 8) * 0x1p-23 * largest * x_sum;
    if (fabs((double)y[i] - sum) > bound)
      fail_msg("%s, row %zu: %.9g, not %.9g", infermem_simd_name(), index, (double)y[i], sum);
  }
  free(row);
}

static void every_form_and_shape_is_multiplied(void **state) {
  (void)state;
  static const struct {
    size_t rows, cols, group;
  } shapes[] = {{5, 64, 32},  {3, 4096, 32}, {4, 1024, 64}, {2, 2048, 128}, {3, 512, 256}, {7, 77, 32},
                {3, 100, 24}, {2, 33, 32},   {4, 31, 32},   {3, 1, 8},      {2, 300, 128}, {1, 8, 8}};
  for (size_t set = 0; infermem_simd_available(set); set++) {
    assert_ok(infermem_simd_select(infermem_simd_available(set)));
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
      const size_t rows = shapes[s].rows, cols = shapes[s].cols;
      float *data = test_random_floats(rows * cols, s), *x = test_random_floats(cols, 100 + s),
            *y = malloc(rows * sizeof *y);
      for (uint32_t bits = 4; bits <= 8; bits += 4) {
        INFERMEM_STRUCT(infermem_quant_options, options);
        options.bits = bits;
        options.group = shapes[s].group;
        infermem_quant *q = NULL;
        assert_ok(quant_from_f32(data, rows * cols, rows, cols, &options, &q));
        assert_ok(quant_gemv(q, 0, rows, x, cols, y, rows));
        assert_product(q, x, y, 0, rows);
        quant_free(q);
      }
      free(data);
      free(x);
      free(y);
    }
  }
  assert_ok(infermem_simd_select(NULL));
}

static void borrowed_types_are_multiplied_in_place(void **state) {
  (void)state;
  const int32_t types[] = {INFERMEM_DTYPE_Q8_0, INFERMEM_DTYPE_Q4_0, INFERMEM_DTYPE_Q4_1,
                           INFERMEM_DTYPE_Q4_K, INFERMEM_DTYPE_Q6_K, INFERMEM_DTYPE_Q8_K};
  enum { kRows = 3, kCols = 768 };
  float *data = test_random_floats(kRows * kCols, 1), *x = test_random_floats(kCols, 2), y[kRows];
  for (size_t set = 0; infermem_simd_available(set); set++) {
    assert_ok(infermem_simd_select(infermem_simd_available(set)));
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
      uint64_t bytes;
      assert_ok(infermem_dtype_bytes(types[t], kRows * kCols, &bytes));
      void *blocks = malloc(bytes);
      assert_ok(quant_quantize(types[t], data, kRows * kCols, kRows, kCols, blocks, bytes));
      infermem_quant *q = NULL;
      assert_ok(quant_borrow(types[t], blocks, bytes, kRows, kCols, NULL, &q));
      assert_ok(quant_gemv(q, 0, kRows, x, kCols, y, kRows));
      assert_product(q, x, y, 0, kRows);
      quant_free(q);
      free(blocks);
    }
    infermem_quant *q = NULL;
    assert_ok(quant_borrow(INFERMEM_DTYPE_F32, data, sizeof(float) * kRows * kCols, kRows, kCols, NULL, &q));
    assert_ok(quant_gemv(q, 0, kRows, x, kCols, y, kRows));
    assert_product(q, x, y, 0, kRows);
    quant_free(q);
  }
  assert_ok(infermem_simd_select(NULL));
  free(data);
  free(x);
}

static infermem_quant *small_matrix(size_t rows, size_t cols) {
  float *data = test_random_floats(rows * cols, 7);
  infermem_quant *q = NULL;
  assert_ok(quant_from_f32(data, rows * cols, rows, cols, NULL, &q));
  free(data);
  return q;
}

static void parts_of_the_rows_give_the_whole(void **state) {
  (void)state;
  enum { kRows = 20, kCols = 96 };
  infermem_quant *q = small_matrix(kRows, kCols);
  float *x = test_random_floats(kCols, 3), whole[kRows], part[kRows];
  assert_ok(quant_gemv(q, 0, kRows, x, kCols, whole, kRows));
  assert_ok(quant_gemv(q, 0, 7, x, kCols, part, 7));
  assert_ok(quant_gemv(q, 7, 13, x, kCols, part + 7, 13));
  assert_memory_equal(part, whole, sizeof whole);
  assert_ok(quant_gemv(q, kRows, 0, x, kCols, part, 0)); /* no rows at all */

  const size_t rows[] = {19, 0, 5, 5};
  assert_ok(quant_gemv_rows(q, rows, 4, x, kCols, part, 4));
  for (size_t i = 0; i < 4; i++) assert_true(part[i] == whole[rows[i]]);
  free(x);
  quant_free(q);
}

static void nothing_beyond_the_vectors_is_touched(void **state) {
  (void)state;
  const struct fenced memory = fence(140 * sizeof(float));
  for (size_t set = 0; infermem_simd_available(set); set++) {
    assert_ok(infermem_simd_select(infermem_simd_available(set)));
    for (size_t cols = 1; cols < 140; cols += 3) {
      infermem_quant *q = small_matrix(2, cols);
      float *x = (float *)(void *)memory.end - cols, y[3] = {0, 0, 99};
      for (size_t i = 0; i < cols; i++) x[i] = 1;
      assert_ok(quant_gemv(q, 0, 2, x, cols, y, 2));
      assert_true(y[2] == 99);
      quant_free(q);
    }
  }
  assert_ok(infermem_simd_select(NULL));
  unfence(&memory);
}

static void wrong_arguments_are_refused_and_nothing_is_written(void **state) {
  (void)state;
  enum { kRows = 4, kCols = 40 };
  infermem_quant *q = small_matrix(kRows, kCols);
  float x[kCols] = {0}, y[kRows] = {5, 5, 5, 5};
  const size_t rows[] = {1, 4};
  assert_fails(INFERMEM_E_SHAPE, quant_gemv(q, 0, kRows, x, kCols - 1, y, kRows));
  assert_fails(INFERMEM_E_SHAPE, quant_gemv(q, 0, kRows, x, kCols, y, kRows - 1));
  assert_fails(INFERMEM_E_RANGE, quant_gemv(q, 1, kRows, x, kCols, y, kRows));
  assert_fails(INFERMEM_E_RANGE, quant_gemv(q, SIZE_MAX, 2, x, kCols, y, 2));
  assert_fails(INFERMEM_E_RANGE, quant_gemv_rows(q, rows, 2, x, kCols, y, 2));
  assert_int_equal(infermem_error_detail()->got, 4);
  assert_fails(INFERMEM_E_SHAPE, quant_gemv_rows(q, rows, 1, x, kCols + 1, y, 1));
  assert_fails(INFERMEM_E_SHAPE, quant_gemv_rows(q, rows, 1, x, kCols, y, 2));
  assert_fails(INFERMEM_E_NULL, quant_gemv(NULL, 0, kRows, x, kCols, y, kRows));
  assert_fails(INFERMEM_E_NULL, quant_gemv(q, 0, kRows, NULL, kCols, y, kRows));
  assert_fails(INFERMEM_E_NULL, quant_gemv(q, 0, kRows, x, kCols, NULL, kRows));
  assert_fails(INFERMEM_E_NULL, quant_gemv_rows(NULL, rows, 1, x, kCols, y, 1));
  assert_fails(INFERMEM_E_NULL, quant_gemv_rows(q, NULL, 1, x, kCols, y, 1));
  assert_fails(INFERMEM_E_NULL, quant_gemv_rows(q, rows, 1, NULL, kCols, y, 1));
  assert_fails(INFERMEM_E_NULL, quant_gemv_rows(q, rows, 1, x, kCols, NULL, 1));
  for (size_t i = 0; i < kRows; i++) assert_true(y[i] == 5);
  quant_free(q);
}

static void a_matrix_in_a_cleared_tape_is_stale(void **state) {
  (void)state;
  infermem_tape *tape = test_tape(1 << 16);
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.tape = tape;
  float data[64] = {1, 2, 3}, x[32] = {0}, y[2];
  infermem_quant *q = NULL;
  assert_ok(quant_from_f32(data, 64, 2, 32, &options, &q));
  assert_ok(tape_clear(tape));
  const size_t row = 0;
  assert_fails(INFERMEM_E_STALE, quant_gemv(q, 0, 2, x, 32, y, 2));
  assert_fails(INFERMEM_E_STALE, quant_gemv_rows(q, &row, 1, x, 32, y, 1));
  quant_free(q);
  assert_fails(INFERMEM_E_HANDLE, quant_gemv((const infermem_quant *)(const void *)tape, 0, 2, x, 32, y, 2));
  assert_fails(INFERMEM_E_HANDLE, quant_gemv_rows((const infermem_quant *)(const void *)tape, &row, 1, x, 32, y, 1));
  tape_free(tape);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_form_and_shape_is_multiplied),
      cmocka_unit_test(borrowed_types_are_multiplied_in_place),
      cmocka_unit_test(parts_of_the_rows_give_the_whole),
      cmocka_unit_test(nothing_beyond_the_vectors_is_touched),
      cmocka_unit_test(wrong_arguments_are_refused_and_nothing_is_written),
      cmocka_unit_test(a_matrix_in_a_cleared_tape_is_stale),
  };
  return cmocka_run_group_tests_name("gemv", tests, NULL, NULL);
}
