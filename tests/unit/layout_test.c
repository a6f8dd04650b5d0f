/* Tapes and the layout: every function of infermem/layout.h, with the errors that it documents.
 *
 * Figures are exact where no red zones are in force. A library that marks memory for Valgrind or AddressSanitizer keeps
 * red_zone bytes before every allocation but the first, and the tests reckon with them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

static int32_t open_tape(size_t size, uint32_t flags, infermem_tape **out) {
  INFERMEM_STRUCT(infermem_tape_options, options);
  options.size = size;
  options.flags = flags;
  return tape_new(&options, out);
}

static infermem_tape *new_tape(size_t size, uint32_t flags) {
  infermem_tape *tape = NULL;
  assert_ok(open_tape(size, flags, &tape));
  return tape;
}

static infermem_tape *new_lent_tape(void *memory, size_t size, uint32_t flags) {
  INFERMEM_STRUCT(infermem_tape_options, options);
  options.size = size;
  options.flags = flags;
  options.lent = memory;
  infermem_tape *tape = NULL;
  assert_ok(tape_new(&options, &tape));
  return tape;
}

static infermem_tape_facts facts_of(const infermem_tape *tape) {
  INFERMEM_STRUCT(infermem_tape_facts, facts);
  assert_ok(tape_info(tape, &facts));
  return facts;
}

static size_t page(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static void *take(const infermem_tape *tape, size_t size, size_t align) {
  void *p = NULL;
  assert_ok(tape_alloc(tape, size, align, &p));
  assert_non_null(p);
  assert_int_equal((uintptr_t)p % align, 0);
  return p;
}

/* ---- Taking ---- */

static void allocations_follow_each_other(void **state) {
  (void)state;
  infermem_tape *tape = new_tape(MIB, 0);
  const size_t gap = facts_of(tape).red_zone;
  char *a = take(tape, 256, 64);
  assert_int_equal(tape_used(tape), 256);
  char *b = take(tape, 512, 64);
  if (gap == 0) {
    assert_int_equal(tape_used(tape), 768);
    assert_ptr_equal(b, a + 256);
  }
  assert_true(b >= a + 256 + gap);
  memset(a, 1, 256);
  memset(b, 2, 512);
  assert_int_equal(a[255], 1);
  tape_free(tape);
}

static void a_cleared_tape_starts_again_and_fills_up(void **state) {
  (void)state;
  infermem_tape *tape = new_tape(4096, 0);
  assert_int_equal(tape_total(tape), page());
  void *first = take(tape, 1000, 1);
  assert_ok(tape_clear(tape));
  assert_int_equal(tape_used(tape), 0);
  assert_ptr_equal(take(tape, 2000, 1), first);
  take(tape, tape_free_bytes(tape), 1);
  assert_int_equal(tape_free_bytes(tape), 0);
  assert_int_equal(tape_used(tape), tape_total(tape));
  void *p = first;
  assert_fails(INFERMEM_E_FULL, tape_alloc(tape, 1, 1, &p));
  assert_ptr_equal(p, first);
  assert_int_equal(infermem_error_detail()->expected, 1);
  assert_int_equal(infermem_error_detail()->got, 0);
  assert_int_equal(tape_used(tape), tape_total(tape));
  assert_int_equal(tape_failures(tape), 1);
  tape_free(tape);
}

static void alignment_is_of_the_address(void **state) {
  (void)state;
  infermem_tape *tape = new_tape(64 * KIB + 4096, 0);
  take(tape, 1, 1);
  take(tape, 64, 64);
  take(tape, 4096, 4096);
  tape_free(tape);

  /* memory that starts at an odd address */
  char *memory = malloc(64 * KIB);
  tape = new_lent_tape(memory + 1, 32 * KIB, 0);
  for (size_t align = 1; align <= 4096; align *= 2) take(tape, 1, align);
  tape_free(tape);
  free(memory);
}

static void alignment_can_exceed_the_page(void **state) {
  (void)state;
  infermem_tape *tape = new_tape(4 * MIB, 0);
  take(tape, 1, 1);
  char *p = take(tape, 1, MIB);
  *p = 1;
  void *q = NULL;
  assert_fails(INFERMEM_E_FULL, tape_alloc(tape, 1, (size_t)1 << 63, &q));
  tape_free(tape);
}

static void allocation_refuses_bad_arguments(void **state) {
  (void)state;
  infermem_tape *tape = new_tape(MIB, 0);
  void *p = &p;
  assert_fails(INFERMEM_E_ARG, tape_alloc(tape, 0, 1, &p));
  assert_fails(INFERMEM_E_ARG, tape_alloc(tape, 1, 0, &p));
  assert_fails(INFERMEM_E_ARG, tape_alloc(tape, 1, 3, &p));
  assert_int_equal(infermem_error_detail()->got, 3);
  assert_fails(INFERMEM_E_NULL, tape_alloc(NULL, 1, 1, &p));
  assert_fails(INFERMEM_E_NULL, tape_alloc(tape, 1, 1, NULL));
  assert_fails(INFERMEM_E_FULL, tape_alloc(tape, SIZE_MAX, 1, &p));
  assert_fails(INFERMEM_E_FULL, tape_alloc(tape, MIB + 1, 1, &p));
  assert_fails(INFERMEM_E_FULL, tape_alloc(tape, SIZE_MAX - 4095, 4096, &p));
  assert_ptr_equal(p, &p);
  assert_int_equal(tape_used(tape), 0);
  assert_int_equal(tape_failures(tape), 3);
  tape_free(tape);
}

