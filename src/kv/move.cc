// Rows moved, copied, overwritten and asked for.
#include <algorithm>
#include <cstring>

#include "kv/kv.hh"

namespace infermem {

Status Kv::clear_zero() {
  INFERMEM_TRY(store_.check_writable());
  for (size_t i = 0; i < n_layers_; ++i)
    for (const Rows &rows : layers_[i].rows) std::memset(row_at(rows, 0), 0, layers_[i].written * rows.row_bytes);
  return clear();
}

Status Kv::keep(size_t sinks, size_t recent, size_t *out_dropped) {
  INFERMEM_TRY(store_.check_writable());
  const size_t first = std::min(sinks, length_), last = std::min(recent, length_ - first);
  const size_t dropped = length_ - first - last;
  if (dropped != 0) {
    for (size_t i = 0; i < n_layers_; ++i)
      for (const Rows &rows : layers_[i].rows)
        std::memmove(row_at(rows, first), row_at(rows, first + dropped), last * rows.row_bytes);
    generation_++;
  }
  *out_dropped = dropped;
  return truncate(first + last);
}

Status Kv::check_like(const Kv &other) const {
  if (n_layers_ != other.n_layers_)
    return fail(INFERMEM_E_SHAPE, n_layers_, other.n_layers_, "a cache of %zu layers cannot take over one of %zu",
                n_layers_, other.n_layers_);
  for (size_t which = 0; which < 2; ++which) {
    const Half &mine = halves_[which], &its = other.halves_[which];
    const char *const name = which == INFERMEM_KV_K ? "keys" : "values";
    if (mine.heads != its.heads || mine.head_dim != its.head_dim)
      return fail(INFERMEM_E_SHAPE, mine.row, its.row, "%s of %zu x %zu cannot take over those of %zu x %zu", name,
                  mine.heads, mine.head_dim, its.heads, its.head_dim);
    if (mine.run != its.run)
      return fail(INFERMEM_E_TYPE, mine.run, its.run, "%s are rotated in runs of %zu, those to take over of %zu", name,
                  mine.run, its.run);
    for (size_t i = 0; i < n_layers_; ++i)
      if (layers_[i].rows[which].type != other.layers_[i].rows[which].type)
        return fail(INFERMEM_E_TYPE, static_cast<uint64_t>(layers_[i].rows[which].type),
                    static_cast<uint64_t>(other.layers_[i].rows[which].type),
                    "the %s of layer %zu are stored as %s, those to take over as %s", name, i,
                    infermem_dtype_name(layers_[i].rows[which].type),
                    infermem_dtype_name(other.layers_[i].rows[which].type));
  }
  return INFERMEM_OK;
}

Status Kv::copy_prefix(const Kv &from, size_t n) {
  if (&from == this) return fail(INFERMEM_E_ARG, 0, 0, "dst is src");
  INFERMEM_TRY(store_.check_writable());
  INFERMEM_TRY(from.store_.check());
  INFERMEM_TRY(check_like(from));
  if (n > from.length_)
    return fail(INFERMEM_E_RANGE, from.length_, n, "the first %zu tokens are not all of the %zu there are", n,
                from.length_);
  if (n > max_tokens_)
    return fail(INFERMEM_E_FULL, n, max_tokens_, "%zu tokens do not fit a cache of %zu", n, max_tokens_);
  INFERMEM_TRY(clear());
  for (size_t i = 0; i < n_layers_; ++i) {
    Layer &layer = layers_[i];
    for (size_t which = 0; which < 2; ++which) {
      const Rows &mine = layer.rows[which], &its = from.layers_[i].rows[which];
      std::memcpy(row_at(mine, 0), from.row_at(its, 0), n * mine.row_bytes);
    }
    layer.written = std::max(layer.written, n);
  }
  length_ = n;
  return INFERMEM_OK;
}

Status Kv::prefetch(size_t layer) const {
  constexpr size_t kLine = 64, kMost = size_t{64} << 10;
  INFERMEM_TRY(store_.check());
  INFERMEM_TRY(check_layer(layer));
  const size_t tokens = tokens_with_pending(layer);
  for (const Rows &rows : layers_[layer].rows) {
    const char *const begin = row_at(rows, 0), *const end = begin + std::min(kMost, tokens * rows.row_bytes);
    for (const char *line = begin; line < end; line += kLine) __builtin_prefetch(line, 0, 2);
    if (length_ == max_tokens_) continue;
    const char *const next = row_at(rows, length_), *const next_end = next + std::min(kMost, rows.row_bytes);
    for (const char *line = next; line < next_end; line += kLine) __builtin_prefetch(line, 1, 2);
  }
  return INFERMEM_OK;
}

}  // namespace infermem
