// Products for SSE4, AVX2 and NEON, written once for all as kernels_highway.cc is.
//
// The 16 rows of a packed block are a few parts, of as many rows as a register has lanes. Integers are multiplied by
// instructions that Highway does not have. They take levels of 4 bits, whose sums over a block of activations fit 16 bits;
// those of 8 bits are two of 4.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3 | HWY_AVX3_DL)
#define HWY_WANT_SSE4 1
#define HWY_COMPILE_ALL_ATTAINABLE  // those below what the compiler's flags assume, too
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/products_highway.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include <cstring>

#include "simd/cpu.hh"
#include "simd/float16.hh"
#include "simd/prefetch.hh"
#include "simd/products.hh"
#include "simd/products_highway.hh"

HWY_BEFORE_NAMESPACE();
namespace infermem {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_NEON
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
using I = hn::RebindToSigned<F>;
using U8 = hn::Repartition<uint8_t, F>;
using I8 = hn::Repartition<int8_t, F>;
using I16 = hn::Repartition<int16_t, F>;
using U16 = hn::Repartition<uint16_t, F>;
using Floats = hn::Vec<F>;
using Bytes = hn::Vec<U8>;

constexpr size_t kLanes = HWY_LANES(float);
constexpr size_t kParts = Packed::kRows / kLanes;
constexpr size_t kBytes = kLanes * 4;  // of a register
constexpr size_t kBlock = Activations::kBlock;

// ---- Packed ----

struct Parameters {
  HWY_INLINE Parameters() {}
  HWY_INLINE Parameters(Floats s, Floats m) : scale(s), min(m) {}
  Floats scale, min;
};

HWY_INLINE Floats load_parameters(int32_t dtype, const uint8_t *at, size_t part) {
  const size_t i = part * kLanes;
  if (dtype == INFERMEM_DTYPE_F32) return hn::LoadU(F(), reinterpret_cast<const float *>(at) + i);
  if (dtype == INFERMEM_DTYPE_F16) {
    const hn::Rebind<hwy::float16_t, F> d;
    return hn::PromoteTo(F(), hn::LoadU(d, reinterpret_cast<const hwy::float16_t *>(at) + i));
  }
  const hn::Rebind<hwy::bfloat16_t, F> d;
  return hn::PromoteTo(F(), hn::LoadU(d, reinterpret_cast<const hwy::bfloat16_t *>(at) + i));
}

HWY_INLINE Parameters parameters_of(const Packed &form, const uint8_t *at, size_t part) {
  const Floats scale = load_parameters(form.params, at, part);
  if (form.symmetric) return {scale, hn::Mul(scale, hn::Set(F(), -form.middle()))};
  return {scale, load_parameters(form.params, at + form.parameter_bytes(), part)};
}

HWY_INLINE Bytes low_nibbles(Bytes v) { return hn::And(v, hn::Set(U8(), uint8_t{15})); }
HWY_INLINE Bytes high_nibbles(Bytes v) { return hn::ShiftRight<4>(v); }

// Eight columns of a part: a lane of either register is four columns of a row, a byte each.
template <uint32_t kBits>
struct Step {
  static constexpr size_t kStored = Packed::kColumns * Packed::kRows * kBits / 8;  // bytes of all parts

  HWY_INLINE Step(const uint8_t *at, size_t part) {
    const Bytes v = hn::LoadU(U8(), at + part * kBytes);
    low = kBits == 8 ? v : low_nibbles(v);
    high = kBits == 8 ? hn::LoadU(U8(), at + kStored / 2 + part * kBytes) : high_nibbles(v);
  }

  // Column i in floats.
  HWY_INLINE Floats get(size_t i) const {
    alignas(16) static constexpr int8_t kPick[4][16] = {{0, -1, -1, -1, 4, -1, -1, -1, 8, -1, -1, -1, 12, -1, -1, -1},
                                                        {1, -1, -1, -1, 5, -1, -1, -1, 9, -1, -1, -1, 13, -1, -1, -1},
                                                        {2, -1, -1, -1, 6, -1, -1, -1, 10, -1, -1, -1, 14, -1, -1, -1},
                                                        {3, -1, -1, -1, 7, -1, -1, -1, 11, -1, -1, -1, 15, -1, -1, -1}};
    const auto picked = hn::TableLookupBytesOr0(i < 4 ? low : high, hn::LoadDup128(I8(), kPick[i % 4]));
    return hn::ConvertTo(F(), hn::BitCast(I(), picked));
  }

