/* files.h: a directory of the test's own, and whole files in it. */
#ifndef FILES_H
#define FILES_H

#include "support.h"

struct bytes {
  unsigned char *data; /* at a multiple of 64; NULL where there is no such file */
  size_t size;
};

/* A group set-up and tear-down: a new directory is the current one in between, and is removed with what is in it. */
int files_enter(void **state);
int files_leave(void **state);

struct bytes file_read(const char *path);
/* data/FOLDER/NAME.EXTENSION */
struct bytes data_read(const char *folder, const char *name, const char *extension);
void file_write(const char *path, const void *data, size_t n);
void bytes_free(struct bytes *b);
void assert_bytes(struct bytes got, struct bytes expected);
/* Whether the file has these bytes; of no data, whether there is none. */
int file_is(const char *path, struct bytes expected);

/* How many entries a directory has. */
size_t count_entries(const char *path);
/* How many files the process has open, and how many mappings. */
size_t count_fds(void);
size_t count_maps(void);

#endif
