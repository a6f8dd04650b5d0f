/* Where matrices are saved: paths, permissions, links, what another process left behind, limits, threads. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "saved.h"

static void paths_that_cannot_be_are_refused(void **state) {
  (void)state;
  infermem_quant *made = make(&kForms[0]), *q = NULL;
  char long_name[300], long_path[9000];
  memset(long_name, 'x', sizeof long_name - 1);
  long_name[sizeof long_name - 1] = '\0';
  for (size_t i = 0; i < sizeof long_path - 1; i += 2) memcpy(long_path + i, "./", 2);
  memcpy(long_path + sizeof long_path - 3, "it", 3);
  assert_int_equal(mkdir("folder", 0700), 0);
  assert_int_equal(mkfifo("fifo", 0600), 0);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const struct sockaddr_un address = {AF_UNIX, "socket"};
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
  close(fd);
  assert_ok(quant_save(made, "plain"));
  assert_int_equal(symlink("folder", "to_folder"), 0);
  assert_int_equal(symlink("fifo", "to_fifo"), 0);
  const size_t entries = count_entries(".");

  static const char *const no_file[] = {"",        "folder", "folder/", "folder/..", ".",      "/",
                                        "plain/.", "fifo",   "socket",  "to_folder", "to_fifo"};
  for (size_t i = 0; i < sizeof no_file / sizeof *no_file; i++) {
    const int32_t due = strcmp(no_file[i], "plain/.") == 0 ? INFERMEM_E_IO : INFERMEM_E_ARG;
    assert_fails(due, quant_save(made, no_file[i]));
  }
  const struct {
    const char *path;
    int error;
  } refused[] = {{"none/it", ENOENT}, {"plain/it", ENOTDIR}, {long_name, ENAMETOOLONG}, {long_path, ENAMETOOLONG}};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    assert_fails(INFERMEM_E_IO, quant_save(made, refused[i].path));
    assert_int_equal(infermem_error_detail()->os_error, refused[i].error);
    assert_fails(INFERMEM_E_IO, quant_load(refused[i].path, NULL, &q));
    assert_int_equal(infermem_error_detail()->os_error, refused[i].error);
  }
  assert_fails(INFERMEM_E_FORMAT, quant_load("folder", NULL, &q));
  assert_fails(INFERMEM_E_FORMAT, quant_load("fifo", NULL, &q));
  assert_fails(INFERMEM_E_IO, quant_load("socket", NULL, &q));
  assert_fails(INFERMEM_E_IO, quant_load("", NULL, &q));
  assert_int_equal(count_entries("."), entries);
  assert_int_equal(count_entries("folder"), 0);
  assert_ok(quant_save(made, "folder/../folder/it"));
  assert_int_equal(unlink("folder/it"), 0);
  assert_int_equal(rmdir("folder"), 0);
  assert_null(q);
  quant_free(made);
}

static void messages_show_no_control_characters(void **state) {
  (void)state;
  infermem_quant *made = make(&kForms[0]);
  assert_fails(INFERMEM_E_IO, quant_save(made, "a\x1b[31m/b\n"));
  assert_non_null(strstr(infermem_error_detail()->message, "a?[31m"));
  quant_free(made);
}

/* ---- The file's place ---- */

static mode_t mode_of(const char *path) {
  struct stat status;
  assert_int_equal(lstat(path, &status), 0);
  return status.st_mode;
}

static void a_files_permissions_are_kept_and_new_ones_are_the_users(void **state) {
  (void)state;
  infermem_quant *q = make(&kForms[0]);
  const mode_t before = umask(027);
  assert_ok(quant_save(q, "new"));
  assert_int_equal(mode_of("new"), S_IFREG | 0640);
  static const mode_t modes[] = {0600, 0666, 0444, 0755, 0};
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    assert_int_equal(chmod("new", modes[i]), 0);
    assert_ok(quant_save(q, "new"));
    assert_int_equal(mode_of("new"), S_IFREG | modes[i]);
  }
  umask(before);
  assert_int_equal(unlink("new"), 0);
  quant_free(q);
}