  Bytes low, high;
};

// ---- Packed, floats ----

constexpr size_t kPiece = 64;  // columns at once

// That many activations, with zeros behind them up to a whole step.
class Piece {
 public:
  HWY_INLINE Piece(const float *x, size_t n) : at_(x) {
    if (n % Packed::kColumns == 0) return;
    std::memcpy(filled_, x, n * sizeof(float));
    std::memset(filled_ + n, 0, Packed::kColumns * sizeof(float));
    at_ = filled_;
  }
  HWY_INLINE const float *get() const { return at_; }

 private:
  const float *at_;
  float filled_[kPiece + Packed::kColumns];
};

template <uint32_t kBits>
void multiply_vector(const Packed &form, const uint8_t *at, const float *x, float *out) {
  Ahead ahead(at);
  Floats totals[kParts];
  for (Floats &total : totals) total = hn::Zero(F());
  for (size_t first = 0; first < form.cols; first += form.group) {
    const size_t end = HWY_MIN(first + form.group, form.cols);
    const uint8_t *const parameters = at + form.level_bytes(form.columns(first));
    for (size_t i = first; i < end; i += kPiece) {
      const size_t count = HWY_MIN(kPiece, end - i);
      const Piece piece(x + i, count);
      const size_t steps = (count + Packed::kColumns - 1) / Packed::kColumns;
      ahead.follow(at, steps * Step<kBits>::kStored);
      auto lanes = hn::Zero(F());
      for (size_t j = 0; j < steps * Packed::kColumns; j += kLanes)
        lanes = hn::Add(lanes, hn::LoadU(F(), piece.get() + j));
      const auto sum_x = hn::SumOfLanes(F(), lanes);
      for (size_t part = 0; part < kParts; ++part) {
        auto a = hn::Zero(F()), b = a, c = a, d = a;  // so that one addition need not wait for the last
        const float *v = piece.get();
        for (size_t j = 0; j < steps; ++j, v += Packed::kColumns) {
          const Step<kBits> step(at + j * Step<kBits>::kStored, part);
          a = hn::MulAdd(step.get(0), hn::Set(F(), v[0]), a);
          b = hn::MulAdd(step.get(1), hn::Set(F(), v[1]), b);
          c = hn::MulAdd(step.get(2), hn::Set(F(), v[2]), c);
          d = hn::MulAdd(step.get(3), hn::Set(F(), v[3]), d);
          a = hn::MulAdd(step.get(4), hn::Set(F(), v[4]), a);
          b = hn::MulAdd(step.get(5), hn::Set(F(), v[5]), b);
          c = hn::MulAdd(step.get(6), hn::Set(F(), v[6]), c);
          d = hn::MulAdd(step.get(7), hn::Set(F(), v[7]), d);
        }
        const Parameters p = parameters_of(form, parameters, part);
        totals[part] = hn::MulAdd(p.min, sum_x, totals[part]);
        totals[part] = hn::MulAdd(p.scale, hn::Add(hn::Add(a, b), hn::Add(c, d)), totals[part]);
      }
      at += steps * Step<kBits>::kStored;
    }
    at = parameters + form.record_bytes(0);
  }
  for (size_t part = 0; part < kParts; ++part) hn::StoreU(totals[part], F(), out + part * kLanes);
}

// Adds the products of `count` columns of weights, sixteen rows each, with kVectors vectors.
template <size_t kVectors>
HWY_INLINE void add_columns(const float *weights, size_t count, const float *x, size_t stride, float *out) {
  Floats sums[kVectors * kParts];
  for (size_t i = 0; i < kVectors * kParts; ++i) sums[i] = hn::LoadU(F(), out + i * kLanes);
  for (size_t i = 0; i < count; ++i, weights += Packed::kRows) {
    for (size_t v = 0; v < kVectors; ++v) {
      const Floats each = hn::Set(F(), x[v * stride + i]);
      for (size_t part = 0; part < kParts; ++part)
        sums[v * kParts + part] = hn::MulAdd(hn::Load(F(), weights + part * kLanes), each, sums[v * kParts + part]);
    }
  }
  for (size_t i = 0; i < kVectors * kParts; ++i) hn::StoreU(sums[i], F(), out + i * kLanes);
}

// For several vectors the weights are expanded once, some columns at a time.
template <uint32_t kBits>
void multiply_vectors(const Packed &form, const uint8_t *at, const float *x, size_t stride, size_t n_x, float *out) {
  constexpr size_t kVectors = kLanes / 2;  // whose sums fit the registers
  HWY_ALIGN float weights[Packed::kRows * kPiece];
  Ahead ahead(at);
  std::memset(out, 0, n_x * Packed::kRows * sizeof(float));
  for (size_t first = 0; first < form.cols; first += form.group) {
    const size_t end = HWY_MIN(first + form.group, form.cols);
    const uint8_t *const parameters = at + form.level_bytes(form.columns(first));
    for (size_t piece = first; piece < end; piece += kPiece) {
      const size_t count = HWY_MIN(kPiece, end - piece);
      const size_t stored = (count + Packed::kColumns - 1) / Packed::kColumns * Step<kBits>::kStored;
      ahead.follow(at, stored);
      for (size_t part = 0; part < kParts; ++part) {
        const Parameters p = parameters_of(form, parameters, part);
        float *to = weights + part * kLanes;
        for (size_t i = 0; i < count; i += Packed::kColumns) {
          const Step<kBits> step(at + i / Packed::kColumns * Step<kBits>::kStored, part);
          for (size_t j = 0; j < Packed::kColumns; ++j, to += Packed::kRows)
            hn::Store(hn::MulAdd(step.get(j), p.scale, p.min), F(), to);
        }
      }
      at += stored;
      const float *from = x + piece;
      size_t v = 0;
      for (; v + kVectors <= n_x; v += kVectors)
        add_columns<kVectors>(weights, count, from + v * stride, stride, out + Packed::kRows * v);
      for (; v < n_x; ++v) add_columns<1>(weights, count, from + v * stride, stride, out + Packed::kRows * v);
    }
    at = parameters + form.record_bytes(0);
  }
}

// ---- Sums of integers ----
//
// Of at most 32 products in a lane, of its four bytes at a time: levels up to 15, and activations. (Constructors are
// written out, as those that the compiler adds are not for the target.)

#if HWY_TARGET == HWY_NEON
struct Sums {
  HWY_INLINE Sums() : low(vdupq_n_s16(0)), high(low) {}
  HWY_INLINE void add(Bytes levels, hn::Vec<I8> x) {
    const int8x16_t l = hn::BitCast(I8(), levels).raw;
    low = vmlal_s8(low, vget_low_s8(l), vget_low_s8(x.raw));
    high = vmlal_high_s8(high, l, x.raw);
  }
  HWY_INLINE hn::Vec<I> get() const { return hn::Vec<I>(vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high))); }

  int16x8_t low, high;
};

