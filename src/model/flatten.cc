#include "model/flatten.hh"

#include <cstdio>

#include "model/reader.hh"

namespace infermem {
namespace {

// A value that is not an object or an array.
struct Scalar {
  uint32_t type;    // INFERMEM_META_*, or kNull
  uint32_t length;  // of a string
  union {
    uint64_t bits;
    const char *text;
  };
};
constexpr uint32_t kNull = INFERMEM_META_ARRAY;  // which no scalar is

double as_double(const Scalar &scalar) {
  double value;
  std::memcpy(&value, &scalar.bits, sizeof value);
  if (scalar.type == INFERMEM_META_I64) value = static_cast<double>(static_cast<int64_t>(scalar.bits));
  if (scalar.type == INFERMEM_META_U64) value = static_cast<double>(scalar.bits);
  return value;
}

class Flattener {
 public:
  Flattener(const char *what, const Allocator &allocator, Arena *arena, MetaTable *metas)
      : what_(what), gathered_(allocator), arena_(arena), metas_(metas) {}

  static Status on_event(void *self, const JsonEvent &event) { return static_cast<Flattener *>(self)->on(event); }

 private:
  // An open object or array.
  struct Level {
    size_t path;  // bytes of its own
    bool is_array;
    bool is_gathered;  // all its elements so far are in gathered_
    uint64_t index;    // of its next element, once it is not
  };

  Status on(const JsonEvent &event);
  Status key(const Name &name);
  Status open(bool is_array);
  Status close();
  Status scalar(const Scalar &value);
  Status count();
  Status keep(uint64_t payload);
  // Appends to the path of the innermost level.
  Status append(const Name &name);
  // Makes the path that of the innermost level's next element.
  Status next_element();
  Status put(const Scalar &value);
  // Gives the gathered elements paths of their own.
  Status scatter();
  // The type that all the gathered elements have or can be given; kNull when there is none.
  uint32_t common_type() const;
  Status put_array(uint32_t type);

  Level &top() { return levels_[depth_ - 1]; }

