/* Matrices that no cache holds. */
#include <stdlib.h>

#include "support.h"

/* Large results may go past the caches, small ones do not. */
static void a_large_matrix_holds_what_small_ones_of_its_rows_hold(void **state) {
  (void)state;
  enum { kRows = 3200, kCols = 4096, kPart = 100 };
  static const struct {
    uint32_t bits;
    size_t group;
  } kMade[] = {{4, 32}, {8, 32}, {8, 128}};
  float *data = malloc(sizeof(float) * kRows * kCols), *all = malloc(sizeof(float) * kRows * kCols);
  float *part = malloc(sizeof(float) * kPart * kCols);
  assert_true(data && all && part);
  for (size_t i = 0; i < (size_t)kRows * kCols; i++)
    data[i] = (float)((uint32_t)i * 2654435761u >> 8) * 0x1p-23f - 1.0f;
  for (size_t f = 0; f < sizeof kMade / sizeof *kMade; f++) {
    INFERMEM_STRUCT(infermem_quant_options, options);
    options.bits = kMade[f].bits;
    options.group = kMade[f].group;
    infermem_quant *q = NULL;
    assert_ok(quant_from_f32(data, (size_t)kRows * kCols, kRows, kCols, &options, &q));
    assert_ok(quant_to_f32(q, all, (size_t)kRows * kCols));
    quant_free(q);
    for (size_t row = 0; row < kRows; row += kPart) {
      assert_ok(quant_from_f32(data + row * kCols, kPart * kCols, kPart, kCols, &options, &q));
      assert_ok(quant_to_f32(q, part, kPart * kCols));
      quant_free(q);
      assert_memory_equal(part, all + row * kCols, sizeof(float) * kPart * kCols);
    }
  }
  free(part);
  free(all);
  free(data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_large_matrix_holds_what_small_ones_of_its_rows_hold),
  };
  return cmocka_run_group_tests_name("quant_large", tests, NULL, NULL);
}
