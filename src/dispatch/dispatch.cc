#include "dispatch/dispatch.hh"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "base/log.hh"

namespace infermem {
namespace {

constexpr size_t kLine = 128;  // bytes that processors fetch together
constexpr uint32_t kDefaultBackends = 2;
constexpr uint32_t kDefaultResolution = 100;
constexpr uint32_t kLeastResolution = 10, kMostResolution = 1000;
constexpr uint64_t kLeastElapsed = 1000000;  // nanoseconds from which on there is a throughput

bool fence_running_threads() { return syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0) == 0; }

bool can_fence_running_threads() {
  return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0) == 0 && fence_running_threads();
}

// Looks again and again, after a while with pauses: a thread that is making a record may have lost its processor.
template <typename Done>
void wait_until(const Done &done) {
  constexpr int kSpins = 1000;
  for (int i = 0; !done(); ++i) {
    if (i < kSpins) continue;
    const timespec pause = {0, 20000};
    syscall(SYS_nanosleep, &pause, nullptr);  // where, unlike in nanosleep, no thread is cancelled
  }
}

// The bytes of a character that begins with `first`; 0 where none does.
size_t utf8_length(unsigned char first) {
  return first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

bool is_utf8(const char *text) {
  const auto *p = reinterpret_cast<const unsigned char *>(text);
  while (*p != 0) {
    const size_t n = utf8_length(*p);
    for (size_t i = 1; i < n; ++i)
      if ((p[i] & 0xc0) != 0x80) return false;
    // Some are written too long, are surrogates, or lie beyond the last character.
    const bool is_wrong = (*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) || (*p == 0xf0 && p[1] < 0x90) ||
                          (*p == 0xf4 && p[1] > 0x8f);
    if (n == 0 || is_wrong) return false;
    p += n;
  }
  return true;
}

}  // namespace

uint64_t monotonic_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000 + static_cast<uint64_t>(now.tv_nsec);
}

Status Dispatch::fail_backend(uint32_t backend) const {
  return fail(INFERMEM_E_RANGE, n_backends_, backend, "backend is %u, of %u backends", backend, n_backends_);
}

Status Dispatch::read_names(const char *const *names) {
  static const char *const kKnown[] = {"CPU", "GPU"};
  for (uint32_t i = 0; i < n_backends_; ++i) {
    if (!names) {
      if (i < 2)
        std::strcpy(names_[i], kKnown[i]);
      else
        std::snprintf(names_[i], sizeof names_[i], "backend%u", i);
      continue;
    }
    if (!names[i]) return fail(INFERMEM_E_NULL, 0, i, "options->names[%u] is NULL", i);
    const size_t length = std::strlen(names[i]);
    if (length > INFERMEM_DISPATCH_MAX_NAME)
      return fail(INFERMEM_E_LIMIT, INFERMEM_DISPATCH_MAX_NAME, length,
                  "options->names[%u] has %zu bytes, more than %d", i, length, INFERMEM_DISPATCH_MAX_NAME);
    if (length == 0 || !is_utf8(names[i]))
      return fail(INFERMEM_E_ARG, 0, i, "options->names[%u] is %s", i, length == 0 ? "empty" : "no UTF-8");
    for (uint32_t j = 0; j < i; ++j)
      if (std::strcmp(names[i], names_[j]) == 0)
        return fail(INFERMEM_E_ARG, j, i, "options->names[%u] and names[%u] are the same", j, i);
    std::memcpy(names_[i], names[i], length + 1);
  }
  return INFERMEM_OK;
}

