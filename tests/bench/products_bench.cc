// Products with quantized matrices that lie in DRAM, against a pure read of as many bytes in the same rounds.
#include <benchmark/benchmark.h>
#include <infermem.h>
#include <sched.h>

#include <cstdlib>
#include <thread>
#include <vector>

#include "bars.h"
#include "limits.h"

namespace {

constexpr size_t kElements = size_t{1} << 29;  // of the matrices: 384 or 640 MiB

size_t stored_bytes(size_t cols, size_t bits) {
  const size_t elements = kElements / cols / 16 * 16 * cols;
  return elements * bits / 8 + elements / 32 * 2 * sizeof(float);
}

// A matrix of that many columns, groups of 32.
struct Matrix {
  size_t rows, cols;
  infermem_quant *q = nullptr;
  std::vector<float> x, y;
  std::vector<uint8_t> xq;

  Matrix(size_t columns, unsigned bits, bool is_packed) : rows(kElements / columns / 16 * 16), cols(columns) {
    std::vector<uint16_t> halves(rows * cols);
    for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(0x2c00 + i * 2654435761u % 0x1000);
    INFERMEM_STRUCT(infermem_quant_options, options);
    options.bits = bits;
    infermem_quant *plain = nullptr;
    if (quant_from_f16(halves.data(), halves.size(), rows, cols, &options, &plain) != INFERMEM_OK) std::abort();
    if (is_packed) {
      if (quant_pack(plain, nullptr, &q) != INFERMEM_OK) std::abort();
      quant_free(plain);
    } else {
      q = plain;
    }
    x.resize(64 * cols);
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 2654435761u % 2001) / 1000.0f - 1.0f;
    y.resize(64 * rows);
    xq.resize(quant_activations_bytes(cols, 1));
    if (quant_activations(x.data(), cols, cols, 1, xq.data(), xq.size()) != INFERMEM_OK) std::abort();
  }
  ~Matrix() { quant_free(q); }
  Matrix(const Matrix &) = delete;
  Matrix &operator=(const Matrix &) = delete;

  int32_t multiply(bool is_q8, size_t first, size_t n) {
    return is_q8 ? quant_gemv_q8(q, first, n, xq.data(), xq.size(), y.data() + first, n)
                 : quant_gemv(q, first, n, x.data(), cols, y.data() + first, n);
  }
};

// Matrices are made once: it takes long, and rounds are interleaved.
Matrix &matrix(size_t cols, unsigned bits, bool is_packed) {
  struct Entry {
    size_t cols;
    unsigned bits;
    bool is_packed;
    std::unique_ptr<Matrix> matrix;
  };
  static std::vector<Entry> all;
  for (Entry &entry : all)
    if (entry.cols == cols && entry.bits == bits && entry.is_packed == is_packed) return *entry.matrix;
  all.push_back({cols, bits, is_packed, std::make_unique<Matrix>(cols, bits, is_packed)});
  return *all.back().matrix;
}

// Arguments: columns, bits, whether packed, whether activations have 8 bits.
void product(benchmark::State &state) {
  Matrix &m = matrix(static_cast<size_t>(state.range(0)), static_cast<unsigned>(state.range(1)), state.range(2) != 0);
  for (auto _ : state)
    if (m.multiply(state.range(3) != 0, 0, m.rows) != INFERMEM_OK) state.SkipWithError("it failed");
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(quant_bytes(m.q)));
}

void use_all_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (unsigned i = 0; i < std::thread::hardware_concurrency(); ++i) CPU_SET(i, &set);
  sched_setaffinity(0, sizeof set, &set);
}

// One caller, or two with half of the rows each. Arguments: columns, bits, callers.
void product_by_callers(benchmark::State &state) {
  Matrix &m = matrix(static_cast<size_t>(state.range(0)), static_cast<unsigned>(state.range(1)), true);
  cpu_set_t before;
  sched_getaffinity(0, sizeof before, &before);
  use_all_processors();  // which a new thread inherits
  const size_t first = state.range(2) == 2 ? m.rows / 32 * 16 : m.rows;
  for (auto _ : state) {
    std::thread other([&] { (void)m.multiply(true, first, m.rows - first); });
    if (m.multiply(true, 0, first) != INFERMEM_OK) state.SkipWithError("it failed");
    other.join();
  }
  sched_setaffinity(0, sizeof before, &before);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(quant_bytes(m.q)));
}

