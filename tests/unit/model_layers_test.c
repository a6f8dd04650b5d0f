/* The layers and the weights of models: what is published of many, and what files say that contradict themselves. */
#include <stdio.h>

#include "model_cards.h"

static uint64_t bytes_of(const infermem_model_layer *l) {
  return l->attention_bytes + l->dense_bytes + l->shared_expert_bytes + l->routed_expert_bytes + l->norm_bytes +
         l->other_bytes;
}

/* ---- What is published ---- */

#define EXPECT(card, what, got, expected)                                                       \
  do {                                                                                          \
    const uint64_t got_ = (got), expected_ = (expected);                                        \
    if (got_ != expected_) {                                                                    \
      print_error("%s: %s is %llu, not %llu\n", (card)->name, (what), (unsigned long long)got_, \
                  (unsigned long long)expected_);                                               \
      wrong++;                                                                                  \
    }                                                                                           \
  } while (0)

static int check_card(const struct model_card *card) {
  int wrong = 0;
  infermem_model *model = open_card(card);
  const infermem_model_config config = card_config(model);
  assert_ok(infermem_config_validate(&config));
  uint64_t global = 0, window = 0, recurrent = 0, none = 0, kv = 0, window_kv = 0, state = 0, tokens = 0, bytes = 0;
  for (uint64_t i = 0; i < config.n_layers; i++) {
    const infermem_model_layer l = card_layer(model, i);
    bytes += bytes_of(&l);
    assert_int_equal(l.is_nextn, i >= config.n_layers - config.n_nextn);
    if (l.is_nextn) continue;
    const int recurs = l.kind == INFERMEM_LAYER_RECURRENT || l.kind == INFERMEM_LAYER_BOTH;
    const uint64_t stored = l.kv_source == i ? l.n_kv_heads * (l.head_dim_k + l.head_dim_v) : 0;
    assert_true(l.kv_source <= i);
    recurrent += (uint64_t)recurs;
    state += l.conv_elements + l.state_elements;
    none += l.kind == INFERMEM_LAYER_NONE;
    if (l.kind == INFERMEM_LAYER_WINDOW) {
      window++;
      window_kv += stored;
      tokens = l.window;
    } else if (l.kind == INFERMEM_LAYER_ATTENTION || l.kind == INFERMEM_LAYER_MLA || l.kind == INFERMEM_LAYER_BOTH) {
      global++;
      kv += stored;
      assert_int_equal(l.window, 0);
    }
    assert_true(l.confidence == INFERMEM_CONFIDENCE_EXACT || l.confidence == INFERMEM_CONFIDENCE_MODELLED);
  }
  EXPECT(card, "the layers that see all tokens", global, card->n_global);
  EXPECT(card, "the layers with a window", window, card->n_window);
  EXPECT(card, "the recurrent layers", recurrent, card->n_recurrent);
  EXPECT(card, "the layers that keep nothing", none, card->n_none);
  EXPECT(card, "what is stored of a token", kv, card->kv_elements);
  EXPECT(card, "the window", tokens, card->window);
  EXPECT(card, "what is stored of a token of a window", window_kv, card->window_elements);
  EXPECT(card, "the state", state, card->state_elements);
  const infermem_model_weights weights = card_weights(model);
  if (card->elements != 0) EXPECT(card, "the parameters", weights.elements, card->elements);
  EXPECT(card, "the layers' bytes", weights.layer_bytes, bytes);
  EXPECT(card, "the sum of bytes", weights.total_bytes,
         weights.embedding_bytes + weights.output_bytes + weights.layer_bytes + weights.other_bytes);
  model_free(model);
  return wrong;
}

static void published_models_come_out_as_published(void **state) {
  (void)state;
  int wrong = 0;
  assert_true(n_model_cards >= 40);
  for (size_t i = 0; i < n_model_cards; i++) wrong += check_card(&model_cards[i]);
  assert_int_equal(wrong, 0);
}

