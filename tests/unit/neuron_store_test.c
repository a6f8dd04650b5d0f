/* Stores of rows: fetching, and loads that come later. */
#include "stores.h"

/* ---- Fetching ---- */

static void what_is_there_is_a_pointer_and_the_rest_is_one_load(void **state) {
  (void)state;
  infermem_neuron_store *store = make(8, INFERMEM_NEURON_LRU, 0);
  const uint32_t first[] = {3, 1, 3}, second[] = {5, 3, 7, 1, 5};
  const void *rows[3], *more[5];
  assert_ok(neuron_fetch(store, first, 3, rows));
  assert_int_equal(loads, 1);
  assert_int_equal(last_n, 2);
  assert_ptr_equal(rows[0], rows[2]);
  assert_int_equal((uintptr_t)rows[0] % 64, 0);
  assert_ok(neuron_fetch(store, second, 5, more));
  assert_int_equal(loads, 2);
  assert_int_equal(last_n, 2);
  assert_int_equal(last_ids[0], 5);
  assert_int_equal(last_ids[1], 7);
  assert_ptr_equal(more[1], rows[0]);
  assert_ptr_equal(more[3], rows[1]);
  assert_ptr_equal(more[0], last_rows[0]); /* loaded straight to where it is read */
  for (size_t i = 0; i < 5; i++) assert_int_equal(*(const unsigned char *)more[i], second[i] + 1);
  const infermem_neuron_store_facts facts = facts_of(store);
  assert_int_equal(facts.fetches, 2);
  assert_int_equal(facts.hits, 2);
  assert_int_equal(facts.misses, 4);
  assert_int_equal(facts.loads, 2);
  assert_int_equal(facts.bytes_loaded, 4 * kBytes);
  assert_int_equal(facts.resident, 4);
  assert_int_equal(facts.in_use, 4);
  assert_int_equal(facts.capacity, 8);
  assert_true(facts.memory_bytes >= 8 * kStride);
  assert_ok(neuron_fetch(store, NULL, 0, NULL));
  assert_int_equal(facts_of(store).in_use, 0);
  neuron_store_free(store);
}

static void the_least_recently_used_makes_room(void **state) {
  (void)state;
  infermem_neuron_store *store = make(3, INFERMEM_NEURON_LRU, 0);
  for (uint32_t id = 0; id < 3; id++) fetch_one(store, id);
  fetch_one(store, 0);
  fetch_one(store, 7); /* for 1 */
  assert_there(store, (const uint32_t[]){0, 2, 7}, 3);
  fetch_one(store, 8); /* for 2 */
  assert_there(store, (const uint32_t[]){0, 7, 8}, 3);
  assert_int_equal(facts_of(store).evictions, 2);
  neuron_store_free(store);
}

static void the_least_frequently_used_makes_room(void **state) {
  (void)state;
  infermem_neuron_store *store = make(3, INFERMEM_NEURON_LFU, 0);
  for (int i = 0; i < 3; i++) fetch_one(store, 0);
  for (int i = 0; i < 2; i++) fetch_one(store, 1);
  fetch_one(store, 2);
  fetch_one(store, 3); /* for 2 */
  assert_there(store, (const uint32_t[]){0, 1, 3}, 3);
  fetch_one(store, 2); /* what it was asked for before counts: for 3, and then it is no less than 1 */
  fetch_one(store, 4);
  assert_there(store, (const uint32_t[]){0, 2, 4}, 3);
  neuron_store_free(store);
}

static void with_a_half_life_what_was_frequent_once_is_forgotten(void **state) {
  (void)state;
  infermem_neuron_store_options options = options_for(2);
  options.policy = INFERMEM_NEURON_LFU;
  options.half_life = 4;
  infermem_neuron_store *store = NULL;
  assert_ok(neuron_store_new(&options, &store));
  for (int i = 0; i < 20; i++) fetch_one(store, 0);
  for (int i = 0; i < 20; i++) fetch_one(store, 1 + (uint32_t)(i % 2)); /* in turn, for each other */
  assert_there(store, (const uint32_t[]){1, 2}, 2);
  for (int i = 0; i < 3000; i++) fetch_one(store, 3); /* weights grow beyond any float, and begin anew */
  fetch_one(store, 4);
  fetch_one(store, 5);
  assert_there(store, (const uint32_t[]){3, 5}, 2);
  neuron_store_free(store);
}

