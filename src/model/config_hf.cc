// The names of Hugging Face's config.json, those of the model's text part first. Many say one thing by several names,
// and leave out what the model's class has by default.
#include <algorithm>
#include <cstdio>

#include "model/config.hh"
#include "model/validate.hh"

namespace infermem {
namespace {

// What a layer's name in an array of names says of it.
struct LayerType {
  const char *name;
  Series LayerSeries::*series;
  bool says;
};

constexpr LayerType kLayerTypes[] = {{"full_attention", &LayerSeries::recurs, false},
                                     {"attention", &LayerSeries::recurs, false},
                                     {"global_attention", &LayerSeries::recurs, false},
                                     {"sliding_attention", &LayerSeries::has_window, true},
                                     {"chunked_attention", &LayerSeries::has_window, true},
                                     {"local_attention", &LayerSeries::has_window, true},
                                     {"linear_attention", &LayerSeries::recurs, true},
                                     {"mamba", &LayerSeries::recurs, true},
                                     {"mamba2", &LayerSeries::recurs, true},
                                     {"conv", &LayerSeries::recurs, true},
                                     {"recurrent", &LayerSeries::recurs, true},
                                     {"mlp", &LayerSeries::is_empty, true},
                                     {"sparse", &LayerSeries::has_experts, true},
                                     {"dense", &LayerSeries::has_experts, false},
                                     {"moe", &LayerSeries::has_experts, true}};

const LayerType *layer_type_of(const Name &name) {
  for (const LayerType &type : kLayerTypes)
    if (name == type.name) return &type;
  return nullptr;
}

class HfConfig {
 public:
  HfConfig(Contents *contents, infermem_model_config *out, LayerSeries *series)
      : contents_(contents), keys_(contents), c_(out), series_(series) {}

  Status run();

 private:
  bool has(uint32_t flag) const { return (c_->flags & flag) != 0; }
  bool one_part() const { return known_.one_part; }
  bool is(const char *architecture) const { return std::strcmp(c_->architecture, architecture) == 0; }
  // The layers of config.json, which does not count those that predict further tokens.
  uint64_t n_main() const { return c_->n_layers - c_->n_nextn; }

  Status architecture();
  Status sizes();
  Status heads();
  Status feed_forward();
  Status blocks();
  Status block(uint64_t index);
  Status experts();
  Status expert_layers();
  Status windows();
  Status latents();
  Status mixers();
  Status delta();
  Status mixer_layers();
  Status layer_types(Names names);
  // The layer neither attends nor is recurrent.
  Status empty(uint64_t layer);
  Status pattern();
  Status mark(Names names, uint64_t first, uint64_t value, Series *series);
  Status weights();

