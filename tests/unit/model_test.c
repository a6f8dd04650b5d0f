/* Model files: what they hold, of tests/data/tiny-llama.gguf and of small files made here. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "model_make.h"

#define TINY TEST_DATA "/tiny-llama.gguf"

/* ---- The test model; the numbers are those of make_tiny_llama.py and of the gguf package's own reader ---- */

static void tiny_llama_has_its_tensors(void **state) {
  (void)state;
  infermem_model *model = open_model(TINY);
  assert_int_equal(model_tensor_count(model), 38);
  static const struct {
    size_t index;
    const char *name;
    int32_t dtype;
    uint32_t n_dims;
    uint64_t rows, columns, bytes, offset;
    int64_t row_stride, stride;
    const char *first; /* bytes */
  } rows[] = {
      {0, "token_embd.weight", INFERMEM_DTYPE_F16, 2, 512, 128, 131072, 13984, 256, 2,
       "\x81\x2e\xb1\x22\x4f\x30\x1b\xab"},
      {1, "blk.0.attn_norm.weight", INFERMEM_DTYPE_F32, 1, 0, 128, 512, 145056, 0, 4,
       "\xd9\x39\x85\x3f\x46\x30\x86\x3f"},
      {9, "blk.0.ffn_down.weight", INFERMEM_DTYPE_F16, 2, 128, 352, 90112, 424608, 704, 2,
       "\xe0\xb5\xbd\x30\xa7\xb8\x10\xb7"},
      {12, "blk.1.attn_k.weight", INFERMEM_DTYPE_Q8_0, 2, 64, 128, 8704, 532640, 136, 34,
       "\xab\x19\x05\x5d\xd4\xcb\xa0\xe5"},
      {25, "blk.2.ffn_gate.weight", INFERMEM_DTYPE_Q4_0, 2, 352, 128, 25344, 740256, 72, 18,
       "\xe4\x18\x6c\x3a\x04\x1d\x6d\x7b"},
      {37, "output_norm.weight", INFERMEM_DTYPE_F32, 1, 0, 128, 512, 920992, 0, 4, "\xcd\xab\x75\x3f\xdb\xae\x65\x3f"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    size_t index;
    assert_ok(model_tensor_find(model, rows[i].name, &index));
    assert_int_equal(index, rows[i].index);
    const infermem_tensor_info info = tensor_of(model, rows[i].name);
    assert_int_equal(info.dtype, rows[i].dtype);
    assert_int_equal(info.n_dims, rows[i].n_dims);
    assert_int_equal(info.bytes, rows[i].bytes);
    assert_int_equal(info.offset, rows[i].offset);
    assert_int_equal(info.is_inferred, 0);
    const size_t last = info.n_dims - 1;
    assert_int_equal(info.shape[last], rows[i].columns);
    if (last == 1) assert_int_equal(info.shape[0], rows[i].rows);
    assert_int_equal(info.elements, last == 1 ? rows[i].rows * rows[i].columns : rows[i].columns);

    infermem_view view;
    assert_ok(model_tensor_view(model, index, &view));
    assert_int_equal(view.dtype, rows[i].dtype);
    assert_int_equal(view.flags, INFERMEM_VIEW_READONLY);
    assert_int_equal(view.n_dims, rows[i].n_dims);
    assert_int_equal(view.bytes, rows[i].bytes);
    assert_memory_equal(view.shape, info.shape, sizeof view.shape);
    assert_int_equal(view.strides[last], rows[i].stride);
    if (last == 1) assert_int_equal(view.strides[0], rows[i].row_stride);
    for (uint32_t d = view.n_dims; d < INFERMEM_MAX_DIMS; d++) {
      assert_int_equal(view.shape[d], 1);
      assert_int_equal(view.strides[d], 0);
    }
    assert_memory_equal(view.data, rows[i].first, 8);
  }
  model_free(model);
}

static void every_view_shows_the_bytes_of_the_file(void **state) {
  (void)state;
  infermem_model *model = open_model(TINY);
  const int fd = open(TINY, O_RDONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  size_t kinds[31] = {0};
  for (size_t i = 0; i < model_tensor_count(model); i++) {
    INFERMEM_STRUCT(infermem_tensor_info, info);
    infermem_view view;
    assert_ok(model_tensor_info(model, i, &info));
    assert_ok(model_tensor_view(model, i, &view));
    unsigned char *bytes = malloc(info.bytes);
    assert_non_null(bytes);
    assert_int_equal(lseek(fd, (off_t)info.offset, SEEK_SET), info.offset);
    assert_int_equal(read(fd, bytes, info.bytes), info.bytes);
    assert_memory_equal(view.data, bytes, info.bytes);
    free(bytes);
    kinds[info.dtype]++;
  }
  assert_int_equal(kinds[INFERMEM_DTYPE_F32], 9);
  assert_int_equal(kinds[INFERMEM_DTYPE_F16], 8);
  assert_int_equal(kinds[INFERMEM_DTYPE_Q8_0], 7);
  assert_int_equal(kinds[INFERMEM_DTYPE_Q4_0], 14);
  close(fd);
  model_free(model);
}

static void tiny_llama_has_its_metadata(void **state) {
  (void)state;
  infermem_model *model = open_model(TINY);
  assert_int_equal(model_meta_count(model), 22);
  size_t index;
  assert_ok(model_meta_find(model, "general.architecture", &index));
  assert_int_equal(index, 0);
  const char *text;
  size_t length;
  assert_ok(model_meta_string(model, "general.name", &text, &length));
  assert_string_equal(text, "tiny-llama");
  assert_int_equal(length, 10);
  const infermem_meta_info tokens = meta_of(model, "tokenizer.ggml.tokens");
  assert_int_equal(tokens.type, INFERMEM_META_ARRAY);
  assert_int_equal(tokens.element_type, INFERMEM_META_STRING);
  assert_int_equal(tokens.count, 512);
  const infermem_meta_info heads = meta_of(model, "llama.attention.head_count");
  assert_int_equal(heads.type, INFERMEM_META_U32);
  assert_int_equal(heads.element_type, INFERMEM_META_U32);
  assert_int_equal(heads.count, 1);
  uint64_t kinds[512];
  assert_ok(model_meta_array_u64(model, "tokenizer.ggml.token_type", 0, 512, kinds));
  assert_int_equal(kinds[0], 2);
  assert_int_equal(kinds[1], 3);
  assert_int_equal(kinds[3], 6);
  assert_int_equal(kinds[258], 6);
  assert_int_equal(kinds[259], 1);
  int32_t add_bos;
  assert_ok(model_meta_bool(model, "tokenizer.ggml.add_bos_token", &add_bos));
  assert_int_equal(add_bos, 1);
  double theta;
  assert_ok(model_meta_f64(model, "llama.rope.freq_base", &theta));
  assert_true(theta == 10000.0);
  model_free(model);
}

static void without_data_there_is_all_but_views(void **state) {
  (void)state;
  INFERMEM_STRUCT(infermem_model_options, options);
  options.flags = INFERMEM_MODEL_NO_DATA;
  infermem_model *model;
  assert_ok(model_open(TINY, &options, &model));
  assert_int_equal(tensor_of(model, "output_norm.weight").bytes, 512);
  infermem_view view;
  memset(&view, 0x5a, sizeof view);
  const infermem_view before = view;
  assert_fails(INFERMEM_E_STATE, model_tensor_view(model, 0, &view));
  assert_memory_equal(&view, &before, sizeof view);
  uint64_t kind;
  assert_ok(model_meta_array_u64(model, "tokenizer.ggml.token_type", 1, 1, &kind));
  assert_int_equal(kind, 3);
  model_free(model);
}

/* ---- Getters ---- */

/* A file with a value of each type. */
static infermem_model *all_types(void) {
  struct gguf g = {0};
  gguf_header(&g, 2, 0, 20);
  static const struct {
    const char *key;
    uint32_t type;
    uint64_t value;
    size_t size;
  } numbers[] = {
      {"u8", INFERMEM_META_U8, 200, 1},
      {"i8", INFERMEM_META_I8, (uint64_t)-100, 1},
      {"u16", INFERMEM_META_U16, 60000, 2},
      {"i16", INFERMEM_META_I16, (uint64_t)-30000, 2},
      {"u32", INFERMEM_META_U32, 4000000000u, 4},
      {"i32", INFERMEM_META_I32, (uint64_t)-2000000000, 4},
      {"u64", INFERMEM_META_U64, UINT64_MAX, 8},
      {"i64", INFERMEM_META_I64, (uint64_t)INT64_MIN, 8},
      {"positive", INFERMEM_META_I32, 77, 4},
      {"f32", INFERMEM_META_F32, 0x3fc00000, 4},          /* 1.5 */
      {"f64", INFERMEM_META_F64, 0xc004000000000000u, 8}, /* -2.5 */
      {"true", INFERMEM_META_BOOL, 1, 1},
      {"false", INFERMEM_META_BOOL, 0, 1},
  };
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    gguf_key(&g, numbers[i].key, numbers[i].type);
    gguf_number(&g, numbers[i].value, numbers[i].size);
  }
  gguf_key(&g, "string", INFERMEM_META_STRING);
  gguf_u64(&g, 5);
  gguf_bytes(&g, "a\0\xff\nb", 5);
  gguf_meta_string(&g, "empty", "");
  gguf_array(&g, "i16s", INFERMEM_META_I16, 4);
  for (int i = 0; i < 4; i++) gguf_number(&g, (uint64_t)(i == 3 ? -1 : 10 * i), 2);
  gguf_array(&g, "u64s", INFERMEM_META_U64, 1000);
  for (uint64_t i = 0; i < 1000; i++) gguf_u64(&g, i * i * i * 1000003u);
  gguf_array(&g, "bools", INFERMEM_META_BOOL, 3);
  gguf_bytes(&g, "\0\1\2", 3);
  gguf_array(&g, "strings", INFERMEM_META_STRING, 2);
  gguf_string(&g, "one");
  gguf_string(&g, "");
  gguf_array(&g, "none", INFERMEM_META_U32, 0);
  return open_gguf(&g);
}

static void integers_of_any_type_are_read(void **state) {
  (void)state;
  infermem_model *model = all_types();
  uint64_t u = 12345;
  int64_t i = 12345;
  static const struct {
    const char *key;
    uint64_t value;
  } right[] = {{"u8", 200}, {"u16", 60000}, {"u32", 4000000000u}, {"u64", UINT64_MAX}, {"positive", 77}};
  for (size_t k = 0; k < sizeof right / sizeof *right; k++) {
    assert_ok(model_meta_u64(model, right[k].key, &u));
    assert_true(u == right[k].value);
  }
  static const struct {
    const char *key;
    int64_t value;
  } negative[] = {{"i8", -100}, {"i16", -30000}, {"i32", -2000000000}, {"i64", INT64_MIN}};
  u = 12345;
  for (size_t k = 0; k < sizeof negative / sizeof *negative; k++) {
    assert_ok(model_meta_i64(model, negative[k].key, &i));
    assert_true(i == negative[k].value);
    assert_fails(INFERMEM_E_RANGE, model_meta_u64(model, negative[k].key, &u));
    assert_int_equal(u, 12345);
  }
  assert_ok(model_meta_i64(model, "u32", &i));
  assert_true(i == 4000000000);
  assert_fails(INFERMEM_E_RANGE, model_meta_i64(model, "u64", &i));
  assert_true(i == 4000000000);
  model_free(model);
}

static void floats_bools_and_strings_are_read(void **state) {
  (void)state;
  infermem_model *model = all_types();
  double f;
  assert_ok(model_meta_f64(model, "f32", &f));
  assert_true(f == 1.5);
  assert_ok(model_meta_f64(model, "f64", &f));
  assert_true(f == -2.5);
  int32_t b;
  assert_ok(model_meta_bool(model, "true", &b));
  assert_int_equal(b, 1);
  assert_ok(model_meta_bool(model, "false", &b));
  assert_int_equal(b, 0);
  const char *text;
  size_t length;
  assert_ok(model_meta_string(model, "string", &text, &length));
  assert_int_equal(length, 5);
  assert_memory_equal(text, "a\0\xff\nb", 6); /* with the NUL */
  assert_ok(model_meta_string(model, "empty", &text, &length));
  assert_int_equal(length, 0);
  assert_string_equal(text, "");
  model_free(model);
}

static void a_wrong_type_is_an_error_value(void **state) {
  (void)state;
  infermem_model *model = all_types();
  uint64_t u = 1;
  int64_t i = 1;
  double f = 1;
  int32_t b = 7;
  const char *text = "as it was";
  size_t length = 1;
  static const char *const keys[] = {"u8",  "i8",  "u16",  "i16",    "u32",  "i32",   "u64",    "i64",
                                     "f32", "f64", "true", "string", "i16s", "bools", "strings"};
  for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
    const char *key = keys[k];
    if (k >= 8) {
      assert_fails(INFERMEM_E_TYPE, model_meta_u64(model, key, &u));
      assert_fails(INFERMEM_E_TYPE, model_meta_i64(model, key, &i));
    }
    if (key[0] != 'f') assert_fails(INFERMEM_E_TYPE, model_meta_f64(model, key, &f));
    if (strcmp(key, "true") != 0) assert_fails(INFERMEM_E_TYPE, model_meta_bool(model, key, &b));
    if (strcmp(key, "string") != 0) assert_fails(INFERMEM_E_TYPE, model_meta_string(model, key, &text, &length));
    if (k < 12) assert_fails(INFERMEM_E_TYPE, model_meta_array_u64(model, key, 0, 1, &u));
  }
  assert_fails(INFERMEM_E_TYPE, model_meta_array_u64(model, "strings", 0, 1, &u));
  assert_true(u == 1 && i == 1 && f == 1 && b == 7 && length == 1);
  assert_string_equal(text, "as it was");
  model_free(model);
}

