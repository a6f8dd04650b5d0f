// A file that is written whole or not at all.
//
// The bytes go to a temporary file beside the one to be written, which takes its name when all of them are on the disk.
// Whenever the process or the machine stops, the path has the former file or the new one. What a process that was killed
// may leave behind is the temporary, `.infermem-PID-N.tmp`, which nobody minds; one that is merely older is stepped over.
#pragma once

#include "base/checksum.hh"
#include "base/error.hh"

namespace infermem {

class Output {
 public:
  Output() = default;
  ~Output();  // without commit(), leaves everything as it was
  Output(const Output &) = delete;
  Output &operator=(const Output &) = delete;

  // Makes the temporary; the path must live until commit(). Records INFERMEM_E_ARG where path can be no regular file, and
  // INFERMEM_E_IO, as do all that follow.
  Status open(const char *path);

  // Bytes that write_at() will give: they read as zero until then.
  void skip(uint64_t n) { end_ += n; }
  // Writes at the end, in pieces that are summed and then written out of the cache.
  static constexpr size_t kPiece = size_t{1} << 18;
  Status write(const void *bytes, size_t n);
  // The checksum of what write() was given since the last time.
  uint64_t take_checksum() { return checksum_.take(); }
  // Zeros up to a multiple of align, at most kMostAlign. They do not count in the checksum.
  Status pad(size_t align);
  static constexpr size_t kMostAlign = 64;
  Status write_at(uint64_t offset, const void *bytes, size_t n);

  // Once everything is on the disk, gives the file its name. A regular file of that name keeps its permissions; other
  // names of it, and what a symbolic link points to, keep their content. Where it is only the directory that cannot be
  // written back, this records INFERMEM_E_IO although the file is in its place.
  Status commit();

 private:
  Status open_directory(const char *path, const char *slash);
  Status create(bool is_private);
  [[gnu::cold]] Status fail_write(int reason, uint64_t offset, size_t n) const;

  const char *path_ = nullptr;
  const char *name_ = nullptr;  // of the file, in the directory
  int directory_ = -1;
  int fd_ = -1;
  char temporary_[64] = "";  // its name, as long as it is there
  uint64_t end_ = 0;
  Checksum checksum_;
};

}  // namespace infermem
