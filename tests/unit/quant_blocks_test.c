/* The field's block types, read by quant_borrow, against the vectors in data/blocks. */
#include <math.h>
#include <stdlib.h>

#include "fence.h"
#include "files.h"
#include "quants.h"

static const struct type {
  const char *file;
  int32_t dtype;
  int bits;
  size_t elements, bytes; /* of a block */
} types[] = {
    {"q4_0", INFERMEM_DTYPE_Q4_0, 4, 32, 18},   {"q4_1", INFERMEM_DTYPE_Q4_1, 4, 32, 20},
    {"q5_0", INFERMEM_DTYPE_Q5_0, 5, 32, 22},   {"q5_1", INFERMEM_DTYPE_Q5_1, 5, 32, 24},
    {"q8_0", INFERMEM_DTYPE_Q8_0, 8, 32, 34},   {"mxfp4", INFERMEM_DTYPE_MXFP4, 4, 32, 17},
    {"q2_k", INFERMEM_DTYPE_Q2_K, 2, 256, 84},  {"q3_k", INFERMEM_DTYPE_Q3_K, 3, 256, 110},
    {"q4_k", INFERMEM_DTYPE_Q4_K, 4, 256, 144}, {"q5_k", INFERMEM_DTYPE_Q5_K, 5, 256, 176},
    {"q6_k", INFERMEM_DTYPE_Q6_K, 6, 256, 210}, {"q8_k", INFERMEM_DTYPE_Q8_K, 8, 256, 292},
};
enum { kTypes = sizeof types / sizeof *types };

/* The same bits, or NaNs both: which NaN an operation makes is the machine's choice. */
static void check_floats(const char *what, const float *got, const unsigned char *expected, size_t n) {
  for (size_t i = 0; i < n; i++) {
    float value;
    memcpy(&value, expected + 4 * i, 4);
    if (memcmp(&got[i], &value, 4) != 0 && !(isnan(got[i]) && isnan(value)))
      fail_msg("%s: element %zu is %a, not %a", what, i, (double)got[i], (double)value);
  }
}

static void every_type_has_the_values_of_the_vectors(void **state) {
  (void)state;
  for (size_t t = 0; t < kTypes; t++) {
    const struct type *type = &types[t];
    struct bytes file = data_read("blocks", type->file, "decode");
    const size_t n_blocks = file.size / (type->bytes + 4 * type->elements), n = n_blocks * type->elements;
    const size_t n_bytes = n_blocks * type->bytes;
    assert_int_equal(file.size, n_bytes + 4 * n);
    assert_true(n_blocks >= 8);
    const unsigned char *expected = file.data + n_bytes;
    unsigned char *memory = malloc(n_bytes + 8);
    float *out = malloc(2 * n * sizeof *out);
    assert_non_null(memory);
    assert_non_null(out);
    for (size_t offset = 0; offset < 8; offset++) {
      memcpy(memory + offset, file.data, n_bytes);
      infermem_quant *q = borrow(type->dtype, memory + offset, n_bytes, n_blocks / 4, 4 * type->elements);
      assert_int_equal(quant_dtype(q), type->dtype);
      assert_int_equal(quant_bits(q), type->bits);
      assert_int_equal(quant_group(q), type->elements);
      assert_int_equal(quant_bytes(q), n_bytes);
      assert_ok(quant_to_f32(q, out, n));
      check_floats(type->file, out, expected, n);
      const size_t rows[] = {1, 0, 1}, cols = 4 * type->elements;
      assert_ok(quant_rows_to_f32(q, rows, 3, out, 3 * cols));
      check_floats(type->file, out, expected + 4 * cols, cols);
      check_floats(type->file, out + cols, expected, cols);
      check_floats(type->file, out + 2 * cols, expected + 4 * cols, cols);
      quant_free(q);
    }
    free(out);
    free(memory);
    bytes_free(&file);
  }
}

static void no_byte_beyond_a_matrix_is_touched(void **state) {
  (void)state;
  for (size_t t = 0; t < kTypes; t++) {
    const struct type *type = &types[t];
    struct bytes file = data_read("blocks", type->file, "decode");
    const size_t n_blocks = file.size / (type->bytes + 4 * type->elements), n_bytes = n_blocks * type->bytes;
    const size_t n = n_blocks * type->elements;
    struct fenced in = fence(n_bytes), out = fence(n * sizeof(float));
    for (int end = 0; end < 2; end++) {
      unsigned char *bytes = end ? in.end - n_bytes : in.begin;
      float *floats = (float *)(void *)(end ? out.end - n * sizeof(float) : out.begin);
      memcpy(bytes, file.data, n_bytes);
      infermem_quant *q = borrow(type->dtype, bytes, n_bytes, 1, n);
      assert_ok(quant_to_f32(q, floats, n));
      check_floats(type->file, floats, file.data + n_bytes, n);
      INFERMEM_STRUCT(infermem_quant_errors, errors);
      (void)quant_error(q, floats, n, &errors); /* some vectors have NaNs */
      quant_free(q);
    }
    unfence(&in);
    unfence(&out);
    bytes_free(&file);
  }
}