static void arrays_are_read_in_part_and_whole(void **state) {
  (void)state;
  infermem_model *model = all_types();
  uint64_t out[1000];
  assert_ok(model_meta_array_u64(model, "i16s", 1, 2, out));
  assert_int_equal(out[0], 10);
  assert_int_equal(out[1], 20);
  assert_ok(model_meta_array_u64(model, "u64s", 0, 1000, out)); /* more than the call keeps on its stack */
  for (uint64_t i = 0; i < 1000; i++) assert_true(out[i] == i * i * i * 1000003u);
  assert_ok(model_meta_array_u64(model, "bools", 0, 2, out));
  assert_int_equal(out[0], 0);
  assert_int_equal(out[1], 1);
  assert_ok(model_meta_array_u64(model, "none", 0, 0, NULL));
  assert_ok(model_meta_array_u64(model, "i16s", 4, 0, NULL));

  for (int i = 0; i < 4; i++) out[i] = 99;
  assert_fails(INFERMEM_E_RANGE, model_meta_array_u64(model, "i16s", 0, 4, out)); /* the last is -1 */
  assert_fails(INFERMEM_E_FORMAT, model_meta_array_u64(model, "bools", 0, 3, out));
  assert_fails(INFERMEM_E_RANGE, model_meta_array_u64(model, "none", 0, 1, out));
  assert_fails(INFERMEM_E_RANGE, model_meta_array_u64(model, "i16s", 3, 2, out));
  assert_fails(INFERMEM_E_RANGE, model_meta_array_u64(model, "i16s", UINT64_MAX, 2, out));
  assert_fails(INFERMEM_E_RANGE, model_meta_array_u64(model, "i16s", 1, SIZE_MAX, out));
  assert_fails(INFERMEM_E_NULL, model_meta_array_u64(model, "i16s", 0, 1, NULL));
  for (int i = 0; i < 4; i++) assert_int_equal(out[i], 99);
  model_free(model);
}

