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

// Requests for a token's lines are spread among its blocks, of which there are no fewer: with the b-th block the b-th line.
template <int32_t kType>
constexpr size_t lines_of(size_t n_blocks) {
  static_assert(kBytes<kType> <= kLineBytes, "blocks are no fewer than lines");
  return (n_blocks * kBytes<kType> + kLineBytes - 1) / kLineBytes;
}

// Brings together what blocks have beside their levels, two neighbours' from each of eight places: the k-th place's are the
// words k and kSecond + k of the result. Each is loaded to where it belongs: of all instructions those that move words in
// registers have the most to do here.
template <int32_t kType>
class Words {
 public:
  static constexpr short kSecond = kBytes<kType> / 2;

  // Of places 0 … 3, and 4 … 7, as many blocks are there: 0, 1, 2 or more.
  Words(size_t first, size_t last) {
    for (size_t k = 0; k < 8; ++k) {
      const size_t count = k < 4 ? first : last;
      masks_[k] = (count > 0 ? 1u << k : 0) | (count > 1 ? 1u << (kSecond + k) : 0);
    }
  }

  // at(k): the address of a word of the k-th place's first block.
  template <typename At>
  __m512i load(const At &at) const {
    __m512i words = _mm512_setzero_si512();
#pragma GCC unroll 8
    for (size_t k = 0; k < 8; ++k)
      words = _mm512_mask_loadu_epi16(words, masks_[k], reinterpret_cast<const void *>(at(k) - 2 * k));
    return words;
  }

 private:
  __mmask32 masks_[8];
};

// What the blocks of n tokens have beside their levels, n being a multiple of sixteen, kTile at most.
template <int32_t kType>
class Parameters {
 public:
  Parameters(const StoredRows &rows, size_t n, size_t n_blocks) {
    for (size_t b = 0; b < n_blocks; b += 2) {
      const Words<kType> words(n_blocks - b, n_blocks - b);
      const auto at = reinterpret_cast<uintptr_t>(rows.data) + b * kBytes<kType>;
      for (size_t token = 0; token < n; token += kLanes) {
        copy(words, at + token * rows.stride, rows.stride, scales_[b] + token, scales_[b + 1] + token);
        if constexpr (kHasMin<kType>)
          copy(words, at + token * rows.stride + 2, rows.stride, minima_[b] + token, minima_[b + 1] + token);
      }
    }
  }

  // Of sixteen tokens from `token` on.
  __m512 scales(size_t b, size_t token) const { return floats(scales_[b] + token); }
  __m512 minima(size_t b, size_t token) const { return floats(minima_[b] + token); }

