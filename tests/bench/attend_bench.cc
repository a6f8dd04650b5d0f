// Attention for one token over a cache that lies in DRAM, against pure reads of as many bytes in between: memory is as fast
// as its other users let it be, so the two are to meet the same of them. Layers take turns, as in a model: all of them are
// more than any cache of a processor holds.
#include <benchmark/benchmark.h>
#include <infermem.h>
#include <time.h>

#include <cstdlib>
#include <vector>

#include "bars.h"
#include "limits.h"

namespace {

constexpr size_t kHeads = 8, kHeadDim = 128, kRow = kHeads * kHeadDim;
constexpr size_t kTokens = 32768;
constexpr size_t kStep = 256;  // tokens appended at once
constexpr size_t kAllLayers = size_t{1} << 30;

struct Cache {
  int32_t type;
  size_t n_layers;
  infermem_kv *kv;
};

// Full. Caches are made once: rounds are interleaved.
const Cache &cache_of(int32_t type) {
  static std::vector<Cache> all;
  all.reserve(6);
  for (const Cache &cache : all)
    if (cache.type == type) return cache;
  uint64_t layer_bytes = 0;
  if (infermem_dtype_bytes(type, 2 * kTokens * kRow, &layer_bytes) != INFERMEM_OK) std::abort();
  const size_t n_layers = (kAllLayers + layer_bytes - 1) / layer_bytes;
  INFERMEM_STRUCT(infermem_kv_options, options);
  options.n_layers = n_layers;
  options.n_kv_heads = kHeads;
  options.head_dim = kHeadDim;
  options.max_tokens = kTokens;
  options.k_type = options.v_type = type;
  infermem_kv *kv = nullptr;
  if (kv_new(&options, &kv) != INFERMEM_OK) std::abort();
  const limits::Floats rows = limits::new_floats(kStep * kRow);
  while (kv_len(kv) < kTokens) {
    for (size_t layer = 0; layer < n_layers; ++layer)
      if (kv_append(kv, layer, rows.get(), kStep * kRow, rows.get(), kStep * kRow, kStep) != INFERMEM_OK) std::abort();
    if (kv_advance(kv, kStep) != INFERMEM_OK) std::abort();
  }
  all.push_back({type, n_layers, kv});
  return all.back();
}

void read(const Cache &cache, size_t layer) {
  infermem_view views[2];
  if (kv_keys(cache.kv, layer, &views[0]) != INFERMEM_OK || kv_values(cache.kv, layer, &views[1]) != INFERMEM_OK)
    std::abort();
  for (const infermem_view &view : views)
    benchmark::DoNotOptimize(
        limits::load_all(static_cast<const float *>(view.data), view.bytes / sizeof(float) / 128 * 128));
}

// In seconds, of this thread.
double processor_time() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Arguments: the type; query heads to a head of the cache; tokens of the query. An iteration is a layer, and before it
// another is read, which counter "read" tells of: what attention's rate is of that of reads.
void attend(benchmark::State &state) {
  const Cache &cache = cache_of(static_cast<int32_t>(state.range(0)));
  INFERMEM_STRUCT(infermem_kv_attend_options, options);
  options.n_q_heads = kHeads * static_cast<size_t>(state.range(1));
  options.n_q_tokens = static_cast<size_t>(state.range(2));
  const size_t n = options.n_q_tokens * options.n_q_heads * kHeadDim;
  const limits::Floats q = limits::new_floats(n), out = limits::new_floats(n);
  size_t layer = 0;
  double reading = 0, attending = 0;
  for (auto _ : state) {
    const double begin = processor_time();
    read(cache, layer++ % cache.n_layers);
    const double between = processor_time();
    if (kv_attend(cache.kv, layer++ % cache.n_layers, &options, 0, kHeads, q.get(), n, out.get(), n) != INFERMEM_OK)
      state.SkipWithError("it failed");
    const double end = processor_time();
    state.SetIterationTime(end - between);
    reading += between - begin;
    attending += end - between;
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kv_memory_bytes(cache.kv) / cache.n_layers));
  state.counters["read"] = reading / attending;
}

BENCHMARK(attend)->UseManualTime()->Unit(benchmark::kMillisecond)->Apply([](benchmark::internal::Benchmark *b) {
  for (const int64_t type : {INFERMEM_DTYPE_F32, INFERMEM_DTYPE_F16, INFERMEM_DTYPE_BF16, INFERMEM_DTYPE_Q8_0,
                             INFERMEM_DTYPE_Q4_0, INFERMEM_DTYPE_Q4_1}) {
    b->Args({type, 1, 1});
    b->Args({type, 4, 1});
    b->Args({type, 4, 8});
  }
});

}  // namespace

std::vector<bench::Bar> bench::attend_bars() {
  const struct {
    int32_t type;
    const char *name;
    double limit;
  } kTypes[] = {{INFERMEM_DTYPE_F16, "F16", 0.85}, {INFERMEM_DTYPE_Q8_0, "Q8_0", 0.75}};
  std::vector<Bar> bars;
  for (const auto &type : kTypes)
    for (const char *group : {"1", "4"}) {
      const std::string name = "attend/" + std::to_string(type.type) + "/" + group + "/1/manual_time";
      bars.push_back({"K6",
                      std::string("attention, ") + type.name + ", 32k tokens, query heads to a head: " + group +
                          " / read of the cache",
                      "x", type.limit, false, [=](const Medians &m) { return m.at(name + ":read"); }});
    }
  return bars;
}
