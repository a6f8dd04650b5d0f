// Counts and latencies, recorded by many threads at once without a lock and read consistently.
//
// A recording thread writes to a shard of its own (see slots.hh), by plain loads and stores; threads that have none share
// the last shard, by atomic instructions. A reader holds a mutex, closes the threads' own shards, so that for the time all
// records go to the shared one, and waits for the records that were being made meanwhile. A shared shard has two halves,
// of which one is being written: there the reader has the other one written from now on. It moves what the shards and the
// halves that are now left alone have to the totals: each record is there as a whole, or not yet.
//
// Waiting takes that a reader's change and a writer's announcement are seen one by the other: either the writer finds its
// shard closed, or the reader finds the writer. A fence in every record would cost more than all the rest; instead the
// reader has the system put one into every running thread (membarrier). Where the system cannot, no thread has a shard to
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
  // thread has none that it could write alone, or the latency is not a usual one: record says, or does, what is right
  // then.
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
  struct alignas(128) Shard {
    std::atomic<bool> writing;         // to the first half, by its owner
    std::atomic<uint64_t> writers[2];  // how many threads that share it are writing to each half
  };
  static constexpr size_t kFirstHalf = sizeof(Shard);
  // Nobody reads or writes one while its owner does, so these are no atomics.
  struct Half {
    uint64_t counted, sum[2], squares[3], above_min, max;  // as in Totals
    // Latencies from one on and below another are usual: they change no extreme, and are small ones of the buckets. In a
    // shared half none is, as the two could not be changed at once.
    uint64_t from, below;
    // The entries of the buckets follow.
    uint64_t *entries() { return reinterpret_cast<uint64_t *>(this + 1); }
  };
  struct alignas(128) Control {
    pthread_mutex_t mutex;
  };

  // How words are changed by their only writer. add returns whether it wrapped.
  struct Alone {
    static bool add(uint64_t &word, uint64_t n) { return __builtin_add_overflow(word, n, &word); }
    static void raise(uint64_t &word, uint64_t to) { word = word < to ? to : word; }
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
    return *reinterpret_cast<Shard *>(shards_[backend] + slot * shard_bytes_);
  }
  static Half &half(Shard &shard, size_t offset) {
    return *reinterpret_cast<Half *>(reinterpret_cast<char *>(&shard) + offset);
  }
  // Has body change the current half of the calling thread's shard. False, and nothing has happened, where body returns
  // that, or the thread cannot write alone.
  template <typename Body>
  bool try_alone(uint32_t backend, const Body &body) const;
  template <typename Access>
  static void add(Half &half, size_t entry, uint64_t latency);
  template <typename Access>
  static void add_square(Half &half, U128 square);
  template <typename Access>
  void add_any(Half &half, uint64_t latency) const;
  template <typename Body>
  void write_together(uint32_t backend, const Body &body) const;
  void drain() const;
  void collect(uint32_t slot, uint32_t backend, size_t offset) const;
  void merge(Half &from, Totals *to) const;
  void write_prometheus(Text *out) const;
  void write_json(uint64_t elapsed_ns, Text *out) const;

  uint32_t n_backends_ = 0;
  // Whether owners write to their shards: not while somebody reads, and not in a child forked meanwhile until it reads.
  mutable std::atomic<bool> is_open_{false};
  bool has_owners_ = false;  // whether they ever do
  size_t shard_bytes_ = 0;
  mutable std::atomic<size_t> half_{0};  // of shared shards, the one that is being written: where it is in each
  char *shards_[INFERMEM_DISPATCH_MAX_BACKENDS] = {};  // the first of each backend
  Buckets buckets_;
  Control *control_ = nullptr;
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
  if (__builtin_expect(slot >= kSlots || backend >= n_backends_, 0)) return false;
  Shard &s = shard(slot, backend);
  // In a signal handler, amid another record. (Acquired is what the thread left that had the slot before.)
  if (__builtin_expect(s.writing.load(std::memory_order_acquire), 0)) return false;
  s.writing.store(true, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const bool done = __builtin_expect(is_open_.load(std::memory_order_acquire), 1) && body(half(s, kFirstHalf));
  s.writing.store(false, std::memory_order_release);
  return done;
}

template <typename Access>
inline void Dispatch::add(Half &half, size_t entry, uint64_t latency) {
  Access::add(half.entries()[entry], 1);
  if (__builtin_expect(Access::add(half.sum[0], latency), 0)) Access::add(half.sum[1], 1);
}

template <typename Access>
inline void Dispatch::add_square(Half &half, U128 square) {
  const uint64_t carry = Access::add(half.squares[0], low_of(square)), high = high_of(square) + carry;
  if (__builtin_expect(high != 0, 0) && Access::add(half.squares[1], high)) Access::add(half.squares[2], 1);
}

inline bool Dispatch::try_record(uint32_t backend, int64_t latency_ns) const {
  const auto latency = static_cast<uint64_t>(latency_ns);
  return try_alone(backend, [&](Half &half) {
    if (__builtin_expect(latency < half.from || latency >= half.below, 0)) return false;
    add<Alone>(half, buckets_.entry_of_small(latency), latency);
    add_square<Alone>(half, latency * latency);
    return true;
  });
}

inline bool Dispatch::try_count(uint32_t backend) const {
  return try_alone(backend, [](Half &half) {
    ++half.counted;
    return true;
  });
}

}  // namespace infermem

struct infermem_dispatch {
  static constexpr infermem::Kind kKind = infermem::Kind::kDispatch;
  infermem::Head head{kKind};
  infermem::Dispatch core;
  infermem::Allocator allocator;
};
