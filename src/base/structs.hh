// Structs that cross the border: each begins with struct_size, so that a caller compiled against an older or a newer
// header than the library's still works. See INFERMEM_STRUCT in infermem/abi.h for the contract.
#pragma once

#include <cstddef>

#include "base/error.hh"

namespace infermem {

// Copies `size` known bytes from a caller's struct, zero where the caller's is shorter.
Status read_struct_bytes(const void *in, void *out, size_t size, const char *name);

// Checks that a caller's struct can be written: its struct_size is one that a release has had.
Status check_struct_out(size_t struct_size, const char *name);

// Writes `size` known bytes to a caller's struct that check_struct_out let pass: cut where it is shorter, zero beyond.
void write_struct_bytes(const void *in, void *out, size_t size);

template <typename T>
Status read_struct(const T *in, T *out, const char *name) {
  static_assert(offsetof(T, struct_size) == 0);
  return read_struct_bytes(in, out, sizeof(T), name);
}

template <typename T>
Status write_struct(const T &in, T *out, const char *name) {
  static_assert(offsetof(T, struct_size) == 0);
  INFERMEM_TRY(check_struct_out(out->struct_size, name));
  write_struct_bytes(&in, out, sizeof(T));
  return INFERMEM_OK;
}

}  // namespace infermem