// Several vectors at once; the bytes are those of the matrix for each of them. Arguments: bits, vectors, whether q8.
void products_of_many(benchmark::State &state) {
  Matrix &m = matrix(4096, static_cast<unsigned>(state.range(0)), true);
  const auto n = static_cast<size_t>(state.range(1));
  constexpr size_t kRows = 1024;
  std::vector<uint8_t> xq(quant_activations_bytes(m.cols, n));
  if (quant_activations(m.x.data(), n * m.cols, m.cols, n, xq.data(), xq.size()) != INFERMEM_OK) std::abort();
  for (auto _ : state) {
    const int32_t status = state.range(2) != 0
                               ? quant_gemm_q8(m.q, 0, kRows, xq.data(), xq.size(), n, m.y.data(), kRows, n * kRows)
                               : quant_gemm(m.q, 0, kRows, m.x.data(), n * m.cols, n, m.y.data(), kRows, n * kRows);
    if (status != INFERMEM_OK) state.SkipWithError("it failed");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(2 * kRows * m.cols * n));  // operations
}

void read_matrix(benchmark::State &state) {
  const auto bytes = static_cast<size_t>(state.range(0));
  static const limits::Floats memory = limits::new_floats(kElements / 4 * 5 / 4 + 1024);
  for (auto _ : state) benchmark::DoNotOptimize(limits::load_all(memory.get(), bytes / sizeof(float)));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
}

constexpr size_t kShort = 4096, kLong = 14336;

void add_reads(benchmark::internal::Benchmark *b) {
  for (const size_t cols : {kShort, kLong})
    for (const size_t bits : {size_t{4}, size_t{8}}) b->Arg(static_cast<int64_t>(stored_bytes(cols, bits)));
}

BENCHMARK(read_matrix)->Apply(add_reads);
BENCHMARK(product)->ArgsProduct({{kShort, kLong}, {4, 8}, {0, 1}, {0, 1}})->Unit(benchmark::kMillisecond);
BENCHMARK(product_by_callers)->ArgsProduct({{kShort}, {4, 8}, {1, 2}})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(products_of_many)->ArgsProduct({{4, 8}, {1, 4, 16, 64}, {0, 1}})->Unit(benchmark::kMicrosecond);

std::string name_of(size_t cols, size_t bits, bool is_packed, bool is_q8) {
  return "product/" + std::to_string(cols) + "/" + std::to_string(bits) + "/" + (is_packed ? "1" : "0") + "/" +
         (is_q8 ? "1" : "0");
}

void add(std::vector<bench::Bar> *bars, const char *id, const std::string &what, double limit, size_t cols, size_t bits,
         bool is_packed, bool is_q8) {
  const std::string name = name_of(cols, bits, is_packed, is_q8);
  const std::string read = "read_matrix/" + std::to_string(stored_bytes(cols, bits));
  bars->push_back({id, what + ", " + std::to_string(bits) + " bits, " + std::to_string(cols) + " columns / read", "x",
                   limit, false, [=](const bench::Medians &m) { return m.at(read) / m.at(name); }});
}

}  // namespace

std::vector<bench::Bar> bench::products_bars() {
#ifdef __clang__
  constexpr double kFloats = 0.85;
#else
  constexpr double kFloats = 0.75;
#endif
  std::vector<Bar> bars;
  for (const size_t cols : {kShort, kLong})
    for (const size_t bits : {size_t{4}, size_t{8}}) {
      add(&bars, "G1", "gemv, packed, activations of 8 bits", 0.90, cols, bits, true, true);
      add(&bars, "G2", "gemv, packed, activations in f32", kFloats, cols, bits, true, false);
      add(&bars, "G3", "gemv, plain, activations of 8 bits", cols == kShort ? 0.80 : 0.70, cols, bits, false, true);
    }
  for (const char *bits : {"4", "8"})
    bars.push_back({"G6", std::string("gemv, packed, ") + bits + " bits: two callers / one", "x", 1.6, false,
                    [=](const Medians &m) {
                      const std::string name = std::string("product_by_callers/4096/") + bits;
                      return m.at(name + "/1/real_time") / m.at(name + "/2/real_time");
                    }});
  return bars;
}
