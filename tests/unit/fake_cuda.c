/* A CUDA driver for tests: what it answers, the environment says. Variants that lack a function are made by compiling
 * it under another name. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_driver.h"

int cuInit(unsigned flags);
int cuDriverGetVersion(int *out);
int cuDeviceGetCount(int *out);
int cuDeviceGet(int *out, int ordinal);
int cuDeviceGetName(char *out, int length, int device);
int cuDeviceGetUuid(unsigned char *out, int device);
int cuDeviceGetUuid_v2(unsigned char *out, int device);
int cuDeviceTotalMem_v2(size_t *out, int device);
int cuDeviceGetAttribute(int *out, int attribute, int device);
int cuDeviceGetPCIBusId(char *out, int length, int device);

enum { INVALID_VALUE = 1, INVALID_DEVICE = 101, FIRST_DEVICE = 1000 };

static int started;

/* Handles are not ordinals here. */
static int is_device(int device) {
  return started && device >= FIRST_DEVICE && device < FIRST_DEVICE + fake_number("FAKE_CUDA_COUNT", 0);
}

int cuInit(unsigned flags) {
  static pid_t first_user;
  if (fake_number("FAKE_CUDA_FORKS", 0) && first_user != 0 && first_user != getpid()) return 3;
  first_user = getpid();
  usleep((useconds_t)fake_number("FAKE_CUDA_SLOW", 0) * 1000); /* ms */
  const int code = (int)fake_number("FAKE_CUDA_INIT", 0);
  if (flags != 0) return INVALID_VALUE;
  started = code == 0;
  return code;
}

int cuDriverGetVersion(int *out) {
  *out = (int)fake_number("FAKE_CUDA_VERSION", 12040);
  return 0;
}

int cuDeviceGetCount(int *out) {
  *out = (int)fake_number("FAKE_CUDA_COUNT", 0);
  return (int)fake_number("FAKE_CUDA_COUNT_CODE", 0);
}

int cuDeviceGet(int *out, int ordinal) {
  *out = FIRST_DEVICE + ordinal;
  return is_device(*out) ? 0 : INVALID_DEVICE;
}

int cuDeviceGetName(char *out, int length, int device) {
  if (!is_device(device)) return INVALID_DEVICE;
  if (fake_number("FAKE_CUDA_LONG_NAME", 0)) {
    memset(out, 'x', (size_t)length); /* no NUL */
    return 0;
  }
  snprintf(out, (size_t)length, "Fake GPU %d", device - FIRST_DEVICE);
  return (int)fake_number("FAKE_CUDA_DETAIL_CODE", 0);
}

int cuDeviceGetUuid(unsigned char *out, int device) {
  if (!is_device(device)) return INVALID_DEVICE;
  fake_uuid(device - FIRST_DEVICE, out);
  out[15] = 0xee; /* told from the other version's */
  return (int)fake_number("FAKE_CUDA_DETAIL_CODE", 0);
}

int cuDeviceGetUuid_v2(unsigned char *out, int device) {
  if (!is_device(device)) return INVALID_DEVICE;
  fake_uuid(device - FIRST_DEVICE, out);
  return (int)fake_number("FAKE_CUDA_NO_UUID", fake_number("FAKE_CUDA_DETAIL_CODE", 0));
}

int cuDeviceTotalMem_v2(size_t *out, int device) {
  if (!is_device(device)) return INVALID_DEVICE;
  *out = (size_t)fake_number("FAKE_CUDA_TOTAL", 8589934592);
  return device - FIRST_DEVICE < fake_number("FAKE_CUDA_LOST", 0) ? 999 : 0; /* so many of the first are lost */
}

int cuDeviceGetAttribute(int *out, int attribute, int device) {
  if (!is_device(device)) return INVALID_DEVICE;
  switch (attribute) {
    case 18:
      *out = (int)fake_number("FAKE_CUDA_INTEGRATED", 0);
      break;
    case 75:
      *out = 9;
      break;
    case 76:
      *out = 2;
      break;
    default:
      return INVALID_VALUE;
  }
  return (int)fake_number("FAKE_CUDA_DETAIL_CODE", 0);
}

int cuDeviceGetPCIBusId(char *out, int length, int device) {
  if (!is_device(device)) return INVALID_DEVICE;
  snprintf(out, (size_t)length, "0000:%02x:00.0", device - FIRST_DEVICE + 1);
  return (int)fake_number("FAKE_CUDA_DETAIL_CODE", 0);
}
