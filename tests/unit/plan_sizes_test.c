/* The sizes of a plan: caches of published models in every profile, and what runtimes print about themselves. */
#include "model_cards.h"
#include "plans.h"

static const struct model_card *find(const char *name) {
  for (size_t i = 0; i < n_model_cards; i++)
    if (strcmp(model_cards[i].name, name) == 0) return &model_cards[i];
  fail_msg("there is no card of %s", name);
  return NULL;
}

static infermem_model_config config_of(const char *name) {
  infermem_model *model = open_card(find(name));
  INFERMEM_STRUCT(infermem_model_config, config);
  assert_ok(model_config(model, &config));
  model_free(model);
  return config;
}

static uint64_t pad(uint64_t n, uint64_t to) { return (n + to - 1) / to * to; }
static uint64_t lesser(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* What the card says of a token, in f16, times the tokens that the profile keeps. */
static int check_card(const struct model_card *card, const infermem_model *model, uint32_t profile, uint64_t context,
                      uint64_t n_sequences) {
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = context;
  options.n_sequences = n_sequences;
  options.profile = profile;
  options.k_type = options.v_type = INFERMEM_DTYPE_F16;
  options.flags = INFERMEM_PLAN_NO_MARGIN;
  INFERMEM_STRUCT(infermem_plan_device, device);
  device.free_bytes = (uint64_t)1 << 50;
  infermem_plan *plan = NULL;
  assert_ok(plan_new(model, NULL, &device, 1, &options, &plan));
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_FULL_CACHE);
  const uint64_t to = profile == INFERMEM_PLAN_CELLS ? 256 : profile == INFERMEM_PLAN_BLOCKS ? 16 : 1;
  const uint64_t all = pad(context, to);
  const uint64_t u = lesser(512, all * n_sequences);
  const uint64_t seen = profile == INFERMEM_PLAN_PLAIN ? all : pad(lesser(all, card->window + u), to);
  const uint64_t expected[] = {card->kv_elements * 2 * all * n_sequences,
                               card->window_elements * 2 * seen * n_sequences, card->state_elements * 4 * n_sequences};
  const uint32_t kinds[] = {INFERMEM_PLAN_KV_GLOBAL, INFERMEM_PLAN_KV_WINDOW, INFERMEM_PLAN_RECURRENT};
  int wrong = 0;
  for (size_t i = 0; i < 3; i++) {
    const uint64_t got = plans_get(plan, kinds[i]);
    if (got == expected[i]) continue;
    print_error("%s, profile %u, %llu tokens, %llu sequences: term %u is %llu, not %llu\n", card->name, profile,
                (unsigned long long)context, (unsigned long long)n_sequences, kinds[i], (unsigned long long)got,
                (unsigned long long)expected[i]);
    wrong++;
  }
  INFERMEM_STRUCT(infermem_model_weights, weights);
  INFERMEM_STRUCT(infermem_model_config, config);
  assert_ok(model_weights(model, &weights));
  assert_ok(model_config(model, &config));
  const uint64_t copy = profile == INFERMEM_PLAN_CELLS && weights.output_bytes == 0 ? weights.embedding_bytes : 0;
  const uint64_t table = profile == INFERMEM_PLAN_BLOCKS ? config.context * 2 * config.rope_dims : 0;
  if (config.n_nextn == 0)
    assert_int_equal(plans_get(plan, INFERMEM_PLAN_WEIGHTS) + plans_get(plan, INFERMEM_PLAN_HOST_EMBEDDING),
                     weights.total_bytes + copy + table);
  plan_free(plan);
  return wrong;
}

static void caches_are_those_of_published_models(void **state) {
  (void)state;
  int wrong = 0;
  assert_true(n_model_cards >= 40);
  for (size_t i = 0; i < n_model_cards; i++) {
    infermem_model *model = open_card(&model_cards[i]);
    for (uint32_t profile = INFERMEM_PLAN_PLAIN; profile <= INFERMEM_PLAN_BLOCKS; profile++) {
      wrong += check_card(&model_cards[i], model, profile, 8192, 1);
      wrong += check_card(&model_cards[i], model, profile, 1024, 3);
      wrong += check_card(&model_cards[i], model, profile, 64, 1);
    }
    model_free(model);
  }
  assert_int_equal(wrong, 0);
}

#define GEMMA "Gemma-3-4B, with parts for pictures and with what its class has by default left out"

static infermem_plan *cells(const infermem_model_config *config, uint64_t context, uint32_t flags, int32_t type) {
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = context;
  options.profile = INFERMEM_PLAN_CELLS;
  options.flags = flags;
  options.k_type = options.v_type = type;
  return plans_one(config, (uint64_t)1 << 50, &options);
}

