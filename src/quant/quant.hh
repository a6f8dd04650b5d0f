// A matrix of weights in few bits: the library's own form, which it owns, or one of the field's, borrowed.
//
// The own form is three arrays: the levels row by row, each row at a fixed stride of whole bytes; one scale a group;
// one minimum a group, unless it is symmetric. A row's groups are groups_ consecutive parameters. Parameters of 16 bits
// are widened, and minima that are implied made, some groups at a time, so that the kernels know but one kind. Or it is
// packed: one stream of records (simd/packed.hh).
#pragma once

#include "base/file.hh"
#include "base/handle.hh"
#include "infermem/quant.h"
#include "layout/store.hh"
#include "quant/group.hh"
#include "simd/activations.hh"
#include "simd/packed.hh"

namespace infermem {

// What quant_from_f32, quant_from_f16 and quant_from_bf16 are given.
struct FloatMatrix {
  int32_t dtype;
  const void *data;
  size_t n, rows, cols;

  const void *at(size_t i) const { return static_cast<const char *>(data) + i * (dtype == INFERMEM_DTYPE_F32 ? 4 : 2); }
};

// What quant_borrow is given.
struct LentMatrix {
  int32_t dtype;
  const void *bytes;
  size_t n_bytes, rows, cols;
};

// What quant_from_gptq, quant_from_awq and quant_from_hqq are given.
enum class Source { kGptq, kAwq, kHqq };
struct ForeignMatrix {
  Source source;
  infermem_quant_tensors tensors;
  size_t rows, cols;
};

// What quant_pack and quant_unpack are given.
struct Repacked {
  const class Quant *from;
  bool packed;  // or plain
};

// What quant_export fills.
struct PlainArrays {
  uint8_t *levels;
  size_t n_levels;
  float *scales;
  size_t n_scales;
  float *mins;
  size_t n_mins;
};

struct RowRange {
  size_t first, n;
};

// Room for a float of each row, for several vectors at multiples of stride.
struct Outputs {
  float *at;
  size_t stride, n;
};

// What quant_load and quant_load_bytes are given.
struct SavedPath {
  const char *path;
};
struct SavedBytes {
  const void *bytes;
  size_t n_bytes;
};
struct SavedHeader;  // quant/saved.cc

// A scale and a minimum a group, as the kernels take them, and room for those that are not stored so.
struct GroupParameters {
  const float *scales, *mins;
};
struct ParameterRoom {
  static constexpr size_t kGroups = 512;
  float scales[kGroups], mins[kGroups];
};

class Quant {
 public:
  // One of these is called once.
  Status open(const infermem_quant_options &options, const Allocator &allocator, const FloatMatrix &from);
  Status open(const infermem_quant_options &options, const Allocator &allocator, const LentMatrix &lent);
  Status open(const infermem_quant_options &options, const Allocator &allocator, const ForeignMatrix &from);
  Status open(const infermem_quant_options &options, const Allocator &allocator, const Repacked &repacked);
  Status open(const infermem_quant_options &options, const Allocator &allocator, const SavedPath &saved);
  Status open(const infermem_quant_options &options, const Allocator &allocator, const SavedBytes &saved);

  Status save(const char *path) const;
  // The checksums of a matrix that was loaded.
  Status verify() const;
  Status to_f32(float *out, size_t n) const;
  Status to_16(int32_t dtype, uint16_t *out, size_t n) const;  // F16, BF16
  Status range_to_f32(size_t first_row, size_t n_rows, float *out, size_t n_out) const;
  Status rows_to_f32(const size_t *rows, size_t n_rows, float *out, size_t n_out) const;
  Status gemv(size_t first_row, size_t n_rows, const float *x, size_t n_x, float *out, size_t n_out) const;
  Status gemv_rows(const size_t *rows, size_t n_rows, const float *x, size_t n_x, float *out, size_t n_out) const;
  Status gemm(const RowRange &rows, const float *x, size_t n_floats, size_t n_x, const Outputs &out) const;
  Status gemm_q8(const RowRange &rows, const void *xq, size_t n_bytes, size_t n_x, const Outputs &out) const;
  Status error(const float *data, size_t n, infermem_quant_errors *out) const;  // *out is zero
  Status export_arrays(const PlainArrays &out) const;

  size_t rows() const { return rows_; }
  size_t cols() const { return cols_; }
  size_t bytes() const { return bytes_; }
  uint32_t bits() const { return bits_; }
  size_t group() const { return group_; }
  int32_t dtype() const { return dtype_; }
  bool is_packed() const { return is_packed_; }

 private:
  struct Floats;
  struct Levels;

