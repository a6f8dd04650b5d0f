// What the calls of attention check before they do it.
#include <cmath>

#include "base/checked.hh"
#include "kv/attend.hh"
#include "kv/kv.hh"

namespace infermem {
namespace {

constexpr size_t kMostTokens = 64;  // of a query

Status check_dim(const char *name, size_t dim) {
  if (dim % 8 == 0 && dim <= AttendKernels::kMostDim) return INFERMEM_OK;
  return fail(INFERMEM_E_UNSUPPORTED, AttendKernels::kMostDim, dim,
              "attention takes a %s that is a multiple of 8 and at most %zu, not %zu", name, AttendKernels::kMostDim,
              dim);
}

Status check_floats(const char *name, size_t length, size_t n_tokens, size_t n_heads, size_t width) {
  size_t wanted;
  if (!checked::product(&wanted, n_tokens, n_heads, width))
    return fail(INFERMEM_E_OVERFLOW, 0, n_heads, "%zu tokens of %zu heads of %zu do not fit", n_tokens, n_heads, width);
  if (length == wanted) return INFERMEM_OK;
  return fail(INFERMEM_E_SHAPE, wanted, length, "%s of %zu floats is not %zu tokens of %zu heads of %zu", name, length,
              n_tokens, n_heads, width);
}

}  // namespace

Status Kv::attend(size_t layer, const infermem_kv_attend_options *options, const AttendCall &call) const {
  infermem_kv_attend_options o = {};
  if (options) INFERMEM_TRY(read_struct(options, &o, "options"));
  INFERMEM_TRY(store_.check());
  INFERMEM_TRY(check_layer(layer));
  const auto rows_of = [&](int32_t which) -> HeadRows {
    const Rows &stored = rows(which, layer);
    const Half &shape = half(which);
    return {stored.type,    row_at(stored, 0), stored.row_bytes, stored.bytes_of(shape.head_dim),
            shape.head_dim, shape.run};
  };
  Attention a = {};
  a.keys = rows_of(INFERMEM_KV_K);
  a.values = rows_of(INFERMEM_KV_V);
  INFERMEM_TRY(check_dim("head_dim", a.keys.dim));
  INFERMEM_TRY(check_dim("head_dim_v", a.values.dim));

  const size_t n_kv_heads = half(INFERMEM_KV_K).heads, n_q_heads = o.n_q_heads == 0 ? n_kv_heads : o.n_q_heads;
  const size_t n_tokens = tokens_with_pending(layer);
  a.n_q_tokens = o.n_q_tokens == 0 ? 1 : o.n_q_tokens;
  if (n_q_heads % n_kv_heads != 0)
    return fail(INFERMEM_E_ARG, n_kv_heads, n_q_heads, "%zu query heads are no multiple of %zu heads of keys",
                n_q_heads, n_kv_heads);
  if (a.n_q_tokens > kMostTokens)
    return fail(INFERMEM_E_LIMIT, kMostTokens, a.n_q_tokens, "n_q_tokens is %zu, above %zu", a.n_q_tokens, kMostTokens);
  if (!std::isfinite(o.scale)) return fail(INFERMEM_E_ARG, 0, 0, "scale is not finite");
  if (!std::isfinite(o.soft_cap) || o.soft_cap < 0)
    return fail(INFERMEM_E_ARG, 0, 0, "soft_cap is below 0 or not finite");
  size_t end;
  if (!checked::add(n_tokens, o.n_after, &end))
    return fail(INFERMEM_E_OVERFLOW, 0, o.n_after, "%zu tokens and %zu after them do not fit", n_tokens, o.n_after);
  if (end < a.n_q_tokens)
    return fail(INFERMEM_E_RANGE, a.n_q_tokens, end, "a query of %zu tokens is not the last of %zu", a.n_q_tokens, end);
  if (call.first_head > n_kv_heads || call.n_heads > n_kv_heads - call.first_head)
    return fail(INFERMEM_E_RANGE, n_kv_heads, call.first_head, "%zu heads from %zu on are not all of the %zu there are",
                call.n_heads, call.first_head, n_kv_heads);
  a.end_token = n_tokens;
  if (call.is_partial) {
    if (call.first_token > n_tokens || call.n_tokens > n_tokens - call.first_token)
      return fail(INFERMEM_E_RANGE, n_tokens, call.first_token,
                  "%zu tokens from %zu on are not all of the %zu there are", call.n_tokens, call.first_token, n_tokens);
    a.first_token = call.first_token;
    a.end_token = call.first_token + call.n_tokens;
  }
  INFERMEM_TRY(check_floats("q", call.n_q, a.n_q_tokens, n_q_heads, a.keys.dim));
  const size_t width = a.values.dim + (call.is_partial ? kPartExtra : 0);
  INFERMEM_TRY(check_floats(call.is_partial ? "part" : "out", call.n_out, a.n_q_tokens, n_q_heads, width));

  a.n_kv_heads = n_kv_heads;
  a.group = n_q_heads / n_kv_heads;
  a.first_head = call.first_head;
  a.n_heads = call.n_heads;
  a.position = end - a.n_q_tokens;
  a.window = o.window;
  a.scale = o.scale != 0 ? o.scale : 1 / std::sqrt(static_cast<float>(a.keys.dim));
  a.cap = o.soft_cap;
  a.q = call.q;
  a.out = call.out;
  a.is_partial = call.is_partial;
  infermem::attend(a);
  return INFERMEM_OK;
}

Status attend_merge(const float *parts, size_t n_floats, size_t n_parts, size_t n_rows, size_t dim, float *out,
                    size_t n_out) {
  if (n_parts == 0) return fail(INFERMEM_E_ARG, 1, 0, "there are no parts");
  if (dim == 0) return fail(INFERMEM_E_ARG, 1, 0, "head_dim_v is 0");
  size_t width = SIZE_MAX, wanted = SIZE_MAX;
  if (!checked::add(dim, kPartExtra, &width) || !checked::product(&wanted, n_parts, n_rows, width) ||
      n_floats != wanted)
    return fail(INFERMEM_E_SHAPE, wanted, n_floats, "parts of %zu floats are not %zu of %zu rows of %zu and 2",
                n_floats, n_parts, n_rows, dim);
  if (n_out != n_rows * dim)
    return fail(INFERMEM_E_SHAPE, n_rows * dim, n_out, "out of %zu floats is not %zu rows of %zu", n_out, n_rows, dim);
  merge(parts, n_parts, n_rows, dim, out);
  return INFERMEM_OK;
}

}  // namespace infermem
