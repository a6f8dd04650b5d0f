/* Stores of rows against a plain list of them: random fetches of both kinds, with loads that fail, come late, or never
 * fit. */
#include <stdio.h>

#include "model_check.h"
#include "support.h"

enum { kIds = 40, kMost = 24, kRow = 72, kStride = 128, kBegun = 3 };

static struct {
  uint32_t policy, half_life, window, capacity;
  int tape;
} setup;

/* ---- The model ---- */

enum { kGone, kLoading, kReady, kFailed };

struct row {
  uint32_t id, users, state;
  uint64_t last, load;
};
struct fetch {
  int is_begun, is_loading;
  uint64_t number;
  struct row *rows[kMost];
  const void *at[kMost];
  size_t n;
};

static struct row rows[kMost];
static double scores[kIds], weight;
static uint64_t n_fetches, loads_begun;
static infermem_neuron_store_facts facts;
static struct fetch fetched, kept, begun[kBegun];

static struct row *find(uint32_t id) {
  for (size_t i = 0; i < kMost; i++)
    if ((rows[i].state == kLoading || rows[i].state == kReady) && rows[i].id == id) return &rows[i];
  return NULL;
}

static int is_idle(const struct row *r) { return r->state == kReady && r->users == 0; }

static size_t count_free(void) {
  size_t taken = 0;
  for (size_t i = 0; i < kMost; i++) taken += rows[i].state != kGone;
  return setup.capacity - taken;
}

static size_t count_idle(void) {
  size_t n = 0;
  for (size_t i = 0; i < kMost; i++) n += (size_t)is_idle(&rows[i]);
  return n;
}

/* Whether a makes room before b. */
static int goes_before(const struct row *a, const struct row *b) {
  if (setup.policy != INFERMEM_NEURON_LRU && scores[a->id] != scores[b->id]) return scores[a->id] < scores[b->id];
  if (a->last != b->last) return a->last < b->last;
  return a->id < b->id;
}

static struct row *least(void) {
  struct row *found = NULL;
  for (size_t i = 0; i < kMost; i++)
    if (is_idle(&rows[i]) && (!found || goes_before(&rows[i], found))) found = &rows[i];
  return found;
}

static void give_up(struct fetch *f) {
  for (size_t i = 0; i < f->n; i++)
    if (--f->rows[i]->users == 0 && f->rows[i]->state == kFailed) f->rows[i]->state = kGone;
  f->n = 0;
  f->is_begun = 0;
}

static void complete(uint64_t load, int is_good) {
  for (size_t i = 0; i < kMost; i++) {
    struct row *r = &rows[i];
    if (r->state != kLoading || r->load != load) continue;
    r->state = is_good ? kReady : r->users ? kFailed : kGone;
    facts.bytes_loaded += is_good ? kRow : 0;
    facts.failures += !is_good;
  }
}

/* What the fetch does before it loads; 0 when the rows do not fit. former ends with it. */
static int model_start(struct fetch *f, struct fetch *former, const uint32_t *ids, size_t n, size_t *out_misses) {
  uint32_t missing[kIds];
  size_t n_missing = 0, n_there = 0, room = count_free();
  char seen[kIds] = {0}, had[kMost] = {0};
  for (size_t i = 0; i < n; i++) {
    if (seen[ids[i]]++) continue;
    if (!find(ids[i])) missing[n_missing++] = ids[i];
    if (find(ids[i])) had[find(ids[i]) - rows] = 1, n_there++;
  }
  for (size_t i = 0; i < kMost; i++) {
    size_t users = rows[i].users;
    for (size_t j = 0; former && j < former->n; j++) users -= former->rows[j] == &rows[i];
    if (users == 0 && !had[i] && (rows[i].state == kReady || rows[i].state == kFailed)) room++;
  }
  if (n_missing > room) return 0;
  if (former) give_up(former);
  n_fetches++;
  facts.fetches++;
  if (setup.policy == INFERMEM_NEURON_LFU && setup.half_life) weight *= __builtin_exp2(1.0 / setup.half_life);
  facts.misses += n_missing;
  memset(seen, 0, sizeof seen);
  f->n = 0;
  for (size_t i = 0; i < n; i++) {
    struct row *r = find(ids[i]);
    if (!r || seen[ids[i]]++) continue;
    (r->state == kLoading) ? facts.waits++ : facts.hits++;
    r->users++;
    f->rows[f->n++] = r;
  }
  for (struct row *r; setup.window && (r = least()) && n_fetches - r->last >= setup.window; facts.drops++)
    r->state = kGone;
  for (size_t i = 0; i < f->n; i++) {
    f->rows[i]->last = n_fetches;
    if (setup.policy == INFERMEM_NEURON_LFU) scores[f->rows[i]->id] += weight;
  }
  for (size_t i = 0; i < n_missing; i++) {
    if (count_free() == 0) {
      least()->state = kGone;
      facts.evictions++;
    }
    struct row *r = rows;
    while (r->state != kGone) r++;
    *r = (struct row){missing[i], 1, kLoading, n_fetches, f->number};
    if (setup.policy == INFERMEM_NEURON_LFU) scores[missing[i]] += weight;
    f->rows[f->n++] = r;
  }
  facts.loads += n_missing != 0;
  f->is_begun = 1;
  *out_misses = n_missing;
  return 1;
}

