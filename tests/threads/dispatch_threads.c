/* Dispatch metrics under threads: no record is lost or seen in part, however many threads there are, whatever reads or
 * resets meanwhile, and in a child of fork.
 *
 *   dispatch_threads [without_membarrier]    the latter: on a system that refuses this call */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dispatches.h"

enum { kThreads = 16, kRecords = 1000000, kShort = 1000, kLong = 3000 }; /* latencies of ns, on edges of buckets */

/* Whether one reading of latencies that are all kShort or kLong is of whole records: its sum says how many are long, and
 * from that follows all the rest. */
static int is_whole(const infermem_dispatch_stats *s) {
  const uint64_t n = s->latencies;
  if (n == 0) return s->sum_ns == 0 && s->min_ns == 0 && s->max_ns == 0 && s->mean_ns == 0 && s->variance_ns2 == 0;
  const uint64_t beyond = s->sum_ns - n * kShort, n_long = beyond / (kLong - kShort), n_short = n - n_long;
  if (beyond % (kLong - kShort) != 0 || n_long > n) return 0;
  const double share = (double)n_long / (double)n, half = (kLong - kShort) / 2.0;
  const double variance = 4 * half * half * share * (1 - share), error = s->variance_ns2 - variance;
  return s->min_ns == (n_short != 0 ? kShort : kLong) && s->max_ns == (n_long != 0 ? kLong : kShort) &&
         s->p50_ns == (n_short >= (n + 1) / 2 ? kShort : kLong) && (double)s->min_ns <= s->mean_ns &&
         s->mean_ns <= (double)s->max_ns && error < 1e-6 * half * half && error > -1e-6 * half * half;
}

struct writer {
  const infermem_dispatch *dispatch;
  size_t records;
  uint64_t seed;
  uint64_t wrong, n_long; /* what it did */
};

static void *write_records(void *argument) {
  struct writer *w = argument;
  for (size_t i = 0; i < w->records; i++) {
    const uint64_t is_long = test_random(&w->seed) >> 63;
    w->n_long += is_long;
    w->wrong += dispatch_record(w->dispatch, INFERMEM_DISPATCH_CPU, is_long ? kLong : kShort) != INFERMEM_OK;
    if (i % 4 == 0) w->wrong += dispatch_count_only(w->dispatch, INFERMEM_DISPATCH_GPU) != INFERMEM_OK;
  }
  return NULL;
}

struct reader {
  const infermem_dispatch *dispatch;
  atomic_int stop;
  int resets; /* whether it resets now and then */
  uint64_t wrong, readings;
};

static void *read_until_stopped(void *argument) {
  struct reader *r = argument;
  INFERMEM_STRUCT(infermem_dispatch_stats, before);
  do {
    INFERMEM_STRUCT(infermem_dispatch_stats, s);
    const uint64_t bound = kLong;
    uint64_t counts[2] = {0, 0};
    r->wrong += dispatch_snapshot(r->dispatch, INFERMEM_DISPATCH_CPU, &s) != INFERMEM_OK || !is_whole(&s);
    r->wrong += dispatch_histogram(r->dispatch, INFERMEM_DISPATCH_CPU, &bound, 1, counts) != INFERMEM_OK;
    if (r->resets) {
      if (r->readings % 16 == 0) r->wrong += dispatch_reset(r->dispatch) != INFERMEM_OK;
    } else { /* monotonic */
      r->wrong += s.latencies < before.latencies || s.sum_ns < before.sum_ns || counts[0] + counts[1] < s.latencies;
      before = s;
    }
    r->readings++;
  } while (!atomic_load(&r->stop)); /* at least once, however late it comes to run */
  return NULL;
}

/* Runs that many writers at once, beside a reader. Returns how many latencies were long. */
static uint64_t run(const infermem_dispatch *dispatch, size_t n, size_t records, int resets) {
  struct reader reader = {.dispatch = dispatch, .resets = resets};
  struct writer *writers = calloc(n, sizeof *writers);
  pthread_t *threads = calloc(n, sizeof *threads), reading;
  assert_non_null(writers);
  assert_non_null(threads);
  assert_int_equal(pthread_create(&reading, NULL, read_until_stopped, &reader), 0);
  for (size_t i = 0; i < n; i++) {
    writers[i] = (struct writer){.dispatch = dispatch, .records = records, .seed = i};
    assert_int_equal(pthread_create(&threads[i], NULL, write_records, &writers[i]), 0);
  }
  uint64_t n_long = 0;
  for (size_t i = 0; i < n; i++) {
    pthread_join(threads[i], NULL);
    assert_int_equal(writers[i].wrong, 0);
    n_long += writers[i].n_long;
  }
  atomic_store(&reader.stop, 1);
  pthread_join(reading, NULL);
  assert_int_equal(reader.wrong, 0);
  assert_true(reader.readings > 0);
  free(threads);
  free(writers);
  return n_long;
}

