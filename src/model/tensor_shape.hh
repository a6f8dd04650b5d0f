// What tensors tell of a model's shape: which layer each belongs to, what it is for, and what it weighs.
#pragma once

#include "model/contents.hh"
#include "model/shape.hh"

namespace infermem {

// What a layer's tensors are.
struct LayerTensors {
  uint64_t attention, dense, shared, routed, norm, other;  // bytes
  uint64_t k_rows;                                         // of the projection to keys; 0 where it is not known
  uint64_t latent_rows;                                    // of that to latents and rotated keys
  bool attends;                                            // there is a projection to keys or to latents
  bool recurs;
  bool has_experts;
  bool is_exact;  // no tensor's size was inferred

  uint64_t bytes() const { return attention + dense + shared + routed + norm + other; }
};

// The sums over all tensors. What lies in a file is counted once, so that no sum overflows.
class TensorShape {
 public:
  explicit TensorShape(const Allocator &allocator) : layers_(allocator) {}

  // n_main layers are numbered by the model's names, those after them also by names of their own ("mtp.layers.0").
  // Records INFERMEM_E_NOMEM.
  Status read(const Contents &contents, uint64_t n_layers, uint64_t n_main);

  const LayerTensors &layer(uint64_t index) const { return layers_[index]; }
  bool has_output() const { return weights_.output_bytes != 0; }
  // Tensors of layers beyond the last.
  uint64_t beyond() const { return beyond_; }
  infermem_model_weights weights() const;

 private:
  void add(const Tensor &tensor, uint64_t n_main, bool is_exact);

  Vec<LayerTensors> layers_;
  infermem_model_weights weights_ = {};
  uint64_t beyond_ = 0;
  bool is_exact_ = true;
};

}  // namespace infermem