/* ---- The rows ---- */

enum { kOk, kError, kPositive, kLate, kWithin, kModes };
static int mode;
static struct {
  uint64_t load;
  const uint32_t *ids;
  void *const *rows;
  size_t n;
} last, late[kBegun];
static infermem_neuron_store *store;

static void fill(const uint32_t *ids, void *const *to, size_t n) {
  for (size_t i = 0; i < n; i++) memset(to[i], (int)ids[i] + 1, kRow);
}

static int32_t load(void *context, uint64_t number, const uint32_t *ids, size_t n, void *const *to) {
  (void)context;
  last.load = number;
  last.ids = ids;
  last.rows = to;
  last.n = n;
  for (size_t i = 0; i < n; i++) memset(to[i], 0xee, kRow);
  loads_begun++;
  if (mode == kError) return INFERMEM_E_IO;
  if (mode == kPositive) return 77;
  if (mode == kLate) return INFERMEM_NEURON_PENDING;
  fill(ids, to, n);
  if (mode == kOk) return INFERMEM_OK;
  return neuron_store_loaded(store, number, INFERMEM_OK) == INFERMEM_OK ? INFERMEM_NEURON_PENDING : INFERMEM_E_STATE;
}

static const char *check_rows(const struct fetch *f) {
  for (size_t i = 0; i < f->n; i++) {
    if (f->rows[i]->state != kReady) continue;
    const struct row *r = f->rows[i];
    const unsigned char *at = NULL;
    for (size_t j = 0; j < f->n && !at; j++)
      if (f->rows[j] == r) at = f->at[j];
    if ((uintptr_t)at % 64 != 0) return "a row that is not aligned";
    for (size_t j = 0; j < kRow; j++)
      if (at[j] != (unsigned char)(r->id + 1)) return "a row in use has other bytes";
  }
  return NULL;
}

/* Where the rows are, in the order of f->rows. */
static void note_places(struct fetch *f, const uint32_t *ids, size_t n, const void *const *out) {
  for (size_t i = 0; i < f->n; i++)
    for (size_t j = 0; j < n; j++)
      if (ids[j] == f->rows[i]->id) f->at[i] = out[j];
}

static const char *compare(void) {
  INFERMEM_STRUCT(infermem_neuron_store_facts, got);
  if (neuron_store_stat(store, &got)) return "refused";
  facts.resident = setup.capacity - count_free();
  facts.in_use = facts.resident - count_idle();
  facts.memory_bytes = got.memory_bytes;
  if (memcmp(&got, &facts, sizeof got) != 0) {
    const uint64_t *a = &got.fetches, *b = &facts.fetches;
    static char what[80];
    size_t i = 0;
    while (a[i] == b[i]) i++;
    snprintf(what, sizeof what, "fact %zu is %llu, not %llu", i, (unsigned long long)a[i], (unsigned long long)b[i]);
    return what;
  }
  for (uint32_t id = 0; id < kIds; id++) {
    const struct row *r = find(id);
    if (neuron_store_has(store, id) != (r && r->state == kReady)) return "other rows are there";
  }
  const char *difference = check_rows(&fetched);
  for (size_t i = 0; i < kBegun && !difference; i++) difference = check_rows(&begun[i]);
  for (size_t i = 0; i < kBegun && !difference; i++) {
    int is_ready = begun[i].is_begun;
    for (size_t j = 0; j < begun[i].n; j++) is_ready &= begun[i].rows[j]->state != kLoading;
    if (neuron_fetch_is_ready(store, begun[i].number) != is_ready) difference = "is_ready";
  }
  return difference;
}

/* ---- Operations ---- */

enum { kFetch, kFetchFew, kKeep, kRelease, kBegin, kEnd, kComplete, kRank, kKinds };
static const char *const kNames[] = {"fetch", "fetch_few", "keep", "release", "begin", "end", "complete", "rank"};

