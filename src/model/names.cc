#include "model/names.hh"

#include <sys/random.h>

#include <ctime>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace infermem {
namespace {

uint64_t random_seed(const void *object) {
  uint64_t seed;
  if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == static_cast<ssize_t>(sizeof seed)) return seed;
  // Early at boot, or in a sandbox that forbids it: less random, and still not known to who wrote the file.
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_nsec) * 0x9e3779b97f4a7c15u ^ reinterpret_cast<uintptr_t>(object);
}

}  // namespace

bool operator==(const Name &a, const Name &b) {
  return a.length == b.length && std::memcmp(a.text, b.text, a.length) == 0;
}

Quoted::Quoted(const Name &name) {
  constexpr char kDigits[] = "0123456789abcdef";
  char *to = text;
  char *const end = text + sizeof text - 4;  // room for the dots, and the NUL
  for (size_t i = 0; i < name.length; ++i) {
    const auto c = static_cast<unsigned char>(name.text[i]);
    const bool plain = c >= 0x20 && c < 0x7f;
    if (end - to < (plain ? 1 : 4)) {
      std::memcpy(to, "...", 3);
      to += 3;
      break;
    }
    if (plain) {
      *to++ = static_cast<char>(c);
      continue;
    }
    *to++ = '\\';
    *to++ = 'x';
    *to++ = kDigits[c >> 4];
    *to++ = kDigits[c & 15];
  }
  *to = '\0';
}

Status check_name(const Name &name, const char *what) {
  if (name.length == 0) return fail(INFERMEM_E_FORMAT, 1, 0, "a %s is empty", what);
  for (size_t i = 0; i < name.length; ++i)
    if (is_control(name.text[i]))
      return fail(INFERMEM_E_FORMAT, 0, static_cast<unsigned char>(name.text[i]),
                  "the %s \"%s\" has a control character at byte %zu", what, Quoted(name).text, i);
  return INFERMEM_OK;
}

size_t NameIndex::slot_of(const Vec<char *> &records, NameOf name_of, const Name &name) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = static_cast<size_t>(XXH3_64bits_withSeed(name.text, name.length, seed_)) & mask;
  while (slots_[slot] != 0 && !(name_of(records[slots_[slot] - 1]) == name)) slot = (slot + 1) & mask;
  return slot;
}

Status NameIndex::reserve(const Allocator &allocator, size_t n_records) {
  // A quarter or more stays empty. The arena's limit keeps the records far below 2^32.
  size_t n = 4;
  while (n - n / 4 <= n_records) n *= 2;
  slots_.clear();
  slots_.use(allocator);
  INFERMEM_TRY(slots_.resize(n, 0));
  seed_ = random_seed(this);
  return INFERMEM_OK;
}

Status NameIndex::add(const Vec<char *> &records, NameOf name_of, size_t i, const char *what) {
  const Name name = name_of(records[i]);
  const size_t slot = slot_of(records, name_of, name);
  if (slots_[slot] != 0)
    return fail(INFERMEM_E_FORMAT, slots_[slot] - 1, i, "the %s \"%s\" stands twice, as number %u and number %zu", what,
                Quoted(name).text, slots_[slot] - 1, i);
  slots_[slot] = static_cast<uint32_t>(i + 1);
  return INFERMEM_OK;
}

Status NameIndex::build(const Allocator &allocator, const Vec<char *> &records, NameOf name_of, const char *what) {
  INFERMEM_TRY(reserve(allocator, records.size()));
  for (size_t i = 0; i < records.size(); ++i) INFERMEM_TRY(add(records, name_of, i, what));
  return INFERMEM_OK;
}

bool NameIndex::find(const Vec<char *> &records, NameOf name_of, const Name &name, size_t *out) const {
  if (slots_.empty()) return false;  // nothing was indexed
  const uint32_t found = slots_[slot_of(records, name_of, name)];
  if (found == 0) return false;
  *out = found - 1;
  return true;
}

}  // namespace infermem
