/* Random operations on a tape and on a model of it: a list of the live allocations with their contents. */
#include <stdlib.h>

#include "model_check.h"
#include "support.h"

enum { kAlloc, kAllocArray, kMark, kRewind, kClear, kSeal, kWarm, kTrim, kKinds };
static const char *const kNames[] = {"alloc", "alloc_array", "mark", "rewind", "clear", "seal", "warm", "trim"};

enum { kSize = 1 << 16, kMaxLive = 20000, kMarks = 8 };

struct allocation {
  unsigned char *p;
  size_t n;
  unsigned char fill;
};

struct model {
  struct allocation live[kMaxLive];
  size_t n_live;
  size_t cursor, peak; /* by the rules of alignment, beside the tape's own */
  uint64_t generation, failures;
  struct {
    infermem_tape_mark mark;
    size_t cursor;
    uint64_t generation;
    int set;
  } marks[kMarks];
};

static struct model model;

#define DIFFERS(condition, what)  \
  do {                            \
    if (condition) return (what); \
  } while (0)

static const char *compare(const infermem_tape *tape, uintptr_t base) {
  DIFFERS(tape_used(tape) != model.cursor, "used");
  DIFFERS(tape_peak(tape) != model.peak, "peak");
  DIFFERS(tape_generation(tape) != model.generation, "generation");
  DIFFERS(tape_failures(tape) != model.failures, "failures");
  DIFFERS(tape_owns(tape, (void *)(base + model.cursor)), "owns the byte at the cursor");
  DIFFERS(model.cursor > 0 && !tape_owns(tape, (void *)base), "does not own the first byte");
  return NULL;
}

static const char *check_contents(void) {
  for (size_t i = 0; i < model.n_live; i++)
    for (size_t j = 0; j < model.live[i].n; j++)
      DIFFERS(model.live[i].p[j] != model.live[i].fill, "the contents of an allocation changed");
  return NULL;
}

static const char *step(infermem_tape *tape, uintptr_t base, size_t gap, const struct operation *op) {
  switch (op->kind) {
    case kAlloc:
    case kAllocArray: {
      const size_t size = 1 + (size_t)(op->a % (op->b % 16 == 0 ? kSize : 300));
      const size_t align = (size_t)1 << op->c % 13;
      const size_t count = op->kind == kAllocArray ? 1 + (size_t)(op->b % 3) : 1;
      const size_t start = model.cursor + (model.cursor ? gap : 0);
      const uintptr_t address = (base + start + align - 1) / align * align;
      const int fits = address + count * size <= base + kSize;
      void *p = NULL;
      const int32_t status =
          op->kind == kAllocArray ? tape_alloc_array(tape, count, size, align, &p) : tape_alloc(tape, size, align, &p);
      if (!fits) {
        DIFFERS(status != INFERMEM_E_FULL || p, "an allocation that does not fit");
        model.failures++;
        return NULL;
      }
      DIFFERS(status != INFERMEM_OK || (uintptr_t)p != address, "an allocation that fits");
      struct allocation *a = &model.live[model.n_live++];
      a->p = p;
      a->n = count * size;
      a->fill = (unsigned char)op->b;
      memset(p, a->fill, a->n);
      model.cursor = address + count * size - base;
      if (model.cursor > model.peak) model.peak = model.cursor;
      return NULL;
    }
    case kMark: {
      const size_t i = op->a % kMarks;
      DIFFERS(tape_mark(tape, &model.marks[i].mark) != INFERMEM_OK, "mark");
      model.marks[i].cursor = model.cursor;
      model.marks[i].generation = model.generation;
      model.marks[i].set = 1;
      return NULL;
    }
    case kRewind: {
      const size_t i = op->a % kMarks;
      if (!model.marks[i].set) return NULL;
      const int stale = model.marks[i].generation != model.generation || model.marks[i].cursor > model.cursor;
      const int32_t status = tape_rewind(tape, &model.marks[i].mark);
      DIFFERS(status != (stale ? INFERMEM_E_STALE : INFERMEM_OK), "rewind");
      if (stale) return NULL;
      model.cursor = model.marks[i].cursor;
      /* by address: since the mark, the tape may have been rewound lower and have grown again */
      while (model.n_live > 0 && (uintptr_t)model.live[model.n_live - 1].p >= base + model.cursor) model.n_live--;
      if (model.n_live > 0) {
        struct allocation *last = &model.live[model.n_live - 1];
        if ((uintptr_t)last->p + last->n > base + model.cursor) last->n = base + model.cursor - (uintptr_t)last->p;
      }
      return NULL;
    }
    case kClear:
      if (op->a % 4 != 0) return NULL;
      DIFFERS(tape_clear(tape) != INFERMEM_OK, "clear");
      model.cursor = model.n_live = 0;
      model.generation++;
      return NULL;
    case kSeal: {
      DIFFERS(tape_seal(tape) != INFERMEM_OK, "seal");
      void *p = NULL;
      DIFFERS(tape_alloc(tape, 1, 1, &p) != INFERMEM_E_SEALED || p, "an allocation from a sealed tape");
      DIFFERS(tape_clear(tape) != INFERMEM_E_SEALED, "clear of a sealed tape");
      DIFFERS(tape_unseal(tape) != INFERMEM_OK, "unseal");
      return NULL;
    }
    case kWarm:
      DIFFERS(tape_warm(tape) != INFERMEM_OK, "warm");
      return check_contents();
    default:
      DIFFERS(tape_trim(tape) != INFERMEM_OK, "trim");
      return check_contents();
  }
}