static void assert_totals(const infermem_dispatch *dispatch, uint64_t n, uint64_t n_long) {
  const infermem_dispatch_stats s = stats_of(dispatch, INFERMEM_DISPATCH_CPU);
  const uint64_t bounds[] = {kShort, kShort + 1, kLong, kLong + 1};
  uint64_t counts[5];
  assert_int_equal(s.dispatches, n);
  assert_int_equal(s.latencies, n);
  assert_int_equal(s.sum_ns, (n - n_long) * kShort + n_long * kLong);
  assert_true(is_whole(&s));
  assert_ok(dispatch_histogram(dispatch, INFERMEM_DISPATCH_CPU, (const uint64_t[]){bounds[0], bounds[2]}, 2, counts));
  assert_int_equal(counts[0], 0);
  assert_int_equal(counts[1], n - n_long);
  assert_int_equal(counts[2], n_long);
}

static void sixteen_threads_lose_nothing(void **state) {
  (void)state;
  infermem_dispatch *dispatch = make();
  const uint64_t n_long = run(dispatch, kThreads, kRecords, 0);
  assert_totals(dispatch, (uint64_t)kThreads * kRecords, n_long);
  assert_int_equal(stats_of(dispatch, INFERMEM_DISPATCH_GPU).dispatches, (uint64_t)kThreads * kRecords / 4);
  dispatch_free(dispatch);
}

static void readings_are_whole_while_others_reset(void **state) {
  (void)state;
  infermem_dispatch *dispatch = make();
  (void)run(dispatch, kThreads, kRecords / 20, 1);
  const infermem_dispatch_stats left = stats_of(dispatch, INFERMEM_DISPATCH_CPU);
  assert_true(is_whole(&left) && left.latencies <= (uint64_t)kThreads * kRecords / 20);
  assert_ok(dispatch_reset(dispatch));
  const uint64_t n_long = run(dispatch, 2, 1000, 0);
  assert_totals(dispatch, 2000, n_long);
  dispatch_free(dispatch);
}

/* More than have memory of their own. */
static void threads_beyond_the_slots_share(void **state) {
  (void)state;
  infermem_dispatch *dispatch = make();
  const uint64_t n_long = run(dispatch, 200, 5000, 0);
  assert_totals(dispatch, 200 * 5000, n_long);
  dispatch_free(dispatch);
}

/* Those of many threads, all of which hold on until the last one is there. */
static pthread_barrier_t all_there;

static void *record_and_wait(void *argument) {
  struct writer *w = argument;
  write_records(w);
  pthread_barrier_wait(&all_there);
  write_records(w);
  return NULL;
}

static void hundred_living_threads_lose_nothing(void **state) {
  (void)state;
  enum { kMany = 100, kEach = 3000 };
  infermem_dispatch *dispatch = make();
  assert_int_equal(pthread_barrier_init(&all_there, NULL, kMany), 0);
  static struct writer writers[kMany];
  pthread_t threads[kMany];
  for (size_t i = 0; i < kMany; i++) {
    writers[i] = (struct writer){.dispatch = dispatch, .records = kEach, .seed = i};
    assert_int_equal(pthread_create(&threads[i], NULL, record_and_wait, &writers[i]), 0);
  }
  uint64_t n_long = 0;
  for (size_t i = 0; i < kMany; i++) {
    pthread_join(threads[i], NULL);
    n_long += writers[i].n_long;
  }
  pthread_barrier_destroy(&all_there);
  assert_totals(dispatch, 2 * kMany * kEach, n_long);
  dispatch_free(dispatch);
}

static void memory_of_threads_that_ended_is_taken_over(void **state) {
  (void)state;
  infermem_dispatch *dispatch = make();
  uint64_t n_long = 0;
  for (size_t i = 0; i < 300; i++) {
    struct writer w = {.dispatch = dispatch, .records = 100, .seed = i};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_records, &w), 0);
    pthread_join(thread, NULL);
    n_long += w.n_long;
  }
  assert_totals(dispatch, 300 * 100, n_long);
  dispatch_free(dispatch);
}

static void objects_are_independent(void **state) {
  (void)state;
  infermem_dispatch *a = make(), *b = make();
  struct writer writers[] = {{.dispatch = a, .records = 100000}, {.dispatch = b, .records = 50000, .seed = 1}};
  pthread_t other;
  assert_int_equal(pthread_create(&other, NULL, write_records, &writers[0]), 0);
  write_records(&writers[1]);
  pthread_join(other, NULL);
  assert_totals(a, 100000, writers[0].n_long);
  dispatch_free(a);
  assert_totals(b, 50000, writers[1].n_long);
  dispatch_free(b);
}

