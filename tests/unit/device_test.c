/* Devices and the host: every function of infermem/device.h, with fake drivers and fake /proc and /sys. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

static int set_up(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) unsetenv(variables[i]);
  return make_root();
}

static int tear_down(void **state) {
  (void)state;
  remove_root();
  return 0;
}

static void set(const char *name, const char *value) { assert_int_equal(setenv(name, value, 1), 0); }

/* ---- Probing ---- */

static infermem_device_list *probe(const char *cuda, const char *nvml) {
  INFERMEM_STRUCT(infermem_device_options, options);
  options.cuda_path = cuda;
  options.nvml_path = nvml;
  options.root = root;
  infermem_device_list *list = NULL;
  assert_ok(device_probe(&options, &list));
  return list;
}

static infermem_device_facts facts_of(const infermem_device_list *list, size_t index) {
  INFERMEM_STRUCT(infermem_device_facts, facts);
  assert_ok(device_info(list, index, &facts));
  return facts;
}

static infermem_host_facts host_of(const infermem_device_list *list) {
  INFERMEM_STRUCT(infermem_host_facts, facts);
  assert_ok(device_host(list, &facts));
  return facts;
}

/* The facts of the first device, or of the host, of a fresh probe. */
static infermem_device_facts first(const char *cuda, const char *nvml) {
  infermem_device_list *list = probe(cuda, nvml);
  const infermem_device_facts facts = facts_of(list, 0);
  device_free(list);
  return facts;
}

static infermem_host_facts host(void) {
  infermem_device_list *list = probe(NOWHERE, NOWHERE);
  const infermem_host_facts facts = host_of(list);
  device_free(list);
  return facts;
}

/* A probe finds nothing, for this reason, and its text has this in it. */
static void assert_why(int32_t expected, const char *part, const char *cuda) {
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

static void two_devices_are_joined_by_their_uuids(void **state) {
  (void)state;
  put_meminfo();
  set("FAKE_CUDA_COUNT", "2");
  infermem_device_list *list = probe(CUDA, NVML);
  assert_int_equal(device_count(list), 2);
  int32_t code = -1;
  assert_ok(device_why_not(list, &code));
  assert_int_equal(code, INFERMEM_DEVICE_WHY_NONE);
  assert_string_equal(device_why_not_text(list), "");
  for (unsigned i = 0; i < 2; i++) {
    const infermem_device_facts facts = facts_of(list, i);
    char name[32], uuid[48], bus_id[32];
    snprintf(name, sizeof name, "Fake GPU %u", i);
    snprintf(uuid, sizeof uuid, "GPU-%02x112233-4455-6677-8899-aabbccddeeff", i);
    snprintf(bus_id, sizeof bus_id, "0000:%02x:00.0", i + 1);
    assert_string_equal(facts.name, name);
    assert_string_equal(facts.uuid, uuid);
    assert_string_equal(facts.bus_id, bus_id);
    assert_int_equal(facts.vendor, 0x10de);
    assert_int_equal(facts.ordinal, i);
    assert_int_equal(facts.driver_version, 12040);
    assert_int_equal(facts.cc_major, 9);
    assert_int_equal(facts.cc_minor, 2);
    assert_int_equal(facts.is_unified, 0);
    assert_int_equal(facts.is_mig, 0);
    assert_int_equal(facts.total_bytes, 8 * GIB);
    assert_int_equal(facts.free_known, 1);
    assert_int_equal(facts.free_source, INFERMEM_DEVICE_SOURCE_NVML);
    assert_int_equal(facts.free_bytes, GIB + i * MIB);
    assert_int_equal(facts.reserved_bytes, 123);
    assert_true(facts.timestamp_ns > 0);
  }
  device_free(list);
}

static void sixty_four_devices_are_all_listed(void **state) {
  (void)state;
  set("FAKE_CUDA_COUNT", "64");
  infermem_device_list *list = probe(CUDA, NVML);
  assert_int_equal(device_count(list), 64);
  for (unsigned i = 0; i < 64; i++) {
    assert_int_equal(facts_of(list, i).ordinal, i);
    assert_int_equal(facts_of(list, i).free_bytes, GIB + i * MIB);
  }
  INFERMEM_STRUCT(infermem_device_facts, facts);
  assert_fails(INFERMEM_E_RANGE, device_info(list, 64, &facts));
  device_free(list);
}

static void nvml_is_stopped_as_often_as_started(void **state) {
  (void)state;
  set("FAKE_CUDA_COUNT", "2");
  device_free(probe(CUDA, NVML));
  void *library = dlopen(NVML, RTLD_NOW | RTLD_LOCAL);
  assert_non_null(library);
  const int *running = dlsym(library, "fake_nvml_running");
  assert_int_equal(*running, 0);
  set("FAKE_CUDA_COUNT", "0");
  set("CUDA_VISIBLE_DEVICES", "0");
  device_free(probe(CUDA, NVML));
  assert_int_equal(*running, 0);
  dlclose(library);
}

static void without_nvml_free_memory_is_unknown(void **state) {
  (void)state;
  put_meminfo();
  set("FAKE_CUDA_COUNT", "1");
  const char *const libraries[] = {NOWHERE, TEST_FAKES "/nvml_without_nvmlInit_v2.so",
                                   TEST_FAKES "/nvml_without_nvmlShutdown.so", TEST_FAKES "/stubs/nvml.so"};
  for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
    const infermem_device_facts facts = first(CUDA, libraries[i]);
    assert_string_equal(facts.name, "Fake GPU 0");
    assert_int_equal(facts.total_bytes, 8 * GIB);
    assert_int_equal(facts.free_known, 0);
    assert_int_equal(facts.free_source, INFERMEM_DEVICE_SOURCE_NONE);
    assert_int_equal(facts.free_bytes, 0);
    assert_int_equal(facts.is_unified, 0);
  }
  set("FAKE_NVML_INIT", "9");
  assert_int_equal(first(CUDA, NVML).free_known, 0);
}

