// The plan as JSON; src/doc/plan_json.md has the schema.
#include "plan/text.hh"

namespace infermem {
namespace {

// One character of UTF-8 from `bytes`, which end with a NUL: how many bytes it has, 0 where they are none.
size_t decode(const unsigned char *bytes, uint32_t *out) {
  const unsigned char first = bytes[0];
  const size_t n = first < 0x80                    ? 1
                   : first >= 0xc2 && first < 0xe0 ? 2
                   : first >= 0xe0 && first < 0xf0 ? 3
                   : first >= 0xf0 && first < 0xf5 ? 4
                                                   : 0;
  if (n == 0) return 0;
  uint32_t point = n == 1 ? first : first & (0x7fu >> n);
  for (size_t i = 1; i < n; ++i) {
    if ((bytes[i] & 0xc0) != 0x80) return 0;
    point = point << 6 | (bytes[i] & 0x3fu);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (point < kLeast[n] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return 0;
  *out = point;
  return n;
}

class Json {
 public:
  Json(const Plan &plan, Writer &out) : plan_(plan), out_(out) {}

  void write() {
    out_.text("{\"format\":\"infermem.plan\",\"version\":1");
    word("mode", mode_word(plan_.mode()));
    word("profile", profile_word(plan_.request().options.profile));
    number("total_bytes", plan_.total());
    keys();
    word("k_type", infermem_dtype_name(plan_.caches().k_type));
    word("v_type", infermem_dtype_name(plan_.caches().v_type));
    word("largest_term", term_name(static_cast<uint32_t>(plan_.number(INFERMEM_PLAN_LARGEST_TERM))));
    constexpr const char *kSources[] = {"none", "host", "file"};
    word("stream_source", kSources[plan_.number(INFERMEM_PLAN_STREAM_SOURCE)]);
    list("places", plan_.n_places(), [&](size_t i) { place(i); });
    list("terms", plan_.n_terms(), [&](size_t i) { term(i); });
    notes();
    list("advice", plan_.n_advice(), [&](size_t i) { advice(plan_.advice_at(i)); });
    out_.text("}\n");
  }

 private:
  void key(const char *name) { out_.format(",\"%s\":", name); }
  void number(const char *name, uint64_t value) {
    key(name);
    out_.format("%llu", wide(value));
  }
  void word(const char *name, const char *value) {
    key(name);
    string(value);
  }
  template <typename Each>
  void list(const char *name, size_t n, Each each) {
    key(name);
    out_.put('[');
    for (size_t i = 0; i < n; ++i) {
      if (i != 0) out_.put(',');
      each(i);
    }
    out_.put(']');
  }

  // In ASCII, whatever the bytes are: what is no UTF-8 becomes U+FFFD.
  void string(const char *text) {
    out_.put('"');
    for (const auto *at = reinterpret_cast<const unsigned char *>(text); *at != '\0';) {
      uint32_t point = 0xfffd;
      const size_t n = decode(at, &point);
      at += n != 0 ? n : 1;
      if (point == '"' || point == '\\')
        out_.format("\\%c", static_cast<char>(point));
      else if (point >= 0x20 && point < 0x7f)
        out_.put(static_cast<char>(point));
      else if (point < 0x10000)
        out_.format("\\u%04x", point);
      else
        out_.format("\\u%04x\\u%04x", 0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff));
    }
    out_.put('"');
  }

  void keys() {
    constexpr struct {
      const char *name;
      uint32_t key;
    } kKeys[] = {{"layers", INFERMEM_PLAN_LAYERS},
                 {"streamed_layers", INFERMEM_PLAN_STREAMED_LAYERS},
                 {"host_expert_layers", INFERMEM_PLAN_HOST_EXPERT_LAYERS},
                 {"context", INFERMEM_PLAN_CONTEXT},
                 {"max_context", INFERMEM_PLAN_MAX_CONTEXT_FITS},
                 {"context_step", INFERMEM_PLAN_CONTEXT_STEP},
                 {"largest_layer_bytes", INFERMEM_PLAN_LARGEST_LAYER_BYTES},
                 {"slots", INFERMEM_PLAN_SLOTS},
                 {"stream_bytes", INFERMEM_PLAN_STREAM_BYTES},
                 {"milli_tokens_per_s", INFERMEM_PLAN_MILLI_TOKENS},
                 {"full_needs_bytes", INFERMEM_PLAN_FULL_NEEDS_BYTES},
                 {"needs_bytes", INFERMEM_PLAN_NEEDS_BYTES}};
    number("resident_layers", plan_.n_resident());
    number("sequences", plan_.request().options.n_sequences);
    for (const auto &each : kKeys) number(each.name, plan_.number(each.key));
  }

  void place(size_t i) {
    const PlanPlace &place = plan_.place(i);
    const bool is_host = i == plan_.request().n_devices;
    out_.text(is_host ? "{\"kind\":\"host\"" : "{\"kind\":\"device\"");
    word("name", place.name);
    if (!is_host && place.total_bytes != 0) number("memory_bytes", place.total_bytes);
    if (place.free_bytes != 0) number("free_bytes", place.free_bytes);
    number("total_bytes", place.total());
    number("resident_layers", place.n_resident);
    out_.put('}');
  }

  void term(size_t i) {
    INFERMEM_STRUCT(infermem_plan_term_facts, facts);
    if (plan_.term(i, &facts) != INFERMEM_OK) return;  // which there is
    out_.text("{\"term\":");
    string(facts.name);
    number("place", facts.place == INFERMEM_PLAN_PLACE_HOST ? plan_.request().n_devices : facts.place);
    number("bytes", facts.bytes);
    word("confidence", confidence_word(facts.confidence));
    word("formula", facts.formula);
    out_.put('}');
  }

  void notes() {
    constexpr const char *kNotes[] = {
        "context guessed", "context beyond training", "context shortened",          "caches quantized", "compute rough",
        "host unknown",    "window caches F16",       "next-token layers left out", "host lacks memory"};
    out_.text(",\"notes\":[");
    bool first = true;
    for (size_t i = 0; i < sizeof kNotes / sizeof *kNotes; ++i) {
      if ((plan_.notes() >> i & 1) == 0) continue;
      if (!first) out_.put(',');
      string(kNotes[i]);
      first = false;
    }
    out_.put(']');
  }

  void advice(const Advice &advice) {
    constexpr const char *kWords[] = {"unknown", "context",    "kv_type",     "memory",
                                      "layers",  "allow_step", "host_memory", "weights"};
    out_.text("{\"change\":");
    string(kWords[advice.code]);
    number("value", advice.value);
    word("mode", mode_word(advice.mode));
    out_.put('}');
  }

  const Plan &plan_;
  Writer &out_;
};

}  // namespace

const char *mode_word(int32_t mode) {
  constexpr const char *kWords[] = {"unknown", "FULL_CACHE", "PARTIAL", "LAYER_STREAMING", "HOST", "INSUFFICIENT"};
  return kWords[mode];
}

const char *confidence_word(uint32_t confidence) {
  constexpr const char *kWords[] = {"unknown", "exact", "modelled", "rough"};
  return kWords[confidence <= INFERMEM_CONFIDENCE_ROUGH ? confidence : 0];
}

const char *profile_word(uint32_t profile) {
  constexpr const char *kWords[] = {"unknown", "PLAIN", "CELLS", "BLOCKS"};
  return kWords[profile];
}

void write_json(const Plan &plan, Writer &out) { Json(plan, out).write(); }

}  // namespace infermem