/* A configuration gives by itself what a file without tensors does, where no number is told by layer. */
static void numbers_alone_give_the_same(void **state) {
  (void)state;
  size_t compared = 0;
  for (size_t i = 0; i < n_model_cards; i++) {
    const struct model_card *card = &model_cards[i];
    if (strstr(card->text, "_types") || strstr(card->text, "idxs") || strstr(card->text, "block_configs") ||
        strstr(card->text, "[0") || strstr(card->text, " [") || strstr(card->text, "pattern\": \"M"))
      continue;
    infermem_model *model = open_card(card);
    const infermem_model_config config = card_config(model);
    for (uint64_t k = 0; k < config.n_layers; k++) {
      infermem_model_layer by_file = card_layer(model, k);
      INFERMEM_STRUCT(infermem_model_layer, by_config);
      assert_ok(infermem_config_layer(&config, k, &by_config));
      by_file.confidence = by_config.confidence; /* a file can be sure */
      if (memcmp(&by_file, &by_config, sizeof by_file) != 0) fail_msg("%s, layer %u", card->name, (unsigned)k);
    }
    const infermem_model_weights by_file = card_weights(model);
    INFERMEM_STRUCT(infermem_model_weights, by_config);
    assert_ok(infermem_config_weights(&config, &by_config));
    assert_memory_equal(&by_file, &by_config, sizeof by_file);
    compared++;
    model_free(model);
  }
  assert_true(compared >= 40);
}

static infermem_model *open_text(const char *text) {
  const struct model_card card = {.name = "a model", .text = text};
  return open_card(&card);
}

#define LLAMA_8B                                                                                                    \
  "\"model_type\": \"llama\", \"hidden_size\": 4096, \"num_hidden_layers\": 32, \"num_attention_heads\": 32,"       \
  "\"num_key_value_heads\": 8, \"intermediate_size\": 14336, \"vocab_size\": 128256, \"torch_dtype\": \"float16\"," \
  "\"max_position_embeddings\": 131072, \"tie_word_embeddings\": false"

static void quantized_configurations_weigh_less(void **state) {
  (void)state;
  const uint64_t matrices = 32ull * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14336), ends = 2ull * 128256 * 4096;
  const uint64_t norms = 65 * 4096;
  infermem_model *model = open_text("{" LLAMA_8B "}");
  assert_int_equal(card_config(model).weight_type, INFERMEM_DTYPE_F16);
  assert_int_equal(card_weights(model).total_bytes, 2 * (matrices + ends + norms));
  assert_int_equal(card_weights(model).confidence, INFERMEM_CONFIDENCE_MODELLED);
  model_free(model);

  /* AWQ: 4 bits, and for each 128 a scale of 16 bits and a zero of 4. 5.73 GB on Hugging Face
   * (hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4). */
  model = open_text("{" LLAMA_8B
                    ", \"quantization_config\": {\"quant_method\": \"awq\", \"bits\": 4, \"group_size\": 128}}");
  const uint64_t bytes = card_weights(model).total_bytes;
  assert_int_equal(bytes, matrices / 2 + matrices / 128 * 20 / 8 + 2 * (ends + norms));
  assert_in_range(bytes, 5720000000, 5740000000);
  assert_int_equal(card_weights(model).elements, 8030261248);
  model_free(model);

  static const struct {
    const char *method;
    uint32_t bits;
    uint64_t group;
  } methods[] = {{"\"quant_method\": \"gptq\", \"bits\": 8, \"group_size\": 32", 8, 32},
                 {"\"quant_method\": \"bitsandbytes\", \"load_in_4bit\": true", 4, 0},
                 {"\"quant_method\": \"bitsandbytes\", \"load_in_8bit\": true", 8, 0},
                 {"\"quant_method\": \"fp8\", \"weight_block_size\": [128, 128]", 8, 0},
                 {"\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"group_0\": {\"weights\": {"
                  "\"num_bits\": 4, \"group_size\": 64}}}",
                  4, 64},
                 {"\"quant_method\": \"other\"", 0, 0}};
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    char text[1024];
    snprintf(text, sizeof text, "{%s, \"quantization_config\": {%s}}", LLAMA_8B, methods[i].method);
    model = open_text(text);
    assert_int_equal(card_config(model).weight_bits, methods[i].bits);
    assert_int_equal(card_config(model).weight_group, methods[i].group);
    assert_int_equal(warned(model, "how many bits \"other\" takes is not known"), methods[i].bits == 0);
    model_free(model);
  }
}

