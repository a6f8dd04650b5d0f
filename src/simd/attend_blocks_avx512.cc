// Attention to blocks for AVX-512. Levels are not multiplied by their scales one by one.
//
// For scores the query has integers of 16 bits, one scale a row, in two digits, whose products with a block's levels are
// summed exactly; a block's scale multiplies the sums. For values the weights are multiplied by the scales, and made
// integers of 16 bits whose products with the levels of sixteen tokens are summed exactly.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"  // gcc 12 warns of its own _mm512_undefined_ps
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "simd/attend_avx512.hh"
#include "simd/blocks.hh"

namespace infermem::avx512 {
namespace {

constexpr size_t kBlock = 32;
constexpr size_t kEight = 8;  // tokens whose keys are taken at once
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
  __m512 scales(size_t b, size_t token) const { return sixteen(scales_[b] + token); }
  __m512 minima(size_t b, size_t token) const { return sixteen(minima_[b] + token); }
  // Of eight tokens from `token` on, in the order of Eight's lanes.
  __m512 eight_scales(size_t b, size_t token) const { return eight(scales_[b] + token); }
  __m512 eight_minima(size_t b, size_t token) const { return eight(minima_[b] + token); }

 private:
  static __m512 sixteen(const uint16_t *halves) {
    return _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i *>(halves)));
  }
  static __m512 eight(const uint16_t *halves) {
    const __m512i order = _mm512_setr_epi32(0, 0, 4, 4, 1, 1, 5, 5, 2, 2, 6, 6, 3, 3, 7, 7);
    const __m256 floats = _mm256_cvtph_ps(_mm_load_si128(reinterpret_cast<const __m128i *>(halves)));
    return _mm512_permutexvar_ps(order, _mm512_castps256_ps512(floats));
  }

  alignas(64) uint16_t scales_[kMostBlocks][kTile];
  alignas(64) uint16_t minima_[kHasMin<kType> ? kMostBlocks : 1][kTile];
};

// Asks for what lies ahead of a token's b-th block, as often as there is another line.
template <int32_t kType>
inline void prefetch_block(const char *ahead, size_t b) {
  constexpr size_t kBlocksALine = kLineBytes / kBytes<kType>;
  if (b % kBlocksALine == 0) prefetch_line(ahead + b * kBytes<kType>);
}

// ---- Scores ----

// A query row's block, where its floats were: its levels are 256 * upper + lower.
struct QueryBlock {
  int8_t upper[kBlock], lower[kBlock];
  int32_t bias[2];  // what the products with levels that are not below 0 have too much, negative, and 0
  float sum[2];     // of the levels, and 0
  char unused[kBlock * sizeof(float) - 80];
};
static_assert(sizeof(QueryBlock) == kBlock * sizeof(float), "it takes the place of the floats");

template <typename T>
inline __m512i broadcast8(const T *at) {
  static_assert(sizeof *at <= 8, "");
  int64_t bytes;
  std::memcpy(&bytes, at, sizeof bytes);
  return _mm512_set1_epi64(bytes);
}

// The levels of a block of eight tokens, as bytes that are not below 0: register p has elements 8 * p to 8 * p + 7 of
// tokens 0, 4, 1, 5, 2, 6, 3, 7, each in two lanes.
struct Eight {
  __m512i piece[4];
};

// Sixteen bytes of each of four rows.
inline __m512i load_four(const char *const *rows, size_t at) {
  __m512i four = _mm512_castsi128_si512(load16(rows[0] + at));
  four = _mm512_inserti32x4(four, load16(rows[1] + at), 1);
  four = _mm512_inserti32x4(four, load16(rows[2] + at), 2);
  return _mm512_inserti32x4(four, load16(rows[3] + at), 3);
}

