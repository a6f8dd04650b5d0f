#include "model/json.hh"

#include <clocale>
#include <cstddef>
#include <cstdlib>
#include <limits>

#include "infermem/model.h"

// RapidJSON as a library that cannot abort, throw or reach the C++ runtime; of this file alone, whatever other copies the
// program has.
#define RAPIDJSON_NAMESPACE infermem::rapidjson
#define RAPIDJSON_NAMESPACE_BEGIN \
  namespace infermem {            \
  namespace {                     \
  namespace rapidjson {
#define RAPIDJSON_NAMESPACE_END \
  }                             \
  }                             \
  }
#define RAPIDJSON_ASSERT(condition) static_cast<void>(0)
#define RAPIDJSON_NEW(object) nullptr
#define RAPIDJSON_DELETE(object) static_cast<void>(object)
#ifdef __clang__  // its stack begins as a null pointer, to which it adds a size before it compares
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), apply_to = function)
#endif
#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>
#ifdef __clang__
#pragma clang attribute pop
#endif

namespace infermem {
namespace {

// The text, which is decoded in place: nothing that is written ever overtakes what is read.
class Text {
 public:
  using Ch = char;
  Text(char *text, size_t size) : begin_(text), at_(text), end_(text + size) {}

  char Peek() const { return *at_; }
  char Take() { return *at_++; }
  size_t Tell() const { return static_cast<size_t>(at_ - begin_); }
  char *PutBegin() { return to_ = at_; }
  void Put(char c) { *to_++ = c; }
  size_t PutEnd(const char *begin) const { return static_cast<size_t>(to_ - begin); }

  const char *at() const { return at_; }
  bool ended() const { return at_ >= end_; }
  bool overran() const { return at_ > end_; }

 private:
  char *begin_;
  char *at_;
  char *to_ = nullptr;
  const char *end_;
};

// RapidJSON keeps two numbers for each open object or array, and strings nowhere, as they are decoded in place. So the
// limit of nesting bounds its stack, and this allocator is never asked twice.
class Stack {
 public:
  void *Realloc(void *, size_t, size_t) { return bytes_; }
  static void Free(void *) {}
  static constexpr size_t kSize = 2 * sizeof(unsigned) * (INFERMEM_MODEL_MAX_NESTING + 1);

 private:
  alignas(std::max_align_t) char bytes_[kSize];
};

class Handler {
 public:
  Handler(const Text &text, const char *what, JsonSink sink, void *context)
      : text_(text), what_(what), sink_(sink), context_(context) {}

  Status status() const { return status_; }

  bool Null() { return tell(JsonEvent::kNull); }
  bool Bool(bool truth) { return tell(JsonEvent::kBool, {nullptr, 0}, truth); }
  // The pointer that comes with it is to what follows the number.
  bool RawNumber(const char *, unsigned length, bool) {
    return tell(JsonEvent::kNumber, {text_.at() - length, length});
  }
  bool String(const char *text, unsigned length, bool) { return tell_text(JsonEvent::kString, {text, length}); }
  bool Key(const char *text, unsigned length, bool) { return tell_text(JsonEvent::kKey, {text, length}); }
  bool StartObject() { return begin(JsonEvent::kBeginObject); }
  bool StartArray() { return begin(JsonEvent::kBeginArray); }
  bool EndObject(unsigned) { return end(JsonEvent::kEndObject); }
  bool EndArray(unsigned) { return end(JsonEvent::kEndArray); }
  // Numbers are all given as they are written.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(int64_t) { return false; }
  bool Uint64(uint64_t) { return false; }
  bool Double(double) { return false; }

 private:
  bool tell(JsonEvent::Kind kind, const Name &text = {nullptr, 0}, bool truth = false) {
    status_ = sink_(context_, {kind, truth, text});
    return status_ == INFERMEM_OK;
  }

  bool tell_text(JsonEvent::Kind kind, const Name &text) {
    // Of what UTF-8 does not allow, RapidJSON lets this pass: \udc00 without its first half becomes ED B0 80.
    for (size_t i = 0; i + 1 < text.length; ++i)
      if (text.text[i] == '\xed' && static_cast<unsigned char>(text.text[i + 1]) >= 0xa0) {
        status_ = fail(INFERMEM_E_FORMAT, 0, text_.Tell(), "%s has half a surrogate pair before byte %zu", what_,
                       text_.Tell());
        return false;
      }
    return tell(kind, text);
  }

