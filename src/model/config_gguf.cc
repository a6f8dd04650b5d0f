// The keys of the GGUF specification and those that llama.cpp's converters write, with the architecture before them.
#include <algorithm>
#include <cstdio>

#include "model/config.hh"
#include "model/validate.hh"

namespace infermem {
namespace {

class GgufConfig {
 public:
  GgufConfig(Contents *contents, infermem_model_config *out, LayerSeries *series)
      : contents_(contents), keys_(contents), c_(out), series_(series) {}

  Status run();

 private:
  Status architecture();
  Status heads();
  Status vocabulary();
  Status experts();
  Status windows();
  Status latents();
  Status mixers();

  Contents *const contents_;
  Keys keys_;
  infermem_model_config *const c_;
  LayerSeries *const series_;
  char prefix_[sizeof(infermem_model_config::architecture) + 1];
};

Status GgufConfig::architecture() {
  constexpr char kKey[] = "general.architecture";
  size_t i;
  if (!contents_->metas.find(kKey, &i)) return keys_.warn("there is no \"%s\"", kKey);
  const Meta meta = contents_->metas.at(i);
  if (meta.type != INFERMEM_META_STRING)
    return keys_.warn("the value of \"%s\" is %s, not a string", kKey, name_of_meta(meta.type));
  return put_architecture(&keys_, kKey, {meta.bytes, static_cast<size_t>(meta.count)}, c_);
}

Status GgufConfig::heads() {
  Found found;
  INFERMEM_TRY(
      keys_.numbers({"attention.head_count"}, kMostSmall, c_->n_layers, &c_->n_heads, &series_->n_heads, &found));
  INFERMEM_TRY(keys_.numbers({"attention.head_count_kv"}, kMostSmall, c_->n_layers, &c_->n_kv_heads,
                             &series_->n_kv_heads, &found));
  if (found == Found::kNo) c_->n_kv_heads = c_->n_heads;

  // Where the file has no head_dim, it is that of heads that share the hidden dimension out among them.
  const bool even = c_->n_heads != 0 && c_->hidden % c_->n_heads == 0;
  const uint64_t shared = even ? c_->hidden / c_->n_heads : 0;
  const char *const names[] = {"attention.key_length", "attention.value_length"};
  uint64_t *const dims[] = {&c_->head_dim_k, &c_->head_dim_v};
  for (int i = 0; i < 2; ++i) {
    INFERMEM_TRY(keys_.number({names[i]}, kMostSmall, dims[i], &found));
    if (found != Found::kNo) continue;
    if (shared <= kMostSmall) *dims[i] = shared;
    if (c_->n_heads != 0 && !even)
      INFERMEM_TRY(keys_.warn("there is no \"%s\", and %llu elements are not shared by %llu heads",
                              keys_.key(names[i]).text, wide(c_->hidden), wide(c_->n_heads)));
  }
  INFERMEM_TRY(keys_.number({"rope.dimension_count"}, kMostSmall, &c_->rope_dims, &found));
  if (found == Found::kNo) c_->rope_dims = c_->head_dim_k;
  return INFERMEM_OK;
}

Status GgufConfig::vocabulary() {
  uint64_t said = 0, tokens = 0;
  INFERMEM_TRY(keys_.number({"vocab_size"}, kMostLarge, &said));
  size_t i;
  if (contents_->metas.find("tokenizer.ggml.tokens", &i)) {
    const Meta meta = contents_->metas.at(i);
    if (meta.type == INFERMEM_META_ARRAY) tokens = meta.count;
  }
  c_->vocab = said != 0 ? said : tokens;
  if (contents_->tensors.find("token_embd.weight", &i)) {
    const Tensor embedding = contents_->tensors.at(i);
    c_->vocab = embedding.ne[1];
    if (said != 0 && said != embedding.ne[1])
      INFERMEM_TRY(keys_.warn("\"%s\" is %llu, and token_embd.weight has %llu rows, which are taken",
                              keys_.key("vocab_size").text, wide(said), wide(embedding.ne[1])));
    if (c_->hidden != 0 && c_->hidden != embedding.ne[0])
      INFERMEM_TRY(keys_.warn("\"%s\" is %llu, but rows of token_embd.weight have %llu elements",
                              keys_.key("embedding_length").text, wide(c_->hidden), wide(embedding.ne[0])));
  }
  if (tokens > c_->vocab)
    INFERMEM_TRY(keys_.warn("there are %llu tokens, and %llu embeddings", wide(tokens), wide(c_->vocab)));
  if (c_->vocab <= kMostLarge) return INFERMEM_OK;
  INFERMEM_TRY(keys_.warn("a vocabulary of %llu is above the limit of %llu", wide(c_->vocab), wide(kMostLarge)));
  c_->vocab = 0;
  return INFERMEM_OK;
}

Status GgufConfig::experts() {
  INFERMEM_TRY(keys_.number({"expert_count"}, kMostSmall, &c_->n_experts));
  INFERMEM_TRY(keys_.number({"expert_used_count"}, kMostSmall, &c_->n_experts_used));
  INFERMEM_TRY(keys_.number({"expert_shared_count"}, kMostSmall, &c_->n_experts_shared));
  INFERMEM_TRY(keys_.number({"expert_feed_forward_length"}, kMostLarge, &c_->expert_intermediate));
  INFERMEM_TRY(keys_.number({"expert_shared_feed_forward_length"}, kMostLarge, &c_->shared_intermediate));
  INFERMEM_TRY(keys_.number({"leading_dense_block_count"}, c_->n_layers, &c_->n_dense_layers));
  return keys_.number({"interleave_moe_layer_step", "moe_every_n_layers"}, kMostSmall, &c_->expert_interval);
}

Status GgufConfig::windows() {
  Found found;
  INFERMEM_TRY(keys_.number({"attention.sliding_window"}, kMostLarge, &c_->sliding_window, &found));
  // A window of 0 is said to be none, whatever the architecture has.
  if (found == Found::kYes && c_->sliding_window == 0) c_->window_interval = 1;
  uint64_t interval = 0;
  INFERMEM_TRY(keys_.numbers({"attention.sliding_window_pattern"}, kMostSmall, c_->n_layers, &interval,
                             &series_->has_window, &found));
  if (found == Found::kYes && !series_->has_window.is_there()) {
    c_->window_interval = interval;
    c_->window_first = std::min<uint64_t>(architecture_of(c_->architecture).window_first, interval);
  }
  INFERMEM_TRY(keys_.number({"attention.key_length_swa"}, kMostSmall, &c_->head_dim_k_window));
  INFERMEM_TRY(keys_.number({"attention.value_length_swa"}, kMostSmall, &c_->head_dim_v_window));
  return keys_.number({"attention.shared_kv_layers"}, c_->n_layers, &c_->n_kv_shared_layers);
}

Status GgufConfig::latents() {
  INFERMEM_TRY(keys_.number({"attention.kv_lora_rank"}, kMostSmall, &c_->kv_lora_rank));
  INFERMEM_TRY(keys_.number({"attention.q_lora_rank"}, kMostSmall, &c_->q_lora_rank));
  INFERMEM_TRY(keys_.number({"attention.key_length_mla"}, kMostSmall, &c_->head_dim_k_mla));
  INFERMEM_TRY(keys_.number({"attention.value_length_mla"}, kMostSmall, &c_->head_dim_v_mla));
  // Files from before these keys have one matrix for the keys and values of all heads: these are what is stored.
  if (c_->kv_lora_rank != 0 && c_->head_dim_k_mla == 0) c_->flags |= INFERMEM_CONFIG_MLA_EXPANDED;
  return check_index(&keys_, {"attention.indexer.key_length"}, series_);
}

Status GgufConfig::mixers() {
  INFERMEM_TRY(keys_.number({"ssm.conv_kernel", "shortconv.l_cache"}, kMostSmall, &c_->conv_kernel));
  INFERMEM_TRY(keys_.number({"ssm.inner_size"}, kMostLarge, &c_->ssm_inner));
  INFERMEM_TRY(keys_.number({"ssm.state_size"}, kMostSmall, &c_->ssm_state));
  INFERMEM_TRY(keys_.number({"ssm.group_count"}, kMostSmall, &c_->ssm_groups));
  INFERMEM_TRY(keys_.number({"ssm.time_step_rank"}, kMostSmall, &c_->ssm_heads));
  uint64_t kda = 0;
  INFERMEM_TRY(keys_.number({"kda.head_dim"}, kMostSmall, &kda));
  if (kda != 0 && c_->n_heads * kda <= kMostLarge) {  // llama.cpp: 3 convolutions of all heads, a square a head
    c_->ssm_inner = c_->n_heads * kda;
    c_->ssm_state = kda;
    c_->ssm_groups = c_->ssm_heads = c_->n_heads;
  }
  Found found;
  INFERMEM_TRY(keys_.number({"wkv.head_size"}, kMostSmall, &c_->wkv_head_dim));
  INFERMEM_TRY(keys_.number({"token_shift_count"}, kMostSmall, &c_->token_shifts, &found));
  if (c_->wkv_head_dim != 0 && found == Found::kNo) c_->token_shifts = 2;
  INFERMEM_TRY(keys_.number({"full_attention_interval"}, kMostSmall, &c_->attention_interval));
  uint64_t any = 0;
  return keys_.numbers({"attention.recurrent_layers"}, 1, c_->n_layers, &any, &series_->recurs, &found);
}

Status GgufConfig::run() {
  Found found;
  INFERMEM_TRY(architecture());
  std::snprintf(prefix_, sizeof prefix_, "%s.", c_->architecture);
  keys_.add_prefix(prefix_);
  INFERMEM_TRY(keys_.number({"block_count"}, INFERMEM_MODEL_MAX_LAYERS, &c_->n_layers));
  INFERMEM_TRY(keys_.number({"embedding_length"}, kMostLarge, &c_->hidden));
  INFERMEM_TRY(keys_.number({"context_length"}, kMostLarge, &c_->context));
  INFERMEM_TRY(keys_.numbers({"feed_forward_length"}, kMostLarge, c_->n_layers, &c_->intermediate,
                             &series_->intermediate, &found));
  INFERMEM_TRY(keys_.number({"nextn_predict_layers"}, c_->n_layers, &c_->n_nextn));
  INFERMEM_TRY(heads());
  INFERMEM_TRY(vocabulary());
  INFERMEM_TRY(experts());
  INFERMEM_TRY(windows());
  INFERMEM_TRY(latents());
  INFERMEM_TRY(mixers());
  INFERMEM_TRY(keys_.real({"rope.freq_base"}, &c_->rope_theta, &found));
  INFERMEM_TRY(keys_.real({"attention.layer_norm_rms_epsilon", "attention.layer_norm_epsilon"}, &c_->norm_eps, &found));
  bool causal = true;
  INFERMEM_TRY(keys_.boolean({"attention.causal"}, &causal));
  if (!causal) c_->flags |= INFERMEM_CONFIG_ENCODER;
  size_t i;
  c_->tied_embeddings = !contents_->tensors.find("output.weight", &i);
  return check_complete(&keys_,
                        {"block_count", "embedding_length", "attention.head_count", "attention.head_count_kv",
                         "feed_forward_length", "vocab_size", "context_length"},
                        *c_);
}

}  // namespace

Status read_gguf_config(Contents *contents, infermem_model_config *config, LayerSeries *series) {
  return GgufConfig(contents, config, series).run();
}

}  // namespace infermem
