// Looking for a model's numbers among its metadata: under several names, of several types, once or for each layer. What
// is of a wrong type or out of range becomes a warning, and is then as if it were not there.
#pragma once

#include <initializer_list>

#include "model/contents.hh"

namespace infermem {

// What came of looking for a key. kBad has had its warning.
enum class Found { kNo, kYes, kBad };

// Names of one thing, the likelier first; each is tried with each prefix.
using Names = std::initializer_list<const char *>;

// A number of each layer, or nothing.
class Series {
 public:
  explicit Series(const Allocator &allocator) : values_(allocator) {}

  bool is_there() const { return !values_.empty(); }
  bool has(uint64_t layer) const { return layer < values_.size(); }
  uint64_t at(uint64_t layer) const { return values_[layer]; }

  Status resize(uint64_t n, uint64_t value) { return values_.resize(n, value); }
  void set(uint64_t layer, uint64_t value) { values_[layer] = value; }
  void clear() { values_.clear(); }

 private:
  Vec<uint64_t> values_;
};

class Keys {
 public:
  explicit Keys(Contents *contents) : contents_(contents) {}

  // What stands before the names, "llama."; the first is tried first. Up to two, of at most 64 bytes.
  void add_prefix(const char *prefix) { prefixes_[n_prefixes_++] = prefix; }

  bool find(Names names, Meta *out) const;
  // The name with the first prefix, for messages.
  struct Key {
    char text[128];
  };
  Key key(const char *name) const;

  // Each changes *out only for kYes. The integer, at most `most`.
  Status number(Names names, uint64_t most, uint64_t *out, Found *found);
  Status number(Names names, uint64_t most, uint64_t *out);
  Status real(Names names, double *out, Found *found);
  Status boolean(Names names, bool *out);
  // An integer, or an array with an integer or a bool for each of n layers, which goes into *by_layer; *out is the
  // largest of them.
  Status numbers(Names names, uint64_t most, uint64_t n, uint64_t *out, Series *by_layer, Found *found);
  // A string; false when there is none.
  bool text(Names names, Name *out) const;

  const Contents &contents() const { return *contents_; }

  template <typename... Arguments>
  Status warn(const char *format, Arguments... arguments) {
    return contents_->warnings.add(&contents_->arena, format, arguments...);
  }

 private:
  Status bad_type(const Meta &meta, const char *wanted, Found *found);
  Status bad_value(const Meta &meta, const Integer &value, uint64_t most, Found *found);
  Status array(const Meta &meta, uint64_t most, uint64_t n, uint64_t *out, Series *by_layer, Found *found);

  Contents *const contents_;
  const char *prefixes_[2] = {};
  int n_prefixes_ = 0;
};

// The elements of an array of strings that is kept in memory, one after the other.
class Strings {
 public:
  // Without elements where it is another value.
  explicit Strings(const Meta &meta);
  bool next(Name *out);

 private:
  const char *at_ = nullptr;
  uint64_t left_ = 0;
};

bool operator==(const Name &name, const char *text);

}  // namespace infermem
