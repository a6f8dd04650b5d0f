/* Tapes and the layout when memory or the system's favour runs out.
 *
 * The first walk fails each allocation of the handle's allocator. The second fails each system call: this program
 * defines mmap and its relatives itself, and the dynamic linker sends the library's calls here. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <valgrind/valgrind.h>

#include "support.h"

/* ---- Allocations ---- */

static int32_t tape_scenario(const infermem_allocator *allocator) {
  INFERMEM_STRUCT(infermem_tape_options, options);
  options.size = 1 << 16;
  options.allocator = allocator;
  infermem_tape *tape = NULL;
  const int32_t status = tape_new(&options, &tape);
  if (status != INFERMEM_OK) {
    assert_null(tape);
    return status;
  }
  void *p;
  assert_ok(tape_alloc(tape, 100, 8, &p));
  tape_free(tape);
  return INFERMEM_OK;
}

static int32_t layout_scenario(const infermem_allocator *allocator) {
  INFERMEM_STRUCT(infermem_layout_options, options);
  options.weights_size = options.scratch_size = options.history_size = 1 << 16;
  options.allocator = allocator;
  infermem_layout *layout = NULL;
  const int32_t status = layout_new(&options, &layout);
  if (status != INFERMEM_OK) {
    assert_null(layout);
    return status;
  }
  assert_ok(layout_clear_talk(layout));
  layout_free(layout);
  return INFERMEM_OK;
}

static void a_tape_is_one_allocation(void **state) {
  (void)state;
  assert_int_equal(oom_walk(tape_scenario), 1);
}

static void a_layout_is_one_allocation(void **state) {
  (void)state;
  assert_int_equal(oom_walk(layout_scenario), 1);
}

/* ---- System calls ---- */

static int system_calls; /* since the last reset */
static int fail_at;      /* the number of the one to fail, from 1; 0 fails none */
static int fail_for_ever;
static int fail_with = ENOMEM;

static int refused(void) {
  system_calls++;
  if (fail_at == 0 || system_calls < fail_at || (system_calls > fail_at && !fail_for_ever)) return 0;
  errno = fail_with;
  return 1;
}

/* The sanitizers and Valgrind keep their own account of mappings, which must not be bypassed. */
#if !TEST_SANITIZED
void *mmap(void *address, size_t n, int protection, int flags, int fd, off_t offset) {
  if (refused()) return MAP_FAILED;
  return (void *)syscall(SYS_mmap, address, n, protection, flags, fd, offset);
}

int mprotect(void *address, size_t n, int protection) {
  return refused() ? -1 : (int)syscall(SYS_mprotect, address, n, protection);
}
#endif

int madvise(void *address, size_t n, int advice) {
  return refused() ? -1 : (int)syscall(SYS_madvise, address, n, advice);
}

int mlock2(const void *address, size_t n, unsigned flags) {
  return refused() ? -1 : (int)syscall(SYS_mlock2, address, n, flags);
}

int ftruncate(int fd, off_t n) { return refused() ? -1 : (int)syscall(SYS_ftruncate, fd, n); }

static size_t count_lines(const char *path) {
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  size_t lines = 0;
  for (int c; (c = getc(file)) != EOF;) lines += c == '\n';
  fclose(file);
  return lines;
}

/* Mappings of this process; 0 where a tool makes its own meanwhile. */
static size_t count_maps(void) { return TEST_SANITIZED || RUNNING_ON_VALGRIND ? 0 : count_lines("/proc/self/maps"); }

static size_t count_fds(void) {
  size_t n = 0;
  DIR *directory = opendir("/proc/self/fd");
  assert_non_null(directory);
  while (readdir(directory)) n++;
  closedir(directory);
  return n;
}

static const uint32_t kEverything = INFERMEM_TAPE_WARM | INFERMEM_TAPE_HUGE | INFERMEM_TAPE_LOCK | INFERMEM_TAPE_GUARD;

/* Makes a tape with the flags and uses it. Whatever is refused: a code and no tape, or a working tape. */
static int32_t use_a_tape(uint32_t flags) {
  INFERMEM_STRUCT(infermem_tape_options, options);
  options.size = 4 << 20;
  options.flags = flags;
  infermem_tape *tape = NULL;
  const int32_t status = tape_new(&options, &tape);
  if (status != INFERMEM_OK) {
    assert_null(tape);
    return status;
  }
  void *p = NULL;
  assert_ok(tape_alloc(tape, 4096, 64, &p));
  memset(p, 1, 4096);

  int32_t step = tape_seal(tape);
  INFERMEM_STRUCT(infermem_tape_facts, facts);
  assert_ok(tape_info(tape, &facts));
  assert_int_equal(facts.is_sealed, step == INFERMEM_OK);
  int32_t first_failure = step;
  step = tape_unseal(tape);
  assert_ok(tape_info(tape, &facts));
  assert_int_equal(facts.is_sealed, step != INFERMEM_OK);
  if (first_failure == INFERMEM_OK) first_failure = step;
  if (step == INFERMEM_OK) {
    memset(p, 2, 4096);
    step = tape_warm(tape);
    if (first_failure == INFERMEM_OK) first_failure = step;
    step = tape_trim(tape);
    if (first_failure == INFERMEM_OK) first_failure = step;
    assert_int_equal(*(char *)p, 2);
  }
  assert_int_equal(tape_used(tape), 4096);
  tape_free(tape);
  return first_failure;
}

