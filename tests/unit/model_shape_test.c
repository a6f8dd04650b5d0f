/* Layers and weights where they are hardest to come by: Hugging Face's names of tensors, hostile and contradictory
 * metadata, wrong arguments, failing allocations. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model_cards.h"

static infermem_model *open_text(const char *text) {
  const struct model_card card = {.name = "a model", .text = text};
  model_card_save(&card);
  infermem_model *model = NULL;
  assert_ok(gguf_open(&model));
  gguf_exercise(model);
  return model;
}

/* ---- Hugging Face's names of tensors ---- */

#define FOLDER "model_shape_test.dir"

struct tensors {
  char header[8192];
  size_t length;
  uint64_t data;
};

static void add(struct tensors *t, const char *name, const char *dtype, uint64_t rows, uint64_t cols) {
  const uint64_t bytes = rows * cols * (strcmp(dtype, "F32") ? 2 : 4);
  t->length +=
      (size_t)snprintf(t->header + t->length, sizeof t->header - t->length,
                       "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%u,%u],\"data_offsets\":[%u,%u]}", t->length ? "," : "",
                       name, dtype, (unsigned)rows, (unsigned)cols, (unsigned)t->data, (unsigned)(t->data + bytes));
  assert_true(t->length < sizeof t->header);
  t->data += bytes;
}

static void write_file(const char *path, const struct gguf *g) {
  FILE *const file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(g->bytes, 1, g->size, file), g->size);
  assert_int_equal(fclose(file), 0);
}

/* A folder with a config.json and a model.safetensors. */
static infermem_model *open_folder(const char *config, const struct tensors *t) {
  struct gguf g = {0};
  (void)mkdir(FOLDER, 0700);
  gguf_bytes(&g, config, strlen(config));
  write_file(FOLDER "/config.json", &g);
  gguf_free(&g);
  gguf_u64(&g, t->length + 2);
  gguf_bytes(&g, "{", 1);
  gguf_bytes(&g, t->header, t->length);
  gguf_bytes(&g, "}", 1);
  gguf_zeros(&g, (size_t)t->data);
  write_file(FOLDER "/model.safetensors", &g);
  gguf_free(&g);
  return open_model(FOLDER);
}

