/* Why there are no devices, or fewer than one might think. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_devices.h"

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

int main(void) {
  const struct CMUnitTest tests[] = {
      device_unit_test(a_child_of_a_process_that_used_cuda_is_told_so),
      device_unit_test(a_driver_that_is_not_there_is_no_error),
      device_unit_test(a_failing_start_has_its_reason),
      device_unit_test(a_count_that_fails_or_is_absurd_has_its_reason),
      device_unit_test(each_function_needed_is_named_when_it_is_missing),
      device_unit_test(a_library_in_a_folder_of_stubs_is_not_used),
      device_unit_test(the_variable_that_hides_all_devices_is_named),
      device_unit_test(device_nodes_that_this_user_may_not_use_are_the_reason),
      device_unit_test(probing_can_be_switched_off),
  };
  return cmocka_run_group_tests_name("device_why", tests, NULL, NULL);
}
