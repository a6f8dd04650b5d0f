// Which rows a store keeps, by policy and budget, beside the best that anybody could who knew the future.
//
//     neuron_policies
//
// Generates what is active in a layer for some hundred tokens, fetches it token by token, and prints the share of rows
// that were there and the bytes that were read. Nothing is timed: the same numbers come out anywhere.
#include <infermem.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace {

constexpr uint32_t kNeurons = 4096;
constexpr size_t kTokens = 1500;
constexpr size_t kWarm = 500;             // tokens before anything is counted
constexpr uint64_t kRowBytes = 3 * 4096;  // up, gate and down in 8 bits
constexpr size_t kRankEvery = 50;

using Trace = std::vector<std::vector<uint32_t>>;

void check(int32_t status) {
  if (status == INFERMEM_OK) return;
  std::fprintf(stderr, "%s: %s\n", infermem_error_detail()->function, infermem_error_detail()->message);
  std::exit(1);
}

// ---- What is active ----

// A neuron stays as it was for the next token with a probability of 0.3, and is else active with one of its own, which
// falls with its rank: chance(rank / n). Each `topic` tokens, half the neurons get other ranks.
Trace generate(const std::function<double(double)> &chance, size_t topic) {
  std::mt19937 random(1);
  const auto uniform = [&] { return static_cast<double>(random()) / 4294967296.0; };
  std::vector<uint32_t> rank(kNeurons);
  std::iota(rank.begin(), rank.end(), 0u);
  const auto shuffle = [&](size_t n) {
    for (size_t i = n; i > 1; --i) std::swap(rank[i - 1], rank[random() % i]);
  };
  shuffle(kNeurons);
  std::vector<bool> active(kNeurons);
  Trace trace(kTokens);
  for (size_t token = 0; token < kTokens; ++token) {
    if (topic != 0 && token != 0 && token % topic == 0) shuffle(kNeurons / 2);
    for (uint32_t i = 0; i < kNeurons; ++i) {
      if (token == 0 || uniform() >= 0.3) active[i] = uniform() < chance((rank[i] + 0.5) / kNeurons);
      if (active[i]) trace[token].push_back(i);
    }
  }
  return trace;
}

// Under ReLU about a tenth is active, by a power law: 26 % of the neurons have about 80 % of the activations.
double like_relu(double rank) { return std::min(0.9, 0.012 * std::pow(rank, -1.3)); }
// Under SwiGLU, with a cutoff, it is a quarter, in a nearly flat way: it takes 69 % of the neurons.
double like_swiglu(double rank) { return 0.25 * (1.51 - 1.03 * rank); }

// ---- What is kept ----

struct Result {
  double hit_rate, mib;  // of the rows; read for a token
};

Result result_of(uint64_t hits, uint64_t misses) {
  return {static_cast<double>(hits) / static_cast<double>(hits + misses),
          static_cast<double>(misses * kRowBytes) / 1048576.0 / static_cast<double>(kTokens - kWarm)};
}

int32_t load(void *, uint64_t, const uint32_t *, size_t, void *const *) { return INFERMEM_OK; }

infermem_neuron *new_counts(float budget, uint32_t half_life) {
  INFERMEM_STRUCT(infermem_neuron_options, options);
  options.n_neurons = kNeurons;
  options.half_life = half_life;
  options.budget_fraction = budget;
  options.interval = kRankEvery;
  infermem_neuron *neuron = nullptr;
  check(neuron_new(&options, &neuron));
  return neuron;
}

struct Policy {
  const char *name;
  uint32_t policy, half_life, window;
  uint32_t counts_half_life;  // of HOT
  bool keeps;                 // half of the budget for what was hot while warming up
};

const Policy kPolicies[] = {
    {"LRU", INFERMEM_NEURON_LRU, 0, 0, 0, false},
    {"LFU", INFERMEM_NEURON_LFU, 0, 0, 0, false},
    {"LFU, half-life 100", INFERMEM_NEURON_LFU, 100, 0, 0, false},
    {"HOT", INFERMEM_NEURON_HOT, 0, 0, 0, false},
    {"HOT, half-life 100", INFERMEM_NEURON_HOT, 0, 0, 100, false},
    {"LRU, half kept", INFERMEM_NEURON_LRU, 0, 0, 0, true},
    {"LRU, window 3", INFERMEM_NEURON_LRU, 0, 3, 0, false},
};

