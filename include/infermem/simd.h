/* simd.h: which instruction set the kernels use.
 *
 * The fastest that the processor has is chosen when a kernel first runs; the environment variable INFERMEM_SIMD, set to
 * one of the names below before that, chooses another. What there is not is logged as a warning, and the fastest chosen.
 * Conversions give the same bits on every one of them, in the default rounding mode. Where
 * a host has the processor treat denormal floats as 0, values below 1e-35 may lose what the functions promise of them.
 *   "reference"  plain C++
 *   "sse4"       x86-64 with SSE4.2, PCLMUL and AES
 *   "avx2"       that, and AVX2, BMI1, BMI2, FMA and F16C
 *   "avx512"     that, and AVX-512 F, BW, DQ, VL, VBMI and VNNI
 *   "neon"       AArch64
 */
#ifndef INFERMEM_SIMD_H
#define INFERMEM_SIMD_H

#include "error.h"

#ifndef INFERMEM_NO_PROTOTYPES
INFERMEM_BEGIN_DECLS

/* The instruction set in use, as one of the names above; static storage.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN const char *infermem_simd_name(void);

/* The name of the index-th instruction set that this build has and this processor can run, from the plainest, which is
 * always "reference", to the fastest; NULL beyond the last. Static storage.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN const char *infermem_simd_available(size_t index);

/* Uses another instruction set from here on, in the whole process: for tests and comparisons. Calls under way in other
 * threads may go on with either, even row by row.
 *   name: one of the names above; NULL chooses the fastest.
 * Errors: INFERMEM_E_NOT_FOUND: no instruction set has that name.  INFERMEM_E_UNSUPPORTED: this build has it not, or
 * this processor.
 * Thread: any.  Memory: none.  Since: 0.1 */
INFERMEM_FN int32_t infermem_simd_select(const char *name);

INFERMEM_END_DECLS
#endif

#endif