/* The total_size of openai/gpt-oss-20b's index: experts in MXFP4, all else in bf16. */
static void gpt_oss_weighs_what_its_index_says(void **state) {
  (void)state;
  for (size_t i = 0; i < n_model_cards; i++) {
    if (strcmp(model_cards[i].name, "gpt-oss-20b") != 0) continue;
    infermem_model *model = open_card(&model_cards[i]);
    infermem_model_config config = card_config(model);
    assert_int_equal(config.expert_type, INFERMEM_DTYPE_MXFP4);
    assert_int_equal(config.weight_type, INFERMEM_DTYPE_BF16);
    assert_int_equal(card_weights(model).total_bytes, 13761264768);
    model_free(model);
    return;
  }
  fail();
}

static void types_of_weights_count_their_blocks(void **state) {
  (void)state;
  INFERMEM_STRUCT(infermem_model_config, c);
  strcpy(c.architecture, "llama");
  c.n_layers = 1;
  c.hidden = 256;
  c.n_heads = c.n_kv_heads = 4;
  c.intermediate = 512;
  c.vocab = 1000;
  c.tied_embeddings = 1;
  const uint64_t matrices = 4 * 256 * 256 + 3 * 256 * 512, embedding = 256 * 1000, norms = 3 * 256;
  INFERMEM_STRUCT(infermem_model_weights, w);
  c.weight_type = INFERMEM_DTYPE_Q4_0; /* norms stay in f32 */
  assert_ok(infermem_config_weights(&c, &w));
  assert_int_equal(w.total_bytes, (matrices + embedding) / 32 * 18 + 4 * norms);
  assert_int_equal(w.output_bytes, 0);
  assert_int_equal(w.elements, matrices + embedding + norms);
  c.weight_type = INFERMEM_DTYPE_BF16;
  assert_ok(infermem_config_weights(&c, &w));
  assert_int_equal(w.total_bytes, 2 * (matrices + embedding + norms));
  c.weight_type = INFERMEM_DTYPE_Q4_K;
  c.vocab = 1; /* a block that is not full counts as one */
  c.intermediate = 100;
  assert_ok(infermem_config_weights(&c, &w));
  assert_int_equal(w.embedding_bytes, 144);
  INFERMEM_STRUCT(infermem_model_layer, l);
  assert_ok(infermem_config_layer(&c, 0, &l));
  assert_int_equal(l.dense_bytes, 3 * 256 * 100 / 256 * 144);
  c.weight_bits = 3;
  c.weight_group = 100; /* 256 elements are 3 groups */
  assert_ok(infermem_config_layer(&c, 0, &l));
  assert_int_equal(l.attention_bytes, (768 * (256 * 3 + 3 * 19) + 7) / 8 + (256 * (256 * 3 + 3 * 19) + 7) / 8);
  assert_int_equal(w.embedding_bytes, 144);
}

