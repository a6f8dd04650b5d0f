#include "model/tensor_shape.hh"

#include <string_view>

namespace infermem {
namespace {

using Text = std::string_view;

// The part of a text from `at` to before `end`, which are in it: substr() would need the C++ library to report an error.
Text cut(const Text &text, size_t at, size_t end) { return {text.data() + at, end - at}; }

bool has(const Text &text, const char *part) { return text.find(part) != Text::npos; }

template <typename... Parts>
bool has_one(const Text &text, Parts... parts) {
  return (has(text, parts) || ...);
}

bool starts(const Text &text, const Text &start) {
  return text.size() >= start.size() && cut(text, 0, start.size()) == start;
}

bool ends(const Text &text, const Text &end) {
  return text.size() >= end.size() && cut(text, text.size() - end.size(), text.size()) == end;
}

// Parts for pictures and sound: their layers are not the language model's.
bool is_of_other_sense(const Text &name) {
  return starts(name, "v.") || starts(name, "a.") || starts(name, "mm.") ||
         has_one(name, "vision", "visual", "audio", "image", "multi_modal", "multimodal");
}

// A name as layer and rest: "blk.3.attn_q.weight", "model.layers.3.self_attn.q_proj.weight".
struct Owner {
  bool is_layer;
  bool is_nextn;  // numbered among those that predict further tokens
  uint64_t index;
  Text rest;
};

bool is_list(const Text &part) {
  return part == "blk" || part == "layers" || part == "h" || part == "layer" || part == "blocks" || part == "block";
}

bool number_of(const Text &part, uint64_t *out) {
  if (part.empty() || part.size() > 9) return false;
  uint64_t n = 0;
  for (const char c : part) {
    if (c < '0' || c > '9') return false;
    n = n * 10 + static_cast<uint64_t>(c - '0');
  }
  *out = n;
  return true;
}

Owner owner_of(const Text &name) {
  Owner owner = {false, starts(name, "mtp.") || has(name, ".mtp."), 0, name};
  Text before;
  for (size_t at = 0; at < name.size();) {
    const size_t dot = std::min(name.find('.', at), name.size());
    const Text part = cut(name, at, dot);
    if (is_list(before) && number_of(part, &owner.index)) {
      owner.is_layer = true;
      owner.rest = cut(name, std::min(dot + 1, name.size()), name.size());
      return owner;
    }
    before = part;
    at = dot + 1;
  }
  return owner;
}

bool is_norm(const Text &rest) { return has_one(rest, "norm", "ln_", "layernorm"); }

bool is_shared(const Text &rest) { return has_one(rest, "_shexp", "shared_expert", "shared_mlp"); }

bool is_router(const Text &rest) {
  return has_one(rest, "ffn_gate_inp", "exp_probs_b", "router", "shared_expert_gate", "e_score_correction") ||
         starts(rest, "mlp.gate.") || has_one(rest, "block_sparse_moe.gate.", "feed_forward.gate.");
}

bool is_routed(const Text &rest) { return has_one(rest, "_exps", "experts."); }

bool is_recurrent(const Text &rest) {
  return has_one(rest, "ssm_", "time_mix_", "shortconv", "linear_attn.", "mamba.", "A_log", "mixer.conv1d") ||
         starts(rest, "conv.");
}

bool is_projection_to_keys(const Text &rest) {
  return starts(rest, "attn_k.") || ends(rest, "attn.k_proj.weight") || ends(rest, "attention.k_proj.weight") ||
         ends(rest, "mixer.k_proj.weight");
}

bool is_projection_to_latents(const Text &rest) {
  return starts(rest, "attn_kv_a_mqa.") || has(rest, "kv_a_proj_with_mqa.weight");
}

bool is_attention(const Text &rest) {
  return has_one(rest, "attn", "attention", "ssm_", "time_mix_", "shortconv", "mamba.", "mixer.") ||
         starts(rest, "conv.");
}

// In nemotron_h all parts of a layer are called its mixer, in BERT a dense part is an output of the attention's.
bool is_dense(const Text &rest) {
  return has_one(rest, "ffn", "mlp", "feed_forward", "fc1", "fc2", "channel_mix", "mixer.up_proj", "mixer.down_proj",
                 "intermediate.dense") ||
         starts(rest, "output.dense");
}

uint64_t *bytes_of(const Text &rest, LayerTensors *layer) {
  if (is_norm(rest)) return &layer->norm;
  if (is_router(rest)) return &layer->other;
  if (is_shared(rest)) return &layer->shared;
  if (is_routed(rest)) return &layer->routed;
  if (is_dense(rest)) return &layer->dense;
  return is_attention(rest) ? &layer->attention : &layer->other;
}

void add_to_layer(const Tensor &tensor, const Text &rest, bool is_exact, LayerTensors *layer) {
  uint64_t *const bytes = bytes_of(rest, layer);
  *bytes += tensor.bytes;
  layer->is_exact = layer->is_exact && is_exact;
  layer->has_experts = layer->has_experts || bytes == &layer->routed;
  layer->recurs = layer->recurs || is_recurrent(rest);
  const bool keys = is_projection_to_keys(rest), latents = is_projection_to_latents(rest);
  // One matrix for queries, keys and values tells of attention where nothing recurrent stands beside it.
  const bool fused = has_one(rest, "attn_qkv.weight", "qkv_proj.", "query_key_value.", "c_attn.", "Wqkv.") ||
                     has_one(rest, "attn_kv_b.", "attention.self.key.");
  layer->attends = layer->attends || keys || latents || (fused && !has(rest, "linear_attn."));
  if (keys && ends(rest, ".weight")) layer->k_rows = tensor.ne[1];
  if (latents) layer->latent_rows = tensor.ne[1];
}

bool is_embedding(const Text &name) {
  return name == "token_embd.weight" || ends(name, "embed_tokens.weight") || ends(name, "wte.weight") ||
         ends(name, "word_embeddings.weight") || ends(name, "embed_in.weight") || ends(name, "tok_embeddings.weight") ||
         ends(name, "backbone.embeddings.weight") || ends(name, "backbone.embedding.weight");
}

bool is_output(const Text &name) {
  return starts(name, "output.") || ends(name, "lm_head.weight") || ends(name, "embed_out.weight");
}

}  // namespace

void TensorShape::add(const Tensor &tensor, uint64_t n_main, bool is_exact) {
  const Text name(tensor.name.text, tensor.name.length);
  uint64_t elements = 1;
  for (const uint64_t n : tensor.ne) elements *= n;  // TensorTable::add checked it
  weights_.elements += elements;
  weights_.total_bytes += tensor.bytes;
  is_exact_ = is_exact_ && is_exact;
  uint64_t *other = &weights_.other_bytes;
  if (!is_of_other_sense(name)) {
    const Owner owner = owner_of(name);
    const uint64_t index = owner.index + (owner.is_nextn ? n_main : 0);
    if (owner.is_layer && index < layers_.size()) return add_to_layer(tensor, owner.rest, is_exact, &layers_[index]);
    if (owner.is_layer) ++beyond_;
    if (!owner.is_layer && !owner.is_nextn && is_embedding(name)) other = &weights_.embedding_bytes;
    if (!owner.is_layer && !owner.is_nextn && is_output(name)) other = &weights_.output_bytes;
  }
  *other += tensor.bytes;
}

Status TensorShape::read(const Contents &contents, uint64_t n_layers, uint64_t n_main) {
  LayerTensors none = {};
  none.is_exact = true;
  INFERMEM_TRY(layers_.resize(n_layers, none));
  for (size_t i = 0; i < contents.tensors.count(); ++i) {
    const Tensor tensor = contents.tensors.at(i);
    // Safetensors tell the bytes also of types that are not known here.
    add(tensor, n_main, !tensor.is_inferred || contents.format != Format::kGguf);
  }
  return INFERMEM_OK;
}

infermem_model_weights TensorShape::weights() const {
  infermem_model_weights out = weights_;
  out.struct_size = sizeof out;
  for (const LayerTensors &layer : layers_) {
    out.layer_bytes += layer.bytes();
    out.largest_layer_bytes = std::max(out.largest_layer_bytes, layer.bytes());
  }
  out.confidence = is_exact_ ? INFERMEM_CONFIDENCE_EXACT : INFERMEM_CONFIDENCE_MODELLED;
  return out;
}

}  // namespace infermem
