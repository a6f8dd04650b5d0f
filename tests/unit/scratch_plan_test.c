/* Plans of buffers that share memory: scratch_plan_* of infermem/scratch.h, beside an exhaustive search. */
#include <stdlib.h>

#include "support.h"

typedef infermem_scratch_lifetime lifetime;

static infermem_scratch_plan *plan_of(const lifetime *l, size_t n, uint64_t align) {
  INFERMEM_STRUCT(infermem_scratch_plan_options, options);
  options.align = align;
  infermem_scratch_plan *plan = NULL;
  assert_ok(scratch_plan_new(l, n, &options, &plan));
  return plan;
}

static int meet(const lifetime *a, const lifetime *b) {
  return a->first_use <= b->last_use && b->first_use <= a->last_use;
}

/* The most bytes in use at a step, each buffer rounded up. */
static uint64_t most_in_use(const lifetime *l, size_t n, uint64_t align) {
  uint64_t most = 0;
  for (size_t i = 0; i < n; i++) {
    uint64_t sum = 0;
    for (size_t j = 0; j < n; j++)
      if (l[j].first_use <= l[i].first_use && l[i].first_use <= l[j].last_use)
        sum += (l[j].bytes + align - 1) / align * align;
    if (sum > most) most = sum;
  }
  return most;
}

/* Checks what every plan promises, and returns its total. */
static uint64_t assert_sound(const infermem_scratch_plan *plan, const lifetime *l, size_t n, uint64_t align) {
  const uint64_t *at = NULL, total = scratch_plan_total_bytes(plan);
  size_t count = 0;
  uint64_t sum = 0, end = 0;
  assert_ok(scratch_plan_offsets(plan, &at, &count));
  assert_int_equal(count, n);
  for (size_t i = 0; i < n; i++) {
    const uint64_t bytes = (l[i].bytes + align - 1) / align * align;
    sum += bytes;
    if (bytes == 0) {
      assert_int_equal(at[i], 0);
      continue;
    }
    assert_int_equal(at[i] % align, 0);
    if (at[i] + bytes > end) end = at[i] + bytes;
    for (size_t j = 0; j < i; j++)
      if (l[j].bytes != 0 && meet(&l[i], &l[j]))
        assert_true(at[i] + l[i].bytes <= at[j] || at[j] + l[j].bytes <= at[i]);
  }
  assert_int_equal(end, total);
  assert_int_equal(scratch_plan_separate_bytes(plan), sum);
  assert_true(total <= sum);
  assert_true(total >= most_in_use(l, n, align));
  return total;
}

/* ---- The exhaustive search: of each pair that meets, either the one is below the other, or above it ---- */

enum { kMost = 12, kMostPairs = kMost * (kMost - 1) / 2 };
struct exhaustive {
  const lifetime *l;
  size_t n, n_pairs;
  uint8_t pairs[kMostPairs][2];
  uint8_t below[kMost][kMost]; /* whether one is decided to be below the other */
  uint64_t best;
};

/* The least height, by the decisions so far: of each buffer above all that are below it. Too much where they contradict. */
static uint64_t height(const struct exhaustive *e) {
  uint64_t at[kMost] = {0}, top = 0;
  for (size_t round = 0; round <= e->n; round++) {
    int changed = 0;
    for (size_t i = 0; i < e->n; i++)
      for (size_t j = 0; j < e->n; j++)
        if (e->below[i][j] && at[j] < at[i] + e->l[i].bytes) at[j] = at[i] + e->l[i].bytes, changed = 1;
    if (!changed) break;
    if (round == e->n) return UINT64_MAX; /* a circle */
  }
  for (size_t i = 0; i < e->n; i++)
    if (at[i] + e->l[i].bytes > top) top = at[i] + e->l[i].bytes;
  return top;
}

static void decide(struct exhaustive *e, size_t pair) {
  const uint64_t least = height(e);
  if (least >= e->best) return;
  if (pair == e->n_pairs) {
    e->best = least;
    return;
  }
  const uint8_t i = e->pairs[pair][0], j = e->pairs[pair][1];
  e->below[i][j] = 1;
  decide(e, pair + 1);
  e->below[i][j] = 0;
  e->below[j][i] = 1;
  decide(e, pair + 1);
  e->below[j][i] = 0;
}

