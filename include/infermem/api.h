/* api.h: every function as a table, for programs that load the library with dlopen.
 * Written by src/abi/generate.py from src/abi/symbols.txt.
 *
 *     #define INFERMEM_NO_PROTOTYPES
 *     #include <infermem.h>
 *
 *     void *library = dlopen("libinfermem.so.0", RTLD_NOW | RTLD_LOCAL);
 *     infermem_api_function get = (infermem_api_function)dlsym(library, "infermem_api");
 *     const infermem_api_table *api = get(INFERMEM_VERSION_MAJOR);
 *     if (api && api->struct_size >= sizeof *api) api->tape_new(&options, &tape);
 *
 * Entries are only ever added at the end. A library older than this header has a smaller struct_size: an entry is there
 * when it lies below that.
 */
#ifndef INFERMEM_API_H
#define INFERMEM_API_H

#include "abi.h"
#include "alloc.h"
#include "device.h"
#include "dispatch.h"
#include "dlpack.h"
#include "dtype.h"
#include "error.h"
#include "io.h"
#include "kv.h"
#include "layout.h"
#include "model.h"
#include "neuron.h"
#include "pad.h"
#include "plan.h"
#include "quant.h"
#include "scratch.h"
#include "simd.h"
#include "tensor.h"

INFERMEM_BEGIN_DECLS

