/* quants.h: what the tests of quantized weights share: matrices made in one call, and the arithmetic of floats. */
#ifndef QUANTS_H
#define QUANTS_H

#include <math.h>

#include "support.h"

static inline infermem_quant *quantize(const float *data, size_t rows, size_t cols, uint32_t bits, size_t group) {
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.bits = bits;
  options.group = group;
  infermem_quant *q = NULL;
  assert_ok(quant_from_f32(data, rows * cols, rows, cols, &options, &q));
  return q;
}

static inline infermem_quant *borrow(int32_t dtype, const void *bytes, size_t n_bytes, size_t rows, size_t cols) {
  infermem_quant *q = NULL;
  assert_ok(quant_borrow(dtype, bytes, n_bytes, rows, cols, NULL, &q));
  return q;
}

/* To 24 bits, also beyond the range of a float: a double has room enough for any one operation on two floats to come
 * out as if it had been rounded once. */
static inline double f32(double x) {
  return fabs(x) >= 0x1p126 ? (double)(float)(x * 0x1p-3) * 0x1p3 : (double)(float)x;
}

#endif