/* Mostly of the first ids. */
static size_t draw(uint64_t seed, size_t most, uint32_t *ids) {
  const size_t n = test_random_below(&seed, most + 1);
  for (size_t i = 0; i < n; i++)
    ids[i] = (uint32_t)test_random_below(&seed, test_random_below(&seed, 3) ? kIds / 3 : kIds);
  return n;
}

static int waits(const uint32_t *ids, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (find(ids[i]) && find(ids[i])->state == kLoading) return 1;
  return 0;
}

/* neuron_fetch, or neuron_store_keep. */
static const char *fetch_now(struct fetch *f, uint64_t seed, size_t most, int is_fetch) {
  uint32_t ids[kIds];
  const void *out[kIds];
  const size_t n = draw(seed, most, ids);
  if (waits(ids, n)) return NULL; /* nobody is there to complete it */
  mode = (int)(seed >> 32) % 8;
  if (mode >= kModes || mode == kLate) mode = kOk;
  struct fetch next = {.number = 1};
  size_t misses = 0;
  const int fits = model_start(&next, f, ids, n, &misses);
  const uint64_t before = loads_begun;
  const int32_t status = is_fetch ? neuron_fetch(store, ids, n, out) : neuron_store_keep(store, ids, n);
  if (!fits) return status == INFERMEM_E_FULL && loads_begun == before ? NULL : "was not full";
  if (loads_begun - before != (misses != 0) || (misses != 0 && last.n != misses)) return "not one load of the missing";
  const int fails = misses != 0 && (mode == kError || mode == kPositive);
  if (status != (!fails ? INFERMEM_OK : mode == kError ? INFERMEM_E_IO : INFERMEM_E_STATE)) return "another status";
  complete(1, !fails);
  if (fails) give_up(&next);
  *f = next;
  if (!is_fetch || fails) return NULL;
  note_places(f, ids, n, out);
  return NULL;
}

static const char *begin(uint64_t seed) {
  size_t i = 0;
  while (i < kBegun && (begun[i].is_begun || begun[i].is_loading)) i++;
  uint32_t ids[kIds];
  const void *out[kIds];
  const size_t n = draw(seed, 8, ids);
  uint64_t number = 99;
  if (i == kBegun)
    return neuron_fetch_begin(store, ids, n, out, &number) == INFERMEM_E_STATE && number == 99 ? NULL : "one too many";
  static uint64_t next_load = 1000;
  mode = (int)(seed >> 32) % kModes;
  if ((seed >> 40) % 2) mode = kLate;
  struct fetch *f = &begun[i];
  memset(f, 0, sizeof *f);
  f->number = next_load++;
  size_t misses = 0;
  const int fits = model_start(f, NULL, ids, n, &misses);
  const int32_t status = neuron_fetch_begin(store, ids, n, out, &number);
  if (!fits) return status == INFERMEM_E_FULL ? NULL : "was not full";
  const int fails = misses != 0 && (mode == kError || mode == kPositive);
  if (status != (!fails ? INFERMEM_OK : mode == kError ? INFERMEM_E_IO : INFERMEM_E_STATE)) return "another status";
  const uint64_t model_load = f->number;
  f->number = fails ? 0 : number;
  if (misses != 0 && mode == kLate) {
    memcpy(&late[i], &last, sizeof last);
    f->is_loading = 1;
    for (size_t j = 0; j < kMost; j++)
      if (rows[j].state == kLoading && rows[j].load == model_load) rows[j].load = last.load;
  } else {
    complete(model_load, !fails);
  }
  if (fails) give_up(f);
  if (!fails) note_places(f, ids, n, out);
  return NULL;
}

static const char *end(uint64_t which) {
  struct fetch *f = &begun[which % kBegun];
  if (!f->is_begun) return neuron_fetch_end(store, f->number) == INFERMEM_E_STATE ? NULL : "ended twice";
  int fails = 0, is_loading = 0;
  for (size_t i = 0; i < f->n; i++) {
    fails |= f->rows[i]->state == kFailed;
    is_loading |= f->rows[i]->state == kLoading;
  }
  if (!is_loading && neuron_fetch_wait(store, f->number) != (fails ? INFERMEM_E_TRUNCATED : INFERMEM_OK)) return "wait";
  if (neuron_fetch_end(store, f->number)) return "refused";
  give_up(f);
  return NULL;
}

static const char *finish(uint64_t which, int is_good) {
  struct fetch *f = &begun[which % kBegun];
  const uint64_t number = late[which % kBegun].load;
  if (!f->is_loading)
    return neuron_store_loaded(store, number, INFERMEM_OK) == INFERMEM_E_STATE ? NULL : "loaded twice";
  if (is_good) fill(late[which % kBegun].ids, late[which % kBegun].rows, late[which % kBegun].n);
  if (neuron_store_loaded(store, number, is_good ? INFERMEM_OK : INFERMEM_E_TRUNCATED)) return "refused";
  complete(number, is_good);
  f->is_loading = 0;
  return NULL;
}

