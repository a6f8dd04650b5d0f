// Counts and latencies, recorded by many threads at once without a lock and read consistently.
//
// A recording thread writes to a shard of its own (see slots.hh), by plain loads and stores; threads that have none share
// the last shard, by atomic instructions. A shard has two halves, of which one is being written. A reader holds a mutex,
// has the other one written from now on, waits for the records that were being made meanwhile, and moves what the half
// that is now left alone has to the totals: each record is there as a whole, or not yet.
//
// Waiting takes that a reader's change and a writer's announcement are seen one by the other: either the writer finds the
// new half, or the reader finds the writer. A fence in every record would cost more than all the rest; instead the reader
// has the system put one into every running thread (membarrier). Where the system cannot, no thread has a shard to
// itself: all count themselves in and out by atomic instructions.
//
// All of it lives in one mapping, of which zero is the empty state, and which is zero in the child of a fork: there, no
// mutex is held and no record half made.
#pragma once

#include <pthread.h>

#include <atomic>

#include "base/handle.hh"
#include "base/mapping.hh"
#include "dispatch/buckets.hh"
#include "dispatch/slots.hh"
#include "dispatch/totals.hh"
#include "infermem/dispatch.h"

namespace infermem {

class Text;

class Dispatch {
 public:
  // Called once.
  Status open(const infermem_dispatch_options &options, const Allocator &allocator);

  Status check_backend(uint32_t backend) const {
    return __builtin_expect(backend < n_backends_, 1) ? INFERMEM_OK : fail_backend(backend);
  }
  // The calling thread writes to its own shard. False, and nothing has happened, when there is no such backend, the
  // latency is negative, or the thread has none that it could write alone: record says, or does, what is right then.
  bool try_record(uint32_t backend, int64_t latency_ns) const;
  bool try_count(uint32_t backend) const;
  [[gnu::cold]] Status record(uint32_t backend, int64_t latency_ns) const;
  [[gnu::cold]] Status count(uint32_t backend) const;
  void reset() const;

  void describe(uint32_t backend, infermem_dispatch_stats *out) const;
  Status histogram(uint32_t backend, const uint64_t *bounds, size_t n, uint64_t *out) const;
  double ratio(uint32_t backend) const;
  double speedup(uint32_t slow, uint32_t fast) const;
  uint64_t elapsed_ns() const;
  double throughput() const;
  Status prometheus(char *buffer, size_t capacity, size_t *out_length) const;
  Status json(char *buffer, size_t capacity, size_t *out_length) const;

 private:
  using Word = std::atomic<uint64_t>;
  struct alignas(128) Shard {
    // Of a thread's own, in the first, twice the records, and one more while one is being made. Of a shared one, how many
    // are being made in each half.
    Word state[2];
  };
  struct Half {
    Word counted, sum[2], squares[3], above_min, max;  // as in Totals; the entries of the buckets follow
    Word *entries() { return reinterpret_cast<Word *>(this + 1); }
  };
  struct alignas(128) Control {
    std::atomic<size_t> half;  // that is being written: bytes from the first, so 0 or half_bytes_
    alignas(128) pthread_mutex_t mutex;
  };

  // How words are changed by their only writer. add returns whether it wrapped.
  struct Alone {
    static bool add(Word &word, uint64_t n) {
      uint64_t sum;
      const bool wraps = __builtin_add_overflow(word.load(std::memory_order_relaxed), n, &sum);
      word.store(sum, std::memory_order_relaxed);
      return wraps;
    }
    static void raise(Word &word, uint64_t to) {
      if (__builtin_expect(word.load(std::memory_order_relaxed) < to, 0)) word.store(to, std::memory_order_relaxed);
    }
  };
  struct Together;  // by many

  // For as long as it lives, the totals are those of its beginning.
  class Reading {
   public:
    explicit Reading(const Dispatch &self) : mutex_(&self.control_->mutex) {
      pthread_mutex_lock(mutex_);
      self.drain();
    }
    ~Reading() { pthread_mutex_unlock(mutex_); }
    Reading(const Reading &) = delete;
    Reading &operator=(const Reading &) = delete;

