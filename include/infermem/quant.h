/* quant.h: weight matrices in few bits.
 *
 *     INFERMEM_STRUCT(infermem_quant_options, options);
 *     options.bits = 4;
 *     infermem_quant *weights;
 *     if (quant_from_f32(data, rows * cols, rows, cols, &options, &weights) != INFERMEM_OK) return 1;
 *     const size_t token = 17;
 *     quant_rows_to_f32(weights, &token, 1, row, cols);    // one row, as floats
 *     quant_free(weights);
 *
 * The library's own form is by group: each run of `group` values of a row has a scale and a minimum, and stands for value
 * = q * scale + min, rounded to a float after the product and after the sum. In a symmetric matrix the minimum is not
 * stored, but implied: -2^(bits-1) * scale. A group never crosses a row; the last of a row may be short. Matrices in one
 * of the field's formats are read where they lie, without conversion.
 *
 * A matrix never changes once it is made, so every function but quant_free takes a const handle: many threads may read
 * at once. Of a matrix that was stored in a tape, what reads its values answers INFERMEM_E_STALE once
 * the tape has taken the memory back: cleared, rewound past it, or freed.
 */
#ifndef INFERMEM_QUANT_H
#define INFERMEM_QUANT_H

#include "alloc.h"
#include "dtype.h"
#include "error.h"

/* What quant_dtype says of the library's own form; others are INFERMEM_DTYPE_*, which are 0 and more. */
enum { INFERMEM_QUANT_NATIVE = -1 };

/* What quant_layout says. */
enum {
  INFERMEM_QUANT_PLAIN = 0, /* levels row by row, then the scales, then the minima: for interchange, and single rows */
  INFERMEM_QUANT_PACKED = 1 /* 16 rows interleaved, with their parameters beside them: for products, see quant_pack */
};

/* nan_policy: what becomes of values that are NaN or infinite. */
enum {
  INFERMEM_QUANT_REFUSE = 0, /* the call fails with INFERMEM_E_NOT_FINITE */
  /* Infinities count as the largest and the least finite value of their group, NaN as 0 or what of these is nearest to
   * it; all are 0 where there is none. The other values of the group lose nothing to it. */
  INFERMEM_QUANT_CLAMP = 1
};

/* flags. */
enum {
  /* The data is not read, and so neither are its checksums: loading takes microseconds, whatever the size. */
  INFERMEM_QUANT_NO_VERIFY = 1
};

/* Saved bytes begin at a multiple of this, and so do the arrays in them. */
#define INFERMEM_QUANT_SAVED_ALIGN 64

/* A matrix of weights; see quant_from_f32. */
typedef struct infermem_quant infermem_quant;

/* How a matrix is quantized. Zero in any field means the default. */
typedef struct infermem_quant_options {
  size_t struct_size;
  uint32_t bits;       /* of a value: 4 or 8; 0 means 8 */
  uint32_t nan_policy; /* INFERMEM_QUANT_REFUSE or INFERMEM_QUANT_CLAMP */
  /* Values that share a scale and a minimum: a multiple of 8, from 8 to cols rounded up to one. 0 means 32, or where
   * cols is less, one group a row. Multiples of 32 are fast, and 32, 64 and 128 the fastest. */
  size_t group;
  const infermem_tape *tape;           /* where the matrix is stored; NULL means a mapping of its own */
  const infermem_allocator *allocator; /* for the handle; NULL means malloc */
  /* The type that scales and minima are stored in: INFERMEM_DTYPE_F32, which is 0, INFERMEM_DTYPE_F16 or
   * INFERMEM_DTYPE_BF16, which take half the bytes: in groups of 32, 5 bits a weight of 4 bits rather than 6. */
  int32_t params;
  /* 1 for levels on both sides of 0, which is exact, and no minima, which saves their bytes: in groups of 32 with F16,
   * 4.5 bits a weight of 4 bits. 0 for levels from each group's minimum up, which are about twice as fine where the
   * values of a group lie on one side of 0. */
  uint32_t symmetric;
  uint64_t flags; /* of quant_load and quant_load_bytes: INFERMEM_QUANT_NO_VERIFY; else 0 */
} infermem_quant_options;

/* How far a quantized matrix is from the floats that it stands for. */
typedef struct infermem_quant_errors {
  size_t struct_size;
  double max;              /* the largest absolute difference */
  double mean;             /* the mean absolute difference */
  double rmse;             /* the root of the mean squared difference */
  size_t max_index;        /* of the first element that differs by max */
  size_t worst_group;      /* the group with the largest rmse of its own: row * groups of a row + group in the row */
  double worst_group_rmse; /* and that rmse */
} infermem_quant_errors;

