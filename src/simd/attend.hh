// The kernels of attention over stored keys and values: a part of each table of kernels.
//
// Attention goes over the tokens a tile at a time, and keeps of each query row the largest score so far, the sum of the
// weights exp(score - largest), and the sum of the values by these weights: the online softmax of Milakov and Gimelshein
// (2018), with which no score outlives its tile. The steps of a tile are one function each. They are reductions: tables
// differ in the last bits.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace infermem {

// One head's part of the rows of consecutive tokens, of an INFERMEM_DTYPE_* that a cache stores; blocks are whole.
struct StoredRows {
  int32_t type;
  const char *data;
  size_t stride;  // bytes from token to token
  // What to prefetch meanwhile, for each token as many bytes as its part has: from several places in turn, as a core's own
  // prefetchers follow several streams better than one.
  static constexpr size_t kPlaces = 8;
  uintptr_t ahead;
  size_t ahead_stride;  // from place to place
  size_t ahead_step;    // that each place goes on by
  // An address: what is there may be no memory. Always inline, as sources with flags of their own call it.
  [[gnu::always_inline]] uintptr_t ahead_of(size_t token) const {
    return ahead + token % kPlaces * ahead_stride + token / kPlaces * ahead_step;
  }
};

struct AttendKernels {
  static constexpr size_t kTile = 64;  // tokens at most, and the distance of query rows in an array of scores
  static constexpr size_t kRows = 64;  // query rows at most
  static constexpr size_t kMostDim = 1024;

  // Dimensions are multiples of 8 and at most kMostDim.

  // Turns the dim floats of a query row, at a multiple of 4 bytes, into what score() takes with keys of a type. Returns
  // the number by which that is to be multiplied to have the query's products.
  float (*prepare)(int32_t type, float *query, size_t dim);
  // scores[row * kTile + token]: the products of each prepared row with the keys of n tokens. Of tokens from n on, which
  // are not read, anything may be written.
  void (*score)(const StoredRows &keys, size_t n, const float *queries, size_t n_rows, size_t dim, float *scores);
  // out[row][i] = out[row][i] * factors[row] + the sum over n tokens of weights[row * kTile + token] * value[i].
  void (*add)(const StoredRows &values, size_t n, const float *weights, const float *factors, size_t n_rows, size_t dim,
              float *const *out);

  // A query row: the tokens of a tile that it sees, which may be none; what turns its products into scores; and of all that
  // it has seen so far, the largest score and the sum of weights.
  struct Row {
    size_t begin = 0, end = 0;
    float unit = 1;
    float largest = -INFINITY;
    float sum = 0;
  };
  // Rows' products with the tokens of a tile: multiplied by `unit`, clamped to finite numbers, capped as
  // cap * tanh(score / cap) unless cap is 0; then made weights, in place, and 0 for tokens that a row does not see.
  // factors: for what was summed up with a row's former largest score; before it has seen anything, any number.
  void (*weigh)(float *scores, size_t n_rows, float cap, Row *rows, float *factors);
  static constexpr size_t kRowsAtOnce = 4;  // that in AVX-512 take about twice as long as one
};

extern const AttendKernels attend_reference, attend_sse4, attend_avx2, attend_avx512, attend_neon;

// The exponential of what is not above 0, to within 2^-22 of itself; below kLeast, 0. With n the integer nearest to x / ln 2,
// it is 2^n times a polynomial of the rest x - n * ln 2, from which ln 2 is taken in two parts, the first exact in its
// products: Cody and Waite, "Software Manual for the Elementary Functions" (1980). The coefficients are of least largest
// relative error, 2e-9, on [-ln 2 / 2, ln 2 / 2], the first two held at 1.
namespace exponential {
constexpr float kLeast = -87.0f;
constexpr float kPerLn2 = 0x1.715476p+0f, kLn2 = 0.693359375f, kLn2Rest = -0x1.bd0106p-13f;
constexpr float kSecond = 0x1.fffffcp-2f, kThird = 0x1.555418p-3f, kFourth = 0x1.555826p-5f, kFifth = 0x1.12683p-7f,
                kSixth = 0x1.6ae69p-10f;
}  // namespace exponential

}  // namespace infermem