static void what_is_absent_is_not_found(void **state) {
  (void)state;
  infermem_model *model = open_model(TINY);
  size_t index = 3;
  uint64_t u = 3;
  int64_t i = 3;
  double f = 3;
  int32_t b = 3;
  const char *text = NULL;
  static const char *const names[] = {"", "llama", "llama.block_coun", "llama.block_countx", "\xff\n"};
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    assert_fails(INFERMEM_E_NOT_FOUND, model_tensor_find(model, names[k], &index));
    assert_fails(INFERMEM_E_NOT_FOUND, model_meta_find(model, names[k], &index));
    assert_fails(INFERMEM_E_NOT_FOUND, model_meta_u64(model, names[k], &u));
    assert_fails(INFERMEM_E_NOT_FOUND, model_meta_i64(model, names[k], &i));
    assert_fails(INFERMEM_E_NOT_FOUND, model_meta_f64(model, names[k], &f));
    assert_fails(INFERMEM_E_NOT_FOUND, model_meta_bool(model, names[k], &b));
    assert_fails(INFERMEM_E_NOT_FOUND, model_meta_string(model, names[k], &text, &index));
    assert_fails(INFERMEM_E_NOT_FOUND, model_meta_array_u64(model, names[k], 0, 1, &u));
  }
  assert_fails(INFERMEM_E_NOT_FOUND, model_meta_find(model, "a\x1b[31mb", &index));
  assert_non_null(strstr(infermem_error_detail()->message, "a\\x1b[31mb")); /* no escape sequence gets through */
  assert_true(index == 3 && u == 3 && i == 3 && f == 3 && b == 3 && !text);
  INFERMEM_STRUCT(infermem_tensor_info, tensor);
  INFERMEM_STRUCT(infermem_meta_info, meta);
  infermem_view view;
  assert_fails(INFERMEM_E_RANGE, model_tensor_info(model, 38, &tensor));
  assert_fails(INFERMEM_E_RANGE, model_tensor_info(model, SIZE_MAX, &tensor));
  assert_fails(INFERMEM_E_RANGE, model_tensor_view(model, 38, &view));
  assert_fails(INFERMEM_E_RANGE, model_meta_info(model, 22, &meta));
  assert_null(tensor.name);
  assert_null(meta.key);
  model_free(model);
}