/* Weights in groups as other programs store them, for quant_from_gptq, quant_from_awq and quant_from_hqq, which say what
 * each tensor holds. Numbers are little-endian, at any address; the lengths are in bytes, and must be exactly those of
 * the shapes. */
typedef struct infermem_quant_tensors {
  size_t struct_size;
  const void *weights;
  size_t weights_bytes;
  const void *zeros;
  size_t zeros_bytes;
  const void *scales;
  size_t scales_bytes;
  const void *group_index; /* of GPTQ; NULL means that no column is out of order */
  size_t group_index_bytes;
  int32_t scales_type;   /* INFERMEM_DTYPE_F32, which is 0, INFERMEM_DTYPE_F16 or INFERMEM_DTYPE_BF16 */
  uint32_t gptq_version; /* of GPTQ: 1 or 2; 0 means 1 */
} infermem_quant_tensors;

#ifndef INFERMEM_NO_PROTOTYPES
INFERMEM_BEGIN_DECLS

/* Quantizes a row-major matrix of floats to the library's own form; free it with quant_free. With levels = 2^bits - 1,
 * and every step rounded to a float:
 *     scale = (max - min) / levels, or 1 where max equals min
 *     q = (value - min) / scale, rounded to the nearest integer, halves up, at most levels
 * so that no value moves by more than scale / 2, the rounding of the floats apart, and a group of equal values comes
 * back exactly. Any finite values will do: where max - min exceeds the largest float, scale is the same as if it did
 * not; where scale is denormal, and rounded down so far that q would exceed levels, it is the next float up.
 *   With params F16 or BF16, min is the largest number of that type that is not above the least value of the group, and
 * scale, computed with this min, the smallest of that type that is not below (max - min) / levels, a float. The group's
 * range is thus still covered, and no value moves by more than scale / 2, the rounding of the floats apart; a group of
 * equal values comes back exactly where the type has the value. What lies beyond the largest float after that is the
 * largest.
 *   Symmetric, with levels = 2^(bits-1) - 1 and most the largest magnitude in the group,
 *     scale = most / levels; with params F16 or BF16 the smallest number of that type not below it
 *     q = value / scale, rounded to the nearest integer, halves away from 0, + 2^(bits-1)
 * so that 0 comes back as 0, no value moves by more than scale / 2, the rounding of the floats apart, and q is never 0.
 * Of a group of zeros scale is 0, and each q 2^(bits-1). Denormal scales are rounded up as above.
 *   data: n floats.  n: rows * cols.  options: NULL means all defaults.
 * Errors: INFERMEM_E_NULL: data or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: bits, nan_policy, group, params or
 * symmetric is not one of those above, or the allocator lacks a function.  INFERMEM_E_SHAPE: rows or cols is 0, or n is
 * not rows * cols.  INFERMEM_E_OVERFLOW: rows * cols, or the bytes, do not fit. INFERMEM_E_NOT_FINITE: a value is NaN
 * or infinite, and nan_policy refuses it; the error's `got` is the index in data of the first.  INFERMEM_E_LIMIT: all
 * values will do, but a group's least value, or its scale, is farther from 0 than the largest number of params (65504
 * in F16, 3.39e38 in BF16), or the minimum that is implied farther than the largest float (of values beyond 2.97e38 in
 * 4 bits, 3.37e38 in 8); `got` is the index of the first such group's first value. INFERMEM_E_NOMEM.
 * INFERMEM_E_HANDLE: the tape is none.  INFERMEM_E_FULL, INFERMEM_E_SEALED: as tape_alloc. Of all these only
 * INFERMEM_E_NOT_FINITE and INFERMEM_E_LIMIT come after the tape was asked: its cursor then moves back, unless another
 * thread took something from it meanwhile.
 * Thread: any.  Memory: one handle from the allocator; one mapping, or one allocation from the tape.  Since: 0.1 */
INFERMEM_FN int32_t quant_from_f32(const float *data, size_t n, size_t rows, size_t cols,
                                   const infermem_quant_options *options, infermem_quant **out)
    INFERMEM_AS(quant_from_f32);

/* Quantizes a row-major matrix of F16; free it with quant_free. It is what quant_from_f32 makes of the same values, which
 * are exact as floats, bit for bit, without room for the floats.
 *   data: n numbers of 16 bits.  n: rows * cols.  options: NULL means all defaults.
 * Errors: as quant_from_f32.
 * Thread: any.  Memory: one handle from the allocator; one mapping, or one allocation from the tape.  Since: 0.1 */
INFERMEM_FN int32_t quant_from_f16(const uint16_t *data, size_t n, size_t rows, size_t cols,
                                   const infermem_quant_options *options, infermem_quant **out)
    INFERMEM_AS(quant_from_f16);