static void memory_is_asked_for_in_the_old_form_where_the_new_one_fails(void **state) {
  (void)state;
  set("FAKE_CUDA_COUNT", "1");
  set("FAKE_NVML_MEMORY2", "25");
  infermem_device_facts facts = first(CUDA, NVML);
  assert_int_equal(facts.free_known, 1);
  assert_int_equal(facts.free_bytes, GIB);
  assert_int_equal(facts.reserved_bytes, 0);
  unsetenv("FAKE_NVML_MEMORY2");
  facts = first(CUDA, TEST_FAKES "/nvml_without_nvmlDeviceGetMemoryInfo_v2.so");
  assert_int_equal(facts.free_bytes, GIB);
  assert_int_equal(facts.reserved_bytes, 0);
  facts = first(CUDA, TEST_FAKES "/nvml_without_nvmlDeviceGetMemoryInfo.so"); /* only the new form */
  assert_int_equal(facts.free_bytes, GIB);
  assert_int_equal(facts.reserved_bytes, 123);
  set("FAKE_NVML_MEMORY2", "3"); /* not supported: but it is the old form that decides, and there is none */
  facts = first(CUDA, TEST_FAKES "/nvml_without_nvmlDeviceGetMemoryInfo.so");
  assert_int_equal(facts.free_known, 0);
  assert_int_equal(facts.is_unified, 0);
}

static void a_failing_query_of_memory_leaves_it_unknown(void **state) {
  (void)state;
  put_meminfo();
  set("FAKE_CUDA_COUNT", "1");
  set("FAKE_NVML_MEMORY2", "4");
  set("FAKE_NVML_MEMORY", "4");
  const infermem_device_facts facts = first(CUDA, NVML);
  assert_int_equal(facts.free_known, 0);
  assert_int_equal(facts.free_bytes, 0);
  assert_int_equal(facts.is_unified, 0);
}

static void the_total_is_what_cuda_says_and_free_is_not_more(void **state) {
  (void)state;
  set("FAKE_CUDA_COUNT", "1");
  set("FAKE_CUDA_TOTAL", "101970870272"); /* 97247 MiB */
  set("FAKE_NVML_TOTAL", "102641958912"); /* 97887 MiB */
  set("FAKE_NVML_FREE", "102500000000");
  infermem_device_facts facts = first(CUDA, NVML);
  assert_int_equal(facts.total_bytes, 101970870272);
  assert_int_equal(facts.free_bytes, 101970870272);
  assert_int_equal(facts.free_known, 1);
  set("FAKE_NVML_FREE", "0"); /* known to be none */
  facts = first(CUDA, NVML);
  assert_int_equal(facts.free_bytes, 0);
  assert_int_equal(facts.free_known, 1);
}

static void a_slice_is_found_by_its_own_uuid(void **state) {
  (void)state;
  set("FAKE_CUDA_COUNT", "1");
  set("FAKE_NVML_MIG", "1");
  const infermem_device_facts facts = first(CUDA, NVML);
  assert_string_equal(facts.uuid, "MIG-00112233-4455-6677-8899-aabbccddeeff");
  assert_int_equal(facts.is_mig, 1);
  assert_int_equal(facts.free_bytes, GIB);
}

static void a_device_that_shares_the_hosts_memory_has_what_the_host_has(void **state) {
  (void)state;
  put_meminfo();
  set("FAKE_CUDA_COUNT", "1");
  const char *const ways[][2] = {
      {"FAKE_CUDA_INTEGRATED", "1"}, {"FAKE_NVML_MEMORY", "3"}, {"FAKE_NVML_TOTAL", "0"}, {"FAKE_CUDA_TOTAL", "0"}};
  for (int i = 0; i < 4; i++) {
    set("FAKE_CUDA_TOTAL", "16384000000");
    if (i == 1) set("FAKE_NVML_MEMORY2", "3");
    if (i == 3) set("FAKE_NVML_INIT", "9"); /* no one knows a total: the host's */
    set(ways[i][0], ways[i][1]);
    const infermem_device_facts facts = first(CUDA, NVML);
    assert_int_equal(facts.is_unified, 1);
    assert_int_equal(facts.total_bytes, i == 3 ? 16000000 * 1024ull : 16384000000);
    assert_int_equal(facts.free_bytes, 12000000 * 1024ull);
    assert_int_equal(facts.free_known, 1);
    assert_int_equal(facts.free_source, INFERMEM_DEVICE_SOURCE_HOST);
    assert_true(facts.timestamp_ns > 0);
    unsetenv(ways[i][0]);
    unsetenv("FAKE_NVML_MEMORY2");
  }
}

