/* Models from bytes and functions instead of files, arrays of any source, and failing allocations. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "files.h"
#include "model_make.h"

/* A file in memory behind a read function that does odd things. */
struct reader {
  const struct gguf *file;
  size_t most;    /* bytes a call; 0: all that are asked for */
  size_t calls;   /* so far */
  size_t fail_at; /* the call, from 1, that returns `result`; 0: none */
  int64_t result;
};

static int64_t read_memory(void *context, uint64_t offset, void *out, size_t n) {
  struct reader *const r = context;
  assert_true(n != 0 && offset + n <= r->file->size);
  if (++r->calls == r->fail_at) return r->result;
  if (r->most != 0 && n > r->most) n = r->most;
  memcpy(out, r->file->bytes + offset, n);
  return (int64_t)n;
}

static int32_t open_reader(struct reader *r, infermem_model **out) {
  const infermem_allocator hook = gguf_hook();
  INFERMEM_STRUCT(infermem_model_options, options);
  options.allocator = &hook;
  r->calls = 0;
  return model_open_callback(read_memory, r, r->file->size, &options, out);
}

/* ---- What is read ---- */

/* Both models say the same of their keys, arrays included. */
static void assert_same_metas(const infermem_model *a, const infermem_model *b) {
  assert_int_equal(model_meta_count(a), model_meta_count(b));
  for (size_t i = 0; i < model_meta_count(a); i++) {
    INFERMEM_STRUCT(infermem_meta_info, x);
    assert_ok(model_meta_info(a, i, &x));
    const infermem_meta_info y = meta_of(b, x.key);
    assert_int_equal(x.type, y.type);
    assert_int_equal(x.element_type, y.element_type);
    assert_int_equal(x.count, y.count);
    if (x.type != INFERMEM_META_ARRAY) continue;
    const size_t n = (size_t)x.count;
    uint64_t u[2][64] = {{0}};
    char text[2][64] = {{0}};
    size_t offsets[2][64], length[2];
    assert_true(n < 64);
    assert_int_equal(model_meta_array_u64(a, x.key, 0, n, u[0]), model_meta_array_u64(b, x.key, 0, n, u[1]));
    assert_memory_equal(u[0], u[1], sizeof u[0]);
    const int32_t status = model_meta_array_strings(a, x.key, 0, n, text[0], 64, offsets[0], &length[0]);
    assert_int_equal(model_meta_array_strings(b, x.key, 0, n, text[1], 64, offsets[1], &length[1]), status);
    if (status != INFERMEM_OK) continue;
    assert_int_equal(length[0], length[1]);
    assert_memory_equal(text[0], text[1], length[0]);
    assert_memory_equal(offsets[0], offsets[1], (n + 1) * sizeof(size_t));
  }
}

static void bytes_and_functions_say_what_the_file_says(void **state) {
  (void)state;
  struct gguf g = gguf_small();
  gguf_save(&g);
  infermem_model *file = NULL, *memory = NULL, *called = NULL;
  assert_ok(gguf_open(&file));
  struct gguf copy = {0};
  gguf_bytes(&copy, g.bytes, g.size);
  assert_ok(open_memory(&copy, 0, &memory));
  memset(copy.bytes, 0xff, copy.size); /* it is the caller's again */
  gguf_free(&copy);
  struct reader r = {&g, 7, 0, 0, 0};
  assert_ok(open_reader(&r, &called));
  const size_t calls = r.calls;
  infermem_model *const others[] = {memory, called};
  for (int i = 0; i < 2; i++) {
    assert_int_equal(model_format(others[i]), INFERMEM_FORMAT_GGUF);
    assert_int_equal(model_part_count(others[i]), 1);
    assert_string_equal(model_part_path(others[i], 0), "");
    assert_same_metas(file, others[i]);
    for (size_t t = 0; t < model_tensor_count(file); t++) {
      INFERMEM_STRUCT(infermem_tensor_info, info);
      assert_ok(model_tensor_info(file, t, &info));
      const infermem_tensor_info same = tensor_of(others[i], info.name);
      assert_int_equal(same.offset, info.offset);
      assert_int_equal(same.bytes, info.bytes);
    }
    infermem_view view;
    assert_fails(INFERMEM_E_STATE, model_tensor_view(others[i], 0, &view));
    gguf_exercise(others[i]);
  }
  assert_int_equal(r.calls, calls); /* no more once it was open */
  model_free(file), model_free(memory), model_free(called);
  gguf_free(&g);
  gguf_remove();
}