/* Quantizes a row-major matrix of BF16, as quant_from_f16 one of F16; free it with quant_free.
 *   data: n numbers of 16 bits.  n: rows * cols.  options: NULL means all defaults.
 * Errors: as quant_from_f32.
 * Thread: any.  Memory: one handle from the allocator; one mapping, or one allocation from the tape.  Since: 0.1 */
INFERMEM_FN int32_t quant_from_bf16(const uint16_t *data, size_t n, size_t rows, size_t cols,
                                    const infermem_quant_options *options, infermem_quant **out)
    INFERMEM_AS(quant_from_bf16);

/* Makes a matrix of weights that already are in one of the field's formats, in the caller's memory, which must outlive
 * it unchanged; free it with quant_free. Nothing is copied or converted. Rows follow each other without gaps. Its floats
 * are bit for bit those of GGML's reference code, NaNs apart; where a file has infinite scales, so are its floats.
 *   dtype: F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, Q8_K or MXFP4, in GGML's layout.
 * bytes: at any address.  n_bytes: at least what the matrix takes.  cols: whole blocks of the type.  options: NULL, or
 * all but the allocator 0.
 * Errors: INFERMEM_E_NULL: bytes or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: a field of options other than the
 * allocator is not 0, or the allocator lacks a function.  INFERMEM_E_TYPE: dtype is no known type's number.
 * INFERMEM_E_UNSUPPORTED: it is a type that cannot be read here.  INFERMEM_E_SHAPE: rows or cols is 0, cols is not
 * whole blocks, or n_bytes is too small.  INFERMEM_E_OVERFLOW: the bytes of the matrix do not fit.  INFERMEM_E_NOMEM.
 * Thread: any.  Memory: one handle from the allocator.  Since: 0.1 */
INFERMEM_FN int32_t quant_borrow(int32_t dtype, const void *bytes, size_t n_bytes, size_t rows, size_t cols,
                                 const infermem_quant_options *options, infermem_quant **out) INFERMEM_AS(quant_borrow);

/* Makes a matrix of the library's own form of GPTQ's tensors, as AutoGPTQ and GPTQModel write them; free it with
 * quant_free. With words of 32 bits that hold n = 32 / bits numbers, the first in the lowest bits, and groups =
 * ceil(cols / group), the tensors of a layer with `rows` outputs and `cols` inputs are
 *   weights: "qweight", cols / n x rows words, each n inputs of an output.  zeros: "qzeros", groups x rows / n words,
 * each the zero points of n outputs; in version 1, "gptq", stored less one: less 0x11111111 a word in 4 bits,
 * 0x01010101 in 8; in version 2, "gptq_v2", as they are.  scales: "scales", groups x rows.  group_index: "g_idx", the
 * group of each input in 32 bits, or NULL, or all 0, as some write it where there is no order.
 *   They stand for (q - zero) * scale. The matrix has their levels and scales, and min = -zero * scale, rounded to a
 * float; with scales of 16 bits and params F32 its values are exactly those. With params F16 or BF16 scales and minima
 * are rounded to the nearest number of that type; a symmetric matrix stores no minima, and loses nothing by it where all
 * zero points are 2^(bits-1), as GPTQ's "sym" makes them.
 *   tensors: all but group_index.  options: as of quant_from_f32, its bits and group being those of the tensors, and
 * nan_policy 0; NULL means all defaults.
 * Errors: INFERMEM_E_NULL: tensors or out, or weights, zeros or scales is NULL.  INFERMEM_E_STRUCT: that of tensors or
 * options.  INFERMEM_E_ARG: a field of options is not as above, or gptq_version is not 0, 1 or 2.  INFERMEM_E_SHAPE:
 * rows or cols is 0, or does not fill whole words, or a length is not that of the shape.  INFERMEM_E_OVERFLOW: rows *
 * cols, or the bytes, do not fit.  INFERMEM_E_TYPE: scales_type is no known type's number.  INFERMEM_E_UNSUPPORTED:
 * scales_type is not F32, F16 or BF16; or the group of an input i is not i / group, because columns were reordered by
 * activation (`got` is i); or options ask for a symmetric matrix, and a group's zero point is not 2^(bits-1) (`got` is
 * row * groups + group).  INFERMEM_E_NOT_FINITE: a scale is NaN or infinite; `got` is row * groups + group.
 * INFERMEM_E_LIMIT: params cannot hold a scale or a minimum, or a weight is beyond the largest float; `got` is the
 * same.  INFERMEM_E_NOMEM. INFERMEM_E_HANDLE: the tape is none.  INFERMEM_E_FULL, INFERMEM_E_SEALED: as tape_alloc.
 * Thread: any.  Memory: one handle from the allocator; one mapping, or one allocation from the tape.  Since: 0.1 */