/* A router has a row for each expert; where experts are chosen by corrected scores, a number more. */
static void routers_with_biases_weigh_them(void **state) {
  (void)state;
  static const char *const kBiased[] = {"deepseek_v3",  "glm4_moe",       "minimax_m2",  "dots1",       "ernie4_5_moe",
                                        "ernie4_5-moe", "bailing_moe_v2", "bailingmoe2", "kimi_linear", "kimi-linear",
                                        "lfm2_moe",     "lfm2moe",        "exaone_moe",  "nemotron_h"};
  static const char *const kUnbiased[] = {"mixtral", "qwen3_moe", "deepseek_v2", "bailing_moe", "hunyuan_v1_moe"};
  const size_t n_biased = sizeof kBiased / sizeof *kBiased, n_unbiased = sizeof kUnbiased / sizeof *kUnbiased;
  for (size_t i = 0; i < n_biased + n_unbiased; i++) {
    INFERMEM_STRUCT(infermem_model_config, c);
    strcpy(c.architecture, i < n_biased ? kBiased[i] : kUnbiased[i - n_biased]);
    c.n_layers = 1;
    c.hidden = 256;
    c.n_heads = c.n_kv_heads = 4;
    c.expert_intermediate = 64;
    c.n_experts = 16;
    c.n_experts_used = 2;
    c.vocab = 1000;
    c.weight_type = INFERMEM_DTYPE_F32;
    INFERMEM_STRUCT(infermem_model_layer, l);
    assert_ok(infermem_config_layer(&c, 0, &l));
    const uint64_t wanted = 4 * (16 * 256 + (i < n_biased ? 16 : 0));
    if (l.other_bytes != wanted)
      fail_msg("%s: %u bytes, not %u", c.architecture, (unsigned)l.other_bytes, (unsigned)wanted);
  }
}

/* ---- What tensors say ---- */

/* A GGUF file in the making: metadata as a card has it, and tensors of zeros. */
struct made {
  struct gguf infos;
  uint64_t n_tensors;
  uint64_t data;
};

static void add(struct made *m, const char *name, uint64_t ne0, uint64_t ne1, uint32_t type) {
  const uint64_t ne[] = {ne0, ne1};
  uint64_t bytes = 0;
  gguf_tensor(&m->infos, name, ne1 > 1 ? 2 : 1, ne, type, m->data);
  if (infermem_dtype_bytes((int32_t)type, ne0 * ne1, &bytes) != INFERMEM_OK) bytes = 32;
  m->data += (bytes + 31) / 32 * 32;
  m->n_tensors++;
}

static infermem_model *open_made(struct made *m, const char *text) {
  const struct model_card card = {.name = "a model", .text = text};
  struct gguf g = {0}, metas = model_card_metas(&card);
  uint64_t lines = 0;
  for (const char *c = text; *c; c++) lines += *c == '\n';
  gguf_header(&g, 3, m->n_tensors, lines);
  gguf_bytes(&g, metas.bytes, metas.size);
  gguf_bytes(&g, m->infos.bytes, m->infos.size);
  gguf_pad(&g, 32);
  gguf_zeros(&g, (size_t)m->data);
  gguf_save(&g);
  gguf_free(&g);
  gguf_free(&metas);
  gguf_free(&m->infos);
  return open_model(gguf_path());
}

#define TWO_LAYERS(arch)                                                                                \
  "general.architecture " arch "\n" arch ".block_count 2\n" arch ".embedding_length 64\n" arch          \
  ".feed_forward_length 96\n" arch ".attention.head_count 4\n" arch ".attention.head_count_kv 2\n" arch \
  ".context_length 512\n" arch ".vocab_size 128\n"
#define F32 INFERMEM_DTYPE_F32
#define F16 INFERMEM_DTYPE_F16

static void add_attention(struct made *m, int layer) {
  char name[64];
  const char *const names[] = {"attn_q", "attn_k", "attn_v", "attn_output"};
  for (int i = 0; i < 4; i++) {
    snprintf(name, sizeof name, "blk.%d.%s.weight", layer, names[i]);
    add(m, name, 64, i == 1 || i == 2 ? 32 : 64, F16);
  }
}

