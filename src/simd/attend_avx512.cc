// Attention for AVX-512. Compiled with the target's flags, so nothing here may be inline in a header that others use.
//
// Four tokens and up to four query rows are taken at once: a key's load and conversion serve all of the rows, a query's
// load all of the tokens. Keys in blocks are not made floats: the query has integers of 16 bits, one scale a row, whose
// products with a block's levels are summed exactly.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"  // gcc 12 warns of its own _mm512_undefined_ps
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include <cfloat>
#include <cstring>
#include <utility>

#include "simd/attend.hh"
#include "simd/blocks.hh"

namespace infermem {
namespace {

constexpr size_t kTile = AttendKernels::kTile;
constexpr size_t kTokens = 4;
constexpr size_t kLine = 64;
constexpr size_t kLanes = 16;
constexpr size_t kBlock = 32;

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

inline __m128i load16(const char *at) { return _mm_loadu_si128(reinterpret_cast<const __m128i *>(at)); }
inline __m256i load32(const char *at) { return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(at)); }

// A half as a float, in the lowest lane, and in all.
inline __m128 get_one_half(const char *at) {
  int16_t bits;
  std::memcpy(&bits, at, sizeof bits);
  return _mm_cvtph_ps(_mm_set1_epi16(bits));
}
inline __m512 get_half(const char *at) { return _mm512_broadcastss_ps(get_one_half(at)); }

// Sixteen elements of a row from element `at` on, a multiple of 16; kUpper says whether they end a block. Those of Q8_0
// are levels alone.
template <int32_t kType, bool kUpper>
inline __m512 load(const char *row, size_t at) {
  if constexpr (kType == INFERMEM_DTYPE_F32) {
    return _mm512_loadu_ps(row + 4 * at);
  } else if constexpr (kType == INFERMEM_DTYPE_F16) {
    return _mm512_cvtph_ps(load32(row + 2 * at));
  } else if constexpr (kType == INFERMEM_DTYPE_BF16) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load32(row + 2 * at)), 16));
  } else {
    const char *const block = row + at / kBlock * kUnitBytes<kType>;
    if constexpr (kType == INFERMEM_DTYPE_Q8_0) {
      return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(load16(block + 2 + (kUpper ? 16 : 0))));
    } else {
      constexpr bool kHasMin = kType == INFERMEM_DTYPE_Q4_1;
      const __m512 scale = get_half(block);
      const __m512i pairs = _mm512_cvtepu8_epi32(load16(block + (kHasMin ? 4 : 2)));
      const __m512i levels = kUpper ? _mm512_srli_epi32(pairs, 4) : _mm512_and_si512(pairs, _mm512_set1_epi32(15));
      if constexpr (kHasMin) return _mm512_fmadd_ps(_mm512_cvtepi32_ps(levels), scale, get_half(block + 2));
      return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(levels, _mm512_set1_epi32(8))), scale);
    }
  }
}

// The last eight elements of a row of a plain type, with zeros behind them.
template <int32_t kType>
inline __m512 load_tail(const char *row, size_t at) {
  if constexpr (kType == INFERMEM_DTYPE_F32) {
    return _mm512_zextps256_ps512(_mm256_loadu_ps(reinterpret_cast<const float *>(row + 4 * at)));
  } else {
    const __m256i halves = _mm256_zextsi128_si256(load16(row + 2 * at));
    if constexpr (kType == INFERMEM_DTYPE_F16) return _mm512_cvtph_ps(halves);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
  }
}

// A block's levels as 32 integers of 16 bits, in order.
template <int32_t kType>
inline __m512i load_levels(const char *block) {
  if constexpr (kType == INFERMEM_DTYPE_Q8_0) {
    return _mm512_cvtepi8_epi16(load32(block + 2));
  } else {
    constexpr bool kHasMin = kType == INFERMEM_DTYPE_Q4_1;
    const __m256i pairs = _mm256_cvtepu8_epi16(load16(block + (kHasMin ? 4 : 2)));
    const __m256i low = _mm256_and_si256(pairs, _mm256_set1_epi16(15)), high = _mm256_srli_epi16(pairs, 4);
    const __m512i levels = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    return kHasMin ? levels : _mm512_sub_epi16(levels, _mm512_set1_epi16(8));
  }
}

