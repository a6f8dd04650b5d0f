// Text: for the caller's buffer, and what of it is not for messages.
#pragma once

#include <cstring>

#include "base/error.hh"

namespace infermem {

// What a terminal or a log might obey.
inline bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Whether a buffer of `capacity` bytes has room for a text of `length` bytes and a NUL, or is NULL and of capacity 0, which
// asks for the length alone. Records INFERMEM_E_NULL or INFERMEM_E_BUFFER.
inline Status check_room(size_t length, const char *buffer, size_t capacity) {
  if (!buffer && capacity != 0) return fail_null("buffer");
  if (buffer && capacity <= length)
    return fail(INFERMEM_E_BUFFER, length + 1, capacity, "the text needs %zu bytes, the buffer has %zu", length + 1,
                capacity);
  return INFERMEM_OK;
}

// Copies a text of `length` bytes, and a NUL, to a buffer of `capacity` bytes; *out_length is the length without the
// NUL. As check_room.
inline Status put_text(const char *text, size_t length, char *buffer, size_t capacity, size_t *out_length) {
  INFERMEM_TRY(check_room(length, buffer, capacity));
  if (buffer) {
    std::memcpy(buffer, text, length);
    buffer[length] = '\0';
  }
  *out_length = length;
  return INFERMEM_OK;
}

}  // namespace infermem