// What is active is fetched a quarter of the budget at a time, where it is more.
Result run(const Trace &trace, const Policy &policy, uint32_t capacity) {
  INFERMEM_STRUCT(infermem_neuron_store_options, options);
  options.n_rows = kNeurons;
  options.row_bytes = 64;  // what is not read needs no memory
  options.budget_bytes = capacity * options.row_bytes;
  options.policy = policy.policy;
  options.half_life = policy.half_life;
  const size_t most = capacity / 4;
  const auto pieces = [&](size_t n) { return (n + most - 1) / most; };
  options.window = policy.window != 0 ? policy.window * static_cast<uint32_t>(pieces(trace[0].size())) : 0;
  options.load = load;
  infermem_neuron_store *store = nullptr;
  check(neuron_store_new(&options, &store));
  infermem_neuron *counts =
      new_counts(static_cast<float>(capacity) / static_cast<float>(2 * kNeurons), policy.counts_half_life);
  INFERMEM_STRUCT(infermem_neuron_store_facts, warm);
  INFERMEM_STRUCT(infermem_neuron_store_facts, facts);
  std::vector<const void *> rows(kNeurons);
  for (size_t token = 0; token < kTokens; ++token) {
    if (token == kWarm) {
      if (policy.keeps) {
        const uint32_t *hot;
        size_t n_hot;
        check(neuron_hot(counts, 0, &hot, &n_hot));
        check(neuron_store_release(store));
        check(neuron_store_keep(store, hot, n_hot));
      }
      check(neuron_store_stat(store, &warm));
    }
    const auto &active = trace[token];
    for (size_t from = 0; from < active.size(); from += most)
      check(neuron_fetch(store, &active[from], std::min(most, active.size() - from), rows.data()));
    check(neuron_record(counts, 0, active.data(), active.size()));
    if (policy.policy == INFERMEM_NEURON_HOT && (token + 1) % kRankEvery == 0) check(neuron_store_rank(store, counts));
  }
  check(neuron_store_stat(store, &facts));
  neuron_free(counts);
  neuron_store_free(store);
  return result_of(facts.hits - warm.hits, facts.misses - warm.misses);
}

// Belady's: what is asked for again the latest makes room.
Result clairvoyant(const Trace &trace, uint32_t capacity) {
  std::vector<uint32_t> sequence;
  size_t warm = 0;
  for (size_t token = 0; token < kTokens; ++token) {
    if (token == kWarm) warm = sequence.size();
    sequence.insert(sequence.end(), trace[token].begin(), trace[token].end());
  }
  std::vector<size_t> next(sequence.size()), seen(kNeurons, SIZE_MAX);
  for (size_t i = sequence.size(); i-- > 0;) {
    next[i] = seen[sequence[i]];
    seen[sequence[i]] = i;
  }
  std::set<std::pair<size_t, uint32_t>> kept;  // when they are asked for next
  uint64_t hits = 0, misses = 0;
  for (size_t i = 0; i < sequence.size(); ++i) {
    const bool is_there = kept.erase({i, sequence[i]}) != 0;
    if (i >= warm) ++(is_there ? hits : misses);
    if (!is_there && kept.size() == capacity) kept.erase(std::prev(kept.end()));
    kept.insert({next[i], sequence[i]});
  }
  return result_of(hits, misses);
}

// ---- The table ----

void show_trace(const char *name, const Trace &trace) {
  infermem_neuron *counts = new_counts(0.1f, 0);
  size_t active = 0;
  for (const auto &token : trace) {
    active += token.size();
    check(neuron_record(counts, 0, token.data(), token.size()));
  }
  const double fractions[] = {0.1, 0.26, 0.5, 0.69};
  double covered[4];
  check(neuron_coverage(counts, 0, fractions, 4, covered));
  neuron_free(counts);
  std::printf("\n%s: %.0f %% are active; 10, 26, 50, 69 %% of neurons have %.0f, %.0f, %.0f, %.0f %% of activations\n",
              name, 100.0 * static_cast<double>(active) / static_cast<double>(kTokens * kNeurons), 100 * covered[0],
              100 * covered[1], 100 * covered[2], 100 * covered[3]);
}

void show(const char *name, const Trace &trace) {
  constexpr uint32_t kBudgets[] = {kNeurons / 10, kNeurons / 5, kNeurons * 2 / 5};
  show_trace(name, trace);
  std::printf("%-20s %14s %15s %15s\n", "budget, of the rows", "10 %", "20 %", "40 %");
  const auto line = [&](const char *policy, const std::function<Result(uint32_t)> &measure) {
    std::printf("%-20s", policy);
    for (const uint32_t budget : kBudgets) {
      const Result result = measure(budget);
      std::printf("  %.3f %4.1f MiB", result.hit_rate, result.mib);
    }
    std::printf("\n");
  };
  for (const Policy &policy : kPolicies) line(policy.name, [&](uint32_t budget) { return run(trace, policy, budget); });
  line("clairvoyant", [&](uint32_t budget) { return clairvoyant(trace, budget); });
}

}  // namespace

int main() {
  std::printf("%u rows of %llu bytes, %zu tokens after %zu; rows that were there, and MiB read for a token\n", kNeurons,
              static_cast<unsigned long long>(kRowBytes), kTokens - kWarm, kWarm);
  show("ReLU-like", generate(like_relu, 0));
  show("ReLU-like, another topic each 250 tokens", generate(like_relu, 250));
  show("SwiGLU-like", generate(like_swiglu, 0));
}
