#include "model/shape.hh"

#include "model/weigh.hh"

namespace infermem {
namespace {

// Whether the layer is one in `interval`; `first` counts from 1, and 0 stands for the interval.
bool is_one_in(uint64_t index, uint64_t interval, uint64_t first) {
  return index % interval == (first != 0 ? first : interval) - 1;
}

bool is_nextn(const infermem_model_config &c, uint64_t index) { return index >= c.n_layers - c.n_nextn; }

// Layers that use the keys of earlier ones, from the first to the end.
struct Sharing {
  uint64_t first;
  uint64_t end;
};

Sharing sharing_of(const infermem_model_config &c) {
  const uint64_t end = c.n_layers - c.n_nextn;
  return {end - std::min(c.n_kv_shared_layers, end), end};
}

// As llama.cpp's n_embd_r and n_embd_s have it.
void put_state(const infermem_model_config &c, infermem_model_layer *layer) {
  if (c.wkv_head_dim != 0) {
    layer->conv_elements = c.token_shifts * c.hidden;
    layer->state_elements = c.hidden * c.wkv_head_dim;
    return;
  }
  const uint64_t inputs = c.ssm_inner != 0 ? c.ssm_inner + 2 * c.ssm_groups * c.ssm_state : c.hidden;
  layer->conv_elements = c.conv_kernel != 0 ? (c.conv_kernel - 1) * inputs : 0;
  layer->state_elements = c.ssm_state * c.ssm_inner;
}

void put_attention(const Completed &model, const LayerFacts &facts, infermem_model_layer *layer) {
  const infermem_model_config &c = model.config;
  layer->n_heads = facts.n_heads;
  if (c.kv_lora_rank != 0 && !model.has(INFERMEM_CONFIG_MLA_EXPANDED)) {
    layer->kind = INFERMEM_LAYER_MLA;
    layer->n_kv_heads = 1;
    layer->head_dim_k = c.kv_lora_rank + c.rope_dims;
    return;
  }
  layer->kind = facts.has_window ? INFERMEM_LAYER_WINDOW : INFERMEM_LAYER_ATTENTION;
  layer->n_kv_heads = facts.n_kv_heads;
  layer->head_dim_k = facts.has_window ? c.head_dim_k_window : c.head_dim_k;
  layer->head_dim_v = facts.has_window ? c.head_dim_v_window : c.head_dim_v;
  layer->window = facts.has_window ? c.sliding_window : 0;
}

// How well the formulas know the architecture.
uint32_t confidence_of(const Completed &model) {
  const infermem_model_config &c = model.config;
  const bool known = *c.architecture == '\0' || is_known(model.known);
  const bool is_whole = c.hidden != 0 && c.vocab != 0 && !model.known.weighs_more && !is_layout_open(model);
  return known && is_whole ? INFERMEM_CONFIDENCE_MODELLED : INFERMEM_CONFIDENCE_ROUGH;
}

uint64_t value_of(const Size &size) { return size.fits() ? size.value() : 0; }

LayerWeight put_weight(const Completed &model, uint32_t confidence, infermem_model_layer *layer) {
  const LayerWeight weight = weigh_layer(model, *layer);
  layer->weights_confidence = confidence;
  layer->attention_bytes = value_of(weight.attention);
  layer->dense_bytes = value_of(weight.dense);
  layer->shared_expert_bytes = value_of(weight.shared);
  layer->routed_expert_bytes = value_of(weight.routed);
  layer->norm_bytes = value_of(weight.norm);
  layer->other_bytes = value_of(weight.other);
  return weight;
}

// The model's weights, of which the layers are given one by one.
class Sum {
 public:
  explicit Sum(const Completed &model) : ends_(weigh_ends(model)) {}

  void add(const LayerWeight &weight) {
    const Size bytes = weight.bytes();
    layers_ += bytes;
    elements_ += weight.elements;
    largest_ = std::max(largest_, value_of(bytes));
  }

  infermem_model_weights give(uint32_t confidence) const {
    infermem_model_weights out = {};
    out.struct_size = sizeof out;
    out.confidence = confidence;
    const Size total = ends_.embedding + ends_.output + ends_.other + layers_;
    const Size elements = ends_.elements + elements_;
    if (!total.fits() || !elements.fits()) return out;
    out.total_bytes = total.value();
    out.embedding_bytes = ends_.embedding.value();
    out.output_bytes = ends_.output.value();
    out.layer_bytes = layers_.value();
    out.largest_layer_bytes = largest_;
    out.other_bytes = ends_.other.value();
    out.elements = elements.value();
    return out;
  }

