#include "base/saved.hh"

#include <cstring>

#include "base/checksum.hh"

namespace infermem {

Status check_saved_header(const SavedFormat &format, const void *header, uint64_t n) {
  const auto *const bytes = static_cast<const char *>(header);
  if (n < format.header) {
    const size_t compared = n < sizeof SavedHead::magic ? static_cast<size_t>(n) : sizeof SavedHead::magic;
    if (std::memcmp(bytes, format.magic, compared) == 0)
      return fail(INFERMEM_E_TRUNCATED, format.header, n, "%llu bytes are less than a header of %zu", wide(n),
                  format.header);
  }
  if (std::memcmp(bytes, format.magic, sizeof SavedHead::magic) != 0)
    return fail(INFERMEM_E_FORMAT, 0, 0, "no saved %s: it does not begin with \"%.*s\"", format.what,
                static_cast<int>(std::strcspn(format.magic, "\n")), format.magic);
  SavedHead head;
  std::memcpy(&head, header, sizeof head);
  if (head.version != format.version)
    return fail(INFERMEM_E_VERSION, format.version, head.version, "a saved %s of version %u; this library reads %u",
                format.what, head.version, format.version);
  uint64_t expected;
  std::memcpy(&expected, bytes + format.summed(), sizeof expected);
  const uint64_t got = checksum_of(header, format.summed());
  return got == expected ? INFERMEM_OK : fail_checksum("header", 0, format.summed(), expected, got);
}

Status check_saved_size(const SavedFormat &format, const void *header, uint64_t size) {
  SavedHead head;
  std::memcpy(&head, header, sizeof head);
  if (size == head.file_bytes) return INFERMEM_OK;
  return fail(size < head.file_bytes ? INFERMEM_E_TRUNCATED : INFERMEM_E_CORRUPT, head.file_bytes, size,
              "%llu bytes, of a saved %s of %llu", wide(size), format.what, wide(head.file_bytes));
}

Status check_saved_due(const SavedFormat &format, const void *header, const void *due) {
  const auto *const have = static_cast<const unsigned char *>(header);
  const auto *const want = static_cast<const unsigned char *>(due);
  for (size_t i = 0; i < format.summed(); ++i)
    if (want[i] != have[i])
      return fail(INFERMEM_E_FORMAT, want[i], have[i],
                  "the header of a saved %s like this one has in byte %zu not %u, but %u", format.what, i, have[i],
                  want[i]);
  return INFERMEM_OK;
}

Status fail_checksum(const char *what, uint64_t offset, uint64_t bytes, uint64_t expected, uint64_t got) {
  return fail(INFERMEM_E_CORRUPT, expected, got,
              "the %s (%llu bytes from byte %llu on) have the checksum 0x%016llx, not 0x%016llx", what, wide(bytes),
              wide(offset), wide(got), wide(expected));
}

}  // namespace infermem