 private:
  static void copy(const Words<kType> &words, uintptr_t at, size_t stride, uint16_t *first, uint16_t *second) {
    const __m512i low = words.load([&](size_t k) { return at + k * stride; });
    const __m512i high = words.load([&](size_t k) { return at + (8 + k) * stride; });
    const __m256i halves = _mm256_inserti128_si256(_mm512_castsi512_si256(low), _mm512_castsi512_si128(high), 1);
    _mm256_store_si256(reinterpret_cast<__m256i *>(first), halves);
    constexpr short s = Words<kType>::kSecond;
    const __m512i places = _mm512_castsi256_si512(_mm256_setr_epi16(
        s, s + 1, s + 2, s + 3, s + 4, s + 5, s + 6, s + 7, s, s + 1, s + 2, s + 3, s + 4, s + 5, s + 6, s + 7));
    const __m512i both = _mm512_mask_permutexvar_epi16(_mm512_permutexvar_epi16(places, low), 0xff00, places, high);
    _mm256_store_si256(reinterpret_cast<__m256i *>(second), _mm512_castsi512_si256(both));
  }

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

// Of what comes after eight tokens, from `token` on, the b-th line of each.
[[gnu::always_inline]] inline void prefetch_lines(const StoredRows &rows, size_t token, size_t b) {
  uintptr_t ahead = rows.ahead_of(token) + b * kLineBytes;
#pragma GCC unroll 8
  for (size_t place = 0; place < StoredRows::kPlaces; ++place, ahead += rows.ahead_stride) prefetch_line(ahead);
}

// A query row's block, where its floats were: its levels are 256 * upper + lower.
struct [[gnu::may_alias]] QueryBlock {
  int8_t upper[kBlock], lower[kBlock];
  int32_t bias;  // what the products with levels that are not below 0 have too much, negative
  float sum;     // of the levels
  char unused[kBlock * sizeof(float) - 72];
};
static_assert(sizeof(QueryBlock) == kBlock * sizeof(float), "it takes the place of the floats");

// The levels of sixteen tokens as bytes that are not below 0: of each four elements a register, with those of all tokens.
template <int32_t kType>
class Keys {
 public:
  Keys(const StoredRows &rows, size_t token, size_t n_blocks) {
    // Four of the rows are pointed at, and the rest found from these, each time anew: more addresses than these the
    // compiler would have to keep in vector registers.
    const char *row[4];
    for (size_t i = 0; i < 4; ++i) row[i] = rows.data + (token + 4 * i) * rows.stride + (kHasMin<kType> ? 4 : 2);
    const size_t n_lines = lines_of<kType>(n_blocks);
    for (size_t b = 0; b < n_blocks; ++b) {
      if (b < n_lines) prefetch_lines(rows, token, b);
      __m512i piece[kPieces];
      if constexpr (kType == INFERMEM_DTYPE_Q8_0) {
        load_bytes(row, rows.stride, piece);
#pragma GCC unroll 8
        for (size_t i = 0; i < kPieces; ++i) piece[i] = _mm512_xor_si512(piece[i], _mm512_set1_epi8(-128));
      } else {
        load_nibbles(row, rows.stride, piece);
        const __m512i nibble = _mm512_set1_epi8(15);
#pragma GCC unroll 4
        for (size_t i = 0; i < 4; ++i) {
          piece[4 + i] = _mm512_and_si512(_mm512_srli_epi16(piece[i], 4), nibble);
          piece[i] = _mm512_and_si512(piece[i], nibble);
        }
      }
#pragma GCC unroll 8
      for (size_t i = 0; i < kPieces; ++i) _mm512_store_si512(pieces_ + b * kPieces + i, piece[i]);
#pragma GCC unroll 4
      for (const char *&r : row) {
        r += kBytes<kType>;
        __asm__("" : "+r"(r));
      }
    }
  }

  const __m512i *block(size_t b) const { return pieces_ + b * kPieces; }

 private:
  // Of registers of four lanes with four numbers of 32 bits each: the l-th lane of out[i] has the i-th numbers of the l-th
  // lanes of a, b, c and d.
  static void transpose(__m512i a, __m512i b, __m512i c, __m512i d, __m512i *out) {
    const __m512i ab = _mm512_unpacklo_epi32(a, b), ab_upper = _mm512_unpackhi_epi32(a, b);
    const __m512i cd = _mm512_unpacklo_epi32(c, d), cd_upper = _mm512_unpackhi_epi32(c, d);
    out[0] = _mm512_unpacklo_epi64(ab, cd);
    out[1] = _mm512_unpackhi_epi64(ab, cd);
    out[2] = _mm512_unpacklo_epi64(ab_upper, cd_upper);
    out[3] = _mm512_unpackhi_epi64(ab_upper, cd_upper);
  }

  // Sixteen bytes of sixteen rows: out[i] has the i-th four bytes of each.
  static void load_nibbles(const char *const *row, size_t stride, __m512i *out) {
    const auto four = [&](size_t offset) {
      __m512i lanes = _mm512_castsi128_si512(load16(row[0] + offset));
      lanes = _mm512_inserti32x4(lanes, load16(row[1] + offset), 1);
      lanes = _mm512_inserti32x4(lanes, load16(row[2] + offset), 2);
      return _mm512_inserti32x4(lanes, load16(row[3] + offset), 3);
    };
    transpose(four(0), four(stride), four(2 * stride), four(3 * stride), out);
  }

  // The same of 32 bytes.
  static void load_bytes(const char *const *row, size_t stride, __m512i *out) {
    __m512i eight[2][4];  // rows' first and fifth, second and sixth, third and seventh, fourth and eighth four bytes
#pragma GCC unroll 2
    for (size_t i = 0; i < 2; ++i) {
      const auto two = [&](size_t offset) {
        const __m256i lanes = load32(row[2 * i] + offset);
        return _mm512_inserti64x4(_mm512_castsi256_si512(lanes), load32(row[2 * i + 1] + offset), 1);
      };
      transpose(two(0), two(stride), two(2 * stride), two(3 * stride), eight[i]);
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; ++i) {
      out[i] = _mm512_shuffle_i32x4(eight[0][i], eight[1][i], 0x88);
      out[4 + i] = _mm512_shuffle_i32x4(eight[0][i], eight[1][i], 0xdd);
    }
  }

