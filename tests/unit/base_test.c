/* The library-wide headers: abi.h, api.h, error.h, dtype.h. */
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <valgrind/valgrind.h>

#include "support.h"

static void the_version_is_the_headers(void **state) {
  (void)state;
  assert_int_equal(infermem_version(), INFERMEM_VERSION_NUMBER);
  assert_string_equal(infermem_version_string(), INFERMEM_VERSION_STRING);
}

static void the_table_has_every_function_at_its_address(void **state) {
  (void)state;
  const infermem_api_table *api = infermem_api(INFERMEM_VERSION_MAJOR);
  assert_non_null(api);
  assert_int_equal(api->struct_size, sizeof *api);
  assert_true(api->tape_alloc == tape_alloc);
  assert_true(api->layout_stat_text == layout_stat_text);
  void (*const *entries)(void) = (void (*const *)(void))(const void *)&api->infermem_version;
  const size_t n = (sizeof *api - offsetof(infermem_api_table, infermem_version)) / sizeof *entries;
  for (size_t i = 0; i < n; i++) assert_true(entries[i] != NULL);
  assert_null(infermem_api(INFERMEM_VERSION_MAJOR + 1));
}

static void codes_keep_their_numbers(void **state) {
  (void)state;
  /* pinned for ever: this list only grows */
  assert_int_equal(INFERMEM_OK, 0);
  assert_int_equal(INFERMEM_E_NULL, -1);
  assert_int_equal(INFERMEM_E_ARG, -2);
  assert_int_equal(INFERMEM_E_HANDLE, -3);
  assert_int_equal(INFERMEM_E_STRUCT, -4);
  assert_int_equal(INFERMEM_E_OVERFLOW, -5);
  assert_int_equal(INFERMEM_E_NOMEM, -6);
  assert_int_equal(INFERMEM_E_SYSTEM, -7);
  assert_int_equal(INFERMEM_E_UNSUPPORTED, -8);
  assert_int_equal(INFERMEM_E_FULL, -9);
  assert_int_equal(INFERMEM_E_SEALED, -10);
  assert_int_equal(INFERMEM_E_STALE, -11);
  assert_int_equal(INFERMEM_E_STATE, -12);
  assert_int_equal(INFERMEM_E_SHAPE, -13);
  assert_int_equal(INFERMEM_E_RANGE, -14);
  assert_int_equal(INFERMEM_E_TYPE, -15);
  assert_int_equal(INFERMEM_E_NOT_FOUND, -16);
  assert_int_equal(INFERMEM_E_NOT_FINITE, -17);
  assert_int_equal(INFERMEM_E_INCOMPLETE, -18);
  assert_int_equal(INFERMEM_E_BUFFER, -19);
  assert_int_equal(INFERMEM_E_IO, -20);
  assert_int_equal(INFERMEM_E_FORMAT, -21);
  assert_int_equal(INFERMEM_E_TRUNCATED, -22);
  assert_int_equal(INFERMEM_E_VERSION, -23);
  assert_int_equal(INFERMEM_E_LIMIT, -24);
  assert_int_equal(INFERMEM_E_CORRUPT, -25);
  assert_int_equal(INFERMEM_E_FINGERPRINT, -26);
}

static void codes_have_names_and_sentences(void **state) {
  (void)state;
  assert_string_equal(infermem_error_name(INFERMEM_OK), "INFERMEM_OK");
  assert_string_equal(infermem_error_name(INFERMEM_E_FULL), "INFERMEM_E_FULL");
  assert_string_equal(infermem_error_text(INFERMEM_E_FULL), "no room is left");
  assert_string_equal(infermem_error_name(1), "unknown");
  assert_string_equal(infermem_error_name(INT32_MIN), "unknown");
  assert_string_equal(infermem_error_text(12345), "unknown status code");
}

