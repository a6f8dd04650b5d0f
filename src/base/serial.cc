#include "base/serial.hh"

#include <algorithm>

#include "base/file.hh"
#include "base/output.hh"
#include "base/saved.hh"

namespace infermem {
namespace {

constexpr size_t kPiece = Output::kPiece;

[[gnu::cold]] Status fail_function(const char *name, int64_t returned, size_t n, uint64_t offset) {
  return fail(INFERMEM_E_IO, n, static_cast<uint64_t>(returned),
              "the %s function, given %zu bytes at byte %llu, returned %lld", name, n, wide(offset),
              static_cast<long long>(returned));
}

// Whether a function that was given n bytes moved some of them.
bool is_share(int64_t returned, size_t n) { return returned > 0 && static_cast<uint64_t>(returned) <= n; }

}  // namespace

Status SerialWriter::put(const void *bytes, size_t n) {
  if (output_) {
    INFERMEM_TRY(output_->write_at(offset_, bytes, n));
    offset_ += n;
    return INFERMEM_OK;
  }
  for (const auto *from = static_cast<const char *>(bytes); n != 0;) {
    const int64_t written = write_(context_, from, n);
    if (!is_share(written, n)) return fail_function("write", written, n, offset_);
    from += written;
    offset_ += static_cast<uint64_t>(written);
    n -= static_cast<size_t>(written);
  }
  return INFERMEM_OK;
}

Status SerialWriter::write(const void *bytes, size_t n) {
  for (const auto *from = static_cast<const char *>(bytes); n != 0;) {
    const size_t piece = std::min(n, kPiece);
    checksum_.add(from, piece);
    INFERMEM_TRY(put(from, piece));
    from += piece;
    n -= piece;
  }
  return INFERMEM_OK;
}

Status SerialWriter::end_section() {
  const uint64_t sum = checksum_.take();
  return write(&sum, sizeof sum);
}

Status SerialReader::read_some(void *out, size_t n, size_t *got) {
  *got = 0;
  if (file_) n = static_cast<size_t>(std::min<uint64_t>(n, file_->size() - offset_));
  for (auto *to = static_cast<char *>(out); n != 0;) {
    size_t piece = std::min(n, kPiece);
    if (file_) {
      INFERMEM_TRY(file_->read_at(offset_, to, piece));
    } else {
      const int64_t read = read_(context_, to, piece);
      if (read == 0) return INFERMEM_OK;
      if (!is_share(read, piece)) return fail_function("read", read, piece, offset_);
      piece = static_cast<size_t>(read);
    }
    checksum_.add(to, piece);
    to += piece;
    offset_ += piece;
    *got += piece;
    n -= piece;
  }
  return INFERMEM_OK;
}

Status SerialReader::read_header(void *header, size_t *got) {
  INFERMEM_TRY(read_some(header, kSavedSummed, got));
  (void)checksum_.take();
  if (*got != kSavedSummed) return INFERMEM_OK;
  size_t more;
  INFERMEM_TRY(read_some(static_cast<char *>(header) + kSavedSummed, kSavedHeader - kSavedSummed, &more));
  *got += more;
  begin_ = offset_;
  return INFERMEM_OK;
}

Status SerialReader::read(void *out, size_t n) {
  size_t got;
  INFERMEM_TRY(read_some(out, n, &got));
  if (got == n) return INFERMEM_OK;
  return fail(INFERMEM_E_TRUNCATED, offset_ + (n - got), offset_, "the bytes end at byte %llu, %zu too early",
              wide(offset_), n - got);
}

Status SerialReader::end_section(const char *what) {
  const uint64_t got = checksum_.take(), begin = begin_, bytes = offset_ - begin;
  uint64_t expected;
  INFERMEM_TRY(read(&expected, sizeof expected));
  begin_ = offset_;
  return got == expected ? INFERMEM_OK : fail_checksum(what, begin, bytes, expected, got);
}

}  // namespace infermem
