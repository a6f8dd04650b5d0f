/* kvs.h: caches made in one call. */
#ifndef KVS_H
#define KVS_H

#include "support.h"

static inline infermem_kv_options shape(size_t layers, size_t heads, size_t head_dim, size_t max_tokens) {
  INFERMEM_STRUCT(infermem_kv_options, options);
  options.n_layers = layers;
  options.n_kv_heads = heads;
  options.head_dim = head_dim;
  options.max_tokens = max_tokens;
  return options;
}

/* Of keys and values of that type. */
static inline infermem_kv_options typed(size_t layers, size_t heads, size_t head_dim, size_t max_tokens, int32_t type) {
  infermem_kv_options options = shape(layers, heads, head_dim, max_tokens);
  options.k_type = options.v_type = type;
  return options;
}

static inline infermem_kv *make(infermem_kv_options options) {
  infermem_kv *kv = NULL;
  assert_ok(kv_new(&options, &kv));
  return kv;
}

#endif
