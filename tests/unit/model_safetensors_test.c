/* Safetensors files: what is told of their tensors, the limits, and every truncation and changed bit. The malformed files
 * of fuzz/corpus/safetensors have a list of their own. */
#include <stdio.h>

#include "files.h"
#include "model_make.h"

#define FILE_NAME "test.safetensors"

static infermem_model *open_made(struct gguf g) {
  save_as(FILE_NAME, &g);
  infermem_model *model = open_model(FILE_NAME);
  gguf_exercise(model);
  return model;
}

static void refuse(struct gguf g, int32_t code) {
  infermem_model *out = NULL;
  const int32_t status = open_memory(&g, 0, &out);
  if (status == INFERMEM_OK) model_free(out);
  if (status != code)
    fail_msg("%s, not %s: %s", infermem_error_name(status), infermem_error_name(code),
             infermem_error_detail()->message);
  assert_int_equal(gguf_heap.live, 0);
  gguf_free(&g);
}

static void tensors_are_views_of_the_file(void **state) {
  (void)state;
  const char *const header =
      "{\"__metadata__\":{\"format\":\"pt\"},"
      "\"model.layers.0.mlp.gate_proj.weight\":{\"dtype\":\"BF16\",\"shape\":[3,4],\"data_offsets\":[8,32]},"
      "\"norm\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
  infermem_model *model = open_made(make_safetensors(header, 32));
  assert_int_equal(model_format(model), INFERMEM_FORMAT_SAFETENSORS);
  assert_int_equal(model_part_count(model), 1);
  assert_string_equal(model_part_path(model, 0), FILE_NAME);
  assert_int_equal(model_tensor_count(model), 2);
  assert_int_equal(model_meta_count(model), 1);
  assert_string(model, "__metadata__.format", "pt", 2);
  const infermem_tensor_info gate = tensor_of(model, "model.layers.0.mlp.gate_proj.weight");
  assert_int_equal(gate.dtype, INFERMEM_DTYPE_BF16);
  assert_int_equal(gate.n_dims, 2);
  assert_int_equal(gate.shape[0], 3);
  assert_int_equal(gate.shape[1], 4);
  assert_int_equal(gate.elements, 12);
  assert_int_equal(gate.bytes, 24);
  assert_int_equal(gate.offset, 8 + strlen(header) + 8);
  assert_int_equal(gate.is_inferred, 0);
  assert_int_equal(gate.part, 0);
  infermem_view view;
  assert_ok(model_tensor_view(model, 0, &view));
  for (int i = 0; i < 24; i++) assert_int_equal(((const unsigned char *)view.data)[i], 8 + i);
  assert_int_equal(view.strides[0], 8);
  assert_int_equal(view.strides[1], 2);
  assert_int_equal(view.flags, INFERMEM_VIEW_READONLY);
  assert_ok(model_tensor_view(model, 1, &view));
  assert_int_equal(((const unsigned char *)view.data)[0], 0);
  model_free(model);
}

static void every_type_has_its_size(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int32_t dtype;
    size_t bytes; /* of 4 elements */
  } types[] = {
      {"F32", INFERMEM_DTYPE_F32, 16},
      {"F16", INFERMEM_DTYPE_F16, 8},
      {"BF16", INFERMEM_DTYPE_BF16, 8},
      {"F64", INFERMEM_DTYPE_F64, 32},
      {"I8", INFERMEM_DTYPE_I8, 4},
      {"I16", INFERMEM_DTYPE_I16, 8},
      {"I32", INFERMEM_DTYPE_I32, 16},
      {"I64", INFERMEM_DTYPE_I64, 32},
      {"BOOL", INFERMEM_DTYPE_BOOL, 4},
      {"U8", INFERMEM_DTYPE_U8, 4},
      {"U16", INFERMEM_DTYPE_U16, 8},
      {"U32", INFERMEM_DTYPE_U32, 16},
      {"U64", INFERMEM_DTYPE_U64, 32},
      {"F8_E4M3", INFERMEM_DTYPE_F8_E4M3, 4},
      {"F8_E5M2", INFERMEM_DTYPE_F8_E5M2, 4},
      {"F8_E8M0", INFERMEM_DTYPE_F8_E8M0, 4},
      {"F8_E4M3FNUZ", INFERMEM_DTYPE_F8_E4M3FNUZ, 4},
      {"F8_E5M2FNUZ", INFERMEM_DTYPE_F8_E5M2FNUZ, 4},
      {"C64", INFERMEM_DTYPE_C64, 32},
      {"F4", INFERMEM_DTYPE_F4, 2},
      {"F6_E2M3", INFERMEM_DTYPE_F6_E2M3, 3},
      {"F6_E3M2", INFERMEM_DTYPE_F6_E3M2, 3},
  };
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    char header[128];
    snprintf(header, sizeof header, "{\"t\":{\"dtype\":\"%s\",\"shape\":[4],\"data_offsets\":[0,%zu]}}", types[i].name,
             types[i].bytes);
    infermem_model *model = open_made(make_safetensors(header, types[i].bytes));
    const infermem_tensor_info info = tensor_of(model, "t");
    assert_int_equal(info.dtype, types[i].dtype);
    assert_int_equal(info.bytes, types[i].bytes);
    assert_string_equal(infermem_dtype_name(info.dtype), types[i].name);
    uint64_t bytes;
    assert_ok(infermem_dtype_bytes(info.dtype, 4, &bytes));
    assert_int_equal(bytes, types[i].bytes);
    model_free(model);
    refuse(make_safetensors(header, types[i].bytes + 1), INFERMEM_E_FORMAT);
    refuse(make_safetensors(header, types[i].bytes - 1), INFERMEM_E_TRUNCATED);
  }
}

