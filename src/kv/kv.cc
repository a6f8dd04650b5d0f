#include "kv/kv.hh"

#include <algorithm>

#include "base/checked.hh"
#include "base/dtype.hh"
#include "simd/convert.hh"

namespace infermem {
namespace {

constexpr size_t kLimit = size_t{1} << 20;  // published: layers, heads and their dimensions lie below
constexpr size_t kAlign = 64;               // of each layer

Status check_size(size_t value, const char *name) {
  if (value == 0) return fail(INFERMEM_E_ARG, 1, 0, "%s is 0", name);
  if (value >= kLimit)
    return fail(INFERMEM_E_LIMIT, kLimit - 1, value, "%s is %zu, not below %zu", name, value, kLimit);
  return INFERMEM_OK;
}

}  // namespace

Status Kv::open(const infermem_kv_options &options, const Allocator &allocator) {
  const size_t head_dim_v = options.head_dim_v == 0 ? options.head_dim : options.head_dim_v;
  INFERMEM_TRY(check_size(options.n_layers, "n_layers"));
  INFERMEM_TRY(check_size(options.n_kv_heads, "n_kv_heads"));
  INFERMEM_TRY(check_size(options.head_dim, "head_dim"));
  INFERMEM_TRY(check_size(head_dim_v, "head_dim_v"));
  if (options.max_tokens == 0) return fail(INFERMEM_E_ARG, 1, 0, "max_tokens is 0");
  n_layers_ = options.n_layers;
  max_tokens_ = options.max_tokens;
  INFERMEM_TRY(place(&planes_[INFERMEM_KV_K], options.k_type, options.n_kv_heads, options.head_dim, &bytes_));
  INFERMEM_TRY(place(&planes_[INFERMEM_KV_V], options.v_type, options.n_kv_heads, head_dim_v, &bytes_));

  allocator_ = allocator;
  auto *layers = static_cast<Layer *>(allocator.take(n_layers_ * sizeof(Layer), alignof(Layer)));
  if (!layers) return fail_nomem(n_layers_ * sizeof(Layer));
  for (size_t i = 0; i < n_layers_; ++i) new (Place{layers + i}) Layer();
  layers_ = layers;
  // Last: what a tape has given cannot be given back.
  return store_.take(options.tape, bytes_, kAlign);
}

Kv::~Kv() { allocator_.give(layers_, n_layers_ * sizeof(Layer), alignof(Layer)); }

Status Kv::place(Plane *plane, int32_t type, size_t heads, size_t head_dim, size_t *end) {
  Block block;
  INFERMEM_TRY(dtype_block(type, &block));
  if (!reference::can_encode(type))
    return fail(INFERMEM_E_UNSUPPORTED, 0, static_cast<uint64_t>(type), "keys and values cannot be stored as %s",
                infermem_dtype_name(type));
  const size_t element = block.bytes;
  size_t size;
  plane->type = type;
  plane->begin = *end;
  if (!checked::mul(heads, head_dim, &plane->row) || !checked::mul(plane->row, element, &plane->row_bytes) ||
      !checked::mul(max_tokens_, plane->row_bytes, &plane->layer_bytes) ||
      !checked::align_up(plane->layer_bytes, kAlign, &plane->layer_bytes) ||
      !checked::mul(n_layers_, plane->layer_bytes, &size) || !checked::add(*end, size, end))
    return fail(INFERMEM_E_OVERFLOW, 0, max_tokens_, "%zu layers of %zu tokens of %zu x %zu elements do not fit",
                n_layers_, max_tokens_, heads, head_dim);
  plane->stride = plane->layer_bytes / element;
  return INFERMEM_OK;
}

Status Kv::check_layer(size_t layer) const {
  if (layer < n_layers_) return INFERMEM_OK;
  return fail(INFERMEM_E_RANGE, n_layers_, layer, "layer %zu is not below the %zu layers", layer, n_layers_);
}

Status Kv::check_rows(const char *name, const Plane &plane, size_t length, size_t n_tokens) const {
  size_t wanted = SIZE_MAX;
  if (checked::mul(n_tokens, plane.row, &wanted) && length == wanted) return INFERMEM_OK;
  return fail(INFERMEM_E_SHAPE, wanted, length, "%s of %zu floats are not %zu rows of %zu", name, length, n_tokens,
              plane.row);
}

char *Kv::row_at(const Plane &plane, size_t layer, size_t token) const {
  return store_.data() + plane.begin + layer * plane.layer_bytes + token * plane.row_bytes;
}

Status Kv::append(size_t layer, const float *k, size_t k_len, const float *v, size_t v_len, size_t n_tokens) {
  INFERMEM_TRY(store_.check_writable());
  INFERMEM_TRY(check_layer(layer));
  if (n_tokens == 0) return fail(INFERMEM_E_ARG, 1, 0, "n_tokens is 0");
  const Plane &keys = planes_[INFERMEM_KV_K], &values = planes_[INFERMEM_KV_V];
  INFERMEM_TRY(check_rows("k", keys, k_len, n_tokens));
  INFERMEM_TRY(check_rows("v", values, v_len, n_tokens));
  if (n_tokens > max_tokens_ - length_)
    return fail(INFERMEM_E_FULL, n_tokens, max_tokens_ - length_, "%zu tokens do not fit: %zu of %zu are used",
                n_tokens, length_, max_tokens_);
  encode(keys.type, k, k_len, row_at(keys, layer, length_));
  encode(values.type, v, v_len, row_at(values, layer, length_));
  layers_[layer].pending = n_tokens;
  layers_[layer].written = std::max(layers_[layer].written, length_ + n_tokens);
  return INFERMEM_OK;
}

Status Kv::advance(size_t n) {
  INFERMEM_TRY(store_.check());
  for (size_t i = 0; i < n_layers_; ++i)
    if (layers_[i].pending != n)
      return fail(INFERMEM_E_INCOMPLETE, n, layers_[i].pending, "layer %zu of %zu has %zu tokens pending, not %zu", i,
                  n_layers_, layers_[i].pending, n);
  length_ += n;
  drop_pending();
  return INFERMEM_OK;
}

void Kv::drop_pending() {
  for (size_t i = 0; i < n_layers_; ++i) layers_[i].pending = 0;
}

Status Kv::abort() {
  INFERMEM_TRY(store_.check());
  drop_pending();
  return INFERMEM_OK;
}

Status Kv::truncate(size_t n) {
  INFERMEM_TRY(store_.check());
  if (n > length_) return fail(INFERMEM_E_RANGE, length_, n, "a cache of %zu tokens cannot be cut to %zu", length_, n);
  length_ = n;
  drop_pending();
  return INFERMEM_OK;
}

Status Kv::clear() {
  INFERMEM_TRY(truncate(0));
  generation_++;
  return INFERMEM_OK;
}

Status Kv::view(int32_t which, size_t layer, bool with_pending, infermem_view *out) const {
  INFERMEM_TRY(store_.check());
  INFERMEM_TRY(check_layer(layer));
  const Plane &plane = planes_[which];
  const size_t tokens = length_ + (with_pending ? layers_[layer].pending : 0);
  infermem_view view = {};
  view.data = row_at(plane, layer, 0);
  view.dtype = plane.type;
  view.flags = INFERMEM_VIEW_READONLY;
  view.n_dims = 2;
  view.bytes = tokens * plane.row_bytes;
  std::fill(view.shape, view.shape + INFERMEM_MAX_DIMS, 1);
  view.shape[0] = tokens;
  view.shape[1] = plane.row;
  view.strides[0] = static_cast<int64_t>(plane.row_bytes);
  view.strides[1] = static_cast<int64_t>(plane.row_bytes / plane.row);
  *out = view;
  return INFERMEM_OK;
}

Status Kv::read(size_t layer, int32_t which, size_t first, size_t n, float *out, size_t n_out) const {
  INFERMEM_TRY(store_.check());
  INFERMEM_TRY(check_layer(layer));
  if (which != INFERMEM_KV_K && which != INFERMEM_KV_V)
    return fail(INFERMEM_E_ARG, INFERMEM_KV_V, static_cast<uint64_t>(which), "which is %d, neither K nor V", which);
  if (first > length_ || n > length_ - first)
    return fail(INFERMEM_E_RANGE, length_, first, "%zu tokens from %zu on are not all of the %zu there are", n, first,
                length_);
  const Plane &plane = planes_[which];
  INFERMEM_TRY(check_rows("out", plane, n_out, n));
  decode(plane.type, row_at(plane, layer, first), n_out, out);
  return INFERMEM_OK;
}

size_t Kv::reserved() const {
  const size_t page = page_size();
  return store_.from_tape() ? bytes_ : (bytes_ + page - 1) / page * page;
}

size_t Kv::committed() const {
  if (store_.from_tape()) return bytes_;
  const size_t page = page_size();
  size_t pages = 0;
  size_t counted = 0;  // pages below this one are in: neighbours may share one
  for (const Plane &plane : planes_) {
    for (size_t i = 0; i < n_layers_; ++i) {
      if (layers_[i].written == 0) continue;
      const size_t begin = plane.begin + i * plane.layer_bytes;
      const size_t end = (begin + layers_[i].written * plane.row_bytes - 1) / page + 1;
      pages += end - std::min(end, std::max(counted, begin / page));
      counted = std::max(counted, end);
    }
  }
  return pages * page;
}

}  // namespace infermem
