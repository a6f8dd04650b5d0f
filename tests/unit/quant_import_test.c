/* quant_from_gptq, quant_from_awq, quant_from_hqq: layers as those programs store them, against the floats that an
 * independent script has computed (data/make_import_vectors.py). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

enum source { kGptq, kAwq, kHqq };

static const struct layer {
  const char *file;
  enum source source;
  uint32_t bits;
  size_t rows, cols, group;
  int32_t scales_type;
  uint32_t version;
} kLayers[] = {
    {"gptq4", kGptq, 4, 16, 96, 64, INFERMEM_DTYPE_F16, 0}, /* the last group of a row is short */
    {"gptq4", kGptq, 4, 16, 96, 64, INFERMEM_DTYPE_F16, 1},
    {"gptq4_v2", kGptq, 4, 24, 64, 32, INFERMEM_DTYPE_F16, 2},
    {"gptq4_sym", kGptq, 4, 40, 64, 32, INFERMEM_DTYPE_F16, 1},
    {"gptq8", kGptq, 8, 12, 40, 16, INFERMEM_DTYPE_F16, 1},
    {"awq4", kAwq, 4, 24, 64, 32, INFERMEM_DTYPE_F16, 0},
    {"hqq4", kHqq, 4, 3, 64, 32, INFERMEM_DTYPE_F16, 0},
    {"hqq8", kHqq, 8, 5, 48, 16, INFERMEM_DTYPE_F32, 0},
};
enum { kNLayers = sizeof kLayers / sizeof *kLayers, kSymmetric = 3 };

static unsigned char file[32768];
static float values[4096], got[4096];

/* The layer's file: its tensors one after the other, not aligned, then its floats, which go to `values`. */
static void read_layer(const struct layer *layer, infermem_quant_tensors *tensors, infermem_quant_options *options) {
  char path[512];
  snprintf(path, sizeof path, "%s/import/%s", TEST_DATA, layer->file);
  FILE *stream = fopen(path, "rb");
  assert_non_null(stream);
  unsigned char *const at = file + 1;
  const size_t n = fread(at, 1, sizeof file - 1, stream);
  assert_int_equal(fclose(stream), 0);

  const size_t elements = layer->rows * layer->cols;
  const size_t parameters = layer->rows * ((layer->cols + layer->group - 1) / layer->group);
  memset(tensors, 0, sizeof *tensors);
  tensors->struct_size = sizeof *tensors;
  tensors->weights_bytes = elements * layer->bits / 8;
  tensors->scales_bytes = parameters * (layer->scales_type == INFERMEM_DTYPE_F32 ? 4 : 2);
  tensors->zeros_bytes = layer->source == kHqq ? tensors->scales_bytes : parameters * layer->bits / 8;
  tensors->weights = at;
  tensors->zeros = at + tensors->weights_bytes;
  tensors->scales = at + tensors->weights_bytes + tensors->zeros_bytes;
  tensors->scales_type = layer->scales_type;
  tensors->gptq_version = layer->version;
  const size_t values_at = tensors->weights_bytes + tensors->zeros_bytes + tensors->scales_bytes;
  assert_int_equal(n, values_at + elements * sizeof *values);
  memcpy(values, at + values_at, elements * sizeof *values);
  memset(options, 0, sizeof *options);
  options->struct_size = sizeof *options;
  options->bits = layer->bits;
  options->group = layer->group;
}

static int32_t import(enum source source, const infermem_quant_tensors *tensors, size_t rows, size_t cols,
                      const infermem_quant_options *options, infermem_quant **out) {
  return source == kGptq  ? quant_from_gptq(tensors, rows, cols, options, out)
         : source == kAwq ? quant_from_awq(tensors, rows, cols, options, out)
                          : quant_from_hqq(tensors, rows, cols, options, out);
}

/* ---- What comes of them ---- */

