/* sparse_ffn: the feed-forward layers of a model with the neurons that matter alone, beside the layers whole.
 *
 *     sparse_ffn MODEL
 *
 * A neuron is a row of gate, a row of up and a column of down. Of the active ones, the first two are multiplied where
 * they are stored, by quant_gemv_rows, and the columns come from a store that keeps a quarter of them in memory, those
 * of hot neurons for good. The inputs are the model's embeddings, normalized as the layers do. First 256 of them are
 * counted; then come 256 others, of which it shows how far the output is from that of the whole layer, and how many
 * bytes of weights were read. Exit status 1, with one sentence, when a call fails, or when all neurons together do not
 * give what the whole layer gives.
 */
#include <infermem.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kCounted = 256, kShown = 256, kMostLayers = 64 };

/* Ends a function early with the status of a step that fails. */
#define TRY(call)                             \
  do {                                        \
    const int32_t status = (call);            \
    if (status != INFERMEM_OK) return status; \
  } while (0)

struct layer {
  infermem_quant *gate, *up, *down, *norm;
  float *norm_weights;
};

struct ffn {
  infermem_model_config config;
  size_t hidden, middle, n_layers;
  infermem_tape *tape; /* for everything here but the weights in the file */
  infermem_quant *embedding;
  infermem_quant *columns; /* of down, layer by layer, as rows */
  struct layer layers[kMostLayers];
  infermem_neuron *neurons;
  infermem_neuron_store *store;
  float *input, *gate, *up, *whole, *sparse;
  uint32_t *active, *ids;
  size_t *rows;
  const void **pointers;
};

/* ---- Loading ---- */

static int32_t borrow(const infermem_model *model, const char *name, infermem_quant **out) {
  size_t index;
  infermem_view view;
  TRY(model_tensor_find(model, name, &index));
  TRY(model_tensor_view(model, index, &view));
  const size_t rows = view.n_dims == 1 ? 1 : (size_t)view.shape[0], cols = (size_t)view.shape[view.n_dims == 1 ? 0 : 1];
  return quant_borrow(view.dtype, view.data, (size_t)view.bytes, rows, cols, NULL, out);
}

static int32_t take(struct ffn *f, size_t n, size_t size, void *out) {
  void *p = NULL;
  TRY(tape_alloc_array(f->tape, n, size, 64, &p));
  memcpy(out, &p, sizeof p);
  return INFERMEM_OK;
}

/* The columns of each layer's down, which are not together in the file, in 8 bits. */
static int32_t make_columns(struct ffn *f) {
  const size_t n = f->n_layers * f->middle;
  float *down = NULL, *columns = NULL;
  TRY(take(f, f->hidden * f->middle, sizeof *down, &down));
  TRY(take(f, n * f->hidden, sizeof *columns, &columns));
  for (size_t l = 0; l < f->n_layers; l++) {
    TRY(quant_to_f32(f->layers[l].down, down, f->hidden * f->middle));
    for (size_t i = 0; i < f->hidden; i++)
      for (size_t j = 0; j < f->middle; j++) columns[(l * f->middle + j) * f->hidden + i] = down[i * f->middle + j];
  }
  return quant_from_f32(columns, n * f->hidden, n, f->hidden, NULL, &f->columns);
}

static int32_t load(struct ffn *f, const infermem_model *model) {
  f->config.struct_size = sizeof f->config;
  TRY(model_config(model, &f->config));
  TRY(infermem_config_validate(&f->config));
  f->hidden = (size_t)f->config.hidden;
  f->middle = (size_t)f->config.intermediate;
  f->n_layers = (size_t)f->config.n_layers;
  if (f->n_layers > kMostLayers) return INFERMEM_E_UNSUPPORTED;
  INFERMEM_STRUCT(infermem_tape_options, tape);
  tape.size = sizeof(float) * ((f->n_layers + 1) * f->middle * f->hidden + f->n_layers * f->hidden + 16 * f->middle +
                               4 * f->hidden + 4096);
  TRY(tape_new(&tape, &f->tape));
  TRY(borrow(model, "token_embd.weight", &f->embedding));
  for (size_t l = 0; l < f->n_layers; l++) {
    struct layer *layer = &f->layers[l];
    const struct {
      const char *name;
      infermem_quant **matrix;
    } parts[] = {{"gate", &layer->gate}, {"up", &layer->up}, {"down", &layer->down}, {"norm", &layer->norm}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
      char name[64];
      snprintf(name, sizeof name, "blk.%zu.ffn_%s.weight", l, parts[i].name);
      TRY(borrow(model, name, parts[i].matrix));
    }
    TRY(take(f, f->hidden, sizeof(float), &layer->norm_weights));
    TRY(quant_to_f32(layer->norm, layer->norm_weights, f->hidden));
  }
  TRY(make_columns(f));
  TRY(take(f, f->hidden, sizeof(float), &f->input));
  TRY(take(f, f->hidden, sizeof(float), &f->whole));
  TRY(take(f, f->hidden, sizeof(float), &f->sparse));
  TRY(take(f, f->middle, sizeof(float), &f->gate));
  TRY(take(f, f->middle, sizeof(float), &f->up));
  TRY(take(f, f->middle, sizeof(uint32_t), &f->active));
  TRY(take(f, f->middle, sizeof(uint32_t), &f->ids));
  TRY(take(f, f->middle, sizeof(size_t), &f->rows));
  TRY(take(f, f->middle, sizeof(void *), &f->pointers));

  INFERMEM_STRUCT(infermem_neuron_options, neurons);
  neurons.n_layers = (uint32_t)f->n_layers;
  neurons.n_neurons = (uint32_t)f->middle;
  neurons.budget_fraction = 0.1f;
  TRY(neuron_new(&neurons, &f->neurons));
  INFERMEM_STRUCT(infermem_neuron_store_options, store);
  store.quant = f->columns;
  store.policy = INFERMEM_NEURON_LFU;
  store.half_life = 64 * (uint32_t)f->n_layers;
  store.budget_bytes = f->n_layers * f->middle * f->hidden * sizeof(float) / 4;
  return neuron_store_new(&store, &f->store);
}

