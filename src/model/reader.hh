// A cursor over a file's metadata: buffered reads, each checked against what is left of the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/error.hh"
#include "model/source.hh"

namespace infermem {

// The little-endian number of T's width at p.
template <typename T>
inline T load_le(const void *p) {
  static_assert(std::is_unsigned_v<T>);
  const auto *bytes = static_cast<const unsigned char *>(p);
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value | static_cast<T>(bytes[i]) << (8 * i));
  return value;
}

// And the other way.
template <typename T>
inline void store_le(T value, char *out) {
  static_assert(std::is_unsigned_v<T>);
  for (size_t i = 0; i < sizeof(T); ++i) out[i] = static_cast<char>(value >> (8 * i));
}

class Reader {
 public:
  explicit Reader(const Source &source) : source_(source) {}
  Reader(const Reader &) = delete;
  Reader &operator=(const Reader &) = delete;

  uint64_t position() const { return base_ + at_; }
  // Bytes that are left to read: of a file's beginning, no more than is there.
  uint64_t remaining() const { return source_.readable() - position(); }

  // Each of these records INFERMEM_E_TRUNCATED when fewer bytes are left than asked for, and INFERMEM_E_IO.
  Status read(void *out, size_t n);
  Status skip(uint64_t n);

  template <typename T>
  Status number(T *out) {
    if (filled_ - at_ < sizeof(T)) INFERMEM_TRY(fill(sizeof(T)));
    *out = load_le<T>(buffer_ + at_);
    at_ += sizeof(T);
    return INFERMEM_OK;
  }

 private:
  static constexpr size_t kBuffer = size_t{64} << 10;

  // Makes the next n bytes, at most a buffer, the first of the buffer.
  Status fill(size_t n);
  Status check_room(uint64_t n) const;

  const Source &source_;
  uint64_t base_ = 0;  // where in the file the buffer begins
  size_t at_ = 0;      // the cursor, in the buffer
  size_t filled_ = 0;
  unsigned char buffer_[kBuffer];
};

}  // namespace infermem
