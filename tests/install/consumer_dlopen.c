/* A program that loads the library at run time: by the function table, and by bare names as hand-written bindings do. */
#define INFERMEM_NO_PROTOTYPES
#include <dlfcn.h>
#include <infermem.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  void *library = dlopen("libinfermem.so.0", RTLD_NOW | RTLD_LOCAL);
  if (!library) return 1;
  infermem_api_function get = NULL;
  void *symbol = dlsym(library, "infermem_api");
  memcpy(&get, &symbol, sizeof get);
  if (!get || get(INFERMEM_VERSION_MAJOR + 1)) return 2;
  const infermem_api_table *api = get(INFERMEM_VERSION_MAJOR);
  if (!api || api->struct_size < sizeof *api) return 3;
  if (dlsym(library, "tape_new") != dlsym(library, "infermem_tape_new")) return 4;

  INFERMEM_STRUCT(infermem_tape_options, options);
  options.size = 4096;
  infermem_tape *tape = NULL;
  if (api->tape_new(&options, &tape) != INFERMEM_OK || api->tape_total(tape) < 4096) return 5;
  api->tape_free(tape);
  if (api->tape_new(NULL, &tape) != INFERMEM_E_NULL) return 6;
  if (strcmp(api->infermem_error_detail()->function, "tape_new") != 0) return 7;
  printf("  loaded infermem %s\n", api->infermem_version_string());
  return dlclose(library);
}
