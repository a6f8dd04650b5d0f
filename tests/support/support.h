/* support.h: what the tests share: assertions on status codes, allocators that count and fail, tapes, seeded numbers. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above first */
#include <cmocka.h>
#include <infermem.h>
#include <string.h>

/* ---- Status codes ---- */

/* The call succeeds; on failure, prints what the library said. */
#define assert_ok(call) support_assert_status(INFERMEM_OK, (call), #call, __FILE__, __LINE__)

/* The call fails with the code, and the error record is about this call: its code, its function, a message. `call` must
 * be written as function(arguments). */
#define assert_fails(code, call) support_assert_status((code), (call), #call, __FILE__, __LINE__)

void support_assert_status(int32_t expected, int32_t got, const char *call, const char *file, int line);

/* 1 when the test was built with AddressSanitizer or ThreadSanitizer, else 0. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TEST_SANITIZED 1
#endif
#endif
#ifndef TEST_SANITIZED
#define TEST_SANITIZED 0
#endif

/* ---- Allocators ---- */

/* An allocator that counts, and fails on demand. Give &a.hook to the library. */
struct test_allocator {
  infermem_allocator hook;
  size_t calls;      /* allocations asked for */
  size_t fail_at;    /* the number, from 1, of the one to fail; 0 fails none */
  int fail_for_ever; /* whether all later ones fail too */
  size_t live;       /* blocks not released */
  size_t live_bytes;
};

void test_allocator_init(struct test_allocator *a);

/* A scenario makes objects with the allocator, uses them, frees them, and returns the first status that is not OK. It
 * asserts by itself that a failed call changed nothing. */
typedef int32_t (*oom_scenario)(const infermem_allocator *allocator);

/* Runs the scenario with the first, second, … allocation failing, once and for ever, until a run in which none fails.
 * Every failing run must return INFERMEM_E_NOMEM and leak nothing; the last must return INFERMEM_OK. Returns how many
 * allocations the scenario makes, which must be at least one. */
size_t oom_walk(oom_scenario scenario);

/* ---- Tapes ---- */

/* A tape of so many bytes, and one whose bytes were used before, and are not zero. */
infermem_tape *test_tape(size_t size);
infermem_tape *test_tape_dirty(size_t size);

/* ---- Systems ---- */

/* Whether the system empties memory in the child of a fork when asked to. QEMU's does not. */
int test_wipes_on_fork(void);

/* ---- Seeded numbers ---- */

/* splitmix64: the next number, and the next one below n. */
uint64_t test_random(uint64_t *state);
uint64_t test_random_below(uint64_t *state, uint64_t n);
/* Uniform in [-1, 1). */
float test_random_float(uint64_t *state);
/* So many of those; free them. */
float *test_random_floats(size_t n, uint64_t seed);

/* How many times the usual number of random operations to do, and with that many seeds: INFERMEM_SOAK, or 1. */
uint64_t test_soak(void);

#endif
