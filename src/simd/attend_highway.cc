// Attention for SSE4, AVX2 and NEON, written once: Highway compiles the part between its namespace macros for each.
//
// Stored elements become floats in registers, whatever their type; a key serves two query rows where there are registers.
// Where there are more rows, elements become floats once, in the nearest cache, and serve all of them.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3 | HWY_AVX3_DL)
#define HWY_WANT_SSE4 1
#define HWY_COMPILE_ALL_ATTAINABLE  // those below what the compiler's flags assume, too
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/attend_highway.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include <algorithm>
#include <cfloat>

#include "simd/attend.hh"
#include "simd/blocks.hh"

HWY_BEFORE_NAMESPACE();
namespace infermem {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_NEON
namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
using I = hn::RebindToSigned<F>;
using Floats = hn::Vec<F>;
constexpr size_t kLanes = HWY_LANES(float);
constexpr size_t kBlock = 32;
constexpr size_t kTile = AttendKernels::kTile;
constexpr size_t kTokens = 4;
constexpr size_t kMostRows = HWY_TARGET == HWY_SSE4 ? 1 : 2;
constexpr size_t kLine = 64;

// ---- Stored elements ----

template <int32_t kType>
constexpr bool kIsPlain = kType == INFERMEM_DTYPE_F32 || kType == INFERMEM_DTYPE_F16 || kType == INFERMEM_DTYPE_BF16;

// A plain type's element, or a block of 32.
template <int32_t kType>
constexpr size_t kUnitBytes = kType == INFERMEM_DTYPE_F32    ? 4
                              : kIsPlain<kType>              ? 2
                              : kType == INFERMEM_DTYPE_Q8_0 ? sizeof(blocks::Q8_0)
                              : kType == INFERMEM_DTYPE_Q4_0 ? sizeof(blocks::Q4_0)
                                                             : sizeof(blocks::Q4_1);

template <int32_t kType>
constexpr size_t bytes_of(size_t n) {
  return kIsPlain<kType> ? n * kUnitBytes<kType> : n / kBlock * kUnitBytes<kType>;
}

using Halves = hn::Rebind<uint16_t, F>;

HWY_INLINE Floats widen(hn::Vec<Halves> halves) {
  using H = hn::Rebind<hwy::float16_t, F>;
  return hn::PromoteTo(F(), hn::BitCast(H(), halves));
}

HWY_INLINE hn::Vec<Halves> load_halves(const char *at) {
  HWY_ALIGN uint16_t halves[kLanes];
  hwy::CopyBytes<sizeof halves>(at, halves);
  return hn::Load(Halves(), halves);
}

HWY_INLINE Floats get_half(const char *at) {
  uint16_t bits;
  hwy::CopyBytes<sizeof bits>(at, &bits);
  return widen(hn::Set(Halves(), bits));
}

// Blocks whose levels are multiplied by a scale alone: which is done once for all products with them.
template <int32_t kType>
constexpr bool kHasUnit = kType == INFERMEM_DTYPE_Q8_0 || kType == INFERMEM_DTYPE_Q4_0;

// The elements of a row from a multiple of 32 on: of block types a block, whose parameters are read once.
template <int32_t kType>
struct Piece {
  HWY_INLINE Piece(const char *row, size_t at)
      : from(row + bytes_of<kType>(at)),
        scale(kIsPlain<kType> ? hn::Zero(F()) : get_half(from)),
        min(kType == INFERMEM_DTYPE_Q4_1 ? get_half(from + 2) : hn::Zero(F())) {}

  // kLanes elements from element i of the piece on, a multiple of kLanes: with kHasUnit, before they are scaled.
  HWY_INLINE Floats load(size_t i) const {
    if constexpr (kType == INFERMEM_DTYPE_F32) {
      return hn::LoadU(F(), reinterpret_cast<const float *>(from + 4 * i));  // rows lie at multiples of a float's size
    } else if constexpr (kType == INFERMEM_DTYPE_F16) {
      return widen(load_halves(from + 2 * i));
    } else if constexpr (kType == INFERMEM_DTYPE_BF16) {
      const hn::RebindToUnsigned<F> bits;
      return hn::BitCast(F(), hn::ShiftLeft<16>(hn::PromoteTo(bits, load_halves(from + 2 * i))));
    } else if constexpr (kType == INFERMEM_DTYPE_Q8_0) {
      const hn::Rebind<int8_t, F> bytes;
      const auto levels = hn::LoadU(bytes, reinterpret_cast<const int8_t *>(from + 2 + i));
      return hn::ConvertTo(F(), hn::PromoteTo(I(), levels));
    } else {
      constexpr bool kHasMin = kType == INFERMEM_DTYPE_Q4_1;
      const hn::Rebind<uint8_t, F> bytes;
      const auto *const at = reinterpret_cast<const uint8_t *>(from + (kHasMin ? 4 : 2) + i % (kBlock / 2));
      const auto pairs = hn::PromoteTo(I(), hn::LoadU(bytes, at));
      const auto levels = i < kBlock / 2 ? hn::And(pairs, hn::Set(I(), 15)) : hn::ShiftRight<4>(pairs);
      if constexpr (kHasMin) return hn::MulAdd(hn::ConvertTo(F(), levels), scale, min);
      return hn::ConvertTo(F(), hn::Sub(levels, hn::Set(I(), 8)));
    }
  }

