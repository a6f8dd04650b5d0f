// Matrices in GGML's block types, multiplied where they lie with a vector of 8 bits: against a pure read of the same bytes,
// which is measured in the same rounds.
#include <benchmark/benchmark.h>
#include <infermem.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bars.h"
#include "limits.h"

namespace {

constexpr size_t kCols = 4096;
constexpr size_t kBytes = size_t{128} << 20;  // of a matrix, about

// A matrix of a type. Some rows are quantized, and then repeated. It lies on huge pages, as what it is compared with does.
struct Matrix {
  explicit Matrix(int32_t type) : dtype(type) {
    uint64_t row_bytes = 0;
    if (infermem_dtype_bytes(dtype, kCols, &row_bytes) != INFERMEM_OK) std::abort();
    rows = kBytes / row_bytes;
    n_bytes = rows * row_bytes;
    memory = limits::new_floats(n_bytes / sizeof(float) + 1);
    constexpr size_t kMade = 8;
    const limits::Floats data = limits::new_floats(kMade * kCols);
    auto *bytes = reinterpret_cast<uint8_t *>(memory.get());
    if (quant_quantize(dtype, data.get(), kMade * kCols, kMade, kCols, bytes, kMade * row_bytes) != INFERMEM_OK)
      std::abort();
    for (size_t at = kMade * row_bytes; at < n_bytes; at += row_bytes)
      std::memcpy(bytes + at, bytes + at - kMade * row_bytes, row_bytes);
    if (quant_borrow(dtype, bytes, n_bytes, rows, kCols, nullptr, &q) != INFERMEM_OK) std::abort();
  }
  ~Matrix() { quant_free(q); }
  Matrix(const Matrix &) = delete;
  Matrix &operator=(const Matrix &) = delete;

  int32_t dtype;
  size_t rows, n_bytes;
  limits::Floats memory;
  infermem_quant *q = nullptr;
};

// Matrices are made once: it takes long, and rounds are interleaved.
Matrix &matrix(int32_t dtype) {
  static std::vector<std::unique_ptr<Matrix>> all;
  for (const auto &m : all)
    if (m->dtype == dtype) return *m;
  return *all.emplace_back(std::make_unique<Matrix>(dtype));
}

// As many bytes as the matrices of all types have, but for a part of a row.
void read_blocks(benchmark::State &state) {
  static const limits::Floats memory = limits::new_floats(kBytes / sizeof(float));
  for (auto _ : state) benchmark::DoNotOptimize(limits::load_all(memory.get(), kBytes / sizeof(float)));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kBytes));
}

void multiply_blocks(benchmark::State &state, int32_t dtype, bool in_8_bits, const char *set) {
  const Matrix &m = matrix(dtype);
  const limits::Floats x = limits::new_floats(kCols), y = limits::new_floats(m.rows);
  const size_t n_xq = quant_activations_bytes(kCols, 1);
  const limits::Floats xq = limits::new_floats(n_xq / sizeof(float));
  if (quant_activations(x.get(), kCols, kCols, 1, xq.get(), n_xq) != INFERMEM_OK) std::abort();
  if (infermem_simd_select(set) != INFERMEM_OK) state.SkipWithError("this processor has not that instruction set");
  for (auto _ : state) {
    const int32_t status = in_8_bits ? quant_gemv_q8(m.q, 0, m.rows, xq.get(), n_xq, y.get(), m.rows)
                                     : quant_gemv(m.q, 0, m.rows, x.get(), kCols, y.get(), m.rows);
    if (status != INFERMEM_OK) state.SkipWithError("it failed");
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(m.n_bytes));
  infermem_simd_select(nullptr);
}

void blocks_q8(benchmark::State &state, int32_t dtype) { multiply_blocks(state, dtype, true, nullptr); }
void blocks_q8_avx2(benchmark::State &state, int32_t dtype) { multiply_blocks(state, dtype, true, "avx2"); }
void blocks_f32(benchmark::State &state, int32_t dtype) { multiply_blocks(state, dtype, false, nullptr); }

#define BENCHMARK_TYPE(name)                                      \
  BENCHMARK_CAPTURE(blocks_q8, name, INFERMEM_DTYPE_##name);      \
  BENCHMARK_CAPTURE(blocks_q8_avx2, name, INFERMEM_DTYPE_##name); \
  BENCHMARK_CAPTURE(blocks_f32, name, INFERMEM_DTYPE_##name);
BENCHMARK(read_blocks);
BENCHMARK_TYPE(Q4_0)
BENCHMARK_TYPE(Q4_1)
BENCHMARK_TYPE(Q8_0)
BENCHMARK_TYPE(Q4_K)
BENCHMARK_TYPE(Q6_K)

}  // namespace

std::vector<bench::Bar> bench::block_bars() {
  std::vector<Bar> bars;
  for (const auto &[name, limit] : {std::pair<const char *, double>{"Q4_0", 0.60},
                                    {"Q4_1", 0.65},
                                    {"Q8_0", 0.90},
                                    {"Q4_K", 0.80},
                                    {"Q6_K", 0.85}}) {
    const std::string type = name;
    bars.push_back({"G4", "gemv on " + type + " in place, 8-bit activations, DRAM, K 4096 / read", "x", limit, false,
                    [type](const Medians &m) { return m.at("read_blocks") / m.at("blocks_q8/" + type); }});
  }
  return bars;
}
