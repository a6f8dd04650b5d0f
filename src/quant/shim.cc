// The extern "C" functions of infermem/quant.h.
#include "base/structs.hh"
#include "quant/activations.hh"
#include "quant/quantize.hh"

using namespace infermem;

namespace {

Status import(Source source, const infermem_quant_tensors *tensors, size_t rows, size_t cols,
              const infermem_quant_options *options, infermem_quant **out) {
  ForeignMatrix from = {source, {}, rows, cols};
  INFERMEM_TRY(read_struct(tensors, &from.tensors, "tensors"));
  return new_handle(out, options, from);
}

}  // namespace

extern "C" {

int32_t quant_from_f32(const float *data, size_t n, size_t rows, size_t cols, const infermem_quant_options *options,
                       infermem_quant **out) {
  INFERMEM_NOT_NULL(data);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options, FloatMatrix{INFERMEM_DTYPE_F32, data, n, rows, cols}));
}

int32_t quant_from_f16(const uint16_t *data, size_t n, size_t rows, size_t cols, const infermem_quant_options *options,
                       infermem_quant **out) {
  INFERMEM_NOT_NULL(data);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options, FloatMatrix{INFERMEM_DTYPE_F16, data, n, rows, cols}));
}

int32_t quant_from_bf16(const uint16_t *data, size_t n, size_t rows, size_t cols, const infermem_quant_options *options,
                        infermem_quant **out) {
  INFERMEM_NOT_NULL(data);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options, FloatMatrix{INFERMEM_DTYPE_BF16, data, n, rows, cols}));
}

int32_t quant_borrow(int32_t dtype, const void *bytes, size_t n_bytes, size_t rows, size_t cols,
                     const infermem_quant_options *options, infermem_quant **out) {
  INFERMEM_NOT_NULL(bytes);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options, LentMatrix{dtype, bytes, n_bytes, rows, cols}));
}

int32_t quant_from_gptq(const infermem_quant_tensors *tensors, size_t rows, size_t cols,
                        const infermem_quant_options *options, infermem_quant **out) {
  INFERMEM_NOT_NULL(tensors);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(import(Source::kGptq, tensors, rows, cols, options, out));
}

int32_t quant_from_awq(const infermem_quant_tensors *tensors, size_t rows, size_t cols,
                       const infermem_quant_options *options, infermem_quant **out) {
  INFERMEM_NOT_NULL(tensors);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(import(Source::kAwq, tensors, rows, cols, options, out));
}

int32_t quant_from_hqq(const infermem_quant_tensors *tensors, size_t rows, size_t cols,
                       const infermem_quant_options *options, infermem_quant **out) {
  INFERMEM_NOT_NULL(tensors);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(import(Source::kHqq, tensors, rows, cols, options, out));
}

int32_t quant_save(const infermem_quant *q, const char *path) {
  INFERMEM_HANDLE(q);
  INFERMEM_NOT_NULL(path);
  INFERMEM_LEAVE(q->core.save(path));
}

int32_t quant_load(const char *path, const infermem_quant_options *options, infermem_quant **out) {
  INFERMEM_NOT_NULL(path);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options, SavedPath{path}));
}

int32_t quant_load_bytes(const void *bytes, size_t n_bytes, const infermem_quant_options *options,
                         infermem_quant **out) {
  INFERMEM_NOT_NULL(bytes);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options, SavedBytes{bytes, n_bytes}));
}

int32_t quant_verify(const infermem_quant *q) {
  INFERMEM_HANDLE(q);
  INFERMEM_LEAVE(q->core.verify());
}

void quant_free(infermem_quant *q) { free_handle(q); }

int32_t quant_to_f32(const infermem_quant *q, float *out, size_t n) {
  INFERMEM_HANDLE(q);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(q->core.to_f32(out, n));
}

int32_t quant_to_f16(const infermem_quant *q, uint16_t *out, size_t n) {
  INFERMEM_HANDLE(q);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(q->core.to_16(INFERMEM_DTYPE_F16, out, n));
}

int32_t quant_to_bf16(const infermem_quant *q, uint16_t *out, size_t n) {
  INFERMEM_HANDLE(q);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(q->core.to_16(INFERMEM_DTYPE_BF16, out, n));
}

int32_t quant_range_to_f32(const infermem_quant *q, size_t first_row, size_t n_rows, float *out, size_t n_out) {
  INFERMEM_HANDLE(q);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(q->core.range_to_f32(first_row, n_rows, out, n_out));
}

int32_t quant_rows_to_f32(const infermem_quant *q, const size_t *rows, size_t n_rows, float *out, size_t n_out) {
  INFERMEM_HANDLE(q);
  INFERMEM_NOT_NULL(rows);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(q->core.rows_to_f32(rows, n_rows, out, n_out));
}

int32_t quant_gemv(const infermem_quant *q, size_t first_row, size_t n_rows, const float *x, size_t n_x, float *out,
                   size_t n_out) {
  INFERMEM_HANDLE(q);
  INFERMEM_NOT_NULL(x);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(q->core.gemv(first_row, n_rows, x, n_x, out, n_out));
}

