#include "model_cards.h"

#include <stdlib.h>

/* Sources of the numbers:
 *   "card": the parameters that the model's page on Hugging Face counts; the rest by the model's config.json
 *   "log": what llama.cpp logs of the model's cache, in MiB, as elements
 *   "paper" or a place in a loader: where the layout is told */
const struct model_card model_cards[] = {
#include "model_cards_attention.inc"
#include "model_cards_mixers.inc"
};
const size_t n_model_cards = sizeof model_cards / sizeof *model_cards;

/* ---- GGUF from lines ---- */

static void put_element(struct gguf *g, const char **at) {
  if (**at == 't' || **at == 'f') {
    gguf_number(g, **at == 't', 1);
    *at += strcspn(*at, ",]");
  } else {
    char *end;
    gguf_u32(g, (uint32_t)strtoul(*at, &end, 10));
    *at = end;
  }
}

static void put_array(struct gguf *g, const char *key, const char *value) {
  uint64_t count = 1;
  for (const char *c = value; *c != ']'; c++) count += *c == ',';
  const char *at = value + 1;
  gguf_array(g, key, *at == 't' || *at == 'f' ? INFERMEM_META_BOOL : INFERMEM_META_U32, count);
  for (; *at != ']'; at += *at == ',') put_element(g, &at);
}

static void put_value(struct gguf *g, const char *key, const char *value) {
  char *end;
  const unsigned long number = strtoul(value, &end, 10);
  if (*value == '[') {
    put_array(g, key, value);
  } else if (!strcmp(value, "true") || !strcmp(value, "false")) {
    gguf_key(g, key, INFERMEM_META_BOOL);
    gguf_number(g, *value == 't', 1);
  } else if (end != value && *end == '\0') {
    gguf_meta_u32(g, key, (uint32_t)number);
  } else {
    gguf_meta_string(g, key, value);
  }
}

struct gguf model_card_metas(const struct model_card *card) {
  struct gguf g = {0};
  for (const char *line = card->text; *line;) {
    char key[96], value[96];
    const size_t n = strcspn(line, " "), m = strcspn(line + n + 1, "\n");
    assert_true(n < sizeof key && m < sizeof value);
    memcpy(key, line, n);
    memcpy(value, line + n + 1, m);
    key[n] = value[m] = '\0';
    put_value(&g, key, value);
    line += n + m + 2;
  }
  return g;
}

void model_card_save(const struct model_card *card) {
  struct gguf g = {0};
  if (*card->text == '{') {
    gguf_bytes(&g, card->text, strlen(card->text));
  } else {
    struct gguf metas = model_card_metas(card);
    uint64_t lines = 0;
    for (const char *c = card->text; *c; c++) lines += *c == '\n';
    gguf_header(&g, 3, 0, lines);
    gguf_bytes(&g, metas.bytes, metas.size);
    gguf_free(&metas);
  }
  gguf_save(&g);
  gguf_free(&g);
}

/* ---- What a model says ---- */

infermem_model_config card_config(const infermem_model *model) {
  INFERMEM_STRUCT(infermem_model_config, config);
  assert_ok(model_config(model, &config));
  return config;
}

infermem_model_layer card_layer(const infermem_model *model, uint64_t index) {
  INFERMEM_STRUCT(infermem_model_layer, layer);
  assert_ok(model_layer(model, index, &layer));
  return layer;
}

infermem_model_weights card_weights(const infermem_model *model) {
  INFERMEM_STRUCT(infermem_model_weights, weights);
  assert_ok(model_weights(model, &weights));
  return weights;
}

infermem_model *open_card(const struct model_card *card) {
  model_card_save(card);
  return open_model(gguf_path());
}
