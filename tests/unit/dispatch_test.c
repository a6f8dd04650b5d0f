/* Dispatch metrics: every function of infermem/dispatch.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support.h"

enum { CPU = INFERMEM_DISPATCH_CPU, GPU = INFERMEM_DISPATCH_GPU };

static infermem_dispatch *make(void) {
  infermem_dispatch *dispatch = NULL;
  assert_ok(dispatch_new(NULL, &dispatch));
  return dispatch;
}

static infermem_dispatch_stats stats_of(const infermem_dispatch *dispatch, uint32_t backend) {
  INFERMEM_STRUCT(infermem_dispatch_stats, stats);
  assert_ok(dispatch_snapshot(dispatch, backend, &stats));
  return stats;
}

static void record_us(const infermem_dispatch *dispatch, uint32_t backend, const int64_t *us, size_t n) {
  for (size_t i = 0; i < n; i++) assert_ok(dispatch_record(dispatch, backend, 1000 * us[i]));
}

#define RECORD_US(dispatch, backend, ...)                         \
  do {                                                            \
    const int64_t us[] = {__VA_ARGS__};                           \
    record_us((dispatch), (backend), us, sizeof us / sizeof *us); \
  } while (0)

static void assert_double(double got, double expected) {
  if (!(got == expected)) print_error("%.17g is not %.17g\n", got, expected);
  assert_true(got == expected);
}

/* ---- Given values ---- */

static void an_object_starts_with_nothing(void **state) {
  (void)state;
  infermem_dispatch *dispatch = make();
  for (uint32_t backend = 0; backend < 2; backend++) {
    INFERMEM_STRUCT(infermem_dispatch_stats, nothing);
    const infermem_dispatch_stats stats = stats_of(dispatch, backend);
    assert_memory_equal(&stats, &nothing, sizeof stats);
    uint64_t counts[2] = {7, 7};
    assert_ok(dispatch_histogram(dispatch, backend, &(uint64_t){100}, 1, counts));
    assert_int_equal(counts[0] + counts[1], 0);
    assert_double(dispatch_ratio(dispatch, backend), 0);
  }
  assert_double(dispatch_speedup(dispatch, CPU, GPU), 0);
  dispatch_free(dispatch);
  dispatch_free(NULL);
}

static void two_latencies_have_an_exact_mean_and_variance(void **state) {
  (void)state;
  infermem_dispatch *dispatch = make();
  RECORD_US(dispatch, CPU, 100, 200);
  const infermem_dispatch_stats s = stats_of(dispatch, CPU);
  assert_int_equal(s.dispatches, 2);
  assert_int_equal(s.latencies, 2);
  assert_int_equal(s.sum_ns, 300000);
  assert_int_equal(s.min_ns, 100000);
  assert_int_equal(s.max_ns, 200000);
  assert_double(s.mean_ns, 150e3);
  assert_double(s.variance_ns2, 2500e6);
  assert_double(s.deviation_ns, 50e3);
  assert_true(fabs(s.variation_percent - 100.0 / 3) < 1e-12);
  assert_int_equal(s.p50_ns, 100000);
  assert_int_equal(s.p99_ns, 200000);
  dispatch_free(dispatch);
}

static void ratio_and_speedup_compare_backends(void **state) {
  (void)state;
  infermem_dispatch *dispatch = make();
  RECORD_US(dispatch, CPU, 200);
  RECORD_US(dispatch, GPU, 40, 50, 60);
  assert_double(dispatch_ratio(dispatch, GPU), 0.75);
  assert_double(dispatch_ratio(dispatch, CPU), 0.25);
  assert_double(dispatch_speedup(dispatch, CPU, GPU), 4);
  assert_double(dispatch_speedup(dispatch, GPU, CPU), 0.25);
  assert_ok(dispatch_reset(dispatch));
  RECORD_US(dispatch, CPU, 200);
  assert_ok(dispatch_record(dispatch, GPU, 0));
  assert_double(dispatch_speedup(dispatch, CPU, GPU), 0); /* a mean below 1 ns */
  assert_double(stats_of(dispatch, GPU).variation_percent, 0);
  dispatch_free(dispatch);
}

static const uint64_t kClassic[] = {100000, 500000, 1000000, 5000000};