static void layers_stand_for_the_floats_of_the_formats(void **state) {
  (void)state;
  for (int l = 0; l < kNLayers; l++) {
    const struct layer *layer = &kLayers[l];
    infermem_quant_tensors tensors;
    infermem_quant_options options;
    read_layer(layer, &tensors, &options);
    infermem_quant *q = NULL;
    assert_ok(import(layer->source, &tensors, layer->rows, layer->cols, &options, &q));
    memset(file, 0, sizeof file); /* nothing of it is kept */
    const size_t n = layer->rows * layer->cols;
    assert_ok(quant_to_f32(q, got, n));
    for (size_t i = 0; i < n; i++)
      if (got[i] != values[i])
        fail_msg("%s: element %zu is %a, not %a", layer->file, i, (double)got[i], (double)values[i]);
    assert_int_equal(quant_dtype(q), INFERMEM_QUANT_NATIVE);
    assert_int_equal(quant_bits(q), layer->bits);
    assert_int_equal(quant_group(q), layer->group);
    quant_free(q);
  }
}

static void symmetric_layers_need_no_minima(void **state) {
  (void)state;
  const struct layer *layer = &kLayers[kSymmetric];
  const size_t n = layer->rows * layer->cols, groups = n / layer->group;
  infermem_quant_tensors tensors;
  infermem_quant_options options;
  read_layer(layer, &tensors, &options);
  options.symmetric = 1;
  options.params = INFERMEM_DTYPE_F16;
  infermem_quant *q = NULL;
  assert_ok(quant_from_gptq(&tensors, layer->rows, layer->cols, &options, &q));
  assert_int_equal(quant_bytes(q), n / 2 + groups * 2);
  assert_ok(quant_to_f32(q, got, n));
  for (size_t i = 0; i < n; i++) assert_true(got[i] == values[i]);
  quant_free(q);

  unsigned char *const zeros = file + 1 + tensors.weights_bytes;
  assert_int_equal(*zeros, 0x77);
  zeros[tensors.zeros_bytes - 1] = 0x67; /* of the last output, in its last group */
  q = NULL;
  assert_fails(INFERMEM_E_UNSUPPORTED, quant_from_gptq(&tensors, layer->rows, layer->cols, &options, &q));
  assert_int_equal(infermem_error_detail()->got, groups - 1);
  assert_null(q);
  options.symmetric = 0;
  assert_ok(quant_from_gptq(&tensors, layer->rows, layer->cols, &options, &q));
  quant_free(q);
}

static void parameters_of_16_bits_are_the_nearest(void **state) {
  (void)state;
  for (int which = 0; which < 2; which++) {
    const struct layer *layer = &kLayers[kNLayers - 1];
    infermem_quant_tensors tensors;
    infermem_quant_options options;
    read_layer(layer, &tensors, &options);
    options.params = which ? INFERMEM_DTYPE_BF16 : INFERMEM_DTYPE_F16;
    infermem_quant *q = NULL;
    assert_ok(quant_from_hqq(&tensors, layer->rows, layer->cols, &options, &q));
    static uint8_t levels[5 * 48];
    float scales[15], mins[15], stored[15], zeros[15];
    assert_ok(quant_export(q, levels, sizeof levels, scales, 15, mins, 15));
    memcpy(stored, tensors.scales, sizeof stored);
    memcpy(zeros, tensors.zeros, sizeof zeros);
    const double half = which ? 0x1p-9 : 0x1p-12; /* of the last bit, relative; here all numbers are normal */
    for (int i = 0; i < 15; i++) {
      const double min = (double)(-zeros[i] * stored[i]);
      assert_true(fabs((double)scales[i] - (double)stored[i]) <= 2 * half * fabs((double)stored[i]));
      assert_true(fabs((double)mins[i] - min) <= 2 * half * fabs(min));
    }
    assert_memory_equal(levels, file + 1, sizeof levels);
    quant_free(q);
  }
}

