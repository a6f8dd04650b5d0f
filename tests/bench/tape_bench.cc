// Tapes: what an allocation, a clear and a warming cost, through the shared library as users call it.
#include <benchmark/benchmark.h>
#include <infermem.h>
#include <mimalloc.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "bars.h"

namespace {

infermem_tape *new_tape(size_t size, uint32_t flags) {
  INFERMEM_STRUCT(infermem_tape_options, options);
  options.size = size;
  options.flags = flags;
  infermem_tape *tape = nullptr;
  if (tape_new(&options, &tape) != INFERMEM_OK) std::abort();
  return tape;
}

constexpr size_t kBatch = 1024;  // allocations between two clears; both are inside the timed loop

// One iteration is a batch of allocations and the clear. Every pointer is asserted to have been given.
void tape_batch(benchmark::State &state, uint32_t flags) {
  const auto size = static_cast<size_t>(state.range(0));
  infermem_tape *tape = new_tape(kBatch * (size + 64), flags | INFERMEM_TAPE_WARM);
  for (auto _ : state) {
    for (size_t i = 0; i < kBatch; ++i) {
      void *p = nullptr;
      if (tape_alloc(tape, size, 64, &p) != INFERMEM_OK) state.SkipWithError("an allocation failed");
      benchmark::DoNotOptimize(p);
    }
    if (tape_clear(tape) != INFERMEM_OK) state.SkipWithError("a clear failed");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatch));
  if (tape_failures(tape) != 0) state.SkipWithError("the tape was full");
  tape_free(tape);
}

void tape_exclusive(benchmark::State &state) { tape_batch(state, INFERMEM_TAPE_EXCLUSIVE); }
void tape_concurrent(benchmark::State &state) { tape_batch(state, 0); }

// The same work with a general allocator, which has to be told of every release.
void mimalloc_batch(benchmark::State &state) {
  const auto size = static_cast<size_t>(state.range(0));
  static void *pointers[kBatch];
  for (auto _ : state) {
    for (size_t i = 0; i < kBatch; ++i) {
      pointers[i] = mi_malloc_aligned(size, 64);
      if (!pointers[i]) state.SkipWithError("an allocation failed");
      benchmark::DoNotOptimize(pointers[i]);
    }
    for (size_t i = 0; i < kBatch; ++i) mi_free(pointers[i]);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatch));
}

// Clearing a tape that holds the given bytes: the allocation is timed with it, and apart in tape_one.
void tape_one_and_clear(benchmark::State &state) {
  const auto size = static_cast<size_t>(state.range(0));
  infermem_tape *tape = new_tape(size + 4096, INFERMEM_TAPE_EXCLUSIVE);
  for (auto _ : state) {
    void *p = nullptr;
    if (tape_alloc(tape, size, 64, &p) != INFERMEM_OK) state.SkipWithError("an allocation failed");
    benchmark::DoNotOptimize(p);
    if (tape_clear(tape) != INFERMEM_OK) state.SkipWithError("a clear failed");
  }
  tape_free(tape);
}

void tape_clear_alone(benchmark::State &state) {
  infermem_tape *tape = new_tape(4096, 0);
  for (auto _ : state)
    if (tape_clear(tape) != INFERMEM_OK) state.SkipWithError("a clear failed");
  tape_free(tape);
}

constexpr size_t kWarmBytes = size_t{512} << 20;

template <typename Work>
void timed_on_new_tape(benchmark::State &state, uint32_t flags, const Work &work) {
  for (auto _ : state) {
    // The same once before, untimed: then the pages are some that were just returned, and of a virtual machine are in
    // its host's memory already.
    infermem_tape *before = new_tape(kWarmBytes, flags);
    if (!work(before)) state.SkipWithError("it failed");
    tape_free(before);
    infermem_tape *tape = new_tape(kWarmBytes, flags);
    const auto begin = std::chrono::steady_clock::now();
    if (!work(tape)) state.SkipWithError("it failed");
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    state.SetIterationTime(taken.count());
    tape_free(tape);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kWarmBytes));
}

