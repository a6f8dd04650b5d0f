// KV caches: appending tokens to places that no cache of the processor holds, against copies of as many bytes to one
// place of that kind, in the same rounds; and conversion within the L2.
#include <benchmark/benchmark.h>
#include <infermem.h>

#include <cstdlib>
#include <cstring>

#ifdef __x86_64__
#include <xmmintrin.h>
#endif

#include "bars.h"
#include "limits.h"

namespace {

using limits::Floats;
using limits::new_floats;

constexpr size_t kLayers = 32;
constexpr size_t kRow = 1024;
constexpr size_t kTokens = 2000;              // 500 MiB of F32: what was stored last is long out of the caches
constexpr size_t kStep = 2 * kLayers * kRow;  // floats of a token
constexpr size_t kL2Tokens = 24, kL2Floats = 2 * kL2Tokens * kRow;  // 192 KiB

void count_floats(benchmark::State &state, size_t n) {
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(n * sizeof(float)));
}

// A warm tape with room for that many bytes.
class Tape {
 public:
  explicit Tape(size_t bytes) {
    INFERMEM_STRUCT(infermem_tape_options, options);
    options.size = bytes + (1 << 16);
    options.flags = INFERMEM_TAPE_WARM | INFERMEM_TAPE_HUGE;
    if (tape_new(&options, &tape_) != INFERMEM_OK) std::abort();
  }
  ~Tape() { tape_free(tape_); }
  Tape(const Tape &) = delete;
  Tape &operator=(const Tape &) = delete;
  infermem_tape *get() const { return tape_; }
  float *floats(size_t n) const {
    void *p = nullptr;
    if (tape_alloc(tape_, n * sizeof(float), 64, &p) != INFERMEM_OK) std::abort();
    return static_cast<float *>(p);
  }

 private:
  infermem_tape *tape_ = nullptr;
};

infermem_kv *new_cache(const Tape &tape, size_t layers, size_t tokens, int32_t type, uint32_t flags) {
  INFERMEM_STRUCT(infermem_kv_options, options);
  options.n_layers = layers;
  options.n_kv_heads = 8;
  options.head_dim = kRow / 8;
  options.max_tokens = tokens;
  options.k_type = options.v_type = type;
  options.flags = flags;
  options.tape = tape.get();
  infermem_kv *kv = nullptr;
  if (kv_new(&options, &kv) != INFERMEM_OK) std::abort();
  return kv;
}

// One token to every layer an iteration, each behind the last.
void append(benchmark::State &state, int32_t type, uint32_t flags) {
  const Tape tape(kTokens * kStep * sizeof(float));
  infermem_kv *kv = new_cache(tape, kLayers, kTokens, type, flags);
  const Floats rows = new_floats(kStep);
  for (auto _ : state) {
    if (kv_len(kv) == kTokens) kv_truncate(kv, 0);
    const float *row = rows.get();
    int32_t status = INFERMEM_OK;
    for (size_t layer = 0; layer < kLayers; ++layer, row += 2 * kRow)
      status |= kv_append(kv, layer, row, kRow, row + kRow, kRow, 1);
    status |= kv_advance(kv, 1);
    if (status != INFERMEM_OK) state.SkipWithError("it failed");
  }
  count_floats(state, kStep);
  kv_free(kv);
}

void append_plain(benchmark::State &state) { append(state, INFERMEM_DTYPE_F32, 0); }
void append_stream(benchmark::State &state) { append(state, INFERMEM_DTYPE_F32, INFERMEM_KV_STREAM); }
void append_f16(benchmark::State &state) { append(state, INFERMEM_DTYPE_F16, 0); }
void append_f16_stream(benchmark::State &state) { append(state, INFERMEM_DTYPE_F16, INFERMEM_KV_STREAM); }
void append_q8_0(benchmark::State &state) { append(state, INFERMEM_DTYPE_Q8_0, 0); }
void append_q8_0_stream(benchmark::State &state) { append(state, INFERMEM_DTYPE_Q8_0, INFERMEM_KV_STREAM); }
void append_q4_0(benchmark::State &state) { append(state, INFERMEM_DTYPE_Q4_0, 0); }
void append_q8_0_rotated(benchmark::State &state) {
  append(state, INFERMEM_DTYPE_Q8_0, INFERMEM_KV_ROTATE_K | INFERMEM_KV_ROTATE_V);
}

void stream_copy(const float *in, size_t n, float *out) {
#ifdef __x86_64__
  for (size_t i = 0; i < n; i += 4) _mm_stream_ps(out + i, _mm_load_ps(in + i));
  _mm_sfence();
#else
  std::memcpy(out, in, n * sizeof(float));
#endif
}