static void a_group_index_in_order_changes_nothing(void **state) {
  (void)state;
  const struct layer *layer = &kLayers[0];
  infermem_quant_tensors tensors;
  infermem_quant_options options;
  read_layer(layer, &tensors, &options);
  uint32_t index[97];
  for (uint32_t i = 0; i < 96; i++) index[i] = i / 64;
  tensors.group_index = index;
  tensors.group_index_bytes = sizeof index - sizeof *index;
  infermem_quant *q = NULL;
  assert_ok(quant_from_gptq(&tensors, layer->rows, layer->cols, &options, &q));
  assert_ok(quant_to_f32(q, got, layer->rows * layer->cols));
  assert_memory_equal(got, values, layer->rows * layer->cols * sizeof *got);
  quant_free(q);

  q = NULL;
  memset(index, 0, sizeof index); /* as some write it where no input was moved */
  assert_ok(quant_from_gptq(&tensors, layer->rows, layer->cols, &options, &q));
  assert_ok(quant_to_f32(q, got, layer->rows * layer->cols));
  assert_memory_equal(got, values, layer->rows * layer->cols * sizeof *got);
  quant_free(q);

  q = NULL;
  for (uint32_t i = 0; i < 96; i++) index[i] = i / 64;
  index[70] = 0; /* an input that was moved */
  assert_fails(INFERMEM_E_UNSUPPORTED, quant_from_gptq(&tensors, layer->rows, layer->cols, &options, &q));
  assert_int_equal(infermem_error_detail()->got, 70);
  tensors.group_index_bytes = sizeof index;
  assert_fails(INFERMEM_E_SHAPE, quant_from_gptq(&tensors, layer->rows, layer->cols, &options, &q));
  tensors.group_index = NULL;
  assert_fails(INFERMEM_E_SHAPE, quant_from_gptq(&tensors, layer->rows, layer->cols, &options, &q));
  assert_null(q);
}

/* ---- What is refused ---- */

static void wrong_lengths_and_shapes_are_refused(void **state) {
  (void)state;
  for (int l = 0; l < kNLayers; l++) {
    const struct layer *layer = &kLayers[l];
    infermem_quant_tensors tensors;
    infermem_quant_options options;
    read_layer(layer, &tensors, &options);
    infermem_quant *q = NULL;
    size_t *const lengths[] = {&tensors.weights_bytes, &tensors.zeros_bytes, &tensors.scales_bytes};
    for (int i = 0; i < 3; i++) {
      for (int more = 0; more < 2; more++) {
        const size_t right = *lengths[i];
        *lengths[i] = more ? right + 1 : right - 1;
        assert_int_equal(import(layer->source, &tensors, layer->rows, layer->cols, &options, &q), INFERMEM_E_SHAPE);
        assert_int_equal(infermem_error_detail()->expected, right);
        *lengths[i] = right;
      }
    }
    assert_int_equal(import(layer->source, &tensors, 0, layer->cols, &options, &q), INFERMEM_E_SHAPE);
    assert_int_equal(import(layer->source, &tensors, layer->rows, layer->cols + 8, &options, &q), INFERMEM_E_SHAPE);
    assert_int_equal(import(layer->source, &tensors, SIZE_MAX / 4, 8, &options, &q), INFERMEM_E_OVERFLOW);
    assert_null(q);
  }
  infermem_quant_tensors tensors;
  infermem_quant_options options;
  infermem_quant *q = NULL;
  read_layer(&kLayers[0], &tensors, &options);
  assert_fails(INFERMEM_E_SHAPE, quant_from_gptq(&tensors, 20, 96, &options, &q)); /* words of 8 */
  options.group = 8;
  assert_fails(INFERMEM_E_SHAPE, quant_from_awq(&tensors, 16, 100, &options, &q));
  assert_fails(INFERMEM_E_SHAPE, quant_from_hqq(&tensors, 16, 100, &options, &q)); /* not whole groups */
  assert_fails(INFERMEM_E_SHAPE, quant_from_hqq(&tensors, 3, 24, &options, &q));   /* no halves */
  assert_null(q);
}

