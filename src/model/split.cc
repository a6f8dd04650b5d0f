#include "model/split.hh"

namespace infermem {
namespace {

constexpr size_t kDigits = 5;
constexpr char kOf[] = "-of-";
constexpr char kEnd[] = ".gguf";
constexpr char kNo[] = "split.no";
constexpr char kCount[] = "split.count";
constexpr char kTensors[] = "split.tensors.count";

bool digits(const char *text, uint32_t *out) {
  uint32_t value = 0;
  for (size_t i = 0; i < kDigits; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = 10 * value + static_cast<uint32_t>(text[i] - '0');
  }
  *out = value;
  return true;
}

// The key's value, an integer that is not negative.
bool number(const MetaTable &metas, const char *key, uint64_t *out) {
  size_t i;
  if (!metas.find(key, &i)) return false;
  const Meta meta = metas.at(i);
  if (!is_integer(meta.type)) return false;
  const Integer integer = integer_at(meta.type, meta.bytes);
  *out = integer.value;
  return !integer.is_negative;
}

Status require(const MetaTable &metas, const char *key, uint64_t *out) {
  if (number(metas, key, out)) return INFERMEM_OK;
  return fail(INFERMEM_E_FORMAT, 0, 0, "there is no \"%s\", or it is no count", key);
}

}  // namespace

bool SplitName::read(const char *path) {
  constexpr size_t kLength = 1 + kDigits + (sizeof kOf - 1) + kDigits + (sizeof kEnd - 1);
  const size_t length = std::strlen(path);
  if (length <= kLength) return false;
  const char *const tail = path + length - kLength;
  const char *const of = tail + 1 + kDigits;
  const char *const total = of + sizeof kOf - 1;
  uint32_t no;
  if (*tail != '-' || !digits(tail + 1, &no) || std::memcmp(of, kOf, sizeof kOf - 1) != 0 || !digits(total, &count) ||
      std::strcmp(total + kDigits, kEnd) != 0)
    return false;
  at = static_cast<size_t>(tail + 1 - path);
  return no >= 1 && no <= count && count > 1;
}

void SplitName::write(uint32_t i, char *path) const {
  uint32_t n = i + 1;
  for (size_t k = kDigits; k-- > 0; n /= 10) path[at + k] = static_cast<char>('0' + n % 10);
}

Status SplitCheck::part(uint32_t i, const MetaTable &metas) {
  uint64_t no = 0, count = 0, n_tensors = 0;
  INFERMEM_TRY(require(metas, kNo, &no));
  INFERMEM_TRY(require(metas, kCount, &count));
  INFERMEM_TRY(require(metas, kTensors, &n_tensors));
  if (no != i || count != name_.count)
    return fail(INFERMEM_E_FORMAT, i, no, "the file has number %llu of %llu parts, its name number %u of %u", wide(no),
                wide(count), i, name_.count);
  if (i != 0 && n_tensors != n_tensors_)
    return fail(INFERMEM_E_FORMAT, n_tensors_, n_tensors, "\"%s\" is %llu, and %llu in the parts before", kTensors,
                wide(n_tensors), wide(n_tensors_));
  n_tensors_ = n_tensors;
  return INFERMEM_OK;
}

Status SplitCheck::tensors(uint64_t n) const {
  if (n == n_tensors_) return INFERMEM_OK;
  return fail(INFERMEM_E_FORMAT, n_tensors_, n, "the parts have %llu tensors together, and \"%s\" is %llu", wide(n),
              kTensors, wide(n_tensors_));
}

Status warn_of_split(Contents *contents) {
  uint64_t count;
  if (!number(contents->metas, kCount, &count) || count <= 1) return INFERMEM_OK;
  return contents->warnings.add(&contents->arena, "the file is one of %llu parts of a model, of which only it was read",
                                wide(count));
}

}  // namespace infermem