template <int32_t kType>
inline Eight load_eight(const char *const *rows, size_t b) {
  const size_t at = b * kBytes<kType> + (kHasMin<kType> ? 4 : 2);
  const __m512i a = load_four(rows, at), c = load_four(rows + 4, at);
  const __m512i low = _mm512_unpacklo_epi64(a, c), high = _mm512_unpackhi_epi64(a, c);
  if constexpr (kType == INFERMEM_DTYPE_Q8_0) {
    const __m512i sign = _mm512_set1_epi8(-128);
    const __m512i e = load_four(rows, at + 16), f = load_four(rows + 4, at + 16);
    return {{_mm512_xor_si512(low, sign), _mm512_xor_si512(high, sign),
             _mm512_xor_si512(_mm512_unpacklo_epi64(e, f), sign), _mm512_xor_si512(_mm512_unpackhi_epi64(e, f), sign)}};
  }
  const __m512i nibble = _mm512_set1_epi8(15);
  return {{_mm512_and_si512(low, nibble), _mm512_and_si512(high, nibble),
           _mm512_and_si512(_mm512_srli_epi16(low, 4), nibble), _mm512_and_si512(_mm512_srli_epi16(high, 4), nibble)}};
}

// Eight tokens with kRows query rows. scores: that of the first row and token.
template <int32_t kType, size_t kRows>
inline void score_rows(const char *const *rows, const char *const *ahead, const Parameters<kType> &parameters,
                       size_t token, const float *queries, size_t dim, float *scores) {
  __m512 sums[kRows];
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) sums[r] = _mm512_setzero_ps();
  for (size_t b = 0; b < dim / kBlock; ++b) {
    if (ahead)
      for (size_t t = 0; t < kEight; ++t) prefetch_block<kType>(ahead[t], b);
    const Eight keys = load_eight<kType>(rows, b);
    const __m512 scales = parameters.eight_scales(b, token);
    __m512 minima = scales;
    if constexpr (kHasMin<kType>) minima = parameters.eight_minima(b, token);
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) {
      const auto *const query = reinterpret_cast<const QueryBlock *>(queries + r * dim) + b;
      __m512i upper = _mm512_setzero_si512(), lower = broadcast8(query->bias);
#pragma GCC unroll 4
      for (size_t p = 0; p < 4; ++p) {
        upper = _mm512_dpbusd_epi32(upper, keys.piece[p], broadcast8(query->upper + 8 * p));
        lower = _mm512_dpbusd_epi32(lower, keys.piece[p], broadcast8(query->lower + 8 * p));
      }
      const __m512i products = _mm512_add_epi32(_mm512_slli_epi32(upper, 8), lower);
      sums[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(products), scales, sums[r]);
      if constexpr (kHasMin<kType>)
        sums[r] = _mm512_fmadd_ps(_mm512_castsi512_ps(broadcast8(query->sum)), minima, sums[r]);
    }
  }
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 2, 6, 10, 14, 0, 0, 0, 0, 0, 0, 0, 0);
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) {
    const __m512 pairs = _mm512_add_ps(sums[r], _mm512_permute_ps(sums[r], 0xb1));
    _mm256_storeu_ps(scores + r * kTile, _mm512_castps512_ps256(_mm512_permutexvar_ps(order, pairs)));
  }
}