bool warm(infermem_tape *tape) { return tape_warm(tape) == INFERMEM_OK; }

bool touch(infermem_tape *tape) {
  void *p = nullptr;
  if (tape_alloc(tape, kWarmBytes, 1, &p) != INFERMEM_OK) return false;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  for (size_t i = 0; i < kWarmBytes; i += page) static_cast<volatile char *>(p)[i] = 1;
  return true;
}

void warm_huge_pages(benchmark::State &state) { timed_on_new_tape(state, INFERMEM_TAPE_HUGE, warm); }
void warm_base_pages(benchmark::State &state) { timed_on_new_tape(state, 0, warm); }
void first_touch_base_pages(benchmark::State &state) { timed_on_new_tape(state, 0, touch); }

// What crossing the border costs: a function of the shared library that does nothing.
void empty_call(benchmark::State &state) {
  for (auto _ : state) benchmark::DoNotOptimize(infermem_version());
}

BENCHMARK(empty_call);
BENCHMARK(tape_exclusive)->Arg(16)->Arg(256)->Arg(4096)->Arg(65536);
BENCHMARK(tape_concurrent)->Arg(16)->Arg(256)->Arg(4096)->Arg(65536);
BENCHMARK(mimalloc_batch)->Arg(16)->Arg(256)->Arg(4096)->Arg(65536);
BENCHMARK(tape_clear_alone);
BENCHMARK(tape_one_and_clear)->Arg(64)->Arg(1 << 30);
BENCHMARK(warm_huge_pages)->UseManualTime()->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK(warm_base_pages)->UseManualTime()->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK(first_touch_base_pages)->UseManualTime()->Iterations(1)->Unit(benchmark::kMillisecond);

constexpr const char *kSizes[] = {"/16", "/256", "/4096", "/65536"};

// Nanoseconds of one allocation, its share of the clear included, at the slowest of the sizes.
double slowest(const bench::Medians &medians, const std::string &name) {
  double worst = 0;
  for (const char *size : kSizes) worst = std::max(worst, medians.at(name + size) / static_cast<double>(kBatch));
  return worst;
}

// How many times faster than mimalloc, at the size where that is least.
double least_gain(const bench::Medians &medians, const std::string &name) {
  double least = 1e9;
  for (const char *size : kSizes)
    least = std::min(least, medians.at(std::string("mimalloc_batch") + size) / medians.at(name + size));
  return least;
}

}  // namespace

std::vector<bench::Bar> bench::tape_bars() {
  const std::string warm_suffix = "/iterations:1/manual_time";
  return {
      {"A1", "tape_alloc, EXCLUSIVE, 16 B to 64 KiB, the slowest", "ns", 2.5, true,
       [](const Medians &m) { return slowest(m, "tape_exclusive"); }},
      {"A1", "tape_alloc, default (concurrent), 16 B to 64 KiB, the slowest", "ns", 6.5, true,
       [](const Medians &m) { return slowest(m, "tape_concurrent"); }},
      {"A1", "mimalloc's malloc and free / tape_alloc EXCLUSIVE, 16 B to 64 KiB, the least", "x", 5, false,
       [](const Medians &m) { return least_gain(m, "tape_exclusive"); }},
      {"A2", "tape_clear of an empty tape", "ns", 3, true, [](const Medians &m) { return m.at("tape_clear_alone"); }},
      {"A2", "tape_clear of 1 GiB: over the clear of 64 bytes", "x", 1.1, true,
       [](const Medians &m) { return m.at("tape_one_and_clear/1073741824") / m.at("tape_one_and_clear/64"); }},
      {"A3", "tape_warm with huge pages / first touch of base pages, 512 MiB", "x", 0.35, true,
       [=](const Medians &m) {
         return m.at("warm_huge_pages" + warm_suffix) / m.at("first_touch_base_pages" + warm_suffix);
       }},
  };
}