  const char *const what_;
  Vec<Scalar> gathered_;  // of the innermost array: only one is gathered at a time
  Arena *const arena_;
  MetaTable *const metas_;
  uint64_t n_values_ = 0;
  uint64_t kept_ = 0;
  unsigned depth_ = 0;
  Level levels_[INFERMEM_MODEL_MAX_NESTING];
  size_t path_length_ = 0;
  char path_[INFERMEM_MODEL_MAX_KEY];
};

Status Flattener::append(const Name &name) {
  Level &level = top();
  const bool dotted = level.path != 0;
  if (name.length > sizeof path_ - level.path - dotted)
    return fail(INFERMEM_E_LIMIT, sizeof path_, name.length, "the path of \"%s\" in %s has more than %zu bytes",
                Quoted(name).text, what_, sizeof path_);
  path_length_ = level.path;
  if (dotted) path_[path_length_++] = '.';
  std::memcpy(path_ + path_length_, name.text, name.length);
  path_length_ += name.length;
  return INFERMEM_OK;
}

Status Flattener::next_element() {
  char digits[24];
  const int n = std::snprintf(digits, sizeof digits, "%llu", wide(top().index++));
  return append({digits, static_cast<size_t>(n)});
}

Status Flattener::count() {
  if (n_values_++ < INFERMEM_MODEL_MAX_VALUES) return INFERMEM_OK;
  return fail(INFERMEM_E_LIMIT, INFERMEM_MODEL_MAX_VALUES, n_values_, "%s has more than %d values", what_,
              INFERMEM_MODEL_MAX_VALUES);
}

Status Flattener::keep(uint64_t payload) {
  kept_ += path_length_ + payload;
  if (kept_ <= INFERMEM_MODEL_MAX_KEPT) return INFERMEM_OK;
  return fail(INFERMEM_E_LIMIT, INFERMEM_MODEL_MAX_KEPT, kept_,
              "the values of %s take more than %d bytes with their paths", what_, INFERMEM_MODEL_MAX_KEPT);
}

Status Flattener::put(const Scalar &value) {
  const Name path = {path_, path_length_};
  if (value.type == kNull) return INFERMEM_OK;
  INFERMEM_TRY(keep(value.type == INFERMEM_META_STRING ? value.length : sizeof value.bits));
  if (value.type != INFERMEM_META_STRING) {
    char bytes[sizeof value.bits];
    store_le(value.bits, bytes);
    return metas_->add_number(arena_, path, value.type, bytes);
  }
  char *bytes = nullptr;
  INFERMEM_TRY(metas_->add_string(arena_, path, value.length, &bytes));
  if (value.length != 0) std::memcpy(bytes, value.text, value.length);
  return INFERMEM_OK;
}

Status Flattener::scatter() {
  Level &level = top();
  level.is_gathered = false;
  for (const Scalar &element : gathered_) {
    INFERMEM_TRY(next_element());
    INFERMEM_TRY(put(element));
  }
  return INFERMEM_OK;
}

uint32_t Flattener::common_type() const {
  if (gathered_.empty()) return INFERMEM_META_I64;
  const uint32_t first = gathered_[0].type;
  bool same = true, numbers = true, reals = false, large = false, negative = false;
  for (const Scalar &element : gathered_) {
    same = same && element.type == first;
    const bool is_i64 = element.type == INFERMEM_META_I64;
    reals = reals || element.type == INFERMEM_META_F64;
    large = large || element.type == INFERMEM_META_U64;
    negative = negative || (is_i64 && static_cast<int64_t>(element.bits) < 0);
    numbers = numbers && (is_i64 || element.type == INFERMEM_META_U64 || element.type == INFERMEM_META_F64);
  }
  if (same) return first;
  if (!numbers) return kNull;
  return reals || negative ? INFERMEM_META_F64 : INFERMEM_META_U64;  // of two kinds of numbers, one is large or real
}

Status Flattener::put_array(uint32_t type) {
  const Name path = {path_, path_length_};
  uint64_t payload = 0;
  for (const Scalar &element : gathered_)
    payload += type == INFERMEM_META_STRING ? sizeof(uint64_t) + element.length : size_of_meta(type);
  INFERMEM_TRY(keep(payload));
  char *to = nullptr;
  INFERMEM_TRY(metas_->add_array_here(arena_, path, type, gathered_.size(), payload, &to));
  for (const Scalar &element : gathered_) {
    if (type == INFERMEM_META_STRING) {
      store_le<uint64_t>(element.length, to);
      to += sizeof(uint64_t);
      if (element.length != 0) std::memcpy(to, element.text, element.length);
      to += element.length;
    } else if (type == INFERMEM_META_BOOL) {
      *to++ = static_cast<char>(element.bits);
    } else {
      uint64_t bits = element.bits;
      if (type == INFERMEM_META_F64) {
        const double value = as_double(element);
        std::memcpy(&bits, &value, sizeof bits);
      }
      store_le(bits, to);
      to += sizeof bits;
    }
  }
  return INFERMEM_OK;
}

Status Flattener::scalar(const Scalar &value) {
  if (depth_ == 0) return fail(INFERMEM_E_FORMAT, 0, 0, "%s is no object", what_);
  INFERMEM_TRY(count());
  Level &level = top();
  if (level.is_gathered) return gathered_.push(value);
  if (level.is_array) INFERMEM_TRY(next_element());
  return put(value);
}

Status Flattener::key(const Name &name) {
  INFERMEM_TRY(check_name(name, "key"));
  return append(name);
}

Status Flattener::open(bool is_array) {
  if (depth_ == 0 && is_array) return fail(INFERMEM_E_FORMAT, 0, 0, "%s is no object", what_);
  if (depth_ != 0) INFERMEM_TRY(count());
  if (depth_ != 0 && top().is_array) {
    if (top().is_gathered) INFERMEM_TRY(scatter());
    INFERMEM_TRY(next_element());
  }
  levels_[depth_++] = {path_length_, is_array, is_array, 0};
  gathered_.clear();
  return INFERMEM_OK;
}

Status Flattener::close() {
  if (top().is_gathered) {
    const uint32_t type = common_type();
    path_length_ = top().path;
    if (type == kNull)
      INFERMEM_TRY(scatter());
    else
      INFERMEM_TRY(put_array(type));
  }
  --depth_;
  return INFERMEM_OK;
}

Status Flattener::on(const JsonEvent &event) {
  Scalar value = {};
  switch (event.kind) {
    case JsonEvent::kKey:
      return key(event.text);
    case JsonEvent::kBeginObject:
    case JsonEvent::kBeginArray:
      return open(event.kind == JsonEvent::kBeginArray);
    case JsonEvent::kEndObject:
    case JsonEvent::kEndArray:
      return close();
    case JsonEvent::kNull:
      value.type = kNull;
      break;
    case JsonEvent::kBool:
      value.type = INFERMEM_META_BOOL;
      value.bits = event.truth;
      break;
    case JsonEvent::kString:
      value.type = INFERMEM_META_STRING;
      value.length = static_cast<uint32_t>(event.text.length);  // texts have less than 2^32 bytes
      value.text = event.text.text;
      break;
    case JsonEvent::kNumber: {
      const JsonNumber number = number_of(event);
      value.type = number.type;
      value.bits = number.bits;
      break;
    }
  }
  return scalar(value);
}

}  // namespace

Status flatten_json(char *text, size_t size, const char *what, const Allocator &allocator, Arena *arena,
                    MetaTable *metas) {
  Flattener *flattener = nullptr;
  INFERMEM_TRY(allocator.make(&flattener, what, allocator, arena, metas));
  const Status status = parse_json(text, size, true, what, Flattener::on_event, flattener);
  allocator.destroy(flattener);
  return status;
}

}  // namespace infermem
