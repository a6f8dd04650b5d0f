// How far a matrix is from the floats that it stands for.
#include <algorithm>
#include <cmath>

#include "quant/quant.hh"
#include "quant/shape.hh"

namespace infermem {

// Differences of finite floats, and their squares, are far within a double.
Status Quant::error(const float *data, size_t n, infermem_quant_errors *out) const {
  INFERMEM_TRY(store_.check());
  INFERMEM_TRY(check_elements(n));
  float values[kPiece];
  double sum = 0, squares = 0, group_squares = 0;
  double worst = -1;  // mean square of a group
  for (size_t row = 0; row < rows_; ++row) {
    for (size_t first = 0; first < cols_; first += kPiece) {
      const size_t run = std::min(kPiece, cols_ - first);
      const size_t at = row * cols_ + first;
      decode(row, first, run, false, values);
      for (size_t i = 0; i < run;) {  // a group, or the part of it that is here
        const size_t in_group = (first + i) % group_;
        const size_t end = std::min(run, i + group_ - in_group);
        for (; i < end; ++i) {
          const double difference = std::fabs(static_cast<double>(values[i]) - static_cast<double>(data[at + i]));
          if (!std::isfinite(difference)) return fail_not_finite(at + i, cols_);
          if (difference > out->max) {
            out->max = difference;
            out->max_index = at + i;
          }
          sum += difference;
          group_squares += difference * difference;
        }
        const size_t column = first + end;
        if (column % group_ != 0 && column != cols_) continue;
        const double mean = group_squares / static_cast<double>((column - 1) % group_ + 1);
        if (mean > worst) {
          worst = mean;
          out->worst_group = row * groups_ + (column - 1) / group_;
        }
        squares += group_squares;
        group_squares = 0;
      }
    }
  }
  const auto count = static_cast<double>(elements_);
  out->mean = sum / count;
  out->rmse = std::sqrt(squares / count);
  out->worst_group_rmse = std::sqrt(worst);
  return INFERMEM_OK;
}

}  // namespace infermem
