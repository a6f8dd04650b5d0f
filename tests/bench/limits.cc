#include "limits.h"

#include <sys/mman.h>

#ifdef __x86_64__
#include <xmmintrin.h>
#define FOR_EACH_TARGET __attribute__((target_clones("avx512f", "avx2", "default"), noinline))
#else
#define FOR_EACH_TARGET __attribute__((noinline))
#endif

#include <cstdint>

namespace limits {

using Vector = float __attribute__((vector_size(64), aligned(64)));

Floats new_floats(size_t n) {
  constexpr size_t kHuge = size_t{2} << 20;  // on huge pages, as the library's matrices are
  const size_t align = n * sizeof(float) >= kHuge ? kHuge : 64;
  const size_t size = (n * sizeof(float) + align - 1) / align * align;
  auto *p = static_cast<float *>(std::aligned_alloc(align, size));
  if (!p) std::abort();
  if (align == kHuge) madvise(p, size, MADV_HUGEPAGE);
  for (size_t i = 0; i < n; ++i) p[i] = static_cast<float>(static_cast<int>(i * 2654435761u % 2001) - 1000) / 1000.0f;
  return Floats(p);
}

FOR_EACH_TARGET void store_all(float *out, size_t n, float value) {
  const Vector v = Vector{} + value;
  auto *p = reinterpret_cast<Vector *>(out);
  for (size_t i = 0; i < n / 16; ++i) {
    p[i] = v;
    __asm__ volatile("" ::: "memory");
  }
}

FOR_EACH_TARGET float load_all(const float *in, size_t n) {
  Vector sums[8] = {};
  const auto *p = reinterpret_cast<const Vector *>(in);
  for (size_t i = 0; i + 8 <= n / 16; i += 8)
    for (size_t j = 0; j < 8; ++j) sums[j] += p[i + j];
  float sum = 0;
  for (const Vector &v : sums)
    for (size_t i = 0; i < 16; ++i) sum += v[i];
  return sum;
}

void stream_all(float *out, size_t n, float value) {
#ifdef __x86_64__
  const __m128 v = _mm_set1_ps(value);
  for (size_t i = 0; i < n; i += 4) _mm_stream_ps(out + i, v);
  _mm_sfence();
#else
  store_all(out, n, value);
#endif
}

}  // namespace limits
