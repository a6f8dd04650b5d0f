/* Profiles saved and loaded when the system refuses: each system call failing, or the last that the process makes. This
 * program defines the calls itself, and the dynamic linker sends the library's here. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"

static int watching; /* calls are counted */
static int calls;    /* since then */
static int at;       /* the number of the one to fail, from 1; 0 is none */
static int reason;   /* its errno; 0 for a process that is killed before it */
static int is_short; /* reads and writes move one byte */

static int fails(void) {
  if (!watching || ++calls != at) return 0;
  if (reason == 0) kill(getpid(), SIGKILL);
  errno = reason;
  return 1;
}

static size_t share(size_t n) { return watching && is_short && n != 0 ? 1 : n; }

#define PUBLIC __attribute__((visibility("default")))

PUBLIC int open(const char *path, int flags, ...) {
  return fails() ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
}

PUBLIC int openat(int directory, const char *path, int flags, ...) {
  return fails() ? -1 : (int)syscall(SYS_openat, directory, path, flags, 0600);
}

PUBLIC int fstat(int fd, struct stat *out) { return fails() ? -1 : (int)syscall(SYS_fstat, fd, out); }

PUBLIC ssize_t pwrite(int fd, const void *bytes, size_t n, off_t offset) {
  return fails() ? -1 : (ssize_t)syscall(SYS_pwrite64, fd, bytes, share(n), offset);
}

PUBLIC ssize_t pread(int fd, void *out, size_t n, off_t offset) {
  return fails() ? -1 : (ssize_t)syscall(SYS_pread64, fd, out, share(n), offset);
}

PUBLIC int fsync(int fd) { return fails() ? -1 : (int)syscall(SYS_fsync, fd); }

PUBLIC int renameat(int from_directory, const char *from, int to_directory, const char *to) {
  return fails() ? -1 : (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, 0);
}

static infermem_neuron *first, *second;
static struct bytes former, latter;

static infermem_neuron *make(uint32_t n_neurons) {
  INFERMEM_STRUCT(infermem_neuron_options, options);
  options.n_neurons = n_neurons;
  options.n_layers = 2;
  infermem_neuron *neuron = NULL;
  assert_ok(neuron_new(&options, &neuron));
  for (uint32_t i = 0; i < n_neurons; i += 2) assert_ok(neuron_record(neuron, i / 2 % 2, &i, 1));
  return neuron;
}

static int set_up(void **state) {
  if (files_enter(state) != 0) return -1;
  first = make(5);
  second = make(30);
  assert_ok(neuron_save(second, "it"));
  latter = file_read("it");
  assert_ok(neuron_save(first, "it"));
  former = file_read("it");
  return 0;
}

static int tear_down(void **state) {
  neuron_free(first);
  neuron_free(second);
  bytes_free(&former);
  bytes_free(&latter);
  return files_leave(state);
}

static void remove_temporaries(void) {
  DIR *entries = opendir(".");
  assert_non_null(entries);
  for (const struct dirent *entry; (entry = readdir(entries));)
    if (strncmp(entry->d_name, ".infermem-", 10) == 0) assert_int_equal(unlink(entry->d_name), 0);
  closedir(entries);
}

/* The second profile over the first, with the nth call meeting what `reason` says. */
static int32_t save(int n) {
  at = 0;
  watching = 0;
  remove_temporaries();
  assert_ok(neuron_save(first, "it"));
  calls = 0;
  at = n;
  watching = 1;
  const int32_t status = neuron_save(second, "it");
  watching = 0;
  return status;
}

static void every_call_of_a_save_may_fail(void **state) {
  (void)state;
  assert_int_equal(save(0), INFERMEM_OK);
  const int n = calls;
  assert_true(n >= 10);
  reason = ENOSPC;
  for (is_short = 0; is_short < 2; is_short++) {
    for (int i = 1; i <= n; i++) {
      const size_t fds = count_fds();
      assert_int_equal(save(i), INFERMEM_E_IO);
      assert_int_equal(infermem_error_detail()->os_error, ENOSPC);
      assert_string_equal(infermem_error_detail()->function, "neuron_save");
      assert_int_equal(count_fds(), fds);
      /* Only the directory's fsync comes after the new name. */
      assert_true(file_is("it", !is_short && i == n ? latter : former));
      assert_int_equal(count_entries("."), 1);
    }
  }
  is_short = 1;
  assert_int_equal(save(0), INFERMEM_OK);
  is_short = 0;
  assert_true(calls > (int)latter.size);
  assert_true(file_is("it", latter));
}

static void a_process_killed_at_any_call_leaves_the_one_profile_or_the_other(void **state) {
  (void)state;
  assert_int_equal(save(0), INFERMEM_OK);
  const int n = calls;
  reason = 0;
  for (int i = 1; i <= n; i++) {
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      save(i);
      _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(file_is("it", i == n ? latter : former));
  }
  remove_temporaries();
}

static void every_call_of_a_load_may_fail(void **state) {
  (void)state;
  assert_int_equal(save(0), INFERMEM_OK);
  const size_t fds = count_fds();
  reason = EIO;
  for (int i = 1;; i++) {
    infermem_neuron *neuron = NULL;
    calls = 0;
    at = i;
    watching = 1;
    const int32_t status = neuron_load("it", NULL, &neuron);
    watching = 0;
    assert_int_equal(count_fds(), fds);
    if (calls < i) {
      assert_int_equal(status, INFERMEM_OK);
      assert_int_equal(i, 1 + 2 + 1 + 2 * 3); /* open, fstat, the header, and three parts of each layer */
      neuron_free(neuron);
      break;
    }
    assert_int_equal(status, INFERMEM_E_IO);
    assert_int_equal(infermem_error_detail()->os_error, EIO);
    assert_null(neuron);
  }
  infermem_neuron *neuron = NULL;
  at = 0;
  is_short = watching = 1;
  assert_int_equal(neuron_load("it", NULL, &neuron), INFERMEM_OK);
  is_short = watching = 0;
  assert_ok(neuron_save(neuron, "other"));
  assert_true(file_is("other", latter));
  assert_int_equal(unlink("other"), 0);
  neuron_free(neuron);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_call_of_a_save_may_fail),
      cmocka_unit_test(a_process_killed_at_any_call_leaves_the_one_profile_or_the_other),
      cmocka_unit_test(every_call_of_a_load_may_fail),
  };
  return cmocka_run_group_tests_name("neuron_io", tests, set_up, tear_down);
}
