#include "saved.h"

const struct form kForms[] = {
    {"native-8-f32", INFERMEM_QUANT_NATIVE, 3, 40, 0, 8, 32, INFERMEM_DTYPE_F32, 0, 0},
    {"native-4-f32", INFERMEM_QUANT_NATIVE, 1, 5, 0, 4, 8, INFERMEM_DTYPE_F32, 0, 0},
    {"native-4-f16", INFERMEM_QUANT_NATIVE, 5, 67, 0, 4, 16, INFERMEM_DTYPE_F16, 0, 0},
    {"native-8-bf16", INFERMEM_QUANT_NATIVE, 4, 300, 0, 8, 128, INFERMEM_DTYPE_BF16, 0, 0},
    {"packed-8-f32", INFERMEM_QUANT_NATIVE, 17, 40, 0, 8, 32, INFERMEM_DTYPE_F32, INFERMEM_QUANT_PACKED, 0},
    {"packed-4-f16", INFERMEM_QUANT_NATIVE, 5, 67, 0, 4, 16, INFERMEM_DTYPE_F16, INFERMEM_QUANT_PACKED, 0},
    {"symmetric-4-bf16", INFERMEM_QUANT_NATIVE, 5, 67, 0, 4, 16, INFERMEM_DTYPE_BF16, INFERMEM_QUANT_PLAIN, 1},
    {"symmetric-packed-8-f16", INFERMEM_QUANT_NATIVE, 5, 67, 0, 8, 16, INFERMEM_DTYPE_F16, INFERMEM_QUANT_PACKED, 1},
    {"f16", INFERMEM_DTYPE_F16, 3, 5, 30, 0, 0, 0, 0, 0},
    {"q4_0", INFERMEM_DTYPE_Q4_0, 3, 64, 108, 0, 0, 0, 0, 0},
    {"q6_k", INFERMEM_DTYPE_Q6_K, 2, 256, 420, 0, 0, 0, 0, 0},
};
_Static_assert(sizeof kForms / sizeof *kForms == kNForms, "there are others");

infermem_quant *make_in(const struct form *form, const infermem_tape *tape) {
  static float weights[kMost];
  static unsigned char blocks[420];
  infermem_quant *q = NULL;
  if (form->dtype != INFERMEM_QUANT_NATIVE) {
    for (size_t i = 0; i < sizeof blocks; i++) blocks[i] = (unsigned char)(i * i * 31 + i * 17 + 3);
    assert_ok(quant_borrow(form->dtype, blocks, form->bytes, form->rows, form->cols, NULL, &q));
    return q;
  }
  const size_t n = form->rows * form->cols;
  assert_true(n <= kMost);
  for (size_t i = 0; i < n; i++) weights[i] = (float)((int)(i * 7919 % 1009) - 504) / 64;
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.bits = form->bits;
  options.group = form->group;
  options.params = form->params;
  options.symmetric = form->symmetric;
  options.tape = tape;
  assert_ok(quant_from_f32(weights, n, form->rows, form->cols, &options, &q));
  if (form->layout == INFERMEM_QUANT_PLAIN) return q;
  INFERMEM_STRUCT(infermem_quant_options, place);
  place.tape = tape;
  infermem_quant *packed = NULL;
  assert_ok(quant_pack(q, &place, &packed));
  quant_free(q);
  return packed;
}

infermem_quant *make(const struct form *form) { return make_in(form, NULL); }

struct bytes golden(const char *name, const char *extension) {
  return data_read("quant", name, extension);
}

void assert_same(const infermem_quant *a, const infermem_quant *b) {
  size_t rows, cols, other_rows, other_cols;
  assert_ok(quant_shape(a, &rows, &cols));
  assert_ok(quant_shape(b, &other_rows, &other_cols));
  assert_true(rows == other_rows && cols == other_cols && rows * cols <= kMost);
  assert_int_equal(quant_dtype(a), quant_dtype(b));
  assert_int_equal(quant_layout(a), quant_layout(b));
  assert_int_equal(quant_bits(a), quant_bits(b));
  assert_int_equal(quant_group(a), quant_group(b));
  assert_int_equal(quant_bytes(a), quant_bytes(b));
  static float values[kMost], other_values[kMost], x[kMost];
  assert_ok(quant_to_f32(a, values, rows * cols));
  assert_ok(quant_to_f32(b, other_values, rows * cols));
  assert_memory_equal(values, other_values, rows * cols * sizeof *values);
  for (size_t i = 0; i < cols; i++) x[i] = (float)i / 8;
  assert_ok(quant_gemv(a, 0, rows, x, cols, values, rows));
  assert_ok(quant_gemv(b, 0, rows, x, cols, other_values, rows));
  assert_memory_equal(values, other_values, rows * sizeof *values);
}
