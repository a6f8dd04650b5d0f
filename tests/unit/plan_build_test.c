/* From plans to memory: what is built is what was planned, as the handles and the kernel tell. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gguf_make.h"
#include "plans.h"

enum { kWithin = 10000 }; /* parts of a million: 1 % */

/* ---- Model files ---- */

struct recipe {
  uint32_t hidden, layers, heads, kv_heads, head_dim, middle, vocab, context;
  int32_t types[8]; /* of the matrices of layer i, types[i % n_types] */
  uint32_t n_types;
  int32_t embedding, output; /* output -1: tied */
};

static uint64_t add_tensor(struct gguf *g, const char *name, uint64_t rows, uint64_t cols, int32_t type,
                           uint64_t offset) {
  const uint64_t ne[2] = {cols, rows};
  uint64_t bytes = 0;
  assert_ok(infermem_dtype_bytes(type, cols, &bytes));
  gguf_tensor(g, name, rows == 1 ? 1 : 2, ne, (uint32_t)type, offset);
  return (offset + bytes * rows + 31) / 32 * 32;
}

/* Adds the tensors' infos; the bytes of all data. */
static uint64_t add_tensors(struct gguf *g, const struct recipe *r) {
  const uint64_t h = r->hidden, q = r->heads * r->head_dim, kv = r->kv_heads * r->head_dim;
  uint64_t at = add_tensor(g, "token_embd.weight", r->vocab, h, r->embedding, 0);
  for (uint32_t i = 0; i < r->layers; i++) {
    const int32_t type = r->types[i % r->n_types];
    const struct {
      const char *name;
      uint64_t rows, cols;
    } matrices[] = {{"attn_norm", 1, h},        {"attn_q", q, h},         {"attn_k", kv, h},
                    {"attn_v", kv, h},          {"attn_output", h, q},    {"ffn_norm", 1, h},
                    {"ffn_gate", r->middle, h}, {"ffn_up", r->middle, h}, {"ffn_down", h, r->middle}};
    for (size_t m = 0; m < sizeof matrices / sizeof *matrices; m++) {
      char name[64];
      snprintf(name, sizeof name, "blk.%u.%s.weight", i, matrices[m].name);
      const int32_t its = matrices[m].rows == 1 ? INFERMEM_DTYPE_F32 : type;
      at = add_tensor(g, name, matrices[m].rows, matrices[m].cols, its, at);
    }
  }
  at = add_tensor(g, "output_norm.weight", 1, h, INFERMEM_DTYPE_F32, at);
  if (r->output >= 0) at = add_tensor(g, "output.weight", r->vocab, h, r->output, at);
  return at;
}

/* A file of that recipe, without its data, whose bytes are *data_bytes. n_tokens: strings of the vocabulary. */
static struct gguf make_header(const struct recipe *r, uint32_t n_tokens, uint64_t *data_bytes) {
  struct gguf g = {0};
  gguf_header(&g, 3, 2 + 9 * r->layers + (r->output >= 0), 9 + (n_tokens != 0 ? 3 : 0));
  gguf_meta_string(&g, "general.architecture", "llama");
  gguf_meta_u32(&g, "llama.block_count", r->layers);
  gguf_meta_u32(&g, "llama.embedding_length", r->hidden);
  gguf_meta_u32(&g, "llama.attention.head_count", r->heads);
  gguf_meta_u32(&g, "llama.attention.head_count_kv", r->kv_heads);
  gguf_meta_u32(&g, "llama.attention.key_length", r->head_dim);
  gguf_meta_u32(&g, "llama.attention.value_length", r->head_dim);
  gguf_meta_u32(&g, "llama.feed_forward_length", r->middle);
  gguf_meta_u32(&g, "llama.context_length", r->context);
  if (n_tokens != 0) {
    gguf_array(&g, "tokenizer.ggml.tokens", INFERMEM_META_STRING, n_tokens);
    for (uint32_t i = 0; i < n_tokens; i++) {
      char token[16];
      snprintf(token, sizeof token, "tok%u", i);
      gguf_string(&g, token);
    }
    gguf_array(&g, "tokenizer.ggml.scores", INFERMEM_META_F32, n_tokens);
    gguf_zeros(&g, (size_t)4 * n_tokens);
    gguf_array(&g, "tokenizer.ggml.token_type", INFERMEM_META_I32, n_tokens);
    gguf_zeros(&g, (size_t)4 * n_tokens);
  }
  *data_bytes = add_tensors(&g, r);
  gguf_pad(&g, 32);
  return g;
}

