// Views as DLPack tensors: the functions of infermem/dlpack.h.
#include "infermem/dlpack.h"

#include "base/allocator.hh"
#include "base/dtype.hh"

namespace infermem {
namespace {

// What a deleter releases: the struct handed out, and what it points to.
template <typename Managed>
struct Record {
  Managed managed;
  int64_t shape[INFERMEM_MAX_DIMS];
  int64_t strides[INFERMEM_MAX_DIMS];
  Allocator allocator;

  static void release(Managed *managed) {
    auto *const self = static_cast<Record *>(managed->manager);
    self->allocator.destroy(self);
  }
};

// The code of a type that DLPack has, or -1.
int type_code(int32_t dtype) {
  switch (dtype) {
    case INFERMEM_DTYPE_F64:
    case INFERMEM_DTYPE_F32:
    case INFERMEM_DTYPE_F16:
      return INFERMEM_DLPACK_FLOAT;
    case INFERMEM_DTYPE_BF16:
      return INFERMEM_DLPACK_BFLOAT;
    case INFERMEM_DTYPE_I8:
    case INFERMEM_DTYPE_I16:
    case INFERMEM_DTYPE_I32:
    case INFERMEM_DTYPE_I64:
      return INFERMEM_DLPACK_INT;
  }
  return -1;
}

// Fills the arrays, and all of *out but its pointers to them.
Status describe(const infermem_view &view, infermem_dlpack_tensor *out, int64_t *shape, int64_t *strides) {
  Block block;
  INFERMEM_TRY(dtype_block(view.dtype, &block));
  const int code = type_code(view.dtype);
  if (code < 0)
    return fail(INFERMEM_E_UNSUPPORTED, 0, static_cast<uint64_t>(view.dtype), "DLPack has no type %s",
                infermem_dtype_name(view.dtype));
  if (view.n_dims == 0 || view.n_dims > INFERMEM_MAX_DIMS)
    return fail(INFERMEM_E_SHAPE, INFERMEM_MAX_DIMS, view.n_dims, "a view of %u dimensions, not 1 to %d", view.n_dims,
                INFERMEM_MAX_DIMS);
  bool is_empty = false;
  for (uint32_t i = 0; i < view.n_dims; ++i) {
    if (view.shape[i] > INT64_MAX)
      return fail(INFERMEM_E_OVERFLOW, INT64_MAX, view.shape[i], "shape[%u] does not fit 63 bits", i);
    const auto bytes = static_cast<int64_t>(block.bytes);
    if (view.strides[i] % bytes != 0)
      return fail(INFERMEM_E_SHAPE, block.bytes, static_cast<uint64_t>(view.strides[i]),
                  "strides[%u] is %lld bytes, not whole elements of %u", i, static_cast<long long>(view.strides[i]),
                  block.bytes);
    shape[i] = static_cast<int64_t>(view.shape[i]);
    strides[i] = view.strides[i] / bytes;
    is_empty |= view.shape[i] == 0;
  }
  if (!view.data && !is_empty) return fail_null("view->data");
  *out = {};
  // Without an offset, even where that leaves data on less than the 256 bytes that DLPack asks for: there are consumers
  // that do not add it.
  out->data = is_empty ? nullptr : view.data;
  out->device_type = INFERMEM_DLPACK_CPU;
  out->n_dims = static_cast<int32_t>(view.n_dims);
  out->type_code = static_cast<uint8_t>(code);
  out->type_bits = static_cast<uint8_t>(block.bytes * 8);
  out->type_lanes = 1;
  return INFERMEM_OK;
}

template <typename Managed>
Status export_view(const infermem_view &view, const infermem_allocator *hook, Managed **out) {
  Record<Managed> record = {};
  INFERMEM_TRY(Allocator::from(hook, &record.allocator));
  INFERMEM_TRY(describe(view, &record.managed.tensor, record.shape, record.strides));
  Record<Managed> *made = nullptr;
  INFERMEM_TRY(record.allocator.make(&made, record));
  made->managed.tensor.shape = made->shape;
  made->managed.tensor.strides = made->strides;
  made->managed.manager = made;
  made->managed.deleter = Record<Managed>::release;
  *out = &made->managed;
  return INFERMEM_OK;
}

}  // namespace
}  // namespace infermem

extern "C" {

int32_t infermem_view_dlpack(const infermem_view *view, const infermem_allocator *allocator, infermem_dlpack **out) {
  INFERMEM_NOT_NULL(view);
  INFERMEM_NOT_NULL(out);
  INFERMEM_STEP(infermem::export_view(*view, allocator, out));
  (*out)->version_major = INFERMEM_DLPACK_MAJOR;
  (*out)->version_minor = INFERMEM_DLPACK_MINOR;
  (*out)->flags = (view->flags & INFERMEM_VIEW_READONLY) != 0 ? INFERMEM_DLPACK_READONLY : 0;
  return INFERMEM_OK;
}

int32_t infermem_view_dlpack_unversioned(const infermem_view *view, const infermem_allocator *allocator,
                                         infermem_dlpack_unversioned **out) {
  INFERMEM_NOT_NULL(view);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(infermem::export_view(*view, allocator, out));
}

}  // extern "C"
