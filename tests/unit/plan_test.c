/* The classic estimates: every function of infermem/plan.h, and the exact values of two models. */
#include <stdio.h>

#include "support.h"

static infermem_model_config make(uint64_t hidden, uint64_t n_layers, uint64_t n_heads, uint64_t n_kv_heads,
                                  uint64_t vocab, uint64_t intermediate) {
  INFERMEM_STRUCT(infermem_model_config, config);
  config.hidden = hidden;
  config.n_layers = n_layers;
  config.n_heads = n_heads;
  config.n_kv_heads = n_kv_heads;
  config.vocab = vocab;
  config.intermediate = intermediate;
  return config;
}

static infermem_model_config qwen(void) { return make(1536, 28, 12, 2, 151936, 8960); }
static infermem_model_config small(void) { return make(256, 4, 4, 4, 1000, 512); }

#define assert_bytes(expected, call) \
  do {                               \
    uint64_t out = 0;                \
    assert_ok(call);                 \
    assert_int_equal(out, expected); \
  } while (0)

static void assert_mode(const infermem_model_config *config, uint64_t n_tokens, uint64_t free_bytes, int32_t expected) {
  int32_t mode = 0, stream = -1;
  assert_ok(plan_estimate_mode(config, n_tokens, free_bytes, &mode));
  assert_int_equal(mode, expected);
  assert_ok(plan_should_stream(config, n_tokens, free_bytes, &stream));
  assert_int_equal(stream, expected == INFERMEM_PLAN_LAYER_STREAMING);
}

static void the_estimates_of_qwen2_are_exact(void **state) {
  (void)state;
  const infermem_model_config c = qwen();
  assert_bytes(187183104, plan_estimate_layer(&c, &out));
  assert_bytes(6292068352, plan_estimate_full(&c, 2048, &out));
  assert_bytes(1238124544, plan_estimate_streaming(&c, 2048, &out));
  assert_bytes(117440512, plan_estimate_kv(&c, 2048, &out));
  assert_bytes(1543569408, plan_estimate_prefill_cache(&c, 1, &out));
  assert_bytes(3087138816, plan_estimate_prefill_cache(&c, 0, &out));
}

static void the_estimates_of_a_small_model_are_exact(void **state) {
  (void)state;
  const infermem_model_config c = small();
  assert_bytes(2623488, plan_estimate_layer(&c, &out));
  assert_bytes(15713280, plan_estimate_full(&c, 512, &out));
  assert_bytes(7842816, plan_estimate_streaming(&c, 512, &out));
  assert_bytes(4194304, plan_estimate_kv(&c, 512, &out));
  assert_bytes(2877440, plan_estimate_prefill_cache(&c, 1, &out));
  assert_bytes(5754880, plan_estimate_prefill_cache(&c, 0, &out));
}

static void one_byte_less_than_needed_is_not_enough(void **state) {
  (void)state;
  const infermem_model_config q = qwen(), s = small();
  assert_mode(&q, 2048, 6991187058, INFERMEM_PLAN_FULL_CACHE);
  assert_mode(&q, 2048, 6991187057, INFERMEM_PLAN_LAYER_STREAMING);
  assert_mode(&q, 2048, 1375693938, INFERMEM_PLAN_LAYER_STREAMING);
  assert_mode(&q, 2048, 1375693937, INFERMEM_PLAN_INSUFFICIENT);
  assert_mode(&s, 512, 17459200, INFERMEM_PLAN_FULL_CACHE);
  assert_mode(&s, 512, 17459199, INFERMEM_PLAN_LAYER_STREAMING);
  assert_mode(&s, 512, 8714240, INFERMEM_PLAN_LAYER_STREAMING);
  assert_mode(&s, 512, 8714239, INFERMEM_PLAN_INSUFFICIENT);
}

static void usual_sizes_of_free_memory_give_the_usual_modes(void **state) {
  (void)state;
  const infermem_model_config c = qwen();
  assert_mode(&c, 2048, (uint64_t)2 << 30, INFERMEM_PLAN_LAYER_STREAMING);
  assert_mode(&c, 2048, (uint64_t)12 << 30, INFERMEM_PLAN_FULL_CACHE);
  assert_mode(&c, 2048, (uint64_t)512 << 20, INFERMEM_PLAN_INSUFFICIENT);
  assert_mode(&c, 2048, 0, INFERMEM_PLAN_INSUFFICIENT);
  assert_mode(&c, 2048, UINT64_MAX, INFERMEM_PLAN_FULL_CACHE);
}

