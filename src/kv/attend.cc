#include "kv/attend.hh"

#include <algorithm>
#include <cfloat>

#include "kv/rotate.hh"
#include "simd/kernels.hh"

namespace infermem {
namespace {

constexpr size_t kTile = AttendKernels::kTile;
constexpr size_t kRows = AttendKernels::kRows;
constexpr size_t kFloats = 8192;       // of queries at a time: kMostDim has room for 8 rows
constexpr size_t kStepBytes = 131072;  // of keys, or of values, that are read at once: a small part of the L2 cache

// The stored tokens begin … end - 1.
struct Range {
  size_t begin, end;
  size_t count() const { return end - begin; }
};

// What query token t sees; nothing where the end is not above the begin.
Range visible(const Attention &a, size_t t) {
  const size_t position = a.position + t;
  const size_t begin = a.window != 0 && position >= a.window ? position - a.window + 1 : 0;
  return {std::max(a.first_token, begin), std::min(a.end_token, position + 1)};
}

StoredRows rows_of(const HeadRows &rows, size_t head, size_t token) {
  return {rows.type, rows.data + token * rows.stride + head * rows.head_bytes, rows.stride, 0, 0, 0};
}

// One pass over the stored tokens: for each of a few heads the same query rows, at most kRows in all. Row r of a head is
// query token r / group and query head r % group of the head's own.
class Pass {
 public:
  // most_heads: of any pass over the cache for as many rows, whichever heads are attended to.
  Pass(const Attention &a, size_t most_heads, size_t first_head, size_t n_heads, size_t first_row, size_t n_rows)
      : a_(a),
        kernels_(*kernels().attend),
        most_heads_(most_heads),
        head_(first_head),
        n_heads_(n_heads),
        row_(first_row),
        n_rows_(n_rows) {}

  void run() {
    begin();
    const size_t last = seen_[n_rows_ - 1].end;
    for (size_t token = seen_[0].begin; token < last; token += kTile) add_tile({token, std::min(token + kTile, last)});
    end();
  }

 private:
  size_t token_of(size_t row) const { return (row_ + row) / a_.group; }

  // The place of a query row among those of q and out.
  size_t index_of(size_t head, size_t row) const {
    return (token_of(row) * a_.n_kv_heads + head_ + head) * a_.group + (row_ + row) % a_.group;
  }

  void begin() {
    const size_t dim = a_.keys.dim, width = a_.values.dim + (a_.is_partial ? kPartExtra : 0);
    for (size_t head = 0, i = 0; head < n_heads_; ++head) {
      for (size_t row = 0; row < n_rows_; ++row, ++i) {
        const size_t index = index_of(head, row);
        float *const query = queries_ + i * dim;
        std::copy_n(a_.q + index * dim, dim, query);
        rotate(query, dim, a_.keys.run);
        const float unit = a_.scale * kernels_.prepare(a_.keys.type, query, dim);
        rows_[i].unit = std::clamp(unit, -FLT_MAX, FLT_MAX);  // so that a product of 0 stays a score of 0
        seen_[i] = visible(a_, token_of(row));
        out_[i] = a_.out + index * width;
        std::fill_n(out_[i], a_.values.dim, 0.0f);
      }
    }
  }

  void add_tile(Range tile) {
    const size_t key_step = step(a_.keys), value_step = step(a_.values);
    for (size_t i = 0; i < n_heads_ * n_rows_; ++i) {
      rows_[i].begin = std::clamp(seen_[i].begin, tile.begin, tile.end) - tile.begin;
      rows_[i].end = std::clamp(seen_[i].end, tile.begin, tile.end) - tile.begin;
    }
    size_t weighed = 0;
    for (size_t token = tile.begin; token < tile.end; token += key_step) {
      const Range part = {token, std::min(token + key_step, tile.end)};
      for (size_t head = 0; head < n_heads_; ++head) {
        kernels_.score(part_of(a_.keys, part, head), part.count(), queries_ + head * n_rows_ * a_.keys.dim, n_rows_,
                       a_.keys.dim, scores_ + head * n_rows_ * kTile + token - tile.begin);
        // Soon after, so that memory is not left without requests for long.
        const size_t scored = (head + 1) * n_rows_, ready = scored - weighed;
        if (part.end < tile.end || (ready < AttendKernels::kRowsAtOnce && head + 1 < n_heads_)) continue;
        kernels_.weigh(scores_ + weighed * kTile, ready, a_.cap, rows_ + weighed, factors_ + weighed);
        weighed = scored;
      }
    }
    for (size_t token = tile.begin; token < tile.end; token += value_step) {
      const Range part = {token, std::min(token + value_step, tile.end)};
      for (size_t head = 0, i = 0; head < n_heads_; ++head, i += n_rows_)
        kernels_.add(part_of(a_.values, part, head), part.count(), scores_ + i * kTile + token - tile.begin,
                     factors_ + i, n_rows_, a_.values.dim, out_ + i);
      std::fill_n(factors_, n_heads_ * n_rows_, 1.0f);
    }
  }

