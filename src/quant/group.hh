// Quantizing groups that the kernels do not take in one step: those with parameters of 16 bits, symmetric ones, with
// values to be clamped, or too long to be widened at once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "infermem/dtype.h"
#include "simd/reference.hh"

namespace infermem {

// Elements that are converted at once, on the stack: an even number, and whole blocks of any type.
constexpr size_t kPiece = 1024;
constexpr size_t kLeastGroup = 8;

// Bytes of a scale or a minimum.
inline size_t size_of(int32_t params) { return params == INFERMEM_DTYPE_F32 ? sizeof(float) : sizeof(uint16_t); }

struct GroupForm {
  reference::Levels levels;
  int32_t params;  // the type that scale and minimum are stored in: F32, F16, BF16
  bool clamp;      // what is not finite, rather than refuse it
};

// A group of n values of F32, F16 or BF16; the parameters are numbers of form.params. False, and nothing is written, when
// a value is to be refused or a parameter does not fit.
bool quantize_group(const GroupForm &form, int32_t dtype, const void *values, size_t n, uint8_t *levels,
                    reference::Parameters *out);

// The same, with kernels, for groups one after the other, the last maybe short: at most kPiece values, or one group.
// scales and mins are stored as numbers of form.params, the latter not where it is symmetric. False, and nothing is
// written, when one of them is not as usual: a value not finite, a range that overflows, a denormal scale, a parameter
// that does not fit.
bool quantize_groups(const GroupForm &form, const float *values, size_t group, size_t n, uint8_t *levels, void *scales,
                     void *mins);

// n numbers of F32, F16 or BF16, which the type has exactly.
void store_parameters(int32_t params, const float *values, size_t n, void *out);

}  // namespace infermem