static void odd_shapes_are_told(void **state) {
  (void)state;
  infermem_model *model =
      open_made(make_safetensors("{\"scalar\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
                                 "\"none\":{\"dtype\":\"F32\",\"shape\":[3,0,7],\"data_offsets\":[4,4]},"
                                 "\"five\":{\"dtype\":\"I8\",\"shape\":[2,3,1,2,2],\"data_offsets\":[4,28]},"
                                 "\"halves\":{\"dtype\":\"F4\",\"shape\":[2,3],\"data_offsets\":[28,31]},"
                                 "\"new\":{\"dtype\":\"INT3\",\"shape\":[8],\"data_offsets\":[31,34]}}",
                                 34));
  const infermem_tensor_info scalar = tensor_of(model, "scalar"), none = tensor_of(model, "none");
  assert_int_equal(scalar.n_dims, 1);
  assert_int_equal(scalar.elements, 1);
  assert_int_equal(none.n_dims, 3);
  assert_int_equal(none.shape[0], 3);
  assert_int_equal(none.shape[1], 0);
  assert_int_equal(none.elements, 0);
  assert_int_equal(none.bytes, 0);
  infermem_view view;
  assert_ok(model_tensor_view(model, 1, &view));
  assert_null(view.data);
  assert_int_equal(view.strides[0], 0);
  const infermem_tensor_info five = tensor_of(model, "five"); /* 2 * 3 x 1 x 2 x 2 */
  assert_int_equal(five.n_dims, 4);
  assert_int_equal(five.shape[0], 6);
  assert_int_equal(five.shape[1], 1);
  assert_int_equal(five.shape[3], 2);
  assert_int_equal(five.elements, 24);
  assert_ok(model_tensor_view(model, 2, &view));
  assert_int_equal(view.strides[0], 4);
  assert_ok(model_tensor_view(model, 3, &view)); /* a row of 3 halves of bytes */
  assert_int_equal(view.bytes, 3);
  assert_int_equal(view.strides[0], 0);
  assert_int_equal(view.strides[1], 0);
  const infermem_tensor_info other = tensor_of(model, "new");
  assert_int_equal(other.dtype, INFERMEM_DTYPE_UNKNOWN);
  assert_int_equal(other.is_inferred, 1);
  assert_int_equal(other.bytes, 3);
  assert_true(warned(model, "1 tensors are of types that are not known"));
  model_free(model);
}

