/* quants16.h: what the tests of quantized weights and of numbers of 16 bits share: these numbers by their definition. */
#ifndef QUANTS16_H
#define QUANTS16_H

#include <math.h>

#include "quants.h"

struct type16 {
  int32_t dtype;
  int mantissa_bits, exponent_bits;
};

static const struct type16 kTypes[] = {{INFERMEM_DTYPE_F16, 10, 5}, {INFERMEM_DTYPE_BF16, 7, 8}};

/* Of a number that is finite. Its bits, without the sign, are in the order of the magnitudes. */
static inline double value16(const struct type16 *t, uint32_t bits) {
  const int exponent = (int)(bits >> t->mantissa_bits) & ((1 << t->exponent_bits) - 1);
  const int mantissa = (int)bits & ((1 << t->mantissa_bits) - 1);
  const int least = 2 - (1 << (t->exponent_bits - 1)) - t->mantissa_bits; /* of the exponents of the last bit */
  const double magnitude =
      exponent == 0 ? ldexp(mantissa, least) : ldexp(mantissa + (1 << t->mantissa_bits), least + exponent - 1);
  return bits & 0x8000 ? -magnitude : magnitude;
}

static inline uint32_t infinity16(const struct type16 *t) { return ((1u << t->exponent_bits) - 1) << t->mantissa_bits; }

/* The bits of the largest number whose magnitude is not above x, which is not negative. */
static inline uint32_t truncated(const struct type16 *t, double x) {
  uint32_t low = 0, high = infinity16(t);
  while (high - low > 1) {
    const uint32_t middle = (low + high) / 2;
    if (value16(t, middle) <= x)
      low = middle;
    else
      high = middle;
  }
  return low;
}

/* The nearest, of two the even one; what would be the next number after the largest is infinity. */
static inline uint32_t nearest(const struct type16 *t, float value) {
  const uint32_t sign = signbit(value) ? 0x8000 : 0;
  const double x = fabs((double)value);
  if (isinf(value)) return sign | infinity16(t);
  const uint32_t low = truncated(t, x);
  const double below = x - value16(t, low);
  const double above = (low + 1 == infinity16(t) ? value16(t, low) * 2 - value16(t, low - 1) : value16(t, low + 1)) - x;
  return sign | (below < above || (below == above && low % 2 == 0) ? low : low + 1);
}

static inline double round_down(const struct type16 *t, double x) {
  if (x >= 0) return value16(t, truncated(t, x));
  const uint32_t low = truncated(t, -x);
  return value16(t, low) == -x ? x : -value16(t, low + 1);
}

/* Rows, columns, group: whole groups and not, odd rows, groups within a piece, longer than it, dividing none, and more
 * of them than are widened at once. */
static const size_t kShapes[][3] = {{1, 1, 8},       {3, 7, 8},       {5, 33, 32},    {4, 64, 64},
                                    {9, 512, 32},    {2, 1100, 128},  {2, 1101, 704}, {2, 2048, 256},
                                    {2, 3001, 2048}, {1, 4096, 4096}, {3, 2048, 8}};
enum { kNShapes = sizeof kShapes / sizeof *kShapes, kMost = 9 * 512 + 2000 };

static inline infermem_quant *from_f32(const float *values, const size_t *shape,
                                       const infermem_quant_options *options) {
  infermem_quant *q = NULL;
  assert_ok(quant_from_f32(values, shape[0] * shape[1], shape[0], shape[1], options, &q));
  return q;
}

static inline int32_t from_16(const struct type16 *t, const uint16_t *values, const size_t *shape,
                              const infermem_quant_options *options, infermem_quant **out) {
  const size_t n = shape[0] * shape[1];
  return t->dtype == INFERMEM_DTYPE_F16 ? quant_from_f16(values, n, shape[0], shape[1], options, out)
                                        : quant_from_bf16(values, n, shape[0], shape[1], options, out);
}

static inline int32_t to_16(const struct type16 *t, const infermem_quant *q, uint16_t *out, size_t n) {
  return t->dtype == INFERMEM_DTYPE_F16 ? quant_to_f16(q, out, n) : quant_to_bf16(q, out, n);
}

#endif
