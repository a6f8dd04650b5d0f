#include "llama.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Ends a function early with the status of a step that fails. */
#define TRY(call)                             \
  do {                                        \
    const int32_t status = (call);            \
    if (status != INFERMEM_OK) return status; \
  } while (0)

/* Buffers of a pass that are not in use at the same time share memory. */
enum { kScratch = INFERMEM_SCRATCH_OVERLAP };

/* ---- Loading ---- */

static int32_t floats(const infermem_tape *tape, size_t n, float **out) {
  return tape_alloc_array(tape, n, sizeof(float), 64, (void **)out);
}

/* The bytes that a tensor takes in the weights tape: 8 bits a weight and two floats a group of 32 where it is quantized
 * here, else what it has in the file; and room to align it. */
static size_t bytes_in_tape(const infermem_tensor_info *tensor) {
  const size_t slack = 4096;
  if (tensor->dtype == INFERMEM_DTYPE_F16) return (size_t)(tensor->elements + tensor->elements / 4) + slack;
  return (size_t)tensor->bytes + slack;
}

static int32_t find(const infermem_model *model, const char *name, infermem_view *view) {
  size_t index;
  TRY(model_tensor_find(model, name, &index));
  return model_tensor_view(model, index, view);
}

/* A norm: floats, copied. */
static int32_t load_vector(struct llama *llama, const infermem_model *model, const char *name, const float **out) {
  infermem_view view;
  TRY(find(model, name, &view));
  infermem_quant *source;
  TRY(quant_borrow(view.dtype, view.data, (size_t)view.bytes, 1, (size_t)view.shape[0], NULL, &source));
  float *values = NULL;
  int32_t status = floats(layout_weights(llama->layout), (size_t)view.shape[0], &values);
  if (status == INFERMEM_OK) status = quant_to_f32(source, values, (size_t)view.shape[0]);
  quant_free(source);
  *out = values;
  return status;
}

/* A matrix: F16 is quantized to 8 bits, by way of floats in the scratch tape; what is quantized already is copied. */
static int32_t load_matrix(struct llama *llama, const infermem_model *model, const char *name, infermem_quant **out) {
  const infermem_tape *weights = layout_weights(llama->layout);
  infermem_view view;
  TRY(find(model, name, &view));
  const size_t rows = (size_t)view.shape[0], cols = (size_t)view.shape[1];
  if (view.dtype != INFERMEM_DTYPE_F16) {
    void *copy = NULL;
    TRY(tape_alloc(weights, (size_t)view.bytes, 64, &copy));
    memcpy(copy, view.data, (size_t)view.bytes);
    return quant_borrow(view.dtype, copy, (size_t)view.bytes, rows, cols, NULL, out);
  }
  infermem_quant *source;
  TRY(quant_borrow(view.dtype, view.data, (size_t)view.bytes, rows, cols, NULL, &source));
  float *expanded = NULL;
  int32_t status = floats(layout_scratch(llama->layout), rows * cols, &expanded);
  if (status == INFERMEM_OK) status = quant_to_f32(source, expanded, rows * cols);
  if (status == INFERMEM_OK) {
    INFERMEM_STRUCT(infermem_quant_options, options);
    options.bits = 8;
    options.group = 32;
    options.tape = weights;
    status = quant_from_f32(expanded, rows * cols, rows, cols, &options, out);
  }
  quant_free(source);
  return status == INFERMEM_OK ? layout_clear_pass(llama->layout) : status;
}

static int32_t load_layer(struct llama *llama, const infermem_model *model, unsigned i) {
  struct llama_layer *layer = &llama->layers[i];
  char name[64];
  const struct {
    const char *suffix;
    infermem_quant **matrix;
  } matrices[] = {{"attn_q", &layer->q},      {"attn_k", &layer->k},      {"attn_v", &layer->v},
                  {"attn_output", &layer->o}, {"ffn_gate", &layer->gate}, {"ffn_up", &layer->up},
                  {"ffn_down", &layer->down}};
  for (size_t j = 0; j < sizeof matrices / sizeof *matrices; j++) {
    snprintf(name, sizeof name, "blk.%u.%s.weight", i, matrices[j].suffix);
    TRY(load_matrix(llama, model, name, matrices[j].matrix));
  }
  snprintf(name, sizeof name, "blk.%u.attn_norm.weight", i);
  TRY(load_vector(llama, model, name, &layer->attention_norm));
  snprintf(name, sizeof name, "blk.%u.ffn_norm.weight", i);
  return load_vector(llama, model, name, &layer->ffn_norm);
}

