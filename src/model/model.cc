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

Status Model::start(const infermem_model_options &options, const Allocator &allocator) {
  constexpr uint32_t kFlags = INFERMEM_MODEL_NO_DATA;
  if ((options.flags & ~kFlags) != 0)
    return fail(INFERMEM_E_ARG, kFlags, options.flags, "a model's flags are 0x%x, of which 0x%x are unknown",
                options.flags, options.flags & ~kFlags);
  if (options.reserved != 0)
    return fail(INFERMEM_E_ARG, 0, options.reserved, "a reserved field is %u, not 0", options.reserved);
  contents_.use(allocator);
  shape_.use(allocator);
  parts_.use(allocator);
  return INFERMEM_OK;
}

Status Model::open(const infermem_model_options &options, const Allocator &allocator, const char *path) {
  INFERMEM_TRY(start(options, allocator));
  has_data_ = (options.flags & INFERMEM_MODEL_NO_DATA) == 0;
  INFERMEM_TRY(open_model(path, allocator, has_data_, &parts_, &contents_));
  return read_shape(allocator, &contents_, &shape_);
}

Status Model::open(const infermem_model_options &options, const Allocator &allocator, const GivenBytes &file) {
  INFERMEM_TRY(start(options, allocator));
  if (file.size != 0 && file.size < file.n)
    return fail(INFERMEM_E_ARG, file.n, file.size, "file_size is %llu, with %zu bytes given", wide(file.size), file.n);
  Part *part = nullptr;
  INFERMEM_TRY(parts_.add(&part));
  part->source.use_bytes(file.bytes, file.n, file.size != 0 ? file.size : file.n);
  return open_part(allocator, part);
}

Status Model::open(const infermem_model_options &options, const Allocator &allocator, const GivenFunction &file) {
  INFERMEM_TRY(start(options, allocator));
  Part *part = nullptr;
  INFERMEM_TRY(parts_.add(&part));
  part->source.use_function(file.read, file.context, file.size);
  return open_part(allocator, part);
}

Status Model::open_part(const Allocator &allocator, Part *part) {
  if (part->source.size() == 0) return fail(INFERMEM_E_TRUNCATED, 0, 0, "the file is empty");
  INFERMEM_TRY(read_part(allocator, part, &contents_));
  return read_shape(allocator, &contents_, &shape_);
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
  info.part = tensor.part;
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
  if (tensor.bytes != 0) view.data = const_cast<char *>(parts_[tensor.part].source.file().at(tensor.offset));
  view.dtype = tensor.dtype;
  view.flags = INFERMEM_VIEW_READONLY;
  view.n_dims = tensor.n_dims;
  view.bytes = tensor.bytes;
  reverse(tensor, view.shape);
  Block block;
  // Bytes that hold elements of two rows have no stride, nor has what is not there.
  if (find_dtype(tensor.dtype, &block) && tensor.bytes != 0 && tensor.ne[0] % block.elements == 0) {
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
