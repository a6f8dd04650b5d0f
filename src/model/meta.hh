// The metadata table: each value as a record in the arena, and the typed getters.
//
// A record is packed, without alignment: what it holds is never more than the bytes that the file spends on it, which
// is how the promise of twice the metadata's memory is kept also for millions of tiny values. Elements of arrays stay
// in the file where there is one, and are read from there when asked for; else they are in the record, encoded alike.
#pragma once

#include "infermem/model.h"
#include "model/arena.hh"
#include "model/names.hh"
#include "model/source.hh"

namespace infermem {

// A value, unpacked.
struct Meta {
  Name key;
  uint32_t type;
  uint32_t element_type;  // of an array; else the type
  uint64_t count;         // elements of an array, bytes of a string, else 1
  uint64_t offset;        // in the file, of an array's elements that are not in bytes
  uint64_t size;          // of an array's elements that are in bytes
  const char *bytes;      // of a string, with a NUL after them, of a number or of elements, little-endian; else NULL
};

// An integer of any type; a negative one's value is in two's complement.
struct Integer {
  uint64_t value;
  bool is_negative;
};

// Bytes of a value or element of that type; 0 of strings, arrays and unknown types.
size_t size_of_meta(uint32_t type);
bool is_integer(uint32_t type);
// The integer of that type, or the bool, at bytes.
Integer integer_at(uint32_t type, const char *bytes);
// The value of an f32 or f64; false, and *out as it was, when it is neither.
bool float_of(const Meta &meta, double *out);
// "a u32", for messages.
const char *name_of_meta(uint32_t type);

// Text of the caller's to fill in; NULL and 0 ask for the length.
struct Buffer {
  char *text;
  size_t capacity;
};

class MetaTable {
 public:
  void use(const Allocator &allocator) { records_.use(allocator); }
  // Where elements of arrays that add_array() adds are read from; it must live as long as the table.
  void read_from(const Source *source) { source_ = source; }

  // Each adds a value. A string's bytes are the caller's to fill in; its NUL is there.
  Status add_number(Arena *arena, const Name &key, uint32_t type, const char *bytes);
  Status add_string(Arena *arena, const Name &key, uint64_t length, char **out_bytes);
  Status add_array(Arena *arena, const Name &key, uint32_t element_type, uint64_t count, uint64_t offset);
  // The elements are the caller's to fill in, as they would be in a GGUF file: `size` bytes.
  Status add_array_here(Arena *arena, const Name &key, uint32_t element_type, uint64_t count, uint64_t size,
                        char **out_elements);
  // Called once, after the last. Records INFERMEM_E_FORMAT when a key stands twice.
  Status index(const Allocator &allocator);

  size_t count() const { return records_.size(); }
  Meta at(size_t i) const;
  // Reports nothing when there is no such key.
  bool find(const char *key, size_t *out) const;

  // The getters, which record INFERMEM_E_NOT_FOUND, _TYPE and _RANGE.
  Status require(const char *key, Meta *out) const;
  Status u64(const char *key, uint64_t *out) const;
  Status i64(const char *key, int64_t *out) const;
  Status f64(const char *key, double *out) const;
  Status boolean(const char *key, int32_t *out) const;
  Status string(const char *key, const char **out, size_t *out_length) const;
  // Elements from number first on; these record INFERMEM_E_NULL, _FORMAT, _IO, _TRUNCATED and _NOMEM, too.
  Status array_u64(const Allocator &allocator, const char *key, uint64_t first, size_t n, uint64_t *out) const;
  Status array_i64(const Allocator &allocator, const char *key, uint64_t first, size_t n, int64_t *out) const;
  Status array_f64(const Allocator &allocator, const char *key, uint64_t first, size_t n, double *out) const;
  // One after the other, each with a NUL; out_offsets, which may be NULL, gets where each begins, and where the last ends.
  // Records INFERMEM_E_BUFFER.
  Status array_strings(const Allocator &allocator, const char *key, uint64_t first, size_t n, const Buffer &buffer,
                       size_t *out_offsets, size_t *out_length) const;

  // Reads n elements, which the array has, from element first on, of a type that has a size: little-endian, as
  // integer_at() takes them. Records INFERMEM_E_IO and _TRUNCATED.
  Status elements(const Meta &array, uint64_t first, size_t n, void *out) const;

 private:
  // The array of that key, which has the n elements and of which `fits` says that they are of the type.
  Status require_array(const char *key, uint64_t first, size_t n, bool (*fits)(uint32_t type), const char *wanted,
                       Meta *out) const;
  Status integers(const Allocator &allocator, const char *key, uint64_t first, size_t n,
                  Status (*fits)(const Meta &meta, const Integer &integer), uint64_t *out) const;
  Status add(Arena *arena, const Name &key, uint32_t type, uint32_t element_type, uint64_t payload, char **out);

  Vec<char *> records_;
  const Source *source_ = nullptr;
  NameIndex names_;
};

}  // namespace infermem