static const struct recipe gqa_f16 = {256, 6, 8, 2, 32, 512, 1000, 1024, {INFERMEM_DTYPE_F16}, 1, INFERMEM_DTYPE_F16,
                                      -1};
static const struct recipe quantized = {
    512, 4, 8, 4, 64, 1536, 2000, 2048, {INFERMEM_DTYPE_Q4_0}, 1, INFERMEM_DTYPE_Q8_0, INFERMEM_DTYPE_Q8_0};
static const struct recipe mixed = {256,
                                    8,
                                    4,
                                    4,
                                    64,
                                    768,
                                    1500,
                                    777,
                                    {INFERMEM_DTYPE_F16, INFERMEM_DTYPE_Q8_0, INFERMEM_DTYPE_Q4_0, INFERMEM_DTYPE_F32},
                                    4,
                                    INFERMEM_DTYPE_F16,
                                    INFERMEM_DTYPE_Q8_0};

static infermem_model *open_recipe(const struct recipe *r) {
  uint64_t data = 0;
  struct gguf g = make_header(r, 0, &data);
  gguf_zeros(&g, data);
  return open_gguf(&g);
}

/* ---- What the kernel says ---- */

/* Bytes of a tape's pages that are in memory. */
static uint64_t resident_bytes(const infermem_tape *tape) {
  INFERMEM_STRUCT(infermem_tape_facts, facts);
  assert_ok(tape_info(tape, &facts));
  const size_t n = (facts.total + facts.page_size - 1) / facts.page_size;
  unsigned char *const pages = malloc(n);
  assert_non_null(pages);
  assert_int_equal(mincore(facts.base, facts.total, pages), 0);
  uint64_t resident = 0;
  for (size_t i = 0; i < n; i++) resident += pages[i] & 1;
  free(pages);
  return resident * facts.page_size;
}

/* Only pages that are touched are to count. */
static void no_huge_pages(const infermem_tape *tape) {
  INFERMEM_STRUCT(infermem_tape_facts, facts);
  assert_ok(tape_info(tape, &facts));
  madvise(facts.base, facts.total, MADV_NOHUGEPAGE); /* which a kernel without them refuses */
}

static void put(const infermem_tape *tape, const void *from, size_t n) {
  void *to = NULL;
  assert_ok(tape_alloc(tape, n, 64, &to));
  memcpy(to, from, n);
}

static void fill_kv(infermem_kv *kv, const infermem_model_config *c) {
  const size_t row = c->n_kv_heads * c->head_dim_k;
  float *const floats = calloc(row, sizeof *floats);
  assert_non_null(floats);
  const size_t max = kv_max(kv);
  for (size_t token = 0; token < max; token++) {
    for (size_t layer = 0; layer < c->n_layers; layer++) assert_ok(kv_append(kv, layer, floats, row, floats, row, 1));
    assert_ok(kv_advance(kv, 1));
  }
  free(floats);
}

