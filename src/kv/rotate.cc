#include "kv/rotate.hh"

#include <cmath>

namespace infermem {

void rotate(float *values, size_t n, size_t run) {
  if (run == 1) return;
  // Before the sums, so that these overflow only where the result does.
  const float scale = 1.0f / std::sqrt(static_cast<float>(run));
  for (size_t i = 0; i < n; ++i) values[i] *= scale;
  for (float *x = values; x != values + n; x += run) {
    for (size_t half = 1; half < run; half *= 2) {
      for (size_t pair = 0; pair < run; pair += 2 * half) {
        for (size_t i = pair; i < pair + half; ++i) {
          const float a = x[i], b = x[i + half];
          x[i] = a + b;
          x[i + half] = a - b;
        }
      }
    }
  }
}

}  // namespace infermem
