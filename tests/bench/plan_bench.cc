// Opening a large model's file and planning it: what a user waits for before anything is loaded.
#include <benchmark/benchmark.h>
#include <infermem.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bars.h"

namespace {

constexpr uint64_t kHidden = 8192, kMiddle = 28672, kLayers = 80, kKeys = 1024, kVocab = 128256;
constexpr uint32_t kU32 = 4, kI32 = 5, kF32 = 6, kString = 8, kArray = 9;  // of GGUF's values

// The header of a file in GGUF.
class Header {
 public:
  Header(uint64_t tensors, uint64_t values) {
    bytes_ = "GGUF";
    number(3, 4);
    number(tensors, 8);
    number(values, 8);
  }
  void number(uint64_t value, size_t n) {
    for (size_t i = 0; i < n; ++i) bytes_ += static_cast<char>(value >> (8 * i));
  }
  void string(const std::string &text) {
    number(text.size(), 8);
    bytes_ += text;
  }
  void value(const std::string &key, uint32_t type) {
    string(key);
    number(type, 4);
  }
  void u32(const std::string &key, uint64_t value_of) {
    value(key, kU32);
    number(value_of, 4);
  }
  void array(const std::string &key, uint32_t type) {
    value(key, kArray);
    number(type, 4);
    number(kVocab, 8);
  }
  void tensor(const std::string &name, uint64_t rows, uint64_t columns, int32_t type) {
    string(name);
    number(rows == 1 ? 1 : 2, 4);
    number(columns, 8);
    if (rows != 1) number(rows, 8);
    number(static_cast<uint64_t>(type), 4);
    number(data_, 8);
    uint64_t size = 0;
    if (infermem_dtype_bytes(type, rows * columns, &size) != INFERMEM_OK) std::abort();
    data_ += (size + 31) / 32 * 32;
  }
  // Writes it to a file, with a hole in place of the data.
  void save(const char *path) {
    bytes_.resize((bytes_.size() + 31) / 32 * 32);
    std::FILE *const file = std::fopen(path, "wb");
    if (!file || std::fwrite(bytes_.data(), 1, bytes_.size(), file) != bytes_.size() || std::fclose(file) != 0 ||
        truncate(path, static_cast<off_t>(bytes_.size() + data_)) != 0)
      std::abort();
  }

 private:
  std::string bytes_;
  uint64_t data_ = 0;
};

// A model of 70 billion parameters in Q4_K, with its vocabulary and what joins its tokens.
void make_70b(const char *path) {
  Header file(3 + 9 * kLayers, 13);
  file.value("general.architecture", kString);
  file.string("llama");
  file.u32("llama.block_count", kLayers);
  file.u32("llama.embedding_length", kHidden);
  file.u32("llama.feed_forward_length", kMiddle);
  file.u32("llama.attention.head_count", 64);
  file.u32("llama.attention.head_count_kv", 8);
  file.u32("llama.context_length", 131072);
  file.u32("llama.rope.dimension_count", 128);
  file.u32("llama.vocab_size", kVocab);
  file.array("tokenizer.ggml.tokens", kString);
  for (uint64_t i = 0; i < kVocab; ++i) file.string("tok" + std::to_string(i));
  file.array("tokenizer.ggml.merges", kString);
  for (uint64_t i = 0; i < kVocab; ++i) file.string("tok" + std::to_string(i) + " en");
  file.array("tokenizer.ggml.scores", kF32);
  for (uint64_t i = 0; i < kVocab; ++i) file.number(0, 4);
  file.array("tokenizer.ggml.token_type", kI32);
  for (uint64_t i = 0; i < kVocab; ++i) file.number(1, 4);
  const int32_t type = INFERMEM_DTYPE_Q4_K;
  file.tensor("token_embd.weight", kVocab, kHidden, type);
  for (uint64_t i = 0; i < kLayers; ++i) {
    const std::string layer = "blk." + std::to_string(i) + ".";
    file.tensor(layer + "attn_norm.weight", 1, kHidden, INFERMEM_DTYPE_F32);
    file.tensor(layer + "attn_q.weight", kHidden, kHidden, type);
    file.tensor(layer + "attn_k.weight", kKeys, kHidden, type);
    file.tensor(layer + "attn_v.weight", kKeys, kHidden, INFERMEM_DTYPE_Q6_K);
    file.tensor(layer + "attn_output.weight", kHidden, kHidden, type);
    file.tensor(layer + "ffn_norm.weight", 1, kHidden, INFERMEM_DTYPE_F32);
    file.tensor(layer + "ffn_gate.weight", kMiddle, kHidden, type);
    file.tensor(layer + "ffn_up.weight", kMiddle, kHidden, type);
    file.tensor(layer + "ffn_down.weight", kHidden, kMiddle, INFERMEM_DTYPE_Q6_K);
  }
  file.tensor("output_norm.weight", 1, kHidden, INFERMEM_DTYPE_F32);
  file.tensor("output.weight", kVocab, kHidden, INFERMEM_DTYPE_Q6_K);
  file.save(path);
}

void open_and_plan(benchmark::State &state) {
  const std::string path = "plan_bench_" + std::to_string(getpid()) + ".gguf";
  make_70b(path.c_str());
  INFERMEM_STRUCT(infermem_plan_device, device);
  device.free_bytes = uint64_t{24} << 30;
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = 8192;
  options.profile = INFERMEM_PLAN_CELLS;
  options.k_type = options.v_type = INFERMEM_DTYPE_F16;
  options.host_bytes = uint64_t{64} << 30;
  for (auto _ : state) {
    infermem_model *model = nullptr;
    infermem_plan *plan = nullptr;
    if (model_open(path.c_str(), nullptr, &model) != INFERMEM_OK ||
        plan_new(model, nullptr, &device, 1, &options, &plan) != INFERMEM_OK ||
        plan_mode(plan) != INFERMEM_PLAN_PARTIAL)
      state.SkipWithError("it failed");
    plan_free(plan);
    model_free(model);
  }
  unlink(path.c_str());
}

BENCHMARK(open_and_plan);

}  // namespace

std::vector<bench::Bar> bench::plan_bars() {
  return {{"P1", "model_open and plan_new, 70B in GGUF: 723 tensors, 128k tokens", "ms", 10, true,
           [](const Medians &m) { return m.at("open_and_plan") / 1e6; }}};
}
