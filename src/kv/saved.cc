// Saved caches: a header, the types, then the rows as they are stored, layer after layer. The format is told in
// doc/kv_file.md.
//
// Whoever loads has a cache already: a header is checked against that, and by making the one that is due. A saved cache
// is read once, from front to back, so a socket or a file that others write to is as good as any.
#include <algorithm>
#include <cstring>

#include "base/file.hh"
#include "base/output.hh"
#include "base/saved.hh"
#include "base/serial.hh"
#include "kv/kv.hh"

namespace infermem {

struct SavedKv {
  char magic[16];
  uint32_t version;
  uint32_t flags;  // kRotated
  uint64_t file_bytes;
  uint64_t tokens;
  uint64_t n_layers;
  uint64_t n_kv_heads;
  uint64_t head_dim[2];  // by INFERMEM_KV_*
  uint32_t n_fingerprint;
  uint32_t reserved;
  char fingerprint[INFERMEM_KV_MAX_FINGERPRINT];  // and zeros
  uint64_t reserved_2[13];
  uint64_t checksum;  // of all the bytes before
};

namespace {

static_assert(sizeof(SavedKv) == kSavedHeader && offsetof(SavedKv, checksum) == kSavedSummed);
static_assert(offsetof(SavedKv, file_bytes) == offsetof(SavedHead, file_bytes));

constexpr SavedFormat kFormat = {"infermem kv\n", 1, "cache"};
constexpr size_t kChunk = size_t{1} << 20;  // of a layer's keys or values, with a checksum

// Bits of flags: what is rotated, by INFERMEM_KV_*.
constexpr uint32_t kRotated[2] = {1, 2};
constexpr uint32_t kFlags = kRotated[0] | kRotated[1];

constexpr const char *kNames[2] = {"keys", "values"};

// The types of some layers at a time, as they are saved.
struct Types {
  static constexpr size_t kMost = 256;
  int32_t of[kMost][2];
};

Status write_chunks(SerialWriter &out, const char *rows, size_t n_bytes) {
  for (size_t at = 0; at < n_bytes; at += kChunk) {
    INFERMEM_TRY(out.write(rows + at, std::min(kChunk, n_bytes - at)));
    INFERMEM_TRY(out.end_section());
  }
  return INFERMEM_OK;
}

Status read_chunks(SerialReader &in, char *rows, size_t n_bytes, const char *what) {
  for (size_t at = 0; at < n_bytes; at += kChunk) {
    INFERMEM_TRY(in.read(rows + at, std::min(kChunk, n_bytes - at)));
    INFERMEM_TRY(in.end_section(what));
  }
  return INFERMEM_OK;
}

unsigned long long wide(uint64_t n) { return n; }

}  // namespace

// Of a cache that is there this cannot wrap: its rows are in memory, and the rest is far less than they or the layers.
uint64_t Kv::saved_bytes(size_t tokens) const {
  uint64_t bytes = sizeof(SavedKv) + n_layers_ * sizeof(int32_t[2]) + sizeof(uint64_t);
  for (size_t i = 0; i < n_layers_; ++i) {
    for (const Rows &rows : layers_[i].rows) {
      const uint64_t n = tokens * rows.row_bytes;
      bytes += n + (n + kChunk - 1) / kChunk * sizeof(uint64_t);
    }
  }
  return bytes;
}

SavedKv Kv::describe(const Fingerprint &fingerprint, size_t tokens) const {
  SavedKv header = {};
  std::memcpy(header.magic, kFormat.magic, sizeof header.magic);
  header.version = kFormat.version;
  header.file_bytes = saved_bytes(tokens);
  header.tokens = tokens;
  header.n_layers = n_layers_;
  header.n_kv_heads = halves_[0].heads;
  for (size_t i = 0; i < 2; ++i) {
    header.head_dim[i] = halves_[i].head_dim;
    if (halves_[i].run != 1) header.flags |= kRotated[i];
  }
  header.n_fingerprint = static_cast<uint32_t>(fingerprint.n);
  if (fingerprint.n != 0) std::memcpy(header.fingerprint, fingerprint.bytes, fingerprint.n);
  return header;
}

Status Kv::save(const char *path, const Fingerprint &fingerprint) const {
  INFERMEM_TRY(store_.check());
  Output output;
  INFERMEM_TRY(output.open(path));
  SerialWriter out(output);
  INFERMEM_TRY(save(out, fingerprint));
  return output.commit();
}

Status Kv::save(infermem_write_function function, void *context, const Fingerprint &fingerprint) const {
  INFERMEM_TRY(store_.check());
  SerialWriter out(function, context);
  return save(out, fingerprint);
}

Status Kv::save(SerialWriter &out, const Fingerprint &fingerprint) const {
  const SavedKv header = describe(fingerprint, length_);
  INFERMEM_TRY(out.write(&header, kSavedSummed));
  INFERMEM_TRY(out.end_section());
  Types types;
  for (size_t first = 0; first < n_layers_; first += Types::kMost) {
    const size_t n = std::min(Types::kMost, n_layers_ - first);
    for (size_t i = 0; i < n; ++i)
      for (size_t which = 0; which < 2; ++which) types.of[i][which] = layers_[first + i].rows[which].type;
    INFERMEM_TRY(out.write(types.of, n * sizeof types.of[0]));
  }
  INFERMEM_TRY(out.end_section());
  for (size_t i = 0; i < n_layers_; ++i)
    for (const Rows &rows : layers_[i].rows) INFERMEM_TRY(write_chunks(out, row_at(rows, 0), length_ * rows.row_bytes));
  return INFERMEM_OK;
}

Status Kv::load(const char *path, const Fingerprint &fingerprint) {
  INFERMEM_TRY(store_.check_writable());
  File file;
  INFERMEM_TRY(file.open(path));
  SerialReader in(file);
  return load(in, &file, fingerprint);
}

Status Kv::load(infermem_read_function function, void *context, const Fingerprint &fingerprint) {
  INFERMEM_TRY(store_.check_writable());
  SerialReader in(function, context);
  return load(in, nullptr, fingerprint);
}

// Whether a good header is of a cache that this one can take over, whose header is due, or of one with other types.
Status Kv::check_saved(const SavedKv &header, const SavedKv &due) const {
  if ((header.flags & ~kFlags) != 0)
    return fail(INFERMEM_E_UNSUPPORTED, kFlags, header.flags,
                "the saved cache has flags 0x%x, of which 0x%x are unknown", header.flags, header.flags & ~kFlags);
  if (header.n_fingerprint != due.n_fingerprint ||
      std::memcmp(header.fingerprint, due.fingerprint, sizeof due.fingerprint) != 0)
    return fail(INFERMEM_E_FINGERPRINT, due.n_fingerprint, header.n_fingerprint,
                "the cache was saved with another fingerprint, of %u bytes, than the %u bytes given",
                header.n_fingerprint, due.n_fingerprint);
  if (header.n_layers != n_layers_)
    return fail(INFERMEM_E_SHAPE, n_layers_, header.n_layers, "a cache of %zu layers cannot load one of %llu",
                n_layers_, wide(header.n_layers));
  for (size_t i = 0; i < 2; ++i) {
    const Half &half = halves_[i];
    if (header.n_kv_heads != half.heads || header.head_dim[i] != half.head_dim)
      return fail(INFERMEM_E_SHAPE, half.head_dim, header.head_dim[i],
                  "%s of %zu heads of %zu cannot be loaded from those of %llu of %llu", kNames[i], half.heads,
                  half.head_dim, wide(header.n_kv_heads), wide(header.head_dim[i]));
    if (((header.flags ^ due.flags) & kRotated[i]) != 0)
      return fail(INFERMEM_E_TYPE, half.run != 1, half.run == 1, "%s are %srotated, and the saved ones are %s",
                  kNames[i], half.run != 1 ? "" : "not ", half.run != 1 ? "not" : "rotated");
  }
  if (header.tokens > max_tokens_)
    return fail(INFERMEM_E_FULL, header.tokens, max_tokens_, "%llu saved tokens do not fit a cache of %zu",
                wide(header.tokens), max_tokens_);
  return INFERMEM_OK;
}

// Whether the types that are saved next are those of this cache.
Status Kv::check_saved_types(SerialReader &in) const {
  Types types;
  size_t wrong = n_layers_;  // the first layer with another type
  int32_t its[2] = {};
  for (size_t first = 0; first < n_layers_; first += Types::kMost) {
    const size_t n = std::min(Types::kMost, n_layers_ - first);
    INFERMEM_TRY(in.read(types.of, n * sizeof types.of[0]));
    for (size_t i = 0; i < n && wrong == n_layers_; ++i) {
      const Rows *const mine = layers_[first + i].rows;
      if (types.of[i][0] == mine[0].type && types.of[i][1] == mine[1].type) continue;
      wrong = first + i;
      std::copy_n(types.of[i], 2, its);
    }
  }
  INFERMEM_TRY(in.end_section("types"));
  if (wrong == n_layers_) return INFERMEM_OK;
  const Rows *const mine = layers_[wrong].rows;
  const size_t which = its[0] == mine[0].type;
  return fail(INFERMEM_E_TYPE, static_cast<uint64_t>(mine[which].type), static_cast<uint64_t>(its[which]),
              "the %s of layer %zu are stored as %s, the saved ones as %s", kNames[which], wrong,
              infermem_dtype_name(mine[which].type), infermem_dtype_name(its[which]));
}

bool Kv::has_tokens() const {
  size_t pending = 0;
  for (size_t i = 0; i < n_layers_; ++i) pending |= layers_[i].pending;
  return (length_ | pending) != 0;
}

Status Kv::load(SerialReader &in, const File *file, const Fingerprint &fingerprint) {
  SavedKv header = {};
  size_t got;
  INFERMEM_TRY(in.read_header(&header, &got));
  INFERMEM_TRY(check_saved_header(kFormat, &header, got));
  if (file) INFERMEM_TRY(check_saved_size(kFormat, &header, file->size()));
  const SavedKv due = describe(fingerprint, static_cast<size_t>(std::min<uint64_t>(header.tokens, max_tokens_)));
  INFERMEM_TRY(check_saved(header, due));
  INFERMEM_TRY(check_saved_types(in));
  INFERMEM_TRY(check_saved_due(kFormat, &header, &due));

  // Where there is nothing to lose, rows are read to their places, and stay unseen until all of them are good.
  const auto tokens = static_cast<size_t>(header.tokens);
  Store aside;
  const bool is_aside = has_tokens() && tokens != 0;
  if (is_aside) {
    size_t bytes = 0;
    for (size_t i = 0; i < n_layers_; ++i)
      for (const Rows &rows : layers_[i].rows) bytes += tokens * rows.row_bytes;
    INFERMEM_TRY(aside.take(nullptr, bytes, 1, true));
  }
  char *next = aside.data();
  for (size_t i = 0; i < n_layers_; ++i) {
    Layer &layer = layers_[i];
    if (!is_aside) layer.written = std::max(layer.written, tokens);
    for (size_t which = 0; which < 2; ++which) {
      const size_t bytes = tokens * layer.rows[which].row_bytes;
      char *const to = is_aside ? next : row_at(layer.rows[which], 0);
      INFERMEM_TRY(read_chunks(in, to, bytes, kNames[which]));
      if (is_aside) next += bytes;
    }
  }

  next = aside.data();
  for (size_t i = 0; i < n_layers_ && is_aside; ++i) {
    Layer &layer = layers_[i];
    layer.written = std::max(layer.written, tokens);
    for (const Rows &rows : layer.rows) {
      const size_t bytes = tokens * rows.row_bytes;
      std::memcpy(row_at(rows, 0), next, bytes);
      next += bytes;
    }
  }
  generation_++;
  drop_pending();
  length_ = tokens;
  return INFERMEM_OK;
}

}  // namespace infermem
