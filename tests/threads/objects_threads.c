/* What the headers of the other modules document as concurrent, really concurrent: reading one object from many threads,
 * and making and freeing objects in one tape from many threads. */
#include <math.h>
#include <pthread.h>

#include "support.h"

enum { kThreads = 8, kRounds = 300, kDim = 64 };

struct shared {
  infermem_tape *tape;
  infermem_quant *quant;
  infermem_kv *kv;
  infermem_pad *pad;
  infermem_neuron *neuron;
  infermem_model *model;
  infermem_plan *plan;
  infermem_device_list *devices;
  float weights[kDim * kDim];
  float expected[kDim * kDim];
  float poisoned[kDim * kDim]; /* the weights, and a NaN at the end */
};

struct reader {
  struct shared *shared;
  size_t wrong;
};

static int64_t count(void *context, const void *bytes, size_t n) {
  (void)bytes;
  *(size_t *)context += n;
  return (int64_t)n;
}

static int32_t read_plan(const struct shared *s) {
  uint64_t total, again;
  size_t n;
  infermem_plan *own = NULL;
  infermem_layout *layout = NULL;
  infermem_plan_options options = {.struct_size = sizeof options, .host_bytes = (uint64_t)1 << 30};
  infermem_plan_measure measure = {.struct_size = sizeof measure, .kind = INFERMEM_PLAN_TOTAL_BYTES};
  measure.place = INFERMEM_PLAN_PLACE_ALL;
  int32_t sum = plan_query(s->plan, INFERMEM_PLAN_TOTAL_BYTES, INFERMEM_PLAN_PLACE_ALL, &total);
  sum += plan_text(s->plan, 0, NULL, 0, &n) + plan_json(s->plan, NULL, 0, &n) + plan_audit(s->plan, &measure, 1);
  sum += plan_build_layout(s->plan, &layout);
  layout_free(layout);
  sum += plan_new(s->model, NULL, NULL, 0, &options, &own);
  sum += plan_query(own, INFERMEM_PLAN_TOTAL_BYTES, INFERMEM_PLAN_PLACE_ALL, &again);
  plan_free(own);
  return sum + (total != again);
}

static int32_t read_everything(const struct shared *s, float *row) {
  const size_t index = 3;
  size_t tensor, n, saved = 0;
  const uint32_t *hot;
  uint64_t u64;
  double share;
  infermem_view view;
  infermem_neuron_counts counts = {.struct_size = sizeof counts};
  infermem_model_config config = {.struct_size = sizeof config};
  infermem_host_facts host = {.struct_size = sizeof host};
  int32_t sum = quant_rows_to_f32(s->quant, &index, 1, row, kDim);
  sum +=
      kv_keys(s->kv, 0, &view) + kv_values_pending(s->kv, 0, &view) + kv_read(s->kv, 0, INFERMEM_KV_K, 0, 1, row, kDim);
  sum += kv_save_to(s->kv, count, &saved, NULL, 0) + (saved != kv_saved_bytes(s->kv));
  sum += pad_view(s->pad, &view) + (pad_len(s->pad) != 1) + pad_text(s->pad, NULL, 0, &n);
  sum += neuron_hot(s->neuron, 0, &hot, &n) + neuron_cold(s->neuron, 0, &hot, &n) + neuron_stat(s->neuron, 0, &counts);
  sum += neuron_coverage(s->neuron, 0, &(double){0.5}, 1, &share);
  sum += model_config(s->model, &config) + model_tensor_find(s->model, "blk.0.ffn_up.weight", &tensor);
  sum += model_tensor_view(s->model, tensor, &view) + model_meta_u64(s->model, "llama.block_count", &u64);
  sum += plan_estimate_full(&config, 100, &u64) + device_host(s->devices, &host);
  sum += read_plan(s);
  sum += kv_keys(s->kv, 7, &view) - INFERMEM_E_RANGE; /* each thread has its own error record */
  sum += strcmp(infermem_error_detail()->function, "kv_keys") != 0;
  return sum;
}

