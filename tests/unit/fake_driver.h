/* fake_driver.h: what the two fake driver libraries have in common. */
#ifndef FAKE_DRIVER_H
#define FAKE_DRIVER_H

#include <stdlib.h>

/* A number from the environment. */
static inline long long fake_number(const char *name, long long otherwise) {
  const char *text = getenv(name);
  return text ? strtoll(text, NULL, 0) : otherwise;
}

/* The UUID of the device that CUDA gives this ordinal. */
static inline void fake_uuid(int ordinal, unsigned char out[16]) {
  for (int i = 0; i < 16; i++) out[i] = (unsigned char)(0x10 * i + i);
  out[0] = (unsigned char)ordinal;
}

#endif
