// The kernels of stored keys and values of every table against the plain table's; see kernels_test.cc.
#include <utility>

#include "compare.hh"

namespace infermem {
namespace {

constexpr size_t kBlock = 32;

// A block of a kind that a shortcut may be wrong for. Mostly what can be stored.
void fill_block(float *v) {
  const float scale = std::ldexp(1.0f, static_cast<int>(below(28)) - 25);
  const size_t kind = below(13);
  for (size_t i = 0; i < kBlock; ++i) {
    switch (kind) {
      case 0:  // levels and halves of them
        v[i] = static_cast<float>(static_cast<int>(below(511)) - 255) * 0.5f * scale;
        break;
      case 1:  // opposite extremes, in either order
        v[i] = i % 5 == 0 ? (below(2) != 0 ? scale : -scale) : uniform() * scale;
        break;
      case 2:  // zeros of both signs among positive values
        v[i] = below(3) == 0 ? (below(2) != 0 ? 0.0f : -0.0f) : std::fabs(uniform()) * scale;
        break;
      case 3:
        v[i] = below(2) != 0 ? 0.0f : -0.0f;
        break;
      case 4:  // denormal
        v[i] = float_of(static_cast<uint32_t>(random_bits()) & 0x807fffffu);
        break;
      case 5:  // about where the inverse of a scale overflows
        v[i] = std::ldexp(uniform(), static_cast<int>(below(8)) - 126);
        break;
      case 6:  // a scale that is a denormal F16
        v[i] = std::ldexp(uniform(), -14);
        break;
      case 7:
        v[i] = i == 0 ? uniform() * scale : v[0];
        break;
      case 8:  // an outlier
        v[i] = i == kBlock / 2 ? 1000.0f * scale : uniform() * scale;
        break;
      case 9:  // near the largest, and maybe beyond it
        v[i] = uniform() * (below(20) == 0 ? 65521.0f : 65000.0f);
        break;
      default:
        v[i] = uniform() * scale;
    }
  }
}

std::vector<float> random_blocks(size_t n) {
  std::vector<float> values(n * kBlock);
  for (size_t i = 0; i < n; ++i) fill_block(&values[i * kBlock]);
  return values;
}

template <bool (*StoredKernels::*kConvert)(const float *, size_t, void *), size_t kBytes>
void to_blocks() {
  const auto compare_values = [](const std::vector<float> &values) {
    const size_t n = values.size();
    compare({input(values)}, {{n / kBlock * kBytes, 1}}, [=](const Kernels &k, const Places &in, const Places &out) {
      return (k.stored->*kConvert)(in.floats(0), n, out.bytes(0));
    });
  };
  for (size_t n = 0; n <= 70; ++n) {
    for (int times = 0; times < 20; ++times) {
      now("%zu blocks of %zu bytes", n, kBytes);
      auto values = random_blocks(n);
      compare_values(values);
      if (n == 0) break;
      static const float kLargest[] = {65520.0f * 127, 65520.0f * 8, 65520.0f};
      static const float kBad[] = {HUGE_VALF, -HUGE_VALF, float_of(0x7fc00000), float_of(0x7f800001), FLT_MAX};
      const size_t at = below(values.size());
      now("%zu blocks of %zu bytes, value %zu too large", n, kBytes, at);
      float bad = kBad[below(5)];
      if (below(2) != 0) bad = -std::nextafter(kLargest[below(3)], below(2) != 0 ? 0.0f : FLT_MAX);
      values[at] = bad;
      compare_values(values);
    }
  }
}

void to_levels() {
  for (size_t block : {32u, 256u}) {
    for (size_t blocks = 0; blocks <= 12; ++blocks) {
      for (int times = 0; times < 30; ++times) {
        const size_t n = blocks * block;
        now("to_levels, %zu blocks of %zu", blocks, block);
        auto values = random_values(n, block);
        for (size_t i = 0; i < n; i += block) {
          if (below(4) != 0) continue;
          // About the least magnitude; or of scale 1, and as near to halves as can be.
          const bool is_small = below(2) != 0;
          for (size_t j = i; j < i + block; ++j) {
            const float half = static_cast<float>(static_cast<int>(below(253)) - 126) + 0.5f;
            values[j] = is_small ? std::nextafter(1e-10f, below(2) != 0 ? 0.0f : 1.0f) * (below(2) != 0 ? 1.0f : -1.0f)
                                 : std::nextafter(half, below(2) != 0 ? -1000.0f : 1000.0f);
          }
          if (!is_small) values[i + below(block)] = 127.0f;
        }
        compare({input(values)}, {{n, 1}, {blocks * 4, 4}}, [=](const Kernels &k, const Places &in, const Places &out) {
          k.stored->to_levels(in.floats(0), block, n, out.signed_bytes(0), out.floats(1));
          return 1;
        });
        if (n == 0) break;
      }
    }
  }
}

void bf16() {
  for (size_t n = 0; n <= 300; ++n) {
    now("bf16, %zu values", n);
    std::vector<float> values(n);
    for (float &value : values) value = below(4) != 0 ? any_bits() : float_of(bits_of(any_bits()) | 0x7f800000u);
    if (n > 2) values[below(n)] = float_of(0x3f808000), values[below(n)] = float_of(0x3f818000);
    compare({input(values)}, {{2 * n, 1}}, [=](const Kernels &k, const Places &in, const Places &out) {
      k.stored->to_bf16(in.floats(0), n, out.bytes(0));
      return 1;
    });
    const auto halves = random_bytes(2 * n);
    compare({input(halves)}, {{4 * n, 4}}, [=](const Kernels &k, const Places &in, const Places &out) {
      k.stored->from_bf16(in.bytes(0), n, out.floats(0));
      return 1;
    });
  }
}

void all_below() {
  for (size_t n = 0; n <= 200; ++n) {
    auto values = random_values(n, kBlock);
    for (float &value : values) value = std::fmod(value, 7.0f);
    for (size_t at = 0; at <= n; ++at) {
      static const float kNot[] = {7.0f, -7.0f, HUGE_VALF, -HUGE_VALF, float_of(0xffc00000), float_of(0x7f800001)};
      now("all_below, %zu values, value %zu not", n, at);
      const float before = at == n ? 0.0f : std::exchange(values[at], kNot[at % 6]);
      const bool wanted = at == n;
      compare({input(values)}, {}, [=](const Kernels &k, const Places &in, const Places &) {
        const bool got = k.stored->all_below(in.floats(0), n, 7.0f);
        if (got != wanted) differ(k, "says %d", got);
        return 1;
      });
      if (at != n) values[at] = before;
    }
  }
}

void rotate() {
  for (size_t run = 2; run <= 1024; run *= 2) {
    for (size_t n = 0; n <= 3 * 1024; n += run < 64 ? 17 * run : run) {
      now("rotate, runs of %zu, %zu values", run, n);
      std::vector<float> values(n);
      for (float &value : values) value = uniform();
      compare({input(values)}, {{n * sizeof(float), 4}}, [=](const Kernels &k, const Places &in, const Places &out) {
        if (n != 0) std::memcpy(out.bytes(0), in.bytes(0), n * sizeof(float));
        k.stored->rotate(out.floats(0), n, run);
        return 1;
      });
    }
  }
}

void stream() {
  for (size_t n = 0; n <= 400; ++n) {
    now("stream, %zu bytes", n);
    const auto bytes = random_bytes(n);
    compare({input(bytes)}, {{n, 1}}, [=](const Kernels &k, const Places &in, const Places &out) {
      k.stored->stream(in.bytes(0), n, out.bytes(0));
      fence_streams();
      return 1;
    });
  }
}

}  // namespace
}  // namespace infermem

int main() {
  using namespace infermem;
  run_all({{"to_q8_0", to_blocks<&StoredKernels::to_q8_0, 34>},
           {"to_q4_0", to_blocks<&StoredKernels::to_q4_0, 18>},
           {"to_q4_1", to_blocks<&StoredKernels::to_q4_1, 20>},
           {"to_levels", to_levels},
           {"bf16", bf16},
           {"all_below", all_below},
           {"rotate", rotate},
           {"stream", stream}});
}
