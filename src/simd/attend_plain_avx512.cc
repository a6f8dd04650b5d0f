// Attention to plain types for AVX-512: four tokens and up to four query rows at once, so that a key's load and conversion
// serve all of the rows, and a query's load all of the tokens.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"  // gcc 12 warns of its own _mm512_undefined_ps
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "simd/attend_avx512.hh"

namespace infermem::avx512 {
namespace {

template <int32_t kType>
constexpr size_t kBytes = kType == INFERMEM_DTYPE_F32 ? 4 : 2;  // of an element

// Sixteen elements of a row from element `at` on.
template <int32_t kType>
inline __m512 load(const char *row, size_t at) {
  if constexpr (kType == INFERMEM_DTYPE_F32) return _mm512_loadu_ps(row + 4 * at);
  if constexpr (kType == INFERMEM_DTYPE_F16) return _mm512_cvtph_ps(load32(row + 2 * at));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load32(row + 2 * at)), 16));
}

// The last eight elements of a row, with zeros behind them.
template <int32_t kType>
inline __m512 load_tail(const char *row, size_t at) {
  if constexpr (kType == INFERMEM_DTYPE_F32)
    return _mm512_zextps256_ps512(_mm256_loadu_ps(reinterpret_cast<const float *>(row + 4 * at)));
  const __m256i halves = _mm256_zextsi128_si256(load16(row + 2 * at));
  if constexpr (kType == INFERMEM_DTYPE_F16) return _mm512_cvtph_ps(halves);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

// ---- Scores ----

// What is read after four tokens: how far from each that is which to bring to the nearest cache; where that is which to
// bring to the one behind it, and how far from one of them to the next.
struct Coming {
  size_t near;
  uintptr_t later;
  size_t later_stride;
};

template <int32_t kType, size_t kRows>
inline void add_products(const char *const *rows, size_t at, const float *queries, size_t dim,
                         __m512 (&sums)[kTokens][kRows]) {
  __m512 keys[kTokens];
#pragma GCC unroll 4
  for (size_t t = 0; t < kTokens; ++t) keys[t] = load<kType>(rows[t], at);
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

// Four tokens with kRows query rows, a cache line of each at a time. With kAsk, what is coming is prefetched. scores: that of
// the first row and token.
template <int32_t kType, size_t kRows, bool kAsk>
inline void score_rows(const char *const *rows, const Coming &coming, const float *queries, size_t dim, float *scores) {
  constexpr size_t kLine = kLineBytes / kBytes<kType>;
  __m512 sums[kTokens][kRows];
#pragma GCC unroll 4
  for (size_t t = 0; t < kTokens; ++t)
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) sums[t][r] = _mm512_setzero_ps();
  const char *row[kTokens] = {rows[0], rows[1], rows[2], rows[3]};
  uintptr_t later = coming.later;
  const size_t near = coming.near, later_stride = coming.later_stride;
  size_t left = dim;
  for (;; left -= kLine, queries += kLine, later += kLineBytes) {
    if (kAsk && left != 0) {
#pragma GCC unroll 4
      for (size_t t = 0; t < kTokens; ++t) {
        prefetch_line(later + t * later_stride);
        prefetch_line_near(reinterpret_cast<uintptr_t>(row[t]) + near);
      }
    }
    if (left < kLine) break;
#pragma GCC unroll 2
    for (size_t i = 0; i < kLine; i += kLanes) add_products<kType>(row, i, queries, dim, sums);
#pragma GCC unroll 4
    for (const char *&r : row) {
      r += kLineBytes;
      __asm__("" : "+r"(r));  // as distances from one place they would be more than there are registers for
    }
  }
  size_t at = 0;
  if (kLanes <= left) {
    add_products<kType>(row, 0, queries, dim, sums);
    at = kLanes;
  }
  if (at < left) add_tail<kType>(row, at, queries, dim, sums);
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r)
    _mm_storeu_ps(scores + r * kTile, reduce_four<Sum>(sums[0][r], sums[1][r], sums[2][r], sums[3][r]));
}

// As many of n_rows query rows, at least one, as there are registers for: how many that were.
template <int32_t kType, bool kAsk>
inline size_t score_some(const char *const *rows, const Coming &coming, const float *queries, size_t n_rows, size_t dim,
                         float *scores) {
  if (n_rows >= 4) {
    score_rows<kType, 4, kAsk>(rows, coming, queries, dim, scores);
    return 4;
  }
  if (n_rows >= 2) {
    score_rows<kType, 2, kAsk>(rows, coming, queries, dim, scores);
    return 2;
  }
  score_rows<kType, 1, kAsk>(rows, coming, queries, dim, scores);
  return 1;
}

template <int32_t kType>
void score(const StoredRows &keys, size_t n, const float *queries, size_t n_rows, size_t dim, float *scores) {
  for (size_t token = 0; token < n; token += kTokens) {
    const char *rows[kTokens];  // the last again where there are fewer
    for (size_t t = 0; t < kTokens; ++t) rows[t] = keys.data + (token + t < n ? token + t : n - 1) * keys.stride;
    const Coming coming = {kTokens * keys.stride, keys.ahead_of(token), keys.ahead_stride};
    size_t r = score_some<kType, true>(rows, coming, queries, n_rows, dim, scores + token);
    while (r < n_rows)
      r += score_some<kType, false>(rows, coming, queries + r * dim, n_rows - r, dim, scores + r * kTile + token);
  }
}

// ---- Values ----

