// Attention to blocks for AVX-512. Levels are not multiplied by their scales one by one.
//
// For scores the query has integers of 16 bits, one scale a row, in two digits, whose products with a block's levels are
// summed exactly; a block's scale multiplies the sums. For values the weights are multiplied by the scales, and made
// integers of 16 bits whose products with the levels of some tens of tokens are summed exactly.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"  // gcc 12 warns of its own _mm512_undefined_ps
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "simd/attend_avx512.hh"
#include "simd/blocks.hh"

namespace infermem::avx512 {
namespace {

constexpr size_t kBlock = 32;
constexpr size_t kMostBlocks = AttendKernels::kMostDim / kBlock;

template <int32_t kType>
constexpr bool kHasMin = kType == INFERMEM_DTYPE_Q4_1;

template <int32_t kType>
constexpr size_t kBytes = kType == INFERMEM_DTYPE_Q8_0   ? sizeof(blocks::Q8_0)
                          : kType == INFERMEM_DTYPE_Q4_0 ? sizeof(blocks::Q4_0)
                                                         : sizeof(blocks::Q4_1);

// What the blocks of n tokens, kTile or fewer, have beside their levels.
//
// They lie apart, and are brought together by way of memory: of all instructions those that insert into registers have
// the most to do here, and copies of two bytes the least.
template <int32_t kType>
class Parameters {
 public:
  Parameters(const StoredRows &rows, size_t n, size_t n_blocks) {
    for (size_t token = 0; token < (n + kLanes - 1) / kLanes * kLanes; ++token) {  // the last again behind them
      const char *const row = rows.data + (token < n ? token : n - 1) * rows.stride;
      for (size_t b = 0; b < n_blocks; ++b) {
        std::memcpy(&scales_[b][token], row + b * kBytes<kType>, sizeof(uint16_t));
        if constexpr (kHasMin<kType>) std::memcpy(&minima_[b][token], row + b * kBytes<kType> + 2, sizeof(uint16_t));
      }
    }
  }

  // Of sixteen tokens from `token` on.
  __m512 scales(size_t b, size_t token) const { return floats(scales_[b] + token); }
  __m512 minima(size_t b, size_t token) const { return floats(minima_[b] + token); }

 private:
  static __m512 floats(const uint16_t *halves) {
    return _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i *>(halves)));
  }

  alignas(64) uint16_t scales_[kMostBlocks][kTile];
  alignas(64) uint16_t minima_[kHasMin<kType> ? kMostBlocks : 1][kTile];
};