static void *read_and_make(void *argument) {
  struct reader *r = argument;
  struct shared *s = r->shared;
  float row[kDim], all[kDim * kDim];
  for (int i = 0; i < kRounds; i++) {
    if (read_everything(s, row) != 0) r->wrong++;
    if (quant_to_f32(s->quant, all, kDim * kDim) != INFERMEM_OK || memcmp(all, s->expected, sizeof all) != 0)
      r->wrong++;
    /* an object of this thread's own, in the tape of all */
    infermem_quant_options options = {.struct_size = sizeof options, .bits = 4, .tape = s->tape};
    infermem_quant *own = NULL;
    if (quant_from_f32(s->weights, kDim * kDim, kDim, kDim, &options, &own) != INFERMEM_OK) r->wrong++;
    if (quant_rows_to_f32(own, &(size_t){5}, 1, row, kDim) != INFERMEM_OK) r->wrong++;
    quant_free(own);
    /* one that is refused half-way gives its bytes back, and no other thread's */
    if (quant_from_f32(s->poisoned, kDim * kDim, kDim, kDim, &options, &own) != INFERMEM_E_NOT_FINITE) r->wrong++;
    void *p = NULL;
    if (tape_alloc(s->tape, 4000, 64, &p) != INFERMEM_OK) r->wrong++;
    memset(p, i, 4000);
    for (size_t j = 0; j < 4000; j++) r->wrong += ((unsigned char *)p)[j] != (unsigned char)i;
  }
  return NULL;
}

static void objects_are_read_and_made_by_many_threads(void **state) {
  (void)state;
  static struct shared s;
  INFERMEM_STRUCT(infermem_tape_options, tape);
  tape.size = (size_t)64 << 20;
  assert_ok(tape_new(&tape, &s.tape));
  uint64_t seed = 1;
  for (size_t i = 0; i < kDim * kDim; i++) s.weights[i] = test_random_float(&seed);
  memcpy(s.poisoned, s.weights, sizeof s.weights);
  s.poisoned[kDim * kDim - 1] = NAN;
  INFERMEM_STRUCT(infermem_quant_options, quant);
  quant.tape = s.tape;
  assert_ok(quant_from_f32(s.weights, kDim * kDim, kDim, kDim, &quant, &s.quant));
  assert_ok(quant_to_f32(s.quant, s.expected, kDim * kDim));
  INFERMEM_STRUCT(infermem_kv_options, kv);
  kv.n_layers = kv.n_kv_heads = 1;
  kv.head_dim = kDim;
  kv.max_tokens = 4;
  kv.tape = s.tape;
  assert_ok(kv_new(&kv, &s.kv));
  assert_ok(kv_append(s.kv, 0, s.weights, kDim, s.weights, kDim, 1));
  assert_ok(kv_advance(s.kv, 1));
  INFERMEM_STRUCT(infermem_pad_options, pad);
  pad.max_tokens = 1;
  pad.dim = kDim;
  pad.tape = s.tape;
  assert_ok(pad_new(&pad, &s.pad));
  assert_ok(pad_append(s.pad, s.weights, kDim));
  INFERMEM_STRUCT(infermem_neuron_options, neuron);
  neuron.n_neurons = kDim;
  neuron.tape = s.tape;
  assert_ok(neuron_new(&neuron, &s.neuron));
  assert_ok(model_open(TEST_DATA "/tiny-llama.gguf", NULL, &s.model));
  INFERMEM_STRUCT(infermem_plan_options, plan);
  plan.host_bytes = (uint64_t)1 << 30;
  assert_ok(plan_new(s.model, NULL, NULL, 0, &plan, &s.plan));
  assert_ok(device_probe(NULL, &s.devices));

  struct reader readers[kThreads];
  pthread_t threads[kThreads];
  for (int i = 0; i < kThreads; i++) {
    readers[i].shared = &s;
    readers[i].wrong = 0;
    assert_int_equal(pthread_create(&threads[i], NULL, read_and_make, &readers[i]), 0);
  }
  for (int i = 0; i < kThreads; i++) {
    pthread_join(threads[i], NULL);
    assert_int_equal(readers[i].wrong, 0);
  }
  device_free(s.devices);
  plan_free(s.plan);
  model_free(s.model);
  neuron_free(s.neuron);
  pad_free(s.pad);
  kv_free(s.kv);
  tape_free(s.tape);
  quant_free(s.quant); /* after the tape that it was in */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(objects_are_read_and_made_by_many_threads),
  };
  return cmocka_run_group_tests_name("objects_threads", tests, NULL, NULL);
}
