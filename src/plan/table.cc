// The plan as a table for people.
#include <algorithm>

#include "plan/text.hh"

namespace infermem {
namespace {

constexpr int kTermWidth = 16;      // of the names of terms
constexpr size_t kMostColumns = 5;  // places that have columns of their own
constexpr size_t kMostName = 24;    // of a place's name
constexpr int kSizeWidth = 11;      // of "1023.99 GiB"
constexpr size_t kBar = 40;

// Two decimals and a unit.
struct Bytes {
  explicit Bytes(uint64_t bytes) {
    constexpr const char *kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    uint64_t size = 1;
    while (unit + 1 < sizeof kUnits / sizeof *kUnits && bytes / 1024 >= size) {
      size *= 1024;
      ++unit;
    }
    const uint64_t rest = size >= 1024 ? bytes % size / (size / 1024) : 0;  // in 1024ths
    if (unit == 0)
      std::snprintf(text, sizeof text, "%llu B", wide(bytes));
    else
      std::snprintf(text, sizeof text, "%llu.%02llu %s", wide(bytes / size), wide(rest * 100 / 1024 % 100),
                    kUnits[unit]);
  }
  char text[48];
};

// A place's name without what a terminal would obey or not know, and not too long.
struct Name {
  explicit Name(const char *name) {
    size_t n = 0;
    for (; n < kMostName && name[n] != '\0'; ++n) text[n] = name[n] >= ' ' && name[n] <= '~' ? name[n] : '?';
    text[n] = '\0';
    length = n;
  }
  char text[kMostName + 1];
  size_t length;
};

class Table {
 public:
  Table(const Plan &plan, bool is_utf8, Writer &out) : plan_(plan), is_utf8_(is_utf8), out_(out) {
    is_folded_ = plan.n_places() > kMostColumns;
  }

  void write() {
    verdict();
    terms();
    bars();
    numbers();
    notes();
    advice();
  }

 private:
  uint64_t number(uint32_t key) const { return plan_.number(key); }
  bool has_devices() const { return plan_.request().n_devices != 0; }
  // Where the layers are.
  void where(const char *verb) {
    const size_t n = plan_.request().n_devices;
    if (n == 0 || plan_.mode() == INFERMEM_PLAN_HOST)
      out_.format("%s in the host's memory", verb);
    else if (n == 1)
      out_.format("%s on %s", verb, Name(plan_.place(0).name).text);
    else
      out_.format("%s on %zu devices", verb, n);
  }

  void rate() {
    const uint64_t milli = number(INFERMEM_PLAN_MILLI_TOKENS);
    if (milli != 0) out_.format(", at most %llu.%02llu tokens/s", wide(milli / 1000), wide(milli % 1000 / 10));
  }

  void verdict() {
    const uint64_t layers = number(INFERMEM_PLAN_LAYERS), streamed = number(INFERMEM_PLAN_STREAMED_LAYERS);
    switch (plan_.mode()) {
      case INFERMEM_PLAN_FULL_CACHE:
      case INFERMEM_PLAN_HOST:
        out_.format("%s: all %llu layers", plan_.mode() == INFERMEM_PLAN_HOST ? "Host" : "Full cache", wide(layers));
        where(" stay");
        break;
      case INFERMEM_PLAN_PARTIAL:
        if (streamed == 0) {
          out_.format("Partial: all %llu layers", wide(layers));
          where(" stay");
          out_.format(", but for the experts of %llu, which are on the host",
                      wide(number(INFERMEM_PLAN_HOST_EXPERT_LAYERS)));
          break;
        }
        out_.format("Partial: %llu of %llu layers", wide(layers - streamed), wide(layers));
        where(" stay");
        out_.format(", %llu pass through", wide(streamed));
        rate();
        break;
      case INFERMEM_PLAN_LAYER_STREAMING:
        out_.format("Layer streaming: all %llu layers", wide(layers));
        where(" pass through slots");
        rate();
        break;
      default:
        refusal();
    }
    out_.text(".\n\n");
  }

