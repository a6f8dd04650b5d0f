/* tapes.h: what the tests of tapes and of the layout share. */
#ifndef TAPES_H
#define TAPES_H

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

static inline int32_t open_tape(size_t size, uint32_t flags, infermem_tape **out) {
  INFERMEM_STRUCT(infermem_tape_options, options);
  options.size = size;
  options.flags = flags;
  return tape_new(&options, out);
}

static inline infermem_tape *new_tape(size_t size, uint32_t flags) {
  infermem_tape *tape = NULL;
  assert_ok(open_tape(size, flags, &tape));
  return tape;
}

static inline infermem_tape *new_lent_tape(void *memory, size_t size, uint32_t flags) {
  INFERMEM_STRUCT(infermem_tape_options, options);
  options.size = size;
  options.flags = flags;
  options.lent = memory;
  infermem_tape *tape = NULL;
  assert_ok(tape_new(&options, &tape));
  return tape;
}

static inline infermem_tape_facts facts_of(const infermem_tape *tape) {
  INFERMEM_STRUCT(infermem_tape_facts, facts);
  assert_ok(tape_info(tape, &facts));
  return facts;
}

static inline size_t page(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static inline void *take(const infermem_tape *tape, size_t size, size_t align) {
  void *p = NULL;
  assert_ok(tape_alloc(tape, size, align, &p));
  assert_non_null(p);
  assert_int_equal((uintptr_t)p % align, 0);
  return p;
}

static inline size_t resident_pages(const void *base, size_t bytes) {
  const size_t pages = (bytes + page() - 1) / page();
  unsigned char *map = calloc(pages, 1);
  assert_int_equal(mincore((void *)(uintptr_t)base, bytes, map), 0);
  size_t n = 0;
  for (size_t i = 0; i < pages; i++) n += map[i] & 1;
  free(map);
  return n;
}

#endif
