/* Hot and cold neurons from masks and activations, by budget, with half-lives and hysteresis; coverage and merging. */
#include <math.h>
#include <stdlib.h>

#include "support.h"

static infermem_neuron_options options_for(uint32_t n_neurons) {
  INFERMEM_STRUCT(infermem_neuron_options, options);
  options.n_neurons = n_neurons;
  options.interval = 1000000;
  return options;
}

static infermem_neuron *make(const infermem_neuron_options *options) {
  infermem_neuron *neuron = NULL;
  assert_ok(neuron_new(options, &neuron));
  return neuron;
}

static infermem_neuron_counts stat_of(const infermem_neuron *neuron) {
  INFERMEM_STRUCT(infermem_neuron_counts, counts);
  assert_ok(neuron_stat(neuron, 0, &counts));
  return counts;
}

static void assert_hot(infermem_neuron *neuron, const uint32_t *hot, size_t n_hot) {
  assert_ok(neuron_reclassify(neuron, 0));
  const uint32_t *out;
  size_t out_n;
  assert_ok(neuron_hot(neuron, 0, &out, &out_n));
  assert_int_equal(out_n, n_hot);
  for (size_t i = 0; i < n_hot; i++) assert_int_equal(out[i], hot[i]);
}

static void record_times(infermem_neuron *neuron, uint32_t index, size_t times) {
  for (size_t i = 0; i < times; i++) assert_ok(neuron_record(neuron, 0, &index, 1));
}

/* ---- Masks and activations ---- */

static void indices_masks_and_activations_count_the_same(void **state) {
  (void)state;
  uint64_t seed = 3;
  for (uint32_t n = 1; n <= 200; n++) {
    const infermem_neuron_options options = options_for(n);
    infermem_neuron *by_index = make(&options), *by_mask = make(&options), *by_value = make(&options);
    for (int event = 0; event < 5; event++) {
      uint32_t indices[200], n_active = 0;
      uint8_t mask[25] = {0};
      float values[200];
      for (uint32_t i = 0; i < n; i++) {
        const int is_active = test_random_below(&seed, 3) == 0;
        if (is_active) indices[n_active++] = i, mask[i / 8] |= (uint8_t)(1 << i % 8);
        values[i] = (is_active ? 0.5f : 0.25f) * (test_random_below(&seed, 2) ? 1 : -1);
      }
      assert_ok(neuron_record(by_index, 0, indices, n_active));
      assert_ok(neuron_record_mask(by_mask, 0, mask, (n + 7) / 8));
      assert_ok(neuron_record_values(by_value, 0, values, n, 0.25f));
    }
    for (uint32_t i = 0; i < n; i++) {
      assert_true(neuron_frequency(by_mask, 0, i) == neuron_frequency(by_index, 0, i));
      assert_true(neuron_frequency(by_value, 0, i) == neuron_frequency(by_index, 0, i));
    }
    neuron_free(by_index);
    neuron_free(by_mask);
    neuron_free(by_value);
  }
}

static void with_a_cutoff_of_0_what_is_not_0_is_active(void **state) {
  (void)state;
  const infermem_neuron_options options = options_for(7);
  infermem_neuron *neuron = make(&options);
  const float values[] = {0.0f, -0.0f, 1e-40f, -1.0f, INFINITY, NAN, -INFINITY};
  assert_ok(neuron_record_values(neuron, 0, values, 7, 0.0f));
  assert_hot(neuron, (const uint32_t[]){2, 3, 4, 6}, 4);
  assert_int_equal(stat_of(neuron).nans, 1);
  assert_int_equal(stat_of(neuron).events, 1);
  assert_ok(neuron_record_values(neuron, 0, values, 7, INFINITY));
  assert_true(neuron_frequency(neuron, 0, 4) == 0.5);
  assert_ok(neuron_clear(neuron));
  assert_int_equal(stat_of(neuron).nans, 0);
  neuron_free(neuron);
}

static void bits_beyond_the_last_neuron_are_out_of_range(void **state) {
  (void)state;
  infermem_neuron_options options = options_for(11);
  infermem_neuron *neuron = make(&options);
  const uint8_t mask[] = {0x01, 0xfc};
  assert_ok(neuron_record_mask(neuron, 0, mask, 2));
  assert_int_equal(stat_of(neuron).out_of_range, 5);
  assert_hot(neuron, (const uint32_t[]){0, 10}, 2);
  neuron_free(neuron);
}

