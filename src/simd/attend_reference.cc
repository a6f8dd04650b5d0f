// Attention in plain C++: products in double precision.
#include <algorithm>
#include <cfloat>

#include "base/dtype.hh"
#include "simd/attend.hh"
#include "simd/reference.hh"

namespace infermem {
namespace {

constexpr size_t kTile = AttendKernels::kTile;
constexpr size_t kPiece = 32;  // elements decoded at once: a block, or of a plain type any multiple of 8

// Elements first … first + n - 1 of a token's row.
void decode(const StoredRows &rows, size_t token, size_t first, size_t n, float *out) {
  Block block = {1, 4};
  (void)dtype_block(rows.type, &block);
  reference::decode(rows.type, rows.data + token * rows.stride + first / block.elements * block.bytes, n, out);
}

float prepare(int32_t, float *, size_t) { return 1.0f; }

void score(const StoredRows &keys, size_t n, const float *queries, size_t n_rows, size_t dim, float *scores) {
  for (size_t token = 0; token < n; ++token) {
    double sums[AttendKernels::kRows] = {};
    for (size_t first = 0; first < dim; first += kPiece) {
      const size_t run = std::min(kPiece, dim - first);
      float key[kPiece];
      decode(keys, token, first, run, key);
      for (size_t row = 0; row < n_rows; ++row)
        for (size_t i = 0; i < run; ++i)
          sums[row] += static_cast<double>(queries[row * dim + first + i]) * static_cast<double>(key[i]);
    }
    for (size_t row = 0; row < n_rows; ++row) scores[row * kTile + token] = static_cast<float>(sums[row]);
  }
}

float weigh_row(float *scores, float cap, AttendKernels::Row *row) {
  const auto is_seen = [&](size_t i) { return row->begin <= i && i < row->end; };
  float largest = row->largest;
  for (size_t i = row->begin; i < row->end; ++i) {
    float s = std::clamp(scores[i] * row->unit, -FLT_MAX, FLT_MAX);
    if (cap != 0) s = static_cast<float>(static_cast<double>(cap) * std::tanh(static_cast<double>(s / cap)));
    scores[i] = s;
    largest = std::max(largest, s);
  }
  double sum = 0;
  for (size_t i = 0; i < kTile; ++i) {
    scores[i] = is_seen(i) ? std::exp(scores[i] - largest) : 0.0f;
    sum += static_cast<double>(scores[i]);
  }
  const float factor = row->sum == 0 ? 0.0f : std::exp(row->largest - largest);
  row->largest = largest;
  row->sum = static_cast<float>(static_cast<double>(row->sum) * static_cast<double>(factor) + sum);
  return factor;
}

void weigh(float *scores, size_t n_rows, float cap, AttendKernels::Row *rows, float *factors) {
  for (size_t r = 0; r < n_rows; ++r) factors[r] = weigh_row(scores + r * kTile, cap, rows + r);
}

// One rounding a token, as of a fused multiply-add: so that it does not matter how many tokens a call has.
void add(const StoredRows &values, size_t n, const float *weights, const float *factors, size_t n_rows, size_t dim,
         float *const *out) {
  for (size_t row = 0; row < n_rows; ++row)
    for (size_t i = 0; i < dim; ++i) out[row][i] *= factors[row];
  for (size_t token = 0; token < n; ++token) {
    for (size_t first = 0; first < dim; first += kPiece) {
      const size_t run = std::min(kPiece, dim - first);
      float value[kPiece];
      decode(values, token, first, run, value);
      for (size_t row = 0; row < n_rows; ++row) {
        const auto weight = static_cast<double>(weights[row * kTile + token]);
        for (size_t i = 0; i < run; ++i)
          out[row][first + i] = static_cast<float>(out[row][first + i] + weight * static_cast<double>(value[i]));
      }
    }
  }
}

}  // namespace

const AttendKernels attend_reference = {prepare, score, add, weigh};

}  // namespace infermem
