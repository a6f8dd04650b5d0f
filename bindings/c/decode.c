/* decode: opens a model file, plans, lays out the memory, and generates tokens, showing what happened to the memory.
 *
 *     decode [--tokens N] [--logits FILE] MODEL
 *
 * Starts from a fixed prompt and takes the likeliest token each time. --logits writes the logits of every position as
 * 32-bit floats. Exit status 1, with one sentence, when anything goes wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "llama.h"

static const uint32_t kPrompt[] = {1, 17, 42, 99};
enum { kPromptLength = sizeof kPrompt / sizeof *kPrompt };

struct arguments {
  const char *model, *logits;
  size_t tokens; /* to generate */
};

static int parse(int argc, char **argv, struct arguments *a) {
  memset(a, 0, sizeof *a);
  a->tokens = 32;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--tokens") == 0 && i + 1 < argc)
      a->tokens = strtoul(argv[++i], NULL, 10);
    else if (strcmp(argv[i], "--logits") == 0 && i + 1 < argc)
      a->logits = argv[++i];
    else if (argv[i][0] != '-' && !a->model)
      a->model = argv[i];
    else
      return 0;
  }
  return a->model && a->tokens >= 1 && a->tokens <= 100000;
}

static double mib(uint64_t bytes) { return (double)bytes / 1048576.0; }

static void print_configuration(const infermem_model *model, const infermem_model_config *c) {
  size_t by_type[64] = {0};
  for (size_t i = 0; i < model_tensor_count(model); i++) {
    INFERMEM_STRUCT(infermem_tensor_info, tensor);
    if (model_tensor_info(model, i, &tensor) == INFERMEM_OK && tensor.dtype >= 0 && tensor.dtype < 64)
      by_type[tensor.dtype]++;
  }
  printf("model    %s: %llu layers, hidden %llu, %llu heads, %llu KV heads, head_dim %llu, intermediate %llu\n",
         c->architecture, (unsigned long long)c->n_layers, (unsigned long long)c->hidden,
         (unsigned long long)c->n_heads, (unsigned long long)c->n_kv_heads, (unsigned long long)c->head_dim_k,
         (unsigned long long)c->intermediate);
  printf("         vocabulary %llu, context %llu, %s embeddings, %zu tensors:", (unsigned long long)c->vocab,
         (unsigned long long)c->context, c->tied_embeddings ? "tied" : "separate", model_tensor_count(model));
  for (int32_t i = 0; i < 64; i++)
    if (by_type[i]) printf(" %zu %s", by_type[i], infermem_dtype_name(i));
  printf("\n");
  for (size_t i = 0; i < model_warning_count(model); i++) printf("warning  %s\n", model_warning(model, i));
}

/* What the machine has. */
static int32_t print_devices(const infermem_device_list *devices, const infermem_host_facts *host) {
  printf("host     %.0f MiB, of which %.0f MiB can be had\n", mib(host->total_bytes), mib(host->effective_bytes));
  for (size_t i = 0; i < device_count(devices); i++) {
    INFERMEM_STRUCT(infermem_device_facts, device);
    const int32_t status = device_info(devices, i, &device);
    if (status != INFERMEM_OK) return status;
    printf("device   %s: %.0f MiB, free %s", device.name, mib(device.total_bytes),
           device.free_known ? "" : "unknown\n");
    if (device.free_known) printf("%.0f MiB\n", mib(device.free_bytes));
  }
  if (device_count(devices) == 0) printf("device   none: %s\n", device_why_not_text(devices));
  return INFERMEM_OK;
}

