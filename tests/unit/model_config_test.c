/* The configuration of a model: what model_config takes from a file, and what infermem_config_validate lets pass. */
#include <stdlib.h>
#include <unistd.h>

#include "gguf_make.h"

static void tiny_llama_has_its_config(void **state) {
  (void)state;
  infermem_model *model = open_model(TEST_DATA "/tiny-llama.gguf");
  INFERMEM_STRUCT(infermem_model_config, config);
  assert_ok(model_config(model, &config));
  assert_string_equal(config.architecture, "llama");
  assert_int_equal(config.n_layers, 4);
  assert_int_equal(config.hidden, 128);
  assert_int_equal(config.n_heads, 8);
  assert_int_equal(config.n_kv_heads, 4);
  assert_int_equal(config.head_dim_k, 16);
  assert_int_equal(config.head_dim_v, 16);
  assert_int_equal(config.intermediate, 352);
  assert_int_equal(config.vocab, 512);
  assert_int_equal(config.context, 256);
  assert_int_equal(config.rope_dims, 16);
  assert_int_equal(config.n_experts, 0);
  assert_int_equal(config.n_experts_used, 0);
  assert_int_equal(config.sliding_window, 0);
  assert_int_equal(config.tied_embeddings, 1);
  assert_true(config.rope_theta == 10000.0);
  assert_true(config.norm_eps == (double)1e-5f);
  assert_ok(infermem_config_validate(&config));
  assert_int_equal(model_warning_count(model), 0);
  assert_null(model_warning(model, 0));
  model_free(model);
}

static infermem_model_config good_config(void) {
  INFERMEM_STRUCT(infermem_model_config, c);
  strcpy(c.architecture, "llama");
  c.n_layers = 32;
  c.hidden = 4096;
  c.n_heads = 32;
  c.n_kv_heads = 8;
  c.intermediate = 14336;
  c.vocab = 128256;
  c.context = 131072;
  return c;
}

static void a_good_config_is_valid(void **state) {
  (void)state;
  infermem_model_config c = good_config();
  assert_ok(infermem_config_validate(&c));
  c.head_dim_k = c.head_dim_v = 128;
  c.rope_dims = 128;
  c.rope_theta = 500000;
  c.norm_eps = 1e-5;
  c.n_experts = 8;
  c.n_experts_used = 2;
  c.tied_embeddings = 1;
  assert_ok(infermem_config_validate(&c));
  c.hidden = 1024; /* Qwen3-0.6B: heads that do not share hidden out */
  c.n_heads = 16;
  assert_ok(infermem_config_validate(&c));
  c.hidden = 3072; /* Gemma 7B */
  c.head_dim_k = c.head_dim_v = 256;
  c.n_kv_heads = 16;
  assert_ok(infermem_config_validate(&c));
  c.hidden = 1000;
  assert_ok(infermem_config_validate(&c));
}

#define REFUSE(code, assignment)                        \
  do {                                                  \
    infermem_model_config c = good_config();            \
    assignment;                                         \
    assert_fails((code), infermem_config_validate(&c)); \
  } while (0)

static void a_config_that_cannot_be_computed_with_is_refused(void **state) {
  (void)state;
  REFUSE(INFERMEM_E_ARG, c.n_layers = 0);
  REFUSE(INFERMEM_E_ARG, c.hidden = 0);
  REFUSE(INFERMEM_E_ARG, c.n_heads = 0);
  REFUSE(INFERMEM_E_ARG, c.n_kv_heads = 0);
  REFUSE(INFERMEM_E_ARG, c.intermediate = 0);
  REFUSE(INFERMEM_E_ARG, c.vocab = 0);
  REFUSE(INFERMEM_E_ARG, c.tied_embeddings = 2);
  REFUSE(INFERMEM_E_ARG, c.flags = 1u << 13);
  REFUSE(INFERMEM_E_ARG, memset(c.architecture, 'a', sizeof c.architecture));
  REFUSE(INFERMEM_E_ARG, c.n_experts_used = 1);
  REFUSE(INFERMEM_E_ARG, c.rope_theta = -1);
  REFUSE(INFERMEM_E_ARG, c.norm_eps = -1);
  REFUSE(INFERMEM_E_NOT_FINITE, c.rope_theta = strtod("nan", NULL));
  REFUSE(INFERMEM_E_NOT_FINITE, c.norm_eps = strtod("inf", NULL));
  REFUSE(INFERMEM_E_SHAPE, c.n_kv_heads = 5);
  REFUSE(INFERMEM_E_SHAPE, c.n_kv_heads = 64);
  REFUSE(INFERMEM_E_SHAPE, c.hidden = 4097);
  REFUSE(INFERMEM_E_SHAPE, c.hidden = 4097; c.head_dim_k = 128);
  REFUSE(INFERMEM_E_SHAPE, c.rope_dims = 129);
  REFUSE(INFERMEM_E_LIMIT, c.n_layers = INFERMEM_MODEL_MAX_LAYERS + 1);
  REFUSE(INFERMEM_E_LIMIT, c.n_heads = UINT64_MAX);
  REFUSE(INFERMEM_E_LIMIT, c.n_kv_heads = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.head_dim_k = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.head_dim_v = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.n_experts = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.rope_dims = 1 << 20);
  REFUSE(INFERMEM_E_LIMIT, c.hidden = 0x80000001u);
  REFUSE(INFERMEM_E_LIMIT, c.intermediate = UINT64_MAX);
  REFUSE(INFERMEM_E_LIMIT, c.vocab = 0x80000001u);
  REFUSE(INFERMEM_E_LIMIT, c.context = 0x80000001u);
  REFUSE(INFERMEM_E_LIMIT, c.sliding_window = 0x80000001u);
  REFUSE(INFERMEM_E_LIMIT, c.hidden = 1 << 21; c.n_heads = c.n_kv_heads = 1); /* a head of all of it */
  REFUSE(INFERMEM_E_OVERFLOW, c.hidden = c.intermediate = 0x80000000u; c.n_heads = 1 << 16);
  REFUSE(INFERMEM_E_OVERFLOW, c.hidden = c.vocab = 0x80000000u; c.n_heads = 1 << 16);
  REFUSE(INFERMEM_E_OVERFLOW, c.n_layers = 4096; c.context = 0x80000000u; c.n_heads = c.n_kv_heads = 1 << 19;
         c.head_dim_k = c.head_dim_v = 1024);
}

