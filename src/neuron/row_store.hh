// A cache of rows: a slot a row that fits the budget, and for each id the slot that it is in.
//
// A slot is free, or loading for a fetch, or ready, or failed while somebody who waited for it has yet to learn that.
// It is in use while a fetch has it; what is ready and not in use is idle, and can make room. Every idle slot has an
// entry in the heap; a slot in use may have one left, which is dropped when it comes up.
//
// One mutex guards all of it, and is held neither while a load function runs nor while somebody waits. The rows
// themselves it does not guard: what writes a row comes before the slot is ready, and what reads it after.
#pragma once

#include "base/handle.hh"
#include "base/mutex.hh"
#include "infermem/neuron.h"
#include "layout/store.hh"
#include "neuron/eviction.hh"
#include "neuron/neuron.hh"
#include "quant/quant.hh"

namespace infermem {

class RowStore {
 public:
  // Called once.
  Status open(const infermem_neuron_store_options &options, const Allocator &allocator);
  ~RowStore();

  Status fetch(const uint32_t *ids, size_t n, const void **out);
  Status release();
  Status begin(const uint32_t *ids, size_t n, const void **out, uint64_t *out_fetch);
  bool is_ready(uint64_t fetch);
  Status wait(uint64_t fetch);
  Status end(uint64_t fetch);
  Status loaded(uint64_t load, Status status);
  Status keep(const uint32_t *ids, size_t n);
  Status rank(const Neuron &neuron);
  bool has(uint32_t id);
  void describe(infermem_neuron_store_facts *out);

 private:
  enum class State : uint8_t { kFree, kLoading, kReady, kFailed };

  struct Slot {
    uint64_t fetch;  // the last that asked for it, by number among all
    uint64_t mark;   // the serial number of the last fetch that took it
    uint32_t id;
    uint32_t users;
    Status failure;
    State state;
    bool is_in_heap;
  };

  // A fetch, and the load that it needs, if any. Its serial number tells which record it is in, and is the load's, too.
  struct Record {
    uint64_t serial;
    uint32_t *slots;  // n of them, each once; those to be loaded come last
    uint32_t *ids;    // n_loads of them
    void **rows;
    uint32_t n;
    uint32_t n_loads;
    bool is_begun;  // and not ended
    bool is_loading;
  };

  // Two records that take turns: the fetch in one ends as the next begins in the other.
  struct Turns {
    size_t first;
    bool second = false;
  };
  static constexpr size_t kOwnRecords = 4;

  Status set_form(const infermem_neuron_store_options &options);
  Status take(const infermem_neuron_store_options &options);
  Status check_ids(const uint32_t *ids, size_t n) const;
  Status replace(Turns *turns, const uint32_t *ids, size_t n, const void **out);

  // The record of a fetch; records INFERMEM_E_STATE where there is none, or none that is_begun.
  Status find(uint64_t serial, Record **out);
  // Takes or loads the rows, for a record that is not in use; what former has, if anything, ends. Where nothing fits,
  // nothing changes. The mutex is held, but not while rows are loaded.
  Status start(Record *record, Record *former, const uint32_t *ids, size_t n, const void **out);
  Status plan(Record *record, Record *former, const uint32_t *ids, size_t n);
  Status load(const Record &record);
  void finish(Record *record, Status status);
  void finish_record(Record *record);
  Status wait_for(Record *record);

  void use(uint32_t slot);
  void unuse(uint32_t slot);
  void unuse_all(const Record &record);
  void touch(uint32_t id);
  void next_fetch();
  // A slot for a new row; there is one.
  uint32_t take_slot();
  bool find_least(uint32_t *out);
  void drop_least(uint32_t slot);
  void set_free(uint32_t slot);
  EvictionKey key_of(uint32_t slot) const;
  char *row(uint32_t slot) const { return store_.data() + slot * stride_; }

  Mutex mutex_;
  Condition changed_;  // a load is complete
  Store store_;
  infermem_neuron_store_options form_ = {};
  size_t stride_ = 0;  // bytes from a row to the next
  uint32_t capacity_ = 0;
  size_t n_records_ = 0;

  // In the store, behind the rows.
  Slot *slots_ = nullptr;
  uint32_t *slot_of_ = nullptr;  // of each id: its slot + 1, or 0
  double *scores_ = nullptr;     // of each id; none with LRU
  uint32_t *free_ = nullptr;     // n_free_ slots
  Record *records_ = nullptr;

  EvictionHeap heap_;
  uint32_t n_free_ = 0;
  uint32_t n_idle_ = 0;
  size_t n_pending_ = 0;  // records that are loading
  uint64_t n_serials_ = 0;
  double weight_ = 1;  // of an id asked for now
  double growth_ = 1;  // of that, a fetch
  Turns fetched_ = {0}, kept_ = {2};
  infermem_neuron_store_facts facts_ = {};
};

}  // namespace infermem

struct infermem_neuron_store {
  static constexpr infermem::Kind kKind = infermem::Kind::kNeuronStore;
  infermem::Head head{kKind};
  infermem::RowStore core;
  infermem::Allocator allocator;
};
