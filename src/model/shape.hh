// A model's shape: its numbers, its layers one by one, and its weights, from a file or from numbers alone.
#pragma once

#include "base/vec.hh"
#include "model/architectures.hh"

namespace infermem {

struct Shape {
  void use(const Allocator &allocator) { layers.use(allocator); }

  infermem_model_config config = {};
  Vec<infermem_model_layer> layers;  // n_layers of them
  infermem_model_weights weights = {};
};

// Fills *out, which is empty, from a configuration that validate_config let pass. Records INFERMEM_E_NOMEM.
Status shape_of(const infermem_model_config &config, Shape *out);
// The same of one layer, whose index is below n_layers, and of the weights.
infermem_model_layer layer_of(const infermem_model_config &config, uint64_t index);
infermem_model_weights weights_of(const infermem_model_config &config);

// Records INFERMEM_E_RANGE.
Status check_layer(uint64_t index, uint64_t n_layers);

// ---- The steps, for those who know more than a configuration ----

// What decides a layer's shape.
struct LayerFacts {
  bool attends;
  bool recurs;
  bool has_window;
  bool has_experts;
  uint64_t n_heads;
  uint64_t n_kv_heads;
  uint64_t intermediate;
};

// What the configuration says of a layer.
LayerFacts facts_of(const Completed &model, uint64_t index);
// Whether some layers attend and others are recurrent, and nothing says which.
bool is_layout_open(const Completed &model);
// The layer without its bytes; it uses its own keys.
infermem_model_layer make_layer(const Completed &model, const LayerFacts &facts, uint64_t index);
// Lets the trailing layers use keys of earlier ones.
void share_keys(const infermem_model_config &config, Vec<infermem_model_layer> *layers);
// The layers' bytes and the model's by the formulas; layers has all of them. What does not fit is 0.
infermem_model_weights weigh(const Completed &model, Vec<infermem_model_layer> *layers);

}  // namespace infermem
