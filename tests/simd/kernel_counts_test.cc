// The kernels of activation counts of every table against the plain table's; see kernels_test.cc.
#include "compare.hh"

namespace infermem {
namespace {

std::vector<uint32_t> random_counts(size_t n) {
  std::vector<uint32_t> counts(n);
  const size_t most = below(2) != 0 ? 4 : 2000;
  for (uint32_t &count : counts) {
    count = static_cast<uint32_t>(below(most));
    if (below(20) == 0) count = static_cast<uint32_t>(random_bits());
    if (below(40) == 0) count = UINT32_MAX - static_cast<uint32_t>(below(3));
  }
  return counts;
}

uint32_t *words(const Places &places, size_t i) { return reinterpret_cast<uint32_t *>(places.bytes(i)); }

// A kernel that adds to counts, which are the last input and the output.
template <typename Add>
void add_to(Inputs inputs, const std::vector<uint32_t> &counts, Add add) {
  const size_t last = inputs.size(), bytes = counts.size() * sizeof(uint32_t);
  inputs.push_back(input(counts));
  compare(inputs, {{bytes, 4}}, [=](const Kernels &k, const Places &in, const Places &out) {
    if (bytes != 0) std::memcpy(out.bytes(0), in.bytes(last), bytes);
    return 1 + add(*k.counts, in, words(out, 0));
  });
}

void add_at() {
  for (size_t n = 0; n <= 200; ++n) {
    const size_t n_counts = 1 + below(below(2) != 0 ? 30 : 3000);
    now("add_at, %zu indices, %zu counts", n, n_counts);
    std::vector<uint32_t> indices(n), counts(n_counts, 5);
    for (uint32_t &index : indices) {
      index = static_cast<uint32_t>(below(n_counts));
      if (below(50) == 0) index = below(2) != 0 ? static_cast<uint32_t>(n_counts) : UINT32_MAX;
    }
    const auto weight = static_cast<uint32_t>(1 + below(512));
    add_to({input(indices)}, counts, [=](const CountKernels &k, const Places &in, uint32_t *out) {
      return k.add_at(words(in, 0), n, weight, out, n_counts);
    });
  }
}

void add_mask() {
  for (size_t n = 0; n <= 300; ++n) {
    now("add_mask, %zu", n);
    const auto mask = random_bytes((n + 7) / 8);
    const auto weight = static_cast<uint32_t>(1 + below(512));
    add_to({input(mask)}, random_counts(n), [=](const CountKernels &k, const Places &in, uint32_t *out) {
      k.add_mask(in.bytes(0), n, weight, out);
      return 0;
    });
  }
}

void add_values() {
  for (size_t n = 0; n <= 300; ++n) {
    now("add_values, %zu", n);
    std::vector<float> values(n);
    for (float &value : values) {
      value = uniform();
      if (below(8) == 0) value = any_bits();
      if (below(8) == 0) value = below(2) != 0 ? 0.25f : -0.25f;
    }
    const auto weight = static_cast<uint32_t>(1 + below(512));
    const float cutoff = below(2) != 0 ? 0.25f : 0.0f;
    add_to({input(values)}, random_counts(n), [=](const CountKernels &k, const Places &in, uint32_t *out) {
      return k.add_values(in.floats(0), n, cutoff, weight, out);
    });
  }
}

void largest() {
  for (size_t n = 0; n <= 300; ++n) {
    now("largest, %zu", n);
    const auto counts = random_counts(n);
    compare({input(counts)}, {},
            [=](const Kernels &k, const Places &in, const Places &) { return k.counts->largest(words(in, 0), n); });
  }
}

void count_above() {
  for (size_t n = 0; n <= 300; ++n) {
    now("count_above, %zu", n);
    const auto counts = random_counts(n);
    const uint32_t limits[] = {0, static_cast<uint32_t>(below(2000)), static_cast<uint32_t>(random_bits())};
    compare({input(counts)}, {{3 * sizeof(size_t), 8}}, [=](const Kernels &k, const Places &in, const Places &out) {
      k.counts->count_above(words(in, 0), n, limits, reinterpret_cast<size_t *>(out.bytes(0)));
      return 1;
    });
  }
}

void split() {
  for (size_t n = 1; n <= 400; ++n) {
    for (int times = 0; times < 4; ++times) {
      const bool in_place = times % 2 != 0;
      now("split, %zu%s", n, in_place ? ", in place" : "");
      const size_t n_words = (n + 63) / 64, room = (n + 15) / 16 * 16;
      auto counts = random_counts(n);
      Split by = {static_cast<uint32_t>(below(5)), static_cast<uint32_t>(below(n + 2)), UINT32_MAX};
      if (below(3) == 0) by.above = counts[below(n)];
      if (below(2) != 0) by.stays_above = static_cast<uint32_t>(below(by.above + size_t{1}));
      counts.resize(room);
      auto bits = random_bytes(n_words * 8);
      compare({input(counts), {bits.data(), bits.size(), 8}}, {{n_words * 8, 8}, {room * 4, 4}, {room * 4, 4}},
              [=](const Kernels &k, const Places &in, const Places &out) {
                std::memcpy(out.bytes(0), in.bytes(1), n_words * 8);
                uint32_t *const first = words(out, 1), *const second = words(out, 2);
                if (in_place) std::memcpy(second, in.bytes(0), room * 4);
                const uint32_t *const values = in_place ? second : words(in, 0);
                const uint32_t length = k.counts->split(values, static_cast<uint32_t>(n), by,
                                                        reinterpret_cast<uint64_t *>(out.bytes(0)), first, second);
                std::memset(first + length, 0, (room - length) * 4);
                std::memset(second + (n - length), 0, (room - (n - length)) * 4);
                return 1 + size_t{length};
              });
    }
  }
}

}  // namespace
}  // namespace infermem

int main() {
  using namespace infermem;
  run_all({{"add_at", add_at},
           {"add_mask", add_mask},
           {"add_values", add_values},
           {"largest", largest},
           {"count_above", count_above},
           {"split", split}});
}