static void metadata_alone_is_enough(void **state) {
  (void)state;
  struct gguf g = gguf_small();
  const size_t size = g.size;
  g.size -= GGUF_SMALL_DATA;
  infermem_model *model = NULL;
  assert_ok(open_memory(&g, size, &model));
  assert_int_equal(model_tensor_count(model), 4);
  model_free(model);
  model = NULL;
  assert_int_equal(open_memory(&g, size - 1, &model), INFERMEM_E_TRUNCATED); /* the last tensor would end beyond it */
  assert_int_equal(open_memory(&g, 0, &model), INFERMEM_E_TRUNCATED);
  assert_fails(INFERMEM_E_ARG, model_open_bytes(g.bytes, g.size, g.size - 1, NULL, &model));
  g.size = 100;
  assert_fails(INFERMEM_E_TRUNCATED, model_open_bytes(g.bytes, g.size, size, NULL, &model));
  assert_null(model);

  struct gguf claims = {0}; /* lengths that the whole file has room for, and the bytes have not */
  gguf_header(&claims, 3, 0, 1);
  gguf_key(&claims, "k", INFERMEM_META_STRING);
  gguf_u64(&claims, 1 << 29);
  assert_int_equal(open_memory(&claims, (uint64_t)1 << 40, &model), INFERMEM_E_TRUNCATED);
  assert_true(gguf_heap.peak < 1 << 20);
  claims.size = 0;
  gguf_u64(&claims, 90000000);
  gguf_bytes(&claims, "{", 1);
  assert_int_equal(open_memory(&claims, (uint64_t)1 << 40, &model), INFERMEM_E_TRUNCATED);
  assert_true(gguf_heap.peak < 1 << 20);
  gguf_free(&claims);
  gguf_free(&g);
}

static void functions_may_read_little_and_fail(void **state) {
  (void)state;
  struct gguf files[] = {
      gguf_small(), make_safetensors("{\"t\":{\"dtype\":\"I8\",\"shape\":[3],\"data_offsets\":[0,3]}}", 3), {0}};
  make_text(&files[2], "{\"hidden_size\": 64}");
  for (int f = 0; f < 3; f++) {
    struct reader r = {&files[f], 100, 0, 0, 0};
    infermem_model *model = NULL;
    assert_ok(open_reader(&r, &model));
    gguf_exercise(model);
    model_free(model);
    const size_t calls = r.calls;
    for (r.fail_at = 1; r.fail_at <= calls; r.fail_at++) {
      static const struct {
        int64_t result;
        int32_t code, os_error;
      } results[] = {{-EIO, INFERMEM_E_IO, EIO},
                     {0, INFERMEM_E_TRUNCATED, 0},
                     {INT64_MAX, INFERMEM_E_IO, 0},
                     {INT64_MIN, INFERMEM_E_IO, 0}};
      for (size_t k = 0; k < sizeof results / sizeof *results; k++) {
        infermem_model *out = NULL;
        r.result = results[k].result;
        assert_int_equal(open_reader(&r, &out), results[k].code);
        assert_int_equal(infermem_error_detail()->os_error, results[k].os_error);
        assert_string_equal(infermem_error_detail()->function, "model_open_callback");
        assert_null(out);
        assert_int_equal(gguf_heap.live, 0);
      }
    }
    gguf_free(&files[f]);
  }
}