static uint64_t optimum(const lifetime *l, size_t n) {
  struct exhaustive e = {.l = l, .n = n, .best = UINT64_MAX};
  for (uint8_t i = 0; i < n; i++)
    for (uint8_t j = 0; j < i; j++)
      if (meet(&l[i], &l[j])) e.pairs[e.n_pairs][0] = i, e.pairs[e.n_pairs++][1] = j;
  decide(&e, 0);
  return e.best;
}

static void random_lifetimes(lifetime *l, size_t n, uint64_t steps, uint64_t *seed) {
  const uint64_t most = test_random_below(seed, 2) ? 10 : 1000;
  for (size_t i = 0; i < n; i++) {
    const uint64_t a = test_random_below(seed, steps), b = test_random_below(seed, steps);
    l[i].bytes = 1 + test_random_below(seed, most);
    l[i].first_use = a < b ? a : b;
    l[i].last_use = a < b ? b : a;
  }
}

static void random_buffers_are_planned_as_well_as_can_be(void **state) {
  (void)state;
  uint64_t seed = 3;
  for (uint64_t round = 0; round < 600 * test_soak(); round++) {
    lifetime l[8];
    const size_t n = 1 + (size_t)test_random_below(&seed, 8);
    random_lifetimes(l, n, 2 + test_random_below(&seed, 9), &seed);
    infermem_scratch_plan *plan = plan_of(l, n, 1);
    assert_int_equal(assert_sound(plan, l, n, 1), optimum(l, n));
    scratch_plan_free(plan);
  }
}

/* As many bytes are in use at every step, and no plan is as small as that: as one in ten thousand such cases is. */
static void cases_that_do_not_fit_their_fullest_step_are_planned_as_well_as_can_be(void **state) {
  (void)state;
  static const lifetime cases[][kMost] = {
      {{3, 0, 0}, {1, 0, 2}, {1, 1, 4}, {2, 1, 1}, {1, 2, 2}, {1, 2, 9}, {2, 3, 4}, {3, 5, 9}},
      {{2, 0, 1}, {3, 0, 4}, {1, 2, 9}, {1, 2, 7}, {2, 5, 9}, {1, 5, 7}, {2, 8, 11}, {3, 10, 11}},
      {{3, 0, 1}, {3, 0, 2}, {2, 2, 3}, {1, 2, 5}, {2, 3, 5}, {1, 3, 3}, {3, 4, 6}, {3, 6, 6}},
      {{3, 0, 2},
       {1, 0, 12},
       {3, 3, 10},
       {2, 11, 11},
       {1, 11, 13},
       {1, 12, 14},
       {1, 12, 12},
       {2, 13, 13},
       {3, 14, 15},
       {1, 15, 15}},
      {{1, 0, 2}, {4, 0, 0}, {2, 1, 1}, {1, 1, 3}, {1, 1, 3}, {1, 2, 6}, {1, 2, 2}, {2, 3, 3}, {4, 4, 9}, {1, 7, 9}},
      {{3, 0, 0},
       {1, 0, 1},
       {1, 1, 5},
       {2, 1, 2},
       {1, 2, 3},
       {1, 3, 4},
       {1, 3, 9},
       {1, 4, 4},
       {2, 5, 5},
       {3, 6, 7},
       {2, 8, 9},
       {1, 8, 9}},
      {{4, 0, 1},
       {1, 0, 0},
       {1, 0, 5},
       {1, 1, 3},
       {2, 2, 4},
       {2, 2, 2},
       {1, 3, 7},
       {1, 3, 5},
       {1, 4, 7},
       {2, 5, 6},
       {2, 6, 6},
       {4, 7, 7}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t n = 0;
    while (n < kMost && cases[i][n].bytes != 0) n++;
    infermem_scratch_plan *plan = plan_of(cases[i], n, 1);
    const uint64_t total = assert_sound(plan, cases[i], n, 1);
    assert_true(total > most_in_use(cases[i], n, 1));
    assert_int_equal(total, optimum(cases[i], n));
    scratch_plan_free(plan);
  }
}

static void more_buffers_are_never_worse_than_the_sum(void **state) {
  (void)state;
  uint64_t seed = 4;
  static lifetime l[2000];
  static const size_t counts[] = {9, 12, 20, 33, 60, 150, 2000};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    for (int round = 0; round < (counts[i] < 100 ? 10 : 1); round++) {
      const size_t n = counts[i];
      random_lifetimes(l, n, 2 + n / 2, &seed);
      for (size_t j = 0; j < n; j += 7) l[j].bytes = 0; /* and some that take nothing */
      const uint64_t align = round % 2 == 0 ? 1 : 64;
      infermem_scratch_plan *plan = plan_of(l, n, align);
      const uint64_t total = assert_sound(plan, l, n, align);
      assert_true((double)total <= 1.25 * (double)most_in_use(l, n, align));
      scratch_plan_free(plan);
    }
  }
}