INFERMEM_FN int32_t quant_from_gptq(const infermem_quant_tensors *tensors, size_t rows, size_t cols,
                                    const infermem_quant_options *options, infermem_quant **out)
    INFERMEM_AS(quant_from_gptq);

/* The same of AWQ's tensors, as AutoAWQ writes them for its version "gemm"; of 4 bits, which options must say, as AWQ
 * knows no other. A word holds 8 numbers, those of outputs 0, 2, 4, 6, 1, 3, 5, 7 from the lowest bits up:
 *   weights: "qweight", cols x rows / 8 words, each 8 outputs of an input.  zeros: "qzeros", groups x rows / 8 words.
 * scales: "scales", groups x rows.  group_index: NULL.
 * Errors: as quant_from_gptq; INFERMEM_E_ARG also: bits is not 4, or gptq_version or group_index is not 0;
 * INFERMEM_E_SHAPE also: rows or cols is not a multiple of 8.
 * Thread: any.  Memory: as quant_from_gptq.  Since: 0.1 */
INFERMEM_FN int32_t quant_from_awq(const infermem_quant_tensors *tensors, size_t rows, size_t cols,
                                   const infermem_quant_options *options, infermem_quant **out)
    INFERMEM_AS(quant_from_awq);

/* The same of HQQ's tensors, with its axis 1, and packings "4bit_u8" and "8bit_u8":
 *   weights: "W_q", of 8 bits rows x cols bytes; of 4 bits half as many, the levels of the matrix's first half in the
 * high nibbles, those of the second in the low ones.  zeros, scales: "zero" and "scale", rows x groups each, both of
 * scales_type.  group_index: NULL.
 *   Zero points need not be whole numbers; values are then exact but for the roundings of min and of their sum. Zeros or
 * scales that HQQ has quantized, too, must be turned back first.
 * Errors: as quant_from_gptq; INFERMEM_E_ARG also: gptq_version or group_index is not 0; INFERMEM_E_SHAPE also: cols is
 * not whole groups, or of 4 bits rows * groups is odd; INFERMEM_E_NOT_FINITE also: a zero point is NaN or infinite.
 * Thread: any.  Memory: as quant_from_gptq.  Since: 0.1 */
INFERMEM_FN int32_t quant_from_hqq(const infermem_quant_tensors *tensors, size_t rows, size_t cols,
                                   const infermem_quant_options *options, infermem_quant **out)
    INFERMEM_AS(quant_from_hqq);

/* Frees a matrix; borrowed memory and a tape's stay as they are. NULL is allowed.
 * Thread: exclusive.  Memory: releases.  Since: 0.1 */
INFERMEM_FN void quant_free(infermem_quant *q) INFERMEM_AS(quant_free);