/* ---- Shapes and places of tensors ---- */

static void all_dimensions_are_reversed(void **state) {
  (void)state;
  struct gguf g = {0};
  gguf_header(&g, 3, 2, 0);
  const uint64_t ne[] = {64, 3, 5, 2};
  gguf_tensor(&g, "four", 4, ne, INFERMEM_DTYPE_Q8_0, 0); /* 2 blocks of 34 bytes a row: 2040 bytes */
  gguf_tensor(&g, "none", 0, NULL, INFERMEM_DTYPE_F32, 2048);
  gguf_pad(&g, 32);
  gguf_zeros(&g, 2048);
  gguf_number(&g, 0x40490fdb, 4);
  infermem_model *model = open_gguf(&g);
  infermem_view view;
  assert_ok(model_tensor_view(model, 0, &view));
  const uint64_t shape[] = {2, 5, 3, 64};
  const int64_t strides[] = {1020, 204, 68, 34};
  assert_memory_equal(view.shape, shape, sizeof shape);
  assert_memory_equal(view.strides, strides, sizeof strides);
  assert_int_equal(view.bytes, 2040);
  assert_ok(model_tensor_view(model, 1, &view));
  assert_int_equal(view.n_dims, 1);
  assert_int_equal(view.shape[0], 1);
  assert_int_equal(view.strides[0], 4);
  assert_memory_equal(view.data, "\xdb\x0f\x49\x40", 4);
  assert_int_equal(tensor_of(model, "none").elements, 1);
  model_free(model);
}

