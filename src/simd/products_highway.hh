// The products of the tables in kernels_highway.cc, declared in the namespace of the target that is being compiled: for
// inclusion by what Highway compiles once a target, so it may be included again.
#include "simd/kernels.hh"

HWY_BEFORE_NAMESPACE();
namespace infermem {
namespace HWY_NAMESPACE {

bool activate(const float *values, size_t n, int8_t *levels, float *scales, float *sums);

template <uint32_t kBits>
float dot_q8(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n,
             const Activations &x);

void packed(const Packed &form, const uint8_t *block, const float *x, size_t stride, size_t n_x, float *out);
void packed_q8(const Packed &form, const uint8_t *block, const Activations *x, size_t n_x, float *out);

}  // namespace HWY_NAMESPACE
}  // namespace infermem
HWY_AFTER_NAMESPACE();
