// The kernels of activation counts for SSE4, AVX2 and NEON; see kernels_highway.cc for how it is compiled.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3 | HWY_AVX3_DL)
#define HWY_WANT_SSE4 1
#define HWY_COMPILE_ALL_ATTAINABLE
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/counts_highway.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include "simd/counts.hh"

HWY_BEFORE_NAMESPACE();
namespace infermem {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_NEON
namespace hn = hwy::HWY_NAMESPACE;

using U = hn::ScalableTag<uint32_t>;
using F = hn::RebindToFloat<U>;
constexpr size_t kLanes = HWY_LANES(uint32_t);
constexpr uint32_t kWord = 64;  // bits
constexpr uint8_t kAll = static_cast<uint8_t>((1u << kLanes) - 1);

// The mask of the low bits of a byte, one a lane.
HWY_INLINE hn::Mask<U> mask_of(uint64_t bits) {
  uint8_t bytes[8] = {static_cast<uint8_t>(bits & kAll)};
  return hn::LoadMaskBits(U(), bytes);
}

HWY_INLINE uint64_t bits_of(hn::Mask<U> mask) {
  uint8_t bytes[8] = {};
  hn::StoreMaskBits(U(), mask, bytes);
  return bytes[0];
}

HWY_INLINE void add(hn::Mask<U> active, hn::Vec<U> weight, uint32_t *counts) {
  const auto have = hn::LoadU(U(), counts);
  const auto more = hn::Min(hn::IfThenElseZero(active, weight), hn::Not(have));
  hn::StoreU(hn::Add(have, more), U(), counts);
}

void add_mask(const uint8_t *mask, size_t n, uint32_t weight, uint32_t *counts) {
  const auto w = hn::Set(U(), weight);
  size_t at = 0;
  for (; at + 8 <= n; at += 8)
    for (size_t i = 0; i < 8; i += kLanes) add(mask_of(static_cast<uint64_t>(mask[at / 8]) >> i), w, counts + at + i);
  counts_reference.add_mask(mask + at / 8, n - at, weight, counts + at);
}

size_t add_values(const float *values, size_t n, float cutoff, uint32_t weight, uint32_t *counts) {
  const auto w = hn::Set(U(), weight);
  const auto limit = hn::Set(F(), cutoff);
  size_t nans = 0, at = 0;
  for (; at + kLanes <= n; at += kLanes) {
    const auto v = hn::LoadU(F(), values + at);
    nans += kLanes - hn::CountTrue(F(), hn::Eq(v, v));
    add(hn::RebindMask(U(), hn::Gt(hn::Abs(v), limit)), w, counts + at);
  }
  return nans + counts_reference.add_values(values + at, n - at, cutoff, weight, counts + at);
}

uint32_t largest(const uint32_t *values, size_t n) {
  auto most = hn::Zero(U());
  size_t at = 0;
  for (; at + kLanes <= n; at += kLanes) most = hn::Max(most, hn::LoadU(U(), values + at));
  const uint32_t one = hn::GetLane(hn::MaxOfLanes(U(), most)), other = counts_reference.largest(values + at, n - at);
  return one > other ? one : other;
}

void count_above(const uint32_t *values, size_t n, const uint32_t *limits, size_t *out) {
  const auto a = hn::Set(U(), limits[0]), b = hn::Set(U(), limits[1]), c = hn::Set(U(), limits[2]);
  auto n_a = hn::Zero(U()), n_b = n_a, n_c = n_a;
  size_t at = 0;
  for (; at + kLanes <= n; at += kLanes) {  // a mask is -1 where it holds
    const auto v = hn::LoadU(U(), values + at);
    n_a = hn::Sub(n_a, hn::VecFromMask(U(), hn::Gt(v, a)));
    n_b = hn::Sub(n_b, hn::VecFromMask(U(), hn::Gt(v, b)));
    n_c = hn::Sub(n_c, hn::VecFromMask(U(), hn::Gt(v, c)));
  }
  counts_reference.count_above(values + at, n - at, limits, out);
  out[0] += hn::GetLane(hn::SumOfLanes(U(), n_a));
  out[1] += hn::GetLane(hn::SumOfLanes(U(), n_b));
  out[2] += hn::GetLane(hn::SumOfLanes(U(), n_c));
}

uint32_t split(const uint32_t *values, uint32_t n, const Split &by, uint64_t *bits, uint32_t *first, uint32_t *second) {
  const auto above = hn::Set(U(), by.above), ties = hn::Set(U(), by.ties_before);
  const auto stays = hn::Set(U(), by.stays_above), step = hn::Set(U(), static_cast<uint32_t>(kLanes));
  auto index = hn::Iota(U(), 0);
  uint32_t n_first = 0, n_second = 0, base = 0;
  for (; base + kWord <= n; base += kWord) {
    const uint64_t was = bits[base / kWord];
    uint64_t word = 0;
    for (uint32_t i = 0; i < kWord; i += static_cast<uint32_t>(kLanes)) {
      const auto v = hn::LoadU(U(), values + base + i);
      const auto is_tie = hn::And(hn::Eq(v, above), hn::Lt(index, ties));
      const auto stays_in = hn::And(mask_of(was >> i), hn::Gt(v, stays));
      const auto is = hn::Or(hn::Gt(v, above), hn::Or(is_tie, stays_in));
      word |= bits_of(is) << i;
      // Whole registers, of which the next store overwrites what does not count.
      hn::StoreU(hn::Compress(index, is), U(), first + n_first);
      hn::StoreU(hn::Compress(index, hn::Not(is)), U(), second + n_second);
      const auto count = static_cast<uint32_t>(hn::CountTrue(U(), is));
      n_first += count;
      n_second += static_cast<uint32_t>(kLanes) - count;
      index = hn::Add(index, step);
    }
    bits[base / kWord] = word;
  }
  return split_rest(values, base, n, n_first, by, bits, first, second);
}

constexpr CountKernels make_counts() { return {add_at_plain, add_mask, add_values, largest, count_above, split}; }

#endif
}  // namespace HWY_NAMESPACE
}  // namespace infermem
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace infermem {
#ifdef __x86_64__
const CountKernels counts_sse4 = N_SSE4::make_counts();
const CountKernels counts_avx2 = N_AVX2::make_counts();
#elif defined(__aarch64__)
const CountKernels counts_neon = N_NEON::make_counts();
#endif
}  // namespace infermem
#endif