static void nine_tenths_are_rounded_down_without_overflow(void **state) {
  (void)state;
  /* A model of 44 bytes, and 8 a token: the least free memory is ten ninths of that, rounded up. */
  const infermem_model_config c = make(1, 1, 1, 1, 1, 1);
  for (uint64_t tokens = 0; tokens < 100; tokens++) {
    uint64_t need = 0;
    assert_ok(plan_estimate_full(&c, tokens, &need));
    const uint64_t least = (need * 10 + 8) / 9;
    assert_mode(&c, tokens, least, INFERMEM_PLAN_FULL_CACHE);
    assert_mode(&c, tokens, least - 1, INFERMEM_PLAN_INSUFFICIENT); /* one layer: streaming needs the same */
  }
  assert_bytes(44, plan_estimate_full(&c, 0, &out));
  const uint64_t tokens = (16602069666338596453u - 44) / 8; /* nine tenths of 2^64 - 1 */
  assert_mode(&c, tokens, UINT64_MAX, INFERMEM_PLAN_FULL_CACHE);
  assert_mode(&c, tokens + 1, UINT64_MAX, INFERMEM_PLAN_INSUFFICIENT);
}

static void one_layer_streams_in_what_it_takes_in_full(void **state) {
  (void)state;
  const infermem_model_config c = make(256, 1, 4, 4, 1000, 512);
  uint64_t full = 0, streaming = 0;
  assert_ok(plan_estimate_full(&c, 512, &full));
  assert_ok(plan_estimate_streaming(&c, 512, &streaming));
  assert_int_equal(full, streaming);
}

static void without_tokens_the_weights_are_left(void **state) {
  (void)state;
  const infermem_model_config c = qwen();
  assert_bytes(0, plan_estimate_kv(&c, 0, &out));
  assert_bytes(6292068352 - 117440512, plan_estimate_full(&c, 0, &out));
  assert_bytes(1238124544 - 117440512, plan_estimate_streaming(&c, 0, &out));
}

static void explicit_head_dims_count(void **state) {
  (void)state;
  /* The same as derived: nothing changes. */
  infermem_model_config c = qwen();
  c.head_dim_k = c.head_dim_v = 128;
  assert_bytes(187183104, plan_estimate_layer(&c, &out));
  assert_bytes(117440512, plan_estimate_kv(&c, 2048, &out));
  /* Heads that are wider than hidden / n_heads: 16 heads of 128 in 1024, as in Qwen3-0.6B. */
  c = make(1024, 28, 16, 8, 151936, 3072);
  c.head_dim_k = c.head_dim_v = 128;
  assert_bytes(4 * (1024 * (2048 + 1024 + 1024) + 2048 * 1024 + 3 * 1024 * 3072 + 2 * 1024),
               plan_estimate_layer(&c, &out));
  assert_bytes(28 * 4 * (1024 + 1024), plan_estimate_kv(&c, 1, &out));
  /* Keys of 192 and values of 128. */
  c = make(2048, 2, 16, 16, 1000, 4096);
  c.head_dim_k = 192;
  c.head_dim_v = 128;
  assert_bytes(4 * (2048 * (3072 + 3072 + 2048) + 2048 * 2048 + 3 * 2048 * 4096 + 2 * 2048),
               plan_estimate_layer(&c, &out));
  assert_bytes(2 * 4 * (3072 + 2048), plan_estimate_kv(&c, 1, &out));
}

