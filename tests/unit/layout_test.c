/* Tapes and the layout: every function of infermem/layout.h. */
#include "support.h"

static infermem_tape *new_tape(size_t size, uint32_t flags) {
  INFERMEM_STRUCT(infermem_tape_options, options);
  options.size = size;
  options.flags = flags;
  infermem_tape *tape = NULL;
  assert_ok(tape_new(&options, &tape));
  return tape;
}

static void allocations_follow_each_other(void **state) {
  (void)state;
  infermem_tape *tape = new_tape(1 << 20, 0);
  void *p;
  assert_ok(tape_alloc(tape, 256, 64, &p));
  assert_int_equal(tape_used(tape), 256);
  tape_free(tape);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(allocations_follow_each_other),
  };
  return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
