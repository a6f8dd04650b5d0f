// Text of any length for a caller's buffer: measured first, then written.
#pragma once

#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "base/text.hh"

namespace infermem {

class Writer {
 public:
  explicit Writer(char *buffer) : buffer_(buffer) {}  // NULL: counts only

  void put(char c) {
    if (buffer_) buffer_[length_] = c;
    ++length_;
  }
  void text(const char *words) {
    for (; *words != '\0'; ++words) put(*words);
  }
  void spaces(size_t n) {
    for (; n != 0; --n) put(' ');
  }
  // At most 255 bytes.
  [[gnu::format(printf, 2, 3)]] void format(const char *format, ...) {
    char piece[256];
    std::va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    text(piece);
  }
  size_t length() const { return length_; }

 private:
  char *buffer_;
  size_t length_ = 0;
};

// Runs `render`, which writes the same each time. As put_text.
template <typename Render>
Status write_text(char *buffer, size_t capacity, size_t *out_length, Render render) {
  Writer counter(nullptr);
  render(counter);
  const size_t length = counter.length();
  INFERMEM_TRY(check_text(length, buffer, capacity));
  if (buffer) {
    Writer writer(buffer);
    render(writer);
    buffer[length] = '\0';
  }
  *out_length = length;
  return INFERMEM_OK;
}

}  // namespace infermem