static void the_record_tells_the_last_failure_only(void **state) {
  (void)state;
  infermem_error_clear();
  const infermem_error *error = infermem_error_detail();
  assert_int_equal(error->code, INFERMEM_OK);
  assert_string_equal(error->function, "");
  assert_string_equal(error->message, "");

  INFERMEM_STRUCT(infermem_tape_options, options);
  infermem_tape *tape = NULL;
  assert_fails(INFERMEM_E_ARG, tape_new(&options, &tape));
  options.size = 1;
  assert_ok(tape_new(&options, &tape));
  assert_int_equal(error->code, INFERMEM_E_ARG); /* success leaves it alone */
  void *p;
  const size_t total = tape_total(tape);
  assert_fails(INFERMEM_E_FULL, tape_alloc(tape, total + 1, 16, &p));
  assert_int_equal(error->expected, total + 1);
  assert_int_equal(error->got, total);
  char sentence[192];
  snprintf(sentence, sizeof sentence, "%zu bytes at 16 do not fit: 0 of %zu are used", total + 1, total);
  assert_string_equal(error->message, sentence);
  tape_free(tape);

  /* a refusal of the system's carries its errno */
  options.size = (size_t)1 << 62;
  assert_fails(INFERMEM_E_NOMEM, tape_new(&options, &tape));
  assert_true(error->os_error != 0);
  infermem_error_clear();
  assert_int_equal(error->os_error, 0);
  assert_string_equal(error->function, "");
}

struct lines {
  int count;
  int32_t level;
  char last[256];
};

static void keep_line(void *context, int32_t level, const char *message) {
  struct lines *lines = context;
  lines->count++;
  lines->level = level;
  snprintf(lines->last, sizeof lines->last, "%s", message);
}

/* A wish that cannot be granted, which the library logs: huge pages for a tape smaller than one. */
static void do_what_is_logged(void) {
  INFERMEM_STRUCT(infermem_tape_options, options);
  options.size = 1;
  options.flags = INFERMEM_TAPE_HUGE;
  infermem_tape *tape;
  assert_ok(tape_new(&options, &tape));
  tape_free(tape);
}

static void the_log_hook_gets_lines_of_its_level(void **state) {
  (void)state;
  struct lines lines = {0};
  assert_ok(infermem_log_set(keep_line, &lines, INFERMEM_LOG_DEBUG));
  do_what_is_logged();
  assert_int_equal(lines.count, 1);
  assert_int_equal(lines.level, INFERMEM_LOG_INFO);
  assert_non_null(strstr(lines.last, "no huge pages"));
  assert_ok(infermem_log_set(keep_line, &lines, INFERMEM_LOG_WARN));
  do_what_is_logged();
  assert_int_equal(lines.count, 1);
  assert_fails(INFERMEM_E_ARG, infermem_log_set(keep_line, &lines, 0));
  assert_fails(INFERMEM_E_ARG, infermem_log_set(keep_line, &lines, 4));
  assert_ok(infermem_log_set(NULL, NULL, INFERMEM_LOG_DEBUG));
  do_what_is_logged();
  assert_int_equal(lines.count, 1);
}

static void *set_hooks(void *stop) {
  while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED)) infermem_log_set(NULL, NULL, INFERMEM_LOG_WARN);
  return NULL;
}

static void a_child_of_fork_logs_whatever_other_threads_did(void **state) {
  (void)state;
  int stop = 0, ended = 0;
  const int n = TEST_SANITIZED || RUNNING_ON_VALGRIND ? 0 : 200; /* which do not fork well beside threads */
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, set_hooks, &stop), 0);
  for (int i = 0; i < n; i++) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20); /* ends a child that waits for a thread that it does not have */
      do_what_is_logged();
      _exit(0);
    }
    int status = -1;
    ended += waitpid(child, &status, 0) == child && status == 0;
    if (ended <= i) break;
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
  pthread_join(thread, NULL);
  assert_int_equal(ended, n);
}

