// Products for AVX-512 with VNNI, whose instruction multiplies four unsigned bytes by four signed ones and adds them up in
// each lane. Compiled with the target's flags, so nothing here may be inline in a header that others use.
//
// In the packed layout a lane is a row: parameters need no spreading, sums no reduction, and an activation, or four of 8
// bits, is one broadcast from memory.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"  // gcc 12 warns of its own _mm512_undefined_ps
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include "simd/products_avx512.hh"

#include <immintrin.h>

#include <cstring>
#include <utility>

#include "simd/prefetch.hh"
#include "simd/products.hh"

namespace infermem::avx512 {
namespace {

constexpr size_t kRun = 64;  // bytes of a register
constexpr size_t kBlock = Activations::kBlock;

inline __m512 load_parameters(int32_t dtype, const uint8_t *at) {
  if (dtype == INFERMEM_DTYPE_F32) return _mm512_loadu_ps(at);
  const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(at));
  if (dtype == INFERMEM_DTYPE_F16) return _mm512_cvtph_ps(half);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

struct Parameters {
  __m512 scale, min;
};

inline Parameters parameters_of(const Packed &form, const uint8_t *at) {
  const __m512 scale = load_parameters(form.params, at);
  if (form.symmetric) return {scale, _mm512_mul_ps(scale, _mm512_set1_ps(-form.middle()))};
  return {scale, load_parameters(form.params, at + form.parameter_bytes())};
}

// ---- Packed, floats ----

// Eight columns of sixteen rows. The levels themselves, exactly: cheaper would be to add them to the mantissa of a 1 and to
// take the ones out of the sums, but that leaves errors as large as the scale where all weights are near 0.
template <uint32_t kBits>
struct Step {
  static constexpr size_t kBytes = kBits * 16;

  explicit Step(const uint8_t *at)
      : low(_mm512_loadu_si512(at)), high(kBits == 8 ? _mm512_loadu_si512(at + kRun) : low) {}

  // Column i.
  template <int i>
  __m512 get() const {
    constexpr int kByte = i % 4;
    if (kBits == 8) {
      const __m512i v = i < 4 ? low : high;
      constexpr auto kOnly = static_cast<int32_t>(0x80808000u + kByte);  // that byte of each lane, and zeros
      const __m512i lanes = _mm512_broadcast_i32x4(_mm_setr_epi32(kOnly, kOnly + 4, kOnly + 8, kOnly + 12));
      return _mm512_cvtepi32_ps(_mm512_shuffle_epi8(v, lanes));
    }
    // A permutation looks at the low four bits of each lane's index alone.
    const __m512 level = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm512_permutexvar_ps(_mm512_srli_epi32(low, kByte * 8 + i / 4 * 4), level);
  }

  __m512i low, high;
};

// Sums of sixteen rows. In four parts, so that one addition need not wait for the last.
struct Sums {
  template <uint32_t kBits>
  void add(const Step<kBits> &step, const float *x) {
    a = _mm512_fmadd_ps(step.template get<0>(), _mm512_set1_ps(x[0]), a);
    b = _mm512_fmadd_ps(step.template get<1>(), _mm512_set1_ps(x[1]), b);
    c = _mm512_fmadd_ps(step.template get<2>(), _mm512_set1_ps(x[2]), c);
    d = _mm512_fmadd_ps(step.template get<3>(), _mm512_set1_ps(x[3]), d);
    a = _mm512_fmadd_ps(step.template get<4>(), _mm512_set1_ps(x[4]), a);
    b = _mm512_fmadd_ps(step.template get<5>(), _mm512_set1_ps(x[5]), b);
    c = _mm512_fmadd_ps(step.template get<6>(), _mm512_set1_ps(x[6]), c);
    d = _mm512_fmadd_ps(step.template get<7>(), _mm512_set1_ps(x[7]), d);
  }
  __m512 get() const { return _mm512_add_ps(_mm512_add_ps(a, b), _mm512_add_ps(c, d)); }