inline void prefetch(const char *from, size_t bytes) {
  const auto at = reinterpret_cast<uintptr_t>(from);  // maybe beyond what there is, which does no harm
  for (uintptr_t line = at & ~(kLine - 1); line < at + bytes; line += kLine)
    _mm_prefetch(reinterpret_cast<const char *>(line), _MM_HINT_T0);
}

// ---- Scores ----

// The sums of the lanes of each of four registers.
inline __m128 sum_each(__m512 a, __m512 b, __m512 c, __m512 d) {
  const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
  const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
  const __m512 four = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
  const __m256 two = _mm256_add_ps(_mm512_castps512_ps256(four), _mm512_extractf32x8_ps(four, 1));
  return _mm_add_ps(_mm256_castps256_ps128(two), _mm256_extractf128_ps(two, 1));
}

// The queries' levels, then the sums of two levels each as floats: as many bytes as the floats have.
float prepare_levels(float *query, size_t dim) {
  constexpr float kMost = 32767, kLeast = 0x1p-100f;
  float largest = 0;
  for (size_t i = 0; i < dim; ++i) {
    const float magnitude = __builtin_fabsf(query[i]);
    if (magnitude > largest) largest = magnitude;
  }
  if (largest < kLeast) {
    std::memset(query, 0, dim * sizeof(float));
    return 0;
  }
  int16_t levels[AttendKernels::kMostDim];
  const __m512 inverse = _mm512_set1_ps(kMost / largest);
  for (size_t i = 0; i < dim; i += kLanes) {
    const __m512i level = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(query + i), inverse));
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(levels + i), _mm512_cvtsepi32_epi16(level));
  }
  float *const sums = query + dim / 2;
  for (size_t i = 0; i < dim; i += kBlock) {
    const __m512i pairs = _mm512_madd_epi16(_mm512_loadu_si512(levels + i), _mm512_set1_epi16(1));
    _mm512_storeu_ps(sums + i / 2, _mm512_cvtepi32_ps(pairs));
  }
  std::memcpy(query, levels, dim * sizeof *levels);
  return largest / kMost;
}

template <int32_t kType, size_t kRows>
inline void add_products(const char *const *rows, size_t at, const float *queries, size_t dim,
                         __m512 (&sums)[kTokens][kRows]) {
  __m512 keys[kTokens];
#pragma GCC unroll 4
  for (size_t t = 0; t < kTokens; ++t) keys[t] = load<kType, false>(rows[t], at);
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) {
    const __m512 q = _mm512_loadu_ps(queries + r * dim + at);
#pragma GCC unroll 4
    for (size_t t = 0; t < kTokens; ++t) sums[t][r] = _mm512_fmadd_ps(keys[t], q, sums[t][r]);
  }
}

template <int32_t kType, size_t kRows>
inline void add_tail(const char *const *rows, size_t at, const float *queries, size_t dim,
                     __m512 (&sums)[kTokens][kRows]) {
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) {
    const __m512 q = _mm512_zextps256_ps512(_mm256_loadu_ps(queries + r * dim + at));
#pragma GCC unroll 4
    for (size_t t = 0; t < kTokens; ++t) sums[t][r] = _mm512_fmadd_ps(load_tail<kType>(rows[t], at), q, sums[t][r]);
  }
}

template <int32_t kType, size_t kRows>
inline void add_block(const char *const *rows, size_t at, const float *queries, size_t dim,
                      __m512 (&sums)[kTokens][kRows]) {
  __m512i keys[kTokens];
  __m512 scales[kTokens];
#pragma GCC unroll 4
  for (size_t t = 0; t < kTokens; ++t) {
    const char *const block = rows[t] + at / kBlock * kUnitBytes<kType>;
    keys[t] = load_levels<kType>(block);
    scales[t] = get_half(block);
  }
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) {
    const float *const query = queries + r * dim;
    const __m512i q = _mm512_loadu_si512(query + at / 2);
#pragma GCC unroll 4
    for (size_t t = 0; t < kTokens; ++t)
      sums[t][r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_madd_epi16(keys[t], q)), scales[t], sums[t][r]);
    if constexpr (kType == INFERMEM_DTYPE_Q4_1) {
      const __m512 q_sums = _mm512_loadu_ps(query + dim / 2 + at / 2);
#pragma GCC unroll 4
      for (size_t t = 0; t < kTokens; ++t)
        sums[t][r] = _mm512_fmadd_ps(q_sums, get_half(rows[t] + at / kBlock * kUnitBytes<kType> + 2), sums[t][r]);
    }
  }
}

