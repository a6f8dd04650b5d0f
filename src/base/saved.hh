// What all saved objects have in common: they begin with a header, which tells the format, its version and how many bytes
// there are in all, and ends with a checksum of itself.
//
// A format's loader makes the header that is due for what it will take, and compares: no size of a file is ever used.
#pragma once

#include "base/error.hh"

namespace infermem {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "saved numbers are little-endian, and used as they are");

constexpr size_t kSavedHeader = 256;  // bytes, but of profiles

struct SavedFormat {
  char magic[17];  // with the NUL of a literal, which is not saved
  uint32_t version;
  const char *what;  // for messages: "matrix"
  size_t header = kSavedHeader;

  // Bytes of it, which have their checksum in the last 8.
  constexpr size_t summed() const { return header - sizeof(uint64_t); }
};

// How the headers of all formats begin.
struct SavedHead {
  char magic[16];
  uint32_t version;
  uint32_t own;  // the format's
  uint64_t file_bytes;
};

constexpr size_t kSavedSummed = 248;  // of a header of 256

// Whether a header is one of this format and version, with its own checksum. n bytes of it are there, and zeros.
Status check_saved_header(const SavedFormat &format, const void *header, uint64_t n);

// Whether a file has exactly the bytes that its header, which is good, tells.
Status check_saved_size(const SavedFormat &format, const void *header, uint64_t size);

// Whether a good header, apart from its checksum, is the one that is due.
Status check_saved_due(const SavedFormat &format, const void *header, const void *due);

// Bytes whose checksum is another one than was saved.
[[gnu::cold]] Status fail_checksum(const char *what, uint64_t offset, uint64_t bytes, uint64_t expected, uint64_t got);

}  // namespace infermem
