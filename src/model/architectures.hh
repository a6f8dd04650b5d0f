// What is known of architectures that their files do not say: the last source of a layer's shape, after metadata and
// tensors. One table, in architectures.cc.
#pragma once

#include "infermem/model.h"

namespace infermem {

// What mixes tokens in a layer that does not attend.
enum class Mixer : uint8_t {
  kNone,
  kMamba,     // Gu and Dao 2023
  kMamba2,    // Dao and Gu 2024
  kDeltaNet,  // the gated delta net of Qwen3-Next
  kKimi,      // the delta attention of Kimi Linear
  kConv,      // the short convolution of LFM2
  kRwkv       // RWKV 6 and 7
};

struct Architecture {
  // GGUF's general.architecture and the model_type of Hugging Face's configurations, a space between them.
  const char *names;
  uint32_t flags;  // INFERMEM_CONFIG_*
  Mixer mixer;
  // As in infermem_model_config; 0 where there is nothing to know.
  uint8_t window_interval;
  uint8_t window_first;
  uint8_t attention_interval;
  uint8_t attention_first;
  uint16_t window;         // tokens, where the file has no number
  uint8_t layers_with_kv;  // so many layers have keys and values of their own, the later ones use theirs
  uint8_t window_layers;   // only models of so many layers have a window
  bool tied;               // a configuration that does not say so has tied embeddings
  bool dense_too;          // layers with experts have the dense part as well
  bool shared_gate;        // shared experts have a gate
  bool router_bias;        // experts are chosen by their scores and a number each
  bool sinks;              // attention has a number a head that takes weight from all tokens
  bool embedding_norm;     // the embedding is normed
  bool output_bias;
  uint8_t token_types;  // embeddings of these
  bool pooler;          // a matrix of hidden with a bias behind the last layer
  bool weighs_more;     // there are matrices that the formulas leave out
  bool one_part;        // a layer attends, is recurrent or feeds forward, one of these
};

// The row of that name; one in which nothing is known, with names "", where there is none.
const Architecture &architecture_of(const char *name);

inline bool is_known(const Architecture &architecture) { return *architecture.names != '\0'; }

// A configuration, with what it leaves open filled in where its other numbers or its architecture tell.
struct Completed {
  explicit Completed(const infermem_model_config &config);

  bool has(uint32_t flag) const { return (config.flags & flag) != 0; }

  infermem_model_config config;
  const Architecture &known;
  Mixer mixer;  // of layers that do not attend
};

// The mixer that the configuration's numbers are of.
Mixer mixer_of(const infermem_model_config &config, const Architecture &known);

}  // namespace infermem
