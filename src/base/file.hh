// A file to read: opened once, its size fixed then, read by position, and mapped in part.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/error.hh"

namespace infermem {

// A path for a message: of a long one the end, which is the part that tells files apart. Control characters are shown as
// question marks.
struct ShortPath {
  explicit ShortPath(const char *path);
  static constexpr size_t kMost = 80;
  char text[3 + kMost + 1];
};

// What a file is that is no regular one and no link; mode is stat's.
const char *kind_of_file(uint32_t mode);

class File {
 public:
  File() = default;
  ~File();
  File(const File &) = delete;
  File &operator=(const File &) = delete;

  // Opens a regular file for reading; nothing else is ever waited for. Records INFERMEM_E_IO, or INFERMEM_E_FORMAT
  // where it is no regular file.
  Status open(const char *path);

  uint64_t size() const { return size_; }

  // Reads n bytes that lie within the size. Records INFERMEM_E_IO, or INFERMEM_E_TRUNCATED where the file has become
  // shorter since.
  Status read_at(uint64_t offset, void *out, size_t n) const;

  // Closes the descriptor; what is mapped stays.
  void close();

  // Maps the bytes from offset, below the size, to the end, read-only. Called once.
  Status map_from(uint64_t offset);
  // Where the byte at offset, which was mapped, lies.
  const char *at(uint64_t offset) const { return map_ + (offset - map_offset_); }

 private:
  int fd_ = -1;
  uint64_t size_ = 0;
  char *map_ = nullptr;
  size_t map_size_ = 0;
  uint64_t map_offset_ = 0;
};

}  // namespace infermem