static void shared_memory_ends_at_the_devices_total_and_the_groups_limit(void **state) {
  (void)state;
  put_meminfo();
  set("FAKE_CUDA_COUNT", "1");
  set("FAKE_CUDA_INTEGRATED", "1");
  set("FAKE_CUDA_TOTAL", "1000000");
  assert_int_equal(first(CUDA, NVML).free_bytes, 1000000);
  put("proc/self/cgroup", "0::/a\n");
  put("sys/fs/cgroup/a/memory.max", "5000\n");
  assert_int_equal(first(CUDA, NVML).free_bytes, 5000);
  put("proc/meminfo", "MemTotal: 1 kB\n"); /* and nothing is known without MemAvailable */
  const infermem_device_facts facts = first(CUDA, NVML);
  assert_int_equal(facts.free_known, 0);
  assert_int_equal(facts.free_bytes, 0);
  assert_int_equal(facts.is_unified, 1);
}

static void the_total_is_nvmls_where_cuda_has_none(void **state) {
  (void)state;
  set("FAKE_CUDA_COUNT", "1");
  set("FAKE_CUDA_TOTAL", "0");
  const infermem_device_facts facts = first(CUDA, NVML);
  assert_int_equal(facts.total_bytes, 8 * GIB);
  assert_int_equal(facts.free_bytes, GIB);
  assert_int_equal(facts.is_unified, 0);
}

static void details_that_the_driver_does_not_give_stay_unknown(void **state) {
  (void)state;
  set("FAKE_CUDA_COUNT", "1");
  set("FAKE_CUDA_DETAIL_CODE", "1");
  infermem_device_facts facts = first(CUDA, NVML);
  assert_string_equal(facts.name, "");
  assert_string_equal(facts.uuid, "");
  assert_string_equal(facts.bus_id, "");
  assert_int_equal(facts.cc_major, 0);
  assert_int_equal(facts.free_known, 0); /* there is nothing to ask for */
  unsetenv("FAKE_CUDA_DETAIL_CODE");
  set("FAKE_CUDA_LONG_NAME", "1");
  facts = first(CUDA, NVML);
  assert_int_equal(strlen(facts.name), sizeof facts.name - 1);
}

static void functions_that_are_not_needed_may_be_missing(void **state) {
  (void)state;
  set("FAKE_CUDA_COUNT", "1");
  assert_string_equal(first(TEST_FAKES "/cuda_without_cuDeviceGetName.so", NVML).name, "");
  assert_string_equal(first(TEST_FAKES "/cuda_without_cuDeviceGetPCIBusId.so", NVML).bus_id, "");
  assert_int_equal(first(TEST_FAKES "/cuda_without_cuDriverGetVersion.so", NVML).driver_version, 0);
  /* The first version of the UUID is asked for. */
  assert_string_equal(first(TEST_FAKES "/cuda_without_cuDeviceGetUuid_v2.so", NVML).uuid,
                      "GPU-00112233-4455-6677-8899-aabbccddeeee");
}

static void lost_devices_are_left_out_and_the_others_keep_their_ordinals(void **state) {
  (void)state;
  set("FAKE_CUDA_COUNT", "4");
  set("FAKE_CUDA_LOST", "2");
  infermem_device_list *list = probe(CUDA, NVML);
  assert_int_equal(device_count(list), 2);
  assert_int_equal(facts_of(list, 0).ordinal, 2);
  assert_int_equal(facts_of(list, 1).ordinal, 3);
  int32_t code = -1;
  assert_ok(device_why_not(list, &code));
  assert_int_equal(code, INFERMEM_DEVICE_WHY_NONE);
  assert_string_equal(device_why_not_text(list), "");
  device_free(list);
  set("FAKE_CUDA_LOST", "4");
  assert_why(INFERMEM_DEVICE_WHY_FAILED, "999", CUDA);
}

/* ---- Why not ---- */

static void a_device_without_uuid_is_joined_by_its_place_on_the_bus(void **state) {
  (void)state;
  set("FAKE_CUDA_COUNT", "3");
  set("FAKE_CUDA_NO_UUID", "1");
  infermem_device_list *list = probe(CUDA, NVML);
  assert_int_equal(device_count(list), 3);
  for (size_t i = 0; i < 3; i++) {
    const infermem_device_facts facts = facts_of(list, i);
    assert_string_equal(facts.uuid, "");
    assert_int_equal(facts.free_known, 1);
    assert_int_equal(facts.free_bytes, GIB + i * MIB);
  }
  device_free(list);
  assert_int_equal(first(CUDA, TEST_FAKES "/nvml_without_nvmlDeviceGetHandleByPciBusId_v2.so").free_known, 0);
  set("FAKE_NVML_MIG", "1"); /* there is the whole GPU, not the slice */
  assert_int_equal(first(CUDA, NVML).free_known, 0);
  unsetenv("FAKE_NVML_MIG");
  unsetenv("FAKE_CUDA_NO_UUID");
  assert_int_equal(first(CUDA, TEST_FAKES "/nvml_without_nvmlDeviceGetHandleByUUID.so").free_bytes, GIB);
}

static void a_slow_driver_is_waited_for_and_the_time_is_that_of_the_answer(void **state) {
  (void)state;
  set("FAKE_CUDA_COUNT", "1");
  set("FAKE_CUDA_SLOW", "50");
  struct timespec before, after;
  clock_gettime(CLOCK_MONOTONIC, &before);
  const infermem_device_facts facts = first(CUDA, NVML);
  clock_gettime(CLOCK_MONOTONIC, &after);
  const uint64_t begin = (uint64_t)before.tv_sec * 1000000000 + (uint64_t)before.tv_nsec;
  const uint64_t end = (uint64_t)after.tv_sec * 1000000000 + (uint64_t)after.tv_nsec;
  assert_true(end - begin >= 50000000);
  assert_true(facts.timestamp_ns >= begin + 50000000 && facts.timestamp_ns <= end);
  assert_int_equal(facts.free_known, 1);
}

