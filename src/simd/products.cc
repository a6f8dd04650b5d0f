#include "simd/products.hh"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "simd/blocks.hh"
#include "simd/reference.hh"

namespace infermem::reference {
namespace {

float load(int32_t dtype, const uint8_t *at, size_t i) {
  float value;
  decode(dtype, at + i * (dtype == INFERMEM_DTYPE_F32 ? 4 : 2), 1, &value);
  return value;
}

// The product of the levels at columns [first, first + count) of a matrix with activations, as integers and in floats:
// count columns that lie in one group and one block.
struct Part {
  int32_t products = 0, levels = 0;
};

template <typename Level>
Part add_part(const Activations &x, size_t first, size_t count, Level level) {
  Part part;
  for (size_t i = 0; i < count; ++i) {
    const int32_t activation = x.levels[first + i];
    part.products += static_cast<int32_t>(level(i)) * activation;
    part.levels += activation;
  }
  return part;
}

template <typename T>
float dot_blocks(const T *block, size_t n, const Activations &x) {
  constexpr size_t kParts = 8;  // added up at once
  float values[T::kElements];
  double sum = 0;
  for (size_t at = 0; at < n; at += T::kElements) {
    blocks::decode(*block++, values);
    for (size_t first = 0; first < T::kElements; first += Activations::kBlock) {
      double parts[kParts] = {};
      for (size_t i = 0; i < Activations::kBlock; ++i)
        parts[i % kParts] += static_cast<double>(values[first + i]) * x.levels[at + first + i];
      double products = 0;
      for (const double part : parts) products += part;
      sum += static_cast<double>(x.scales[(at + first) / Activations::kBlock]) * products;
    }
  }
  return static_cast<float>(sum);
}

}  // namespace

bool activate(const float *values, size_t n, int8_t *levels, float *scales, float *sums) {
  if (find_not_finite(values, n) != n) return false;
  for (size_t first = 0; first < n; first += Activations::kBlock) {
    const size_t count = std::min(Activations::kBlock, n - first);
    float farthest = 0.0f;
    for (size_t i = 0; i < count; ++i) farthest = std::max(farthest, std::fabs(values[first + i]));
    const bool fits = farthest >= Activations::kLeast;
    const float per_level = fits ? 127.0f / farthest : 0.0f;
    int32_t sum = 0;
    for (size_t i = 0; i < Activations::kBlock; ++i) {
      const auto level = static_cast<int8_t>(i < count ? std::nearbyint(values[first + i] * per_level) : 0.0f);
      *levels++ = level;
      sum += level;
    }
    *scales = fits ? farthest / 127.0f : 0.0f;
    *sums++ = *scales++ * static_cast<float>(sum);
  }
  return true;
}

template <uint32_t kBits>
float dot_q8(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n,
             const Activations &x) {
  constexpr size_t kBlock = Activations::kBlock;
  double sum = 0;
  for (size_t at = 0; at < n;) {
    const size_t g = at / group;
    const size_t count = std::min({(g + 1) * group, at / kBlock * kBlock + kBlock, n}) - at;
    const Part part = add_part(x, at, count, [&](size_t i) {
      return kBits == 8 ? levels[at + i] : (levels[(at + i) / 2] >> ((at + i) % 2 * 4)) & 15;
    });
    const double scale = static_cast<double>(scales[g]);
    const double min = mins ? static_cast<double>(mins[g]) : -scale * (1u << (kBits - 1));
    sum += static_cast<double>(x.scales[at / kBlock]) * (scale * part.products + min * part.levels);
    at += count;
  }
  return static_cast<float>(sum);
}

template float dot_q8<4>(const uint8_t *, const float *, const float *, size_t, size_t, const Activations &);
template float dot_q8<8>(const uint8_t *, const float *, const float *, size_t, size_t, const Activations &);

float dot_blocks_q8(int32_t dtype, const uint8_t *stored, size_t n, const Activations &x) {
  switch (dtype) {
#define ENTRY(name, bits)     \
  case INFERMEM_DTYPE_##name: \
    return dot_blocks(reinterpret_cast<const blocks::name *>(stored), n, x);
    INFERMEM_BLOCK_LIST(ENTRY)
#undef ENTRY
  }
  return 0.0f;
}

RowParameters parameters_of(const Packed &form, const uint8_t *record, size_t columns, size_t row) {
  const uint8_t *const scales = record + form.level_bytes(columns);
  const float scale = load(form.params, scales, row);
  return {scale, form.symmetric ? -form.middle() * scale : load(form.params, scales + form.parameter_bytes(), row)};
}

void packed(const Packed &form, const uint8_t *block, const float *x, size_t stride, size_t n_x, float *out) {
  for (size_t v = 0; v < n_x; ++v, x += stride, out += Packed::kRows) {
    double sums[Packed::kRows] = {};
    const uint8_t *record = block;
    for (size_t first = 0; first < form.cols; first += form.group) {
      const size_t columns = form.columns(first), count = std::min(form.group, form.cols - first);
      for (size_t row = 0; row < Packed::kRows; ++row) {
        const RowParameters p = parameters_of(form, record, columns, row);
        for (size_t i = 0; i < count; ++i) {
          const int level = record[form.byte_of(row, i)] >> form.shift_of(i) & (form.bits == 8 ? 255 : 15);
          sums[row] +=
              static_cast<double>(static_cast<float>(level) * p.scale + p.min) * static_cast<double>(x[first + i]);
        }
      }
      record += form.record_bytes(columns);
    }
    for (size_t row = 0; row < Packed::kRows; ++row) out[row] = static_cast<float>(sums[row]);
  }
}

void packed_q8(const Packed &form, const uint8_t *block, const Activations *x, size_t n_x, float *out) {
  constexpr size_t kBlock = Activations::kBlock;
  for (size_t v = 0; v < n_x; ++v, ++x, out += Packed::kRows) {
    double sums[Packed::kRows] = {};
    const uint8_t *record = block;
    for (size_t first = 0; first < form.cols; first += form.group) {
      const size_t columns = form.columns(first), end = std::min(first + form.group, form.cols);
      for (size_t row = 0; row < Packed::kRows; ++row) {
        const RowParameters p = parameters_of(form, record, columns, row);
        for (size_t at = first; at < end;) {
          const size_t count = std::min(at / kBlock * kBlock + kBlock, end) - at;
          const Part part = add_part(*x, at, count, [&](size_t i) {
            const size_t column = at - first + i;
            return record[form.byte_of(row, column)] >> form.shift_of(column) & (form.bits == 8 ? 255 : 15);
          });
          sums[row] += static_cast<double>(x->scales[at / kBlock]) *
                       (static_cast<double>(p.scale) * part.products + static_cast<double>(p.min) * part.levels);
          at += count;
        }
      }
      record += form.record_bytes(columns);
    }
    for (size_t row = 0; row < Packed::kRows; ++row) out[row] = static_cast<float>(sums[row]);
  }
}

}  // namespace infermem::reference
