/* What layout.h documents as concurrent, really concurrent: allocation, queries and warming on one tape. */
#include <pthread.h>
#include <stdlib.h>

#include "support.h"

enum { kThreads = 8, kEach = 4000 };

struct worker {
  infermem_tape *tape;
  unsigned char mark;
  size_t granted, refused, wrong;
  struct {
    unsigned char *p;
    size_t n;
  } taken[kEach];
};

/* Takes what it can, fills it with a mark of its own, and counts. No assertions: CMocka's belong to the main thread. */
static void *take_and_fill(void *argument) {
  struct worker *w = argument;
  uint64_t seed = w->mark;
  for (int i = 0; i < kEach; i++) {
    const size_t n = 1 + test_random_below(&seed, 200), align = (size_t)1 << test_random_below(&seed, 8);
    void *p = NULL;
    const int32_t status = tape_alloc(w->tape, n, align, &p);
    if (status == INFERMEM_OK) {
      if ((uintptr_t)p % align != 0 || tape_owns(w->tape, p) != 1) w->wrong++;
      memset(p, w->mark, n);
      w->taken[w->granted].p = p;
      w->taken[w->granted++].n = n;
    } else if (status == INFERMEM_E_FULL && infermem_error_detail()->expected == n) {
      w->refused++; /* and the record is this thread's own */
    } else {
      w->wrong++;
    }
  }
  return NULL;
}

struct watcher {
  infermem_layout *layout;
  int stop;
  size_t looks, wrong;
};

static void *watch(void *argument) {
  struct watcher *w = argument;
  size_t last = 0;
  do {
    INFERMEM_STRUCT(infermem_layout_usage, u);
    if (layout_stat(w->layout, &u) != INFERMEM_OK) w->wrong++;
    if (u.history_used > u.history_peak || u.history_peak > u.history_total || u.history_used < last) w->wrong++;
    last = u.history_used;
    if (w->looks % 64 == 0 && tape_warm(layout_history(w->layout)) != INFERMEM_OK) w->wrong++;
    w->looks++;
  } while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED));
  return NULL;
}

static void concurrent_allocations_are_disjoint(void **state) {
  (void)state;
  INFERMEM_STRUCT(infermem_layout_options, options);
  options.history_size = 1 << 21; /* too little for all, so that some are refused */
  infermem_layout *layout = NULL;
  assert_ok(layout_new(&options, &layout));
  infermem_tape *tape = layout_history(layout);

  static struct worker workers[kThreads];
  memset(workers, 0, sizeof workers);
  struct watcher watcher = {.layout = layout};
  pthread_t threads[kThreads], watching;
  assert_int_equal(pthread_create(&watching, NULL, watch, &watcher), 0);
  for (int i = 0; i < kThreads; i++) {
    workers[i].tape = tape;
    workers[i].mark = (unsigned char)(i + 1);
    assert_int_equal(pthread_create(&threads[i], NULL, take_and_fill, &workers[i]), 0);
  }
  for (int i = 0; i < kThreads; i++) pthread_join(threads[i], NULL);
  __atomic_store_n(&watcher.stop, 1, __ATOMIC_RELAXED);
  pthread_join(watching, NULL);

  size_t granted = 0, refused = 0, bytes = 0;
  for (int i = 0; i < kThreads; i++) {
    assert_int_equal(workers[i].wrong, 0);
    granted += workers[i].granted;
    refused += workers[i].refused;
    for (size_t j = 0; j < workers[i].granted; j++) {
      bytes += workers[i].taken[j].n;
      for (size_t k = 0; k < workers[i].taken[j].n; k++) assert_int_equal(workers[i].taken[j].p[k], i + 1);
    }
  }
  assert_int_equal(granted + refused, kThreads * kEach);
  assert_true(refused > 0);
  assert_int_equal(tape_failures(tape), refused);
  assert_true(bytes <= tape_used(tape));
  assert_true(tape_used(tape) <= tape_total(tape));
  assert_int_equal(watcher.wrong, 0);
  assert_true(watcher.looks > 0);
  layout_free(layout);
}

static void *fail_once(void *argument) {
  const char **message = argument;
  void *p;
  if (tape_alloc(NULL, 1, 1, &p) == INFERMEM_E_NULL) *message = infermem_error_detail()->message;
  return strcmp(*message, "tape is NULL") == 0 ? argument : NULL;
}

static void each_thread_has_its_own_error_record(void **state) {
  (void)state;
  infermem_error_clear();
  const char *message = "";
  pthread_t thread;
  void *seen = NULL;
  assert_int_equal(pthread_create(&thread, NULL, fail_once, &message), 0);
  pthread_join(thread, &seen);
  assert_ptr_equal(seen, &message);
  assert_int_equal(infermem_error_detail()->code, INFERMEM_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(concurrent_allocations_are_disjoint),
      cmocka_unit_test(each_thread_has_its_own_error_record),
  };
  return cmocka_run_group_tests_name("layout_threads", tests, NULL, NULL);
}
