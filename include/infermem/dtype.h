/* dtype.h: element types. The numbers are GGUF's, so a tensor's type passes through unchanged; what GGUF does not have is
 * negative, and only told: no function computes with it.
 *
 * A block type stores a fixed run of elements together: Q4_0 keeps 32 elements in 18 bytes. A plain type is a block
 * type of one element. Source: the GGUF specification and its reference implementation's type table.
 */
#ifndef INFERMEM_DTYPE_H
#define INFERMEM_DTYPE_H

#include "abi.h"

/* X(name, number, elements of a block, bytes of a block). */
#define INFERMEM_DTYPE_LIST(X) \
  X(F32, 0, 1, 4)              \
  X(F16, 1, 1, 2)              \
  X(Q4_0, 2, 32, 18)           \
  X(Q4_1, 3, 32, 20)           \
  X(Q5_0, 6, 32, 22)           \
  X(Q5_1, 7, 32, 24)           \
  X(Q8_0, 8, 32, 34)           \
  X(Q8_1, 9, 32, 36)           \
  X(Q2_K, 10, 256, 84)         \
  X(Q3_K, 11, 256, 110)        \
  X(Q4_K, 12, 256, 144)        \
  X(Q5_K, 13, 256, 176)        \
  X(Q6_K, 14, 256, 210)        \
  X(Q8_K, 15, 256, 292)        \
  X(IQ2_XXS, 16, 256, 66)      \
  X(IQ2_XS, 17, 256, 74)       \
  X(IQ3_XXS, 18, 256, 98)      \
  X(IQ1_S, 19, 256, 50)        \
  X(IQ4_NL, 20, 32, 18)        \
  X(IQ3_S, 21, 256, 110)       \
  X(IQ2_S, 22, 256, 82)        \
  X(IQ4_XS, 23, 256, 136)      \
  X(I8, 24, 1, 1)              \
  X(I16, 25, 1, 2)             \
  X(I32, 26, 1, 4)             \
  X(I64, 27, 1, 8)             \
  X(F64, 28, 1, 8)             \
  X(IQ1_M, 29, 256, 56)        \
  X(BF16, 30, 1, 2)            \
  X(TQ1_0, 34, 256, 54)        \
  X(TQ2_0, 35, 256, 66)        \
  X(MXFP4, 39, 32, 17)         \
  X(NVFP4, 40, 64, 36)         \
  X(Q1_0, 41, 128, 18)         \
  X(Q2_0, 42, 64, 18)

/* The same of types that GGUF has no number for, which safetensors files have: ours are negative. */
#define INFERMEM_DTYPE_OTHER_LIST(X) \
  X(BOOL, -101, 1, 1)                \
  X(U8, -102, 1, 1)                  \
  X(U16, -103, 1, 2)                 \
  X(U32, -104, 1, 4)                 \
  X(U64, -105, 1, 8)                 \
  X(F8_E4M3, -106, 1, 1)             \
  X(F8_E5M2, -107, 1, 1)             \
  X(F8_E8M0, -108, 1, 1)             \
  X(F8_E4M3FNUZ, -109, 1, 1)         \
  X(F8_E5M2FNUZ, -110, 1, 1)         \
  X(C64, -111, 1, 8)                 \
  X(F4, -112, 2, 1)                  \
  X(F6_E2M3, -113, 4, 3)             \
  X(F6_E3M2, -114, 4, 3)

enum {
#define INFERMEM_DTYPE_ENTRY(name, number, elements, bytes) INFERMEM_DTYPE_##name = (number),
  INFERMEM_DTYPE_LIST(INFERMEM_DTYPE_ENTRY) INFERMEM_DTYPE_OTHER_LIST(INFERMEM_DTYPE_ENTRY)
#undef INFERMEM_DTYPE_ENTRY
      INFERMEM_DTYPE_UNKNOWN = -1 /* a type that has no number: only the bytes of its data are known */
};

#ifndef INFERMEM_NO_PROTOTYPES
INFERMEM_BEGIN_DECLS

/* The name of a type, "Q4_0", or "unknown"; static storage.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN const char *infermem_dtype_name(int32_t dtype);

/* How many elements one block of the type holds, and in how many bytes.
 * Errors: INFERMEM_E_NULL: an out-pointer is NULL.  INFERMEM_E_TYPE: the number is no known type's.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t infermem_dtype_block(int32_t dtype, size_t *out_elements, size_t *out_bytes);

/* The bytes that n elements of the type take.
 * Errors: INFERMEM_E_NULL: out_bytes is NULL.  INFERMEM_E_TYPE: the number is no known type's.  INFERMEM_E_SHAPE: n is
 * not a multiple of the block.  INFERMEM_E_OVERFLOW: the result does not fit.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t infermem_dtype_bytes(int32_t dtype, uint64_t n, uint64_t *out_bytes);

INFERMEM_END_DECLS
#endif

#endif