static void free_all(struct ffn *f) {
  neuron_store_free(f->store);
  neuron_free(f->neurons);
  for (size_t l = 0; l < kMostLayers; l++) {
    quant_free(f->layers[l].gate);
    quant_free(f->layers[l].up);
    quant_free(f->layers[l].down);
    quant_free(f->layers[l].norm);
  }
  quant_free(f->columns);
  quant_free(f->embedding);
  tape_free(f->tape);
}

/* ---- The layer ---- */

static int32_t set_input(struct ffn *f, size_t layer, size_t token) {
  float squares = 0;
  TRY(quant_rows_to_f32(f->embedding, &token, 1, f->input, f->hidden));
  for (size_t i = 0; i < f->hidden; i++) squares += f->input[i] * f->input[i];
  const float scale = 1.0f / sqrtf(squares / (float)f->hidden + (float)f->config.norm_eps);
  for (size_t i = 0; i < f->hidden; i++) f->input[i] *= scale * f->layers[layer].norm_weights[i];
  return INFERMEM_OK;
}

static void activate(float *gate, const float *up, size_t n) {
  for (size_t j = 0; j < n; j++) gate[j] = gate[j] / (1.0f + expf(-gate[j])) * up[j];
}

/* All neurons; leaves their activations in f->gate. */
static int32_t whole_layer(struct ffn *f, size_t layer) {
  const struct layer *l = &f->layers[layer];
  TRY(quant_gemv(l->gate, 0, f->middle, f->input, f->hidden, f->gate, f->middle));
  TRY(quant_gemv(l->up, 0, f->middle, f->input, f->hidden, f->up, f->middle));
  activate(f->gate, f->up, f->middle);
  return quant_gemv(l->down, 0, f->hidden, f->gate, f->middle, f->whole, f->hidden);
}

/* The n neurons of f->active. */
static int32_t sparse_layer(struct ffn *f, size_t layer, size_t n) {
  const struct layer *l = &f->layers[layer];
  for (size_t i = 0; i < n; i++) {
    f->rows[i] = f->active[i];
    f->ids[i] = (uint32_t)(layer * f->middle) + f->active[i];
  }
  TRY(quant_gemv_rows(l->gate, f->rows, n, f->input, f->hidden, f->gate, n));
  TRY(quant_gemv_rows(l->up, f->rows, n, f->input, f->hidden, f->up, n));
  activate(f->gate, f->up, n);
  memset(f->sparse, 0, f->hidden * sizeof *f->sparse);
  /* As many at a time as the store has room for beside those that it keeps. */
  const size_t most = f->n_layers * f->middle / 8;
  for (size_t from = 0; from < n; from += most) {
    const size_t count = n - from < most ? n - from : most;
    TRY(neuron_fetch(f->store, f->ids + from, count, f->pointers));
    for (size_t i = 0; i < count; i++) {
      const float *column = f->pointers[i], a = f->gate[from + i];
      for (size_t k = 0; k < f->hidden; k++) f->sparse[k] += a * column[k];
    }
  }
  return INFERMEM_OK;
}

/* Which neurons matter: those whose activation is at least `share` of the mean magnitude. A predictor would tell from
 * the input; here the whole layer has just told. */
static size_t choose(struct ffn *f, float share, float *cutoff) {
  float sum = 0;
  size_t n = 0;
  for (size_t j = 0; j < f->middle; j++) sum += fabsf(f->gate[j]);
  *cutoff = share * sum / (float)f->middle;
  for (size_t j = 0; j < f->middle; j++)
    if (fabsf(f->gate[j]) >= *cutoff) f->active[n++] = (uint32_t)j;
  return n;
}

