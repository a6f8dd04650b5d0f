// The extern "C" functions of infermem/kv.h.
#include "kv/kv.hh"

using namespace infermem;

extern "C" {

int32_t kv_new(const infermem_kv_options *options, infermem_kv **out) {
  INFERMEM_NOT_NULL(options);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options));
}

void kv_free(infermem_kv *kv) { free_handle(kv); }

int32_t kv_append(infermem_kv *kv, size_t layer, const float *k, size_t k_len, const float *v, size_t v_len,
                  size_t n_tokens) {
  INFERMEM_HANDLE(kv);
  INFERMEM_NOT_NULL(k);
  INFERMEM_NOT_NULL(v);
  INFERMEM_LEAVE(kv->core.append(layer, k, k_len, v, v_len, n_tokens));
}

int32_t kv_advance(infermem_kv *kv, size_t n) {
  INFERMEM_HANDLE(kv);
  INFERMEM_LEAVE(kv->core.advance(n));
}

int32_t kv_abort(infermem_kv *kv) {
  INFERMEM_HANDLE(kv);
  INFERMEM_LEAVE(kv->core.abort());
}

int32_t kv_truncate(infermem_kv *kv, size_t n) {
  INFERMEM_HANDLE(kv);
  INFERMEM_LEAVE(kv->core.truncate(n));
}

int32_t kv_clear(infermem_kv *kv) {
  INFERMEM_HANDLE(kv);
  INFERMEM_LEAVE(kv->core.clear());
}

int32_t kv_keys(const infermem_kv *kv, size_t layer, infermem_view *out) {
  INFERMEM_HANDLE(kv);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(kv->core.view(INFERMEM_KV_K, layer, false, out));
}

int32_t kv_values(const infermem_kv *kv, size_t layer, infermem_view *out) {
  INFERMEM_HANDLE(kv);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(kv->core.view(INFERMEM_KV_V, layer, false, out));
}

int32_t kv_keys_pending(const infermem_kv *kv, size_t layer, infermem_view *out) {
  INFERMEM_HANDLE(kv);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(kv->core.view(INFERMEM_KV_K, layer, true, out));
}

int32_t kv_values_pending(const infermem_kv *kv, size_t layer, infermem_view *out) {
  INFERMEM_HANDLE(kv);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(kv->core.view(INFERMEM_KV_V, layer, true, out));
}

int32_t kv_read(const infermem_kv *kv, size_t layer, int32_t which, size_t first, size_t n, float *out, size_t n_out) {
  INFERMEM_HANDLE(kv);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(kv->core.read(layer, which, first, n, out, n_out));
}

size_t kv_len(const infermem_kv *kv) { return is(kv) ? kv->core.length() : 0; }

size_t kv_max(const infermem_kv *kv) { return is(kv) ? kv->core.max_tokens() : 0; }

uint64_t kv_generation(const infermem_kv *kv) { return is(kv) ? kv->core.generation() : 0; }

size_t kv_layer_stride(const infermem_kv *kv, int32_t which) {
  return is(kv) && (which == INFERMEM_KV_K || which == INFERMEM_KV_V) ? kv->core.layer_stride(which) : 0;
}

size_t kv_memory_bytes(const infermem_kv *kv) { return is(kv) ? kv->core.bytes() : 0; }

size_t kv_memory_reserved(const infermem_kv *kv) { return is(kv) ? kv->core.reserved() : 0; }

size_t kv_memory_committed(const infermem_kv *kv) { return is(kv) ? kv->core.committed() : 0; }

}  // extern "C"