/* Turns the whole matrix into floats, row-major.
 *   out: n floats.  n: rows * cols.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n is not rows * cols.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_to_f32(const infermem_quant *q, float *out, size_t n) INFERMEM_AS(quant_to_f32);

/* Turns the whole matrix into F16, row-major: the floats of quant_to_f32, rounded to nearest, ties to even. From 65520 on
 * that is infinity.
 *   out: n numbers of 16 bits.  n: rows * cols.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n is not rows * cols.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_to_f16(const infermem_quant *q, uint16_t *out, size_t n) INFERMEM_AS(quant_to_f16);

/* Turns the whole matrix into BF16, row-major: the floats of quant_to_f32, rounded to nearest, ties to even. From 2^128 -
 * 2^119 on, which is 3.396e38, that is infinity.
 *   out: n numbers of 16 bits.  n: rows * cols.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n is not rows * cols.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_to_bf16(const infermem_quant *q, uint16_t *out, size_t n) INFERMEM_AS(quant_to_bf16);

/* Turns rows first_row to first_row + n_rows - 1 into floats: a thread's share of the matrix.
 *   out: n_out floats.  n_out: n_rows * cols.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n_out is not n_rows * cols.
 * INFERMEM_E_RANGE: first_row + n_rows is more than the number of rows; the error's `got` is first_row.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_range_to_f32(const infermem_quant *q, size_t first_row, size_t n_rows, float *out,
                                       size_t n_out) INFERMEM_AS(quant_range_to_f32);

/* Turns the rows of the given indices into floats, one after the other: the embeddings of some tokens, the weights of
 * some neurons. Indices may repeat, in any order; nothing is written unless all are good.
 *   rows: n_rows indices.  out: n_out floats.  n_out: n_rows * cols.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n_out is not n_rows * cols.
 * INFERMEM_E_RANGE: an index is not below the number of rows; the error's `got` is the index.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_rows_to_f32(const infermem_quant *q, const size_t *rows, size_t n_rows, float *out,
                                      size_t n_out) INFERMEM_AS(quant_rows_to_f32);

/* Measures the matrix against floats, usually those that it was made from; in double precision. A group of a borrowed
 * type is a block; of several worst ones the first is told.
 *   data: n floats, row-major.  n: rows * cols.  out: its struct_size the caller has set.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STRUCT.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n is not
 * rows * cols.  INFERMEM_E_NOT_FINITE: a value is NaN or infinite in data or in the matrix; the error's `got` is its
 * index.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_error(const infermem_quant *q, const float *data, size_t n, infermem_quant_errors *out)
    INFERMEM_AS(quant_error);

/* Copies a matrix of the library's own form out as plain arrays, row by row, with groups = ceil(cols / group):
 *   out_levels: rows x ceil(cols * bits / 8) bytes; of 4 bits, element 2i of a row is the low nibble of byte i, 2i + 1
 * the high one, and the last one's other nibble 0.  n_levels: that number.  out_scales, out_mins: rows x groups floats
 * each, exactly what is stored, or the minima that are implied.  n_scales, n_mins: that number. None may overlap
 * another.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_UNSUPPORTED: the matrix is one of a
 * borrowed type.  INFERMEM_E_SHAPE: a length is not that number.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_export(const infermem_quant *q, uint8_t *out_levels, size_t n_levels, float *out_scales,
                                 size_t n_scales, float *out_mins, size_t n_mins) INFERMEM_AS(quant_export);

/* Quantizes a row-major matrix of floats to blocks of one of the field's formats, in memory of the caller's, which
 * quant_borrow reads. Rows follow each other without gaps.
 *   Q4_0, Q4_1, Q8_0, Q8_K: the bytes are those of GGML's reference code (of Q8_K also the sums of zeros, which that
 * leaves unwritten). Values too small for an F16 scale become 0.
 *   Q4_K, Q6_K: a search for the least squared error in each block of 256; slower, by far, than the others. Equal values
 * give equal bytes on every machine.
 *   dtype: one of those six.  data: n floats.  n: rows * cols.  cols: whole blocks of the type.  out: at any address;
 * must not overlap data.  n_out: exactly the bytes that the matrix takes (infermem_dtype_bytes).
 * Errors: INFERMEM_E_NULL: data or out is NULL.  INFERMEM_E_TYPE: dtype is no known type's number.
 * INFERMEM_E_UNSUPPORTED: it is a type that cannot be written here.  INFERMEM_E_SHAPE: rows or cols is 0, cols is not
 * whole blocks, n is not rows * cols, or n_out is not the bytes.  INFERMEM_E_OVERFLOW: rows * cols, or the bytes, do not
 * fit.  INFERMEM_E_NOT_FINITE: a value is NaN or infinite; the error's `got` is its index in data.  INFERMEM_E_LIMIT: a
 * block's scale or minimum would exceed 65504, the largest F16, or in Q8_K its values the largest float; `got` is the
 * index of the block's first value. No value is too far from 0 up to 524032 in Q4_0, 65504 in Q4_1, 8319008 in Q8_0,
 * 4126752 in Q4_K, 268304384 in Q6_K and 3.4e38 in Q8_K.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_quantize(int32_t dtype, const float *data, size_t n, size_t rows, size_t cols, void *out,
                                   size_t n_out) INFERMEM_AS(quant_quantize);

/* Writes a matrix to a file, native or borrowed, as it is stored: the same matrix gives the same bytes. The format is
 * told in src/doc/quant_file.md; a file written by any release is read by all later ones of the same major version.
 *   The file is written whole or not at all: the bytes go to a temporary file in the same directory, which takes the
 * name once they are on the disk. A process killed at any moment leaves the former file or the new one at path, and
 * perhaps a temporary, .infermem-PID-TIME-N.tmp, which can be removed. An existing file's permissions are kept, its
 * owner and its other names are not: what else is linked to it keeps the former content, and a symbolic link is
 * replaced, not followed. A matrix may be saved to the path that it was loaded from.
 *   path: NUL-terminated; its directory exists, and can be read and written.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_ARG: path ends with a slash, is empty, or
 * is a directory, a device, a FIFO or a socket, or a link to one.  INFERMEM_E_IO: the system refuses; os_error tells
 * why: EFBIG is also the process's limit on the size of files. Then path is as it was and the temporary is removed;
 * only where the directory cannot be written back, which the message says, the new file is in its place, and a power
 * failure may undo that.
 * Thread: many at once, also to one path, which the last takes.  Memory: none; two file descriptors during the call.
 * Since: 0.1 */
