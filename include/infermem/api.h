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
#include "dtype.h"
#include "error.h"
#include "layout.h"
#include "tensor.h"

INFERMEM_BEGIN_DECLS

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
} infermem_api_table;

typedef const infermem_api_table *(*infermem_api_function)(uint32_t major);

#ifndef INFERMEM_NO_PROTOTYPES

/* The table for programs compiled against headers of this major version (INFERMEM_VERSION_MAJOR), or NULL when the
 * library is of another one. Static, never freed.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN const infermem_api_table *infermem_api(uint32_t major);

#endif

INFERMEM_END_DECLS

#endif