// Sums with products of neighbours added: of unsigned with signed bytes, four of them everywhere the same, or of integers
// of 16 bits. In these words because gcc 12 moves a sum of its own functions to another register and back each time.
inline __m512i add_products(__m512i sums, __m512i bytes, const int8_t *four) {
  __asm__("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sums) : "v"(bytes), "m"(*reinterpret_cast<const int8_t(*)[4]>(four)));
  return sums;
}
inline __m512i add_products(__m512i sums, __m512i a, __m512i b) {
  __asm__("vpdpwssd %2, %1, %0" : "+v"(sums) : "v"(a), "v"(b));
  return sums;
}

// ---- Scores ----

// A query row's block, where its floats were: its levels are 256 * upper + lower.
struct QueryBlock {
  int8_t upper[kBlock], lower[kBlock];
  int32_t bias;  // what the products with levels that are not below 0 have too much, negative
  float sum;     // of the levels
  char unused[kBlock * sizeof(float) - 72];
};
static_assert(sizeof(QueryBlock) == kBlock * sizeof(float), "it takes the place of the floats");

// The levels of a block of sixteen tokens, as bytes that are not below 0: each register has four elements of all.
struct Keys {
  __m512i piece[kBlock / 4];
};

// Sixteen bytes of tokens 0, 4, 8 and 12 from a row on.
inline __m512i load_four(const char *row, size_t stride) {
  __m512i four = _mm512_castsi128_si512(load16(row));
  four = _mm512_inserti32x4(four, load16(row + 4 * stride), 1);
  four = _mm512_inserti32x4(four, load16(row + 8 * stride), 2);
  return _mm512_inserti32x4(four, load16(row + 12 * stride), 3);
}

inline void prefetch_four(const char *row, size_t stride) {
  prefetch_line(row);
  prefetch_line(row + 4 * stride);
  prefetch_line(row + 8 * stride);
  prefetch_line(row + 12 * stride);
}

// Sixteen bytes of sixteen tokens: out[i] has the i-th four bytes of each.
inline void load_sixteen(const char *row, size_t stride, __m512i *out) {
  const __m512i a = load_four(row, stride), b = load_four(row + stride, stride);
  const __m512i c = load_four(row + 2 * stride, stride), d = load_four(row + 3 * stride, stride);
  const __m512i ab = _mm512_unpacklo_epi32(a, b), ab_upper = _mm512_unpackhi_epi32(a, b);
  const __m512i cd = _mm512_unpacklo_epi32(c, d), cd_upper = _mm512_unpackhi_epi32(c, d);
  out[0] = _mm512_unpacklo_epi64(ab, cd);
  out[1] = _mm512_unpackhi_epi64(ab, cd);
  out[2] = _mm512_unpacklo_epi64(ab_upper, cd_upper);
  out[3] = _mm512_unpackhi_epi64(ab_upper, cd_upper);
}

template <int32_t kType>
inline Keys load_keys(const char *block, size_t stride) {
  const char *const levels = block + (kHasMin<kType> ? 4 : 2);
  Keys keys;
  load_sixteen(levels, stride, keys.piece);
  if constexpr (kType == INFERMEM_DTYPE_Q8_0) {
    load_sixteen(levels + 16, stride, keys.piece + 4);
#pragma GCC unroll 8
    for (__m512i &piece : keys.piece) piece = _mm512_xor_si512(piece, _mm512_set1_epi8(-128));
  } else {
    const __m512i nibble = _mm512_set1_epi8(15);
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; ++i) {
      keys.piece[4 + i] = _mm512_and_si512(_mm512_srli_epi16(keys.piece[i], 4), nibble);
      keys.piece[i] = _mm512_and_si512(keys.piece[i], nibble);
    }
  }
  return keys;
}

// Sixteen tokens, from `token` on, with kRows query rows. scores: that of the first row and token.
template <int32_t kType, size_t kRows>
inline void score_rows(const StoredRows &stored, const Parameters<kType> &parameters, size_t token, bool is_first,
                       const float *queries, size_t dim, float *scores) {
  constexpr size_t kChains = kRows == 4 ? 1 : 2;  // of sums, with the rows' in turn, so that none is waited for
  const char *const row = stored.data + token * stored.stride;
  // Later there is nothing to ask for; what is there is asked for again, rather than a branch taken.
  const size_t ahead_stride = is_first ? stored.ahead_stride : stored.stride;
  const char *const ahead = is_first ? stored.ahead + token * stored.ahead_stride : row;
  __m512 sums[kRows];
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) sums[r] = _mm512_setzero_ps();
  for (size_t b = 0; b < dim / kBlock; ++b) {
    for (size_t t = 0; t < 4; ++t) prefetch_four(ahead + t * ahead_stride + b * kBytes<kType>, ahead_stride);
    const Keys keys = load_keys<kType>(row + b * kBytes<kType>, stored.stride);
    const __m512 scales = parameters.scales(b, token);
    __m512 minima = scales;
    if constexpr (kHasMin<kType>) minima = parameters.minima(b, token);
    const QueryBlock *query[kRows];
    __m512i upper[kRows][kChains], lower[kRows][kChains];
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) {
      query[r] = reinterpret_cast<const QueryBlock *>(queries + r * dim) + b;
#pragma GCC unroll 2
      for (size_t c = 0; c < kChains; ++c) upper[r][c] = lower[r][c] = _mm512_setzero_si512();
      lower[r][0] = _mm512_set1_epi32(query[r]->bias);
    }