static void null_and_empty_are_refused(void **state) {
  (void)state;
  infermem_model *model = NULL;
  struct gguf g = gguf_small();
  struct reader r = {&g, 0, 0, 0, 0};
  INFERMEM_STRUCT(infermem_model_options, options);
  options.flags = 2;
  assert_fails(INFERMEM_E_NULL, model_open_bytes(NULL, 1, 0, NULL, &model));
  assert_fails(INFERMEM_E_NULL, model_open_bytes("", 0, 0, NULL, NULL));
  assert_fails(INFERMEM_E_TRUNCATED, model_open_bytes("", 0, 0, NULL, &model));
  assert_fails(INFERMEM_E_ARG, model_open_bytes(g.bytes, g.size, 0, &options, &model));
  assert_fails(INFERMEM_E_NULL, model_open_callback(NULL, NULL, 1, NULL, &model));
  assert_fails(INFERMEM_E_NULL, model_open_callback(read_memory, &r, 1, NULL, NULL));
  assert_fails(INFERMEM_E_TRUNCATED, model_open_callback(read_memory, &r, 0, NULL, &model));
  assert_fails(INFERMEM_E_ARG, model_open_callback(read_memory, &r, g.size, &options, &model));
  options.flags = 0;
  options.struct_size = 4;
  assert_fails(INFERMEM_E_STRUCT, model_open_bytes(g.bytes, g.size, 0, &options, &model));
  assert_fails(INFERMEM_E_STRUCT, model_open_callback(read_memory, &r, g.size, &options, &model));
  assert_null(model);
  assert_int_equal(model_format(NULL), 0);
  assert_int_equal(model_part_count(NULL), 0);
  assert_null(model_part_path(NULL, 0));
  assert_ok(model_open_bytes(g.bytes, g.size, 0, NULL, &model));
  assert_null(model_part_path(model, 1));
  model_free(model);
  gguf_free(&g);
}

/* ---- Arrays ---- */

static const char arrays[] =
    "{\"ints\":[1,-2,3],\"large\":[9223372036854775808],\"reals\":[1,2.5,-3e300,Infinity],\"bools\":[true,false],"
    "\"strings\":[\"one\",\"\",\"\\u20ac\\u0000x\"],\"none\":[],\"scalar\":5}";

/* The same in GGUF, but for the length of its ints. */
static struct gguf gguf_arrays(void) {
  struct gguf g = {0};
  gguf_header(&g, 3, 0, 7);
  gguf_array(&g, "ints", INFERMEM_META_I32, 3);
  gguf_u32(&g, 1), gguf_u32(&g, (uint32_t)-2), gguf_u32(&g, 3);
  gguf_array(&g, "large", INFERMEM_META_U64, 1);
  gguf_u64(&g, (uint64_t)1 << 63);
  gguf_array(&g, "reals", INFERMEM_META_F64, 4);
  gguf_u64(&g, 0x3ff0000000000000), gguf_u64(&g, 0x4004000000000000), gguf_u64(&g, 0xfe51eb851eb851ec);
  gguf_u64(&g, 0x7ff0000000000000);
  gguf_array(&g, "bools", INFERMEM_META_BOOL, 2);
  gguf_number(&g, 1, 1), gguf_number(&g, 0, 1);
  gguf_array(&g, "strings", INFERMEM_META_STRING, 3);
  gguf_string(&g, "one"), gguf_string(&g, ""), gguf_u64(&g, 5), gguf_bytes(&g, "\xe2\x82\xac\0x", 5);
  gguf_array(&g, "none", INFERMEM_META_F32, 0);
  gguf_meta_u32(&g, "scalar", 5);
  return g;
}