/* Sizes the tapes: what the tensors take; the larger of one pass and the largest tensor as floats; and the KV cache. */
static int32_t lay_out(struct llama *llama, const infermem_model *model, size_t max_tokens) {
  const infermem_model_config *c = &llama->config;
  size_t weights = 0, largest = 0;
  for (size_t i = 0; i < model_tensor_count(model); i++) {
    INFERMEM_STRUCT(infermem_tensor_info, tensor);
    TRY(model_tensor_info(model, i, &tensor));
    weights += bytes_in_tape(&tensor);
    if (tensor.elements > largest) largest = (size_t)tensor.elements;
  }
  infermem_scratch *sized; /* only to know what the buffers of a pass take */
  TRY(scratch_new(c, &(infermem_scratch_options){.struct_size = sizeof(infermem_scratch_options), .flags = kScratch},
                  &sized));
  const size_t pass = scratch_total_bytes(sized) + sizeof(float) * (size_t)c->intermediate;
  scratch_free(sized);
  const size_t kv_dim = (size_t)(c->n_kv_heads * c->head_dim_k), expanded = sizeof(float) * largest;
  INFERMEM_STRUCT(infermem_layout_options, options);
  options.weights_size = weights;
  options.scratch_size = (pass > expanded ? pass : expanded) + 4096;
  options.history_size = (size_t)c->n_layers * 2 * (sizeof(float) * kv_dim * max_tokens + 64) + 4096;
  options.scratch_flags = INFERMEM_TAPE_WARM | INFERMEM_TAPE_EXCLUSIVE;
  return layout_new(&options, &llama->layout);
}

int32_t llama_new_cache(struct llama *llama, size_t max_tokens) {
  const infermem_model_config *c = &llama->config;
  INFERMEM_STRUCT(infermem_kv_options, options);
  options.n_layers = (size_t)c->n_layers;
  options.n_kv_heads = (size_t)c->n_kv_heads;
  options.head_dim = (size_t)c->head_dim_k;
  options.max_tokens = max_tokens;
  kv_free(llama->kv);
  llama->kv = NULL;
  TRY(tape_clear(layout_history(llama->layout)));
  options.tape = layout_history(llama->layout);
  return kv_new(&options, &llama->kv);
}

int32_t llama_load(struct llama *llama, const infermem_model *model, size_t max_tokens) {
  memset(llama, 0, sizeof *llama);
  llama->config.struct_size = sizeof llama->config;
  TRY(model_config(model, &llama->config));
  const infermem_model_config *c = &llama->config;
  TRY(infermem_config_validate(c));
  if (c->n_layers > LLAMA_MAX_LAYERS || c->head_dim_k != c->head_dim_v) return INFERMEM_E_UNSUPPORTED;
  TRY(lay_out(llama, model, max_tokens));

  TRY(load_matrix(llama, model, "token_embd.weight", &llama->embedding));
  for (unsigned i = 0; i < c->n_layers; i++) TRY(load_layer(llama, model, i));
  TRY(load_vector(llama, model, "output_norm.weight", &llama->output_norm));
  llama->output = llama->embedding;
  if (!c->tied_embeddings) TRY(load_matrix(llama, model, "output.weight", &llama->output));
  TRY(tape_seal(layout_weights(llama->layout)));

  INFERMEM_STRUCT(infermem_scratch_options, scratch);
  scratch.flags = kScratch;
  scratch.tape = layout_scratch(llama->layout);
  TRY(scratch_new(c, &scratch, &llama->scratch));
  TRY(tape_mark(layout_scratch(llama->layout), &llama->pass));

  TRY(llama_new_cache(llama, max_tokens));

  INFERMEM_STRUCT(infermem_neuron_options, neurons);
  neurons.n_layers = (uint32_t)c->n_layers;
  neurons.n_neurons = (uint32_t)c->intermediate;
  neurons.threshold = 0.5f;
  TRY(neuron_new(&neurons, &llama->neurons));
  return dispatch_new(NULL, &llama->dispatch);
}

