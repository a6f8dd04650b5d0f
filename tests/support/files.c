#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "infermem-test-XXXXXX";

int files_enter(void **state) {
  (void)state;
  return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

int files_leave(void **state) {
  (void)state;
  DIR *entries = opendir(".");
  assert_non_null(entries);
  for (const struct dirent *entry; (entry = readdir(entries));)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) assert_int_equal(remove(entry->d_name), 0);
  closedir(entries);
  return chdir("..") == 0 && rmdir(directory) == 0 ? 0 : -1;
}

struct bytes file_read(const char *path) {
  struct bytes b = {NULL, 0};
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return b;
  struct stat status;
  assert_int_equal(fstat(fd, &status), 0);
  b.size = (size_t)status.st_size;
  b.data = aligned_alloc(64, (b.size / 64 + 1) * 64);
  assert_non_null(b.data);
  for (size_t at = 0; at < b.size;) {
    const ssize_t n = read(fd, b.data + at, b.size - at);
    assert_true(n > 0);
    at += (size_t)n;
  }
  close(fd);
  return b;
}

struct bytes data_read(const char *folder, const char *name, const char *extension) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s/%s.%s", TEST_DATA, folder, name, extension);
  struct bytes b = file_read(path);
  assert_non_null(b.data);
  return b;
}

void file_write(const char *path, const void *data, size_t n) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(n == 0 ? 0 : write(fd, data, n), n);
  assert_int_equal(close(fd), 0);
}

void bytes_free(struct bytes *b) {
  free(b->data);
  b->data = NULL;
  b->size = 0;
}

void assert_bytes(struct bytes got, struct bytes expected) {
  assert_non_null(got.data);
  assert_int_equal(got.size, expected.size);
  assert_memory_equal(got.data, expected.data, expected.size);
}

int file_is(const char *path, struct bytes expected) {
  struct bytes got = file_read(path);
  const int same = (got.data == NULL) == (expected.data == NULL) && got.size == expected.size &&
                   (!got.data || memcmp(got.data, expected.data, got.size) == 0);
  bytes_free(&got);
  return same;
}

size_t count_entries(const char *path) {
  DIR *entries = opendir(path);
  assert_non_null(entries);
  size_t n = 0;
  while (readdir(entries)) n++;
  closedir(entries);
  return n - 2; /* . and .. */
}

size_t count_fds(void) { return count_entries("/proc/self/fd"); }

size_t count_maps(void) {
  FILE *maps = fopen("/proc/self/maps", "r");
  assert_non_null(maps);
  size_t n = 0;
  for (int c; (c = fgetc(maps)) != EOF;) n += c == '\n';
  fclose(maps);
  return n;
}
