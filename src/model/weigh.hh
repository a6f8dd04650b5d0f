// What a layer and a model weigh by their numbers alone: infermem/model.h has the formulas.
#pragma once

#include "base/size.hh"
#include "model/architectures.hh"

namespace infermem {

// Bytes by class, and elements.
struct LayerWeight {
  Size attention, dense, shared, routed, norm, other;
  Size elements;

  Size bytes() const { return attention + dense + shared + routed + norm + other; }
};

struct ModelWeight {
  Size embedding, output, other;  // bytes
  Size elements;                  // of these three
};

LayerWeight weigh_layer(const Completed &model, const infermem_model_layer &layer);
// Of all but the layers.
ModelWeight weigh_ends(const Completed &model);

}  // namespace infermem
