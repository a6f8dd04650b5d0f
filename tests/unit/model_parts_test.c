/* Models of several files: directories, indices, and split GGUF. The malformed ones of fuzz/corpus/index and split have
 * lists of their own. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "model_make.h"

static int32_t open_path(const char *path, infermem_model **out) {
  const infermem_allocator hook = gguf_hook();
  INFERMEM_STRUCT(infermem_model_options, options);
  options.allocator = &hook;
  return model_open(path, &options, out);
}

static infermem_model *open_good(const char *path) {
  infermem_model *model = NULL;
  if (open_path(path, &model) != INFERMEM_OK) fail_msg("%s: %s", path, infermem_error_detail()->message);
  gguf_exercise(model);
  return model;
}

static void refuse(const char *path, int32_t code, const char *message) {
  infermem_model *out = NULL;
  const int32_t status = open_path(path, &out);
  if (status != code || !strstr(infermem_error_detail()->message, message))
    fail_msg("%s, not %s with \"%s\": %s", infermem_error_name(status), infermem_error_name(code), message,
             infermem_error_detail()->message);
  assert_null(out);
  assert_int_equal(gguf_heap.live, 0);
}

static void remove_all(void) {
  static const char *const names[] = {"config.json", "model.safetensors", "model.safetensors.index.json", "a", "b",
                                      "link"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) remove(names[i]);
}

static void save_text(const char *path, const char *text) { file_write(path, text, strlen(text)); }

/* Tensors PREFIX.0, of two bytes that are `first` and one more, and PREFIX.1, of none. */
static void save_shard(const char *path, const char *prefix, unsigned char first) {
  struct gguf header = {0};
  make_text(&header, "{\"__metadata__\":{\"format\":\"%s\"},", prefix);
  make_text(&header, "\"%s.0\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[0,2]},", prefix);
  make_text(&header, "\"%s.1\":{\"dtype\":\"I8\",\"shape\":[0],\"data_offsets\":[2,2]}}", prefix);
  struct gguf g = {0};
  gguf_u64(&g, header.size);
  gguf_bytes(&g, header.bytes, header.size);
  gguf_number(&g, first, 1), gguf_number(&g, first + 1u, 1);
  gguf_free(&header);
  save_as(path, &g);
}

static int first_byte(const infermem_model *model, const char *name) {
  size_t index;
  infermem_view view;
  assert_ok(model_tensor_find(model, name, &index));
  assert_ok(model_tensor_view(model, index, &view));
  return *(const unsigned char *)view.data;
}

/* ---- Directories and indices ---- */

static void a_directory_is_what_is_in_it(void **state) {
  (void)state;
  refuse(".", INFERMEM_E_FORMAT,
         "the directory \".\" has no model.safetensors.index.json, no model.safetensors and no config");
  save_text("config.json", "{\"hidden_size\": 64, \"list\": [1, 2]}");
  infermem_model *model = open_good(".");
  assert_int_equal(model_format(model), INFERMEM_FORMAT_CONFIG);
  assert_int_equal(model_part_count(model), 0);
  assert_int_equal(model_meta_count(model), 2);
  model_free(model);

  save_shard("model.safetensors", "t", 7);
  model = open_good("./");
  assert_int_equal(model_format(model), INFERMEM_FORMAT_SAFETENSORS);
  assert_int_equal(model_part_count(model), 1);
  assert_string_equal(model_part_path(model, 0), ".//model.safetensors");
  assert_integer(model, "hidden_size", 64);
  assert_string(model, "__metadata__.format", "t", 1);
  assert_int_equal(first_byte(model, "t.0"), 7);
  model_free(model);

  model = open_good("model.safetensors"); /* alone */
  assert_int_equal(model_meta_count(model), 1);
  model_free(model);
  unlink("config.json");
  model = open_good(".");
  assert_int_equal(model_meta_count(model), 1);
  assert_int_equal(model_tensor_count(model), 2);
  model_free(model);

  save_text("config.json", "{\"a\": 1, \"a\": 2}"); /* is told apart from other files */
  refuse(".", INFERMEM_E_FORMAT, "the key \"a\" stands twice");
  save_text("config.json", "{\"a\"}");
  refuse(".", INFERMEM_E_FORMAT, "config.json: the text is not JSON at byte 4");
  save_text("config.json", "{\"__metadata__.format\": 1}");
  refuse(".", INFERMEM_E_FORMAT, "\"__metadata__.format\" stands twice");
  remove_all();
}

