/* What opening a model file asks of the system: reads and maps that fail, and how much is read and allocated. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "model_make.h"

/* ---- The system calls under the library, counted and made to fail ---- */

static size_t preads, bytes_read;
static size_t fail_pread_at; /* counted from 1; 0 fails none */
static ssize_t (*instead)(int, void *, size_t, off_t);
static int fail_mmap;

static ssize_t real_pread(int fd, void *out, size_t n, off_t offset) {
  return (ssize_t)syscall(SYS_pread64, fd, out, n, offset);
}

__attribute__((visibility("default"))) ssize_t pread(int fd, void *out, size_t n, off_t offset) {
  preads++;
  if (preads == fail_pread_at) return instead(fd, out, n, offset);
  const ssize_t got = real_pread(fd, out, n, offset);
  if (got > 0) bytes_read += (size_t)got;
  return got;
}

__attribute__((visibility("default"))) void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset) {
  if (fail_mmap && fd >= 0) {
    errno = ENODEV;
    return MAP_FAILED;
  }
  const long result = syscall(SYS_mmap, at, n, protection, flags, fd, offset);
  return result == -1 ? MAP_FAILED : (void *)result;
}

static int no_getrandom;

__attribute__((visibility("default"))) ssize_t getrandom(void *out, size_t n, unsigned flags) {
  if (no_getrandom) {
    errno = ENOSYS;
    return -1;
  }
  return (ssize_t)syscall(SYS_getrandom, out, n, flags);
}

static ssize_t with_eio(int fd, void *out, size_t n, off_t offset) {
  (void)fd, (void)out, (void)n, (void)offset;
  errno = EIO;
  return -1;
}

static ssize_t interrupted(int fd, void *out, size_t n, off_t offset) {
  (void)fd, (void)out, (void)n, (void)offset;
  errno = EINTR;
  return -1;
}

static ssize_t at_its_end(int fd, void *out, size_t n, off_t offset) {
  (void)fd, (void)out, (void)n, (void)offset;
  return 0;
}

static ssize_t one_byte(int fd, void *out, size_t n, off_t offset) {
  (void)n;
  return real_pread(fd, out, 1, offset);
}

static int32_t open_watched(infermem_model **out) {
  preads = bytes_read = 0;
  return gguf_open(out);
}

/* ---- Reads that fail ---- */

/* With keys and strings near and beyond the size of the library's buffer, so that there are several reads. */
static void save_large_metadata(void) {
  struct gguf g = {0};
  static char text[200001];
  gguf_header(&g, 3, 0, 7);
  gguf_meta_string(&g, "general.architecture", "x");
  gguf_meta_u32(&g, "x.block_count", 3);
  gguf_array(&g, "x.attention.head_count", INFERMEM_META_U32, 3);
  gguf_zeros(&g, 12);
  for (int i = 0; i < 4; i++) {
    memset(text, 'a' + i, sizeof text - 1);
    gguf_key(&g, text + 140000, INFERMEM_META_STRING); /* of 60,000 bytes */
    gguf_string(&g, i == 2 ? "" : text);
  }
  gguf_save(&g);
  gguf_free(&g);
}

static void a_read_that_fails_is_an_error(void **state) {
  (void)state;
  save_large_metadata();
  infermem_model *model;
  assert_ok(open_watched(&model));
  const char *text;
  size_t length;
  INFERMEM_STRUCT(infermem_meta_info, last);
  assert_ok(model_meta_info(model, 6, &last));
  assert_ok(model_meta_string(model, last.key, &text, &length));
  assert_int_equal(length, 200000);
  assert_int_equal(strspn(text, "d"), length);
  model_free(model);
  const size_t reads = preads;
  assert_true(reads > 4);
  for (size_t i = 1; i <= reads; i++) {
    infermem_model *out = NULL;
    fail_pread_at = i;
    instead = with_eio;
    assert_int_equal(open_watched(&out), INFERMEM_E_IO);
    assert_int_equal(infermem_error_detail()->os_error, EIO);
    assert_string_equal(infermem_error_detail()->function, "model_open");
    instead = at_its_end;
    assert_int_equal(open_watched(&out), INFERMEM_E_TRUNCATED);
    assert_null(out);
    assert_int_equal(gguf_heap.live, 0);
    for (int k = 0; k < 2; k++) {
      instead = k ? interrupted : one_byte;
      assert_ok(open_watched(&out));
      gguf_exercise(out);
      assert_int_equal(model_meta_count(out), 7);
      model_free(out);
    }
  }
  fail_pread_at = 0;
}

static void so_it_is_in_other_formats(void **state) {
  (void)state;
  struct gguf files[] = {
      make_safetensors("{\"t\":{\"dtype\":\"I8\",\"shape\":[3],\"data_offsets\":[0,3]}}", 3),
      {0},
  };
  make_text(&files[1], "{\"hidden_size\": 64}");
  for (size_t f = 0; f < 2; f++) {
    gguf_save(&files[f]);
    gguf_free(&files[f]);
    infermem_model *model = NULL;
    assert_ok(open_watched(&model));
    model_free(model);
    const size_t reads = preads;
    assert_true(reads >= 2);
    for (fail_pread_at = 1; fail_pread_at <= reads; fail_pread_at++)
      for (int k = 0; k < 4; k++) {
        static ssize_t (*const ways[])(int, void *, size_t, off_t) = {with_eio, at_its_end, interrupted, one_byte};
        static const int32_t codes[] = {INFERMEM_E_IO, INFERMEM_E_TRUNCATED, INFERMEM_OK, INFERMEM_OK};
        instead = ways[k];
        model = NULL;
        assert_int_equal(open_watched(&model), codes[k]);
        model_free(model);
        assert_int_equal(gguf_heap.live, 0);
      }
    fail_pread_at = 0;
  }
}