static void arrays_are_checked_products(void **state) {
  (void)state;
  infermem_tape *tape = new_tape(MIB, 0);
  void *p = NULL;
  assert_ok(tape_alloc_array(tape, 10, 24, 8, &p));
  assert_int_equal(tape_used(tape), 240);
  assert_fails(INFERMEM_E_OVERFLOW, tape_alloc_array(tape, SIZE_MAX / 2, 3, 1, &p));
  assert_fails(INFERMEM_E_ARG, tape_alloc_array(tape, 0, 8, 8, &p));
  assert_fails(INFERMEM_E_ARG, tape_alloc_array(tape, 8, 0, 8, &p));
  assert_fails(INFERMEM_E_ARG, tape_alloc_array(tape, 8, 8, 12, &p));
  assert_fails(INFERMEM_E_FULL, tape_alloc_array(tape, MIB, 2, 1, &p));
  assert_fails(INFERMEM_E_NULL, tape_alloc_array(NULL, 8, 8, 8, &p));
  assert_fails(INFERMEM_E_NULL, tape_alloc_array(tape, 8, 8, 8, NULL));
  assert_ok(tape_seal(tape));
  assert_fails(INFERMEM_E_SEALED, tape_alloc_array(tape, 8, 8, 8, &p));
  assert_int_equal(tape_used(tape), 240);
  tape_free(tape);
}

static void an_exclusive_tape_behaves_the_same(void **state) {
  (void)state;
  infermem_tape *tape = new_tape(4096, INFERMEM_TAPE_EXCLUSIVE);
  void *first = take(tape, 100, 1);
  take(tape, 100, 64);
  void *p = NULL;
  assert_fails(INFERMEM_E_FULL, tape_alloc(tape, tape_total(tape), 1, &p));
  assert_ok(tape_clear(tape));
  assert_ptr_equal(take(tape, 1, 1), first);
  tape_free(tape);
}

/* ---- Giving back ---- */

static void rewinding_gives_back_what_came_after_the_mark(void **state) {
  (void)state;
  infermem_tape *tape = new_tape(MIB, 0);
  take(tape, 100, 1);
  infermem_tape_mark mark;
  assert_ok(tape_mark(tape, &mark));
  void *a = take(tape, 1000, 1);
  assert_ok(tape_rewind(tape, &mark));
  assert_int_equal(tape_used(tape), 100);
  assert_ptr_equal(take(tape, 10, 1), a);
  assert_ok(tape_rewind(tape, &mark)); /* a mark stays good */
  assert_int_equal(tape_used(tape), 100);
  assert_true(tape_peak(tape) >= 1100);
  tape_free(tape);
}

static void stale_and_foreign_marks_are_refused(void **state) {
  (void)state;
  infermem_tape *tape = new_tape(MIB, 0);
  infermem_tape *other = new_tape(MIB, 0);
  infermem_tape_mark low, high;
  take(tape, 100, 1);
  assert_ok(tape_mark(tape, &low));
  take(tape, 100, 1);
  assert_ok(tape_mark(tape, &high));
  const size_t used_high = tape_used(tape);

  assert_fails(INFERMEM_E_ARG, tape_rewind(other, &low));
  assert_ok(tape_rewind(tape, &low));
  assert_fails(INFERMEM_E_STALE, tape_rewind(tape, &high));
  assert_int_equal(infermem_error_detail()->got, used_high);
  assert_int_equal(tape_used(tape), 100);

  assert_ok(tape_clear(tape));
  take(tape, 500, 1);
  assert_fails(INFERMEM_E_STALE, tape_rewind(tape, &low));
  assert_int_equal(tape_used(tape), 500);

  assert_fails(INFERMEM_E_NULL, tape_rewind(NULL, &low));
  assert_fails(INFERMEM_E_NULL, tape_rewind(tape, NULL));
  assert_fails(INFERMEM_E_NULL, tape_mark(NULL, &low));
  assert_fails(INFERMEM_E_NULL, tape_mark(tape, NULL));
  tape_free(other);
  tape_free(tape);
}

static infermem_kv *new_kv_in(infermem_tape *tape) {
  INFERMEM_STRUCT(infermem_kv_options, options);
  options.n_layers = options.n_kv_heads = 1;
  options.head_dim = 4;
  options.max_tokens = 16;
  options.tape = tape;
  infermem_kv *kv = NULL;
  assert_ok(kv_new(&options, &kv));
  return kv;
}

static void an_object_is_stale_once_its_bytes_were_given_back(void **state) {
  (void)state;
  enum { kRounds = 40 };
  const float row[4] = {1, 2, 3, 4};
  infermem_tape *tape = new_tape(4 * MIB, 0);
  infermem_kv *below = new_kv_in(tape), *kept[kRounds];
  infermem_tape_mark mark;
  assert_ok(tape_mark(tape, &mark));
  infermem_kv *gone = new_kv_in(tape);
  assert_ok(kv_append(gone, 0, row, 4, row, 4, 1));
  assert_ok(tape_rewind(tape, &mark));
  assert_fails(INFERMEM_E_STALE, kv_append(gone, 0, row, 4, row, 4, 1));
  /* others take the bytes, and each round rewinds to a higher place, with an object left below it */
  for (int i = 0; i < kRounds; i++) {
    kept[i] = new_kv_in(tape);
    assert_ok(tape_mark(tape, &mark));
    take(tape, 64 * KIB, 64);
    assert_fails(INFERMEM_E_STALE, kv_append(gone, 0, row, 4, row, 4, 1));
    assert_ok(tape_rewind(tape, &mark));
  }
  take(tape, 64 * KIB, 64);
  assert_ok(kv_append(below, 0, row, 4, row, 4, 1));
  for (int i = 0; i < kRounds; i++) {
    assert_ok(kv_append(kept[i], 0, row, 4, row, 4, 1));
    kv_free(kept[i]);
  }
  kv_free(gone);
  kv_free(below);
  tape_free(tape);
}

