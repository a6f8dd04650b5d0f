// The conversions of every table against the plain table's. A new kernel needs a call of compare for each shape that it
// has, and a line in main.
#include <utility>

#include "compare.hh"

namespace infermem {
namespace {

struct Parameters {
  std::vector<float> scales, mins;
};

// Any that there can be, or ordinary ones.
Parameters random_parameters(size_t n) {
  static const float kSpecial[] = {0.0f,         -0.0f,           FLT_TRUE_MIN, FLT_MIN, FLT_MAX / 255, FLT_MAX / 16,
                                   FLT_MAX / 15, FLT_MAX / 14.9f, FLT_MAX,      -1.0f,   -FLT_MAX,      HUGE_VALF};
  constexpr size_t kSpecials = sizeof kSpecial / sizeof *kSpecial;
  Parameters p = {std::vector<float>(n), std::vector<float>(n)};
  const bool ordinary = below(2) != 0;
  for (size_t i = 0; i < n; ++i) {
    p.scales[i] = ordinary || below(3) != 0 ? std::fabs(uniform()) * 0.01f : kSpecial[below(kSpecials)];
    p.mins[i] = ordinary || below(3) != 0 ? uniform() : kSpecial[below(kSpecials)];
  }
  return p;
}

template <uint32_t kBits>
void dequantize() {
  each_shape([](size_t group, size_t n) {
    const auto levels = random_bytes(level_bytes(n, kBits));
    const auto p = random_parameters(groups_of(n, group));
    for (bool stream : {false, true}) {
      now("dequantize%u, groups of %zu, %zu values, stream %d", kBits, group, n, stream);
      compare({input(levels), input(p.scales), input(p.mins)}, {{n * sizeof(float), sizeof(float)}},
              [=](const Kernels &k, const Places &in, const Places &out) {
                (kBits == 4 ? k.dequantize4 : k.dequantize8)(in.bytes(0), in.floats(1), in.floats(2), group, n, stream,
                                                             out.floats(0));
                return 1;
              });
    }
  });
}

template <uint32_t kBits>
void dequantize_to_16() {
  each_shape([](size_t group, size_t n) {
    const auto levels = random_bytes(level_bytes(n, kBits));
    auto p = random_parameters(groups_of(n, group));
    const float unit = std::ldexp(1.0f, static_cast<int>(below(40)) - 24);  // beyond the range of F16 at either end
    for (float &scale : p.scales) scale *= unit;
    for (float &min : p.mins) min *= unit;
    for (int32_t dtype : {INFERMEM_DTYPE_F16, INFERMEM_DTYPE_BF16}) {
      const bool stream = below(2) != 0;
      now("dequantize%u to type %d, groups of %zu, %zu values, stream %d", kBits, dtype, group, n, stream);
      compare({input(levels), input(p.scales), input(p.mins)}, {{n * sizeof(uint16_t), sizeof(uint16_t)}},
              [=](const Kernels &k, const Places &in, const Places &out) {
                (kBits == 4 ? k.dequantize4_to_16 : k.dequantize8_to_16)(dtype, in.bytes(0), in.floats(1), in.floats(2),
                                                                         group, n, stream, out.halves(0));
                return 1;
              });
    }
  });
}

template <uint32_t kBits>
void compare_quantize(const std::vector<float> &values, size_t group) {
  const size_t n = values.size(), parameters = groups_of(n, group) * sizeof(float);
  compare({input(values)}, {{level_bytes(n, kBits), 1}, {parameters, sizeof(float)}, {parameters, sizeof(float)}},
          [=](const Kernels &k, const Places &in, const Places &out) {
            return (kBits == 4 ? k.quantize4 : k.quantize8)(in.floats(0), group, n, out.bytes(0), out.floats(1),
                                                            out.floats(2));
          });
}

const float kNotFinite[] = {HUGE_VALF, -HUGE_VALF, float_of(0x7fc00000), float_of(0xffc00000), float_of(0x7f800001)};

template <uint32_t kBits>
void quantize() {
  each_shape([](size_t group, size_t n) {
    now("quantize%u, groups of %zu, %zu values", kBits, group, n);
    compare_quantize<kBits>(random_values(n, group), group);
  });
  for (size_t group : {8u, 16u, 32u, 64u, 96u, 128u}) {
    for (size_t n : {group - 1, group + 3, 17 * group}) {
      auto values = random_values(n, group);
      for (size_t at = 0; at < n; at += 1 + n / 60) {
        now("quantize%u, groups of %zu, %zu values, value %zu not finite", kBits, group, n, at);
        const float before = std::exchange(values[at], kNotFinite[at % 5]);
        compare_quantize<kBits>(values, group);
        values[at] = before;
      }
    }
  }
}

void find_ranges() {
  each_shape([](size_t group, size_t n) {
    const size_t groups = groups_of(n, group), bytes = groups * sizeof(float);
    const std::vector<double> equal(groups);  // a maximum of 0 may have either sign
    now("find_ranges, groups of %zu, %zu values", group, n);
    auto values = random_values(n, group);
    const auto call = [=](const Kernels &k, const Places &in, const Places &out) {
      return k.find_ranges(in.floats(0), group, n, out.floats(0), out.floats(1));
    };
    compare({input(values)}, {{bytes, sizeof(float)}, {bytes, sizeof(float), &equal}}, call);
    if (n == 0) return;
    values[below(n)] = kNotFinite[n % 5];
    compare({input(values)}, {{bytes, sizeof(float)}, {bytes, sizeof(float), &equal}}, call);
  });
}

template <uint32_t kBits>
void find_levels() {
  each_shape([](size_t group, size_t n) {
    const reference::Levels form = {kBits, below(2) != 0};
    now("find_levels%u, groups of %zu, %zu values, zero %u", kBits, group, n, form.zero());
    auto values = random_values(n, group);
    Parameters p = {std::vector<float>(groups_of(n, group)), std::vector<float>(groups_of(n, group))};
    for (size_t i = 0, g = 0; i < n; i += group, ++g) {
      const size_t count = std::min(group, n - i);
      reference::Range range = reference::find_range(&values[i], count);
      if (form.symmetric) range = {0.0f, std::max(-range.min, range.max)};
      p.mins[g] = range.min;
      p.scales[g] = (range.max - range.min) / form.top();
      if (p.scales[g] >= FLT_MIN && p.scales[g] <= FLT_MAX) continue;
      fill(&values[i], count, 0);  // ordinary values, from 0 to 1
      for (size_t j = i; j < i + count; ++j) values[j] = std::fabs(values[j]);
      p.mins[g] = 0.0f;
      p.scales[g] = 1.0f / form.top();
    }
    compare({input(values), input(p.scales), input(p.mins)}, {{level_bytes(n, kBits), 1}},
            [=](const Kernels &k, const Places &in, const Places &out) {
              (kBits == 4 ? k.find_levels4 : k.find_levels8)(in.floats(0), group, n, in.floats(1), in.floats(2),
                                                             form.zero(), out.bytes(0));
              return 1;
            });
  });
}

void compare_activate(const std::vector<float> &values) {
  const size_t n = values.size(), blocks = groups_of(n, Activations::kBlock);
  compare({input(values)}, {{blocks * Activations::kBlock, 4}, {blocks * 4, 4}, {blocks * 4, 4}},
          [=](const Kernels &k, const Places &in, const Places &out) {
            return k.activate(in.floats(0), n, out.signed_bytes(0), out.floats(1), out.floats(2));
          });
}

void activate() {
  for (size_t n = 0; n <= 600; n += n < 100 ? 1 : 1 + below(5)) {
    auto values = random_values(n, Activations::kBlock);
    now("activate, %zu values", n);
    compare_activate(values);
    if (n == 0) continue;
    const size_t at = below(n);
    now("activate, %zu values, value %zu not finite", n, at);
    values[at] = kNotFinite[n % 5];
    compare_activate(values);
  }
}

void find_not_finite() {
  for (size_t n = 0; n <= 300; ++n) {
    auto values = random_values(n, 32);
    for (size_t at = 0; at <= n; at += 1 + n / 20) {
      now("find_not_finite, %zu values, value %zu not finite", n, at);
      const float before = at == n ? 0 : std::exchange(values[at], kNotFinite[at % 5]);
      compare({input(values)}, {},
              [=](const Kernels &k, const Places &in, const Places &) { return k.find_not_finite(in.floats(0), n); });
      if (at != n && at % 2 == 0) values[at] = before;  // else one more remains
    }
  }
}

void compare_f16_to_f32(const std::vector<uint16_t> &halves) {
  const size_t n = halves.size();
  now("f16_to_f32, %zu values", n);
  compare({{halves.data(), 2 * n, 1}}, {{n * sizeof(float), sizeof(float)}},
          [=](const Kernels &k, const Places &in, const Places &out) {
            k.f16_to_f32(in.bytes(0), n, out.floats(0));
            return 1;
          });
}

void compare_f32_to_f16(const std::vector<float> &values) {
  const size_t n = values.size();
  now("f32_to_f16, %zu values", n);
  compare({input(values)}, {{2 * n, 1}}, [=](const Kernels &k, const Places &in, const Places &out) {
    k.f32_to_f16(in.floats(0), n, out.bytes(0));
    return 1;
  });
}

// Every type that can be decoded; infinities, too, but no NaN, of which the sign may differ.
void decode() {
  for (const Stored &type : kStored) {
    for (size_t blocks = 0; blocks <= 40; ++blocks) {
      const size_t n = blocks * type.elements;
      now("decode, type %s, %zu values", type.name, n);
      compare({input(random_blocks(type, blocks, HUGE_VALF))}, {{n * sizeof(float), sizeof(float)}},
              [&](const Kernels &k, const Places &in, const Places &out) {
                k.decode(type.dtype, in.bytes(0), n, out.floats(0));
                return 1;
              });
    }
  }
}

// All of them; and of the floats each half, what lies in the middle of it and the next one, and what is beside that.
void halves() {
  std::vector<uint16_t> all(65536);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  compare_f16_to_f32(all);
  for (size_t n = 0; n <= 300; ++n) compare_f16_to_f32({all.begin(), all.begin() + static_cast<ptrdiff_t>(n)});
  std::vector<float> floats(65536);
  for (uint32_t offset : {0u, 0x0fffu, 0x1000u, 0x1001u}) {
    for (size_t i = 0; i < all.size(); ++i) floats[i] = float_of(bits_of(f16_to_f32(all[i])) + offset);
    compare_f32_to_f16(floats);
  }
  for (float &value : floats) value = std::ldexp(uniform(), static_cast<int>(below(20)) - 30);  // denormal halves
  compare_f32_to_f16(floats);
  for (size_t n = 0; n <= 300; ++n) {
    std::vector<float> values(n);
    for (float &value : values) value = any_bits();
    compare_f32_to_f16(values);
  }
}

}  // namespace
}  // namespace infermem

int main() {
  using namespace infermem;
  run_all({{"dequantize4", dequantize<4>},
           {"dequantize8", dequantize<8>},
           {"dequantize4_to_16", dequantize_to_16<4>},
           {"dequantize8_to_16", dequantize_to_16<8>},
           {"quantize4", quantize<4>},
           {"quantize8", quantize<8>},
           {"find_ranges", find_ranges},
           {"find_levels4", find_levels<4>},
           {"find_levels8", find_levels<8>},
           {"activate", activate},
           {"find_not_finite", find_not_finite},
           {"decode", decode},
           {"f16", halves}});
}