static void a_child_of_a_process_that_used_cuda_is_told_so(void **state) {
  (void)state;
  set("FAKE_CUDA_COUNT", "1");
  set("FAKE_CUDA_FORKS", "1");
  infermem_device_list *list = probe(CUDA, NVML);
  const pid_t child = fork();
  if (child == 0) {
    INFERMEM_STRUCT(infermem_device_options, options);
    options.cuda_path = CUDA;
    options.nvml_path = NVML;
    options.root = root;
    infermem_device_list *own = NULL;
    int32_t code = 0;
    INFERMEM_STRUCT(infermem_device_facts, facts);
    if (device_probe(&options, &own) != INFERMEM_OK || device_why_not(own, &code) != INFERMEM_OK) _exit(2);
    device_free(own);
    if (code != INFERMEM_DEVICE_WHY_FORKED) _exit(3);
    /* The parent's list is plain data, as good here. */
    const int32_t status = device_info(list, 0, &facts);
    device_free(list);
    _exit(status == INFERMEM_OK && facts.free_bytes == GIB ? 0 : 4);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  device_free(list);
}

static void a_driver_that_is_not_there_is_no_error(void **state) {
  (void)state;
  assert_why(INFERMEM_DEVICE_WHY_NO_DRIVER, NOWHERE, NOWHERE);
  assert_why(INFERMEM_DEVICE_WHY_NO_DRIVER, "/nonexistent/??[2J.so", "/nonexistent/\n\x1b[2J.so");
  put("garbage.so", "not a library");
  char path[128];
  snprintf(path, sizeof path, "%s/garbage.so", root);
  assert_why(INFERMEM_DEVICE_WHY_NO_DRIVER, "garbage.so", path);
}

static void a_failing_start_has_its_reason(void **state) {
  (void)state;
  set("FAKE_CUDA_COUNT", "1");
  const struct {
    const char *code;
    int32_t why;
  } cases[] = {{"3", INFERMEM_DEVICE_WHY_FORKED},       {"34", INFERMEM_DEVICE_WHY_STUB},
               {"100", INFERMEM_DEVICE_WHY_NO_DEVICE},  {"304", INFERMEM_DEVICE_WHY_FAILED},
               {"800", INFERMEM_DEVICE_WHY_PERMISSION}, {"803", INFERMEM_DEVICE_WHY_MISMATCH},
               {"804", INFERMEM_DEVICE_WHY_MISMATCH},   {"999", INFERMEM_DEVICE_WHY_FAILED},
               {"12345", INFERMEM_DEVICE_WHY_FAILED}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    set("FAKE_CUDA_INIT", cases[i].code);
    char part[32];
    snprintf(part, sizeof part, "code %s", cases[i].code);
    assert_why(cases[i].why, part, CUDA);
  }
}

static void a_count_that_fails_or_is_absurd_has_its_reason(void **state) {
  (void)state;
  assert_why(INFERMEM_DEVICE_WHY_NO_DEVICE, "no device", CUDA); /* no failure: it counts none */
  set("FAKE_CUDA_COUNT", "-1");
  assert_why(INFERMEM_DEVICE_WHY_FAILED, "-1", CUDA);
  set("FAKE_CUDA_COUNT", "1025");
  assert_why(INFERMEM_DEVICE_WHY_FAILED, "1025", CUDA);
  set("FAKE_CUDA_COUNT", "1");
  set("FAKE_CUDA_COUNT_CODE", "100");
  assert_why(INFERMEM_DEVICE_WHY_NO_DEVICE, "100", CUDA);
  set("FAKE_CUDA_COUNT_CODE", "46");
  assert_why(INFERMEM_DEVICE_WHY_FAILED, "46", CUDA);
}

static void each_function_needed_is_named_when_it_is_missing(void **state) {
  (void)state;
  set("FAKE_CUDA_COUNT", "1");
  const char *const functions[] = {"cuInit", "cuDeviceGetCount", "cuDeviceGet", "cuDeviceTotalMem_v2",
                                   "cuDeviceGetAttribute"};
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    char path[256], part[64];
    snprintf(path, sizeof path, TEST_FAKES "/cuda_without_%s.so", functions[i]);
    snprintf(part, sizeof part, "lacks %s", functions[i]);
    assert_why(INFERMEM_DEVICE_WHY_NO_SYMBOL, part, path);
  }
  set("FAKE_CUDA_VERSION", "3010");
  assert_why(INFERMEM_DEVICE_WHY_TOO_OLD, "3.1", TEST_FAKES "/cuda_without_cuDeviceTotalMem_v2.so");
}

static void a_library_in_a_folder_of_stubs_is_not_used(void **state) {
  (void)state;
  set("FAKE_CUDA_COUNT", "1");
  assert_why(INFERMEM_DEVICE_WHY_STUB, "/stubs/cuda.so", TEST_FAKES "/stubs/cuda.so");
}