/* Plans the model on the host, builds what was planned, fills it, and compares. */
static void check_audit(infermem_model *model, int32_t k_type, int32_t v_type, uint64_t n_sequences) {
  INFERMEM_STRUCT(infermem_model_config, config);
  assert_ok(model_config(model, &config));
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.host_bytes = 4 * GIB;
  options.ubatch = 64;
  options.k_type = k_type;
  options.v_type = v_type;
  options.n_sequences = n_sequences;
  infermem_plan *plan = NULL;
  assert_ok(plan_new(model, NULL, NULL, 0, &options, &plan));
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_HOST);
  infermem_layout *layout = NULL;
  assert_ok(plan_build_layout(plan, &layout));
  const infermem_tape *const tapes[] = {layout_weights(layout), layout_history(layout), layout_scratch(layout)};
  for (size_t i = 0; i < 3; i++) {
    no_huge_pages(tapes[i]);
    assert_true(resident_bytes(tapes[i]) == 0);
  }
  for (size_t i = 0; i < model_tensor_count(model); i++) {
    infermem_view view;
    assert_ok(model_tensor_view(model, i, &view));
    put(tapes[0], view.data, view.bytes);
  }
  infermem_kv *kvs[4] = {NULL};
  uint64_t kv_bytes = 0;
  for (size_t i = 0; i < n_sequences; i++) {
    assert_ok(plan_build_kv(plan, tapes[1], &kvs[i]));
    assert_int_equal(kv_max(kvs[i]), plans_get(plan, INFERMEM_PLAN_CONTEXT));
    kv_bytes += kv_memory_bytes(kvs[i]);
    fill_kv(kvs[i], &config);
  }
  infermem_scratch *scratch = NULL;
  assert_ok(plan_build_scratch(plan, tapes[2], &scratch));
  assert_int_equal(scratch_total_bytes(scratch), plans_get(plan, INFERMEM_PLAN_COMPUTE));

  /* The handles. */
  const uint32_t kinds[] = {INFERMEM_PLAN_WEIGHTS, INFERMEM_PLAN_KV_GLOBAL, INFERMEM_PLAN_COMPUTE};
  infermem_plan_measure rows[4];
  for (size_t i = 0; i < 4; i++) {
    INFERMEM_STRUCT(infermem_plan_measure, row);
    row.kind = i < 3 ? kinds[i] : INFERMEM_PLAN_TOTAL_BYTES;
    row.place = INFERMEM_PLAN_PLACE_HOST;
    rows[i] = row;
  }
  assert_int_equal(kv_bytes, plans_get(plan, INFERMEM_PLAN_KV_GLOBAL));
  for (size_t i = 0; i < 3; i++) rows[i].measured_bytes = tape_used(tapes[i]);
  rows[3].measured_bytes = rows[0].measured_bytes + rows[1].measured_bytes + rows[2].measured_bytes;
  assert_ok(plan_audit(plan, rows, 4));
  for (size_t i = 0; i < 4; i++) assert_in_range(rows[i].per_million, 0, kWithin);
  /* The kernel. */
  for (size_t i = 0; i < 3; i++) rows[i].measured_bytes = resident_bytes(tapes[i]);
  rows[3].measured_bytes = rows[0].measured_bytes + rows[1].measured_bytes + rows[2].measured_bytes;
  assert_ok(plan_audit(plan, rows, 4));
  for (size_t i = 0; i < 4; i++) assert_in_range(rows[i].per_million, 0, kWithin);
  for (size_t i = 0; i < n_sequences; i++) kv_free(kvs[i]);
  scratch_free(scratch);
  layout_free(layout);
  plan_free(plan);
}

static void the_demo_model_takes_what_was_planned(void **state) {
  (void)state;
  infermem_model *model = open_model(TEST_DATA "/tiny-llama.gguf");
  check_audit(model, INFERMEM_DTYPE_F32, INFERMEM_DTYPE_F32, 4);
  model_free(model);
}

static void made_models_take_what_was_planned(void **state) {
  (void)state;
  const struct recipe *const recipes[] = {&gqa_f16, &quantized, &mixed};
  for (size_t i = 0; i < 3; i++) {
    infermem_model *model = open_recipe(recipes[i]);
    INFERMEM_STRUCT(infermem_model_weights, weights);
    assert_ok(model_weights(model, &weights));
    check_audit(model, INFERMEM_DTYPE_F16, INFERMEM_DTYPE_F16, 1);
    check_audit(model, INFERMEM_DTYPE_Q8_0, INFERMEM_DTYPE_Q4_0, 2);
    model_free(model);
  }
  gguf_remove();
}