// The same by the instruction for dot products: as a number, as neither the compilers' functions for it nor all their
// assemblers take it in code that is for any processor.
struct DotSums {
  HWY_INLINE DotSums() : sum(vdupq_n_s32(0)) {}
  HWY_INLINE void add(Bytes levels, hn::Vec<I8> x) {
    register int32x4_t v0 __asm__("v0") = sum;
    register uint8x16_t v1 __asm__("v1") = levels.raw;
    register int8x16_t v2 __asm__("v2") = x.raw;
    __asm__(".inst 0x4e829420" : "+w"(v0) : "w"(v1), "w"(v2));  // sdot v0.4s, v1.16b, v2.16b
    sum = v0;
  }
  HWY_INLINE hn::Vec<I> get() const { return hn::Vec<I>(sum); }

  int32x4_t sum;
};
#else
struct Sums {
  HWY_INLINE Sums() : sum(hn::Zero(I16())) {}
#if HWY_TARGET == HWY_AVX2
  HWY_INLINE void add(Bytes levels, hn::Vec<I8> x) {
    sum = hn::Add(sum, hn::Vec<I16>{_mm256_maddubs_epi16(levels.raw, x.raw)});
  }
  HWY_INLINE hn::Vec<I> get() const { return hn::Vec<I>{_mm256_madd_epi16(sum.raw, _mm256_set1_epi16(1))}; }
#else
  HWY_INLINE void add(Bytes levels, hn::Vec<I8> x) {
    sum = hn::Add(sum, hn::Vec<I16>{_mm_maddubs_epi16(levels.raw, x.raw)});
  }
  HWY_INLINE hn::Vec<I> get() const { return hn::Vec<I>{_mm_madd_epi16(sum.raw, _mm_set1_epi16(1))}; }
#endif