  Contents *const contents_;
  Keys keys_;
  infermem_model_config *const c_;
  LayerSeries *const series_;
  Architecture known_ = {};
};

Status HfConfig::architecture() {
  // Where the text part stands, in the order in which it is looked for.
  static constexpr const char *kParts[] = {"text_config.", "llm_config.", "language_config.",
                                           "thinker_config.text_config.", "text_model_config."};
  for (const char *const part : kParts) {
    Keys nested(contents_);
    nested.add_prefix(part);
    Meta meta = {};
    if (!nested.find({"model_type", "hidden_size", "num_hidden_layers"}, &meta)) continue;
    keys_.add_prefix(part);
    break;
  }
  keys_.add_prefix("");
  Name name;
  if (keys_.text({"model_type"}, &name)) INFERMEM_TRY(put_architecture(&keys_, "model_type", name, c_));
  known_ = architecture_of(c_->architecture);
  c_->flags |= known_.flags;
  return INFERMEM_OK;
}

Status HfConfig::sizes() {
  Found found;
  INFERMEM_TRY(keys_.number({"num_hidden_layers", "n_layer", "num_layers", "n_layers", "num_transformer_layers"},
                            INFERMEM_MODEL_MAX_LAYERS, &c_->n_layers));
  INFERMEM_TRY(keys_.number({"num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_layers"},
                            INFERMEM_MODEL_MAX_LAYERS - c_->n_layers, &c_->n_nextn));
  c_->n_layers += c_->n_nextn;
  INFERMEM_TRY(keys_.number({"hidden_size", "n_embd", "d_model", "model_dim"}, kMostLarge, &c_->hidden));
  INFERMEM_TRY(keys_.number({"padded_vocab_size", "vocab_size"}, kMostLarge, &c_->vocab));
  INFERMEM_TRY(keys_.number({"max_position_embeddings", "n_positions", "seq_length", "max_seq_len", "n_ctx",
                             "max_sequence_length", "max_context_length"},
                            kMostLarge, &c_->context));
  INFERMEM_TRY(keys_.real({"rope_theta", "rope_parameters.rope_theta", "rotary_emb_base"}, &c_->rope_theta, &found));
  return keys_.real(
      {"rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon", "layernorm_epsilon", "norm_eps"},
      &c_->norm_eps, &found);
}

Status HfConfig::heads() {
  Found found;
  INFERMEM_TRY(keys_.numbers({"num_attention_heads", "n_head", "n_heads", "num_query_heads"}, kMostSmall, n_main(),
                             &c_->n_heads, &series_->n_heads, &found));
  INFERMEM_TRY(keys_.numbers(
      {"num_key_value_heads", "num_kv_heads", "multi_query_group_num", "n_head_kv", "attn_config.kv_n_heads"},
      kMostSmall, n_main(), &c_->n_kv_heads, &series_->n_kv_heads, &found));
  const bool is_gemma3 = is("gemma3_text");  // whose 4B leaves out what Gemma3TextConfig has by default
  if (is_gemma3 && c_->n_heads == 0) c_->n_heads = 8;
  if (is_gemma3 && found == Found::kNo) c_->n_kv_heads = 4;
  if (is_gemma3 && c_->vocab == 0) c_->vocab = 262208;
  if (is_gemma3 && c_->context == 0) c_->context = 131072;
  if (!is_gemma3 && found == Found::kNo) c_->n_kv_heads = c_->n_heads;
  bool one = false, many = false;
  INFERMEM_TRY(keys_.boolean({"multi_query"}, &one));
  INFERMEM_TRY(keys_.boolean({"new_decoder_architecture"}, &many));
  if (one && !many && c_->n_heads != 0) c_->n_kv_heads = 1;

  uint64_t dim = is_gemma3 ? 256 : 0;
  // Mamba 2 calls its own heads so, too.
  if (c_->n_heads != 0) INFERMEM_TRY(keys_.number({"head_dim", "attention_head_dim", "kv_channels"}, kMostSmall, &dim));
  if (dim == 0 && c_->n_heads != 0 && c_->hidden % c_->n_heads == 0 && c_->hidden / c_->n_heads <= kMostSmall)
    dim = c_->hidden / c_->n_heads;
  c_->head_dim_k = c_->head_dim_v = c_->rope_dims = dim;
  double rotated = 1;
  INFERMEM_TRY(keys_.real({"partial_rotary_factor", "rotary_pct", "rope_pct"}, &rotated, &found));
  if (rotated < 1) c_->rope_dims = static_cast<uint64_t>(rotated * static_cast<double>(dim));
  // Where it is another for layers that see all tokens, head_dim is that of windows.
  uint64_t all = 0;
  INFERMEM_TRY(keys_.number({"global_head_dim"}, kMostSmall, &all));
  if (all != 0) {
    c_->head_dim_k_window = c_->head_dim_v_window = dim;
    c_->head_dim_k = c_->head_dim_v = c_->rope_dims = all;
  }
  all = 0;
  INFERMEM_TRY(keys_.number({"num_global_key_value_heads"}, kMostSmall, &all));
  if (all != 0) {
    c_->n_kv_heads_window = c_->n_kv_heads;
    c_->n_kv_heads = all;
  }
  bool bias = false, norm = false;
  INFERMEM_TRY(keys_.boolean({"attention_bias", "qkv_bias"}, &bias));
  INFERMEM_TRY(keys_.boolean({"use_qk_norm", "qk_layernorm"}, &norm));
  if (bias) c_->flags |= INFERMEM_CONFIG_QKV_BIAS;
  if (norm && !has(INFERMEM_CONFIG_QK_NORM_WIDE)) c_->flags |= INFERMEM_CONFIG_QK_NORM;
  return INFERMEM_OK;
}

Status HfConfig::feed_forward() {
  Found found;
  // Llama 4's intermediate_size is that of its experts.
  INFERMEM_TRY(keys_.numbers({"intermediate_size_mlp", "intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size",
                              "ffn_config.ffn_hidden_size"},
                             kMostLarge, n_main(), &c_->intermediate, &series_->intermediate, &found));
  const bool is_state_space = known_.mixer == Mixer::kMamba && c_->n_heads == 0;
  if (is_state_space || is("mamba2")) c_->intermediate = 0;  // there it is the mixer's
  if (found == Found::kNo && has(INFERMEM_CONFIG_UNGATED) && c_->hidden <= kMostLarge / 4)
    c_->intermediate = 4 * c_->hidden;  // GPT-2, Falcon, BLOOM, MPT
  bool adjusts = false;
  INFERMEM_TRY(keys_.boolean({"block_auto_adjust_ff_dim"}, &adjusts));
  if (known_.mixer != Mixer::kConv || !adjusts) return INFERMEM_OK;
  // LFM2: two thirds, rounded up.
  uint64_t wide = c_->intermediate, multiple = 256;
  INFERMEM_TRY(keys_.number({"block_ff_dim"}, kMostLarge, &wide));
  INFERMEM_TRY(keys_.number({"block_multiple_of"}, kMostSmall, &multiple));
  if (multiple != 0) c_->intermediate = (wide * 2 / 3 + multiple - 1) / multiple * multiple;
  return INFERMEM_OK;
}

// Nemotron-NAS: objects that say of each layer how many heads share keys and how wide it is, or that a part is left out.
Status HfConfig::blocks() {
  Meta meta = {};
  if (!keys_.find({"block_configs.0.attention.n_heads_in_group", "block_configs.0.attention.no_op"}, &meta))
    return INFERMEM_OK;
  c_->n_kv_heads = 0;
  INFERMEM_TRY(series_->n_kv_heads.resize(n_main(), 0));
  INFERMEM_TRY(series_->intermediate.resize(n_main(), 0));
  for (uint64_t i = 0; i < n_main(); ++i) INFERMEM_TRY(block(i));
  return INFERMEM_OK;
}

Status HfConfig::block(uint64_t index) {
  char prefix[48];
  std::snprintf(prefix, sizeof prefix, "block_configs.%llu.", wide(index));
  Keys keys(contents_);
  keys.add_prefix(prefix);
  bool no_attention = false, no_feed_forward = false;
  uint64_t sharing = 0;
  double wide = 0;
  Found found;
  INFERMEM_TRY(keys.boolean({"attention.no_op"}, &no_attention));
  if (!no_attention) INFERMEM_TRY(keys.boolean({"attention.replace_with_linear"}, &no_attention));
  if (!no_attention) INFERMEM_TRY(keys.number({"attention.n_heads_in_group"}, kMostSmall, &sharing));
  if (sharing != 0) series_->n_kv_heads.set(index, c_->n_heads / sharing);
  c_->n_kv_heads = std::max(c_->n_kv_heads, series_->n_kv_heads.at(index));
  INFERMEM_TRY(keys.boolean({"ffn.no_op"}, &no_feed_forward));
  if (!no_feed_forward) INFERMEM_TRY(keys.boolean({"ffn.replace_with_linear"}, &no_feed_forward));
  INFERMEM_TRY(keys.real({"ffn.ffn_mult"}, &wide, &found));
  // Two thirds of the multiple of hidden, rounded up.
  const double middle = 2 * wide * static_cast<double>(c_->hidden) / 3;
  if (no_feed_forward || middle > static_cast<double>(kMostLarge - 256)) return INFERMEM_OK;
  series_->intermediate.set(index, (static_cast<uint64_t>(middle) + 255) / 256 * 256);
  c_->intermediate = std::max(c_->intermediate, series_->intermediate.at(index));
  return INFERMEM_OK;
}

// Marks layers whose indices, counted from `first`, an array has.
Status HfConfig::mark(Names names, uint64_t first, uint64_t value, Series *series) {
  Meta meta = {};
  if (!keys_.find(names, &meta) || meta.type != INFERMEM_META_ARRAY || !is_integer(meta.element_type))
    return INFERMEM_OK;
  if (meta.count == 0 || meta.count > n_main()) return INFERMEM_OK;
  if (!series->is_there()) INFERMEM_TRY(series->resize(n_main(), 1 - value));
  char bytes[sizeof(uint64_t)];
  for (uint64_t i = 0; i < meta.count; ++i) {
    INFERMEM_TRY(contents_->metas.elements(meta, i, 1, bytes));
    const Integer index = integer_at(meta.element_type, bytes);
    if (!index.is_negative && index.value >= first && index.value - first < n_main())
      series->set(index.value - first, value);
  }
  return INFERMEM_OK;
}

Status HfConfig::experts() {
  INFERMEM_TRY(keys_.number(
      {"num_experts", "n_routed_experts", "num_local_experts", "moe_num_experts", "ffn_config.moe_num_experts"},
      kMostSmall, &c_->n_experts));
  INFERMEM_TRY(keys_.number({"num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_k", "top_k_experts",
                             "experts_per_token", "ffn_config.moe_top_k"},
                            kMostSmall, &c_->n_experts_used));
  c_->n_experts_used = std::min(c_->n_experts_used, c_->n_experts);
  if (c_->n_experts == 0) return INFERMEM_OK;
  INFERMEM_TRY(keys_.number({"n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts"},
                            kMostSmall, &c_->n_experts_shared));
  Meta meta = {};
  const bool is_llama4 = keys_.find({"intermediate_size_mlp"}, &meta);
  if (is_llama4)
    INFERMEM_TRY(keys_.number({"intermediate_size"}, kMostLarge, &c_->expert_intermediate));
  else
    INFERMEM_TRY(
        keys_.number({"moe_intermediate_size", "expert_intermediate_size"}, kMostLarge, &c_->expert_intermediate));
  INFERMEM_TRY(keys_.number(
      {"shared_expert_intermediate_size", "shared_intermediate_size", "moe_shared_expert_intermediate_size"},
      kMostLarge, &c_->shared_intermediate));
  // Llama 4 has one shared expert, and does not say so.
  if (is_llama4) c_->shared_intermediate = c_->expert_intermediate;
  return expert_layers();
}

Status HfConfig::expert_layers() {
  INFERMEM_TRY(keys_.number({"first_k_dense_replace", "num_dense_layers", "moe_layer_start_index"}, c_->n_layers,
                            &c_->n_dense_layers));
  uint64_t interval = 0;
  Found found;
  INFERMEM_TRY(keys_.numbers({"decoder_sparse_step", "interleave_moe_layer_step", "expert_layer_period",
                              "moe_layer_interval", "moe_layer_freq", "moe_every_n_layers"},
                             kMostSmall, n_main(), &interval, &series_->has_experts, &found));
  if (!series_->has_experts.is_there()) c_->expert_interval = interval;
  INFERMEM_TRY(mark({"mlp_only_layers"}, 0, 0, &series_->has_experts));
  return layer_types({"mlp_layer_types"});
}

Status HfConfig::layer_types(Names names) {
  Meta meta = {};
  if (!keys_.find(names, &meta) || meta.count == 0) return INFERMEM_OK;
  if (meta.count != n_main())
    return keys_.warn("\"%s\" has %llu values, for %llu layers", meta.key.text, wide(meta.count), wide(n_main()));
  Strings strings(meta);
  Name name;
  uint64_t unknown = 0;
  for (uint64_t i = 0; strings.next(&name); ++i) {
    const LayerType *const type = layer_type_of(name);
    if (!type) {
      ++unknown;
      continue;
    }
    Series *const series = &(series_->*type->series);
    if (!series->is_there()) INFERMEM_TRY(series->resize(n_main(), 0));
    series->set(i, type->says);
    if (type->series == &LayerSeries::has_experts && one_part()) INFERMEM_TRY(empty(i));
  }
  // Layers that see all tokens say so even where none has a window.
  if (c_->sliding_window != 0 && series_->recurs.is_there() && !series_->has_window.is_there())
    INFERMEM_TRY(series_->has_window.resize(n_main(), 0));
  if (unknown == 0) return INFERMEM_OK;
  return keys_.warn("\"%s\" has %llu values that are not known", meta.key.text, wide(unknown));
}

Status HfConfig::empty(uint64_t layer) {
  if (!series_->is_empty.is_there()) INFERMEM_TRY(series_->is_empty.resize(n_main(), 0));
  series_->is_empty.set(layer, 1);
  return INFERMEM_OK;
}

Status HfConfig::windows() {
  bool uses = true;
  INFERMEM_TRY(
      keys_.number({"sliding_window", "attention_chunk_size", "sliding_window_size"}, kMostLarge, &c_->sliding_window));
  uint64_t both_sides = 0;
  INFERMEM_TRY(keys_.number({"local_attention"}, kMostLarge, &both_sides));
  if (c_->sliding_window == 0) c_->sliding_window = both_sides;
  INFERMEM_TRY(keys_.boolean({"use_sliding_window"}, &uses));
  if (!uses) c_->sliding_window = 0;
  // A window that the file does not have, or has as null, is none, whatever the architecture has in GGUF files.
  if (c_->sliding_window == 0) c_->window_interval = 1;
  INFERMEM_TRY(keys_.number({"num_kv_shared_layers"}, c_->n_layers, &c_->n_kv_shared_layers));
  if (c_->sliding_window == 0) return INFERMEM_OK;
  Meta meta = {};
  Name name;
  if (keys_.text({"sliding_window_pattern"}, &name)) {  // EXAONE 4: "LLLG"
    c_->window_interval = std::min<uint64_t>(name.length, kMostSmall);
  } else if (keys_.find({"sliding_window_pattern", "_sliding_window_pattern", "global_attn_every_n_layers"}, &meta)) {
    INFERMEM_TRY(keys_.number({"sliding_window_pattern", "_sliding_window_pattern", "global_attn_every_n_layers"},
                              kMostSmall, &c_->window_interval));
    c_->window_first = c_->window_interval != 0 ? std::min<uint64_t>(known_.window_first, c_->window_interval) : 0;
  }
  // Qwen 2: the layers from that one on have the window.
  uint64_t from = 0;
  Found found;
  if (keys_.find({"use_sliding_window"}, &meta)) {
    INFERMEM_TRY(keys_.number({"max_window_layers"}, kMostLarge, &from, &found));
    if (found == Found::kYes && n_main() != 0) {
      INFERMEM_TRY(series_->has_window.resize(n_main(), 0));
      for (uint64_t i = from; i < n_main(); ++i) series_->has_window.set(i, 1);
    }
  }
  return INFERMEM_OK;
}

// Their sizes as GGUF files have them.
Status HfConfig::latents() {
  INFERMEM_TRY(keys_.number({"kv_lora_rank"}, kMostSmall, &c_->kv_lora_rank));
  if (c_->kv_lora_rank == 0) return INFERMEM_OK;
  uint64_t unrotated = 0, rotated = 0, v = 0;
  INFERMEM_TRY(keys_.number({"q_lora_rank"}, kMostSmall, &c_->q_lora_rank));
  INFERMEM_TRY(keys_.number({"qk_nope_head_dim"}, kMostSmall / 2, &unrotated));
  INFERMEM_TRY(keys_.number({"qk_rope_head_dim"}, kMostSmall / 2, &rotated));
  INFERMEM_TRY(keys_.number({"v_head_dim"}, kMostSmall, &v));
  if (v == 0) v = c_->head_dim_v;  // MiniCPM3
  c_->rope_dims = rotated;
  if (has(INFERMEM_CONFIG_MLA_EXPANDED)) {
    c_->head_dim_k = unrotated + rotated;
    c_->head_dim_v = v;
    return INFERMEM_OK;
  }
  c_->head_dim_k_mla = unrotated + rotated;
  c_->head_dim_v_mla = v;
  c_->n_kv_heads = 1;
  c_->head_dim_k = c_->kv_lora_rank + rotated;
  c_->head_dim_v = c_->kv_lora_rank;
  return check_index(&keys_, {"index_head_dim"}, series_);
}

// Gated delta nets, and the delta attention of Kimi Linear.
Status HfConfig::delta() {
  uint64_t keys = 0, values = 0, k = 0, v = 0;
  INFERMEM_TRY(keys_.number({"linear_num_key_heads", "linear_attn_config.num_heads"}, kMostSmall, &keys));
  INFERMEM_TRY(keys_.number({"linear_num_value_heads", "linear_attn_config.num_heads"}, kMostSmall, &values));
  INFERMEM_TRY(keys_.number({"linear_key_head_dim", "linear_attn_config.head_dim"}, kMostSmall, &k));
  INFERMEM_TRY(keys_.number({"linear_value_head_dim", "linear_attn_config.head_dim"}, kMostSmall, &v));
  if (values * v == 0 || values * v > kMostLarge) return INFERMEM_OK;
  c_->ssm_inner = values * v;
  c_->ssm_state = k;
  c_->ssm_groups = keys;
  c_->ssm_heads = values;
  return keys_.number({"linear_conv_kernel_dim", "linear_attn_config.short_conv_kernel_size"}, kMostSmall,
                      &c_->conv_kernel);
}

Status HfConfig::mixers() {
  if (known_.mixer == Mixer::kNone) {
    Meta meta;  // a mixer that is told by its numbers alone
    if (!keys_.find({"mamba_d_state", "ssm_state_size", "linear_num_value_heads", "linear_attn_config.head_dim"},
                    &meta))
      return INFERMEM_OK;
  }
  INFERMEM_TRY(delta());
  if (c_->ssm_inner != 0) return mixer_layers();
  if (known_.mixer == Mixer::kRwkv) {
    INFERMEM_TRY(keys_.number({"head_size", "head_dim"}, kMostSmall, &c_->wkv_head_dim));
    c_->token_shifts = 2;
    c_->n_heads = c_->n_kv_heads = c_->head_dim_k = c_->head_dim_v = c_->rope_dims = 0;
    return INFERMEM_OK;
  }
  INFERMEM_TRY(keys_.number({"mamba_d_conv", "conv_kernel", "conv_L_cache"}, kMostSmall, &c_->conv_kernel));
  if (known_.mixer == Mixer::kConv) return mixer_layers();
  uint64_t dim = 0, expand = 2;
  INFERMEM_TRY(keys_.number({"mamba_d_state", "ssm_state_size", "state_size"}, kMostSmall, &c_->ssm_state));
  INFERMEM_TRY(keys_.number({"mamba_n_groups", "n_groups"}, kMostSmall, &c_->ssm_groups));
  INFERMEM_TRY(keys_.number({"mamba_n_heads", "mamba_num_heads", "num_heads", "mamba_dt_rank", "time_step_rank"},
                            kMostSmall, &c_->ssm_heads));
  INFERMEM_TRY(keys_.number({"mamba_d_head", "mamba_head_dim", "head_dim", "hidden_size_per_head"}, kMostSmall, &dim));
  INFERMEM_TRY(keys_.number({"mamba_expand", "expand"}, 1024, &expand));
  Found found;
  INFERMEM_TRY(keys_.number({"mamba_d_ssm"}, kMostLarge, &c_->ssm_inner, &found));
  const bool by_heads = known_.mixer == Mixer::kMamba2 && c_->ssm_heads * dim != 0;
  if (c_->ssm_inner == 0) c_->ssm_inner = by_heads ? c_->ssm_heads * dim : expand * c_->hidden;
  if (c_->ssm_inner > kMostLarge) c_->ssm_inner = 0;
  if (known_.mixer == Mixer::kMamba) {
    c_->ssm_groups = 0;
    if (c_->ssm_heads == 0) c_->ssm_heads = (c_->hidden + 15) / 16;  // "auto"
  }
  return mixer_layers();
}

// Which layers attend.
Status HfConfig::mixer_layers() {
  INFERMEM_TRY(keys_.number({"full_attention_interval", "attn_layer_period", "mamba_step"}, kMostSmall,
                            &c_->attention_interval));
  uint64_t offset = 0;
  Found found;
  INFERMEM_TRY(keys_.number({"attn_layer_offset"}, kMostSmall, &offset, &found));
  if (found == Found::kYes) c_->attention_first = offset + 1;
  Meta meta = {};
  if (keys_.find({"mamba_step"}, &meta)) c_->attention_first = c_->attention_interval / 2 + 1;
  if (c_->attention_first > c_->attention_interval) c_->attention_interval = c_->attention_first = 0;
  INFERMEM_TRY(mark({"attn_layer_indices", "full_attn_idxs"}, 0, 0, &series_->recurs));
  INFERMEM_TRY(mark({"linear_attn_config.full_attn_layers"}, 1, 0, &series_->recurs));
  return pattern();
}

// Nemotron-H: "M-M*E", a letter a layer.
Status HfConfig::pattern() {
  Name letters;
  if (!keys_.text({"hybrid_override_pattern"}, &letters)) return INFERMEM_OK;
  if (letters.length != n_main())
    return keys_.warn("\"%s\" has %zu letters, for %llu layers", keys_.key("hybrid_override_pattern").text,
                      letters.length, wide(n_main()));
  INFERMEM_TRY(series_->recurs.resize(n_main(), 0));
  INFERMEM_TRY(series_->has_experts.resize(n_main(), 0));
  for (uint64_t i = 0; i < n_main(); ++i) {
    series_->recurs.set(i, letters.text[i] == 'M');
    series_->has_experts.set(i, letters.text[i] == 'E');
    if (letters.text[i] != 'M' && letters.text[i] != '*') INFERMEM_TRY(empty(i));
  }
  return INFERMEM_OK;
}

Status HfConfig::weights() {
  static constexpr struct {
    const char *name;
    int32_t type;
  } kTypes[] = {{"float32", INFERMEM_DTYPE_F32},
                {"float16", INFERMEM_DTYPE_F16},
                {"bfloat16", INFERMEM_DTYPE_BF16},
                {"float64", INFERMEM_DTYPE_F64}};
  Name name;
  c_->weight_type = INFERMEM_DTYPE_BF16;  // what runtimes load where nothing is said
  if (keys_.text({"torch_dtype", "dtype"}, &name))
    for (const auto &type : kTypes)
      if (name == type.name) c_->weight_type = type.type;
  bool tied = known_.tied;
  INFERMEM_TRY(keys_.boolean({"tie_word_embeddings"}, &tied));
  c_->tied_embeddings = tied;

  Name method;
  if (!keys_.text({"quantization_config.quant_method"}, &method)) return INFERMEM_OK;
  uint64_t bits = 0;
  INFERMEM_TRY(keys_.number({"quantization_config.bits", "quantization_config.w_bit",
                             "quantization_config.config_groups.group_0.weights.num_bits"},
                            16, &bits));
  INFERMEM_TRY(keys_.number({"quantization_config.group_size", "quantization_config.q_group_size",
                             "quantization_config.config_groups.group_0.weights.group_size"},
                            kMostLarge, &c_->weight_group));
  bool four = false, eight = false;
  INFERMEM_TRY(keys_.boolean({"quantization_config.load_in_4bit"}, &four));
  INFERMEM_TRY(keys_.boolean({"quantization_config.load_in_8bit"}, &eight));
  if (bits == 0 && four) bits = 4;
  if (bits == 0 && (eight || method == "fp8" || method == "fbgemm_fp8")) bits = 8;
  if (method == "mxfp4") {  // of gpt-oss: its experts alone
    c_->expert_type = INFERMEM_DTYPE_MXFP4;
    return INFERMEM_OK;
  }
  c_->weight_bits = static_cast<uint32_t>(bits);
  if (bits != 0) return INFERMEM_OK;
  return keys_.warn("how many bits \"%s\" takes is not known", Quoted(method).text);
}

Status HfConfig::run() {
  INFERMEM_TRY(architecture());
  INFERMEM_TRY(sizes());
  INFERMEM_TRY(heads());
  INFERMEM_TRY(feed_forward());
  INFERMEM_TRY(blocks());
  INFERMEM_TRY(experts());
  INFERMEM_TRY(windows());
  INFERMEM_TRY(latents());
  INFERMEM_TRY(mixers());
  INFERMEM_TRY(layer_types({"layer_types", "layers_block_type"}));
  INFERMEM_TRY(weights());
  return check_complete(&keys_,
                        {"num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads",
                         "intermediate_size", "vocab_size", "max_position_embeddings"},
                        *c_);
}

}  // namespace

Status read_hf_config(Contents *contents, infermem_model_config *config, LayerSeries *series) {
  return HfConfig(contents, config, series).run();
}

}  // namespace infermem