static void strict_refuses_masks_and_activations_whole(void **state) {
  (void)state;
  infermem_neuron_options options = options_for(11);
  options.flags = INFERMEM_NEURON_STRICT;
  infermem_neuron *neuron = make(&options);
  const uint8_t bad_mask[] = {0x01, 0x10}, good_mask[] = {0x02, 0x04};
  float values[11] = {1, 0, 0, 0, 0, 0, NAN, INFINITY, 0, 0, 1};
  assert_fails(INFERMEM_E_RANGE, neuron_record_mask(neuron, 0, bad_mask, 2));
  assert_int_equal(infermem_error_detail()->got, 12);
  assert_fails(INFERMEM_E_NOT_FINITE, neuron_record_values(neuron, 0, values, 11, 0));
  assert_int_equal(infermem_error_detail()->got, 6);
  values[6] = 0;
  assert_fails(INFERMEM_E_NOT_FINITE, neuron_record_values(neuron, 0, values, 11, 0));
  assert_int_equal(stat_of(neuron).events, 0);
  values[7] = 0;
  assert_ok(neuron_record_values(neuron, 0, values, 11, 0));
  assert_ok(neuron_record_mask(neuron, 0, good_mask, 2));
  assert_hot(neuron, (const uint32_t[]){0, 1, 10}, 3);
  neuron_free(neuron);
}

/* ---- Budgets ---- */

static void the_most_active_are_hot_and_of_equal_ones_the_first(void **state) {
  (void)state;
  infermem_neuron_options options = options_for(6);
  options.budget_count = 3;
  infermem_neuron *neuron = make(&options);
  assert_hot(neuron, NULL, 0);
  const uint32_t times[] = {2, 5, 2, 7, 2, 0};
  for (uint32_t i = 0; i < 6; i++) record_times(neuron, i, times[i]);
  assert_hot(neuron, (const uint32_t[]){0, 1, 3}, 3);
  record_times(neuron, 4, 1);
  assert_hot(neuron, (const uint32_t[]){1, 3, 4}, 3);
  neuron_free(neuron);
  options.budget_count = 6;
  neuron = make(&options);
  record_times(neuron, 4, 1);
  assert_hot(neuron, (const uint32_t[]){4}, 1); /* what was never active is never hot */
  neuron_free(neuron);
}

static void a_budget_is_a_count_a_fraction_or_bytes(void **state) {
  (void)state;
  const struct {
    uint32_t count;
    float fraction;
    uint64_t bytes, row;
    size_t k;
  } cases[] = {
      {1, 0, 0, 0, 1},       {99, 0, 0, 0, 99},       {UINT32_MAX, 0, 0, 0, 100}, {0, 0.26f, 0, 0, 26},
      {0, 0.29f, 0, 0, 29},  {0, 1.0f, 0, 0, 100},    {0, 0.0001f, 0, 0, 1},      {0, 0, 4096, 4096, 1},
      {0, 0, 8191, 4096, 1}, {0, 0, 81920, 4096, 20}, {0, 0, UINT64_MAX, 1, 100},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    infermem_neuron_options options = options_for(100);
    options.budget_count = cases[c].count;
    options.budget_fraction = cases[c].fraction;
    options.budget_bytes = cases[c].bytes;
    options.row_bytes = cases[c].row;
    infermem_neuron *neuron = make(&options);
    uint32_t all[100];
    for (uint32_t i = 0; i < 100; i++) all[i] = i;
    assert_ok(neuron_record(neuron, 0, all, 100));
    assert_hot(neuron, all, cases[c].k);
    neuron_free(neuron);
  }
}

struct ranked {
  uint32_t index, count;
};

static int by_count(const void *a, const void *b) {
  const struct ranked *x = a, *y = b;
  if (x->count != y->count) return x->count < y->count ? 1 : -1;
  return x->index < y->index ? -1 : 1;
}