static void weights_are_those_of_the_file_to_the_byte(void **state) {
  (void)state;
  const struct recipe *const recipes[] = {&gqa_f16, &quantized, &mixed};
  for (size_t i = 0; i < 3; i++) {
    infermem_model *model = open_recipe(recipes[i]);
    uint64_t bytes = 0;
    for (size_t t = 0; t < model_tensor_count(model); t++) {
      INFERMEM_STRUCT(infermem_tensor_info, info);
      assert_ok(model_tensor_info(model, t, &info));
      bytes += info.bytes;
    }
    INFERMEM_STRUCT(infermem_plan_options, options);
    options.host_bytes = 4 * GIB;
    infermem_plan *plan = NULL;
    assert_ok(plan_new(model, NULL, NULL, 0, &options, &plan));
    assert_int_equal(plans_get(plan, INFERMEM_PLAN_WEIGHTS), bytes);
    INFERMEM_STRUCT(infermem_plan_term_facts, term);
    assert_ok(plan_term(plan, 0, &term));
    assert_int_equal(term.confidence, INFERMEM_CONFIDENCE_EXACT);
    plan_free(plan);
    model_free(model);
  }
  gguf_remove();
}

/* In PLAIN a cache takes what kv_memory_bytes says, whatever the types and lengths. */
static void a_cache_takes_what_was_planned(void **state) {
  (void)state;
  static const int32_t types[] = {INFERMEM_DTYPE_F32,  INFERMEM_DTYPE_F16,  INFERMEM_DTYPE_BF16,
                                  INFERMEM_DTYPE_Q8_0, INFERMEM_DTYPE_Q4_0, INFERMEM_DTYPE_Q4_1};
  uint64_t random = 17;
  for (uint64_t round = 0; round < 300 * test_soak(); round++) {
    INFERMEM_STRUCT(infermem_model_config, c);
    c.n_layers = 1 + test_random_below(&random, 6);
    c.n_kv_heads = 1 + test_random_below(&random, 3);
    c.n_heads = c.n_kv_heads * 2;
    c.hidden = 64;
    c.intermediate = c.vocab = 64;
    c.head_dim_k = 32 * (1 + test_random_below(&random, 4));
    c.head_dim_v = 32 * (1 + test_random_below(&random, 4));
    c.sliding_window = test_random_below(&random, 2) * 16;
    c.window_interval = 2;
    INFERMEM_STRUCT(infermem_plan_options, options);
    options.context = 1 + test_random_below(&random, 300);
    options.n_sequences = 1 + test_random_below(&random, 3);
    options.k_type = types[test_random_below(&random, 6)];
    options.v_type = types[test_random_below(&random, 6)];
    infermem_plan *plan = plans_one(&c, GIB, &options);
    infermem_kv *kv = NULL;
    assert_ok(plan_build_kv(plan, NULL, &kv));
    assert_int_equal(kv_memory_bytes(kv) * options.n_sequences,
                     plans_get(plan, INFERMEM_PLAN_KV_GLOBAL) + plans_get(plan, INFERMEM_PLAN_KV_WINDOW));
    infermem_view keys, values;
    assert_ok(kv_keys(kv, c.n_layers - 1, &keys));
    assert_ok(kv_values(kv, c.n_layers - 1, &values));
    assert_int_equal(keys.dtype, options.k_type);
    assert_int_equal(values.dtype, options.v_type);
    assert_int_equal(keys.shape[1], c.n_kv_heads * c.head_dim_k);
    assert_int_equal(values.shape[1], c.n_kv_heads * c.head_dim_v);
    kv_free(kv);
    plan_free(plan);
  }
}

static void windows_that_stay_f16_have_types_of_their_own(void **state) {
  (void)state;
  infermem_model_config c = plans_llama8();
  c.n_layers = 4;
  c.sliding_window = 128;
  c.window_interval = 2;
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = 512;
  options.profile = INFERMEM_PLAN_CELLS;
  options.flags = INFERMEM_PLAN_SWA_FULL;
  options.k_type = options.v_type = INFERMEM_DTYPE_Q8_0;
  infermem_plan *plan = plans_one(&c, 24 * GIB, &options);
  infermem_kv *kv = NULL;
  assert_ok(plan_build_kv(plan, NULL, &kv));
  assert_int_equal(kv_memory_bytes(kv),
                   plans_get(plan, INFERMEM_PLAN_KV_GLOBAL) + plans_get(plan, INFERMEM_PLAN_KV_WINDOW));
  infermem_view keys;
  for (size_t i = 0; i < 4; i++) {
    assert_ok(kv_keys(kv, i, &keys));
    assert_int_equal(keys.dtype, i % 2 == 0 ? INFERMEM_DTYPE_F16 : INFERMEM_DTYPE_Q8_0);
  }
  kv_free(kv);
  plan_free(plan);
}

