#include "layout/store.hh"

#include "base/mutex.hh"

namespace infermem {
namespace {

Mutex lists;

}  // namespace

Status Store::take(const infermem_tape *tape, size_t size, size_t align, bool is_dense) {
  constexpr size_t kManyPages = size_t{4} << 20;
  if (!tape) {
    MappingWishes wishes;
    wishes.huge = is_dense && size >= kManyPages;
    INFERMEM_TRY(mapping_.reserve(size, wishes));
    data_ = mapping_.data();
    return INFERMEM_OK;
  }
  INFERMEM_TRY(check_handle(tape, "options->tape"));
  void *memory = nullptr;
  if (!tape->core.try_alloc(size, align, &memory, &cursor_before_)) return tape->core.why_not(size, align);
  from_tape_ = true;
  data_ = static_cast<char *>(memory);
  size_ = size;
  const Locked locked(&lists);
  tape_ = &tape->core;
  next_ = tape_->stores_.load(std::memory_order_relaxed);
  if (next_) next_->previous_ = this;
  tape_->stores_.store(this, std::memory_order_relaxed);
  return INFERMEM_OK;
}

void Store::give_back() {
  if (!from_tape_) return;
  const Locked locked(&lists);
  if (tape_) tape_->take_back(cursor_before_, reinterpret_cast<uintptr_t>(data_) + size_);
}

Store::~Store() {
  if (!from_tape_) return;
  const Locked locked(&lists);
  if (tape_) unlink();
}

void Store::unlink() {
  if (previous_)
    previous_->next_ = next_;
  else
    tape_->stores_.store(next_, std::memory_order_relaxed);
  if (next_) next_->previous_ = previous_;
  tape_ = nullptr;
}

void Store::expire(const Tape *tape, uintptr_t address) {
  const Locked locked(&lists);
  for (Store *store = tape->stores_.load(std::memory_order_relaxed), *next; store; store = next) {
    next = store->next_;
    if (reinterpret_cast<uintptr_t>(store->data_) + store->size_ <= address) continue;
    store->is_stale_.store(true, std::memory_order_relaxed);
    store->unlink();
  }
}

Status Store::fail_stale() const {
  return fail(INFERMEM_E_STALE, size_, 0,
              "the tape has taken back the object's %zu bytes: it was cleared, rewound or freed", size_);
}

Status Store::check_writable() const {
  INFERMEM_TRY(check());
  return tape_ ? tape_->check_unsealed() : INFERMEM_OK;
}

}  // namespace infermem
