// The KV cache of one sequence: for K and for V an array [layer][token][row], in one piece of memory.
//
// A row is the elements of all heads of one token. What the layers share of K, or of V, is a Half; where the rows of one
// layer are and how they are stored, Rows. The tokens of the length are the same in all layers; those of the step in
// progress are counted a layer, until advance() finds the counts equal. Behind these nobody looks: what is converted
// there may fail half done.
#pragma once

#include "base/dtype.hh"
#include "base/handle.hh"
#include "infermem/kv.h"
#include "layout/store.hh"

namespace infermem {

class File;
class SerialReader;
class SerialWriter;
struct SavedKv;

constexpr size_t kKvLimit = size_t{1} << 20;  // published: layers, heads and their dimensions lie below

class Kv {
 public:
  struct Half {
    size_t heads = 0;
    size_t head_dim = 0;
    size_t row = 0;     // elements
    size_t run = 1;     // elements that are rotated together: 1 where nothing is
    size_t stride = 0;  // elements from layer to layer; 0 where the layers' types differ
  };
  struct Rows {
    int32_t type = 0;
    Block block = {};      // of that type
    size_t begin = 0;      // bytes from the start of the store
    size_t row_bytes = 0;  // of a token

    size_t bytes_of(size_t elements) const { return elements / block.elements * block.bytes; }
  };
  // Rows to append, of F32, F16 or BF16.
  struct Input {
    const char *name;
    int32_t type;
    const void *data;
    size_t n;  // elements
  };

  // Which model the rows are of, in the caller's words.
  struct Fingerprint {
    const void *bytes;
    size_t n;
  };

  Kv() = default;
  ~Kv();
  Kv(const Kv &) = delete;
  Kv &operator=(const Kv &) = delete;

  // Called once.
  Status open(const infermem_kv_options &options, const Allocator &allocator);

  Status append(size_t layer, const Input &k, const Input &v, size_t n_tokens);
  Status advance(size_t n);
  Status abort();
  Status truncate(size_t n);
  Status clear();
  Status clear_zero();
  Status keep(size_t sinks, size_t recent, size_t *out_dropped);
  Status copy_prefix(const Kv &from, size_t n);
  Status grow(size_t max_tokens);
  Status prefetch(size_t layer) const;

  // `which` is INFERMEM_KV_K or INFERMEM_KV_V.
  Status view(int32_t which, size_t layer, bool with_pending, infermem_view *out) const;
  Status view_mut(int32_t which, size_t layer, infermem_view *out) const;
  Status read(size_t layer, int32_t which, size_t first, size_t n, float *out, size_t n_out) const;

  // What one call of kv_attend asks for. Of a whole one the tokens are all there are.
  struct AttendCall {
    size_t first_head, n_heads;
    bool is_partial;
    size_t first_token, n_tokens;
    const float *q;
    size_t n_q;
    float *out;
    size_t n_out;
  };
  Status attend(size_t layer, const infermem_kv_attend_options *options, const AttendCall &call) const;

  Status save(const char *path, const Fingerprint &fingerprint) const;
  Status save(infermem_write_function function, void *context, const Fingerprint &fingerprint) const;
  Status load(const char *path, const Fingerprint &fingerprint);
  Status load(infermem_read_function function, void *context, const Fingerprint &fingerprint);
  uint64_t saved_bytes(size_t tokens) const;

  size_t length() const { return length_; }
  size_t max_tokens() const { return max_tokens_; }
  uint64_t generation() const { return generation_; }
  size_t bytes() const { return bytes_; }
  size_t reserved() const;
  size_t committed() const;

  // For what reads or writes the rows themselves: check the store and the layer first.
  Status check() const { return store_.check(); }
  Status check_layer(size_t layer) const;
  size_t n_layers() const { return n_layers_; }
  const Half &half(int32_t which) const { return halves_[which]; }
  const Rows &rows(int32_t which, size_t layer) const { return layers_[layer].rows[which]; }
  char *row_at(const Rows &rows, size_t token) const { return store_.data() + rows.begin + token * rows.row_bytes; }
  size_t tokens_with_pending(size_t layer) const { return length_ + layers_[layer].pending; }

 private:
  struct Layer {
    Rows rows[2];        // by INFERMEM_KV_*
    size_t pending = 0;  // tokens of the step in progress
    size_t written = 0;  // the most tokens there ever were, pending ones included
  };

  // Lays out K, or V, behind the bytes so far: types has n_layers entries, or is NULL and all are `type`.
  Status place(int32_t which, int32_t type, const int32_t *types);
  Status check_rows(const char *name, const Half &half, size_t length, size_t n_tokens) const;
  // Whether all of an input can be stored: what is wrong is recorded.
  static Status check_values(const Input &input, size_t run, const Rows &rows);
  // Whether the rows of another cache could be this one's.
  Status check_like(const Kv &other) const;
  void drop_pending();
  // The header of the cache saved with that many tokens.
  SavedKv describe(const Fingerprint &fingerprint, size_t tokens) const;
  Status save(SerialWriter &out, const Fingerprint &fingerprint) const;
  // Of a file that was opened for the reader, its size is checked; of no file it is NULL.
  Status load(SerialReader &in, const File *file, const Fingerprint &fingerprint);
  Status check_saved(const SavedKv &header, const SavedKv &due) const;
  Status check_saved_types(SerialReader &in) const;
  bool has_tokens() const;

  size_t length_ = 0;
  size_t max_tokens_ = 0;
  size_t growable_ = 0;
  uint64_t generation_ = 0;
  bool stream_ = false;
  size_t n_layers_ = 0;
  Layer *layers_ = nullptr;
  Half halves_[2];  // by INFERMEM_KV_*
  size_t bytes_ = 0;
  Store store_;
  Allocator allocator_;
};

// Checks a saved cache by itself, and says what it is of.
Status verify_saved_kv(const char *path, infermem_kv_saved *out);

}  // namespace infermem

struct infermem_kv {
  static constexpr infermem::Kind kKind = infermem::Kind::kKv;
  infermem::Head head{kKind};
  infermem::Kv core;
  infermem::Allocator allocator;
};
