/* Model files: arguments, handles, allocators, and what is no regular file. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "model_make.h"

#define TINY TEST_DATA "/tiny-llama.gguf"

static void null_and_wrong_handles_are_refused(void **state) {
  (void)state;
  infermem_model *model = open_model(TINY);
  infermem_model *out = NULL;
  infermem_tape *tape = test_tape(4096);
  infermem_model *wrong = (infermem_model *)(void *)tape;

  assert_fails(INFERMEM_E_NULL, model_open(NULL, NULL, &out));
  assert_fails(INFERMEM_E_NULL, model_open(TINY, NULL, NULL));
  assert_fails(INFERMEM_E_NULL, infermem_config_validate(NULL));
  INFERMEM_STRUCT(infermem_model_config, config);
  INFERMEM_STRUCT(infermem_tensor_info, tensor);
  INFERMEM_STRUCT(infermem_meta_info, meta);
  infermem_view view;
  size_t n;
  uint64_t u;
  int64_t i;
  double f;
  int32_t b;
  const char *text;
  const struct {
    infermem_model *handle;
    int32_t code;
  } bad[] = {{NULL, INFERMEM_E_NULL}, {wrong, INFERMEM_E_HANDLE}};
  for (size_t k = 0; k < 2; k++) {
    infermem_model *m = bad[k].handle;
    assert_fails(bad[k].code, model_config(m, &config));
    assert_fails(bad[k].code, model_tensor_info(m, 0, &tensor));
    assert_fails(bad[k].code, model_tensor_find(m, "a", &n));
    assert_fails(bad[k].code, model_tensor_view(m, 0, &view));
    assert_fails(bad[k].code, model_meta_info(m, 0, &meta));
    assert_fails(bad[k].code, model_meta_find(m, "a", &n));
    assert_fails(bad[k].code, model_meta_u64(m, "a", &u));
    assert_fails(bad[k].code, model_meta_i64(m, "a", &i));
    assert_fails(bad[k].code, model_meta_f64(m, "a", &f));
    assert_fails(bad[k].code, model_meta_bool(m, "a", &b));
    assert_fails(bad[k].code, model_meta_string(m, "a", &text, &n));
    assert_fails(bad[k].code, model_meta_array_u64(m, "a", 0, 1, &u));
    assert_int_equal(model_tensor_count(m), 0);
    assert_int_equal(model_meta_count(m), 0);
    assert_int_equal(model_warning_count(m), 0);
    assert_null(model_warning(m, 0));
    model_free(m);
  }
  assert_fails(INFERMEM_E_NULL, model_config(model, NULL));
  assert_fails(INFERMEM_E_NULL, model_tensor_info(model, 0, NULL));
  assert_fails(INFERMEM_E_NULL, model_tensor_find(model, NULL, &n));
  assert_fails(INFERMEM_E_NULL, model_tensor_find(model, "a", NULL));
  assert_fails(INFERMEM_E_NULL, model_tensor_view(model, 0, NULL));
  assert_fails(INFERMEM_E_NULL, model_meta_info(model, 0, NULL));
  assert_fails(INFERMEM_E_NULL, model_meta_find(model, NULL, &n));
  assert_fails(INFERMEM_E_NULL, model_meta_find(model, "a", NULL));
  assert_fails(INFERMEM_E_NULL, model_meta_u64(model, NULL, &u));
  assert_fails(INFERMEM_E_NULL, model_meta_u64(model, "a", NULL));
  assert_fails(INFERMEM_E_NULL, model_meta_i64(model, NULL, &i));
  assert_fails(INFERMEM_E_NULL, model_meta_i64(model, "a", NULL));
  assert_fails(INFERMEM_E_NULL, model_meta_f64(model, NULL, &f));
  assert_fails(INFERMEM_E_NULL, model_meta_f64(model, "a", NULL));
  assert_fails(INFERMEM_E_NULL, model_meta_bool(model, NULL, &b));
  assert_fails(INFERMEM_E_NULL, model_meta_bool(model, "a", NULL));
  assert_fails(INFERMEM_E_NULL, model_meta_string(model, NULL, &text, &n));
  assert_fails(INFERMEM_E_NULL, model_meta_string(model, "a", NULL, &n));
  assert_fails(INFERMEM_E_NULL, model_meta_string(model, "a", &text, NULL));
  assert_fails(INFERMEM_E_NULL, model_meta_array_u64(model, NULL, 0, 1, &u));
  assert_null(out);
  tape_free(tape);
  model_free(model);
}

static void options_and_structs_are_checked(void **state) {
  (void)state;
  infermem_model *out = NULL;
  INFERMEM_STRUCT(infermem_model_options, options);
  options.flags = 2;
  assert_fails(INFERMEM_E_ARG, model_open(TINY, &options, &out));
  options.flags = 0;
  options.reserved = 1;
  assert_fails(INFERMEM_E_ARG, model_open(TINY, &options, &out));
  options.reserved = 0;
  INFERMEM_STRUCT(infermem_allocator, half);
  options.allocator = &half;
  assert_fails(INFERMEM_E_ARG, model_open(TINY, &options, &out));
  options.allocator = NULL;
  options.struct_size = 1;
  assert_fails(INFERMEM_E_STRUCT, model_open(TINY, &options, &out));
  assert_null(out);

  infermem_model *model = open_model(TINY);
  infermem_tensor_info tensor = {0};
  infermem_meta_info meta = {0};
  infermem_model_config config = {0};
  assert_fails(INFERMEM_E_STRUCT, model_tensor_info(model, 0, &tensor));
  assert_fails(INFERMEM_E_STRUCT, model_meta_info(model, 0, &meta));
  assert_fails(INFERMEM_E_STRUCT, model_config(model, &config));
  assert_fails(INFERMEM_E_STRUCT, infermem_config_validate(&config));
  /* A caller of an older release, whose struct ended after the name. */
  tensor.struct_size = offsetof(infermem_tensor_info, dtype);
  tensor.bytes = 5;
  assert_ok(model_tensor_info(model, 0, &tensor));
  assert_string_equal(tensor.name, "token_embd.weight");
  assert_int_equal(tensor.bytes, 5);
  model_free(model);
}