static const char *rank(uint64_t seed) {
  INFERMEM_STRUCT(infermem_neuron_options, options);
  options.n_neurons = kIds / 2;
  options.n_layers = 2;
  infermem_neuron *neuron = NULL;
  assert_ok(neuron_new(&options, &neuron));
  for (size_t layer = 0; layer < 2; layer++) {
    for (int event = 0; event < 4; event++) {
      uint32_t ids[kIds / 2];
      const size_t n = test_random_below(&seed, kIds / 2);
      for (size_t i = 0; i < n; i++) ids[i] = (uint32_t)test_random_below(&seed, kIds / 2);
      assert_ok(neuron_record(neuron, layer, ids, n));
    }
  }
  const int32_t status = neuron_store_rank(store, neuron);
  const int is_hot = setup.policy == INFERMEM_NEURON_HOT;
  for (uint32_t id = 0; id < kIds && is_hot; id++)
    scores[id] = neuron_frequency(neuron, id / (kIds / 2), id % (kIds / 2));
  neuron_free(neuron);
  return status == (is_hot ? INFERMEM_OK : INFERMEM_E_STATE) ? NULL : "another status";
}

static const char *run_operations(const struct operation *operations, size_t n) {
  memset(rows, 0, sizeof rows);
  memset(scores, 0, sizeof scores);
  memset(&fetched, 0, sizeof fetched);
  memset(&kept, 0, sizeof kept);
  memset(begun, 0, sizeof begun);
  memset(late, 0, sizeof late);
  memset(&facts, 0, sizeof facts);
  weight = 1;
  n_fetches = 0;
  infermem_tape *tape = setup.tape ? test_tape_dirty(1 << 16) : NULL;
  struct test_allocator a;
  test_allocator_init(&a);
  INFERMEM_STRUCT(infermem_neuron_store_options, options);
  options.n_rows = kIds;
  options.row_bytes = kRow;
  options.budget_bytes = setup.capacity * kStride + kStride - 1;
  options.policy = setup.policy;
  options.half_life = setup.half_life;
  options.window = setup.window;
  options.n_fetches = kBegun;
  options.load = load;
  options.tape = tape;
  options.allocator = &a.hook;
  store = NULL;
  assert_ok(neuron_store_new(&options, &store));
  const size_t calls = a.calls;
  facts.struct_size = sizeof facts;
  facts.capacity = setup.capacity;
  const char *difference = NULL;
  for (size_t i = 0; i < n && !difference; i++) {
    const struct operation *op = &operations[i];
    switch (op->kind) {
      case kFetch:
        difference = fetch_now(&fetched, op->a, kIds, 1);
        break;
      case kFetchFew:
        difference = fetch_now(&fetched, op->a, 6, 1);
        break;
      case kKeep:
        if (op->b % 4 == 0) difference = fetch_now(&kept, op->a, 5, 0);
        break;
      case kRelease:
        if (neuron_store_release(store)) difference = "refused";
        give_up(&fetched);
        break;
      case kBegin:
        difference = begin(op->a);
        break;
      case kEnd:
        difference = end(op->a);
        break;
      case kComplete:
        difference = finish(op->a, op->b % 4 != 0);
        break;
      case kRank:
        if (op->b % 4 == 0) difference = rank(op->a);
        break;
    }
    if (!difference) difference = compare();
  }
  for (size_t i = 0; i < kBegun; i++)
    if (begun[i].is_loading) assert_ok(neuron_store_loaded(store, late[i].load, INFERMEM_E_IO));
  if (!difference && a.calls != calls) difference = "something was allocated";
  neuron_store_free(store);
  assert_int_equal(a.live, 0);
  tape_free(tape);
  return difference;
}

static void random_operations_agree_with_a_model(void **state) {
  (void)state;
  uint64_t random = 7;
  for (uint64_t seed = 1; seed <= 60; seed++) {
    setup.policy = (uint32_t)test_random_below(&random, 3);
    setup.half_life = setup.policy == INFERMEM_NEURON_LFU ? (uint32_t)test_random_below(&random, 10) : 0;
    setup.window = setup.policy == INFERMEM_NEURON_LRU ? (uint32_t)test_random_below(&random, 6) : 0;
    setup.capacity = 1 + (uint32_t)test_random_below(&random, kMost);
    setup.tape = test_random_below(&random, 2) == 0;
    model_check(run_operations, kNames, kKinds, seed, 400);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_operations_agree_with_a_model),
  };
  return cmocka_run_group_tests_name("neuron_store_model", tests, NULL, NULL);
}
