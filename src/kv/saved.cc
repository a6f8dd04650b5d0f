// Saved caches: a header, the types, then the rows as they are stored, layer after layer. The format is told in
// doc/kv_file.md.
//
// Whoever loads has a cache already: a header is checked against that, and by making the one that is due. A saved cache
// is read once, from front to back, so a socket or a file that others write to is as good as any.
#include <algorithm>
#include <cstring>

#include "base/checked.hh"
#include "base/file.hh"
#include "base/output.hh"
#include "base/saved.hh"
#include "base/serial.hh"
#include "kv/kv.hh"
#include "simd/convert.hh"

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

// ---- A saved cache by itself ----

namespace {

// What a header says, where it cannot be compared with a cache's: the numbers are those of a cache that could be, and
// together they make the bytes that the file has.
class Verifier {
 public:
  explicit Verifier(const File &file) : file_(file), in_(file) {}

  Status run(infermem_kv_saved *out);

 private:
  Status check_flags() const;
  Status read_types();
  Status read_rows();
  // Bytes of a layer's row of keys or values, of that type; nothing else is known of the type.
  Status row_bytes(int32_t type, size_t which, uint64_t *out) const;
  Status add_rows(int32_t type, size_t which);

  const File &file_;
  SerialReader in_;
  SavedKv header_ = {};
  uint64_t due_ = 0;  // bytes of the file, as far as the types were read
  infermem_kv_saved saved_ = {};
};

Status fail_contradiction(uint64_t expected, uint64_t got) {
  return fail(INFERMEM_E_FORMAT, expected, got,
              "a saved cache of such a shape has %llu bytes, not the %llu of its header", wide(expected), wide(got));
}

Status Verifier::check_flags() const {
  if ((header_.flags & ~kFlags) != 0)
    return fail(INFERMEM_E_UNSUPPORTED, kFlags, header_.flags,
                "the saved cache has flags 0x%x, of which 0x%x are unknown", header_.flags, header_.flags & ~kFlags);
  // Each layer takes 8 bytes or more, and so does each token of a row: what passes here is far from wrapping.
  const uint64_t numbers[] = {header_.n_layers, header_.n_kv_heads, header_.head_dim[0], header_.head_dim[1]};
  for (const uint64_t n : numbers)
    if (n == 0 || n >= kKvLimit)
      return fail(INFERMEM_E_FORMAT, kKvLimit - 1, n, "a saved cache cannot have layers, heads or head sizes of %llu",
                  wide(n));
  if (header_.tokens > header_.file_bytes)
    return fail(INFERMEM_E_FORMAT, header_.file_bytes, header_.tokens, "%llu tokens are not in %llu bytes",
                wide(header_.tokens), wide(header_.file_bytes));
  return INFERMEM_OK;
}

Status Verifier::row_bytes(int32_t type, size_t which, uint64_t *out) const {
  Block block;
  if (!can_encode(type) || dtype_block(type, &block) != INFERMEM_OK)
    return fail(INFERMEM_E_UNSUPPORTED, 0, static_cast<uint64_t>(type),
                "the saved %s are of type %d, which no cache stores", kNames[which], type);
  if (header_.head_dim[which] % block.elements != 0)
    return fail(INFERMEM_E_FORMAT, block.elements, header_.head_dim[which], "heads of %llu are not whole blocks of %u",
                wide(header_.head_dim[which]), block.elements);
  *out = header_.n_kv_heads * (header_.head_dim[which] / block.elements) * block.bytes;
  return INFERMEM_OK;
}

Status Verifier::add_rows(int32_t type, size_t which) {
  uint64_t bytes;
  INFERMEM_TRY(row_bytes(type, which, &bytes));
  const bool fits = checked::mul(bytes, header_.tokens, &bytes) && checked::add(due_, bytes, &due_) &&
                    checked::add(due_, (bytes / kChunk + (bytes % kChunk != 0)) * sizeof(uint64_t), &due_);
  return fits ? INFERMEM_OK : fail_contradiction(UINT64_MAX, header_.file_bytes);
}

Status Verifier::read_types() {
  due_ = sizeof(SavedKv) + header_.n_layers * sizeof(int32_t[2]) + sizeof(uint64_t);
  for (uint64_t i = 0; i < header_.n_layers; ++i) {
    int32_t types[2];
    INFERMEM_TRY(in_.read(types, sizeof types));
    for (size_t which = 0; which < 2; ++which) INFERMEM_TRY(add_rows(types[which], which));
    if (i == 0) {
      saved_.k_type = types[0];
      saved_.v_type = types[1];
    }
    saved_.is_mixed |= types[0] != saved_.k_type || types[1] != saved_.v_type;
  }
  INFERMEM_TRY(in_.end_section("types"));
  return due_ == header_.file_bytes ? INFERMEM_OK : fail_contradiction(due_, header_.file_bytes);
}

// The types are read once more from their place: they are too many to keep. Should they have changed meanwhile, sizes
// are others than they were, and the checksums are not met.
Status Verifier::read_rows() {
  char bytes[16384];
  for (uint64_t i = 0; i < header_.n_layers; ++i) {
    int32_t types[2];
    INFERMEM_TRY(file_.read_at(sizeof header_ + i * sizeof types, types, sizeof types));
    for (size_t which = 0; which < 2; ++which) {
      uint64_t left;
      INFERMEM_TRY(row_bytes(types[which], which, &left));
      left *= header_.tokens;
      while (left != 0) {
        uint64_t chunk = std::min<uint64_t>(left, kChunk);
        left -= chunk;
        while (chunk != 0) {
          const auto n = static_cast<size_t>(std::min<uint64_t>(chunk, sizeof bytes));
          INFERMEM_TRY(in_.read(bytes, n));
          chunk -= n;
        }
        INFERMEM_TRY(in_.end_section(kNames[which]));
      }
    }
  }
  return INFERMEM_OK;
}

Status Verifier::run(infermem_kv_saved *out) {
  size_t got;
  INFERMEM_TRY(in_.read_header(&header_, &got));
  INFERMEM_TRY(check_saved_header(kFormat, &header_, got));
  INFERMEM_TRY(check_saved_size(kFormat, &header_, file_.size()));
  INFERMEM_TRY(check_flags());
  INFERMEM_TRY(read_types());
  // What is left of the header: a fingerprint of its length, and zeros.
  SavedKv due = header_;
  const bool has_room = header_.n_fingerprint <= sizeof header_.fingerprint;
  due.n_fingerprint = has_room ? header_.n_fingerprint : 0;
  std::memset(due.fingerprint + due.n_fingerprint, 0, sizeof due.fingerprint - due.n_fingerprint);
  due.reserved = 0;
  std::memset(due.reserved_2, 0, sizeof due.reserved_2);
  INFERMEM_TRY(check_saved_due(kFormat, &header_, &due));
  INFERMEM_TRY(read_rows());
  saved_.n_tokens = header_.tokens;
  saved_.n_layers = header_.n_layers;
  saved_.n_kv_heads = header_.n_kv_heads;
  saved_.head_dim = header_.head_dim[0];
  saved_.head_dim_v = header_.head_dim[1];
  saved_.file_bytes = header_.file_bytes;
  saved_.flags = ((header_.flags & kRotated[0]) != 0 ? INFERMEM_KV_ROTATE_K : 0) |
                 ((header_.flags & kRotated[1]) != 0 ? INFERMEM_KV_ROTATE_V : 0);
  saved_.n_fingerprint = header_.n_fingerprint;
  std::memcpy(saved_.fingerprint, header_.fingerprint, sizeof saved_.fingerprint);
  *out = saved_;
  return INFERMEM_OK;
}

}  // namespace

Status verify_saved_kv(const char *path, infermem_kv_saved *out) {
  File file;
  INFERMEM_TRY(file.open(path));
  Verifier verifier(file);
  return verifier.run(out);
}

}  // namespace infermem