static void an_index_opens_all_files(void **state) {
  (void)state;
  save_shard("b", "y", 20);
  save_shard("a", "x", 10);
  save_text(
      "model.safetensors.index.json",
      "{\"metadata\":{\"total_size\":4},\"weight_map\":{\"y.0\":\"b\",\"x.0\":\"a\",\"x.1\":\"a\",\"y.1\":\"b\"}}");
  for (int with_config = 0; with_config < 2; with_config++) {
    if (with_config) save_text("config.json", "{\"hidden_size\": 64}");
    for (int directory = 0; directory < 2; directory++) {
      infermem_model *model = open_good(directory ? "." : "model.safetensors.index.json");
      assert_int_equal(model_format(model), INFERMEM_FORMAT_SAFETENSORS);
      assert_int_equal(model_part_count(model), 2);
      assert_string_equal(model_part_path(model, 0), directory ? "./a" : "a");
      assert_string_equal(model_part_path(model, 1), directory ? "./b" : "b");
      assert_int_equal(model_tensor_count(model), 4);
      assert_int_equal(tensor_of(model, "x.0").part, 0);
      assert_int_equal(tensor_of(model, "y.0").part, 1);
      assert_int_equal(first_byte(model, "x.0"), 10);
      assert_int_equal(first_byte(model, "y.0"), 20);
      assert_string(model, "__metadata__.format", "x", 1); /* the first file's */
      assert_int_equal(model_meta_count(model), 1 + (size_t)with_config);
      assert_false(warned(model, "index"));
      model_free(model);
    }
  }
  save_text("model.safetensors.index.json", "{\"weight_map\":{\"y.0\":\"b\",\"x.0\":\"a\"}}");
  infermem_model *model = open_good(".");
  assert_true(warned(model, "2 tensors are in no entry of the index"));
  model_free(model);

  assert_int_equal(rename("a", "blob"), 0); /* as downloads have them */
  assert_int_equal(symlink("blob", "a"), 0);
  model_free(open_good("."));
  unlink("a");
  refuse(".", INFERMEM_E_IO, "opening \"./a\": No such file");
  save_shard("a", "y", 1); /* with the other's tensors */
  refuse(".", INFERMEM_E_FORMAT, "the tensor name \"y.0\" stands twice");
  save_text("a", "{\"a\":1}          ");
  refuse(".", INFERMEM_E_LIMIT, "a: the safetensors header has");
  unlink("blob");
  remove_all();
}

static void files_of_a_model_are_not_left_open(void **state) {
  (void)state;
  struct gguf g = {0};
  make_text(&g, "{\"weight_map\":{");
  for (int i = 0; i < 20; i++) {
    char name[16];
    snprintf(name, sizeof name, "shard%02d", i);
    save_shard(name, name, (unsigned char)(2 * i));
    make_text(&g, "%s\"%s.0\":\"%s\",\"%s.1\":\"%s\"", i ? "," : "", name, name, name, name);
  }
  make_text(&g, "}}");
  save_as("model.safetensors.index.json", &g);
  const size_t fds = count_fds(), maps = count_maps();
  infermem_model *model = open_good(".");
  assert_true(count_fds() <= fds + 1);
  for (int i = 0; i < 20; i++) {
    char name[16];
    snprintf(name, sizeof name, "shard%02d.0", i);
    assert_int_equal(first_byte(model, name), 2 * i);
    assert_int_equal(tensor_of(model, name).part, i);
  }
  model_free(model);
  INFERMEM_STRUCT(infermem_model_options, options);
  options.flags = INFERMEM_MODEL_NO_DATA;
  assert_ok(model_open(".", &options, &model));
  assert_true(count_fds() <= fds + 1);
  infermem_view view;
  assert_fails(INFERMEM_E_STATE, model_tensor_view(model, 0, &view));
  model_free(model);
  assert_int_equal(count_fds(), fds);
  if (!TEST_SANITIZED) assert_int_equal(count_maps(), maps);
  for (int i = 0; i < 20; i++) {
    char name[16];
    snprintf(name, sizeof name, "shard%02d", i);
    unlink(name);
  }
  remove_all();
}

/* ---- Split GGUF ---- */

static const char *part_path(uint32_t i, uint32_t n) {
  static char path[32];
  snprintf(path, sizeof path, "m-%05u-of-%05u.gguf", i + 1, n);
  return path;
}

/* Part i of n, with tensor t<i> of 8 bytes that are i, and a key of its own. */
static void save_part(uint32_t i, uint32_t n, uint32_t alignment) {
  struct gguf g = {0};
  const uint64_t ne[] = {8};
  gguf_header(&g, 3, 1, 6);
  gguf_meta_u32(&g, "general.alignment", alignment);
  gguf_meta_string(&g, "general.architecture", i == 0 ? "llama" : "other");
  gguf_array(&g, "numbers", INFERMEM_META_U32, 1);
  gguf_u32(&g, 77 + i);
  gguf_key(&g, "split.no", INFERMEM_META_U16);
  gguf_number(&g, i, 2);
  gguf_key(&g, "split.count", INFERMEM_META_U16);
  gguf_number(&g, n, 2);
  gguf_key(&g, "split.tensors.count", INFERMEM_META_I32);
  gguf_u32(&g, n);
  char name[16];
  snprintf(name, sizeof name, "t%u", i);
  gguf_tensor(&g, name, 1, ne, INFERMEM_DTYPE_I8, 0);
  gguf_pad(&g, alignment);
  for (int k = 0; k < 8; k++) gguf_number(&g, i, 1);
  save_as(part_path(i, n), &g);
}

