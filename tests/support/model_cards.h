/* model_cards.h: what is published of models: their configurations, and what follows from them. */
#ifndef MODEL_CARDS_H
#define MODEL_CARDS_H

#include "gguf_make.h"

struct model_card {
  const char *name;
  const char *source; /* of the expected numbers */
  /* A config.json, or the metadata of a GGUF file: a key and its value a line, which is an integer, a word,
   * a bool or [integers or bools]. */
  const char *text;
  /* What is to come of it. Layers that only predict further tokens are not counted but in the elements. */
  uint64_t elements;        /* parameters; 0 where no exact number is published */
  uint64_t n_global;        /* layers that keep keys and values, or a latent, of all tokens */
  uint64_t n_window;        /* layers that keep those of a window */
  uint64_t n_recurrent;     /* layers with a recurrent mixer, also beside attention */
  uint64_t n_none;          /* layers that keep nothing */
  uint64_t kv_elements;     /* stored of a token, in layers of the first kind with keys of their own */
  uint64_t window;          /* tokens */
  uint64_t window_elements; /* stored of a token, in layers of the second kind with keys of their own */
  uint64_t state_elements;  /* of a sequence, in all layers */
};

extern const struct model_card model_cards[];
extern const size_t n_model_cards;

/* The metadata of a card of GGUF, one a line; free it with gguf_free. */
struct gguf model_card_metas(const struct model_card *card);

/* Saves the card's file as gguf_path(). */
void model_card_save(const struct model_card *card);
infermem_model *open_card(const struct model_card *card);

/* What the model says; each fails the test where it says nothing. */
infermem_model_config card_config(const infermem_model *model);
infermem_model_layer card_layer(const infermem_model *model, uint64_t index);
infermem_model_weights card_weights(const infermem_model *model);

#endif