/* "KV self size": 1098 MiB since latents are stored once, 2074 MiB before; 4880 KiB a token where heads are stored. */
static void latents_are_stored_once(void **state) {
  (void)state;
  const infermem_model_config deepseek = config_of("DeepSeek-V3, GGUF");
  infermem_model_config expanded = deepseek;
  expanded.n_kv_heads = 128;
  expanded.head_dim_k = 192;
  expanded.head_dim_v = 128;
  expanded.flags |= INFERMEM_CONFIG_MLA_EXPANDED;
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = 16384;
  options.profile = INFERMEM_PLAN_CELLS;
  options.k_type = options.v_type = INFERMEM_DTYPE_F16;
  const struct {
    uint32_t mla;
    uint64_t bytes;
  } forms[] = {{INFERMEM_PLAN_MLA_MODEL, 1098 * MIB},
               {INFERMEM_PLAN_MLA_LATENT, 1098 * MIB},
               {INFERMEM_PLAN_MLA_LATENT_V, 2074 * MIB},
               {INFERMEM_PLAN_MLA_FULL, (uint64_t)16384 * 4880 * 1024}};
  for (size_t i = 0; i < 4; i++) {
    options.mla = forms[i].mla;
    infermem_plan *plan = plans_one(&deepseek, (uint64_t)1 << 50, &options);
    assert_int_equal(plans_get(plan, INFERMEM_PLAN_KV_GLOBAL), forms[i].bytes);
    assert_true((plans_get(plan, INFERMEM_PLAN_NOTES) & INFERMEM_PLAN_NOTE_ROUGH_COMPUTE) != 0);
    plan_free(plan);
    plan = plans_one(&expanded, (uint64_t)1 << 50, &options);
    if (i > 0) assert_int_equal(plans_get(plan, INFERMEM_PLAN_KV_GLOBAL), forms[i].bytes);
    plan_free(plan);
  }
}

/* "CPU_Mapped model buffer size = 1280.00 MiB, CUDA0 model buffer size = 7401 MiB" of gemma-3-4b in F16: the embedding
 * is looked up on the host, and has a copy on the device as output. */
static void a_tied_embedding_is_on_the_host_and_on_the_device(void **state) {
  (void)state;
  infermem_model_config c = config_of(GEMMA);
  c.vocab = 262144; /* without the ones for pictures */
  c.tied_embeddings = 1;
  c.flags = INFERMEM_CONFIG_QK_NORM | INFERMEM_CONFIG_POST_NORMS;
  infermem_plan *plan = cells(&c, 4096, 0, INFERMEM_DTYPE_F16);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_HOST_EMBEDDING, INFERMEM_PLAN_PLACE_HOST), 1280 * MIB);
  assert_int_equal((plans_at(plan, INFERMEM_PLAN_WEIGHTS, 0) + MIB / 2) / MIB, 7401);
  plan_free(plan);
}

/* "creating SWA KV cache, size = 1536 cells" of gemma 3, and of gpt-oss 768. */
static void windows_are_padded_to_256_cells(void **state) {
  (void)state;
  const infermem_model_config gemma = config_of(GEMMA);
  const infermem_model_config gpt = config_of("gpt-oss-20b");
  infermem_plan *plan = cells(&gemma, 32768, 0, INFERMEM_DTYPE_F16);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_KV_WINDOW), (uint64_t)29 * 2048 * 2 * 1536);
  plan_free(plan);
  plan = cells(&gpt, 32768, 0, INFERMEM_DTYPE_F16);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_KV_WINDOW), (uint64_t)12 * 1024 * 2 * 768);
  plan_free(plan);
  plan = cells(&gpt, 32768, INFERMEM_PLAN_SWA_FULL, INFERMEM_DTYPE_F16);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_KV_WINDOW), (uint64_t)12 * 1024 * 2 * 32768);
  plan_free(plan);
}

static void windows_stay_f16_when_caches_are_quantized(void **state) {
  (void)state;
  const infermem_model_config gpt = config_of("gpt-oss-20b");
  infermem_plan *plan = cells(&gpt, 32768, 0, INFERMEM_DTYPE_Q8_0);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_KV_GLOBAL), (uint64_t)12 * 1024 / 32 * 34 * 32768);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_KV_WINDOW), (uint64_t)12 * 1024 * 2 * 768);
  assert_true((plans_get(plan, INFERMEM_PLAN_NOTES) & INFERMEM_PLAN_NOTE_WINDOW_F16) != 0);
  plan_free(plan);
  plan = cells(&gpt, 32768, INFERMEM_PLAN_SWA_QUANTIZED, INFERMEM_DTYPE_Q8_0);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_KV_WINDOW), (uint64_t)12 * 1024 / 32 * 34 * 768);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_NOTES) & INFERMEM_PLAN_NOTE_WINDOW_F16, 0);
  plan_free(plan);
}