static void the_classic_buckets(void **state) {
  (void)state;
  infermem_dispatch *dispatch = make();
  RECORD_US(dispatch, CPU, 50, 200, 700, 2000, 8000);
  uint64_t counts[5];
  assert_ok(dispatch_histogram(dispatch, CPU, kClassic, 4, counts));
  const uint64_t one_each[] = {1, 1, 1, 1, 1};
  assert_memory_equal(counts, one_each, sizeof counts);
  assert_ok(dispatch_histogram(dispatch, CPU, NULL, 0, counts));
  assert_int_equal(counts[0], 5);
  dispatch_free(dispatch);
}

static void equal_latencies_are_their_own_percentiles(void **state) {
  (void)state;
  infermem_dispatch *dispatch = make();
  for (int i = 0; i < 100; i++) assert_ok(dispatch_record(dispatch, CPU, 50000));
  for (int i = 0; i < 100; i++) assert_ok(dispatch_record(dispatch, GPU, 123456789));
  const infermem_dispatch_stats cpu = stats_of(dispatch, CPU), gpu = stats_of(dispatch, GPU);
  assert_int_equal(cpu.p50_ns, 50000);
  assert_int_equal(cpu.p99_ns, 50000);
  assert_int_equal(gpu.p50_ns, 123456789); /* within the extremes, though its bucket is wider */
  assert_int_equal(gpu.p999_ns, 123456789);
  assert_double(gpu.variance_ns2, 0);
  dispatch_free(dispatch);
}

static void dispatches_without_a_latency_are_counted_alone(void **state) {
  (void)state;
  infermem_dispatch *dispatch = make();
  for (int i = 0; i < 3; i++) assert_ok(dispatch_count_only(dispatch, GPU));
  RECORD_US(dispatch, CPU, 10);
  assert_ok(dispatch_count_only(dispatch, CPU));
  const infermem_dispatch_stats cpu = stats_of(dispatch, CPU), gpu = stats_of(dispatch, GPU);
  assert_int_equal(cpu.dispatches, 2);
  assert_int_equal(cpu.latencies, 1);
  assert_double(cpu.mean_ns, 10000);
  assert_int_equal(gpu.dispatches, 3);
  assert_int_equal(gpu.latencies, 0);
  assert_int_equal(gpu.min_ns, 0);
  assert_double(dispatch_ratio(dispatch, GPU), 0.6);
  dispatch_free(dispatch);
}

static void a_reset_forgets_everything(void **state) {
  (void)state;
  infermem_dispatch *dispatch = make();
  RECORD_US(dispatch, CPU, 1, 22, 333);
  assert_int_equal(stats_of(dispatch, CPU).latencies, 3);
  RECORD_US(dispatch, CPU, 4444);
  assert_ok(dispatch_count_only(dispatch, GPU));
  assert_ok(dispatch_reset(dispatch));
  INFERMEM_STRUCT(infermem_dispatch_stats, nothing);
  infermem_dispatch_stats s = stats_of(dispatch, CPU);
  assert_memory_equal(&s, &nothing, sizeof s);
  s = stats_of(dispatch, GPU);
  assert_memory_equal(&s, &nothing, sizeof s);
  RECORD_US(dispatch, CPU, 22);
  uint64_t counts[5];
  assert_ok(dispatch_histogram(dispatch, CPU, kClassic, 4, counts));
  const uint64_t one[] = {1, 0, 0, 0, 0};
  assert_memory_equal(counts, one, sizeof counts);
  assert_int_equal(stats_of(dispatch, CPU).min_ns, 22000);
  dispatch_free(dispatch);
}

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

/* ---- Time ---- */

