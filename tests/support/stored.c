#include "stored.h"

#include <infermem.h>
#include <math.h>
#include <string.h>

enum { kBlock = 32 };

static uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

uint16_t stored_f16(float value) {
  const uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000;
  if (isnan(value)) return (uint16_t)(sign | 0x7e00 | (bits >> 13 & 0x3ff));
  const double magnitude = fabs((double)value);
  if (isinf(magnitude)) return (uint16_t)(sign | 0x7c00);
  const int exponent = magnitude < 0x1p-14 ? -14 : ilogb(magnitude);
  const double rounded = ldexp(nearbyint(ldexp(magnitude, 10 - exponent)), exponent - 10);
  if (rounded >= 65536) return (uint16_t)(sign | 0x7c00);
  if (rounded < 0x1p-14) return (uint16_t)(sign | (uint32_t)ldexp(rounded, 24));
  const int e = ilogb(rounded);
  return (uint16_t)(sign | (uint32_t)(e + 15) << 10 | ((uint32_t)ldexp(rounded, 10 - e) - 1024));
}

float stored_from_f16(uint16_t half) {
  const int exponent = half >> 10 & 31, mantissa = half & 1023;
  const double sign = half & 0x8000 ? -1 : 1;
  if (exponent == 31) return (float)(mantissa ? NAN : sign * INFINITY);
  return (float)(sign * ldexp(exponent ? 1024 + mantissa : mantissa, (exponent ? exponent : 1) - 25));
}

uint16_t stored_bf16(float value) {
  const uint32_t bits = bits_of(value), low = bits & 0xffff, high = bits >> 16;
  if (isnan(value)) return (uint16_t)(high | 0x40);
  return (uint16_t)(high + (low > 0x8000 || (low == 0x8000 && high % 2 == 1)));
}

float stored_from_bf16(uint16_t half) {
  const uint32_t bits = (uint32_t)half << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

size_t stored_bytes(int32_t type, size_t n) {
  switch (type) {
    case INFERMEM_DTYPE_F32:
      return 4 * n;
    case INFERMEM_DTYPE_Q8_0:
      return n / kBlock * 34;
    case INFERMEM_DTYPE_Q4_0:
      return n / kBlock * 18;
    case INFERMEM_DTYPE_Q4_1:
      return n / kBlock * 20;
    default:
      return 2 * n;
  }
}

static void put16(unsigned char *out, uint16_t bits) { memcpy(out, &bits, sizeof bits); }

static float get16(const unsigned char *in) {
  uint16_t bits;
  memcpy(&bits, in, sizeof bits);
  return stored_from_f16(bits);
}

static void encode_block(int32_t type, const float *values, unsigned char *out) {
  float extreme = 0, min = values[0], max = values[0];
  for (int i = 0; i < kBlock; i++) {
    if (fabsf(values[i]) > fabsf(extreme)) extreme = values[i];
    if (values[i] < min) min = values[i];
    if (values[i] > max) max = values[i];
  }
  const float scale = type == INFERMEM_DTYPE_Q8_0   ? fabsf(extreme) / 127
                      : type == INFERMEM_DTYPE_Q4_0 ? extreme / -8
                                                    : (max - min) / 15;
  const float inverse = scale != 0 ? 1 / scale : 0;
  put16(out, stored_f16(scale));
  out += 2;
  if (type == INFERMEM_DTYPE_Q8_0) {
    for (int i = 0; i < kBlock; i++) out[i] = (unsigned char)(signed char)lroundf(values[i] * inverse);
    return;
  }
  if (type == INFERMEM_DTYPE_Q4_1) {
    put16(out, stored_f16(min));
    out += 2;
  }
  for (int i = 0; i < kBlock; i++) {
    const float product = type == INFERMEM_DTYPE_Q4_1 ? (values[i] - min) * inverse : values[i] * inverse;
    const int level = (int)(product + (type == INFERMEM_DTYPE_Q4_1 ? 0.5f : 8.5f));
    const int nibble = level > 15 ? 15 : level;
    out[i % 16] = (unsigned char)(i < 16 ? nibble : out[i % 16] | nibble << 4);
  }
}

void stored_encode(int32_t type, const float *values, size_t n, unsigned char *out) {
  switch (type) {
    case INFERMEM_DTYPE_F32:
      memcpy(out, values, 4 * n);
      return;
    case INFERMEM_DTYPE_F16:
      for (size_t i = 0; i < n; i++) put16(out + 2 * i, stored_f16(values[i]));
      return;
    case INFERMEM_DTYPE_BF16:
      for (size_t i = 0; i < n; i++) put16(out + 2 * i, stored_bf16(values[i]));
      return;
    default:
      for (size_t i = 0; i < n; i += kBlock) encode_block(type, values + i, out + stored_bytes(type, i));
  }
}

static void decode_block(int32_t type, const unsigned char *in, float *out) {
  const float scale = get16(in), min = type == INFERMEM_DTYPE_Q4_1 ? get16(in + 2) : 0;
  in += type == INFERMEM_DTYPE_Q4_1 ? 4 : 2;
  for (int i = 0; i < kBlock; i++) {
    const int nibble = i < 16 ? in[i % 16] & 15 : in[i % 16] >> 4;
    if (type == INFERMEM_DTYPE_Q8_0)
      out[i] = scale * (float)(signed char)in[i];
    else if (type == INFERMEM_DTYPE_Q4_0)
      out[i] = scale * (float)(nibble - 8);
    else
      out[i] = scale * (float)nibble + min;
  }
}

void stored_decode(int32_t type, const unsigned char *stored, size_t n, float *out) {
  uint16_t half;
  switch (type) {
    case INFERMEM_DTYPE_F32:
      memcpy(out, stored, 4 * n);
      return;
    case INFERMEM_DTYPE_F16:
      for (size_t i = 0; i < n; i++) out[i] = get16(stored + 2 * i);
      return;
    case INFERMEM_DTYPE_BF16:
      for (size_t i = 0; i < n; i++) {
        memcpy(&half, stored + 2 * i, sizeof half);
        out[i] = stored_from_bf16(half);
      }
      return;
    default:
      for (size_t i = 0; i < n; i += kBlock) decode_block(type, stored + stored_bytes(type, i), out + i);
  }
}