/* ---- Counting, then comparing ---- */

static int32_t count_and_keep(struct ffn *f) {
  for (size_t l = 0; l < f->n_layers; l++) {
    for (size_t token = 0; token < kCounted; token++) {
      float cutoff;
      TRY(set_input(f, l, token % (size_t)f->config.vocab));
      TRY(whole_layer(f, l));
      choose(f, 1, &cutoff);
      TRY(neuron_record_values(f->neurons, l, f->gate, f->middle, cutoff));
    }
    TRY(neuron_reclassify(f->neurons, l));
    const double fractions[] = {0.05, 0.1, 0.26, 0.5, 0.69};
    double covered[5];
    TRY(neuron_coverage(f->neurons, l, fractions, 5, covered));
    printf(
        "layer %zu: the most active 5, 10, 26, 50, 69 %% of neurons have %.0f, %.0f, %.0f, %.0f, %.0f %% of "
        "activations\n",
        l, 100 * covered[0], 100 * covered[1], 100 * covered[2], 100 * covered[3], 100 * covered[4]);
  }
  /* The hottest tenth of each layer stays in memory. */
  uint32_t *kept = NULL;
  size_t n_kept = 0;
  TRY(take(f, f->n_layers * f->middle, sizeof *kept, &kept));
  for (size_t l = 0; l < f->n_layers; l++) {
    const uint32_t *hot;
    size_t n_hot;
    TRY(neuron_hot(f->neurons, l, &hot, &n_hot));
    for (size_t i = 0; i < n_hot; i++) kept[n_kept++] = (uint32_t)(l * f->middle) + hot[i];
  }
  return neuron_store_keep(f->store, kept, n_kept);
}

static int32_t compare(struct ffn *f, float share, double *out_error) {
  INFERMEM_STRUCT(infermem_neuron_store_facts, before);
  INFERMEM_STRUCT(infermem_neuron_store_facts, after);
  TRY(neuron_store_stat(f->store, &before));
  double difference = 0, size = 0, whole_bytes = 0, row_bytes = 0;
  size_t n_active = 0;
  for (size_t token = kCounted; token < kCounted + kShown; token++) {
    for (size_t l = 0; l < f->n_layers; l++) {
      const struct layer *layer = &f->layers[l];
      const double a_row = (double)(quant_bytes(layer->gate) + quant_bytes(layer->up)) / (double)f->middle;
      float cutoff;
      TRY(set_input(f, l, token % (size_t)f->config.vocab));
      TRY(whole_layer(f, l));
      const size_t n = choose(f, share, &cutoff);
      TRY(sparse_layer(f, l, n));
      for (size_t i = 0; i < f->hidden; i++) {
        difference += (f->whole[i] - f->sparse[i]) * (f->whole[i] - f->sparse[i]);
        size += f->whole[i] * f->whole[i];
      }
      n_active += n;
      row_bytes += a_row * (double)n;
      whole_bytes += a_row * (double)f->middle;
    }
  }
  TRY(neuron_store_release(f->store));
  TRY(neuron_store_stat(f->store, &after));
  /* What is not in memory is read as it is stored. */
  const double column = (double)quant_bytes(f->columns) / (double)(f->n_layers * f->middle);
  const double misses = (double)(after.misses - before.misses), asked = misses + (double)(after.hits - before.hits);
  whole_bytes += column * (double)(kShown * f->n_layers * f->middle);
  *out_error = sqrt(difference / size);
  printf("%3.0f %% of neurons: error %.5f, columns in memory %.3f, bytes read %.3f of the whole layers'\n",
         100.0 * (double)n_active / (double)(kShown * f->n_layers * f->middle), *out_error, 1 - misses / asked,
         (row_bytes + column * misses) / whole_bytes);
  return INFERMEM_OK;
}

static int32_t run(struct ffn *f, const infermem_model *model, double *out_error) {
  double error;
  TRY(load(f, model));
  TRY(count_and_keep(f));
  TRY(compare(f, 0, out_error));
  TRY(compare(f, 0.5f, &error));
  TRY(compare(f, 1, &error));
  return compare(f, 2, &error);
}

int main(int argc, char **argv) {
  if (argc != 2) return fputs("usage: sparse_ffn MODEL\n", stderr), 1;
  static struct ffn ffn;
  infermem_model *model = NULL;
  double error = 1;
  int32_t status = model_open(argv[1], NULL, &model);
  if (status == INFERMEM_OK) status = run(&ffn, model, &error);
  if (status != INFERMEM_OK)
    fprintf(stderr, "sparse_ffn: %s: %s\n", infermem_error_name(status), infermem_error_detail()->message);
  else if (!(error < 0.01)) /* the columns are in 8 bits */
    fprintf(stderr, "sparse_ffn: all neurons together are off by %g\n", error);
  free_all(&ffn);
  model_free(model);
  return status != INFERMEM_OK || !(error < 0.01);
}