static void by_rank_the_coldest_makes_room(void **state) {
  (void)state;
  INFERMEM_STRUCT(infermem_neuron_options, options);
  options.n_layers = 2;
  options.n_neurons = kRows / 2;
  infermem_neuron *neuron = NULL;
  assert_ok(neuron_new(&options, &neuron));
  infermem_neuron_store *store = make(3, INFERMEM_NEURON_HOT, 0);
  const uint32_t active[] = {4, 3};
  assert_ok(neuron_record(neuron, 1, active, 2)); /* rows 9 and 8 */
  assert_ok(neuron_record(neuron, 1, active, 1));
  assert_ok(neuron_store_rank(store, neuron));
  fetch_one(store, 9);
  fetch_one(store, 8);
  for (uint32_t id = 0; id < 6; id++) fetch_one(store, id);
  assert_there(store, (const uint32_t[]){5, 8, 9}, 3);
  for (int i = 0; i < 3; i++) assert_ok(neuron_record(neuron, 0, active, 2)); /* rows 4 and 3 */
  for (int i = 0; i < 20; i++) assert_ok(neuron_record(neuron, 1, NULL, 0));
  assert_ok(neuron_store_rank(store, neuron));
  fetch_one(store, 4); /* for 5 */
  fetch_one(store, 3); /* for 8 */
  assert_there(store, (const uint32_t[]){3, 4, 9}, 3);
  neuron_free(neuron);
  neuron_store_free(store);
}

static void a_window_holds_what_its_fetches_asked_for(void **state) {
  (void)state;
  infermem_neuron_store *store = make(10, INFERMEM_NEURON_LRU, 2);
  const void *rows[3];
  assert_ok(neuron_fetch(store, (const uint32_t[]){0, 1, 2}, 3, rows));
  assert_ok(neuron_fetch(store, (const uint32_t[]){2, 3}, 2, rows));
  assert_there(store, (const uint32_t[]){0, 1, 2, 3}, 4);
  assert_ok(neuron_fetch(store, (const uint32_t[]){5}, 1, rows));
  assert_there(store, (const uint32_t[]){2, 3, 5}, 3);
  assert_ok(neuron_fetch(store, NULL, 0, NULL));
  assert_there(store, (const uint32_t[]){5}, 1);
  assert_int_equal(facts_of(store).drops, 4);
  assert_int_equal(facts_of(store).evictions, 0);
  neuron_store_free(store);
}

static void what_is_in_use_makes_no_room(void **state) {
  (void)state;
  infermem_neuron_store *store = make(4, INFERMEM_NEURON_LRU, 0);
  const void *rows[5], *others[5];
  uint64_t fetch = 0;
  assert_ok(neuron_fetch_begin(store, (const uint32_t[]){0, 1}, 2, rows, &fetch));
  assert_ok(neuron_fetch(store, (const uint32_t[]){1, 2, 3}, 3, others));
  assert_ptr_equal(others[0], rows[1]);
  assert_ok(neuron_fetch(store, (const uint32_t[]){4, 5}, 2, others)); /* for those of the fetch before */
  assert_there(store, (const uint32_t[]){0, 1, 4, 5}, 4);

  /* One row too many: nothing changes, the rows of the last fetch stay in use. */
  const infermem_neuron_store_facts before = facts_of(store);
  assert_fails(INFERMEM_E_FULL, neuron_fetch(store, (const uint32_t[]){1, 6, 7, 8}, 4, others));
  assert_int_equal(infermem_error_detail()->expected, 3);
  assert_fails(INFERMEM_E_FULL, neuron_fetch_begin(store, (const uint32_t[]){9}, 1, others, &fetch));
  assert_fails(INFERMEM_E_FULL, neuron_store_keep(store, (const uint32_t[]){0, 9}, 2));
  infermem_neuron_store_facts after = facts_of(store);
  assert_memory_equal(&before, &after, sizeof after);
  assert_there(store, (const uint32_t[]){0, 1, 4, 5}, 4);

  assert_ok(neuron_store_release(store));
  assert_ok(neuron_store_release(store));
  assert_int_equal(facts_of(store).in_use, 2);
  assert_ok(neuron_fetch_end(store, fetch));
  assert_int_equal(facts_of(store).in_use, 0);
  assert_ok(neuron_fetch(store, (const uint32_t[]){6, 7, 8, 9}, 4, others));
  assert_fails(INFERMEM_E_FULL, neuron_fetch(store, (const uint32_t[]){0, 1, 2, 3, 4}, 5, others));
  neuron_store_free(store);
}

