// A model's shape: its numbers, its layers one by one, and its weights, from a file or from numbers alone.
#pragma once

#include "base/vec.hh"
#include "infermem/model.h"

namespace infermem {

struct Shape {
  void use(const Allocator &allocator) { layers.use(allocator); }

  infermem_model_config config = {};
  Vec<infermem_model_layer> layers;  // n_layers of them
  infermem_model_weights weights = {};
};

// The layer of that index, which is below n_layers, and the weights, of a configuration that validate_config let pass.
infermem_model_layer layer_of(const infermem_model_config &config, uint64_t index);
infermem_model_weights weights_of(const infermem_model_config &config);

// Fills *out, which is empty, with all of it. Records what validate_config does, and INFERMEM_E_NOMEM.
Status shape_of(const infermem_model_config &config, Shape *out);

}  // namespace infermem
