// GGML's block types to floats for SSE4, AVX2 and NEON: as kernels_highway.cc, written once. Each value is one product,
// which is exact, or one product and a sum: so the order of the steps below changes no bit of a number.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3 | HWY_AVX3_DL)
#define HWY_WANT_SSE4 1
#define HWY_COMPILE_ALL_ATTAINABLE
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/blocks_highway.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include <initializer_list>

#include "infermem/dtype.h"
#include "simd/blocks.hh"
#include "simd/reference.hh"

HWY_BEFORE_NAMESPACE();
namespace infermem {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_NEON
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
using I = hn::RebindToSigned<F>;
using Sixteen = hn::FixedTag<uint8_t, 16>;
using Eight = hn::FixedTag<uint16_t, 8>;
using Levels = hn::Vec<Sixteen>;
constexpr size_t kLanes = HWY_LANES(float);

// Levels kAt to kAt + kLanes - 1 of sixteen, as floats.
template <size_t kAt, typename V>
HWY_INLINE hn::Vec<F> to_floats(V levels) {
  const hn::DFromV<V> d;
  const hn::Half<hn::DFromV<V>> half;
  const auto first = hn::LowerHalf(half, hn::ShiftRightBytes<kAt>(d, levels));
  if constexpr (kLanes == 8)
    return hn::ConvertTo(F(), hn::PromoteTo(I(), first));
  else
    return hn::ConvertTo(F(), hn::PromoteTo(I(), hn::LowerHalf(hn::Half<decltype(half)>(), first)));
}

// (level - middle) * scale of sixteen.
template <size_t kAt = 0, typename V>
HWY_INLINE void put(V levels, float middle, float scale, float *out) {
  const auto distance = hn::Sub(to_floats<kAt>(levels), hn::Set(F(), middle));
  hn::StoreU(hn::Mul(distance, hn::Set(F(), scale)), F(), out + kAt);
  if constexpr (kAt + kLanes < 16) put<kAt + kLanes>(levels, middle, scale, out);
}

// level * scale + min.
template <size_t kAt = 0>
HWY_INLINE void put_above(Levels levels, float scale, float min, float *out) {
  const auto product = hn::Mul(to_floats<kAt>(levels), hn::Set(F(), scale));
  hn::StoreU(hn::Add(product, hn::Set(F(), min)), F(), out + kAt);
  if constexpr (kAt + kLanes < 16) put_above<kAt + kLanes>(levels, scale, min, out);
}

HWY_INLINE Levels load(const uint8_t *at) { return hn::LoadU(Sixteen(), at); }

// Each byte's bits are moved; what comes from a neighbour's is to be taken out.
template <int kBits>
HWY_INLINE Levels move_down(Levels v) {
  return hn::BitCast(Sixteen(), hn::ShiftRight<kBits>(hn::BitCast(Eight(), v)));
}
template <int kBits>
HWY_INLINE Levels move_up(Levels v) {
  return hn::BitCast(Sixteen(), hn::ShiftLeft<kBits>(hn::BitCast(Eight(), v)));
}
HWY_INLINE Levels keep(Levels v, uint8_t bits) { return hn::And(v, hn::Set(Sixteen(), bits)); }

HWY_INLINE Levels low_nibbles(Levels v) { return keep(v, 15); }
HWY_INLINE Levels high_nibbles(Levels v) { return keep(move_down<4>(v), 15); }

HWY_INLINE void decode_block(const blocks::Q4_0 &block, float *out) {
  const auto v = load(block.levels);
  const float scale = block.scale.get();
  put(low_nibbles(v), 8.0f, scale, out);
  put(high_nibbles(v), 8.0f, scale, out + 16);
}

HWY_INLINE void decode_block(const blocks::Q4_1 &block, float *out) {
  const auto v = load(block.levels);
  const float scale = block.scale.get(), min = block.min.get();
  put_above(low_nibbles(v), scale, min, out);
  put_above(high_nibbles(v), scale, min, out + 16);
}

HWY_INLINE void decode_block(const blocks::Q8_0 &block, float *out) {
  const hn::FixedTag<int8_t, 16> d;
  const float scale = block.scale.get();
  put(hn::LoadU(d, block.levels), 0.0f, scale, out);
  put(hn::LoadU(d, block.levels + 16), 0.0f, scale, out + 16);
}

HWY_INLINE void decode_block(const blocks::Q4_K &block, float *out) {
  const float scale = block.scale.get(), min = block.min.get();
  for (size_t run = 0; run < 8; run += 2, out += 64) {
    const blocks::RunScale a = blocks::get_run(block.scales, run), b = blocks::get_run(block.scales, run + 1);
    for (size_t i = 0; i < 32; i += 16) {
      const auto v = load(block.levels + 16 * run + i);
      put_above(low_nibbles(v), scale * a.scale, -(min * a.min), out + i);
      put_above(high_nibbles(v), scale * b.scale, -(min * b.min), out + 32 + i);
    }
  }
}

HWY_INLINE void decode_block(const blocks::Q6_K &block, float *out) {
  const float scale = block.scale.get();
  const auto put_run = [&](size_t run, Levels low, Levels high) HWY_ATTR {
    put(hn::Or(low, keep(high, 0x30)), 32.0f, scale * block.scales[run], out + 16 * run);
  };
  for (const size_t run : {size_t{0}, size_t{1}, size_t{8}, size_t{9}}) {  // the first two of each half
    const uint8_t *const levels = block.levels + run / 8 * 64 + run % 8 * 16;
    const auto v = load(levels), w = load(levels + 32), high = load(block.high + run / 8 * 32 + run % 8 * 16);
    put_run(run, low_nibbles(v), move_up<4>(high));
    put_run(run + 2, low_nibbles(w), move_up<2>(high));
    put_run(run + 4, high_nibbles(v), high);
    put_run(run + 6, high_nibbles(w), move_down<2>(high));
  }
}

template <typename T>
void decode_all(const T *block, size_t n, float *out) {
  for (size_t at = 0; at < n; at += T::kElements) decode_block(*block++, out + at);
}

}  // namespace

void decode_blocks(int32_t dtype, const void *stored, size_t n, float *out) {
  switch (dtype) {
    case INFERMEM_DTYPE_Q4_0:
      return decode_all(static_cast<const blocks::Q4_0 *>(stored), n, out);
    case INFERMEM_DTYPE_Q4_1:
      return decode_all(static_cast<const blocks::Q4_1 *>(stored), n, out);
    case INFERMEM_DTYPE_Q8_0:
      return decode_all(static_cast<const blocks::Q8_0 *>(stored), n, out);
    case INFERMEM_DTYPE_Q4_K:
      return decode_all(static_cast<const blocks::Q4_K *>(stored), n, out);
    case INFERMEM_DTYPE_Q6_K:
      return decode_all(static_cast<const blocks::Q6_K *>(stored), n, out);
  }
  reference::decode(dtype, stored, n, out);
}

#endif
}  // namespace HWY_NAMESPACE
}  // namespace infermem
HWY_AFTER_NAMESPACE();