static void what_is_kept_makes_no_room(void **state) {
  (void)state;
  infermem_neuron_store *store = make(3, INFERMEM_NEURON_LRU, 0);
  assert_ok(neuron_store_keep(store, (const uint32_t[]){8, 9}, 2));
  for (uint32_t id = 0; id < 5; id++) fetch_one(store, id);
  assert_there(store, (const uint32_t[]){4, 8, 9}, 3);
  assert_ok(neuron_store_keep(store, (const uint32_t[]){9, 0}, 2)); /* 8, no longer kept, makes room */
  assert_there(store, (const uint32_t[]){0, 4, 9}, 3);
  assert_ok(neuron_store_keep(store, NULL, 0));
  fetch_one(store, 1);
  fetch_one(store, 2);
  fetch_one(store, 3);
  assert_there(store, (const uint32_t[]){1, 2, 3}, 3);
  neuron_store_free(store);
}

static void a_load_that_fails_leaves_nothing_half_loaded(void **state) {
  (void)state;
  infermem_neuron_store *store = make(3, INFERMEM_NEURON_LRU, 0);
  fetch_one(store, 0);
  const void *rows[3];
  uint64_t fetch = 5;
  answer = INFERMEM_E_IO;
  assert_fails(INFERMEM_E_IO, neuron_fetch(store, (const uint32_t[]){0, 1}, 2, rows));
  assert_fails(INFERMEM_E_IO, neuron_fetch_begin(store, (const uint32_t[]){2}, 1, rows, &fetch));
  assert_int_equal(fetch, 5);
  assert_fails(INFERMEM_E_IO, neuron_store_keep(store, (const uint32_t[]){2}, 1));
  answer = 42;
  assert_fails(INFERMEM_E_STATE, neuron_fetch(store, (const uint32_t[]){3}, 1, rows));
  assert_int_equal(infermem_error_detail()->got, 42);
  assert_there(store, (const uint32_t[]){0}, 1);
  assert_int_equal(facts_of(store).failures, 4);
  assert_int_equal(facts_of(store).in_use, 0);
  assert_int_equal(facts_of(store).resident, 1);
  answer = INFERMEM_OK;
  assert_ok(neuron_fetch(store, (const uint32_t[]){1, 2, 3}, 3, rows));
  neuron_store_free(store);
}

static infermem_neuron_store *nested;

/* As another thread would, were it there. */
static int32_t load_and_fetch(void *context, uint64_t number, const uint32_t *ids, size_t n, void *const *rows) {
  const uint32_t id = 1;
  const void *row;
  assert_int_equal(neuron_fetch(nested, &id, 1, &row), INFERMEM_E_STATE);
  assert_int_equal(neuron_store_release(nested), INFERMEM_OK); /* of what there was before */
  return load(context, number, ids, n, rows);
}

static void one_fetch_at_a_time(void **state) {
  (void)state;
  infermem_neuron_store_options options = options_for(4);
  options.load = load_and_fetch;
  assert_ok(neuron_store_new(&options, &nested));
  const uint32_t ids[] = {2, 3};
  const void *rows[2];
  assert_ok(neuron_fetch(nested, ids, 2, rows));
  assert_int_equal(facts_of(nested).in_use, 2);
  assert_int_equal(*(const unsigned char *)rows[1], 4);
  neuron_store_free(nested);
}

/* ---- Loads that come later ---- */

static void a_fetch_is_ready_when_its_load_is_complete(void **state) {
  (void)state;
  infermem_neuron_store *store = make(4, INFERMEM_NEURON_LRU, 0);
  const void *rows[2], *same[1];
  uint64_t first = 0, second = 0;
  answer = INFERMEM_NEURON_PENDING;
  assert_ok(neuron_fetch_begin(store, (const uint32_t[]){0, 1}, 2, rows, &first));
  const uint64_t number = last_load;
  assert_int_equal(neuron_fetch_is_ready(store, first), 0);
  assert_int_equal(neuron_store_has(store, 1), 0);
  assert_ok(neuron_fetch_begin(store, (const uint32_t[]){1}, 1, same, &second)); /* waits for that load, too */
  assert_int_equal(loads, 1);
  assert_ptr_equal(same[0], rows[1]);
  assert_int_equal(facts_of(store).waits, 1);
  assert_ok(neuron_store_loaded(store, number, INFERMEM_OK));
  assert_int_equal(neuron_fetch_is_ready(store, first), 1);
  assert_ok(neuron_fetch_wait(store, first));
  assert_ok(neuron_fetch_wait(store, second));
  assert_fails(INFERMEM_E_STATE, neuron_store_loaded(store, number, INFERMEM_OK));
  assert_fails(INFERMEM_E_ARG, neuron_store_loaded(store, number, 1));
  assert_ok(neuron_fetch_end(store, first));
  assert_int_equal(neuron_fetch_is_ready(store, first), 0);
  assert_fails(INFERMEM_E_STATE, neuron_fetch_wait(store, first));
  assert_fails(INFERMEM_E_STATE, neuron_fetch_end(store, first));
  assert_ok(neuron_fetch_end(store, second));
  assert_fails(INFERMEM_E_STATE, neuron_fetch_end(store, 0));
  assert_fails(INFERMEM_E_STATE, neuron_fetch_end(store, UINT64_MAX));
  neuron_store_free(store);
}

