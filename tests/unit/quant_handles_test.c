/* Quantized weights: handles, tapes and allocators. */
#include <math.h>

#include "quants.h"

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
      cmocka_unit_test(no_handle_and_other_handles_are_told_apart),
      cmocka_unit_test(a_matrix_lives_in_the_tape_it_is_given),
      cmocka_unit_test(a_matrix_whose_tape_was_cleared_or_rewound_is_stale),
      cmocka_unit_test(a_tape_that_cannot_hold_the_matrix_says_so),
      cmocka_unit_test(any_allocation_may_fail),
      cmocka_unit_test(reading_allocates_nothing),
  };
  return cmocka_run_group_tests_name("quant_handles", tests, NULL, NULL);
}
