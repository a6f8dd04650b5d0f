// GGML's block types to floats for SSE4, AVX2 and NEON: as kernels_highway.cc, written once. Each value is one product,
// which is exact, or one product and a sum: so the order of the steps below changes no bit of a number.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3 | HWY_AVX3_DL)
#define HWY_WANT_SSE4 1
#define HWY_COMPILE_ALL_ATTAINABLE
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/blocks_highway.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

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
constexpr size_t kLanes = HWY_LANES(float);

// (level - middle) * scale.
template <typename Level>
HWY_INLINE void put(const Level *levels, size_t n, float middle, float scale, float *out) {
  const hn::Rebind<Level, F> bytes;
  const auto m = hn::Set(F(), middle), s = hn::Set(F(), scale);
  for (size_t i = 0; i < n; i += kLanes) {
    const auto level = hn::ConvertTo(F(), hn::PromoteTo(I(), hn::LoadU(bytes, levels + i)));
    hn::StoreU(hn::Mul(hn::Sub(level, m), s), F(), out + i);
  }
}

// level * scale + min.
HWY_INLINE void put_above(const uint8_t *levels, size_t n, float scale, float min, float *out) {
  const hn::Rebind<uint8_t, F> bytes;
  const auto s = hn::Set(F(), scale), m = hn::Set(F(), min);
  for (size_t i = 0; i < n; i += kLanes) {
    const auto level = hn::ConvertTo(F(), hn::PromoteTo(I(), hn::LoadU(bytes, levels + i)));
    hn::StoreU(hn::Add(hn::Mul(level, s), m), F(), out + i);
  }
}

// The low nibbles of 16 bytes, and the high ones.
HWY_INLINE void split(const uint8_t *from, uint8_t *low, uint8_t *high) {
  const Sixteen d;
  const auto v = hn::LoadU(d, from), mask = hn::Set(d, uint8_t{15});
  hn::StoreU(hn::And(v, mask), d, low);
  hn::StoreU(hn::And(hn::BitCast(d, hn::ShiftRight<4>(hn::BitCast(Eight(), v))), mask), d, high);
}

HWY_INLINE void decode_block(const blocks::Q4_0 &block, float *out) {
  HWY_ALIGN uint8_t levels[32];
  split(block.levels, levels, levels + 16);
  put(levels, 32, 8.0f, block.scale.get(), out);
}

HWY_INLINE void decode_block(const blocks::Q4_1 &block, float *out) {
  HWY_ALIGN uint8_t levels[32];
  split(block.levels, levels, levels + 16);
  put_above(levels, 32, block.scale.get(), block.min.get(), out);
}

HWY_INLINE void decode_block(const blocks::Q8_0 &block, float *out) {
  put(block.levels, 32, 0.0f, block.scale.get(), out);
}

HWY_INLINE void decode_block(const blocks::Q4_K &block, float *out) {
  const float scale = block.scale.get(), min = block.min.get();
  for (size_t run = 0; run < 8; run += 2, out += 64) {
    HWY_ALIGN uint8_t levels[64];
    split(block.levels + 16 * run, levels, levels + 32);
    split(block.levels + 16 * run + 16, levels + 16, levels + 48);
    const blocks::RunScale a = blocks::get_run(block.scales, run), b = blocks::get_run(block.scales, run + 1);
    put_above(levels, 32, scale * a.scale, -(min * a.min), out);
    put_above(levels + 32, 32, scale * b.scale, -(min * b.min), out + 32);
  }
}

// Bits 4 and 5 of 16 levels, from the bits from `shift` on.
template <int kShift>
HWY_INLINE void add_high(const uint8_t *high, uint8_t *levels) {
  const Sixteen d;
  const auto v = hn::BitCast(Eight(), hn::LoadU(d, high));
  const auto moved = hn::BitCast(d, kShift < 4 ? hn::ShiftLeft<(kShift < 4 ? 4 - kShift : 0)>(v)
                                               : hn::ShiftRight<(kShift < 4 ? 0 : kShift - 4)>(v));
  hn::StoreU(hn::Or(hn::LoadU(d, levels), hn::And(moved, hn::Set(d, uint8_t{0x30}))), d, levels);
}

HWY_INLINE void decode_block(const blocks::Q6_K &block, float *out) {
  const float scale = block.scale.get();
  for (size_t half = 0; half < 2; ++half, out += 128) {
    HWY_ALIGN uint8_t levels[128];
    const uint8_t *const high = block.high + 32 * half;
    for (size_t i = 0; i < 64; i += 16) split(block.levels + 64 * half + i, levels + i, levels + 64 + i);
    for (size_t i = 0; i < 32; i += 16) {
      add_high<0>(high + i, levels + i);
      add_high<2>(high + i, levels + 32 + i);
      add_high<4>(high + i, levels + 64 + i);
      add_high<6>(high + i, levels + 96 + i);
    }
    for (size_t run = 0; run < 8; ++run)
      put(levels + 16 * run, 16, 32.0f, scale * block.scales[8 * half + run], out + 16 * run);
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