template <int32_t kType>
void score(const StoredRows &keys, size_t n, const float *queries, size_t n_rows, size_t dim, float *scores) {
  const Parameters<kType> parameters(keys, n, dim / kBlock);
  for (size_t token = 0; token < n; token += kEight) {
    const char *rows[kEight], *ahead[kEight];  // the last again where there are fewer
    for (size_t t = 0; t < kEight; ++t) {
      const size_t index = token + t < n ? token + t : n - 1;
      rows[t] = keys.data + index * keys.stride;
      ahead[t] = keys.ahead + index * keys.ahead_stride;
    }
    const char *const *once = ahead;
    const float *query = queries;
    float *out = scores + token;
    size_t r = 0;
    for (; r + 4 <= n_rows; r += 4, query += 4 * dim, out += 4 * kTile, once = nullptr)
      score_rows<kType, 4>(rows, once, parameters, token, query, dim, out);
    for (; r + 2 <= n_rows; r += 2, query += 2 * dim, out += 2 * kTile, once = nullptr)
      score_rows<kType, 2>(rows, once, parameters, token, query, dim, out);
    if (r < n_rows) score_rows<kType, 1>(rows, once, parameters, token, query, dim, out);
  }
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

// Sixteen tokens or fewer, whose values are added up as integers: a value's level is multiplied by its token's weight and
// its block's scale, both as shares of the largest there are, as an integer of 16 bits.
template <int32_t kType>
struct Sixteen {
  Sixteen(const StoredRows &stored, size_t begin, size_t end, const Parameters<kType> &parameters, size_t n_blocks)
      : n(end - begin < kLanes ? end - begin : kLanes), first(begin), all(parameters) {
    for (size_t t = 0; t < kLanes; ++t) {
      const size_t token = begin + (t < n ? t : n - 1);  // the last again where there are fewer
      rows[t] = stored.data + token * stored.stride;
      ahead[t] = stored.ahead + token * stored.ahead_stride;
    }
    for (size_t b = 0; b < n_blocks; b += 4) {
      __m512 scale[4];
#pragma GCC unroll 4
      for (size_t i = 0; i < 4; ++i) scale[i] = all.scales(b + i < n_blocks ? b + i : b, first);
      const Shares of(scale, kMost);
#pragma GCC unroll 4
      for (size_t i = 0; i < 4; ++i) _mm512_store_ps(scales[b + i], _mm512_mul_ps(scale[i], of.inverse(i)));
      _mm_store_ps(units + b, _mm_mul_ps(of.largest, _mm_set1_ps(1 / kMost)));
    }
  }

  // Of each of four registers the largest magnitude, and what makes that `whole`.
  struct Shares {
    Shares(const __m512 *v, float whole)
        : largest(reduce_four<Maximum>(_mm512_abs_ps(v[0]), _mm512_abs_ps(v[1]), _mm512_abs_ps(v[2]),
                                       _mm512_abs_ps(v[3]))) {
      const __mmask8 some = _mm_cmp_ps_mask(largest, _mm_setzero_ps(), _CMP_NEQ_OQ);
      _mm_store_ps(inverses, _mm_maskz_div_ps(some, _mm_set1_ps(whole), largest));
    }
    __m512 inverse(size_t i) const { return _mm512_set1_ps(inverses[i]); }
    const __m128 largest;
    alignas(16) float inverses[4];
  };

  static constexpr float kMost = 32767;
  const size_t n, first;  // tokens, and the first of them among all
  const Parameters<kType> &all;
  const char *rows[kLanes], *ahead[kLanes];
  alignas(64) float scales[kMostBlocks][kLanes];
  alignas(16) float units[kMostBlocks];  // by which products are to be multiplied
};

// The weights of kRows rows, as shares of each one's largest.
template <size_t kRows>
struct Weights {
  alignas(64) float shares[kRows][kLanes];
  float units[4];
};

// kBlocks blocks from the b-th on.
template <int32_t kType, size_t kRows, size_t kBlocks>
inline void add_values(const Sixteen<kType> &tokens, const Weights<kRows> &weights, const float *factors, size_t b,
                       bool is_first, float *const *out) {
  constexpr size_t kPacked = (kBlocks + 1) / 2;
  alignas(64)
      int32_t scaled[kRows][kPacked][kLanes];  // pairs of weights: four of an even block's lanes, four of an odd's
  __m512i sums[kRows][kBlocks][2];
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) {
    const __m512 w = _mm512_load_ps(weights.shares[r]);
#pragma GCC unroll 2
    for (size_t i = 0; i < kPacked; ++i) {
      const auto levels = [&](size_t block) {
        return _mm512_cvtps_epi32(_mm512_mul_ps(w, _mm512_load_ps(tokens.scales[b + block])));
      };
      const __m512i even = levels(2 * i), odd = 2 * i + 1 < kBlocks ? levels(2 * i + 1) : even;
      _mm512_store_si512(scaled[r][i], _mm512_packs_epi32(even, odd));
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < kBlocks; ++i) sums[r][i][0] = sums[r][i][1] = _mm512_setzero_si512();
  }
  for (size_t token = 0; token < tokens.n; token += 2) {
    const char *const rows[2] = {tokens.rows[token], tokens.rows[token + 1]};
    const size_t pair = token / 4 * 4 + token / 2 % 2;
#pragma GCC unroll 4
    for (size_t i = 0; i < kBlocks; ++i) {
      if (is_first)
        for (size_t t = 0; t < 2; ++t) prefetch_block<kType>(tokens.ahead[token + t], b + i);
      const __m512i even = load_levels<kType>(rows[0] + (b + i) * kBytes<kType>);
      const __m512i odd = load_levels<kType>(rows[1] + (b + i) * kBytes<kType>);
      const __m512i low = _mm512_unpacklo_epi16(even, odd), high = _mm512_unpackhi_epi16(even, odd);
#pragma GCC unroll 4
      for (size_t r = 0; r < kRows; ++r) {
        const __m512i w = _mm512_set1_epi32(scaled[r][i / 2][pair + i % 2 * 2]);
        sums[r][i][0] = _mm512_dpwssd_epi32(sums[r][i][0], low, w);
        sums[r][i][1] = _mm512_dpwssd_epi32(sums[r][i][1], high, w);
      }
    }
  }
  // Of each eight elements the first four are in the one register, the others in the other.
  const __m512i first = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const __m512i second = _mm512_setr_epi32(8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) {
    const __m512 factor = _mm512_set1_ps(factors[r]);
#pragma GCC unroll 4
    for (size_t i = 0; i < kBlocks; ++i) {
      float *const to = out[r] + (b + i) * kBlock;
      const __m512 unit = _mm512_set1_ps(weights.units[r] * tokens.units[b + i]);
      __m512 begin = _mm512_setzero_ps();
      if constexpr (kHasMin<kType>) {
        const __m512 minima = _mm512_mul_ps(tokens.all.minima(b + i, tokens.first), _mm512_load_ps(weights.shares[r]));
        begin = _mm512_set1_ps(_mm512_reduce_add_ps(minima) * weights.units[r]);
      }
      const auto add = [&](float *at, __m512i order) {
        const __m512i sum = _mm512_permutex2var_epi32(sums[r][i][0], order, sums[r][i][1]);
        const __m512 former = _mm512_fmadd_ps(_mm512_loadu_ps(at), factor, begin);
        _mm512_storeu_ps(at, _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), unit, former));
      };
      add(to, first);
      add(to + kLanes, second);
    }
  }
}

