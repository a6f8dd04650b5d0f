/* Saving and loading caches when the system refuses. */
#include <errno.h>

#include "io_walk.h"
#include "saved_kv.h"

static const struct kv_form *const kForm = &kKvForms[3];
static infermem_kv *first, *second, *empty;
static struct kv_seen seen[2]; /* the first, and the empty */

static int32_t save(int which, const char *path) {
  return kv_save(which ? second : first, path, kForm->fingerprint, kForm->n_fingerprint);
}

static int set_up(void **state) {
  if (files_enter(state) != 0) return -1;
  first = kv_form_new(kForm, 8);
  kv_form_append(first, kForm, 1, 2);
  assert_ok(kv_advance(first, 2));
  second = kv_form_make(kForm);
  empty = kv_form_new(kForm, 8);
  io_subject.function = "kv_save";
  io_subject.save = save;
  io_subject.files[0] = kv_saved(first, kForm);
  io_subject.files[1] = data_read("kv", kForm->name, "kv");
  return 0;
}

static int tear_down(void **state) {
  kv_free(first);
  kv_free(second);
  kv_free(empty);
  for (int i = 0; i < 2; i++) bytes_free(&io_subject.files[i]);
  return files_leave(state);
}

/* Loads the second into a cache that has something in it, or into an empty one. */
static int32_t load(infermem_kv *kv) {
  io.calls = 0;
  io.watching = 1;
  const int32_t status = kv_load(kv, "it", kForm->fingerprint, kForm->n_fingerprint);
  io.watching = 0;
  return status;
}

static void assert_loaded(const infermem_kv *kv) {
  struct bytes now = kv_saved(kv, kForm);
  assert_bytes(now, io_subject.files[1]);
  bytes_free(&now);
}

/* The cache as it was before it loaded the second. */
static void restore(infermem_kv *kv) {
  assert_ok(kv_clear(kv));
  if (kv == empty) return;
  kv_form_append(kv, kForm, 1, 2);
  assert_ok(kv_advance(kv, 2));
  kv_form_append(kv, kForm, 6, 3); /* pending */
}

static void every_call_of_a_load_may_fail(void **state) {
  (void)state;
  static const int reasons[] = {EIO, ENOMEM, EACCES};
  io_nothing_happens();
  assert_ok(save(1, "it"));
  for (int is_empty = 0; is_empty < 2; is_empty++) {
    infermem_kv *const kv = is_empty ? empty : first;
    io_nothing_happens();
    restore(kv);
    assert_int_equal(load(kv), INFERMEM_OK);
    assert_loaded(kv);
    const int n = io.calls;
    assert_true(
        n >= 14 &&
        n <= (int)(sizeof io.made /
                   sizeof *io.made)); /* open, fstat, a header, types and four arrays with a checksum each, close */
    restore(kv);
    kv_see(kv, 2, &seen[is_empty]);
    const size_t fds = count_fds(), maps = count_maps();
    for (int i = 1; i <= n; i++) {
      for (size_t r = 0; r < 2 * sizeof reasons / sizeof *reasons; r++) {
        io_nothing_happens();
        io.at = i;
        io.reason = reasons[r / 2];
        io.for_ever = r % 2 == 1;
        const int32_t status = load(kv);
        assert_int_equal(count_fds(), fds);
        if (!TEST_SANITIZED) assert_int_equal(count_maps(), maps);
        if (io.met == kClose && i == n) {
          assert_int_equal(status, INFERMEM_OK);
          restore(kv);
          kv_see(kv, 2, &seen[is_empty]);
          continue;
        }
        assert_int_equal(status, io.made[i - 1] == kMapNothing ? INFERMEM_E_NOMEM : INFERMEM_E_IO);
        assert_int_equal(infermem_error_detail()->os_error, reasons[r / 2]);
        assert_string_equal(infermem_error_detail()->function, "kv_load");
        assert_as_seen(kv, 2, &seen[is_empty]);
      }
      io_nothing_happens();
      io.at = i;
      io.reason = EINTR;
      const int32_t status = load(kv);
      if (io.met != kOpen && io.met != kRead && status != INFERMEM_OK) continue; /* no signal interrupts the others */
      assert_int_equal(status, INFERMEM_OK);
      assert_loaded(kv);
      restore(kv);
      kv_see(kv, 2, &seen[is_empty]);
    }
    io_nothing_happens();
    io.is_short = 1;
    assert_int_equal(load(kv), INFERMEM_OK);
    assert_true(io.calls > (int)io_subject.files[1].size);
    assert_loaded(kv);
    restore(kv);
    kv_see(kv, 2, &seen[is_empty]);
    for (int i = 3; i < n; i++) {
      io_nothing_happens();
      io.at = i;
      io.is_nothing = io.for_ever = 1; /* it was cut short meanwhile */
      assert_int_equal(load(kv), INFERMEM_E_TRUNCATED);
      assert_as_seen(kv, 2, &seen[is_empty]);
    }
    io_nothing_happens();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      IO_TESTS_OF_SAVING,
      cmocka_unit_test(every_call_of_a_load_may_fail),
  };
  return cmocka_run_group_tests_name("kv_io", tests, set_up, tear_down);
}
