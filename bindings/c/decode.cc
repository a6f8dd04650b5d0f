// decode: the example of decode.c in C++17, with infermem.hpp: opens a model, plans, lays out the memory, generates 32
// tokens, saves the conversation half-way, takes it up again, and shows what the metrics say.
//
//     c++ -std=c++17 decode.cc $(pkg-config --cflags --libs infermem) -o decode && ./decode MODEL
#include <infermem.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace {

constexpr uint32_t kPrompt[] = {1, 17, 42, 99};
constexpr size_t kPromptLength = sizeof kPrompt / sizeof *kPrompt, kTokens = 32;

struct Layer {
  std::vector<float> attention_norm, ffn_norm;
  infermem::Quant q, k, v, o, gate, up, down;
};

// The matrices, the cache, the buffers of a pass and the metrics are infermem's.
class Llama {
 public:
  Llama(const infermem::Model &model, size_t max_tokens) : model_(model), config_(model.config().value()) {
    embedding_ = matrix("token_embd.weight");
    if (!config_.tied_embeddings) output_ = matrix("output.weight");
    output_norm_ = vector("output_norm.weight");
    for (size_t i = 0; i < config_.n_layers; ++i) {
      const std::string block = "blk." + std::to_string(i) + ".";
      layers_.push_back(
          {vector(block + "attn_norm.weight"), vector(block + "ffn_norm.weight"), matrix(block + "attn_q.weight"),
           matrix(block + "attn_k.weight"), matrix(block + "attn_v.weight"), matrix(block + "attn_output.weight"),
           matrix(block + "ffn_gate.weight"), matrix(block + "ffn_up.weight"), matrix(block + "ffn_down.weight")});
    }
    auto sizes = infermem::make_struct<infermem_plan_options>();
    sizes.context = max_tokens;
    sizes.ubatch = 1;
    sizes.host_bytes = size_t{1} << 30;
    const infermem::Plan plan = infermem::Plan::make(model.get(), nullptr, {}, &sizes).value();
    std::printf("plan     %s\n", infermem::plan_mode_text(plan.mode()));
    layout_ = plan.build_layout().value();
    scratch_ = plan.build_scratch(layout_.scratch()).value();
    cache_ = plan.build_kv(layout_.history()).value();
    dispatch_ = infermem::Dispatch::make().value();
  }

  // The logits of a token at the position after those before.
  infermem::Span<float> forward(uint32_t token) {
    const auto begin = std::chrono::steady_clock::now();
    const size_t row = token, position = cache_.len();
    const auto x = buffer(INFERMEM_SCRATCH_HIDDEN), normed = buffer(INFERMEM_SCRATCH_NORMED);
    const auto q = buffer(INFERMEM_SCRATCH_Q), k = buffer(INFERMEM_SCRATCH_K), v = buffer(INFERMEM_SCRATCH_V);
    const auto attended = buffer(INFERMEM_SCRATCH_ATTN_OUT), projected = buffer(INFERMEM_SCRATCH_ATTN_PROJ);
    const auto gate = buffer(INFERMEM_SCRATCH_FFN_GATE), up = buffer(INFERMEM_SCRATCH_FFN_UP);
    const auto down = buffer(INFERMEM_SCRATCH_FFN_DOWN), logits = buffer(INFERMEM_SCRATCH_LOGITS);
    auto attention = infermem::make_struct<infermem_kv_attend_options>();
    attention.n_q_heads = config_.n_heads;

    embedding_.rows_to_f32({&row, 1}, x).value();
    for (size_t i = 0; i < layers_.size(); ++i) {
      const Layer &layer = layers_[i];
      normalize(x, layer.attention_norm, normed);
      multiply(layer.q, normed, q);
      multiply(layer.k, normed, k);
      multiply(layer.v, normed, v);
      rotate(q, position);
      rotate(k, position);
      cache_.append(i, {k.data(), k.size()}, {v.data(), v.size()}, 1).value();
      cache_.attend(i, &attention, 0, config_.n_kv_heads, {q.data(), q.size()}, attended).value();
      multiply(layer.o, attended, projected);
      for (size_t j = 0; j < x.size(); ++j) x[j] += projected[j];
      normalize(x, layer.ffn_norm, normed);
      multiply(layer.gate, normed, gate);
      multiply(layer.up, normed, up);
      for (size_t j = 0; j < gate.size(); ++j) gate[j] = gate[j] / (1.0f + std::exp(-gate[j])) * up[j];
      multiply(layer.down, gate, down);
      for (size_t j = 0; j < x.size(); ++j) x[j] += down[j];
    }
    cache_.advance(1).value();
    normalize(x, output_norm_, normed);
    multiply(output_ ? output_ : embedding_, normed, logits);
    const auto took = std::chrono::steady_clock::now() - begin;
    dispatch_.record(INFERMEM_DISPATCH_CPU, std::chrono::nanoseconds(took).count()).value();
    return logits;
  }

