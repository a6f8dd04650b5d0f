// Attention to blocks for AVX-512. Levels are not multiplied by their scales one by one.
//
// For scores the query has integers of 16 bits, one scale a row, whose products with a block's levels are summed exactly;
// a block's scale multiplies the sums. For values the weights are multiplied by the scales. Parameters are made floats
// for sixteen tokens at once.
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

// What the blocks of sixteen tokens have beside their levels: [block][token].
template <int32_t kType>
struct Parameters {
  // Of the first n tokens, 16 or fewer: the last again where there are fewer.
  Parameters(const StoredRows &rows, size_t n, size_t n_blocks) {
    read(rows.data, rows.stride, n, n_blocks, scales);
    if constexpr (kHasMin<kType>) read(rows.data + sizeof(blocks::Half), rows.stride, n, n_blocks, minima);
  }

  alignas(64) float scales[kMostBlocks][kLanes];
  alignas(64) float minima[kHasMin<kType> ? kMostBlocks : 1][kLanes];

 private:
  // In registers: what was just stored in parts cannot be loaded as a whole without waiting.
  static void read(const char *from, size_t stride, size_t n, size_t n_blocks, float (*out)[kLanes]) {
    const char *at[kLanes];
    for (size_t token = 0; token < kLanes; ++token) at[token] = from + (token < n ? token : n - 1) * stride;
    for (size_t b = 0; b < n_blocks; ++b) {
      const __m256i halves = _mm256_setr_m128i(read8(at, b * kBytes<kType>), read8(at + 8, b * kBytes<kType>));
      _mm512_store_ps(out[b], _mm512_cvtph_ps(halves));
    }
  }

  static __m128i read8(const char *const *rows, size_t at) {
    const auto half = [&](size_t i) {
      int16_t bits;
      std::memcpy(&bits, rows[i] + at, sizeof bits);
      return bits;
    };
    return _mm_setr_epi16(half(0), half(1), half(2), half(3), half(4), half(5), half(6), half(7));
  }
};

// ---- Scores ----

// A block's levels as 32 integers of 16 bits, in order.
template <int32_t kType>
inline __m512i load_levels(const char *block) {
  if constexpr (kType == INFERMEM_DTYPE_Q8_0) return _mm512_cvtepi8_epi16(load32(block + 2));
  const __m256i pairs = _mm256_cvtepu8_epi16(load16(block + (kHasMin<kType> ? 4 : 2)));
  const __m256i low = _mm256_and_si256(pairs, _mm256_set1_epi16(15)), high = _mm256_srli_epi16(pairs, 4);
  const __m512i levels = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
  return kHasMin<kType> ? levels : _mm512_sub_epi16(levels, _mm512_set1_epi16(8));
}

// Four tokens, `token` and on of the sixteen, with kRows query rows. scores: that of the first row and token.
template <int32_t kType, size_t kRows>
inline void score_rows(const char *const *rows, const Parameters<kType> &parameters, size_t token, const float *queries,
                       size_t dim, float *scores) {
  __m512 sums[kTokens][kRows];
#pragma GCC unroll 4
  for (size_t t = 0; t < kTokens; ++t)
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) sums[t][r] = _mm512_setzero_ps();
  for (size_t b = 0; b < dim / kBlock; ++b) {
    __m512i keys[kTokens];
    __m512 scales[kTokens];
#pragma GCC unroll 4
    for (size_t t = 0; t < kTokens; ++t) {
      keys[t] = load_levels<kType>(rows[t] + b * kBytes<kType>);
      scales[t] = _mm512_set1_ps(parameters.scales[b][token + t]);
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) {
      const float *const query = queries + r * dim;
      const __m512i q = _mm512_loadu_si512(query + b * kBlock / 2);
#pragma GCC unroll 4
      for (size_t t = 0; t < kTokens; ++t)
        sums[t][r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_madd_epi16(keys[t], q)), scales[t], sums[t][r]);
      if constexpr (kHasMin<kType>) {
        const __m512 q_sums = _mm512_loadu_ps(query + dim / 2 + b * kBlock / 2);
#pragma GCC unroll 4
        for (size_t t = 0; t < kTokens; ++t)
          sums[t][r] = _mm512_fmadd_ps(q_sums, _mm512_set1_ps(parameters.minima[b][token + t]), sums[t][r]);
      }
    }
  }
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r)
    _mm_storeu_ps(scores + r * kTile, sum_each(sums[0][r], sums[1][r], sums[2][r], sums[3][r]));
}

template <int32_t kType>
void score(const StoredRows &keys, size_t n, const float *queries, size_t n_rows, size_t dim, float *scores) {
  const size_t n_blocks = dim / kBlock;
  for (size_t first = 0; first < n; first += kLanes) {
    const size_t count = n - first < kLanes ? n - first : kLanes;
    StoredRows sixteen = keys;
    sixteen.data += first * keys.stride;
    const Parameters<kType> parameters(sixteen, count, n_blocks);
    for (size_t token = 0; token < count; token += kTokens) {
      const char *rows[kTokens];  // the last again where there are fewer
      for (size_t t = 0; t < kTokens; ++t) {
        const size_t index = first + (token + t < count ? token + t : count - 1);
        rows[t] = keys.data + index * keys.stride;
        prefetch(keys.ahead + index * keys.ahead_stride, n_blocks * kBytes<kType>);
      }
      const float *query = queries;
      float *out = scores + first + token;
      size_t r = 0;
      for (; r + 4 <= n_rows; r += 4, query += 4 * dim, out += 4 * kTile)
        score_rows<kType, 4>(rows, parameters, token, query, dim, out);
      for (; r + 2 <= n_rows; r += 2, query += 2 * dim, out += 2 * kTile)
        score_rows<kType, 2>(rows, parameters, token, query, dim, out);
      if (r < n_rows) score_rows<kType, 1>(rows, parameters, token, query, dim, out);
    }
  }
}