static void clearing_counts_generations_and_keeps_the_peak(void **state) {
  (void)state;
  infermem_tape *tape = new_tape(MIB, 0);
  assert_int_equal(tape_generation(tape), 0);
  take(tape, 3000, 1);
  assert_ok(tape_clear(tape));
  assert_int_equal(tape_generation(tape), 1);
  assert_int_equal(tape_used(tape), 0);
  assert_int_equal(tape_peak(tape), 3000);
  take(tape, 4000, 1);
  assert_int_equal(tape_peak(tape), 4000);
  assert_ok(tape_clear(tape));
  take(tape, 10, 1);
  assert_int_equal(tape_peak(tape), 4000);
  assert_int_equal(tape_generation(tape), 2);
  assert_fails(INFERMEM_E_NULL, tape_clear(NULL));
  tape_free(tape);
}

static void zero_on_clear_zeroes_what_is_given_back(void **state) {
  (void)state;
  static const char zeros[5000];
  infermem_tape *tape = new_tape(64 * KIB, INFERMEM_TAPE_ZERO_ON_CLEAR);
  char *p = take(tape, 5000, 64);
  assert_memory_equal(p, zeros, 5000);
  memset(p, 0xff, 5000);
  assert_ok(tape_clear(tape));
  p = take(tape, 5000, 64);
  assert_memory_equal(p, zeros, 5000);

  infermem_tape_mark mark;
  assert_ok(tape_mark(tape, &mark));
  char *q = take(tape, 5000, 64);
  memset(p, 0x11, 5000);
  memset(q, 0xff, 5000);
  assert_ok(tape_rewind(tape, &mark));
  assert_int_equal(p[4999], 0x11);
  q = take(tape, 5000, 64);
  assert_memory_equal(q, zeros, 5000);
  tape_free(tape);
}

static size_t resident_pages(const void *base, size_t bytes) {
  const size_t pages = (bytes + page() - 1) / page();
  unsigned char *map = calloc(pages, 1);
  assert_int_equal(mincore((void *)(uintptr_t)base, bytes, map), 0);
  size_t n = 0;
  for (size_t i = 0; i < pages; i++) n += map[i] & 1;
  free(map);
  return n;
}

static void trimming_returns_the_pages_beyond_the_cursor(void **state) {
  (void)state;
  const uint32_t kinds[] = {0, INFERMEM_TAPE_SHARED, INFERMEM_TAPE_GUARD, INFERMEM_TAPE_LOCK};
  /* the sanitizers turn munlock into nothing, and so keep locked pages from being returned */
  const size_t n_kinds = sizeof kinds / sizeof *kinds - TEST_SANITIZED;
  for (size_t k = 0; k < n_kinds; k++) {
    const size_t size = 64 * page();
    infermem_tape *tape = new_tape(size, kinds[k]);
    const void *base = facts_of(tape).base;
    char *p = take(tape, size, 1);
    memset(p, 7, size);
    assert_int_equal(resident_pages(base, size), 64);
    assert_ok(tape_clear(tape));
    assert_int_equal(resident_pages(base, size), 64); /* a clear keeps them */

    char *q = take(tape, 10 * page() + 1, 1);
    memset(q, 9, 10 * page() + 1);
    assert_ok(tape_trim(tape));
    assert_int_equal(resident_pages(base, size), 11);
    for (size_t i = 0; i < 10 * page() + 1; i += 511) assert_int_equal(q[i], 9);
    take(tape, tape_free_bytes(tape), 1);
    assert_ok(tape_trim(tape)); /* full: nothing to return */
    tape_free(tape);
  }
  assert_fails(INFERMEM_E_NULL, tape_trim(NULL));
}

/* ---- Pages ---- */

static void warming_commits_every_page_and_changes_no_byte(void **state) {
  (void)state;
  infermem_tape *tape = new_tape(64 * page(), 0);
  const infermem_tape_facts facts = facts_of(tape);
  char *p = take(tape, 3 * page(), 1);
  for (size_t i = 0; i < 3 * page(); i++) p[i] = (char)(i * 31);
  assert_int_equal(resident_pages(facts.base, facts.total), 3);
  assert_ok(tape_warm(tape));
  assert_int_equal(resident_pages(facts.base, facts.total), 64);
  for (size_t i = 0; i < 3 * page(); i++) assert_int_equal(p[i], (char)(i * 31));
  assert_int_equal(tape_used(tape), 3 * page());
  assert_fails(INFERMEM_E_NULL, tape_warm(NULL));
  assert_ok(tape_seal(tape));
  assert_fails(INFERMEM_E_SEALED, tape_warm(tape));
  tape_free(tape);

  tape = new_tape(64 * page(), INFERMEM_TAPE_WARM);
  assert_true(facts_of(tape).granted & INFERMEM_TAPE_WARM);
  assert_int_equal(resident_pages(facts_of(tape).base, 64 * page()), 64);
  tape_free(tape);

  tape = new_tape(64 * page(), INFERMEM_TAPE_LAZY);
  assert_int_equal(resident_pages(facts_of(tape).base, 64 * page()), 0);
  tape_free(tape);
}

static void a_huge_reservation_costs_nothing_until_touched(void **state) {
  (void)state;
  infermem_tape *tape = new_tape((size_t)1 << 33, 0); /* 8 GiB */
  char *p = take(tape, (size_t)1 << 32, 1);
  p[0] = 1;
  p[((size_t)1 << 32) - 1] = 1;
  assert_true(resident_pages(p, MIB) <= 2);
  tape_free(tape);
}