INFERMEM_FN int32_t quant_save(const infermem_quant *q, const char *path) INFERMEM_AS(quant_save);

/* Makes a matrix of a file that quant_save wrote; free it with quant_free. Nothing is copied: the file is mapped,
 * privately and read-only, and the matrix is what lies there. All checksums are verified first, which reads the whole
 * file; with the flag INFERMEM_QUANT_NO_VERIFY only the header and its own, see quant_verify.
 *   The file must not be changed as long as the matrix lives: what is written into it may or may not be seen, and bytes
 * that another process cuts off fault with SIGBUS when they are touched. quant_save does neither: it makes a new file.
 * Where others may cut files short, read the bytes into memory and use quant_load_bytes.
 *   The checksums find accidents. Of bytes that somebody made to deceive, with checksums to match, any use is still
 * within the matrix's memory, but its values are theirs.
 *   path: a regular file, NUL-terminated.  options: NULL, or all 0 but the allocator and the flags.
 * Errors: INFERMEM_E_NULL: path or out is NULL.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: a field of options that must be 0
 * is not, a flag is unknown, or the allocator lacks a function.  INFERMEM_E_IO: the file cannot be opened or read;
 * os_error tells why.  INFERMEM_E_FORMAT: it is no regular file, none of this format, or its header contradicts itself.
 * INFERMEM_E_VERSION: it is of a version that cannot be read here.  INFERMEM_E_UNSUPPORTED: so is its element type,
 * its layout or a flag in it.  INFERMEM_E_TRUNCATED: it ends before what it declares, or is empty.  INFERMEM_E_CORRUPT:
 * a checksum is not that of the bytes, padding is not 0, or the file goes on after its end; `expected` and `got` are
 * the checksums, the bytes or the sizes.  INFERMEM_E_SYSTEM: it could not be mapped.  INFERMEM_E_NOMEM.
 * Thread: any.  Memory: one handle from the allocator; one mapping; one file descriptor during the call.  Since: 0.1 */
INFERMEM_FN int32_t quant_load(const char *path, const infermem_quant_options *options, infermem_quant **out)
    INFERMEM_AS(quant_load);

/* The same of saved bytes that are in the caller's memory, which must outlive the matrix unchanged: part of a larger
 * file that is mapped, or of a program.
 *   bytes: at a multiple of INFERMEM_QUANT_SAVED_ALIGN.  n_bytes: exactly those that were saved.
 * Errors: as quant_load, but INFERMEM_E_IO and INFERMEM_E_SYSTEM; and INFERMEM_E_ARG: bytes is not so aligned.
 * Thread: any.  Memory: one handle from the allocator.  Since: 0.1 */
INFERMEM_FN int32_t quant_load_bytes(const void *bytes, size_t n_bytes, const infermem_quant_options *options,
                                     infermem_quant **out) INFERMEM_AS(quant_load_bytes);