  void refusal() {
    out_.text("Insufficient memory: ");
    const uint64_t needs = number(INFERMEM_PLAN_NEEDS_BYTES), context = number(INFERMEM_PLAN_MAX_CONTEXT_FITS);
    uint64_t free_bytes = 0;
    for (size_t i = 0; i < std::max(plan_.request().n_devices, size_t{1}); ++i)
      free_bytes = std::max(free_bytes, plan_.place(i).free_bytes);
    const char *const where = !has_devices()                   ? "on the host"
                              : plan_.request().n_devices == 1 ? "on the device"
                                                               : "on the largest device";
    if (needs != 0)
      out_.format("%s would have to be free %s, where %s are", Bytes(needs).text, where, Bytes(free_bytes).text);
    else
      out_.format("more of the device's memory, of which %s are free, would not help", Bytes(free_bytes).text);
    if (context != 0)
      out_.format("; a context of %llu tokens would fit", wide(context));
    else
      out_.format("; no context fits, and of %llu layers %llu would", wide(number(INFERMEM_PLAN_LAYERS)),
                  wide(plan_.n_resident()));
  }

  // ---- The ledger ----

  template <typename Get>
  void row(const char *name, Get get, const char *end) {
    out_.format("  %-*s", kTermWidth, name);
    for (size_t i = 0; i < n_columns(); ++i) cell(get(i), width(i));
    out_.format("%s%s\n", *end != '\0' ? "  " : "", end);
  }
  void cell(uint64_t bytes, size_t width) {
    out_.format("  %*s", static_cast<int>(width), bytes != 0 ? Bytes(bytes).text : "-");
  }
  size_t n_columns() const { return is_folded_ ? 2 : plan_.n_places(); }
  // A place's name, and where there are several devices its number.
  Name label(size_t place) const {
    char numbered[sizeof PlanPlace::name + 24];
    const char *const name = plan_.place(place).name;
    if (plan_.request().n_devices < 2 || place == plan_.request().n_devices) return Name(name);
    std::snprintf(numbered, sizeof numbered, "%zu %s", place, name);
    return Name(numbered);
  }
  Name column(size_t i) const {
    if (is_folded_ && i == 0) return Name("devices");
    return label(is_folded_ ? plan_.n_places() - 1 : i);
  }
  const PlanPlace &place_of(size_t column) const { return plan_.place(is_folded_ ? plan_.n_places() - 1 : column); }
  size_t width(size_t i) const { return std::max(size_t{kSizeWidth}, column(i).length); }
  template <typename Get>
  uint64_t sum(size_t column, Get get) const {
    if (!is_folded_ || column == 1) return get(place_of(column));
    Size sum;
    for (size_t i = 0; i < plan_.request().n_devices; ++i) sum += get(plan_.place(i));
    return sum.or_most();
  }

  void terms() {
    out_.format("  %-*s", kTermWidth, "");
    for (size_t i = 0; i < n_columns(); ++i) out_.format("  %*s", static_cast<int>(width(i)), column(i).text);
    out_.text("\n");
    for (uint32_t kind = 1; kind < kKinds; ++kind) {
      if (plan_.sum(kind) == 0) continue;
      uint32_t confidence = 0;
      for (size_t i = 0; i < plan_.n_places(); ++i) confidence = std::max(confidence, plan_.place(i).confidence[kind]);
      row(
          term_name(kind), [&](size_t i) { return sum(i, [&](const PlanPlace &place) { return place.bytes[kind]; }); },
          confidence_word(confidence));
    }
    row(
        "total", [&](size_t i) { return sum(i, [](const PlanPlace &place) { return place.total(); }); }, "");
    row(
        "free", [&](size_t i) { return sum(i, [](const PlanPlace &place) { return place.free_bytes; }); }, "");
  }

  // ---- Bars ----