static void huge_pages_are_granted_where_the_system_has_them(void **state) {
  (void)state;
  char text[128] = "";
  FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");
  if (file) {
    if (!fgets(text, sizeof text, file)) text[0] = '\0';
    fclose(file);
  }
  const int allowed = text[0] != '\0' && !strstr(text, "[never]");
  infermem_tape *tape = new_tape(8 * MIB, INFERMEM_TAPE_HUGE | INFERMEM_TAPE_GUARD);
  infermem_tape_facts facts = facts_of(tape);
  assert_int_equal((facts.granted & INFERMEM_TAPE_HUGE) != 0, allowed);
  assert_int_equal((uintptr_t)facts.base % (2 * MIB), 0);
  assert_int_equal(facts.total, 8 * MIB);
  memset(take(tape, 8 * MIB, 1), 1, 8 * MIB);
  tape_free(tape);

  /* less than one huge page: not granted, and with REQUIRE refused */
  tape = new_tape(page(), INFERMEM_TAPE_HUGE);
  assert_false(facts_of(tape).granted & INFERMEM_TAPE_HUGE);
  tape_free(tape);
  tape = NULL;
  INFERMEM_STRUCT(infermem_tape_options, options);
  options.size = page();
  options.flags = INFERMEM_TAPE_HUGE | INFERMEM_TAPE_REQUIRE;
  assert_fails(INFERMEM_E_SYSTEM, tape_new(&options, &tape));
  assert_null(tape);
}

static void a_shared_tape_can_be_mapped_through_its_fd(void **state) {
  (void)state;
  infermem_tape *tape = new_tape(4 * page(), INFERMEM_TAPE_SHARED);
  const infermem_tape_facts facts = facts_of(tape);
  assert_true(facts.granted & INFERMEM_TAPE_SHARED);
  assert_true(facts.fd >= 0);
  struct stat st;
  assert_int_equal(fstat(facts.fd, &st), 0);
  assert_int_equal(st.st_size, 4 * page());
  char *p = take(tape, 100, 1);
  strcpy(p, "seen from both sides");
  char *view = mmap(NULL, 4 * page(), PROT_READ, MAP_SHARED, facts.fd, 0);
  assert_true(view != MAP_FAILED);
  assert_string_equal(view, "seen from both sides");
  munmap(view, 4 * page());
  tape_free(tape);
  assert_int_equal(fstat(facts.fd, &st), -1);
}

static void an_object_may_outlive_its_tape(void **state) {
  (void)state;
  const float row[4] = {1, 2, 3, 4};
  infermem_tape *tape = new_tape(MIB, 0);
  infermem_kv *first = new_kv_in(tape), *second = new_kv_in(tape), *third = new_kv_in(tape);
  kv_free(second);
  tape_free(tape);
  assert_fails(INFERMEM_E_STALE, kv_append(first, 0, row, 4, row, 4, 1));
  assert_fails(INFERMEM_E_STALE, kv_append(third, 0, row, 4, row, 4, 1));
  kv_free(first);
  kv_free(third);
}

static void a_shared_tape_cannot_be_cut_short(void **state) {
  (void)state;
  infermem_tape *tape = new_tape(4 * page(), INFERMEM_TAPE_SHARED);
  const int fd = facts_of(tape).fd;
  assert_int_equal(ftruncate(fd, 0), -1);
  assert_int_equal(ftruncate(fd, (off_t)(8 * page())), -1);
  memset(take(tape, 4 * page(), 1), 1, 4 * page());
  assert_ok(tape_clear(tape));
  assert_ok(tape_trim(tape)); /* which makes holes, and cuts nothing */
  memset(take(tape, 4 * page(), 1), 2, 4 * page());
  tape_free(tape);
}

static void a_limit_on_file_sizes_refuses_a_shared_tape(void **state) {
  (void)state;
  struct rlimit before;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  const struct rlimit low = {page(), before.rlim_max};
  infermem_tape *tape = NULL;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
  const int32_t beyond = open_tape(page() + 1, INFERMEM_TAPE_SHARED, &tape);
  const int32_t within = beyond == INFERMEM_OK ? 0 : open_tape(page(), INFERMEM_TAPE_SHARED, &tape);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  assert_int_equal(beyond, INFERMEM_E_SYSTEM);
  assert_int_equal(infermem_error_detail()->os_error, EFBIG);
  assert_int_equal(within, INFERMEM_OK);
  tape_free(tape);
}

static void numa_binding_is_granted_or_told(void **state) {
  (void)state;
  INFERMEM_STRUCT(infermem_tape_options, options);
  options.size = page();
  options.numa_nodes = 1;
  infermem_tape *tape = NULL;
  assert_ok(tape_new(&options, &tape));
  *(char *)take(tape, 1, 1) = 1;
  /* what the system says to the same request */
  const unsigned long mask = 1;
  const int bind = 2; /* MPOL_BIND */
  void *same = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const int allowed = syscall(SYS_mbind, same, page(), bind, &mask, 8 * sizeof mask + 1, 0) == 0;
  munmap(same, page());
  assert_int_equal((facts_of(tape).granted & INFERMEM_TAPE_NUMA) != 0, allowed);
  tape_free(tape);

  options.numa_nodes = (uint64_t)1 << 63; /* a node that no machine of ours has */
  assert_ok(tape_new(&options, &tape));
  assert_false(facts_of(tape).granted & INFERMEM_TAPE_NUMA);
  tape_free(tape);
  options.flags = INFERMEM_TAPE_REQUIRE;
  tape = NULL;
  assert_fails(INFERMEM_E_SYSTEM, tape_new(&options, &tape));
  assert_null(tape);
}

static void lent_memory_is_used_in_place_and_given_back(void **state) {
  (void)state;
  const size_t size = 3 * page();
  char *memory = malloc(size);
  memset(memory, 0x5a, size);
  infermem_tape *tape = new_lent_tape(memory + 3, size - 7, INFERMEM_TAPE_WARM);
  assert_int_equal(tape_total(tape), size - 7); /* not rounded */
  const infermem_tape_facts facts = facts_of(tape);
  assert_ptr_equal(facts.base, memory + 3);
  assert_true(facts.granted & INFERMEM_TAPE_WARM);
  char *p = take(tape, 10, 1);
  assert_ptr_equal(p, memory + 3);
  assert_int_equal(p[9], 0x5a);
  void *q = NULL;
  assert_fails(INFERMEM_E_FULL, tape_alloc(tape, size, 1, &q));
  assert_ok(tape_warm(tape));
  assert_fails(INFERMEM_E_UNSUPPORTED, tape_trim(tape));
  assert_fails(INFERMEM_E_UNSUPPORTED, tape_seal(tape));
  tape_free(tape);
  for (size_t i = 0; i < size; i++) assert_int_equal(memory[i], 0x5a);
  free(memory);
}

