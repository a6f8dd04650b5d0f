/* Tapes: what infermem/layout.h says of them, with the errors that it documents; their pages are in tape_pages_test.c.
 *
 * Figures are exact where no red zones are in force. A library that marks memory for Valgrind or AddressSanitizer keeps
 * red_zone bytes before every allocation but the first, and the tests reckon with them. */
#include <stdlib.h>

#include "tapes.h"

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
      cmocka_unit_test(an_object_may_outlive_its_tape),
      cmocka_unit_test(owns_is_true_of_handed_out_bytes_only),
      cmocka_unit_test(free_bytes_are_what_one_allocation_can_have),
      cmocka_unit_test(queries_of_null_are_zero),
      cmocka_unit_test(facts_respect_the_callers_struct_size),
      cmocka_unit_test(construction_refuses_bad_options),
      cmocka_unit_test(option_structs_of_other_releases_are_understood),
      cmocka_unit_test(a_handle_of_another_kind_is_refused),
  };
  return cmocka_run_group_tests_name("tape", tests, NULL, NULL);
}
