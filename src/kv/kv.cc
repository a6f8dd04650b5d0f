#include "kv/kv.hh"

#include <algorithm>

#include "base/checked.hh"
#include "kv/rotate.hh"
#include "simd/convert.hh"

namespace infermem {
namespace {

constexpr size_t kAlign = 64;  // of each layer
constexpr uint32_t kFlags = INFERMEM_KV_ROTATE_K | INFERMEM_KV_ROTATE_V | INFERMEM_KV_STREAM;

Status check_size(size_t value, const char *name) {
  if (value == 0) return fail(INFERMEM_E_ARG, 1, 0, "%s is 0", name);
  if (value >= kKvLimit)
    return fail(INFERMEM_E_LIMIT, kKvLimit - 1, value, "%s is %zu, not below %zu", name, value, kKvLimit);
  return INFERMEM_OK;
}

// To the next multiple of unit, which is no power of two.
bool round_up(size_t *n, size_t unit) {
  const size_t over = *n % unit;
  return over == 0 || checked::add(*n, unit - over, n);
}

}  // namespace

Status Kv::open(const infermem_kv_options &options, const Allocator &allocator) {
  const size_t head_dim_v = options.head_dim_v == 0 ? options.head_dim : options.head_dim_v;
  INFERMEM_TRY(check_size(options.n_layers, "n_layers"));
  INFERMEM_TRY(check_size(options.n_kv_heads, "n_kv_heads"));
  INFERMEM_TRY(check_size(options.head_dim, "head_dim"));
  INFERMEM_TRY(check_size(head_dim_v, "head_dim_v"));
  if (options.max_tokens == 0) return fail(INFERMEM_E_ARG, 1, 0, "max_tokens is 0");
  if (options.growable != 0 && options.growable < options.max_tokens)
    return fail(INFERMEM_E_ARG, options.max_tokens, options.growable, "growable is %zu, below max_tokens, %zu",
                options.growable, options.max_tokens);
  if ((options.flags & ~kFlags) != 0 || options.reserved != 0)
    return fail(INFERMEM_E_ARG, kFlags, options.flags,
                "a cache's flags are 0x%x, of which 0x%x are unknown; reserved is %u", options.flags,
                options.flags & ~kFlags, options.reserved);
  n_layers_ = options.n_layers;
  max_tokens_ = options.max_tokens;
  growable_ = options.growable != 0 ? options.growable : max_tokens_;
  stream_ = (options.flags & INFERMEM_KV_STREAM) != 0;
  const size_t dims[2] = {options.head_dim, head_dim_v};
  const uint32_t rotate[2] = {INFERMEM_KV_ROTATE_K, INFERMEM_KV_ROTATE_V};
  for (size_t i = 0; i < 2; ++i) {
    Half &half = halves_[i];
    half.heads = options.n_kv_heads;
    half.head_dim = dims[i];
    half.row = half.heads * half.head_dim;  // below 2^40
    if ((options.flags & rotate[i]) != 0) half.run = rotation_run(half.head_dim);
  }

  allocator_ = allocator;
  auto *layers = static_cast<Layer *>(allocator.take(n_layers_ * sizeof(Layer), alignof(Layer)));
  if (!layers) return fail_nomem(n_layers_ * sizeof(Layer));
  for (size_t i = 0; i < n_layers_; ++i) new (Place{layers + i}) Layer();
  layers_ = layers;
  INFERMEM_TRY(place(INFERMEM_KV_K, options.k_type, options.k_types));
  INFERMEM_TRY(place(INFERMEM_KV_V, options.v_type, options.v_types));
  // Last: what a tape has given cannot be given back.
  return store_.take(options.tape, bytes_, kAlign);
}

Kv::~Kv() { allocator_.give(layers_, n_layers_ * sizeof(Layer), alignof(Layer)); }

Status Kv::place(int32_t which, int32_t type, const int32_t *types) {
  Half &half = halves_[which];
  for (size_t i = 0; i < n_layers_; ++i) {
    Rows &rows = layers_[i].rows[which];
    rows.type = types ? types[i] : type;
    rows.begin = bytes_;
    INFERMEM_TRY(dtype_block(rows.type, &rows.block));
    const Block block = rows.block;
    if (!can_encode(rows.type))
      return fail(INFERMEM_E_UNSUPPORTED, 0, static_cast<uint64_t>(rows.type), "keys and values cannot be stored as %s",
                  infermem_dtype_name(rows.type));
    if (half.head_dim % block.elements != 0)
      return fail(INFERMEM_E_SHAPE, block.elements, half.head_dim,
                  "heads of %zu elements are not whole blocks of %s, %u", half.head_dim, infermem_dtype_name(rows.type),
                  block.elements);
    rows.row_bytes = rows.bytes_of(half.row);  // below 2^42
    // The power of two in the block's bytes counts for the alignment.
    const size_t even = block.bytes & (~block.bytes + 1);
    const size_t unit = even < kAlign ? kAlign / even * block.bytes : block.bytes;
    size_t layer_bytes;
    if (!checked::mul(growable_, rows.row_bytes, &layer_bytes) || !round_up(&layer_bytes, unit) ||
        !checked::add(bytes_, layer_bytes, &bytes_))
      return fail(INFERMEM_E_OVERFLOW, 0, growable_, "%zu layers of %zu tokens of %zu x %zu elements do not fit",
                  n_layers_, growable_, half.heads, half.head_dim);
    if (i == 0)
      half.stride = layer_bytes / block.bytes * block.elements;
    else if (rows.type != layers_[0].rows[which].type)
      half.stride = 0;
  }
  return INFERMEM_OK;
}

Status Kv::check_layer(size_t layer) const {
  if (layer < n_layers_) return INFERMEM_OK;
  return fail(INFERMEM_E_RANGE, n_layers_, layer, "layer %zu is not below the %zu layers", layer, n_layers_);
}

Status Kv::advance(size_t n) {
  INFERMEM_TRY(store_.check());
  for (size_t i = 0; i < n_layers_; ++i)
    if (layers_[i].pending != n)
      return fail(INFERMEM_E_INCOMPLETE, n, layers_[i].pending, "layer %zu of %zu has %zu tokens pending, not %zu", i,
                  n_layers_, layers_[i].pending, n);
  if (stream_) fence_streams();
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

Status Kv::grow(size_t max_tokens) {
  INFERMEM_TRY(store_.check());
  if (max_tokens < max_tokens_ || max_tokens > growable_)
    return fail(INFERMEM_E_RANGE, growable_, max_tokens, "a cache of %zu tokens can grow to %zu, not to %zu",
                max_tokens_, growable_, max_tokens);
  max_tokens_ = max_tokens;
  return INFERMEM_OK;
}

Status Kv::view(int32_t which, size_t layer, bool with_pending, infermem_view *out) const {
  INFERMEM_TRY(store_.check());
  INFERMEM_TRY(check_layer(layer));
  const Rows &rows = this->rows(which, layer);
  const size_t tokens = with_pending ? tokens_with_pending(layer) : length_;
  infermem_view view = {};
  view.data = row_at(rows, 0);
  view.dtype = rows.type;
  view.flags = INFERMEM_VIEW_READONLY;
  view.n_dims = 2;
  view.bytes = tokens * rows.row_bytes;
  std::fill(view.shape, view.shape + INFERMEM_MAX_DIMS, 1);
  view.shape[0] = tokens;
  view.shape[1] = halves_[which].row;
  view.strides[0] = static_cast<int64_t>(rows.row_bytes);
  view.strides[1] = static_cast<int64_t>(rows.block.bytes);
  *out = view;
  return INFERMEM_OK;
}

Status Kv::view_mut(int32_t which, size_t layer, infermem_view *out) const {
  INFERMEM_TRY(store_.check_writable());
  INFERMEM_TRY(view(which, layer, true, out));
  out->flags = 0;
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
  for (size_t which = 0; which < 2; ++which) {
    for (size_t i = 0; i < n_layers_; ++i) {
      if (layers_[i].written == 0) continue;
      const Rows &rows = layers_[i].rows[which];
      const size_t end = (rows.begin + layers_[i].written * rows.row_bytes - 1) / page + 1;
      pages += end - std::min(end, std::max(counted, rows.begin / page));
      counted = std::max(counted, end);
    }
  }
  return pages * page;
}

}  // namespace infermem