/* The keys of a llama of 3 layers, but for those that the test has of its own. */
static void llama_keys(struct gguf *g) {
  gguf_meta_string(g, "general.architecture", "llama");
  gguf_meta_u32(g, "llama.block_count", 3);
  gguf_meta_u32(g, "llama.embedding_length", 64);
  gguf_meta_u32(g, "llama.feed_forward_length", 96);
  gguf_meta_u32(g, "llama.attention.head_count", 8);
  gguf_meta_u32(g, "llama.context_length", 512);
}
enum { LLAMA_KEYS = 6 };

static infermem_model_config config_of(const infermem_model *model) {
  INFERMEM_STRUCT(infermem_model_config, config);
  assert_ok(model_config(model, &config));
  return config;
}

static void absent_keys_have_their_defaults(void **state) {
  (void)state;
  struct gguf g = {0};
  gguf_header(&g, 3, 0, LLAMA_KEYS + 6);
  llama_keys(&g);
  gguf_key(&g, "llama.expert_count", INFERMEM_META_U8);
  gguf_number(&g, 8, 1);
  gguf_key(&g, "llama.expert_used_count", INFERMEM_META_I64);
  gguf_u64(&g, 2);
  gguf_key(&g, "llama.attention.sliding_window", INFERMEM_META_U16);
  gguf_number(&g, 128, 2);
  gguf_meta_f32(&g, "llama.attention.layer_norm_epsilon", 0.5f);
  gguf_meta_u32(&g, "split.count", 1);
  gguf_array(&g, "tokenizer.ggml.tokens", INFERMEM_META_STRING, 2);
  gguf_string(&g, "a");
  gguf_string(&g, "b");
  infermem_model *model = open_gguf(&g);
  const infermem_model_config c = config_of(model);
  assert_int_equal(c.n_kv_heads, 8);
  assert_int_equal(c.head_dim_k, 8);
  assert_int_equal(c.head_dim_v, 8);
  assert_int_equal(c.rope_dims, 8);
  assert_int_equal(c.vocab, 2);
  assert_int_equal(c.n_experts, 8);
  assert_int_equal(c.n_experts_used, 2);
  assert_int_equal(c.sliding_window, 128);
  assert_true(c.rope_theta == 0 && c.norm_eps == 0.5);
  assert_int_equal(c.tied_embeddings, 1);
  assert_ok(infermem_config_validate(&c));
  assert_int_equal(model_warning_count(model), 0);
  model_free(model);
}

