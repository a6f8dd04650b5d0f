// The kernels for SSE4, AVX2 and NEON, written once: Highway compiles the part between its namespace macros for each.
//
// What is rare goes to the plain code a group at a time: groups that are short or of an odd size, and those whose range
// overflows or whose scale is denormal.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3 | HWY_AVX3_DL)
#define HWY_WANT_SSE4 1
#define HWY_COMPILE_ALL_ATTAINABLE  // those below what the compiler's flags assume, too
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/kernels_highway.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include <cfloat>

#include "infermem/dtype.h"
#include "simd/blocks_avx2.hh"
#include "simd/cpu.hh"
#include "simd/float16.hh"
#include "simd/kernels.hh"
#include "simd/products.hh"
#include "simd/products_highway.hh"
#include "simd/reference.hh"

HWY_BEFORE_NAMESPACE();
namespace infermem {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_NEON
namespace hn = hwy::HWY_NAMESPACE;

void decode_blocks(int32_t dtype, const void *stored, size_t n, float *out);  // in blocks_highway.cc

using F = hn::ScalableTag<float>;
using I = hn::RebindToSigned<F>;
using Bytes = hn::Rebind<uint8_t, F>;  // as many bytes as F has floats
using Sixteen = hn::FixedTag<uint8_t, 16>;
using Eight = hn::FixedTag<uint16_t, 8>;
constexpr size_t kLanes = HWY_LANES(float);
constexpr size_t kChunk = 32;  // values handled at once; groups of whole chunks take the fast way

HWY_INLINE bool is_aligned(const void *p) { return reinterpret_cast<uintptr_t>(p) % (kLanes * sizeof(float)) == 0; }

// What levels become: how two registers of values are written, and a group by the plain code.
struct ToF32 {
  using Value = float;
  template <bool kStream>
  static HWY_INLINE void put(hn::Vec<F> a, hn::Vec<F> b, float *out) {
    if (kStream) {
      hn::Stream(a, F(), out);
      hn::Stream(b, F(), out + kLanes);
    } else {
      hn::StoreU(a, F(), out);
      hn::StoreU(b, F(), out + kLanes);
    }
  }
  static void plain(const uint8_t *levels, size_t n, uint32_t bits, float scale, float min, float *out) {
    reference::dequantize_group(levels, n, bits, scale, min, out);
  }
};

// Of finite values.
template <int32_t kType>
struct To16 {
  using Value = uint16_t;
  template <bool kStream>
  static HWY_INLINE void put(hn::Vec<F> a, hn::Vec<F> b, uint16_t *out) {
    const hn::Repartition<uint16_t, F> d;
    const auto halves = hn::Combine(d, half_of(b), half_of(a));
    if (kStream)
      hn::Stream(halves, d, out);
    else
      hn::StoreU(halves, d, out);
  }
  static void plain(const uint8_t *levels, size_t n, uint32_t bits, float scale, float min, uint16_t *out) {
    reference::dequantize_group(levels, n, bits, scale, min, kType, out);
  }