/* Whether the model fits into the host's memory, where this program runs it, and what it takes there. */
static int32_t print_plan(const infermem_model *model, const infermem_host_facts *host, size_t tokens) {
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = tokens;
  options.ubatch = 1;
  options.host_bytes = host->effective_bytes;
  infermem_plan *plan = NULL;
  int32_t status = plan_new(model, NULL, NULL, 0, &options, &plan);
  uint64_t longest = 0;
  if (status == INFERMEM_OK)
    status = plan_query(plan, INFERMEM_PLAN_MAX_CONTEXT_FITS, INFERMEM_PLAN_PLACE_ALL, &longest);
  if (status == INFERMEM_OK) printf("plan     %s:", plan_mode_text(plan_mode(plan)));
  for (size_t i = 0; status == INFERMEM_OK && i < plan_term_count(plan); i++) {
    INFERMEM_STRUCT(infermem_plan_term_facts, term);
    status = plan_term(plan, i, &term);
    if (status == INFERMEM_OK) printf("%s %s %llu", i == 0 ? "" : ",", term.name, (unsigned long long)term.bytes);
  }
  if (status == INFERMEM_OK) printf(" bytes; at most %llu tokens\n", (unsigned long long)longest);
  plan_free(plan);
  return status;
}

static int32_t probe_and_plan(const infermem_model *model, size_t tokens) {
  infermem_device_list *devices = NULL;
  INFERMEM_STRUCT(infermem_host_facts, host);
  int32_t status = device_probe(NULL, &devices);
  if (status == INFERMEM_OK) status = device_host(devices, &host);
  if (status == INFERMEM_OK) status = print_devices(devices, &host);
  if (status == INFERMEM_OK) status = print_plan(model, &host, tokens);
  device_free(devices);
  return status;
}

/* Saves the conversation, forgets it, and takes it up again where it was. */
static int32_t save_and_restore(struct llama *llama) {
  const char *const folder = getenv("TMPDIR");
  char path[4096];
  const int n = snprintf(path, sizeof path, "%s/infermem-decode-%ld.kv", folder ? folder : "/tmp", (long)getpid());
  if (n < 0 || (size_t)n >= sizeof path) return INFERMEM_E_LIMIT;
  const size_t max_tokens = kv_max(llama->kv);
  const char *const name = llama->config.architecture; /* a program would take a hash of the model's file */
  int32_t status = kv_save(llama->kv, path, name, strlen(name));
  if (status == INFERMEM_OK) status = llama_new_cache(llama, max_tokens);
  if (status == INFERMEM_OK) status = kv_load(llama->kv, path, name, strlen(name));
  unlink(path);
  return status;
}

static void print_layout(const struct llama *llama) {
  const infermem_layout *layout = llama->layout;
  INFERMEM_STRUCT(infermem_layout_usage, u);
  char line[160];
  size_t length;
  if (layout_stat(layout, &u) != INFERMEM_OK || layout_stat_text(layout, line, sizeof line, &length) != INFERMEM_OK)
    return;
  printf("layout   %s\n", line);
  printf("         bytes used, peak: weights %zu, %zu | scratch %zu, %zu | history %zu, %zu\n", u.weights_used,
         u.weights_peak, u.scratch_used, u.scratch_peak, u.history_used, u.history_peak);
  printf("scratch  the buffers of a pass take %zu bytes, where each by itself they would take %zu\n",
         scratch_total_bytes(llama->scratch), scratch_separate_bytes(llama->scratch));
}

static int32_t print_hot_set(struct llama *llama) {
  for (size_t layer = 0; layer < llama->config.n_layers; layer++) {
    const uint32_t *hot = NULL;
    size_t n = 0;
    INFERMEM_STRUCT(infermem_neuron_counts, counts);
    int32_t status = neuron_reclassify(llama->neurons, layer);
    if (status == INFERMEM_OK) status = neuron_hot(llama->neurons, layer, &hot, &n);
    if (status == INFERMEM_OK) status = neuron_stat(llama->neurons, layer, &counts);
    if (status != INFERMEM_OK) return status;
    printf("%s %zu: %zu of %llu neurons (%.0f %%):", layer == 0 ? "hot      layer" : "         layer", layer, n,
           (unsigned long long)llama->config.intermediate, 100 * counts.hot_ratio);
    for (size_t i = 0; i < n && i < 8; i++) printf(" %u", (unsigned)hot[i]);
    printf("%s\n", n > 8 ? " ..." : "");
  }
  return INFERMEM_OK;
}

