/* Under AddressSanitizer and Valgrind, a tape's memory can be touched exactly while it is handed out. */
#include <stdlib.h>

#include "support.h"

#if defined(__SANITIZE_ADDRESS__)
#define ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN 1
#endif
#endif

#ifdef ASAN
#include <sanitizer/asan_interface.h>
static int is_forbidden(const void *p) { return __asan_address_is_poisoned(p); }
#else
#include <valgrind/memcheck.h>
static int is_forbidden(const void *p) {
  char bits;
  return VALGRIND_GET_VBITS(p, &bits, 1) == 3; /* asks without making a report */
}
#endif

static uint32_t red_zone(const infermem_tape *tape) {
  INFERMEM_STRUCT(infermem_tape_facts, facts);
  assert_ok(tape_info(tape, &facts));
  return facts.red_zone;
}

static char *take(const infermem_tape *tape, size_t n) {
  void *p = NULL;
  assert_ok(tape_alloc(tape, n, 1, &p));
  return p;
}

static infermem_tape *new_tape(void *lent, size_t size, uint32_t flags) {
  INFERMEM_STRUCT(infermem_tape_options, options);
  options.size = size;
  options.flags = flags;
  options.lent = lent;
  infermem_tape *tape = NULL;
  assert_ok(tape_new(&options, &tape));
  if (red_zone(tape) == 0) {
    tape_free(tape);
    skip(); /* nothing watches this run */
  }
  return tape;
}

static void only_what_was_taken_can_be_touched(void **state) {
  (void)state;
  infermem_tape *tape = new_tape(NULL, 1 << 16, 0);
  char *p = take(tape, 40);
  assert_false(is_forbidden(p));
  assert_false(is_forbidden(p + 39));
  assert_true(is_forbidden(p + 40));
  char *q = take(tape, 40);
  assert_true(q >= p + 40 + red_zone(tape));
  for (char *zone = p + 40; zone < p + 40 + 8; zone++) assert_true(is_forbidden(zone));
  assert_true(is_forbidden(q + 40));
  tape_free(tape);
}

static void stale_pointers_are_caught(void **state) {
  (void)state;
  const uint32_t kinds[] = {0, INFERMEM_TAPE_ZERO_ON_CLEAR};
  for (size_t i = 0; i < 2; i++) {
    infermem_tape *tape = new_tape(NULL, 1 << 16, kinds[i]);
    char *kept = take(tape, 64);
    infermem_tape_mark mark;
    assert_ok(tape_mark(tape, &mark));
    char *rewound = take(tape, 64);
    assert_ok(tape_rewind(tape, &mark));
    assert_true(is_forbidden(rewound));
    assert_false(is_forbidden(kept));
    assert_ok(tape_clear(tape));
    assert_true(is_forbidden(kept));
    assert_ptr_equal(take(tape, 64), kept);
    assert_false(is_forbidden(kept));
    tape_free(tape);
  }
}

static void lent_memory_is_free_to_touch_after_the_tape(void **state) {
  (void)state;
  char *memory = calloc(1, 4096);
  infermem_tape *tape = NULL;
  INFERMEM_STRUCT(infermem_tape_options, options);
  options.size = 4096;
  options.lent = memory;
  assert_ok(tape_new(&options, &tape));
  const int watched = red_zone(tape) != 0;
  if (watched) assert_true(is_forbidden(memory + 100));
  tape_free(tape);
  assert_false(watched && is_forbidden(memory + 100));
  assert_int_equal(memory[100], 0);
  free(memory);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_what_was_taken_can_be_touched),
      cmocka_unit_test(stale_pointers_are_caught),
      cmocka_unit_test(lent_memory_is_free_to_touch_after_the_tape),
  };
  return cmocka_run_group_tests_name("poison", tests, NULL, NULL);
}