  __m512 a = _mm512_setzero_ps(), b = a, c = a, d = a;
};

// The last activations, fewer than a step, with zeros behind them.
struct Tail {
  Tail(const float *x, size_t n) : values{} { std::memcpy(values, x, n * sizeof(float)); }
  float values[Packed::kColumns];
};

template <uint32_t kBits>
void packed_vector(const Packed &form, const uint8_t *at, const float *x, float *out) {
  constexpr size_t kColumns = Packed::kColumns;
  Ahead ahead(at);
  __m512 total = _mm512_setzero_ps(), minima = total;
  for (size_t first = 0; first < form.cols; first += form.group) {
    const size_t end = first + form.group < form.cols ? first + form.group : form.cols;
    Sums sums;
    __m256 lanes = _mm256_setzero_ps();
    size_t i = first;
    for (; i + kColumns <= end; i += kColumns, at += Step<kBits>::kBytes) {
      ahead.follow(at, Step<kBits>::kBytes);
      sums.add(Step<kBits>(at), x + i);
      lanes = _mm256_add_ps(lanes, _mm256_loadu_ps(x + i));
    }
    if (i < end) {
      const Tail tail(x + i, end - i);
      sums.add(Step<kBits>(at), tail.values);
      lanes = _mm256_add_ps(lanes, _mm256_loadu_ps(tail.values));
      at += Step<kBits>::kBytes;
    }
    const float sum_x = _mm512_reduce_add_ps(_mm512_zextps256_ps512(lanes));
    const Parameters p = parameters_of(form, at);
    total = _mm512_fmadd_ps(p.scale, sums.get(), total);
    minima = _mm512_fmadd_ps(p.min, _mm512_set1_ps(sum_x), minima);
    at += form.record_bytes(0);
  }
  _mm512_storeu_ps(out, _mm512_add_ps(total, minima));
}

// Adds the products of `count` columns of weights, sixteen rows each, with kVectors vectors.
template <size_t kVectors>
inline void add_columns(const float *weights, size_t count, const float *x, size_t stride, float *out) {
  __m512 sums[kVectors];
  for (size_t v = 0; v < kVectors; ++v) sums[v] = _mm512_loadu_ps(out + 16 * v);
  for (size_t i = 0; i < count; ++i) {
    const __m512 w = _mm512_load_ps(weights + 16 * i);
#pragma GCC unroll 8
    for (size_t v = 0; v < kVectors; ++v) sums[v] = _mm512_fmadd_ps(w, _mm512_set1_ps(x[v * stride + i]), sums[v]);
  }
  for (size_t v = 0; v < kVectors; ++v) _mm512_storeu_ps(out + 16 * v, sums[v]);
}

template <uint32_t kBits, int... i>
inline void expand(const Step<kBits> &step, const Parameters &p, float *weights, std::integer_sequence<int, i...>) {
  (_mm512_store_ps(weights + 16 * i, _mm512_fmadd_ps(step.template get<i>(), p.scale, p.min)), ...);
}

// For several vectors the weights are expanded once, some columns at a time.
template <uint32_t kBits>
void packed_vectors(const Packed &form, const uint8_t *at, const float *x, size_t stride, size_t n_x, float *out) {
  constexpr size_t kPiece = 64;
  alignas(64) float weights[16 * kPiece];
  Ahead ahead(at);
  std::memset(out, 0, n_x * 16 * sizeof(float));
  for (size_t first = 0; first < form.cols; first += form.group) {
    const size_t columns = form.columns(first), end = first + form.group < form.cols ? first + form.group : form.cols;
    const Parameters p = parameters_of(form, at + form.level_bytes(columns));
    for (size_t piece = first; piece < end; piece += kPiece) {
      const size_t count = end - piece < kPiece ? end - piece : kPiece;
      ahead.follow(at, form.level_bytes(count));
      for (size_t i = 0; i < count; i += Packed::kColumns, at += Step<kBits>::kBytes)
        expand(Step<kBits>(at), p, weights + 16 * i, std::make_integer_sequence<int, Packed::kColumns>());
      size_t v = 0;
      for (; v + 8 <= n_x; v += 8) add_columns<8>(weights, count, x + v * stride + piece, stride, out + 16 * v);
      for (; v + 2 <= n_x; v += 2) add_columns<2>(weights, count, x + v * stride + piece, stride, out + 16 * v);
      if (v < n_x) add_columns<1>(weights, count, x + v * stride + piece, stride, out + 16 * v);
    }
    at += form.record_bytes(0);
  }
}

// ---- Packed, activations of 8 bits ----

inline __m512i broadcast4(const int8_t *x) {
  int32_t four;
  std::memcpy(&four, x, sizeof four);
  return _mm512_set1_epi32(four);
}

template <uint32_t kBits>
constexpr size_t kBlockBytes = kBlock * 2 * kBits;  // of the levels of a block of activations, sixteen rows

// The products of a block, 32 columns, with kVectors activations, at x[v] + first each. High nibbles are left where they
// are, and count sixteenfold until they are summed up.
template <uint32_t kBits, size_t kVectors>
inline void multiply_block(const uint8_t *at, const Activations *x, size_t first, __m512i *sums) {
  const __m512i low = _mm512_set1_epi8(15), high = _mm512_set1_epi8(-16);
  __m512i odd[kVectors];
#pragma GCC unroll 4
  for (size_t v = 0; v < kVectors; ++v) sums[v] = odd[v] = _mm512_setzero_si512();
#pragma GCC unroll 4
  for (size_t i = 0; i < kBlock; i += 8, at += kBlockBytes<kBits> / 4) {
    const __m512i packed = _mm512_loadu_si512(at);
    const __m512i a = kBits == 8 ? packed : _mm512_and_si512(packed, low);
    const __m512i b = kBits == 8 ? _mm512_loadu_si512(at + kRun) : _mm512_and_si512(packed, high);
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; ++v) {
      sums[v] = _mm512_dpbusd_epi32(sums[v], a, broadcast4(x[v].levels + first + i));
      odd[v] = _mm512_dpbusd_epi32(odd[v], b, broadcast4(x[v].levels + first + i + 4));
    }
  }
#pragma GCC unroll 4
  for (size_t v = 0; v < kVectors; ++v)
    sums[v] = _mm512_add_epi32(sums[v], kBits == 8 ? odd[v] : _mm512_srai_epi32(odd[v], 4));
}

// Of the last block of a row there may be fewer columns; they are then filled up with zeros in `room`.
template <uint32_t kBits>
inline const uint8_t *whole_block(const uint8_t *at, size_t bytes, uint8_t *room) {
  if (__builtin_expect(bytes >= kBlockBytes<kBits>, 1)) return at;
  std::memset(room, 0, kBlockBytes<kBits>);
  std::memcpy(room, at, bytes);
  return room;
}

// Groups of whole blocks.
template <uint32_t kBits>
void packed_q8_vector(const Packed &form, const uint8_t *at, const Activations &all, float *out) {
  const Activations x = all;
  const size_t group_bytes = form.level_bytes(form.group), parameter_bytes = form.record_bytes(0);
  uint8_t room[kBlockBytes<kBits>];
  Ahead ahead(at);
  __m512 total = _mm512_setzero_ps(), minima = total;
  size_t block = 0;
  for (size_t first = 0; first < form.cols; first += form.group) {
    // The parameters last, as they lie: the processor's prefetchers follow addresses that grow.
    const size_t left = form.cols - first;
    const size_t level_bytes = left >= form.group ? group_bytes : form.level_bytes(form.columns(first));
    __m512 products = _mm512_setzero_ps(), sums = products;
    for (size_t done = 0; done < level_bytes; done += kBlockBytes<kBits>, ++block) {
      __m512i sum;
      ahead.follow(at + done, kBlockBytes<kBits>);
      multiply_block<kBits, 1>(whole_block<kBits>(at + done, level_bytes - done, room), &x, block * kBlock, &sum);
      products = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_set1_ps(x.scales[block]), products);
      sums = _mm512_add_ps(sums, _mm512_set1_ps(x.sums[block]));
    }
    const Parameters p = parameters_of(form, at + level_bytes);
    total = _mm512_fmadd_ps(p.scale, products, total);
    minima = _mm512_fmadd_ps(p.min, sums, minima);
    at += level_bytes + parameter_bytes;
  }
  _mm512_storeu_ps(out, _mm512_add_ps(total, minima));
}

