// The extern "C" functions of infermem/kv.h.
#include "kv/attend.hh"
#include "kv/kv.hh"

using namespace infermem;

namespace {

Status check_fingerprint(const Kv::Fingerprint &fingerprint) {
  constexpr size_t kMost = INFERMEM_KV_MAX_FINGERPRINT;
  if (fingerprint.n > kMost)
    return fail(INFERMEM_E_LIMIT, kMost, fingerprint.n, "a fingerprint of %zu bytes; the most is %zu", fingerprint.n,
                kMost);
  return fingerprint.n == 0 || fingerprint.bytes ? INFERMEM_OK : fail_null("fingerprint");
}

bool is_half(int32_t which) { return which == INFERMEM_KV_K || which == INFERMEM_KV_V; }

}  // namespace

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
  constexpr int32_t kType = INFERMEM_DTYPE_F32;
  INFERMEM_LEAVE(kv->core.append(layer, {"k", kType, k, k_len}, {"v", kType, v, v_len}, n_tokens));
}

int32_t kv_append_f16(infermem_kv *kv, size_t layer, const uint16_t *k, size_t k_len, const uint16_t *v, size_t v_len,
                      size_t n_tokens) {
  INFERMEM_HANDLE(kv);
  INFERMEM_NOT_NULL(k);
  INFERMEM_NOT_NULL(v);
  constexpr int32_t kType = INFERMEM_DTYPE_F16;
  INFERMEM_LEAVE(kv->core.append(layer, {"k", kType, k, k_len}, {"v", kType, v, v_len}, n_tokens));
}