 private:
  using Halves = hn::Rebind<uint16_t, F>;
  static HWY_INLINE hn::Vec<Halves> half_of(hn::Vec<F> v) {
    if (kType == INFERMEM_DTYPE_BF16) {
      const hn::RebindToUnsigned<F> u;
      const auto bits = hn::BitCast(u, v);
      const auto up = hn::Add(hn::And(hn::ShiftRight<16>(bits), hn::Set(u, 1u)), hn::Set(u, 0x7fffu));
      return hn::DemoteTo(Halves(), hn::BitCast(I(), hn::ShiftRight<16>(hn::Add(bits, up))));
    }
#if HWY_TARGET == HWY_SSE4  // which has no instruction for it
    HWY_ALIGN float values[kLanes];
    HWY_ALIGN uint16_t halves[kLanes];
    hn::Store(v, F(), values);
    for (size_t i = 0; i < kLanes; ++i) halves[i] = infermem::f32_to_f16(values[i]);
    return hn::Load(Halves(), halves);
#else
    return hn::BitCast(Halves(), hn::DemoteTo(hn::Rebind<hwy::float16_t, F>(), v));
#endif
  }
};

// A register of values, of levels one a byte.
HWY_INLINE hn::Vec<F> values_of(const uint8_t *levels, hn::Vec<F> scale, hn::Vec<F> min) {
  const auto level = hn::ConvertTo(F(), hn::PromoteTo(I(), hn::LoadU(Bytes(), levels)));
  return hn::Add(hn::Mul(level, scale), min);
}

// kChunk levels.
template <typename To, bool kStream>
HWY_INLINE void dequantize_chunk(const uint8_t *levels, hn::Vec<F> scale, hn::Vec<F> min, typename To::Value *out) {
  for (size_t i = 0; i < kChunk; i += 2 * kLanes) {
    const auto a = values_of(levels + i, scale, min), b = values_of(levels + i + kLanes, scale, min);
    To::template put<kStream>(a, b, out + i);
  }
}

// kChunk nibbles to bytes.
HWY_INLINE void spread(const uint8_t *nibbles, uint8_t *levels) {
  const Sixteen d;
  const auto mask = hn::Set(d, uint8_t{15});
  const auto packed = hn::LoadU(d, nibbles);
  const auto even = hn::And(packed, mask);
  const auto odd = hn::And(hn::BitCast(d, hn::ShiftRight<4>(hn::BitCast(Eight(), packed))), mask);
  hn::Store(hn::InterleaveLower(d, even, odd), d, levels);
  hn::Store(hn::InterleaveUpper(d, even, odd), d, levels + 16);
}

template <typename To, uint32_t kBits, bool kStream>
HWY_INLINE void dequantize_groups(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n,
                                  typename To::Value *out) {
  constexpr float kTop = (1u << kBits) - 1;
  for (size_t at = 0; at < n; at += group, ++scales, ++mins) {
    const uint8_t *from = levels + at * kBits / 8;
    const float highest = kTop * *scales + *mins;
    if (HWY_UNLIKELY(n - at < group || !(highest - highest == 0.0f))) {  // short, or infinite, or NaN
      To::plain(from, HWY_MIN(group, n - at), kBits, *scales, *mins, out + at);
      continue;
    }
    const auto scale = hn::Set(F(), *scales), min = hn::Set(F(), *mins);
    for (size_t i = 0; i < group; i += kChunk) {
      if (kBits == 8) {
        dequantize_chunk<To, kStream>(from + i, scale, min, out + at + i);
      } else {
        HWY_ALIGN uint8_t bytes[kChunk];
        spread(from + i / 2, bytes);
        dequantize_chunk<To, kStream>(bytes, scale, min, out + at + i);
      }
    }
  }
}

template <typename To, uint32_t kBits>
HWY_INLINE void dequantize_to(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n,
                              bool stream, typename To::Value *out) {
  if (group % kChunk != 0) {
    for (size_t at = 0; at < n; at += group)
      To::plain(levels + at * kBits / 8, HWY_MIN(group, n - at), kBits, *scales++, *mins++, out + at);
  } else if (stream && is_aligned(out)) {
    dequantize_groups<To, kBits, true>(levels, scales, mins, group, n, out);
    hwy::FlushStream();
  } else {
    dequantize_groups<To, kBits, false>(levels, scales, mins, group, n, out);
  }
}

template <uint32_t kBits>
void dequantize(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n, bool stream,
                float *out) {
  dequantize_to<ToF32, kBits>(levels, scales, mins, group, n, stream, out);
}

template <uint32_t kBits>
void dequantize_to_16(int32_t dtype, const uint8_t *levels, const float *scales, const float *mins, size_t group,
                      size_t n, bool stream, uint16_t *out) {
  if (dtype == INFERMEM_DTYPE_F16)
    dequantize_to<To16<INFERMEM_DTYPE_F16>, kBits>(levels, scales, mins, group, n, stream, out);
  else
    dequantize_to<To16<INFERMEM_DTYPE_BF16>, kBits>(levels, scales, mins, group, n, stream, out);
}

// kChunk levels in bytes to nibbles.
HWY_INLINE void pack(const uint8_t *levels, uint8_t *nibbles) {
  const Eight d;
  const auto low_byte = hn::Set(d, uint16_t{0xff});
  for (size_t i = 0; i < kChunk; i += 16) {
    const auto pair = hn::BitCast(d, hn::Load(Sixteen(), levels + i));  // the even level, and 256 times the odd one
    const auto both = hn::And(hn::Or(pair, hn::ShiftRight<4>(pair)), low_byte);
    const hn::RebindToSigned<Eight> signed16;
    const hn::FixedTag<uint8_t, 8> out;
    hn::StoreU(hn::DemoteTo(out, hn::BitCast(signed16, both)), out, nibbles + i / 2);
  }
}

// The range of a group of whole chunks. False when a value is NaN or infinite.
HWY_INLINE bool find_range(const float *values, size_t group, float *min, float *max) {
  auto lows = hn::LoadU(F(), values), highs = lows;
  const auto zero = hn::Zero(F());
  auto zeros = hn::Mul(lows, zero);  // NaN, and for good, as soon as a value is NaN or infinite
  for (size_t i = kLanes; i < group; i += kLanes) {
    const auto v = hn::LoadU(F(), values + i);
    lows = hn::Min(lows, v);
    highs = hn::Max(highs, v);
    zeros = hn::MulAdd(v, zero, zeros);
  }
  *min = hn::GetLane(hn::MinOfLanes(F(), lows)) + 0.0f;  // a minimum of -0 becomes +0
  *max = hn::GetLane(hn::MaxOfLanes(F(), highs));
  return hn::AllTrue(F(), hn::Eq(zeros, zero));
}

// The levels of a group of whole chunks, where none lies beyond the highest.
template <uint32_t kBits, bool kSymmetric>
HWY_INLINE void find_levels(const float *values, size_t group, float scale, float origin, uint8_t *levels) {
  const auto min = hn::Set(F(), origin), divisor = hn::Set(F(), scale);
  // Halves go away from 0: the sum with this number reaches the next integer from a half on, and not before.
  const auto almost_half = hn::Set(F(), 0.49999997f);
  for (size_t i = 0; i < group; i += kChunk) {
    HWY_ALIGN uint8_t bytes[kChunk];
    uint8_t *const chunk = kBits == 8 ? levels + i : bytes;
    for (size_t j = 0; j < kChunk; j += kLanes) {
      const auto x = hn::Div(hn::Sub(hn::LoadU(F(), values + i + j), min), divisor);
      auto level = hn::ConvertTo(I(), hn::Add(x, kSymmetric ? hn::CopySign(almost_half, x) : almost_half));
      if (kSymmetric) level = hn::Add(level, hn::Set(I(), 1 << (kBits - 1)));
      hn::StoreU(hn::DemoteTo(Bytes(), level), Bytes(), chunk + j);
    }
    if (kBits == 4) pack(bytes, levels + i / 2);
  }
}

template <uint32_t kBits>
bool quantize(const float *values, size_t group, size_t n, uint8_t *levels, float *scales, float *mins) {
  constexpr float kTop = (1u << kBits) - 1;
  for (size_t at = 0; at < n; at += group, ++scales, ++mins) {
    const float *from = values + at;
    uint8_t *to = levels + at * kBits / 8;
    if (HWY_UNLIKELY(group % kChunk != 0 || n - at < group)) {
      if (!reference::quantize_group(from, HWY_MIN(group, n - at), kBits, to, scales, mins)) return false;
      continue;
    }
    float low, high;
    const bool is_finite = find_range(from, group, &low, &high);
    const float step = high - low == 0.0f ? 1.0f : (high - low) / kTop;
    if (HWY_UNLIKELY(!(step >= FLT_MIN && step <= FLT_MAX) || !is_finite)) {
      if (!reference::quantize_group(from, group, kBits, to, scales, mins)) return false;
      continue;
    }
    *scales = step;
    *mins = low;
    find_levels<kBits, false>(from, group, step, low, to);
  }
  return true;
}

bool find_ranges(const float *values, size_t group, size_t n, float *mins, float *maxs) {
  const size_t whole = group % kChunk == 0 ? n / group : 0;
  for (size_t g = 0; g < whole; ++g)
    if (!find_range(values + g * group, group, mins + g, maxs + g)) return false;
  return kernels_reference.find_ranges(values + whole * group, group, n - whole * group, mins + whole, maxs + whole);
}

template <uint32_t kBits>
void find_levels(const float *values, size_t group, size_t n, const float *scales, const float *origins, uint32_t zero,
                 uint8_t *levels) {
  const auto plain = kBits == 4 ? kernels_reference.find_levels4 : kernels_reference.find_levels8;
  const size_t whole = group % kChunk == 0 ? n / group : 0;
  const size_t done = whole * group;
  for (size_t g = 0; g < whole; ++g) {
    uint8_t *const to = levels + g * group * kBits / 8;
    if (zero != 0)
      find_levels<kBits, true>(values + g * group, group, scales[g], origins[g], to);
    else
      find_levels<kBits, false>(values + g * group, group, scales[g], origins[g], to);
  }
  plain(values + done, group, n - done, scales + whole, origins + whole, zero, levels + done * kBits / 8);
}

float dot(const float *values, size_t n, const float *x) {
  auto sum0 = hn::Zero(F()), sum1 = sum0;
  size_t at = 0;
  for (; at + 2 * kLanes <= n; at += 2 * kLanes) {
    sum0 = hn::MulAdd(hn::LoadU(F(), values + at), hn::LoadU(F(), x + at), sum0);
    sum1 = hn::MulAdd(hn::LoadU(F(), values + at + kLanes), hn::LoadU(F(), x + at + kLanes), sum1);
  }
  const float sum = hn::GetLane(hn::SumOfLanes(F(), hn::Add(sum0, sum1)));
  return sum + kernels_reference.dot(values + at, n - at, x + at);
}

template <uint32_t kBits>
float dot(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n, const float *x) {
  const auto plain = kBits == 4 ? kernels_reference.dot4 : kernels_reference.dot8;
  if (group % kChunk != 0) return plain(levels, scales, mins, group, n, x);
  auto sum0 = hn::Zero(F()), sum1 = sum0;
  const size_t whole = n - n % group;
  for (size_t at = 0; at < whole; at += group, ++scales, ++mins) {
    const auto scale = hn::Set(F(), *scales), min = hn::Set(F(), *mins);
    for (size_t i = at; i < at + group; i += kChunk) {
      const uint8_t *from = levels + i * kBits / 8;
      HWY_ALIGN uint8_t bytes[kChunk];
      if (kBits == 4) {
        spread(from, bytes);
        from = bytes;
      }
      for (size_t j = 0; j < kChunk; j += 2 * kLanes) {
        const auto a = hn::ConvertTo(F(), hn::PromoteTo(I(), hn::LoadU(Bytes(), from + j)));
        const auto b = hn::ConvertTo(F(), hn::PromoteTo(I(), hn::LoadU(Bytes(), from + j + kLanes)));
        sum0 = hn::MulAdd(hn::MulAdd(a, scale, min), hn::LoadU(F(), x + i + j), sum0);
        sum1 = hn::MulAdd(hn::MulAdd(b, scale, min), hn::LoadU(F(), x + i + j + kLanes), sum1);
      }
    }
  }
  const float sum = hn::GetLane(hn::SumOfLanes(F(), hn::Add(sum0, sum1)));
  return whole == n ? sum : sum + plain(levels + whole * kBits / 8, scales, mins, group, n - whole, x + whole);
}

size_t find_not_finite(const float *values, size_t n) {
  size_t at = 0;
  const auto zero = hn::Zero(F());
  for (; at + 4 * kLanes <= n; at += 4 * kLanes) {
    // x - x is 0 of what is finite, and NaN of the rest
    auto sum = zero;
    for (size_t i = 0; i < 4; ++i) {
      const auto v = hn::LoadU(F(), values + at + i * kLanes);
      sum = hn::Add(sum, hn::Sub(v, v));
    }
    if (HWY_UNLIKELY(!hn::AllTrue(F(), hn::Eq(sum, zero)))) break;
  }
  return at + reference::find_not_finite(values + at, n - at);
}

#if HWY_TARGET != HWY_SSE4  // which has no instruction for it
void f16_to_f32(const void *in, size_t n, float *out) {
  using H = hn::Rebind<hwy::float16_t, F>;
  const auto *from = static_cast<const unsigned char *>(in);
  HWY_ALIGN hwy::float16_t halves[kLanes];
  size_t at = 0;
  for (; at + kLanes <= n; at += kLanes) {
    hwy::CopyBytes<sizeof halves>(from + 2 * at, halves);
    hn::StoreU(hn::PromoteTo(F(), hn::Load(H(), halves)), F(), out + at);
  }
  reference::decode(INFERMEM_DTYPE_F16, from + 2 * at, n - at, out + at);
}

void f32_to_f16(const float *in, size_t n, void *out) {
  using H = hn::Rebind<hwy::float16_t, F>;
  auto *to = static_cast<unsigned char *>(out);
  HWY_ALIGN hwy::float16_t halves[kLanes];
  size_t at = 0;
  for (; at + kLanes <= n; at += kLanes) {
    hn::Store(hn::DemoteTo(H(), hn::LoadU(F(), in + at)), H(), halves);
    hwy::CopyBytes<sizeof halves>(halves, to + 2 * at);
  }
  reference::encode(INFERMEM_DTYPE_F16, in + at, n - at, to + 2 * at);
}
#else
void f16_to_f32(const void *in, size_t n, float *out) { reference::decode(INFERMEM_DTYPE_F16, in, n, out); }
void f32_to_f16(const float *in, size_t n, void *out) { reference::encode(INFERMEM_DTYPE_F16, in, n, out); }
#endif

constexpr Kernels make_table(const char *name, bool (*is_usable)(), decltype(Kernels::dot_blocks_q8) dot_blocks_q8,
                             const StoredKernels *stored, const AttendKernels *attend, const CountKernels *counts) {
  return {name,
          is_usable,
          dequantize<4>,
          dequantize<8>,
          quantize<4>,
          quantize<8>,
          find_ranges,
          find_levels<4>,
          find_levels<8>,
          dot<4>,
          dot<8>,
          dot,
          dot_q8<4>,
          dot_q8<8>,
          packed,
          packed_q8,
          dot_blocks_q8,
          decode_blocks,
          activate,
          find_not_finite,
          f16_to_f32,
          f32_to_f16,
          dequantize_to_16<4>,
          dequantize_to_16<8>,
          stored,
          attend,
          counts};
}

#endif
}  // namespace HWY_NAMESPACE
}  // namespace infermem
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace infermem {
#ifdef __x86_64__
const Kernels kernels_sse4 =
    N_SSE4::make_table("sse4", cpu_has_sse4, reference::dot_blocks_q8, &stored_sse4, &attend_sse4, &counts_sse4);
const Kernels kernels_avx2 =
    N_AVX2::make_table("avx2", cpu_has_avx2, avx2::dot_blocks_q8, &stored_avx2, &attend_avx2, &counts_avx2);
#elif defined(__aarch64__)
const Kernels kernels_neon =
    N_NEON::make_table("neon", cpu_has_neon, reference::dot_blocks_q8, &stored_neon, &attend_neon, &counts_neon);
#endif
}  // namespace infermem
#endif