static void wishes_on_lent_memory_are_not_granted(void **state) {
  (void)state;
  char memory[4096];
  INFERMEM_STRUCT(infermem_tape_options, options);
  options.size = sizeof memory;
  options.lent = memory;
  options.flags = INFERMEM_TAPE_HUGE | INFERMEM_TAPE_LOCK | INFERMEM_TAPE_GUARD | INFERMEM_TAPE_ZERO_ON_CLEAR;
  options.numa_nodes = 1;
  infermem_tape *tape = NULL;
  assert_ok(tape_new(&options, &tape));
  assert_int_equal(facts_of(tape).granted, INFERMEM_TAPE_ZERO_ON_CLEAR);
  assert_int_equal(facts_of(tape).requested, options.flags);
  tape_free(tape);
  options.flags |= INFERMEM_TAPE_REQUIRE;
  tape = NULL;
  assert_fails(INFERMEM_E_SYSTEM, tape_new(&options, &tape));
  assert_null(tape);
}

static void lent_memory_that_cannot_be_written_is_not_warmed(void **state) {
  (void)state;
  char *memory = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(memory != MAP_FAILED);
  /* 23 is MADV_POPULATE_WRITE, without which warming has to write */
  const int asks_first = madvise(memory, page(), 23) == 0;
  assert_int_equal(mprotect(memory, page(), PROT_READ), 0);
  if (asks_first) {
    infermem_tape *tape = new_lent_tape(memory, page(), INFERMEM_TAPE_WARM);
    assert_int_equal(facts_of(tape).granted, 0);
    assert_fails(INFERMEM_E_SYSTEM, tape_warm(tape));
    assert_int_equal(infermem_error_detail()->os_error, EINVAL);
    tape_free(tape);
  }
  munmap(memory, page());
}

static void a_sealed_lent_tape_is_writable_again_once_freed(void **state) {
  (void)state;
  char *memory = mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(memory != MAP_FAILED);
  infermem_tape *tape = new_lent_tape(memory, page(), 0);
  assert_ok(tape_seal(tape));
  tape_free(tape);
  memory[0] = 1;
  munmap(memory, page());
}

static void a_sealed_tape_changes_nothing(void **state) {
  (void)state;
  infermem_tape *tape = new_tape(MIB, 0);
  infermem_tape_mark mark;
  assert_ok(tape_mark(tape, &mark));
  char *p = take(tape, 100, 1);
  p[0] = 42;
  assert_ok(tape_seal(tape));
  assert_ok(tape_seal(tape));
  assert_int_equal(facts_of(tape).is_sealed, 1);
  void *q = NULL;
  assert_fails(INFERMEM_E_SEALED, tape_alloc(tape, 1, 1, &q));
  assert_fails(INFERMEM_E_ARG, tape_alloc(tape, 0, 1, &q));
  assert_fails(INFERMEM_E_SEALED, tape_clear(tape));
  assert_fails(INFERMEM_E_SEALED, tape_rewind(tape, &mark));
  assert_fails(INFERMEM_E_SEALED, tape_trim(tape));
  assert_int_equal(tape_failures(tape), 0);
  assert_int_equal(tape_used(tape), 100);
  assert_int_equal(p[0], 42);
  assert_ok(tape_mark(tape, &mark)); /* a mark changes nothing */
  assert_ok(tape_unseal(tape));
  assert_ok(tape_unseal(tape));
  assert_int_equal(facts_of(tape).is_sealed, 0);
  p[0] = 43;
  take(tape, 1, 1);
  assert_fails(INFERMEM_E_NULL, tape_seal(NULL));
  assert_fails(INFERMEM_E_NULL, tape_unseal(NULL));
  tape_free(tape);
}

/* ---- Queries ---- */

static void owns_is_true_of_handed_out_bytes_only(void **state) {
  (void)state;
  infermem_tape *tape = new_tape(MIB, 0);
  char *p = take(tape, 100, 1);
  assert_int_equal(tape_owns(tape, p), 1);
  assert_int_equal(tape_owns(tape, p + 99), 1);
  assert_int_equal(tape_owns(tape, p + 100), 0);
  assert_int_equal(tape_owns(tape, p - 1), 0);
  assert_int_equal(tape_owns(tape, NULL), 0);
  assert_int_equal(tape_owns(tape, &tape), 0);
  assert_int_equal(tape_owns(NULL, p), 0);
  assert_ok(tape_clear(tape));
  assert_int_equal(tape_owns(tape, p), 0);
  tape_free(tape);
}

static void free_bytes_are_what_one_allocation_can_have(void **state) {
  (void)state;
  infermem_tape *tape = new_tape(MIB, 0);
  assert_int_equal(tape_free_bytes(tape), MIB);
  take(tape, 12345, 1);
  const size_t left = tape_free_bytes(tape);
  assert_int_equal(left, MIB - 12345 - facts_of(tape).red_zone);
  void *p = NULL;
  assert_fails(INFERMEM_E_FULL, tape_alloc(tape, left + 1, 1, &p));
  take(tape, left, 1);
  assert_int_equal(tape_free_bytes(tape), 0);
  tape_free(tape);
}

static void queries_of_null_are_zero(void **state) {
  (void)state;
  assert_int_equal(tape_used(NULL), 0);
  assert_int_equal(tape_free_bytes(NULL), 0);
  assert_int_equal(tape_total(NULL), 0);
  assert_int_equal(tape_peak(NULL), 0);
  assert_int_equal(tape_failures(NULL), 0);
  assert_int_equal(tape_generation(NULL), 0);
  assert_int_equal(layout_total(NULL), 0);
  assert_null(layout_weights(NULL));
  assert_null(layout_scratch(NULL));
  assert_null(layout_history(NULL));
  tape_free(NULL);
  layout_free(NULL);
}