static void tensors_are_counted_by_class_and_layer(void **state) {
  (void)state;
  struct made m = {0};
  add(&m, "token_embd.weight", 64, 128, INFERMEM_DTYPE_Q8_0);
  add(&m, "output_norm.weight", 64, 1, F32);
  add(&m, "output.weight", 64, 128, F16);
  add(&m, "rope_freqs.weight", 8, 1, F32);
  add_attention(&m, 0);
  add(&m, "blk.0.attn_norm.weight", 64, 1, F32);
  add(&m, "blk.0.attn_q.bias", 64, 1, F32);
  add(&m, "blk.0.ffn_norm.weight", 64, 1, F32);
  add(&m, "blk.0.ffn_gate.weight", 64, 96, INFERMEM_DTYPE_Q4_0);
  add(&m, "blk.0.ffn_up.weight", 64, 96, INFERMEM_DTYPE_Q4_0);
  add(&m, "blk.0.ffn_down.weight", 96, 64, INFERMEM_DTYPE_Q4_0);
  add(&m, "blk.0.something.weight", 7, 1, F32);
  add_attention(&m, 1);
  add(&m, "blk.1.ffn_gate_inp.weight", 64, 4, F32);
  add(&m, "blk.1.ffn_gate_exps.weight", 64, 4 * 32, INFERMEM_DTYPE_Q4_0);
  add(&m, "blk.1.ffn_up_exps.weight", 64, 4 * 32, INFERMEM_DTYPE_Q4_0);
  add(&m, "blk.1.ffn_down_exps.weight", 32, 4 * 64, INFERMEM_DTYPE_Q4_0);
  add(&m, "blk.1.ffn_up_shexp.weight", 64, 32, F16);
  add(&m, "v.blk.0.attn_q.weight", 64, 64, F16);
  const uint64_t attention = 2 * (64 * 64 * 2 + 64 * 32 * 2);
  infermem_model *model = open_made(&m, TWO_LAYERS("llama") "llama.expert_count 4\nllama.expert_used_count 1\n"
                                                            "llama.expert_feed_forward_length 32\n"
                                                            "llama.leading_dense_block_count 1\n");
  const infermem_model_layer dense = card_layer(model, 0), experts = card_layer(model, 1);
  assert_int_equal(dense.kind, INFERMEM_LAYER_ATTENTION);
  assert_int_equal(dense.confidence, INFERMEM_CONFIDENCE_EXACT);
  assert_int_equal(dense.weights_confidence, INFERMEM_CONFIDENCE_EXACT);
  assert_int_equal(dense.attention_bytes, attention + 4 * 64);
  assert_int_equal(dense.dense_bytes, 3 * 64 * 96 / 32 * 18);
  assert_int_equal(dense.norm_bytes, 2 * 4 * 64);
  assert_int_equal(dense.other_bytes, 4 * 7);
  assert_int_equal(dense.shared_expert_bytes + dense.routed_expert_bytes, 0);
  assert_int_equal(dense.intermediate, 96);
  assert_int_equal(dense.n_experts, 0);
  assert_int_equal(experts.attention_bytes, attention);
  assert_int_equal(experts.dense_bytes, 0);
  assert_int_equal(experts.routed_expert_bytes, 3 * 64 * 128 / 32 * 18);
  assert_int_equal(experts.shared_expert_bytes, 2 * 64 * 32);
  assert_int_equal(experts.other_bytes, 4 * 64 * 4);
  assert_int_equal(experts.intermediate, 0);
  assert_int_equal(experts.n_experts, 4);
  assert_int_equal(experts.n_experts_used, 1);
  const infermem_model_weights w = card_weights(model);
  assert_int_equal(w.confidence, INFERMEM_CONFIDENCE_EXACT);
  assert_int_equal(w.embedding_bytes, 64 * 128 / 32 * 34);
  assert_int_equal(w.output_bytes, 2 * 64 * 128);
  assert_int_equal(w.other_bytes, 4 * 64 + 4 * 8 + 2 * 64 * 64);
  assert_int_equal(w.layer_bytes, bytes_of(&dense) + bytes_of(&experts));
  assert_int_equal(w.largest_layer_bytes, bytes_of(&experts));
  uint64_t total = 0, elements = 0;
  for (size_t i = 0; i < model_tensor_count(model); i++) {
    INFERMEM_STRUCT(infermem_tensor_info, info);
    assert_ok(model_tensor_info(model, i, &info));
    total += info.bytes;
    elements += info.elements;
  }
  assert_int_equal(w.total_bytes, total);
  assert_int_equal(w.elements, elements);
  assert_int_equal(model_warning_count(model), 0);
  model_free(model);
}