static void explicit_keys_come_first(void **state) {
  (void)state;
  struct gguf g = {0};
  gguf_header(&g, 3, 2, LLAMA_KEYS + 7);
  llama_keys(&g);
  gguf_meta_u32(&g, "llama.attention.key_length", 192);
  gguf_meta_u32(&g, "llama.attention.value_length", 128);
  gguf_meta_u32(&g, "llama.rope.dimension_count", 64);
  gguf_meta_u32(&g, "llama.vocab_size", 20);
  gguf_meta_f32(&g, "llama.attention.layer_norm_rms_epsilon", 0.25f);
  gguf_meta_u32(&g, "split.count", 3);
  gguf_array(&g, "tokenizer.ggml.tokens", INFERMEM_META_STRING, 11);
  gguf_zeros(&g, 88);
  const uint64_t ne[] = {32, 10};
  gguf_tensor(&g, "token_embd.weight", 2, ne, INFERMEM_DTYPE_F16, 0);
  gguf_tensor(&g, "output.weight", 2, ne, INFERMEM_DTYPE_F16, 640);
  gguf_pad(&g, 32);
  gguf_zeros(&g, 1280);
  infermem_model *model = open_gguf(&g);
  const infermem_model_config c = config_of(model);
  assert_int_equal(c.head_dim_k, 192);
  assert_int_equal(c.head_dim_v, 128);
  assert_int_equal(c.rope_dims, 64);
  assert_int_equal(c.vocab, 10); /* the embedding's rows, not what the key says */
  assert_int_equal(c.tied_embeddings, 0);
  assert_true(c.norm_eps == 0.25);
  assert_true(warned(model, "\"llama.vocab_size\" is 20, and token_embd.weight has 10 rows"));
  assert_true(warned(model, "\"llama.embedding_length\" is 64, but rows of token_embd.weight have 32"));
  assert_true(warned(model, "there are 11 tokens, and 10 embeddings"));
  assert_true(warned(model, "one of 3 parts"));
  assert_int_equal(model_warning_count(model), 4);
  model_free(model);
}

static void numbers_a_layer_give_the_largest_and_a_warning(void **state) {
  (void)state;
  struct gguf g = {0};
  gguf_header(&g, 3, 0, 7);
  gguf_meta_string(&g, "general.architecture", "x");
  gguf_meta_u32(&g, "x.block_count", 3);
  gguf_meta_u32(&g, "x.embedding_length", 64);
  gguf_meta_u32(&g, "x.vocab_size", 7);
  gguf_array(&g, "x.feed_forward_length", INFERMEM_META_I32, 3);
  for (uint32_t i = 0; i < 3; i++) gguf_u32(&g, 96);
  gguf_array(&g, "x.attention.head_count", INFERMEM_META_U8, 3);
  gguf_bytes(&g, "\x4\x8\x8", 3);
  gguf_array(&g, "x.attention.head_count_kv", INFERMEM_META_I64, 3);
  for (uint64_t i = 0; i < 3; i++) gguf_u64(&g, i);
  infermem_model *model = open_gguf(&g);
  const infermem_model_config c = config_of(model);
  assert_int_equal(c.intermediate, 96);
  assert_int_equal(c.n_heads, 8);
  assert_int_equal(c.n_kv_heads, 2);
  assert_true(warned(model, "\"x.attention.head_count\" is not the same in all layers: 4 to 8"));
  assert_true(warned(model, "\"x.attention.head_count_kv\" is not the same in all layers: 0 to 2"));
  assert_true(warned(model, "\"x.context_length\""));
  assert_int_equal(model_warning_count(model), 3);
  assert_ok(infermem_config_validate(&c));
  model_free(model);
}

static void unusable_keys_are_zero_and_a_warning(void **state) {
  (void)state;
  struct gguf g = {0};
  gguf_header(&g, 3, 0, 11);
  gguf_meta_string(&g, "general.architecture", "x");
  gguf_meta_u32(&g, "x.block_count", 3);
  gguf_meta_string(&g, "x.embedding_length", "many");
  gguf_key(&g, "x.context_length", INFERMEM_META_I32);
  gguf_u32(&g, UINT32_MAX);
  gguf_array(&g, "x.feed_forward_length", INFERMEM_META_F32, 3);
  gguf_zeros(&g, 12);
  gguf_array(&g, "x.attention.head_count", INFERMEM_META_U32, 2); /* of 3 layers */
  gguf_zeros(&g, 8);
  gguf_array(&g, "x.attention.head_count_kv", INFERMEM_META_I8, 3);
  gguf_bytes(&g, "\1\xff\1", 3);
  gguf_meta_u32(&g, "x.vocab_size", UINT32_MAX);
  gguf_meta_u32(&g, "x.rope.freq_base", 10000);
  gguf_meta_f32(&g, "x.attention.layer_norm_rms_epsilon", -1.0f);
  gguf_meta_string(&g, "split.count", "two");
  infermem_model *model = open_gguf(&g);
  const infermem_model_config c = config_of(model);
  assert_int_equal(c.n_layers, 3);
  assert_true(c.hidden == 0 && c.context == 0 && c.intermediate == 0 && c.n_heads == 0 && c.n_kv_heads == 0);
  assert_true(c.vocab == 0 && c.rope_theta == 0 && c.norm_eps == 0 && c.head_dim_k == 0);
  assert_true(warned(model, "\"x.embedding_length\" is a string, not an integer"));
  assert_true(warned(model, "\"x.context_length\" has -1, which is negative"));
  assert_true(warned(model, "\"x.feed_forward_length\" is an array, not an array of integers"));
  assert_true(warned(model, "\"x.attention.head_count\" has 2 values, for 3 layers"));
  assert_true(warned(model, "\"x.attention.head_count_kv\" has -1, which is negative"));
  assert_true(warned(model, "\"x.vocab_size\" has 4294967295, above the limit"));
  assert_true(warned(model, "\"x.rope.freq_base\" is a u32, not an f32 or f64"));
  assert_true(warned(model, "\"x.attention.layer_norm_rms_epsilon\" is negative"));
  assert_fails(INFERMEM_E_ARG, infermem_config_validate(&c));
  model_free(model);
}