static void names_of_hugging_face_are_known(void **state) {
  (void)state;
  struct tensors t = {0};
  add(&t, "model.embed_tokens.weight", "BF16", 128, 64);
  add(&t, "model.norm.weight", "BF16", 1, 64);
  add(&t, "model.layers.0.input_layernorm.weight", "BF16", 1, 64);
  add(&t, "model.layers.0.self_attn.q_proj.weight", "BF16", 64, 64);
  add(&t, "model.layers.0.self_attn.k_proj.weight", "BF16", 32, 64);
  add(&t, "model.layers.0.self_attn.v_proj.weight", "BF16", 32, 64);
  add(&t, "model.layers.0.self_attn.o_proj.weight", "BF16", 64, 64);
  add(&t, "model.layers.0.mlp.gate_proj.weight", "BF16", 96, 64);
  add(&t, "model.layers.0.mlp.up_proj.weight", "BF16", 96, 64);
  add(&t, "model.layers.0.mlp.down_proj.weight", "BF16", 64, 96);
  add(&t, "model.layers.1.self_attn.qkv_proj.weight", "BF16", 128, 64);
  add(&t, "model.layers.1.mlp.gate.weight", "F32", 2, 64);
  add(&t, "model.layers.1.mlp.experts.0.gate_proj.weight", "BF16", 32, 64);
  add(&t, "model.layers.1.mlp.experts.1.gate_proj.weight", "BF16", 32, 64);
  add(&t, "model.layers.1.mlp.shared_experts.gate_proj.weight", "BF16", 48, 64);
  add(&t, "model.layers.2.eh_proj.weight", "BF16", 64, 128);
  add(&t, "model.visual.blocks.0.attn.qkv.weight", "BF16", 96, 32);
  infermem_model *model = open_folder(
      "{\"model_type\": \"qwen3_moe\", \"hidden_size\": 64, \"num_hidden_layers\": 2, \"num_attention_heads\": 4,"
      "\"num_key_value_heads\": 2, \"intermediate_size\": 96, \"moe_intermediate_size\": 32, \"num_experts\": 2,"
      "\"num_experts_per_tok\": 1, \"first_k_dense_replace\": 1, \"num_nextn_predict_layers\": 1, \"vocab_size\": 128,"
      "\"max_position_embeddings\": 64, \"tie_word_embeddings\": false}",
      &t);
  const infermem_model_layer dense = card_layer(model, 0), experts = card_layer(model, 1), nextn = card_layer(model, 2);
  assert_int_equal(dense.attention_bytes, 2 * 64 * (64 + 32 + 32 + 64));
  assert_int_equal(dense.dense_bytes, 2 * 3 * 64 * 96);
  assert_int_equal(dense.norm_bytes, 2 * 64);
  assert_int_equal(dense.confidence, INFERMEM_CONFIDENCE_EXACT);
  assert_int_equal(experts.attention_bytes, 2 * 64 * 128);
  assert_int_equal(experts.routed_expert_bytes, 2 * 64 * 64);
  assert_int_equal(experts.shared_expert_bytes, 2 * 64 * 48);
  assert_int_equal(experts.other_bytes, 4 * 2 * 64);
  assert_int_equal(experts.n_experts, 2);
  assert_int_equal(experts.confidence, INFERMEM_CONFIDENCE_EXACT);
  assert_int_equal(nextn.is_nextn, 1);
  assert_int_equal(nextn.other_bytes, 2 * 64 * 128);
  const infermem_model_weights w = card_weights(model);
  assert_int_equal(w.embedding_bytes, 2 * 128 * 64);
  assert_int_equal(w.output_bytes, 0);
  assert_int_equal(w.other_bytes, 2 * 64 + 2 * 96 * 32);
  assert_int_equal(w.total_bytes, t.data);
  assert_int_equal(card_config(model).tied_embeddings, 1); /* whatever the configuration says: there is no lm_head */
  assert_int_equal(card_config(model).n_layers, 3);
  model_free(model);
}

static void recurrent_layers_are_known_by_their_tensors(void **state) {
  (void)state;
  struct tensors t = {0};
  add(&t, "model.layers.0.linear_attn.in_proj_qkvz.weight", "BF16", 64, 64);
  add(&t, "model.layers.0.linear_attn.A_log", "F32", 1, 4);
  add(&t, "model.layers.1.self_attn.k_proj.weight", "BF16", 32, 64);
  add(&t, "model.layers.2.mtp.note", "BF16", 1, 1);
  add(&t, "mtp.layers.0.self_attn.k_proj.weight", "BF16", 32, 64);
  add(&t, "mtp.fc.weight", "BF16", 64, 128);
  add(&t, "lm_head.weight", "BF16", 128, 64);
  infermem_model *model = open_folder(
      "{\"model_type\": \"qwen3_next\", \"hidden_size\": 64, \"num_hidden_layers\": 2, \"num_attention_heads\": 4,"
      "\"num_key_value_heads\": 2, \"intermediate_size\": 96, \"vocab_size\": 128, \"max_position_embeddings\": 64,"
      "\"full_attention_interval\": 2, \"linear_conv_kernel_dim\": 4, \"linear_key_head_dim\": 8,"
      "\"linear_num_key_heads\": 2, \"linear_num_value_heads\": 4, \"linear_value_head_dim\": 8,"
      "\"mtp_num_hidden_layers\": 1}",
      &t);
  assert_int_equal(card_layer(model, 0).kind, INFERMEM_LAYER_RECURRENT);
  assert_int_equal(card_layer(model, 0).conv_elements, 3 * (32 + 2 * 2 * 8));
  assert_int_equal(card_layer(model, 0).state_elements, 8 * 32);
  assert_int_equal(card_layer(model, 1).kind, INFERMEM_LAYER_ATTENTION);
  assert_int_equal(card_layer(model, 2).is_nextn, 1);
  assert_int_equal(card_layer(model, 2).attention_bytes, 2 * 32 * 64);
  for (uint64_t i = 0; i < 2; i++) assert_int_equal(card_layer(model, i).confidence, INFERMEM_CONFIDENCE_EXACT);
  assert_int_equal(card_config(model).tied_embeddings, 0);
  assert_int_equal(card_weights(model).output_bytes, 2 * 128 * 64);
  assert_int_equal(card_weights(model).total_bytes, t.data);
  model_free(model);
}

