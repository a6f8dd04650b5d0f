// infermem bench: how fast this machine runs what the library is for, beside what its memory can do. A minute at most;
// the figures of the library's own documents come from a longer program.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>

#include "print.hh"
#include "tool.hh"

namespace tool {
namespace {

using Clock = std::chrono::steady_clock;

struct Result {
  std::string what;
  double bytes_per_second;
};

// The median rate of runs of `work`, which moves that many bytes, over about that many seconds; at least three runs.
double rate(double seconds, size_t n_bytes, const std::function<void()> &work) {
  work();
  std::vector<double> times;
  const auto begin = Clock::now();
  while (times.size() < 3 || std::chrono::duration<double>(Clock::now() - begin).count() < seconds) {
    const auto start = Clock::now();
    work();
    times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::nth_element(times.begin(), times.begin() + static_cast<ptrdiff_t>(times.size() / 2), times.end());
  return static_cast<double>(n_bytes) / times[times.size() / 2];
}

std::vector<float> numbers(size_t n) {
  std::vector<float> values(n);
  uint32_t state = 1;
  for (float &v : values) {
    state = state * 1664525 + 1013904223;
    v = static_cast<float>(state >> 8) / static_cast<float>(1 << 23) - 1.0f;
  }
  return values;
}

class Bench {
 public:
  explicit Bench(double seconds) : seconds_(seconds) {}

  void run() {
    memory();
    weights(4);
    weights(8);
    cache(INFERMEM_DTYPE_F16);
    cache(INFERMEM_DTYPE_Q8_0);
  }
  const std::vector<Result> &results() const { return results_; }

 private:
  static constexpr size_t kRows = 8192, kCols = 4096;  // of a matrix: 128 MiB of floats

  void add(const std::string &what, size_t n_bytes, const std::function<void()> &work) {
    results_.push_back({what, rate(seconds_, n_bytes, work)});
  }

  void memory() {
    std::vector<float> from = numbers(kRows * kCols), to(from.size());
    add("memcpy", from.size() * sizeof(float),
        [&] { std::memcpy(to.data(), from.data(), from.size() * sizeof(float)); });
  }

  void weights(uint32_t bits) {
    const std::vector<float> values = numbers(kRows * kCols), x = numbers(kCols);
    INFERMEM_STRUCT(infermem_quant_options, options);
    options.bits = bits;
    infermem_quant *made = nullptr;
    const std::string name = format("%u bits", bits);
    const size_t n_floats = values.size() * sizeof(float);
    check(quant_from_f32(values.data(), values.size(), kRows, kCols, &options, &made));
    Quant matrix(made);
    add("quantize floats to " + name, n_floats, [&] {
      infermem_quant *again = nullptr;
      check(quant_from_f32(values.data(), values.size(), kRows, kCols, &options, &again));
      quant_free(again);
    });
    std::vector<float> out(values.size());
    add("floats from " + name, n_floats, [&] { check(quant_to_f32(matrix.get(), out.data(), out.size())); });
    check(quant_pack(matrix.get(), nullptr, &made));
    const Quant packed(made);
    std::vector<uint8_t> xq(quant_activations_bytes(kCols, 1));
    check(quant_activations(x.data(), kCols, kCols, 1, xq.data(), xq.size()));
    std::vector<float> y(kRows);
    const size_t stored = quant_bytes(packed.get());
    add("matrix of " + name + " x vector", stored,
        [&] { check(quant_gemv(packed.get(), 0, kRows, x.data(), kCols, y.data(), kRows)); });
    add("matrix of " + name + " x vector of 8 bits", stored,
        [&] { check(quant_gemv_q8(packed.get(), 0, kRows, xq.data(), xq.size(), y.data(), kRows)); });
  }

  void cache(int32_t type) {
    constexpr size_t kHeads = 8, kDim = 128, kTokens = 16384;
    INFERMEM_STRUCT(infermem_kv_options, options);
    options.n_layers = 1;
    options.n_kv_heads = kHeads;
    options.head_dim = kDim;
    options.max_tokens = kTokens;
    options.k_type = options.v_type = type;
    infermem_kv *made = nullptr;
    check(kv_new(&options, &made));
    const Kv kv(made);
    const std::vector<float> rows = numbers(64 * kHeads * kDim);
    const std::string name = infermem_dtype_name(type);
    add("append to a cache of " + name, 2 * kTokens * kHeads * kDim * sizeof(float), [&] {
      check(kv_clear(kv.get()));
      for (size_t i = 0; i < kTokens / 64; ++i) {
        check(kv_append(kv.get(), 0, rows.data(), rows.size(), rows.data(), rows.size(), 64));
        check(kv_advance(kv.get(), 64));
      }
    });
    infermem_view keys, values;
    check(kv_keys(kv.get(), 0, &keys));
    check(kv_values(kv.get(), 0, &values));
    std::vector<float> out(kHeads * kDim);
    add("attend to a cache of " + name, static_cast<size_t>(keys.bytes + values.bytes),
        [&] { check(kv_attend(kv.get(), 0, nullptr, 0, kHeads, rows.data(), kHeads * kDim, out.data(), out.size())); });
  }

  double seconds_;
  std::vector<Result> results_;
};

}  // namespace

int run_bench(int argc, char **argv) {
  const Arguments arguments(argc, argv, {{"seconds", 's', true}});
  arguments.operands(0, "no operands");
  Bench bench(static_cast<double>(arguments.number("seconds", 10, 1, 600)) / 13);
  bench.run();
  const double reference = bench.results()[0].bytes_per_second;
  if (arguments.json()) {
    Json json;
    json.begin_object().field("simd", infermem_simd_name()).key("results").begin_array();
    for (const Result &result : bench.results()) {
      json.begin_object().field("what", result.what).field("bytes_per_second", result.bytes_per_second);
      json.field("to_memcpy", result.bytes_per_second / reference).end_object();
    }
    json.end_array().end_object().print();
    return kDone;
  }
  std::printf("one thread, %s; bytes are those of the floats, or of what is stored, that are read or written\n",
              infermem_simd_name());
  Table table({"what", ">GB/s", ">/ memcpy"});
  for (const Result &result : bench.results())
    table.add({result.what, format("%.1f", result.bytes_per_second / 1e9),
               format("%.2f", result.bytes_per_second / reference)});
  table.print();
  return kDone;
}

}  // namespace tool
