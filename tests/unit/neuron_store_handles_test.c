/* Stores of rows: of a matrix; construction, handles, tapes and allocators. */
#include "stores.h"

/* ---- A matrix ---- */

static void the_rows_of_a_matrix_are_floats(void **state) {
  (void)state;
  float weights[5 * 40], row[40];
  for (int i = 0; i < 5 * 40; i++) weights[i] = (float)(i % 17) - 8;
  infermem_quant *matrix = NULL;
  infermem_tape *tape = test_tape(1 << 16);
  INFERMEM_STRUCT(infermem_quant_options, quant_options);
  quant_options.tape = tape;
  assert_ok(quant_from_f32(weights, 5 * 40, 5, 40, &quant_options, &matrix));
  INFERMEM_STRUCT(infermem_neuron_store_options, options);
  options.quant = matrix;
  options.budget_bytes = 4 * 192;
  infermem_neuron_store *store = NULL;
  assert_ok(neuron_store_new(&options, &store));
  const uint32_t ids[] = {4, 0};
  const void *rows[2];
  assert_ok(neuron_fetch(store, ids, 2, rows));
  for (size_t i = 0; i < 2; i++) {
    const size_t id = ids[i];
    assert_ok(quant_rows_to_f32(matrix, &id, 1, row, 40));
    assert_memory_equal(rows[i], row, sizeof row);
  }
  assert_int_equal(facts_of(store).bytes_loaded, 2 * 160);
  assert_fails(INFERMEM_E_RANGE, neuron_fetch(store, (const uint32_t[]){5}, 1, rows));
  assert_ok(tape_clear(tape)); /* under the matrix */
  assert_ok(neuron_fetch(store, ids, 2, rows));
  assert_fails(INFERMEM_E_STALE, neuron_fetch(store, (const uint32_t[]){1}, 1, rows));
  assert_int_equal(neuron_store_has(store, 1), 0);

  infermem_neuron_store *other = NULL;
  options.n_rows = 6;
  assert_fails(INFERMEM_E_SHAPE, neuron_store_new(&options, &other));
  options.n_rows = 5;
  options.row_bytes = 160;
  assert_fails(INFERMEM_E_ARG, neuron_store_new(&options, &other));
  options.row_bytes = 0;
  options.load = load;
  assert_fails(INFERMEM_E_ARG, neuron_store_new(&options, &other));
  options.load = NULL;
  options.quant = (const infermem_quant *)(const void *)tape;
  assert_fails(INFERMEM_E_HANDLE, neuron_store_new(&options, &other));
  neuron_store_free(store);
  quant_free(matrix);
  tape_free(tape);
}

/* ---- Memory ---- */

static int32_t scenario(const infermem_allocator *allocator) {
  infermem_neuron_store_options options = options_for(4);
  options.allocator = allocator;
  infermem_neuron_store *store = NULL;
  const int32_t status = neuron_store_new(&options, &store);
  if (status != INFERMEM_OK) {
    assert_null(store);
    return status;
  }
  for (uint32_t id = 0; id < kRows; id++) fetch_one(store, id);
  neuron_store_free(store);
  return INFERMEM_OK;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  assert_int_equal(oom_walk(scenario), 1);
}

