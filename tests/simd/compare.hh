// Calling a kernel of every table beside the plain table's, between pages that fault: each result bit for bit, or within
// the bound of a sum, at many lengths, alignments and kinds of values, and not a byte read or written beyond.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <random>
#include <vector>

#include "infermem/dtype.h"
#include "simd/float16.hh"
#include "simd/kernels.hh"
#include "simd/reference.hh"

namespace infermem {

// ---- Failing ----

inline char situation[200];  // what is compared now
inline std::mt19937_64 random_bits;
inline size_t calls;

__attribute__((format(printf, 1, 2))) inline void now(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(situation, sizeof situation, format, arguments);
  va_end(arguments);
}

[[noreturn]] __attribute__((format(printf, 2, 3))) inline void differ(const Kernels &k, const char *format, ...) {
  std::fprintf(stderr, "%s, %s: ", k.name, situation);
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::fputc('\n', stderr);
  std::exit(1);
}

// Says where, and returns to fault again as the system, or a sanitizer, has it.
inline const char *table_now = "";
inline void on_fault(int number) {
  for (const char *text :
       {table_now, ", ", static_cast<const char *>(situation), ": beyond a buffer, or not aligned\n"})
    if (write(STDERR_FILENO, text, std::strlen(text)) < 0) break;
  std::signal(number, SIG_DFL);
}

// ---- Buffers ----

constexpr size_t kCapacity = size_t{512} << 10;
constexpr size_t kBuffers = 6;   // that a kernel reads, or writes, at most
constexpr size_t kMargin = 128;  // bytes on either side in which a write is noticed where no guard is
constexpr uint8_t kSlack = 0xa5;
constexpr size_t kPlacements = 17;

// Memory between two pages that may not be touched.
class Guarded {
 public:
  Guarded() {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    void *const p = mmap(nullptr, kCapacity + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) std::perror("mmap"), std::exit(1);
    begin_ = static_cast<uint8_t *>(p) + page;
    if (mprotect(begin_, kCapacity, PROT_READ | PROT_WRITE) != 0) std::perror("mprotect"), std::exit(1);
  }
  Guarded(const Guarded &) = delete;

  // n bytes: in placement 0 they end at the guard, in the others they begin so many elements less one behind it.
  uint8_t *place(size_t n, size_t align, size_t placement) {
    n_ = n;
    at_ = placement == 0 ? begin_ + kCapacity - n : begin_ + (placement - 1) * align;
    low_ = at_ - std::min(kMargin, static_cast<size_t>(at_ - begin_));
    high_ = at_ + n + std::min(kMargin, static_cast<size_t>(begin_ + kCapacity - at_) - n);
    std::memset(low_, kSlack, static_cast<size_t>(high_ - low_));
    return at_;
  }

  bool is_slack_whole() const {
    static const std::vector<uint8_t> slack(kMargin, kSlack);
    const uint8_t *const end = at_ + n_;
    return std::memcmp(low_, slack.data(), static_cast<size_t>(at_ - low_)) == 0 &&
           std::memcmp(end, slack.data(), static_cast<size_t>(high_ - end)) == 0;
  }

