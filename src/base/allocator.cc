#include "base/allocator.hh"

#include <cstddef>
#include <cstdlib>

#include "base/checked.hh"
#include "base/structs.hh"

namespace infermem {

Status Allocator::from(const infermem_allocator *hook, Allocator *out) {
  *out = Allocator();
  if (!hook) return INFERMEM_OK;
  infermem_allocator copy;
  INFERMEM_TRY(read_struct(hook, &copy, "allocator"));
  if (!copy.allocate || !copy.release)
    return fail(INFERMEM_E_ARG, 0, 0, "allocator->%s is NULL", copy.allocate ? "release" : "allocate");
  out->allocate_ = copy.allocate;
  out->release_ = copy.release;
  out->context_ = copy.context;
  return INFERMEM_OK;
}

void *Allocator::take(size_t size, size_t align) const {
  if (size == 0) return nullptr;
  if (allocate_) return allocate_(context_, size, align);
  if (align <= alignof(std::max_align_t)) return std::malloc(size);
  void *pointer = nullptr;
  return posix_memalign(&pointer, align, size) == 0 ? pointer : nullptr;
}

void Allocator::give(void *pointer, size_t size, size_t align) const {
  if (!pointer) return;
  if (release_)
    release_(context_, pointer, size, align);
  else
    std::free(pointer);
}

Status fail_nomem(size_t size) { return fail(INFERMEM_E_NOMEM, size, 0, "an allocation of %zu bytes failed", size); }

}  // namespace infermem