/* A layer's tensors, over and over, as a graph of a transformer has them; sizes of Llama 3 8B, for one token. */
static void graphs_of_transformers_take_what_their_fullest_step_takes(void **state) {
  (void)state;
  static const struct {
    uint64_t floats, first, last; /* steps within the layer's 12 */
  } tensors[] = {{4096, 0, 12}, {4096, 0, 1},  {4096, 1, 4},   {1024, 1, 3},  {1024, 1, 4},
                 {65536, 3, 4}, {4096, 4, 5},  {4096, 5, 6},   {4096, 6, 12}, {4096, 6, 8},
                 {14336, 7, 9}, {14336, 8, 9}, {14336, 9, 10}, {4096, 10, 11}};
  enum { kTensors = sizeof tensors / sizeof *tensors, kLayers = 32 };
  lifetime l[kTensors * kLayers + 1];
  size_t n = 0;
  for (uint64_t layer = 0; layer < kLayers; layer++)
    for (size_t i = 0; i < kTensors; i++)
      l[n++] = (lifetime){4 * tensors[i].floats, 12 * layer + tensors[i].first, 12 * layer + tensors[i].last};
  l[n++] = (lifetime){4 * 128256, 12 * kLayers, 12 * kLayers + 1};
  infermem_scratch_plan *plan = plan_of(l, n, 0);
  assert_true((double)assert_sound(plan, l, n, 64) <= 1.05 * (double)most_in_use(l, n, 64));
  scratch_plan_free(plan);
}

static void a_plan_is_the_same_every_time(void **state) {
  (void)state;
  uint64_t seed = 5;
  lifetime l[60];
  random_lifetimes(l, 60, 20, &seed);
  infermem_scratch_plan *a = plan_of(l, 60, 0), *b = plan_of(l, 60, 0);
  const uint64_t *at_a = NULL, *at_b = NULL;
  size_t n = 0;
  assert_ok(scratch_plan_offsets(a, &at_a, &n));
  assert_ok(scratch_plan_offsets(b, &at_b, &n));
  assert_memory_equal(at_a, at_b, sizeof l / sizeof *l * sizeof *at_a);
  scratch_plan_free(a);
  scratch_plan_free(b);
  scratch_plan_free(NULL);
}

static void sizes_up_to_the_largest(void **state) {
  (void)state;
  const uint64_t most = UINT64_MAX - 63;
  lifetime l[] = {{most, 0, UINT64_MAX}, {0, 5, 5}};
  infermem_scratch_plan *plan = plan_of(l, 2, 64);
  assert_int_equal(assert_sound(plan, l, 2, 64), most);
  scratch_plan_free(plan);
  lifetime halves[] = {{(uint64_t)1 << 62, 0, 1}, {(uint64_t)1 << 62, 1, 2}, {(uint64_t)1 << 62, 3, 3}};
  plan = plan_of(halves, 3, (uint64_t)1 << 62);
  assert_int_equal(assert_sound(plan, halves, 3, (uint64_t)1 << 62), (uint64_t)1 << 63);
  scratch_plan_free(plan);
  INFERMEM_STRUCT(infermem_scratch_plan_options, options);
  plan = NULL;
  l[1].bytes = 1;
  assert_fails(INFERMEM_E_OVERFLOW, scratch_plan_new(l, 2, &options, &plan));
  l[0].bytes = most + 1;
  assert_fails(INFERMEM_E_OVERFLOW, scratch_plan_new(l, 1, &options, &plan));
  assert_null(plan);
}

