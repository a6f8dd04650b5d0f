/* Saving and loading when the system refuses: each system call failing, interrupted, short, or the last that the process
 * makes. This program defines the calls itself, and the dynamic linker sends the library's here. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "saved.h"

/* ---- The system calls under the library ---- */

enum call { kNone, kOpen, kStat, kMode, kWrite, kSync, kRename, kUnlink, kClose, kRead, kMap };

static int watching;       /* calls are counted */
static int calls;          /* since then */
static int at;             /* the number of the one to meet something, from 1; 0 is none */
static int for_ever;       /* and all after it */
static int reason;         /* its errno; 0 fails none */
static int is_death;       /* the process is killed before it */
static int is_nothing;     /* it reads or writes nothing */
static int is_short;       /* all reads and writes move one byte */
static enum call met;      /* what it was */
static enum call refused;  /* the last that failed */
static enum call made[64]; /* the first calls */

static int is_met(void) { return at != 0 && (calls == at || (calls > at && for_ever)); }

/* Whether the call is to fail, with errno set. */
static int meet(enum call call) {
  if (!watching) return 0;
  if ((size_t)calls < sizeof made / sizeof *made) made[calls] = call;
  calls++;
  if (!is_met()) return 0;
  met = call;
  if (is_death) kill(getpid(), SIGKILL);
  if (reason == 0) return 0;
  refused = call;
  errno = reason;
  return 1;
}

/* Of n bytes to read or write, how many are. */
static size_t share(size_t n) { return !watching ? n : is_nothing && is_met() ? 0 : is_short ? 1 : n; }

#define PUBLIC __attribute__((visibility("default")))

PUBLIC int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return meet(kOpen) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

PUBLIC int openat(int directory, const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return meet(kOpen) ? -1 : (int)syscall(SYS_openat, directory, path, flags, mode);
}

PUBLIC int fstatat(int directory, const char *path, struct stat *out, int flags) {
  return meet(kStat) ? -1 : (int)syscall(SYS_newfstatat, directory, path, out, flags);
}

PUBLIC int fstat(int fd, struct stat *out) { return meet(kStat) ? -1 : (int)syscall(SYS_fstat, fd, out); }

PUBLIC int fchmod(int fd, mode_t mode) { return meet(kMode) ? -1 : (int)syscall(SYS_fchmod, fd, mode); }

PUBLIC ssize_t pwrite(int fd, const void *bytes, size_t n, off_t offset) {
  return meet(kWrite) ? -1 : (ssize_t)syscall(SYS_pwrite64, fd, bytes, share(n), offset);
}

PUBLIC ssize_t pread(int fd, void *out, size_t n, off_t offset) {
  return meet(kRead) ? -1 : (ssize_t)syscall(SYS_pread64, fd, out, share(n), offset);
}

PUBLIC int fsync(int fd) { return meet(kSync) ? -1 : (int)syscall(SYS_fsync, fd); }

PUBLIC int renameat(int from_directory, const char *from, int to_directory, const char *to) {
  return meet(kRename) ? -1 : (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, 0);
}

PUBLIC int unlinkat(int directory, const char *path, int flags) {
  return meet(kUnlink) ? -1 : (int)syscall(SYS_unlinkat, directory, path, flags);
}

PUBLIC int close(int fd) { /* closes all the same, as Linux does */
  const int fails = meet(kClose);
  const int why = errno;
  const int result = (int)syscall(SYS_close, fd);
  if (fails) errno = why;
  return fails ? -1 : result;
}

/* AddressSanitizer keeps its own account of mappings, but for those of files. */
PUBLIC void *mmap(void *address, size_t n, int protection, int flags, int fd, off_t offset) {
  if (fd >= 0 && meet(kMap)) return MAP_FAILED;
  const long result = syscall(SYS_mmap, address, n, protection, flags, fd, offset);
  return result == -1 ? MAP_FAILED : (void *)result;
}

static void nothing_happens(void) {
  watching = at = for_ever = reason = is_short = is_nothing = is_death = 0;
  met = refused = kNone;
}

/* ---- Saving ---- */

/* What killed processes have left. */
static size_t remove_temporaries(void) {
  DIR *entries = opendir(".");
  assert_non_null(entries);
  size_t n = 0;
  for (const struct dirent *entry; (entry = readdir(entries));) {
    if (strncmp(entry->d_name, ".infermem-", 10) != 0) continue;
    assert_int_equal(unlink(entry->d_name), 0);
    n++;
  }
  closedir(entries);
  return n;
}

static infermem_quant *first, *second;
static struct bytes former, latter, none;

