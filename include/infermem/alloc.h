/* alloc.h: where the library's memory comes from.
 *
 * Handles and their bookkeeping come from an allocator that the caller may give with each handle; NULL means malloc.
 * Bulk memory (tapes, caches, weights) comes from the operating system's mappings, or from a tape that the caller
 * gives. Nothing is allocated after a handle's construction unless a function's comment says so.
 */
#ifndef INFERMEM_ALLOC_H
#define INFERMEM_ALLOC_H

#include "abi.h"

INFERMEM_BEGIN_DECLS

/* An arena; see layout.h. It is declared here because every module's options can name one. */
typedef struct infermem_tape infermem_tape;

/* An allocator. The struct is copied into each handle made with it; the context must live until the last of these
 * handles is freed. The functions may be called from any thread that uses such a handle, and must not call the
 * library back.
 *   allocate: size bytes (never 0) at a multiple of align (a power of two), or NULL when there are none.
 *   release: pointer came from allocate with this size and align; never NULL. */
typedef struct infermem_allocator {
  size_t struct_size;
  void *(*allocate)(void *context, size_t size, size_t align);
  void (*release)(void *context, void *pointer, size_t size, size_t align);
  void *context;
} infermem_allocator;

INFERMEM_END_DECLS

#endif