static void time_is_counted_from_construction_or_reset(void **state) {
  (void)state;
  const uint64_t before = dispatch_timer_start();
  infermem_dispatch *dispatch = make();
  const struct timespec pause = {0, 2000000};
  nanosleep(&pause, NULL);
  for (int i = 0; i < 10; i++) assert_ok(dispatch_count_only(dispatch, (uint32_t)i % 2));
  const uint64_t least = dispatch_elapsed_ns(dispatch);
  const double rate = dispatch_throughput(dispatch);
  const uint64_t most = dispatch_timer_start() - before;
  assert_true(least >= 2000000 && least <= most);
  assert_true(rate <= 10 * 1e9 / (double)least && rate >= 10 * 1e9 / (double)most);
  const uint64_t reset_at = dispatch_timer_start();
  assert_ok(dispatch_reset(dispatch));
  assert_ok(dispatch_count_only(dispatch, CPU));
  const double early = dispatch_throughput(dispatch);
  if (dispatch_timer_start() - reset_at < 1000000) assert_double(early, 0); /* below 1 ms */
  dispatch_free(dispatch);
}

static void a_timer_records_what_lies_between(void **state) {
  (void)state;
  infermem_dispatch *dispatch = make();
  const uint64_t before = dispatch_timer_start(), started = dispatch_timer_start();
  assert_true(started >= before);
  assert_ok(dispatch_timer_stop(dispatch, GPU, started));
  const uint64_t most = dispatch_timer_start() - before;
  const infermem_dispatch_stats s = stats_of(dispatch, GPU);
  assert_int_equal(s.latencies, 1);
  assert_true(s.max_ns <= most);
  assert_fails(INFERMEM_E_ARG, dispatch_timer_stop(dispatch, GPU, UINT64_MAX));
  assert_fails(INFERMEM_E_RANGE, dispatch_timer_stop(dispatch, 2, started));
  assert_fails(INFERMEM_E_NULL, dispatch_timer_stop(NULL, GPU, started));
  assert_int_equal(stats_of(dispatch, GPU).latencies, 1);
  dispatch_free(dispatch);
}

/* ---- Text ---- */

static char *text_of(const infermem_dispatch *dispatch, int is_json) {
  size_t length = 0, again = 0;
  int32_t (*const write)(const infermem_dispatch *, char *, size_t, size_t *) =
      is_json ? dispatch_json : dispatch_prometheus;
  assert_int_equal(write(dispatch, NULL, 0, &length), INFERMEM_OK);
  char *text = malloc(length + 20); /* the time may have become longer */
  assert_non_null(text);
  assert_int_equal(write(dispatch, text, length + 20, &again), INFERMEM_OK);
  assert_int_equal(strlen(text), again);
  return text;
}

static void prometheus_text_is_cumulative_and_inclusive(void **state) {
  (void)state;
  const char *const names[] = {"CPU", "say \"hi\"\\\n", "\xc3\xa9"};
  INFERMEM_STRUCT(infermem_dispatch_options, options);
  options.n_backends = 3;
  options.names = names;
  infermem_dispatch *dispatch = NULL;
  assert_ok(dispatch_new(&options, &dispatch));
  RECORD_US(dispatch, CPU, 100, 101, 500, 6000000);
  assert_ok(dispatch_count_only(dispatch, CPU));
  assert_ok(dispatch_record(dispatch, 1, 99999));
  char *const text = text_of(dispatch, 0);
  assert_string_equal(text,
                      "# HELP infermem_dispatches_total Dispatches that a backend did.\n"
                      "# TYPE infermem_dispatches_total counter\n"
                      "infermem_dispatches_total{backend=\"CPU\"} 5\n"
                      "infermem_dispatches_total{backend=\"say \\\"hi\\\"\\\\\\n\"} 1\n"
                      "infermem_dispatches_total{backend=\"\xc3\xa9\"} 0\n"
                      "# HELP infermem_dispatch_latency_seconds How long a backend's dispatches took.\n"
                      "# TYPE infermem_dispatch_latency_seconds histogram\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"CPU\",le=\"0.0001\"} 1\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"CPU\",le=\"0.0005\"} 3\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"CPU\",le=\"0.001\"} 3\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"CPU\",le=\"0.005\"} 3\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"CPU\",le=\"+Inf\"} 4\n"
                      "infermem_dispatch_latency_seconds_sum{backend=\"CPU\"} 6.000701\n"
                      "infermem_dispatch_latency_seconds_count{backend=\"CPU\"} 4\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"say \\\"hi\\\"\\\\\\n\",le=\"0.0001\"} 1\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"say \\\"hi\\\"\\\\\\n\",le=\"0.0005\"} 1\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"say \\\"hi\\\"\\\\\\n\",le=\"0.001\"} 1\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"say \\\"hi\\\"\\\\\\n\",le=\"0.005\"} 1\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"say \\\"hi\\\"\\\\\\n\",le=\"+Inf\"} 1\n"
                      "infermem_dispatch_latency_seconds_sum{backend=\"say \\\"hi\\\"\\\\\\n\"} 0.000099999\n"
                      "infermem_dispatch_latency_seconds_count{backend=\"say \\\"hi\\\"\\\\\\n\"} 1\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"\xc3\xa9\",le=\"0.0001\"} 0\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"\xc3\xa9\",le=\"0.0005\"} 0\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"\xc3\xa9\",le=\"0.001\"} 0\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"\xc3\xa9\",le=\"0.005\"} 0\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"\xc3\xa9\",le=\"+Inf\"} 0\n"
                      "infermem_dispatch_latency_seconds_sum{backend=\"\xc3\xa9\"} 0\n"
                      "infermem_dispatch_latency_seconds_count{backend=\"\xc3\xa9\"} 0\n");
  free(text);
  dispatch_free(dispatch);
}