static void facts_respect_the_callers_struct_size(void **state) {
  (void)state;
  infermem_tape *tape = new_tape(page(), 0);
  INFERMEM_STRUCT(infermem_tape_facts, facts);
  /* a shorter struct of an older header: what lies beyond stays untouched */
  facts.struct_size = offsetof(infermem_tape_facts, page_size);
  facts.page_size = 99;
  assert_ok(tape_info(tape, &facts));
  assert_int_equal(facts.total, page());
  assert_int_equal(facts.page_size, 99);
  assert_int_equal(facts.struct_size, offsetof(infermem_tape_facts, page_size));
  /* a longer one of a newer header: the unknown rest becomes zero */
  struct {
    infermem_tape_facts known;
    uint64_t unknown;
  } longer;
  memset(&longer, 0xff, sizeof longer);
  longer.known.struct_size = sizeof longer;
  assert_ok(tape_info(tape, &longer.known));
  assert_int_equal(longer.known.fd, -1);
  assert_int_equal(longer.unknown, 0);
  facts.struct_size = 0;
  assert_fails(INFERMEM_E_STRUCT, tape_info(tape, &facts));
  facts.struct_size = SIZE_MAX;
  assert_fails(INFERMEM_E_STRUCT, tape_info(tape, &facts));
  assert_fails(INFERMEM_E_NULL, tape_info(NULL, &facts));
  assert_fails(INFERMEM_E_NULL, tape_info(tape, NULL));
  tape_free(tape);
}

/* ---- Construction ---- */

static void construction_refuses_bad_options(void **state) {
  (void)state;
  INFERMEM_STRUCT(infermem_tape_options, options);
  infermem_tape *tape = NULL;
  assert_fails(INFERMEM_E_ARG, tape_new(&options, &tape));
  options.size = 4096;
  assert_fails(INFERMEM_E_NULL, tape_new(NULL, &tape));
  assert_fails(INFERMEM_E_NULL, tape_new(&options, NULL));
  options.flags = (uint32_t)1 << 31;
  assert_fails(INFERMEM_E_ARG, tape_new(&options, &tape));
  options.flags = INFERMEM_TAPE_NUMA; /* told, never asked for */
  assert_fails(INFERMEM_E_ARG, tape_new(&options, &tape));
  options.flags = INFERMEM_TAPE_WARM | INFERMEM_TAPE_LAZY;
  assert_fails(INFERMEM_E_ARG, tape_new(&options, &tape));
  options.flags = INFERMEM_TAPE_SHARED;
  options.lent = &options;
  assert_fails(INFERMEM_E_ARG, tape_new(&options, &tape));
  options.flags = 0;
  options.size = SIZE_MAX; /* lent bytes that wrap the address range */
  assert_fails(INFERMEM_E_OVERFLOW, tape_new(&options, &tape));
  options.lent = NULL;
  assert_fails(INFERMEM_E_OVERFLOW, tape_new(&options, &tape));
  options.size = SIZE_MAX / 2 - page();
  assert_fails(INFERMEM_E_NOMEM, tape_new(&options, &tape));
  options.size = 4096;
  options.reserved = 1;
  assert_fails(INFERMEM_E_ARG, tape_new(&options, &tape));
  options.reserved = 0;
  infermem_allocator half = {sizeof half, NULL, NULL, NULL};
  options.allocator = &half;
  assert_fails(INFERMEM_E_ARG, tape_new(&options, &tape));
  half.struct_size = 1;
  assert_fails(INFERMEM_E_STRUCT, tape_new(&options, &tape));
  options.allocator = NULL;
  options.struct_size = sizeof(size_t) - 1;
  assert_fails(INFERMEM_E_STRUCT, tape_new(&options, &tape));
  assert_null(tape);
}

static void option_structs_of_other_releases_are_understood(void **state) {
  (void)state;
  struct {
    infermem_tape_options known;
    uint64_t unknown;
  } longer;
  memset(&longer, 0, sizeof longer);
  longer.known.struct_size = sizeof longer;
  longer.known.size = 4096;
  infermem_tape *tape = NULL;
  assert_ok(tape_new(&longer.known, &tape));
  tape_free(tape);
  longer.unknown = 1;
  tape = NULL;
  assert_fails(INFERMEM_E_STRUCT, tape_new(&longer.known, &tape));
  assert_null(tape);
  /* one that ends after size: the garbage behind it is not read */
  longer.known.flags = 0xffffffff;
  longer.known.struct_size = offsetof(infermem_tape_options, flags);
  assert_ok(tape_new(&longer.known, &tape));
  tape_free(tape);
}

static void a_handle_of_another_kind_is_refused(void **state) {
  (void)state;
  INFERMEM_STRUCT(infermem_layout_options, options);
  options.scratch_size = 4096;
  infermem_layout *layout = NULL;
  assert_ok(layout_new(&options, &layout));
  infermem_tape *wrong = (infermem_tape *)(void *)layout;
  void *p = NULL;
  assert_fails(INFERMEM_E_HANDLE, tape_alloc(wrong, 1, 1, &p));
  assert_fails(INFERMEM_E_HANDLE, tape_clear(wrong));
  assert_fails(INFERMEM_E_HANDLE, layout_clear_pass((infermem_layout *)(void *)layout_scratch(layout)));
  assert_int_equal(tape_used(wrong), 0);
  tape_free(wrong); /* refused, silently */
  assert_int_equal(layout_total(layout), page());
  layout_free(layout);
}

/* ---- The layout ---- */

static infermem_layout *new_layout(size_t weights, size_t scratch, size_t history) {
  INFERMEM_STRUCT(infermem_layout_options, options);
  options.weights_size = weights;
  options.scratch_size = scratch;
  options.history_size = history;
  infermem_layout *layout = NULL;
  assert_ok(layout_new(&options, &layout));
  return layout;
}

