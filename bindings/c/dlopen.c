/* dlopen: the library loaded at run time, and called through its table of functions. A program of any language that can
 * load a library and call a C function pointer can do the same.
 *
 *     cc -I INCLUDE dlopen.c -ldl -o dlopen && ./dlopen [LIBRARY]
 */
#include <dlfcn.h>
#define INFERMEM_NO_PROTOTYPES /* nothing is linked */
#include <infermem.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  void *library = dlopen(argc > 1 ? argv[1] : "libinfermem.so.0", RTLD_NOW | RTLD_LOCAL);
  if (!library) return fprintf(stderr, "%s\n", dlerror()), 1;
  void *const symbol = dlsym(library, "infermem_api");
  infermem_api_function get;
  memcpy(&get, &symbol, sizeof get); /* C has no cast from an object's pointer to a function's */
  const infermem_api_table *api = symbol ? get(INFERMEM_VERSION_MAJOR) : NULL;
  if (!api || api->struct_size < sizeof *api) return fprintf(stderr, "the library is older than the program\n"), 1;

  INFERMEM_STRUCT(infermem_tape_options, options);
  options.size = 1 << 20;
  infermem_tape *tape = NULL;
  void *bytes = NULL;
  if (api->tape_new(&options, &tape) != INFERMEM_OK || api->tape_alloc(tape, 1000, 64, &bytes) != INFERMEM_OK)
    return fprintf(stderr, "%s\n", api->infermem_error_detail()->message), 1;
  memset(bytes, 1, 1000);
  printf("infermem %s: %zu of %zu bytes used\n", api->infermem_version_string(), api->tape_used(tape),
         api->tape_total(tape));
  const int32_t status = api->tape_alloc(tape, 2 << 20, 64, &bytes);
  printf("%s: %s\n", api->infermem_error_name(status), api->infermem_error_detail()->message);
  api->tape_free(tape);
  return 0; /* the library stays loaded: what it gave out may be in use to the end */
}
