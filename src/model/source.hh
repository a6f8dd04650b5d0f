// Where a model's bytes are read from: a file, or bytes or a function of the caller's.
#pragma once

#include "base/file.hh"
#include "infermem/model.h"

namespace infermem {

class Source {
 public:
  // Each of these is called once. Opening a file records what File::open does.
  Status open(const char *path) { return file_.open(path); }
  // The first n bytes of a file that has `size`. They, and the function, are used while the model is opened.
  void use_bytes(const void *bytes, size_t n, uint64_t size);
  void use_function(infermem_read_function read, void *context, uint64_t size);

  // Of the whole file.
  uint64_t size() const { return kind_ == Kind::kFile ? file_.size() : size_; }
  // Of its beginning that can be read.
  uint64_t readable() const { return kind_ == Kind::kBytes ? n_bytes_ : size(); }
  // Whether it can still be read after the model was opened.
  bool lasts() const { return kind_ == Kind::kFile; }
  File &file() { return file_; }
  const File &file() const { return file_; }

  // Reads n bytes that lie within the size. Records INFERMEM_E_IO, or INFERMEM_E_TRUNCATED where there are fewer.
  Status read_at(uint64_t offset, void *out, size_t n) const;

 private:
  enum class Kind { kFile, kBytes, kFunction };

  Status call(uint64_t offset, char *out, size_t n) const;

  Kind kind_ = Kind::kFile;
  File file_;
  uint64_t size_ = 0;
  const char *bytes_ = nullptr;
  size_t n_bytes_ = 0;
  infermem_read_function read_ = nullptr;
  void *context_ = nullptr;
};

}  // namespace infermem