  static constexpr size_t kPieces = kBlock / 4;
  __m512i pieces_[kMostBlocks * kPieces];
};

// Sixteen tokens, from `token` on, with kRows query rows. asked: what to prefetch after the last eight, or NULL. scores: that
// of the first row and token.
template <int32_t kType, size_t kRows>
inline void score_rows(const Keys<kType> &keys, const Parameters<kType> &parameters, const StoredRows *asked,
                       size_t token, const float *queries, size_t dim, float *scores) {
  constexpr size_t kChains = kRows == 4 ? 1 : 2;  // of sums, with the rows' in turn, so that none is waited for
  __m512 sums[kRows];
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) sums[r] = _mm512_setzero_ps();
  for (size_t b = 0; b < dim / kBlock; ++b) {
    if (asked && b < lines_of<kType>(dim / kBlock)) prefetch_lines(*asked, token + StoredRows::kPlaces, b);
    const __m512i *const pieces = keys.block(b);
    const __m512 scales = parameters.scales(b, token);
    __m512 minima;
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
      const __m512i piece = pieces[i];
#pragma GCC unroll 4
      for (size_t r = 0; r < kRows; ++r) {
        upper[r][c] = add_products(upper[r][c], piece, query[r]->upper + 4 * i);
        lower[r][c] = add_products(lower[r][c], piece, query[r]->lower + 4 * i);
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
void score_sixteens(const StoredRows &rows, size_t n, const float *queries, size_t n_rows, size_t dim, float *scores) {
  const Parameters<kType> parameters(rows, n, dim / kBlock);
  for (size_t token = 0; token < n; token += kLanes) {
    const Keys<kType> keys(rows, token, dim / kBlock);
    const StoredRows *asked = &rows;
    const float *query = queries;
    float *out = scores + token;
    size_t r = 0;
    for (; r + 4 <= n_rows; r += 4, query += 4 * dim, out += 4 * kTile, asked = nullptr)
      score_rows<kType, 4>(keys, parameters, asked, token, query, dim, out);
    for (; r + 2 <= n_rows; r += 2, query += 2 * dim, out += 2 * kTile, asked = nullptr)
      score_rows<kType, 2>(keys, parameters, asked, token, query, dim, out);
    if (r < n_rows) score_rows<kType, 1>(keys, parameters, asked, token, query, dim, out);
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
  StoredRows rest = keys;
  rest.data = copies[0];
  rest.stride = sizeof copies[0];
  rest.ahead = keys.ahead_of(whole);
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

// What the levels of up to four blocks are to be multiplied by for kRows query rows: a token's weight by its block's scale,
// as a share of the row's and the block's largest of all tokens, an integer of 16 bits.
template <int32_t kType, size_t kRows>
class Factors {
 public:
  Factors(const StoredRows &stored, size_t b, size_t count, size_t n, const float *weights) {
    const Words<kType> words(count, count < 2 ? 0 : count - 2);
    constexpr short s = Words<kType>::kSecond;
    const __m512i places = _mm512_castsi256_si512(
        _mm256_setr_epi16(0, 1, 2, 3, s, s + 1, s + 2, s + 3, 4, 5, 6, 7, s + 4, s + 5, s + 6, s + 7));
    // Lanes are four tokens of each block; of tokens that are not there, the last again, with a weight of 0.
    __m512i most[kRows];  // of magnitudes, as integers: so NaN is the largest
    __m512 minima[kRows];
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) {
      most[r] = _mm512_setzero_si512();
      minima[r] = _mm512_setzero_ps();
    }
    const auto blocks = reinterpret_cast<uintptr_t>(stored.data) + b * kBytes<kType>;
    for (size_t token = 0; token < n; token += 4) {
      const size_t last = n - token - 1;
      const uintptr_t four = blocks + token * stored.stride;
      const auto load = [&](size_t offset) {
        const __m512i found = words.load([&](size_t k) {
          const size_t t = k % 4 < last ? k % 4 : last;
          return four + t * stored.stride + k / 4 * 2 * kBytes<kType> + offset;
        });
        return _mm512_cvtph_ps(_mm512_castsi512_si256(_mm512_permutexvar_epi16(places, found)));
      };
      const __m512 scales = load(0), minimum = kHasMin<kType> ? load(2) : scales;
      const auto seen = static_cast<__mmask16>(last < 3 ? ((2u << last) - 1) * 0x1111 : 0xffff);
#pragma GCC unroll 4
      for (size_t r = 0; r < kRows; ++r) {
        const __m512 w = _mm512_maskz_broadcast_f32x4(seen, _mm_loadu_ps(weights + r * kTile + token));
        const __m512 product = _mm512_mul_ps(w, scales);
        most[r] = _mm512_max_epu32(most[r], _mm512_castps_si512(_mm512_abs_ps(product)));
        _mm512_store_ps(products_[r][token / 4], product);
        if constexpr (kHasMin<kType>) minima[r] = _mm512_fmadd_ps(w, minimum, minima[r]);
      }
    }
    if (n % 8 != 0 && n % 8 <= 4)
      for (size_t r = 0; r < kRows; ++r) _mm512_store_ps(products_[r][n / 8 * 2 + 1], _mm512_setzero_ps());
#pragma GCC unroll 4
    for (size_t r = 0; r < kRows; ++r) {
      constexpr float kWhole = 32767, kLeast = 0x1p-100f;
      const __m512i two = _mm512_max_epu32(most[r], _mm512_shuffle_epi32(most[r], _MM_PERM_BADC));
      const __m512 largest = _mm512_castsi512_ps(_mm512_max_epu32(two, _mm512_shuffle_epi32(two, _MM_PERM_CDAB)));
      const __mmask16 some = _mm512_cmp_ps_mask(largest, _mm512_set1_ps(kLeast), _CMP_NLT_UQ);
      const __m512 inverse = _mm512_maskz_div_ps(some, _mm512_set1_ps(kWhole), largest);
      const auto levels = [&](size_t four) {
        return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_load_ps(products_[r][four]), inverse));
      };
      for (size_t eight = 0; eight * 8 < n; ++eight)
        _mm512_store_si512(pairs_ + r * kPairs + eight * kLanes,
                           _mm512_packs_epi32(levels(2 * eight), levels(2 * eight + 1)));
      _mm512_store_ps(units_[r], _mm512_mul_ps(largest, _mm512_set1_ps(1 / kWhole)));
      if constexpr (kHasMin<kType>) {
        const __m512 sums = _mm512_add_ps(minima[r], _mm512_permute_ps(minima[r], 0x4e));
        _mm512_store_ps(minima_[r], _mm512_add_ps(sums, _mm512_permute_ps(sums, 0xb1)));
      }
    }
  }

  // Those of the first row, the i-th block and eight tokens from `token` on, two tokens' together; how far behind these
  // those of the r-th row and the i-th block after it are.
  const int32_t *pairs(size_t i, size_t token) const { return pairs_ + token / 8 * kLanes + i * 4; }
  static constexpr size_t distance(size_t r, size_t i) { return r * kPairs + i * 4; }
  // Of a row and the i-th block: the unit of products, and the weighted sum of the minima.
  __m512 unit(size_t r, size_t i) const { return _mm512_set1_ps(units_[r][i * 4]); }
  __m512 minimum(size_t r, size_t i) const {
    return kHasMin<kType> ? _mm512_set1_ps(minima_[r][i * 4]) : _mm512_setzero_ps();
  }

 private:
  alignas(64) float products_[kRows][kTile / 4][kLanes];
  static constexpr size_t kPairs = kTile / 8 * kLanes;
  alignas(64) int32_t pairs_[kRows * kPairs];
  alignas(64) float units_[kRows][kLanes], minima_[kRows][kLanes];
};

// Sixteen elements: out = out * factor + begin + sums * unit.
inline void add_sums(__m512i sums, __m512 unit, __m512 factor, __m512 begin, float *out) {
  const __m512 former = _mm512_fmadd_ps(_mm512_loadu_ps(out), factor, begin);
  _mm512_storeu_ps(out, _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums), unit, former));
}