static uint32_t likeliest(const float *logits, size_t n) {
  size_t best = 0;
  for (size_t i = 1; i < n; i++)
    if (logits[i] > logits[best]) best = i;
  return (uint32_t)best;
}

static int32_t generate(struct llama *llama, size_t n, FILE *logits_file) {
  const size_t vocab = (size_t)llama->config.vocab;
  const size_t half = kPromptLength + n / 2 - 1;
  uint64_t saved = 0;
  uint32_t token = kPrompt[0];
  printf("prompt  ");
  for (size_t i = 0; i < kPromptLength; i++) printf(" %u", (unsigned)kPrompt[i]);
  printf("\ntokens  ");
  for (size_t i = 0; i < kPromptLength + n - 1; i++) {
    const float *logits = NULL;
    int32_t status = llama_forward(llama, token, &logits);
    if (status != INFERMEM_OK) return status;
    if (logits_file && fwrite(logits, sizeof *logits, vocab, logits_file) != vocab) return INFERMEM_E_IO;
    if (i + 1 < kPromptLength) {
      token = kPrompt[i + 1];
    } else {
      token = likeliest(logits, vocab);
      printf(" %u", (unsigned)token);
    }
    if (i == half) saved = kv_saved_bytes(llama->kv);
    if (i == half && (status = save_and_restore(llama)) != INFERMEM_OK) return status;
  }
  printf("\nsaved    after %zu positions, in %llu bytes, restored, and gone on with\n", half + 1,
         (unsigned long long)saved);
  return INFERMEM_OK;
}

static int32_t print_speed(const struct llama *llama) {
  INFERMEM_STRUCT(infermem_dispatch_stats, s);
  const int32_t status = dispatch_snapshot(llama->dispatch, INFERMEM_DISPATCH_CPU, &s);
  if (status != INFERMEM_OK) return status;
  printf("speed    %.0f tokens/s, one thread, weights read as they are stored\n", 1e9 / s.mean_ns);
  printf("         %llu positions: median %.3f ms, 99 %% within %.3f ms, longest %.3f ms\n",
         (unsigned long long)s.latencies, (double)s.p50_ns / 1e6, (double)s.p99_ns / 1e6, (double)s.max_ns / 1e6);
  return INFERMEM_OK;
}

static int32_t run(const struct arguments *a, infermem_model *model, struct llama *llama, FILE *logits_file) {
  const size_t positions = kPromptLength + a->tokens;
  int32_t status = llama_load(llama, model, positions);
  if (status != INFERMEM_OK) return status;
  print_configuration(model, &llama->config);
  status = probe_and_plan(model, positions);
  if (status == INFERMEM_OK) status = generate(llama, a->tokens, logits_file);
  if (status == INFERMEM_OK) status = print_speed(llama);
  if (status != INFERMEM_OK) return status;
  print_layout(llama);
  return print_hot_set(llama);
}

int main(int argc, char **argv) {
  struct arguments a;
  if (!parse(argc, argv, &a)) {
    fprintf(stderr, "usage: decode [--tokens N] [--logits FILE] MODEL\n");
    return 1;
  }
  FILE *logits_file = a.logits ? fopen(a.logits, "wb") : NULL;
  if (a.logits && !logits_file) {
    fprintf(stderr, "decode: %s cannot be written\n", a.logits);
    return 1;
  }
  static struct llama llama;
  infermem_model *model = NULL;
  int32_t status = model_open(a.model, NULL, &model);
  if (status == INFERMEM_OK) status = run(&a, model, &llama, logits_file);
  if (status != INFERMEM_OK) {
    const infermem_error *error = infermem_error_detail();
    fflush(stdout);
    fprintf(stderr, "decode: %s\n", error->code == status ? error->message : infermem_error_text(status));
  }
  llama_free(&llama);
  model_free(model);
  if (logits_file && fclose(logits_file) != 0) status = INFERMEM_E_IO;
  return status == INFERMEM_OK ? 0 : 1;
}