  // Saves the conversation, forgets it, and takes it up again where it was.
  void save_and_restore() {
    const std::string path = "/tmp/infermem-decode-cc-" + std::to_string(getpid()) + ".kv";
    const uint8_t model[] = {'t', 'i', 'n', 'y'};  // a program would take a hash of the model's file
    cache_.save(path.c_str(), model).value();
    cache_.clear().value();
    cache_.load(path.c_str(), model).value();
    unlink(path.c_str());
  }

  infermem_dispatch_stats metrics() const { return dispatch_.snapshot(INFERMEM_DISPATCH_CPU).value(); }

 private:
  // F16 is quantized to 8 bits; what is quantized already is read where it is mapped.
  infermem::Quant matrix(const std::string &name) const {
    const infermem_view view = model_.tensor_view(model_.tensor_find(name.c_str()).value()).value();
    const auto rows = size_t(view.shape[0]), cols = size_t(view.shape[1]);
    if (view.dtype != INFERMEM_DTYPE_F16)
      return infermem::Quant::borrow(view.dtype, {static_cast<const uint8_t *>(view.data), size_t(view.bytes)}, rows,
                                     cols)
          .value();
    auto options = infermem::make_struct<infermem_quant_options>();
    options.bits = 8;
    options.group = 32;
    return infermem::Quant::from_f16({static_cast<const uint16_t *>(view.data), rows * cols}, rows, cols, &options)
        .value();
  }

  std::vector<float> vector(const std::string &name) const {  // of F32, as norms are
    const infermem_view view = model_.tensor_view(model_.tensor_find(name.c_str()).value()).value();
    const auto *const data = static_cast<const float *>(view.data);
    return {data, data + view.shape[0]};
  }

  infermem::Span<float> buffer(int32_t which) const {
    const infermem_view view = scratch_.view(which).value();
    return {static_cast<float *>(view.data), size_t(view.shape[0] * view.shape[1])};
  }

  void multiply(const infermem::Quant &w, infermem::Span<float> x, infermem::Span<float> out) const {
    w.gemv(0, out.size(), {x.data(), x.size()}, out).value();
  }

  void normalize(infermem::Span<float> x, const std::vector<float> &weight, infermem::Span<float> out) const {
    float squares = 0;
    for (const float value : x) squares += value * value;
    const float scale = 1.0f / std::sqrt(squares / float(x.size()) + float(config_.norm_eps));
    for (size_t i = 0; i < x.size(); ++i) out[i] = x[i] * scale * weight[i];
  }

  void rotate(infermem::Span<float> heads, size_t position) const {
    for (size_t at = 0; at < heads.size(); at += config_.head_dim_k) {
      for (size_t i = 0; i < config_.rope_dims; i += 2) {
        const double angle = double(position) * std::pow(config_.rope_theta, -double(i) / double(config_.rope_dims));
        const float cosine = float(std::cos(angle)), sine = float(std::sin(angle));
        const float a = heads[at + i], b = heads[at + i + 1];
        heads[at + i] = a * cosine - b * sine;
        heads[at + i + 1] = a * sine + b * cosine;
      }
    }
  }

  const infermem::Model &model_;
  infermem_model_config config_;
  infermem::Quant embedding_, output_;
  std::vector<float> output_norm_;
  std::vector<Layer> layers_;
  infermem::Layout layout_;
  infermem::Scratch scratch_;
  infermem::Kv cache_;
  infermem::Dispatch dispatch_;
};

void run(const char *path) {
  const infermem::Model model = infermem::Model::open(path).value();
  Llama llama(model, kPromptLength + kTokens);
  uint32_t token = kPrompt[0];
  std::printf("tokens  ");
  for (size_t i = 0; i < kPromptLength + kTokens - 1; ++i) {
    const infermem::Span<float> logits = llama.forward(token);
    if (i == kPromptLength + kTokens / 2 - 1) llama.save_and_restore();
    if (i + 1 < kPromptLength) {
      token = kPrompt[i + 1];
    } else {
      token = static_cast<uint32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
      std::printf(" %u", token);
    }
  }
  const infermem_dispatch_stats s = llama.metrics();
  std::printf("\nspeed    %llu positions, median %.3f ms, 99 %% within %.3f ms\n",
              static_cast<unsigned long long>(s.latencies), double(s.p50_ns) / 1e6, double(s.p99_ns) / 1e6);
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: decode MODEL\n"), 1;
  try {
    run(argv[1]);
  } catch (const std::exception &failure) {
    return std::fprintf(stderr, "decode: %s\n", failure.what()), 1;
  }
  return 0;
}
