/* The pages of tapes: when they are in memory, huge, shared, lent, locked against writing, and bound to nodes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tapes.h"

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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(trimming_returns_the_pages_beyond_the_cursor),
      cmocka_unit_test(warming_commits_every_page_and_changes_no_byte),
      cmocka_unit_test(a_huge_reservation_costs_nothing_until_touched),
      cmocka_unit_test(huge_pages_are_granted_where_the_system_has_them),
      cmocka_unit_test(a_shared_tape_can_be_mapped_through_its_fd),
      cmocka_unit_test(a_shared_tape_cannot_be_cut_short),
      cmocka_unit_test(a_limit_on_file_sizes_refuses_a_shared_tape),
      cmocka_unit_test(numa_binding_is_granted_or_told),
      cmocka_unit_test(lent_memory_is_used_in_place_and_given_back),
      cmocka_unit_test(wishes_on_lent_memory_are_not_granted),
      cmocka_unit_test(lent_memory_that_cannot_be_written_is_not_warmed),
      cmocka_unit_test(a_sealed_lent_tape_is_writable_again_once_freed),
      cmocka_unit_test(a_sealed_tape_changes_nothing),
  };
  return cmocka_run_group_tests_name("tape_pages", tests, NULL, NULL);
}