  hn::Vec<I16> sum;
};
#endif

// The same of levels of 4 or 8 bits.
template <class Sums, uint32_t kBits>
struct LevelSums {
  HWY_INLINE LevelSums() {}
  HWY_INLINE void add(Bytes levels, hn::Vec<I8> x) {
    low.add(kBits == 8 ? low_nibbles(levels) : levels, x);
    if (kBits == 8) high.add(high_nibbles(levels), x);
  }
  HWY_INLINE hn::Vec<I> get() const {
    return kBits == 8 ? hn::Add(low.get(), hn::ShiftLeft<4>(high.get())) : low.get();
  }

  Sums low, high;
};

// ---- Packed, activations of 8 bits ----

HWY_INLINE hn::Vec<I8> broadcast4(const int8_t *x) {
  int32_t four;
  std::memcpy(&four, x, sizeof four);
  return hn::BitCast(I8(), hn::Set(I(), four));
}

// A block of activations, or as many steps of it as there are, with a part.
template <class Sums, uint32_t kBits>
HWY_INLINE Floats multiply_block(const uint8_t *at, size_t part, size_t steps, const int8_t *x) {
  LevelSums<Sums, kBits> sums;
  for (size_t i = 0; i < steps; ++i, at += Step<kBits>::kStored, x += Packed::kColumns) {
    const Step<kBits> step(at, part);
    sums.add(step.low, broadcast4(x));
    sums.add(step.high, broadcast4(x + 4));
  }
  return hn::ConvertTo(F(), sums.get());
}

// Groups of whole blocks.
template <class Sums, uint32_t kBits>
void multiply_levels(const Packed &form, const uint8_t *at, const Activations *x, size_t n_x, float *out) {
  constexpr size_t kSteps = kBlock / Packed::kColumns;  // of a block
  Ahead ahead(at);
  std::memset(out, 0, n_x * Packed::kRows * sizeof(float));
  size_t block = 0;
  for (size_t first = 0; first < form.cols; first += form.group) {
    const size_t level_bytes = form.level_bytes(form.columns(first));
    Parameters of[kParts];
    for (size_t part = 0; part < kParts; ++part) of[part] = parameters_of(form, at + level_bytes, part);
    for (size_t done = 0; done < level_bytes; done += kSteps * Step<kBits>::kStored, ++block) {
      const uint8_t *const from = at + done;
      ahead.follow(from, kSteps * Step<kBits>::kStored);
      const size_t steps = (level_bytes - done) / Step<kBits>::kStored;
      for (size_t v = 0; v < n_x; ++v) {
        const int8_t *const levels = x[v].levels + block * kBlock;
        const auto scale = hn::Set(F(), x[v].scales[block]), sum = hn::Set(F(), x[v].sums[block]);
        for (size_t part = 0; part < kParts; ++part) {
          const Floats products = HWY_LIKELY(steps >= kSteps) ? multiply_block<Sums, kBits>(from, part, kSteps, levels)
                                                              : multiply_block<Sums, kBits>(from, part, steps, levels);
          float *const to = out + v * Packed::kRows + part * kLanes;
          const Floats total = hn::MulAdd(of[part].min, sum, hn::LoadU(F(), to));
          hn::StoreU(hn::MulAdd(hn::Mul(of[part].scale, scale), products, total), F(), to);
        }
      }
    }
    at += level_bytes + form.record_bytes(0);
  }
}