template <int32_t kType, size_t kRows>
inline void add_rows(const Sixteen<kType> &tokens, const float *weights, const float *factors, size_t n_blocks,
                     bool is_first, float *const *out) {
  constexpr size_t kBlocks = kRows == 4 ? 2 : 4;
  const auto seen = static_cast<__mmask16>((1u << tokens.n) - 1);
  __m512 w[4];
#pragma GCC unroll 4
  for (size_t r = 0; r < 4; ++r) w[r] = _mm512_maskz_loadu_ps(seen, weights + r % kRows * kTile);
  const typename Sixteen<kType>::Shares of(w, 1);
  Weights<kRows> shares;
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) _mm512_store_ps(shares.shares[r], _mm512_mul_ps(w[r], of.inverse(r)));
  _mm_storeu_ps(shares.units, of.largest);
  size_t b = 0;
  for (; b + kBlocks <= n_blocks; b += kBlocks)
    add_values<kType, kRows, kBlocks>(tokens, shares, factors, b, is_first, out);
  for (; b < n_blocks; ++b) add_values<kType, kRows, 1>(tokens, shares, factors, b, is_first, out);
}

template <int32_t kType>
void add(const StoredRows &stored, size_t n, const float *weights, const float *factors, size_t n_rows, size_t dim,
         float *const *out) {
  static constexpr float kOnes[4] = {1, 1, 1, 1};
  const size_t n_blocks = dim / kBlock;
  const Parameters<kType> parameters(stored, n, n_blocks);
  for (size_t first = 0; first < n; first += kLanes) {
    const Sixteen<kType> tokens(stored, first, n, parameters, n_blocks);
    const auto with = [&](size_t r) { return first == 0 ? factors + r : kOnes; };
    const float *w = weights + first;
    size_t r = 0;
    for (; r + 4 <= n_rows; r += 4, w += 4 * kTile) add_rows<kType, 4>(tokens, w, with(r), n_blocks, r == 0, out + r);
    for (; r + 2 <= n_rows; r += 2, w += 2 * kTile) add_rows<kType, 2>(tokens, w, with(r), n_blocks, r == 0, out + r);
    if (r < n_rows) add_rows<kType, 1>(tokens, w, with(r), n_blocks, r == 0, out + r);
  }
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
    block.bias[0] = -bias * sum;
    block.sum[0] = static_cast<float>(sum);
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