Status Dispatch::open(const infermem_dispatch_options &options, const Allocator &) {
  if (options.n_backends > INFERMEM_DISPATCH_MAX_BACKENDS)
    return fail(INFERMEM_E_LIMIT, INFERMEM_DISPATCH_MAX_BACKENDS, options.n_backends, "n_backends is %u, more than %d",
                options.n_backends, INFERMEM_DISPATCH_MAX_BACKENDS);
  const uint32_t resolution = options.resolution != 0 ? options.resolution : kDefaultResolution;
  if (resolution < kLeastResolution || resolution > kMostResolution)
    return fail(INFERMEM_E_ARG, kMostResolution, resolution, "resolution is %u, not within %u to %u", resolution,
                kLeastResolution, kMostResolution);
  n_backends_ = options.n_backends != 0 ? options.n_backends : kDefaultBackends;
  INFERMEM_TRY(read_names(options.names));
  buckets_.open(resolution);

  // No size can overflow: the entries and the backends are few.
  const auto whole_lines = [](size_t bytes) { return (bytes + kLine - 1) / kLine * kLine; };
  half_bytes_ = whole_lines(sizeof(Half) + buckets_.entries() * sizeof(uint64_t));
  shard_bytes_ = sizeof(Shard) + 2 * half_bytes_;
  const size_t backend_bytes = (kSlots + 1) * shard_bytes_;
  totals_bytes_ = whole_lines(sizeof(Totals) + buckets_.entries() * sizeof(uint64_t));
  const size_t head = sizeof(Control) + n_backends_ * totals_bytes_;
  MappingWishes wishes;
  wishes.sparse = wishes.wiped = true;
  INFERMEM_TRY(mapping_.reserve(head + n_backends_ * backend_bytes, wishes));
  control_ = reinterpret_cast<Control *>(mapping_.data());
  for (uint32_t i = 0; i < n_backends_; ++i) shards_[i] = mapping_.data() + head + i * backend_bytes;
  half_.store(kFirstHalf, std::memory_order_relaxed);
  has_owners_ = can_fence_running_threads();
  is_open_.store(has_owners_, std::memory_order_relaxed);
  if (!has_owners_) log(INFERMEM_LOG_INFO, "no membarrier: recording takes atomic instructions");
  start_ns_.store(monotonic_ns(), std::memory_order_relaxed);
  return INFERMEM_OK;
}

// ---- Recording ----

