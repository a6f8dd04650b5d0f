/* cmocka.h: as much of CMocka as the tests use, for builds for another architecture. The first failure ends the program. */
#ifndef CMOCKA_H
#define CMOCKA_H

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define print_message(...) ((void)printf(__VA_ARGS__))
#define print_error(...) ((void)fprintf(stderr, __VA_ARGS__))

static inline _Noreturn void _fail(const char *file, int line) {
  fflush(stdout);
  fprintf(stderr, "%s:%d: failed\n", file, line);
  exit(1);
}

/* Where a test that is skipped goes on; in the same file as its main. */
static inline jmp_buf *standin_skipped(void) {
  static jmp_buf place;
  return &place;
}

static inline void standin_check(int holds, const char *what, const char *file, int line) {
  if (holds) return;
  fprintf(stderr, "not so: %s\n", what);
  _fail(file, line);
}

static inline int standin_in_range(unsigned long long value, unsigned long long low, unsigned long long high) {
  return value >= low && value <= high;
}

#define fail() _fail(__FILE__, __LINE__)
#define fail_msg(...) (print_error(__VA_ARGS__), print_error("\n"), fail())
#define skip() longjmp(*standin_skipped(), 1)

#define assert_true(c) standin_check((c) ? 1 : 0, #c, __FILE__, __LINE__)
#define assert_false(c) assert_true(!(c))
#define assert_null(p) assert_true(!(p))
#define assert_non_null(p) assert_true(p)
#define assert_ptr_equal(a, b) assert_true((const void *)(a) == (const void *)(b))
#define assert_int_equal(a, b) assert_true((unsigned long long)(a) == (unsigned long long)(b))
#define assert_int_not_equal(a, b) assert_true((unsigned long long)(a) != (unsigned long long)(b))
#define assert_string_equal(a, b) assert_true(strcmp((a), (b)) == 0)
#define assert_string_not_equal(a, b) assert_true(strcmp((a), (b)) != 0)
#define assert_memory_equal(a, b, n) assert_true(memcmp((a), (b), (n)) == 0)
#define assert_in_range(value, low, high) assert_true(standin_in_range((value), (low), (high)))

struct CMUnitTest {
  const char *name;
  void (*run)(void **state);
  int (*set_up)(void **state), (*tear_down)(void **state);
  void *state;
};

#define cmocka_unit_test(f) \
  { #f, f, NULL, NULL, NULL }
#define cmocka_unit_test_setup_teardown(f, set_up, tear_down) \
  { #f, f, set_up, tear_down, NULL }
#define cmocka_unit_test_prestate(f, state) \
  { #f, f, NULL, NULL, state }

static inline int standin_run(const struct CMUnitTest *tests, size_t n, int (*set_up)(void **state),
                              int (*tear_down)(void **state)) {
  void *group = NULL;
  if (set_up) assert_int_equal(set_up(&group), 0);
  for (volatile size_t i = 0; i < n; i++) {
    void *state = tests[i].state ? tests[i].state : group;
    printf("%s\n", tests[i].name);
    if (tests[i].set_up) assert_int_equal(tests[i].set_up(&state), 0);
    if (setjmp(*standin_skipped()) == 0)
      tests[i].run(&state);
    else
      puts("  skipped");
    if (tests[i].tear_down) assert_int_equal(tests[i].tear_down(&state), 0);
  }
  if (tear_down) assert_int_equal(tear_down(&group), 0);
  return 0;
}

#define cmocka_run_group_tests_name(name, tests, set_up, tear_down) \
  standin_run(tests, sizeof(tests) / sizeof *(tests), set_up, tear_down)

#endif