static void wrong_arguments_are_refused(void **state) {
  (void)state;
  infermem_quant_tensors tensors;
  infermem_quant_options options;
  infermem_quant *q = NULL;
  read_layer(&kLayers[0], &tensors, &options);
  assert_fails(INFERMEM_E_NULL, quant_from_gptq(NULL, 16, 96, &options, &q));
  assert_fails(INFERMEM_E_NULL, quant_from_awq(NULL, 16, 96, &options, &q));
  assert_fails(INFERMEM_E_NULL, quant_from_hqq(NULL, 16, 96, &options, &q));
  assert_fails(INFERMEM_E_NULL, quant_from_gptq(&tensors, 16, 96, &options, NULL));
  assert_fails(INFERMEM_E_NULL, quant_from_awq(&tensors, 16, 96, &options, NULL));
  assert_fails(INFERMEM_E_NULL, quant_from_hqq(&tensors, 16, 96, &options, NULL));
  const void **const pointers[] = {&tensors.weights, &tensors.zeros, &tensors.scales};
  for (int i = 0; i < 3; i++) {
    const void *const right = *pointers[i];
    *pointers[i] = NULL;
    assert_fails(INFERMEM_E_NULL, quant_from_gptq(&tensors, 16, 96, &options, &q));
    *pointers[i] = right;
  }
  tensors.struct_size = 1;
  assert_fails(INFERMEM_E_STRUCT, quant_from_gptq(&tensors, 16, 96, &options, &q));
  tensors.struct_size = sizeof tensors;
  options.struct_size = 1;
  assert_fails(INFERMEM_E_STRUCT, quant_from_gptq(&tensors, 16, 96, &options, &q));
  options.struct_size = sizeof options;

  options.nan_policy = INFERMEM_QUANT_CLAMP;
  assert_fails(INFERMEM_E_ARG, quant_from_gptq(&tensors, 16, 96, &options, &q));
  options.nan_policy = 0;
  options.bits = 3;
  assert_fails(INFERMEM_E_ARG, quant_from_gptq(&tensors, 16, 96, &options, &q));
  options.bits = 8;
  assert_fails(INFERMEM_E_ARG, quant_from_awq(&tensors, 16, 96, &options, &q));
  options.bits = 4;
  tensors.gptq_version = 3;
  assert_fails(INFERMEM_E_ARG, quant_from_gptq(&tensors, 16, 96, &options, &q));
  tensors.gptq_version = 1;
  assert_fails(INFERMEM_E_ARG, quant_from_awq(&tensors, 16, 96, &options, &q));
  assert_fails(INFERMEM_E_ARG, quant_from_hqq(&tensors, 16, 96, &options, &q));
  tensors.gptq_version = 0;
  tensors.group_index = file;
  assert_fails(INFERMEM_E_ARG, quant_from_awq(&tensors, 16, 96, &options, &q));
  assert_fails(INFERMEM_E_ARG, quant_from_hqq(&tensors, 16, 96, &options, &q));
  tensors.group_index = NULL;
  tensors.scales_type = INFERMEM_DTYPE_Q8_0;
  assert_fails(INFERMEM_E_UNSUPPORTED, quant_from_gptq(&tensors, 16, 96, &options, &q));
  tensors.scales_type = 999;
  assert_fails(INFERMEM_E_TYPE, quant_from_gptq(&tensors, 16, 96, &options, &q));
  assert_null(q);
}

