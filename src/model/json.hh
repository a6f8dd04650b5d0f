// JSON texts, told event by event. What is accepted is RFC 8259 in valid UTF-8, and where asked for the literals NaN,
// Infinity and -Infinity, which Python writes.
#pragma once

#include "base/error.hh"
#include "model/names.hh"

namespace infermem {

struct JsonEvent {
  enum Kind { kNull, kBool, kNumber, kString, kKey, kBeginObject, kEndObject, kBeginArray, kEndArray };
  Kind kind;
  bool truth;  // of a kBool
  Name text;   // of a kKey or kString, decoded, and of a kNumber, as it is written; in the text, and stays there
};

// A number, unpacked: type is INFERMEM_META_I64, _U64 for what only that can hold, or _F64, and bits its value's.
struct JsonNumber {
  uint32_t type;
  uint64_t bits;
};
JsonNumber number_of(const JsonEvent &event);

using JsonSink = Status (*)(void *context, const JsonEvent &event);

// Bytes that follow a text of any size; what they hold does not matter.
constexpr size_t kJsonPadding = 8;

// Parses a text of `size` bytes, which is overwritten, and gives each event to the sink, whose first failure ends it.
// `what` names the text in messages. Takes no memory. Records INFERMEM_E_FORMAT, INFERMEM_E_TRUNCATED where the text ends
// within its value, and INFERMEM_E_LIMIT for what is nested deeper than INFERMEM_MODEL_MAX_NESTING.
Status parse_json(char *text, size_t size, bool has_infinities, const char *what, JsonSink sink, void *context);

}  // namespace infermem