// Four tokens with kRows query rows. scores: that of the first row and token.
template <int32_t kType, size_t kRows>
inline void score_rows(const char *const *rows, const float *queries, size_t dim, float *scores) {
  __m512 sums[kTokens][kRows];
#pragma GCC unroll 4
  for (size_t t = 0; t < kTokens; ++t)
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) sums[t][r] = _mm512_setzero_ps();
  if constexpr (kIsPlain<kType>) {
    size_t at = 0;
    for (; at + kLanes <= dim; at += kLanes) add_products<kType>(rows, at, queries, dim, sums);
    if (at < dim) add_tail<kType>(rows, at, queries, dim, sums);
  } else {
    for (size_t at = 0; at < dim; at += kBlock) add_block<kType>(rows, at, queries, dim, sums);
  }
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r)
    _mm_storeu_ps(scores + r * kTile, sum_each(sums[0][r], sums[1][r], sums[2][r], sums[3][r]));
}

template <int32_t kType>
void score(const StoredRows &keys, size_t n, const float *queries, size_t n_rows, size_t dim, float *scores) {
  const size_t bytes = bytes_of<kType>(dim);
  for (size_t token = 0; token < n; token += kTokens) {
    const char *rows[kTokens];  // the last again where there are fewer
    for (size_t t = 0; t < kTokens; ++t) {
      const size_t index = token + t < n ? token + t : n - 1;
      rows[t] = keys.data + index * keys.stride;
      prefetch(keys.ahead + index * keys.ahead_stride, bytes);
    }
    size_t r = 0;
    for (; r + 4 <= n_rows; r += 4) score_rows<kType, 4>(rows, queries + r * dim, dim, scores + r * kTile + token);
    for (; r + 2 <= n_rows; r += 2) score_rows<kType, 2>(rows, queries + r * dim, dim, scores + r * kTile + token);
    if (r < n_rows) score_rows<kType, 1>(rows, queries + r * dim, dim, scores + r * kTile + token);
  }
}

// ---- Weights ----

inline __m512 exp_of(__m512 x) {
  using namespace exponential;
  const __mmask16 is_zero = _mm512_cmp_ps_mask(x, _mm512_set1_ps(kLeast), _CMP_LT_OQ);
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(kPerLn2)), _MM_FROUND_TO_NEAREST_INT);
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(kLn2), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(kLn2Rest), r);
  __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(kSixth), r, _mm512_set1_ps(kFifth));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(kFourth));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(kThird));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(kSecond));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1));
  return _mm512_mask_mov_ps(_mm512_scalef_ps(p, n), is_zero, _mm512_setzero_ps());
}

// cap * tanh(s / cap), from the exponential of -2 |s / cap|.
inline __m512 cap_of(__m512 s, float cap) {
  const __m512 sign = _mm512_and_ps(s, _mm512_set1_ps(-0.0f)), one = _mm512_set1_ps(1);
  const __m512 ratio = _mm512_div_ps(_mm512_abs_ps(s), _mm512_set1_ps(cap));
  const __m512 e = exp_of(_mm512_mul_ps(ratio, _mm512_set1_ps(-2)));
  const __m512 tanh = _mm512_div_ps(_mm512_sub_ps(one, e), _mm512_add_ps(one, e));
  return _mm512_or_ps(_mm512_mul_ps(tanh, _mm512_set1_ps(cap)), sign);
}

// A bit for each of tokens begin … end - 1 of a tile.
inline uint64_t bits(size_t begin, size_t end) { return ~uint64_t{0} << begin & ~uint64_t{0} >> (kTile - end); }

