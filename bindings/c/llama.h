/* llama.h: a Llama model held in infermem's memory, and its forward pass.
 *
 * Weights live in the weights tape, the buffers of a pass in the scratch tape, the KV cache in the history tape. Products
 * with weights are the library's; the rest is straightforward C. How long each pass took is recorded.
 */
#ifndef LLAMA_H
#define LLAMA_H

#include <infermem.h>

enum { LLAMA_MAX_LAYERS = 128 };

struct llama_layer {
  const float *attention_norm, *ffn_norm;
  infermem_quant *q, *k, *v, *o, *gate, *up, *down;
};

struct llama {
  infermem_model_config config;
  infermem_layout *layout;
  infermem_quant *embedding; /* the output matrix too, of a model with tied embeddings */
  infermem_quant *output;    /* the one of these two that logits come from */
  const float *output_norm;
  struct llama_layer layers[LLAMA_MAX_LAYERS];
  infermem_scratch *scratch;
  infermem_tape_mark pass; /* what a pass takes from the scratch tape besides comes behind this */
  infermem_kv *kv;
  infermem_neuron *neurons;
  infermem_dispatch *dispatch;
};

/* Lays out the three tapes for max_tokens tokens, copies or quantizes every weight into the first, seals it, and makes
 * the buffers of a pass in the second and an empty cache in the third. Returns INFERMEM_OK or the status of the call
 * that failed; in either case free it with llama_free. */
int32_t llama_load(struct llama *llama, const infermem_model *model, size_t max_tokens);

/* Starts a new conversation: an empty cache in the place of the one there was. */
int32_t llama_new_cache(struct llama *llama, size_t max_tokens);

/* Runs one token through the model, at the position after those before: *logits points to config.vocab floats in the
 * scratch tape, good until the next call. */
int32_t llama_forward(struct llama *llama, uint32_t token, const float **logits);

void llama_free(struct llama *llama);

#endif