void llama_free(struct llama *llama) {
  for (size_t i = 0; i < LLAMA_MAX_LAYERS; i++) {
    struct llama_layer *layer = &llama->layers[i];
    quant_free(layer->q);
    quant_free(layer->k);
    quant_free(layer->v);
    quant_free(layer->o);
    quant_free(layer->gate);
    quant_free(layer->up);
    quant_free(layer->down);
  }
  if (llama->output != llama->embedding) quant_free(llama->output);
  quant_free(llama->embedding);
  scratch_free(llama->scratch);
  kv_free(llama->kv);
  neuron_free(llama->neurons);
  dispatch_free(llama->dispatch);
  layout_free(llama->layout);
}

/* ---- The forward pass ---- */

/* y = W x, from the form in which the weights are stored. */
static int32_t matvec(const infermem_quant *w, const float *x, float *y) {
  size_t rows, cols;
  TRY(quant_shape(w, &rows, &cols));
  return quant_gemv(w, 0, rows, x, cols, y, rows);
}

static void rms_norm(const float *x, const float *weight, size_t n, double eps, float *out) {
  float squares = 0;
  for (size_t i = 0; i < n; i++) squares += x[i] * x[i];
  const float scale = 1.0f / sqrtf(squares / (float)n + (float)eps);
  for (size_t i = 0; i < n; i++) out[i] = x[i] * scale * weight[i];
}

/* Rotates each head's pairs (2i, 2i + 1) by position * theta^(-2i / dims): the order of pairs that GGUF's "llama" has. */
static void rope(float *x, size_t n_heads, size_t head_dim, const infermem_model_config *c, size_t position) {
  for (size_t h = 0; h < n_heads; h++) {
    for (size_t i = 0; i < c->rope_dims; i += 2) {
      const double angle = (double)position * pow(c->rope_theta, -(double)i / (double)c->rope_dims);
      const float cosine = (float)cos(angle), sine = (float)sin(angle);
      float *pair = &x[h * head_dim + i];
      const float a = pair[0], b = pair[1];
      pair[0] = a * cosine - b * sine;
      pair[1] = a * sine + b * cosine;
    }
  }
}

/* Each query head attends to its group's keys and values, which are read where the cache has them. */
static int32_t attend(const struct llama *llama, size_t layer, const float *q, float *out) {
  const infermem_model_config *c = &llama->config;
  const size_t width = (size_t)(c->n_heads * c->head_dim_k);
  INFERMEM_STRUCT(infermem_kv_attend_options, options);
  options.n_q_heads = (size_t)c->n_heads;
  return kv_attend(llama->kv, layer, &options, 0, (size_t)c->n_kv_heads, q, width, out, width);
}

/* Records the neurons that were active: those of at least the mean magnitude of their layer. */
static int32_t record_active(struct llama *llama, size_t layer, const float *activations) {
  const size_t n = (size_t)llama->config.intermediate;
  uint32_t *active = NULL;
  float sum = 0;
  size_t n_active = 0;
  infermem_tape_mark mark;
  TRY(tape_mark(layout_scratch(llama->layout), &mark));
  TRY(tape_alloc_array(layout_scratch(llama->layout), n, sizeof *active, 64, (void **)&active));
  for (size_t i = 0; i < n; i++) sum += fabsf(activations[i]);
  for (size_t i = 0; i < n; i++)
    if (fabsf(activations[i]) * (float)n >= sum) active[n_active++] = (uint32_t)i;
  TRY(neuron_record(llama->neurons, layer, active, n_active));
  return tape_rewind(layout_scratch(llama->layout), &mark);
}

