// The short text files in which the kernel tells facts, in /proc and /sys. They are read into fixed buffers that take
// several times what the kernel writes; of a longer file the beginning is used.
#pragma once

#include <cstddef>
#include <cstdint>

namespace infermem {

struct Text {
  char bytes[8192];

  // False when there is no such file, or nothing in it. Ends with whole lines where the file is too long.
  bool read(const char *path);
  // The same of a file in a folder.
  bool read_in(const char *folder, const char *name);
  // The number that follows a key at the start of a line: "MemTotal:  24684084 kB", "inactive_file 4096".
  bool find(const char *key, uint64_t *out) const;
};

// A decimal number at *text, which moves behind it.
bool parse(const char **text, uint64_t *out);

// The number that a file in a folder begins with.
bool read_number(const char *folder, const char *name, uint64_t *out);

}  // namespace infermem
