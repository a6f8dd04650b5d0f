/* plan.h: will a model fit, and how: sizes computed from a model's configuration alone.
 *
 *     INFERMEM_STRUCT(infermem_model_config, config);
 *     model_config(model, &config);
 *     int32_t mode;
 *     if (plan_estimate_mode(&config, 2048, facts.free_bytes, &mode) == INFERMEM_OK) puts(plan_mode_text(mode));
 *
 * The estimates are the classic ones of a dense transformer that is held in f32, 4 bytes an element. Of a layer: the
 * projections to q, k and v, that back from the attention, the three matrices of a gated feed-forward part, two norms.
 * With h = hidden, i = intermediate, L = n_layers, V = vocab, dk = head_dim_k and dv = head_dim_v (h / n_heads where
 * they are 0), q = n_heads * dk, k = n_kv_heads * dk, v = n_kv_heads * dv, o = n_heads * dv:
 *
 *     matrices = h * (q + k + v) + o * h + 3 * h * i          layer     = 4 * (matrices + 2 * h)
 *     kv       = 4 * L * tokens * (k + v)                     full      = 4 * h * V + 4 * h + L * layer + kv
 *     prefill  = (L * matrices + h * V) * (fp8 ? 1 : 2)       streaming = 4 * h * V + 4 * h + layer + kv
 *
 * Every function here that takes a configuration validates it first, as infermem_config_validate does, and fails as
 * that does: a configuration without heads, say, is INFERMEM_E_ARG.
 */
#ifndef INFERMEM_PLAN_H
#define INFERMEM_PLAN_H

#include "error.h"
#include "model.h"

/* How a model is run. */
enum {
  INFERMEM_PLAN_FULL_CACHE = 1,      /* all layers stay on the device */
  INFERMEM_PLAN_PARTIAL = 2,         /* the first layers stay, the others pass through */
  INFERMEM_PLAN_LAYER_STREAMING = 3, /* one layer is there at a time */
  INFERMEM_PLAN_HOST = 4,            /* nothing is on a device */
  INFERMEM_PLAN_INSUFFICIENT = 5     /* it does not fit */
};

#ifndef INFERMEM_NO_PROTOTYPES
INFERMEM_BEGIN_DECLS

/* The bytes of one layer's weights.
 * Errors: INFERMEM_E_NULL.  Those of infermem_config_validate.  INFERMEM_E_OVERFLOW.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_estimate_layer(const infermem_model_config *config, uint64_t *out_bytes)
    INFERMEM_AS(plan_estimate_layer);

/* The bytes of the KV cache of n_tokens tokens, in all layers.
 * Errors: INFERMEM_E_NULL.  Those of infermem_config_validate.  INFERMEM_E_OVERFLOW.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_estimate_kv(const infermem_model_config *config, uint64_t n_tokens, uint64_t *out_bytes)
    INFERMEM_AS(plan_estimate_kv);

/* The bytes of the embedding, the last norm, all layers, and the KV cache of n_tokens tokens (of 0 tokens, the weights
 * alone).
 * Errors: INFERMEM_E_NULL.  Those of infermem_config_validate.  INFERMEM_E_OVERFLOW.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_estimate_full(const infermem_model_config *config, uint64_t n_tokens, uint64_t *out_bytes)
    INFERMEM_AS(plan_estimate_full);

/* The same with one layer's weights in place of all.
 * Errors: INFERMEM_E_NULL.  Those of infermem_config_validate.  INFERMEM_E_OVERFLOW.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_estimate_streaming(const infermem_model_config *config, uint64_t n_tokens, uint64_t *out_bytes)
    INFERMEM_AS(plan_estimate_streaming);

/* The bytes of a copy of all matrices, embedding included, to prefill with: 1 byte an element when fp8 is 1, 2 when it
 * is 0.
 * Errors: INFERMEM_E_NULL.  Those of infermem_config_validate.  INFERMEM_E_ARG: also when fp8 is neither.
 * INFERMEM_E_OVERFLOW.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_estimate_prefill_cache(const infermem_model_config *config, int32_t fp8, uint64_t *out_bytes)
    INFERMEM_AS(plan_estimate_prefill_cache);

/* Which mode free_bytes allow, of which nine tenths (rounded down) are used: FULL_CACHE where plan_estimate_full fits,
 * else LAYER_STREAMING where plan_estimate_streaming does, else INSUFFICIENT.
 * Errors: INFERMEM_E_NULL.  Those of infermem_config_validate.  INFERMEM_E_OVERFLOW.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_estimate_mode(const infermem_model_config *config, uint64_t n_tokens, uint64_t free_bytes,
                                       int32_t *out_mode) INFERMEM_AS(plan_estimate_mode);

/* 1 where plan_estimate_mode is LAYER_STREAMING, else 0: also where not even that fits.
 * Errors: INFERMEM_E_NULL.  Those of infermem_config_validate.  INFERMEM_E_OVERFLOW.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_should_stream(const infermem_model_config *config, uint64_t n_tokens, uint64_t free_bytes,
                                       int32_t *out) INFERMEM_AS(plan_should_stream);

/* A mode in words, "Full Cache (all layers pre-cached on GPU)", or "unknown"; static storage.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN const char *plan_mode_text(int32_t mode) INFERMEM_AS(plan_mode_text);

/* The mode that plan_estimate_mode gives, with the numbers behind it in whole MB (bytes / 1048576), NUL-terminated;
 * where the memory is insufficient, also three things to do about it. *out_length is its length without the NUL. With
 * buffer NULL and capacity 0 the length alone is given.
 *   total_bytes: the device's memory, which is only reported.  capacity: bytes of buffer, the NUL included.
 * Errors: INFERMEM_E_NULL: config or out_length is NULL, or buffer is while capacity is not 0.  Those of
 * infermem_config_validate.  INFERMEM_E_OVERFLOW.  INFERMEM_E_BUFFER: capacity is not enough; nothing was written, and
 * the error's `expected` is the capacity needed.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t plan_estimate_text(const infermem_model_config *config, uint64_t n_tokens, uint64_t free_bytes,
                                       uint64_t total_bytes, char *buffer, size_t capacity, size_t *out_length)
    INFERMEM_AS(plan_estimate_text);

INFERMEM_END_DECLS
#endif

#endif