static void the_demo_model_is_exact(void **state) {
  (void)state;
  infermem_model *model = open_model(TEST_DATA "/tiny-llama.gguf");
  const infermem_model_weights w = card_weights(model);
  uint64_t total = 0;
  for (size_t i = 0; i < model_tensor_count(model); i++) {
    INFERMEM_STRUCT(infermem_tensor_info, info);
    assert_ok(model_tensor_info(model, i, &info));
    total += info.bytes;
  }
  assert_int_equal(w.total_bytes, total);
  assert_int_equal(w.confidence, INFERMEM_CONFIDENCE_EXACT);
  for (uint64_t i = 0; i < 4; i++) {
    const infermem_model_layer l = card_layer(model, i);
    assert_int_equal(l.kind, INFERMEM_LAYER_ATTENTION);
    assert_int_equal(l.confidence, INFERMEM_CONFIDENCE_EXACT);
    assert_int_equal(l.n_kv_heads * (l.head_dim_k + l.head_dim_v), 4 * 32);
    assert_int_equal(l.intermediate, 352);
    assert_true(l.attention_bytes > 0 && l.dense_bytes > 0 && l.norm_bytes > 0 && l.other_bytes == 0);
  }
  model_free(model);
}

static void an_unknown_type_is_less_sure(void **state) {
  (void)state;
  struct made m = {0};
  add_attention(&m, 0);
  add(&m, "blk.1.attn_q.weight", 64, 1, 1000);
  infermem_model *model = open_made(&m, TWO_LAYERS("llama"));
  assert_int_equal(card_layer(model, 0).weights_confidence, INFERMEM_CONFIDENCE_EXACT);
  assert_int_equal(card_layer(model, 1).weights_confidence, INFERMEM_CONFIDENCE_MODELLED);
  assert_int_equal(card_layer(model, 1).attention_bytes, 32);
  assert_int_equal(card_weights(model).confidence, INFERMEM_CONFIDENCE_MODELLED);
  model_free(model);
}

#define SSM(arch) arch ".ssm.conv_kernel 4\n" arch ".ssm.inner_size 128\n" arch ".ssm.state_size 16\n"

static void tensors_decide_what_metadata_leave_open(void **state) {
  (void)state;
  struct made m = {0};
  add(&m, "blk.0.ssm_in.weight", 64, 256, F16);
  add_attention(&m, 1);
  infermem_model *model = open_made(&m, TWO_LAYERS("hybrid") SSM("hybrid"));
  assert_int_equal(card_layer(model, 0).kind, INFERMEM_LAYER_RECURRENT);
  assert_int_equal(card_layer(model, 0).conv_elements, 3 * 128);
  assert_int_equal(card_layer(model, 0).state_elements, 16 * 128);
  assert_int_equal(card_layer(model, 0).n_kv_heads, 0);
  assert_int_equal(card_layer(model, 1).kind, INFERMEM_LAYER_ATTENTION);
  assert_int_equal(card_layer(model, 1).confidence, INFERMEM_CONFIDENCE_EXACT);
  assert_int_equal(card_layer(model, 1).state_elements, 0);
  assert_int_equal(model_warning_count(model), 0);
  model_free(model);
  /* Without tensors it has to be guessed. */
  model = open_text(TWO_LAYERS("hybrid") SSM("hybrid"));
  assert_int_equal(card_layer(model, 0).kind, INFERMEM_LAYER_BOTH);
  assert_int_equal(card_layer(model, 0).confidence, INFERMEM_CONFIDENCE_ROUGH);
  assert_int_equal(card_weights(model).confidence, INFERMEM_CONFIDENCE_ROUGH);
  model_free(model);
}