static void everyone_who_waits_learns_that_a_load_failed(void **state) {
  (void)state;
  infermem_neuron_store *store = make(4, INFERMEM_NEURON_LRU, 0);
  const void *rows[2];
  uint64_t first = 0, second = 0;
  answer = INFERMEM_NEURON_PENDING;
  assert_ok(neuron_fetch_begin(store, (const uint32_t[]){0, 1}, 2, rows, &first));
  assert_ok(neuron_fetch_begin(store, (const uint32_t[]){1}, 1, rows, &second));
  assert_ok(neuron_store_loaded(store, last_load, INFERMEM_E_CORRUPT));
  assert_int_equal(neuron_fetch_is_ready(store, second), 1);
  assert_fails(INFERMEM_E_CORRUPT, neuron_fetch_wait(store, first));
  assert_fails(INFERMEM_E_CORRUPT, neuron_fetch_wait(store, second));
  answer = INFERMEM_OK;
  fetch_one(store, 1); /* loaded anew, while the failed one still has its place */
  assert_int_equal(facts_of(store).resident, 3);
  assert_ok(neuron_fetch_end(store, first));
  assert_ok(neuron_fetch_end(store, second));
  assert_int_equal(facts_of(store).resident, 1);
  neuron_store_free(store);
}

static void rows_may_be_asked_for_ahead_of_time(void **state) {
  (void)state;
  infermem_neuron_store_options options = options_for(4);
  options.n_fetches = 1;
  infermem_neuron_store *store = NULL;
  assert_ok(neuron_store_new(&options, &store));
  const void *rows[1];
  uint64_t fetch = 0;
  answer = INFERMEM_NEURON_PENDING;
  assert_ok(neuron_fetch_begin(store, (const uint32_t[]){6}, 1, rows, &fetch));
  assert_ok(neuron_fetch_end(store, fetch));
  assert_int_equal(facts_of(store).in_use, 1); /* it is being loaded */
  assert_fails(INFERMEM_E_STATE, neuron_fetch_begin(store, (const uint32_t[]){7}, 1, rows, &fetch));
  assert_ok(neuron_store_loaded(store, last_load, INFERMEM_OK));
  assert_int_equal(facts_of(store).in_use, 0);
  answer = INFERMEM_OK;
  fetch_one(store, 6);
  assert_int_equal(loads, 1);
  assert_ok(neuron_fetch_begin(store, (const uint32_t[]){7}, 1, rows, &fetch));
  neuron_store_free(store); /* a fetch that is not ended is no obstacle */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_there_is_a_pointer_and_the_rest_is_one_load),
      cmocka_unit_test(the_least_recently_used_makes_room),
      cmocka_unit_test(the_least_frequently_used_makes_room),
      cmocka_unit_test(with_a_half_life_what_was_frequent_once_is_forgotten),
      cmocka_unit_test(by_rank_the_coldest_makes_room),
      cmocka_unit_test(a_window_holds_what_its_fetches_asked_for),
      cmocka_unit_test(what_is_in_use_makes_no_room),
      cmocka_unit_test(what_is_kept_makes_no_room),
      cmocka_unit_test(a_load_that_fails_leaves_nothing_half_loaded),
      cmocka_unit_test(one_fetch_at_a_time),
      cmocka_unit_test(a_fetch_is_ready_when_its_load_is_complete),
      cmocka_unit_test(everyone_who_waits_learns_that_a_load_failed),
      cmocka_unit_test(rows_may_be_asked_for_ahead_of_time),
  };
  return cmocka_run_group_tests_name("neuron_store", tests, NULL, NULL);
}