static void three_tapes_have_three_lifetimes(void **state) {
  (void)state;
  infermem_layout *layout = new_layout(MIB, 256 * KIB, 256 * KIB);
  infermem_tape *w = layout_weights(layout), *s = layout_scratch(layout), *h = layout_history(layout);
  assert_int_equal(layout_total(layout), MIB + 512 * KIB);
  take(w, 512, 64);
  take(s, 256, 64);
  take(h, 128, 64);

  assert_ok(layout_clear_pass(layout));
  assert_int_equal(tape_used(w), 512);
  assert_int_equal(tape_used(s), 0);
  assert_int_equal(tape_used(h), 128);

  take(s, 256, 64);
  assert_ok(layout_clear_talk(layout));
  assert_int_equal(tape_used(w), 512);
  assert_int_equal(tape_used(s), 0);
  assert_int_equal(tape_used(h), 0);
  assert_int_equal(tape_generation(w), 0);
  assert_int_equal(tape_generation(s), 2);
  assert_int_equal(tape_generation(h), 1);

  /* nothing but layout_free clears the weights, or ends the tapes */
  assert_fails(INFERMEM_E_STATE, tape_clear(w));
  tape_free(w);
  tape_free(s);
  assert_int_equal(tape_used(w), 512);
  layout_free(layout);
}

static void weights_are_warm_and_the_rest_lazy_by_default(void **state) {
  (void)state;
  infermem_layout *layout = new_layout(16 * page(), 16 * page(), 16 * page());
  const infermem_tape_facts w = facts_of(layout_weights(layout)), s = facts_of(layout_scratch(layout));
  assert_true(w.granted & INFERMEM_TAPE_WARM);
  assert_int_equal(resident_pages(w.base, w.total), 16);
  assert_int_equal(resident_pages(s.base, s.total), 0);
  layout_free(layout);

  INFERMEM_STRUCT(infermem_layout_options, options);
  options.weights_size = 16 * page();
  options.history_size = 16 * page();
  options.weights_flags = INFERMEM_TAPE_LAZY;
  options.history_flags = INFERMEM_TAPE_WARM;
  assert_ok(layout_new(&options, &layout));
  const infermem_tape_facts w2 = facts_of(layout_weights(layout)), h2 = facts_of(layout_history(layout));
  assert_int_equal(resident_pages(w2.base, w2.total), 0);
  assert_int_equal(resident_pages(h2.base, h2.total), 16);
  layout_free(layout);
}

static void a_size_of_zero_leaves_a_tape_out(void **state) {
  (void)state;
  infermem_layout *layout = new_layout(0, 0, 4096);
  assert_null(layout_weights(layout));
  assert_null(layout_scratch(layout));
  take(layout_history(layout), 10, 1);
  assert_ok(layout_clear_pass(layout));
  assert_int_equal(tape_used(layout_history(layout)), 10);
  assert_ok(layout_clear_talk(layout));
  assert_int_equal(tape_used(layout_history(layout)), 0);
  assert_int_equal(layout_total(layout), page());
  layout_free(layout);
}

static void layout_construction_refuses_bad_options(void **state) {
  (void)state;
  INFERMEM_STRUCT(infermem_layout_options, options);
  infermem_layout *layout = NULL;
  assert_fails(INFERMEM_E_ARG, layout_new(&options, &layout));
  options.weights_size = SIZE_MAX / 2;
  options.scratch_size = SIZE_MAX / 2;
  options.history_size = SIZE_MAX / 2;
  assert_fails(INFERMEM_E_OVERFLOW, layout_new(&options, &layout));
  options.scratch_size = options.history_size = 0;
  options.weights_size = SIZE_MAX;
  assert_fails(INFERMEM_E_OVERFLOW, layout_new(&options, &layout));
  options.weights_size = options.history_size = page();
  options.history_flags = (uint32_t)1 << 30; /* the weights tape is made by then, and ends again */
  assert_fails(INFERMEM_E_ARG, layout_new(&options, &layout));
  options.history_flags = INFERMEM_TAPE_REQUIRE | INFERMEM_TAPE_HUGE;
  assert_fails(INFERMEM_E_SYSTEM, layout_new(&options, &layout));
  options.history_flags = 0;
  options.history_size = (size_t)1 << 62;
  assert_fails(INFERMEM_E_NOMEM, layout_new(&options, &layout));
  options.history_size = 0;
  options.scratch_flags = INFERMEM_TAPE_WARM; /* of a tape that is left out */
  assert_fails(INFERMEM_E_ARG, layout_new(&options, &layout));
  options.scratch_flags = 0;
  options.reserved = 7;
  assert_fails(INFERMEM_E_ARG, layout_new(&options, &layout));
  options.reserved = 0;
  options.struct_size = 3;
  assert_fails(INFERMEM_E_STRUCT, layout_new(&options, &layout));
  assert_fails(INFERMEM_E_NULL, layout_new(NULL, &layout));
  assert_fails(INFERMEM_E_NULL, layout_new(&options, NULL));
  assert_null(layout);
}

static void a_sealed_history_keeps_a_conversation_whole(void **state) {
  (void)state;
  infermem_layout *layout = new_layout(0, 4096, 4096);
  take(layout_scratch(layout), 10, 1);
  take(layout_history(layout), 20, 1);
  assert_ok(tape_seal(layout_scratch(layout)));
  assert_fails(INFERMEM_E_SEALED, layout_clear_pass(layout));
  assert_fails(INFERMEM_E_SEALED, layout_clear_talk(layout));
  assert_int_equal(tape_used(layout_history(layout)), 20);
  assert_ok(tape_unseal(layout_scratch(layout)));
  assert_ok(tape_seal(layout_history(layout)));
  assert_fails(INFERMEM_E_SEALED, layout_clear_talk(layout));
  assert_int_equal(tape_used(layout_scratch(layout)), 10);
  assert_fails(INFERMEM_E_NULL, layout_clear_pass(NULL));
  assert_fails(INFERMEM_E_NULL, layout_clear_talk(NULL));
  layout_free(layout);
}