/* clang-format off */
typedef struct infermem_api_table {
  size_t struct_size;
  uint32_t (*infermem_version)(void);
  const char *(*infermem_version_string)(void);
  const infermem_error *(*infermem_error_detail)(void);
  void (*infermem_error_clear)(void);
  const char *(*infermem_error_name)(int32_t code);
  const char *(*infermem_error_text)(int32_t code);
  int32_t (*infermem_log_set)(infermem_log_function function, void *context, int32_t min_level);
  const char *(*infermem_dtype_name)(int32_t dtype);
  int32_t (*infermem_dtype_block)(int32_t dtype, size_t *out_elements, size_t *out_bytes);
  int32_t (*infermem_dtype_bytes)(int32_t dtype, uint64_t n, uint64_t *out_bytes);
  int32_t (*tape_new)(const infermem_tape_options *options, infermem_tape **out);
  void (*tape_free)(infermem_tape *tape);
  int32_t (*tape_alloc)(const infermem_tape *tape, size_t size, size_t align, void **out);
  int32_t (*tape_alloc_array)(const infermem_tape *tape, size_t count, size_t size, size_t align, void **out);
  int32_t (*tape_mark)(const infermem_tape *tape, infermem_tape_mark *out);
  int32_t (*tape_rewind)(infermem_tape *tape, const infermem_tape_mark *mark);
  int32_t (*tape_clear)(infermem_tape *tape);
  int32_t (*tape_trim)(infermem_tape *tape);
  int32_t (*tape_warm)(const infermem_tape *tape);
  int32_t (*tape_seal)(infermem_tape *tape);
  int32_t (*tape_unseal)(infermem_tape *tape);
  size_t (*tape_used)(const infermem_tape *tape);
  size_t (*tape_free_bytes)(const infermem_tape *tape);
  size_t (*tape_total)(const infermem_tape *tape);
  size_t (*tape_peak)(const infermem_tape *tape);
  uint64_t (*tape_failures)(const infermem_tape *tape);
  uint64_t (*tape_generation)(const infermem_tape *tape);
  int32_t (*tape_owns)(const infermem_tape *tape, const void *pointer);
  int32_t (*tape_info)(const infermem_tape *tape, infermem_tape_facts *out);
  int32_t (*layout_new)(const infermem_layout_options *options, infermem_layout **out);
  void (*layout_free)(infermem_layout *layout);
  infermem_tape *(*layout_weights)(const infermem_layout *layout);
  infermem_tape *(*layout_scratch)(const infermem_layout *layout);
  infermem_tape *(*layout_history)(const infermem_layout *layout);
  int32_t (*layout_clear_pass)(infermem_layout *layout);
  int32_t (*layout_clear_talk)(infermem_layout *layout);
  size_t (*layout_total)(const infermem_layout *layout);
  int32_t (*layout_stat)(const infermem_layout *layout, infermem_layout_usage *out);
  int32_t (*layout_stat_text)(const infermem_layout *layout, char *buffer, size_t capacity, size_t *out_length);
  int32_t (*neuron_new)(const infermem_neuron_options *options, infermem_neuron **out);
  void (*neuron_free)(infermem_neuron *neuron);
  int32_t (*neuron_record)(infermem_neuron *neuron, size_t layer, const uint32_t *indices, size_t n_indices);
  int32_t (*neuron_reclassify)(infermem_neuron *neuron, size_t layer);
  int32_t (*neuron_hot)(const infermem_neuron *neuron, size_t layer, const uint32_t **out, size_t *out_n);
  int32_t (*neuron_cold)(const infermem_neuron *neuron, size_t layer, const uint32_t **out, size_t *out_n);
  int32_t (*neuron_is_hot)(const infermem_neuron *neuron, size_t layer, uint32_t index);
  double (*neuron_frequency)(const infermem_neuron *neuron, size_t layer, uint32_t index);
  int32_t (*neuron_stat)(const infermem_neuron *neuron, size_t layer, infermem_neuron_counts *out);
  int32_t (*neuron_clear)(infermem_neuron *neuron);
  int32_t (*quant_from_f32)(const float *data, size_t n, size_t rows, size_t cols, const infermem_quant_options *options, infermem_quant **out);
  int32_t (*quant_borrow)(int32_t dtype, const void *bytes, size_t n_bytes, size_t rows, size_t cols, const infermem_quant_options *options, infermem_quant **out);
  void (*quant_free)(infermem_quant *q);
  int32_t (*quant_to_f32)(const infermem_quant *q, float *out, size_t n);
  int32_t (*quant_rows_to_f32)(const infermem_quant *q, const size_t *rows, size_t n_rows, float *out, size_t n_out);
  int32_t (*quant_error)(const infermem_quant *q, const float *data, size_t n, infermem_quant_errors *out);
  int32_t (*quant_shape)(const infermem_quant *q, size_t *out_rows, size_t *out_cols);
  size_t (*quant_bytes)(const infermem_quant *q);
  int32_t (*quant_bits)(const infermem_quant *q);
  size_t (*quant_group)(const infermem_quant *q);
  int32_t (*quant_dtype)(const infermem_quant *q);
  int32_t (*kv_new)(const infermem_kv_options *options, infermem_kv **out);
  void (*kv_free)(infermem_kv *kv);
  int32_t (*kv_append)(infermem_kv *kv, size_t layer, const float *k, size_t k_len, const float *v, size_t v_len, size_t n_tokens);
  int32_t (*kv_advance)(infermem_kv *kv, size_t n);
  int32_t (*kv_abort)(infermem_kv *kv);
  int32_t (*kv_truncate)(infermem_kv *kv, size_t n);
  int32_t (*kv_clear)(infermem_kv *kv);
  int32_t (*kv_keys)(const infermem_kv *kv, size_t layer, infermem_view *out);
  int32_t (*kv_values)(const infermem_kv *kv, size_t layer, infermem_view *out);
  int32_t (*kv_keys_pending)(const infermem_kv *kv, size_t layer, infermem_view *out);
  int32_t (*kv_values_pending)(const infermem_kv *kv, size_t layer, infermem_view *out);
  int32_t (*kv_read)(const infermem_kv *kv, size_t layer, int32_t which, size_t first, size_t n, float *out, size_t n_out);
  size_t (*kv_len)(const infermem_kv *kv);
  size_t (*kv_max)(const infermem_kv *kv);
  uint64_t (*kv_generation)(const infermem_kv *kv);
  size_t (*kv_layer_stride)(const infermem_kv *kv, int32_t which);
  size_t (*kv_memory_bytes)(const infermem_kv *kv);
  size_t (*kv_memory_reserved)(const infermem_kv *kv);
  size_t (*kv_memory_committed)(const infermem_kv *kv);
  int32_t (*model_open)(const char *path, const infermem_model_options *options, infermem_model **out);
  void (*model_free)(infermem_model *model);
  size_t (*model_warning_count)(const infermem_model *model);
  const char *(*model_warning)(const infermem_model *model, size_t index);
  int32_t (*model_config)(const infermem_model *model, infermem_model_config *out);
  int32_t (*infermem_config_validate)(const infermem_model_config *config);
  size_t (*model_tensor_count)(const infermem_model *model);
  int32_t (*model_tensor_info)(const infermem_model *model, size_t index, infermem_tensor_info *out);
  int32_t (*model_tensor_find)(const infermem_model *model, const char *name, size_t *out_index);
  int32_t (*model_tensor_view)(const infermem_model *model, size_t index, infermem_view *out);
  size_t (*model_meta_count)(const infermem_model *model);
  int32_t (*model_meta_info)(const infermem_model *model, size_t index, infermem_meta_info *out);
  int32_t (*model_meta_find)(const infermem_model *model, const char *key, size_t *out_index);
  int32_t (*model_meta_u64)(const infermem_model *model, const char *key, uint64_t *out);
  int32_t (*model_meta_i64)(const infermem_model *model, const char *key, int64_t *out);
  int32_t (*model_meta_f64)(const infermem_model *model, const char *key, double *out);
  int32_t (*model_meta_bool)(const infermem_model *model, const char *key, int32_t *out);
  int32_t (*model_meta_string)(const infermem_model *model, const char *key, const char **out, size_t *out_length);
  int32_t (*model_meta_array_u64)(const infermem_model *model, const char *key, uint64_t first, size_t n, uint64_t *out);
  int32_t (*device_probe)(const infermem_device_options *options, infermem_device_list **out);
  void (*device_free)(infermem_device_list *list);
  size_t (*device_count)(const infermem_device_list *list);
  int32_t (*device_info)(const infermem_device_list *list, size_t index, infermem_device_facts *out);
  int32_t (*device_host)(const infermem_device_list *list, infermem_host_facts *out);
  int32_t (*device_why_not)(const infermem_device_list *list, int32_t *out_code);
  const char *(*device_why_not_text)(const infermem_device_list *list);
  int32_t (*plan_estimate_layer)(const infermem_model_config *config, uint64_t *out_bytes);
  int32_t (*plan_estimate_kv)(const infermem_model_config *config, uint64_t n_tokens, uint64_t *out_bytes);
  int32_t (*plan_estimate_full)(const infermem_model_config *config, uint64_t n_tokens, uint64_t *out_bytes);
  int32_t (*plan_estimate_streaming)(const infermem_model_config *config, uint64_t n_tokens, uint64_t *out_bytes);
  int32_t (*plan_estimate_prefill_cache)(const infermem_model_config *config, int32_t fp8, uint64_t *out_bytes);
  int32_t (*plan_estimate_mode)(const infermem_model_config *config, uint64_t n_tokens, uint64_t free_bytes, int32_t *out_mode);
  int32_t (*plan_should_stream)(const infermem_model_config *config, uint64_t n_tokens, uint64_t free_bytes, int32_t *out);
  const char *(*plan_mode_text)(int32_t mode);
  int32_t (*plan_estimate_text)(const infermem_model_config *config, uint64_t n_tokens, uint64_t free_bytes, uint64_t total_bytes, char *buffer, size_t capacity, size_t *out_length);
  const char *(*infermem_simd_name)(void);
  const char *(*infermem_simd_available)(size_t index);
  int32_t (*infermem_simd_select)(const char *name);
  int32_t (*quant_quantize)(int32_t dtype, const float *data, size_t n, size_t rows, size_t cols, void *out, size_t n_out);
  int32_t (*quant_from_f16)(const uint16_t *data, size_t n, size_t rows, size_t cols, const infermem_quant_options *options, infermem_quant **out);
  int32_t (*quant_from_bf16)(const uint16_t *data, size_t n, size_t rows, size_t cols, const infermem_quant_options *options, infermem_quant **out);
  int32_t (*quant_to_f16)(const infermem_quant *q, uint16_t *out, size_t n);
  int32_t (*quant_to_bf16)(const infermem_quant *q, uint16_t *out, size_t n);
  int32_t (*quant_range_to_f32)(const infermem_quant *q, size_t first_row, size_t n_rows, float *out, size_t n_out);
  int32_t (*quant_gemv)(const infermem_quant *q, size_t first_row, size_t n_rows, const float *x, size_t n_x, float *out, size_t n_out);
  int32_t (*quant_gemv_rows)(const infermem_quant *q, const size_t *rows, size_t n_rows, const float *x, size_t n_x, float *out, size_t n_out);
  int32_t (*quant_gemv_q8)(const infermem_quant *q, size_t first_row, size_t n_rows, const void *xq, size_t n_xq, float *out, size_t n_out);
  int32_t (*quant_gemm)(const infermem_quant *q, size_t first_row, size_t n_rows, const float *x, size_t n_x, size_t n_vectors, float *out, size_t stride, size_t n_out);
  int32_t (*quant_gemm_q8)(const infermem_quant *q, size_t first_row, size_t n_rows, const void *xq, size_t n_xq, size_t n_vectors, float *out, size_t stride, size_t n_out);
  int32_t (*quant_dot_row)(const infermem_quant *q, size_t row, const float *x, size_t n_x, float *out);
  size_t (*quant_activations_bytes)(size_t n, size_t n_vectors);
  int32_t (*quant_activations)(const float *x, size_t n_x, size_t n, size_t n_vectors, void *out, size_t n_out);
  int32_t (*quant_pack)(const infermem_quant *q, const infermem_quant_options *options, infermem_quant **out);
  int32_t (*quant_unpack)(const infermem_quant *q, const infermem_quant_options *options, infermem_quant **out);
  int32_t (*quant_layout)(const infermem_quant *q);
  int32_t (*quant_export)(const infermem_quant *q, uint8_t *out_levels, size_t n_levels, float *out_scales, size_t n_scales, float *out_mins, size_t n_mins);
  int32_t (*quant_from_gptq)(const infermem_quant_tensors *tensors, size_t rows, size_t cols, const infermem_quant_options *options, infermem_quant **out);
  int32_t (*quant_from_awq)(const infermem_quant_tensors *tensors, size_t rows, size_t cols, const infermem_quant_options *options, infermem_quant **out);
  int32_t (*quant_from_hqq)(const infermem_quant_tensors *tensors, size_t rows, size_t cols, const infermem_quant_options *options, infermem_quant **out);
  int32_t (*quant_save)(const infermem_quant *q, const char *path);
  int32_t (*quant_load)(const char *path, const infermem_quant_options *options, infermem_quant **out);
  int32_t (*quant_load_bytes)(const void *bytes, size_t n_bytes, const infermem_quant_options *options, infermem_quant **out);
  int32_t (*quant_verify)(const infermem_quant *q);
  int32_t (*pad_new)(const infermem_pad_options *options, infermem_pad **out);
  void (*pad_free)(infermem_pad *pad);
  int32_t (*pad_append)(infermem_pad *pad, const void *row, size_t dim);
  int32_t (*pad_append_rows)(infermem_pad *pad, const void *rows, size_t n, size_t dim);
  int32_t (*pad_append_f32)(infermem_pad *pad, const float *rows, size_t n, size_t dim);
  int32_t (*pad_view)(const infermem_pad *pad, infermem_view *out);
  int32_t (*pad_truncate)(infermem_pad *pad, size_t n);
  int32_t (*pad_clear)(infermem_pad *pad);
  size_t (*pad_len)(const infermem_pad *pad);
  size_t (*pad_capacity)(const infermem_pad *pad);
  size_t (*pad_dim)(const infermem_pad *pad);
  int32_t (*pad_is_empty)(const infermem_pad *pad);
  uint64_t (*pad_generation)(const infermem_pad *pad);
  int32_t (*pad_text)(const infermem_pad *pad, char *buffer, size_t capacity, size_t *out_length);
  int32_t (*infermem_view_dlpack)(const infermem_view *view, const infermem_allocator *allocator, infermem_dlpack **out);
  int32_t (*infermem_view_dlpack_unversioned)(const infermem_view *view, const infermem_allocator *allocator, infermem_dlpack_unversioned **out);
  int32_t (*quant_params)(const infermem_quant *q);
  int32_t (*quant_is_symmetric)(const infermem_quant *q);
  int32_t (*kv_append_f16)(infermem_kv *kv, size_t layer, const uint16_t *k, size_t k_len, const uint16_t *v, size_t v_len, size_t n_tokens);
  int32_t (*kv_append_bf16)(infermem_kv *kv, size_t layer, const uint16_t *k, size_t k_len, const uint16_t *v, size_t v_len, size_t n_tokens);
  int32_t (*kv_clear_zero)(infermem_kv *kv);
  int32_t (*kv_keep)(infermem_kv *kv, size_t sinks, size_t recent, size_t *out_dropped);
  int32_t (*kv_copy_prefix)(infermem_kv *dst, const infermem_kv *src, size_t n);
  int32_t (*kv_grow)(infermem_kv *kv, size_t max_tokens);
  int32_t (*kv_prefetch)(const infermem_kv *kv, size_t layer);
  int32_t (*kv_keys_mut)(infermem_kv *kv, size_t layer, infermem_view *out);
  int32_t (*kv_values_mut)(infermem_kv *kv, size_t layer, infermem_view *out);
  int32_t (*kv_attend)(const infermem_kv *kv, size_t layer, const infermem_kv_attend_options *options, size_t first_head, size_t n_heads, const float *q, size_t n_q, float *out, size_t n_out);
  int32_t (*kv_attend_partial)(const infermem_kv *kv, size_t layer, const infermem_kv_attend_options *options, size_t first_head, size_t n_heads, size_t first_token, size_t n_tokens, const float *q, size_t n_q, float *part, size_t n_part);
  int32_t (*kv_attend_merge)(const float *parts, size_t n_floats, size_t n_parts, size_t n_rows, size_t head_dim_v, float *out, size_t n_out);
  int32_t (*kv_save)(const infermem_kv *kv, const char *path, const void *fingerprint, size_t n_fingerprint);
  int32_t (*kv_save_to)(const infermem_kv *kv, infermem_write_function write, void *context, const void *fingerprint, size_t n_fingerprint);
  int32_t (*kv_load)(infermem_kv *kv, const char *path, const void *fingerprint, size_t n_fingerprint);
  int32_t (*kv_load_from)(infermem_kv *kv, infermem_read_function read, void *context, const void *fingerprint, size_t n_fingerprint);
  uint64_t (*kv_saved_bytes)(const infermem_kv *kv);
  int32_t (*model_open_bytes)(const void *bytes, size_t n_bytes, uint64_t file_size, const infermem_model_options *options, infermem_model **out);
  int32_t (*model_open_callback)(infermem_read_at_function read, void *context, uint64_t file_size, const infermem_model_options *options, infermem_model **out);
  int32_t (*model_format)(const infermem_model *model);
  size_t (*model_part_count)(const infermem_model *model);
  const char *(*model_part_path)(const infermem_model *model, size_t index);
  int32_t (*model_meta_array_i64)(const infermem_model *model, const char *key, uint64_t first, size_t n, int64_t *out);
  int32_t (*model_meta_array_f64)(const infermem_model *model, const char *key, uint64_t first, size_t n, double *out);
  int32_t (*model_meta_array_strings)(const infermem_model *model, const char *key, uint64_t first, size_t n, char *buffer, size_t capacity, size_t *out_offsets, size_t *out_length);
  int32_t (*model_layer)(const infermem_model *model, uint64_t index, infermem_model_layer *out);
  int32_t (*model_weights)(const infermem_model *model, infermem_model_weights *out);
  int32_t (*infermem_config_layer)(const infermem_model_config *config, uint64_t index, infermem_model_layer *out);
  int32_t (*infermem_config_weights)(const infermem_model_config *config, infermem_model_weights *out);
  int32_t (*plan_device_from)(const infermem_device_facts *facts, infermem_plan_device *out);
  int32_t (*plan_new)(const infermem_model *model, const infermem_model_config *config, const infermem_plan_device *devices, size_t n_devices, const infermem_plan_options *options, infermem_plan **out);
  void (*plan_free)(infermem_plan *plan);
  int32_t (*plan_mode)(const infermem_plan *plan);
  int32_t (*plan_query)(const infermem_plan *plan, uint32_t key, uint32_t place, uint64_t *out);
  size_t (*plan_term_count)(const infermem_plan *plan);
  int32_t (*plan_term)(const infermem_plan *plan, size_t index, infermem_plan_term_facts *out);
  int32_t (*plan_layer)(const infermem_plan *plan, uint64_t index, infermem_plan_layer_facts *out);
  size_t (*plan_advice_count)(const infermem_plan *plan);
  int32_t (*plan_advice)(const infermem_plan *plan, size_t index, infermem_plan_advice_facts *out);
  int32_t (*plan_text)(const infermem_plan *plan, uint32_t flags, char *buffer, size_t capacity, size_t *out_length);
  int32_t (*plan_json)(const infermem_plan *plan, char *buffer, size_t capacity, size_t *out_length);
  int32_t (*plan_build_layout)(const infermem_plan *plan, infermem_layout **out);
  int32_t (*plan_build_kv)(const infermem_plan *plan, const infermem_tape *tape, infermem_kv **out);
  int32_t (*plan_audit)(const infermem_plan *plan, infermem_plan_measure *measures, size_t n);
  int32_t (*plan_audit_text)(const infermem_plan *plan, const infermem_plan_measure *measures, size_t n, char *buffer, size_t capacity, size_t *out_length);
  int32_t (*kv_verify)(const char *path, infermem_kv_saved *out);
  size_t (*kv_layers)(const infermem_kv *kv);
  size_t (*kv_heads)(const infermem_kv *kv);
  size_t (*kv_head_dim)(const infermem_kv *kv, int32_t which);
  int32_t (*dispatch_new)(const infermem_dispatch_options *options, infermem_dispatch **out);
  void (*dispatch_free)(infermem_dispatch *dispatch);
  int32_t (*dispatch_record)(const infermem_dispatch *dispatch, uint32_t backend, int64_t latency_ns);
  int32_t (*dispatch_count_only)(const infermem_dispatch *dispatch, uint32_t backend);
  uint64_t (*dispatch_timer_start)(void);
  int32_t (*dispatch_timer_stop)(const infermem_dispatch *dispatch, uint32_t backend, uint64_t started_ns);
  int32_t (*dispatch_reset)(const infermem_dispatch *dispatch);
  int32_t (*dispatch_snapshot)(const infermem_dispatch *dispatch, uint32_t backend, infermem_dispatch_stats *out);
  int32_t (*dispatch_histogram)(const infermem_dispatch *dispatch, uint32_t backend, const uint64_t *bounds_ns, size_t n, uint64_t *out_counts);
  double (*dispatch_ratio)(const infermem_dispatch *dispatch, uint32_t backend);
  double (*dispatch_speedup)(const infermem_dispatch *dispatch, uint32_t slow, uint32_t fast);
  uint64_t (*dispatch_elapsed_ns)(const infermem_dispatch *dispatch);
  double (*dispatch_throughput)(const infermem_dispatch *dispatch);
  int32_t (*dispatch_prometheus)(const infermem_dispatch *dispatch, char *buffer, size_t capacity, size_t *out_length);
  int32_t (*dispatch_json)(const infermem_dispatch *dispatch, char *buffer, size_t capacity, size_t *out_length);
  int32_t (*scratch_new)(const infermem_model_config *config, const infermem_scratch_options *options, infermem_scratch **out);
  void (*scratch_free)(infermem_scratch *scratch);
  int32_t (*scratch_f32)(const infermem_scratch *scratch, int32_t which, float **out, size_t *out_n);
  int32_t (*scratch_i8)(const infermem_scratch *scratch, int32_t which, int8_t **out, size_t *out_n);
  int32_t (*scratch_view)(const infermem_scratch *scratch, int32_t which, infermem_view *out);
  int32_t (*scratch_reset)(infermem_scratch *scratch);
  int32_t (*scratch_reset_all)(infermem_scratch *scratch);
  size_t (*scratch_total_bytes)(const infermem_scratch *scratch);
  size_t (*scratch_separate_bytes)(const infermem_scratch *scratch);
  int32_t (*scratch_quantize_q8k)(infermem_scratch *scratch, int32_t which, size_t row, const float *values, size_t n);
  int32_t (*scratch_quantize_q8)(infermem_scratch *scratch, size_t row, const float *values, size_t n);
  int32_t (*scratch_plan_new)(const infermem_scratch_lifetime *lifetimes, size_t n, const infermem_scratch_plan_options *options, infermem_scratch_plan **out);
  void (*scratch_plan_free)(infermem_scratch_plan *plan);
  int32_t (*scratch_plan_offsets)(const infermem_scratch_plan *plan, const uint64_t **out, size_t *out_n);
  uint64_t (*scratch_plan_total_bytes)(const infermem_scratch_plan *plan);
  uint64_t (*scratch_plan_separate_bytes)(const infermem_scratch_plan *plan);
  int32_t (*neuron_record_mask)(infermem_neuron *neuron, size_t layer, const uint8_t *mask, size_t n_bytes);
  int32_t (*neuron_record_values)(infermem_neuron *neuron, size_t layer, const float *values, size_t n, float cutoff);
  int32_t (*neuron_coverage)(const infermem_neuron *neuron, size_t layer, const double *fractions, size_t n, double *out);
  int32_t (*neuron_merge)(infermem_neuron *neuron, const infermem_neuron *const *others, size_t n);
  int32_t (*neuron_save)(const infermem_neuron *neuron, const char *path);
  int32_t (*neuron_load)(const char *path, const infermem_neuron_options *options, infermem_neuron **out);
  int32_t (*neuron_store_new)(const infermem_neuron_store_options *options, infermem_neuron_store **out);
  void (*neuron_store_free)(infermem_neuron_store *store);
  int32_t (*neuron_fetch)(const infermem_neuron_store *store, const uint32_t *ids, size_t n, const void **out);
  int32_t (*neuron_store_release)(const infermem_neuron_store *store);
  int32_t (*neuron_fetch_begin)(const infermem_neuron_store *store, const uint32_t *ids, size_t n, const void **out, uint64_t *out_fetch);
  int32_t (*neuron_fetch_is_ready)(const infermem_neuron_store *store, uint64_t fetch);
  int32_t (*neuron_fetch_wait)(const infermem_neuron_store *store, uint64_t fetch);
  int32_t (*neuron_fetch_end)(const infermem_neuron_store *store, uint64_t fetch);
  int32_t (*neuron_store_loaded)(const infermem_neuron_store *store, uint64_t load, int32_t status);
  int32_t (*neuron_store_keep)(const infermem_neuron_store *store, const uint32_t *ids, size_t n);
  int32_t (*neuron_store_rank)(const infermem_neuron_store *store, const infermem_neuron *neuron);
  int32_t (*neuron_store_has)(const infermem_neuron_store *store, uint32_t id);
  int32_t (*neuron_store_stat)(const infermem_neuron_store *store, infermem_neuron_store_facts *out);
  int32_t (*plan_build_scratch)(const infermem_plan *plan, const infermem_tape *tape, infermem_scratch **out);
} infermem_api_table;
/* clang-format on */

typedef const infermem_api_table *(*infermem_api_function)(uint32_t major);

#ifndef INFERMEM_NO_PROTOTYPES

/* The table for programs compiled against headers of this major version (INFERMEM_VERSION_MAJOR), or NULL when the
 * library is of another one. Static, never freed.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN const infermem_api_table *infermem_api(uint32_t major);

#endif

INFERMEM_END_DECLS

#endif