int32_t kv_append_bf16(infermem_kv *kv, size_t layer, const uint16_t *k, size_t k_len, const uint16_t *v, size_t v_len,
                       size_t n_tokens) {
  INFERMEM_HANDLE(kv);
  INFERMEM_NOT_NULL(k);
  INFERMEM_NOT_NULL(v);
  constexpr int32_t kType = INFERMEM_DTYPE_BF16;
  INFERMEM_LEAVE(kv->core.append(layer, {"k", kType, k, k_len}, {"v", kType, v, v_len}, n_tokens));
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

int32_t kv_clear_zero(infermem_kv *kv) {
  INFERMEM_HANDLE(kv);
  INFERMEM_LEAVE(kv->core.clear_zero());
}

int32_t kv_keep(infermem_kv *kv, size_t sinks, size_t recent, size_t *out_dropped) {
  INFERMEM_HANDLE(kv);
  INFERMEM_NOT_NULL(out_dropped);
  INFERMEM_LEAVE(kv->core.keep(sinks, recent, out_dropped));
}

int32_t kv_copy_prefix(infermem_kv *dst, const infermem_kv *src, size_t n) {
  INFERMEM_HANDLE(dst);
  INFERMEM_HANDLE(src);
  INFERMEM_LEAVE(dst->core.copy_prefix(src->core, n));
}

int32_t kv_grow(infermem_kv *kv, size_t max_tokens) {
  INFERMEM_HANDLE(kv);
  INFERMEM_LEAVE(kv->core.grow(max_tokens));
}

int32_t kv_prefetch(const infermem_kv *kv, size_t layer) {
  INFERMEM_HANDLE(kv);
  INFERMEM_LEAVE(kv->core.prefetch(layer));
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

int32_t kv_keys_mut(infermem_kv *kv, size_t layer, infermem_view *out) {
  INFERMEM_HANDLE(kv);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(kv->core.view_mut(INFERMEM_KV_K, layer, out));
}

int32_t kv_values_mut(infermem_kv *kv, size_t layer, infermem_view *out) {
  INFERMEM_HANDLE(kv);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(kv->core.view_mut(INFERMEM_KV_V, layer, out));
}

int32_t kv_read(const infermem_kv *kv, size_t layer, int32_t which, size_t first, size_t n, float *out, size_t n_out) {
  INFERMEM_HANDLE(kv);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(kv->core.read(layer, which, first, n, out, n_out));
}

int32_t kv_attend(const infermem_kv *kv, size_t layer, const infermem_kv_attend_options *options, size_t first_head,
                  size_t n_heads, const float *q, size_t n_q, float *out, size_t n_out) {
  INFERMEM_HANDLE(kv);
  INFERMEM_NOT_NULL(q);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(kv->core.attend(layer, options, {first_head, n_heads, false, 0, 0, q, n_q, out, n_out}));
}

int32_t kv_attend_partial(const infermem_kv *kv, size_t layer, const infermem_kv_attend_options *options,
                          size_t first_head, size_t n_heads, size_t first_token, size_t n_tokens, const float *q,
                          size_t n_q, float *part, size_t n_part) {
  INFERMEM_HANDLE(kv);
  INFERMEM_NOT_NULL(q);
  INFERMEM_NOT_NULL(part);
  INFERMEM_LEAVE(
      kv->core.attend(layer, options, {first_head, n_heads, true, first_token, n_tokens, q, n_q, part, n_part}));
}

int32_t kv_attend_merge(const float *parts, size_t n_floats, size_t n_parts, size_t n_rows, size_t head_dim_v,
                        float *out, size_t n_out) {
  INFERMEM_NOT_NULL(parts);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(attend_merge(parts, n_floats, n_parts, n_rows, head_dim_v, out, n_out));
}

int32_t kv_save(const infermem_kv *kv, const char *path, const void *fingerprint, size_t n_fingerprint) {
  INFERMEM_HANDLE(kv);
  INFERMEM_NOT_NULL(path);
  INFERMEM_STEP(check_fingerprint({fingerprint, n_fingerprint}));
  INFERMEM_LEAVE(kv->core.save(path, {fingerprint, n_fingerprint}));
}

int32_t kv_save_to(const infermem_kv *kv, infermem_write_function write, void *context, const void *fingerprint,
                   size_t n_fingerprint) {
  INFERMEM_HANDLE(kv);
  INFERMEM_NOT_NULL(write);
  INFERMEM_STEP(check_fingerprint({fingerprint, n_fingerprint}));
  INFERMEM_LEAVE(kv->core.save(write, context, {fingerprint, n_fingerprint}));
}

int32_t kv_load(infermem_kv *kv, const char *path, const void *fingerprint, size_t n_fingerprint) {
  INFERMEM_HANDLE(kv);
  INFERMEM_NOT_NULL(path);
  INFERMEM_STEP(check_fingerprint({fingerprint, n_fingerprint}));
  INFERMEM_LEAVE(kv->core.load(path, {fingerprint, n_fingerprint}));
}

int32_t kv_load_from(infermem_kv *kv, infermem_read_function read, void *context, const void *fingerprint,
                     size_t n_fingerprint) {
  INFERMEM_HANDLE(kv);
  INFERMEM_NOT_NULL(read);
  INFERMEM_STEP(check_fingerprint({fingerprint, n_fingerprint}));
  INFERMEM_LEAVE(kv->core.load(read, context, {fingerprint, n_fingerprint}));
}

int32_t kv_verify(const char *path, infermem_kv_saved *out) {
  INFERMEM_NOT_NULL(path);
  INFERMEM_NOT_NULL(out);
  infermem_kv_saved saved = {};
  INFERMEM_STEP(verify_saved_kv(path, &saved));
  INFERMEM_LEAVE(write_struct(saved, out, "out"));
}

uint64_t kv_saved_bytes(const infermem_kv *kv) { return is(kv) ? kv->core.saved_bytes(kv->core.length()) : 0; }

size_t kv_len(const infermem_kv *kv) { return is(kv) ? kv->core.length() : 0; }

size_t kv_max(const infermem_kv *kv) { return is(kv) ? kv->core.max_tokens() : 0; }

uint64_t kv_generation(const infermem_kv *kv) { return is(kv) ? kv->core.generation() : 0; }

size_t kv_layers(const infermem_kv *kv) { return is(kv) ? kv->core.n_layers() : 0; }

size_t kv_heads(const infermem_kv *kv) { return is(kv) ? kv->core.half(INFERMEM_KV_K).heads : 0; }

size_t kv_head_dim(const infermem_kv *kv, int32_t which) {
  return is(kv) && is_half(which) ? kv->core.half(which).head_dim : 0;
}

size_t kv_layer_stride(const infermem_kv *kv, int32_t which) {
  return is(kv) && is_half(which) ? kv->core.half(which).stride : 0;
}

size_t kv_memory_bytes(const infermem_kv *kv) { return is(kv) ? kv->core.bytes() : 0; }

size_t kv_memory_reserved(const infermem_kv *kv) { return is(kv) ? kv->core.reserved() : 0; }

size_t kv_memory_committed(const infermem_kv *kv) { return is(kv) ? kv->core.committed() : 0; }

}  // extern "C"