/* Verifies the checksums of a matrix that was loaded, which reads all of it: of one loaded without, or again.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STATE: the matrix was not loaded.  INFERMEM_E_CORRUPT: as
 * quant_load.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_verify(const infermem_quant *q) INFERMEM_AS(quant_verify);

/* The product of a range of rows with a vector, out[i] = sum over j of W[first_row + i][j] * x[j], read from the stored
 * form directly: the matrix is never expanded in memory. Callers split the rows over their own threads.
 *   x: n_x floats.  n_x: cols.  out: n_out floats; may not overlap x.  n_out: n_rows. The sum is taken in f32, in an
 * order that depends on the instruction set, with fused multiply-add where there is one; it is within (cols + 8) *
 * 2^-23 times the largest magnitude in the row times the sum of |x[j]| of the exact one, as long as weights and partial
 * sums stay below 2^126 and products above the least normal float; and (2^bits - 1) * cols times the largest |x[j]|
 * must be a float, too. Where x or a weight is not finite, neither is the product. Of an imported or a loaded matrix a
 * row's largest |min| + (2^bits - 1) * |scale| counts instead, which may exceed all that it stands for. How the rows
 * are split changes no bit.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n_x is not cols, or n_out not
 * n_rows.  INFERMEM_E_RANGE: first_row + n_rows is more than the number of rows; the error's `got` is first_row.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_gemv(const infermem_quant *q, size_t first_row, size_t n_rows, const float *x, size_t n_x,
                               float *out, size_t n_out) INFERMEM_AS(quant_gemv);

/* The same for the rows of the given indices, out[i] = sum over j of W[rows[i]][j] * x[j]: the active neurons of a
 * sparse layer. Indices may repeat, in any order; nothing is written unless all are good.
 *   rows: n_rows indices.  x: n_x floats.  n_x: cols.  out: n_out floats; may not overlap x.  n_out: n_rows.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n_x is not cols, or n_out not
 * n_rows.  INFERMEM_E_RANGE: an index is not below the number of rows; the error's `got` is the index.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_gemv_rows(const infermem_quant *q, const size_t *rows, size_t n_rows, const float *x,
                                    size_t n_x, float *out, size_t n_out) INFERMEM_AS(quant_gemv_rows);

/* The product with one row, *out = sum over j of W[row][j] * x[j]: what quant_gemv_rows gives of it.
 *   x: n_x floats.  n_x: cols.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n_x is not cols.  INFERMEM_E_RANGE:
 * row is not below the number of rows.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_dot_row(const infermem_quant *q, size_t row, const float *x, size_t n_x, float *out)
    INFERMEM_AS(quant_dot_row);

/* The product of a range of rows with several vectors, as in a prompt or a batch of sequences, for which the matrix is
 * read once per 64 of them: out[v * stride + i] = sum over j of W[first_row + i][j] * x[v * cols + j].
 *   x: n_x floats, vector after vector.  n_x: n_vectors * cols.  n_vectors: 1 or more.  stride: floats from one vector's
 * products to the next's, at least n_rows: threads that share the rows write to one matrix of products.  out: n_out
 * floats, at least (n_vectors - 1) * stride + n_rows; what lies between the products is left alone. May not overlap x.
 * The error is as that of quant_gemv. How the rows are split changes no bit; how many vectors there are may change the
 * last digits.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n_vectors is 0, n_x is not
 * n_vectors * cols, stride is less than n_rows, or n_out is too small.  INFERMEM_E_RANGE: first_row + n_rows is more
 * than the number of rows; the error's `got` is first_row.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_gemm(const infermem_quant *q, size_t first_row, size_t n_rows, const float *x, size_t n_x,
                               size_t n_vectors, float *out, size_t stride, size_t n_out) INFERMEM_AS(quant_gemm);

/* Bytes that quant_activations writes of n_vectors vectors of n elements each: about 1.25 an element. 0 where there are
 * none, or they do not fit.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t quant_activations_bytes(size_t n, size_t n_vectors) INFERMEM_AS(quant_activations_bytes);

/* Quantizes vectors to 8 bits, once for all the products that they are in. Of each 32 elements, with farthest their
 * largest magnitude and every step rounded to a float:
 *     scale = farthest / 127,  level = value * (127 / farthest), rounded to the nearest integer, ties to even
 * so that no element moves by more than scale / 2, the rounding of the floats apart. Elements whose 32 are all below
 * 2^-100 become 0. The bytes are for quant_gemv_q8 and quant_gemm_q8 of the same library alone, not for files.
 *   x: n_x floats, vector after vector.  n_x: n_vectors * n.  out: n_out bytes at a multiple of 4, of 64 at best; may
 * not overlap x. n_out: exactly quant_activations_bytes(n, n_vectors).
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_SHAPE: n or n_vectors is 0, or n_x or n_out not the right number.
 * INFERMEM_E_OVERFLOW: the bytes do not fit.  INFERMEM_E_ARG: out is not at a multiple of 4.  INFERMEM_E_NOT_FINITE: an
 * element is NaN or infinite; the error's `got` is its index in x.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_activations(const float *x, size_t n_x, size_t n, size_t n_vectors, void *out, size_t n_out)
    INFERMEM_AS(quant_activations);

/* The product of a range of rows with a vector of 8 bits: what quant_gemv gives of the vector's quantized elements. It
 * takes integer instructions, and little more than the time to read the matrix, where groups are multiples of 32, and of
 * Q4_0, Q4_1, Q8_0, Q4_K and Q6_K with AVX2 or AVX-512; whatever else there is goes through plain code, and quant_gemv
 * is faster.
 *   xq: what quant_activations wrote of 1 vector of cols elements.  n_xq: its bytes.  out: n_out floats; may not overlap
 * xq.  n_out: n_rows.
 * Integers are summed exactly, over 32 columns or fewer, and those sums in f32: the result is as near to the exact
 * product with the quantized elements as quant_gemv's is to that with floats; of GGML's blocks, instead of the largest
 * magnitude in the row, 2^bits times its largest scale counts where that is more. How the rows are split changes no bit.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.  INFERMEM_E_STALE.  INFERMEM_E_SHAPE: n_xq is not the bytes of 1 vector
 * of cols elements, or xq of another shape, or n_out is not n_rows.  INFERMEM_E_ARG: xq is not at a multiple of 4.
 * INFERMEM_E_FORMAT: the bytes are not from quant_activations.  INFERMEM_E_RANGE: first_row + n_rows is more than the
 * number of rows; the error's `got` is first_row.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_gemv_q8(const infermem_quant *q, size_t first_row, size_t n_rows, const void *xq, size_t n_xq,
                                  float *out, size_t n_out) INFERMEM_AS(quant_gemv_q8);

/* The same with several vectors, as quant_gemm: out[v * stride + i] is the product of row first_row + i with vector v.
 *   xq: what quant_activations wrote of n_vectors vectors of cols elements.  n_xq: its bytes.
 * Errors: as quant_gemv_q8, and INFERMEM_E_SHAPE: n_vectors is 0, stride is less than n_rows, or n_out is less than
 * (n_vectors - 1) * stride + n_rows.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_gemm_q8(const infermem_quant *q, size_t first_row, size_t n_rows, const void *xq, size_t n_xq,
                                  size_t n_vectors, float *out, size_t stride, size_t n_out) INFERMEM_AS(quant_gemm_q8);

/* Makes a packed copy of a plain matrix of the library's own form; free each with quant_free. In the packed layout 16
 * rows are interleaved group by group, and their parameters stand beside their values, so that a product reads one
 * stream: quant_gemv, quant_gemm and their kind are fastest there. All other functions take it as well, and give the
 * same values bit for bit; those that read single rows (quant_rows_to_f32, quant_gemv_rows, quant_dot_row) are slower,
 * for a row's values are spread over the bytes of 16. Rows are filled up to a multiple of 16, columns to one of 8.
 *   options: NULL, or all but tape and allocator 0.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE: q, or the tape.  INFERMEM_E_STRUCT.  INFERMEM_E_ARG: a field of options
 * that must be 0 is not, or the allocator lacks a function.  INFERMEM_E_STALE.  INFERMEM_E_UNSUPPORTED: q is borrowed, of
 * another form.  INFERMEM_E_STATE: q is packed.  INFERMEM_E_OVERFLOW: the bytes do not fit.  INFERMEM_E_NOMEM.
 * INFERMEM_E_FULL, INFERMEM_E_SEALED: as tape_alloc.
 * Thread: any; many at once on q.  Memory: one handle from the allocator; one mapping, or one allocation from the tape.
 * Since: 0.1 */