/* ---- Signals and processes ---- */

static const infermem_dispatch *interrupted;
static atomic_int handled;

static void record_in_a_handler(int number) {
  (void)number;
  (void)dispatch_record(interrupted, INFERMEM_DISPATCH_CPU, kShort);
  atomic_fetch_add(&handled, 1);
}

static void *interrupt(void *argument) {
  const pthread_t thread = *(pthread_t *)argument;
  for (int i = 0; i < 2000; i++) {
    const int before = atomic_load(&handled);
    if (pthread_kill(thread, SIGUSR1) != 0) break;
    while (atomic_load(&handled) == before) sched_yield(); /* of one processor, that thread may need this one */
  }
  return NULL;
}

static void a_record_may_be_interrupted_by_another(void **state) {
  (void)state;
  infermem_dispatch *dispatch = make();
  interrupted = dispatch;
  struct sigaction action = {.sa_handler = record_in_a_handler}, before;
  assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
  pthread_t self = pthread_self(), other;
  assert_int_equal(pthread_create(&other, NULL, interrupt, &self), 0);
  uint64_t n = 0, n_long = 0;
  while (atomic_load(&handled) < 2000) {
    struct writer w = {.dispatch = dispatch, .records = 100, .seed = n};
    write_records(&w);
    n += 100;
    n_long += w.n_long;
  }
  pthread_join(other, NULL);
  assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
  assert_totals(dispatch, n + 2000, n_long);
  dispatch_free(dispatch);
}

#if !TEST_SANITIZED /* which have threads of their own, or none in a child */
static atomic_int stop_recording;

static void *record_until_stopped(void *argument) {
  struct writer *w = argument;
  while (!atomic_load(&stop_recording)) write_records(w);
  return NULL;
}

static void a_child_of_many_threads_starts_anew(void **state) {
  (void)state;
  if (!test_wipes_on_fork()) skip();
  infermem_dispatch *dispatch = make();
  struct writer writers[4];
  pthread_t threads[4];
  for (size_t i = 0; i < 4; i++) {
    writers[i] = (struct writer){.dispatch = dispatch, .records = 100, .seed = i};
    assert_int_equal(pthread_create(&threads[i], NULL, record_until_stopped, &writers[i]), 0);
  }
  struct writer here = {.dispatch = dispatch, .records = 100};
  write_records(&here);
  for (int i = 0; i < 20; i++) { /* whatever the others are doing at that moment */
    (void)stats_of(dispatch, INFERMEM_DISPATCH_CPU);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      alarm(60);
      struct writer w = {.dispatch = dispatch, .records = 1000, .seed = 5}, v = {.dispatch = dispatch, .records = 1000};
      pthread_t other;
      int wrong = pthread_create(&other, NULL, write_records, &v) != 0;
      write_records(&w);
      wrong |= pthread_join(other, NULL) != 0;
      INFERMEM_STRUCT(infermem_dispatch_stats, s);
      wrong |= dispatch_snapshot(dispatch, INFERMEM_DISPATCH_CPU, &s) != INFERMEM_OK;
      wrong |=
          s.latencies != 2000 || !is_whole(&s) || s.sum_ns != 2000 * kShort + (w.n_long + v.n_long) * (kLong - kShort);
      _exit(wrong);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
  }
  atomic_store(&stop_recording, 1);
  for (size_t i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  const infermem_dispatch_stats s = stats_of(dispatch, INFERMEM_DISPATCH_CPU);
  assert_true(is_whole(&s));
  dispatch_free(dispatch);
}
#endif

/* From now on, this process's membarrier fails. */
static int refuse_membarrier(void) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    return 0;
  return syscall(SYS_membarrier, 0, 0) != 0 && errno == ENOSYS;
}

int main(int argc, char **argv) {
  if (argc > 1 && (strcmp(argv[1], "without_membarrier") != 0 || !refuse_membarrier())) return 1;
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(sixteen_threads_lose_nothing),
    cmocka_unit_test(readings_are_whole_while_others_reset),
    cmocka_unit_test(threads_beyond_the_slots_share),
    cmocka_unit_test(hundred_living_threads_lose_nothing),
    cmocka_unit_test(memory_of_threads_that_ended_is_taken_over),
    cmocka_unit_test(objects_are_independent),
    cmocka_unit_test(a_record_may_be_interrupted_by_another),
#if !TEST_SANITIZED
    cmocka_unit_test(a_child_of_many_threads_starts_anew),
#endif
  };
  return cmocka_run_group_tests_name("dispatch_threads", tests, NULL, NULL);
}
