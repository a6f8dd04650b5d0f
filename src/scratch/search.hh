// The search for a plan.
//
// A plan is made by placing one buffer after the other, each at the lowest place that it fits; what differs is the order.
// Some orders are good as a rule: they are tried first. Then, of few buffers, all orders that can matter are tried, and of
// more, random changes of the best one; until a plan is found that is as small as the most bytes in use at a time, or the
// effort is spent.
#pragma once

#include "base/vec.hh"

namespace infermem {

struct Buffer {
  uint64_t size;  // more than 0
  uint64_t first, last;

  bool meets(const Buffer &other) const { return first <= other.last && other.first <= last; }
};

class Search {
 public:
  // Offsets for n buffers, whose sizes add up to less than 2^64; *out has room for them. Records INFERMEM_E_NOMEM.
  Status run(const Buffer *buffers, size_t n, const Allocator &allocator, uint64_t *out, uint64_t *out_total);

 private:
  static constexpr size_t kFew = 32;  // of which all orders may be tried

  uint64_t most_in_use() const;
  // The lowest place of a buffer among those placed, from a floor on.
  uint64_t lowest(uint32_t buffer, uint64_t floor);
  void insert(uint32_t buffer, uint64_t at);
  // Places all in the order; keeps what comes out when it is the best, or as good. Whether it is.
  bool try_order();
  void keep(uint64_t total);
  void try_usual_orders();
  void try_all_orders(uint64_t floor, uint64_t top);
  void try_changes();
  bool is_done() const { return best_ == bound_ || effort_ == 0; }
  void spend(size_t steps) { effort_ -= steps < effort_ ? steps : effort_; }

  const Buffer *buffers_ = nullptr;
  uint32_t n_ = 0;
  Vec<uint32_t> order_;
  Vec<uint64_t> at_;      // of each buffer that is placed
  Vec<uint32_t> placed_;  // by ascending place
  Vec<uint8_t> is_placed_;
  uint64_t *out_ = nullptr;
  uint64_t best_ = UINT64_MAX;
  uint64_t bound_ = 0;
  uint64_t effort_ = 0;  // steps that may still be taken
};

}  // namespace infermem