static int by_index(const void *a, const void *b) {
  const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static void every_budget_agrees_with_sorting(void **state) {
  (void)state;
  enum { kMost = 3000 };
  static struct ranked ranked[kMost];
  static uint32_t hot[kMost], indices[16 * kMost];
  uint64_t seed = 5;
  for (int round = 0; round < 150; round++) {
    const uint32_t n = 1 + (uint32_t)test_random_below(&seed, kMost);
    infermem_neuron_options options = options_for(n);
    options.budget_count = 1 + (uint32_t)test_random_below(&seed, n);
    infermem_neuron *neuron = make(&options);
    for (uint32_t i = 0; i < n; i++) ranked[i] = (struct ranked){i, 0};
    const uint32_t spread = 1 + (uint32_t)test_random_below(&seed, n);
    for (int event = 0; event < 4; event++) {
      const size_t n_indices = test_random_below(&seed, 4 * kMost);
      for (size_t i = 0; i < n_indices; i++) {
        indices[i] = (uint32_t)test_random_below(&seed, 1 + test_random_below(&seed, spread));
        ranked[indices[i]].count++;
      }
      assert_ok(neuron_record(neuron, 0, indices, n_indices));
    }
    qsort(ranked, n, sizeof *ranked, by_count);
    size_t k = 0;
    for (; k < options.budget_count && ranked[k].count != 0; k++) hot[k] = ranked[k].index;
    qsort(hot, k, sizeof *hot, by_index);
    assert_hot(neuron, hot, k);

    /* and so does the coverage */
    double fractions[5] = {0, 0.1, 0.5, (double)options.budget_count / n, 1}, covered[5];
    assert_ok(neuron_coverage(neuron, 0, fractions, 5, covered));
    uint64_t all = 0;
    for (uint32_t i = 0; i < n; i++) all += ranked[i].count;
    for (int f = 0; f < 5; f++) {
      uint64_t sum = 0;
      for (long i = 0; i < lround(fractions[f] * n); i++) sum += ranked[i].count;
      assert_true(covered[f] == (all ? (double)sum / (double)all : 0));
    }
    neuron_free(neuron);
  }
}

/* ---- Hysteresis ---- */

static void by_budget_a_hot_neuron_is_not_displaced_by_a_little(void **state) {
  (void)state;
  infermem_neuron_options options = options_for(3);
  options.budget_count = 1;
  options.hysteresis = 0.25f;
  infermem_neuron *neuron = make(&options);
  record_times(neuron, 1, 8);
  assert_hot(neuron, (const uint32_t[]){1}, 1);
  record_times(neuron, 0, 9);
  assert_hot(neuron, (const uint32_t[]){1}, 1); /* 8 and a quarter of it */
  record_times(neuron, 2, 10);
  assert_hot(neuron, (const uint32_t[]){1}, 1); /* of equal ones the first */
  record_times(neuron, 0, 1);
  assert_hot(neuron, (const uint32_t[]){0}, 1);
  record_times(neuron, 2, 2);
  assert_hot(neuron, (const uint32_t[]){0}, 1);
  record_times(neuron, 2, 1);
  assert_hot(neuron, (const uint32_t[]){2}, 1);
  neuron_free(neuron);
}

static void by_threshold_a_hot_neuron_may_fall_a_little_below(void **state) {
  (void)state;
  infermem_neuron_options options = options_for(2);
  options.threshold = 0.5f;
  options.hysteresis = 0.25f;
  infermem_neuron *neuron = make(&options);
  record_times(neuron, 1, 8);
  assert_hot(neuron, (const uint32_t[]){1}, 1);
  for (int i = 0; i < 12; i++) assert_ok(neuron_record(neuron, 0, NULL, 0)); /* 8 + 2 of 20 / 2 */
  assert_hot(neuron, (const uint32_t[]){1}, 1);
  for (int i = 0; i < 2; i++) assert_ok(neuron_record(neuron, 0, NULL, 0)); /* 11 are needed */
  assert_hot(neuron, NULL, 0);
  record_times(neuron, 1, 2); /* 12 are needed, of 10: 10 + 2, but it is not hot any more */
  assert_hot(neuron, NULL, 0);
  record_times(neuron, 1, 4);
  assert_hot(neuron, (const uint32_t[]){1}, 1);
  neuron_free(neuron);
}

/* ---- Half-lives ---- */

static void what_was_counted_fades_by_half(void **state) {
  (void)state;
  const uint32_t half_life = 10;
  infermem_neuron_options options = options_for(2);
  options.half_life = half_life;
  infermem_neuron *neuron = make(&options);
  /* The definition, worked out: each event counts 256 * 2^(p / 10), all is halved each 10 events. */
  uint64_t count = 0, weight = 0;
  for (uint32_t event = 0; event < 95; event++) {
    const uint64_t w = (uint64_t)llround(256 * exp2((double)(event % half_life) / half_life));
    const uint32_t active = 1;
    assert_ok(neuron_record(neuron, 0, &active, event < 20 ? 1 : 0));
    count += event < 20 ? w : 0;
    weight += w;
    if (event % half_life == half_life - 1) count /= 2, weight /= 2;
    assert_true(neuron_frequency(neuron, 0, 1) == (double)count / (double)weight);
  }
  /* Without rounding: what was always active until 75 events ago is 2^-7.5, the rest is there. */
  assert_true(fabs(neuron_frequency(neuron, 0, 1) / exp2(-7.5) - 1) < 0.35);
  for (uint32_t event = 0; event < 100; event++) assert_ok(neuron_record(neuron, 0, NULL, 0));
  assert_true(neuron_frequency(neuron, 0, 1) == 0); /* forgotten */
  assert_int_equal(stat_of(neuron).events, 195);
  neuron_free(neuron);
}

static void with_a_half_life_a_change_of_topic_shows(void **state) {
  (void)state;
  for (uint32_t half_life = 0; half_life <= 50; half_life += 50) {
    infermem_neuron_options options = options_for(4);
    options.threshold = 0.5f;
    options.half_life = half_life;
    infermem_neuron *neuron = make(&options);
    record_times(neuron, 0, 400);
    record_times(neuron, 3, 100);
    if (half_life)
      assert_hot(neuron, (const uint32_t[]){3}, 1); /* two half-lives: the new one has three quarters */
    else
      assert_hot(neuron, (const uint32_t[]){0}, 1);
    neuron_free(neuron);
  }
}

static void counts_that_fade_stay_at_their_largest_value(void **state) {
  (void)state;
  const uint32_t many = 1 << 20;
  uint32_t *zeros = calloc(many, sizeof *zeros);
  assert_non_null(zeros);
  infermem_neuron_options options = options_for(3);
  options.half_life = 1000000;
  infermem_neuron *neuron = make(&options);
  for (int i = 0; i < 20; i++) assert_ok(neuron_record(neuron, 0, zeros, many)); /* 5 * 2^30 */
  assert_true(neuron_frequency(neuron, 0, 0) == 4294967295.0 / (20 * 256));
  const uint8_t mask = 7;
  const float values[] = {1, 0, 1};
  assert_ok(neuron_record_mask(neuron, 0, &mask, 1));
  assert_ok(neuron_record_values(neuron, 0, values, 3, 0));
  assert_ok(neuron_record(neuron, 0, zeros, 1));
  assert_true(neuron_frequency(neuron, 0, 0) == 4294967295.0 / (23 * 256));
  assert_true(neuron_frequency(neuron, 0, 2) == 2.0 / 23);
  assert_hot(neuron, (const uint32_t[]){0, 1, 2}, 3);
  neuron_free(neuron);
  free(zeros);
}

/* ---- Coverage ---- */

static void coverage_is_the_share_of_the_most_active(void **state) {
  (void)state;
  const infermem_neuron_options options = options_for(10);
  infermem_neuron *neuron = make(&options);
  double fractions[] = {0.1, 0.2, 0.3, 1.0, 0.0}, covered[5];
  assert_ok(neuron_coverage(neuron, 0, fractions, 5, covered));
  for (int i = 0; i < 5; i++) assert_true(covered[i] == 0);
  record_times(neuron, 4, 50);
  record_times(neuron, 7, 30);
  record_times(neuron, 0, 10);
  record_times(neuron, 9, 10);
  assert_ok(neuron_coverage(neuron, 0, fractions, 5, fractions)); /* in place */
  const double expected[] = {0.5, 0.8, 0.9, 1.0, 0.0};
  for (int i = 0; i < 5; i++) assert_true(fractions[i] == expected[i]);
  assert_ok(neuron_coverage(neuron, 0, fractions, 0, covered));
  neuron_free(neuron);
}

/* ---- Merging ---- */

static void merging_adds_what_others_counted(void **state) {
  (void)state;
  infermem_neuron_options options = options_for(20);
  options.interval = 10;
  infermem_neuron *parts[3], *whole = make(&options), *merged = make(&options);
  uint64_t seed = 9;
  for (int p = 0; p < 3; p++) {
    parts[p] = make(&options);
    for (int event = 0; event < 8; event++) {
      uint32_t indices[6];
      for (int i = 0; i < 6; i++) indices[i] = (uint32_t)test_random_below(&seed, 22);
      const float values[20] = {0, NAN, 1};
      assert_ok(neuron_record(parts[p], 0, indices, 6));
      assert_ok(neuron_record(whole, 0, indices, 6));
      assert_ok(neuron_record_values(parts[p], 0, values, 20, 0));
      assert_ok(neuron_record_values(whole, 0, values, 20, 0));
    }
  }
  const infermem_neuron *const others[] = {parts[0], parts[1], parts[2]};
  assert_ok(neuron_merge(merged, others, 2));
  assert_ok(neuron_merge(merged, others + 2, 1));
  assert_int_equal(stat_of(merged).reclassifications, 2);
  assert_ok(neuron_reclassify(whole, 0));
  const infermem_neuron_counts a = stat_of(merged), b = stat_of(whole);
  assert_int_equal(a.events, 48);
  assert_int_equal(a.out_of_range, b.out_of_range);
  assert_int_equal(a.nans, b.nans);
  assert_int_equal(a.n_hot, b.n_hot);
  for (uint32_t i = 0; i < 20; i++) {
    assert_true(neuron_frequency(merged, 0, i) == neuron_frequency(whole, 0, i));
    assert_int_equal(neuron_is_hot(merged, 0, i), neuron_is_hot(whole, 0, i));
  }
  assert_ok(neuron_record(merged, 0, NULL, 0));
  assert_int_equal(stat_of(merged).reclassifications, 2);
  assert_ok(neuron_record(merged, 0, NULL, 0)); /* the 50th event */
  assert_int_equal(stat_of(merged).reclassifications, 3);
  assert_ok(neuron_merge(merged, NULL, 0));
  for (int p = 0; p < 3; p++) neuron_free(parts[p]);
  neuron_free(whole);
  neuron_free(merged);
}

static void a_profile_is_classified_otherwise_by_merging(void **state) {
  (void)state;
  infermem_neuron_options options = options_for(5);
  options.threshold = 0.9f;
  infermem_neuron *counted = make(&options);
  for (uint32_t i = 0; i < 5; i++) record_times(counted, i, i);
  options.threshold = 0;
  options.budget_count = 2;
  infermem_neuron *by_budget = make(&options);
  const infermem_neuron *const others[] = {counted};
  assert_ok(neuron_merge(by_budget, others, 1));
  assert_hot(by_budget, (const uint32_t[]){3, 4}, 2);
  neuron_free(counted);
  neuron_free(by_budget);
}

static void counts_that_fade_are_merged_as_they_stand(void **state) {
  (void)state;
  infermem_neuron_options options = options_for(2);
  options.half_life = 8;
  infermem_neuron *early = make(&options), *late = make(&options);
  record_times(early, 0, 7); /* just before it is halved */
  record_times(late, 1, 20); /* in the middle, after two halvings */
  const double before[] = {neuron_frequency(early, 0, 0), neuron_frequency(late, 0, 1)};
  assert_true(before[0] == 1 && fabs(before[1] - 1) < 0.01);
  const infermem_neuron *const others[] = {late};
  assert_ok(neuron_merge(early, others, 1));
  /* In units of an activation now: 7 and 20 events that fade by 2^(-1/8) each. */
  const double fade = exp2(-1.0 / 8), seven = (1 - pow(fade, 7)) / (1 - fade),
               twenty = (1 - pow(fade, 20)) / (1 - fade);
  assert_true(fabs(neuron_frequency(early, 0, 0) - seven / (seven + twenty)) < 0.01);
  assert_true(fabs(neuron_frequency(early, 0, 1) - twenty / (seven + twenty)) < 0.01);
  assert_int_equal(stat_of(early).events, 27);
  neuron_free(early);
  neuron_free(late);
}

/* ---- Arguments ---- */

static void bad_options_are_refused(void **state) {
  (void)state;
  infermem_neuron *neuron = NULL;
  const infermem_neuron_options good = options_for(10);
  infermem_neuron_options bad;
#define REFUSED(change)                                      \
  do {                                                       \
    bad = good;                                              \
    change;                                                  \
    assert_fails(INFERMEM_E_ARG, neuron_new(&bad, &neuron)); \
    assert_null(neuron);                                     \
  } while (0)
  REFUSED((bad.threshold = 0.5f, bad.budget_count = 1));
  REFUSED((bad.budget_fraction = 0.5f, bad.budget_count = 1));
  REFUSED((bad.budget_bytes = 10, bad.row_bytes = 1, bad.budget_fraction = 0.5f));
  REFUSED(bad.budget_bytes = 10);
  REFUSED(bad.row_bytes = 10);
  REFUSED((bad.budget_bytes = 10, bad.row_bytes = 11));
  REFUSED(bad.budget_fraction = NAN);
  REFUSED(bad.budget_fraction = 1.01f);
  REFUSED(bad.budget_fraction = -0.5f);
  REFUSED(bad.hysteresis = NAN);
  REFUSED(bad.hysteresis = 1.5f);
  REFUSED(bad.hysteresis = -1e-9f);
#undef REFUSED
}

static void bad_arguments_are_refused_and_change_nothing(void **state) {
  (void)state;
  infermem_neuron_options options = options_for(12);
  infermem_neuron *neuron = make(&options);
  options.n_neurons = 13;
  infermem_neuron *longer = make(&options);
  options.n_neurons = 12;
  options.n_layers = 2;
  infermem_neuron *deeper = make(&options);
  options.n_layers = 1;
  options.half_life = 5;
  infermem_neuron *fading = make(&options);
  infermem_tape *tape = test_tape(1 << 14);
  infermem_neuron *other = (infermem_neuron *)(void *)tape;
  const uint8_t mask[2] = {1, 1};
  float values[12] = {1};
  double fraction = 0.5, covered = 77;
  const double bad[] = {NAN, -0.1, 1.1, INFINITY};

  assert_fails(INFERMEM_E_NULL, neuron_record_mask(NULL, 0, mask, 2));
  assert_fails(INFERMEM_E_HANDLE, neuron_record_mask(other, 0, mask, 2));
  assert_fails(INFERMEM_E_NULL, neuron_record_mask(neuron, 0, NULL, 2));
  assert_fails(INFERMEM_E_RANGE, neuron_record_mask(neuron, 1, mask, 2));
  assert_fails(INFERMEM_E_SHAPE, neuron_record_mask(neuron, 0, mask, 1));
  assert_fails(INFERMEM_E_SHAPE, neuron_record_mask(neuron, 0, mask, 3));
  assert_fails(INFERMEM_E_NULL, neuron_record_values(NULL, 0, values, 12, 0));
  assert_fails(INFERMEM_E_HANDLE, neuron_record_values(other, 0, values, 12, 0));
  assert_fails(INFERMEM_E_NULL, neuron_record_values(neuron, 0, NULL, 12, 0));
  assert_fails(INFERMEM_E_RANGE, neuron_record_values(neuron, 1, values, 12, 0));
  assert_fails(INFERMEM_E_SHAPE, neuron_record_values(neuron, 0, values, 11, 0));
  assert_fails(INFERMEM_E_ARG, neuron_record_values(neuron, 0, values, 12, NAN));
  assert_fails(INFERMEM_E_ARG, neuron_record_values(neuron, 0, values, 12, -1));
  assert_fails(INFERMEM_E_NULL, neuron_coverage(NULL, 0, &fraction, 1, &covered));
  assert_fails(INFERMEM_E_HANDLE, neuron_coverage(other, 0, &fraction, 1, &covered));
  assert_fails(INFERMEM_E_NULL, neuron_coverage(neuron, 0, NULL, 1, &covered));
  assert_fails(INFERMEM_E_NULL, neuron_coverage(neuron, 0, &fraction, 1, NULL));
  assert_fails(INFERMEM_E_RANGE, neuron_coverage(neuron, 1, &fraction, 1, &covered));
  for (size_t i = 0; i < 4; i++) assert_fails(INFERMEM_E_ARG, neuron_coverage(neuron, 0, &bad[i], 1, &covered));
  const infermem_neuron *others[2] = {fading, NULL};
  assert_fails(INFERMEM_E_NULL, neuron_merge(NULL, others, 1));
  assert_fails(INFERMEM_E_HANDLE, neuron_merge(other, others, 1));
  assert_fails(INFERMEM_E_NULL, neuron_merge(neuron, NULL, 1));
  assert_fails(INFERMEM_E_ARG, neuron_merge(neuron, others, 1));
  others[0] = neuron;
  assert_fails(INFERMEM_E_ARG, neuron_merge(neuron, others, 1));
  others[0] = longer;
  assert_fails(INFERMEM_E_SHAPE, neuron_merge(neuron, others, 1));
  others[0] = deeper;
  assert_fails(INFERMEM_E_SHAPE, neuron_merge(neuron, others, 1));
  others[0] = other;
  assert_fails(INFERMEM_E_HANDLE, neuron_merge(neuron, others, 1));
  options.half_life = 0;
  options.tape = tape;
  infermem_neuron *taped = make(&options);
  assert_ok(neuron_record(taped, 0, NULL, 0));
  others[0] = taped;
  assert_fails(INFERMEM_E_NULL, neuron_merge(neuron, others, 2)); /* the second is NULL: the first is not added */
  assert_true(covered == 77);
  assert_int_equal(stat_of(neuron).events, 0);
  assert_int_equal(stat_of(neuron).reclassifications, 0);

  assert_ok(tape_seal(tape));
  assert_fails(INFERMEM_E_SEALED, neuron_record_mask(taped, 0, mask, 2));
  assert_fails(INFERMEM_E_SEALED, neuron_record_values(taped, 0, values, 12, 0));
  assert_fails(INFERMEM_E_SEALED, neuron_merge(taped, NULL, 0));
  assert_ok(neuron_coverage(taped, 0, &fraction, 1, &covered));
  assert_ok(neuron_merge(neuron, others, 1));
  assert_ok(tape_unseal(tape));
  assert_ok(tape_clear(tape));
  assert_fails(INFERMEM_E_STALE, neuron_record_mask(taped, 0, mask, 2));
  assert_fails(INFERMEM_E_STALE, neuron_record_values(taped, 0, values, 12, 0));
  assert_fails(INFERMEM_E_STALE, neuron_coverage(taped, 0, &fraction, 1, &covered));
  assert_fails(INFERMEM_E_STALE, neuron_merge(taped, NULL, 0));
  assert_fails(INFERMEM_E_STALE, neuron_merge(neuron, others, 1));
  neuron_free(taped);
  tape_free(tape);
  neuron_free(neuron);
  neuron_free(longer);
  neuron_free(deeper);
  neuron_free(fading);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(indices_masks_and_activations_count_the_same),
      cmocka_unit_test(with_a_cutoff_of_0_what_is_not_0_is_active),
      cmocka_unit_test(bits_beyond_the_last_neuron_are_out_of_range),
      cmocka_unit_test(strict_refuses_masks_and_activations_whole),
      cmocka_unit_test(the_most_active_are_hot_and_of_equal_ones_the_first),
      cmocka_unit_test(a_budget_is_a_count_a_fraction_or_bytes),
      cmocka_unit_test(every_budget_agrees_with_sorting),
      cmocka_unit_test(by_budget_a_hot_neuron_is_not_displaced_by_a_little),
      cmocka_unit_test(by_threshold_a_hot_neuron_may_fall_a_little_below),
      cmocka_unit_test(what_was_counted_fades_by_half),
      cmocka_unit_test(with_a_half_life_a_change_of_topic_shows),
      cmocka_unit_test(counts_that_fade_stay_at_their_largest_value),
      cmocka_unit_test(coverage_is_the_share_of_the_most_active),
      cmocka_unit_test(merging_adds_what_others_counted),
      cmocka_unit_test(a_profile_is_classified_otherwise_by_merging),
      cmocka_unit_test(counts_that_fade_are_merged_as_they_stand),
      cmocka_unit_test(bad_options_are_refused),
      cmocka_unit_test(bad_arguments_are_refused_and_change_nothing),
  };
  return cmocka_run_group_tests_name("neuron_record", tests, NULL, NULL);
}
