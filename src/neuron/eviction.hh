// The order in which rows make room: a heap whose least entry goes first.
//
// What an entry says may be less than what holds by now, for a row that was asked for again; it is brought up to date
// when it has become the least. So asking for a row that is there touches no heap, and the least entry that is up to
// date is the least of all.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace infermem {

struct EvictionKey {
  double score;    // by policy: what goes first is what has the least
  uint64_t fetch;  // the last that asked for it
  uint32_t id;
  uint32_t slot;

  bool operator<(const EvictionKey &other) const {
    if (score != other.score) return score < other.score;
    if (fetch != other.fetch) return fetch < other.fetch;
    return id < other.id;
  }
};

class EvictionHeap {
 public:
  // Memory for as many entries as there are slots.
  void use(EvictionKey *entries) { entries_ = entries; }

  bool is_empty() const { return n_ == 0; }
  const EvictionKey &least() const { return entries_[0]; }

  void push(const EvictionKey &key) {
    entries_[n_++] = key;
    std::push_heap(entries_, entries_ + n_, later);
  }

  void pop() { std::pop_heap(entries_, entries_ + n_--, later); }

  // Replaces the least.
  void update(const EvictionKey &key) {
    pop();
    push(key);
  }

  // Brings all up to date, with key_of(slot).
  template <typename KeyOf>
  void rebuild(const KeyOf &key_of) {
    for (size_t i = 0; i < n_; ++i) entries_[i] = key_of(entries_[i].slot);
    std::make_heap(entries_, entries_ + n_, later);
  }

 private:
  static bool later(const EvictionKey &a, const EvictionKey &b) { return b < a; }

  EvictionKey *entries_ = nullptr;
  size_t n_ = 0;
};

}  // namespace infermem