template <uint32_t kBits, size_t kVectors>
inline void add_block(const Parameters &p, const uint8_t *at, const Activations *x, size_t block, float *out) {
  __m512i sums[kVectors];
  multiply_block<kBits, kVectors>(at, x, block * kBlock, sums);
#pragma GCC unroll 4
  for (size_t v = 0; v < kVectors; ++v) {
    const __m512 scale = _mm512_mul_ps(p.scale, _mm512_set1_ps(x[v].scales[block]));
    const __m512 sum = _mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(sums[v]), _mm512_loadu_ps(out + 16 * v));
    _mm512_storeu_ps(out + 16 * v, _mm512_fmadd_ps(p.min, _mm512_set1_ps(x[v].sums[block]), sum));
  }
}

template <uint32_t kBits>
void packed_q8_vectors(const Packed &form, const uint8_t *at, const Activations *x, size_t n_x, float *out) {
  uint8_t room[kBlockBytes<kBits>];
  Ahead ahead(at);
  std::memset(out, 0, n_x * 16 * sizeof(float));
  size_t block = 0;
  for (size_t first = 0; first < form.cols; first += form.group) {
    const size_t level_bytes = form.level_bytes(form.columns(first));
    const Parameters p = parameters_of(form, at + level_bytes);
    for (size_t done = 0; done < level_bytes; done += kBlockBytes<kBits>, ++block) {
      ahead.follow(at + done, kBlockBytes<kBits>);
      const uint8_t *const from = whole_block<kBits>(at + done, level_bytes - done, room);
      size_t v = 0;
      for (; v + 4 <= n_x; v += 4) add_block<kBits, 4>(p, from, x + v, block, out + 16 * v);
      for (; v < n_x; ++v) add_block<kBits, 1>(p, from, x + v, block, out + 16 * v);
    }
    at += level_bytes + form.record_bytes(0);
  }
}

