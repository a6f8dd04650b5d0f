/* A host with functions of our bare names: the library must call its own, and the host's stay the host's. */
#include <stdio.h>
#define INFERMEM_NO_PROTOTYPES
#include <infermem.h>

/* Exported, and first in the search order of the dynamic linker. */
int32_t layout_new(void) { return 42; }
int32_t tape_alloc(void) { return 43; }
size_t tape_used(void) { return 44; }

const infermem_api_table *infermem_api(uint32_t major);

int main(void) {
  const infermem_api_table *api = infermem_api(INFERMEM_VERSION_MAJOR);
  INFERMEM_STRUCT(infermem_layout_options, options);
  options.scratch_size = 4096;
  infermem_layout *layout = NULL;
  if (api->layout_new(&options, &layout) != INFERMEM_OK) return 1;
  void *p = NULL;
  if (api->tape_alloc(api->layout_scratch(layout), 100, 8, &p) != INFERMEM_OK) return 2;
  if (api->tape_used(api->layout_scratch(layout)) != 100) return 3;
  api->layout_free(layout);
  if (layout_new() != 42 || tape_alloc() != 43 || tape_used() != 44) return 4;
  puts("hijack: the host's functions and the library's keep apart");
  return 0;
}
