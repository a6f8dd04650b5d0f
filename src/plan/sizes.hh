// The bytes of everything in a plan, by the formulas of infermem/plan.h.
#pragma once

#include "base/size.hh"
#include "model/shape.hh"
#include "plan/request.hh"

namespace infermem {

// A layer, as far as memory is concerned.
struct PlanLayer {
  bool is_loaded;
  bool owns_kv;
  bool has_window;
  uint32_t kv_confidence;
  uint32_t weights_confidence;
  uint64_t kv_source;
  uint64_t n_kv_heads;
  uint64_t head_dim_k;
  uint64_t head_dim_v;
  uint64_t window;  // tokens; 0: all
  uint64_t weights;
  uint64_t experts;   // of the weights, those of routed experts
  uint64_t streamed;  // what one pass copies of a layer that does not stay
  uint64_t dequant;   // the copy to prefill with
  uint64_t state;     // of all sequences

  // What the plan came to.
  uint32_t place;  // an index of Request::places
  bool is_resident;
  bool has_host_experts;
};

class Sizes {
 public:
  void use(const Allocator &allocator) { layers_.use(allocator); }
  // Records E_OVERFLOW where a layer's or the weights' sizes do not fit, and E_NOMEM.
  Status open(const Request &request, const Shape &shape);

  // Whether caches can be stored so; check() records why not.
  bool allows(const Caches &caches) const { return problem_of(caches).code == INFERMEM_OK; }
  Status check(const Caches &caches) const;

  // A layer's cache of one token in bytes, and its cache of all sequences. Nothing for a layer without one.
  struct Row {
    uint64_t k, v;
  };
  Row row(const PlanLayer &layer, const Caches &caches) const;
  Size kv(const PlanLayer &layer, const Caches &caches) const;
  uint64_t cells(const PlanLayer &layer, uint64_t context) const;  // tokens of one stream
  int32_t type(const PlanLayer &layer, int32_t asked) const;       // how its keys or values are stored

  // Buffers of a pass: on a device, with the output or without; on the host beside devices; where all is in one memory.
  Size compute(const Caches &caches, bool has_output) const;
  Size host_compute(const Caches &caches) const;
  Size pool_compute(const Caches &caches) const;
  uint32_t compute_confidence() const;
  // What is there once: the output with what belongs to it, the embedding where it is apart, and the caller's logits.
  Size head(bool is_pool) const;
  uint64_t embedding(bool is_pool) const;
  // Of all weights, those that are where the layers are.
  uint64_t weights_beside(bool is_pool) const;
  uint64_t output() const { return output_; }
  Size staging() const { return Size(request_->options.slots) * largest_layer_; }

  size_t n_layers() const { return layers_.size(); }
  const PlanLayer &layer(size_t i) const { return layers_[i]; }
  PlanLayer &layer(size_t i) { return layers_[i]; }
  PlanLayer *layers() { return layers_.data(); }
  const infermem_model_config &config() const { return config_; }
  uint64_t rows_of_pass(uint64_t context) const;                // tokens computed at once
  uint64_t trained_context() const { return config_.context; }  // 0 where the model does not say
  uint64_t n_loaded() const { return n_loaded_; }
  uint64_t largest_layer() const { return largest_layer_; }
  uint64_t total_weights() const { return weights_.total_bytes; }
  uint32_t weights_confidence() const { return weights_.confidence; }
  bool has_latent() const { return has_latent_; }
  bool has_experts() const { return has_experts_; }
  bool has_cache() const { return has_cache_; }
  bool leaves_out_nextn() const { return n_loaded_ < layers_.size(); }

 private:
  struct Problem {
    Status code;
    int32_t type;
    size_t layer;
    uint64_t dim;
  };
  Problem problem_of(const Caches &caches) const;
  Status read_layer(const infermem_model_layer &from, size_t index);
  void settle_kv(const infermem_model_layer &from, PlanLayer *layer) const;
  bool is(uint32_t profile) const { return request_->options.profile == profile; }
  uint64_t all_cells(uint64_t context) const;  // of one stream, where there is no window
  Size buffers(uint64_t batch) const;

  const Request *request_ = nullptr;
  infermem_model_config config_ = {};
  infermem_model_weights weights_ = {};
  Vec<PlanLayer> layers_;
  uint64_t n_loaded_ = 0;
  uint64_t largest_layer_ = 0;
  uint64_t widest_v_ = 0;  // elements of a token's values in the layer that has most
  uint64_t output_ = 0;
  uint64_t rope_table_ = 0;
  bool has_latent_ = false;
  bool has_experts_ = false;
  bool has_cache_ = false;
  bool has_mixed_windows_ = false;
};

}  // namespace infermem