static void a_file_without_data_is_opened(void **state) {
  (void)state;
  infermem_model *model = open_made(make_safetensors("{}", 0));
  assert_int_equal(model_tensor_count(model), 0);
  model_free(model);
  model = open_made(make_safetensors("{\"t\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0));
  infermem_view view;
  assert_ok(model_tensor_view(model, 0, &view));
  assert_null(view.data);
  model_free(model);
}

/* A header of `size` bytes: an object that is padded with spaces. */
static int64_t read_padded(void *size, uint64_t offset, void *out, size_t n) {
  unsigned char *const to = out;
  for (size_t i = 0; i < n; i++) {
    const uint64_t at = offset + i;
    const uint64_t length = *(const uint64_t *)size;
    to[i] = (unsigned char)(at < 8 ? length >> 8 * at : at == 8 ? '{' : at == 9 ? '}' : ' ');
  }
  return (int64_t)n;
}

static void a_header_has_100_million_bytes_at_most(void **state) {
  (void)state;
  for (uint64_t over = 0; over < 2; over++) {
    uint64_t size = 100000000 + over;
    const infermem_allocator hook = gguf_hook();
    INFERMEM_STRUCT(infermem_model_options, options);
    options.allocator = &hook;
    infermem_model *model = NULL;
    const int32_t status = model_open_callback(read_padded, &size, 8 + size, &options, &model);
    assert_int_equal(status, over ? INFERMEM_E_LIMIT : INFERMEM_OK);
    assert_true(gguf_heap.peak < (over ? 1 << 20 : 101000000));
    model_free(model);
  }
}

static void metadata_has_limits(void **state) {
  (void)state;
  for (size_t over = 0; over < 2; over++) {
    struct gguf g = {0};
    gguf_u64(&g, 0);
    make_text(&g, "{\"__metadata__\":{");
    for (size_t i = 0; i < INFERMEM_MODEL_MAX_VALUES + over; i++) make_text(&g, "%s\"%zx\":\"\"", i ? "," : "", i);
    make_text(&g, "}}");
    const uint64_t length = g.size - 8;
    memcpy(g.bytes, &length, 8); /* the tests run on little-endian machines */
    infermem_model *model = NULL;
    assert_int_equal(open_memory(&g, 0, &model), over ? INFERMEM_E_LIMIT : INFERMEM_OK);
    assert_true(gguf_heap.peak <= (64 << 20) + 2 * g.size);
    model_free(model);
    gguf_free(&g);
  }
}

static const char small[] =
    "{\"__metadata__\":{\"k\":\"\\u00e9\"},\"a\\u0062\":{\"dtype\":\"F16\",\"shape\":[2,2],\"data_offsets\":[0,8]},"
    "\"\xe2\x96\x81\":{\"data_offsets\":[8,9],\"dtype\":\"I8\",\"shape\":[1]}}";

static void every_truncation_fails_cleanly(void **state) {
  (void)state;
  struct gguf g = make_safetensors(small, 9);
  infermem_model *model = NULL;
  assert_ok(open_memory(&g, 0, &model));
  gguf_exercise(model);
  model_free(model);
  const size_t size = g.size, metadata = size - 9;
  for (g.size = size; g.size-- > 0;) {
    infermem_model *out = NULL;
    const int32_t cut = open_memory(&g, 0, &out);
    /* Less than a length and a brace is of no format that could be told. */
    assert_int_equal(cut, g.size < 8 && g.size != 0 ? INFERMEM_E_FORMAT : INFERMEM_E_TRUNCATED);
    assert_int_equal(gguf_heap.live, 0);
    /* Of the whole file, only the header need be there. */
    const int32_t status = open_memory(&g, size, &out);
    assert_int_equal(status, g.size >= metadata ? INFERMEM_OK : INFERMEM_E_TRUNCATED);
    if (status == INFERMEM_OK) model_free(out);
    assert_int_equal(gguf_heap.live, 0);
  }
  g.size = size;
  gguf_free(&g);
}

static void no_changed_byte_does_harm(void **state) {
  (void)state;
  struct gguf g = make_safetensors(small, 9);
  size_t opened = 0, refused = 0;
  for (size_t at = 0; at < g.size; at++)
    for (int bit = 0; bit < 8; bit++) {
      const unsigned char before = g.bytes[at];
      g.bytes[at] = (unsigned char)(before ^ 1 << bit);
      infermem_model *model = NULL;
      if (open_memory(&g, 0, &model) == INFERMEM_OK) {
        gguf_exercise(model);
        model_free(model);
        opened++;
      } else {
        refused++;
      }
      assert_int_equal(gguf_heap.live, 0);
      assert_true(gguf_heap.peak < 512 << 10);
      g.bytes[at] = before;
    }
  assert_true(opened > 100 && refused > 500);
  gguf_free(&g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tensors_are_views_of_the_file),
      cmocka_unit_test(every_type_has_its_size),
      cmocka_unit_test(odd_shapes_are_told),
      cmocka_unit_test(a_file_without_data_is_opened),
      cmocka_unit_test(a_header_has_100_million_bytes_at_most),
      cmocka_unit_test(metadata_has_limits),
      cmocka_unit_test(every_truncation_fails_cleanly),
      cmocka_unit_test(no_changed_byte_does_harm),
  };
  return cmocka_run_group_tests_name("model_safetensors", tests, files_enter, files_leave);
}
