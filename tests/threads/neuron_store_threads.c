/* One store, many threads: some fetch, by begin, wait and end, one by neuron_fetch, while loads are completed by a
 * thread of their own, some of them with a failure. */
#include <pthread.h>

#include "support.h"

enum { kRows = 64, kBytes = 256, kFetchers = 4, kRounds = 400, kMost = 32 };

struct pending {
  uint64_t load;
  const uint32_t *ids;
  void *const *rows;
  size_t n;
};

static infermem_neuron_store *store;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct pending queue[kMost];
static size_t n_queued;
static int is_over;

static void fill(const struct pending *p) {
  for (size_t i = 0; i < p->n; i++) memset(p->rows[i], (int)p->ids[i] + 1, kBytes);
}

/* Two loads of three are for the other thread. */
static int32_t load(void *context, uint64_t number, const uint32_t *ids, size_t n, void *const *rows) {
  (void)context;
  const struct pending p = {number, ids, rows, n};
  if (ids[0] % 3 == 0) {
    fill(&p);
    return INFERMEM_OK;
  }
  pthread_mutex_lock(&mutex);
  queue[n_queued++] = p;
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&mutex);
  return INFERMEM_NEURON_PENDING;
}

static void *complete(void *argument) {
  size_t *const wrong = argument;
  for (size_t i = 0;; i++) {
    pthread_mutex_lock(&mutex);
    while (n_queued == 0 && !is_over) pthread_cond_wait(&changed, &mutex);
    if (n_queued == 0) break;
    const struct pending p = queue[--n_queued];
    pthread_mutex_unlock(&mutex);
    const int fails = i % 17 == 5;
    if (!fails) fill(&p);
    *wrong += neuron_store_loaded(store, p.load, fails ? INFERMEM_E_IO : INFERMEM_OK) != INFERMEM_OK;
  }
  pthread_mutex_unlock(&mutex);
  return NULL;
}

struct fetcher {
  uint64_t seed;
  size_t wrong, full;
  int is_plain;
};

static void check(struct fetcher *f, const uint32_t *ids, size_t n, const void *const *rows) {
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < kBytes; j++) f->wrong += ((const unsigned char *)rows[i])[j] != ids[i] + 1;
}

static void *fetch(void *argument) {
  struct fetcher *f = argument;
  for (int round = 0; round < kRounds; round++) {
    uint32_t ids[6];
    const void *rows[6];
    const size_t n = 1 + test_random_below(&f->seed, 6);
    for (size_t i = 0; i < n; i++) ids[i] = (uint32_t)test_random_below(&f->seed, kRows);
    uint64_t number = 0;
    int32_t status = f->is_plain ? neuron_fetch(store, ids, n, rows) : neuron_fetch_begin(store, ids, n, rows, &number);
    if (status == INFERMEM_E_FULL) {
      f->full++;
      continue;
    }
    if (!f->is_plain) {
      f->wrong += status != INFERMEM_OK;
      const int is_ready = neuron_fetch_is_ready(store, number);
      if (!is_ready && round % 5 == 0) { /* asked for ahead of time */
        f->wrong += neuron_fetch_end(store, number) != INFERMEM_OK;
        continue;
      }
      status = neuron_fetch_wait(store, number);
    }
    if (status == INFERMEM_OK)
      check(f, ids, n, rows);
    else
      f->wrong += status != INFERMEM_E_IO;
    if (!f->is_plain) f->wrong += neuron_fetch_end(store, number) != INFERMEM_OK;
    infermem_neuron_store_facts facts = {.struct_size = sizeof facts};
    f->wrong += neuron_store_stat(store, &facts) != INFERMEM_OK || facts.resident > facts.capacity;
    neuron_store_has(store, ids[0]);
  }
  return NULL;
}

static void many_threads_fetch_while_another_loads(void **state) {
  (void)state;
  INFERMEM_STRUCT(infermem_neuron_store_options, options);
  options.n_rows = kRows;
  options.row_bytes = kBytes;
  options.budget_bytes = 30 * kBytes;
  options.n_fetches = kMost - 2;
  options.load = load;
  assert_ok(neuron_store_new(&options, &store));
  size_t wrong = 0;
  pthread_t threads[kFetchers], loader;
  struct fetcher fetchers[kFetchers] = {{0}};
  assert_int_equal(pthread_create(&loader, NULL, complete, &wrong), 0);
  for (int i = 0; i < kFetchers; i++) {
    fetchers[i].seed = (uint64_t)i + 1;
    fetchers[i].is_plain = i == 0;
    assert_int_equal(pthread_create(&threads[i], NULL, fetch, &fetchers[i]), 0);
  }
  for (int i = 0; i < kFetchers; i++) {
    pthread_join(threads[i], NULL);
    assert_int_equal(fetchers[i].wrong, 0);
    assert_true(fetchers[i].full < kRounds / 2);
  }
  assert_ok(neuron_store_release(store));
  pthread_mutex_lock(&mutex);
  is_over = 1;
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&mutex);
  neuron_store_free(store); /* waits for what is still being loaded */
  pthread_join(loader, NULL);
  assert_int_equal(wrong, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(many_threads_fetch_while_another_loads),
  };
  return cmocka_run_group_tests_name("neuron_store_threads", tests, NULL, NULL);
}
