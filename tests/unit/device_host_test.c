/* The host, of a fake /proc and /sys. */
#include <stdio.h>
#include <unistd.h>

#include "fake_devices.h"

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

int main(void) {
  const struct CMUnitTest tests[] = {
      device_unit_test(the_host_is_what_the_kernel_says),
      device_unit_test(what_the_kernel_does_not_say_is_unknown),
      device_unit_test(a_file_that_is_too_long_is_read_up_to_a_whole_line),
      device_unit_test(a_control_group_bounds_what_is_available),
      device_unit_test(of_nested_groups_the_one_that_leaves_least_counts),
      device_unit_test(the_first_version_of_control_groups_is_known_too),
      device_unit_test(a_group_that_a_container_does_not_show_is_the_top_one),
      device_unit_test(this_machine_is_told_truthfully),
  };
  return cmocka_run_group_tests_name("device_host", tests, NULL, NULL);
}
