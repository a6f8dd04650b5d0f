// The extern "C" functions of infermem/model.h.
#include "base/structs.hh"
#include "model/model.hh"
#include "model/validate.hh"

using namespace infermem;

extern "C" {

int32_t model_open(const char *path, const infermem_model_options *options, infermem_model **out) {
  INFERMEM_NOT_NULL(path);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options, path));
}

int32_t model_open_bytes(const void *bytes, size_t n_bytes, uint64_t file_size, const infermem_model_options *options,
                         infermem_model **out) {
  INFERMEM_NOT_NULL(bytes);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options, GivenBytes{bytes, n_bytes, file_size}));
}

int32_t model_open_callback(infermem_read_at_function read, void *context, uint64_t file_size,
                            const infermem_model_options *options, infermem_model **out) {
  INFERMEM_NOT_NULL(read);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options, GivenFunction{read, context, file_size}));
}

void model_free(infermem_model *model) { free_handle(model); }

int32_t model_format(const infermem_model *model) {
  return is(model) ? static_cast<int32_t>(model->core.contents().format) : 0;
}

size_t model_part_count(const infermem_model *model) { return is(model) ? model->core.parts().count() : 0; }

const char *model_part_path(const infermem_model *model, size_t index) {
  return is(model) && index < model->core.parts().count() ? model->core.parts()[index].path : nullptr;
}

size_t model_warning_count(const infermem_model *model) { return is(model) ? model->core.warnings().count() : 0; }

const char *model_warning(const infermem_model *model, size_t index) {
  return is(model) ? model->core.warnings().at(index) : nullptr;
}

int32_t model_config(const infermem_model *model, infermem_model_config *out) {
  INFERMEM_HANDLE(model);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(write_struct(model->core.shape().config, out, "out"));
}

int32_t model_layer(const infermem_model *model, uint64_t index, infermem_model_layer *out) {
  INFERMEM_HANDLE(model);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(model->core.layer(index, out));
}

int32_t model_weights(const infermem_model *model, infermem_model_weights *out) {
  INFERMEM_HANDLE(model);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(write_struct(model->core.shape().weights, out, "out"));
}

int32_t infermem_config_validate(const infermem_model_config *config) {
  INFERMEM_NOT_NULL(config);
  infermem_model_config read;
  INFERMEM_STEP(read_struct(config, &read, "config"));
  INFERMEM_LEAVE(validate_config(read));
}

int32_t infermem_config_layer(const infermem_model_config *config, uint64_t index, infermem_model_layer *out) {
  INFERMEM_NOT_NULL(config);
  INFERMEM_NOT_NULL(out);
  infermem_model_config read;
  INFERMEM_STEP(read_struct(config, &read, "config"));
  INFERMEM_STEP(validate_config(read));
  INFERMEM_STEP(check_layer(index, read.n_layers));
  INFERMEM_LEAVE(write_struct(layer_of(read, index), out, "out"));
}

int32_t infermem_config_weights(const infermem_model_config *config, infermem_model_weights *out) {
  INFERMEM_NOT_NULL(config);
  INFERMEM_NOT_NULL(out);
  infermem_model_config read;
  INFERMEM_STEP(read_struct(config, &read, "config"));
  INFERMEM_STEP(validate_config(read));
  INFERMEM_LEAVE(write_struct(weights_of(read), out, "out"));
}

size_t model_tensor_count(const infermem_model *model) { return is(model) ? model->core.tensors().count() : 0; }

int32_t model_tensor_info(const infermem_model *model, size_t index, infermem_tensor_info *out) {
  INFERMEM_HANDLE(model);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(model->core.tensor_info(index, out));
}

int32_t model_tensor_find(const infermem_model *model, const char *name, size_t *out_index) {
  INFERMEM_HANDLE(model);
  INFERMEM_NOT_NULL(name);
  INFERMEM_NOT_NULL(out_index);
  INFERMEM_LEAVE(model->core.tensor_find(name, out_index));
}

int32_t model_tensor_view(const infermem_model *model, size_t index, infermem_view *out) {
  INFERMEM_HANDLE(model);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(model->core.tensor_view(index, out));
}

size_t model_meta_count(const infermem_model *model) { return is(model) ? model->core.metas().count() : 0; }

int32_t model_meta_info(const infermem_model *model, size_t index, infermem_meta_info *out) {
  INFERMEM_HANDLE(model);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(model->core.meta_info(index, out));
}

int32_t model_meta_find(const infermem_model *model, const char *key, size_t *out_index) {
  INFERMEM_HANDLE(model);
  INFERMEM_NOT_NULL(key);
  INFERMEM_NOT_NULL(out_index);
  INFERMEM_LEAVE(model->core.meta_find(key, out_index));
}

int32_t model_meta_u64(const infermem_model *model, const char *key, uint64_t *out) {
  INFERMEM_HANDLE(model);
  INFERMEM_NOT_NULL(key);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(model->core.metas().u64(key, out));
}

int32_t model_meta_i64(const infermem_model *model, const char *key, int64_t *out) {
  INFERMEM_HANDLE(model);
  INFERMEM_NOT_NULL(key);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(model->core.metas().i64(key, out));
}

int32_t model_meta_f64(const infermem_model *model, const char *key, double *out) {
  INFERMEM_HANDLE(model);
  INFERMEM_NOT_NULL(key);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(model->core.metas().f64(key, out));
}

int32_t model_meta_bool(const infermem_model *model, const char *key, int32_t *out) {
  INFERMEM_HANDLE(model);
  INFERMEM_NOT_NULL(key);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(model->core.metas().boolean(key, out));
}

int32_t model_meta_string(const infermem_model *model, const char *key, const char **out, size_t *out_length) {
  INFERMEM_HANDLE(model);
  INFERMEM_NOT_NULL(key);
  INFERMEM_NOT_NULL(out);
  INFERMEM_NOT_NULL(out_length);
  INFERMEM_LEAVE(model->core.metas().string(key, out, out_length));
}

int32_t model_meta_array_u64(const infermem_model *model, const char *key, uint64_t first, size_t n, uint64_t *out) {
  INFERMEM_HANDLE(model);
  INFERMEM_NOT_NULL(key);
  INFERMEM_LEAVE(model->core.metas().array_u64(model->allocator, key, first, n, out));
}

int32_t model_meta_array_i64(const infermem_model *model, const char *key, uint64_t first, size_t n, int64_t *out) {
  INFERMEM_HANDLE(model);
  INFERMEM_NOT_NULL(key);
  INFERMEM_LEAVE(model->core.metas().array_i64(model->allocator, key, first, n, out));
}

int32_t model_meta_array_f64(const infermem_model *model, const char *key, uint64_t first, size_t n, double *out) {
  INFERMEM_HANDLE(model);
  INFERMEM_NOT_NULL(key);
  INFERMEM_LEAVE(model->core.metas().array_f64(model->allocator, key, first, n, out));
}

int32_t model_meta_array_strings(const infermem_model *model, const char *key, uint64_t first, size_t n, char *buffer,
                                 size_t capacity, size_t *out_offsets, size_t *out_length) {
  INFERMEM_HANDLE(model);
  INFERMEM_NOT_NULL(key);
  INFERMEM_NOT_NULL(out_length);
  INFERMEM_LEAVE(
      model->core.metas().array_strings(model->allocator, key, first, n, {buffer, capacity}, out_offsets, out_length));
}

}  // extern "C"
