/* Saving and loading matrices when the system refuses. */
#include <errno.h>

#include "io_walk.h"
#include "saved.h"

static infermem_quant *first, *second;

static int32_t save(int which, const char *path) { return quant_save(which ? second : first, path); }

static int set_up(void **state) {
  if (files_enter(state) != 0) return -1;
  first = make(&kForms[1]);
  second = make(&kForms[2]);
  io_subject.function = "quant_save";
  io_subject.save = save;
  io_subject.files[0] = golden(kForms[1].name, "quant");
  io_subject.files[1] = golden(kForms[2].name, "quant");
  return 0;
}

static int tear_down(void **state) {
  quant_free(first);
  quant_free(second);
  for (int i = 0; i < 2; i++) bytes_free(&io_subject.files[i]);
  return files_leave(state);
}

static int32_t load(infermem_quant **out) {
  *out = NULL;
  io.calls = 0;
  io.watching = 1;
  const int32_t status = quant_load("it", NULL, out);
  io.watching = 0;
  return status;
}

static void every_call_of_a_load_may_fail(void **state) {
  (void)state;
  io_nothing_happens();
  assert_ok(quant_save(first, "it"));
  infermem_quant *q;
  assert_int_equal(load(&q), INFERMEM_OK);
  quant_free(q);
  const int n = io.calls;
  assert_int_equal(n, 5); /* open, fstat, pread, mmap, close */
  const size_t fds = count_fds(), maps = count_maps();
  for (int i = 1; i <= n; i++) {
    io_nothing_happens();
    io.at = i;
    io.reason = EIO;
    const int32_t status = load(&q);
    assert_int_equal(status, io.met == kClose ? INFERMEM_OK : io.met == kMap ? INFERMEM_E_SYSTEM : INFERMEM_E_IO);
    if (status != INFERMEM_OK) {
      assert_int_equal(infermem_error_detail()->os_error, EIO);
      assert_string_equal(infermem_error_detail()->function, "quant_load");
    }
    quant_free(q);
    io.reason = EINTR;
    const int32_t again = load(&q);
    if (io.met == kOpen || io.met == kRead) assert_int_equal(again, INFERMEM_OK);
    quant_free(q);
    assert_int_equal(count_fds(), fds);
    assert_int_equal(count_maps(), maps);
  }
  io_nothing_happens();
  io.is_short = 1;
  assert_int_equal(load(&q), INFERMEM_OK);
  assert_true(io.calls > 256);
  assert_same(q, first);
  quant_free(q);
  io_nothing_happens();
  io.at = io.is_nothing = io.for_ever = 1; /* it was cut short meanwhile */
  assert_int_equal(load(&q), INFERMEM_E_TRUNCATED);
  assert_null(q);
  io_nothing_happens();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      IO_TESTS_OF_SAVING,
      cmocka_unit_test(every_call_of_a_load_may_fail),
  };
  return cmocka_run_group_tests_name("quant_io", tests, set_up, tear_down);
}
