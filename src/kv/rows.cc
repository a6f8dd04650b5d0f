// Rows stored and read: what a caller gives, through rotation and conversion, to the bytes of a cache, and back.
#include <algorithm>
#include <cstring>

#include "base/checked.hh"
#include "kv/kv.hh"
#include "kv/rotate.hh"
#include "simd/convert.hh"
#include "simd/cpu.hh"

namespace infermem {
namespace {

// Elements that pass through a buffer at once: whole runs of rotation, and whole blocks.
constexpr size_t kPiece = kMaxRun;

// Values below it fit every type.
constexpr float kAlwaysFits = 65504.0f;

// Elements [at, at + n) of the input as floats that may be stored, n at most kPiece: its own, or in the buffer.
const float *floats_at(const Kv::Input &input, size_t at, size_t n, size_t run, float *buffer) {
  const bool is_f32 = input.type == INFERMEM_DTYPE_F32;
  const char *const from = static_cast<const char *>(input.data) + at * (is_f32 ? sizeof(float) : sizeof(uint16_t));
  if (is_f32 && run == 1) return reinterpret_cast<const float *>(from);
  decode(input.type, from, n, buffer);
  rotate(buffer, n, run);
  return buffer;
}

// False, with the output half done, when a block type cannot hold a value.
bool store(const Kv::Input &input, size_t run, const Kv::Rows &rows, bool stream, char *out) {
  const StoredKernels &stored = *kernels().stored;
  if (input.type == rows.type && run == 1) {
    const size_t bytes = rows.bytes_of(input.n);
    if (stream)
      stored.stream(input.data, bytes, out);
    else
      std::memcpy(out, input.data, bytes);
    return true;
  }
  if (input.type == INFERMEM_DTYPE_F32 && run == 1 && !stream)
    return encode(rows.type, static_cast<const float *>(input.data), input.n, out);
  alignas(64) float buffer[kPiece];
  alignas(64) char piece[kPiece * sizeof(float)];
  for (size_t at = 0; at < input.n; at += kPiece) {
    const size_t n = std::min(kPiece, input.n - at), bytes = rows.bytes_of(n);
    if (!encode(rows.type, floats_at(input, at, n, run, buffer), n, stream ? piece : out)) return false;
    if (stream) stored.stream(piece, bytes, out);
    out += bytes;
  }
  return true;
}

// Whether n floats, as they are to be stored, fit their blocks. at: the index of the first in the input.
Status check_piece(const char *name, const Kv::Rows &rows, const float *values, size_t n, size_t at) {
  if (kernels().stored->all_below(values, n, kAlwaysFits)) return INFERMEM_OK;
  for (size_t i = 0; i < n; i += rows.block.elements) {
    const bool is_finite = reference::find_not_finite(values + i, rows.block.elements) == rows.block.elements;
    if (!is_finite || !reference::block_fits(rows.type, values + i, rows.block.elements))
      return fail(INFERMEM_E_LIMIT, 0, at + i, "%s cannot hold values as large as those of %s from element %zu on%s",
                  infermem_dtype_name(rows.type), name, at + i, is_finite ? "" : ", rotated");
  }
  return INFERMEM_OK;
}

}  // namespace

Status Kv::check_rows(const char *name, const Half &half, size_t length, size_t n_tokens) const {
  size_t wanted = SIZE_MAX;
  if (checked::mul(n_tokens, half.row, &wanted) && length == wanted) return INFERMEM_OK;
  return fail(INFERMEM_E_SHAPE, wanted, length, "%s of %zu elements are not %zu rows of %zu", name, length, n_tokens,
              half.row);
}

Status Kv::check_values(const Input &input, size_t run, const Rows &rows) {
  if (rows.block.elements == 1) return INFERMEM_OK;
  alignas(64) float buffer[kPiece];
  for (size_t at = 0; at < input.n; at += kPiece) {
    const size_t n = std::min(kPiece, input.n - at);
    const float *const given = floats_at(input, at, n, 1, buffer);
    const size_t bad = kernels().find_not_finite(given, n);
    if (bad != n)
      return fail(INFERMEM_E_NOT_FINITE, 0, at + bad, "element %zu of %s is NaN or infinite", at + bad, input.name);
    INFERMEM_TRY(check_piece(input.name, rows, floats_at(input, at, n, run, buffer), n, at));
  }
  return INFERMEM_OK;
}

Status Kv::append(size_t layer, const Input &k, const Input &v, size_t n_tokens) {
  INFERMEM_TRY(store_.check_writable());
  INFERMEM_TRY(check_layer(layer));
  if (n_tokens == 0) return fail(INFERMEM_E_ARG, 1, 0, "n_tokens is 0");
  INFERMEM_TRY(check_rows(k.name, halves_[INFERMEM_KV_K], k.n, n_tokens));
  INFERMEM_TRY(check_rows(v.name, halves_[INFERMEM_KV_V], v.n, n_tokens));
  if (n_tokens > max_tokens_ - length_)
    return fail(INFERMEM_E_FULL, n_tokens, max_tokens_ - length_, "%zu tokens do not fit: %zu of %zu are used",
                n_tokens, length_, max_tokens_);
  Layer &at = layers_[layer];
  const Input *const inputs[2] = {&k, &v};
  // Only what can be stored may overwrite what is pending; behind that, conversion itself finds what cannot.
  if (at.pending != 0)
    for (size_t i = 0; i < 2; ++i) INFERMEM_TRY(check_values(*inputs[i], halves_[i].run, at.rows[i]));
  at.written = std::max(at.written, length_ + n_tokens);
  const bool stream = stream_ || n_tokens * at.rows[INFERMEM_KV_K].row_bytes > streaming_threshold();
  for (size_t i = 0; i < 2; ++i) {
    const Rows &rows = at.rows[i];
    if (!store(*inputs[i], halves_[i].run, rows, stream, row_at(rows, length_)))
      return check_values(*inputs[i], halves_[i].run, rows);
  }
  if (stream && !stream_) fence_streams();
  at.pending = n_tokens;
  return INFERMEM_OK;
}

Status Kv::read(size_t layer, int32_t which, size_t first, size_t n, float *out, size_t n_out) const {
  INFERMEM_TRY(store_.check());
  INFERMEM_TRY(check_layer(layer));
  if (which != INFERMEM_KV_K && which != INFERMEM_KV_V)
    return fail(INFERMEM_E_ARG, INFERMEM_KV_V, static_cast<uint64_t>(which), "which is %d, neither K nor V", which);
  const size_t tokens = tokens_with_pending(layer);
  if (first > tokens || n > tokens - first)
    return fail(INFERMEM_E_RANGE, tokens, first, "%zu tokens from %zu on are not all of the %zu there are", n, first,
                tokens);
  const Half &half = halves_[which];
  INFERMEM_TRY(check_rows("out", half, n_out, n));
  const Rows &rows = this->rows(which, layer);
  decode(rows.type, row_at(rows, first), n_out, out);
  rotate(out, n_out, half.run);
  return INFERMEM_OK;
}

}  // namespace infermem