/* A buffer of the pass, whose length the configuration says. */
static int32_t buffer(const struct llama *llama, int32_t which, float **out) {
  size_t n;
  return scratch_f32(llama->scratch, which, out, &n);
}

static int32_t forward(struct llama *llama, uint32_t token, const float **logits) {
  const infermem_model_config *c = &llama->config;
  const size_t hidden = (size_t)c->hidden, middle = (size_t)c->intermediate, position = kv_len(llama->kv);
  const size_t kv_dim = (size_t)(c->n_kv_heads * c->head_dim_k);

  float *x = NULL, *normed = NULL, *q = NULL, *k = NULL, *v = NULL, *attended = NULL;
  float *projected = NULL, *gate = NULL, *up = NULL, *down = NULL, *out = NULL;
  TRY(buffer(llama, INFERMEM_SCRATCH_HIDDEN, &x));
  TRY(buffer(llama, INFERMEM_SCRATCH_NORMED, &normed));
  TRY(buffer(llama, INFERMEM_SCRATCH_Q, &q));
  TRY(buffer(llama, INFERMEM_SCRATCH_K, &k));
  TRY(buffer(llama, INFERMEM_SCRATCH_V, &v));
  TRY(buffer(llama, INFERMEM_SCRATCH_ATTN_OUT, &attended));
  TRY(buffer(llama, INFERMEM_SCRATCH_ATTN_PROJ, &projected));
  TRY(buffer(llama, INFERMEM_SCRATCH_FFN_GATE, &gate));
  TRY(buffer(llama, INFERMEM_SCRATCH_FFN_UP, &up));
  TRY(buffer(llama, INFERMEM_SCRATCH_FFN_DOWN, &down));
  TRY(buffer(llama, INFERMEM_SCRATCH_LOGITS, &out));
  TRY(tape_rewind(layout_scratch(llama->layout), &llama->pass));

  const size_t row = token;
  TRY(quant_rows_to_f32(llama->embedding, &row, 1, x, hidden));
  for (size_t i = 0; i < c->n_layers; i++) {
    const struct llama_layer *layer = &llama->layers[i];
    rms_norm(x, layer->attention_norm, hidden, c->norm_eps, normed);
    TRY(matvec(layer->q, normed, q));
    TRY(matvec(layer->k, normed, k));
    TRY(matvec(layer->v, normed, v));
    rope(q, (size_t)c->n_heads, (size_t)c->head_dim_k, c, position);
    rope(k, (size_t)c->n_kv_heads, (size_t)c->head_dim_k, c, position);
    TRY(kv_append(llama->kv, i, k, kv_dim, v, kv_dim, 1));
    TRY(attend(llama, i, q, attended));
    TRY(matvec(layer->o, attended, projected));
    for (size_t j = 0; j < hidden; j++) x[j] += projected[j];

    rms_norm(x, layer->ffn_norm, hidden, c->norm_eps, normed);
    TRY(matvec(layer->gate, normed, gate));
    TRY(matvec(layer->up, normed, up));
    for (size_t j = 0; j < middle; j++) gate[j] = gate[j] / (1.0f + expf(-gate[j])) * up[j];
    TRY(record_active(llama, i, gate));
    TRY(matvec(layer->down, gate, down));
    for (size_t j = 0; j < hidden; j++) x[j] += down[j];
  }
  TRY(kv_advance(llama->kv, 1));
  rms_norm(x, llama->output_norm, hidden, c->norm_eps, normed);
  TRY(matvec(llama->output, normed, out));
  *logits = out;
  return INFERMEM_OK;
}

int32_t llama_forward(struct llama *llama, uint32_t token, const float **logits) {
  const uint64_t started_ns = dispatch_timer_start();
  TRY(forward(llama, token, logits));
  return dispatch_timer_stop(llama->dispatch, INFERMEM_DISPATCH_CPU, started_ns);
}
