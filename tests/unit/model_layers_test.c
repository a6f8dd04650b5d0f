/* The layers and the weights of models: what is published of many, and what files say that contradict themselves. */
#include <stdlib.h>

#include "model_cards.h"

static infermem_model *open_card(const struct model_card *card) {
  model_card_save(card);
  infermem_model *model = NULL;
  assert_ok(model_open(gguf_path(), NULL, &model));
  return model;
}

static infermem_model_config config_of(const infermem_model *model) {
  INFERMEM_STRUCT(infermem_model_config, config);
  assert_ok(model_config(model, &config));
  return config;
}

static infermem_model_layer layer_of(const infermem_model *model, uint64_t index) {
  INFERMEM_STRUCT(infermem_model_layer, layer);
  assert_ok(model_layer(model, index, &layer));
  return layer;
}

static infermem_model_weights weights_of(const infermem_model *model) {
  INFERMEM_STRUCT(infermem_model_weights, weights);
  assert_ok(model_weights(model, &weights));
  return weights;
}

static uint64_t bytes_of(const infermem_model_layer *l) {
  return l->attention_bytes + l->dense_bytes + l->shared_expert_bytes + l->routed_expert_bytes + l->norm_bytes +
         l->other_bytes;
}

/* One of the model's warnings contains the text. */
__attribute__((unused)) static int warned(const infermem_model *model, const char *text) {
  for (size_t i = 0; i < model_warning_count(model); i++)
    if (strstr(model_warning(model, i), text)) return 1;
  return 0;
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
  const infermem_model_config config = config_of(model);
  assert_ok(infermem_config_validate(&config));
  uint64_t global = 0, window = 0, recurrent = 0, none = 0, kv = 0, window_kv = 0, state = 0, tokens = 0, bytes = 0;
  for (uint64_t i = 0; i < config.n_layers; i++) {
    const infermem_model_layer l = layer_of(model, i);
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
  const infermem_model_weights weights = weights_of(model);
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

static int tear_down(void **state) {
  (void)state;
  gguf_remove();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(published_models_come_out_as_published),
  };
  return cmocka_run_group_tests_name("model_layers", tests, NULL, tear_down);
}
