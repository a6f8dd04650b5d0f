#include "io_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct io_walk io;
struct io_subject io_subject;

/* ---- The system calls under the library ---- */

static int is_met(void) { return io.at != 0 && (io.calls == io.at || (io.calls > io.at && io.for_ever)); }

/* Whether the call is to fail, with errno set. */
static int meet(enum io_call call) {
  if (!io.watching) return 0;
  if ((size_t)io.calls < sizeof io.made / sizeof *io.made) io.made[io.calls] = call;
  io.calls++;
  if (!is_met()) return 0;
  io.met = call;
  if (io.is_death) kill(getpid(), SIGKILL);
  if (io.reason == 0) return 0;
  io.refused = call;
  errno = io.reason;
  return 1;
}

/* Of n bytes to read or write, how many are. */
static size_t share(size_t n) { return !io.watching ? n : io.is_nothing && is_met() ? 0 : io.is_short ? 1 : n; }

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
  if ((fd >= 0 || !TEST_SANITIZED) && meet(fd >= 0 ? kMap : kMapNothing)) return MAP_FAILED;
  const long result = syscall(SYS_mmap, address, n, protection, flags, fd, offset);
  return result == -1 ? MAP_FAILED : (void *)result;
}

void io_nothing_happens(void) { io = (struct io_walk){0}; }

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

static const struct bytes none;

/* "it" is the former file, or there is none, and no other file is. */
static void begin(int is_there) {
  io_nothing_happens();
  unlink("it");
  if (is_there) assert_ok(io_subject.save(0, "it"));
  assert_int_equal(count_entries("."), is_there);
}

static int32_t save(void) {
  io.calls = 0;
  io.watching = 1;
  const int32_t status = io_subject.save(1, "it");
  io.watching = 0;
  return status;
}

static int count_calls(int is_there) {
  begin(is_there);
  assert_int_equal(save(), INFERMEM_OK);
  assert_true(file_is("it", io_subject.files[1]));
  return io.calls;
}

void a_file_is_on_the_disk_before_it_has_its_name_and_so_is_the_name_after(void **state) {
  (void)state;
  static const enum io_call last[] = {kWrite, kSync, kRename, kSync, kClose, kClose};
  const int n = count_calls(1), n_last = sizeof last / sizeof *last;
  assert_true(n > n_last && n <= (int)(sizeof io.made / sizeof *io.made));
  assert_memory_equal(io.made + n - n_last, last, sizeof last);
  for (int i = 0; i < n - n_last; i++) assert_true(io.made[i] != kSync && io.made[i] != kRename);
}

void every_call_may_fail(void **state) {
  (void)state;
  static const int reasons[] = {EIO, ENOSPC, EACCES, EDQUOT, EROFS, ENOMEM};
  for (int is_there = 0; is_there < 2; is_there++) {
    const int n = count_calls(is_there);
    assert_true(n >= 14);
    for (int i = 1; i <= n; i++) {
      for (size_t r = 0; r < 2 * sizeof reasons / sizeof *reasons; r++) {
        begin(is_there);
        const size_t fds = count_fds();
        io.at = i;
        io.for_ever = r % 2 == 1;
        io.reason = reasons[r / 2];
        const int32_t status = save();
        const int why = infermem_error_detail()->os_error;
        assert_int_equal(count_fds(), fds);
        const int is_renamed = i > n - 3; /* what follows: the directory's fsync, and two closes */
        if (io.met == kClose && i >= n - 1) {
          assert_int_equal(status, INFERMEM_OK);
        } else {
          assert_int_equal(status, INFERMEM_E_IO);
          assert_int_equal(why, io.reason);
          const char *const message = infermem_error_detail()->message;
          assert_true(strstr(message, "\"it\"") || strstr(message, "directory"));
          assert_string_equal(infermem_error_detail()->function, io_subject.function);
        }
        const int is_unlink_refused = io.for_ever && !is_renamed;
        io_nothing_happens();
        assert_true(file_is("it", is_renamed ? io_subject.files[1] : is_there ? io_subject.files[0] : none));
        if (is_unlink_refused) remove_temporaries();
        assert_int_equal(count_entries("."), is_there || is_renamed);
      }
    }
  }
}