// ---- A row of the plain layout, activations of 8 bits ----

constexpr size_t kSpan = 512;  // columns whose scales are worked out at once: sixteen blocks of activations

// The scales, or the minima, of the sixteen blocks from `first` on, of `count` that there are: a group has so many.
inline __m512 spread(const float *parameters, size_t first, size_t count, size_t blocks_a_group) {
  if (blocks_a_group == 1)
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>(count >= 16 ? 0xffff : (1u << count) - 1), parameters + first);
  alignas(64) float each[16] = {};
  for (size_t i = 0; i < 16 && i < count; ++i) each[i] = parameters[(first + i) / blocks_a_group];
  return _mm512_load_ps(each);
}

// The products of 64 columns of 8 bits, in lanes of four: eight lanes a block.
inline __m512i multiply8(const uint8_t *levels, const int8_t *x) {
  return _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_loadu_si512(levels), _mm512_loadu_si512(x));
}

// Of 128 columns of 4 bits, in lanes of eight: four lanes a block. Even columns are in the low nibbles.
inline __m512i multiply4(const uint8_t *levels, const int8_t *x) {
  alignas(64) static constexpr uint8_t kEven[64] = {
      0,  2,  4,  6,  8,  10, 12,  14,  16,  18,  20,  22,  24,  26,  28,  30,  32,  34,  36,  38, 40, 42,
      44, 46, 48, 50, 52, 54, 56,  58,  60,  62,  64,  66,  68,  70,  72,  74,  76,  78,  80,  82, 84, 86,
      88, 90, 92, 94, 96, 98, 100, 102, 104, 106, 108, 110, 112, 114, 116, 118, 120, 122, 124, 126};
  const __m512i even = _mm512_load_si512(kEven), odd = _mm512_or_si512(even, _mm512_set1_epi8(1));
  const __m512i low = _mm512_set1_epi8(15);
  const __m512i v = _mm512_loadu_si512(levels), x0 = _mm512_loadu_si512(x), x1 = _mm512_loadu_si512(x + 64);
  const __m512i sum =
      _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_and_si512(v, low), _mm512_permutex2var_epi8(x0, even, x1));
  return _mm512_dpbusd_epi32(sum, _mm512_and_si512(_mm512_srli_epi16(v, 4), low),
                             _mm512_permutex2var_epi8(x0, odd, x1));
}

// Groups of whole blocks.
template <uint32_t kBits>
float dot_q8_blocks(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n,
                    const Activations &x) {
  constexpr size_t kColumns = 512 / kBits, kBlocks = kColumns / kBlock;  // of a register
  constexpr int kLanes = 16 / kBlocks;
  alignas(64) static constexpr int32_t kFour[16] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};
  const __m512i lanes = _mm512_srli_epi32(_mm512_load_si512(kFour), kLanes == 4 ? 0 : 1);
  const size_t blocks = n / kBlock, whole = blocks * kBlock;
  Ahead ahead(levels);
  __m512 total = _mm512_setzero_ps(), minima = total;
  for (size_t block = 0; block < blocks; block += 16) {
    const size_t first = block * kBlock, count = blocks - block;
    ahead.follow(levels + first * kBits / 8, kSpan * kBits / 8);
    Ahead::once(scales + first / group);
    const __m512 scale = spread(scales, block, count, group / kBlock);
    const __m512 each = _mm512_mul_ps(scale, _mm512_loadu_ps(x.scales + block));
    const __m512 min = mins ? spread(mins, block, count, group / kBlock)
                            : _mm512_mul_ps(scale, _mm512_set1_ps(-static_cast<float>(1u << (kBits - 1))));
    minima = _mm512_fmadd_ps(min, _mm512_loadu_ps(x.sums + block), minima);
    size_t at = first;
    __m512i index = lanes;
    for (; at + kColumns <= whole && at < first + kSpan; at += kColumns) {
      const uint8_t *const from = levels + at * kBits / 8;
      const __m512i products = kBits == 8 ? multiply8(from, x.levels + at) : multiply4(from, x.levels + at);
      total = _mm512_fmadd_ps(_mm512_permutexvar_ps(index, each), _mm512_cvtepi32_ps(products), total);
      index = _mm512_add_epi32(index, _mm512_set1_epi32(static_cast<int>(kBlocks)));
    }
    if (at < whole && at < first + kSpan) {  // the last blocks, that do not fill a register
      uint8_t rest[kRun] = {};
      std::memcpy(rest, levels + at * kBits / 8, (whole - at) * kBits / 8);
      int8_t last[2 * kRun] = {};
      std::memcpy(last, x.levels + at, whole - at);
      const __m512i products = kBits == 8 ? multiply8(rest, last) : multiply4(rest, last);
      total = _mm512_fmadd_ps(_mm512_permutexvar_ps(index, each), _mm512_cvtepi32_ps(products), total);
    }
  }
  const float sum = _mm512_reduce_add_ps(_mm512_add_ps(total, minima));
  if (whole == n) return sum;
  const size_t g = whole / group;
  return sum + reference::dot_q8<kBits>(levels + whole * kBits / 8, scales + g, mins ? mins + g : nullptr, group,
                                        n - whole, {x.levels + whole, x.scales + blocks, x.sums + blocks});
}

}  // namespace

