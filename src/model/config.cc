#include "model/config.hh"

#include <algorithm>

#include "model/tensor_shape.hh"
#include "model/validate.hh"

namespace infermem {
namespace {

// Which sources a layer's shape has.
class ShapeReader {
 public:
  ShapeReader(const Allocator &allocator, Contents *contents, Shape *out)
      : contents_(contents), out_(out), c_(&out->config), series_(allocator), tensors_(allocator) {}

  Status run();

 private:
  // What is wrong with so many layers, and the first of them.
  struct Flaw {
    uint64_t n = 0;
    uint64_t first = 0;

    void add(uint64_t index) {
      if (n++ == 0) first = index;
    }
  };

  // Whether the metadata say which layers attend, and which have a window.
  bool is_mixing_said() const;
  bool is_window_said() const;
  void put_experts(bool has_experts, LayerFacts *facts) const;
  void apply_series(uint64_t index, LayerFacts *facts) const;
  void apply_tensors(uint64_t index, LayerFacts *facts);
  void check_rows(uint64_t index, infermem_model_layer *layer);
  Status make_layers();
  void weigh_by_tensors();
  Status warn_of(const Flaw &found, const char *what);

  template <typename... Arguments>
  Status warn(const char *format, Arguments... arguments) {
    return contents_->warnings.add(&contents_->arena, format, arguments...);
  }