static void the_variable_that_hides_all_devices_is_named(void **state) {
  (void)state;
  set("FAKE_NVML_COUNT", "2");
  assert_why(INFERMEM_DEVICE_WHY_NO_DEVICE, "", CUDA); /* it is not set */
  set("CUDA_VISIBLE_DEVICES", "7");
  assert_why(INFERMEM_DEVICE_WHY_HIDDEN, "CUDA_VISIBLE_DEVICES", CUDA); /* NVML has devices */
  set("FAKE_CUDA_INIT", "100");
  assert_why(INFERMEM_DEVICE_WHY_HIDDEN, "CUDA_VISIBLE_DEVICES", CUDA);
  set("FAKE_NVML_COUNT", "0");
  set("CUDA_VISIBLE_DEVICES", "-1");
  assert_why(INFERMEM_DEVICE_WHY_NO_DEVICE, "100", CUDA); /* there is nothing to hide */
  /* Without NVML it is the value that tells. */
  set("FAKE_NVML_INIT", "9");
  const char *const values[] = {"", "-1", "-1,0", "NoDevFiles"};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    set("CUDA_VISIBLE_DEVICES", values[i]);
    assert_why(INFERMEM_DEVICE_WHY_HIDDEN, "CUDA_VISIBLE_DEVICES", CUDA);
  }
  set("CUDA_VISIBLE_DEVICES", "0");
  assert_why(INFERMEM_DEVICE_WHY_NO_DEVICE, "", CUDA);
  set("FAKE_CUDA_INIT", "999"); /* it has nothing to do with other failures */
  set("CUDA_VISIBLE_DEVICES", "");
  assert_why(INFERMEM_DEVICE_WHY_FAILED, "999", CUDA);
}

static void device_nodes_that_this_user_may_not_use_are_the_reason(void **state) {
  (void)state;
  put("dev/nvidiactl", "");
  set("FAKE_CUDA_INIT", "100");
  assert_why(INFERMEM_DEVICE_WHY_NO_DEVICE, "100", CUDA); /* one that may be used is not; and CUDA is loaded now */
  char path[128];
  snprintf(path, sizeof path, "%s/dev/nvidiactl", root);
  assert_int_equal(chmod(path, 0), 0);
  const pid_t child = fork();
  if (child == 0) { /* root may use anything */
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) _exit(2);
    const char *const codes[] = {"100", "304", "999"};
    for (int i = 0; i < 3; i++) {
      setenv("FAKE_CUDA_INIT", codes[i], 1);
      INFERMEM_STRUCT(infermem_device_options, options);
      options.cuda_path = CUDA;
      options.root = root;
      infermem_device_list *list = NULL;
      int32_t why = -1;
      if (device_probe(&options, &list) != INFERMEM_OK || device_why_not(list, &why) != INFERMEM_OK) _exit(3);
      if (why != INFERMEM_DEVICE_WHY_PERMISSION) _exit(10 + why);
      device_free(list);
    }
    _exit(0);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void probing_can_be_switched_off(void **state) {
  (void)state;
  put_meminfo();
  set("FAKE_CUDA_COUNT", "2");
  INFERMEM_STRUCT(infermem_device_options, options);
  options.flags = INFERMEM_DEVICE_NO_CUDA;
  options.cuda_path = CUDA;
  options.root = root;
  infermem_device_list *list = NULL;
  assert_ok(device_probe(&options, &list));
  int32_t code = -1;
  assert_int_equal(device_count(list), 0);
  assert_ok(device_why_not(list, &code));
  assert_int_equal(code, INFERMEM_DEVICE_WHY_DISABLED);
  assert_true(strlen(device_why_not_text(list)) > 0);
  assert_int_equal(host_of(list).total_bytes, 16000000 * 1024ull); /* the host is there all the same */
  device_free(list);
}

/* ---- The host ---- */

static void the_host_is_what_the_kernel_says(void **state) {
  (void)state;
  put_meminfo();
  put("sys/devices/system/node/online", "0-1,3\n");
  const infermem_host_facts facts = host();
  assert_int_equal(facts.known, INFERMEM_HOST_TOTAL | INFERMEM_HOST_AVAILABLE | INFERMEM_HOST_EFFECTIVE |
                                    INFERMEM_HOST_HUGE_PAGES | INFERMEM_HOST_NUMA);
  assert_int_equal(facts.total_bytes, 16000000 * 1024ull);
  assert_int_equal(facts.available_bytes, 12000000 * 1024ull);
  assert_int_equal(facts.effective_bytes, 12000000 * 1024ull);
  assert_int_equal(facts.cgroup_limit_bytes, 0);
  assert_int_equal(facts.huge_page_size, 2048 * 1024);
  assert_int_equal(facts.huge_pages_total, 10);
  assert_int_equal(facts.huge_pages_free, 7);
  assert_int_equal(facts.n_numa_nodes, 3);
  assert_int_equal(facts.page_size, (uint64_t)sysconf(_SC_PAGESIZE));
  assert_true(facts.timestamp_ns > 0);
}

static void what_the_kernel_does_not_say_is_unknown(void **state) {
  (void)state;
  infermem_host_facts facts = host(); /* no file at all */
  assert_int_equal(facts.known, 0);
  assert_int_equal(facts.total_bytes, 0);
  assert_int_equal(facts.available_bytes, 0);
  assert_int_equal(facts.effective_bytes, 0);
  assert_int_equal(facts.n_numa_nodes, 0);

  put("proc/meminfo", "MemTotal:  100 kB\nMemFree: 50 kB\nMemAvailableToo: 9 kB\nHugepagesize: 2048 kB\n");
  facts = host();
  assert_int_equal(facts.known, INFERMEM_HOST_TOTAL);
  assert_int_equal(facts.total_bytes, 102400);

  const char *const broken[] = {"",
                                "\n\n",
                                "MemTotal",
                                "MemTotal:",
                                "MemTotal: kB\n",
                                "MemTotal: -5 kB\n",
                                "MemTotal: 99999999999999999999 kB\n",
                                "MemTotal: 18446744073709551615 kB\n"};
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    put("proc/meminfo", broken[i]);
    assert_int_equal(host().known, 0);
  }
  const char *const lists[] = {"", "x", "1-", "3-1", "0,", "0-4294967295", "0-4294967294,5"};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    put("sys/devices/system/node/online", lists[i]);
    assert_int_equal(host().known, 0);
  }
  put("sys/devices/system/node/online", "0");
  assert_int_equal(host().n_numa_nodes, 1);
}

