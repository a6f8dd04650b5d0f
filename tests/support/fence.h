/* fence.h: memory between two pages that cannot be touched. */
#ifndef FENCE_H
#define FENCE_H

#include <sys/mman.h>
#include <unistd.h>

#include "support.h"

struct fenced {
  unsigned char *mapping, *begin, *end;
  size_t size;
};

/* Whole pages, of at least so many bytes. */
static inline struct fenced fence(size_t size) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  struct fenced f;
  f.size = (size + page - 1) / page * page + 2 * page;
  f.mapping = mmap(NULL, f.size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(f.mapping != MAP_FAILED);
  f.begin = f.mapping + page;
  f.end = f.mapping + f.size - page;
  assert_int_equal(mprotect(f.begin, f.size - 2 * page, PROT_READ | PROT_WRITE), 0);
  return f;
}

static inline void unfence(const struct fenced *f) { munmap(f->mapping, f->size); }

#endif
