/* The calls that a decode loop makes allocate nothing: neither through the handle's allocator nor with malloc. */
#include <stdio.h>
#include <stdlib.h>

#include "malloc_count.h"
#include "saved_kv.h"

static struct test_allocator allocator;

static void the_count_sees_the_librarys_allocations(void **state) {
  (void)state;
  INFERMEM_STRUCT(infermem_tape_options, options);
  options.size = 4096;
  infermem_tape *tape = NULL;
  const size_t before = malloc_calls;
  assert_ok(tape_new(&options, &tape));
  assert_int_equal(malloc_calls, before + 1);
  tape_free(tape);
}

static void tapes_allocate_nothing_once_made(void **state) {
  (void)state;
  test_allocator_init(&allocator);
  INFERMEM_STRUCT(infermem_layout_options, options);
  options.weights_size = options.scratch_size = options.history_size = 1 << 20;
  options.allocator = &allocator.hook;
  infermem_layout *layout = NULL;
  assert_ok(layout_new(&options, &layout));
  infermem_tape *tape = layout_scratch(layout);
  const size_t hook_before = allocator.calls, malloc_before = malloc_calls;
  int32_t sum = 0;
  for (int i = 0; i < 1000; i++) {
    void *p = NULL;
    infermem_tape_mark mark;
    infermem_layout_usage usage = {.struct_size = sizeof usage};
    infermem_tape_facts facts = {.struct_size = sizeof facts};
    char text[128];
    size_t length;
    sum += tape_alloc(tape, 1000, 64, &p);
    sum += tape_mark(tape, &mark);
    sum += tape_alloc_array(tape, 10, 100, 16, &p);
    sum += tape_rewind(tape, &mark);
    sum += tape_alloc(tape, (size_t)1 << 40, 1, &p) - INFERMEM_E_FULL; /* an error, too */
    sum += tape_alloc(NULL, 1, 1, &p) - INFERMEM_E_NULL;
    sum += tape_warm(tape) + tape_seal(tape) + tape_unseal(tape) + tape_trim(tape) + tape_info(tape, &facts);
    sum += layout_stat(layout, &usage) + layout_stat_text(layout, text, sizeof text, &length);
    sum += tape_clear(tape) + layout_clear_pass(layout) + layout_clear_talk(layout);
    sum += tape_used(tape) + tape_peak(tape) > tape_total(tape);
  }
  const size_t hook_after = allocator.calls, malloc_after = malloc_calls;
  assert_int_equal(sum, 0);
  assert_int_equal(hook_after, hook_before);
  assert_int_equal(malloc_after, malloc_before);
  layout_free(layout);
}

static int32_t load_rows(void *context, uint64_t number, const uint32_t *ids, size_t n, void *const *rows) {
  (void)context, (void)number;
  for (size_t i = 0; i < n; i++) memset(rows[i], (int)ids[i], 64);
  return INFERMEM_OK;
}