static void json_text_has_the_same(void **state) {
  (void)state;
  const char *const names[] = {"a\"b\\c\n\x01\x1f"};
  INFERMEM_STRUCT(infermem_dispatch_options, options);
  options.n_backends = 1;
  options.names = names;
  infermem_dispatch *dispatch = NULL;
  assert_ok(dispatch_new(&options, &dispatch));
  RECORD_US(dispatch, 0, 100, 200);
  char *const text = text_of(dispatch, 1);
  static const char begin[] = "{\"elapsed_ns\": ";
  assert_memory_equal(text, begin, sizeof begin - 1);
  const char *rest = text + sizeof begin - 1;
  rest += strspn(rest, "0123456789");
  assert_string_equal(
      rest,
      ", \"backends\": [{\"name\": \"a\\\"b\\\\c\\n\\u0001\\u001f\", \"dispatches\": 2, \"latencies\": 2, "
      "\"sum_ns\": 300000, \"min_ns\": 100000, \"max_ns\": 200000, \"p50_ns\": 100000, \"p90_ns\": 200000, "
      "\"p95_ns\": 200000, \"p99_ns\": 200000, \"p999_ns\": 200000, \"mean_ns\": 150000.000, "
      "\"deviation_ns\": 50000.000, \"variation_percent\": 33.333, \"buckets\": [{\"below_ns\": 100000, "
      "\"count\": 0}, {\"below_ns\": 500000, \"count\": 2}, {\"below_ns\": 1000000, \"count\": 0}, "
      "{\"below_ns\": 5000000, \"count\": 0}, {\"below_ns\": null, \"count\": 0}]}]}\n");
  free(text);
  dispatch_free(dispatch);
}

static void a_text_that_does_not_fit_is_not_begun(void **state) {
  (void)state;
  infermem_dispatch *dispatch = make();
  char buffer[4096];
  size_t length = 0, untouched = 77;
  assert_ok(dispatch_prometheus(dispatch, NULL, 0, &length));
  memset(buffer, 'x', sizeof buffer);
  assert_fails(INFERMEM_E_BUFFER, dispatch_prometheus(dispatch, buffer, length, &untouched));
  assert_int_equal(infermem_error_detail()->expected, length + 1);
  assert_int_equal(untouched, 77);
  for (size_t i = 0; i < sizeof buffer; i++) assert_int_equal(buffer[i], 'x');
  assert_ok(dispatch_prometheus(dispatch, buffer, length + 1, &untouched));
  assert_int_equal(untouched, length);
  assert_int_equal(buffer[length], '\0');
  assert_int_equal(buffer[length + 1], 'x');
  assert_fails(INFERMEM_E_BUFFER, dispatch_json(dispatch, buffer, 10, &untouched));
  assert_fails(INFERMEM_E_NULL, dispatch_prometheus(dispatch, NULL, 10, &untouched));
  assert_fails(INFERMEM_E_NULL, dispatch_json(dispatch, NULL, 10, &untouched));
  assert_fails(INFERMEM_E_NULL, dispatch_prometheus(dispatch, buffer, 10, NULL));
  assert_fails(INFERMEM_E_NULL, dispatch_json(dispatch, buffer, 10, NULL));
  assert_fails(INFERMEM_E_NULL, dispatch_prometheus(NULL, buffer, 10, &length));
  assert_fails(INFERMEM_E_NULL, dispatch_json(NULL, buffer, 10, &length));
  dispatch_free(dispatch);
}

