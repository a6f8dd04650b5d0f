/* Dispatch metrics: how near to the exact ones percentiles are, and that moments are exact. */
#include <math.h>
#include <stdlib.h>

#include "dispatches.h"

/* ---- Buckets ---- */

/* Of every bound of as many significant digits as the resolution grants: what is below it, equal, above. */
static void assert_exact_bounds(uint32_t resolution, uint64_t first, uint64_t last, uint64_t step) {
  INFERMEM_STRUCT(infermem_dispatch_options, options);
  options.resolution = resolution;
  infermem_dispatch *dispatch = NULL;
  assert_ok(dispatch_new(&options, &dispatch));
  for (uint64_t unit = 1; unit <= (uint64_t)INT64_MAX / last; unit *= 10) {
    for (uint64_t number = first; number <= last; number += step) {
      const uint64_t bound = number * unit;
      assert_ok(dispatch_reset(dispatch));
      static const int kBeyond[] = {-1, 1, -1, 0, 1}; /* the extremes first, and again when they are known */
      for (size_t i = 0; i < 5; i++) assert_ok(dispatch_record(dispatch, CPU, (int64_t)bound + kBeyond[i]));
      uint64_t counts[2];
      assert_ok(dispatch_histogram(dispatch, CPU, &bound, 1, counts));
      assert_int_equal(counts[0], 2);
      assert_int_equal(counts[1], 3);
      assert_int_equal(stats_of(dispatch, CPU).p50_ns, bound); /* on an edge, and so exact */
    }
  }
  dispatch_free(dispatch);
}

static void round_bounds_part_latencies_exactly(void **state) {
  (void)state;
  assert_exact_bounds(0, 10, 99, 1);
  assert_exact_bounds(100, 1, 9, 1);
  assert_exact_bounds(10, 1, 9, 1);
  assert_exact_bounds(1000, 100, 999, 37);
}

static void other_bounds_are_rounded_down_by_a_hundredth_at_most(void **state) {
  (void)state;
  infermem_dispatch *dispatch = make();
  uint64_t seed = 11;
  for (int i = 0; i < 3000; i++) {
    const uint64_t bound = test_random(&seed) >> (1 + test_random_below(&seed, 56));
    const uint64_t below = bound - bound / 99 - 1;
    assert_ok(dispatch_reset(dispatch));
    assert_ok(dispatch_record(dispatch, CPU, (int64_t)below));
    assert_ok(dispatch_record(dispatch, CPU, (int64_t)bound));
    uint64_t counts[2];
    assert_ok(dispatch_histogram(dispatch, CPU, &bound, 1, counts));
    assert_int_equal(counts[0], 1);
    assert_int_equal(counts[1], 1);
  }
  const uint64_t beyond[] = {(uint64_t)INT64_MAX + 1, UINT64_MAX};
  uint64_t counts[3];
  assert_ok(dispatch_record(dispatch, GPU, INT64_MAX));
  assert_ok(dispatch_histogram(dispatch, GPU, beyond, 2, counts));
  assert_int_equal(counts[0], 1);
  assert_int_equal(counts[1] + counts[2], 0);
  dispatch_free(dispatch);
}