static void the_stat_has_used_total_and_peak(void **state) {
  (void)state;
  infermem_layout *layout = new_layout(MIB, 256 * KIB, 0);
  take(layout_weights(layout), 700, 1);
  take(layout_scratch(layout), 300, 1);
  assert_ok(layout_clear_pass(layout));
  take(layout_scratch(layout), 100, 1);
  INFERMEM_STRUCT(infermem_layout_usage, u);
  assert_ok(layout_stat(layout, &u));
  assert_int_equal(u.weights_used, 700);
  assert_int_equal(u.weights_total, MIB);
  assert_int_equal(u.weights_peak, 700);
  assert_int_equal(u.scratch_used, 100);
  assert_int_equal(u.scratch_total, 256 * KIB);
  assert_int_equal(u.scratch_peak, 300);
  assert_int_equal(u.history_used, 0);
  assert_int_equal(u.history_total, 0);
  assert_int_equal(u.history_peak, 0);
  assert_fails(INFERMEM_E_NULL, layout_stat(NULL, &u));
  assert_fails(INFERMEM_E_NULL, layout_stat(layout, NULL));
  u.struct_size = 1;
  assert_fails(INFERMEM_E_STRUCT, layout_stat(layout, &u));
  layout_free(layout);
}

static void the_stat_text_is_one_line_in_mib(void **state) {
  (void)state;
  static const char expected[] = "weights: 5/8 MB | scratch: 0/1 MB | history: 0/0 MB";
  infermem_layout *layout = new_layout(8 * MIB, MIB, 0);
  take(layout_weights(layout), 5 * MIB + MIB / 2, 1);
  take(layout_scratch(layout), MIB - 1, 1);
  size_t length = 0;
  assert_ok(layout_stat_text(layout, NULL, 0, &length));
  assert_int_equal(length, strlen(expected));
  char line[sizeof expected];
  assert_ok(layout_stat_text(layout, line, sizeof line, &length));
  assert_string_equal(line, expected);

  line[0] = '#';
  length = 77;
  assert_fails(INFERMEM_E_BUFFER, layout_stat_text(layout, line, sizeof line - 1, &length));
  assert_int_equal(infermem_error_detail()->expected, sizeof expected);
  assert_int_equal(line[0], '#');
  assert_int_equal(length, 77);
  assert_fails(INFERMEM_E_NULL, layout_stat_text(layout, NULL, 10, &length));
  assert_fails(INFERMEM_E_NULL, layout_stat_text(layout, line, sizeof line, NULL));
  assert_fails(INFERMEM_E_NULL, layout_stat_text(NULL, line, sizeof line, &length));
  layout_free(layout);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(allocations_follow_each_other),
      cmocka_unit_test(a_cleared_tape_starts_again_and_fills_up),
      cmocka_unit_test(alignment_is_of_the_address),
      cmocka_unit_test(alignment_can_exceed_the_page),
      cmocka_unit_test(allocation_refuses_bad_arguments),
      cmocka_unit_test(arrays_are_checked_products),
      cmocka_unit_test(an_exclusive_tape_behaves_the_same),
      cmocka_unit_test(rewinding_gives_back_what_came_after_the_mark),
      cmocka_unit_test(stale_and_foreign_marks_are_refused),
      cmocka_unit_test(an_object_is_stale_once_its_bytes_were_given_back),
      cmocka_unit_test(clearing_counts_generations_and_keeps_the_peak),
      cmocka_unit_test(zero_on_clear_zeroes_what_is_given_back),
      cmocka_unit_test(trimming_returns_the_pages_beyond_the_cursor),
      cmocka_unit_test(warming_commits_every_page_and_changes_no_byte),
      cmocka_unit_test(a_huge_reservation_costs_nothing_until_touched),
      cmocka_unit_test(huge_pages_are_granted_where_the_system_has_them),
      cmocka_unit_test(a_shared_tape_can_be_mapped_through_its_fd),
      cmocka_unit_test(an_object_may_outlive_its_tape),
      cmocka_unit_test(a_shared_tape_cannot_be_cut_short),
      cmocka_unit_test(a_limit_on_file_sizes_refuses_a_shared_tape),
      cmocka_unit_test(numa_binding_is_granted_or_told),
      cmocka_unit_test(lent_memory_is_used_in_place_and_given_back),
      cmocka_unit_test(wishes_on_lent_memory_are_not_granted),
      cmocka_unit_test(lent_memory_that_cannot_be_written_is_not_warmed),
      cmocka_unit_test(a_sealed_lent_tape_is_writable_again_once_freed),
      cmocka_unit_test(a_sealed_tape_changes_nothing),
      cmocka_unit_test(owns_is_true_of_handed_out_bytes_only),
      cmocka_unit_test(free_bytes_are_what_one_allocation_can_have),
      cmocka_unit_test(queries_of_null_are_zero),
      cmocka_unit_test(facts_respect_the_callers_struct_size),
      cmocka_unit_test(construction_refuses_bad_options),
      cmocka_unit_test(option_structs_of_other_releases_are_understood),
      cmocka_unit_test(a_handle_of_another_kind_is_refused),
      cmocka_unit_test(three_tapes_have_three_lifetimes),
      cmocka_unit_test(weights_are_warm_and_the_rest_lazy_by_default),
      cmocka_unit_test(a_size_of_zero_leaves_a_tape_out),
      cmocka_unit_test(layout_construction_refuses_bad_options),
      cmocka_unit_test(a_sealed_history_keeps_a_conversation_whole),
      cmocka_unit_test(the_stat_has_used_total_and_peak),
      cmocka_unit_test(the_stat_text_is_one_line_in_mib),
  };
  return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
