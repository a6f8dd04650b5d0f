/* An NVML for tests: what it answers, the environment says. It knows the devices of fake_cuda.c, in the opposite order.
 * Variants that lack a function are made by compiling it under another name. */
#include <stdio.h>
#include <string.h>

#include "fake_driver.h"

struct device {
  int ordinal; /* CUDA's */
  char uuid[48];
};

struct memory {
  unsigned long long total, free, used;
};

struct memory2 {
  unsigned version;
  unsigned long long total, reserved, free, used;
};

int nvmlInit_v2(void);
int nvmlShutdown(void);
int nvmlDeviceGetCount_v2(unsigned *out);
int nvmlDeviceGetHandleByUUID(const char *uuid, struct device **out);
int nvmlDeviceGetHandleByPciBusId_v2(const char *bus_id, struct device **out);
int nvmlDeviceGetMigMode(struct device *device, unsigned *current, unsigned *pending);
int nvmlDeviceGetMemoryInfo(struct device *device, struct memory *out);
int nvmlDeviceGetMemoryInfo_v2(struct device *device, struct memory2 *out);

enum { UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_FOUND = 6, UNKNOWN = 999, MAX_DEVICES = 64 };

/* Read by the test: starts less stops. */
extern int fake_nvml_running;
int fake_nvml_running;

static struct device devices[MAX_DEVICES];

int nvmlInit_v2(void) {
  const int code = (int)fake_number("FAKE_NVML_INIT", 0);
  if (code != 0) return code;
  fake_nvml_running++;
  for (int i = 0; i < MAX_DEVICES; i++) {
    unsigned char uuid[16];
    devices[i].ordinal = MAX_DEVICES - 1 - i;
    fake_uuid(devices[i].ordinal, uuid);
    char *p = devices[i].uuid + sprintf(devices[i].uuid, fake_number("FAKE_NVML_MIG", 0) ? "MIG-" : "GPU-");
    for (int j = 0; j < 16; j++)
      p += sprintf(p, "%s%02x", j == 4 || j == 6 || j == 8 || j == 10 ? "-" : "", (unsigned)uuid[j]);
  }
  return 0;
}

int nvmlShutdown(void) {
  if (fake_nvml_running == 0) return UNINITIALIZED;
  fake_nvml_running--;
  return 0;
}

int nvmlDeviceGetCount_v2(unsigned *out) {
  if (fake_nvml_running == 0) return UNINITIALIZED;
  *out = (unsigned)fake_number("FAKE_NVML_COUNT", 0);
  return 0;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, struct device **out) {
  if (fake_nvml_running == 0) return UNINITIALIZED;
  for (int i = 0; i < MAX_DEVICES; i++) {
    if (strcmp(devices[i].uuid, uuid) == 0) {
      *out = &devices[i];
      return 0;
    }
  }
  return NOT_FOUND;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *bus_id, struct device **out) {
  if (fake_nvml_running == 0) return UNINITIALIZED;
  unsigned domain, bus;
  if (sscanf(bus_id, "%x:%x:00.0", &domain, &bus) != 2 || domain != 0 || bus == 0 || bus > MAX_DEVICES)
    return NOT_FOUND;
  *out = &devices[MAX_DEVICES - bus]; /* the bus is CUDA's ordinal and 1 */
  return 0;
}

int nvmlDeviceGetMigMode(struct device *device, unsigned *current, unsigned *pending) {
  (void)device;
  *current = *pending = (unsigned)fake_number("FAKE_NVML_MIG", 0);
  return fake_nvml_running == 0 ? UNINITIALIZED : 0;
}

/* So many of the first devices do not tell their memory. */
static int is_silent(const struct device *device) { return device->ordinal < fake_number("FAKE_NVML_SILENT", 0); }

/* Each device has its ordinal in MiB more free than the first. */
static unsigned long long free_of(const struct device *device) {
  return (unsigned long long)(fake_number("FAKE_NVML_FREE", 1073741824) + ((long long)device->ordinal << 20));
}

int nvmlDeviceGetMemoryInfo(struct device *device, struct memory *out) {
  if (fake_nvml_running == 0) return UNINITIALIZED;
  out->total = (unsigned long long)fake_number("FAKE_NVML_TOTAL", 8589934592);
  out->free = free_of(device);
  out->used = 0;
  return is_silent(device) ? UNKNOWN : (int)fake_number("FAKE_NVML_MEMORY", 0);
}

int nvmlDeviceGetMemoryInfo_v2(struct device *device, struct memory2 *out) {
  if (fake_nvml_running == 0) return UNINITIALIZED;
  if (out->version != 0x2000028) return INVALID_ARGUMENT;
  out->total = (unsigned long long)fake_number("FAKE_NVML_TOTAL", 8589934592);
  out->reserved = 123;
  out->free = free_of(device);
  out->used = 0;
  return is_silent(device) ? UNKNOWN : (int)fake_number("FAKE_NVML_MEMORY2", 0);
}