static int by_value(const void *a, const void *b) {
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* Uniform in (0, 1]. */
static double unit(uint64_t *seed) { return (double)((test_random(seed) >> 11) + 1) * 0x1p-53; }

static double draw(int distribution, uint64_t *seed) {
  switch (distribution) {
    case 0: /* uniform, to 10 ms */
      return 1e7 * unit(seed);
    case 1: /* exponential, of mean 1 ms */
      return -1e6 * log(unit(seed));
    case 2: /* log-normal about 200 us */
      return 2e5 * exp(1.5 * sqrt(-2 * log(unit(seed))) * cos(2 * M_PI * unit(seed)));
    case 3: /* two kinds of work */
      return unit(seed) < 0.9 ? 8e4 + 4e3 * unit(seed) : 3e7 + 5e6 * unit(seed);
    default: /* Pareto: a heavy tail, from 20 ns on */
      return fmin(20 / pow(unit(seed), 1 / 0.4), 9e18);
  }
}

static void assert_near(uint64_t got, int64_t expected, const char *what, int distribution) {
  const double error = fabs((double)got - (double)expected);
  if (error > 0.01 * (double)expected)
    print_error("distribution %d, %s: %llu, not %lld\n", distribution, what, (unsigned long long)got,
                (long long)expected);
  assert_true(error <= 0.01 * (double)expected);
}

static void percentiles_are_within_a_hundredth_of_the_order_statistics(void **state) {
  (void)state;
  enum { kN = 20001 };
  static int64_t latencies[kN];
  infermem_dispatch *dispatch = make();
  for (int distribution = 0; distribution < 5; distribution++) {
    uint64_t seed = 100 + (uint64_t)distribution;
    for (int n = 1; n <= kN; n += n < 30 ? 1 : kN - 30) {
      assert_ok(dispatch_reset(dispatch));
      for (int i = 0; i < n; i++) {
        latencies[i] = (int64_t)draw(distribution, &seed);
        assert_ok(dispatch_record(dispatch, GPU, latencies[i]));
      }
      qsort(latencies, (size_t)n, sizeof *latencies, by_value);
      const infermem_dispatch_stats s = stats_of(dispatch, GPU);
      const struct {
        const char *name;
        int per_mille;
        uint64_t got;
      } percentiles[] = {{"p50", 500, s.p50_ns},
                         {"p90", 900, s.p90_ns},
                         {"p95", 950, s.p95_ns},
                         {"p99", 990, s.p99_ns},
                         {"p99.9", 999, s.p999_ns}};
      for (size_t i = 0; i < 5; i++) {
        const int rank = (n * percentiles[i].per_mille + 999) / 1000;
        assert_near(percentiles[i].got, latencies[rank - 1], percentiles[i].name, distribution);
        assert_true(percentiles[i].got >= s.min_ns && percentiles[i].got <= s.max_ns);
      }
      assert_int_equal(s.min_ns, latencies[0]);
      assert_int_equal(s.max_ns, latencies[n - 1]);
    }
  }
  dispatch_free(dispatch);
}

/* ---- Exactness ---- */

static void moments_agree_with_a_reference_for_any_latencies(void **state) {
  (void)state;
  enum { kN = 500 };
  infermem_dispatch *dispatch = make();
  uint64_t seed = 7;
  for (int round = 0; round < 300; round++) {
    int64_t latencies[kN] = {0};
    const uint64_t shift = 1 + test_random_below(&seed, 63), n = 1 + test_random_below(&seed, kN);
    const int64_t offset = (int64_t)(test_random_below(&seed, 2) ? test_random(&seed) >> 2 : 0);
    double sum = 0, squares = 0; /* of the distances from the first: of numbers no larger than the spread */
    assert_ok(dispatch_reset(dispatch));
    for (uint64_t i = 0; i < n; i++) {
      latencies[i] = (int64_t)(test_random(&seed) >> shift) / 2 + offset;
      assert_ok(dispatch_record(dispatch, CPU, latencies[i]));
      sum += (double)(latencies[i] - latencies[0]);
      if (i % 100 == 50) (void)stats_of(dispatch, CPU); /* what is read in between changes nothing */
    }
    const double beyond = sum / (double)n, mean = (double)latencies[0] + beyond;
    for (uint64_t i = 0; i < n; i++) {
      const double distance = (double)(latencies[i] - latencies[0]) - beyond;
      squares += distance * distance;
    }
    const infermem_dispatch_stats s = stats_of(dispatch, CPU);
    assert_int_equal(s.latencies, n);
    assert_true(fabs(s.mean_ns - mean) <= 1e-13 * mean);
    assert_true(fabs(s.variance_ns2 - squares / (double)n) <= 1e-11 * s.variance_ns2);
    assert_true((double)s.min_ns <= s.mean_ns && s.mean_ns <= (double)s.max_ns);
  }
  dispatch_free(dispatch);
}

static void the_largest_latencies_wrap_nothing(void **state) {
  (void)state;
  infermem_dispatch *dispatch = make();
  for (int i = 0; i < 1000; i++) assert_ok(dispatch_record(dispatch, CPU, INT64_MAX));
  infermem_dispatch_stats s = stats_of(dispatch, CPU);
  assert_int_equal(s.sum_ns, UINT64_MAX); /* more than that */
  assert_double(s.mean_ns, 0x1p63);
  assert_double(s.variance_ns2, 0);
  assert_int_equal(s.p50_ns, INT64_MAX);
  for (int i = 0; i < 1000; i++) assert_ok(dispatch_record(dispatch, CPU, 0));
  s = stats_of(dispatch, CPU);
  assert_double(s.mean_ns, 0x1p62);
  assert_double(s.variance_ns2, 0x1p124);
  assert_double(s.variation_percent, 100);
  assert_int_equal(s.min_ns, 0);
  assert_int_equal(s.p50_ns, 0);
  assert_int_equal(s.p90_ns, INT64_MAX);
  dispatch_free(dispatch);
}

static void a_small_spread_about_a_large_mean_is_not_lost(void **state) {
  (void)state;
  infermem_dispatch *dispatch = make();
  const int64_t mean = 1000000000000000000;
  for (int i = 0; i < 1000; i++) assert_ok(dispatch_record(dispatch, CPU, mean + i % 2));
  assert_double(stats_of(dispatch, CPU).variance_ns2, 0.25);
  for (int i = 0; i < 1000; i++) assert_ok(dispatch_record(dispatch, GPU, mean + 7 * (i % 2)));
  assert_double(stats_of(dispatch, GPU).variance_ns2, 12.25);
  dispatch_free(dispatch);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(round_bounds_part_latencies_exactly),
      cmocka_unit_test(other_bounds_are_rounded_down_by_a_hundredth_at_most),
      cmocka_unit_test(percentiles_are_within_a_hundredth_of_the_order_statistics),
      cmocka_unit_test(moments_agree_with_a_reference_for_any_latencies),
      cmocka_unit_test(the_largest_latencies_wrap_nothing),
      cmocka_unit_test(a_small_spread_about_a_large_mean_is_not_lost),
  };
  return cmocka_run_group_tests_name("dispatch_exact", tests, NULL, NULL);
}
