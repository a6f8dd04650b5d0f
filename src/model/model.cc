#include "model/model.hh"

#include "base/dtype.hh"
#include "model/config.hh"
#include "model/open.hh"

namespace infermem {
namespace {

Status check_index(size_t index, size_t count, const char *what) {
  if (index < count) return INFERMEM_OK;
  return fail(INFERMEM_E_RANGE, count, index, "index is %zu, and there are %zu %s", index, count, what);
}

// The shape in our order, slowest first.
void reverse(const Tensor &tensor, uint64_t *shape) {
  for (uint32_t i = 0; i < INFERMEM_MAX_DIMS; ++i) shape[i] = i < tensor.n_dims ? tensor.ne[tensor.n_dims - 1 - i] : 1;
}

}  // namespace

Status Model::open(const infermem_model_options &options, const Allocator &allocator, const char *path) {
  constexpr uint32_t kFlags = INFERMEM_MODEL_NO_DATA;
  if ((options.flags & ~kFlags) != 0)
    return fail(INFERMEM_E_ARG, kFlags, options.flags, "a model's flags are 0x%x, of which 0x%x are unknown",
                options.flags, options.flags & ~kFlags);
  if (options.reserved != 0)
    return fail(INFERMEM_E_ARG, 0, options.reserved, "a reserved field is %u, not 0", options.reserved);
  contents_.use(allocator, &source_);
  INFERMEM_TRY(open_model(path, allocator, &source_, &contents_));
  shape_.use(allocator);
  INFERMEM_TRY(read_shape(allocator, &contents_, &shape_));
  has_data_ = (options.flags & INFERMEM_MODEL_NO_DATA) == 0;
  if (has_data_ && tensors().count() != 0) INFERMEM_TRY(source_.file().map_from(contents_.data_start));
  return INFERMEM_OK;
}

Status Model::layer(uint64_t index, infermem_model_layer *out) const {
  INFERMEM_TRY(check_layer(index, shape_.layers.size()));
  return write_struct(shape_.layers[index], out, "out");
}

Status Model::tensor_info(size_t index, infermem_tensor_info *out) const {
  INFERMEM_TRY(check_index(index, tensors().count(), "tensors"));
  const Tensor tensor = tensors().at(index);
  infermem_tensor_info info = {};
  info.name = tensor.name.text;
  info.name_length = tensor.name.length;
  info.dtype = tensor.dtype;
  info.n_dims = tensor.n_dims;
  reverse(tensor, info.shape);
  info.elements = 1;
  for (const uint64_t n : info.shape) info.elements *= n;
  info.offset = tensor.offset;
  info.bytes = tensor.bytes;
  info.is_inferred = tensor.is_inferred;
  return write_struct(info, out, "out");
}

Status Model::tensor_find(const char *name, size_t *out) const {
  if (tensors().find(name, out)) return INFERMEM_OK;
  return fail(INFERMEM_E_NOT_FOUND, 0, 0, "the file has no tensor \"%s\"", Quoted({name, std::strlen(name)}).text);
}

Status Model::tensor_view(size_t index, infermem_view *out) const {
  INFERMEM_TRY(check_index(index, tensors().count(), "tensors"));
  if (!has_data_) return fail(INFERMEM_E_STATE, 0, 0, "the model was opened without data");
  const Tensor tensor = tensors().at(index);
  infermem_view view = {};
  view.data = const_cast<char *>(source_.file().at(tensor.offset));
  view.dtype = tensor.dtype;
  view.flags = INFERMEM_VIEW_READONLY;
  view.n_dims = tensor.n_dims;
  view.bytes = tensor.bytes;
  reverse(tensor, view.shape);
  if (!tensor.is_inferred) {
    Block block;
    INFERMEM_TRY(dtype_block(tensor.dtype, &block));
    // Fastest first: a block, a row of them, and so on. All are at most `bytes`, which lie in the file.
    uint64_t stride = block.bytes;
    for (uint32_t i = 0; i < tensor.n_dims; ++i) {
      view.strides[tensor.n_dims - 1 - i] = static_cast<int64_t>(stride);
      stride *= i == 0 ? tensor.ne[0] / block.elements : tensor.ne[i];
    }
  }
  *out = view;
  return INFERMEM_OK;
}

Status Model::meta_info(size_t index, infermem_meta_info *out) const {
  INFERMEM_TRY(check_index(index, metas().count(), "metadata values"));
  const Meta meta = metas().at(index);
  infermem_meta_info info = {};
  info.key = meta.key.text;
  info.key_length = meta.key.length;
  info.type = meta.type;
  info.element_type = meta.element_type;
  info.count = meta.type == INFERMEM_META_ARRAY ? meta.count : 1;
  return write_struct(info, out, "out");
}

Status Model::meta_find(const char *key, size_t *out) const {
  if (metas().find(key, out)) return INFERMEM_OK;
  return fail(INFERMEM_E_NOT_FOUND, 0, 0, "the file has no key \"%s\"", Quoted({key, std::strlen(key)}).text);
}

}  // namespace infermem
