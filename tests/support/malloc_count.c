/* malloc and its relatives, counting. Linked into a program of its own: the dynamic linker sends every call of the
 * process here, the library's too. */
#include "malloc_count.h"

#include <errno.h>
#include <stddef.h>

size_t malloc_calls;

/* The C library's own, under the names that it keeps for this purpose. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *pointer, size_t size);
void *__libc_memalign(size_t align, size_t size);
void __libc_free(void *pointer);

static void count(void) { __atomic_fetch_add(&malloc_calls, 1, __ATOMIC_RELAXED); }

void *malloc(size_t size) {
  count();
  return __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
  count();
  return __libc_calloc(n, size);
}

void *realloc(void *pointer, size_t size) {
  count();
  return __libc_realloc(pointer, size);
}

void *memalign(size_t align, size_t size) {
  count();
  return __libc_memalign(align, size);
}

void *aligned_alloc(size_t align, size_t size) { return memalign(align, size); }

int posix_memalign(void **out, size_t align, size_t size) {
  void *pointer = memalign(align, size);
  if (!pointer) return ENOMEM;
  *out = pointer;
  return 0;
}

void free(void *pointer) { __libc_free(pointer); }
