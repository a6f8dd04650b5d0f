// The products of every table against the plain table's, which are in double precision. A new kernel needs a call of
// compare for each shape that it has, and a line in main.
#include "compare.hh"

namespace infermem {
namespace {

// ---- Operands ----

// Some rows of weights, as quantizing leaves them: a group covers its range.
struct Weights {
  uint32_t bits;
  bool symmetric;
  size_t rows, cols, group, groups, row_bytes;
  std::vector<uint8_t> levels;
  std::vector<float> scales, mins, values;  // values: of level * scale + min

  Weights(uint32_t b, bool s, size_t r, size_t n, size_t g)
      : bits(b),
        symmetric(s),
        rows(r),
        cols(n),
        group(g),
        groups(groups_of(n, g)),
        row_bytes(level_bytes(n, b)),
        levels(r * row_bytes),
        scales(r * groups),
        mins(r * groups),
        values(r * n) {
    for (size_t row = 0; row < rows; ++row) {
      for (size_t i = 0; i < cols; i += group) fill_weights(values.data() + row * cols + i, std::min(group, cols - i));
      (bits == 4 ? kernels_reference.quantize4 : kernels_reference.quantize8)(
          values.data() + row * cols, group, cols, levels.data() + row * row_bytes, scales.data() + row * groups,
          mins.data() + row * groups);
    }
    if (symmetric)
      for (size_t i = 0; i < mins.size(); ++i) mins[i] = -static_cast<float>(1u << (bits - 1)) * scales[i];
    expand();
  }

  static void fill_weights(float *to, size_t n) {
    const size_t kind = below(8);
    const float base = uniform();
    for (size_t i = 0; i < n; ++i) {
      to[i] = uniform() * 0.1f;
      if (kind == 0) to[i] = 0;
      if (kind == 1) to[i] = base * 1e-6f;
      if (kind == 2) to[i] += 100.0f;
    }
  }

  // After the parameters were changed, too.
  void expand() {
    for (size_t row = 0; row < rows; ++row)
      (bits == 4 ? kernels_reference.dequantize4 : kernels_reference.dequantize8)(
          levels.data() + row * row_bytes, scales.data() + row * groups, mins.data() + row * groups, group, cols, false,
          values.data() + row * cols);
  }

  uint32_t level(size_t row, size_t column) const {
    const uint8_t *const from = &levels[row * row_bytes];
    return bits == 8 ? from[column] : from[column / 2] >> (column % 2 * 4) & 15u;
  }

  // Within what the public header promises of a product, and what denormal products may lose besides.
  double bound(size_t row, const double *x) const {
    double largest = 0, sum = 0;
    for (size_t i = 0; i < cols; ++i) {
      largest = std::max(largest, std::fabs(static_cast<double>(values[row * cols + i])));
      sum += std::fabs(x[i]);
    }
    const auto n = static_cast<double>(cols + 8);
    return n * 0x1p-23 * largest * sum + n * static_cast<double>(FLT_TRUE_MIN);
  }
};

// Vectors of floats, and what they are in 8 bits.
struct Vectors {
  size_t n, n_x, padded, padded_blocks;
  std::vector<float> values;
  std::vector<int8_t> levels;
  std::vector<float> scales, sums;

  Vectors(size_t cols, size_t count)
      : n(cols),
        n_x(count),
        padded(Activations::padded(cols)),
        padded_blocks(Activations::padded_blocks(cols)),
        values(cols * count),
        levels(padded * count),
        scales(padded_blocks * count),
        sums(padded_blocks * count) {
    for (size_t v = 0; v < n_x; ++v) {
      const float unit = std::ldexp(1.0f, static_cast<int>(below(8) * below(8)) - 30);
      for (size_t i = 0; i < n; ++i) values[v * n + i] = uniform() * unit;
      kernels_reference.activate(values.data() + v * n, n, levels.data() + v * padded,
                                 scales.data() + v * padded_blocks, sums.data() + v * padded_blocks);
    }
  }

  std::vector<double> exact(size_t v, bool is_q8) const {
    std::vector<double> x(n);
    for (size_t i = 0; i < n; ++i)
      x[i] = is_q8 ? static_cast<double>(levels[v * padded + i]) *
                         static_cast<double>(scales[v * padded_blocks + i / Activations::kBlock])
                   : static_cast<double>(values[v * n + i]);
    return x;
  }

