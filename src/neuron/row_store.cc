#include "neuron/row_store.hh"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/checked.hh"

namespace infermem {
namespace {

constexpr size_t kLine = 64;  // bytes that rows are aligned to
constexpr uint32_t kDefaultFetches = 4;
constexpr uint32_t kMostFetches = 1000;
constexpr uint32_t kWanted = UINT32_MAX;  // in slot_of_, of an id that a plan has seen
constexpr double kMostWeight = 0x1p+500;

Status fail_ended(uint64_t fetch) {
  return fail(INFERMEM_E_STATE, 0, fetch, "there is no fetch %llu: it was ended, or never begun", wide(fetch));
}

}  // namespace

// ---- Making ----

Status RowStore::set_form(const infermem_neuron_store_options &options) {
  form_ = options;
  if ((options.load != nullptr) == (options.quant != nullptr))
    return fail(INFERMEM_E_ARG, 1, options.load ? 2 : 0, "%s of load and quant is given",
                options.load ? "each" : "none");
  if (options.quant) {
    INFERMEM_TRY(check_handle(options.quant, "options->quant"));
    const Quant &matrix = options.quant->core;
    if (options.row_bytes != 0) return fail(INFERMEM_E_ARG, 0, options.row_bytes, "row_bytes is not 0, with a matrix");
    if (options.n_rows != 0 ? options.n_rows != matrix.rows() : matrix.rows() > UINT32_MAX)
      return fail(INFERMEM_E_SHAPE, matrix.rows(), options.n_rows, "n_rows is %u, of a matrix of %zu rows",
                  options.n_rows, matrix.rows());
    form_.n_rows = static_cast<uint32_t>(matrix.rows());
    if (!checked::mul<uint64_t>(matrix.cols(), sizeof(float), &form_.row_bytes))
      return fail(INFERMEM_E_OVERFLOW, SIZE_MAX, matrix.cols(), "a row of %zu floats does not fit", matrix.cols());
  }
  if (form_.n_rows == 0 || form_.n_rows >= kWanted - 1)
    return fail(INFERMEM_E_ARG, 1, form_.n_rows, "n_rows is %u", form_.n_rows);
  if (form_.row_bytes == 0) return fail(INFERMEM_E_ARG, 1, 0, "row_bytes is 0");
  if (form_.policy > INFERMEM_NEURON_HOT)
    return fail(INFERMEM_E_ARG, INFERMEM_NEURON_HOT, form_.policy, "policy is %u, which is unknown", form_.policy);
  if (form_.half_life != 0 && form_.policy != INFERMEM_NEURON_LFU)
    return fail(INFERMEM_E_ARG, 0, form_.half_life, "half_life is %u, without LFU", form_.half_life);
  if (form_.window != 0 && form_.policy != INFERMEM_NEURON_LRU)
    return fail(INFERMEM_E_ARG, 0, form_.window, "window is %u, without LRU", form_.window);
  if (form_.n_fetches > kMostFetches)
    return fail(INFERMEM_E_ARG, kMostFetches, form_.n_fetches, "n_fetches is %u", form_.n_fetches);
  if (form_.reserved != 0)
    return fail(INFERMEM_E_ARG, 0, form_.reserved, "a reserved field is %u, not 0", form_.reserved);
  if (form_.n_fetches == 0) form_.n_fetches = kDefaultFetches;
  if (form_.half_life != 0) growth_ = std::exp2(1.0 / form_.half_life);

  uint64_t stride;
  if (!checked::align_up<uint64_t>(form_.row_bytes, kLine, &stride) || !checked::narrow(stride, &stride_))
    return fail(INFERMEM_E_OVERFLOW, SIZE_MAX, form_.row_bytes, "a row of %llu bytes does not fit",
                wide(form_.row_bytes));
  if (form_.budget_bytes < stride)
    return fail(INFERMEM_E_ARG, stride, form_.budget_bytes, "budget_bytes is %llu, less than a row of %llu",
                wide(form_.budget_bytes), wide(stride));
  capacity_ = static_cast<uint32_t>(std::min<uint64_t>(form_.budget_bytes / stride, form_.n_rows));
  return INFERMEM_OK;
}

// Everything is one block: the rows, then the arrays, those of larger elements first.
Status RowStore::take(const infermem_neuron_store_options &options) {
  const size_t n = capacity_, ids = form_.n_rows, scores = form_.policy == INFERMEM_NEURON_LRU ? 0 : ids;
  n_records_ = kOwnRecords + form_.n_fetches;
  const size_t parts[] = {n * sizeof(Slot), n * sizeof(EvictionKey), scores * sizeof(double),
                          n_records_ * sizeof(Record)};
  size_t rows = 0, pointers = 0, numbers = 0, size = 0;
  bool fits = checked::mul(n, stride_, &rows) && checked::product(&pointers, n, n_records_, sizeof(void *)) &&
              checked::product(&numbers, n, 2 * n_records_ + 1, sizeof(uint32_t)) &&
              checked::add(rows, pointers, &size) && checked::add(size, numbers, &size) &&
              checked::add(size, ids * sizeof(uint32_t), &size);
  for (const size_t part : parts) fits = fits && checked::add(size, part, &size);
  if (!fits)
    return fail(INFERMEM_E_OVERFLOW, SIZE_MAX, n, "a store of %zu rows of %zu bytes does not fit the address range", n,
                stride_);
  INFERMEM_TRY(store_.take(options.tape, size, kLine, true));
  facts_.memory_bytes = size;

  char *at = store_.data() + rows;
  const auto next = [&at](size_t bytes) {
    char *const part = at;
    at += bytes;
    return part;
  };
  slots_ = reinterpret_cast<Slot *>(next(parts[0]));
  heap_.use(reinterpret_cast<EvictionKey *>(next(parts[1])));
  scores_ = scores != 0 ? reinterpret_cast<double *>(next(parts[2])) : nullptr;
  records_ = reinterpret_cast<Record *>(next(parts[3]));
  auto **pointer = reinterpret_cast<void **>(next(pointers));
  auto *number = reinterpret_cast<uint32_t *>(next(numbers));
  slot_of_ = reinterpret_cast<uint32_t *>(at);
  if (options.tape) std::memset(slots_, 0, size - rows);  // a mapping is zero
  for (size_t i = 0; i < n_records_; ++i, pointer += n, number += 2 * n) {
    records_[i].slots = number;
    records_[i].ids = number + n;
    records_[i].rows = pointer;
  }
  free_ = number;
  while (n_free_ < capacity_) {
    free_[n_free_] = capacity_ - 1 - n_free_;
    ++n_free_;
  }
  return INFERMEM_OK;
}

Status RowStore::open(const infermem_neuron_store_options &options, const Allocator &) {
  INFERMEM_TRY(set_form(options));
  return take(options);
}

RowStore::~RowStore() {
  const Locked locked(&mutex_);
  while (n_pending_ != 0) changed_.wait(&mutex_);
}

// ---- Slots ----

EvictionKey RowStore::key_of(uint32_t slot) const {
  const Slot &s = slots_[slot];
  return {scores_ ? scores_[s.id] : 0.0, s.fetch, s.id, slot};
}

void RowStore::use(uint32_t slot) {
  Slot &s = slots_[slot];
  if (s.users++ == 0 && s.state == State::kReady) --n_idle_;
}

void RowStore::unuse(uint32_t slot) {
  Slot &s = slots_[slot];
  if (--s.users != 0) return;
  if (s.state == State::kFailed) return set_free(slot);
  if (s.state != State::kReady) return;
  ++n_idle_;
  if (s.is_in_heap) return;
  s.is_in_heap = true;
  heap_.push(key_of(slot));
}

void RowStore::unuse_all(const Record &record) {
  for (uint32_t i = 0; i < record.n; ++i) unuse(record.slots[i]);
}

void RowStore::set_free(uint32_t slot) {
  slots_[slot].state = State::kFree;
  free_[n_free_++] = slot;
}

bool RowStore::find_least(uint32_t *out) {
  while (!heap_.is_empty()) {
    const EvictionKey &least = heap_.least();
    const uint32_t slot = least.slot;
    if (slots_[slot].users != 0) {
      slots_[slot].is_in_heap = false;
      heap_.pop();
    } else if (const EvictionKey now = key_of(slot); least < now) {
      heap_.update(now);
    } else {
      *out = slot;
      return true;
    }
  }
  return false;
}

// An idle slot that find_least() found becomes free.
void RowStore::drop_least(uint32_t slot) {
  heap_.pop();
  slots_[slot].is_in_heap = false;
  slot_of_[slots_[slot].id] = 0;
  --n_idle_;
  set_free(slot);
}

uint32_t RowStore::take_slot() {
  if (n_free_ == 0) {
    uint32_t least = 0;
    if (find_least(&least)) drop_least(least);
    ++facts_.evictions;
  }
  return free_[--n_free_];
}

// ---- Fetching ----

Status RowStore::check_ids(const uint32_t *ids, size_t n) const {
  if (!ids && n != 0) return fail_null("ids");
  for (size_t i = 0; i < n; ++i)
    if (__builtin_expect(ids[i] >= form_.n_rows, 0))
      return fail(INFERMEM_E_RANGE, form_.n_rows, ids[i], "ids[%zu] is %u, of %u rows", i, ids[i], form_.n_rows);
  return INFERMEM_OK;
}

// Counts a fetch, and with it the time that policies know.
void RowStore::next_fetch() {
  ++facts_.fetches;
  if (form_.policy == INFERMEM_NEURON_LFU) {
    // Rather than what was asked for fading, what is asked for weighs more and more.
    weight_ *= growth_;
    if (weight_ > kMostWeight) {
      for (uint32_t id = 0; id < form_.n_rows; ++id) scores_[id] /= kMostWeight;
      weight_ /= kMostWeight;
      heap_.rebuild([this](uint32_t slot) { return key_of(slot); });
    }
  }
  uint32_t least = 0;
  while (form_.window != 0 && find_least(&least) && facts_.fetches - slots_[least].fetch >= form_.window) {
    drop_least(least);
    ++facts_.drops;
  }
}

void RowStore::touch(uint32_t id) {
  slots_[slot_of_[id] - 1].fetch = facts_.fetches;
  if (form_.policy == INFERMEM_NEURON_LFU) scores_[id] += weight_;
}

// Takes what is there for the record, notes what is to be loaded, and marks that in slot_of_.
Status RowStore::plan(Record *record, Record *former, const uint32_t *ids, size_t n) {
  if (former) unuse_all(*former);
  record->serial = ++n_serials_ * n_records_ + static_cast<size_t>(record - records_);
  record->n = record->n_loads = 0;
  bool fits = true;
  for (size_t i = 0; i < n && fits; ++i) {
    uint32_t &slot = slot_of_[ids[i]];
    if (slot == kWanted) continue;
    if (slot == 0) {
      fits = record->n_loads != capacity_;
      if (!fits) break;
      slot = kWanted;
      record->ids[record->n_loads++] = ids[i];
    } else if (slots_[slot - 1].mark != record->serial) {
      slots_[slot - 1].mark = record->serial;
      use(slot - 1);
      record->slots[record->n++] = slot - 1;
    }
  }
  const uint32_t room = n_free_ + n_idle_;
  if (fits && record->n_loads <= room) return INFERMEM_OK;
  for (uint32_t i = 0; i < record->n_loads; ++i) slot_of_[record->ids[i]] = 0;
  unuse_all(*record);
  if (former)
    for (uint32_t i = 0; i < former->n; ++i) use(former->slots[i]);
  return fail(INFERMEM_E_FULL, record->n + room, n,
              "of %zu rows, %u are there, and %u of the others fit beside those in use, of %u in all", n, record->n,
              room, capacity_);
}

Status RowStore::start(Record *record, Record *former, const uint32_t *ids, size_t n, const void **out) {
  INFERMEM_TRY(plan(record, former, ids, n));
  if (former) {
    former->is_begun = false;
    former->n = 0;
  }
  for (uint32_t i = 0; i < record->n; ++i) {
    const Slot &slot = slots_[record->slots[i]];
    ++(slot.state == State::kLoading ? facts_.waits : facts_.hits);
  }
  facts_.misses += record->n_loads;
  next_fetch();
  for (uint32_t i = 0; i < record->n; ++i) touch(slots_[record->slots[i]].id);
  for (uint32_t i = 0; i < record->n_loads; ++i) {
    const uint32_t slot = take_slot(), id = record->ids[i];
    slots_[slot] = {0, record->serial, id, 1, INFERMEM_OK, State::kLoading, false};
    slot_of_[id] = slot + 1;
    touch(id);
    record->slots[record->n++] = slot;
    record->rows[i] = row(slot);
  }
  for (size_t i = 0; i < n && out; ++i) out[i] = row(slot_of_[ids[i]] - 1);
  record->is_begun = true;
  if (record->n_loads == 0) return INFERMEM_OK;

  record->is_loading = true;
  ++n_pending_;
  ++facts_.loads;
  const uint64_t serial = record->serial;
  mutex_.unlock();
  Status status = load(*record);
  mutex_.lock();
  if (status == INFERMEM_NEURON_PENDING) return INFERMEM_OK;
  if (const Status is_there = store_.check(); is_there != INFERMEM_OK) {
    n_pending_ -= n_pending_ != 0;
    return is_there;
  }
  if (record->serial == serial && record->is_loading) finish(record, status);
  if (status == INFERMEM_OK) return INFERMEM_OK;
  finish_record(record);
  if (form_.quant) return status;  // with what it said
  const uint32_t n_loads = record->n_loads;
  return status < 0 ? fail(status, 0, n_loads, "loading %u rows failed with %d", n_loads, status)
                    : fail(INFERMEM_E_STATE, 0, static_cast<uint64_t>(status), "the load function returned %d", status);
}

Status RowStore::load(const Record &record) {
  if (form_.load) return form_.load(form_.context, record.serial, record.ids, record.n_loads, record.rows);
  const Quant &matrix = form_.quant->core;
  for (uint32_t i = 0; i < record.n_loads; ++i) {
    const size_t id = record.ids[i];
    INFERMEM_TRY(matrix.rows_to_f32(&id, 1, static_cast<float *>(record.rows[i]), matrix.cols()));
  }
  return INFERMEM_OK;
}

// Ends a record's load.
void RowStore::finish(Record *record, Status status) {
  for (uint32_t i = 0; i < record->n_loads; ++i) {
    const uint32_t slot = record->slots[record->n - record->n_loads + i];
    Slot &s = slots_[slot];
    s.state = status == INFERMEM_OK ? State::kReady : State::kFailed;
    s.failure = status < 0 ? status : INFERMEM_E_STATE;
    if (status != INFERMEM_OK) slot_of_[s.id] = 0;
    ++s.users;  // so that giving it up puts it where it belongs
    unuse(slot);
  }
  if (status == INFERMEM_OK)
    facts_.bytes_loaded += record->n_loads * form_.row_bytes;
  else
    facts_.failures += record->n_loads;
  record->is_loading = false;
  --n_pending_;
  changed_.wake_all();
}

// Ends a fetch, if it has not been ended.
void RowStore::finish_record(Record *record) {
  if (!record->is_begun) return;
  unuse_all(*record);
  record->is_begun = false;
  if (!record->is_loading) record->n = 0;
}

Status RowStore::wait_for(Record *record) {
  const uint64_t serial = record->serial;
  Status status = INFERMEM_OK;
  for (uint32_t i = 0; i < record->n; ++i) {
    const Slot &slot = slots_[record->slots[i]];
    while (slot.state == State::kLoading) {
      changed_.wait(&mutex_);
      INFERMEM_TRY(store_.check());
      if (record->serial != serial || !record->is_begun) return fail_ended(serial);
    }
    if (slot.state == State::kFailed && status == INFERMEM_OK)
      status = fail(slot.failure, 0, slot.id, "loading row %u failed with %d", slot.id, slot.failure);
  }
  return status;
}

Status RowStore::replace(Turns *turns, const uint32_t *ids, size_t n, const void **out) {
  INFERMEM_TRY(check_ids(ids, n));
  const Locked locked(&mutex_);
  INFERMEM_TRY(store_.check_writable());
  Record *const former = &records_[turns->first + turns->second];
  Record *const record = &records_[turns->first + !turns->second];
  if (record->is_begun || record->is_loading || former->is_loading)
    return fail(INFERMEM_E_STATE, 0, 0, "another thread is in the same call, which is for one at a time");
  INFERMEM_TRY(start(record, former, ids, n, out));
  turns->second = !turns->second;
  const uint64_t serial = record->serial;
  const Status status = wait_for(record);
  if (status != INFERMEM_OK && store_.check() == INFERMEM_OK && record->serial == serial) finish_record(record);
  return status;
}

Status RowStore::fetch(const uint32_t *ids, size_t n, const void **out) {
  if (!out && n != 0) return fail_null("out");
  return replace(&fetched_, ids, n, out);
}

Status RowStore::keep(const uint32_t *ids, size_t n) { return replace(&kept_, ids, n, nullptr); }

Status RowStore::release() {
  const Locked locked(&mutex_);
  INFERMEM_TRY(store_.check_writable());
  finish_record(&records_[fetched_.first + fetched_.second]);
  return INFERMEM_OK;
}

Status RowStore::begin(const uint32_t *ids, size_t n, const void **out, uint64_t *out_fetch) {
  if (!out && n != 0) return fail_null("out");
  INFERMEM_TRY(check_ids(ids, n));
  const Locked locked(&mutex_);
  INFERMEM_TRY(store_.check_writable());
  Record *record = records_ + kOwnRecords, *const last = records_ + n_records_;
  while (record != last && (record->is_begun || record->is_loading)) ++record;
  if (record == last)
    return fail(INFERMEM_E_STATE, form_.n_fetches, form_.n_fetches, "%u fetches are begun, or being loaded for",
                form_.n_fetches);
  INFERMEM_TRY(start(record, nullptr, ids, n, out));
  *out_fetch = record->serial;
  return INFERMEM_OK;
}

Status RowStore::find(uint64_t serial, Record **out) {
  INFERMEM_TRY(store_.check());
  Record *const record = &records_[serial % n_records_];
  if (record->serial != serial || !record->is_begun || record < records_ + kOwnRecords) return fail_ended(serial);
  *out = record;
  return INFERMEM_OK;
}

bool RowStore::is_ready(uint64_t fetch) {
  const Locked locked(&mutex_);
  Record *record = nullptr;
  if (find(fetch, &record) != INFERMEM_OK) return false;
  const auto is_loading = [this](uint32_t slot) { return slots_[slot].state == State::kLoading; };
  return std::none_of(record->slots, record->slots + record->n, is_loading);
}

Status RowStore::wait(uint64_t fetch) {
  const Locked locked(&mutex_);
  Record *record = nullptr;
  INFERMEM_TRY(find(fetch, &record));
  return wait_for(record);
}

Status RowStore::end(uint64_t fetch) {
  const Locked locked(&mutex_);
  Record *record = nullptr;
  INFERMEM_TRY(find(fetch, &record));
  INFERMEM_TRY(store_.check_writable());
  finish_record(record);
  return INFERMEM_OK;
}

Status RowStore::loaded(uint64_t load, Status status) {
  if (status > 0)
    return fail(INFERMEM_E_ARG, 0, static_cast<uint64_t>(status), "the status of a load is %d, which is positive",
                status);
  const Locked locked(&mutex_);
  const Status is_there = store_.check();
  if (is_there != INFERMEM_OK) {  // so that whoever waits learns it, too
    n_pending_ -= n_pending_ != 0;
    changed_.wake_all();
    return is_there;
  }
  Record *const record = &records_[load % n_records_];
  if (record->serial != load || !record->is_loading)
    return fail(INFERMEM_E_STATE, 0, load, "load %llu is complete, or there is none", wide(load));
  finish(record, status);
  if (!record->is_begun) record->n = 0;
  return INFERMEM_OK;
}

// ---- What is asked ----

Status RowStore::rank(const Neuron &neuron) {
  const Locked locked(&mutex_);
  INFERMEM_TRY(store_.check_writable());
  if (form_.policy != INFERMEM_NEURON_HOT)
    return fail(INFERMEM_E_STATE, INFERMEM_NEURON_HOT, form_.policy, "the policy is %u, not HOT", form_.policy);
  INFERMEM_TRY(neuron.frequencies(form_.n_rows, scores_));
  heap_.rebuild([this](uint32_t slot) { return key_of(slot); });
  return INFERMEM_OK;
}

bool RowStore::has(uint32_t id) {
  const Locked locked(&mutex_);
  if (id >= form_.n_rows || store_.check() != INFERMEM_OK) return false;
  const uint32_t slot = slot_of_[id];
  return slot != 0 && slots_[slot - 1].state == State::kReady;
}

void RowStore::describe(infermem_neuron_store_facts *out) {
  const Locked locked(&mutex_);
  *out = facts_;
  out->capacity = capacity_;
  out->resident = capacity_ - n_free_;
  out->in_use = capacity_ - n_free_ - n_idle_;
}

}  // namespace infermem