static void counting_neurons_and_keeping_their_rows_allocates_nothing(void **state) {
  (void)state;
  enum { kNeurons = 100 };
  static const char path[] = "infermem-test-no-alloc.neuron";
  test_allocator_init(&allocator);
  INFERMEM_STRUCT(infermem_neuron_options, options);
  options.n_neurons = kNeurons;
  options.budget_count = 20;
  options.hysteresis = 0.25f;
  options.half_life = 9;
  options.interval = 7;
  options.allocator = &allocator.hook;
  infermem_neuron *neuron = NULL, *other = NULL;
  assert_ok(neuron_new(&options, &neuron));
  assert_ok(neuron_new(&options, &other));
  infermem_neuron_store *stores[3] = {NULL};
  for (uint32_t policy = 0; policy < 3; policy++) {
    INFERMEM_STRUCT(infermem_neuron_store_options, rows);
    rows.n_rows = kNeurons;
    rows.row_bytes = 64;
    rows.budget_bytes = 30 * 64;
    rows.policy = policy;
    rows.load = load_rows;
    rows.half_life = policy == INFERMEM_NEURON_LFU ? 3 : 0;
    rows.window = policy == INFERMEM_NEURON_LRU ? 5 : 0;
    rows.allocator = &allocator.hook;
    assert_ok(neuron_store_new(&rows, &stores[policy]));
  }
  const size_t hook_before = allocator.calls, malloc_before = malloc_calls;
  int32_t sum = 0;
  uint64_t seed = 3, fetch;
  for (int i = 0; i < 200; i++) {
    uint8_t mask[13] = {0};
    float values[kNeurons];
    uint32_t ids[10];
    const void *pointers[10];
    infermem_neuron_store_facts facts = {.struct_size = sizeof facts};
    for (int j = 0; j < kNeurons; j++) values[j] = test_random_float(&seed);
    for (int j = 0; j < 10; j++) ids[j] = (uint32_t)test_random_below(&seed, kNeurons);
    mask[i % 13] = 8;
    sum += neuron_record_mask(neuron, 0, mask, 13) + neuron_record_values(neuron, 0, values, kNeurons, 0.5f);
    sum += neuron_record(other, 0, ids, 10) + neuron_merge(other, (const infermem_neuron *const *)&neuron, 1);
    double fraction = 0.5;
    sum += neuron_coverage(neuron, 0, &fraction, 1, &fraction) + neuron_reclassify(neuron, 0);
    for (int policy = 0; policy < 3; policy++) {
      const infermem_neuron_store *store = stores[policy];
      sum += neuron_fetch(store, ids, 10, pointers) + neuron_fetch_begin(store, ids + 5, 5, pointers, &fetch);
      sum += neuron_fetch_wait(store, fetch) + !neuron_fetch_is_ready(store, fetch) + neuron_fetch_end(store, fetch);
      sum += neuron_store_keep(store, ids, 3) + neuron_store_release(store) + neuron_store_stat(store, &facts);
      sum += !neuron_store_has(store, ids[0]);
      sum += neuron_fetch(store, ids, 1000, NULL) - INFERMEM_E_NULL;
    }
    sum += neuron_store_rank(stores[INFERMEM_NEURON_HOT], neuron);
    if (i % 50 == 0) sum += neuron_save(neuron, path);
  }
  const size_t hook_after = allocator.calls, malloc_after = malloc_calls;
  assert_int_equal(remove(path), 0);
  assert_int_equal(sum, 0);
  assert_int_equal(hook_after, hook_before);
  assert_int_equal(malloc_after, malloc_before);
  for (int policy = 0; policy < 3; policy++) neuron_store_free(stores[policy]);
  neuron_free(other);
  neuron_free(neuron);
  assert_int_equal(allocator.live, 0);
}

