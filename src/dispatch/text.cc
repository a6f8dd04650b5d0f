// The figures as text: Prometheus's format and JSON. Numbers are written from integers: printf's floating point follows
// the locale, and may allocate.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/writer.hh"
#include "dispatch/dispatch.hh"

namespace infermem {
namespace {

// The classic bounds of the histogram.
constexpr uint64_t kBounds[] = {100000, 500000, 1000000, 5000000};
constexpr size_t kNBounds = sizeof kBounds / sizeof *kBounds;

}  // namespace

// What the formats are put together from.
class Text {
 public:
  explicit Text(Writer *out) : out_(out) {}

  Text &add(char c) {
    out_->put(c);
    return *this;
  }
  Text &add(const char *text) {
    out_->text(text);
    return *this;
  }
  Text &number(U128 value, int least_digits = 1) {
    char digits[40];  // 2^128 has 39
    int n = 0;
    for (; value != 0 || n < least_digits; value /= 10)
      digits[n++] = static_cast<char>('0' + static_cast<int>(value % 10));
    while (n != 0) add(digits[--n]);
    return *this;
  }
  // Nanoseconds, as seconds.
  Text &seconds(U128 ns) {
    constexpr uint64_t kSecond = 1000000000;
    number(ns / kSecond);
    auto rest = static_cast<uint64_t>(ns % kSecond);
    if (rest == 0) return *this;
    int digits = 9;
    for (; rest % 10 == 0; rest /= 10) --digits;
    return add('.').number(rest, digits);
  }
  // To three places; of less than 2^63.
  Text &fixed(double value) {
    const double whole = std::floor(value);
    const auto thousandths = static_cast<uint64_t>((value - whole) * 1000);
    return number(static_cast<uint64_t>(whole)).add('.').number(std::min<uint64_t>(thousandths, 999), 3);
  }
  // In quotes: Prometheus leaves all but three characters as they are, JSON knows no control characters.
  Text &quoted(const char *text, bool is_json) {
    add('"');
    for (; *text != '\0'; ++text) {
      const auto c = static_cast<unsigned char>(*text);
      if (c == '"' || c == '\\')
        add('\\').add(*text);
      else if (c == '\n')
        add("\\n");
      else if (is_json && c < 0x20)
        add("\\u00").add(c < 0x10 ? '0' : '1').add("0123456789abcdef"[c % 16]);
      else
        add(*text);
    }
    return add('"');
  }

 private:
  Writer *const out_;
};

namespace {

template <typename Write>
Status put(const Write &write, char *buffer, size_t capacity, size_t *out_length) {
  return write_text(buffer, capacity, out_length, [&](Writer &out) {
    Text text(&out);
    write(&text);
  });
}

}  // namespace

Status Dispatch::prometheus(char *buffer, size_t capacity, size_t *out_length) const {
  const Reading reading(*this);
  return put([this](Text *out) { write_prometheus(out); }, buffer, capacity, out_length);
}

Status Dispatch::json(char *buffer, size_t capacity, size_t *out_length) const {
  const Reading reading(*this);
  const uint64_t elapsed = elapsed_ns();
  return put([=](Text *out) { write_json(elapsed, out); }, buffer, capacity, out_length);
}

void Dispatch::write_prometheus(Text *out) const {
  out->add("# HELP infermem_dispatches_total Dispatches that a backend did.\n");
  out->add("# TYPE infermem_dispatches_total counter\n");
  for (uint32_t i = 0; i < n_backends_; ++i) {
    out->add("infermem_dispatches_total{backend=").quoted(names_[i], false);
    out->add("} ").number(totals(i).dispatches()).add('\n');
  }
  static const char kName[] = "infermem_dispatch_latency_seconds";
  out->add("# HELP ").add(kName).add(" How long a backend's dispatches took.\n");
  out->add("# TYPE ").add(kName).add(" histogram\n");
  for (uint32_t i = 0; i < n_backends_; ++i) {
    const Totals &t = totals(i);
    const auto sample = [&](const char *suffix) -> Text & {
      return out->add(kName).add(suffix).add("{backend=").quoted(names_[i], false);
    };
    for (uint64_t bound : kBounds) {  // each of them an edge: what equals it, too, is before the next entry
      sample("_bucket").add(",le=\"").seconds(bound).add("\"} ");
      out->number(t.before(buckets_, buckets_.entry(bound) + 1)).add('\n');
    }
    sample("_bucket").add(",le=\"+Inf\"} ").number(t.latencies).add('\n');
    sample("_sum").add("} ").seconds(t.sum).add('\n');
    sample("_count").add("} ").number(t.latencies).add('\n');
  }
}

void Dispatch::write_json(uint64_t elapsed_ns, Text *out) const {
  out->add("{\"elapsed_ns\": ").number(elapsed_ns).add(", \"backends\": [");
  for (uint32_t i = 0; i < n_backends_; ++i) {
    const Totals &t = totals(i);
    infermem_dispatch_stats s = {};
    t.describe(buckets_, &s);
    out->add(i == 0 ? "{\"name\": " : ", {\"name\": ").quoted(names_[i], true);
    const struct {
      const char *name;
      uint64_t value;
    } integers[] = {{"dispatches", s.dispatches}, {"latencies", s.latencies}, {"sum_ns", s.sum_ns},
                    {"min_ns", s.min_ns},         {"max_ns", s.max_ns},       {"p50_ns", s.p50_ns},
                    {"p90_ns", s.p90_ns},         {"p95_ns", s.p95_ns},       {"p99_ns", s.p99_ns},
                    {"p999_ns", s.p999_ns}};
    for (const auto &field : integers) out->add(", \"").add(field.name).add("\": ").number(field.value);
    out->add(", \"mean_ns\": ").fixed(s.mean_ns).add(", \"deviation_ns\": ").fixed(s.deviation_ns);
    out->add(", \"variation_percent\": ").fixed(s.variation_percent).add(", \"buckets\": [");
    uint64_t counts[kNBounds + 1];
    t.histogram(buckets_, kBounds, kNBounds, counts);
    for (size_t j = 0; j < kNBounds; ++j)
      out->add("{\"below_ns\": ").number(kBounds[j]).add(", \"count\": ").number(counts[j]).add("}, ");
    out->add("{\"below_ns\": null, \"count\": ").number(counts[kNBounds]).add("}]}");
  }
  out->add("]}\n");
}

}  // namespace infermem