 private:
  uint8_t *begin_, *at_ = nullptr, *low_ = nullptr, *high_ = nullptr;
  size_t n_ = 0;
};

struct Input {
  const void *data;
  size_t bytes, align;
};
struct Output {
  size_t bytes, align;
  const std::vector<double> *bounds = nullptr;  // of floats: how far each may be from the plain table's; else no bit is
};
using Inputs = std::vector<Input>;
using Outputs = std::vector<Output>;

struct Places {
  uint8_t *at[kBuffers];
  uint8_t *bytes(size_t i) const { return at[i]; }
  int8_t *signed_bytes(size_t i) const { return reinterpret_cast<int8_t *>(at[i]); }
  uint16_t *halves(size_t i) const { return reinterpret_cast<uint16_t *>(at[i]); }
  float *floats(size_t i) const { return reinterpret_cast<float *>(at[i]); }
};

// ---- Comparing ----

inline void compare_output(const Kernels &k, size_t output, const Output &form, const uint8_t *wanted,
                           const uint8_t *got) {
  if (form.bounds) {
    for (size_t i = 0; i < form.bounds->size(); ++i) {
      float a, b;
      std::memcpy(&a, wanted + i * sizeof a, sizeof a);
      std::memcpy(&b, got + i * sizeof b, sizeof b);
      const double bound = (*form.bounds)[i];
      if (!(std::fabs(static_cast<double>(a) - static_cast<double>(b)) <= bound))
        differ(k, "float %zu of output %zu is %.9g, not %.9g within %.3g", i, output, static_cast<double>(b),
               static_cast<double>(a), bound);
    }
  } else if (std::memcmp(got, wanted, form.bytes) != 0) {
    size_t at = 0;
    while (got[at] == wanted[at]) ++at;
    differ(k, "byte %zu of output %zu is %#x, not %#x", at, output, got[at], wanted[at]);
  }
}

inline const std::vector<const Kernels *> &usable_kernels() {
  static const auto usable = [] {
    std::vector<const Kernels *> list;
    for (const Kernels *const *k = all_kernels; *k; ++k)
      if ((*k)->is_usable()) list.push_back(*k);
    return list;
  }();
  return usable;
}

// Calls call(table, in, out) with the plain table, and with every table at each placement of the buffers, and compares
// what it returns, a number, and the outputs; these not where it returns 0.
template <typename Call>
void compare(const Inputs &inputs, const Outputs &outputs, Call call) {
  static Guarded in_memory[kBuffers], out_memory[kBuffers];
  static std::vector<uint8_t> wanted[kBuffers];
  const auto in_places = [&](size_t placement) {
    Places in = {};
    for (size_t i = 0; i < inputs.size(); ++i) {
      const size_t shift = placement == 0 ? 0 : (placement + 2 + 3 * i) % 16 + 1;  // another than the output's
      in.at[i] = in_memory[i].place(inputs[i].bytes, inputs[i].align, shift);
      if (inputs[i].bytes != 0) std::memcpy(in.at[i], inputs[i].data, inputs[i].bytes);
    }
    return in;
  };
  const auto out_places = [&](size_t placement) {
    Places out = {};
    for (size_t i = 0; i < outputs.size(); ++i) {
      const size_t shift = placement == 0 ? 0 : (placement - 1 + 5 * i) % 16 + 1;
      out.at[i] = out_memory[i].place(outputs[i].bytes, outputs[i].align, shift);
    }
    return out;
  };

  size_t result = 0;
  for (const Kernels *k : usable_kernels()) {
    const bool is_plain = k == &kernels_reference;  // the first
    table_now = k->name;
    // Plain code knows no alignment.
    for (size_t placement = 0; placement < (is_plain ? 2 : kPlacements); ++placement, ++calls) {
      const Places out = out_places(placement);
      const auto got = static_cast<size_t>(call(*k, in_places(placement), out));
      const bool is_first = is_plain && placement == 0;
      if (is_first) result = got;
      if (got != result) differ(*k, "returns %zu, not %zu", got, result);
      for (size_t i = 0; i < outputs.size(); ++i) {
        if (!out_memory[i].is_slack_whole())
          differ(*k, "placement %zu: bytes beside output %zu are written", placement, i);
        if (is_first)
          wanted[i].assign(out.at[i], out.at[i] + outputs[i].bytes);
        else if (result != 0 && outputs[i].bytes != 0)
          compare_output(*k, i, outputs[i], wanted[i].data(), out.at[i]);
      }
    }
  }
}

// ---- Shapes and values ----

inline size_t below(size_t n) { return random_bits() % n; }
inline float uniform() { return static_cast<float>(static_cast<int64_t>(random_bits()) >> 40) * 0x1p-23f; }
inline float any_bits() { return float_of(static_cast<uint32_t>(random_bits())); }

inline float any_finite() {
  for (;;)
    if (const float value = any_bits(); std::isfinite(value)) return value;
}

template <typename T>
Input input(const std::vector<T> &values) {
  return {values.data(), values.size() * sizeof(T), sizeof(T)};
}

// All lengths to a hundred, some beyond, and numbers of groups about the sixteen that a kernel may take at once.
template <typename Use>
void each_shape(Use use) {
  for (size_t group : {8u, 16u, 24u, 32u, 40u, 48u, 64u, 72u, 96u, 128u, 136u, 160u, 192u, 256u}) {
    for (size_t n = 0; n <= 300; n += n < 100 ? 1 : 1 + below(5)) use(group, n);
    for (size_t groups : {15u, 16u, 33u})
      for (size_t tail : {size_t{0}, size_t{1}, group - 1}) use(group, groups * group + tail);
  }
}

constexpr size_t groups_of(size_t n, size_t group) { return (n + group - 1) / group; }
constexpr size_t level_bytes(size_t n, uint32_t bits) { return (n * bits + 7) / 8; }

// Fills a group with values of one kind.
inline void fill(float *values, size_t n, size_t kind) {
  const float base = any_finite(), unit = std::ldexp(1.0f, static_cast<int>(below(40)) - 20);
  const float top = below(2) != 0 ? 15.0f : 255.0f;
  for (size_t i = 0; i < n; ++i) {
    switch (kind) {
      case 0:  // ordinary
        values[i] = uniform();
        break;
      case 1:  // of all magnitudes: ranges overflow
        values[i] = any_finite();
        break;
      case 2:  // equal
        values[i] = base;
        break;
      case 3:
        values[i] = below(2) != 0 ? 0.0f : -0.0f;
        break;
      case 4:  // denormal
        values[i] = float_of(static_cast<uint32_t>(below(500)));
        break;
      case 5:  // to be rounded up from halves
        values[i] = static_cast<float>(below(511)) * 0.5f * unit;
        break;
      case 6:
        values[i] = static_cast<float>(below(31)) * 0.5f * unit;
        break;
      case 7:
        values[i] = below(2) != 0 ? FLT_MAX : -FLT_MAX;
        break;
      case 8:  // far from zero
        values[i] = (uniform() + 1000.0f) * unit;
        break;
      case 9:
        values[i] = uniform() * FLT_MIN * (i % 2 != 0 ? 300.0f : 1.0f);
        break;
      case 10: {  // of scale 1, as near to halves as can be
        const float half = static_cast<float>(below(below(8) + 1)) + 0.5f, way = below(2) != 0 ? 0.0f : 1000.0f;
        values[i] = i == 0 ? 0.0f : i == n / 2 ? top : std::nextafter(half, way);
        break;
      }
      default:  // an outlier
        values[i] = i == n / 2 ? 1e6f * base : uniform();
        if (!std::isfinite(values[i])) values[i] = FLT_MAX;
        break;
    }
  }
}

// Ordinary values alone every second time, so that the kernels' fast ways run undisturbed, too.
inline std::vector<float> random_values(size_t n, size_t group) {
  constexpr size_t kKinds = 12;
  std::vector<float> values(n);
  const bool mixed = below(2) != 0;
  for (size_t i = 0; i < n; i += group) fill(&values[i], std::min(group, n - i), mixed ? below(kKinds) : 0);
  return values;
}

inline std::vector<uint8_t> random_bytes(size_t n) {
  std::vector<uint8_t> bytes(n);
  for (uint8_t &byte : bytes) byte = static_cast<uint8_t>(random_bits());
  return bytes;
}

// The types that reference::decode knows.
struct Stored {
  const char *name;
  int32_t dtype;
  size_t elements, bytes;  // of a block
};

inline const std::vector<Stored> kStored = [] {
  std::vector<Stored> types = {
#define ENTRY(name, number, elements, bytes) {#name, number, elements, bytes},
      INFERMEM_DTYPE_LIST(ENTRY)
#undef ENTRY
  };
  const auto is_unknown = [](const Stored &type) { return !reference::can_decode(type.dtype); };
  types.erase(std::remove_if(types.begin(), types.end(), is_unknown), types.end());
  return types;
}();

// Blocks of random bytes, so that no value is farther from 0 than `most`, or NaN.
inline std::vector<uint8_t> random_blocks(const Stored &type, size_t blocks, float most) {
  std::vector<uint8_t> stored;
  std::vector<float> values(type.elements);
  while (stored.size() < blocks * type.bytes) {
    const auto block = random_bytes(type.bytes);
    reference::decode(type.dtype, block.data(), type.elements, values.data());
    if (std::all_of(values.begin(), values.end(), [=](float value) { return std::fabs(value) <= most; }))
      stored.insert(stored.end(), block.begin(), block.end());
  }
  return stored;
}

// ---- Running ----

struct Test {
  const char *name;
  void (*run)();
};

// INFERMEM_SOAK times, each with other numbers.
inline void run_all(std::initializer_list<Test> tests) {
  std::signal(SIGSEGV, on_fault);
  const char *const soak = std::getenv("INFERMEM_SOAK");
  const unsigned long times = soak ? std::strtoul(soak, nullptr, 10) : 1;
  for (unsigned long i = 0; i == 0 || i < times; ++i) {
    for (const Test &test : tests) {
      calls = 0;
      test.run();
      std::printf("%s: %zu calls\n", test.name, calls);
    }
  }
}

}  // namespace infermem