 private:
  ModelWeight ends_;
  Size layers_, elements_;
  uint64_t largest_ = 0;
};

}  // namespace

LayerFacts facts_of(const Completed &model, uint64_t index) {
  const infermem_model_config &c = model.config;
  LayerFacts facts = {c.n_heads != 0, false, false, false, c.n_heads, c.n_kv_heads, c.intermediate};
  const bool nextn = is_nextn(c, index);
  if (model.mixer != Mixer::kNone && !nextn) {
    const bool splits = c.attention_interval != 0 && !model.has(INFERMEM_CONFIG_PARALLEL_MIXERS);
    if (splits) facts.attends = facts.attends && is_one_in(index, c.attention_interval, c.attention_first);
    facts.recurs = !splits || !facts.attends;
  }
  facts.has_window = facts.attends && c.sliding_window != 0 && !nextn &&
                     (c.window_interval == 0 || !is_one_in(index, c.window_interval, c.window_first));
  if (facts.has_window) facts.n_kv_heads = c.n_kv_heads_window;
  facts.has_experts =
      c.n_experts != 0 && index >= c.n_dense_layers && (c.expert_interval == 0 || (index + 1) % c.expert_interval == 0);
  if (facts.has_experts && !model.known.dense_too) facts.intermediate = 0;
  return facts;
}

bool is_layout_open(const Completed &model) {
  return model.mixer != Mixer::kNone && model.config.n_heads != 0 && model.config.attention_interval == 0 &&
         !model.has(INFERMEM_CONFIG_PARALLEL_MIXERS);
}

infermem_model_layer make_layer(const Completed &model, const LayerFacts &facts, uint64_t index) {
  const infermem_model_config &c = model.config;
  infermem_model_layer layer = {};
  layer.struct_size = sizeof layer;
  layer.kind = INFERMEM_LAYER_NONE;
  layer.confidence = is_layout_open(model) ? INFERMEM_CONFIDENCE_ROUGH : INFERMEM_CONFIDENCE_MODELLED;
  layer.kv_source = index;
  layer.is_nextn = is_nextn(c, index);
  layer.intermediate = facts.intermediate;
  if (facts.has_experts) {
    layer.n_experts = c.n_experts;
    layer.n_experts_used = c.n_experts_used;
  }
  if (facts.attends) put_attention(model, facts, &layer);
  if (facts.recurs) {
    put_state(c, &layer);
    layer.kind = facts.attends ? INFERMEM_LAYER_BOTH : INFERMEM_LAYER_RECURRENT;
  }
  if (model.has(INFERMEM_CONFIG_ENCODER)) layer.kind = INFERMEM_LAYER_NONE;
  return layer;
}

void share_keys(const infermem_model_config &c, Vec<infermem_model_layer> *layers) {
  const Sharing sharing = sharing_of(c);
  uint64_t last[2] = {UINT64_MAX, UINT64_MAX};  // with keys of its own, without a window and with one
  for (uint64_t i = 0; i < sharing.end; ++i) {
    infermem_model_layer &layer = (*layers)[i];
    if (layer.n_kv_heads == 0) continue;
    uint64_t *const own = &last[layer.window != 0];
    if (i < sharing.first)
      *own = i;
    else if (*own != UINT64_MAX)
      layer.kv_source = *own;
  }
}

infermem_model_weights weigh(const Completed &model, Vec<infermem_model_layer> *layers) {
  const uint32_t confidence = confidence_of(model);
  Sum sum(model);
  for (infermem_model_layer &layer : *layers) sum.add(put_weight(model, confidence, &layer));
  return sum.give(confidence);
}

Status shape_of(const infermem_model_config &config, Shape *out) {
  const Completed model(config);
  const uint64_t n = model.config.n_layers;
  INFERMEM_TRY(out->layers.reserve(n));
  for (uint64_t i = 0; i < n; ++i) INFERMEM_TRY(out->layers.push(make_layer(model, facts_of(model, i), i)));
  share_keys(model.config, &out->layers);
  out->weights = weigh(model, &out->layers);
  out->config = model.config;
  return INFERMEM_OK;
}

Status check_layer(uint64_t index, uint64_t n_layers) {
  if (index < n_layers) return INFERMEM_OK;
  return fail(INFERMEM_E_RANGE, n_layers, index, "index is %llu, and there are %llu layers", wide(index),
              wide(n_layers));
}

infermem_model_layer layer_of(const infermem_model_config &config, uint64_t index) {
  const Completed model(config);
  const LayerFacts facts = facts_of(model, index);
  infermem_model_layer layer = make_layer(model, facts, index);
  const Sharing sharing = sharing_of(model.config);
  if (layer.n_kv_heads != 0 && index >= sharing.first && index < sharing.end) {
    uint64_t i = sharing.first;
    for (; i != 0; --i) {
      const LayerFacts earlier = facts_of(model, i - 1);
      if (earlier.attends && earlier.has_window == facts.has_window) break;
    }
    if (i != 0) layer.kv_source = i - 1;
  }
  put_weight(model, confidence_of(model), &layer);
  return layer;
}

infermem_model_weights weights_of(const infermem_model_config &config) {
  const Completed model(config);
  Sum sum(model);
  for (uint64_t i = 0; i < model.config.n_layers; ++i)
    sum.add(weigh_layer(model, make_layer(model, facts_of(model, i), i)));
  return sum.give(confidence_of(model));
}

}  // namespace infermem