// ---- A row of the plain layout, activations of 8 bits ----

// The levels of as many columns as a register has bytes.
template <uint32_t kBits>
HWY_INLINE Bytes load_levels(const uint8_t *at) {
  if (kBits == 8) return hn::LoadU(U8(), at);
  const auto pairs = hn::PromoteTo(U16(), hn::LoadU(hn::Rebind<uint8_t, U16>(), at));
  return low_nibbles(hn::BitCast(U8(), hn::Or(pairs, hn::ShiftLeft<4>(pairs))));
}

// A block of activations with its levels: the sum of all lanes.
template <class Sums, uint32_t kBits>
HWY_INLINE Floats multiply_block(const uint8_t *levels, const int8_t *x) {
  LevelSums<Sums, kBits> sums;
  for (size_t i = 0; i < kBlock; i += kBytes)
    sums.add(load_levels<kBits>(levels + i * kBits / 8), hn::LoadU(I8(), x + i));
  return hn::ConvertTo(F(), sums.get());
}

constexpr size_t kSpan = 16;  // blocks whose scales are worked out at once

// The scales, or the minima, of kSpan blocks from `first` on, of which there are `count`; zeros beyond. A group has so many.
HWY_INLINE void spread(const float *parameters, size_t first, size_t count, size_t blocks_a_group, float *each) {
  if (HWY_LIKELY(blocks_a_group == 1 && count == kSpan)) {
    for (size_t i = 0; i < kSpan; i += kLanes) hn::Store(hn::LoadU(F(), parameters + first + i), F(), each + i);
    return;
  }
  std::memset(each, 0, kSpan * sizeof(float));
  size_t g = first / blocks_a_group, next = (g + 1) * blocks_a_group;
  for (size_t i = 0; i < count; ++i) {
    if (first + i == next) {
      ++g;
      next += blocks_a_group;
    }
    each[i] = parameters[g];
  }
}

// Groups of whole blocks.
template <class Sums, uint32_t kBits>
float multiply_row(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n,
                   const Activations &x) {
  const size_t blocks = n / kBlock, whole = blocks * kBlock;
  const auto middle = hn::Set(F(), -static_cast<float>(1u << (kBits - 1)));
  HWY_ALIGN float each[kSpan], least[kSpan];
  Ahead ahead(levels);
  auto a = hn::Zero(F()), b = a, minima = a;
  for (size_t first = 0; first < blocks; first += kSpan) {
    const size_t count = HWY_MIN(kSpan, blocks - first);
    const uint8_t *from = levels + first * kBlock * kBits / 8;
    const int8_t *with = x.levels + first * kBlock;
    ahead.follow(from, kSpan * kBlock * kBits / 8);
    Ahead::once(scales + first * kBlock / group);
    spread(scales, first, count, group / kBlock, each);
    if (mins) spread(mins, first, count, group / kBlock, least);
    for (size_t i = 0; i < kSpan; i += kLanes) {
      const auto scale = hn::Load(F(), each + i);
      const auto min = mins ? hn::Load(F(), least + i) : hn::Mul(scale, middle);
      minima = hn::MulAdd(min, hn::LoadU(F(), x.sums + first + i), minima);
      hn::Store(hn::Mul(scale, hn::LoadU(F(), x.scales + first + i)), F(), each + i);
    }
    size_t i = 0;
    for (; i + 2 <= count; i += 2, from += kBlock * kBits / 4, with += 2 * kBlock) {
      a = hn::MulAdd(hn::Set(F(), each[i]), multiply_block<Sums, kBits>(from, with), a);
      b = hn::MulAdd(hn::Set(F(), each[i + 1]), multiply_block<Sums, kBits>(from + kBlock * kBits / 8, with + kBlock),
                     b);
    }
    if (i < count) a = hn::MulAdd(hn::Set(F(), each[i]), multiply_block<Sums, kBits>(from, with), a);
  }
  const float sum = hn::GetLane(hn::SumOfLanes(F(), hn::Add(hn::Add(a, b), minima)));
  if (whole == n) return sum;
  const size_t g = whole / group;
  return sum + reference::dot_q8<kBits>(levels + whole * kBits / 8, scales + g, mins ? mins + g : nullptr, group,
                                        n - whole, {x.levels + whole, x.scales + blocks, x.sums + blocks});
}

}  // namespace

