// Quantized weights: conversions against the limits of the core, which are measured in the same rounds, and against the
// plain algorithm that a first version of such code would be.
#include <benchmark/benchmark.h>
#include <infermem.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "bars.h"
#include "limits.h"

namespace {

constexpr size_t kCols = 4096;
constexpr size_t kL2Rows = 24;       // 384 KiB of floats, and what they are made of
constexpr size_t kDramRows = 16384;  // 256 MiB of floats
constexpr size_t kHugeRows = 65536;  // 1 GiB of floats

using limits::Floats;
using limits::new_floats;

void count_bytes(benchmark::State &state, size_t bytes) {
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
}

// ---- Limits ----

void write_limit(benchmark::State &state) {
  const size_t n = static_cast<size_t>(state.range(0)) * kCols;
  const Floats out = new_floats(n);
  for (auto _ : state) limits::store_all(out.get(), n, 1.0f);
  count_bytes(state, n * sizeof(float));
}

void read_limit(benchmark::State &state) {
  const size_t n = static_cast<size_t>(state.range(0)) * kCols;
  const Floats in = new_floats(n);
  for (auto _ : state) benchmark::DoNotOptimize(limits::load_all(in.get(), n));
  count_bytes(state, n * sizeof(float));
}

void stream_limit(benchmark::State &state) {
  const size_t n = static_cast<size_t>(state.range(0)) * kCols;
  const Floats out = new_floats(n);
  for (auto _ : state) limits::stream_all(out.get(), n, 1.0f);
  count_bytes(state, n * sizeof(float));
}

// ---- The plain algorithm: a fresh vector, and the group found by a division, for each element ----

struct PlainMatrix {
  size_t group = 32;
  unsigned bits = 4;
  std::vector<uint8_t> levels;
  std::vector<float> scales, mins;
};

__attribute__((noinline)) std::vector<float> plain_dequantize(const PlainMatrix &m, size_t n) {
  std::vector<float> out(n);
  for (size_t i = 0; i < n; ++i) {
    const size_t g = i / m.group;
    const unsigned q = m.bits == 8 ? m.levels[i] : i % 2 == 0 ? m.levels[i / 2] & 15u : m.levels[i / 2] >> 4;
    out[i] = static_cast<float>(q) * m.scales[g] + m.mins[g];
  }
  return out;
}

__attribute__((noinline)) PlainMatrix plain_quantize(const float *values, size_t n, size_t group, unsigned bits) {
  PlainMatrix m;
  m.group = group;
  m.bits = bits;
  const float top = static_cast<float>((1u << bits) - 1);
  m.levels.resize(n * bits / 8);
  for (size_t at = 0; at < n; at += group) {
    const float low = *std::min_element(values + at, values + at + group);
    const float high = *std::max_element(values + at, values + at + group);
    m.scales.push_back(high == low ? 1.0f : (high - low) / top);
    m.mins.push_back(low);
  }
  for (size_t i = 0; i < n; ++i) {
    const float x = std::round((values[i] - m.mins[i / group]) / m.scales[i / group]);
    const auto q = static_cast<uint8_t>(std::clamp(x, 0.0f, top));
    if (bits == 8)
      m.levels[i] = q;
    else
      m.levels[i / 2] = static_cast<uint8_t>(m.levels[i / 2] | (i % 2 == 0 ? q : q << 4));
  }
  return m;
}

void plain_to_f32(benchmark::State &state) {
  const size_t n = kL2Rows * kCols;
  const Floats data = new_floats(n);
  const PlainMatrix m = plain_quantize(data.get(), n, 32, static_cast<unsigned>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(plain_dequantize(m, n).data());
  count_bytes(state, n * sizeof(float));
}

void plain_from_f32(benchmark::State &state) {
  const size_t n = kL2Rows * kCols;
  const Floats data = new_floats(n);
  for (auto _ : state)
    benchmark::DoNotOptimize(plain_quantize(data.get(), n, 32, static_cast<unsigned>(state.range(0))).levels.data());
  count_bytes(state, n * sizeof(float));
}

// ---- The library ----

infermem_quant *quantize(const float *data, size_t rows, unsigned bits, size_t group, const infermem_tape *tape) {
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.bits = bits;
  options.group = group;
  options.tape = tape;
  infermem_quant *q = nullptr;
  if (quant_from_f32(data, rows * kCols, rows, kCols, &options, &q) != INFERMEM_OK) std::abort();
  return q;
}

// Arguments: rows, bits, group.
void to_f32(benchmark::State &state, const char *set) {
  const auto rows = static_cast<size_t>(state.range(0));
  const Floats out = new_floats(rows * kCols);
  infermem_quant *q =
      quantize(out.get(), rows, static_cast<unsigned>(state.range(1)), static_cast<size_t>(state.range(2)), nullptr);
  if (infermem_simd_select(set) != INFERMEM_OK) state.SkipWithError("this processor has not that instruction set");
  for (auto _ : state)
    if (quant_to_f32(q, out.get(), rows * kCols) != INFERMEM_OK) state.SkipWithError("it failed");
  count_bytes(state, rows * kCols * sizeof(float));
  quant_free(q);
  infermem_simd_select(nullptr);
}

void dequantize(benchmark::State &state) { to_f32(state, nullptr); }
void dequantize_avx2(benchmark::State &state) { to_f32(state, "avx2"); }

// Arguments: the rows that would be as many bytes of floats, group.
void to_16(benchmark::State &state, int32_t (*convert)(const infermem_quant *, uint16_t *, size_t)) {
  const size_t rows = 2 * static_cast<size_t>(state.range(0)), n = rows * kCols;
  const Floats data = new_floats(n);
  infermem_quant *q = quantize(data.get(), rows, 4, static_cast<size_t>(state.range(1)), nullptr);
  auto *const out = reinterpret_cast<uint16_t *>(data.get());
  for (auto _ : state)
    if (convert(q, out, n) != INFERMEM_OK) state.SkipWithError("it failed");
  count_bytes(state, n * sizeof(uint16_t));
  quant_free(q);
}

void dequantize_f16(benchmark::State &state) { to_16(state, quant_to_f16); }
void dequantize_bf16(benchmark::State &state) { to_16(state, quant_to_bf16); }

// Into a warm tape, so that the system's page faults are not counted; the bytes are those read.
void quantize(benchmark::State &state) {
  const auto rows = static_cast<size_t>(state.range(0));
  const Floats data = new_floats(rows * kCols);
  INFERMEM_STRUCT(infermem_tape_options, options);
  options.size = rows * kCols * 2 + (1 << 20);
  options.flags = INFERMEM_TAPE_WARM | INFERMEM_TAPE_HUGE;
  infermem_tape *tape = nullptr;
  if (tape_new(&options, &tape) != INFERMEM_OK) std::abort();
  for (auto _ : state) {
    quant_free(
        quantize(data.get(), rows, static_cast<unsigned>(state.range(1)), static_cast<size_t>(state.range(2)), tape));
    tape_clear(tape);
  }
  count_bytes(state, rows * kCols * sizeof(float));
  tape_free(tape);
}

// The product with a vector: read from the stored form, or of the matrix expanded to floats first. The bytes are those
// stored. Arguments: rows, bits.
void gemv_either_way(benchmark::State &state, bool expand) {
  const auto rows = static_cast<size_t>(state.range(0));
  const Floats data = new_floats(rows * kCols), x = new_floats(kCols), y = new_floats(rows);
  infermem_quant *q = quantize(data.get(), rows, static_cast<unsigned>(state.range(1)), 32, nullptr);
  infermem_quant *floats = nullptr;
  if (quant_borrow(INFERMEM_DTYPE_F32, data.get(), rows * kCols * sizeof(float), rows, kCols, nullptr, &floats) !=
      INFERMEM_OK)
    std::abort();
  for (auto _ : state) {
    int32_t status = expand ? quant_to_f32(q, data.get(), rows * kCols) : INFERMEM_OK;
    if (status == INFERMEM_OK) status = quant_gemv(expand ? floats : q, 0, rows, x.get(), kCols, y.get(), rows);
    if (status != INFERMEM_OK) state.SkipWithError("it failed");
    benchmark::DoNotOptimize(y.get());
  }
  count_bytes(state, quant_bytes(q));
  quant_free(floats);
  quant_free(q);
}

void gemv(benchmark::State &state) { gemv_either_way(state, false); }
void gemv_expanded(benchmark::State &state) { gemv_either_way(state, true); }

BENCHMARK(gemv)->Args({kDramRows, 4})->Args({kDramRows, 8});
BENCHMARK(gemv_expanded)->Args({kDramRows, 4})->Args({kDramRows, 8});
BENCHMARK(write_limit)->Arg(kL2Rows);
BENCHMARK(read_limit)->Arg(kL2Rows)->Arg(kDramRows);
BENCHMARK(stream_limit)->Arg(kHugeRows);
BENCHMARK(plain_to_f32)->Arg(4)->Arg(8);
BENCHMARK(plain_from_f32)->Arg(4)->Arg(8);
BENCHMARK(dequantize)->Args({kL2Rows, 4, 32})->Args({kL2Rows, 8, 32})->Args({kL2Rows, 8, 128});
BENCHMARK(dequantize)->Args({kHugeRows, 4, 32})->Args({kHugeRows, 8, 32});
BENCHMARK(dequantize_avx2)->Args({kL2Rows, 4, 32})->Args({kL2Rows, 8, 32});
BENCHMARK(dequantize_f16)->Args({kL2Rows, 128})->Args({kHugeRows, 128});
BENCHMARK(dequantize_bf16)->Args({kL2Rows, 128})->Args({kHugeRows, 128});
BENCHMARK(quantize)->Args({kL2Rows, 4, 32})->Args({kL2Rows, 8, 32});
BENCHMARK(quantize)->Args({kDramRows, 4, 32})->Args({kDramRows, 8, 32})->Args({kDramRows, 8, 128});

// How fast `name` is against `limit`, both over the same bytes.
std::function<double(const bench::Medians &)> share(const std::string &name, const std::string &limit) {
  return [=](const bench::Medians &m) { return m.at(limit) / m.at(name); };
}

}  // namespace

std::vector<bench::Bar> bench::quant_bars() {
  const std::string write = "write_limit/24", read = "read_limit/16384", stream = "stream_limit/65536";
  return {
      {"D1", "4 bits, group 32, to f32, L2 / write", "x", 0.75, false, share("dequantize/24/4/32", write)},
      {"D2", "8 bits, group 32, to f32, L2 / write", "x", 0.62, false, share("dequantize/24/8/32", write)},
      {"D2", "8 bits, group 128, to f32, L2 / write", "x", 0.66, false, share("dequantize/24/8/128", write)},
      {"D3", "4 bits, group 32, to f32, output 1 GiB / stream", "x", 0.88, false,
       share("dequantize/65536/4/32", stream)},
      {"D3", "8 bits, group 32, to f32, output 1 GiB / stream", "x", 0.85, false,
       share("dequantize/65536/8/32", stream)},
      {"D4", "AVX2 forced: 4 bits, group 32, to f32, L2 / write", "x", 0.30, false,
       share("dequantize_avx2/24/4/32", write)},
      {"D4", "AVX2 forced: 8 bits, group 32, to f32, L2 / write", "x", 0.45, false,
       share("dequantize_avx2/24/8/32", write)},
      {"D5", "4 bits, group 128, to f16, L2 / write", "x", 0.60, false, share("dequantize_f16/24/128", write)},
      {"D5", "4 bits, group 128, to bf16, L2 / write", "x", 0.60, false, share("dequantize_bf16/24/128", write)},
      {"D5", "4 bits, group 128, to f16, output 1 GiB / stream", "x", 0.80, false,
       share("dequantize_f16/65536/128", stream)},
      {"D5", "4 bits, group 128, to bf16, output 1 GiB / stream", "x", 0.80, false,
       share("dequantize_bf16/65536/128", stream)},
      {"D7", "4 bits, group 32, to f32, L2 / plain", "x", 50, false, share("dequantize/24/4/32", "plain_to_f32/4")},
      {"D7", "8 bits, group 32, to f32, L2 / plain", "x", 40, false, share("dequantize/24/8/32", "plain_to_f32/8")},
      {"Q1", "f32 to 4 bits, group 32, L2 / plain", "x", 22, false, share("quantize/24/4/32", "plain_from_f32/4")},
      {"Q1", "f32 to 8 bits, group 32, L2 / plain", "x", 22, false, share("quantize/24/8/32", "plain_from_f32/8")},
      {"Q1", "f32 to 8 bits, group 32, L2 / write", "x", 0.12, false, share("quantize/24/8/32", write)},
      {"Q2", "f32 to 4 bits, group 32, DRAM / read", "x", 0.65, false, share("quantize/16384/4/32", read)},
      {"Q2", "f32 to 8 bits, group 32, DRAM / read", "x", 0.65, false, share("quantize/16384/8/32", read)},
      {"Q2", "f32 to 8 bits, group 128, DRAM / read", "x", 0.65, false, share("quantize/16384/8/128", read)},
      {"G5", "gemv of 4 bits, DRAM / expanded to f32 first", "x", 3.5, false,
       share("gemv/16384/4", "gemv_expanded/16384/4")},
      {"G5", "gemv of 8 bits, DRAM / expanded to f32 first", "x", 3.5, false,
       share("gemv/16384/8", "gemv_expanded/16384/8")},
  };
}