/* ---- Configurations of Hugging Face that say it otherwise ---- */

#define SMALL(type)                                                                \
  "{\"model_type\": \"" type                                                       \
  "\", \"hidden_size\": 64, \"num_hidden_layers\": 4, \"num_attention_heads\": 4," \
  "\"num_key_value_heads\": 2, \"intermediate_size\": 96, \"vocab_size\": 128, \"max_position_embeddings\": 64,"

static void assert_kinds(const char *text, const char *kinds) {
  static const char letters[] = "?AWMRBN"; /* of INFERMEM_LAYER_ATTENTION and so on */
  infermem_model *model = open_text(text);
  for (uint64_t i = 0; kinds[i]; i++) {
    const char got = letters[card_layer(model, i).kind];
    if (got != kinds[i]) fail_msg("layer %u is %c, not %c: %s", (unsigned)i, got, kinds[i], text);
  }
  model_free(model);
}

static void layouts_are_said_in_many_ways(void **state) {
  (void)state;
  assert_kinds(SMALL("qwen2") "\"use_sliding_window\": true, \"sliding_window\": 8, \"max_window_layers\": 1}", "AWWW");
  assert_kinds(SMALL("qwen2") "\"use_sliding_window\": false, \"sliding_window\": 8, \"max_window_layers\": 1}",
               "AAAA");
  assert_kinds(SMALL("gemma3_text") "\"sliding_window\": 8, \"_sliding_window_pattern\": 2}", "WAWA");
  assert_kinds(SMALL("gemma2") "\"sliding_window\": 8}", "WAWA");
  assert_kinds(SMALL("gemma2") "\"sliding_window\": null}", "AAAA");
  assert_kinds(SMALL("unheard-of") "\"sliding_window\": 8, \"layer_types\": [\"full_attention\", \"sliding_attention\","
                                   "\"chunked_attention\", \"full_attention\"]}",
               "AWWA");
  assert_kinds(SMALL("llama4_text") "\"attention_chunk_size\": 8}", "WWWA");
  assert_kinds(SMALL("jamba") "\"mamba_d_state\": 4, \"mamba_d_conv\": 4, \"mamba_expand\": 2, \"mamba_dt_rank\": "
                              "\"auto\", \"attn_layer_period\": 2, \"attn_layer_offset\": 0}",
               "ARAR");
  assert_kinds(SMALL("bamba") "\"mamba_d_state\": 4, \"mamba_d_conv\": 4, \"mamba_n_heads\": 4, \"mamba_d_head\": 32,"
                              "\"mamba_n_groups\": 1, \"attn_layer_indices\": [2]}",
               "RRAR");
  assert_kinds(SMALL("plamo2") "\"mamba_d_state\": 4, \"mamba_d_conv\": 4, \"mamba_num_heads\": 4, \"mamba_step\": 2,"
                               "\"hidden_size_per_head\": 32}",
               "RARA");
  assert_kinds(SMALL("kimi_linear") "\"kv_lora_rank\": 16, \"qk_nope_head_dim\": 8, \"qk_rope_head_dim\": 4,"
                                    "\"v_head_dim\": 8, \"linear_attn_config\": {\"head_dim\": 8, \"num_heads\": 4,"
                                    "\"short_conv_kernel_size\": 4, \"full_attn_layers\": [4],"
                                    "\"kda_layers\": [1, 2, 3]}}",
               "RRRM");
  assert_kinds(SMALL("falcon_h1") "\"mamba_d_ssm\": 128, \"mamba_d_state\": 4, \"mamba_d_conv\": 4,"
                                  "\"mamba_n_heads\": 4, \"mamba_n_groups\": 1}",
               "BBBB");
  assert_kinds(SMALL("lfm2") "\"conv_L_cache\": 3, \"layer_types\": [\"conv\", \"full_attention\", \"conv\", "
                             "\"full_attention\"]}",
               "RARA");
  assert_kinds(SMALL("nemotron_h") "\"hybrid_override_pattern\": \"M*E-\", \"ssm_state_size\": 4, \"conv_kernel\": 4,"
                                   "\"mamba_num_heads\": 4, \"mamba_head_dim\": 32, \"n_groups\": 1,"
                                   "\"n_routed_experts\": 4, \"num_experts_per_tok\": 1, \"moe_intermediate_size\": 8}",
               "RANN");
  assert_kinds(SMALL("rwkv7") "\"head_dim\": 16}", "RRRR");
  assert_kinds(SMALL("bert") "\"type_vocab_size\": 2}", "NNNN");
}