static void a_store_in_a_tape_ends_with_it(void **state) {
  (void)state;
  infermem_tape *tape = test_tape(1 << 14);
  infermem_neuron_store_options options = options_for(4);
  options.tape = tape;
  infermem_neuron_store *store = NULL;
  assert_ok(neuron_store_new(&options, &store));
  assert_int_equal(facts_of(store).memory_bytes, tape_used(tape));
  const void *row = fetch_one(store, 1);
  assert_int_equal(tape_owns(tape, row), 1);
  const uint32_t id = 2;
  uint64_t fetch = 0, other = 0;
  assert_ok(neuron_fetch_begin(store, &id, 1, &row, &fetch));

  assert_ok(tape_seal(tape));
  assert_fails(INFERMEM_E_SEALED, neuron_fetch(store, &id, 1, &row));
  assert_fails(INFERMEM_E_SEALED, neuron_fetch_begin(store, &id, 1, &row, &other));
  assert_fails(INFERMEM_E_SEALED, neuron_fetch_end(store, fetch));
  assert_fails(INFERMEM_E_SEALED, neuron_store_release(store));
  assert_fails(INFERMEM_E_SEALED, neuron_store_keep(store, &id, 1));
  assert_int_equal(neuron_store_has(store, 2), 1);
  assert_ok(tape_unseal(tape));

  answer = INFERMEM_NEURON_PENDING;
  assert_ok(neuron_fetch_begin(store, (const uint32_t[]){5}, 1, &row, &other));
  assert_ok(tape_clear(tape));
  assert_fails(INFERMEM_E_STALE, neuron_fetch(store, &id, 1, &row));
  assert_fails(INFERMEM_E_STALE, neuron_fetch_begin(store, &id, 1, &row, &other));
  assert_fails(INFERMEM_E_STALE, neuron_fetch_wait(store, fetch));
  assert_fails(INFERMEM_E_STALE, neuron_fetch_end(store, fetch));
  assert_fails(INFERMEM_E_STALE, neuron_store_release(store));
  assert_fails(INFERMEM_E_STALE, neuron_store_keep(store, &id, 1));
  assert_fails(INFERMEM_E_STALE, neuron_store_loaded(store, last_load, INFERMEM_OK));
  assert_int_equal(neuron_store_has(store, 2), 0);
  assert_int_equal(neuron_fetch_is_ready(store, fetch), 0);
  neuron_store_free(store);

  options.budget_bytes = 1 << 14;
  store = NULL;
  assert_ok(tape_clear(tape));
  options.n_rows = 1000;
  assert_fails(INFERMEM_E_FULL, neuron_store_new(&options, &store));
  assert_int_equal(tape_used(tape), 0);
  options.budget_bytes = 4 * kStride;
  options.n_rows = kRows;
  assert_ok(tape_seal(tape));
  assert_fails(INFERMEM_E_SEALED, neuron_store_new(&options, &store));
  assert_null(store);
  tape_free(tape);
}

/* ---- Arguments ---- */

static void bad_options_are_refused(void **state) {
  (void)state;
  infermem_neuron_store *store = NULL;
  const infermem_neuron_store_options good = options_for(4);
  infermem_neuron_store_options bad = good;
  assert_fails(INFERMEM_E_NULL, neuron_store_new(NULL, &store));
  assert_fails(INFERMEM_E_NULL, neuron_store_new(&good, NULL));
#define REFUSED(code, change)                           \
  do {                                                  \
    bad = good;                                         \
    change;                                             \
    assert_fails(code, neuron_store_new(&bad, &store)); \
    assert_null(store);                                 \
  } while (0)
  REFUSED(INFERMEM_E_ARG, bad.load = NULL);
  REFUSED(INFERMEM_E_ARG, bad.n_rows = 0);
  REFUSED(INFERMEM_E_ARG, bad.n_rows = UINT32_MAX);
  REFUSED(INFERMEM_E_ARG, bad.row_bytes = 0);
  REFUSED(INFERMEM_E_ARG, bad.budget_bytes = kStride - 1);
  REFUSED(INFERMEM_E_ARG, bad.policy = 3);
  REFUSED(INFERMEM_E_ARG, bad.half_life = 1);
  REFUSED(INFERMEM_E_ARG, (bad.window = 1, bad.policy = INFERMEM_NEURON_LFU));
  REFUSED(INFERMEM_E_ARG, bad.n_fetches = 1001);
  REFUSED(INFERMEM_E_ARG, bad.reserved = 1);
  REFUSED(INFERMEM_E_STRUCT, bad.struct_size = 3);
  REFUSED(INFERMEM_E_OVERFLOW, bad.row_bytes = UINT64_MAX);
  REFUSED(INFERMEM_E_OVERFLOW, (bad.row_bytes = (uint64_t)1 << 62, bad.budget_bytes = UINT64_MAX));
  REFUSED(INFERMEM_E_HANDLE, bad.tape = (const infermem_tape *)(const void *)&bad);
  infermem_allocator half = {0};
  half.struct_size = sizeof half;
  REFUSED(INFERMEM_E_ARG, bad.allocator = &half);
#undef REFUSED
}