static const char *run_with(uint32_t flags, const struct operation *operations, size_t n) {
  memset(&model, 0, sizeof model);
  INFERMEM_STRUCT(infermem_tape_options, options);
  options.size = kSize;
  options.flags = flags;
  infermem_tape *tape = NULL;
  DIFFERS(tape_new(&options, &tape) != INFERMEM_OK, "new");
  INFERMEM_STRUCT(infermem_tape_facts, facts);
  const char *difference = tape_info(tape, &facts) == INFERMEM_OK ? NULL : "info";
  for (size_t i = 0; i < n && !difference; i++) {
    difference = step(tape, (uintptr_t)facts.base, facts.red_zone, &operations[i]);
    if (!difference) difference = compare(tape, (uintptr_t)facts.base);
    if (!difference && i % 64 == 0) difference = check_contents();
  }
  if (!difference) difference = check_contents();
  tape_free(tape);
  return difference;
}

static const char *run_default(const struct operation *operations, size_t n) { return run_with(0, operations, n); }

static const char *run_exclusive(const struct operation *operations, size_t n) {
  return run_with(INFERMEM_TAPE_EXCLUSIVE | INFERMEM_TAPE_ZERO_ON_CLEAR, operations, n);
}

static void a_tape_does_as_its_model(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 8; seed++) {
    model_check(run_default, kNames, kKinds, seed, 4000);
    model_check(run_exclusive, kNames, kKinds, seed + 100, 4000);
  }
}

/* The harness itself: of many operations, those that make a difference remain. */
static const char *two_clears_differ(const struct operation *operations, size_t n) {
  size_t clears = 0;
  for (size_t i = 0; i < n; i++) clears += operations[i].kind == kClear;
  return clears >= 2 ? "two clears" : NULL;
}

static void a_difference_is_shrunk_to_what_makes_it(void **state) {
  (void)state;
  struct operation operations[100], trial[100];
  memset(operations, 0, sizeof operations);
  for (size_t i = 3; i < 100; i += 7) operations[i].kind = kClear;
  assert_int_equal(model_shrink(two_clears_differ, operations, 100, trial), 2);
  assert_int_equal(operations[0].kind, kClear);
  assert_int_equal(operations[1].kind, kClear);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_tape_does_as_its_model),
      cmocka_unit_test(a_difference_is_shrunk_to_what_makes_it),
  };
  return cmocka_run_group_tests_name("tape_model", tests, NULL, NULL);
}
