/* Matrices with parameters of 16 bits, and symmetric ones, come out of every instruction set as of the plain code, bit for
 * bit: levels, scales and minima. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "support.h"

static const size_t kShapes[][3] = {{16, 512, 32},  {5, 480, 48},   {7, 77, 32},    {3, 1024, 64},
                                    {4, 200, 64},   {2, 2048, 128}, {9, 8, 8},      {5, 100, 24},
                                    {2, 1000, 256}, {3, 32, 32},    {1, 4096, 2048}};
enum { kNShapes = sizeof kShapes / sizeof *kShapes, kMost = 16 * 512, kKinds = 10 };
static float data[kMost + 16], scales[2][kMost], mins[2][kMost];
static uint8_t levels[2][kMost];

/* One kind of values, as far as a type holds their parameters: usual and rare ones. */
static float value_of(uint64_t *seed, unsigned kind, float base) {
  const float u = test_random_float(seed);
  switch (kind) {
    case 0:
      return u;
    case 1:
      return base; /* constant */
    case 2:
      return test_random_below(seed, 2) ? 0.0f : -0.0f;
    case 3:
      return ldexpf((float)test_random_below(seed, 500), -149); /* denormal */
    case 4:
      return (float)((int)test_random_below(seed, 511) - 255) * 0.5f; /* halves */
    case 5:
      return u * 0x1p-20f + base; /* far from zero */
    case 6:
      return u * FLT_MIN * 300;
    case 7:
      return test_random_below(seed, 8) ? 0.0f : u * 100;
    case 8:
      return u * 0x1p-23f; /* about the least of F16 */
    default:
      return fabsf(u) + 1;
  }
}

static void make(const char *set, const size_t *shape, const infermem_quant_options *options, int which) {
  const size_t n = shape[0] * shape[1], groups = shape[0] * ((shape[1] + shape[2] - 1) / shape[2]);
  const size_t bytes = shape[0] * (options->bits == 8 ? shape[1] : (shape[1] + 1) / 2);
  infermem_quant *q = NULL;
  assert_ok(infermem_simd_select(set));
  assert_ok(quant_from_f32(data + which, n, shape[0], shape[1], options, &q));
  memset(levels[which], 0, sizeof levels[which]);
  assert_ok(quant_export(q, levels[which], bytes, scales[which], groups, mins[which], groups));
  if (which == 1) {
    assert_memory_equal(levels[0], levels[1], bytes);
    assert_memory_equal(scales[0], scales[1], groups * sizeof **scales);
    assert_memory_equal(mins[0], mins[1], groups * sizeof **mins);
  }
  quant_free(q);
}

static void every_set_gives_the_bits_of_the_plain_code(void **state) {
  (void)state;
  static const int32_t params[] = {INFERMEM_DTYPE_F16, INFERMEM_DTYPE_BF16, INFERMEM_DTYPE_F32};
  uint64_t seed = 81;
  for (int run = 0; run < 1200; run++) {
    const size_t *shape = kShapes[run % kNShapes];
    INFERMEM_STRUCT(infermem_quant_options, options);
    options.bits = test_random_below(&seed, 2) ? 4 : 8;
    options.params = params[test_random_below(&seed, 3)];
    options.symmetric = (uint32_t)test_random_below(&seed, 2);
    options.nan_policy = (uint32_t)test_random_below(&seed, 2);
    options.group = shape[2];
    const int one_kind = test_random_below(&seed, 2) != 0; /* or one a group, so that rare ones are beside usual ones */
    unsigned kind = (unsigned)test_random_below(&seed, kKinds);
    float base = test_random_float(&seed);
    for (size_t i = 0; i < shape[0] * shape[1]; i++) {
      if (!one_kind && i % shape[1] % shape[2] == 0) {
        kind = (unsigned)test_random_below(&seed, kKinds);
        base = test_random_float(&seed);
      }
      data[i] = value_of(&seed, kind, base);
    }
    make("reference", shape, &options, 0);
    memmove(data + 1, data, kMost * sizeof *data); /* at another alignment */
    for (size_t i = 1; infermem_simd_available(i); i++) make(infermem_simd_available(i), shape, &options, 1);
  }
  assert_ok(infermem_simd_select(NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_set_gives_the_bits_of_the_plain_code)};
  return cmocka_run_group_tests_name("simd_parameters", tests, NULL, NULL);
}
