#include "model/source.hh"

#include <cstring>

namespace infermem {

void Source::use_bytes(const void *bytes, size_t n, uint64_t size) {
  kind_ = Kind::kBytes;
  bytes_ = static_cast<const char *>(bytes);
  n_bytes_ = n;
  size_ = size;
}

void Source::use_function(infermem_read_at_function read, void *context, uint64_t size) {
  kind_ = Kind::kFunction;
  read_ = read;
  context_ = context;
  size_ = size;
}

Status Source::read_at(uint64_t offset, void *out, size_t n) const {
  switch (kind_) {
    case Kind::kFile:
      return file_.read_at(offset, out, n);
    case Kind::kFunction:
      return call(offset, static_cast<char *>(out), n);
    case Kind::kBytes:
      break;
  }
  if (offset > n_bytes_ || n > n_bytes_ - offset)
    return fail(INFERMEM_E_TRUNCATED, offset + n, n_bytes_,
                "the first %llu bytes of the file are needed, and %zu are given", wide(offset + n), n_bytes_);
  if (n != 0) std::memcpy(out, bytes_ + offset, n);
  return INFERMEM_OK;
}

Status Source::call(uint64_t offset, char *out, size_t n) const {
  while (n != 0) {
    const int64_t got = read_(context_, offset, out, n);
    if (got < 0)
      return fail_os(INFERMEM_E_IO, got < INT32_MIN + 1 ? 0 : static_cast<int>(-got),
                     "the caller's function, reading %zu bytes at byte %llu", n, wide(offset));
    if (got == 0)
      return fail(INFERMEM_E_TRUNCATED, size_, offset, "the file should have %llu bytes, and ends at byte %llu",
                  wide(size_), wide(offset));
    if (static_cast<uint64_t>(got) > n)
      return fail(INFERMEM_E_IO, n, static_cast<uint64_t>(got),
                  "the caller's function says that it read %lld bytes, of %zu asked for", static_cast<long long>(got),
                  n);
    out += got;
    offset += static_cast<uint64_t>(got);
    n -= static_cast<size_t>(got);
  }
  return INFERMEM_OK;
}

}  // namespace infermem
