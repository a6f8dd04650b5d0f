#include "quant/activations.hh"

#include <cstring>

#include "base/checked.hh"
#include "quant/shape.hh"
#include "simd/kernels.hh"

namespace infermem {
namespace {

struct alignas(64) ActivationsHead {
  uint32_t magic, version;
  uint64_t n, n_x;
};

constexpr uint32_t kMagic = 0x38585149;  // "IQX8"
constexpr uint32_t kVersion = 1;

// Of a vector; far from overflow, as the caller has room for n floats.
size_t vector_bytes(size_t n) { return Activations::padded(n) + 2 * Activations::padded_blocks(n) * sizeof(float); }

Status check_alignment(const void *p) {
  const auto address = reinterpret_cast<uintptr_t>(p);
  if (address % alignof(float) == 0) return INFERMEM_OK;
  return fail(INFERMEM_E_ARG, alignof(float), address, "activations at %p are not at a multiple of %zu", p,
              alignof(float));
}

}  // namespace

size_t activations_bytes(size_t n, size_t n_x) {
  size_t bytes;
  if (n == 0 || n_x == 0 || n > SIZE_MAX / 8 || !checked::mul(vector_bytes(n), n_x, &bytes) ||
      !checked::add(bytes, sizeof(ActivationsHead), &bytes))
    return 0;
  return bytes;
}

Status quantize_activations(const float *x, size_t n_floats, size_t n, size_t n_x, void *out, size_t n_out) {
  size_t elements = 0;
  INFERMEM_TRY(check_shape(n_x, n, &elements));
  if (n_floats != elements)
    return fail(INFERMEM_E_SHAPE, elements, n_floats, "%zu floats are not the %zu of %zu vectors of %zu", n_floats,
                elements, n_x, n);
  const size_t bytes = activations_bytes(n, n_x);
  if (bytes == 0) return fail_overflow(n_x, n);
  if (n_out != bytes)
    return fail(INFERMEM_E_SHAPE, bytes, n_out, "activations of %zu vectors of %zu take %zu bytes, not %zu", n_x, n,
                bytes, n_out);
  INFERMEM_TRY(check_alignment(out));
  const size_t bad = kernels().find_not_finite(x, elements);
  if (bad != elements) return fail_not_finite(bad, n);

  const ActivationsHead head = {kMagic, kVersion, n, n_x};
  std::memset(out, 0, sizeof head);
  std::memcpy(out, &head, sizeof head);
  char *at = static_cast<char *>(out) + sizeof head;
  const size_t blocks = (n + Activations::kBlock - 1) / Activations::kBlock;
  const size_t padded = Activations::padded(n), padded_blocks = Activations::padded_blocks(n);
  for (size_t v = 0; v < n_x; ++v, x += n) {
    auto *levels = reinterpret_cast<int8_t *>(at);
    auto *scales = reinterpret_cast<float *>(at + padded), *sums = scales + padded_blocks;
    kernels().activate(x, n, levels, scales, sums);
    std::memset(levels + blocks * Activations::kBlock, 0, padded - blocks * Activations::kBlock);
    std::memset(scales + blocks, 0, (padded_blocks - blocks) * sizeof(float));
    std::memset(sums + blocks, 0, (padded_blocks - blocks) * sizeof(float));
    at += vector_bytes(n);
  }
  return INFERMEM_OK;
}

Status ActivationsView::open(const void *bytes, size_t n_bytes, size_t n, size_t n_x) {
  const size_t wanted = activations_bytes(n, n_x);
  if (n_bytes != wanted)
    return fail(INFERMEM_E_SHAPE, wanted, n_bytes, "activations of %zu vectors of %zu take %zu bytes, not %zu", n_x, n,
                wanted, n_bytes);
  INFERMEM_TRY(check_alignment(bytes));
  ActivationsHead head;
  std::memcpy(&head, bytes, sizeof head);
  if (head.magic != kMagic || head.version != kVersion)
    return fail(INFERMEM_E_FORMAT, kMagic, head.magic, "these bytes are not what quant_activations writes");
  if (head.n != n || head.n_x != n_x)
    return fail(INFERMEM_E_SHAPE, n, head.n, "the activations are %llu vectors of %llu, not %zu of %zu", wide(head.n_x),
                wide(head.n), n_x, n);
  n_ = n;
  vectors_ = static_cast<const char *>(bytes) + sizeof head;
  return INFERMEM_OK;
}

Activations ActivationsView::at(size_t vector) const {
  const char *const levels = vectors_ + vector * vector_bytes(n_);
  const auto *scales = reinterpret_cast<const float *>(levels + Activations::padded(n_));
  return {reinterpret_cast<const int8_t *>(levels), scales, scales + Activations::padded_blocks(n_)};
}

}  // namespace infermem
