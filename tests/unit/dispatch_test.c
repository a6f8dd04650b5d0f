/* Dispatch metrics: given values, time, construction, errors, children of fork. */
#include <math.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dispatches.h"

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

/* ---- Construction ---- */

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
      cmocka_unit_test(time_is_counted_from_construction_or_reset),
      cmocka_unit_test(a_timer_records_what_lies_between),
      cmocka_unit_test(options_are_checked),
      cmocka_unit_test(an_object_is_one_allocation),
      cmocka_unit_test(what_is_refused_changes_nothing),
      cmocka_unit_test(a_child_of_fork_starts_with_nothing),
  };
  return cmocka_run_group_tests_name("dispatch", tests, NULL, NULL);
}
