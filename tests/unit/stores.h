/* stores.h: what the tests of stores share: a store of ten rows. */
#ifndef STORES_H
#define STORES_H

#include "support.h"

enum { kRows = 10, kBytes = 100, kStride = 128 };

static int32_t answer; /* of the load function */
static uint64_t loads, last_load;
static size_t last_n;
static uint32_t last_ids[kRows];
static void *last_rows[kRows];

static inline int32_t load(void *context, uint64_t number, const uint32_t *ids, size_t n, void *const *rows) {
  assert_ptr_equal(context, &answer);
  loads++;
  last_load = number;
  last_n = n;
  for (size_t i = 0; i < n; i++) {
    last_ids[i] = ids[i];
    last_rows[i] = rows[i];
    memset(rows[i], (int)ids[i] + 1, kBytes);
  }
  return answer;
}

static inline infermem_neuron_store_options options_for(uint64_t n_slots) {
  INFERMEM_STRUCT(infermem_neuron_store_options, options);
  options.n_rows = kRows;
  options.row_bytes = kBytes;
  options.budget_bytes = n_slots * kStride;
  options.load = load;
  options.context = &answer;
  answer = INFERMEM_OK;
  loads = 0;
  return options;
}

static inline infermem_neuron_store *make(uint64_t n_slots, uint32_t policy, uint32_t window) {
  infermem_neuron_store_options options = options_for(n_slots);
  options.policy = policy;
  options.window = window;
  infermem_neuron_store *store = NULL;
  assert_ok(neuron_store_new(&options, &store));
  return store;
}

static inline infermem_neuron_store_facts facts_of(const infermem_neuron_store *store) {
  INFERMEM_STRUCT(infermem_neuron_store_facts, facts);
  assert_ok(neuron_store_stat(store, &facts));
  return facts;
}

static inline const void *fetch_one(const infermem_neuron_store *store, uint32_t id) {
  const void *row = NULL;
  assert_ok(neuron_fetch(store, &id, 1, &row));
  assert_int_equal(((const unsigned char *)row)[kBytes - 1], id + 1);
  return row;
}

/* The rows that are there are these, in ascending order. */
static inline void assert_there(const infermem_neuron_store *store, const uint32_t *ids, size_t n) {
  for (uint32_t id = 0, i = 0; id < kRows; id++) {
    const int is = i < n && ids[i] == id;
    i += (uint32_t)is;
    assert_int_equal(neuron_store_has(store, id), is);
  }
}

#endif
