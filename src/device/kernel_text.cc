#include "device/kernel_text.hh"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/checked.hh"

namespace infermem {

bool Text::read(const char *path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  size_t length = 0;
  while (length < sizeof bytes - 1) {
    const ssize_t n = ::read(fd, bytes + length, sizeof bytes - 1 - length);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    length += static_cast<size_t>(n);
  }
  close(fd);
  if (length == sizeof bytes - 1)
    while (length > 0 && bytes[length - 1] != '\n') --length;
  bytes[length] = '\0';
  return length > 0;
}

// A decimal number at *text, which moves behind it.
bool parse(const char **text, uint64_t *out) {
  const char *p = *text;
  uint64_t value = 0;
  for (; *p >= '0' && *p <= '9'; ++p)
    if (!checked::mul(value, uint64_t{10}, &value) || !checked::add(value, static_cast<uint64_t>(*p - '0'), &value))
      return false;
  if (p == *text) return false;
  *text = p;
  *out = value;
  return true;
}

bool Text::find(const char *key, uint64_t *out) const {
  const size_t length = std::strlen(key);
  for (const char *line = bytes; line; line = std::strchr(line, '\n')) {
    line += *line == '\n';
    if (std::strncmp(line, key, length) != 0) continue;
    const char *p = line + length;
    if (*p != ':' && *p != ' ') continue;
    p += std::strspn(p, ": \t");
    return parse(&p, out);
  }
  return false;
}

bool Text::read_in(const char *folder, const char *name) {
  char path[PATH_MAX];
  const int n = std::snprintf(path, sizeof path, "%s/%s", folder, name);
  return n > 0 && static_cast<size_t>(n) < sizeof path && read(path);
}

bool read_number(const char *folder, const char *name, uint64_t *out) {
  Text text;
  const char *p = text.bytes;
  return text.read_in(folder, name) && parse(&p, out);
}

}  // namespace infermem