// kBlocks blocks of n tokens, the i-th of the factors' four and those behind it. Their products with the factors are summed
// up as integers of 32 bits, for which there are few enough. b: the first of them, of all.
template <int32_t kType, size_t kRows, size_t kBlocks>
inline void add_values(const StoredRows &stored, size_t n, const Factors<kType, kRows> &of, size_t first,
                       const float *factors, size_t b, size_t n_blocks, size_t n_lines, float *const *out) {
  static_assert(128 * 32767 * kTile <= INT32_MAX, "sums of products of levels with factors");
  __m512i low_sums[kRows][kBlocks], high_sums[kRows][kBlocks];
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (size_t i = 0; i < kBlocks; ++i) low_sums[r][i] = high_sums[r][i] = _mm512_setzero_si512();
  const size_t stride = stored.stride, n_asked = b < n_lines ? n_lines - b : 0;
  const char *row = stored.data + b * kBytes<kType>;
  uintptr_t next_head = reinterpret_cast<uintptr_t>(stored.data) + n_blocks * kBytes<kType> + b * kLineBytes;
  static_assert(StoredRows::kPlaces == 8, "as many as the tokens whose factors lie together");
  const int32_t *pair = nullptr;
  uintptr_t ahead = 0;
  for (size_t token = 0; token < n; token += 2) {
    if (token % 8 == 0) {
      pair = of.pairs(first, token);
      ahead = stored.ahead_of(token) + b * kLineBytes;
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < kBlocks; ++i) {
      if (i >= n_asked) continue;
      prefetch_line(ahead + i * kLineBytes);
      prefetch_line(ahead + stored.ahead_stride + i * kLineBytes);
      prefetch_line_near(next_head + i * kLineBytes);
      prefetch_line_near(next_head + stride + i * kLineBytes);
    }
    const char *const next = row + (token + 1 < n ? stride : 0);  // with a factor of 0 where there is none
#pragma GCC unroll 4
    for (size_t i = 0; i < kBlocks; ++i) {
      const __m512i even = load_levels<kType>(row + i * kBytes<kType>);
      const __m512i odd = load_levels<kType>(next + i * kBytes<kType>);
      const __m512i low = _mm512_unpacklo_epi16(even, odd), high = _mm512_unpackhi_epi16(even, odd);
#pragma GCC unroll 4
      for (size_t r = 0; r < kRows; ++r) {
        const __m512i w = _mm512_set1_epi32(pair[of.distance(r, i)]);
        low_sums[r][i] = add_products(low_sums[r][i], low, w);
        high_sums[r][i] = add_products(high_sums[r][i], high, w);
      }
    }
    ++pair;
    row += 2 * stride;
    next_head += 2 * stride;
    ahead += 2 * stored.ahead_stride;
  }
  // Of each eight elements the first four are in the one register, the others in the other.
  const __m512i lower = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const __m512i upper = _mm512_setr_epi32(8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) {
    const __m512 factor = _mm512_set1_ps(factors[r]);
#pragma GCC unroll 4
    for (size_t i = 0; i < kBlocks; ++i) {
      const __m512 unit = of.unit(r, first + i), begin = of.minimum(r, first + i);
      float *const to = out[r] + (b + i) * kBlock;
      const __m512i low = low_sums[r][i], high = high_sums[r][i];
      add_sums(_mm512_permutex2var_epi32(low, lower, high), unit, factor, begin, to);
      add_sums(_mm512_permutex2var_epi32(low, upper, high), unit, factor, begin, to + kLanes);
    }
  }
}

