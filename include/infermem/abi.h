/* abi.h: how infermem's functions are declared and named, and the library's version.
 *
 * A function that the headers call kv_append is the linker symbol infermem_kv_append: an assembler label on the
 * declaration does the renaming, so the short names never meet the names of the program that includes them at link
 * time. A program that loads the library with dlopen, or that has functions of these names itself, defines
 * INFERMEM_NO_PROTOTYPES before including any header and calls through the table of api.h instead.
 */
#ifndef INFERMEM_ABI_H
#define INFERMEM_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define INFERMEM_BEGIN_DECLS extern "C" {
#define INFERMEM_END_DECLS }
#else
#define INFERMEM_BEGIN_DECLS
#define INFERMEM_END_DECLS
#endif

#define INFERMEM_VERSION_MAJOR 0
#define INFERMEM_VERSION_MINOR 1
#define INFERMEM_VERSION_PATCH 0
#define INFERMEM_VERSION_STRING "0.1.0"

/* One number that compares as versions do: 0.1.0 is 0x000100. */
#define INFERMEM_VERSION_NUMBER \
  ((INFERMEM_VERSION_MAJOR << 16) | (INFERMEM_VERSION_MINOR << 8) | INFERMEM_VERSION_PATCH)

#define INFERMEM_STRINGIZE_(x) #x
#define INFERMEM_STRINGIZE(x) INFERMEM_STRINGIZE_(x)

/* INFERMEM_FN opens each declaration of a public function; INFERMEM_AS closes it with the symbol's name. */
#define INFERMEM_FN __attribute__((visibility("default"))) extern
#define INFERMEM_AS(name) __asm__(INFERMEM_STRINGIZE(__USER_LABEL_PREFIX__) "infermem_" #name)

/* Declares an option or result struct, zeroed, with its struct_size set:
 *
 *     INFERMEM_STRUCT(infermem_tape_options, options);
 *     options.size = 1 << 20;
 *
 * Every such struct begins with struct_size. The library takes a field that lies beyond the caller's struct_size as
 * zero, which always means the default, and refuses a struct that is longer than it knows unless the rest is zero
 * (INFERMEM_E_STRUCT): so programs and libraries of different releases work together. */
#ifdef __cplusplus
#define INFERMEM_STRUCT(type, name) \
  type name = {};                   \
  name.struct_size = sizeof(type)
#else
#define INFERMEM_STRUCT(type, name) \
  type name = {0};                  \
  name.struct_size = sizeof(type)
#endif

#ifndef INFERMEM_NO_PROTOTYPES
INFERMEM_BEGIN_DECLS

/* The version of the library at run time, as INFERMEM_VERSION_NUMBER encodes it.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN uint32_t infermem_version(void);

/* The same as text, "0.1.0": static, never freed.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN const char *infermem_version_string(void);

INFERMEM_END_DECLS
#endif

#endif