static void bad_parameters_are_refused_with_their_group(void **state) {
  (void)state;
  const struct layer *layer = &kLayers[kNLayers - 1]; /* hqq8: 5 rows of 3 groups, in F32 */
  infermem_quant_tensors tensors;
  infermem_quant_options options;
  read_layer(layer, &tensors, &options);
  infermem_tape *tape = test_tape(1 << 16);
  options.tape = tape;
  const size_t group = 7;
  unsigned char *const zeros = file + 1 + tensors.weights_bytes, *const scales = zeros + tensors.zeros_bytes;
  const struct {
    float zero, scale;
    int32_t params, status;
  } cases[] = {
      {NAN, 1, INFERMEM_DTYPE_F32, INFERMEM_E_NOT_FINITE},
      {INFINITY, 1, INFERMEM_DTYPE_F32, INFERMEM_E_NOT_FINITE},
      {1, -INFINITY, INFERMEM_DTYPE_F32, INFERMEM_E_NOT_FINITE},
      {128, 0x1p121f, INFERMEM_DTYPE_F32, INFERMEM_E_LIMIT},
      {0, 0x1.02p120f, INFERMEM_DTYPE_F32, INFERMEM_E_LIMIT},
      {128, 0x1p120f, INFERMEM_DTYPE_F32, INFERMEM_OK},
      {0, 65520, INFERMEM_DTYPE_F16, INFERMEM_E_LIMIT},
      {66, 1000, INFERMEM_DTYPE_F16, INFERMEM_E_LIMIT},
      {65, 1000, INFERMEM_DTYPE_F16, INFERMEM_OK},
      {0, 0, INFERMEM_DTYPE_F32, INFERMEM_OK},
      {128, -0.5f, INFERMEM_DTYPE_F32, INFERMEM_OK},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    memcpy(zeros + 4 * group, &cases[c].zero, 4);
    memcpy(scales + 4 * group, &cases[c].scale, 4);
    options.params = cases[c].params;
    infermem_quant *q = NULL;
    assert_int_equal(quant_from_hqq(&tensors, 5, 48, &options, &q), cases[c].status);
    if (cases[c].status != INFERMEM_OK) {
      assert_int_equal(infermem_error_detail()->got, group);
      assert_null(q);
      assert_int_equal(tape_used(tape), 0);
      continue;
    }
    const size_t row = 2;
    assert_ok(quant_rows_to_f32(q, &row, 1, got, 48));
    for (size_t i = 16; i < 32; i++) {
      const double level = file[1 + 2 * 48 + i], exact = (level - (double)cases[c].zero) * (double)cases[c].scale;
      assert_true(fabs((double)got[i] - exact) <= 0x1p-10 * 255 * fabs((double)cases[c].scale));
    }
    quant_free(q);
    assert_ok(tape_clear(tape));
  }
  tape_free(tape);
}

static int32_t import_and_read(const infermem_allocator *allocator) {
  infermem_quant_tensors tensors;
  infermem_quant_options options;
  read_layer(&kLayers[5], &tensors, &options);
  options.allocator = allocator;
  infermem_quant *q = NULL;
  const int32_t status = quant_from_awq(&tensors, 24, 64, &options, &q);
  if (status != INFERMEM_OK) {
    assert_null(q);
    return status;
  }
  assert_ok(quant_to_f32(q, got, 24 * 64));
  assert_memory_equal(got, values, 24 * 64 * sizeof *got);
  quant_free(q);
  return INFERMEM_OK;
}

static void any_allocation_may_fail(void **state) {
  (void)state;
  assert_int_equal(oom_walk(import_and_read), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(layers_stand_for_the_floats_of_the_formats),
      cmocka_unit_test(symmetric_layers_need_no_minima),
      cmocka_unit_test(parameters_of_16_bits_are_the_nearest),
      cmocka_unit_test(a_group_index_in_order_changes_nothing),
      cmocka_unit_test(wrong_lengths_and_shapes_are_refused),
      cmocka_unit_test(wrong_arguments_are_refused),
      cmocka_unit_test(bad_parameters_are_refused_with_their_group),
      cmocka_unit_test(any_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("quant_import", tests, NULL, NULL);
}
