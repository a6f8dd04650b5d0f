/* Devices: every function of infermem/device.h, with fake drivers. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fake_devices.h"

/* ---- Probing ---- */

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
      device_unit_test(every_allocation_may_fail),
      device_unit_test(bad_options_are_refused),
      device_unit_test(bad_arguments_are_refused_and_change_nothing),
      cmocka_unit_test_prestate(without_a_path_the_libraries_are_found_by_name, argv[0]),
  };
  return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
