#include "fake_root.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

char root[64];

int make_root(void) {
  strcpy(root, "/tmp/infermem-root-XXXXXX");
  if (!mkdtemp(root)) return -1;
  return chmod(root, 0755);
}

void remove_root(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", root);
  assert_int_equal(system(command), 0);
}

/* The path within the root, once its folders are there. */
static void make_folders(const char *path, char *full, size_t capacity) {
  snprintf(full, capacity, "%s/%s", root, path);
  for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
    *slash = '\0';
    assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
    *slash = '/';
  }
}

void put(const char *path, const char *text) {
  char full[512];
  make_folders(path, full, sizeof full);
  FILE *file = fopen(full, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

void put_link(const char *path, const char *target) {
  char full[512];
  make_folders(path, full, sizeof full);
  assert_int_equal(symlink(target, full), 0);
}

void put_meminfo(void) {
  put("proc/meminfo",
      "MemTotal:       16000000 kB\nMemFree:         1000000 kB\nMemAvailable:   12000000 kB\nHugePages_Total:      "
      "10\n"
      "HugePages_Free:        7\nHugePages_Rsvd:        1\nHugepagesize:       2048 kB\nHugetlb:           20480 kB\n");
}