static void bad_arguments_are_refused_and_change_nothing(void **state) {
  (void)state;
  infermem_neuron_store *store = make(4, INFERMEM_NEURON_LRU, 0);
  INFERMEM_STRUCT(infermem_neuron_options, neuron_options);
  neuron_options.n_neurons = kRows - 1;
  infermem_neuron *neuron = NULL;
  assert_ok(neuron_new(&neuron_options, &neuron));
  infermem_neuron_store *other = (infermem_neuron_store *)(void *)neuron;
  const uint32_t good = 1, bad[] = {2, kRows};
  const void *row = &good;
  uint64_t fetch = 7;
  INFERMEM_STRUCT(infermem_neuron_store_facts, facts);

  assert_fails(INFERMEM_E_NULL, neuron_fetch(NULL, &good, 1, &row));
  assert_fails(INFERMEM_E_HANDLE, neuron_fetch(other, &good, 1, &row));
  assert_fails(INFERMEM_E_NULL, neuron_fetch(store, NULL, 1, &row));
  assert_fails(INFERMEM_E_NULL, neuron_fetch(store, &good, 1, NULL));
  assert_fails(INFERMEM_E_RANGE, neuron_fetch(store, bad, 2, &row));
  assert_int_equal(infermem_error_detail()->got, kRows);
  assert_fails(INFERMEM_E_NULL, neuron_fetch_begin(NULL, &good, 1, &row, &fetch));
  assert_fails(INFERMEM_E_HANDLE, neuron_fetch_begin(other, &good, 1, &row, &fetch));
  assert_fails(INFERMEM_E_NULL, neuron_fetch_begin(store, NULL, 1, &row, &fetch));
  assert_fails(INFERMEM_E_NULL, neuron_fetch_begin(store, &good, 1, NULL, &fetch));
  assert_fails(INFERMEM_E_NULL, neuron_fetch_begin(store, &good, 1, &row, NULL));
  assert_fails(INFERMEM_E_RANGE, neuron_fetch_begin(store, bad, 2, &row, &fetch));
  assert_fails(INFERMEM_E_NULL, neuron_fetch_wait(NULL, 1));
  assert_fails(INFERMEM_E_HANDLE, neuron_fetch_wait(other, 1));
  assert_fails(INFERMEM_E_NULL, neuron_fetch_end(NULL, 1));
  assert_fails(INFERMEM_E_HANDLE, neuron_fetch_end(other, 1));
  assert_fails(INFERMEM_E_NULL, neuron_store_release(NULL));
  assert_fails(INFERMEM_E_HANDLE, neuron_store_release(other));
  assert_fails(INFERMEM_E_NULL, neuron_store_loaded(NULL, 1, 0));
  assert_fails(INFERMEM_E_HANDLE, neuron_store_loaded(other, 1, 0));
  assert_fails(INFERMEM_E_STATE, neuron_store_loaded(store, 1, 0));
  assert_fails(INFERMEM_E_NULL, neuron_store_keep(NULL, &good, 1));
  assert_fails(INFERMEM_E_HANDLE, neuron_store_keep(other, &good, 1));
  assert_fails(INFERMEM_E_NULL, neuron_store_keep(store, NULL, 1));
  assert_fails(INFERMEM_E_RANGE, neuron_store_keep(store, bad, 2));
  assert_fails(INFERMEM_E_NULL, neuron_store_rank(NULL, neuron));
  assert_fails(INFERMEM_E_NULL, neuron_store_rank(store, NULL));
  assert_fails(INFERMEM_E_HANDLE, neuron_store_rank(other, neuron));
  assert_fails(INFERMEM_E_HANDLE, neuron_store_rank(store, (infermem_neuron *)(void *)store));
  assert_fails(INFERMEM_E_STATE, neuron_store_rank(store, neuron));
  assert_fails(INFERMEM_E_NULL, neuron_store_stat(NULL, &facts));
  assert_fails(INFERMEM_E_HANDLE, neuron_store_stat(other, &facts));
  assert_fails(INFERMEM_E_NULL, neuron_store_stat(store, NULL));
  facts.struct_size = 1;
  assert_fails(INFERMEM_E_STRUCT, neuron_store_stat(store, &facts));
  assert_int_equal(neuron_fetch_is_ready(NULL, 1), 0);
  assert_int_equal(neuron_fetch_is_ready(other, 1), 0);
  assert_int_equal(neuron_store_has(NULL, 1), 0);
  assert_int_equal(neuron_store_has(other, 1), 0);
  assert_int_equal(neuron_store_has(store, kRows), 0);
  assert_ptr_equal(row, &good);
  assert_int_equal(fetch, 7);
  assert_int_equal(facts_of(store).fetches, 0);
  assert_int_equal(facts_of(store).resident, 0);
  assert_int_equal(loads, 0);
  neuron_store_free(store);
  store = make(4, INFERMEM_NEURON_HOT, 0);
  assert_fails(INFERMEM_E_SHAPE, neuron_store_rank(store, neuron)); /* a neuron less than rows */
  neuron_store_free(NULL);
  neuron_store_free(other); /* not its kind: left alone */
  neuron_free(neuron);
  neuron_store_free(store);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_rows_of_a_matrix_are_floats),
      cmocka_unit_test(every_allocation_may_fail),
      cmocka_unit_test(a_store_in_a_tape_ends_with_it),
      cmocka_unit_test(bad_options_are_refused),
      cmocka_unit_test(bad_arguments_are_refused_and_change_nothing),
  };
  return cmocka_run_group_tests_name("neuron_store_handles", tests, NULL, NULL);
}