static void what_a_cache_cannot_be_is_unsupported(void **state) {
  (void)state;
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = 4096;
  options.profile = INFERMEM_PLAN_CELLS;
  infermem_kv *kv = NULL;
  /* Fewer tokens in some layers. */
  infermem_model_config c = plans_llama8();
  c.sliding_window = 128;
  c.window_interval = 2;
  infermem_plan *plan = plans_one(&c, 100 * GIB, &options);
  assert_fails(INFERMEM_E_UNSUPPORTED, plan_build_kv(plan, NULL, &kv));
  plan_free(plan);
  /* Other heads in some. */
  c.head_dim_k_window = c.head_dim_v_window = 64;
  options.profile = INFERMEM_PLAN_PLAIN;
  plan = plans_one(&c, 100 * GIB, &options);
  assert_fails(INFERMEM_E_UNSUPPORTED, plan_build_kv(plan, NULL, &kv));
  plan_free(plan);
  /* Keys without values. */
  c = plans_llama8();
  c.kv_lora_rank = 512;
  c.rope_dims = 64;
  c.n_kv_heads = 1;
  c.head_dim_k = 576;
  c.head_dim_v = 512;
  c.head_dim_k_mla = 192;
  c.head_dim_v_mla = 128;
  plan = plans_one(&c, 100 * GIB, &options);
  assert_fails(INFERMEM_E_UNSUPPORTED, plan_build_kv(plan, NULL, &kv));
  plan_free(plan);
  options.mla = INFERMEM_PLAN_MLA_LATENT_V;
  plan = plans_one(&c, 100 * GIB, &options);
  assert_ok(plan_build_kv(plan, NULL, &kv));
  assert_int_equal(kv_memory_bytes(kv), plans_get(plan, INFERMEM_PLAN_KV_GLOBAL));
  kv_free(kv);
  kv = NULL;
  plan_free(plan);
  /* A type that it cannot store. */
  c = plans_llama8();
  options.profile = INFERMEM_PLAN_BLOCKS;
  options.k_type = INFERMEM_DTYPE_I8;
  plan = plans_one(&c, 100 * GIB, &options);
  assert_fails(INFERMEM_E_UNSUPPORTED, plan_build_kv(plan, NULL, &kv));
  assert_null(kv);
  plan_free(plan);
}

static void there_must_be_something_to_build(void **state) {
  (void)state;
  infermem_model_config c = plans_llama8();
  infermem_kv *kv = NULL;
  infermem_layout *layout = NULL;
  infermem_plan *plan = plans_one(&c, MIB, NULL); /* a refusal */
  assert_fails(INFERMEM_E_STATE, plan_build_kv(plan, NULL, &kv));
  infermem_scratch *scratch = NULL;
  assert_fails(INFERMEM_E_STATE, plan_build_layout(plan, &layout));
  assert_fails(INFERMEM_E_STATE, plan_build_scratch(plan, NULL, &scratch));
  assert_null(scratch);
  plan_free(plan);
  plan = plans_one(&c, 200 * GIB, NULL); /* nothing on the host */
  assert_fails(INFERMEM_E_STATE, plan_build_layout(plan, &layout));
  plan_free(plan);
  c.flags = INFERMEM_CONFIG_ENCODER;
  plan = plans_one(&c, 200 * GIB, NULL);
  assert_fails(INFERMEM_E_STATE, plan_build_kv(plan, NULL, &kv));
  plan_free(plan);
  assert_null(kv);
  assert_null(layout);
}