/* ---- Construction ---- */

static void backends_are_named(void **state) {
  (void)state;
  INFERMEM_STRUCT(infermem_dispatch_options, options);
  options.n_backends = INFERMEM_DISPATCH_MAX_BACKENDS;
  infermem_dispatch *dispatch = NULL;
  assert_ok(dispatch_new(&options, &dispatch));
  assert_ok(dispatch_record(dispatch, INFERMEM_DISPATCH_MAX_BACKENDS - 1, 1));
  char *const text = text_of(dispatch, 0);
  assert_non_null(strstr(text, "infermem_dispatches_total{backend=\"CPU\"} 0\n"));
  assert_non_null(strstr(text, "infermem_dispatches_total{backend=\"GPU\"} 0\n"));
  assert_non_null(strstr(text, "infermem_dispatches_total{backend=\"backend2\"} 0\n"));
  assert_non_null(strstr(text, "infermem_dispatches_total{backend=\"backend31\"} 1\n"));
  free(text);
  dispatch_free(dispatch);
}

static void options_are_checked(void **state) {
  (void)state;
  infermem_dispatch *dispatch = NULL;
  assert_fails(INFERMEM_E_NULL, dispatch_new(NULL, NULL));
  INFERMEM_STRUCT(infermem_dispatch_options, options);
  options.n_backends = INFERMEM_DISPATCH_MAX_BACKENDS + 1;
  assert_fails(INFERMEM_E_LIMIT, dispatch_new(&options, &dispatch));
  options.n_backends = 2;
  static const uint32_t resolutions[] = {1, 9, 1001, UINT32_MAX};
  for (size_t i = 0; i < 4; i++) {
    options.resolution = resolutions[i];
    assert_fails(INFERMEM_E_ARG, dispatch_new(&options, &dispatch));
  }
  options.resolution = 0;
  char longest[INFERMEM_DISPATCH_MAX_NAME + 2] = "";
  memset(longest, 'n', sizeof longest - 1);
  const char *names[] = {"same", "same"};
  options.names = names;
  assert_fails(INFERMEM_E_ARG, dispatch_new(&options, &dispatch));
  names[1] = NULL;
  assert_fails(INFERMEM_E_NULL, dispatch_new(&options, &dispatch));
  names[1] = longest;
  assert_fails(INFERMEM_E_LIMIT, dispatch_new(&options, &dispatch));
  longest[INFERMEM_DISPATCH_MAX_NAME] = '\0';
  assert_ok(dispatch_new(&options, &dispatch));
  dispatch_free(dispatch);
  dispatch = NULL;
  static const char *const wrong[] = {
      "",         "\x80",         "a\xff",          "\xc3",         "\xc0\xaf",         "\xc1\xbf",
      "\xe2\x82", "\xe0\x9f\xbf", "\xed\xa0\x80",   "\xf5\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
      "\xc3(",    "\xe2\x82(",    "\xf0\x9f\x98(x)"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    names[1] = wrong[i];
    assert_fails(INFERMEM_E_ARG, dispatch_new(&options, &dispatch));
  }
  static const char *const right[] = {"\x7f",         "\xc2\x80",         "\xe0\xa0\x80",    "\xed\x9f\xbf",
                                      "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
  for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
    names[1] = right[i];
    assert_ok(dispatch_new(&options, &dispatch));
    dispatch_free(dispatch);
    dispatch = NULL;
  }
  options.struct_size = 4;
  assert_fails(INFERMEM_E_STRUCT, dispatch_new(&options, &dispatch));
  options.struct_size = sizeof options;
  INFERMEM_STRUCT(infermem_allocator, allocator);
  options.allocator = &allocator;
  assert_fails(INFERMEM_E_ARG, dispatch_new(&options, &dispatch));
  assert_null(dispatch);
}