void a_directory_that_has_no_sync_needs_none(void **state) {
  (void)state;
  const int n = count_calls(1);
  begin(1);
  io.at = n - 2;
  io.reason = EINVAL;
  assert_int_equal(save(), INFERMEM_OK);
  assert_int_equal(io.refused, kSync);
  assert_true(file_is("it", io_subject.files[1]));
}

void an_interrupted_call_is_made_again(void **state) {
  (void)state;
  const int n = count_calls(1);
  int interrupted = 0;
  for (int i = 1; i <= n; i++) {
    begin(1);
    io.at = i;
    io.reason = EINTR;
    const int32_t status = save();
    if (io.met != kOpen && io.met != kWrite && io.met != kSync) continue; /* no signal interrupts the others */
    interrupted++;
    assert_int_equal(status, INFERMEM_OK);
    assert_int_equal(io.calls, n + 1);
    assert_true(file_is("it", io_subject.files[1]));
    assert_int_equal(count_entries("."), 1);
  }
  assert_true(interrupted >= 10);
}

void short_writes_are_continued(void **state) {
  (void)state;
  begin(1);
  io.is_short = 1;
  assert_int_equal(save(), INFERMEM_OK);
  assert_true(io.calls > (int)io_subject.files[1].size);
  assert_true(file_is("it", io_subject.files[1]));
  begin(1);
  io.at = io.is_nothing = io.for_ever = 1;
  assert_int_equal(save(), INFERMEM_E_IO);
  io_nothing_happens();
  assert_true(file_is("it", io_subject.files[0]));
  assert_int_equal(count_entries("."), 1);
}

void a_disk_may_be_full_at_any_byte(void **state) {
  (void)state;
  begin(1);
  io.is_short = 1;
  assert_int_equal(save(), INFERMEM_OK);
  const int n = io.calls;
  for (int i = 1; i <= n; i += 5) {
    begin(1);
    io.is_short = 1;
    io.at = i;
    io.for_ever = 0;
    io.reason = ENOSPC;
    const int32_t status = save();
    if (io.met != kWrite) continue;
    io_nothing_happens();
    assert_int_equal(status, INFERMEM_E_IO);
    assert_int_equal(infermem_error_detail()->os_error, ENOSPC);
    assert_true(file_is("it", io_subject.files[0]));
    assert_int_equal(count_entries("."), 1);
  }
}

void a_process_killed_at_any_call_leaves_the_one_file_or_the_other(void **state) {
  (void)state;
  size_t olds = 0, news = 0, left = 0;
  for (int kind = 0; kind < 4; kind++) {
    const int is_there = kind % 2, bytewise = kind / 2;
    begin(is_there);
    io.is_short = bytewise;
    assert_int_equal(save(), INFERMEM_OK);
    const int n = io.calls;
    for (int i = 1; i <= n; i += bytewise ? 11 : 1) {
      begin(is_there);
      const pid_t child = fork();
      assert_true(child >= 0);
      if (child == 0) {
        io.at = i;
        io.is_death = 1;
        io.is_short = bytewise;
        save();
        _exit(0);
      }
      int status;
      assert_int_equal(waitpid(child, &status, 0), child);
      assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
      const int is_old = file_is("it", is_there ? io_subject.files[0] : none),
                is_new = file_is("it", io_subject.files[1]);
      assert_true(is_old != is_new);
      olds += (size_t)is_old;
      news += (size_t)is_new;
      assert_ok(io_subject.save(1, "it")); /* nothing is in the way */
      assert_true(file_is("it", io_subject.files[1]));
      left += remove_temporaries();
      assert_int_equal(count_entries("."), 1);
    }
  }
  assert_true(olds > 100 && news >= 6 && left > 100); /* the directory's fsync and two closes come after the new file */
}
