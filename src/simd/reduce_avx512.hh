// Sixteen registers reduced over their lanes at once. For files that are compiled with the target's flags.
#pragma once

#include <immintrin.h>

namespace infermem::avx512 {
namespace {  // each file's own, as its flags are

struct Sum {
  static __m512 of(__m512 a, __m512 b) { return _mm512_add_ps(a, b); }
};
struct Minimum {
  static __m512 of(__m512 a, __m512 b) { return _mm512_min_ps(a, b); }
};
struct Maximum {
  static __m512 of(__m512 a, __m512 b) { return _mm512_max_ps(a, b); }
};
// Of floats of one sign: NaN is larger than infinity.
struct BitsMaximum {
  static __m512 of(__m512 a, __m512 b) {
    return _mm512_castsi512_ps(_mm512_max_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b)));
  }
};

// Lane i of the result is v[i] reduced over its lanes: a transposition that reduces as it goes.
template <typename Op>
inline __m512 reduce_each(const __m512 *v) {
  __m512 quad[4];
  for (int i = 0; i < 4; ++i) {
    const __m512 *const w = v + 4 * i;
    const __m512 a = Op::of(_mm512_unpacklo_ps(w[0], w[1]), _mm512_unpackhi_ps(w[0], w[1]));
    const __m512 b = Op::of(_mm512_unpacklo_ps(w[2], w[3]), _mm512_unpackhi_ps(w[2], w[3]));
    const __m512d c = _mm512_castps_pd(a), d = _mm512_castps_pd(b);
    quad[i] = Op::of(_mm512_castpd_ps(_mm512_unpacklo_pd(c, d)), _mm512_castpd_ps(_mm512_unpackhi_pd(c, d)));
  }
  const __m512 a = Op::of(_mm512_shuffle_f32x4(quad[0], quad[1], 0x88), _mm512_shuffle_f32x4(quad[0], quad[1], 0xdd));
  const __m512 b = Op::of(_mm512_shuffle_f32x4(quad[2], quad[3], 0x88), _mm512_shuffle_f32x4(quad[2], quad[3], 0xdd));
  return Op::of(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
}

}  // namespace
}  // namespace infermem::avx512