static void a_layout_has_what_the_host_has(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = 4096;
  options.host_bytes = 64 * GIB;
  options.profile = INFERMEM_PLAN_CELLS;
  infermem_plan *plan = plans_one(&c, 10 * GIB, &options);
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_PARTIAL);
  infermem_layout *layout = NULL;
  assert_ok(plan_build_layout(plan, &layout));
  const uint64_t weights = plans_at(plan, INFERMEM_PLAN_WEIGHTS, INFERMEM_PLAN_PLACE_HOST) +
                           plans_at(plan, INFERMEM_PLAN_HOST_EMBEDDING, INFERMEM_PLAN_PLACE_HOST);
  assert_in_range(tape_total(layout_weights(layout)), weights, weights + MIB);
  assert_null(layout_history(layout)); /* the caches are on the device */
  layout_free(layout);
  plan_free(plan);
  /* In one pool all of it is the host's, too. */
  INFERMEM_STRUCT(infermem_plan_device, device);
  device.free_bytes = 64 * GIB;
  device.flags = INFERMEM_PLAN_DEVICE_UNIFIED;
  assert_ok(plan_new(NULL, &c, &device, 1, &options, &plan));
  assert_ok(plan_build_layout(plan, &layout));
  assert_in_range(tape_total(layout_weights(layout)), 16060522496, 16060522496 + MIB);
  assert_in_range(tape_total(layout_history(layout)), plans_get(plan, INFERMEM_PLAN_KV_GLOBAL),
                  plans_get(plan, INFERMEM_PLAN_KV_GLOBAL) + MIB);
  layout_free(layout);
  plan_free(plan);
}

static void a_model_that_lacks_numbers_cannot_be_planned(void **state) {
  (void)state;
  struct gguf g = {0};
  gguf_header(&g, 3, 0, 1);
  gguf_meta_string(&g, "general.architecture", "llama");
  infermem_model *model = open_gguf(&g);
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.host_bytes = GIB;
  infermem_plan *plan = NULL;
  assert_fails(INFERMEM_E_ARG, plan_new(model, NULL, NULL, 0, &options, &plan));
  assert_null(plan);
  model_free(model);
  gguf_remove();
}

/* ---- A large model's header ---- */

static void a_large_header_takes_at_most_twice_its_bytes(void **state) {
  (void)state;
  const struct recipe r = {
      8192, 80, 64, 8, 128, 28672, 128256, 131072, {INFERMEM_DTYPE_Q4_K}, 1, INFERMEM_DTYPE_Q4_K, INFERMEM_DTYPE_Q6_K};
  uint64_t data = 0;
  struct gguf g = make_header(&r, 128256, &data);
  gguf_save(&g);
  const uint64_t metadata = g.size;
  gguf_free(&g);
  assert_int_equal(truncate(gguf_path(), (off_t)(metadata + data)), 0); /* a hole: nothing is written */
  gguf_heap.peak = 0;
  infermem_model *model = NULL;
  assert_ok(gguf_open(&model));
  const size_t of_model = gguf_heap.peak;
  struct test_allocator allocator;
  test_allocator_init(&allocator);
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.allocator = &allocator.hook;
  options.context = 8192;
  INFERMEM_STRUCT(infermem_plan_device, device);
  device.free_bytes = 24 * GIB;
  infermem_plan *plan = NULL;
  assert_ok(plan_new(model, NULL, &device, 1, &options, &plan));
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_PARTIAL);
  assert_in_range(of_model + allocator.live_bytes, 1, 2 * metadata);
  plan_free(plan);
  assert_int_equal(allocator.live, 0);
  model_free(model);
  gguf_remove();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_demo_model_takes_what_was_planned),
      cmocka_unit_test(made_models_take_what_was_planned),
      cmocka_unit_test(weights_are_those_of_the_file_to_the_byte),
      cmocka_unit_test(a_cache_takes_what_was_planned),
      cmocka_unit_test(windows_that_stay_f16_have_types_of_their_own),
      cmocka_unit_test(what_a_cache_cannot_be_is_unsupported),
      cmocka_unit_test(there_must_be_something_to_build),
      cmocka_unit_test(a_layout_has_what_the_host_has),
      cmocka_unit_test(a_model_that_lacks_numbers_cannot_be_planned),
      cmocka_unit_test(a_large_header_takes_at_most_twice_its_bytes),
  };
  return cmocka_run_group_tests_name("plans and memory", tests, NULL, gguf_leave);
}