static void a_decode_step_allocates_nothing(void **state) {
  (void)state;
  enum { kDim = 64, kTokens = 200 };
  test_allocator_init(&allocator);
  INFERMEM_STRUCT(infermem_kv_options, kv_options);
  kv_options.n_layers = 2;
  kv_options.n_kv_heads = 2;
  kv_options.head_dim = kDim / 2;
  kv_options.max_tokens = kTokens;
  kv_options.v_type = INFERMEM_DTYPE_Q4_0;
  kv_options.flags = INFERMEM_KV_ROTATE_V;
  kv_options.allocator = &allocator.hook;
  infermem_kv *kv = NULL;
  assert_ok(kv_new(&kv_options, &kv));

  INFERMEM_STRUCT(infermem_neuron_options, neuron_options);
  neuron_options.n_neurons = kDim;
  neuron_options.interval = 7; /* so that it reclassifies by itself too */
  neuron_options.allocator = &allocator.hook;
  infermem_neuron *neuron = NULL;
  assert_ok(neuron_new(&neuron_options, &neuron));

  INFERMEM_STRUCT(infermem_pad_options, pad_options);
  pad_options.max_tokens = 2 * kTokens;
  pad_options.dim = kDim;
  pad_options.type = INFERMEM_DTYPE_F16;
  pad_options.allocator = &allocator.hook;
  infermem_pad *pad = NULL;
  assert_ok(pad_new(&pad_options, &pad));

  float row[kDim], rows[3 * kDim], weights[kDim * kDim];
  unsigned char blocks[144];
  uint16_t halves[kDim * kDim], halves_row[kDim] = {0};
  uint64_t seed = 5;
  for (int i = 0; i < kDim; i++) row[i] = test_random_float(&seed);
  for (int i = 0; i < kDim * kDim; i++) weights[i] = test_random_float(&seed);
  INFERMEM_STRUCT(infermem_quant_options, quant_options);
  quant_options.bits = 4;
  quant_options.allocator = &allocator.hook;
  infermem_quant *quant = NULL, *packed = NULL;
  assert_ok(quant_from_f32(weights, kDim * kDim, kDim, kDim, &quant_options, &quant));
  quant_options.bits = 0;
  assert_ok(quant_pack(quant, &quant_options, &packed));
  _Alignas(64) unsigned char xq[512];
  const size_t n_xq = quant_activations_bytes(kDim, 1);
  assert_true(n_xq <= sizeof xq);

  uint8_t levels[kDim * kDim / 2];
  float scales[2 * kDim], mins[2 * kDim];
  INFERMEM_STRUCT(infermem_quant_errors, errors);
  quant_options.bits = 4;
  quant_options.params = INFERMEM_DTYPE_F16;
  quant_options.symmetric = 1;
  infermem_quant *symmetric = NULL;
  assert_ok(quant_from_f32(weights, kDim * kDim, kDim, kDim, &quant_options, &symmetric));

  const size_t hook_before = allocator.calls, malloc_before = malloc_calls;
  int32_t sum = 0;
  for (int token = 0; token < kTokens; token++) {
    const size_t some_rows[] = {3, 60};
    const uint32_t active[] = {1, 5, 63};
    const uint32_t *hot = NULL;
    size_t n_hot = 0;
    infermem_view view;
    infermem_neuron_counts counts = {.struct_size = sizeof counts};
    for (size_t layer = 0; layer < 2; layer++) {
      sum += kv_prefetch(kv, layer) + kv_append_f16(kv, layer, halves_row, kDim, halves_row, kDim, 1);
      sum += kv_append_bf16(kv, layer, halves_row, kDim, halves_row, kDim, 1);
      sum += kv_append(kv, layer, row, kDim, row, kDim, 1);
      sum += kv_keys_mut(kv, layer, &view) + kv_values_mut(kv, layer, &view);
      sum += kv_keys_pending(kv, layer, &view) + kv_values_pending(kv, layer, &view);
    }
    sum += kv_attend(kv, 1, NULL, 0, 2, row, kDim, rows, kDim);
    sum += kv_attend_partial(kv, 1, NULL, 0, 2, 0, 1, row, kDim, rows, kDim + 4);
    sum += kv_attend_merge(rows, kDim + 4, 1, 2, kDim / 2, rows + kDim + 4, kDim);
    sum += kv_append(kv, 2, row, kDim, row, kDim, 1) - INFERMEM_E_RANGE;
    sum += kv_advance(kv, 1);
    sum += kv_keys(kv, 1, &view) + kv_values(kv, 1, &view) + kv_read(kv, 1, INFERMEM_KV_V, 0, 1, rows, kDim);
    sum += quant_rows_to_f32(quant, some_rows, 2, rows, 2 * kDim) + quant_to_f32(quant, weights, kDim * kDim);
    sum += quant_range_to_f32(quant, 5, 2, rows, 2 * kDim) + quant_to_f16(quant, halves, kDim * kDim);
    sum += quant_gemv(quant, 0, kDim, row, kDim, rows, kDim) + quant_gemv_rows(quant, some_rows, 2, row, kDim, rows, 2);
    sum += quant_activations(row, kDim, kDim, 1, xq, n_xq);
    for (int i = 0; i < 3; i++) {
      const infermem_quant *q = i == 0 ? quant : i == 1 ? packed : symmetric;
      sum += quant_gemv_q8(q, 0, kDim, xq, n_xq, rows, kDim) + quant_dot_row(q, 3, row, kDim, rows);
      sum += quant_gemm(q, 0, 5, weights, 2 * kDim, 2, rows, 5, 10) + quant_gemv(q, 0, kDim, row, kDim, rows, kDim);
      sum += quant_gemm_q8(q, 0, 5, xq, n_xq, 1, rows, 5, 10);
      sum += quant_export(q, levels, sizeof levels, scales, 2 * kDim, mins, 2 * kDim);
    }
    sum += quant_to_bf16(quant, halves, kDim * kDim) + quant_error(symmetric, weights, kDim * kDim, &errors);
    sum += quant_quantize(INFERMEM_DTYPE_Q8_0, row, kDim, 1, kDim, blocks, 68);
    sum += quant_quantize(INFERMEM_DTYPE_Q4_K, weights, 256, 1, 256, blocks, 144);
    sum += pad_append_f32(pad, row, 1, kDim) + pad_append(pad, halves, kDim) + pad_view(pad, &view);
    sum += pad_append_rows(pad, halves, 1, kDim - 1) - INFERMEM_E_SHAPE;
    sum += neuron_record(neuron, 0, active, 3) + neuron_reclassify(neuron, 0) + neuron_hot(neuron, 0, &hot, &n_hot);
    sum += neuron_cold(neuron, 0, &hot, &n_hot) + neuron_stat(neuron, 0, &counts);
  }
  sum += kv_truncate(kv, 10) + kv_abort(kv) + kv_clear(kv) + neuron_clear(neuron) + pad_clear(pad);
  const size_t hook_after = allocator.calls, malloc_after = malloc_calls;
  assert_int_equal(sum, 0);
  assert_int_equal(hook_after, hook_before);
  assert_int_equal(malloc_after, malloc_before);
  quant_free(symmetric);
  quant_free(packed);
  quant_free(quant);
  pad_free(pad);
  neuron_free(neuron);
  kv_free(kv);
  assert_int_equal(allocator.live, 0);
}

