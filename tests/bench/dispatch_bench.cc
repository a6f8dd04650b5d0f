// Metrics: what recording a latency costs, alone and while every other processor records too, beside one set of atomic
// counters that all threads share.
#include <benchmark/benchmark.h>
#include <infermem.h>
#include <sched.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <thread>
#include <vector>

#include "bars.h"

namespace {

// Latencies of a spread that there is in practice, from 100 us to 10 ms, and no order that could be learnt.
constexpr size_t kLatencies = 4096;
const std::vector<int64_t> &latencies() {
  static const auto all = [] {
    std::vector<int64_t> list(kLatencies);
    uint64_t seed = 1;
    for (int64_t &latency : list) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      latency = static_cast<int64_t>(1e5 * std::pow(100.0, static_cast<double>(seed >> 40) * 0x1p-24));
    }
    return list;
  }();
  return all;
}

// Runs work(latency) on every processor but this one until it ends.
template <typename Work>
class Others {
 public:
  explicit Others(Work work) {
    sched_getaffinity(0, sizeof before_, &before_);
    const int here = sched_getcpu();
    for (int cpu = 0; cpu < static_cast<int>(std::thread::hardware_concurrency()); ++cpu)
      if (cpu != here) threads_.emplace_back([=] { run(cpu, work); });
    while (running_.load() != threads_.size()) {
    }
  }
  ~Others() {
    stop_.store(true);
    for (std::thread &thread : threads_) thread.join();
  }
  Others(const Others &) = delete;

 private:
  void run(int cpu, Work work) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<size_t>(cpu), &set);
    sched_setaffinity(0, sizeof set, &set);
    running_.fetch_add(1);
    for (size_t i = 0; !stop_.load(std::memory_order_relaxed); ++i) work(latencies()[i % kLatencies]);
  }

  cpu_set_t before_;
  std::vector<std::thread> threads_;
  std::atomic<size_t> running_{0};
  std::atomic<bool> stop_{false};
};

template <typename Work>
void time(benchmark::State &state, const Work &work) {
  const std::vector<int64_t> &list = latencies();
  size_t i = 0;
  for (auto _ : state) work(list[i++ % kLatencies]);
}

template <typename Work>
void alone_or_not(benchmark::State &state, bool all, const Work &work) {
  if (all) {
    const Others<Work> others(work);
    time(state, work);
  } else {
    time(state, work);
  }
}

void record(benchmark::State &state, bool all) {
  infermem_dispatch *dispatch = nullptr;
  if (dispatch_new(nullptr, &dispatch) != INFERMEM_OK) std::abort();
  alone_or_not(state, all, [=](int64_t latency) {
    if (dispatch_record(dispatch, INFERMEM_DISPATCH_GPU, latency) != INFERMEM_OK) std::abort();
  });
  dispatch_free(dispatch);
}

void dispatch_record_alone(benchmark::State &state) { record(state, false); }
void dispatch_record_by_all(benchmark::State &state) { record(state, true); }

// What is written first: a count, a sum, a sum of squares, the extremes, and five buckets.
struct Shared {
  std::atomic<uint64_t> count{0}, sum{0}, squares{0}, min{UINT64_MAX}, max{0}, buckets[5] = {};

  void record(uint64_t latency) {
    count.fetch_add(1, std::memory_order_relaxed);
    sum.fetch_add(latency, std::memory_order_relaxed);
    squares.fetch_add(latency * latency, std::memory_order_relaxed);
    uint64_t now = min.load(std::memory_order_relaxed);
    while (latency < now && !min.compare_exchange_weak(now, latency, std::memory_order_relaxed)) {
    }
    now = max.load(std::memory_order_relaxed);
    while (latency > now && !max.compare_exchange_weak(now, latency, std::memory_order_relaxed)) {
    }
    const int bucket = (latency >= 100000) + (latency >= 500000) + (latency >= 1000000) + (latency >= 5000000);
    buckets[bucket].fetch_add(1, std::memory_order_relaxed);
  }
};

void record_shared(benchmark::State &state, bool all) {
  static Shared shared;
  alone_or_not(state, all, [](int64_t latency) { shared.record(static_cast<uint64_t>(latency)); });
}

void shared_atomics_alone(benchmark::State &state) { record_shared(state, false); }
void shared_atomics_by_all(benchmark::State &state) { record_shared(state, true); }

// A clock is read twice: what a timed dispatch costs in all.
void dispatch_timer(benchmark::State &state) {
  infermem_dispatch *dispatch = nullptr;
  if (dispatch_new(nullptr, &dispatch) != INFERMEM_OK) std::abort();
  for (auto _ : state)
    if (dispatch_timer_stop(dispatch, 0, dispatch_timer_start()) != INFERMEM_OK) std::abort();
  dispatch_free(dispatch);
}

// A reading while no thread records, and while one does.
void dispatch_snapshots(benchmark::State &state) {
  infermem_dispatch *dispatch = nullptr;
  if (dispatch_new(nullptr, &dispatch) != INFERMEM_OK) std::abort();
  INFERMEM_STRUCT(infermem_dispatch_stats, stats);
  for (auto _ : state) {
    for (int64_t latency : latencies()) (void)dispatch_record(dispatch, 0, latency);
    if (dispatch_snapshot(dispatch, 0, &stats) != INFERMEM_OK) std::abort();
  }
  dispatch_free(dispatch);
}

BENCHMARK(dispatch_record_alone);
BENCHMARK(dispatch_record_by_all);
BENCHMARK(shared_atomics_alone);
BENCHMARK(shared_atomics_by_all);
BENCHMARK(dispatch_timer);
BENCHMARK(dispatch_snapshots);

}  // namespace

std::vector<bench::Bar> bench::dispatch_bars() {
  return {
      {"M1", "dispatch_record, one thread", "ns", 3, true,
       [](const Medians &m) { return m.at("dispatch_record_alone"); }},
      {"M2", "dispatch_record with every processor recording / alone", "x", 1.15, true,
       [](const Medians &m) { return m.at("dispatch_record_by_all") / m.at("dispatch_record_alone"); }},
  };
}