static int set_up(void **state) {
  if (files_enter(state) != 0) return -1;
  first = make(&kForms[1]);
  second = make(&kForms[2]);
  former = golden(kForms[1].name, "quant");
  latter = golden(kForms[2].name, "quant");
  return 0;
}

static int tear_down(void **state) {
  quant_free(first);
  quant_free(second);
  bytes_free(&former);
  bytes_free(&latter);
  return files_leave(state);
}

/* "it" is the former file, or there is none, and no other file is. */
static void begin(int is_there) {
  nothing_happens();
  unlink("it");
  if (is_there) assert_ok(quant_save(first, "it"));
  assert_int_equal(count_entries("."), is_there);
}

static int32_t save(void) {
  calls = 0;
  watching = 1;
  const int32_t status = quant_save(second, "it");
  watching = 0;
  return status;
}

static int count_calls(int is_there) {
  begin(is_there);
  assert_int_equal(save(), INFERMEM_OK);
  assert_true(file_is("it", latter));
  return calls;
}

static void a_file_is_on_the_disk_before_it_has_its_name_and_so_is_the_name_after(void **state) {
  (void)state;
  static const enum call last[] = {kWrite, kSync, kRename, kSync, kClose, kClose};
  const int n = count_calls(1), n_last = sizeof last / sizeof *last;
  assert_true(n > n_last && n <= (int)(sizeof made / sizeof *made));
  assert_memory_equal(made + n - n_last, last, sizeof last);
  for (int i = 0; i < n - n_last; i++) assert_true(made[i] != kSync && made[i] != kRename);
}

static void every_call_may_fail(void **state) {
  (void)state;
  static const int reasons[] = {EIO, ENOSPC, EACCES, EDQUOT, EROFS, ENOMEM};
  for (int is_there = 0; is_there < 2; is_there++) {
    const int n = count_calls(is_there);
    assert_true(n >= 14);
    for (int i = 1; i <= n; i++) {
      for (size_t r = 0; r < 2 * sizeof reasons / sizeof *reasons; r++) {
        begin(is_there);
        const size_t fds = count_fds();
        at = i;
        for_ever = r % 2 == 1;
        reason = reasons[r / 2];
        const int32_t status = save();
        const int why = infermem_error_detail()->os_error;
        assert_int_equal(count_fds(), fds);
        const int is_renamed = i > n - 3; /* what follows: the directory's fsync, and two closes */
        if (met == kClose && i >= n - 1) {
          assert_int_equal(status, INFERMEM_OK);
        } else {
          assert_int_equal(status, INFERMEM_E_IO);
          assert_int_equal(why, reason);
          const char *const message = infermem_error_detail()->message;
          assert_true(strstr(message, "\"it\"") || strstr(message, "directory"));
          assert_string_equal(infermem_error_detail()->function, "quant_save");
        }
        const int is_unlink_refused = for_ever && !is_renamed;
        nothing_happens();
        assert_true(file_is("it", is_renamed ? latter : is_there ? former : none));
        if (is_unlink_refused) remove_temporaries();
        assert_int_equal(count_entries("."), is_there || is_renamed);
      }
    }
  }
}

static void a_directory_that_has_no_sync_needs_none(void **state) {
  (void)state;
  const int n = count_calls(1);
  begin(1);
  at = n - 2;
  reason = EINVAL;
  assert_int_equal(save(), INFERMEM_OK);
  assert_int_equal(refused, kSync);
  assert_true(file_is("it", latter));
}

static void an_interrupted_call_is_made_again(void **state) {
  (void)state;
  const int n = count_calls(1);
  int interrupted = 0;
  for (int i = 1; i <= n; i++) {
    begin(1);
    at = i;
    reason = EINTR;
    const int32_t status = save();
    if (met != kOpen && met != kWrite && met != kSync) continue; /* no signal interrupts the others */
    interrupted++;
    assert_int_equal(status, INFERMEM_OK);
    assert_int_equal(calls, n + 1);
    assert_true(file_is("it", latter));
    assert_int_equal(count_entries("."), 1);
  }
  assert_true(interrupted >= 10);
}

static void short_writes_are_continued(void **state) {
  (void)state;
  begin(1);
  is_short = 1;
  assert_int_equal(save(), INFERMEM_OK);
  assert_true(calls > (int)latter.size);
  assert_true(file_is("it", latter));
  begin(1);
  at = is_nothing = for_ever = 1;
  assert_int_equal(save(), INFERMEM_E_IO);
  nothing_happens();
  assert_true(file_is("it", former));
  assert_int_equal(count_entries("."), 1);
}