// ---- Values ----

// Half a block's levels as floats.
template <int32_t kType>
inline __m512 load_half(const char *block, bool is_upper) {
  if constexpr (kType == INFERMEM_DTYPE_Q8_0)
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(load16(block + 2 + (is_upper ? 16 : 0))));
  const __m512i pairs = _mm512_cvtepu8_epi32(load16(block + (kHasMin<kType> ? 4 : 2)));
  const __m512i levels = is_upper ? _mm512_srli_epi32(pairs, 4) : _mm512_and_si512(pairs, _mm512_set1_epi32(15));
  return _mm512_cvtepi32_ps(kHasMin<kType> ? levels : _mm512_sub_epi32(levels, _mm512_set1_epi32(8)));
}

// Tokens whose values are added up at once: n of them, 16 or fewer.
template <int32_t kType>
struct Tokens {
  StoredRows rows;  // from the first of them on
  size_t n;
  Parameters<kType> parameters;
};

// kBlocks blocks from the b-th on; with the first of all comes the prefetching of `ahead` bytes a token.
template <int32_t kType, size_t kRows, size_t kBlocks>
inline void add_values(const Tokens<kType> &tokens, const float *weights, const float *factors, size_t b, size_t ahead,
                       float *const *out) {
  const StoredRows &rows = tokens.rows;
  const Parameters<kType> &parameters = tokens.parameters;
  const size_t n = tokens.n;
  constexpr size_t kVectors = 2 * kBlocks;
  alignas(64) float scaled[kRows][kBlocks][kLanes];  // weights
  __m512 sums[kRows][kVectors];
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) {
    const __m512 w = _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), weights + r * kTile);
    const __m512 factor = _mm512_set1_ps(factors[r]);
#pragma GCC unroll 4
    for (size_t i = 0; i < kBlocks; ++i) {
      _mm512_store_ps(scaled[r][i], _mm512_mul_ps(w, _mm512_load_ps(parameters.scales[b + i])));
      __m512 begin = _mm512_setzero_ps();
      if constexpr (kHasMin<kType>)
        begin = _mm512_set1_ps(_mm512_reduce_add_ps(_mm512_mul_ps(w, _mm512_load_ps(parameters.minima[b + i]))));
      const float *const former = out[r] + (b + i) * kBlock;
      sums[r][2 * i] = _mm512_fmadd_ps(_mm512_loadu_ps(former), factor, begin);
      sums[r][2 * i + 1] = _mm512_fmadd_ps(_mm512_loadu_ps(former + kLanes), factor, begin);
    }
  }
  for (size_t token = 0; token < n; ++token) {
    if (ahead != 0) prefetch(rows.ahead + token * rows.ahead_stride, ahead);
    const char *const block = rows.data + token * rows.stride + b * kBytes<kType>;
    __m512 values[kVectors];
#pragma GCC unroll 8
    for (size_t v = 0; v < kVectors; ++v) values[v] = load_half<kType>(block + v / 2 * kBytes<kType>, v % 2 == 1);
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
      for (size_t v = 0; v < kVectors; ++v)
        sums[r][v] = _mm512_fmadd_ps(values[v], _mm512_set1_ps(scaled[r][v / 2][token]), sums[r][v]);
  }
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (size_t v = 0; v < kVectors; ++v) _mm512_storeu_ps(out[r] + b * kBlock + v * kLanes, sums[r][v]);
}

template <int32_t kType, size_t kRows>
inline void add_rows(const Tokens<kType> &tokens, const float *weights, const float *factors, size_t n_blocks,
                     bool is_first, float *const *out) {
  constexpr size_t kBlocks = kRows == 4 ? 2 : 4;
  const size_t bytes = is_first ? n_blocks * kBytes<kType> : 0;
  size_t b = 0;
  for (; b + kBlocks <= n_blocks; b += kBlocks)
    add_values<kType, kRows, kBlocks>(tokens, weights, factors, b, b == 0 ? bytes : 0, out);
  for (; b < n_blocks; ++b) add_values<kType, kRows, 1>(tokens, weights, factors, b, b == 0 ? bytes : 0, out);
}

template <int32_t kType>
void add(const StoredRows &stored, size_t n, const float *weights, const float *factors, size_t n_rows, size_t dim,
         float *const *out) {
  static constexpr float kOnes[4] = {1, 1, 1, 1};
  const size_t n_blocks = dim / kBlock;
  for (size_t first = 0; first < n; first += kLanes) {
    const size_t count = n - first < kLanes ? n - first : kLanes;
    StoredRows rows = stored;
    rows.data += first * stored.stride;
    rows.ahead += first * stored.ahead_stride;
    const Tokens<kType> tokens = {rows, count, {rows, count, n_blocks}};
    const auto with = [&](size_t r) { return first == 0 ? factors + r : kOnes; };
    const float *w = weights + first;
    size_t r = 0;
    for (; r + 4 <= n_rows; r += 4, w += 4 * kTile) add_rows<kType, 4>(tokens, w, with(r), n_blocks, r == 0, out + r);
    for (; r + 2 <= n_rows; r += 2, w += 2 * kTile) add_rows<kType, 2>(tokens, w, with(r), n_blocks, r == 0, out + r);
    if (r < n_rows) add_rows<kType, 1>(tokens, w, with(r), n_blocks, r == 0, out + r);
  }
}

}  // namespace

// The queries' levels, then the sums of two levels each as floats: as many bytes as the floats have.
float prepare_blocks(float *query, size_t dim) {
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
