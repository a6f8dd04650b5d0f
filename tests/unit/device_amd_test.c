/* AMD's devices, as device_probe finds them in a fake /sys. */
#include <stdio.h>
#include <stdlib.h>

#include "fake_root.h"
#include "support.h"

#define GIB ((uint64_t)1 << 30)
#define NOWHERE "/nonexistent/library.so"

static int set_up(void **state) {
  (void)state;
  unsetenv("ROCR_VISIBLE_DEVICES");
  unsetenv("HIP_VISIBLE_DEVICES");
  if (make_root() != 0) return -1;
  put_meminfo();
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  remove_root();
  return 0;
}

/* A file of the card of that number. */
static void put_card(unsigned card, const char *file, const char *text) {
  char path[128];
  snprintf(path, sizeof path, "sys/devices/pci0/0000:%02x:00.0/%s", 0x40 - card, file);
  put(path, text);
}

/* A card of 16 GiB, 1 GiB of it used. Cards of higher numbers come first on the bus. */
static void put_gpu(unsigned card) {
  char path[128], target[128], id[32];
  snprintf(path, sizeof path, "sys/class/drm/card%u/device", card);
  snprintf(target, sizeof target, "../../../devices/pci0/0000:%02x:00.0", 0x40 - card);
  put_link(path, target);
  snprintf(path, sizeof path, "sys/class/drm/card%u-DP-1/status", card);
  put(path, "connected\n");
  put_card(card, "vendor", "0x1002\n");
  put_card(card, "mem_info_vram_total", "17179869184\n");
  put_card(card, "mem_info_vram_used", "1073741824\n");
  put_card(card, "mem_info_gtt_total", "4294967296\n");
  put_card(card, "mem_info_gtt_used", "294967296\n");
  snprintf(id, sizeof id, "%016x\n", 0xabc0 + card);
  put_card(card, "unique_id", id);
}