#pragma GCC unroll 8
    for (size_t i = 0; i < kBlock / 4; ++i) {
      const size_t c = i % kChains;
#pragma GCC unroll 4
      for (size_t r = 0; r < kRows; ++r) {
        upper[r][c] = add_products(upper[r][c], keys.piece[i], query[r]->upper + 4 * i);
        lower[r][c] = add_products(lower[r][c], keys.piece[i], query[r]->lower + 4 * i);
      }
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) {
      if constexpr (kChains == 2) {
        upper[r][0] = _mm512_add_epi32(upper[r][0], upper[r][1]);
        lower[r][0] = _mm512_add_epi32(lower[r][0], lower[r][1]);
      }
      const __m512i products = _mm512_add_epi32(_mm512_slli_epi32(upper[r][0], 8), lower[r][0]);
      sums[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(products), scales, sums[r]);
      if constexpr (kHasMin<kType>) sums[r] = _mm512_fmadd_ps(_mm512_set1_ps(query[r]->sum), minima, sums[r]);
    }
  }
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) _mm512_storeu_ps(scores + r * kTile, sums[r]);
}

// n is a multiple of sixteen.
template <int32_t kType>
void score_sixteens(const StoredRows &keys, size_t n, const float *queries, size_t n_rows, size_t dim, float *scores) {
  const Parameters<kType> parameters(keys, n, dim / kBlock);
  for (size_t token = 0; token < n; token += kLanes) {
    const float *query = queries;
    float *out = scores + token;
    size_t r = 0;
    for (; r + 4 <= n_rows; r += 4, query += 4 * dim, out += 4 * kTile)
      score_rows<kType, 4>(keys, parameters, token, r == 0, query, dim, out);
    for (; r + 2 <= n_rows; r += 2, query += 2 * dim, out += 2 * kTile)
      score_rows<kType, 2>(keys, parameters, token, r == 0, query, dim, out);
    if (r < n_rows) score_rows<kType, 1>(keys, parameters, token, r == 0, query, dim, out);
  }
}

template <int32_t kType>
void score(const StoredRows &keys, size_t n, const float *queries, size_t n_rows, size_t dim, float *scores) {
  const size_t whole = n / kLanes * kLanes;
  if (whole != 0) score_sixteens<kType>(keys, whole, queries, n_rows, dim, scores);
  if (whole == n) return;
  char copies[kLanes][kMostBlocks * kBytes<kType>];  // the last again where there are fewer
  for (size_t t = 0; t < kLanes; ++t)
    std::memcpy(copies[t], keys.data + (whole + t < n ? whole + t : n - 1) * keys.stride, dim / kBlock * kBytes<kType>);
  const StoredRows rest = {keys.type, copies[0], sizeof copies[0], keys.ahead + whole * keys.ahead_stride,
                           keys.ahead_stride};
  score_sixteens<kType>(rest, kLanes, queries, n_rows, dim, scores + whole);
}

// ---- Values ----

// A block's levels as 32 integers of 16 bits, in order.
template <int32_t kType>
inline __m512i load_levels(const char *block) {
  if constexpr (kType == INFERMEM_DTYPE_Q8_0) return _mm512_cvtepi8_epi16(load32(block + 2));
  const __m256i pairs = _mm256_cvtepu8_epi16(load16(block + (kHasMin<kType> ? 4 : 2)));
  const __m256i low = _mm256_and_si256(pairs, _mm256_set1_epi16(15)), high = _mm256_srli_epi16(pairs, 4);
  const __m512i levels = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
  return kHasMin<kType> ? levels : _mm512_sub_epi16(levels, _mm512_set1_epi16(8));
}

// Of each of four rows of registers the largest magnitude, and what makes that `whole`.
struct Shares {
  template <size_t kN>
  Shares(const __m512 (*rows)[kN], float whole) {
    __m512 most[4];
#pragma GCC unroll 4
    for (size_t r = 0; r < 4; ++r) {
      most[r] = _mm512_abs_ps(rows[r][0]);
#pragma GCC unroll 4
      for (size_t i = 1; i < kN; ++i) most[r] = _mm512_max_ps(most[r], _mm512_abs_ps(rows[r][i]));
    }
    largest = reduce_four<Maximum>(most[0], most[1], most[2], most[3]);
    const __mmask8 some = _mm_cmp_ps_mask(largest, _mm_setzero_ps(), _CMP_NEQ_OQ);
    _mm_store_ps(inverses, _mm_maskz_div_ps(some, _mm_set1_ps(whole), largest));
  }

  __m128 largest;
  alignas(16) float inverses[4];
};

constexpr size_t kGroup = 32;  // tokens whose products are summed up as integers
constexpr size_t kParts = kGroup / kLanes;
constexpr size_t kGroups = kTile / kGroup;