static void walk_system_calls(uint32_t flags, int error) {
  fail_with = error;
  fail_at = 0;
  system_calls = 0;
  use_a_tape(flags); /* what the C library maps on first use is mapped now */
  const int calls = system_calls;
  assert_true(calls >= (TEST_SANITIZED ? 1 : 5));
  const size_t maps = count_maps(), fds = count_fds();
  for (fail_at = 1; fail_at <= calls; fail_at++) {
    for (fail_for_ever = 0; fail_for_ever < 2; fail_for_ever++) {
      system_calls = 0;
      const int32_t status = use_a_tape(flags);
      assert_true(status == INFERMEM_OK || status == INFERMEM_E_NOMEM || status == INFERMEM_E_SYSTEM);
      const int at = fail_at;
      fail_at = 0;
      assert_int_equal(count_maps(), maps);
      assert_int_equal(count_fds(), fds);
      fail_at = at;
    }
  }
  fail_at = fail_for_ever = 0;
}

static void every_system_call_may_fail(void **state) {
  (void)state;
  walk_system_calls(0, ENOMEM);
  walk_system_calls(kEverything, ENOMEM);
  walk_system_calls(kEverything, EPERM);
  walk_system_calls(INFERMEM_TAPE_SHARED | INFERMEM_TAPE_WARM, ENOSPC);
}

/* Metrics: a code and no object, or one that works; in a child of fork, too, where that was granted. */
static void dispatch_is_made_or_not(void **state) {
  (void)state;
  fail_with = ENOMEM;
  fail_at = 0;
  infermem_dispatch *dispatch = NULL;
  assert_ok(dispatch_new(NULL, &dispatch));
  dispatch_free(dispatch);
  const size_t maps = count_maps();
  for (fail_for_ever = 0; fail_for_ever < 2; fail_for_ever++) {
    for (int at = 1;; at++) {
      dispatch = NULL;
      system_calls = 0;
      fail_at = at;
      const int32_t status = dispatch_new(NULL, &dispatch);
      fail_at = 0;
      if (status == INFERMEM_OK) {
        INFERMEM_STRUCT(infermem_dispatch_stats, stats);
        assert_ok(dispatch_record(dispatch, 0, 5));
        assert_ok(dispatch_snapshot(dispatch, 0, &stats));
        assert_int_equal(stats.sum_ns, 5);
        dispatch_free(dispatch);
      } else {
        assert_int_equal(status, INFERMEM_E_NOMEM);
        assert_null(dispatch);
        assert_int_equal(count_maps(), maps);
      }
      if (system_calls < at) break;
    }
  }
  fail_for_ever = 0;
}

static void a_kernel_without_populate_is_warmed_by_touch(void **state) {
  (void)state;
  INFERMEM_STRUCT(infermem_tape_options, options);
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  options.size = 16 * page;
  infermem_tape *tape = NULL;
  assert_ok(tape_new(&options, &tape));
  char *p = NULL;
  assert_ok(tape_alloc(tape, 2 * page, 1, (void **)&p));
  memset(p, 77, 2 * page);
  fail_with = EINVAL; /* what such a kernel answers */
  fail_for_ever = 1;
  system_calls = 0;
  fail_at = 1;
  assert_ok(tape_warm(tape));
  fail_at = 0;
  unsigned char resident[16];
  INFERMEM_STRUCT(infermem_tape_facts, facts);
  assert_ok(tape_info(tape, &facts));
  assert_int_equal(mincore(facts.base, 16 * page, resident), 0);
  for (size_t i = 0; i < 16; i++) assert_true(resident[i] & 1);
  for (size_t i = 0; i < 2 * page; i++) assert_int_equal(p[i], 77);
  tape_free(tape);
}

static void a_layout_is_made_whole_or_not_at_all(void **state) {
  (void)state;
  INFERMEM_STRUCT(infermem_layout_options, options);
  options.weights_size = options.scratch_size = options.history_size = 1 << 16;
  options.weights_flags = options.scratch_flags = options.history_flags = INFERMEM_TAPE_WARM | INFERMEM_TAPE_REQUIRE;
  fail_with = ENOMEM;
  fail_for_ever = 0;
  infermem_layout *layout = NULL;
  assert_ok(layout_new(&options, &layout));
  layout_free(layout);
  const size_t maps = count_maps();
  for (int at = 1;; at++) {
    layout = NULL;
    system_calls = 0;
    fail_at = at;
    const int32_t status = layout_new(&options, &layout);
    fail_at = 0;
    if (system_calls < at) {
      assert_int_equal(status, INFERMEM_OK);
      layout_free(layout);
      assert_true(at > (TEST_SANITIZED ? 1 : 3));
      break;
    }
    assert_true(status == INFERMEM_E_NOMEM || status == INFERMEM_E_SYSTEM);
    assert_null(layout);
    assert_int_equal(count_maps(), maps);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_tape_is_one_allocation),
      cmocka_unit_test(a_layout_is_one_allocation),
      cmocka_unit_test(every_system_call_may_fail),
      cmocka_unit_test(dispatch_is_made_or_not),
      cmocka_unit_test(a_kernel_without_populate_is_warmed_by_touch),
      cmocka_unit_test(a_layout_is_made_whole_or_not_at_all),
  };
  return cmocka_run_group_tests_name("layout_oom", tests, NULL, NULL);
}