static void a_file_that_is_too_long_is_read_up_to_a_whole_line(void **state) {
  (void)state;
  char text[20000];
  memset(text, 'x', sizeof text);
  for (size_t i = 99; i < sizeof text; i += 100) text[i] = '\n';
  memcpy(text, "MemTotal: 5 kB\n", 15);
  memcpy(text + 8180, "\nMemAvailable: 7777 kB\n", 23); /* the limit lies within this number */
  text[sizeof text - 1] = '\0';
  put("proc/meminfo", text);
  const infermem_host_facts facts = host();
  assert_int_equal(facts.known, INFERMEM_HOST_TOTAL);
  assert_int_equal(facts.total_bytes, 5120);
  memset(text, '1', sizeof text - 1); /* not even one line */
  put("proc/meminfo", text);
  put("sys/devices/system/node/online", text);
  assert_int_equal(host().known, 0);
}

static void assert_group(uint64_t limit, uint64_t used, uint64_t effective) {
  const infermem_host_facts facts = host();
  assert_true((facts.known & INFERMEM_HOST_CGROUP) != 0);
  assert_int_equal(facts.cgroup_limit_bytes, limit);
  assert_int_equal(facts.cgroup_used_bytes, used);
  assert_int_equal(facts.effective_bytes, effective);
}

static void a_control_group_bounds_what_is_available(void **state) {
  (void)state;
  put_meminfo();
  put("proc/self/cgroup", "0::/user/job\n");
  put("sys/fs/cgroup/user/job/memory.max", "max\n");
  assert_int_equal(host().known & INFERMEM_HOST_CGROUP, 0);
  put("sys/fs/cgroup/user/job/memory.max", "1000000\n");
  assert_group(1000000, 0, 1000000); /* what is used is not known */
  put("sys/fs/cgroup/user/job/memory.current", "300000\n");
  assert_group(1000000, 300000, 700000);
  put("sys/fs/cgroup/user/job/memory.stat", "anon 1\ninactive_file_x 9\ninactive_file 100000\nactive_file 5\n");
  assert_group(1000000, 200000, 800000); /* the file cache is given up */
  put("sys/fs/cgroup/user/job/memory.stat", "inactive_file 400000\n");
  assert_group(1000000, 0, 1000000); /* read a moment later, it can be more */
  put("sys/fs/cgroup/user/job/memory.stat", "inactive_file 0\n");
  put("sys/fs/cgroup/user/job/memory.current", "1000001\n");
  assert_group(1000000, 1000001, 0);
  put("sys/fs/cgroup/user/job/memory.max", "999999999999999\n"); /* more than the machine has */
  assert_group(999999999999999, 1000001, 12000000 * 1024ull);
}

static void of_nested_groups_the_one_that_leaves_least_counts(void **state) {
  (void)state;
  put_meminfo();
  put("proc/self/cgroup", "0::/a/b/c\n");
  put("sys/fs/cgroup/a/b/c/memory.max", "max\n");
  put("sys/fs/cgroup/a/b/c/memory.current", "10\n");
  put("sys/fs/cgroup/a/b/memory.max", "5000\n"); /* the smaller limit, but it leaves more */
  put("sys/fs/cgroup/a/b/memory.current", "1000\n");
  put("sys/fs/cgroup/a/memory.max", "9000\n");
  put("sys/fs/cgroup/a/memory.current", "6000\n");
  put("sys/fs/cgroup/memory.max", "20000\n"); /* the top of a container */
  put("sys/fs/cgroup/memory.current", "6000\n");
  assert_group(9000, 6000, 3000);
  put("sys/fs/cgroup/memory.current", "18000\n");
  assert_group(20000, 18000, 2000);
}