  // Tokens whose rows are read at once, all heads of them, so that memory is read about in order. Sums of blocks depend on
  // it: so it is that of a call for all heads, whichever this one is for.
  size_t step(const HeadRows &rows) const {
    constexpr size_t unit = 32;
    return std::clamp(kStepBytes / (rows.head_bytes * most_heads_) / unit * unit, unit, kTile);
  }

  // Meanwhile as much is prefetched of what follows: with all heads of the rows, each one's share of it; otherwise the
  // same head's part of the tokens.
  StoredRows part_of(const HeadRows &rows, Range part, size_t head) const {
    StoredRows stored = rows_of(rows, head_ + head, part.begin);
    const size_t places = StoredRows::kPlaces, of_each = (part.count() + places - 1) / places;
    const auto next = reinterpret_cast<uintptr_t>(rows.data) + part.end * rows.stride;
    if (n_heads_ == a_.n_kv_heads) {
      stored.ahead = next + head * of_each * rows.head_bytes;
      stored.ahead_stride = of_each * rows.stride;
      stored.ahead_step = rows.head_bytes;
    } else {
      stored.ahead = next + (head_ + head) * rows.head_bytes;
      stored.ahead_stride = rows.stride;
      stored.ahead_step = places * rows.stride;
    }
    return stored;
  }

  void end() {
    for (size_t i = 0; i < n_heads_ * n_rows_; ++i) {
      const AttendKernels::Row &row = rows_[i];
      float *const out = out_[i];
      rotate(out, a_.values.dim, a_.values.run);
      if (a_.is_partial) {
        out[a_.values.dim] = row.largest;
        out[a_.values.dim + 1] = row.sum;
      } else if (row.sum != 0) {
        for (size_t j = 0; j < a_.values.dim; ++j) out[j] /= row.sum;
      }
    }
  }

  const Attention &a_;
  const AttendKernels &kernels_;
  const size_t most_heads_, head_, n_heads_, row_, n_rows_;
  float *out_[kRows];
  Range seen_[kRows];
  float factors_[kRows];
  AttendKernels::Row rows_[kRows];
  alignas(64) float scores_[kRows * kTile];
  alignas(64) float queries_[kFloats];
};

}  // namespace

void attend(const Attention &a) {
  const size_t rows = a.group * a.n_q_tokens, most = std::min(kRows, kFloats / a.keys.dim);
  const size_t rows_a_pass = std::min(rows, most), heads_a_pass = most / rows_a_pass;
  for (size_t head = 0; head < a.n_heads; head += heads_a_pass)
    for (size_t row = 0; row < rows; row += rows_a_pass)
      Pass(a, std::min(heads_a_pass, a.n_kv_heads), a.first_head + head, std::min(heads_a_pass, a.n_heads - head), row,
           std::min(rows_a_pass, rows - row))
          .run();
}

void merge(const float *parts, size_t n_parts, size_t n_rows, size_t dim, float *out) {
  const size_t width = dim + kPartExtra;
  for (size_t row = 0; row < n_rows; ++row, out += dim) {
    const auto part = [&](size_t i) { return parts + (i * n_rows + row) * width; };
    float largest = -INFINITY;
    for (size_t i = 0; i < n_parts; ++i) largest = std::max(largest, part(i)[dim]);
    std::fill_n(out, dim, 0.0f);
    float sum = 0;
    for (size_t i = 0; i < n_parts; ++i) {
      const float *const values = part(i);
      if (values[dim + 1] == 0) continue;  // nothing was seen
      const float weight = std::exp(values[dim] - largest);
      sum += weight * values[dim + 1];
      for (size_t j = 0; j < dim; ++j) out[j] += weight * values[j];
    }
    if (sum != 0)
      for (size_t j = 0; j < dim; ++j) out[j] /= sum;
  }
}

}  // namespace infermem