static void what_does_not_fit_64_bits_is_an_overflow(void **state) {
  (void)state;
  const infermem_model_config c = qwen();
  uint64_t out = 77;
  int32_t mode = 77;
  size_t length = 77;
  const uint64_t most = UINT64_MAX / (2 * 28 * 256 * 4); /* tokens whose KV cache just fits */
  assert_ok(plan_estimate_kv(&c, most, &out));
  assert_int_equal(out, most * 57344);
  out = 77;
  assert_fails(INFERMEM_E_OVERFLOW, plan_estimate_kv(&c, most + 1, &out));
  assert_fails(INFERMEM_E_OVERFLOW, plan_estimate_full(&c, most, &out)); /* the weights no longer do */
  assert_fails(INFERMEM_E_OVERFLOW, plan_estimate_streaming(&c, most, &out));
  assert_fails(INFERMEM_E_OVERFLOW, plan_estimate_full(&c, UINT64_MAX, &out));
  assert_fails(INFERMEM_E_OVERFLOW, plan_estimate_mode(&c, UINT64_MAX, 0, &mode));
  assert_fails(INFERMEM_E_OVERFLOW, plan_should_stream(&c, UINT64_MAX, 0, &mode));
  assert_fails(INFERMEM_E_OVERFLOW, plan_estimate_text(&c, UINT64_MAX, 0, 0, NULL, 0, &length));
  assert_int_equal(out, 77);
  assert_int_equal(mode, 77);
  assert_int_equal(length, 77);
}

/* Every function with the configuration, each of which must fail so and leave its result alone. */
static void assert_all_fail(int32_t code, const infermem_model_config *c) {
  uint64_t out = 77;
  int32_t mode = 77;
  size_t length = 77;
  char text[8] = "before";
  assert_fails(code, plan_estimate_layer(c, &out));
  assert_fails(code, plan_estimate_kv(c, 1, &out));
  assert_fails(code, plan_estimate_full(c, 1, &out));
  assert_fails(code, plan_estimate_streaming(c, 1, &out));
  assert_fails(code, plan_estimate_prefill_cache(c, 0, &out));
  assert_fails(code, plan_estimate_mode(c, 1, 1 << 30, &mode));
  assert_fails(code, plan_should_stream(c, 1, 1 << 30, &mode));
  assert_fails(code, plan_estimate_text(c, 1, 1 << 30, 1 << 30, text, sizeof text, &length));
  assert_int_equal(out, 77);
  assert_int_equal(mode, 77);
  assert_int_equal(length, 77);
  assert_string_equal(text, "before");
}

static void an_invalid_configuration_is_an_error_in_all_of_them(void **state) {
  (void)state;
  infermem_model_config c = qwen();
  c.n_heads = 0;
  assert_all_fail(INFERMEM_E_ARG, &c);
  c = qwen();
  c.n_kv_heads = 0;
  assert_all_fail(INFERMEM_E_ARG, &c);
  c = qwen();
  c.n_layers = 0;
  assert_all_fail(INFERMEM_E_ARG, &c);
  c = qwen();
  c.hidden = 0;
  assert_all_fail(INFERMEM_E_ARG, &c);
  c = qwen();
  c.vocab = 0;
  assert_all_fail(INFERMEM_E_ARG, &c);
  c = qwen();
  c.intermediate = 0;
  assert_all_fail(INFERMEM_E_ARG, &c);
  c = qwen();
  c.n_kv_heads = 5;
  assert_all_fail(INFERMEM_E_SHAPE, &c);
  c = qwen();
  c.hidden = 1537;
  assert_all_fail(INFERMEM_E_SHAPE, &c);
  c = qwen();
  c.n_layers = UINT64_MAX;
  assert_all_fail(INFERMEM_E_LIMIT, &c);
  c = qwen();
  c.struct_size = 3;
  assert_all_fail(INFERMEM_E_STRUCT, &c);
  assert_all_fail(INFERMEM_E_NULL, NULL);
}