static void check_arrays(const infermem_model *model) {
  int64_t i[3] = {7, 7, 7};
  double f[4] = {7, 7, 7, 7};
  assert_ok(model_meta_array_i64(model, "ints", 0, 3, i));
  assert_true(i[0] == 1 && i[1] == -2 && i[2] == 3);
  assert_ok(model_meta_array_i64(model, "bools", 0, 2, i));
  assert_true(i[0] == 1 && i[1] == 0);
  assert_fails(INFERMEM_E_RANGE, model_meta_array_i64(model, "large", 0, 1, i));
  assert_fails(INFERMEM_E_RANGE, model_meta_array_i64(model, "ints", 2, 2, i));
  assert_fails(INFERMEM_E_TYPE, model_meta_array_i64(model, "reals", 0, 1, i));
  assert_fails(INFERMEM_E_TYPE, model_meta_array_i64(model, "scalar", 0, 1, i));
  assert_fails(INFERMEM_E_NOT_FOUND, model_meta_array_i64(model, "absent", 0, 1, i));
  assert_fails(INFERMEM_E_NULL, model_meta_array_i64(model, "ints", 0, 1, NULL));
  assert_fails(INFERMEM_E_NULL, model_meta_array_i64(model, NULL, 0, 1, i));
  assert_fails(INFERMEM_E_NULL, model_meta_array_i64(NULL, "ints", 0, 1, i));
  assert_ok(model_meta_array_i64(model, "ints", 3, 0, NULL));
  assert_true(i[0] == 1 && i[1] == 0 && i[2] == 3);

  assert_ok(model_meta_array_f64(model, "reals", 1, 3, f));
  assert_true(f[0] == 2.5 && f[2] > 1e308);
  assert_ok(model_meta_array_f64(model, "reals", 0, 1, f));
  assert_true(f[0] == 1);
  assert_fails(INFERMEM_E_TYPE, model_meta_array_f64(model, "ints", 0, 1, f));
  assert_fails(INFERMEM_E_RANGE, model_meta_array_f64(model, "reals", 4, 1, f));
  assert_fails(INFERMEM_E_NOT_FOUND, model_meta_array_f64(model, "absent", 0, 1, f));
  assert_fails(INFERMEM_E_NULL, model_meta_array_f64(model, "reals", 0, 1, NULL));
  assert_fails(INFERMEM_E_NULL, model_meta_array_f64(model, NULL, 0, 1, f));
  assert_fails(INFERMEM_E_NULL, model_meta_array_f64(NULL, "reals", 0, 1, f));

  char text[16];
  size_t offsets[4], length = 99;
  assert_ok(model_meta_array_strings(model, "strings", 0, 3, NULL, 0, NULL, &length));
  assert_int_equal(length, 11);
  assert_ok(model_meta_array_strings(model, "strings", 0, 3, text, 11, offsets, &length));
  assert_memory_equal(text, "one\0\0\xe2\x82\xac\0x", 11);
  assert_true(offsets[0] == 0 && offsets[1] == 4 && offsets[2] == 5 && offsets[3] == 11);
  assert_ok(model_meta_array_strings(model, "strings", 2, 1, text, 16, offsets, &length));
  assert_memory_equal(text, "\xe2\x82\xac\0x", 6);
  assert_true(offsets[0] == 0 && offsets[1] == 6 && length == 6);
  assert_ok(model_meta_array_strings(model, "strings", 3, 0, text, 16, offsets, &length));
  assert_true(offsets[0] == 0 && length == 0);
  memset(text, 0x77, sizeof text);
  length = 99;
  assert_fails(INFERMEM_E_BUFFER, model_meta_array_strings(model, "strings", 0, 3, text, 10, NULL, &length));
  assert_fails(INFERMEM_E_RANGE, model_meta_array_strings(model, "strings", 1, 3, text, 16, NULL, &length));
  assert_fails(INFERMEM_E_TYPE, model_meta_array_strings(model, "ints", 0, 1, text, 16, NULL, &length));
  assert_fails(INFERMEM_E_TYPE, model_meta_array_strings(model, "scalar", 0, 1, text, 16, NULL, &length));
  assert_fails(INFERMEM_E_NOT_FOUND, model_meta_array_strings(model, "absent", 0, 1, text, 16, NULL, &length));
  assert_fails(INFERMEM_E_NULL, model_meta_array_strings(model, "strings", 0, 1, NULL, 16, NULL, &length));
  assert_fails(INFERMEM_E_NULL, model_meta_array_strings(model, "strings", 0, 1, text, 16, NULL, NULL));
  assert_fails(INFERMEM_E_NULL, model_meta_array_strings(model, NULL, 0, 1, text, 16, NULL, &length));
  assert_fails(INFERMEM_E_NULL, model_meta_array_strings(NULL, "strings", 0, 1, text, 16, NULL, &length));
  assert_int_equal(text[0], 0x77);
  assert_int_equal(length, 99);
}