static void plain_types_are_read_at_the_end_of_a_page(void **state) {
  (void)state;
  static const int32_t plain[] = {INFERMEM_DTYPE_F32, INFERMEM_DTYPE_F16, INFERMEM_DTYPE_BF16};
  static const unsigned char one[3][4] = {{0, 0, 0x80, 0x3f}, {0, 0x3c}, {0x80, 0x3f}};
  for (size_t t = 0; t < 3; t++) {
    for (size_t n = 1; n < 40; n++) {
      const size_t bytes = t == 0 ? 4 : 2;
      struct fenced in = fence(n * bytes), out = fence(n * sizeof(float));
      unsigned char *p = in.end - n * bytes;
      for (size_t i = 0; i < n; i++) memcpy(p + i * bytes, one[t], bytes);
      float *floats = (float *)(void *)(out.end - n * sizeof(float));
      infermem_quant *q = borrow(plain[t], p, n * bytes, 1, n);
      assert_ok(quant_to_f32(q, floats, n));
      for (size_t i = 0; i < n; i++) assert_true(floats[i] == 1);
      quant_free(q);
      unfence(&in);
      unfence(&out);
    }
  }
}

static void borrowed_blocks_are_measured(void **state) {
  (void)state;
  /* One block of each type, repeated over columns that are more than any buffer inside. */
  for (size_t t = 0; t < kTypes; t++) {
    const struct type *type = &types[t];
    struct bytes file = data_read("blocks", type->file, "decode");
    const size_t n_bytes = file.size / (type->bytes + 4 * type->elements) * type->bytes;
    enum { kBlocks = 40 };
    unsigned char bytes[kBlocks * 292];
    float out[kBlocks * 256];
    for (size_t i = 0; i < kBlocks; i++) memcpy(bytes + i * type->bytes, file.data, type->bytes);
    const size_t n = kBlocks * type->elements;
    for (size_t i = 0; i < n; i++) {
      memcpy(&out[i], file.data + n_bytes + 4 * (i % type->elements), 4);
      assert_true(isfinite(out[i]));
    }
    infermem_quant *q = borrow(type->dtype, bytes, kBlocks * type->bytes, 2, n / 2);
    INFERMEM_STRUCT(infermem_quant_errors, errors);
    assert_ok(quant_error(q, out, n, &errors));
    assert_true(errors.max == 0 && errors.mean == 0 && errors.rmse == 0);
    const double was = (double)out[n - 1];
    out[n - 1] = out[n - 1] * 0.5f + 1;
    assert_ok(quant_error(q, out, n, &errors));
    assert_true(errors.max == fabs((double)out[n - 1] - was));
    quant_free(q);
    bytes_free(&file);
  }
}

static void an_infinite_scale_gives_no_finite_value_and_no_error(void **state) {
  (void)state;
  unsigned char block[34] = {0x00, 0x7c, 0, 1, 0xff};
  float out[32], data[32] = {0};
  infermem_quant *q = borrow(INFERMEM_DTYPE_Q8_0, block, sizeof block, 1, 32);
  assert_ok(quant_to_f32(q, out, 32));
  assert_true(isnan(out[0]) && out[1] == INFINITY && out[2] == -INFINITY);
  INFERMEM_STRUCT(infermem_quant_errors, errors);
  assert_fails(INFERMEM_E_NOT_FINITE, quant_error(q, data, 32, &errors));
  assert_int_equal(infermem_error_detail()->got, 0);
  quant_free(q);
}

static void blocks_that_are_not_whole_are_refused(void **state) {
  (void)state;
  unsigned char bytes[600] = {0};
  for (size_t t = 0; t < kTypes; t++) {
    infermem_quant *q = NULL;
    const size_t elements = types[t].elements, n_bytes = types[t].bytes;
    assert_fails(INFERMEM_E_SHAPE, quant_borrow(types[t].dtype, bytes, 600, 1, elements - 1, NULL, &q));
    assert_fails(INFERMEM_E_SHAPE, quant_borrow(types[t].dtype, bytes, 600, 2, elements / 2, NULL, &q));
    assert_fails(INFERMEM_E_SHAPE, quant_borrow(types[t].dtype, bytes, 2 * n_bytes - 1, 2, elements, NULL, &q));
    assert_int_equal(infermem_error_detail()->expected, 2 * n_bytes);
    assert_int_equal(infermem_error_detail()->got, 2 * n_bytes - 1);
    assert_null(q);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_type_has_the_values_of_the_vectors),
      cmocka_unit_test(no_byte_beyond_a_matrix_is_touched),
      cmocka_unit_test(plain_types_are_read_at_the_end_of_a_page),
      cmocka_unit_test(borrowed_blocks_are_measured),
      cmocka_unit_test(an_infinite_scale_gives_no_finite_value_and_no_error),
      cmocka_unit_test(blocks_that_are_not_whole_are_refused),
  };
  return cmocka_run_group_tests_name("quant_blocks", tests, NULL, NULL);
}