// Values are added up as integers: a level is multiplied by its token's weight and its block's scale, both as shares of
// the group's largest, their product an integer of 16 bits.
template <int32_t kType>
struct Values {
  Values(const StoredRows &stored, size_t count, size_t n_blocks)
      : rows(stored), n(count), parameters(rows, n, n_blocks) {
    constexpr float kMost = 32767;
    for (size_t group = 0; group * kGroup < n; ++group) {
      for (size_t b = 0; b < n_blocks; b += 4) {
        __m512 scale[4][kParts];
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; ++i)
#pragma GCC unroll 4
          for (size_t part = 0; part < kParts; ++part) {
            const size_t token = group * kGroup + part * kLanes;
            scale[i][part] = token < n ? parameters.scales(b + i < n_blocks ? b + i : b, token) : _mm512_setzero_ps();
          }
        const Shares of(scale, kMost);
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; ++i)
#pragma GCC unroll 4
          for (size_t part = 0; part < kParts; ++part)
            _mm512_store_ps(scales[b + i][group][part], _mm512_mul_ps(scale[i][part], _mm512_set1_ps(of.inverses[i])));
        _mm_store_ps(units[group] + b, _mm_mul_ps(of.largest, _mm_set1_ps(1 / kMost)));
      }
    }
  }

  const StoredRows &rows;
  const size_t n;  // tokens, kTile or fewer
  const Parameters<kType> parameters;
  alignas(64) float scales[kMostBlocks][kGroups][kParts][kLanes];
  alignas(16) float units[kGroups][kMostBlocks];  // by which products are to be multiplied
};
static_assert(kMostBlocks % 4 == 0, "blocks are taken four at a time");

// The weights of kRows rows, as shares of each one's largest of a group.
template <size_t kRows>
struct Weights {
  Weights(const float *weights, size_t n) {
    for (size_t group = 0; group * kGroup < n; ++group) {
      __m512 w[4][kParts];
#pragma GCC unroll 4
      for (size_t r = 0; r < 4; ++r)
#pragma GCC unroll 4
        for (size_t part = 0; part < kParts; ++part) {
          const size_t token = group * kGroup + part * kLanes, left = token < n ? n - token : 0;
          const auto seen = static_cast<__mmask16>(left < kLanes ? (1u << left) - 1 : 0xffff);
          w[r][part] = _mm512_maskz_loadu_ps(seen, weights + r % kRows * kTile + token);
        }
      const Shares of(w, 1);
#pragma GCC unroll 4
      for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 4
        for (size_t part = 0; part < kParts; ++part)
          _mm512_store_ps(shares[group][r][part], _mm512_mul_ps(w[r][part], _mm512_set1_ps(of.inverses[r])));
      _mm_store_ps(units[group], of.largest);
    }
  }

  alignas(64) float shares[kGroups][kRows][kParts][kLanes];
  alignas(16) float units[kGroups][4];
};

// Sixteen elements: out = out * factor + begin + sums * unit.
inline void add_sums(__m512i sums, __m512 unit, __m512 factor, __m512 begin, float *out) {
  const __m512 former = _mm512_fmadd_ps(_mm512_loadu_ps(out), factor, begin);
  _mm512_storeu_ps(out, _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums), unit, former));
}

// The weights of a row as levels of kBlocks blocks, 1 or an even number: pairs of tokens.
template <int32_t kType, size_t kBlocks>
inline void scale_weights(const float (*weights)[kLanes], const Values<kType> &values, size_t group, size_t b,
                          int32_t (*out)[kGroup / 2]) {
  const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
#pragma GCC unroll 4
  for (size_t part = 0; part < kParts; ++part) {
    const auto levels = [&](size_t block) {
      const __m512 scale = _mm512_load_ps(values.scales[b + block][group][part]);
      return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_load_ps(weights[part]), scale));
    };
    const auto put = [&](size_t block, __m256i pairs) {
      _mm256_store_si256(reinterpret_cast<__m256i *>(out[block] + part * kLanes / 2), pairs);
    };
#pragma GCC unroll 2
    for (size_t i = 0; i < kBlocks; i += 2) {
      const __m512i even = levels(i), odd = kBlocks == 1 ? even : levels(i + 1);
      const __m512i pairs = _mm512_permutexvar_epi64(order, _mm512_packs_epi32(even, odd));
      put(i, _mm512_castsi512_si256(pairs));
      if constexpr (kBlocks != 1) put(i + 1, _mm512_extracti64x4_epi64(pairs, 1));
    }
  }
}