static void a_missing_result_or_a_strange_flag_is_refused(void **state) {
  (void)state;
  const infermem_model_config c = qwen();
  uint64_t out = 77;
  assert_fails(INFERMEM_E_NULL, plan_estimate_layer(&c, NULL));
  assert_fails(INFERMEM_E_NULL, plan_estimate_kv(&c, 1, NULL));
  assert_fails(INFERMEM_E_NULL, plan_estimate_full(&c, 1, NULL));
  assert_fails(INFERMEM_E_NULL, plan_estimate_streaming(&c, 1, NULL));
  assert_fails(INFERMEM_E_NULL, plan_estimate_prefill_cache(&c, 0, NULL));
  assert_fails(INFERMEM_E_NULL, plan_estimate_mode(&c, 1, 1, NULL));
  assert_fails(INFERMEM_E_NULL, plan_should_stream(&c, 1, 1, NULL));
  assert_fails(INFERMEM_E_NULL, plan_estimate_text(&c, 1, 1, 1, NULL, 0, NULL));
  assert_fails(INFERMEM_E_ARG, plan_estimate_prefill_cache(&c, 2, &out));
  assert_fails(INFERMEM_E_ARG, plan_estimate_prefill_cache(&c, -1, &out));
  assert_int_equal(out, 77);
}

static void a_configuration_of_an_older_caller_is_taken(void **state) {
  (void)state;
  infermem_model_config c = qwen();
  c.struct_size = offsetof(infermem_model_config, context);
  c.context = UINT64_MAX; /* beyond what this caller has */
  assert_bytes(187183104, plan_estimate_layer(&c, &out));
}

static void the_text_names_the_mode_and_its_numbers(void **state) {
  (void)state;
  const infermem_model_config c = qwen();
  char text[512];
  size_t length;
  assert_ok(plan_estimate_text(&c, 2048, (uint64_t)12 << 30, (uint64_t)16 << 30, text, sizeof text, &length));
  assert_string_equal(text,
                      "Full Cache (all layers pre-cached on GPU): full cache 6000 MB, layer streaming 1180 MB, "
                      "available 12288 MB (11059 MB of it to be used), total 16384 MB");
  assert_int_equal(length, strlen(text));
  assert_ok(plan_estimate_text(&c, 2048, (uint64_t)2 << 30, (uint64_t)8 << 30, text, sizeof text, &length));
  assert_string_equal(text,
                      "Layer Streaming (weights loaded per-layer): full cache 6000 MB, layer streaming 1180 MB, "
                      "available 2048 MB (1843 MB of it to be used), total 8192 MB");
}

static void the_text_of_a_refusal_names_what_is_missing_and_three_remedies(void **state) {
  (void)state;
  const infermem_model_config c = qwen();
  char text[512];
  size_t length;
  assert_ok(plan_estimate_text(&c, 2048, (uint64_t)512 << 20, (uint64_t)4 << 30, text, sizeof text, &length));
  const char *const parts[] = {
      "Insufficient", "full cache 6000 MB", "streaming 1180 MB", "available 512 MB", "total 4096 MB", "(1)", "(2)",
      "(3)"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) assert_non_null(strstr(text, parts[i]));
  assert_int_equal(length, strlen(text));
}

static void the_longest_text_is_whole(void **state) {
  (void)state;
  const infermem_model_config c = make(1, 1, 1, 1, 1, 1);
  char text[512];
  size_t length;
  /* Every number of 14 digits, and the longest mode text. */
  assert_ok(plan_estimate_text(&c, UINT64_MAX / 8 - 8, UINT64_MAX, UINT64_MAX, text, sizeof text, &length));
  assert_non_null(strstr(text, "17592186044415 MB (15832967439974 MB"));
  assert_int_equal(text[length - 1], '.');
}

static void a_text_needs_room_for_all_of_it(void **state) {
  (void)state;
  const infermem_model_config c = qwen();
  size_t length = 0, again = 77;
  assert_ok(plan_estimate_text(&c, 2048, 0, 0, NULL, 0, &length));
  char text[512];
  memset(text, 'x', sizeof text);
  assert_fails(INFERMEM_E_BUFFER, plan_estimate_text(&c, 2048, 0, 0, text, length, &again));
  assert_int_equal(infermem_error_detail()->expected, length + 1);
  assert_int_equal(text[0], 'x');
  assert_int_equal(again, 77);
  assert_fails(INFERMEM_E_NULL, plan_estimate_text(&c, 2048, 0, 0, NULL, 1, &again));
  assert_ok(plan_estimate_text(&c, 2048, 0, 0, text, length + 1, &again));
  assert_int_equal(again, length);
  assert_int_equal(strlen(text), length);
  assert_int_equal(text[length + 1], 'x');
}