static void a_vocabulary_beyond_the_limit_is_zero_and_a_warning(void **state) {
  (void)state;
  for (uint64_t over = 0; over < 2; over++)
    for (int tensor = 0; tensor < 2; tensor++) {
      struct gguf g = {0};
      const uint64_t ne[] = {1, ((uint64_t)1 << 31) + over};
      gguf_header(&g, 3, (uint64_t)tensor, (uint64_t)!tensor);
      if (tensor)
        gguf_tensor(&g, "token_embd.weight", 2, ne, INFERMEM_DTYPE_I8, 0);
      else
        gguf_array(&g, "tokenizer.ggml.tokens", INFERMEM_META_U8, ne[1]);
      gguf_save(&g);
      gguf_free(&g);
      assert_int_equal(truncate(gguf_path(), (off_t)1 << 32), 0); /* a hole */
      infermem_model *model = open_model(gguf_path());
      assert_int_equal(config_of(model).vocab, over ? 0 : ne[1]);
      assert_int_equal(warned(model, "a vocabulary of 2147483649 is above the limit of 2147483648"), over);
      model_free(model);
    }
}

static void an_unusable_architecture_is_a_warning(void **state) {
  (void)state;
  char long_name[65];
  memset(long_name, 'a', 64);
  long_name[64] = '\0';
  for (int k = 0; k < 6; k++) {
    struct gguf g = {0};
    gguf_header(&g, 3, 0, k == 0 ? 0 : 1);
    if (k == 1) gguf_meta_string(&g, "general.architecture", "");
    if (k == 2) gguf_meta_string(&g, "general.architecture", long_name);
    if (k == 3) gguf_meta_u32(&g, "general.architecture", 1);
    if (k == 4) gguf_meta_string(&g, "general.architecture", "a\x1b[31mb");
    if (k == 5) gguf_meta_string(&g, "general.architecture", "a\xff");
    infermem_model *model = open_gguf(&g);
    const infermem_model_config c = config_of(model);
    assert_string_equal(c.architecture, "");
    assert_true(warned(model, "\"general.architecture\""));
    for (size_t i = 0; i < model_warning_count(model); i++)
      for (const char *p = model_warning(model, i); *p; p++) assert_in_range(*p, ' ', '~');
    assert_fails(INFERMEM_E_ARG, infermem_config_validate(&c));
    model_free(model);
  }
}

static void heads_that_do_not_share_hidden_are_a_warning(void **state) {
  (void)state;
  struct gguf g = {0};
  gguf_header(&g, 3, 0, LLAMA_KEYS);
  gguf_meta_string(&g, "general.architecture", "llama");
  gguf_meta_u32(&g, "llama.block_count", 1);
  gguf_meta_u32(&g, "llama.embedding_length", 65);
  gguf_meta_u32(&g, "llama.feed_forward_length", 96);
  gguf_meta_u32(&g, "llama.attention.head_count", 8);
  gguf_meta_u32(&g, "llama.vocab_size", 512);
  infermem_model *model = open_gguf(&g);
  const infermem_model_config c = config_of(model);
  assert_int_equal(c.head_dim_k, 0);
  assert_true(warned(model, "65 elements are not shared by 8 heads"));
  assert_fails(INFERMEM_E_SHAPE, infermem_config_validate(&c));
  model_free(model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tiny_llama_has_its_config),
      cmocka_unit_test(a_good_config_is_valid),
      cmocka_unit_test(a_config_that_cannot_be_computed_with_is_refused),
      cmocka_unit_test(absent_keys_have_their_defaults),
      cmocka_unit_test(explicit_keys_come_first),
      cmocka_unit_test(numbers_a_layer_give_the_largest_and_a_warning),
      cmocka_unit_test(unusable_keys_are_zero_and_a_warning),
      cmocka_unit_test(a_vocabulary_beyond_the_limit_is_zero_and_a_warning),
      cmocka_unit_test(an_unusable_architecture_is_a_warning),
      cmocka_unit_test(heads_that_do_not_share_hidden_are_a_warning),
  };
  return cmocka_run_group_tests_name("model_config", tests, NULL, gguf_leave);
}