static void tensors_of_unknown_types_get_an_inferred_size(void **state) {
  (void)state;
  struct gguf g = {0};
  gguf_header(&g, 3, 3, 0);
  const uint64_t ne[] = {100, 3};
  gguf_tensor(&g, "a", 2, ne, 137, 0);
  gguf_tensor(&g, "b", 1, ne, INFERMEM_DTYPE_F32, 192);
  gguf_tensor(&g, "c", 1, ne, INT32_MAX, 608);
  gguf_pad(&g, 32);
  gguf_zeros(&g, 608 + 77);
  infermem_model *model = open_gguf(&g);
  const infermem_tensor_info a = tensor_of(model, "a"), b = tensor_of(model, "b"), c = tensor_of(model, "c");
  assert_int_equal(a.dtype, 137);
  assert_int_equal(a.bytes, 192);
  assert_int_equal(a.is_inferred, 1);
  assert_int_equal(a.elements, 300);
  assert_int_equal(b.bytes, 400);
  assert_int_equal(b.is_inferred, 0);
  assert_int_equal(c.bytes, 77);
  assert_int_equal(c.is_inferred, 1);
  infermem_view view;
  assert_ok(model_tensor_view(model, 0, &view));
  assert_int_equal(view.dtype, 137);
  assert_int_equal(view.bytes, 192);
  assert_int_equal(view.shape[0], 3);
  assert_int_equal(view.shape[1], 100);
  assert_int_equal(view.strides[0], 0);
  assert_int_equal(view.strides[1], 0);
  assert_true(warned(model, "2 tensors are of types that are not known"));
  model_free(model);
}