static void sequences_have_streams_of_their_own_or_share_one(void **state) {
  (void)state;
  const infermem_model_config gpt = config_of("gpt-oss-20b");
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = 1000;
  options.n_sequences = 4;
  options.profile = INFERMEM_PLAN_CELLS;
  options.k_type = options.v_type = INFERMEM_DTYPE_F16;
  infermem_plan *plan = plans_one(&gpt, (uint64_t)1 << 50, &options);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_CONTEXT), 1024);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_KV_GLOBAL), (uint64_t)12 * 1024 * 2 * 1024 * 4);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_KV_WINDOW), (uint64_t)12 * 1024 * 2 * 768 * 4);
  plan_free(plan);
  options.flags = INFERMEM_PLAN_UNIFIED_KV;
  plan = plans_one(&gpt, (uint64_t)1 << 50, &options);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_KV_GLOBAL), (uint64_t)12 * 1024 * 2 * 4096);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_KV_WINDOW), (uint64_t)12 * 1024 * 2 * 1024); /* 4 * 128 + 512 */
  plan_free(plan);
}

/* "CUDA0 compute buffer size": 258.50 MiB of Llama-3.1-8B with flash attention, and the 2 or so of the host. */
static void compute_is_logits_and_hidden_rows(void **state) {
  (void)state;
  const infermem_model_config llama = config_of("Llama-3.1-8B");
  infermem_plan *plan = cells(&llama, 8192, 0, INFERMEM_DTYPE_F16);
  const uint64_t compute = plans_at(plan, INFERMEM_PLAN_COMPUTE, 0);
  assert_int_equal(compute, (uint64_t)(128256 + 2 * 4096) * 512 * 4);
  assert_in_range(compute, 258 * MIB + MIB / 2, 258 * MIB + MIB / 2 + 8 * MIB); /* one row of hidden more */
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_COMPUTE, INFERMEM_PLAN_PLACE_HOST), 8192 * 512 * 2 + 4096 * 512 * 4);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_OUTPUT, INFERMEM_PLAN_PLACE_HOST), (128256 + 4096) * 4);
  plan_free(plan);
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = 8192;
  options.profile = INFERMEM_PLAN_CELLS;
  options.n_outputs_max = 1;
  plan = plans_one(&llama, (uint64_t)1 << 50, &options);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_COMPUTE, 0), (128256 + 2 * 4096 * 512) * 4);
  plan_free(plan);
}

/* 560.00 MiB without flash attention at 8192 tokens. */
static void without_flash_attention_scores_are_kept(void **state) {
  (void)state;
  const infermem_model_config llama = config_of("Llama-3.1-8B");
  infermem_plan *plan = cells(&llama, 8192, INFERMEM_PLAN_NO_FLASH_ATTENTION, INFERMEM_DTYPE_F16);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_COMPUTE, 0), 560 * MIB);
  plan_free(plan);
  /* With windows in some layers there are two masks: 16 MiB more. */
  infermem_model_config c = llama;
  c.sliding_window = 1024;
  c.window_interval = 2;
  plan = cells(&c, 8192, INFERMEM_PLAN_NO_FLASH_ATTENTION, INFERMEM_DTYPE_F16);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_COMPUTE, 0), 576 * MIB);
  plan_free(plan);
}

/* Llama-3.1-8B takes 14.9888 GiB in vLLM, and of what is left 2 MiB a page of 16 tokens. */
static void blocks_are_pages_of_sixteen_tokens(void **state) {
  (void)state;
  const infermem_model_config llama = config_of("Llama-3.1-8B");
  infermem_model_config c = llama;
  c.context = 131072;
  c.rope_dims = 128;
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = 16;
  options.profile = INFERMEM_PLAN_BLOCKS;
  options.k_type = options.v_type = INFERMEM_DTYPE_BF16;
  infermem_plan *plan = plans_one(&c, 24 * GIB, &options);
  assert_int_equal((plans_get(plan, INFERMEM_PLAN_WEIGHTS) * 10000 + GIB / 2) / GIB, 149888);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_HOST_EMBEDDING), 0);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_KV_GLOBAL), 2 * MIB);
  plan_free(plan);
  options.ubatch = 1; /* so that what computes does not grow with the context */
  plan = plans_one(&c, 24 * GIB, &options);
  const uint64_t rest = 24 * GIB - (plans_get(plan, INFERMEM_PLAN_TOTAL_BYTES) - 2 * MIB);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_MAX_CONTEXT_FITS), rest / (2 * MIB) * 16);
  plan_free(plan);
  options.k_type = options.v_type = INFERMEM_DTYPE_I8; /* 8-bit floats: half */
  plan = plans_one(&c, 24 * GIB, &options);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_KV_GLOBAL), MIB);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_MAX_CONTEXT_FITS), (rest / MIB) * 16);
  plan_free(plan);
}