INFERMEM_FN int32_t quant_pack(const infermem_quant *q, const infermem_quant_options *options, infermem_quant **out)
    INFERMEM_AS(quant_pack);

/* Makes a plain copy of a packed matrix: the one that was packed, bit for bit.
 * Errors: as quant_pack, but INFERMEM_E_STATE: q is plain.
 * Thread: any; many at once on q.  Memory: one handle from the allocator; one mapping, or one allocation from the tape.
 * Since: 0.1 */
INFERMEM_FN int32_t quant_unpack(const infermem_quant *q, const infermem_quant_options *options, infermem_quant **out)
    INFERMEM_AS(quant_unpack);

/* The rows and columns.
 * Errors: INFERMEM_E_NULL.  INFERMEM_E_HANDLE.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_shape(const infermem_quant *q, size_t *out_rows, size_t *out_cols) INFERMEM_AS(quant_shape);

/* Bytes of the values and of the parameters that are stored, without what aligns them in memory. Constant time, as are
 * all the queries below; of NULL or a handle of another kind each is 0.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t quant_bytes(const infermem_quant *q) INFERMEM_AS(quant_bytes);

/* Bits of a stored value, its share of the parameters apart: 4 or 8; of a borrowed type 2 to 8, or 16 or 32.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_bits(const infermem_quant *q) INFERMEM_AS(quant_bits);

/* Values that share parameters: the group; of a borrowed type the elements of a block, which is 1 of a plain one.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN size_t quant_group(const infermem_quant *q) INFERMEM_AS(quant_group);

/* The type of the scales and minima, as of the options; of a borrowed matrix, which has its own, F32's number.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_params(const infermem_quant *q) INFERMEM_AS(quant_params);

/* 1 where minima are implied rather than stored, else 0.
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_is_symmetric(const infermem_quant *q) INFERMEM_AS(quant_is_symmetric);

/* INFERMEM_QUANT_PLAIN or INFERMEM_QUANT_PACKED; a borrowed matrix is plain. (So is what is no matrix.)
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_layout(const infermem_quant *q) INFERMEM_AS(quant_layout);

/* INFERMEM_QUANT_NATIVE, or the INFERMEM_DTYPE_* of a borrowed matrix. (0, the answer for no matrix, is F32's number.)
 * Thread: many at once.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t quant_dtype(const infermem_quant *q) INFERMEM_AS(quant_dtype);

INFERMEM_END_DECLS
#endif

#endif
