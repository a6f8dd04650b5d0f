// The allocator of a handle: the caller's hook, or malloc. Copied into each handle, so that releasing needs nothing
// else.
#pragma once

#include <utility>

#include "base/error.hh"
#include "infermem/alloc.h"

namespace infermem {

// Tags our placement new: the header <new> would bring in the operators of libstdc++.
struct Place {
  void *where;
};

class Allocator {
 public:
  // The caller's hook (NULL means malloc), checked and copied to *out.
  static Status from(const infermem_allocator *hook, Allocator *out);

  // The hook again, for another handle: in *space, or NULL where it is malloc.
  const infermem_allocator *hook(infermem_allocator *space) const {
    *space = {sizeof *space, allocate_, release_, context_};
    return allocate_ ? space : nullptr;
  }

  // NULL when there is no memory, or when size is 0. align is a power of two.
  [[nodiscard]] void *take(size_t size, size_t align) const;
  void give(void *pointer, size_t size, size_t align) const;

  // Constructs a T; on failure records INFERMEM_E_NOMEM.
  template <typename T, typename... Arguments>
  Status make(T **out, Arguments &&...arguments) const;

  // Destroys and releases what make made; NULL is allowed.
  template <typename T>
  void destroy(T *object) const;

 private:
  void *(*allocate_)(void *, size_t, size_t) = nullptr;
  void (*release_)(void *, void *, size_t, size_t) = nullptr;
  void *context_ = nullptr;
};

[[gnu::cold]] Status fail_nomem(size_t size);

}  // namespace infermem

inline void *operator new(size_t, infermem::Place place) noexcept { return place.where; }

namespace infermem {

template <typename T, typename... Arguments>
Status Allocator::make(T **out, Arguments &&...arguments) const {
  void *const memory = take(sizeof(T), alignof(T));
  if (!memory) return fail_nomem(sizeof(T));
  *out = new (Place{memory}) T(std::forward<Arguments>(arguments)...);
  return INFERMEM_OK;
}

template <typename T>
void Allocator::destroy(T *object) const {
  if (!object) return;
  const Allocator self = *this;  // `this` may lie inside the object
  object->~T();
  self.give(object, sizeof(T), alignof(T));
}

}  // namespace infermem