static void only_regular_files_are_opened(void **state) {
  (void)state;
  infermem_model *out = NULL;
  assert_fails(INFERMEM_E_IO, model_open("/tmp/infermem-no-such-file.gguf", NULL, &out));
  assert_int_equal(infermem_error_detail()->os_error, ENOENT);
  assert_non_null(strstr(infermem_error_detail()->message, "\"/tmp/infermem-no-such-file.gguf\""));
  assert_fails(INFERMEM_E_IO, model_open("", NULL, &out));

  assert_fails(INFERMEM_E_FORMAT, model_open("/tmp", NULL, &out));
  assert_non_null(strstr(infermem_error_detail()->message, "the directory \"/tmp\" has no model.safetensors"));
  assert_fails(INFERMEM_E_FORMAT, model_open("/dev/null", NULL, &out));
  assert_non_null(strstr(infermem_error_detail()->message, "is a device"));

  gguf_remove();
  assert_int_equal(mkfifo(gguf_path(), 0600), 0);
  assert_fails(INFERMEM_E_FORMAT, model_open(gguf_path(), NULL, &out)); /* and does not wait for a writer */
  assert_non_null(strstr(infermem_error_detail()->message, "is a FIFO"));
  gguf_remove();

  struct gguf empty = {0};
  gguf_save(&empty);
  assert_fails(INFERMEM_E_TRUNCATED, model_open(gguf_path(), NULL, &out));
  assert_non_null(strstr(infermem_error_detail()->message, "is empty"));

  /* Of a long path the end is shown, from the start of a character on. */
  char path[400];
  memset(path, 0, sizeof path);
  for (int i = 0; i < 100; i++) memcpy(path + 3 * i, "\xe2\x82\xac", 3);
  strcat(path, "/name.gguf");
  assert_fails(INFERMEM_E_IO, model_open(path, NULL, &out));
  const char *message = infermem_error_detail()->message;
  assert_non_null(strstr(message, "\"...\xe2\x82\xac"));
  assert_non_null(strstr(message, "/name.gguf\""));
  assert_true(strlen(message) < sizeof infermem_error_detail()->message - 1);

  /* No line end or escape sequence gets through. */
  assert_fails(INFERMEM_E_IO, model_open("/tmp/infermem-no-such\n\x1b[31m\x7f.gguf", NULL, &out));
  assert_non_null(strstr(message, "\"/tmp/infermem-no-such??[31m?.gguf\""));
  assert_null(out);
}

static int32_t open_use_free(const infermem_allocator *allocator) {
  INFERMEM_STRUCT(infermem_model_options, options);
  options.allocator = allocator;
  infermem_model *const untouched = (infermem_model *)(void *)&options;
  infermem_model *model = untouched;
  int32_t status = model_open(gguf_path(), &options, &model);
  if (status != INFERMEM_OK) {
    assert_ptr_equal(model, untouched);
    return status;
  }
  uint64_t out[600];
  memset(out, 0x77, sizeof out);
  status = model_meta_array_u64(model, "numbers", 0, 600, out);
  assert_true(out[599] == (status == INFERMEM_OK ? 599 : 0x7777777777777777u));
  if (status == INFERMEM_E_NOMEM) { /* the model still works */
    assert_int_equal(tensor_of(model, "b").bytes, 4);
    assert_ok(model_meta_array_u64(model, "numbers", 7, 1, out));
    assert_int_equal(out[0], 7);
  }
  model_free(model);
  return status;
}

static void any_allocation_may_fail(void **state) {
  (void)state;
  struct gguf g = {0};
  gguf_header(&g, 3, 2, 40); /* more keys than the table's first room, and odd enough for every warning's allocation */
  gguf_array(&g, "numbers", INFERMEM_META_U64, 600);
  for (uint64_t i = 0; i < 600; i++) gguf_u64(&g, i);
  for (int i = 1; i < 40; i++) {
    char key[16], value[600];
    snprintf(key, sizeof key, "key%d", i);
    memset(value, 'v', sizeof value);
    value[i == 1 ? 0 : sizeof value - 1] = '\0';
    gguf_meta_string(&g, key, value);
  }
  const uint64_t ne[] = {1};
  gguf_tensor(&g, "a", 1, ne, INFERMEM_DTYPE_F32, 64);
  gguf_tensor(&g, "b", 1, ne, INFERMEM_DTYPE_F32, 0);
  gguf_pad(&g, 32);
  gguf_zeros(&g, 68);
  gguf_save(&g);
  gguf_free(&g);
  assert_true(oom_walk(open_use_free) > 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(null_and_wrong_handles_are_refused),
      cmocka_unit_test(options_and_structs_are_checked),
      cmocka_unit_test(only_regular_files_are_opened),
      cmocka_unit_test(any_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("model_handles", tests, NULL, gguf_leave);
}
