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

// A bit for each of tokens begin … end - 1 of a tile.
inline uint64_t bits(size_t begin, size_t end) { return ~uint64_t{0} << begin & ~uint64_t{0} >> (kTile - end); }

float weigh(float *scores, size_t begin, size_t end, float unit, float cap, AttendKernels::Softmax *softmax) {
  const uint64_t seen = bits(begin, end);
  const __m512 most = _mm512_set1_ps(FLT_MAX), least = _mm512_set1_ps(-FLT_MAX), factor = _mm512_set1_ps(unit);
  constexpr size_t kParts = kTile / kLanes;
  __mmask16 masks[kParts];
  __m512 parts[kParts], top = _mm512_set1_ps(softmax->largest);
#pragma GCC unroll 4
  for (size_t i = 0; i < kParts; ++i) {
    masks[i] = static_cast<__mmask16>(seen >> i * kLanes);
    __m512 s = _mm512_mul_ps(_mm512_maskz_loadu_ps(masks[i], scores + i * kLanes), factor);
    s = _mm512_max_ps(least, _mm512_min_ps(most, s));  // in this order NaN stays
    if (cap != 0) s = cap_of(s, cap);
    parts[i] = s;
    top = _mm512_mask_max_ps(top, masks[i], top, s);
  }
  const float largest = _mm512_reduce_max_ps(top);
  const __m512 largest_all = _mm512_set1_ps(largest);
  __m512 sum = _mm512_setzero_ps();
#pragma GCC unroll 4
  for (size_t i = 0; i < kParts; ++i) {
    const __m512 w = exp_of(masks[i], _mm512_maskz_sub_ps(masks[i], parts[i], largest_all));
    _mm512_storeu_ps(scores + i * kLanes, w);
    sum = _mm512_add_ps(sum, w);
  }
  // Once many tokens are seen, few are larger than all before. Before any, there is an infinity, which may trap.
  float former = softmax->sum == 0 ? 0 : 1;
  if (largest != softmax->largest && former != 0)
    former = _mm512_cvtss_f32(exp_of(0xffff, _mm512_sub_ps(_mm512_set1_ps(softmax->largest), largest_all)));
  *softmax = {largest, softmax->sum * former + _mm512_reduce_add_ps(sum)};
  return former;
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
