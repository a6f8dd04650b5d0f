#include "model/warnings.hh"

#include <cstdarg>
#include <cstdio>

namespace infermem {

Status Warnings::add(Arena *arena, const char *format, ...) {
  char line[256];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  const size_t size = std::strlen(line) + 1;
  char *kept = nullptr;
  INFERMEM_TRY(arena->take(size, &kept));
  std::memcpy(kept, line, size);
  return list_.push(kept);
}

}  // namespace infermem