static int32_t scenario(const infermem_allocator *allocator) {
  INFERMEM_STRUCT(infermem_dispatch_options, options);
  options.allocator = allocator;
  infermem_dispatch *dispatch = NULL;
  const int32_t status = dispatch_new(&options, &dispatch);
  if (status != INFERMEM_OK) {
    assert_null(dispatch);
    return status;
  }
  assert_ok(dispatch_record(dispatch, CPU, 5));
  dispatch_free(dispatch);
  return INFERMEM_OK;
}

static void an_object_is_one_allocation(void **state) {
  (void)state;
  assert_int_equal(oom_walk(scenario), 1);
}

/* ---- Errors ---- */

static void what_is_refused_changes_nothing(void **state) {
  (void)state;
  infermem_dispatch *dispatch = make();
  infermem_tape *tape = test_tape(4096);
  const infermem_dispatch *const other = (const void *)tape;
  RECORD_US(dispatch, CPU, 3);
  const infermem_dispatch_stats before = stats_of(dispatch, CPU);

  assert_fails(INFERMEM_E_ARG, dispatch_record(dispatch, CPU, -1));
  assert_non_null(strstr(infermem_error_detail()->message, "-1"));
  assert_fails(INFERMEM_E_ARG, dispatch_record(dispatch, CPU, INT64_MIN));
  assert_fails(INFERMEM_E_RANGE, dispatch_record(dispatch, 2, 1));
  assert_fails(INFERMEM_E_RANGE, dispatch_record(dispatch, UINT32_MAX, 1));
  assert_fails(INFERMEM_E_NULL, dispatch_record(NULL, CPU, 1));
  assert_fails(INFERMEM_E_HANDLE, dispatch_record(other, CPU, 1));
  assert_fails(INFERMEM_E_RANGE, dispatch_count_only(dispatch, 2));
  assert_fails(INFERMEM_E_NULL, dispatch_count_only(NULL, CPU));
  assert_fails(INFERMEM_E_HANDLE, dispatch_count_only(other, CPU));
  assert_fails(INFERMEM_E_NULL, dispatch_reset(NULL));
  assert_fails(INFERMEM_E_HANDLE, dispatch_reset(other));

  INFERMEM_STRUCT(infermem_dispatch_stats, stats);
  assert_fails(INFERMEM_E_RANGE, dispatch_snapshot(dispatch, 2, &stats));
  assert_fails(INFERMEM_E_NULL, dispatch_snapshot(NULL, CPU, &stats));
  assert_fails(INFERMEM_E_NULL, dispatch_snapshot(dispatch, CPU, NULL));
  assert_fails(INFERMEM_E_HANDLE, dispatch_snapshot(other, CPU, &stats));
  stats.struct_size = 3;
  assert_fails(INFERMEM_E_STRUCT, dispatch_snapshot(dispatch, CPU, &stats));

  uint64_t counts[INFERMEM_DISPATCH_MAX_BOUNDS + 1], bounds[INFERMEM_DISPATCH_MAX_BOUNDS + 1];
  for (size_t i = 0; i <= INFERMEM_DISPATCH_MAX_BOUNDS; i++) bounds[i] = 1000 * i, counts[i] = 99;
  assert_fails(INFERMEM_E_LIMIT, dispatch_histogram(dispatch, CPU, bounds, INFERMEM_DISPATCH_MAX_BOUNDS + 1, counts));
  assert_fails(INFERMEM_E_ARG, dispatch_histogram(dispatch, CPU, (const uint64_t[]){5, 5}, 2, counts));
  assert_fails(INFERMEM_E_ARG, dispatch_histogram(dispatch, CPU, (const uint64_t[]){5, 6, 3}, 3, counts));
  assert_fails(INFERMEM_E_RANGE, dispatch_histogram(dispatch, 2, bounds, 1, counts));
  assert_fails(INFERMEM_E_NULL, dispatch_histogram(dispatch, CPU, NULL, 1, counts));
  assert_fails(INFERMEM_E_NULL, dispatch_histogram(dispatch, CPU, bounds, 1, NULL));
  assert_fails(INFERMEM_E_NULL, dispatch_histogram(NULL, CPU, bounds, 1, counts));
  assert_fails(INFERMEM_E_HANDLE, dispatch_histogram(other, CPU, bounds, 1, counts));
  assert_int_equal(counts[0], 99);
  assert_ok(dispatch_histogram(dispatch, CPU, bounds, INFERMEM_DISPATCH_MAX_BOUNDS, counts));
  assert_int_equal(counts[4], 1);

  assert_double(dispatch_ratio(dispatch, 2), 0);
  assert_string_equal(infermem_error_detail()->function, "dispatch_ratio");
  assert_int_equal(infermem_error_detail()->code, INFERMEM_E_RANGE);
  assert_double(dispatch_ratio(NULL, CPU), 0);
  assert_int_equal(infermem_error_detail()->code, INFERMEM_E_NULL);
  assert_double(dispatch_ratio(other, CPU), 0);
  assert_double(dispatch_speedup(dispatch, 2, CPU), 0);
  assert_double(dispatch_speedup(dispatch, CPU, 2), 0);
  assert_double(dispatch_speedup(NULL, CPU, CPU), 0);
  assert_double(dispatch_throughput(NULL), 0);
  assert_int_equal(dispatch_elapsed_ns(NULL), 0);
  assert_int_equal(dispatch_elapsed_ns(other), 0);

  const infermem_dispatch_stats after = stats_of(dispatch, CPU);
  assert_memory_equal(&before, &after, sizeof before);
  tape_free(tape);
  dispatch_free(dispatch);
}