static void a_pattern_counts_from_where_the_architecture_does(void **state) {
  (void)state;
#define SIX_LAYERS(arch)                                                                         \
  "general.architecture " arch "\n" arch ".block_count 6\n" arch ".embedding_length 64\n" arch   \
  ".feed_forward_length 96\n" arch ".attention.head_count 4\n" arch ".context_length 512\n" arch \
  ".vocab_size 128\n" arch ".attention.sliding_window 16\n" arch ".attention.sliding_window_pattern 3\n"
  assert_kinds(SIX_LAYERS("smallthinker"), "AWWAWW");
  assert_kinds(SIX_LAYERS("gemma3"), "WWAWWA");
  assert_kinds(SIX_LAYERS("nobody-knows"), "WWAWWA");
  assert_kinds(
      "general.architecture llama4\nllama4.block_count 4\nllama4.embedding_length 64\n"
      "llama4.attention.head_count 4\nllama4.attention.sliding_window 0\n",
      "AAAA");
}

static void experts_are_in_the_layers_that_are_said(void **state) {
  (void)state;
#define EXPERTS "\"num_experts\": 4, \"num_experts_per_tok\": 2, \"moe_intermediate_size\": 8"
  static const struct {
    const char *text;
    const char *layers;
  } cases[] = {
      {SMALL("qwen3_moe") EXPERTS "}", "EEEE"},
      {SMALL("qwen3_moe") EXPERTS ", \"mlp_only_layers\": [1, 2]}", "EddE"},
      {SMALL("qwen3_moe") EXPERTS ", \"decoder_sparse_step\": 2}", "dEdE"},
      {SMALL("deepseek_v3") EXPERTS ", \"first_k_dense_replace\": 3}", "dddE"},
      {SMALL("mimo_v2") EXPERTS ", \"moe_layer_freq\": [0, 1, 1, 0]}", "dEEd"},
      {SMALL("glm4_moe") EXPERTS ", \"mlp_layer_types\": [\"dense\", \"sparse\", \"sparse\", \"dense\"]}", "dEEd"},
      {SMALL(
           "llama4_text") "\"intermediate_size_mlp\": 96, \"num_local_experts\": 4, \"interleave_moe_layer_step\": 2}",
       "dEdE"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    infermem_model *model = open_text(cases[i].text);
    for (uint64_t k = 0; k < 4; k++) {
      const infermem_model_layer l = card_layer(model, k);
      const int experts = cases[i].layers[k] == 'E';
      assert_int_equal(l.n_experts, experts ? 4 : 0);
      assert_int_equal(l.intermediate, experts ? 0 : 96);
      assert_int_equal(l.routed_expert_bytes != 0, experts);
      assert_int_equal(l.dense_bytes != 0, !experts);
    }
    model_free(model);
  }
}

/* ---- Hostile values ---- */

static void hostile_values_are_left_out_with_a_warning(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *warning;
  } cases[] = {
      {SMALL("llama") "\"head_dim\": -1}", "\"head_dim\" has -1, which is negative"},
      {SMALL("llama") "\"head_dim\": \"many\"}", "\"head_dim\" is a string, not an integer"},
      {SMALL("llama") "\"head_dim\": 18446744073709551615}", "\"head_dim\" has 18446744073709551615, above the limit"},
      {SMALL("llama") "\"num_experts\": 1048576}", "above the limit of 1048575"},
      {SMALL("llama") "\"rope_theta\": -1.5}", "\"rope_theta\" is negative"},
      {SMALL("llama") "\"sliding_window\": 8, \"layer_types\": [\"full_attention\"]}", "has 1 values, for 4 layers"},
      {SMALL("llama") "\"layer_types\": [\"a\", \"b\", \"c\", \"full_attention\"]}", "has 3 values that are not known"},
      {SMALL("llama") "\"layer_types\": [\"full_attention\", \"linear_attention\", \"mamba\", \"full_attention\"]}",
       "2 layers, the first being layer 1, are recurrent, and the size of their state is not known"},
      {SMALL("deepseek_v3") "\"kv_lora_rank\": 16, \"qk_rope_head_dim\": 524288}", "above the limit of 524287"},
      {SMALL("deepseek_v32") "\"kv_lora_rank\": 16, \"qk_rope_head_dim\": 8, \"index_head_dim\": 128}",
       "the index of sparse attention, 128 elements a token and layer, is not counted"},
      {SMALL("nemotron_h") "\"hybrid_override_pattern\": \"M\", \"ssm_state_size\": 4}", "1 letters, for 4 layers"},
      {SMALL("llama") "\"num_nextn_predict_layers\": 4093}", "above the limit of 4092"},
      {SMALL("llama") "\"tie_word_embeddings\": 1}", "\"tie_word_embeddings\" is an i64, not a bool"},
      {SMALL("llama") "\"num_kv_shared_layers\": 5}", "\"num_kv_shared_layers\" has 5, above the limit of 4"},
      {"{\"model_type\": \"llama\", \"num_hidden_layers\": 4097}", "\"num_hidden_layers\" has 4097, above the limit"},
      {"{\"model_type\": \"a b\", \"hidden_size\": 64}", "\"model_type\" is \"a b\""},
      {"{}", "the file does not say, or not usably, \"num_hidden_layers\""},
      {"general.architecture x\nx.block_count 4097\n", "\"x.block_count\" has 4097, above the limit of 4096"},
      {"general.architecture x\nx.block_count 2\nx.attention.sliding_window 4\n"
       "x.attention.sliding_window_pattern [true,false,true]\n",
       "\"x.attention.sliding_window_pattern\" has 3 values, for 2 layers"},
      {"general.architecture x\nx.block_count 2\nx.nextn_predict_layers 3\n", "\"x.nextn_predict_layers\" has 3"},
      {"general.architecture x\nx.block_count 2\nx.attention.recurrent_layers [0,2]\n", "has 2, above the limit of 1"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    infermem_model *model = open_text(cases[i].text);
    if (!warned(model, cases[i].warning)) fail_msg("no warning \"%s\": %s", cases[i].warning, cases[i].text);
    model_free(model);
  }
  assert_int_equal(gguf_heap.live, 0);
}

/* Every number at its limit: nothing overflows, and what does not fit is refused. */
static void the_largest_numbers_are_refused_as_a_whole(void **state) {
  (void)state;
  infermem_model *model = open_text(
      "general.architecture x\nx.block_count 4096\nx.embedding_length 2147483648\nx.feed_forward_length 2147483648\n"
      "x.attention.head_count 1048575\nx.attention.head_count_kv 1048575\nx.attention.key_length 1048575\n"
      "x.attention.value_length 1048575\nx.context_length 2147483648\nx.vocab_size 2147483648\n"
      "x.expert_count 1048575\nx.expert_used_count 1048575\nx.expert_shared_count 1048575\n"
      "x.expert_feed_forward_length 2147483648\nx.ssm.conv_kernel 1048575\nx.ssm.inner_size 2147483648\n"
      "x.ssm.state_size 1048575\nx.ssm.group_count 1048575\nx.ssm.time_step_rank 1048575\n"
      "x.attention.kv_lora_rank 1048575\nx.attention.q_lora_rank 1048575\nx.attention.key_length_mla 1048575\n"
      "x.attention.value_length_mla 1048575\nx.attention.sliding_window 2147483648\n");
  const infermem_model_config config = card_config(model);
  assert_int_equal(config.ssm_groups, 1048575);
  assert_fails(INFERMEM_E_LIMIT, infermem_config_validate(&config)); /* of the shared experts' middle */
  assert_int_equal(card_weights(model).total_bytes, 0);
  assert_int_equal(card_layer(model, 4095).state_elements, 1048575 * (uint64_t)2147483648);
  infermem_model_config c = config;
  c.n_experts_shared = c.shared_intermediate = 0;
  assert_fails(INFERMEM_E_OVERFLOW, infermem_config_validate(&c));
  INFERMEM_STRUCT(infermem_model_layer, l);
  INFERMEM_STRUCT(infermem_model_weights, w);
  assert_fails(INFERMEM_E_OVERFLOW, infermem_config_layer(&c, 0, &l));
  assert_fails(INFERMEM_E_OVERFLOW, infermem_config_weights(&c, &w));
  model_free(model);
}

/* ---- Arguments ---- */

static infermem_model_config small_config(void) {
  INFERMEM_STRUCT(infermem_model_config, c);
  strcpy(c.architecture, "llama");
  c.n_layers = 4;
  c.hidden = 64;
  c.n_heads = 4;
  c.n_kv_heads = 2;
  c.intermediate = 96;
  c.vocab = 128;
  c.context = 512;
  return c;
}

#define REFUSE(code, assignment)                        \
  do {                                                  \
    infermem_model_config c = small_config();           \
    assignment;                                         \
    assert_fails((code), infermem_config_validate(&c)); \
  } while (0)

static void the_further_numbers_are_validated(void **state) {
  (void)state;
  REFUSE(INFERMEM_E_LIMIT, c.expert_intermediate = 0x80000001u);
  REFUSE(INFERMEM_E_LIMIT, c.shared_intermediate = UINT64_MAX);
  REFUSE(INFERMEM_E_LIMIT, c.n_experts_shared = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.n_dense_layers = 5);
  REFUSE(INFERMEM_E_LIMIT, c.expert_interval = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.n_nextn = 5);
  REFUSE(INFERMEM_E_LIMIT, c.kv_lora_rank = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.q_lora_rank = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.head_dim_k_mla = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.head_dim_v_mla = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.window_interval = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.window_first = 1);
  REFUSE(INFERMEM_E_LIMIT, c.n_kv_heads_window = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.head_dim_k_window = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.head_dim_v_window = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.n_kv_shared_layers = 5);
  REFUSE(INFERMEM_E_LIMIT, c.attention_interval = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.attention_interval = 2; c.attention_first = 3);
  REFUSE(INFERMEM_E_LIMIT, c.conv_kernel = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.ssm_inner = 0x80000001u);
  REFUSE(INFERMEM_E_LIMIT, c.ssm_state = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.ssm_groups = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.ssm_heads = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.wkv_head_dim = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.token_shifts = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.weight_bits = 17);
  REFUSE(INFERMEM_E_LIMIT, c.weight_group = 0x80000001u);
  REFUSE(INFERMEM_E_TYPE, c.weight_type = 5);
  REFUSE(INFERMEM_E_TYPE, c.weight_type = -1);
  REFUSE(INFERMEM_E_TYPE, c.expert_type = 5);
  REFUSE(INFERMEM_E_ARG, c.reserved = 1);
  REFUSE(INFERMEM_E_SHAPE, c.n_kv_heads_window = 3);
  REFUSE(INFERMEM_E_ARG, c.n_heads = 0; c.conv_kernel = 0);
  /* What recurs need not attend, nor feed forward. */
  infermem_model_config c = small_config();
  c.n_heads = c.n_kv_heads = c.intermediate = 0;
  c.ssm_inner = 128;
  c.ssm_state = 16;
  c.conv_kernel = 4;
  assert_ok(infermem_config_validate(&c));
  INFERMEM_STRUCT(infermem_model_layer, l);
  assert_ok(infermem_config_layer(&c, 3, &l));
  assert_int_equal(l.kind, INFERMEM_LAYER_RECURRENT);
  uint64_t bytes;
  assert_fails(INFERMEM_E_ARG, plan_estimate_layer(&c, &bytes)); /* no transformer */
}

static void what_heads_have_is_never_hidden(void **state) {
  (void)state;
  infermem_model_config c = small_config();
  c.hidden = 1024; /* Qwen3-0.6B */
  c.n_heads = 16;
  c.n_kv_heads = 8;
  c.head_dim_k = c.head_dim_v = 128;
  INFERMEM_STRUCT(infermem_model_layer, l);
  assert_ok(infermem_config_layer(&c, 0, &l));
  assert_int_equal(l.n_heads * l.head_dim_k, 2048);
  assert_int_equal(l.n_kv_heads * l.head_dim_k, 1024);
  assert_int_equal(l.attention_bytes, 4 * 1024 * (2048 + 1024 + 1024 + 2048));
  c.hidden = 3072; /* Gemma-7B */
  c.n_kv_heads = 16;
  c.head_dim_k = c.head_dim_v = 256;
  assert_ok(infermem_config_layer(&c, 0, &l));
  assert_int_equal(l.n_heads * l.head_dim_k, 4096);
  assert_int_equal(l.n_kv_heads * l.head_dim_v, 4096);
}

static void wrong_arguments_are_errors(void **state) {
  (void)state;
  infermem_model *model = open_text(SMALL("llama") "\"torch_dtype\": \"float16\"}");
  infermem_model_config c = small_config();
  INFERMEM_STRUCT(infermem_model_layer, l);
  INFERMEM_STRUCT(infermem_model_weights, w);
  char other[64] = {0};
  assert_fails(INFERMEM_E_NULL, model_layer(NULL, 0, &l));
  assert_fails(INFERMEM_E_NULL, model_layer(model, 0, NULL));
  assert_fails(INFERMEM_E_HANDLE, model_layer((infermem_model *)(void *)other, 0, &l));
  assert_fails(INFERMEM_E_RANGE, model_layer(model, 4, &l));
  assert_fails(INFERMEM_E_RANGE, model_layer(model, UINT64_MAX, &l));
  assert_fails(INFERMEM_E_NULL, model_weights(NULL, &w));
  assert_fails(INFERMEM_E_NULL, model_weights(model, NULL));
  assert_fails(INFERMEM_E_HANDLE, model_weights((infermem_model *)(void *)other, &w));
  assert_fails(INFERMEM_E_NULL, infermem_config_layer(NULL, 0, &l));
  assert_fails(INFERMEM_E_NULL, infermem_config_layer(&c, 0, NULL));
  assert_fails(INFERMEM_E_RANGE, infermem_config_layer(&c, 4, &l));
  assert_fails(INFERMEM_E_NULL, infermem_config_weights(NULL, &w));
  assert_fails(INFERMEM_E_NULL, infermem_config_weights(&c, NULL));
  assert_int_equal(l.kind, 0); /* and nothing was written */
  assert_int_equal(w.total_bytes, 0);
  l.struct_size = w.struct_size = 1;
  assert_fails(INFERMEM_E_STRUCT, model_layer(model, 0, &l));
  assert_fails(INFERMEM_E_STRUCT, model_weights(model, &w));
  assert_fails(INFERMEM_E_STRUCT, infermem_config_layer(&c, 0, &l));
  assert_fails(INFERMEM_E_STRUCT, infermem_config_weights(&c, &w));
  c.struct_size = 1;
  assert_fails(INFERMEM_E_STRUCT, infermem_config_layer(&c, 0, &l));
  assert_fails(INFERMEM_E_STRUCT, infermem_config_weights(&c, &w));
  c = small_config();
  c.n_heads = 0;
  l.struct_size = sizeof l;
  w.struct_size = sizeof w;
  assert_fails(INFERMEM_E_ARG, infermem_config_layer(&c, 0, &l));
  assert_fails(INFERMEM_E_ARG, infermem_config_weights(&c, &w));
  model_free(model);
}

/* ---- Failing allocations ---- */

static int32_t open_and_ask(const infermem_allocator *allocator) {
  INFERMEM_STRUCT(infermem_model_options, options);
  options.allocator = allocator;
  infermem_model *model = NULL;
  const int32_t status = model_open(gguf_path(), &options, &model);
  if (status != INFERMEM_OK) {
    assert_null(model);
    return status;
  }
  const uint64_t n = card_config(model).n_layers;
  for (uint64_t i = 0; i < n; i++) (void)card_layer(model, i);
  (void)card_weights(model);
  model_free(model);
  return INFERMEM_OK;
}

static void failing_allocations_leave_nothing(void **state) {
  (void)state;
  static const char *const texts[] = {
      SMALL("nemotron_h") "\"hybrid_override_pattern\": \"M*E-\", \"ssm_state_size\": 4, \"conv_kernel\": 4,"
                          "\"mamba_num_heads\": 4, \"mamba_head_dim\": 32, \"n_groups\": 1, \"n_routed_experts\": 4,"
                          "\"num_experts_per_tok\": 1, \"head_dim\": -1}",
      SMALL("unheard-of") "\"sliding_window\": 8, \"layer_types\": [\"full_attention\", \"sliding_attention\", \"x\","
                          "\"linear_attention\"], \"mlp_layer_types\": [\"dense\", \"sparse\", \"sparse\", \"sparse\"],"
                          "\"attn_layer_indices\": [2]}",
      "general.architecture x\nx.block_count 2\nx.attention.head_count [4,8]\nx.attention.head_count_kv [0,4]\n"
      "x.feed_forward_length [8,16]\nx.attention.sliding_window 8\nx.attention.sliding_window_pattern [true,false]\n"
      "x.attention.recurrent_layers [1,0]\nx.ssm.conv_kernel 4\nx.ssm.inner_size 8\nx.ssm.state_size 8\n",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    const struct model_card card = {.name = "a model", .text = texts[i]};
    model_card_save(&card);
    assert_true(oom_walk(open_and_ask) > 5);
  }
}

static int tear_down(void **state) {
  (void)state;
  (void)unlink(FOLDER "/config.json");
  (void)unlink(FOLDER "/model.safetensors");
  (void)rmdir(FOLDER);
  gguf_remove();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_of_hugging_face_are_known),
      cmocka_unit_test(recurrent_layers_are_known_by_their_tensors),
      cmocka_unit_test(layouts_are_said_in_many_ways),
      cmocka_unit_test(a_pattern_counts_from_where_the_architecture_does),
      cmocka_unit_test(experts_are_in_the_layers_that_are_said),
      cmocka_unit_test(hostile_values_are_left_out_with_a_warning),
      cmocka_unit_test(the_largest_numbers_are_refused_as_a_whole),
      cmocka_unit_test(the_further_numbers_are_validated),
      cmocka_unit_test(what_heads_have_is_never_hidden),
      cmocka_unit_test(wrong_arguments_are_errors),
      cmocka_unit_test(failing_allocations_leave_nothing),
  };
  return cmocka_run_group_tests_name("model_shape", tests, NULL, tear_down);
}