float weigh(float *scores, size_t begin, size_t end, float unit, float cap, AttendKernels::Softmax *softmax) {
  const uint64_t seen = bits(begin, end);
  const __m512 most = _mm512_set1_ps(FLT_MAX), least = _mm512_set1_ps(-FLT_MAX), factor = _mm512_set1_ps(unit);
  __m512 top = _mm512_set1_ps(softmax->largest);
  for (size_t i = 0; i < kTile; i += kLanes) {
    const auto mask = static_cast<__mmask16>(seen >> i);
    __m512 s = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, scores + i), factor);
    s = _mm512_max_ps(least, _mm512_min_ps(most, s));  // in this order NaN stays
    if (cap != 0) s = cap_of(s, cap);
    _mm512_storeu_ps(scores + i, s);
    top = _mm512_mask_max_ps(top, mask, top, s);
  }
  const float largest = _mm512_reduce_max_ps(top);
  const __m512 largest_all = _mm512_set1_ps(largest);
  __m512 sum = _mm512_setzero_ps();
  for (size_t i = 0; i < kTile; i += kLanes) {
    const __m512 w = _mm512_maskz_mov_ps(static_cast<__mmask16>(seen >> i),
                                         exp_of(_mm512_sub_ps(_mm512_loadu_ps(scores + i), largest_all)));
    _mm512_storeu_ps(scores + i, w);
    sum = _mm512_add_ps(sum, w);
  }
  const float former = _mm512_cvtss_f32(exp_of(_mm512_sub_ps(_mm512_set1_ps(softmax->largest), largest_all)));
  *softmax = {largest, softmax->sum * former + _mm512_reduce_add_ps(sum)};
  return former;
}

// ---- Values ----

template <int32_t kType, size_t... v, size_t kVectors>
inline void load_values(const char *row, size_t at, __m512 (&values)[kVectors], std::index_sequence<v...>) {
  ((values[v] = load<kType, v % 2 == 1>(row, at + v * kLanes)), ...);
}

// A token's weight, times the scale of a block.
inline __m512 weight_of(const float *weight, const char *block) {
  return _mm512_broadcastss_ps(_mm_mul_ss(get_one_half(block), _mm_load_ss(weight)));
}

// kVectors registers of elements from element `at` on.
template <int32_t kType, size_t kRows, size_t kVectors>
inline void add_values(const StoredRows &stored, size_t n, const float *weights, const float *factors, size_t at,
                       bool is_first, size_t ahead_bytes, float *const *out) {
  __m512 sums[kRows][kVectors];
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (size_t v = 0; v < kVectors; ++v)
      sums[r][v] = _mm512_mul_ps(_mm512_loadu_ps(out[r] + at + v * kLanes), _mm512_set1_ps(factors[r]));
  for (size_t token = 0; token < n; ++token) {
    if (is_first) prefetch(stored.ahead + token * stored.ahead_stride, ahead_bytes);
    __m512 values[kVectors];
    const char *const row = stored.data + token * stored.stride;
    load_values<kType>(row, at, values, std::make_index_sequence<kVectors>());
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) {
      __m512 w = _mm512_set1_ps(weights[r * kTile + token]);
#pragma GCC unroll 8
      for (size_t v = 0; v < kVectors; ++v) {
        if constexpr (kType == INFERMEM_DTYPE_Q8_0)
          if (v % 2 == 0)
            w = weight_of(weights + r * kTile + token, row + (at + v * kLanes) / kBlock * sizeof(blocks::Q8_0));
        sums[r][v] = _mm512_fmadd_ps(values[v], w, sums[r][v]);
      }
    }
  }
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (size_t v = 0; v < kVectors; ++v) _mm512_storeu_ps(out[r] + at + v * kLanes, sums[r][v]);
}

// The last eight elements of a plain type.
template <int32_t kType>
inline void add_last_values(const StoredRows &stored, size_t n, const float *weights, float factor, size_t at,
                            float *out) {
  __m256 sum = _mm256_mul_ps(_mm256_loadu_ps(out + at), _mm256_set1_ps(factor));
  for (size_t token = 0; token < n; ++token) {
    const __m256 value = _mm512_castps512_ps256(load_tail<kType>(stored.data + token * stored.stride, at));
    sum = _mm256_fmadd_ps(value, _mm256_set1_ps(weights[token]), sum);
  }
  _mm256_storeu_ps(out + at, sum);
}

