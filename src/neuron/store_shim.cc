// The extern "C" functions of infermem/neuron.h that are about stores.
#include "base/structs.hh"
#include "neuron/row_store.hh"

using namespace infermem;

// A store has a mutex of its own: a const handle may be used by many threads at once.
static RowStore &core_of(const infermem_neuron_store *store) {
  return const_cast<infermem_neuron_store *>(store)->core;
}

extern "C" {

int32_t neuron_store_new(const infermem_neuron_store_options *options, infermem_neuron_store **out) {
  INFERMEM_NOT_NULL(options);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options));
}

void neuron_store_free(infermem_neuron_store *store) { free_handle(store); }

int32_t neuron_fetch(const infermem_neuron_store *store, const uint32_t *ids, size_t n, const void **out) {
  INFERMEM_HANDLE(store);
  INFERMEM_LEAVE(core_of(store).fetch(ids, n, out));
}

int32_t neuron_store_release(const infermem_neuron_store *store) {
  INFERMEM_HANDLE(store);
  INFERMEM_LEAVE(core_of(store).release());
}

int32_t neuron_fetch_begin(const infermem_neuron_store *store, const uint32_t *ids, size_t n, const void **out,
                           uint64_t *out_fetch) {
  INFERMEM_HANDLE(store);
  INFERMEM_NOT_NULL(out_fetch);
  INFERMEM_LEAVE(core_of(store).begin(ids, n, out, out_fetch));
}

int32_t neuron_fetch_is_ready(const infermem_neuron_store *store, uint64_t fetch) {
  return is(store) && core_of(store).is_ready(fetch);
}

int32_t neuron_fetch_wait(const infermem_neuron_store *store, uint64_t fetch) {
  INFERMEM_HANDLE(store);
  INFERMEM_LEAVE(core_of(store).wait(fetch));
}

int32_t neuron_fetch_end(const infermem_neuron_store *store, uint64_t fetch) {
  INFERMEM_HANDLE(store);
  INFERMEM_LEAVE(core_of(store).end(fetch));
}

int32_t neuron_store_loaded(const infermem_neuron_store *store, uint64_t load, int32_t status) {
  INFERMEM_HANDLE(store);
  INFERMEM_LEAVE(core_of(store).loaded(load, status));
}

int32_t neuron_store_keep(const infermem_neuron_store *store, const uint32_t *ids, size_t n) {
  INFERMEM_HANDLE(store);
  INFERMEM_LEAVE(core_of(store).keep(ids, n));
}

int32_t neuron_store_rank(const infermem_neuron_store *store, const infermem_neuron *neuron) {
  INFERMEM_HANDLE(store);
  INFERMEM_HANDLE(neuron);
  INFERMEM_LEAVE(core_of(store).rank(neuron->core));
}

int32_t neuron_store_has(const infermem_neuron_store *store, uint32_t id) {
  return is(store) && core_of(store).has(id);
}

int32_t neuron_store_stat(const infermem_neuron_store *store, infermem_neuron_store_facts *out) {
  INFERMEM_HANDLE(store);
  INFERMEM_NOT_NULL(out);
  infermem_neuron_store_facts facts = {};
  core_of(store).describe(&facts);
  INFERMEM_LEAVE(write_struct(facts, out, "out"));
}

}  // extern "C"