   private:
    pthread_mutex_t *mutex_;
  };

  [[gnu::cold]] Status fail_backend(uint32_t backend) const;
  Status read_names(const char *const *names);
  Totals &totals(uint32_t backend) const {
    return *reinterpret_cast<Totals *>(mapping_.data() + sizeof(Control) + backend * totals_bytes_);
  }
  Shard &shard(uint32_t slot, uint32_t backend) const {
    return *reinterpret_cast<Shard *>(shards_ + slot * slot_bytes_ + backend * shard_bytes_);
  }
  static Half &half(Shard &shard, size_t offset) {
    return *reinterpret_cast<Half *>(reinterpret_cast<char *>(&shard + 1) + offset);
  }
  // Has body change the current half of the calling thread's shard; false, where it has none that it could write alone.
  template <typename Body>
  bool try_alone(uint32_t backend, const Body &body) const;
  template <typename Access>
  static void add(Half &half, size_t entry, uint64_t latency_ns);
  template <typename Body>
  void write_together(uint32_t backend, const Body &body) const;
  void drain() const;
  void collect(uint32_t slot, uint32_t backend, size_t offset) const;
  void merge(Half &from, Totals *to) const;
  void write_prometheus(Text *out) const;
  void write_json(uint64_t elapsed_ns, Text *out) const;

  uint32_t n_backends_ = 0;
  uint32_t own_slots_ = 0;  // slots whose owners write alone: all, or none
  char *shards_ = nullptr;
  size_t slot_bytes_ = 0;
  size_t shard_bytes_ = 0;
  Control *control_ = nullptr;
  Buckets buckets_;
  size_t half_bytes_ = 0;
  size_t totals_bytes_ = 0;
  mutable std::atomic<uint64_t> start_ns_{0};
  char names_[INFERMEM_DISPATCH_MAX_BACKENDS][INFERMEM_DISPATCH_MAX_NAME + 1];
  Mapping mapping_;
};

uint64_t monotonic_ns();

template <typename Body>
inline bool Dispatch::try_alone(uint32_t backend, const Body &body) const {
  const uint32_t slot = my_slot;
  if (__builtin_expect(slot >= own_slots_ || backend >= n_backends_, 0)) return false;
  Shard &s = shard(slot, backend);
  const uint64_t state = s.state[0].load(std::memory_order_relaxed);
  if (__builtin_expect((state & 1) != 0, 0)) return false;  // in a signal handler, amid another record
  s.state[0].store(state + 1, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  body(half(s, control_->half.load(std::memory_order_acquire)));
  s.state[0].store(state + 2, std::memory_order_release);
  return true;
}

template <typename Access>
inline void Dispatch::add(Half &half, size_t entry, uint64_t latency_ns) {
  const U128 square = U128{latency_ns} * latency_ns;
  Access::add(half.entries()[entry], 1);
  if (__builtin_expect(Access::add(half.sum[0], latency_ns), 0)) Access::add(half.sum[1], 1);
  const uint64_t carry = Access::add(half.squares[0], low_of(square));
  if (__builtin_expect(Access::add(half.squares[1], high_of(square) + carry), 0)) Access::add(half.squares[2], 1);
  Access::raise(half.above_min, ~latency_ns);
  Access::raise(half.max, latency_ns);
}

inline bool Dispatch::try_record(uint32_t backend, int64_t latency_ns) const {
  if (__builtin_expect(latency_ns < 0, 0)) return false;
  const auto latency = static_cast<uint64_t>(latency_ns);
  return try_alone(backend, [&](Half &half) { add<Alone>(half, buckets_.entry(latency), latency); });
}

inline bool Dispatch::try_count(uint32_t backend) const {
  return try_alone(backend, [](Half &half) { Alone::add(half.counted, 1); });
}

}  // namespace infermem

struct infermem_dispatch {
  static constexpr infermem::Kind kKind = infermem::Kind::kDispatch;
  infermem::Head head{kKind};
  infermem::Dispatch core;
  infermem::Allocator allocator;
};