  void add_q8(Inputs *to) const {
    to->push_back({levels.data(), levels.size(), sizeof(float)});
    to->push_back(input(scales));
    to->push_back(input(sums));
  }
  // Vector v, whose arrays are among the inputs from `first` on.
  Activations at(const Places &in, size_t first, size_t v) const {
    return {in.signed_bytes(first) + v * padded, in.floats(first + 1) + v * padded_blocks,
            in.floats(first + 2) + v * padded_blocks};
  }
};

// ---- One row of the plain layout ----

Outputs sum_within(const std::vector<double> &bounds) { return {{sizeof(float), sizeof(float), &bounds}}; }

template <uint32_t kBits>
void dot() {
  each_shape([](size_t group, size_t n) {
    now("dot%u, groups of %zu, %zu values", kBits, group, n);
    const Weights w(kBits, false, 1, n, group);
    const Vectors x(n, 1);
    const std::vector<double> bounds = {w.bound(0, x.exact(0, false).data())};
    compare({input(w.levels), input(w.scales), input(w.mins), input(x.values)}, sum_within(bounds),
            [=](const Kernels &k, const Places &in, const Places &out) {
              *out.floats(0) =
                  (kBits == 4 ? k.dot4 : k.dot8)(in.bytes(0), in.floats(1), in.floats(2), group, n, in.floats(3));
              return 1;
            });
  });
}

template <uint32_t kBits>
void dot_q8() {
  each_shape([](size_t group, size_t n) {
    const bool symmetric = below(3) == 0;
    now("dot%u_q8, groups of %zu, %zu values, symmetric %d", kBits, group, n, symmetric);
    const Weights w(kBits, symmetric, 1, n, group);
    const Vectors x(n % Activations::kBlock == 0 ? n + below(3) * 100 : n, 1);  // more may follow whole blocks
    const std::vector<double> bounds = {w.bound(0, x.exact(0, true).data())};
    Inputs inputs = {input(w.levels), input(w.scales), input(w.mins)};
    x.add_q8(&inputs);
    compare(inputs, sum_within(bounds), [&](const Kernels &k, const Places &in, const Places &out) {
      *out.floats(0) = (kBits == 4 ? k.dot4_q8 : k.dot8_q8)(
          in.bytes(0), in.floats(1), symmetric ? nullptr : in.floats(2), group, n, x.at(in, 3, 0));
      return 1;
    });
  });
}

void dot_of_floats() {
  for (size_t n = 0; n <= 1100; n += n < 300 ? 1 : 37) {
    now("dot, %zu values", n);
    const Weights w(8, false, 1, n, std::max(n, size_t{8}));
    const Vectors x(n, 1);
    const std::vector<double> bounds = {w.bound(0, x.exact(0, false).data())};
    compare({input(w.values), input(x.values)}, sum_within(bounds),
            [=](const Kernels &k, const Places &in, const Places &out) {
              *out.floats(0) = k.dot(in.floats(0), n, in.floats(1));
              return 1;
            });
  }
}

void dot_blocks_q8() {
  for (const Stored &type : kStored) {
    if (type.elements < Activations::kBlock) continue;
    for (size_t blocks = 1; blocks <= 20; ++blocks) {
      const size_t n = blocks * type.elements;
      now("dot_blocks_q8, type %s, %zu values", type.name, n);
      Weights w(8, false, 1, n, n);
      const auto stored = random_blocks(type, blocks, 1e3f);
      reference::decode(type.dtype, stored.data(), n, w.values.data());
      const Vectors x(n, 1);
      const std::vector<double> bounds = {w.bound(0, x.exact(0, true).data())};
      Inputs inputs = {input(stored)};
      x.add_q8(&inputs);
      compare(inputs, sum_within(bounds), [&](const Kernels &k, const Places &in, const Places &out) {
        *out.floats(0) = k.dot_blocks_q8(type.dtype, in.bytes(0), n, x.at(in, 1, 0));
        return 1;
      });
    }
  }
}

// ---- Sixteen rows of the packed layout ----

// Of parameters of 16 bits the weights become what these give.
std::vector<uint8_t> pack(Weights *w, const Packed &form) {
  std::vector<uint8_t> block;
  const auto append = [&](float *parameter) {
    const size_t at = block.size();
    const uint32_t bits = bits_of(*parameter);
    uint16_t half = f32_to_f16(*parameter);
    if (form.params == INFERMEM_DTYPE_F32) {
      block.resize(at + sizeof bits);
      std::memcpy(&block[at], &bits, sizeof bits);
      return;
    }
    if (form.params == INFERMEM_DTYPE_BF16) half = f32_to_bf16(*parameter);
    *parameter = form.params == INFERMEM_DTYPE_BF16 ? bf16_to_f32(half) : f16_to_f32(half);
    block.resize(at + sizeof half);
    std::memcpy(&block[at], &half, sizeof half);
  };
  for (size_t first = 0, g = 0; first < form.cols; first += form.group, ++g) {
    const size_t record = block.size(), count = std::min(form.group, form.cols - first);
    block.resize(record + form.level_bytes(form.columns(first)));
    for (size_t row = 0; row < Packed::kRows; ++row)
      for (size_t i = 0; i < count; ++i) {
        uint8_t *const at = &block[record + form.byte_of(row, i)];
        *at = static_cast<uint8_t>(*at | w->level(row, first + i) << form.shift_of(i));
      }
    for (size_t row = 0; row < Packed::kRows; ++row) append(&w->scales[row * w->groups + g]);
    for (size_t row = 0; row < Packed::kRows; ++row) {
      float &min = w->mins[row * w->groups + g];
      if (form.symmetric)
        min = -form.middle() * w->scales[row * w->groups + g];
      else
        append(&min);
    }
  }
  w->expand();
  return block;
}

void compare_packed(const Packed &form, size_t n_x, bool is_q8) {
  now("%s, %u bits, groups of %zu, %zu columns, %zu vectors, symmetric %d, parameters of type %d",
      is_q8 ? "packed_q8" : "packed", form.bits, form.group, form.cols, n_x, form.symmetric, form.params);
  Weights w(form.bits, form.symmetric, Packed::kRows, form.cols, form.group);
  const auto block = pack(&w, form);
  const Vectors x(form.cols, n_x);
  std::vector<double> bounds;
  for (size_t v = 0; v < n_x; ++v) {
    const auto exact = x.exact(v, is_q8);
    for (size_t row = 0; row < Packed::kRows; ++row) bounds.push_back(w.bound(row, exact.data()));
  }
  Inputs inputs = {{block.data(), block.size(), Activations::kAlign}};
  if (is_q8)
    x.add_q8(&inputs);
  else
    inputs.push_back(input(x.values));
  compare(inputs, {{bounds.size() * sizeof(float), sizeof(float), &bounds}},
          [&](const Kernels &k, const Places &in, const Places &out) {
            if (is_q8) {
              std::vector<Activations> vectors;
              for (size_t v = 0; v < n_x; ++v) vectors.push_back(x.at(in, 1, v));
              k.packed_q8(form, in.bytes(0), vectors.data(), n_x, out.floats(0));
            } else {
              k.packed(form, in.bytes(0), in.floats(1), form.cols, n_x, out.floats(0));
            }
            return 1;
          });
}

template <bool kIsQ8>
void packed() {
  static const int32_t kParams[] = {INFERMEM_DTYPE_F32, INFERMEM_DTYPE_F16, INFERMEM_DTYPE_BF16};
  static const size_t kVectors[] = {1, 1, 1, 1, 1, 1, 1, 2, 3, 9};
  for (uint32_t bits : {4u, 8u}) {
    for (size_t group : {8u, 16u, 24u, 32u, 40u, 64u, 96u, 128u, 256u}) {
      for (size_t cols = 1; cols <= 300; cols += cols < 40 ? 1 : 1 + below(30))
        compare_packed({bits, kParams[below(3)], below(3) == 0, group, cols}, kVectors[below(10)], kIsQ8);
      compare_packed({bits, INFERMEM_DTYPE_F32, false, group, 11}, 64, kIsQ8);
    }
  }
}

}  // namespace
}  // namespace infermem

int main() {
  using namespace infermem;
  run_all({{"dot4", dot<4>},
           {"dot8", dot<8>},
           {"dot", dot_of_floats},
           {"dot4_q8", dot_q8<4>},
           {"dot8_q8", dot_q8<8>},
           {"dot_blocks_q8", dot_blocks_q8},
           {"packed", packed<false>},
           {"packed_q8", packed<true>}});
}