  HWY_INLINE Floats scaled(Floats x) const { return kHasUnit<kType> ? hn::Mul(x, scale) : x; }

  const char *from;
  Floats scale, min;
};

template <int32_t kType>
HWY_INLINE void decode(const char *row, size_t dim, float *out) {
  for (size_t at = 0; at < dim; at += kBlock) {
    const Piece<kType> piece(row, at);
    const size_t run = HWY_MIN(kBlock, dim - at);
    for (size_t i = 0; i < run; i += kLanes) hn::StoreU(piece.scaled(piece.load(i)), F(), out + at + i);
  }
}

template <int32_t kType>
HWY_INLINE bool is_decoded_once(size_t n_rows) {
  return kType != INFERMEM_DTYPE_F32 && n_rows > kMostRows;
}

// Into the L2 cache: what is asked for is as much as the nearest one holds.
HWY_INLINE void prefetch(uintptr_t at, size_t bytes) {  // maybe beyond what there is, which does no harm
  for (uintptr_t line = at; line < at + bytes; line += kLine)
    __builtin_prefetch(reinterpret_cast<const char *>(line), 0, 2);
}

// ---- Scores ----

// Four tokens with kRows query rows. scores: that of the first row and token.
template <int32_t kType, size_t kRows>
HWY_INLINE void score_rows(const char *const *rows, const float *queries, size_t dim, float *scores) {
  Floats sums[kTokens][kRows];
  for (auto &token : sums)
    for (auto &sum : token) sum = hn::Zero(F());
  for (size_t at = 0; at < dim; at += kBlock) {
    const Piece<kType> keys[kTokens] = {{rows[0], at}, {rows[1], at}, {rows[2], at}, {rows[3], at}};
    const size_t run = HWY_MIN(kBlock, dim - at);
    Floats products[kTokens][kRows];
#pragma GCC unroll 4
    for (size_t t = 0; t < kTokens; ++t)
#pragma GCC unroll 2
      for (size_t r = 0; r < kRows; ++r) products[t][r] = kHasUnit<kType> ? hn::Zero(F()) : sums[t][r];
    for (size_t i = 0; i < run; i += kLanes) {
      Floats q[kRows];
#pragma GCC unroll 2
      for (size_t r = 0; r < kRows; ++r) q[r] = hn::LoadU(F(), queries + r * dim + at + i);
#pragma GCC unroll 4
      for (size_t t = 0; t < kTokens; ++t) {
        const auto key = keys[t].load(i);
#pragma GCC unroll 2
        for (size_t r = 0; r < kRows; ++r) products[t][r] = hn::MulAdd(key, q[r], products[t][r]);
      }
    }
#pragma GCC unroll 4
    for (size_t t = 0; t < kTokens; ++t)
#pragma GCC unroll 2
      for (size_t r = 0; r < kRows; ++r)
        sums[t][r] = kHasUnit<kType> ? hn::MulAdd(products[t][r], keys[t].scale, sums[t][r]) : products[t][r];
  }
  for (size_t r = 0; r < kRows; ++r)
    for (size_t t = 0; t < kTokens; ++t) scores[r * kTile + t] = hn::GetLane(hn::SumOfLanes(F(), sums[t][r]));
}

template <int32_t kType>
HWY_INLINE void score_four(const char *const *rows, const float *queries, size_t n_rows, size_t dim, float *scores) {
  size_t r = 0;
  for (; r + kMostRows <= n_rows; r += kMostRows)
    score_rows<kType, kMostRows>(rows, queries + r * dim, dim, scores + r * kTile);
  if (r < n_rows) score_rows<kType, 1>(rows, queries + r * dim, dim, scores + r * kTile);
}

template <int32_t kType>
HWY_INLINE void score_all(const StoredRows &keys, size_t n, const float *queries, size_t n_rows, size_t dim,
                          float *scores) {
  const size_t bytes = bytes_of<kType>(dim);
  HWY_ALIGN float decoded[kTokens][AttendKernels::kMostDim];
  for (size_t token = 0; token < n; token += kTokens) {
    const char *rows[kTokens];  // the last again where there are fewer
    for (size_t t = 0; t < kTokens; ++t) {
      const size_t index = HWY_MIN(token + t, n - 1);
      rows[t] = keys.data + index * keys.stride;
      prefetch(keys.ahead_of(index), bytes);
      if (!is_decoded_once<kType>(n_rows)) continue;
      decode<kType>(rows[t], dim, decoded[t]);
      rows[t] = reinterpret_cast<const char *>(decoded[t]);
    }
    if (is_decoded_once<kType>(n_rows))
      score_four<INFERMEM_DTYPE_F32>(rows, queries, n_rows, dim, scores + token);
    else
      score_four<kType>(rows, queries, n_rows, dim, scores + token);
  }
}

// ---- Weights ----

HWY_INLINE Floats exp_of(Floats x) {
  using namespace exponential;
  const auto one = hn::Set(F(), 1.0f);
  const auto is_zero = hn::Lt(x, hn::Set(F(), kLeast));
  x = hn::Max(hn::Set(F(), kLeast), x);  // in this order NaN stays
  const auto n = hn::Round(hn::Mul(x, hn::Set(F(), kPerLn2)));
  const auto r = hn::NegMulAdd(n, hn::Set(F(), kLn2Rest), hn::NegMulAdd(n, hn::Set(F(), kLn2), x));
  auto p = hn::MulAdd(hn::Set(F(), kSixth), r, hn::Set(F(), kFifth));
  p = hn::MulAdd(p, r, hn::Set(F(), kFourth));
  p = hn::MulAdd(p, r, hn::Set(F(), kThird));
  p = hn::MulAdd(p, r, hn::Set(F(), kSecond));
  p = hn::MulAdd(hn::MulAdd(p, r, one), r, one);
  const auto power = hn::BitCast(F(), hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(I(), n), hn::Set(I(), 127))));
  return hn::IfThenZeroElse(is_zero, hn::Mul(p, power));
}

