#include "model/meta.hh"

#include "base/checked.hh"
#include "model/reader.hh"

namespace infermem {
namespace {

struct [[gnu::packed]] Head {
  uint16_t key_length;
  uint8_t type;
  uint8_t element_type;
};
static_assert(INFERMEM_MODEL_MAX_KEY <= UINT16_MAX);

// The offset of elements that follow it and their size.
constexpr uint64_t kHere = UINT64_MAX;
constexpr size_t kHereHead = 3 * sizeof(uint64_t);

Head head_of(const char *record) {
  Head head;
  std::memcpy(&head, record, sizeof head);
  return head;
}

Name key_of(const char *record) { return {record + sizeof(Head), head_of(record).key_length}; }

void put(char *to, uint64_t value) { std::memcpy(to, &value, sizeof value); }

uint64_t get(const char *from) {
  uint64_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

Name name(const char *text) { return {text, std::strlen(text)}; }

Status fail_type(const Meta &meta, const char *wanted) {
  return fail(INFERMEM_E_TYPE, 0, meta.type, "the value of \"%s\" is %s, not %s", Quoted(meta.key).text,
              name_of_meta(meta.type), wanted);
}

Status fail_negative(const Meta &meta, const Integer &integer) {
  return fail(INFERMEM_E_RANGE, 0, integer.value, "\"%s\" has %lld, which is negative", Quoted(meta.key).text,
              static_cast<long long>(integer.value));
}

Status fail_large(const Meta &meta, const Integer &integer) {
  return fail(INFERMEM_E_RANGE, INT64_MAX, integer.value, "\"%s\" has %llu, which no i64 can hold",
              Quoted(meta.key).text, wide(integer.value));
}

// The value of an f32, or of an f64.
double float_at(uint32_t type, const char *bytes) {
  if (type == INFERMEM_META_F32) {
    const auto bits = load_le<uint32_t>(bytes);
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return static_cast<double>(value);
  }
  const auto bits = load_le<uint64_t>(bytes);
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

template <typename Signed, typename Unsigned>
Integer extend(const char *bytes) {
  const auto value = static_cast<Signed>(load_le<Unsigned>(bytes));
  return {static_cast<uint64_t>(static_cast<int64_t>(value)), value < 0};
}

}  // namespace

size_t size_of_meta(uint32_t type) {
  switch (type) {
    case INFERMEM_META_U8:
    case INFERMEM_META_I8:
    case INFERMEM_META_BOOL:
      return 1;
    case INFERMEM_META_U16:
    case INFERMEM_META_I16:
      return 2;
    case INFERMEM_META_U32:
    case INFERMEM_META_I32:
    case INFERMEM_META_F32:
      return 4;
    case INFERMEM_META_U64:
    case INFERMEM_META_I64:
    case INFERMEM_META_F64:
      return 8;
  }
  return 0;
}

bool is_integer(uint32_t type) {
  return size_of_meta(type) != 0 && type != INFERMEM_META_F32 && type != INFERMEM_META_F64 &&
         type != INFERMEM_META_BOOL;
}

Integer integer_at(uint32_t type, const char *bytes) {
  switch (type) {
    case INFERMEM_META_I8:
      return extend<int8_t, uint8_t>(bytes);
    case INFERMEM_META_I16:
      return extend<int16_t, uint16_t>(bytes);
    case INFERMEM_META_I32:
      return extend<int32_t, uint32_t>(bytes);
    case INFERMEM_META_I64:
      return extend<int64_t, uint64_t>(bytes);
    case INFERMEM_META_U16:
      return {load_le<uint16_t>(bytes), false};
    case INFERMEM_META_U32:
      return {load_le<uint32_t>(bytes), false};
    case INFERMEM_META_U64:
      return {load_le<uint64_t>(bytes), false};
  }
  return {load_le<uint8_t>(bytes), false};
}

bool float_of(const Meta &meta, double *out) {
  if (meta.type != INFERMEM_META_F32 && meta.type != INFERMEM_META_F64) return false;
  *out = float_at(meta.type, meta.bytes);
  return true;
}

const char *name_of_meta(uint32_t type) {
  static const char *const names[] = {"a u8",   "an i8",    "a u16",    "an i16", "a u32",  "an i32", "an f32",
                                      "a bool", "a string", "an array", "a u64",  "an i64", "an f64"};
  return type < sizeof names / sizeof *names ? names[type] : "of an unknown type";
}

Status MetaTable::add(Arena *arena, const Name &key, uint32_t type, uint32_t element_type, uint64_t payload,
                      char **out) {
  const Head head = {static_cast<uint16_t>(key.length), static_cast<uint8_t>(type), static_cast<uint8_t>(element_type)};
  const size_t before = sizeof head + key.length + 1;
  uint64_t size;
  if (!checked::add<uint64_t>(payload, before, &size))
    return fail(INFERMEM_E_OVERFLOW, 0, payload, "the value of \"%s\" does not fit", Quoted(key).text);
  char *record = nullptr;
  INFERMEM_TRY(arena->take(size, &record));
  std::memcpy(record, &head, sizeof head);
  std::memcpy(record + sizeof head, key.text, key.length);
  record[before - 1] = '\0';
  *out = record + before;
  return records_.push(record);
}

Status MetaTable::add_number(Arena *arena, const Name &key, uint32_t type, const char *bytes) {
  const size_t size = size_of_meta(type);
  char *payload = nullptr;
  INFERMEM_TRY(add(arena, key, type, type, size, &payload));
  std::memcpy(payload, bytes, size);
  return INFERMEM_OK;
}

Status MetaTable::add_string(Arena *arena, const Name &key, uint64_t length, char **out_bytes) {
  char *payload = nullptr;
  // The length is at most what is left of the file, so that there is room for a little more.
  INFERMEM_TRY(add(arena, key, INFERMEM_META_STRING, INFERMEM_META_STRING, sizeof length + length + 1, &payload));
  put(payload, length);
  *out_bytes = payload + sizeof length;
  (*out_bytes)[length] = '\0';
  return INFERMEM_OK;
}

Status MetaTable::add_array(Arena *arena, const Name &key, uint32_t element_type, uint64_t count, uint64_t offset) {
  char *payload = nullptr;
  INFERMEM_TRY(add(arena, key, INFERMEM_META_ARRAY, element_type, sizeof count + sizeof offset, &payload));
  put(payload, count);
  put(payload + sizeof count, offset);
  return INFERMEM_OK;
}

Status MetaTable::add_array_here(Arena *arena, const Name &key, uint32_t element_type, uint64_t count, uint64_t size,
                                 char **out_elements) {
  char *payload = nullptr;
  // The elements take no more than what is left of the file, or INFERMEM_MODEL_MAX_KEPT.
  INFERMEM_TRY(add(arena, key, INFERMEM_META_ARRAY, element_type, kHereHead + size, &payload));
  put(payload, count);
  put(payload + sizeof count, kHere);
  put(payload + 2 * sizeof count, size);
  *out_elements = payload + kHereHead;
  return INFERMEM_OK;
}

Status MetaTable::index(const Allocator &allocator) { return names_.build(allocator, records_, key_of, "key"); }

Meta MetaTable::at(size_t i) const {
  const char *const record = records_[i];
  const Head head = head_of(record);
  const char *const payload = record + sizeof head + head.key_length + 1;
  Meta meta = {key_of(record), head.type, head.element_type, 1, 0, 0, payload};
  if (head.type == INFERMEM_META_STRING) {
    meta.count = get(payload);
    meta.bytes = payload + sizeof(uint64_t);
  } else if (head.type == INFERMEM_META_ARRAY) {
    meta.count = get(payload);
    meta.offset = get(payload + sizeof(uint64_t));
    meta.bytes = nullptr;
    if (meta.offset == kHere) {
      meta.size = get(payload + 2 * sizeof(uint64_t));
      meta.bytes = payload + kHereHead;
    }
  }
  return meta;
}

bool MetaTable::find(const char *key, size_t *out) const { return names_.find(records_, key_of, name(key), out); }

Status MetaTable::require(const char *key, Meta *out) const {
  size_t i;
  if (!find(key, &i)) return fail(INFERMEM_E_NOT_FOUND, 0, 0, "the file has no key \"%s\"", Quoted(name(key)).text);
  *out = at(i);
  return INFERMEM_OK;
}

Status MetaTable::u64(const char *key, uint64_t *out) const {
  Meta meta = {};
  INFERMEM_TRY(require(key, &meta));
  if (!is_integer(meta.type)) return fail_type(meta, "an integer");
  const Integer integer = integer_at(meta.type, meta.bytes);
  if (integer.is_negative) return fail_negative(meta, integer);
  *out = integer.value;
  return INFERMEM_OK;
}

Status MetaTable::i64(const char *key, int64_t *out) const {
  Meta meta = {};
  INFERMEM_TRY(require(key, &meta));
  if (!is_integer(meta.type)) return fail_type(meta, "an integer");
  const Integer integer = integer_at(meta.type, meta.bytes);
  if (!integer.is_negative && integer.value > INT64_MAX) return fail_large(meta, integer);
  *out = static_cast<int64_t>(integer.value);
  return INFERMEM_OK;
}

Status MetaTable::f64(const char *key, double *out) const {
  Meta meta = {};
  INFERMEM_TRY(require(key, &meta));
  if (!float_of(meta, out)) return fail_type(meta, "an f32 or f64");
  return INFERMEM_OK;
}

Status MetaTable::boolean(const char *key, int32_t *out) const {
  Meta meta = {};
  INFERMEM_TRY(require(key, &meta));
  if (meta.type != INFERMEM_META_BOOL) return fail_type(meta, "a bool");
  *out = *meta.bytes;
  return INFERMEM_OK;
}

Status MetaTable::string(const char *key, const char **out, size_t *out_length) const {
  Meta meta = {};
  INFERMEM_TRY(require(key, &meta));
  if (meta.type != INFERMEM_META_STRING) return fail_type(meta, "a string");
  *out = meta.bytes;
  *out_length = static_cast<size_t>(meta.count);
  return INFERMEM_OK;
}

Status MetaTable::elements(const Meta &array, uint64_t first, size_t n, void *out) const {
  const size_t size = size_of_meta(array.element_type);
  if (!array.bytes) return source_->read_at(array.offset + first * size, out, n * size);
  if (n != 0) std::memcpy(out, array.bytes + first * size, n * size);
  return INFERMEM_OK;
}

Status MetaTable::require_array(const char *key, uint64_t first, size_t n, bool (*fits)(uint32_t), const char *wanted,
                                Meta *out) const {
  Meta meta = {};
  INFERMEM_TRY(require(key, &meta));
  if (meta.type != INFERMEM_META_ARRAY) return fail_type(meta, "an array");
  if (!fits(meta.element_type))
    return fail(INFERMEM_E_TYPE, 0, meta.element_type, "the elements of \"%s\" are each %s, not %s",
                Quoted(meta.key).text, name_of_meta(meta.element_type), wanted);
  if (first > meta.count || n > meta.count - first)
    return fail(INFERMEM_E_RANGE, meta.count, n, "%zu elements from number %llu on: \"%s\" has %llu", n, wide(first),
                Quoted(meta.key).text, wide(meta.count));
  *out = meta;
  return INFERMEM_OK;
}

namespace {

// Elements of an array in memory, all of them, so that they can be checked before the first is delivered.
class Elements {
 public:
  explicit Elements(const Allocator &allocator) : many_(allocator) {}

  // They lie in the file or in memory already, so no size overflows.
  Status read(const MetaTable &metas, const Meta &array, uint64_t first, size_t n) {
    size_ = size_of_meta(array.element_type);
    if (n > sizeof few_ / size_) {
      INFERMEM_TRY(many_.reserve(n * size_));
      bytes_ = many_.data();
    }
    return metas.elements(array, first, n, bytes_);
  }
  const char *at(size_t i) const { return bytes_ + i * size_; }

 private:
  size_t size_ = 0;
  Vec<char> many_;
  char *bytes_ = few_;
  char few_[4096];
};

bool is_integer_or_bool(uint32_t type) { return is_integer(type) || type == INFERMEM_META_BOOL; }
bool is_float(uint32_t type) { return type == INFERMEM_META_F32 || type == INFERMEM_META_F64; }
bool is_string(uint32_t type) { return type == INFERMEM_META_STRING; }

Status fits_u64(const Meta &meta, const Integer &integer) {
  return integer.is_negative ? fail_negative(meta, integer) : INFERMEM_OK;
}

Status fits_i64(const Meta &meta, const Integer &integer) {
  return !integer.is_negative && integer.value > INT64_MAX ? fail_large(meta, integer) : INFERMEM_OK;
}

}  // namespace

Status MetaTable::integers(const Allocator &allocator, const char *key, uint64_t first, size_t n,
                           Status (*fits)(const Meta &, const Integer &), uint64_t *out) const {
  Meta meta = {};
  INFERMEM_TRY(require_array(key, first, n, is_integer_or_bool, "an integer or a bool", &meta));
  if (n == 0) return INFERMEM_OK;
  if (!out) return fail_null("out");
  Elements elements(allocator);
  INFERMEM_TRY(elements.read(*this, meta, first, n));
  for (size_t i = 0; i < n; ++i) {
    const Integer integer = integer_at(meta.element_type, elements.at(i));
    INFERMEM_TRY(fits(meta, integer));
    if (meta.element_type == INFERMEM_META_BOOL && integer.value > 1)
      return fail(INFERMEM_E_FORMAT, 1, integer.value, "a bool of \"%s\" is %llu, neither 0 nor 1",
                  Quoted(meta.key).text, wide(integer.value));
  }
  for (size_t i = 0; i < n; ++i) out[i] = integer_at(meta.element_type, elements.at(i)).value;
  return INFERMEM_OK;
}

Status MetaTable::array_u64(const Allocator &allocator, const char *key, uint64_t first, size_t n,
                            uint64_t *out) const {
  return integers(allocator, key, first, n, fits_u64, out);
}

Status MetaTable::array_i64(const Allocator &allocator, const char *key, uint64_t first, size_t n, int64_t *out) const {
  return integers(allocator, key, first, n, fits_i64, reinterpret_cast<uint64_t *>(out));  // in two's complement
}

Status MetaTable::array_f64(const Allocator &allocator, const char *key, uint64_t first, size_t n, double *out) const {
  Meta meta = {};
  INFERMEM_TRY(require_array(key, first, n, is_float, "an f32 or f64", &meta));
  if (n == 0) return INFERMEM_OK;
  if (!out) return fail_null("out");
  Elements elements(allocator);
  INFERMEM_TRY(elements.read(*this, meta, first, n));
  for (size_t i = 0; i < n; ++i) out[i] = float_at(meta.element_type, elements.at(i));
  return INFERMEM_OK;
}

namespace {

// A walk over the strings of an array. It comes from the allocator: its buffer is too large for a stack.
class StringWalk {
 public:
  StringWalk(const Source &source, uint64_t at) : in_(source), at_(at) {}

  // To the string of number first.
  Status start(uint64_t first) {
    INFERMEM_TRY(in_.skip(at_));
    uint64_t length;
    for (uint64_t i = 0; i < first; ++i) {
      INFERMEM_TRY(in_.number(&length));
      INFERMEM_TRY(in_.skip(length));
    }
    return INFERMEM_OK;
  }

  // What the next n strings take with their NULs.
  Status measure(size_t n, size_t *out) {
    uint64_t total = 0, length;
    for (size_t i = 0; i < n; ++i) {
      INFERMEM_TRY(in_.number(&length));
      INFERMEM_TRY(in_.skip(length));
      total += length + 1;  // each is within the file, and they follow each other
    }
    *out = static_cast<size_t>(total);
    return INFERMEM_OK;
  }

  // Reads the next n strings to `size` bytes at out, and where each begins and the last ends to offsets.
  Status read(size_t n, char *out, size_t size, size_t *offsets) {
    size_t used = 0;
    for (size_t i = 0; i < n; ++i) {
      uint64_t length;
      INFERMEM_TRY(in_.number(&length));
      if (length >= size - used)
        return fail(INFERMEM_E_TRUNCATED, size, used, "the file was changed while strings were read");
      const auto bytes = static_cast<size_t>(length);
      INFERMEM_TRY(in_.read(out + used, bytes));
      offsets[i] = used;
      used += bytes;
      out[used++] = '\0';
    }
    offsets[n] = used;
    return INFERMEM_OK;
  }

 private:
  Reader in_;
  uint64_t at_;
};

// Runs a step of a walk from string `first` of the array on.
template <typename Step>
Status walk(const Allocator &allocator, const Source *file, const Meta &array, uint64_t first, const Step &step) {
  Source memory;
  if (array.bytes) memory.use_bytes(array.bytes, static_cast<size_t>(array.size), array.size);
  StringWalk *strings = nullptr;
  INFERMEM_TRY(allocator.make(&strings, array.bytes ? memory : *file, array.bytes ? 0 : array.offset));
  Status status = strings->start(first);
  if (status == INFERMEM_OK) status = step(strings);
  allocator.destroy(strings);
  return status;
}

}  // namespace

Status MetaTable::array_strings(const Allocator &allocator, const char *key, uint64_t first, size_t n,
                                const Buffer &buffer, size_t *out_offsets, size_t *out_length) const {
  Meta meta = {};
  INFERMEM_TRY(require_array(key, first, n, is_string, "a string", &meta));
  if (!buffer.text && buffer.capacity != 0) return fail_null("buffer");
  size_t size = 0;
  INFERMEM_TRY(walk(allocator, source_, meta, first, [&](StringWalk *strings) { return strings->measure(n, &size); }));
  if (buffer.text && buffer.capacity < size)
    return fail(INFERMEM_E_BUFFER, size, buffer.capacity, "the strings need %zu bytes, the buffer has %zu", size,
                buffer.capacity);
  if (buffer.text || out_offsets) {
    Vec<char> text(allocator);
    Vec<size_t> offsets(allocator);
    INFERMEM_TRY(text.reserve(size));
    INFERMEM_TRY(offsets.reserve(n + 1));
    INFERMEM_TRY(walk(allocator, source_, meta, first,
                      [&](StringWalk *strings) { return strings->read(n, text.data(), size, offsets.data()); }));
    if (buffer.text && size != 0) std::memcpy(buffer.text, text.data(), size);
    if (out_offsets) std::memcpy(out_offsets, offsets.data(), (n + 1) * sizeof(size_t));
  }
  *out_length = size;
  return INFERMEM_OK;
}

}  // namespace infermem