static void every_mode_has_a_text(void **state) {
  (void)state;
  assert_string_equal(plan_mode_text(INFERMEM_PLAN_FULL_CACHE), "Full Cache (all layers pre-cached on GPU)");
  assert_string_equal(plan_mode_text(INFERMEM_PLAN_LAYER_STREAMING), "Layer Streaming (weights loaded per-layer)");
  for (int32_t mode = INFERMEM_PLAN_FULL_CACHE; mode <= INFERMEM_PLAN_INSUFFICIENT; mode++)
    assert_string_not_equal(plan_mode_text(mode), "unknown");
  assert_string_equal(plan_mode_text(0), "unknown");
  assert_string_equal(plan_mode_text(6), "unknown");
  assert_string_equal(plan_mode_text(INT32_MIN), "unknown");
}

/* The formulas once more, in 128 bits, for random shapes. */
static void random_shapes_agree_with_wide_arithmetic(void **state) {
  (void)state;
  uint64_t random = 7;
  for (int i = 0; i < 2000; i++) {
    const uint64_t kv = 1 + test_random_below(&random, 16), heads = kv * (1 + test_random_below(&random, 8));
    const uint64_t d = 1 + test_random_below(&random, 256), h = heads * d, k = kv * d;
    const uint64_t L = 1 + test_random_below(&random, 200), V = 1 + test_random_below(&random, 300000);
    const uint64_t inter = 1 + test_random_below(&random, 50000);
    const uint64_t S = test_random(&random) >> (10 + test_random_below(&random, 54));
    const infermem_model_config c = make(h, L, heads, kv, V, inter);
    __extension__ typedef unsigned __int128 wide;
    const wide matrices = (wide)h * (h + 2 * k) + (wide)h * h + (wide)3 * h * inter;
    const wide layer = 4 * (matrices + 2 * h), cache = (wide)2 * L * S * k * 4;
    const wide expected[] = {layer, cache, (wide)4 * h * V + 4 * h + L * layer + cache,
                             (wide)4 * h * V + 4 * h + layer + cache, L * matrices + (wide)h * V};
    uint64_t out[5] = {0};
    const int32_t status[] = {plan_estimate_layer(&c, &out[0]), plan_estimate_kv(&c, S, &out[1]),
                              plan_estimate_full(&c, S, &out[2]), plan_estimate_streaming(&c, S, &out[3]),
                              plan_estimate_prefill_cache(&c, 1, &out[4])};
    for (int j = 0; j < 5; j++) {
      const int fits = expected[j] <= UINT64_MAX;
      assert_int_equal(status[j], fits ? INFERMEM_OK : INFERMEM_E_OVERFLOW);
      assert_int_equal(out[j], fits ? (uint64_t)expected[j] : 0);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_estimates_of_qwen2_are_exact),
      cmocka_unit_test(the_estimates_of_a_small_model_are_exact),
      cmocka_unit_test(one_byte_less_than_needed_is_not_enough),
      cmocka_unit_test(usual_sizes_of_free_memory_give_the_usual_modes),
      cmocka_unit_test(nine_tenths_are_rounded_down_without_overflow),
      cmocka_unit_test(one_layer_streams_in_what_it_takes_in_full),
      cmocka_unit_test(without_tokens_the_weights_are_left),
      cmocka_unit_test(explicit_head_dims_count),
      cmocka_unit_test(what_does_not_fit_64_bits_is_an_overflow),
      cmocka_unit_test(an_invalid_configuration_is_an_error_in_all_of_them),
      cmocka_unit_test(a_missing_result_or_a_strange_flag_is_refused),
      cmocka_unit_test(a_configuration_of_an_older_caller_is_taken),
      cmocka_unit_test(the_text_names_the_mode_and_its_numbers),
      cmocka_unit_test(the_text_of_a_refusal_names_what_is_missing_and_three_remedies),
      cmocka_unit_test(the_longest_text_is_whole),
      cmocka_unit_test(a_text_needs_room_for_all_of_it),
      cmocka_unit_test(every_mode_has_a_text),
      cmocka_unit_test(random_shapes_agree_with_wide_arithmetic),
  };
  return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
