// Bytes in sequence, to a file or a caller's function, and back, in sections.
//
// After each section comes a checksum of all bytes since the checksum before it, and of that: so no section can be in
// another's place, or from another file, without being found out.
#pragma once

#include "base/checksum.hh"
#include "base/error.hh"
#include "infermem/io.h"

namespace infermem {

class File;
class Output;

class SerialWriter {
 public:
  explicit SerialWriter(Output &output) : output_(&output) {}
  SerialWriter(infermem_write_function function, void *context) : write_(function), context_(context) {}

  Status write(const void *bytes, size_t n);
  Status end_section();

 private:
  Status put(const void *bytes, size_t n);

  Output *output_ = nullptr;
  infermem_write_function write_ = nullptr;
  void *context_ = nullptr;
  uint64_t offset_ = 0;
  Checksum checksum_;
};

class SerialReader {
 public:
  explicit SerialReader(const File &file) : file_(&file) {}
  SerialReader(infermem_read_function function, void *context) : read_(function), context_(context) {}

  // Reads the first section, which is a header with its checksum in it, for check_saved_header(): *got bytes of it,
  // where there are no more.
  Status read_header(void *header, size_t *got);
  // Reads n bytes; records INFERMEM_E_TRUNCATED where there are fewer.
  Status read(void *out, size_t n);
  // Reads a section's checksum; records INFERMEM_E_CORRUPT, with what the section is, where it is another one.
  Status end_section(const char *what);

 private:
  // Reads n bytes, or as many as there are: *got.
  Status read_some(void *out, size_t n, size_t *got);

  const File *file_ = nullptr;
  infermem_read_function read_ = nullptr;
  void *context_ = nullptr;
  uint64_t offset_ = 0;
  uint64_t begin_ = 0;  // of the section
  Checksum checksum_;
};

}  // namespace infermem