template <int32_t kType, size_t kRows>
void add_rows(const StoredRows &stored, size_t n, const float *weights, const float *factors, size_t dim, bool is_first,
              float *const *out) {
  constexpr size_t kVectors = kRows == 4 ? 4 : 8, kWide = kVectors * kLanes;
  const size_t bytes = is_first ? bytes_of<kType>(dim) : 0;
  size_t at = 0;
  for (; at + kWide <= dim; at += kWide)
    add_values<kType, kRows, kVectors>(stored, n, weights, factors, at, is_first && at == 0, bytes, out);
  for (; at + 2 * kLanes <= dim; at += 2 * kLanes)
    add_values<kType, kRows, 2>(stored, n, weights, factors, at, is_first && at == 0, bytes, out);
  if constexpr (kIsPlain<kType>) {
    if (at + kLanes <= dim) {
      add_values<kType, kRows, 1>(stored, n, weights, factors, at, is_first && at == 0, bytes, out);
      at += kLanes;
    }
    if (at < dim)
      for (size_t r = 0; r < kRows; ++r) add_last_values<kType>(stored, n, weights + r * kTile, factors[r], at, out[r]);
  }
}

template <int32_t kType>
void add(const StoredRows &stored, size_t n, const float *weights, const float *factors, size_t n_rows, size_t dim,
         float *const *out) {
  size_t r = 0;
  for (; r + 4 <= n_rows; r += 4) add_rows<kType, 4>(stored, n, weights + r * kTile, factors + r, dim, r == 0, out + r);
  for (; r + 2 <= n_rows; r += 2) add_rows<kType, 2>(stored, n, weights + r * kTile, factors + r, dim, r == 0, out + r);
  if (r < n_rows) add_rows<kType, 1>(stored, n, weights + r * kTile, factors + r, dim, r == 0, out + r);
}

// ---- By type ----

float prepare(int32_t type, float *query, size_t dim) {
  const bool is_plain = type == INFERMEM_DTYPE_F32 || type == INFERMEM_DTYPE_F16 || type == INFERMEM_DTYPE_BF16;
  return is_plain ? 1.0f : prepare_levels(query, dim);
}

void score(const StoredRows &keys, size_t n, const float *queries, size_t n_rows, size_t dim, float *scores) {
  switch (keys.type) {
    case INFERMEM_DTYPE_F32:
      return score<INFERMEM_DTYPE_F32>(keys, n, queries, n_rows, dim, scores);
    case INFERMEM_DTYPE_F16:
      return score<INFERMEM_DTYPE_F16>(keys, n, queries, n_rows, dim, scores);
    case INFERMEM_DTYPE_BF16:
      return score<INFERMEM_DTYPE_BF16>(keys, n, queries, n_rows, dim, scores);
    case INFERMEM_DTYPE_Q8_0:
      return score<INFERMEM_DTYPE_Q8_0>(keys, n, queries, n_rows, dim, scores);
    case INFERMEM_DTYPE_Q4_0:
      return score<INFERMEM_DTYPE_Q4_0>(keys, n, queries, n_rows, dim, scores);
    default:
      return score<INFERMEM_DTYPE_Q4_1>(keys, n, queries, n_rows, dim, scores);
  }
}

void add(const StoredRows &values, size_t n, const float *weights, const float *factors, size_t n_rows, size_t dim,
         float *const *out) {
  switch (values.type) {
    case INFERMEM_DTYPE_F32:
      return add<INFERMEM_DTYPE_F32>(values, n, weights, factors, n_rows, dim, out);
    case INFERMEM_DTYPE_F16:
      return add<INFERMEM_DTYPE_F16>(values, n, weights, factors, n_rows, dim, out);
    case INFERMEM_DTYPE_BF16:
      return add<INFERMEM_DTYPE_BF16>(values, n, weights, factors, n_rows, dim, out);
    case INFERMEM_DTYPE_Q8_0:
      return add<INFERMEM_DTYPE_Q8_0>(values, n, weights, factors, n_rows, dim, out);
    case INFERMEM_DTYPE_Q4_0:
      return add<INFERMEM_DTYPE_Q4_0>(values, n, weights, factors, n_rows, dim, out);
    default:
      return add<INFERMEM_DTYPE_Q4_1>(values, n, weights, factors, n_rows, dim, out);
  }
}

}  // namespace

const AttendKernels attend_avx512 = {prepare, score, add, weigh};

}  // namespace infermem