  void bars() {
    size_t longest = 0;
    for (size_t i = 0; i < plan_.n_places(); ++i) longest = std::max(longest, label(i).length);
    out_.text("\n");
    for (size_t i = 0; i < plan_.n_places(); ++i) {
      const PlanPlace &place = plan_.place(i);
      if (place.total() == 0 && place.free_bytes == 0) continue;
      const Name name = label(i);
      out_.format("  %-*s  ", static_cast<int>(longest), name.text);
      bar(place);
      const Bytes total(place.total()), free(place.free_bytes);
      if (place.free_bytes == 0)
        out_.format("  %s, free memory not known\n", total.text);
      else if (place.total() > place.free_bytes)
        out_.format("  %s of %s: %s too much\n", total.text, free.text, Bytes(place.total() - place.free_bytes).text);
      else
        out_.format("  %s of %s\n", total.text, free.text);
    }
    out_.format("  %-*s  ", static_cast<int>(longest), "");
    constexpr const char *kWords[] = {"weights", "caches", "compute", "margin", "free"};
    for (size_t i = 0; i < sizeof kWords / sizeof *kWords; ++i)
      out_.format("%s %s %s", i ? " " : "", mark(i), kWords[i]);
    out_.text("\n\n");
  }

  const char *mark(size_t part) const {
    constexpr const char *kAscii[] = {"#", "=", "+", "-", "."};
    constexpr const char *kBlocks[] = {"\u2588", "\u2593", "\u2592", "\u2591", "\u00b7"};
    return is_utf8_ ? kBlocks[part] : kAscii[part];
  }

  void bar(const PlanPlace &place) {
    constexpr size_t kPart[kKinds] = {0, 0, 0, 1, 1, 1, 2, 2, 0, 0, 2, 3};  // of a kind
    double parts[4] = {};
    for (uint32_t kind = 1; kind < kKinds; ++kind) parts[kPart[kind]] += static_cast<double>(place.bytes[kind]);
    const double whole = static_cast<double>(std::max(place.total(), place.free_bytes));
    out_.put('[');
    size_t drawn = 0;
    double sum = 0;
    for (size_t i = 0; i < 4; ++i) {
      sum += parts[i];
      const auto end = static_cast<size_t>(sum / whole * static_cast<double>(kBar) + 0.5);
      for (; drawn < std::min(end, kBar); ++drawn) out_.text(mark(i));
    }
    for (; drawn < kBar; ++drawn) out_.text(mark(4));
    out_.put(']');
  }

  // ---- What else there is to say ----

  void numbers() {
    const Caches &caches = plan_.caches();
    const uint64_t sequences = plan_.request().options.n_sequences;
    out_.format("  context  %llu tokens, %llu sequence%s, keys %s, values %s", wide(caches.context), wide(sequences),
                sequences == 1 ? "" : "s", infermem_dtype_name(caches.k_type), infermem_dtype_name(caches.v_type));
    const uint64_t most = number(INFERMEM_PLAN_MAX_CONTEXT_FITS), trained = plan_.sizes().trained_context();
    if (most == 0)
      out_.text("; none fits");
    else if (most >= INFERMEM_PLAN_MAX_CONTEXT)
      out_.text("; memory sets no limit to it");
    else
      out_.format("; the most that fits is %llu", wide(most));
    if (trained != 0 && most > trained) out_.format(", the model was trained for %llu", wide(trained));
    out_.text("\n");
    out_.format("  largest  %s, %s\n", term_name(static_cast<uint32_t>(number(INFERMEM_PLAN_LARGEST_TERM))),
                Bytes(plan_.sum(static_cast<uint32_t>(number(INFERMEM_PLAN_LARGEST_TERM)))).text);
    if (number(INFERMEM_PLAN_STREAM_SOURCE) != INFERMEM_PLAN_SOURCE_NONE)
      out_.format("  streams  %s a pass from %s, through %llu slots of %s\n",
                  Bytes(number(INFERMEM_PLAN_STREAM_BYTES)).text,
                  number(INFERMEM_PLAN_STREAM_SOURCE) == INFERMEM_PLAN_SOURCE_HOST ? "the host's memory" : "the file",
                  wide(number(INFERMEM_PLAN_SLOTS)), Bytes(number(INFERMEM_PLAN_LARGEST_LAYER_BYTES)).text);
  }

  void notes() {
    constexpr const char *kNotes[] = {
        "the model does not say for what context it was trained: 4096 tokens are planned",
        "the context is longer than what the model was trained for",
        "the context is shorter than what was asked for",
        "the caches are of smaller types than what was asked for",
        "compute is rough: runtimes differ much in such a case",
        "the host's memory is not known, and nothing was checked against it",
        "caches of windows stay F16",
        "layers that only predict further tokens are left out",
        "the host has too little memory for its part",
    };
    for (size_t i = 0; i < sizeof kNotes / sizeof *kNotes; ++i)
      if ((plan_.notes() >> i & 1) != 0) out_.format("  note     %s\n", kNotes[i]);
  }