static void links_keep_what_they_have(void **state) {
  (void)state;
  infermem_quant *q = make(&kForms[0]), *other = make(&kForms[1]);
  struct bytes first = golden(kForms[0].name, "quant"), second = golden(kForms[1].name, "quant");
  assert_ok(quant_save(q, "one"));
  assert_int_equal(link("one", "hard"), 0);
  assert_int_equal(symlink("one", "soft"), 0);
  assert_int_equal(symlink("nowhere", "dangling"), 0);
  assert_ok(quant_save(other, "hard"));
  assert_true(file_is("one", first) && file_is("hard", second));
  assert_ok(quant_save(other, "soft"));
  assert_true(S_ISREG(mode_of("soft")));
  assert_true(file_is("one", first) && file_is("soft", second));
  assert_ok(quant_save(other, "dangling"));
  assert_true(S_ISREG(mode_of("dangling")));
  assert_true(file_is("dangling", second));
  assert_true(access("nowhere", F_OK) != 0);
  infermem_quant *loaded = NULL; /* loading follows them */
  assert_int_equal(symlink("one", "again"), 0);
  assert_ok(quant_load("again", NULL, &loaded));
  assert_same(q, loaded);
  quant_free(loaded);
  bytes_free(&first);
  bytes_free(&second);
  quant_free(q);
  quant_free(other);
}

/* What a killed process of our number left does not lock us out, and is left alone. */
static void temporaries_of_others_are_stepped_over(void **state) {
  (void)state;
  enum { kNames = 2000 };
  char name[64];
  infermem_quant *q = make(&kForms[0]);
  for (int i = 0; i < kNames; i++) {
    snprintf(name, sizeof name, ".infermem-%ld-%d.tmp", (long)getpid(), i);
    file_write(name, "x", 1);
  }
  for (int i = 0; i < 5; i++) assert_ok(quant_save(q, "it"));
  for (int i = 0; i < kNames; i++) {
    snprintf(name, sizeof name, ".infermem-%ld-%d.tmp", (long)getpid(), i);
    assert_int_equal(unlink(name), 0);
  }
  quant_free(q);
}

static void the_limit_on_the_size_of_files_is_an_error_and_no_signal(void **state) {
  (void)state;
  infermem_quant *q = make(&kForms[3]), *small = make(&kForms[1]);
  struct bytes former = golden(kForms[1].name, "quant");
  assert_ok(quant_save(small, "it"));
  const size_t entries = count_entries(".");
  struct rlimit limit, less;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  less = limit;
  for (less.rlim_cur = 0; less.rlim_cur < 1600; less.rlim_cur += 100) {
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
    const int32_t status = quant_save(q, "it");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(status, INFERMEM_E_IO);
    assert_int_equal(infermem_error_detail()->os_error, EFBIG);
    assert_true(file_is("it", former));
    assert_int_equal(count_entries("."), entries);
  }
  bytes_free(&former);
  quant_free(small);
  quant_free(q);
}

static void *save_and_load(void *matrix) {
  static int failures;
  for (int i = 0; i < 20; i++) {
    infermem_quant *loaded = NULL;
    if (quant_save(matrix, "shared") != INFERMEM_OK || quant_load("shared", NULL, &loaded) != INFERMEM_OK ||
        quant_verify(loaded) != INFERMEM_OK)
      return &failures;
    quant_free(loaded);
  }
  return NULL;
}

static void many_threads_save_to_one_path(void **state) {
  (void)state;
  enum { kThreads = 4 };
  pthread_t threads[kThreads];
  infermem_quant *q[kThreads];
  for (int i = 0; i < kThreads; i++) q[i] = make(&kForms[i]);
  for (int i = 0; i < kThreads; i++) assert_int_equal(pthread_create(&threads[i], NULL, save_and_load, q[i]), 0);
  for (int i = 0; i < kThreads; i++) {
    void *failed;
    assert_int_equal(pthread_join(threads[i], &failed), 0);
    assert_null(failed);
    quant_free(q[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(paths_that_cannot_be_are_refused),
      cmocka_unit_test(messages_show_no_control_characters),
      cmocka_unit_test(a_files_permissions_are_kept_and_new_ones_are_the_users),
      cmocka_unit_test(links_keep_what_they_have),
      cmocka_unit_test(temporaries_of_others_are_stepped_over),
      cmocka_unit_test(the_limit_on_the_size_of_files_is_an_error_and_no_signal),
      cmocka_unit_test(many_threads_save_to_one_path),
  };
  return cmocka_run_group_tests_name("quant_place", tests, files_enter, files_leave);
}