void packed(const Packed &form, const uint8_t *block, const float *x, size_t stride, size_t n_x, float *out) {
  if (n_x == 1)
    (form.bits == 4 ? packed_vector<4> : packed_vector<8>)(form, block, x, out);
  else
    (form.bits == 4 ? packed_vectors<4> : packed_vectors<8>)(form, block, x, stride, n_x, out);
}

void packed_q8(const Packed &form, const uint8_t *block, const Activations *x, size_t n_x, float *out) {
  if (form.group % kBlock != 0)
    reference::packed_q8(form, block, x, n_x, out);
  else if (n_x == 1)
    (form.bits == 4 ? packed_q8_vector<4> : packed_q8_vector<8>)(form, block, *x, out);
  else
    (form.bits == 4 ? packed_q8_vectors<4> : packed_q8_vectors<8>)(form, block, x, n_x, out);
}

template <uint32_t kBits>
float dot_q8(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n,
             const Activations &x) {
  if (group % kBlock != 0) return reference::dot_q8<kBits>(levels, scales, mins, group, n, x);
  return dot_q8_blocks<kBits>(levels, scales, mins, group, n, x);
}

template float dot_q8<4>(const uint8_t *, const float *, const float *, size_t, size_t, const Activations &);
template float dot_q8<8>(const uint8_t *, const float *, const float *, size_t, size_t, const Activations &);

bool activate(const float *values, size_t n, int8_t *levels, float *scales, float *sums) {
  const __m512 least = _mm512_set1_ps(Activations::kLeast), top = _mm512_set1_ps(127.0f);
  size_t block = 0;
  for (; (block + 1) * kBlock <= n; ++block) {
    const __m512 a = _mm512_loadu_ps(values + block * kBlock), b = _mm512_loadu_ps(values + block * kBlock + 16);
    if ((_mm512_fpclass_ps_mask(a, 0x99) | _mm512_fpclass_ps_mask(b, 0x99)) != 0) return false;  // NaN, infinity
    const __m512 farthest = _mm512_set1_ps(_mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(a), _mm512_abs_ps(b))));
    const __mmask16 fits = _mm512_cmp_ps_mask(farthest, least, _CMP_GE_OQ);
    const __m512 per_level = _mm512_maskz_div_ps(fits, top, farthest);
    const __m512i low = _mm512_cvtps_epi32(_mm512_mul_ps(a, per_level));
    const __m512i high = _mm512_cvtps_epi32(_mm512_mul_ps(b, per_level));
    _mm_storeu_si128(reinterpret_cast<__m128i *>(levels + block * kBlock), _mm512_cvtepi32_epi8(low));
    _mm_storeu_si128(reinterpret_cast<__m128i *>(levels + block * kBlock + 16), _mm512_cvtepi32_epi8(high));
    const int sum = _mm512_reduce_add_epi32(_mm512_add_epi32(low, high));
    scales[block] = _mm512_cvtss_f32(_mm512_maskz_div_ps(fits, farthest, top));
    sums[block] = scales[block] * static_cast<float>(sum);
  }
  const size_t done = block * kBlock;
  return reference::activate(values + done, n - done, levels + done, scales + block, sums + block);
}

}  // namespace infermem::avx512
