#include "base/file.hh"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/checked.hh"
#include "base/mapping.hh"
#include "base/text.hh"

namespace infermem {

ShortPath::ShortPath(const char *path) {
  const size_t length = std::strlen(path);
  const char *tail = path;
  char *to = text;
  if (length > kMost) {
    tail = path + (length - kMost);
    while ((static_cast<unsigned char>(*tail) & 0xc0) == 0x80) ++tail;  // not inside a UTF-8 character
    to = std::copy_n("...", 3, to);
  }
  for (; *tail; ++tail) *to++ = is_control(*tail) ? '?' : *tail;
  *to = '\0';
}

const char *kind_of_file(uint32_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

File::~File() {
  if (map_) munmap(map_, map_size_);
  close();
}

void File::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Status File::open(const char *path) {
  const ShortPath name(path);
  // Without O_NONBLOCK, opening a FIFO would wait for its writer.
  do {
    fd_ = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  } while (fd_ < 0 && errno == EINTR);
  if (fd_ < 0) return fail_os(INFERMEM_E_IO, errno, "opening \"%s\"", name.text);
  struct stat status;
  if (fstat(fd_, &status) != 0) return fail_os(INFERMEM_E_IO, errno, "asking about \"%s\"", name.text);
  if (!S_ISREG(status.st_mode))
    return fail(INFERMEM_E_FORMAT, 0, 0, "\"%s\" is %s, not a regular file", name.text, kind_of_file(status.st_mode));
  if (status.st_size == 0) return fail(INFERMEM_E_TRUNCATED, 0, 0, "\"%s\" is empty", name.text);
  size_ = static_cast<uint64_t>(status.st_size);
  return INFERMEM_OK;
}

Status File::read_at(uint64_t offset, void *out, size_t n) const {
  auto *to = static_cast<char *>(out);
  while (n != 0) {
    const ssize_t got = pread(fd_, to, n, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_os(INFERMEM_E_IO, errno, "reading %zu bytes at byte %llu", n, wide(offset));
    if (got == 0)
      return fail(INFERMEM_E_TRUNCATED, size_, offset, "the file had %llu bytes, and now ends at byte %llu",
                  wide(size_), wide(offset));
    to += got;
    offset += static_cast<uint64_t>(got);
    n -= static_cast<size_t>(got);
  }
  return INFERMEM_OK;
}

Status File::map_from(uint64_t offset) {
  map_offset_ = offset - offset % page_size();
  if (!checked::narrow(size_ - map_offset_, &map_size_))
    return fail(INFERMEM_E_SYSTEM, SIZE_MAX, size_ - map_offset_, "%llu bytes of data do not fit the address range",
                wide(size_ - map_offset_));
  void *const map = mmap(nullptr, map_size_, PROT_READ, MAP_PRIVATE, fd_, static_cast<off_t>(map_offset_));
  if (map == MAP_FAILED) return fail_os(INFERMEM_E_SYSTEM, errno, "mapping %zu bytes of data", map_size_);
  map_ = static_cast<char *>(map);
  return INFERMEM_OK;
}

}  // namespace infermem