  // Fills in all but the checksums of what save() writes, and where the sections are in memory.
  Status describe(SavedHeader *out, const void **arrays) const;
  // Takes the shape and the form from a header that was checked, and the arrays from the saved bytes.
  Status adopt(const infermem_quant_options &options, const Allocator &allocator, const SavedHeader &header,
               const char *image);
  Status set_saved_form(const Allocator &allocator, const SavedHeader &header, const char *image);
  // Sets the shape; on success rows * cols fits and is not 0.
  Status set_shape(size_t rows, size_t cols);
  Status set_form(const infermem_quant_options &options);
  GroupForm group_form() const { return {{bits_, symmetric_}, params_, clamp_}; }
  // The layout; needs the form. Then the memory of a plain matrix.
  void set_plain() { row_bytes_ = bits_ == 8 ? cols_ : cols_ / 2 + cols_ % 2; }
  Status set_packed();
  Status take_plain(const infermem_tape *tape);
  // Whether the groups of all rows follow each other without gaps, so that many rows are one run to a kernel.
  bool is_one_run() const { return !is_packed_ && cols_ % group_ == 0; }
  size_t run() const { return is_one_run() ? elements_ : cols_; }
  // From values row by row, into the arrays.
  Status quantize(const FloatMatrix &from);
  // n whole groups and what remains of a run, which begin at the given column of a row.
  Status quantize_run(const FloatMatrix &from, size_t row, size_t first, size_t n);
  Status quantize_group(const FloatMatrix &from, size_t row, size_t first, size_t n);
  Status check_tensors(const infermem_quant_options &options, const ForeignMatrix &from) const;
  Status check_group_index(const infermem_quant_tensors &tensors) const;
  void import_levels(const ForeignMatrix &from);
  Status import_parameters(const ForeignMatrix &from);
  // Decodes elements [first, first + n) of a row, or of the rows from there on where they are one run; first is a
  // multiple of 8, and both are whole blocks of a borrowed type.
  void decode(size_t row, size_t first, size_t n, bool stream, float *out) const;
  void dequantize(size_t row, size_t first, size_t n, bool stream, float *out) const;
  void dequantize_to_16(int32_t dtype, size_t row, size_t n, bool stream,
                        uint16_t *out) const;  // from its first element
  // Calls kernel(levels, parameters, group, count, at) for runs of a plain matrix as the kernels take them, which begin
  // with the at-th of the n elements.
  template <typename Kernel>
  void each_run(size_t row, size_t first, size_t n, const Kernel &kernel) const;
  // The parameters of `groups` groups of a plain matrix, from that index on of all rows' groups. Where they are not as the
  // kernels take them, kGroups at most.
  GroupParameters parameters(size_t first, size_t groups, ParameterRoom *room) const;
  bool are_parameters_plain() const { return params_ == INFERMEM_DTYPE_F32 && !symmetric_; }
  void decode_rows(size_t first_row, size_t n_rows, float *out) const;
  template <typename Dot>
  float dot_groups(size_t row, Dot dot) const;
  float dot_row(size_t row, const float *x) const;
  float dot_row(size_t row, const Activations &x) const;
  template <typename Vectors>
  void multiply(size_t first_row, size_t n_rows, const Vectors &x, size_t n_x, float *out, size_t stride) const;
  // Of the packed layout.
  Packed form() const;
  size_t record_at(size_t row, size_t group) const;
  void pack_group(const Quant &from, size_t row, size_t group);
  void unpack_group(const Quant &from, size_t row, size_t group);
  void get_levels(size_t row, size_t first, size_t n, uint8_t *levels) const;
  void decode_packed(size_t row, size_t first, size_t n, float *out) const;
  Status check_vectors(size_t n_x, size_t n_rows, size_t n_out) const;
  Status check_outputs(size_t n_rows, size_t n_x, size_t stride, size_t n_out) const;
  Status check_elements(size_t n) const;
  Status check_rows(size_t n_rows, size_t n_out) const;
  Status check_range(size_t first_row, size_t n_rows) const;
  Status check_indices(const size_t *rows, size_t n_rows) const;
  // What is wrong with the values: the first that is not finite, or else the group that begins there.
  Status fail_values(const FloatMatrix &from, size_t group_at) const;

  size_t rows_ = 0;
  size_t cols_ = 0;
  size_t elements_ = 0;
  size_t bytes_ = 0;
  int32_t dtype_ = INFERMEM_QUANT_NATIVE;
  uint32_t bits_ = 0;
  size_t group_ = 0;
  size_t groups_ = 0;     // of a row
  size_t row_bytes_ = 0;  // the stride of data_
  const uint8_t *data_ = nullptr;
  uint8_t *levels_ = nullptr;            // data_ of the own form
  int32_t params_ = INFERMEM_DTYPE_F32;  // the type of the two arrays below
  bool symmetric_ = false;
  bool clamp_ = false;  // while quantizing
  char *scales_ = nullptr;
  char *mins_ = nullptr;    // none where symmetric
  bool is_packed_ = false;  // data_ is records; there are no other arrays
  size_t block_bytes_ = 0;  // of a packed matrix
  Store store_;
  File file_;                     // of a loaded matrix
  const char *image_ = nullptr;   // the saved bytes, of which the arrays are parts
  uint64_t header_checksum_ = 0;  // theirs
};

}  // namespace infermem

struct infermem_quant {
  static constexpr infermem::Kind kKind = infermem::Kind::kQuant;
  infermem::Head head{kKind};
  infermem::Quant core;
  infermem::Allocator allocator;
};