static void a_pass_and_its_metrics_allocate_nothing(void **state) {
  (void)state;
  test_allocator_init(&allocator);
  INFERMEM_STRUCT(infermem_model_config, config);
  config.n_layers = config.n_heads = config.n_kv_heads = 1;
  config.hidden = config.intermediate = config.vocab = 300;
  INFERMEM_STRUCT(infermem_scratch_options, scratch_options);
  scratch_options.flags = INFERMEM_SCRATCH_Q8;
  scratch_options.allocator = &allocator.hook;
  infermem_scratch *scratch = NULL;
  assert_ok(scratch_new(&config, &scratch_options, &scratch));
  INFERMEM_STRUCT(infermem_dispatch_options, dispatch_options);
  dispatch_options.allocator = &allocator.hook;
  infermem_dispatch *dispatch = NULL;
  assert_ok(dispatch_new(&dispatch_options, &dispatch));

  static char text[8192];
  float *p = NULL;
  size_t n = 0;
  int32_t sum = 0;
  const size_t hook_before = allocator.calls, malloc_before = malloc_calls; /* before this thread's first record */
  for (int i = 0; i < 100; i++) {
    const uint64_t bounds[] = {100, 200}, started = dispatch_timer_start();
    uint64_t counts[3];
    infermem_view view;
    infermem_dispatch_stats stats = {.struct_size = sizeof stats};
    sum +=
        scratch_f32(scratch, INFERMEM_SCRATCH_HIDDEN, &p, &n) + scratch_view(scratch, INFERMEM_SCRATCH_LOGITS, &view);
    sum += scratch_quantize_q8(scratch, 0, p, n) + scratch_quantize_q8k(scratch, INFERMEM_SCRATCH_Q8K_INTER, 0, p, n);
    sum += scratch_reset(scratch) + scratch_reset_all(scratch);
    sum += dispatch_record(dispatch, 0, 1000 * i) + dispatch_count_only(dispatch, 1);
    sum += dispatch_timer_stop(dispatch, 1, started) + dispatch_record(dispatch, 2, 1) - INFERMEM_E_RANGE;
    sum += dispatch_snapshot(dispatch, 0, &stats) + dispatch_histogram(dispatch, 0, bounds, 2, counts);
    sum += dispatch_prometheus(dispatch, text, sizeof text, &n) + dispatch_json(dispatch, text, sizeof text, &n);
    sum += dispatch_ratio(dispatch, 0) > 1 || dispatch_speedup(dispatch, 0, 1) < 0 || dispatch_throughput(dispatch) < 0;
    if (i == 50) sum += dispatch_reset(dispatch);
  }
  const size_t hook_after = allocator.calls, malloc_after = malloc_calls;
  assert_int_equal(sum, 0);
  assert_int_equal(hook_after, hook_before);
  assert_int_equal(malloc_after, malloc_before);
  dispatch_free(dispatch);
  scratch_free(scratch);
  assert_int_equal(allocator.live, 0);
}

static void saving_and_verifying_allocate_nothing(void **state) {
  (void)state;
  static const char path[] = "infermem-test-no-alloc.quant";
  float weights[100] = {1, 2, 3};
  test_allocator_init(&allocator);
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.allocator = &allocator.hook;
  infermem_quant *made = NULL, *loaded = NULL;
  assert_ok(quant_from_f32(weights, 100, 1, 100, &options, &made));
  assert_ok(quant_save(made, path));
  assert_ok(quant_load(path, &options, &loaded));
  const size_t hook_before = allocator.calls, malloc_before = malloc_calls;
  int32_t sum = 0;
  for (int i = 0; i < 3; i++) {
    sum += quant_save(loaded, path) + quant_verify(loaded);
    sum += quant_save(loaded, "none/none") - INFERMEM_E_IO;
  }
  const size_t hook_after = allocator.calls, malloc_after = malloc_calls;
  assert_int_equal(remove(path), 0);
  assert_int_equal(sum, 0);
  assert_int_equal(hook_after, hook_before);
  assert_int_equal(malloc_after, malloc_before);
  quant_free(loaded);
  quant_free(made);
}