static void contradictions_are_rough_and_a_warning(void **state) {
  (void)state;
  struct made m = {0};
  add_attention(&m, 0); /* keys of 32 rows */
  add(&m, "blk.1.ssm_in.weight", 64, 256, F16);
  add(&m, "blk.1.ffn_up_exps.weight", 64, 64, F16);
  add(&m, "blk.7.attn_q.weight", 64, 64, F16);
  infermem_model *model = open_made(&m, TWO_LAYERS("llama") "llama.attention.key_length 32\n");
  assert_int_equal(card_layer(model, 0).confidence, INFERMEM_CONFIDENCE_ROUGH);
  assert_int_equal(card_layer(model, 0).head_dim_k, 32); /* what the metadata say */
  assert_int_equal(card_layer(model, 1).confidence, INFERMEM_CONFIDENCE_ROUGH);
  assert_true(warned(model, "1 layers, the first being layer 0, do not agree on the size of keys"));
  assert_true(warned(model, "1 layers, the first being layer 1, do not agree on what mixes tokens"));
  assert_true(warned(model, "1 layers, the first being layer 1, do not agree on whether there are experts"));
  assert_true(warned(model, "1 tensors are of layers beyond the last of 2"));
  assert_int_equal(card_weights(model).other_bytes, 2 * 64 * 64);
  assert_int_equal(card_weights(model).confidence, INFERMEM_CONFIDENCE_EXACT);
  model_free(model);
}

static void a_layer_of_the_table_is_less_sure_than_one_of_the_file(void **state) {
  (void)state;
  static const struct {
    const char *text;
    uint32_t confidence;
  } cases[] = {
      {TWO_LAYERS("llama"), INFERMEM_CONFIDENCE_EXACT},
      {TWO_LAYERS("nobody-knows"), INFERMEM_CONFIDENCE_MODELLED},
      {TWO_LAYERS("gemma3") "gemma3.attention.sliding_window 16\n", INFERMEM_CONFIDENCE_MODELLED},
      {TWO_LAYERS("gemma3") "gemma3.attention.sliding_window 16\ngemma3.attention.sliding_window_pattern 2\n",
       INFERMEM_CONFIDENCE_EXACT},
      {TWO_LAYERS("gemma2"), INFERMEM_CONFIDENCE_MODELLED},
      {TWO_LAYERS("jamba") SSM("jamba"), INFERMEM_CONFIDENCE_MODELLED},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    infermem_model *model = open_text(cases[i].text);
    assert_int_equal(card_layer(model, 0).confidence, cases[i].confidence);
    model_free(model);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(published_models_come_out_as_published),
      cmocka_unit_test(numbers_alone_give_the_same),
      cmocka_unit_test(quantized_configurations_weigh_less),
      cmocka_unit_test(gpt_oss_weighs_what_its_index_says),
      cmocka_unit_test(types_of_weights_count_their_blocks),
      cmocka_unit_test(routers_with_biases_weigh_them),
      cmocka_unit_test(tensors_are_counted_by_class_and_layer),
      cmocka_unit_test(the_demo_model_is_exact),
      cmocka_unit_test(an_unknown_type_is_less_sure),
      cmocka_unit_test(tensors_decide_what_metadata_leave_open),
      cmocka_unit_test(contradictions_are_rough_and_a_warning),
      cmocka_unit_test(a_layer_of_the_table_is_less_sure_than_one_of_the_file),
  };
  return cmocka_run_group_tests_name("model_layers", tests, NULL, gguf_leave);
}