static void types_have_ggufs_numbers_and_sizes(void **state) {
  (void)state;
  static const struct {
    int32_t dtype, number;
    const char *name;
    size_t elements, bytes;
  } known[] = {
      {INFERMEM_DTYPE_F32, 0, "F32", 1, 4},        {INFERMEM_DTYPE_F16, 1, "F16", 1, 2},
      {INFERMEM_DTYPE_Q4_0, 2, "Q4_0", 32, 18},    {INFERMEM_DTYPE_Q4_1, 3, "Q4_1", 32, 20},
      {INFERMEM_DTYPE_Q5_0, 6, "Q5_0", 32, 22},    {INFERMEM_DTYPE_Q8_0, 8, "Q8_0", 32, 34},
      {INFERMEM_DTYPE_Q4_K, 12, "Q4_K", 256, 144}, {INFERMEM_DTYPE_Q6_K, 14, "Q6_K", 256, 210},
      {INFERMEM_DTYPE_Q8_K, 15, "Q8_K", 256, 292}, {INFERMEM_DTYPE_F64, 28, "F64", 1, 8},
      {INFERMEM_DTYPE_BF16, 30, "BF16", 1, 2},     {INFERMEM_DTYPE_MXFP4, 39, "MXFP4", 32, 17},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    size_t elements = 0, bytes = 0;
    assert_int_equal(known[i].dtype, known[i].number);
    assert_string_equal(infermem_dtype_name(known[i].dtype), known[i].name);
    assert_ok(infermem_dtype_block(known[i].dtype, &elements, &bytes));
    assert_int_equal(elements, known[i].elements);
    assert_int_equal(bytes, known[i].bytes);
  }
  assert_string_equal(infermem_dtype_name(4), "unknown");
  assert_string_equal(infermem_dtype_name(-1), "unknown");
  size_t elements = 7, bytes = 7;
  assert_fails(INFERMEM_E_TYPE, infermem_dtype_block(4, &elements, &bytes));
  assert_fails(INFERMEM_E_NULL, infermem_dtype_block(0, NULL, &bytes));
  assert_fails(INFERMEM_E_NULL, infermem_dtype_block(0, &elements, NULL));
  assert_int_equal(elements + bytes, 14);
}

static void bytes_of_elements_are_whole_blocks(void **state) {
  (void)state;
  uint64_t bytes = 0;
  assert_ok(infermem_dtype_bytes(INFERMEM_DTYPE_Q4_0, 4096, &bytes));
  assert_int_equal(bytes, 2304);
  assert_ok(infermem_dtype_bytes(INFERMEM_DTYPE_F16, 0, &bytes));
  assert_int_equal(bytes, 0);
  assert_fails(INFERMEM_E_SHAPE, infermem_dtype_bytes(INFERMEM_DTYPE_Q4_0, 33, &bytes));
  assert_fails(INFERMEM_E_OVERFLOW, infermem_dtype_bytes(INFERMEM_DTYPE_F32, UINT64_MAX / 2, &bytes));
  assert_fails(INFERMEM_E_TYPE, infermem_dtype_bytes(99, 32, &bytes));
  assert_fails(INFERMEM_E_NULL, infermem_dtype_bytes(INFERMEM_DTYPE_F32, 1, NULL));
  assert_int_equal(bytes, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_version_is_the_headers),
      cmocka_unit_test(the_table_has_every_function_at_its_address),
      cmocka_unit_test(codes_keep_their_numbers),
      cmocka_unit_test(codes_have_names_and_sentences),
      cmocka_unit_test(the_record_tells_the_last_failure_only),
      cmocka_unit_test(the_log_hook_gets_lines_of_its_level),
      cmocka_unit_test(a_child_of_fork_logs_whatever_other_threads_did),
      cmocka_unit_test(types_have_ggufs_numbers_and_sizes),
      cmocka_unit_test(bytes_of_elements_are_whole_blocks),
  };
  return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