static void a_disk_may_be_full_at_any_byte(void **state) {
  (void)state;
  begin(1);
  is_short = 1;
  assert_int_equal(save(), INFERMEM_OK);
  const int n = calls;
  for (int i = 1; i <= n; i += 5) {
    begin(1);
    is_short = 1;
    at = i;
    for_ever = 0;
    reason = ENOSPC;
    const int32_t status = save();
    if (met != kWrite) continue;
    nothing_happens();
    assert_int_equal(status, INFERMEM_E_IO);
    assert_int_equal(infermem_error_detail()->os_error, ENOSPC);
    assert_true(file_is("it", former));
    assert_int_equal(count_entries("."), 1);
  }
}

static void a_process_killed_at_any_call_leaves_the_one_file_or_the_other(void **state) {
  (void)state;
  size_t olds = 0, news = 0, left = 0;
  for (int kind = 0; kind < 4; kind++) {
    const int is_there = kind % 2, bytewise = kind / 2;
    begin(is_there);
    is_short = bytewise;
    assert_int_equal(save(), INFERMEM_OK);
    const int n = calls;
    for (int i = 1; i <= n; i += bytewise ? 11 : 1) {
      begin(is_there);
      const pid_t child = fork();
      assert_true(child >= 0);
      if (child == 0) {
        at = i;
        is_death = 1;
        is_short = bytewise;
        save();
        _exit(0);
      }
      int status;
      assert_int_equal(waitpid(child, &status, 0), child);
      assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
      const int is_old = file_is("it", is_there ? former : none), is_new = file_is("it", latter);
      assert_true(is_old != is_new);
      olds += (size_t)is_old;
      news += (size_t)is_new;
      assert_ok(quant_save(second, "it")); /* nothing is in the way */
      assert_true(file_is("it", latter));
      left += remove_temporaries();
      assert_int_equal(count_entries("."), 1);
    }
  }
  assert_true(olds > 100 && news >= 6 && left > 100); /* the directory's fsync and two closes come after the new file */
}

/* ---- Loading ---- */

static int32_t load(infermem_quant **out) {
  *out = NULL;
  calls = 0;
  watching = 1;
  const int32_t status = quant_load("it", NULL, out);
  watching = 0;
  return status;
}

static void every_call_of_a_load_may_fail(void **state) {
  (void)state;
  begin(1);
  infermem_quant *q;
  assert_int_equal(load(&q), INFERMEM_OK);
  quant_free(q);
  const int n = calls;
  assert_int_equal(n, 5); /* open, fstat, pread, mmap, close */
  const size_t fds = count_fds(), maps = count_maps();
  for (int i = 1; i <= n; i++) {
    nothing_happens();
    at = i;
    reason = EIO;
    const int32_t status = load(&q);
    assert_int_equal(status, met == kClose ? INFERMEM_OK : met == kMap ? INFERMEM_E_SYSTEM : INFERMEM_E_IO);
    if (status != INFERMEM_OK) {
      assert_int_equal(infermem_error_detail()->os_error, EIO);
      assert_string_equal(infermem_error_detail()->function, "quant_load");
    }
    quant_free(q);
    reason = EINTR;
    const int32_t again = load(&q);
    if (met == kOpen || met == kRead) assert_int_equal(again, INFERMEM_OK);
    quant_free(q);
    assert_int_equal(count_fds(), fds);
    assert_int_equal(count_maps(), maps);
  }
  nothing_happens();
  is_short = 1;
  assert_int_equal(load(&q), INFERMEM_OK);
  assert_true(calls > 256);
  assert_same(q, first);
  quant_free(q);
  nothing_happens();
  at = is_nothing = for_ever = 1; /* it was cut short meanwhile */
  assert_int_equal(load(&q), INFERMEM_E_TRUNCATED);
  assert_null(q);
  nothing_happens();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_file_is_on_the_disk_before_it_has_its_name_and_so_is_the_name_after),
      cmocka_unit_test(every_call_may_fail),
      cmocka_unit_test(a_directory_that_has_no_sync_needs_none),
      cmocka_unit_test(an_interrupted_call_is_made_again),
      cmocka_unit_test(short_writes_are_continued),
      cmocka_unit_test(a_disk_may_be_full_at_any_byte),
      cmocka_unit_test(a_process_killed_at_any_call_leaves_the_one_file_or_the_other),
      cmocka_unit_test(every_call_of_a_load_may_fail),
  };
  return cmocka_run_group_tests_name("quant_io", tests, set_up, tear_down);
}
