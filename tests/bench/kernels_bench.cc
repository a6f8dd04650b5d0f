// Whether the library stores past the caches where that is the faster way. Linked with the static library, whose kernels
// can be told how.
#include <benchmark/benchmark.h>
#include <infermem.h>

#include <algorithm>
#include <vector>

#include "bars.h"
#include "limits.h"
#include "simd/kernels.hh"

namespace {

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kCols = 4096, kGroup = 32;

// Levels and parameters of outputs of up to 256 MiB.
struct Groups {
  std::vector<uint8_t> levels = std::vector<uint8_t>(256 * kMiB / 4 / 2, 0x5a);
  std::vector<float> scales = std::vector<float>(256 * kMiB / 4 / kGroup, 0.5f), mins = scales;
  limits::Floats out = limits::new_floats(256 * kMiB / sizeof(float));
};

Groups &groups() {
  static Groups all;
  return all;
}

void count_bytes(benchmark::State &state) {
  state.SetBytesProcessed(state.iterations() * state.range(0) * int64_t{kMiB});
}

// Arguments: MiB of output, whether past the caches.
void told(benchmark::State &state) {
  Groups &g = groups();
  const size_t n = static_cast<size_t>(state.range(0)) * kMiB / sizeof(float);
  for (auto _ : state)
    infermem::kernels().dequantize4(g.levels.data(), g.scales.data(), g.mins.data(), kGroup, n, state.range(1) != 0,
                                    g.out.get());
  count_bytes(state);
}

void chosen(benchmark::State &state) {
  Groups &g = groups();
  const size_t n = static_cast<size_t>(state.range(0)) * kMiB / sizeof(float);
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.bits = 4;
  infermem_quant *q = nullptr;
  if (quant_from_f32(g.out.get(), n, n / kCols, kCols, &options, &q) != INFERMEM_OK) std::abort();
  for (auto _ : state)
    if (quant_to_f32(q, g.out.get(), n) != INFERMEM_OK) state.SkipWithError("it failed");
  count_bytes(state);
  quant_free(q);
}

BENCHMARK(told)->ArgsProduct({{1, 8, 64, 256}, {0, 1}});
BENCHMARK(chosen)->Arg(1)->Arg(8)->Arg(64)->Arg(256);

}  // namespace

std::vector<bench::Bar> bench::all_bars() {
  std::vector<Bar> bars;
  for (const char *size : {"1", "8", "64", "256"})
    bars.push_back({"D6", std::string("4 bits to f32, output ") + size + " MiB: the choice / the better of both stores",
                    "x", 0.9, false, [=](const Medians &m) {
                      const std::string name = std::string("told/") + size;
                      return std::min(m.at(name + "/0"), m.at(name + "/1")) / m.at(std::string("chosen/") + size);
                    }});
  return bars;
}
