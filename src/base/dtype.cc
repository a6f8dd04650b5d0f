// The type table behind infermem/dtype.h.
#include "base/dtype.hh"

#include "base/checked.hh"

namespace infermem {

bool find_dtype(int32_t dtype, Block *out) {
  switch (dtype) {
#define ENTRY(name, number, block_elements, block_bytes) \
  case number:                                           \
    *out = {block_elements, block_bytes};                \
    return true;
    INFERMEM_DTYPE_LIST(ENTRY)
    INFERMEM_DTYPE_OTHER_LIST(ENTRY)
#undef ENTRY
  }
  return false;
}

Status dtype_block(int32_t dtype, Block *out) {
  if (find_dtype(dtype, out)) return INFERMEM_OK;
  return fail(INFERMEM_E_TYPE, 0, static_cast<uint64_t>(dtype), "%d is no known type's number", dtype);
}

Status dtype_bytes(int32_t dtype, uint64_t n, uint64_t *out) {
  Block block = {};
  INFERMEM_TRY(dtype_block(dtype, &block));
  if (n % block.elements != 0)
    return fail(INFERMEM_E_SHAPE, block.elements, n, "%llu elements are not whole blocks of %u", wide(n),
                block.elements);
  if (!checked::mul<uint64_t>(n / block.elements, block.bytes, out))
    return fail(INFERMEM_E_OVERFLOW, 0, n, "the bytes of %llu elements do not fit", wide(n));
  return INFERMEM_OK;
}

}  // namespace infermem

extern "C" {

const char *infermem_dtype_name(int32_t dtype) {
  switch (dtype) {
#define ENTRY(name, number, elements, bytes) \
  case number:                               \
    return #name;
    INFERMEM_DTYPE_LIST(ENTRY)
    INFERMEM_DTYPE_OTHER_LIST(ENTRY)
#undef ENTRY
  }
  return "unknown";
}

int32_t infermem_dtype_block(int32_t dtype, size_t *out_elements, size_t *out_bytes) {
  INFERMEM_NOT_NULL(out_elements);
  INFERMEM_NOT_NULL(out_bytes);
  infermem::Block block = {};
  INFERMEM_STEP(infermem::dtype_block(dtype, &block));
  *out_elements = block.elements;
  *out_bytes = block.bytes;
  return INFERMEM_OK;
}

int32_t infermem_dtype_bytes(int32_t dtype, uint64_t n, uint64_t *out_bytes) {
  INFERMEM_NOT_NULL(out_bytes);
  INFERMEM_LEAVE(infermem::dtype_bytes(dtype, n, out_bytes));
}

}  // extern "C"