static void no_buffers_take_nothing(void **state) {
  (void)state;
  infermem_scratch_plan *plan = NULL;
  assert_ok(scratch_plan_new(NULL, 0, NULL, &plan));
  const uint64_t *at = NULL;
  size_t n = 7;
  assert_ok(scratch_plan_offsets(plan, &at, &n));
  assert_int_equal(n, 0);
  assert_int_equal(scratch_plan_total_bytes(plan), 0);
  assert_int_equal(scratch_plan_separate_bytes(plan), 0);
  scratch_plan_free(plan);
}

static void what_cannot_be_planned_is_refused(void **state) {
  (void)state;
  infermem_scratch_plan *plan = NULL;
  INFERMEM_STRUCT(infermem_scratch_plan_options, options);
  lifetime l[2] = {{10, 0, 1}, {10, 3, 2}};
  assert_fails(INFERMEM_E_ARG, scratch_plan_new(l, 2, NULL, &plan));
  assert_fails(INFERMEM_E_NULL, scratch_plan_new(NULL, 1, NULL, &plan));
  assert_fails(INFERMEM_E_NULL, scratch_plan_new(l, 1, NULL, NULL));
  assert_fails(INFERMEM_E_LIMIT, scratch_plan_new(l, INFERMEM_SCRATCH_PLAN_MAX + 1, NULL, &plan));
  options.align = 48;
  assert_fails(INFERMEM_E_ARG, scratch_plan_new(l, 1, &options, &plan));
  options.align = 0, options.struct_size = 2;
  assert_fails(INFERMEM_E_STRUCT, scratch_plan_new(l, 1, &options, &plan));
  options.struct_size = sizeof options;
  INFERMEM_STRUCT(infermem_allocator, allocator);
  options.allocator = &allocator;
  assert_fails(INFERMEM_E_ARG, scratch_plan_new(l, 1, &options, &plan));
  assert_null(plan);

  const uint64_t *at = NULL;
  size_t n = 0;
  assert_ok(scratch_plan_new(l, 1, NULL, &plan));
  assert_fails(INFERMEM_E_NULL, scratch_plan_offsets(NULL, &at, &n));
  assert_fails(INFERMEM_E_NULL, scratch_plan_offsets(plan, NULL, &n));
  assert_fails(INFERMEM_E_NULL, scratch_plan_offsets(plan, &at, NULL));
  infermem_tape *tape = test_tape(4096);
  assert_fails(INFERMEM_E_HANDLE, scratch_plan_offsets((const void *)tape, &at, &n));
  assert_int_equal(scratch_plan_total_bytes((const void *)tape), 0);
  assert_int_equal(scratch_plan_separate_bytes(NULL), 0);
  tape_free(tape);
  scratch_plan_free(plan);
}

static int32_t scenario(const infermem_allocator *allocator) {
  const lifetime l[] = {{10, 0, 1}, {20, 1, 2}, {30, 2, 3}};
  INFERMEM_STRUCT(infermem_scratch_plan_options, options);
  options.allocator = allocator;
  infermem_scratch_plan *plan = NULL;
  const int32_t status = scratch_plan_new(l, 3, &options, &plan);
  if (status != INFERMEM_OK) {
    assert_null(plan);
    return status;
  }
  scratch_plan_free(plan);
  return INFERMEM_OK;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  oom_walk(scenario);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_buffers_are_planned_as_well_as_can_be),
      cmocka_unit_test(cases_that_do_not_fit_their_fullest_step_are_planned_as_well_as_can_be),
      cmocka_unit_test(more_buffers_are_never_worse_than_the_sum),
      cmocka_unit_test(graphs_of_transformers_take_what_their_fullest_step_takes),
      cmocka_unit_test(a_plan_is_the_same_every_time),
      cmocka_unit_test(sizes_up_to_the_largest),
      cmocka_unit_test(no_buffers_take_nothing),
      cmocka_unit_test(what_cannot_be_planned_is_refused),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("scratch_plan", tests, NULL, NULL);
}
