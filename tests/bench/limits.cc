#include "limits.h"

#include <sys/mman.h>

#ifdef __x86_64__
#include <xmmintrin.h>
#define FOR_EACH_TARGET __attribute__((target_clones("avx512f", "avx2", "default"), noinline))
#else
#define FOR_EACH_TARGET __attribute__((noinline))
#endif

#include <chrono>
#include <cstdint>
#include <cstring>

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

namespace {

constexpr size_t kVectors = 8;  // added up side by side, a page's eighth
constexpr size_t kPage = 4096 / sizeof(Vector);

inline __attribute__((always_inline)) float sum_of(const Vector (&sums)[kVectors]) {
  float sum = 0;
  for (const Vector &v : sums)
    for (size_t i = 0; i < 16; ++i) sum += v[i];
  return sum;
}

FOR_EACH_TARGET float load_in_order(const Vector *p, size_t n) {
  Vector sums[kVectors] = {};
  for (size_t i = 0; i + kVectors <= n; i += kVectors)
    for (size_t j = 0; j < kVectors; ++j) sums[j] += p[i + j];
  return sum_of(sums);
}

FOR_EACH_TARGET float load_prefetched(const Vector *p, size_t n) {
  constexpr size_t kAhead = 6144 / sizeof(Vector);
  Vector sums[kVectors] = {};
  for (size_t i = 0; i + kVectors <= n; i += kVectors)
    for (size_t j = 0; j < kVectors; ++j) {
      __builtin_prefetch(p + i + j + kAhead);
      sums[j] += p[i + j];
    }
  return sum_of(sums);
}

template <size_t kPages>
inline __attribute__((always_inline)) float load_pages(const Vector *p, size_t n) {
  constexpr size_t kEach = kVectors / kPages;
  Vector sums[kVectors] = {};
  for (; n >= kPages * kPage; n -= kPages * kPage, p += kPages * kPage)
    for (size_t i = 0; i < kPage; i += kEach)
      for (size_t page = 0; page < kPages; ++page)
        for (size_t j = 0; j < kEach; ++j) sums[page * kEach + j] += p[page * kPage + i + j];
  return sum_of(sums) + load_in_order(p, n);
}
FOR_EACH_TARGET float load_four_pages(const Vector *p, size_t n) { return load_pages<4>(p, n); }
FOR_EACH_TARGET float load_eight_pages(const Vector *p, size_t n) { return load_pages<8>(p, n); }

using Load = float (*)(const Vector *p, size_t n);

// Tried on more than a last-level cache holds, and on base pages, which make the greater difference.
Load find_fastest() {
  constexpr size_t kBytes = size_t{512} << 20;
  const Floats memory(static_cast<float *>(std::aligned_alloc(size_t{2} << 20, kBytes)));
  if (!memory) std::abort();
  madvise(memory.get(), kBytes, MADV_NOHUGEPAGE);
  std::memset(memory.get(), 0, kBytes);
  constexpr Load kAll[] = {load_in_order, load_prefetched, load_four_pages, load_eight_pages};
  constexpr size_t kRounds = 15;
  Load fastest = nullptr;
  auto least = std::chrono::steady_clock::duration::max();
  for (size_t round = 0; round < kRounds; ++round)
    for (const Load load : kAll) {
      const auto begin = std::chrono::steady_clock::now();
      volatile float sum = load(reinterpret_cast<const Vector *>(memory.get()), kBytes / sizeof(Vector));
      (void)sum;
      const auto took = std::chrono::steady_clock::now() - begin;
      if (took < least) {
        least = took;
        fastest = load;
      }
    }
  return fastest;
}

}  // namespace

// From memory in the order that this processor reads fastest in, which is tried at the first such call.
float load_all(const float *in, size_t n) {
  constexpr size_t kLarge = (size_t{32} << 20) / sizeof(Vector);
  const auto *const p = reinterpret_cast<const Vector *>(in);
  const size_t vectors = n / 16;
  if (vectors < kLarge) return load_in_order(p, vectors);
  static const Load fastest = find_fastest();
  return fastest(p, vectors);
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
