#include "base/output.hh"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

#include "base/checked.hh"
#include "base/file.hh"

namespace infermem {
namespace {

constexpr int kTries = 1000;  // names of temporaries

// Repeats a call that a signal interrupted.
template <typename Call>
auto uninterrupted(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

// Beyond the process's limit on the size of files, a write would send a signal that ends it.
bool is_within_limit(uint64_t offset, size_t n) {
  rlimit limit;
  uint64_t end;
  if (!checked::add<uint64_t>(offset, n, &end)) return false;
  return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || end <= limit.rlim_cur;
}

}  // namespace

Output::~Output() {
  if (temporary_[0] != '\0') unlinkat(directory_, temporary_, 0);
  if (fd_ >= 0) close(fd_);
  if (directory_ >= 0) close(directory_);
}

Status Output::open(const char *path) {
  path_ = path;
  const char *const slash = std::strrchr(path, '/');
  name_ = slash ? slash + 1 : path;
  if (*name_ == '\0') return fail(INFERMEM_E_ARG, 1, 0, "\"%s\" ends without a file's name", ShortPath(path).text);
  INFERMEM_TRY(open_directory(path, slash));
  struct stat former;
  const bool replaces = fstatat(directory_, name_, &former, AT_SYMLINK_NOFOLLOW) == 0;
  if (!replaces && errno != ENOENT) return fail_os(INFERMEM_E_IO, errno, "asking about \"%s\"", ShortPath(path).text);
  const bool keeps_mode = replaces && S_ISREG(former.st_mode);
  // A link is replaced, but for one to a directory or a device, which nobody means to lose.
  if (replaces && S_ISLNK(former.st_mode) && fstatat(directory_, name_, &former, 0) != 0) former.st_mode = S_IFREG;
  if (replaces && !S_ISREG(former.st_mode))
    return fail(INFERMEM_E_ARG, 0, 0, "\"%s\" is %s, not a regular file", ShortPath(path).text,
                kind_of_file(former.st_mode));
  INFERMEM_TRY(create(keeps_mode));
  if (keeps_mode && fchmod(fd_, former.st_mode & 0777) != 0)
    return fail_os(INFERMEM_E_IO, errno, "giving a file the permissions of \"%s\"", ShortPath(path).text);
  return INFERMEM_OK;
}

Status Output::open_directory(const char *path, const char *slash) {
  char directory[PATH_MAX] = ".";
  if (slash) {
    const size_t n = std::max(static_cast<size_t>(slash - path), size_t{1});  // of "/file", the slash
    if (n >= sizeof directory)
      return fail_os(INFERMEM_E_IO, ENAMETOOLONG, "opening a directory's path of %zu bytes", n);
    std::memcpy(directory, path, n);
    directory[n] = '\0';
  }
  directory_ = uninterrupted([&] { return ::open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (directory_ < 0) return fail_os(INFERMEM_E_IO, errno, "opening the directory \"%s\"", ShortPath(directory).text);
  return INFERMEM_OK;
}

Status Output::create(bool is_private) {
  static std::atomic<unsigned> count{0};
  const mode_t mode = is_private ? 0600 : 0666;
  for (int i = 0; i < kTries; ++i) {
    timespec now = {};  // so that no process that was killed has left one of that name, whatever its number
    clock_gettime(CLOCK_REALTIME, &now);
    std::snprintf(temporary_, sizeof temporary_, ".infermem-%ld-%lx%08lx-%u.tmp", static_cast<long>(getpid()),
                  static_cast<unsigned long>(now.tv_sec), static_cast<unsigned long>(now.tv_nsec),
                  count.fetch_add(1, std::memory_order_relaxed));
    fd_ = uninterrupted([&] { return openat(directory_, temporary_, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode); });
    if (fd_ >= 0) return INFERMEM_OK;
    if (errno != EEXIST) break;  // that one is another's
  }
  const int reason = errno;
  temporary_[0] = '\0';
  return fail_os(INFERMEM_E_IO, reason, "making a temporary file beside \"%s\"", ShortPath(path_).text);
}

Status Output::write(const void *bytes, size_t n) {
  const auto *from = static_cast<const char *>(bytes);
  while (n != 0) {
    const size_t piece = std::min(n, kPiece);
    checksum_.add(from, piece);
    INFERMEM_TRY(write_at(end_, from, piece));
    end_ += piece;
    from += piece;
    n -= piece;
  }
  return INFERMEM_OK;
}

Status Output::pad(size_t align) {
  static constexpr char kZeros[kMostAlign] = {};
  const size_t n = static_cast<size_t>(-end_ % align);
  INFERMEM_TRY(write_at(end_, kZeros, n));
  end_ += n;
  return INFERMEM_OK;
}

Status Output::write_at(uint64_t offset, const void *bytes, size_t n) {
  const auto *from = static_cast<const char *>(bytes);
  if (!is_within_limit(offset, n)) return fail_write(EFBIG, offset, n);
  while (n != 0) {
    const ssize_t written = uninterrupted([&] { return pwrite(fd_, from, n, static_cast<off_t>(offset)); });
    if (written <= 0) return fail_write(written < 0 ? errno : EIO, offset, n);
    from += written;
    offset += static_cast<uint64_t>(written);
    n -= static_cast<size_t>(written);
  }
  return INFERMEM_OK;
}

Status Output::fail_write(int reason, uint64_t offset, size_t n) const {
  return fail_os(INFERMEM_E_IO, reason, "writing %zu bytes at byte %llu of a temporary file beside \"%s\"", n,
                 wide(offset), ShortPath(path_).text);
}

Status Output::commit() {
  if (uninterrupted([&] { return fsync(fd_); }) != 0)
    return fail_os(INFERMEM_E_IO, errno, "writing back a temporary file beside \"%s\"", ShortPath(path_).text);
  if (renameat(directory_, temporary_, directory_, name_) != 0)
    return fail_os(INFERMEM_E_IO, errno, "naming a temporary file \"%s\"", ShortPath(path_).text);
  temporary_[0] = '\0';
  // Some file systems do not know this of a directory, and need it not.
  if (uninterrupted([&] { return fsync(directory_); }) != 0 && errno != EINVAL)
    return fail_os(INFERMEM_E_IO, errno, "writing back the directory of \"%s\", which is written",
                   ShortPath(path_).text);
  return INFERMEM_OK;
}

}  // namespace infermem
