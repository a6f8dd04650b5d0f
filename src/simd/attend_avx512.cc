// Attention's table for AVX-512, and its softmax. Compiled with the target's flags, so nothing here may be inline in a
// header that others use.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"  // gcc 12 warns of its own _mm512_undefined_ps
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <cfloat>

#include "simd/attend_avx512.hh"

namespace infermem {
namespace {

constexpr size_t kTile = AttendKernels::kTile;
constexpr size_t kLanes = avx512::kLanes;

// Of the lanes of a mask; 0 in the others.
inline __m512 exp_of(__mmask16 mask, __m512 x) {
  using namespace exponential;
  const __mmask16 some = _mm512_mask_cmp_ps_mask(mask, x, _mm512_set1_ps(kLeast), _CMP_NLT_UQ);
  x = _mm512_max_ps(_mm512_set1_ps(kLeast), x);  // in this order NaN stays
  // What has the integers as its last bits rounds to them.
  const __m512 integers = _mm512_set1_ps(0x1.8p23f);
  const __m512 n = _mm512_sub_ps(_mm512_fmadd_ps(x, _mm512_set1_ps(kPerLn2), integers), integers);
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(kLn2), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(kLn2Rest), r);
  __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(kSixth), r, _mm512_set1_ps(kFifth));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(kFourth));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(kThird));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(kSecond));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1));
  return _mm512_maskz_scalef_ps(some, p, n);
}

// cap * tanh(s / cap), from the exponential of -2 |s / cap|.
inline __m512 cap_of(__m512 s, float cap) {
  const __m512 sign = _mm512_and_ps(s, _mm512_set1_ps(-0.0f)), one = _mm512_set1_ps(1);
  const __m512 ratio = _mm512_div_ps(_mm512_abs_ps(s), _mm512_set1_ps(cap));
  const __m512 e = exp_of(0xffff, _mm512_mul_ps(ratio, _mm512_set1_ps(-2)));
  const __m512 tanh = _mm512_div_ps(_mm512_sub_ps(one, e), _mm512_add_ps(one, e));
  return _mm512_or_ps(_mm512_mul_ps(tanh, _mm512_set1_ps(cap)), sign);
}

// A bit for each token that a row sees.
inline uint64_t bits(const AttendKernels::Row &row) {
  return row.begin < row.end ? ~uint64_t{0} << row.begin & ~uint64_t{0} >> (kTile - row.end) : 0;
}

// The lanes of each row's register, reduced.
template <typename Op, size_t kRows>
inline __m128 reduce(const __m512 (&v)[kRows]) {
  return avx512::reduce_four<Op>(v[0], v[1 % kRows], v[2 % kRows], v[3 % kRows]);
}

// kRows rows, four at most, side by side: of one alone each instruction would wait for the one before. What comes of a row
// is the same.
template <size_t kRows>
inline void weigh_rows(float *scores, float cap, AttendKernels::Row *rows, float *factors) {
  constexpr size_t kParts = kTile / kLanes;
  const __m512 most = _mm512_set1_ps(FLT_MAX), least = _mm512_set1_ps(-FLT_MAX);
  __m512 tops[kRows];
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) {
    const uint64_t seen = bits(rows[r]);
    const __m512 unit = _mm512_set1_ps(rows[r].unit);
    tops[r] = _mm512_set1_ps(rows[r].largest);
#pragma GCC unroll 4
    for (size_t i = 0; i < kParts; ++i) {
      const auto mask = static_cast<__mmask16>(seen >> i * kLanes);
      float *const at = scores + r * kTile + i * kLanes;
      __m512 s = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, at), unit);
      s = _mm512_max_ps(least, _mm512_min_ps(most, s));  // in this order NaN stays
      if (cap != 0) s = cap_of(s, cap);
      _mm512_storeu_ps(at, s);
      tops[r] = _mm512_mask_max_ps(tops[r], mask, tops[r], s);
    }
  }
  const __m128 largest = reduce<avx512::Maximum>(tops);
  __m512 sums[kRows];
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) {
    const uint64_t seen = bits(rows[r]);
    const __m512 largest_all =
        _mm512_permutexvar_ps(_mm512_set1_epi32(static_cast<int>(r)), _mm512_castps128_ps512(largest));
    sums[r] = _mm512_setzero_ps();
#pragma GCC unroll 4
    for (size_t i = 0; i < kParts; ++i) {
      const auto mask = static_cast<__mmask16>(seen >> i * kLanes);
      float *const at = scores + r * kTile + i * kLanes;
      const __m512 w = exp_of(mask, _mm512_maskz_sub_ps(mask, _mm512_loadu_ps(at), largest_all));
      _mm512_storeu_ps(at, w);
      sums[r] = _mm512_add_ps(sums[r], w);
    }
  }
  // Before a row has seen anything, its largest is an infinity, from which a difference may trap.
  const auto each = [&](float AttendKernels::Row::*of) {
    return _mm_setr_ps(rows[0].*of, rows[1 % kRows].*of, rows[2 % kRows].*of, rows[3 % kRows].*of);
  };
  const __m128 before = each(&AttendKernels::Row::sum);
  const __mmask8 some = _mm_cmp_ps_mask(before, _mm_setzero_ps(), _CMP_NEQ_UQ);
  const __m128 change = _mm_maskz_sub_ps(some, each(&AttendKernels::Row::largest), largest);
  const __m128 factor = _mm512_castps512_ps128(exp_of(some, _mm512_zextps128_ps512(change)));
  alignas(16) float now[3][4];
  _mm_store_ps(now[0], factor);
  _mm_store_ps(now[1], largest);
  _mm_store_ps(now[2], _mm_fmadd_ps(before, factor, reduce<avx512::Sum>(sums)));
  for (size_t r = 0; r < kRows; ++r) {
    factors[r] = now[0][r];
    rows[r].largest = now[1][r];
    rows[r].sum = now[2][r];
  }
}

void weigh(float *scores, size_t n_rows, float cap, AttendKernels::Row *rows, float *factors) {
  static_assert(AttendKernels::kRowsAtOnce == 4, "as many as are weighed side by side");
  for (; n_rows >= 4; n_rows -= 4, scores += 4 * kTile, rows += 4, factors += 4)
    weigh_rows<4>(scores, cap, rows, factors);
  if (n_rows == 3) weigh_rows<3>(scores, cap, rows, factors);
  if (n_rows == 2) weigh_rows<2>(scores, cap, rows, factors);
  if (n_rows == 1) weigh_rows<1>(scores, cap, rows, factors);
}

bool is_plain(int32_t type) {
  return type == INFERMEM_DTYPE_F32 || type == INFERMEM_DTYPE_F16 || type == INFERMEM_DTYPE_BF16;
}

float prepare(int32_t type, float *query, size_t dim) {
  return is_plain(type) ? 1.0f : avx512::prepare_blocks(type, query, dim);
}

void score(const StoredRows &keys, size_t n, const float *queries, size_t n_rows, size_t dim, float *scores) {
  (is_plain(keys.type) ? avx512::score_plain : avx512::score_blocks)(keys, n, queries, n_rows, dim, scores);
}

void add(const StoredRows &values, size_t n, const float *weights, const float *factors, size_t n_rows, size_t dim,
         float *const *out) {
  (is_plain(values.type) ? avx512::add_plain : avx512::add_blocks)(values, n, weights, factors, n_rows, dim, out);
}

}  // namespace

const AttendKernels attend_avx512 = {prepare, score, add, weigh};

}  // namespace infermem
