// From metadata to the numbers that a model's memory depends on, and what they say of single layers.
#pragma once

#include "model/keys.hh"
#include "model/shape.hh"

namespace infermem {

// What metadata say of single layers; a series is empty where they say nothing. Bools are 0 and 1.
struct LayerSeries {
  explicit LayerSeries(const Allocator &allocator)
      : n_heads(allocator),
        n_kv_heads(allocator),
        intermediate(allocator),
        has_window(allocator),
        recurs(allocator),
        has_experts(allocator),
        is_empty(allocator) {}

  Series n_heads;
  Series n_kv_heads;    // 0 where the layer does not attend
  Series intermediate;  // 0 where the layer has no dense part
  Series has_window;
  Series recurs;  // where it is 0 the layer attends
  Series has_experts;
  Series is_empty;          // 1 where the layer neither attends nor is recurrent
  bool leaves_out = false;  // something that layers keep is not counted
};

// Fill *config, which is all 0 but for its struct_size, and *series with what the metadata say; what is wrong or
// missing becomes a warning. Record INFERMEM_E_NOMEM, _IO, _TRUNCATED and _LIMIT.
Status read_gguf_config(Contents *contents, infermem_model_config *config, LayerSeries *series);
Status read_hf_config(Contents *contents, infermem_model_config *config, LayerSeries *series);

// Copies a name into the configuration where it is printable and not too long, else warns.
Status put_architecture(Keys *keys, const char *key, const Name &name, infermem_model_config *config);
// Warns of the keys of a sparse attention's index, which are kept besides and are not counted.
Status check_index(Keys *keys, Names names, LayerSeries *series);
// Warns of each number that is missing; the names are for messages.
struct NeededNames {
  const char *n_layers, *hidden, *n_heads, *n_kv_heads, *intermediate, *vocab, *context;
};
Status check_complete(Keys *keys, const NeededNames &names, const infermem_model_config &config);

// Fills *out, which is empty: the metadata first, then the tensors, then what is known of the architecture.
Status read_shape(const Allocator &allocator, Contents *contents, Shape *out);

}  // namespace infermem
