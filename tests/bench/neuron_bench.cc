// Counting activations and classifying neurons, against the plain algorithms on vectors.
//
// Inputs rotate among many, so that no branch predictor learns them; each benchmark has counts of its own.
#include <benchmark/benchmark.h>
#include <infermem.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include "bars.h"

namespace {

constexpr size_t kInputs = 64;
constexpr uint32_t kNeurons = 14336;
constexpr uint32_t kMany = 1 << 20;
constexpr uint32_t kNever = UINT32_MAX;  // events

// What is active in kInputs events: neuron i with a probability that falls with a random rank of its own, about a tenth
// in all, as under ReLU.
struct Trace {
  explicit Trace(uint32_t n) : indices(kInputs), masks(kInputs) {
    std::mt19937 random(n);
    std::vector<double> chance(n);
    for (uint32_t i = 0; i < n; ++i) chance[i] = std::min(0.9, 0.02 * n / (i + 1));
    std::shuffle(chance.begin(), chance.end(), random);
    std::uniform_real_distribution<double> uniform;
    for (size_t input = 0; input < kInputs; ++input) {
      masks[input].resize(n / 8);
      for (uint32_t i = 0; i < n; ++i) {
        if (uniform(random) >= chance[i]) continue;
        indices[input].push_back(i);
        masks[input][i / 8] |= static_cast<uint8_t>(1 << i % 8);
      }
    }
  }
  static const Trace &of(uint32_t n) {
    static const Trace small(kNeurons), large(kMany);
    return n == kNeurons ? small : large;
  }
  std::vector<std::vector<uint32_t>> indices;
  std::vector<std::vector<uint8_t>> masks;
};

infermem_neuron *new_counts(uint32_t n_layers, uint32_t n, float threshold, float budget) {
  INFERMEM_STRUCT(infermem_neuron_options, options);
  options.n_layers = n_layers;
  options.n_neurons = n;
  options.threshold = threshold;
  options.budget_fraction = budget;
  options.interval = kNever;
  infermem_neuron *neuron = nullptr;
  if (neuron_new(&options, &neuron) != INFERMEM_OK) std::abort();
  return neuron;
}

// ---- Counting: an iteration is the whole trace ----

template <typename T>
void record_all(benchmark::State &state, std::vector<std::vector<T>> Trace::*inputs,
                int32_t (*record_one)(infermem_neuron *, size_t, const T *, size_t)) {
  const auto n = static_cast<uint32_t>(state.range(0));
  const Trace &trace = Trace::of(n);
  infermem_neuron *neuron = new_counts(1, n, 0.1f, 0);
  for (auto _ : state)
    for (const auto &input : trace.*inputs)
      if (record_one(neuron, 0, input.data(), input.size()) != INFERMEM_OK) state.SkipWithError("it failed");
  neuron_free(neuron);
}

void record(benchmark::State &state) { record_all(state, &Trace::indices, neuron_record); }
void record_mask(benchmark::State &state) { record_all(state, &Trace::masks, neuron_record_mask); }

template <typename T, typename Count>
void count_all(benchmark::State &state, std::vector<std::vector<T>> Trace::*inputs, Count count) {
  const auto n = static_cast<uint32_t>(state.range(0));
  const Trace &trace = Trace::of(n);
  std::vector<uint64_t> counts(n);
  for (auto _ : state) {
    for (const auto &input : trace.*inputs) {
      count(input, counts);
      benchmark::ClobberMemory();
    }
  }
}

using Counts = std::vector<uint64_t>;

void record_plain(benchmark::State &state) {
  count_all(state, &Trace::indices, [](const std::vector<uint32_t> &input, Counts &counts) {
    for (const uint32_t index : input) ++counts[index];
  });
}

// Bit by bit.
void mask_plain(benchmark::State &state) {
  count_all(state, &Trace::masks, [](const std::vector<uint8_t> &input, Counts &counts) {
    for (size_t i = 0; i < counts.size(); ++i)
      if ((input[i / 8] >> (i % 8) & 1) != 0) ++counts[i];
  });
}

// From one bit that is set to the next, as somebody would who minds the time.
void mask_set_bits(benchmark::State &state) {
  count_all(state, &Trace::masks, [](const std::vector<uint8_t> &input, Counts &counts) {
    for (size_t base = 0; base < counts.size(); base += 64) {
      uint64_t word;
      std::memcpy(&word, &input[base / 8], sizeof word);
      for (; word != 0; word &= word - 1) ++counts[base + static_cast<size_t>(__builtin_ctzll(word))];
    }
  });
}

// ---- Classifying ----

// Counts of several layers: one after the other is classified.
constexpr size_t kLayers = 16;

std::vector<std::vector<uint32_t>> layer_counts(uint32_t n) {
  std::vector<std::vector<uint32_t>> layers(kLayers, std::vector<uint32_t>(n));
  std::mt19937 random(7);
  for (auto &counts : layers) {
    for (uint32_t i = 0; i < n; ++i)
      counts[i] = std::binomial_distribution<uint32_t>(1000, std::min(0.9, 0.02 * n / (i + 1)))(random);
    std::shuffle(counts.begin(), counts.end(), random);
  }
  return layers;
}

infermem_neuron *counted(uint32_t n, float threshold, float budget) {
  infermem_neuron *neuron = new_counts(kLayers, n, threshold, budget);
  const auto layers = layer_counts(n);
  std::vector<uint32_t> active;
  for (uint32_t event = 0; event < 1000; ++event) {
    for (size_t layer = 0; layer < kLayers; ++layer) {
      active.clear();
      for (uint32_t i = 0; i < n; ++i)
        if (layers[layer][i] > event) active.push_back(i);
      if (neuron_record(neuron, layer, active.data(), active.size()) != INFERMEM_OK) std::abort();
    }
  }
  return neuron;
}

void classify(benchmark::State &state, float threshold, float budget) {
  infermem_neuron *neuron = counted(kNeurons, threshold, budget);
  size_t layer = 0;
  for (auto _ : state) {
    if (neuron_reclassify(neuron, layer) != INFERMEM_OK) state.SkipWithError("it failed");
    layer = (layer + 1) % kLayers;
  }
  neuron_free(neuron);
}

void split_lists(benchmark::State &state) { classify(state, 0.1f, 0); }
void top_k(benchmark::State &state) { classify(state, 0, 0.2f); }

void split_lists_plain(benchmark::State &state) {
  const auto layers = layer_counts(kNeurons);
  size_t layer = 0;
  std::vector<uint32_t> hot[kLayers], cold[kLayers];
  for (auto _ : state) {
    hot[layer].clear();
    cold[layer].clear();
    const auto &counts = layers[layer];
    for (uint32_t i = 0; i < kNeurons; ++i) {
      if (counts[i] >= 100)
        hot[layer].push_back(i);
      else
        cold[layer].push_back(i);
    }
    benchmark::ClobberMemory();
    layer = (layer + 1) % kLayers;
  }
}

// The indices of the largest, of equal ones the lowest, in ascending order, and the others.
void top_k_plain(benchmark::State &state) {
  const auto layers = layer_counts(kNeurons);
  size_t layer = 0;
  std::vector<uint32_t> order(kNeurons);
  const auto k = static_cast<std::ptrdiff_t>(kNeurons * 0.2);
  for (auto _ : state) {
    const auto &counts = layers[layer];
    std::iota(order.begin(), order.end(), 0u);
    std::nth_element(order.begin(), order.begin() + k, order.end(),
                     [&](uint32_t a, uint32_t b) { return counts[a] != counts[b] ? counts[a] > counts[b] : a < b; });
    benchmark::ClobberMemory();
    layer = (layer + 1) % kLayers;
  }
}

// ---- Rows ----

constexpr size_t kRowBytes = 12288;
constexpr size_t kSlots = 64, kAtOnce = 16;
constexpr uint32_t kRows = 16384;  // 192 MiB

struct Source {
  std::vector<char> bytes = std::vector<char>(kRows * kRowBytes, 1);
  static const Source &get() {
    static const Source source;
    return source;
  }
};

int32_t load_rows(void *context, uint64_t, const uint32_t *ids, size_t n, void *const *rows) {
  const auto *source = static_cast<const Source *>(context);
  for (size_t i = 0; i < n; ++i) std::memcpy(rows[i], &source->bytes[ids[i] * kRowBytes], kRowBytes);
  return INFERMEM_OK;
}

// Some rows an iteration: none that are there, or none but those.
void fetch(benchmark::State &state, uint32_t policy, uint32_t n_rows) {
  INFERMEM_STRUCT(infermem_neuron_store_options, options);
  options.n_rows = kRows;
  options.row_bytes = kRowBytes;
  options.budget_bytes = kSlots * kRowBytes;
  options.policy = policy;
  options.load = load_rows;
  options.context = const_cast<Source *>(&Source::get());
  infermem_neuron_store *store = nullptr;
  if (neuron_store_new(&options, &store) != INFERMEM_OK) std::abort();
  uint32_t ids[kAtOnce], next = 0;
  const void *rows[kAtOnce];
  for (auto _ : state) {
    for (uint32_t &id : ids) id = next++ * 17 % n_rows;
    if (neuron_fetch(store, ids, kAtOnce, rows) != INFERMEM_OK) state.SkipWithError("it failed");
    benchmark::DoNotOptimize(rows);
  }
  neuron_store_free(store);
}

void fetch_hits(benchmark::State &state) { fetch(state, INFERMEM_NEURON_LFU, kSlots); }
void fetch_misses(benchmark::State &state) { fetch(state, INFERMEM_NEURON_LRU, kRows); }
void fetch_misses_lfu(benchmark::State &state) { fetch(state, INFERMEM_NEURON_LFU, kRows); }

// The same rows to as many places.
void load_alone(benchmark::State &state) {
  std::vector<char> places(kSlots * kRowBytes);
  uint32_t ids[kAtOnce], next = 0;
  void *rows[kAtOnce];
  for (auto _ : state) {
    for (size_t i = 0; i < kAtOnce; ++i) {
      rows[i] = &places[next % kSlots * kRowBytes];
      ids[i] = next++ * 17 % kRows;
    }
    load_rows(const_cast<Source *>(&Source::get()), 0, ids, kAtOnce, rows);
    benchmark::DoNotOptimize(rows);
  }
}

BENCHMARK(fetch_hits);
BENCHMARK(fetch_misses);
BENCHMARK(fetch_misses_lfu);
BENCHMARK(load_alone);
BENCHMARK(record)->Arg(kNeurons)->Arg(kMany);
BENCHMARK(record_plain)->Arg(kNeurons)->Arg(kMany);
BENCHMARK(record_mask)->Arg(kNeurons)->Arg(kMany);
BENCHMARK(mask_plain)->Arg(kNeurons)->Arg(kMany);
BENCHMARK(mask_set_bits)->Arg(kNeurons)->Arg(kMany);
BENCHMARK(split_lists);
BENCHMARK(split_lists_plain);
BENCHMARK(top_k);
BENCHMARK(top_k_plain);

std::function<double(const bench::Medians &)> against(const std::string &name, const std::string &other) {
  return [=](const bench::Medians &m) { return m.at(name) / m.at(other); };
}

}  // namespace

std::vector<bench::Bar> bench::neuron_bars() {
  return {
      {"N1", "neuron_record, 14,336 neurons / plain loop on u64", "x", 1.0, true,
       against("record/14336", "record_plain/14336")},
      {"N1", "the same, 1 M neurons", "x", 0.8, true, against("record/1048576", "record_plain/1048576")},
      {"N2", "neuron_record_mask, a tenth of 14,336 active / plain loop on u64", "x", 0.45, true,
       against("record_mask/14336", "mask_plain/14336")},
      {"N2", "the same, 1 M neurons", "x", 0.45, true, against("record_mask/1048576", "mask_plain/1048576")},
      {"N3", "neuron_reclassify by threshold / push_back", "x", 0.18, true,
       against("split_lists", "split_lists_plain")},
      {"N3", "the same by budget, exact / nth_element", "x", 0.15, true, against("top_k", "top_k_plain")},
      {"N", "neuron_fetch of rows that are not there, 12 KiB each / loading them without a store", "x", 1.1, true,
       against("fetch_misses", "load_alone")},
  };
}
