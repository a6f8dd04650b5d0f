/* fake_devices.h: what the tests of devices share: probes of fake drivers and of a fake /proc and /sys. */
#ifndef FAKE_DEVICES_H
#define FAKE_DEVICES_H

#include <stdlib.h>

#include "fake_root.h"
#include "support.h"

#define GIB ((uint64_t)1 << 30)
#define MIB ((uint64_t)1 << 20)
#define CUDA TEST_FAKES "/cuda.so"
#define NVML TEST_FAKES "/nvml.so"
#define NOWHERE "/nonexistent/library.so"

static const char *const variables[] = {
    "CUDA_VISIBLE_DEVICES", "FAKE_CUDA_INIT",    "FAKE_CUDA_VERSION",    "FAKE_CUDA_COUNT",     "FAKE_CUDA_COUNT_CODE",
    "FAKE_CUDA_SLOW",       "FAKE_CUDA_NO_UUID", "FAKE_CUDA_FORKS",      "FAKE_CUDA_LONG_NAME", "FAKE_CUDA_DETAIL_CODE",
    "FAKE_CUDA_TOTAL",      "FAKE_CUDA_LOST",    "FAKE_CUDA_INTEGRATED", "FAKE_NVML_INIT",      "FAKE_NVML_MIG",
    "FAKE_NVML_COUNT",      "FAKE_NVML_FREE",    "FAKE_NVML_TOTAL",      "FAKE_NVML_MEMORY",    "FAKE_NVML_MEMORY2",
};

static inline int set_up(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) unsetenv(variables[i]);
  return make_root();
}

static inline int tear_down(void **state) {
  (void)state;
  remove_root();
  return 0;
}

#define device_unit_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static inline void set(const char *name, const char *value) { assert_int_equal(setenv(name, value, 1), 0); }

static inline infermem_device_list *probe(const char *cuda, const char *nvml) {
  INFERMEM_STRUCT(infermem_device_options, options);
  options.cuda_path = cuda;
  options.nvml_path = nvml;
  options.root = root;
  infermem_device_list *list = NULL;
  assert_ok(device_probe(&options, &list));
  return list;
}

static inline infermem_device_facts facts_of(const infermem_device_list *list, size_t index) {
  INFERMEM_STRUCT(infermem_device_facts, facts);
  assert_ok(device_info(list, index, &facts));
  return facts;
}

static inline infermem_host_facts host_of(const infermem_device_list *list) {
  INFERMEM_STRUCT(infermem_host_facts, facts);
  assert_ok(device_host(list, &facts));
  return facts;
}

/* The facts of the first device, or of the host, of a fresh probe. */
static inline infermem_device_facts first(const char *cuda, const char *nvml) {
  infermem_device_list *list = probe(cuda, nvml);
  const infermem_device_facts facts = facts_of(list, 0);
  device_free(list);
  return facts;
}

static inline infermem_host_facts host(void) {
  infermem_device_list *list = probe(NOWHERE, NOWHERE);
  const infermem_host_facts facts = host_of(list);
  device_free(list);
  return facts;
}

/* A probe finds nothing, for this reason, and its text has this in it. */
static inline void assert_why(int32_t expected, const char *part, const char *cuda) {
  infermem_device_list *list = probe(cuda, NVML);
  int32_t code = -1;
  assert_ok(device_why_not(list, &code));
  assert_int_equal(code, expected);
  assert_int_equal(device_count(list), 0);
  if (!strstr(device_why_not_text(list), part)) {
    print_error("\"%s\" is not in \"%s\"\n", part, device_why_not_text(list));
    fail();
  }
  device_free(list);
}

#endif
