#include "scratch/search.hh"

#include <algorithm>

namespace infermem {
namespace {

constexpr uint64_t kEffort = 2000000;  // steps, of some nanoseconds at most

// splitmix64: the same plan every time.
uint64_t next_random(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

double duration(const Buffer &b) { return static_cast<double>(b.last - b.first) + 1; }
double area(const Buffer &b) { return static_cast<double>(b.size) * duration(b); }

}  // namespace

Status Search::run(const Buffer *buffers, size_t n, const Allocator &allocator, uint64_t *out, uint64_t *out_total) {
  buffers_ = buffers;
  n_ = static_cast<uint32_t>(n);
  out_ = out;
  order_.use(allocator);
  at_.use(allocator);
  placed_.use(allocator);
  is_placed_.use(allocator);
  INFERMEM_TRY(order_.resize(n, 0));
  INFERMEM_TRY(at_.resize(n, 0));
  INFERMEM_TRY(placed_.reserve(n));
  INFERMEM_TRY(is_placed_.resize(n, 0));
  bound_ = most_in_use();
  effort_ = kEffort;
  try_usual_orders();
  if (n <= kFew && !is_done()) {
    placed_.clear();
    try_all_orders(0, 0);
    if (effort_ != 0) bound_ = best_;  // all were tried
    effort_ = kEffort;
  }
  try_changes();
  *out_total = best_;
  return INFERMEM_OK;
}

// No plan is smaller. The most are in use when one begins to be.
uint64_t Search::most_in_use() const {
  uint64_t most = 0;
  for (uint32_t i = 0; i < n_; ++i) {
    uint64_t sum = 0;
    for (uint32_t j = 0; j < n_; ++j)
      if (buffers_[j].first <= buffers_[i].first && buffers_[i].first <= buffers_[j].last) sum += buffers_[j].size;
    most = std::max(most, sum);
  }
  return most;
}

uint64_t Search::lowest(uint32_t buffer, uint64_t floor) {
  const Buffer &b = buffers_[buffer];
  uint64_t at = floor;
  spend(placed_.size() + 1);
  for (uint32_t other : placed_) {
    const Buffer &o = buffers_[other];
    if (!b.meets(o)) continue;
    if (at_[other] >= at + b.size) break;
    at = std::max(at, at_[other] + o.size);
  }
  return at;
}

void Search::insert(uint32_t buffer, uint64_t at) {
  at_[buffer] = at;
  // There is room: it was reserved.
  size_t i = placed_.size();
  (void)placed_.push(buffer);
  for (; i > 0 && at_[placed_[i - 1]] > at; --i) placed_[i] = placed_[i - 1];
  placed_[i] = buffer;
}

void Search::keep(uint64_t total) {
  best_ = total;
  std::copy(at_.begin(), at_.end(), out_);
}

bool Search::try_order() {
  placed_.clear();
  uint64_t total = 0;
  for (uint32_t buffer : order_) {
    const uint64_t at = lowest(buffer, 0);
    total = std::max(total, at + buffers_[buffer].size);
    if (total > best_) return false;
    insert(buffer, at);
  }
  keep(total);
  return true;
}

void Search::try_usual_orders() {
  using Before = bool (*)(const Buffer &, const Buffer &);
  static constexpr Before kBefore[] = {
      [](const Buffer &a, const Buffer &b) { return a.size > b.size; },
      [](const Buffer &a, const Buffer &b) { return area(a) > area(b); },
      [](const Buffer &a, const Buffer &b) { return duration(a) > duration(b); },
      [](const Buffer &a, const Buffer &b) { return a.first < b.first; },
  };
  for (const Before before : kBefore) {
    if (best_ == bound_) return;
    for (uint32_t i = 0; i < n_; ++i) order_[i] = i;
    std::sort(order_.begin(), order_.end(), [&](uint32_t i, uint32_t j) {
      const Buffer &a = buffers_[i], &b = buffers_[j];
      return before(a, b) || (!before(b, a) && i < j);
    });
    try_order();
  }
}

// Continues a plan whose highest place is `floor`, and whose size is `top`, by all that can make it smaller than the best.
//
// Of the best plans, think of the one whose places have the least sum. No buffer of it could be lower as long as the others
// stay, so that placing the buffers from the lowest place to the highest, each at the lowest one possible that is not
// below the one before, gives that plan: only such orders are looked at. Nor can a buffer follow that leaves room below
// its place for another one that is yet to come.
void Search::try_all_orders(uint64_t floor, uint64_t top) {
  if (placed_.size() == n_) {
    keep(top);
    return;
  }
  uint64_t places[kFew], least_end = UINT64_MAX;
  for (uint32_t i = 0; i < n_; ++i) {
    if (is_placed_[i] != 0) continue;
    places[i] = lowest(i, floor);
    const uint64_t end = places[i] + buffers_[i].size;
    if (end >= best_) return;  // it will not get lower
    least_end = std::min(least_end, end);
  }
  uint32_t candidates[kFew], count = 0;
  for (uint32_t i = 0; i < n_; ++i)
    if (is_placed_[i] == 0 && places[i] < least_end) candidates[count++] = i;
  std::sort(candidates, candidates + count, [&](uint32_t i, uint32_t j) {
    if (places[i] != places[j]) return places[i] < places[j];
    return buffers_[i].size != buffers_[j].size ? buffers_[i].size > buffers_[j].size : i < j;
  });
  for (uint32_t k = 0; k < count && !is_done(); ++k) {
    const uint32_t i = candidates[k];
    is_placed_[i] = 1;
    at_[i] = places[i];
    (void)placed_.push(i);  // the highest place
    try_all_orders(places[i], std::max(top, places[i] + buffers_[i].size));
    placed_.pop();
    is_placed_[i] = 0;
  }
}

// Moves one buffer of the order forward, or exchanges two, and goes on from there when that was no worse.
void Search::try_changes() {
  for (uint32_t i = 0; i < n_; ++i) order_[i] = i;
  std::sort(order_.begin(), order_.end(),
            [&](uint32_t i, uint32_t j) { return out_[i] != out_[j] ? out_[i] < out_[j] : i < j; });
  uint64_t random = n_;
  while (!is_done()) {
    const auto from = static_cast<size_t>(next_random(&random) % n_),
               to = static_cast<size_t>(next_random(&random) % n_);
    uint32_t *const order = order_.data();
    const bool exchanges = next_random(&random) % 2 == 0;
    const size_t low = std::min(from, to), high = std::max(from, to);
    if (exchanges)
      std::swap(order[from], order[to]);
    else
      std::rotate(order + low, order + high, order + high + 1);
    if (try_order()) continue;
    if (exchanges)
      std::swap(order[from], order[to]);
    else
      std::rotate(order + low, order + low + 1, order + high + 1);
  }
}

}  // namespace infermem
