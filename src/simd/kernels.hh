// The kernels: the conversions that are worth an instruction set of their own, one table of them a set.
//
// Every table gives the bits of the plain one, which is named "reference". Which table runs is chosen at first use, by
// what the processor has, by the environment variable INFERMEM_SIMD, or by infermem_simd_select.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simd/activations.hh"
#include "simd/attend.hh"
#include "simd/counts.hh"
#include "simd/packed.hh"
#include "simd/stored.hh"

namespace infermem {

// Groups of the library's own form, one after the other: group values each, the last maybe fewer, n in all; a scale and a
// minimum a group. Levels are bytes, or nibbles with the even value in the low one; group is a multiple of 8.
struct Kernels {
  const char *name;
  bool (*is_usable)();  // on this processor

  // level * scale + min, two roundings. With stream set the output goes past the caches, and is fenced.
  void (*dequantize4)(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n,
                      bool stream, float *out);
  void (*dequantize8)(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n,
                      bool stream, float *out);
  // False, with the output half done, when a value is NaN or infinite.
  bool (*quantize4)(const float *values, size_t group, size_t n, uint8_t *levels, float *scales, float *mins);
  bool (*quantize8)(const float *values, size_t group, size_t n, uint8_t *levels, float *scales, float *mins);
  // The two steps of these, for parameters that are found otherwise. False when a value is NaN or infinite; of zeros of
  // both signs the minimum is +0.
  bool (*find_ranges)(const float *values, size_t group, size_t n, float *mins, float *maxs);
  // (value - origin) / scale to nearest, halves away from 0, + zero. The scales are normal numbers, and with them no
  // level lies beyond the highest.
  void (*find_levels4)(const float *values, size_t group, size_t n, const float *scales, const float *origins,
                       uint32_t zero, uint8_t *levels);
  void (*find_levels8)(const float *values, size_t group, size_t n, const float *scales, const float *origins,
                       uint32_t zero, uint8_t *levels);
  // The sum of the n values' products with x, in any order; a short or odd group may be at the end.
  float (*dot4)(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n, const float *x);
  float (*dot8)(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n, const float *x);
  float (*dot)(const float *values, size_t n, const float *x);
  // The same with activations of 8 bits; of a symmetric matrix mins is NULL, and a minimum -2^(bits - 1) * scale.
  float (*dot4_q8)(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n,
                   const Activations &x);
  float (*dot8_q8)(const uint8_t *levels, const float *scales, const float *mins, size_t group, size_t n,
                   const Activations &x);
  // Sixteen rows of the packed layout with n_x vectors, 1 to 64: out[v * 16 + row]. Vector v of floats is at x + v * stride.
  void (*packed)(const Packed &form, const uint8_t *block, const float *x, size_t stride, size_t n_x, float *out);
  void (*packed_q8)(const Packed &form, const uint8_t *block, const Activations *x, size_t n_x, float *out);
  // The products of n stored elements with activations, summed up: whole blocks of a type of 32 or more elements a block.
  float (*dot_blocks_q8)(int32_t dtype, const uint8_t *stored, size_t n, const Activations &x);
  // As reference::decode, with its bits, but for the sign of a NaN.
  void (*decode)(int32_t dtype, const void *stored, size_t n, float *out);
  // n floats to whole blocks of activations, the last filled up with zeros. False when a value is NaN or infinite.
  bool (*activate)(const float *values, size_t n, int8_t *levels, float *scales, float *sums);
  // The index of the first NaN or infinity among n floats, or n.
  size_t (*find_not_finite)(const float *values, size_t n);
  // To nearest, ties to even; at any address.
  void (*f16_to_f32)(const void *in, size_t n, float *out);
  void (*f32_to_f16)(const float *in, size_t n, void *out);
  // As dequantize4 and dequantize8, then rounded to F16 or BF16 as encode16 does.
  void (*dequantize4_to_16)(int32_t dtype, const uint8_t *levels, const float *scales, const float *mins, size_t group,
                            size_t n, bool stream, uint16_t *out);
  void (*dequantize8_to_16)(int32_t dtype, const uint8_t *levels, const float *scales, const float *mins, size_t group,
                            size_t n, bool stream, uint16_t *out);

  const StoredKernels *stored;
  const AttendKernels *attend;
  const CountKernels *counts;
};

// The table in use.
const Kernels &kernels();

extern const Kernels kernels_reference, kernels_sse4, kernels_avx2, kernels_avx512, kernels_neon;

// The tables of this build, from the plainest to the fastest; a NULL ends them.
extern const Kernels *const all_kernels[];

}  // namespace infermem