// A group of tokens; kBlocks blocks from the b-th on.
template <int32_t kType, size_t kRows, size_t kBlocks>
inline void add_values(const Values<kType> &values, const Weights<kRows> &weights, size_t group, const float *factors,
                       size_t b, bool is_first, float *const *out) {
  alignas(64) int32_t scaled[kRows][kBlocks][kGroup / 2];
  __m512i low_sums[kRows][kBlocks], high_sums[kRows][kBlocks];
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) {
    scale_weights<kType, kBlocks>(weights.shares[group][r], values, group, b, scaled[r]);
#pragma GCC unroll 4
    for (size_t i = 0; i < kBlocks; ++i) low_sums[r][i] = high_sums[r][i] = _mm512_setzero_si512();
  }
  const size_t first = group * kGroup, count = values.n - first < kGroup ? values.n - first : kGroup;
  const size_t stride = values.rows.stride, ahead_stride = is_first ? values.rows.ahead_stride : stride;
  const char *row = values.rows.data + first * stride + b * kBytes<kType>;
  const char *ahead = is_first ? values.rows.ahead + first * ahead_stride + b * kBytes<kType> : row;
  for (size_t pair = 0; 2 * pair < count; ++pair, row += 2 * stride, ahead += 2 * ahead_stride) {
    const char *const next = row + (2 * pair + 1 < count ? stride : 0);  // with a weight of 0 where there is none
#pragma GCC unroll 4
    for (size_t i = 0; i < kBlocks; ++i) {
      prefetch_line(ahead + i * kBytes<kType>);
      prefetch_line(ahead + ahead_stride + i * kBytes<kType>);
      const __m512i even = load_levels<kType>(row + i * kBytes<kType>);
      const __m512i odd = load_levels<kType>(next + i * kBytes<kType>);
      const __m512i low = _mm512_unpacklo_epi16(even, odd), high = _mm512_unpackhi_epi16(even, odd);
#pragma GCC unroll 4
      for (size_t r = 0; r < kRows; ++r) {
        const __m512i w = _mm512_set1_epi32(scaled[r][i][pair]);
        low_sums[r][i] = add_products(low_sums[r][i], low, w);
        high_sums[r][i] = add_products(high_sums[r][i], high, w);
      }
    }
  }
  // Of each eight elements the first four are in the one register, the others in the other.
  const __m512i lower = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const __m512i upper = _mm512_setr_epi32(8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) {
    const __m512 factor = _mm512_set1_ps(group == 0 ? factors[r] : 1);
#pragma GCC unroll 4
    for (size_t i = 0; i < kBlocks; ++i) {
      const __m512 unit = _mm512_set1_ps(weights.units[group][r] * values.units[group][b + i]);
      __m512 begin = _mm512_setzero_ps();
      if constexpr (kHasMin<kType>) {
        __m512 sum = begin;
        for (size_t part = 0; part * kLanes < count; ++part)
          sum = _mm512_fmadd_ps(values.parameters.minima(b + i, first + part * kLanes),
                                _mm512_load_ps(weights.shares[group][r][part]), sum);
        begin = _mm512_set1_ps(_mm512_reduce_add_ps(sum) * weights.units[group][r]);
      }
      float *const to = out[r] + (b + i) * kBlock;
      const __m512i low = low_sums[r][i], high = high_sums[r][i];
      add_sums(_mm512_permutex2var_epi32(low, lower, high), unit, factor, begin, to);
      add_sums(_mm512_permutex2var_epi32(low, upper, high), unit, factor, begin, to + kLanes);
    }
  }
}

template <int32_t kType, size_t kRows>
inline void add_rows(const Values<kType> &values, const float *weights, const float *factors, size_t n_blocks,
                     bool is_first, float *const *out) {
  constexpr size_t kBlocks = kRows == 4 ? 2 : 4;
  const Weights<kRows> shares(weights, values.n);
  size_t b = 0;
  for (; b + kBlocks <= n_blocks; b += kBlocks)
    for (size_t group = 0; group * kGroup < values.n; ++group)
      add_values<kType, kRows, kBlocks>(values, shares, group, factors, b, is_first, out);
  for (; b < n_blocks; ++b)
    for (size_t group = 0; group * kGroup < values.n; ++group)
      add_values<kType, kRows, 1>(values, shares, group, factors, b, is_first, out);
}

