/* stored.h: what caches store, worked out plainly: floats to the bytes of a type and back, by the types' definitions. */
#ifndef STORED_H
#define STORED_H

#include <stddef.h>
#include <stdint.h>

/* F16 by its definition: the nearest multiple of the unit in the last place, ties to even; NaN payloads cut, quiet. */
uint16_t stored_f16(float value);
float stored_from_f16(uint16_t half);
uint16_t stored_bf16(float value);
float stored_from_bf16(uint16_t half);

/* The bytes of n elements of F32, F16, BF16, Q8_0, Q4_0 or Q4_1; n is whole blocks. */
size_t stored_bytes(int32_t type, size_t n);
/* n floats to these bytes: GGML's reference. */
void stored_encode(int32_t type, const float *values, size_t n, unsigned char *out);
void stored_decode(int32_t type, const unsigned char *stored, size_t n, float *out);

#endif
