#include "base/structs.hh"

#include <algorithm>
#include <cstring>

namespace infermem {
namespace {

// No struct of ours comes near this: a larger struct_size is an uninitialized one, and is not to be followed.
constexpr size_t kMaxStruct = 4096;

Status check_size(size_t struct_size, const char *name) {
  if (struct_size >= sizeof(size_t) && struct_size <= kMaxStruct) return INFERMEM_OK;
  return fail(INFERMEM_E_STRUCT, kMaxStruct, struct_size, "%s->struct_size is %zu, not between %zu and %zu", name,
              struct_size, sizeof(size_t), kMaxStruct);
}

}  // namespace

Status read_struct_bytes(const void *in, void *out, size_t size, const char *name) {
  size_t given;
  std::memcpy(&given, in, sizeof given);
  INFERMEM_TRY(check_size(given, name));
  const auto *bytes = static_cast<const unsigned char *>(in);
  for (size_t i = size; i < given; ++i)
    if (bytes[i] != 0)
      return fail(INFERMEM_E_STRUCT, size, given, "%s has %zu bytes, and byte %zu, beyond the %zu known, is not 0",
                  name, given, i, size);
  std::memset(out, 0, size);
  std::memcpy(out, in, std::min(given, size));
  return INFERMEM_OK;
}

Status check_struct_out(size_t struct_size, const char *name) { return check_size(struct_size, name); }

void write_struct_bytes(const void *in, void *out, size_t size) {
  size_t given;
  std::memcpy(&given, out, sizeof given);
  // The caller's struct_size stays as it is.
  const size_t head = sizeof given;
  const size_t known = std::min(given, size);
  std::memcpy(static_cast<char *>(out) + head, static_cast<const char *>(in) + head, known - head);
  if (given > known) std::memset(static_cast<char *>(out) + known, 0, given - known);
}

}  // namespace infermem