void packed(const Packed &form, const uint8_t *block, const float *x, size_t stride, size_t n_x, float *out) {
  if (n_x == 1)
    (form.bits == 4 ? multiply_vector<4> : multiply_vector<8>)(form, block, x, out);
  else
    (form.bits == 4 ? multiply_vectors<4> : multiply_vectors<8>)(form, block, x, stride, n_x, out);
}

void packed_q8(const Packed &form, const uint8_t *block, const Activations *x, size_t n_x, float *out) {
  if (form.group % kBlock != 0) return reference::packed_q8(form, block, x, n_x, out);
#if HWY_TARGET == HWY_NEON
  if (cpu_has_dot_product())
    return (form.bits == 4 ? multiply_levels<DotSums, 4> : multiply_levels<DotSums, 8>)(form, block, x, n_x, out);
#endif
  (form.bits == 4 ? multiply_levels<Sums, 4> : multiply_levels<Sums, 8>)(form, block, x, n_x, out);
}

template <uint32_t kBits>
float dot_q8(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n,
             const Activations &x) {
  if (group % kBlock != 0) return reference::dot_q8<kBits>(levels, scales, mins, group, n, x);
#if HWY_TARGET == HWY_NEON
  if (cpu_has_dot_product()) return multiply_row<DotSums, kBits>(levels, scales, mins, group, n, x);
#endif
  return multiply_row<Sums, kBits>(levels, scales, mins, group, n, x);
}

template float dot_q8<4>(const uint8_t *, const float *, const float *, size_t, size_t, const Activations &);
template float dot_q8<8>(const uint8_t *, const float *, const float *, size_t, size_t, const Activations &);

bool activate(const float *values, size_t n, int8_t *levels, float *scales, float *sums) {
  size_t at = 0;
  for (; at + kBlock <= n; at += kBlock) {
    // Magnitudes are ordered as their bits are; those of infinity and NaNs are the largest.
    auto farthest_bits = hn::Zero(I());
    for (size_t i = at; i < at + kBlock; i += kLanes)
      farthest_bits = hn::Max(farthest_bits, hn::BitCast(I(), hn::Abs(hn::LoadU(F(), values + i))));
    const auto bits = static_cast<uint32_t>(hn::GetLane(hn::MaxOfLanes(I(), farthest_bits)));
    if (bits >= 0x7f800000u) return false;
    const float farthest = float_of(bits);
    const bool fits = farthest >= Activations::kLeast;
    const auto per_level = hn::Set(F(), fits ? 127.0f / farthest : 0.0f);
    auto sum = hn::Zero(I());
    for (size_t i = at; i < at + kBlock; i += kLanes) {
      const auto level = hn::NearestInt(hn::Mul(hn::LoadU(F(), values + i), per_level));
      const hn::Rebind<int8_t, F> d;
      hn::StoreU(hn::DemoteTo(d, level), d, levels + i);
      sum = hn::Add(sum, level);
    }
    *scales = fits ? farthest / 127.0f : 0.0f;
    *sums++ = *scales++ * static_cast<float>(hn::GetLane(hn::SumOfLanes(I(), sum)));
  }
  return reference::activate(values + at, n - at, levels + at, scales, sums);
}

#endif
}  // namespace HWY_NAMESPACE
}  // namespace infermem
HWY_AFTER_NAMESPACE();