static void state_has_a_copy_a_sequence_and_snapshot(void **state) {
  (void)state;
  const infermem_model_config qwen = config_of("Qwen3-Next-80B-A3B, GGUF");
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.n_sequences = 3;
  options.n_snapshots = 4;
  infermem_plan *plan = plans_one(&qwen, (uint64_t)1 << 50, &options);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_RECURRENT), (uint64_t)36 * (24576 + 524288) * 4 * 3 * 5);
  plan_free(plan);
}

static void layers_of_prediction_count_when_they_are_asked_for(void **state) {
  (void)state;
  const infermem_model_config deepseek = config_of("DeepSeek-V3, GGUF");
  infermem_model_config c = deepseek;
  c.n_layers = 62;
  c.n_nextn = 1;
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = 16384;
  options.k_type = options.v_type = INFERMEM_DTYPE_F16;
  infermem_plan *plan = plans_one(&c, (uint64_t)1 << 50, &options);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_LAYERS), 61);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_KV_GLOBAL), 1098 * MIB);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_NOTES) & INFERMEM_PLAN_NOTE_NEXTN_LEFT_OUT,
                   INFERMEM_PLAN_NOTE_NEXTN_LEFT_OUT);
  const uint64_t without = plans_get(plan, INFERMEM_PLAN_WEIGHTS);
  INFERMEM_STRUCT(infermem_plan_layer_facts, layer);
  assert_ok(plan_layer(plan, 61, &layer));
  assert_int_equal(layer.is_loaded, 0);
  assert_int_equal(layer.kv_index, UINT64_MAX);
  plan_free(plan);
  options.flags = INFERMEM_PLAN_NEXTN;
  plan = plans_one(&c, (uint64_t)1 << 50, &options);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_LAYERS), 62);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_WEIGHTS), without + layer.weight_bytes);
  plan_free(plan);
}

static void a_copy_to_prefill_with_has_bytes_an_element(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  INFERMEM_STRUCT(infermem_model_weights, weights);
  assert_ok(infermem_config_weights(&c, &weights));
  const uint64_t elements = weights.layer_bytes / 2; /* in F16 */
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = 4096;
  options.flags = INFERMEM_PLAN_DEQUANT_F8;
  infermem_plan *plan = plans_one(&c, (uint64_t)1 << 50, &options);
  assert_in_range(plans_get(plan, INFERMEM_PLAN_DEQUANT), elements - 32, elements);
  plan_free(plan);
  options.flags = INFERMEM_PLAN_DEQUANT_F16;
  plan = plans_one(&c, (uint64_t)1 << 50, &options);
  assert_in_range(plans_get(plan, INFERMEM_PLAN_DEQUANT), 2 * elements - 64, 2 * elements);
  plan_free(plan);
}

static void the_largest_term_is_named(void **state) {
  (void)state;
  infermem_model_config c = plans_llama8();
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = 131072;
  options.n_sequences = 8;
  infermem_plan *plan = plans_one(&c, (uint64_t)1 << 50, &options);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_LARGEST_TERM), INFERMEM_PLAN_KV_GLOBAL);
  plan_free(plan);
}

/* 242,296 bytes of a token of TinyLlama; in a batch of 64 tokens no buffer needs rounding up. */
static void plain_compute_is_the_buffers_of_a_pass(void **state) {
  (void)state;
  const infermem_model_config tiny = config_of("TinyLlama-1.1B, GGUF");
  infermem_model_config c = tiny;
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.ubatch = 64;
  infermem_plan *plan = plans_one(&c, (uint64_t)1 << 50, &options);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_COMPUTE), 242296 * 64);
  plan_free(plan);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(caches_are_those_of_published_models),
      cmocka_unit_test(latents_are_stored_once),
      cmocka_unit_test(a_tied_embedding_is_on_the_host_and_on_the_device),
      cmocka_unit_test(windows_are_padded_to_256_cells),
      cmocka_unit_test(windows_stay_f16_when_caches_are_quantized),
      cmocka_unit_test(sequences_have_streams_of_their_own_or_share_one),
      cmocka_unit_test(compute_is_logits_and_hidden_rows),
      cmocka_unit_test(without_flash_attention_scores_are_kept),
      cmocka_unit_test(blocks_are_pages_of_sixteen_tokens),
      cmocka_unit_test(state_has_a_copy_a_sequence_and_snapshot),
      cmocka_unit_test(layers_of_prediction_count_when_they_are_asked_for),
      cmocka_unit_test(a_copy_to_prefill_with_has_bytes_an_element),
      cmocka_unit_test(the_largest_term_is_named),
      cmocka_unit_test(plain_compute_is_the_buffers_of_a_pass),
  };
  return cmocka_run_group_tests_name("the plan's sizes", tests, NULL, gguf_leave);
}