static infermem_device_list *probe(uint32_t flags) {
  INFERMEM_STRUCT(infermem_device_options, options);
  options.flags = flags;
  options.cuda_path = options.nvml_path = NOWHERE;
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

static infermem_device_facts first(void) {
  infermem_device_list *list = probe(0);
  const infermem_device_facts facts = facts_of(list, 0);
  device_free(list);
  return facts;
}

static void assert_why(int32_t expected, const char *part) {
  infermem_device_list *list = probe(0);
  int32_t code = -1;
  assert_int_equal(device_count(list), 0);
  assert_ok(device_why_not(list, &code));
  assert_int_equal(code, expected);
  assert_non_null(strstr(device_why_not_text(list), part));
  device_free(list);
}

/* The bus ids of what is listed, with the variables set, "3f 40 …" without the rest of the id. */
static void assert_visible(const char *rocr, const char *hip, const char *expected) {
  if (rocr) setenv("ROCR_VISIBLE_DEVICES", rocr, 1);
  if (hip) setenv("HIP_VISIBLE_DEVICES", hip, 1);
  infermem_device_list *list = probe(0);
  char buses[256] = "";
  for (size_t i = 0; i < device_count(list); i++) {
    const infermem_device_facts facts = facts_of(list, i);
    assert_int_equal(facts.ordinal, i);
    snprintf(buses + strlen(buses), sizeof buses - strlen(buses), "%s%.2s", i == 0 ? "" : " ", facts.bus_id + 5);
  }
  assert_string_equal(buses, expected);
  device_free(list);
  unsetenv("ROCR_VISIBLE_DEVICES");
  unsetenv("HIP_VISIBLE_DEVICES");
}

static void a_card_is_told_from_sys(void **state) {
  (void)state;
  put_gpu(1);
  put_card(1, "product_name", "Fake\x1bRadeon\nmore");
  const infermem_device_facts facts = first();
  assert_int_equal(facts.vendor, 0x1002);
  assert_string_equal(facts.name, "Fake?Radeon");
  assert_string_equal(facts.uuid, "GPU-000000000000abc1");
  assert_string_equal(facts.bus_id, "0000:3f:00.0");
  assert_int_equal(facts.total_bytes, 16 * GIB);
  assert_int_equal(facts.free_known, 1);
  assert_int_equal(facts.free_bytes, 15 * GIB);
  assert_int_equal(facts.free_source, INFERMEM_DEVICE_SOURCE_SYSFS);
  assert_int_equal(facts.is_unified, 0);
  assert_true(facts.timestamp_ns != 0);
}

static void cards_are_in_the_order_of_the_bus(void **state) {
  (void)state;
  for (unsigned card = 0; card < 12; card++) put_gpu(card);
  put("sys/class/drm/card90/device/vendor", "0x10de\n"); /* another maker's */
  put("sys/class/drm/version", "drm 1.1.0\n");
  assert_visible(NULL, NULL, "35 36 37 38 39 3a 3b 3c 3d 3e 3f 40");
}

static void variables_choose_among_them(void **state) {
  (void)state;
  for (unsigned card = 0; card < 4; card++) put_gpu(card); /* 3d 3e 3f 40 */
  assert_visible("2,0", NULL, "3f 3d");
  assert_visible(NULL, "3", "40");
  assert_visible("1,2,3", "2,0", "40 3e"); /* HIP's numbers are what ROCR leaves */
  assert_visible("GPU-000000000000abc1", NULL, "3f");
  assert_visible("GPU-000000000000abc9,0", NULL, "");
  assert_visible(" 1 , 0", NULL, "3e 3d");
  assert_visible("0,4,1", NULL, "3d"); /* the list ends at what there is not */
  assert_visible("0,-1,1", NULL, "3d");
  assert_visible("0,1,0,2", NULL, "3d 3e"); /* no memory counts twice */
  assert_visible("99999999999999999999", NULL, "");
}

static void what_hides_all_of_them_is_the_reason(void **state) {
  (void)state;
  setenv("HIP_VISIBLE_DEVICES", "", 1);
  assert_why(INFERMEM_DEVICE_WHY_NO_DRIVER, "no CUDA driver"); /* there is nothing to hide */
  put_gpu(0);
  setenv("HIP_VISIBLE_DEVICES", "", 1);
  assert_why(INFERMEM_DEVICE_WHY_HIDDEN, "HIP_VISIBLE_DEVICES");
}

static void an_apu_shares_the_hosts_memory(void **state) {
  (void)state;
  put_gpu(0); /* at 40:00.0, which is 0x4000 = 16384 */
  put_card(0, "mem_info_vram_total", "536870912\n");
  put_card(0, "mem_info_vram_used", "136870912\n");
  put("sys/class/kfd/kfd/topology/nodes/0/properties", "cpu_cores_count 16\nsimd_count 0\nlocation_id 0\n");
  assert_int_equal(first().is_unified, 0);
  put("sys/class/kfd/kfd/topology/nodes/1/properties",
      "cpu_cores_count 16\nsimd_count 8\nlocation_id 16384\ndomain 0\n");
  infermem_device_facts facts = first();
  assert_int_equal(facts.is_unified, 1);
  assert_int_equal(facts.total_bytes, 536870912 + 4 * GIB);
  assert_int_equal(facts.free_bytes, 400000000 + 4000000000ull);
  assert_int_equal(facts.free_source, INFERMEM_DEVICE_SOURCE_HOST);
  put_card(0, "mem_info_gtt_total", "17179869184\n"); /* more than the host can give */
  facts = first();
  assert_int_equal(facts.free_bytes, 400000000 + 12000000ull * 1024);
  put("sys/class/kfd/kfd/topology/nodes/1/properties",
      "cpu_cores_count 16\nsimd_count 8\nlocation_id 16384\ndomain 1\n"); /* another bus's */
  assert_int_equal(first().is_unified, 0);
}

static void what_the_driver_does_not_say_is_unknown(void **state) {
  (void)state;
  put_gpu(0);
  put_card(0, "mem_info_vram_used", "many\n");
  put_card(0, "unique_id", "\n");
  infermem_device_facts facts = first();
  assert_int_equal(facts.total_bytes, 16 * GIB);
  assert_int_equal(facts.free_known, 0);
  assert_int_equal(facts.free_bytes, 0);
  assert_string_equal(facts.uuid, "");
  assert_string_equal(facts.name, "");
  put_card(0, "mem_info_vram_used", "99999999999999\n"); /* more than there is */
  facts = first();
  assert_int_equal(facts.free_known, 1);
  assert_int_equal(facts.free_bytes, 0);
  put_card(0, "mem_info_vram_total", "\n");
  assert_why(INFERMEM_DEVICE_WHY_NO_DRIVER, "no CUDA driver");
}

static void more_cards_than_are_listed_are_left_out(void **state) {
  (void)state;
  for (unsigned card = 0; card < 64; card++) put_gpu(card);
  put("sys/class/drm/card64/device/vendor", "0x1002\n");
  put("sys/class/drm/card64/device/mem_info_vram_total", "1\n"); /* no link: its place is not known */
  infermem_device_list *list = probe(0);
  assert_int_equal(device_count(list), 64);
  device_free(list);
}

static void looking_for_them_can_be_switched_off(void **state) {
  (void)state;
  put_gpu(0);
  infermem_device_list *list = probe(INFERMEM_DEVICE_NO_AMD);
  assert_int_equal(device_count(list), 0);
  device_free(list);
  list = probe(INFERMEM_DEVICE_NO_CUDA);
  assert_int_equal(device_count(list), 1);
  int32_t code = -1;
  assert_ok(device_why_not(list, &code));
  assert_int_equal(code, INFERMEM_DEVICE_WHY_NONE);
  assert_string_equal(device_why_not_text(list), "");
  device_free(list);
}

static int32_t scenario(const infermem_allocator *allocator) {
  INFERMEM_STRUCT(infermem_device_options, options);
  options.allocator = allocator;
  options.root = root;
  options.cuda_path = options.nvml_path = NOWHERE;
  infermem_device_list *list = NULL;
  const int32_t status = device_probe(&options, &list);
  if (status != INFERMEM_OK) assert_null(list);
  device_free(list);
  return status;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  put_gpu(0);
  assert_int_equal(oom_walk(scenario), 2);
}

#define amd_unit_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      amd_unit_test(a_card_is_told_from_sys),
      amd_unit_test(cards_are_in_the_order_of_the_bus),
      amd_unit_test(variables_choose_among_them),
      amd_unit_test(what_hides_all_of_them_is_the_reason),
      amd_unit_test(an_apu_shares_the_hosts_memory),
      amd_unit_test(what_the_driver_does_not_say_is_unknown),
      amd_unit_test(more_cards_than_are_listed_are_left_out),
      amd_unit_test(looking_for_them_can_be_switched_off),
      amd_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("device_amd", tests, NULL, NULL);
}