static void arrays_are_read_from_any_source(void **state) {
  (void)state;
  struct gguf files[] = {gguf_arrays(), {0}};
  make_text(&files[1], "%s", arrays);
  for (int f = 0; f < 2; f++) {
    infermem_model *model = NULL;
    gguf_save(&files[f]);
    assert_ok(gguf_open(&model));
    check_arrays(model);
    model_free(model);
    assert_ok(open_memory(&files[f], 0, &model));
    check_arrays(model);
    model_free(model);
    gguf_free(&files[f]);
  }
  gguf_remove();
}

static void strings_of_a_file_that_was_changed_do_no_harm(void **state) {
  (void)state;
  struct gguf g = gguf_arrays();
  gguf_save(&g);
  infermem_model *model = NULL;
  assert_ok(gguf_open(&model));
  memset(g.bytes + 24, 0xff, g.size - 24); /* in the same file, whose size stays */
  file_write(gguf_path(), g.bytes, g.size);
  char text[16] = {0x77};
  size_t length = 99;
  assert_fails(INFERMEM_E_TRUNCATED, model_meta_array_strings(model, "strings", 0, 3, text, 16, NULL, &length));
  assert_fails(INFERMEM_E_TRUNCATED, model_meta_array_strings(model, "strings", 2, 1, text, 16, NULL, &length));
  assert_int_equal(text[0], 0x77);
  assert_int_equal(length, 99);
  model_free(model);
  gguf_free(&g);
  gguf_remove();
}

/* ---- Failing allocations ---- */

static struct gguf oom_file;

static int32_t use_arrays(infermem_model *model) {
  char text[16] = {0x77};
  size_t length = 99, offsets[4] = {99};
  int64_t i[2] = {9, 9};
  int32_t status = model_meta_array_strings(model, "strings", 0, 3, text, 16, offsets, &length);
  if (status != INFERMEM_OK) assert_true(text[0] == 0x77 && length == 99 && offsets[0] == 99);
  if (status == INFERMEM_OK) status = model_meta_array_i64(model, "ints", 0, 2, i);
  model_free(model);
  return status;
}

static int32_t open_from_bytes(const infermem_allocator *allocator) {
  INFERMEM_STRUCT(infermem_model_options, options);
  options.allocator = allocator;
  infermem_model *model = NULL;
  const int32_t status = model_open_bytes(oom_file.bytes, oom_file.size, 0, &options, &model);
  assert_true((status == INFERMEM_OK) == (model != NULL));
  return status == INFERMEM_OK ? use_arrays(model) : status;
}

static int32_t open_from_function(const infermem_allocator *allocator) {
  INFERMEM_STRUCT(infermem_model_options, options);
  options.allocator = allocator;
  infermem_model *model = NULL;
  struct reader r = {&oom_file, 0, 0, 0, 0};
  const int32_t status = model_open_callback(read_memory, &r, oom_file.size, &options, &model);
  assert_true((status == INFERMEM_OK) == (model != NULL));
  return status == INFERMEM_OK ? use_arrays(model) : status;
}

static void any_allocation_may_fail(void **state) {
  (void)state;
  for (int f = 0; f < 2; f++) {
    if (f == 0) oom_file = gguf_arrays();
    if (f == 1) make_text(&oom_file, "%s", arrays);
    assert_true(oom_walk(open_from_bytes) > 5);
    assert_true(oom_walk(open_from_function) > 5);
    gguf_free(&oom_file);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bytes_and_functions_say_what_the_file_says),
      cmocka_unit_test(metadata_alone_is_enough),
      cmocka_unit_test(functions_may_read_little_and_fail),
      cmocka_unit_test(null_and_empty_are_refused),
      cmocka_unit_test(arrays_are_read_from_any_source),
      cmocka_unit_test(strings_of_a_file_that_was_changed_do_no_harm),
      cmocka_unit_test(any_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("model_source", tests, files_enter, files_leave);
}