struct Dispatch::Together {
  static bool add(uint64_t &word, uint64_t n) {
    return __atomic_fetch_add(&word, n, __ATOMIC_RELAXED) > UINT64_MAX - n;
  }
  static void raise(uint64_t &word, uint64_t to) {
    uint64_t now = __atomic_load_n(&word, __ATOMIC_RELAXED);
    while (now < to && !__atomic_compare_exchange_n(&word, &now, to, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
  }
};

template <typename Body>
inline void Dispatch::write_together(uint32_t backend, const Body &body) const {
  // A shard that has an owner is not for sharing; where none has, threads keep apart all the same.
  Shard &s = shard(has_owners_ ? kSlots : std::min(my_slot, kSlots), backend);
  size_t offset = half_.load();
  for (;;) {
    s.writers[offset != kFirstHalf].fetch_add(1);
    const size_t now = half_.load();
    if (now == offset) break;
    s.writers[offset != kFirstHalf].fetch_sub(1);
    offset = now;
  }
  body(half(s, offset));
  s.writers[offset != kFirstHalf].fetch_sub(1, std::memory_order_release);
}

template <typename Access>
inline void Dispatch::add_any(Half &half, uint64_t latency) const {
  add<Access>(half, buckets_.entry(latency), latency);
  add_square<Access>(half, U128{latency} * latency);
  Access::raise(half.above_min, ~latency);
  Access::raise(half.max, latency);
}

Status Dispatch::record(uint32_t backend, int64_t latency_ns) const {
  INFERMEM_TRY(check_backend(backend));
  const auto latency = static_cast<uint64_t>(latency_ns);
  if (latency_ns < 0) return fail(INFERMEM_E_ARG, 0, latency, "latency_ns is negative, -%" PRIu64, 0 - latency);
  if (my_slot > kSlots) claim_slot();
  const bool is_done = try_alone(backend, [&](Half &half) {
    add_any<Alone>(half, latency);
    half.from = ~half.above_min;
    half.below = std::min(half.max + 1, buckets_.small_end());
    return true;
  });
  if (!is_done) write_together(backend, [&](Half &half) { add_any<Together>(half, latency); });
  return INFERMEM_OK;
}

Status Dispatch::count(uint32_t backend) const {
  INFERMEM_TRY(check_backend(backend));
  if (my_slot > kSlots) claim_slot();
  if (try_count(backend)) return INFERMEM_OK;
  write_together(backend, [](Half &half) { Together::add(half.counted, 1); });
  return INFERMEM_OK;
}

// ---- Reading ----

// Moves all records to the totals.
void Dispatch::drain() const {
  const size_t offset = half_.load(std::memory_order_relaxed);
  is_open_.store(false);
  half_.store(2 * kFirstHalf + half_bytes_ - offset);
  // A child of fork may have to ask again for what its parent was granted.
  if (has_owners_ && !fence_running_threads()) can_fence_running_threads();
  const uint32_t slots = slots_used();
  for (uint32_t backend = 0; backend < n_backends_; ++backend) {
    for (uint32_t slot = 0; slot < slots; ++slot) collect(slot, backend, offset);
    collect(kSlots, backend, offset);
  }
  is_open_.store(has_owners_, std::memory_order_release);
}

// Moves what a shard's half has to the totals, once what was being written there is done.
void Dispatch::collect(uint32_t slot, uint32_t backend, size_t offset) const {
  Shard &s = shard(slot, backend);
  const bool is_owned = has_owners_ && slot < kSlots;
  if (is_owned)
    wait_until([&] { return !s.writing.load(std::memory_order_acquire); });
  else
    wait_until([&] { return s.writers[offset != kFirstHalf].load() == 0; });
  merge(half(s, is_owned ? kFirstHalf : offset), &totals(backend));
}

// Empties a half that nobody writes to, and that will be written after the next change.
void Dispatch::merge(Half &from, Totals *to) const {
  const auto take = [](uint64_t &word) {
    const uint64_t value = word;
    if (value != 0) word = 0;  // pages that nothing was written to stay untouched
    return value;
  };
  to->counted += take(from.counted);
  const uint64_t above_min = take(from.above_min), max = take(from.max);
  if (above_min == 0) return;  // no latencies
  from.below = 0;
  to->above_min = std::max(to->above_min, above_min);
  to->max = std::max(to->max, max);
  const uint64_t sum = take(from.sum[0]);
  to->sum += U128{take(from.sum[1])} << 64 | sum;
  uint64_t carry = 0;
  for (int i = 0; i < 3; ++i) {
    const U128 word = U128{to->squares[i]} + take(from.squares[i]) + carry;
    to->squares[i] = low_of(word);
    carry = high_of(word);
  }
  const size_t end = buckets_.entry(max) + 1;
  for (size_t i = buckets_.entry(~above_min); i < end; ++i) {
    const uint64_t count = take(from.entries()[i]);
    to->entries()[i] += count;
    to->latencies += count;
  }
}

void Dispatch::reset() const {
  const Reading reading(*this);
  for (uint32_t backend = 0; backend < n_backends_; ++backend) {
    Totals &t = totals(backend);
    // Pages that no count was written to stay untouched.
    if (t.latencies != 0) {
      const size_t first = buckets_.entry(t.min()), last = buckets_.entry(t.max);
      std::memset(t.entries() + first, 0, (last + 1 - first) * sizeof(uint64_t));
    }
    t = Totals();
  }
  start_ns_.store(monotonic_ns(), std::memory_order_release);
}

void Dispatch::describe(uint32_t backend, infermem_dispatch_stats *out) const {
  const Reading reading(*this);
  totals(backend).describe(buckets_, out);
}

Status Dispatch::histogram(uint32_t backend, const uint64_t *bounds, size_t n, uint64_t *out) const {
  if (n > INFERMEM_DISPATCH_MAX_BOUNDS)
    return fail(INFERMEM_E_LIMIT, INFERMEM_DISPATCH_MAX_BOUNDS, n, "n is %zu, more than %d bounds", n,
                INFERMEM_DISPATCH_MAX_BOUNDS);
  for (size_t i = 1; i < n; ++i)
    if (bounds[i] <= bounds[i - 1])
      return fail(INFERMEM_E_ARG, bounds[i - 1], bounds[i], "bounds_ns[%zu] is %" PRIu64 ", after %" PRIu64, i,
                  bounds[i], bounds[i - 1]);
  const Reading reading(*this);
  totals(backend).histogram(buckets_, bounds, n, out);
  return INFERMEM_OK;
}

double Dispatch::ratio(uint32_t backend) const {
  const Reading reading(*this);
  double all = 0;
  for (uint32_t i = 0; i < n_backends_; ++i) all += static_cast<double>(totals(i).dispatches());
  return all == 0 ? 0 : static_cast<double>(totals(backend).dispatches()) / all;
}

double Dispatch::speedup(uint32_t slow, uint32_t fast) const {
  const Reading reading(*this);
  const double mean = totals(fast).mean();
  return mean < 1 ? 0 : totals(slow).mean() / mean;
}

uint64_t Dispatch::elapsed_ns() const {
  const uint64_t start = start_ns_.load(std::memory_order_acquire);  // first: a reset may come between
  return monotonic_ns() - start;
}

double Dispatch::throughput() const {
  const Reading reading(*this);
  double all = 0;
  for (uint32_t i = 0; i < n_backends_; ++i) all += static_cast<double>(totals(i).dispatches());
  const uint64_t elapsed = elapsed_ns();
  return elapsed < kLeastElapsed ? 0 : all * 1e9 / static_cast<double>(elapsed);
}

}  // namespace infermem