static void the_first_version_of_control_groups_is_known_too(void **state) {
  (void)state;
  put_meminfo();
  put("proc/self/cgroup", "9:name=systemd:/x\n5:cpuset,memory:/job\n1:cpu:/y\n0::/\n");
  put("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "9223372036854771712\n"); /* none */
  put("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "5000\n");
  assert_int_equal(host().known & INFERMEM_HOST_CGROUP, 0);
  put("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "8000\n");
  put("sys/fs/cgroup/memory/job/memory.stat", "inactive_file 1\ntotal_inactive_file 2000\n");
  assert_group(8000, 3000, 5000);
  put("sys/fs/cgroup/memory.max", "1000\n"); /* both hold */
  assert_group(1000, 0, 1000);
}

static void a_group_that_a_container_does_not_show_is_the_top_one(void **state) {
  (void)state;
  put_meminfo();
  put("sys/fs/cgroup/memory.max", "4000\n");
  put("outside/memory.max", "1\n");
  const char *const groups[] = {"0::/\n", "0::/docker/0123abcd\n", "0::/../../../outside\n", "0::///\n",
                                "0::/a/../..\n"};
  for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
    put("proc/self/cgroup", groups[i]);
    assert_group(4000, 0, 4000);
  }
  const char *const broken[] = {"0:", "0::", "0::relative\n", "::", "x\ny\n", "1:cpu,memoryx,xmemory:/\n"};
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    put("proc/self/cgroup", broken[i]);
    assert_int_equal(host().known & INFERMEM_HOST_CGROUP, 0);
  }
  char text[8000];
  memset(text, 'x', sizeof text);
  memcpy(text, "0::/", 4);
  text[sizeof text - 1] = '\0';
  put("proc/self/cgroup", text); /* longer than a path can be: the top's limit holds all the same */
  assert_group(4000, 0, 4000);
}

static void this_machine_is_told_truthfully(void **state) {
  (void)state;
  infermem_device_list *list = NULL;
  assert_ok(device_probe(NULL, &list));
  const infermem_host_facts facts = host_of(list);
  FILE *meminfo = fopen("/proc/meminfo", "r");
  assert_non_null(meminfo);
  unsigned long long kib = 0;
  assert_int_equal(fscanf(meminfo, "MemTotal: %llu kB", &kib), 1);
  fclose(meminfo);
  assert_int_equal(facts.total_bytes, kib * 1024);
  assert_true((facts.known & INFERMEM_HOST_AVAILABLE) != 0);
  assert_true(facts.available_bytes > 0 && facts.available_bytes <= facts.total_bytes);
  assert_true(facts.effective_bytes <= facts.available_bytes);
  int32_t code = -1;
  assert_ok(device_why_not(list, &code));
  assert_int_equal(code == INFERMEM_DEVICE_WHY_NONE, device_count(list) != 0);
  assert_int_equal(strlen(device_why_not_text(list)) == 0, device_count(list) != 0);
  if (access("/dev/nvidiactl", F_OK) != 0 && access("/dev/dxg", F_OK) != 0 && access("/dev/nvmap", F_OK) != 0)
    assert_int_equal(device_count(list), 0);
  device_free(list);
}

/* ---- Memory and arguments ---- */

static int32_t scenario(const infermem_allocator *allocator) {
  INFERMEM_STRUCT(infermem_device_options, options);
  options.cuda_path = CUDA;
  options.nvml_path = NVML;
  options.root = root;
  options.allocator = allocator;
  infermem_device_list *list = NULL;
  const int32_t status = device_probe(&options, &list);
  if (status != INFERMEM_OK) {
    assert_null(list);
    return status;
  }
  assert_int_equal(device_count(list), 3);
  device_free(list);
  return INFERMEM_OK;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  set("FAKE_CUDA_COUNT", "3");
  assert_int_equal(oom_walk(scenario), 2);
}

static void bad_options_are_refused(void **state) {
  (void)state;
  infermem_device_list *list = NULL;
  INFERMEM_STRUCT(infermem_device_options, options);
  assert_fails(INFERMEM_E_NULL, device_probe(&options, NULL));
  options.flags = 4;
  assert_fails(INFERMEM_E_ARG, device_probe(&options, &list));
  options.flags = 0;
  options.reserved = 1;
  assert_fails(INFERMEM_E_ARG, device_probe(&options, &list));
  options.reserved = 0;
  const char **const paths[] = {&options.cuda_path, &options.nvml_path, &options.root};
  for (size_t i = 0; i < 3; i++) {
    const char *const relative[] = {"", "libcuda.so.1", "./libcuda.so.1"};
    for (size_t j = 0; j < 3; j++) {
      *paths[i] = relative[j];
      assert_fails(INFERMEM_E_ARG, device_probe(&options, &list));
    }
    *paths[i] = NULL;
  }
  options.struct_size = 5000;
  assert_fails(INFERMEM_E_STRUCT, device_probe(&options, &list));
  options.struct_size = sizeof options;
  infermem_allocator half = {0};
  half.struct_size = sizeof half;
  options.allocator = &half;
  assert_fails(INFERMEM_E_ARG, device_probe(&options, &list));
  assert_null(list);
}

static void bad_arguments_are_refused_and_change_nothing(void **state) {
  (void)state;
  set("FAKE_CUDA_COUNT", "1");
  infermem_device_list *list = probe(CUDA, NVML);
  infermem_tape *tape = test_tape(4096);
  infermem_device_list *other = (infermem_device_list *)(void *)tape;
  INFERMEM_STRUCT(infermem_device_facts, facts);
  INFERMEM_STRUCT(infermem_host_facts, host_facts);
  int32_t code = 77;
  assert_fails(INFERMEM_E_NULL, device_info(NULL, 0, &facts));
  assert_fails(INFERMEM_E_NULL, device_info(list, 0, NULL));
  assert_fails(INFERMEM_E_HANDLE, device_info(other, 0, &facts));
  assert_fails(INFERMEM_E_RANGE, device_info(list, 1, &facts));
  assert_fails(INFERMEM_E_RANGE, device_info(list, SIZE_MAX, &facts));
  assert_fails(INFERMEM_E_NULL, device_host(NULL, &host_facts));
  assert_fails(INFERMEM_E_NULL, device_host(list, NULL));
  assert_fails(INFERMEM_E_HANDLE, device_host(other, &host_facts));
  assert_fails(INFERMEM_E_NULL, device_why_not(NULL, &code));
  assert_fails(INFERMEM_E_NULL, device_why_not(list, NULL));
  assert_fails(INFERMEM_E_HANDLE, device_why_not(other, &code));
  facts.struct_size = 0;
  assert_fails(INFERMEM_E_STRUCT, device_info(list, 0, &facts));
  host_facts.struct_size = 0;
  assert_fails(INFERMEM_E_STRUCT, device_host(list, &host_facts));
  assert_int_equal(code, 77);
  assert_int_equal(facts.total_bytes, 0);
  assert_int_equal(device_count(NULL), 0);
  assert_int_equal(device_count(other), 0);
  assert_null(device_why_not_text(NULL));
  assert_null(device_why_not_text(other));
  device_free(NULL);
  device_free(other); /* not its kind: left alone */
  assert_int_equal(tape_total(tape), 4096);
  tape_free(tape);

  /* An older caller's struct gets what it has room for. */
  facts.struct_size = offsetof(infermem_device_facts, bus_id);
  assert_ok(device_info(list, 0, &facts));
  assert_string_equal(facts.name, "Fake GPU 0");
  assert_string_equal(facts.bus_id, "");
  device_free(list);
}

/* ---- The default search ---- */

static void without_a_path_the_libraries_are_found_by_name(void **state) {
  const char *const self = *state;
  const pid_t child = fork();
  if (child == 0) { /* the loader reads the variable once, at the start of a program */
    setenv("LD_LIBRARY_PATH", TEST_FAKES "/named", 1);
    setenv("FAKE_CUDA_COUNT", "1", 1);
    execl(self, self, "search", (char *)NULL);
    _exit(2);
  }
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static int search(void) {
  infermem_device_list *list = NULL;
  if (device_probe(NULL, &list) != INFERMEM_OK) return 3;
  INFERMEM_STRUCT(infermem_device_facts, facts);
  if (device_info(list, 0, &facts) != INFERMEM_OK) return 4;
  device_free(list);
  return strcmp(facts.name, "Fake GPU 0") == 0 && facts.free_bytes == GIB ? 0 : 5;
}

#define device_unit_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "search") == 0) return search();
  const struct CMUnitTest tests[] = {
      device_unit_test(two_devices_are_joined_by_their_uuids),
      device_unit_test(sixty_four_devices_are_all_listed),
      device_unit_test(nvml_is_stopped_as_often_as_started),
      device_unit_test(without_nvml_free_memory_is_unknown),
      device_unit_test(memory_is_asked_for_in_the_old_form_where_the_new_one_fails),
      device_unit_test(a_failing_query_of_memory_leaves_it_unknown),
      device_unit_test(the_total_is_what_cuda_says_and_free_is_not_more),
      device_unit_test(a_slice_is_found_by_its_own_uuid),
      device_unit_test(a_device_that_shares_the_hosts_memory_has_what_the_host_has),
      device_unit_test(shared_memory_ends_at_the_devices_total_and_the_groups_limit),
      device_unit_test(the_total_is_nvmls_where_cuda_has_none),
      device_unit_test(details_that_the_driver_does_not_give_stay_unknown),
      device_unit_test(functions_that_are_not_needed_may_be_missing),
      device_unit_test(lost_devices_are_left_out_and_the_others_keep_their_ordinals),
      device_unit_test(a_device_without_uuid_is_joined_by_its_place_on_the_bus),
      device_unit_test(a_slow_driver_is_waited_for_and_the_time_is_that_of_the_answer),
      device_unit_test(a_child_of_a_process_that_used_cuda_is_told_so),
      device_unit_test(a_driver_that_is_not_there_is_no_error),
      device_unit_test(a_failing_start_has_its_reason),
      device_unit_test(a_count_that_fails_or_is_absurd_has_its_reason),
      device_unit_test(each_function_needed_is_named_when_it_is_missing),
      device_unit_test(a_library_in_a_folder_of_stubs_is_not_used),
      device_unit_test(the_variable_that_hides_all_devices_is_named),
      device_unit_test(device_nodes_that_this_user_may_not_use_are_the_reason),
      device_unit_test(probing_can_be_switched_off),
      device_unit_test(the_host_is_what_the_kernel_says),
      device_unit_test(what_the_kernel_does_not_say_is_unknown),
      device_unit_test(a_file_that_is_too_long_is_read_up_to_a_whole_line),
      device_unit_test(a_control_group_bounds_what_is_available),
      device_unit_test(of_nested_groups_the_one_that_leaves_least_counts),
      device_unit_test(the_first_version_of_control_groups_is_known_too),
      device_unit_test(a_group_that_a_container_does_not_show_is_the_top_one),
      device_unit_test(this_machine_is_told_truthfully),
      device_unit_test(every_allocation_may_fail),
      device_unit_test(bad_options_are_refused),
      device_unit_test(bad_arguments_are_refused_and_change_nothing),
      cmocka_unit_test_prestate(without_a_path_the_libraries_are_found_by_name, argv[0]),
  };
  return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
