/* Quantized weights: borrowed matrices, rows, and errors measured. */
#include <math.h>
#include <stdlib.h>

#include "quants.h"

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

int main(void) {
  const struct CMUnitTest tests[] = {
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
  };
  return cmocka_run_group_tests_name("quant_read", tests, NULL, NULL);
}
