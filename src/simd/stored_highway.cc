// The kernels of stored keys and values for SSE4, AVX2 and NEON; see kernels_highway.cc for how it is compiled.
//
// A block whose scale is so small that its inverse overflows, and one whose parameter depends on which of several values
// comes first, goes to the plain code.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3 | HWY_AVX3_DL)
#define HWY_WANT_SSE4 1
#define HWY_COMPILE_ALL_ATTAINABLE
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/stored_highway.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include <cfloat>
#include <cmath>
#include <cstring>

#include "infermem/dtype.h"
#include "simd/blocks.hh"
#include "simd/reference.hh"
#include "simd/stored.hh"

HWY_BEFORE_NAMESPACE();
namespace infermem {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_NEON
namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
using I = hn::RebindToSigned<F>;
using U = hn::RebindToUnsigned<F>;
using SignedBytes = hn::Rebind<int8_t, F>;
using Bytes = hn::Rebind<uint8_t, F>;
using Sixteen = hn::FixedTag<uint8_t, 16>;
using Eight = hn::FixedTag<uint16_t, 8>;
constexpr size_t kLanes = HWY_LANES(float);
constexpr size_t kBlock = 32;               // elements of a block of any type here
constexpr float kTooLarge = 65520.0f;       // is rounded to infinity as an F16
constexpr float kAlmostHalf = 0.49999997f;  // a sum with it reaches the next integer from a half on, and not before

bool to_q8_0(const float *in, size_t n, void *out) {
  auto *block = static_cast<blocks::Q8_0 *>(out);
  const auto almost_half = hn::Set(F(), kAlmostHalf);
  for (const float *end = in + n; in != end; in += kBlock, ++block) {
    // Compared as integers, magnitudes keep their order, and NaN and infinity are the largest.
    auto farthest = hn::Zero(I());
    for (size_t i = 0; i < kBlock; i += kLanes)
      farthest = hn::Max(farthest, hn::BitCast(I(), hn::Abs(hn::LoadU(F(), in + i))));
    const float scale = float_of(static_cast<uint32_t>(hn::GetLane(hn::MaxOfLanes(I(), farthest)))) / 127.0f;
    if (HWY_UNLIKELY(!(scale < kTooLarge))) return false;
    const float per_level = scale != 0.0f ? 1.0f / scale : 0.0f;
    if (HWY_UNLIKELY(per_level > FLT_MAX)) {
      blocks::encode(in, block);
      continue;
    }
    block->scale.set(scale);
    for (size_t i = 0; i < kBlock; i += kLanes) {
      const auto x = hn::Mul(hn::LoadU(F(), in + i), hn::Set(F(), per_level));
      const auto level = hn::ConvertTo(I(), hn::Add(x, hn::CopySign(almost_half, x)));
      hn::StoreU(hn::DemoteTo(SignedBytes(), level), SignedBytes(), block->levels + i);
    }
  }
  return true;
}

void to_levels(const float *in, size_t block, size_t n, int8_t *levels, float *scales) {
  const auto almost_half = hn::Set(F(), kAlmostHalf);
  for (const float *end = in + n; in != end; in += block, levels += block) {
    auto farthest = hn::Zero(F());
    for (size_t i = 0; i < block; i += kLanes) farthest = hn::Max(farthest, hn::Abs(hn::LoadU(F(), in + i)));
    const float magnitude = hn::GetLane(hn::MaxOfLanes(F(), farthest));
    const float scale = (magnitude > kLeastMagnitude ? magnitude : 1.0f) / 127.0f;
    for (size_t i = 0; i < block; i += kLanes) {
      const auto x = hn::Div(hn::LoadU(F(), in + i), hn::Set(F(), scale));
      const auto level = hn::ConvertTo(I(), hn::Add(x, hn::CopySign(almost_half, x)));
      hn::StoreU(hn::DemoteTo(SignedBytes(), level), SignedBytes(), levels + i);
    }
    *scales++ = scale;
  }
}

struct Extremes {
  float min, max;
  bool finite;
};

HWY_INLINE Extremes extremes_of(const float *in) {
  const auto zero = hn::Zero(F());
  auto lows = hn::LoadU(F(), in), highs = lows;
  auto zeros = hn::Mul(lows, zero);  // NaN, and for good, as soon as a value is NaN or infinite
  for (size_t i = kLanes; i < kBlock; i += kLanes) {
    const auto v = hn::LoadU(F(), in + i);
    lows = hn::Min(lows, v);
    highs = hn::Max(highs, v);
    zeros = hn::MulAdd(v, zero, zeros);
  }
  return {hn::GetLane(hn::MinOfLanes(F(), lows)), hn::GetLane(hn::MaxOfLanes(F(), highs)),
          hn::AllTrue(F(), hn::Eq(zeros, zero))};
}

// (value - min) * per_level + half, cut to integers of at most 15, in nibbles: the first sixteen low.
HWY_INLINE void put_nibbles(const float *in, float min, float per_level, float half, uint8_t *nibbles) {
  HWY_ALIGN uint8_t bytes[kBlock];
  for (size_t i = 0; i < kBlock; i += kLanes) {
    const auto from_min = hn::Sub(hn::LoadU(F(), in + i), hn::Set(F(), min));
    const auto x = hn::Add(hn::Mul(from_min, hn::Set(F(), per_level)), hn::Set(F(), half));
    const auto level = hn::Min(hn::ConvertTo(I(), x), hn::Set(I(), 15));
    hn::StoreU(hn::DemoteTo(Bytes(), level), Bytes(), bytes + i);
  }
  const auto low = hn::Load(Sixteen(), bytes);
  const auto high = hn::ShiftLeft<4>(hn::BitCast(Eight(), hn::Load(Sixteen(), bytes + 16)));
  hn::StoreU(hn::Or(low, hn::BitCast(Sixteen(), high)), Sixteen(), nibbles);
}

bool to_q4_0(const float *in, size_t n, void *out) {
  auto *block = static_cast<blocks::Q4_0 *>(out);
  for (const float *end = in + n; in != end; in += kBlock, ++block) {
    const Extremes e = extremes_of(in);
    const float scale = (e.max > -e.min ? e.max : e.min) / -8.0f;
    if (HWY_UNLIKELY(!e.finite || !(std::fabs(scale) < kTooLarge))) return false;
    const float per_level = 1.0f / scale;
    // Of two that are as far from 0 the first counts.
    if (HWY_UNLIKELY(e.max == -e.min || !(std::fabs(per_level) <= FLT_MAX))) {
      blocks::encode(in, block);
      continue;
    }
    block->scale.set(scale);
    put_nibbles(in, 0.0f, per_level, 8.5f, block->levels);
  }
  return true;
}

bool to_q4_1(const float *in, size_t n, void *out) {
  auto *block = static_cast<blocks::Q4_1 *>(out);
  for (const float *end = in + n; in != end; in += kBlock, ++block) {
    const Extremes e = extremes_of(in);
    const float scale = (e.max - e.min) / 15.0f;
    if (HWY_UNLIKELY(!e.finite || !(scale < kTooLarge) || !(std::fabs(e.min) < kTooLarge))) return false;
    const float per_level = scale != 0.0f ? 1.0f / scale : 0.0f;
    // Of zeros the first one's sign counts.
    if (HWY_UNLIKELY(e.min == 0.0f || per_level > FLT_MAX)) {
      blocks::encode(in, block);
      continue;
    }
    block->scale.set(scale);
    block->min.set(e.min);
    put_nibbles(in, e.min, per_level, 0.5f, block->levels);
  }
  return true;
}

void to_bf16(const float *in, size_t n, void *out) {
  const hn::Rebind<uint16_t, F> d16;
  auto *to = static_cast<unsigned char *>(out);
  const auto almost_half = hn::Set(U(), 0x7fffu), one = hn::Set(U(), 1u), quiet = hn::Set(U(), 0x40u);
  HWY_ALIGN uint16_t halves[kLanes];
  size_t at = 0;
  for (; at + kLanes <= n; at += kLanes) {
    const auto v = hn::LoadU(F(), in + at);
    const auto bits = hn::BitCast(U(), v), upper = hn::ShiftRight<16>(bits);
    const auto rounded = hn::ShiftRight<16>(hn::Add(hn::Add(bits, almost_half), hn::And(upper, one)));
    const auto is_number = hn::RebindMask(U(), hn::Eq(v, v));
    const auto half = hn::BitCast(I(), hn::IfThenElse(is_number, rounded, hn::Or(upper, quiet)));
    hn::Store(hn::DemoteTo(d16, half), d16, halves);
    hwy::CopyBytes<sizeof halves>(halves, to + 2 * at);
  }
  reference::encode(INFERMEM_DTYPE_BF16, in + at, n - at, to + 2 * at);
}

void from_bf16(const void *in, size_t n, float *out) {
  const hn::Rebind<uint16_t, F> d16;
  const auto *from = static_cast<const unsigned char *>(in);
  HWY_ALIGN uint16_t halves[kLanes];
  size_t at = 0;
  for (; at + kLanes <= n; at += kLanes) {
    hwy::CopyBytes<sizeof halves>(from + 2 * at, halves);
    const auto bits = hn::ShiftLeft<16>(hn::PromoteTo(U(), hn::Load(d16, halves)));
    hn::StoreU(hn::BitCast(F(), bits), F(), out + at);
  }
  reference::decode(INFERMEM_DTYPE_BF16, from + 2 * at, n - at, out + at);
}

bool all_below(const float *values, size_t n, float limit) {
  auto farthest = hn::Zero(I());
  size_t at = 0;
  for (; at + kLanes <= n; at += kLanes)
    farthest = hn::Max(farthest, hn::BitCast(I(), hn::Abs(hn::LoadU(F(), values + at))));
  const float magnitude = float_of(static_cast<uint32_t>(hn::GetLane(hn::MaxOfLanes(I(), farthest))));
  return magnitude < limit && stored_reference.all_below(values + at, n - at, limit);
}

// Sums where negate has no sign bit, differences where it has: adding what is negated is subtracting it.
HWY_INLINE hn::Vec<F> butterfly(hn::Vec<F> v, hn::Vec<F> swapped, hn::Vec<F> negate) {
  return hn::Add(swapped, hn::Xor(v, negate));
}

void rotate(float *values, size_t n, size_t run) {
  if (run < kLanes) return stored_reference.rotate(values, n, run);
  const auto scale = hn::Set(F(), 1.0f / std::sqrt(static_cast<float>(run)));
  const auto lane = hn::Iota(U(), 0);
  const auto negate1 = hn::BitCast(F(), hn::ShiftLeft<31>(lane));
  const auto negate2 = hn::BitCast(F(), hn::ShiftLeft<31>(hn::ShiftRight<1>(lane)));
  const auto negate4 = hn::BitCast(F(), hn::ShiftLeft<31>(hn::ShiftRight<2>(lane)));
  for (size_t i = 0; i < n; i += kLanes) {
    auto v = hn::Mul(hn::LoadU(F(), values + i), scale);
    v = butterfly(v, hn::Shuffle2301(v), negate1);
    v = butterfly(v, hn::Shuffle1032(v), negate2);
    if (kLanes > 4) v = butterfly(v, hn::ConcatLowerUpper(F(), v, v), negate4);
    hn::StoreU(v, F(), values + i);
  }
  for (size_t half = kLanes; half < run; half *= 2) {
    for (float *x = values; x != values + n; x += 2 * half) {
      for (size_t i = 0; i < half; i += kLanes) {
        const auto a = hn::LoadU(F(), x + i), b = hn::LoadU(F(), x + i + half);
        hn::StoreU(hn::Add(a, b), F(), x + i);
        hn::StoreU(hn::Sub(a, b), F(), x + i + half);
      }
    }
  }
}

void stream(const void *in, size_t bytes, void *out) {
  constexpr size_t kStep = kLanes * sizeof(float);
  const auto *from = static_cast<const unsigned char *>(in);
  auto *to = static_cast<unsigned char *>(out);
  const size_t odd = (kStep - reinterpret_cast<uintptr_t>(to) % kStep) % kStep, head = HWY_MIN(odd, bytes);
  std::memcpy(to, from, head);
  const hn::ScalableTag<uint8_t> d;
  size_t at = head;
  for (; at + kStep <= bytes; at += kStep) hn::Stream(hn::LoadU(d, from + at), d, to + at);
  std::memcpy(to + at, from + at, bytes - at);
}

constexpr StoredKernels make_stored() {
  return {to_q8_0, to_q4_0, to_q4_1, to_levels, to_bf16, from_bf16, all_below, rotate, stream};
}

#endif
}  // namespace HWY_NAMESPACE
}  // namespace infermem
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace infermem {
#ifdef __x86_64__
const StoredKernels stored_sse4 = N_SSE4::make_stored();
const StoredKernels stored_avx2 = N_AVX2::make_stored();
#elif defined(__aarch64__)
const StoredKernels stored_neon = N_NEON::make_stored();
#endif
}  // namespace infermem
#endif