template <int32_t kType, size_t kRows>
inline void add_rows(const StoredRows &stored, size_t n, const float *weights, const float *factors, size_t n_blocks,
                     size_t n_lines, float *const *out) {
  constexpr size_t kBlocks = kRows == 4 ? 2 : 4;
  for (size_t b = 0; b < n_blocks; b += 4) {
    const size_t count = n_blocks - b < 4 ? n_blocks - b : 4;
    const Factors<kType, kRows> of(stored, b, count, n, weights);
    size_t i = 0;
    for (; i + kBlocks <= count; i += kBlocks)
      add_values<kType, kRows, kBlocks>(stored, n, of, i, factors, b + i, n_blocks, n_lines, out);
    for (; i < count; ++i) add_values<kType, kRows, 1>(stored, n, of, i, factors, b + i, n_blocks, n_lines, out);
  }
}

template <int32_t kType>
void add(const StoredRows &stored, size_t n, const float *weights, const float *factors, size_t n_rows, size_t dim,
         float *const *out) {
  const size_t n_blocks = dim / kBlock, n_lines = lines_of<kType>(n_blocks);
  const float *w = weights;
  size_t r = 0;
  for (; r + 4 <= n_rows; r += 4, w += 4 * kTile)
    add_rows<kType, 4>(stored, n, w, factors + r, n_blocks, r == 0 ? n_lines : 0, out + r);
  for (; r + 2 <= n_rows; r += 2, w += 2 * kTile)
    add_rows<kType, 2>(stored, n, w, factors + r, n_blocks, r == 0 ? n_lines : 0, out + r);
  if (r < n_rows) add_rows<kType, 1>(stored, n, w, factors + r, n_blocks, r == 0 ? n_lines : 0, out + r);
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