// cap * tanh(s / cap), from the exponential of -2 |s / cap|.
HWY_INLINE Floats cap_of(Floats s, Floats cap) {
  const auto one = hn::Set(F(), 1.0f);
  const auto e = exp_of(hn::Mul(hn::Div(hn::Abs(s), cap), hn::Set(F(), -2.0f)));
  return hn::CopySign(hn::Mul(hn::Div(hn::Sub(one, e), hn::Add(one, e)), cap), s);
}

float weigh_row(float *scores, float cap, AttendKernels::Row *row) {
  const auto first = hn::Set(F(), static_cast<float>(row->begin)), behind = hn::Set(F(), static_cast<float>(row->end));
  const auto is_seen = [&](size_t i) {
    const auto index = hn::Iota(F(), static_cast<float>(i));
    return hn::And(hn::Ge(index, first), hn::Lt(index, behind));
  };
  const auto most = hn::Set(F(), FLT_MAX), least = hn::Set(F(), -FLT_MAX), factor = hn::Set(F(), row->unit);
  auto top = hn::Set(F(), row->largest);
  for (size_t i = 0; i < kTile; i += kLanes) {
    auto s = hn::IfThenElseZero(is_seen(i), hn::Load(F(), scores + i));
    s = hn::Max(least, hn::Min(most, hn::Mul(s, factor)));
    if (cap != 0) s = cap_of(s, hn::Set(F(), cap));
    hn::Store(s, F(), scores + i);
    top = hn::IfThenElse(is_seen(i), hn::Max(top, s), top);
  }
  const auto largest = hn::MaxOfLanes(F(), top);
  auto sum = hn::Zero(F());
  for (size_t i = 0; i < kTile; i += kLanes) {
    const auto below = hn::IfThenElseZero(is_seen(i), hn::Sub(hn::Load(F(), scores + i), largest));
    const auto w = hn::IfThenElseZero(is_seen(i), exp_of(below));
    hn::Store(w, F(), scores + i);
    sum = hn::Add(sum, w);
  }
  const float former = hn::GetLane(exp_of(hn::Sub(hn::Set(F(), row->largest), largest)));
  row->largest = hn::GetLane(largest);
  row->sum = row->sum * former + hn::GetLane(hn::SumOfLanes(F(), sum));
  return former;
}