// Tokens begin … end - 1 of values, whose sums are added to what is there. With is_first they are asked for, and what
// comes after them.
struct Run {
  const StoredRows &values;
  size_t begin, end;
  bool is_first;
};
constexpr size_t kRun = 16;  // tokens: few enough that memory is asked for about in order, and that they stay near
constexpr size_t kNear = 8;  // tokens ahead that are brought to the nearest cache

// kVectors registers of elements from element `at` on.
template <int32_t kType, size_t kRows, size_t kVectors>
inline void add_values(const Run &run, const float *weights, size_t at, float *const *out) {
  __m512 sums[kRows][kVectors];
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (size_t v = 0; v < kVectors; ++v) sums[r][v] = _mm512_loadu_ps(out[r] + at + v * kLanes);
  const size_t stride = run.values.stride;
  const char *row = run.values.data + run.begin * stride + at * kBytes<kType>;
  uintptr_t later = 0;
  for (size_t token = run.begin; token < run.end; ++token, row += stride, later += run.values.ahead_stride) {
    if (run.is_first) {
      if (token % StoredRows::kPlaces == 0) later = run.values.ahead_of(token) + at * kBytes<kType>;
      const auto next = reinterpret_cast<uintptr_t>(row) + kNear * stride;
      for (size_t i = 0; i < kVectors * kLanes * kBytes<kType>; i += kLineBytes) {
        prefetch_line(later + i);
        prefetch_line_near(next + i);
      }
    }
    __m512 values[kVectors];
#pragma GCC unroll 8
    for (size_t v = 0; v < kVectors; ++v) values[v] = load<kType>(row, v * kLanes);
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) {
      const __m512 w = _mm512_set1_ps(weights[r * kTile + token]);
#pragma GCC unroll 8
      for (size_t v = 0; v < kVectors; ++v) sums[r][v] = _mm512_fmadd_ps(values[v], w, sums[r][v]);
    }
  }
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (size_t v = 0; v < kVectors; ++v) _mm512_storeu_ps(out[r] + at + v * kLanes, sums[r][v]);
}

// The last eight elements.
template <int32_t kType>
inline void add_last_values(const Run &run, const float *weights, size_t at, float *out) {
  __m256 sum = _mm256_loadu_ps(out + at);
  for (size_t token = run.begin; token < run.end; ++token) {
    const __m256 value = _mm512_castps512_ps256(load_tail<kType>(run.values.data + token * run.values.stride, at));
    sum = _mm256_fmadd_ps(value, _mm256_set1_ps(weights[token]), sum);
  }
  _mm256_storeu_ps(out + at, sum);
}

template <int32_t kType, size_t kRows>
void add_rows(const Run &run, const float *weights, size_t dim, float *const *out) {
  constexpr size_t kVectors = kRows == 4 ? 4 : 8, kWide = kVectors * kLanes;
  size_t at = 0;
  for (; at + kWide <= dim; at += kWide) add_values<kType, kRows, kVectors>(run, weights, at, out);
  for (; at + 2 * kLanes <= dim; at += 2 * kLanes) add_values<kType, kRows, 2>(run, weights, at, out);
  if (at + kLanes <= dim) {
    add_values<kType, kRows, 1>(run, weights, at, out);
    at += kLanes;
  }
  if (at < dim)
    for (size_t r = 0; r < kRows; ++r) add_last_values<kType>(run, weights + r * kTile, at, out[r]);
}

template <int32_t kType>
void add(const StoredRows &values, size_t n, const float *weights, const float *factors, size_t n_rows, size_t dim,
         float *const *out) {
  for (size_t r = 0; r < n_rows; ++r)
    for (size_t i = 0; i < dim; ++i) out[r][i] *= factors[r];
  for (size_t token = 0; token < n; token += kRun) {
    const size_t end = token + kRun < n ? token + kRun : n;
    size_t r = 0;
    for (; r + 4 <= n_rows; r += 4) add_rows<kType, 4>({values, token, end, r == 0}, weights + r * kTile, dim, out + r);
    for (; r + 2 <= n_rows; r += 2) add_rows<kType, 2>({values, token, end, r == 0}, weights + r * kTile, dim, out + r);
    if (r < n_rows) add_rows<kType, 1>({values, token, end, r == 0}, weights + r * kTile, dim, out + r);
  }
}

}  // namespace

void score_plain(const StoredRows &keys, size_t n, const float *queries, size_t n_rows, size_t dim, float *scores) {
  switch (keys.type) {
    case INFERMEM_DTYPE_F32:
      return score<INFERMEM_DTYPE_F32>(keys, n, queries, n_rows, dim, scores);
    case INFERMEM_DTYPE_F16:
      return score<INFERMEM_DTYPE_F16>(keys, n, queries, n_rows, dim, scores);
    default:
      return score<INFERMEM_DTYPE_BF16>(keys, n, queries, n_rows, dim, scores);
  }
}

void add_plain(const StoredRows &values, size_t n, const float *weights, const float *factors, size_t n_rows,
               size_t dim, float *const *out) {
  switch (values.type) {
    case INFERMEM_DTYPE_F32:
      return add<INFERMEM_DTYPE_F32>(values, n, weights, factors, n_rows, dim, out);
    case INFERMEM_DTYPE_F16:
      return add<INFERMEM_DTYPE_F16>(values, n, weights, factors, n_rows, dim, out);
    default:
      return add<INFERMEM_DTYPE_BF16>(values, n, weights, factors, n_rows, dim, out);
  }
}

}  // namespace infermem::avx512