int32_t quant_gemv_rows(const infermem_quant *q, const size_t *rows, size_t n_rows, const float *x, size_t n_x,
                        float *out, size_t n_out) {
  INFERMEM_HANDLE(q);
  INFERMEM_NOT_NULL(rows);
  INFERMEM_NOT_NULL(x);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(q->core.gemv_rows(rows, n_rows, x, n_x, out, n_out));
}

int32_t quant_gemv_q8(const infermem_quant *q, size_t first_row, size_t n_rows, const void *xq, size_t n_xq, float *out,
                      size_t n_out) {
  INFERMEM_HANDLE(q);
  INFERMEM_NOT_NULL(xq);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(q->core.gemv_q8(first_row, n_rows, xq, n_xq, out, n_out));
}

int32_t quant_gemm(const infermem_quant *q, size_t first_row, size_t n_rows, const float *x, size_t n_x,
                   size_t n_vectors, float *out, size_t stride, size_t n_out) {
  INFERMEM_HANDLE(q);
  INFERMEM_NOT_NULL(x);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(q->core.gemm({first_row, n_rows}, x, n_x, n_vectors, {out, stride, n_out}));
}

int32_t quant_gemm_q8(const infermem_quant *q, size_t first_row, size_t n_rows, const void *xq, size_t n_xq,
                      size_t n_vectors, float *out, size_t stride, size_t n_out) {
  INFERMEM_HANDLE(q);
  INFERMEM_NOT_NULL(xq);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(q->core.gemm_q8({first_row, n_rows}, xq, n_xq, n_vectors, {out, stride, n_out}));
}

int32_t quant_dot_row(const infermem_quant *q, size_t row, const float *x, size_t n_x, float *out) {
  INFERMEM_HANDLE(q);
  INFERMEM_NOT_NULL(x);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(q->core.gemv_rows(&row, 1, x, n_x, out, 1));
}

size_t quant_activations_bytes(size_t n, size_t n_vectors) { return activations_bytes(n, n_vectors); }

int32_t quant_activations(const float *x, size_t n_x, size_t n, size_t n_vectors, void *out, size_t n_out) {
  INFERMEM_NOT_NULL(x);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(quantize_activations(x, n_x, n, n_vectors, out, n_out));
}

int32_t quant_pack(const infermem_quant *q, const infermem_quant_options *options, infermem_quant **out) {
  INFERMEM_HANDLE(q);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options, Repacked{&q->core, true}));
}

int32_t quant_unpack(const infermem_quant *q, const infermem_quant_options *options, infermem_quant **out) {
  INFERMEM_HANDLE(q);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options, Repacked{&q->core, false}));
}

int32_t quant_error(const infermem_quant *q, const float *data, size_t n, infermem_quant_errors *out) {
  INFERMEM_HANDLE(q);
  INFERMEM_NOT_NULL(data);
  INFERMEM_NOT_NULL(out);
  infermem_quant_errors errors = {};
  INFERMEM_STEP(q->core.error(data, n, &errors));
  INFERMEM_LEAVE(write_struct(errors, out, "out"));
}

int32_t quant_export(const infermem_quant *q, uint8_t *out_levels, size_t n_levels, float *out_scales, size_t n_scales,
                     float *out_mins, size_t n_mins) {
  INFERMEM_HANDLE(q);
  INFERMEM_NOT_NULL(out_levels);
  INFERMEM_NOT_NULL(out_scales);
  INFERMEM_NOT_NULL(out_mins);
  INFERMEM_LEAVE(q->core.export_arrays({out_levels, n_levels, out_scales, n_scales, out_mins, n_mins}));
}

int32_t quant_shape(const infermem_quant *q, size_t *out_rows, size_t *out_cols) {
  INFERMEM_HANDLE(q);
  INFERMEM_NOT_NULL(out_rows);
  INFERMEM_NOT_NULL(out_cols);
  *out_rows = q->core.rows();
  *out_cols = q->core.cols();
  return INFERMEM_OK;
}

int32_t quant_quantize(int32_t dtype, const float *data, size_t n, size_t rows, size_t cols, void *out, size_t n_out) {
  INFERMEM_NOT_NULL(data);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(quantize_to(dtype, FloatMatrix{INFERMEM_DTYPE_F32, data, n, rows, cols}, out, n_out));
}

size_t quant_bytes(const infermem_quant *q) { return is(q) ? q->core.bytes() : 0; }

int32_t quant_bits(const infermem_quant *q) { return is(q) ? static_cast<int32_t>(q->core.bits()) : 0; }

size_t quant_group(const infermem_quant *q) { return is(q) ? q->core.group() : 0; }

int32_t quant_params(const infermem_quant *q) { return is(q) ? q->core.params() : INFERMEM_DTYPE_F32; }

int32_t quant_is_symmetric(const infermem_quant *q) { return is(q) && q->core.is_symmetric() ? 1 : 0; }

int32_t quant_layout(const infermem_quant *q) {
  return is(q) && q->core.is_packed() ? INFERMEM_QUANT_PACKED : INFERMEM_QUANT_PLAIN;
}

int32_t quant_dtype(const infermem_quant *q) { return is(q) ? q->core.dtype() : 0; }

}  // extern "C"