void weigh(float *scores, size_t n_rows, float cap, AttendKernels::Row *rows, float *factors) {
  for (size_t r = 0; r < n_rows; ++r) {
    factors[r] = 1;
    if (rows[r].begin < rows[r].end)
      factors[r] = weigh_row(scores + r * kTile, cap, rows + r);
    else
      std::fill_n(scores + r * kTile, kTile, 0.0f);
  }
}

// ---- Values ----

// Adds up kPieces pieces from element `at` on; of each, kVectors registers from element i on.
template <int32_t kType, size_t kRows, size_t kPieces, size_t kVectors>
HWY_INLINE void add_values(const StoredRows &stored, size_t n, const float *weights, size_t at, size_t i, bool is_first,
                           float *const *out) {
  Floats sums[kRows][kPieces][kVectors];
#pragma GCC unroll 2
  for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (size_t p = 0; p < kPieces; ++p)
#pragma GCC unroll 8
      for (size_t v = 0; v < kVectors; ++v) sums[r][p][v] = hn::LoadU(F(), out[r] + at + p * kBlock + i + v * kLanes);
  for (size_t token = 0; token < n; ++token) {
    if (is_first) prefetch(stored.ahead_of(token) + bytes_of<kType>(at), bytes_of<kType>(kPieces * kBlock));
    Floats weight[kRows];
#pragma GCC unroll 2
    for (size_t r = 0; r < kRows; ++r) {
      weight[r] = hn::Set(F(), weights[r * kTile + token]);
      // Products with a scale would be denormal, which takes a processor long.
      if constexpr (kHasUnit<kType>)
        weight[r] = hn::IfThenZeroElse(hn::Lt(weight[r], hn::Set(F(), 0x1p-100f)), weight[r]);
    }
#pragma GCC unroll 2
    for (size_t p = 0; p < kPieces; ++p) {
      const Piece<kType> piece(stored.data + token * stored.stride, at + p * kBlock);
      Floats w[kRows];
#pragma GCC unroll 2
      for (size_t r = 0; r < kRows; ++r) w[r] = piece.scaled(weight[r]);
#pragma GCC unroll 8
      for (size_t v = 0; v < kVectors; ++v) {
        const auto value = piece.load(i + v * kLanes);
#pragma GCC unroll 2
        for (size_t r = 0; r < kRows; ++r) sums[r][p][v] = hn::MulAdd(value, w[r], sums[r][p][v]);
      }
    }
  }
#pragma GCC unroll 2
  for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (size_t p = 0; p < kPieces; ++p)
#pragma GCC unroll 8
      for (size_t v = 0; v < kVectors; ++v) hn::StoreU(sums[r][p][v], F(), out[r] + at + p * kBlock + i + v * kLanes);
}

// is_first: to prefetch what comes after, once.
template <int32_t kType, size_t kRows>
HWY_INLINE void add_rows(const StoredRows &stored, size_t n, const float *weights, size_t dim, bool is_first,
                         float *const *out) {
  constexpr size_t kPieces = kRows == 1 && kLanes == 8 ? 2 : 1, kVectors = kBlock / kLanes;
  size_t at = 0;
  for (; at + kPieces * kBlock <= dim; at += kPieces * kBlock)
    add_values<kType, kRows, kPieces, kVectors>(stored, n, weights, at, 0, is_first, out);
  for (; at + kBlock <= dim; at += kBlock)
    add_values<kType, kRows, 1, kVectors>(stored, n, weights, at, 0, is_first, out);
  if constexpr (kIsPlain<kType>)
    for (size_t i = 0; at + i < dim; i += kLanes)
      add_values<kType, kRows, 1, 1>(stored, n, weights, at, i, is_first && i == 0, out);
}

template <int32_t kType>
HWY_INLINE void add_to_all(const StoredRows &stored, size_t n, const float *weights, size_t n_rows, size_t dim,
                           bool is_first, float *const *out) {
  size_t r = 0;
  for (; r + kMostRows <= n_rows; r += kMostRows)
    add_rows<kType, kMostRows>(stored, n, weights + r * kTile, dim, is_first && r == 0, out + r);
  if (r < n_rows) add_rows<kType, 1>(stored, n, weights + r * kTile, dim, is_first && r == 0, out + r);
}