// As many floats as a token has, in one piece.
void copy_step(benchmark::State &state, bool stream) {
  const Tape tape(kTokens * kStep * sizeof(float));
  float *const begin = tape.floats(kTokens * kStep), *const end = begin + kTokens * kStep;
  const Floats rows = new_floats(kStep);
  float *at = begin;
  for (auto _ : state) {
    if (stream)
      stream_copy(rows.get(), kStep, at);
    else
      std::memcpy(at, rows.get(), kStep * sizeof(float));
    benchmark::ClobberMemory();
    at = at + kStep == end ? begin : at + kStep;
  }
  count_floats(state, kStep);
}

void copy_plain(benchmark::State &state) { copy_step(state, false); }
void copy_stream(benchmark::State &state) { copy_step(state, true); }

// The same in the pieces, and to the places, that a cache has: what append() can at best be without streaming.
void copy_pieces(benchmark::State &state) {
  const Tape tape(kTokens * kStep * sizeof(float));
  float *const begin = tape.floats(kTokens * kStep);
  const Floats rows = new_floats(kStep);
  size_t token = 0;
  for (auto _ : state) {
    for (size_t i = 0; i < 2 * kLayers; ++i)
      std::memcpy(begin + (i * kTokens + token) * kRow, rows.get() + i * kRow, kRow * sizeof(float));
    benchmark::ClobberMemory();
    token = (token + 1) % kTokens;
  }
  count_floats(state, kStep);
}

// ---- Within the L2 ----

void append_l2(benchmark::State &state, int32_t type) {
  const Tape tape(kL2Floats * sizeof(float));
  infermem_kv *kv = new_cache(tape, 1, kL2Tokens, type, 0);
  const Floats rows = new_floats(kL2Floats);
  for (auto _ : state) {
    const size_t n = kL2Tokens * kRow;
    if ((kv_append(kv, 0, rows.get(), n, rows.get() + n, n, kL2Tokens) | kv_abort(kv)) != INFERMEM_OK)
      state.SkipWithError("it failed");
  }
  count_floats(state, kL2Floats);
  kv_free(kv);
}

void append_l2_q8_0(benchmark::State &state) { append_l2(state, INFERMEM_DTYPE_Q8_0); }
void append_l2_q4_0(benchmark::State &state) { append_l2(state, INFERMEM_DTYPE_Q4_0); }
void append_l2_f16(benchmark::State &state) { append_l2(state, INFERMEM_DTYPE_F16); }

void quantize_l2_q8_0(benchmark::State &state) {
  const Floats values = new_floats(kL2Floats), out = new_floats(kL2Floats);
  for (auto _ : state)
    if (quant_quantize(INFERMEM_DTYPE_Q8_0, values.get(), kL2Floats, 1, kL2Floats, out.get(), kL2Floats / 32 * 34) !=
        INFERMEM_OK)
      state.SkipWithError("it failed");
  count_floats(state, kL2Floats);
}

void copy_l2(benchmark::State &state) {
  const Floats values = new_floats(kL2Floats), out = new_floats(kL2Floats);
  for (auto _ : state) {
    std::memcpy(out.get(), values.get(), kL2Floats * sizeof(float));
    benchmark::ClobberMemory();
  }
  count_floats(state, kL2Floats);
}

BENCHMARK(append_plain);
BENCHMARK(append_stream);
BENCHMARK(append_f16);
BENCHMARK(append_f16_stream);
BENCHMARK(append_q8_0);
BENCHMARK(append_q8_0_stream);
BENCHMARK(append_q8_0_rotated);
BENCHMARK(append_q4_0);
BENCHMARK(copy_plain);
BENCHMARK(copy_pieces);
BENCHMARK(copy_stream);
BENCHMARK(append_l2_q8_0);
BENCHMARK(append_l2_q4_0);
BENCHMARK(append_l2_f16);
BENCHMARK(quantize_l2_q8_0);
BENCHMARK(copy_l2);

// How long `name` takes against `other`, of as many floats.
std::function<double(const bench::Medians &)> against(const std::string &name, const std::string &other) {
  return [=](const bench::Medians &m) { return m.at(name) / m.at(other); };
}

}  // namespace

std::vector<bench::Bar> bench::kv_bars() {
  return {
      {"K1", "append a token, F32, past the caches / contiguous streaming copy", "x", 1.10, true,
       against("append_stream", "copy_stream")},
      {"K1", "append a token, F32 / contiguous memcpy", "x", 1.45, true, against("append_plain", "copy_plain")},
      {"K3", "append a token as F16, rate of the floats / memcpy", "x", 2.0, false,
       against("copy_plain", "append_f16")},
      {"K3", "append a token as Q8_0, rate of the floats / memcpy", "x", 1.5, false,
       against("copy_plain", "append_q8_0")},
      {"K3", "append a token as F16 past the caches, rate of the floats / memcpy", "x", 2.0, false,
       against("copy_plain", "append_f16_stream")},
      {"K3", "append a token as Q8_0 past the caches, rate of the floats / memcpy", "x", 1.5, false,
       against("copy_plain", "append_q8_0_stream")},
      {"K4", "f32 to Q8_0, L2, rate of the floats / memcpy", "x", 0.36, false, against("copy_l2", "append_l2_q8_0")},
  };
}
