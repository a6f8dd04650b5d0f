/* Quantized weights: to and from numbers of 16 bits, and ranges of rows. */
#include <math.h>
#include <stdlib.h>

#include "quants16.h"

static float data[kMost], expected[kMost], got[kMost];
static uint16_t halves[kMost];

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
      cmocka_unit_test(every_instruction_set_gives_the_same_bits),
      cmocka_unit_test(options_beyond_the_known_are_refused),
      cmocka_unit_test(no_handle_other_handles_and_stale_ones_are_told_apart),
      cmocka_unit_test(any_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("quant_native", tests, NULL, NULL);
}