// A run of tokens at a time, so that what is read again is still near.
template <int32_t kType>
HWY_INLINE void add_all(const StoredRows &stored, size_t n, const float *weights, const float *factors, size_t n_rows,
                        size_t dim, float *const *out) {
  for (size_t r = 0; r < n_rows; ++r)
    for (size_t i = 0; i < dim; ++i) out[r][i] *= factors[r];
  StoredRows run = stored;
  if (!is_decoded_once<kType>(n_rows)) {
    constexpr size_t kRun = 2 * StoredRows::kPlaces;
    for (size_t token = 0; token < n; token += kRun) {
      run.data = stored.data + token * stored.stride;
      run.ahead = stored.ahead_of(token);
      add_to_all<kType>(run, HWY_MIN(kRun, n - token), weights + token, n_rows, dim, true, out);
    }
    return;
  }
  HWY_ALIGN float decoded[4 * AttendKernels::kMostDim];
  const size_t most = sizeof decoded / sizeof *decoded / dim;
  run.data = reinterpret_cast<const char *>(decoded);
  run.stride = dim * sizeof(float);
  for (size_t token = 0; token < n; token += most) {
    const size_t count = HWY_MIN(most, n - token);
    for (size_t t = 0; t < count; ++t) {
      prefetch(stored.ahead_of(token + t), bytes_of<kType>(dim));
      decode<kType>(stored.data + (token + t) * stored.stride, dim, decoded + t * dim);
    }
    add_to_all<INFERMEM_DTYPE_F32>(run, count, weights + token, n_rows, dim, false, out);
  }
}

// ---- By type ----

// Of blocks the levels are summed up before they are scaled: by queries that are too large for that, times 2^-28.
float prepare(int32_t type, float *query, size_t dim) {
  constexpr float kMost = 0x1p100f, kShare = 0x1p-28f;
  if (type != INFERMEM_DTYPE_Q8_0 && type != INFERMEM_DTYPE_Q4_0) return 1;
  const auto is_large = [](float x) { return x > kMost || x < -kMost; };
  if (std::none_of(query, query + dim, is_large)) return 1;
  for (size_t i = 0; i < dim; ++i) query[i] *= kShare;
  return 1 / kShare;
}

void score(const StoredRows &keys, size_t n, const float *queries, size_t n_rows, size_t dim, float *scores) {
  switch (keys.type) {
    case INFERMEM_DTYPE_F32:
      return score_all<INFERMEM_DTYPE_F32>(keys, n, queries, n_rows, dim, scores);
    case INFERMEM_DTYPE_F16:
      return score_all<INFERMEM_DTYPE_F16>(keys, n, queries, n_rows, dim, scores);
    case INFERMEM_DTYPE_BF16:
      return score_all<INFERMEM_DTYPE_BF16>(keys, n, queries, n_rows, dim, scores);
    case INFERMEM_DTYPE_Q8_0:
      return score_all<INFERMEM_DTYPE_Q8_0>(keys, n, queries, n_rows, dim, scores);
    case INFERMEM_DTYPE_Q4_0:
      return score_all<INFERMEM_DTYPE_Q4_0>(keys, n, queries, n_rows, dim, scores);
    default:
      return score_all<INFERMEM_DTYPE_Q4_1>(keys, n, queries, n_rows, dim, scores);
  }
}

void add(const StoredRows &values, size_t n, const float *weights, const float *factors, size_t n_rows, size_t dim,
         float *const *out) {
  switch (values.type) {
    case INFERMEM_DTYPE_F32:
      return add_all<INFERMEM_DTYPE_F32>(values, n, weights, factors, n_rows, dim, out);
    case INFERMEM_DTYPE_F16:
      return add_all<INFERMEM_DTYPE_F16>(values, n, weights, factors, n_rows, dim, out);
    case INFERMEM_DTYPE_BF16:
      return add_all<INFERMEM_DTYPE_BF16>(values, n, weights, factors, n_rows, dim, out);
    case INFERMEM_DTYPE_Q8_0:
      return add_all<INFERMEM_DTYPE_Q8_0>(values, n, weights, factors, n_rows, dim, out);
    case INFERMEM_DTYPE_Q4_0:
      return add_all<INFERMEM_DTYPE_Q4_0>(values, n, weights, factors, n_rows, dim, out);
    default:
      return add_all<INFERMEM_DTYPE_Q4_1>(values, n, weights, factors, n_rows, dim, out);
  }
}

constexpr AttendKernels kAttend = {prepare, score, add, weigh};

#endif
}  // namespace HWY_NAMESPACE
}  // namespace infermem
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace infermem {
#ifdef __x86_64__
const AttendKernels attend_sse4 = N_SSE4::kAttend;
const AttendKernels attend_avx2 = N_AVX2::kAttend;
#elif defined(__aarch64__)
const AttendKernels attend_neon = N_NEON::kAttend;
#endif
}  // namespace infermem
#endif