  bool begin(JsonEvent::Kind kind) {
    if (depth_ == INFERMEM_MODEL_MAX_NESTING) {
      status_ = fail(INFERMEM_E_LIMIT, INFERMEM_MODEL_MAX_NESTING, depth_ + 1u,
                     "%s is nested deeper than %d at byte %zu", what_, INFERMEM_MODEL_MAX_NESTING, text_.Tell());
      return false;
    }
    ++depth_;
    return tell(kind);
  }

  bool end(JsonEvent::Kind kind) {
    --depth_;
    return tell(kind);
  }

  const Text &text_;
  const char *const what_;
  const JsonSink sink_;
  void *const context_;
  unsigned depth_ = 0;
  Status status_ = INFERMEM_OK;
};

// Whether the text is an integer that fits, and then what it is.
bool integer_of(const Name &text, JsonNumber *out) {
  const bool is_negative = text.text[0] == '-';
  uint64_t value = 0;
  for (size_t i = is_negative; i < text.length; ++i) {
    const char c = text.text[i];
    if (c < '0' || c > '9') return false;
    if (__builtin_mul_overflow(value, uint64_t{10}, &value) ||
        __builtin_add_overflow(value, static_cast<uint64_t>(c - '0'), &value))
      return false;
  }
  const uint64_t most = static_cast<uint64_t>(INT64_MAX) + is_negative;
  if (is_negative && value > most) return false;
  *out = {value > most ? uint32_t{INFERMEM_META_U64} : uint32_t{INFERMEM_META_I64}, is_negative ? 0 - value : value};
  return true;
}

}  // namespace

JsonNumber number_of(const JsonEvent &event) {
  JsonNumber number;
  if (integer_of(event.text, &number)) return number;
  // The nearest double, whatever the program's locale. This locale is static: making it takes no memory. What follows a
  // number in a text is no part of any number.
  static_assert(sizeof(double) == sizeof number.bits);
  const double value = strtod_l(event.text.text, nullptr, newlocale(LC_ALL_MASK, "C", nullptr));
  std::memcpy(&number.bits, &value, sizeof value);
  number.type = INFERMEM_META_F64;
  return number;
}

Status parse_json(char *text, size_t size, bool has_infinities, const char *what, JsonSink sink, void *context) {
  constexpr unsigned kFlags = rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag |
                              rapidjson::kParseValidateEncodingFlag | rapidjson::kParseNumbersAsStringsFlag;
  std::memset(text + size, 0, kJsonPadding);
  Text stream(text, size);
  Handler handler(stream, what, sink, context);
  Stack stack;
  rapidjson::GenericReader<rapidjson::UTF8<>, rapidjson::UTF8<>, Stack> reader(&stack, Stack::kSize);
  const rapidjson::ParseResult result =
      has_infinities ? reader.template Parse<kFlags | rapidjson::kParseNanAndInfFlag>(stream, handler)
                     : reader.template Parse<kFlags>(stream, handler);
  if (handler.status() != INFERMEM_OK) return handler.status();
  // A character that is wrong at the end of the text was cut only where more of it was looked for.
  const bool cut = result.Code() == rapidjson::kParseErrorStringInvalidEncoding ? stream.overran() : stream.ended();
  if (cut && result.IsError())
    return fail(INFERMEM_E_TRUNCATED, 0, size, "%s ends at byte %zu, within a value", what, size);
  if (result.IsError())
    return fail(INFERMEM_E_FORMAT, 0, result.Offset(), "%s is not JSON at byte %zu: %s", what, result.Offset(),
                rapidjson::GetParseError_En(result.Code()));
  if (!stream.ended())
    return fail(INFERMEM_E_FORMAT, size, stream.Tell(), "%s has a NUL at byte %zu", what, stream.Tell());
  return INFERMEM_OK;
}

}  // namespace infermem