/* ---- Processes ---- */

static void a_child_of_fork_starts_with_nothing(void **state) {
  (void)state;
  if (!test_wipes_on_fork()) skip();
  infermem_dispatch *dispatch = make();
  RECORD_US(dispatch, CPU, 1, 2, 3);
  (void)stats_of(dispatch, CPU);
  RECORD_US(dispatch, CPU, 4);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    INFERMEM_STRUCT(infermem_dispatch_stats, stats);
    int wrong = dispatch_snapshot(dispatch, CPU, &stats) != INFERMEM_OK || stats.dispatches != 0;
    for (int i = 0; i < 5; i++) wrong |= dispatch_record(dispatch, CPU, 9000) != INFERMEM_OK;
    wrong |= dispatch_snapshot(dispatch, CPU, &stats) != INFERMEM_OK || stats.latencies != 5 || stats.p50_ns != 9000;
    dispatch_free(dispatch);
    _exit(wrong);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  assert_int_equal(stats_of(dispatch, CPU).sum_ns, 10000);
  dispatch_free(dispatch);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_object_starts_with_nothing),
      cmocka_unit_test(two_latencies_have_an_exact_mean_and_variance),
      cmocka_unit_test(ratio_and_speedup_compare_backends),
      cmocka_unit_test(the_classic_buckets),
      cmocka_unit_test(equal_latencies_are_their_own_percentiles),
      cmocka_unit_test(dispatches_without_a_latency_are_counted_alone),
      cmocka_unit_test(a_reset_forgets_everything),
      cmocka_unit_test(round_bounds_part_latencies_exactly),
      cmocka_unit_test(other_bounds_are_rounded_down_by_a_hundredth_at_most),
      cmocka_unit_test(percentiles_are_within_a_hundredth_of_the_order_statistics),
      cmocka_unit_test(moments_agree_with_a_reference_for_any_latencies),
      cmocka_unit_test(the_largest_latencies_wrap_nothing),
      cmocka_unit_test(a_small_spread_about_a_large_mean_is_not_lost),
      cmocka_unit_test(time_is_counted_from_construction_or_reset),
      cmocka_unit_test(a_timer_records_what_lies_between),
      cmocka_unit_test(prometheus_text_is_cumulative_and_inclusive),
      cmocka_unit_test(json_text_has_the_same),
      cmocka_unit_test(a_text_that_does_not_fit_is_not_begun),
      cmocka_unit_test(backends_are_named),
      cmocka_unit_test(options_are_checked),
      cmocka_unit_test(an_object_is_one_allocation),
      cmocka_unit_test(what_is_refused_changes_nothing),
      cmocka_unit_test(a_child_of_fork_starts_with_nothing),
  };
  return cmocka_run_group_tests_name("dispatch", tests, NULL, NULL);
}