  Contents *const contents_;
  Shape *const out_;
  infermem_model_config *const c_;
  LayerSeries series_;
  TensorShape tensors_;
  bool any_tensors_ = false;
  const Completed *model_ = nullptr;
  bool is_mixing_said_ = false;
  bool is_rest_said_ = false;  // nothing but that is taken from what is known of the architecture
  Flaw mixers_, experts_, rows_, states_;
};

bool ShapeReader::is_mixing_said() const {
  return model_->mixer == Mixer::kNone || c_->n_heads == 0 || c_->attention_interval != 0 ||
         series_.n_kv_heads.is_there() || series_.recurs.is_there();
}

bool ShapeReader::is_window_said() const {
  return c_->sliding_window == 0 || c_->window_interval != 0 || series_.has_window.is_there();
}

void ShapeReader::put_experts(bool has_experts, LayerFacts *facts) const {
  facts->has_experts = has_experts && c_->n_experts != 0;
  facts->intermediate = !facts->has_experts || model_->known.dense_too ? c_->intermediate : 0;
}

void ShapeReader::apply_series(uint64_t index, LayerFacts *facts) const {
  const bool one_part = model_->known.one_part;
  const bool can_recur = model_->mixer != Mixer::kNone;
  if (series_.has_experts.has(index)) put_experts(series_.has_experts.at(index) != 0, facts);
  if (series_.intermediate.has(index)) {
    const uint64_t said = series_.intermediate.at(index);
    if (one_part) facts->has_experts = said != 0 && c_->n_experts != 0;
    if (!facts->has_experts || model_->known.dense_too) facts->intermediate = said;
  }
  if (series_.has_window.has(index)) {
    facts->has_window = series_.has_window.at(index) != 0 && c_->sliding_window != 0;
    facts->n_kv_heads = facts->has_window ? c_->n_kv_heads_window : c_->n_kv_heads;
  }
  if (series_.n_heads.has(index)) facts->n_heads = series_.n_heads.at(index);
  if (series_.n_kv_heads.has(index)) {
    facts->n_kv_heads = series_.n_kv_heads.at(index);
    facts->attends = facts->n_kv_heads != 0;
    const bool feeds = one_part && (facts->intermediate != 0 || facts->has_experts);
    facts->recurs = can_recur && !facts->attends && !feeds;
  }
  if (series_.recurs.has(index)) {
    facts->recurs = series_.recurs.at(index) != 0 && can_recur;
    facts->attends = series_.recurs.at(index) == 0;
  }
  if (series_.is_empty.has(index) && series_.is_empty.at(index) != 0) facts->attends = facts->recurs = false;
  if (one_part && (facts->attends || facts->recurs)) {
    facts->intermediate = 0;
    facts->has_experts = false;
  }
  if (facts->n_heads == 0 || facts->n_kv_heads == 0) facts->attends = false;
  if (!facts->attends) facts->has_window = false;
}

// Where the metadata do not say what mixes tokens, the tensors do; else they are to agree. Delta attention whose tensors
// have the names of attention's is left alone.
void ShapeReader::apply_tensors(uint64_t index, LayerFacts *facts) {
  const LayerTensors &tensors = tensors_.layer(index);
  if (model_->mixer != Mixer::kKimi && (tensors.attends || tensors.recurs)) {
    const bool attends = tensors.attends && (model_->mixer != Mixer::kDeltaNet || !tensors.recurs);
    if (!is_mixing_said_ && c_->n_kv_heads != 0) {
      facts->attends = attends;
      facts->recurs = tensors.recurs;
    } else if (facts->attends != attends || facts->recurs != tensors.recurs) {
      mixers_.add(index);
    }
  }
  if (facts->has_experts == tensors.has_experts) return;
  experts_.add(index);
  put_experts(tensors.has_experts, facts);
}

void ShapeReader::check_rows(uint64_t index, infermem_model_layer *layer) {
  if (layer->n_heads == 0 || c_->weight_bits != 0) return;  // packed matrices have other shapes
  const LayerTensors &tensors = tensors_.layer(index);
  const bool latent = layer->kind == INFERMEM_LAYER_MLA;
  const uint64_t rows = latent ? tensors.latent_rows : tensors.k_rows;
  if (rows == 0 || rows == layer->n_kv_heads * layer->head_dim_k) return;
  rows_.add(index);
  layer->confidence = INFERMEM_CONFIDENCE_ROUGH;
}

Status ShapeReader::make_layers() {
  INFERMEM_TRY(out_->layers.reserve(c_->n_layers));
  for (uint64_t i = 0; i < c_->n_layers; ++i) {
    LayerFacts facts = facts_of(*model_, i);
    const uint64_t before = mixers_.n + experts_.n + states_.n;
    const bool has_tensors = any_tensors_ && tensors_.layer(i).bytes() != 0;
    apply_series(i, &facts);
    if (has_tensors) apply_tensors(i, &facts);
    infermem_model_layer layer = make_layer(*model_, facts, i);
    const bool mixing_said = is_mixing_said_ || has_tensors;
    if (mixing_said || layer.confidence != INFERMEM_CONFIDENCE_ROUGH)
      layer.confidence = mixing_said && is_rest_said_ ? INFERMEM_CONFIDENCE_EXACT : INFERMEM_CONFIDENCE_MODELLED;
    if (series_.recurs.has(i) && series_.recurs.at(i) != 0 && !facts.recurs) states_.add(i);
    if (mixers_.n + experts_.n + states_.n != before) layer.confidence = INFERMEM_CONFIDENCE_ROUGH;
    if (has_tensors) check_rows(i, &layer);
    INFERMEM_TRY(out_->layers.push(layer));
  }
  share_keys(*c_, &out_->layers);
  return INFERMEM_OK;
}

void ShapeReader::weigh_by_tensors() {
  for (uint64_t i = 0; i < c_->n_layers; ++i) {
    const LayerTensors &tensors = tensors_.layer(i);
    infermem_model_layer &layer = out_->layers[i];
    layer.weights_confidence = tensors.is_exact ? INFERMEM_CONFIDENCE_EXACT : INFERMEM_CONFIDENCE_MODELLED;
    layer.attention_bytes = tensors.attention;
    layer.dense_bytes = tensors.dense;
    layer.shared_expert_bytes = tensors.shared;
    layer.routed_expert_bytes = tensors.routed;
    layer.norm_bytes = tensors.norm;
    layer.other_bytes = tensors.other;
  }
  out_->weights = tensors_.weights();
}

Status ShapeReader::warn_of(const Flaw &found, const char *what) {
  if (found.n == 0) return INFERMEM_OK;
  return warn("the metadata and the tensors of %llu layers, the first being layer %llu, do not agree on %s",
              wide(found.n), wide(found.first), what);
}

Status ShapeReader::run() {
  *c_ = {};
  c_->struct_size = sizeof *c_;
  const bool is_gguf = contents_->format == Format::kGguf;
  INFERMEM_TRY((is_gguf ? read_gguf_config : read_hf_config)(contents_, c_, &series_));
  any_tensors_ = contents_->tensors.count() != 0;
  if (any_tensors_) INFERMEM_TRY(tensors_.read(*contents_, c_->n_layers, c_->n_layers - c_->n_nextn));
  if (any_tensors_ && !is_gguf) c_->tied_embeddings = !tensors_.has_output();

  const infermem_model_config said = *c_;
  const Completed model(said);
  model_ = &model;
  is_mixing_said_ = is_mixing_said();
  is_rest_said_ = is_window_said() && said.sliding_window == model.config.sliding_window &&
                  said.n_kv_shared_layers == model.config.n_kv_shared_layers && (is_known(model.known) || any_tensors_);
  *c_ = model.config;
  INFERMEM_TRY(make_layers());
  out_->weights.struct_size = sizeof out_->weights;
  if (any_tensors_)
    weigh_by_tensors();
  else
    out_->weights = weigh(model, &out_->layers);
  INFERMEM_TRY(warn_of(mixers_, "what mixes tokens"));
  INFERMEM_TRY(warn_of(experts_, "whether there are experts"));
  INFERMEM_TRY(warn_of(rows_, "the size of keys"));
  if (states_.n != 0)
    INFERMEM_TRY(
        warn("%llu layers, the first being layer %llu, are recurrent, and the size of their state is not known",
             wide(states_.n), wide(states_.first)));
  if (tensors_.beyond() == 0 || c_->n_layers == 0) return INFERMEM_OK;
  return warn("%llu tensors are of layers beyond the last of %llu", wide(tensors_.beyond()), wide(c_->n_layers));
}

}  // namespace

Status put_architecture(Keys *keys, const char *key, const Name &name, infermem_model_config *config) {
  // It becomes part of keys, and these of warnings: nothing that a terminal would obey gets in.
  const bool printable = std::all_of(name.text, name.text + name.length, [](char c) { return c > 0x20 && c < 0x7f; });
  if (name.length == 0 || name.length >= sizeof config->architecture || !printable)
    return keys->warn("\"%s\" is \"%s\", of %zu bytes, not a name of 1 to %zu printable ones", key, Quoted(name).text,
                      name.length, sizeof config->architecture - 1);
  std::memcpy(config->architecture, name.text, name.length);
  return INFERMEM_OK;
}

Status check_index(Keys *keys, Names names, LayerSeries *series) {
  uint64_t dim = 0;
  INFERMEM_TRY(keys->number(names, kMostSmall, &dim));
  if (dim == 0) return INFERMEM_OK;
  series->leaves_out = true;
  return keys->warn("the index of sparse attention, %llu elements a token and layer, is not counted", wide(dim));
}

Status check_complete(Keys *keys, const NeededNames &names, const infermem_model_config &c) {
  const bool recurs = mixer_of(c, architecture_of(c.architecture)) != Mixer::kNone;
  const struct {
    uint64_t value;
    const char *name;
    bool is_needed;
  } items[] = {
      {c.n_layers, names.n_layers, true},
      {c.hidden, names.hidden, true},
      {c.n_heads, names.n_heads, !recurs},
      {c.n_kv_heads, names.n_kv_heads, !recurs},
      {c.intermediate, names.intermediate, !recurs && c.n_experts == 0},
      {c.vocab, names.vocab, true},
      {c.context, names.context, true},
  };
  for (const auto &item : items)
    if (item.is_needed && item.value == 0)
      INFERMEM_TRY(keys->warn("the file does not say, or not usably, \"%s\"", keys->key(item.name).text));
  return INFERMEM_OK;
}

Status read_shape(const Allocator &allocator, Contents *contents, Shape *out) {
  return ShapeReader(allocator, contents, out).run();
}

}  // namespace infermem