static void holes_and_disorder_are_warnings(void **state) {
  (void)state;
  struct gguf g = {0};
  gguf_header(&g, 3, 3, 1);
  gguf_meta_u32(&g, "general.alignment", 64);
  const uint64_t ne[] = {8};
  gguf_tensor(&g, "last", 1, ne, INFERMEM_DTYPE_F32, 256);
  gguf_tensor(&g, "first", 1, ne, INFERMEM_DTYPE_F32, 64);   /* 64 bytes before it */
  gguf_tensor(&g, "second", 1, ne, INFERMEM_DTYPE_F32, 128); /* 64 after it */
  gguf_pad(&g, 64);
  gguf_zeros(&g, 256 + 64 + 100); /* and 100 at the end */
  infermem_model *model = open_gguf(&g);
  assert_true(warned(model, "the tensors are not in the order of their data"));
  assert_true(warned(model, "228 bytes of the data section belong to no tensor"));
  const uint64_t data = tensor_of(model, "first").offset - 64;
  assert_int_equal(data % 64, 0);
  assert_int_equal(tensor_of(model, "second").offset, data + 128);
  assert_int_equal(tensor_of(model, "last").offset, data + 256);
  size_t index;
  assert_ok(model_tensor_find(model, "last", &index));
  assert_int_equal(index, 0);
  model_free(model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tiny_llama_has_its_tensors),
      cmocka_unit_test(every_view_shows_the_bytes_of_the_file),
      cmocka_unit_test(tiny_llama_has_its_metadata),
      cmocka_unit_test(without_data_there_is_all_but_views),
      cmocka_unit_test(integers_of_any_type_are_read),
      cmocka_unit_test(floats_bools_and_strings_are_read),
      cmocka_unit_test(a_wrong_type_is_an_error_value),
      cmocka_unit_test(arrays_are_read_in_part_and_whole),
      cmocka_unit_test(what_is_absent_is_not_found),
      cmocka_unit_test(all_dimensions_are_reversed),
      cmocka_unit_test(tensors_of_unknown_types_get_an_inferred_size),
      cmocka_unit_test(holes_and_disorder_are_warnings),
  };
  return cmocka_run_group_tests_name("model", tests, NULL, gguf_leave);
}