static void a_split_model_is_opened_by_any_of_its_parts(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 3; i++) save_part(i, 3, 32u << i);
  for (uint32_t i = 0; i < 3; i++) {
    infermem_model *model = open_good(part_path(i, 3));
    assert_int_equal(model_format(model), INFERMEM_FORMAT_GGUF);
    assert_int_equal(model_part_count(model), 3);
    assert_string_equal(model_part_path(model, 2), "m-00003-of-00003.gguf");
    assert_int_equal(model_tensor_count(model), 3);
    assert_int_equal(model_meta_count(model), 6);
    assert_string(model, "general.architecture", "llama", 5);
    uint64_t number;
    assert_ok(model_meta_array_u64(model, "numbers", 0, 1, &number));
    assert_int_equal(number, 77);
    for (int t = 0; t < 3; t++) {
      const char name[] = {'t', (char)('0' + t), '\0'};
      assert_int_equal(tensor_of(model, name).part, t);
      assert_int_equal(first_byte(model, name), t);
    }
    assert_false(warned(model, "one of 3 parts"));
    model_free(model);
  }
  unlink("m-00002-of-00003.gguf");
  refuse("m-00001-of-00003.gguf", INFERMEM_E_IO, "opening \"m-00002-of-00003.gguf\": No such file");
  refuse("m-00003-of-00003.gguf", INFERMEM_E_IO, "opening \"m-00002-of-00003.gguf\": No such file");
  assert_int_equal(rename("m-00003-of-00003.gguf", "m-00002-of-00003.gguf"), 0);
  refuse("m-00001-of-00003.gguf", INFERMEM_E_FORMAT,
         "m-00002-of-00003.gguf: the file has number 2 of 3 parts, its name number 1 of 3");
  unlink("m-00002-of-00003.gguf");
  unlink("m-00001-of-00003.gguf");
}

static void other_names_are_opened_alone(void **state) {
  (void)state;
  static const char *const names[] = {"m.gguf",
                                      "m-00001-of-00002.bin",
                                      "m-0001-of-0002.gguf",
                                      "m-00003-of-00002.gguf",
                                      "m-00000-of-00002.gguf",
                                      "m_00001-of-00002.gguf",
                                      "m-00001-of-00001.gguf",
                                      "-00001-of-00002.gguf",
                                      "m-0000x-of-00002.gguf"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    save_part(0, 2, 32);
    assert_int_equal(rename(part_path(0, 2), names[i]), 0);
    infermem_model *model = open_good(names[i]);
    assert_int_equal(model_part_count(model), 1);
    assert_true(warned(model, "the file is one of 2 parts of a model, of which only it was read"));
    model_free(model);
    unlink(names[i]);
  }
}

static void a_path_may_be_as_long_as_the_system_lets_it(void **state) {
  (void)state;
  static char path[5000];
  memset(path, 'a', sizeof path - 1);
  infermem_model *model = NULL;
  assert_fails(INFERMEM_E_IO, model_open(path, NULL, &model));
  assert_int_equal(infermem_error_detail()->os_error, ENAMETOOLONG);
  for (size_t i = 0; i < sizeof path - 1; i++) path[i] = i % 2 ? '/' : '.'; /* ./././ */
  for (size_t n = 4055; n < 4105; n++) { /* with the slash and the longest name, 4095 bytes */
    path[n] = '\0';
    assert_int_equal(model_open(path, NULL, &model), n < 4096 - 29 ? INFERMEM_E_FORMAT : INFERMEM_E_IO);
    path[n] = n % 2 ? '/' : '.';
  }
}

/* ---- Failing allocations ---- */

static const char *oom_path;

static int32_t open_use_free(const infermem_allocator *allocator) {
  INFERMEM_STRUCT(infermem_model_options, options);
  options.allocator = allocator;
  infermem_model *model = NULL;
  const int32_t status = model_open(oom_path, &options, &model);
  assert_true((status == INFERMEM_OK) == (model != NULL));
  if (status == INFERMEM_OK) assert_int_equal(model_tensor_count(model), 4);
  model_free(model);
  return status;
}

static void any_allocation_may_fail(void **state) {
  (void)state;
  save_shard("b", "y", 20);
  save_shard("a", "x", 10);
  save_text("config.json", "{\"a\": {\"b\": [1, 2, {\"c\": [\"d\"]}]}}");
  save_text("model.safetensors.index.json", "{\"weight_map\":{\"y.0\":\"b\",\"x.0\":\"a\"}}"); /* and a warning */
  oom_path = ".";
  assert_true(oom_walk(open_use_free) > 20);
  remove_all();
  for (uint32_t i = 0; i < 4; i++) save_part(i, 4, 32);
  oom_path = "m-00003-of-00004.gguf";
  assert_true(oom_walk(open_use_free) > 20);
  for (uint32_t i = 0; i < 4; i++) unlink(part_path(i, 4));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_directory_is_what_is_in_it),
      cmocka_unit_test(an_index_opens_all_files),
      cmocka_unit_test(files_of_a_model_are_not_left_open),
      cmocka_unit_test(a_split_model_is_opened_by_any_of_its_parts),
      cmocka_unit_test(other_names_are_opened_alone),
      cmocka_unit_test(a_path_may_be_as_long_as_the_system_lets_it),
      cmocka_unit_test(any_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("model_parts", tests, files_enter, files_leave);
}