static void saving_and_loading_caches_allocates_nothing(void **state) {
  const struct kv_form *const form = &kKvForms[6];
  assert_int_equal(files_enter(state), 0);
  infermem_kv *from = kv_form_make(form), *to = kv_form_new(form, 8);
  static unsigned char bytes[4096];
  struct kv_memory m = {.bytes = {bytes, (size_t)kv_saved_bytes(from)}};
  assert_true(m.bytes.size <= sizeof bytes);
  const size_t before = malloc_calls;
  int32_t sum = kv_save_to(from, kv_memory_write, &m, form->fingerprint, form->n_fingerprint);
  for (int i = 0; i < 2; i++) { /* into an empty cache, and into one that is not */
    m.at = 0;
    sum += kv_load_from(to, kv_memory_read, &m, form->fingerprint, form->n_fingerprint);
  }
  sum += kv_save(from, "it", form->fingerprint, form->n_fingerprint);
  sum += kv_load(to, "it", form->fingerprint, form->n_fingerprint);
  sum += kv_load(to, "it", NULL, 0) - INFERMEM_E_FINGERPRINT;
  assert_int_equal(malloc_calls, before);
  assert_int_equal(sum, 0);
  kv_free(to);
  kv_free(from);
  assert_int_equal(files_leave(state), 0);
}

static void plans_allocate_nothing_once_made(void **state) {
  (void)state;
  test_allocator_init(&allocator);
  infermem_model *model = NULL;
  assert_ok(model_open(TEST_DATA "/tiny-llama.gguf", NULL, &model));
  INFERMEM_STRUCT(infermem_plan_device, device);
  device.free_bytes = 1 << 20; /* a refusal, which has the most to say */
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.allocator = &allocator.hook;
  infermem_plan *plan = NULL;
  assert_ok(plan_new(model, NULL, &device, 1, &options, &plan));
  model_free(model); /* which the plan does not need */
  static char text[16384];
  const size_t hook_before = allocator.calls, malloc_before = malloc_calls;
  int32_t sum = plan_mode(plan) - INFERMEM_PLAN_INSUFFICIENT;
  for (int i = 0; i < 10; i++) {
    uint64_t number;
    size_t length;
    infermem_plan_term_facts term = {.struct_size = sizeof term};
    infermem_plan_layer_facts layer = {.struct_size = sizeof layer};
    infermem_plan_advice_facts advice = {.struct_size = sizeof advice};
    infermem_plan_measure measure = {.struct_size = sizeof measure, .kind = INFERMEM_PLAN_WEIGHTS};
    for (uint32_t key = INFERMEM_PLAN_TOTAL_BYTES; key <= INFERMEM_PLAN_NOTES; key++)
      sum += plan_query(plan, key, INFERMEM_PLAN_PLACE_ALL, &number);
    for (size_t t = 0; t < plan_term_count(plan); t++) sum += plan_term(plan, t, &term);
    for (size_t a = 0; a < plan_advice_count(plan); a++) sum += plan_advice(plan, a, &advice);
    sum += plan_layer(plan, 3, &layer) + (plan_layer(plan, 4, &layer) - INFERMEM_E_RANGE);
    sum += plan_text(plan, INFERMEM_PLAN_TEXT_UTF8, text, sizeof text, &length);
    sum += plan_json(plan, text, sizeof text, &length) + plan_audit(plan, &measure, 1);
    sum += plan_audit_text(plan, &measure, 1, text, sizeof text, &length);
  }
  const size_t hook_after = allocator.calls, malloc_after = malloc_calls;
  assert_int_equal(sum, 0);
  assert_int_equal(hook_after, hook_before);
  assert_int_equal(malloc_after, malloc_before);
  plan_free(plan);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_count_sees_the_librarys_allocations),
      cmocka_unit_test(tapes_allocate_nothing_once_made),
      cmocka_unit_test(a_decode_step_allocates_nothing),
      cmocka_unit_test(a_pass_and_its_metrics_allocate_nothing),
      cmocka_unit_test(counting_neurons_and_keeping_their_rows_allocates_nothing),
      cmocka_unit_test(saving_and_verifying_allocate_nothing),
      cmocka_unit_test(saving_and_loading_caches_allocates_nothing),
      cmocka_unit_test(plans_allocate_nothing_once_made),
  };
  return cmocka_run_group_tests_name("no_alloc", tests, NULL, NULL);
}