template <int32_t kType>
void add(const StoredRows &stored, size_t n, const float *weights, const float *factors, size_t n_rows, size_t dim,
         float *const *out) {
  const size_t n_blocks = dim / kBlock;
  const Values<kType> values(stored, n, n_blocks);
  const float *w = weights;
  size_t r = 0;
  for (; r + 4 <= n_rows; r += 4, w += 4 * kTile) add_rows<kType, 4>(values, w, factors + r, n_blocks, r == 0, out + r);
  for (; r + 2 <= n_rows; r += 2, w += 2 * kTile) add_rows<kType, 2>(values, w, factors + r, n_blocks, r == 0, out + r);
  if (r < n_rows) add_rows<kType, 1>(values, w, factors + r, n_blocks, r == 0, out + r);
}

}  // namespace

float prepare_blocks(int32_t type, float *query, size_t dim) {
  constexpr float kMost = 127 * 256 + 127, kLeast = 0x1p-100f;
  const int32_t bias = type == INFERMEM_DTYPE_Q8_0 ? 128 : type == INFERMEM_DTYPE_Q4_0 ? 8 : 0;
  float largest = 0;
  for (size_t i = 0; i < dim; ++i) {
    const float magnitude = __builtin_fabsf(query[i]);
    if (magnitude > largest) largest = magnitude;
  }
  if (largest < kLeast) {
    std::memset(query, 0, dim * sizeof(float));
    return 0;
  }
  const __m512 inverse = _mm512_set1_ps(kMost / largest);
  const __m512i most = _mm512_set1_epi32(static_cast<int>(kMost)), least = _mm512_set1_epi32(-static_cast<int>(kMost));
  for (float *at = query; at != query + dim; at += kBlock) {
    QueryBlock block = {};
    int32_t sum = 0;
    for (size_t i = 0; i < kBlock; i += kLanes) {
      const __m512i rounded = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(at + i), inverse));
      const __m512i level = _mm512_max_epi32(least, _mm512_min_epi32(rounded, most));  // whatever the floats are
      const __m512i upper = _mm512_srai_epi32(_mm512_add_epi32(level, _mm512_set1_epi32(128)), 8);
      _mm_storeu_si128(reinterpret_cast<__m128i *>(block.upper + i), _mm512_cvtepi32_epi8(upper));
      _mm_storeu_si128(reinterpret_cast<__m128i *>(block.lower + i), _mm512_cvtepi32_epi8(level));
      sum += _mm512_reduce_add_epi32(level);
    }
    block.bias = -bias * sum;
    block.sum = static_cast<float>(sum);
    std::memcpy(at, &block, sizeof block);
  }
  return largest / kMost;
}

void score_blocks(const StoredRows &keys, size_t n, const float *queries, size_t n_rows, size_t dim, float *scores) {
  switch (keys.type) {
    case INFERMEM_DTYPE_Q8_0:
      return score<INFERMEM_DTYPE_Q8_0>(keys, n, queries, n_rows, dim, scores);
    case INFERMEM_DTYPE_Q4_0:
      return score<INFERMEM_DTYPE_Q4_0>(keys, n, queries, n_rows, dim, scores);
    default:
      return score<INFERMEM_DTYPE_Q4_1>(keys, n, queries, n_rows, dim, scores);
  }
}

void add_blocks(const StoredRows &values, size_t n, const float *weights, const float *factors, size_t n_rows,
                size_t dim, float *const *out) {
  switch (values.type) {
    case INFERMEM_DTYPE_Q8_0:
      return add<INFERMEM_DTYPE_Q8_0>(values, n, weights, factors, n_rows, dim, out);
    case INFERMEM_DTYPE_Q4_0:
      return add<INFERMEM_DTYPE_Q4_0>(values, n, weights, factors, n_rows, dim, out);
    default:
      return add<INFERMEM_DTYPE_Q4_1>(values, n, weights, factors, n_rows, dim, out);
  }
}

}  // namespace infermem::avx512
