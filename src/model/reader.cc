#include "model/reader.hh"

#include <algorithm>
#include <cstring>

namespace infermem {

Status Reader::check_room(uint64_t n) const {
  if (n <= remaining()) return INFERMEM_OK;
  return fail(INFERMEM_E_TRUNCATED, n, remaining(), "%llu bytes should follow byte %llu, where the file has %llu left",
              wide(n), wide(position()), wide(remaining()));
}

Status Reader::fill(size_t n) {
  INFERMEM_TRY(check_room(n));
  const size_t kept = filled_ - at_;
  if (kept != 0) std::memmove(buffer_, buffer_ + at_, kept);
  base_ += at_;
  at_ = 0;
  filled_ = kept;
  const uint64_t left = source_.readable() - (base_ + kept);
  const size_t more = static_cast<size_t>(std::min<uint64_t>(left, kBuffer - kept));
  INFERMEM_TRY(source_.read_at(base_ + kept, buffer_ + kept, more));
  filled_ += more;
  return INFERMEM_OK;
}

Status Reader::read(void *out, size_t n) {
  INFERMEM_TRY(check_room(n));
  auto *to = static_cast<char *>(out);
  const size_t ready = std::min(n, filled_ - at_);
  if (ready != 0) std::memcpy(to, buffer_ + at_, ready);
  at_ += ready;
  if (ready == n) return INFERMEM_OK;
  to += ready;
  n -= ready;
  if (n >= kBuffer) {  // past the buffer, which is empty now
    INFERMEM_TRY(source_.read_at(position(), to, n));
    return skip(n);
  }
  INFERMEM_TRY(fill(n));
  std::memcpy(to, buffer_, n);
  at_ = n;
  return INFERMEM_OK;
}

Status Reader::skip(uint64_t n) {
  if (n <= filled_ - at_) {
    at_ += static_cast<size_t>(n);
    return INFERMEM_OK;
  }
  INFERMEM_TRY(check_room(n));
  base_ = position() + n;
  at_ = filled_ = 0;
  return INFERMEM_OK;
}

}  // namespace infermem