static void an_array_that_cannot_be_read_leaves_the_output_alone(void **state) {
  (void)state;
  save_large_metadata();
  infermem_model *model;
  assert_ok(open_watched(&model));
  uint64_t out[3] = {9, 9, 9};
  fail_pread_at = preads + 1;
  instead = with_eio;
  assert_fails(INFERMEM_E_IO, model_meta_array_u64(model, "x.attention.head_count", 0, 3, out));
  assert_true(out[0] == 9 && out[1] == 9 && out[2] == 9);
  fail_pread_at = preads + 1;
  instead = at_its_end;
  assert_fails(INFERMEM_E_TRUNCATED, model_meta_array_u64(model, "x.attention.head_count", 0, 3, out));
  assert_true(out[0] == 9);
  fail_pread_at = 0;
  assert_ok(model_meta_array_u64(model, "x.attention.head_count", 0, 3, out));
  assert_true(out[0] == 0 && out[2] == 0);
  model_free(model);
}

static void data_that_cannot_be_mapped_is_an_error(void **state) {
  (void)state;
  struct gguf g = gguf_small();
  gguf_save(&g);
  gguf_free(&g);
  fail_mmap = 1;
  infermem_model *out = NULL;
  const int32_t status = open_watched(&out);
  INFERMEM_STRUCT(infermem_model_options, options);
  options.flags = INFERMEM_MODEL_NO_DATA;
  infermem_model *without = NULL;
  const int32_t other = model_open(gguf_path(), &options, &without);
  fail_mmap = 0;
  assert_int_equal(status, INFERMEM_E_SYSTEM);
  assert_null(out);
  assert_int_equal(gguf_heap.live, 0);
  assert_int_equal(other, INFERMEM_OK);
  model_free(without);
}

static void names_are_found_where_the_system_has_no_random_numbers(void **state) {
  (void)state;
  struct gguf g = gguf_small();
  gguf_save(&g);
  gguf_free(&g);
  no_getrandom = 1;
  infermem_model *model;
  assert_ok(open_watched(&model));
  gguf_exercise(model);
  model_free(model);
  no_getrandom = 0;
}

/* ---- Cost ---- */

/* n keys and n tensors, as small as the format lets them be. Returns the metadata's bytes. */
static size_t save_many(size_t n) {
  struct gguf g = {0};
  gguf_header(&g, 3, n, n);
  for (int tensor = 0; tensor < 2; tensor++)
    for (size_t i = 0; i < n; i++) {
      const char name[] = {(char)('!' + i % 90), (char)('!' + i / 90 % 90), (char)('!' + i / 8100), '\0'};
      if (tensor) {
        gguf_tensor(&g, name, 0, NULL, INFERMEM_DTYPE_I8, 32 * (n - 1 - i)); /* backwards, to be sorted */
      } else {
        gguf_key(&g, name, INFERMEM_META_U8);
        gguf_number(&g, i, 1);
      }
    }
  const size_t metadata = g.size;
  gguf_pad(&g, 32);
  gguf_zeros(&g, 32 * n);
  gguf_save(&g);
  gguf_free(&g);
  return metadata;
}

static void cost_is_linear_in_the_metadata(void **state) {
  (void)state;
  size_t calls[2], read[2];
  for (int k = 0; k < 2; k++) {
    const size_t n = k ? 20000 : 2000;
    const size_t metadata = save_many(n);
    infermem_model *model;
    assert_ok(open_watched(&model));
    assert_int_equal(model_meta_count(model), n);
    assert_int_equal(model_tensor_count(model), n);
    calls[k] = gguf_heap.calls;
    read[k] = bytes_read;
    assert_true(bytes_read <= metadata + (64 << 10)); /* each byte once, and a buffer's rest */
    assert_true(gguf_heap.peak <= 2 * metadata + (512 << 10));
    gguf_exercise(model);
    model_free(model);
    assert_int_equal(gguf_heap.live, 0);
  }
  assert_true(calls[1] <= 3 * calls[0]); /* growth by a factor: far fewer than ten times as many */
  assert_true(read[1] <= 11 * read[0]);
}

static void arrays_take_no_memory(void **state) {
  (void)state;
  struct gguf g = {0};
  gguf_header(&g, 3, 0, 2);
  gguf_array(&g, "tokens", INFERMEM_META_STRING, 100000);
  for (int i = 0; i < 100000; i++) gguf_string(&g, "token");
  gguf_array(&g, "scores", INFERMEM_META_F64, 100000);
  gguf_zeros(&g, 800000);
  gguf_save(&g);
  gguf_free(&g);
  infermem_model *model;
  assert_ok(open_watched(&model));
  assert_true(gguf_heap.peak < 192 << 10);
  assert_true(bytes_read < 1400000); /* the strings are walked, the numbers are not read */
  gguf_exercise(model);
  model_free(model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_read_that_fails_is_an_error),
      cmocka_unit_test(so_it_is_in_other_formats),
      cmocka_unit_test(an_array_that_cannot_be_read_leaves_the_output_alone),
      cmocka_unit_test(data_that_cannot_be_mapped_is_an_error),
      cmocka_unit_test(names_are_found_where_the_system_has_no_random_numbers),
      cmocka_unit_test(cost_is_linear_in_the_metadata),
      cmocka_unit_test(arrays_take_no_memory),
  };
  return cmocka_run_group_tests_name("model_system", tests, NULL, gguf_leave);
}