  void advice() {
    if (plan_.n_advice() == 0) return;
    out_.text("\n  What would help:\n");
    for (size_t i = 0; i < plan_.n_advice(); ++i) {
      const Advice &advice = plan_.advice_at(i);
      out_.text("  - ");
      change(advice);
      out_.format(": %s\n", mode_word(advice.mode));
    }
  }

  void change(const Advice &advice) {
    const char *const where = has_devices() ? "on the largest device" : "on the host";
    switch (advice.code) {
      case INFERMEM_PLAN_ADVICE_CONTEXT:
        return out_.format("a context of %llu tokens", wide(advice.value));
      case INFERMEM_PLAN_ADVICE_KV_TYPE:
        return out_.format("caches of %s", infermem_dtype_name(static_cast<int32_t>(advice.value)));
      case INFERMEM_PLAN_ADVICE_MEMORY:
        return out_.format("%s free %s", Bytes(advice.value).text, where);
      case INFERMEM_PLAN_ADVICE_LAYERS:
        return out_.format("a model of %llu such layers", wide(advice.value));
      case INFERMEM_PLAN_ADVICE_HOST_MEMORY:
        return out_.format("%s free on the host", Bytes(advice.value).text);
      case INFERMEM_PLAN_ADVICE_WEIGHTS:
        return out_.format("weights of %s in all, by stronger quantization", Bytes(advice.value).text);
      default:
        break;
    }
    switch (advice.value) {
      case INFERMEM_PLAN_STEP_HOST_EXPERTS:
        return out_.text("leave to keep experts on the host");
      case INFERMEM_PLAN_STEP_SOME_LAYERS:
        return out_.text("leave to let some layers pass through");
      case INFERMEM_PLAN_STEP_ALL_LAYERS:
        return out_.text("leave to let all layers pass through");
      default:
        return out_.text("leave to run on the host");
    }
  }

  const Plan &plan_;
  bool is_utf8_;
  bool is_folded_;
  Writer &out_;
};

}  // namespace

void write_table(const Plan &plan, bool is_utf8, Writer &out) { Table(plan, is_utf8, out).write(); }

Audit::Audit(const Plan &plan, Writer &out) : plan_(plan), out_(out), name_width_(3) {
  for (size_t i = 0; i < plan.n_places(); ++i) name_width_ = std::max(name_width_, Name(plan.place(i).name).length);
  out.format("  %-*s  %-*s  %*s  %*s  %10s\n", kTermWidth, "", static_cast<int>(name_width_), "", kSizeWidth, "planned",
             kSizeWidth, "measured", "apart");
}

void Audit::row(const infermem_plan_measure &m) {
  const bool is_all = m.place == INFERMEM_PLAN_PLACE_ALL;
  const size_t place = is_all ? 0 : m.place == INFERMEM_PLAN_PLACE_HOST ? plan_.n_places() - 1 : m.place;
  const char *const name = m.kind == INFERMEM_PLAN_TOTAL_BYTES ? "total" : term_name(m.kind);
  out_.format("  %-*s  %-*s  %*s  %*s", kTermWidth, name, static_cast<int>(name_width_),
              is_all ? "all" : Name(plan_.place(place).name).text, kSizeWidth, Bytes(m.predicted_bytes).text,
              kSizeWidth, Bytes(m.measured_bytes).text);
  if (m.per_million == UINT64_MAX)
    out_.format("  %10s\n", "-");
  else if (m.per_million >= 10000000)
    out_.format("  %10s\n", "> 1000 %");
  else
    out_.format("  %5llu.%02llu %%\n", wide(m.per_million / 10000), wide(m.per_million % 10000 / 100));
  if (!worst_ || m.per_million > worst_apart_) {
    worst_ = name;
    worst_apart_ = m.per_million;
  }
}

void Audit::end() {
  if (worst_) out_.format("  furthest apart: %s\n", worst_);
}

}  // namespace infermem
