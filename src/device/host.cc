// Sources: proc(5), and the kernel's documents on control groups v1 (memory controller) and v2.
#include "device/host.hh"

#include <limits.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "base/checked.hh"
#include "base/mapping.hh"
#include "device/kernel_text.hh"

namespace infermem {
namespace {

// A value of /proc/meminfo in bytes.
bool find_kib(const Text &meminfo, const char *key, uint64_t *out) {
  uint64_t kib;
  return meminfo.find(key, &kib) && checked::mul(kib, uint64_t{1024}, out);
}

// Where a version of control groups keeps a group's memory.
struct Hierarchy {
  const char *controller;  // as /proc/self/cgroup names it
  const char *mount;
  const char *limit;
  const char *used;
  const char *cache;  // in memory.stat: file pages not used lately
};

constexpr Hierarchy kHierarchies[] = {
    {"", "/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"},
    {"memory", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"},
};

// Version 1 says "no limit" with the largest number of whole pages that an int64 holds.
constexpr uint64_t kNoLimit = uint64_t{1} << 62;

// Whether a comma-separated list, not NUL-terminated, has the word; the empty list has the empty word.
bool lists(const char *list, size_t length, const char *word) {
  const size_t size = std::strlen(word);
  const char *const end = list + length;
  for (const char *p = list;; ++p) {
    const char *const comma = std::find(p, end, ',');
    if (static_cast<size_t>(comma - p) == size && std::memcmp(p, word, size) == 0) return true;
    if (comma == end) return false;
    p = comma;
  }
}

// This process's group within a hierarchy, from the lines "number:controllers:path" of /proc/self/cgroup.
bool own_group(const Text &cgroup, const char *controller, const char **out, size_t *out_length) {
  for (const char *line = cgroup.bytes; *line;) {
    const char *const end = line + std::strcspn(line, "\n");
    const char *const first = std::find(line, end, ':');
    const char *const second = first == end ? end : std::find(first + 1, end, ':');
    if (end - second > 1 && second[1] == '/' && lists(first + 1, static_cast<size_t>(second - first - 1), controller)) {
      *out = second + 1;
      *out_length = static_cast<size_t>(end - second - 1);
      return true;
    }
    line = *end ? end + 1 : end;
  }
  return false;
}

// What the control groups leave to this process.
uint64_t left_in(const infermem_host_facts &host) {
  return host.cgroup_limit_bytes - std::min(host.cgroup_limit_bytes, host.cgroup_used_bytes);
}

// Takes a group's limit over into *out when no other leaves less.
void read_group(const char *folder, const Hierarchy &hierarchy, infermem_host_facts *out) {
  uint64_t limit, used, cache;
  if (!read_number(folder, hierarchy.limit, &limit) || limit >= kNoLimit) return;  // "max" is no number
  if (!read_number(folder, hierarchy.used, &used)) used = 0;
  Text stat;
  if (!stat.read_in(folder, "memory.stat") || !stat.find(hierarchy.cache, &cache)) cache = 0;
  used -= std::min(used, cache);
  const uint64_t left = limit - std::min(limit, used);
  if ((out->known & INFERMEM_HOST_CGROUP) && left_in(*out) <= left) return;
  out->known |= INFERMEM_HOST_CGROUP;
  out->cgroup_limit_bytes = limit;
  out->cgroup_used_bytes = used;
}

// From this process's group up to the root of the hierarchy: the limits of all of them hold.
void read_groups(const char *root, const Text &cgroup, const Hierarchy &hierarchy, infermem_host_facts *out) {
  const char *group;
  size_t length;
  if (!own_group(cgroup, hierarchy.controller, &group, &length)) return;
  char folder[PATH_MAX];
  const int printed = std::snprintf(folder, sizeof folder, "%s%s", root, hierarchy.mount);
  if (printed < 0 || static_cast<size_t>(printed) >= sizeof folder) return;
  const auto top = static_cast<size_t>(printed);
  size_t end = top;
  if (length < sizeof folder - top) {
    std::memcpy(folder + top, group, length);
    folder[top + length] = '\0';
    // A group beyond what the namespace shows begins with "/..".
    if (!std::strstr(folder + top, "/..")) end += length;
  }
  // In a container that has no namespace of its own the path may not exist here: the top is the container's group then.
  for (;;) {
    while (end > top && folder[end - 1] == '/') --end;
    folder[end] = '\0';
    read_group(folder, hierarchy, out);
    if (end == top) return;
    while (folder[end - 1] != '/') --end;
  }
}

// The members of a list of ranges, "0-1,3".
bool count_list(const char *p, uint32_t *out) {
  uint64_t count = 0;
  for (;; ++p) {
    uint64_t first, last;
    if (!parse(&p, &first)) return false;
    last = first;
    if (*p == '-' && !parse(&++p, &last)) return false;
    if (last < first || last - first >= UINT32_MAX) return false;
    count += last - first + 1;
    if (*p != ',') break;
  }
  return checked::narrow(count, out);
}

}  // namespace

uint64_t now_ns() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000 + static_cast<uint64_t>(now.tv_nsec);
}

void read_host(const char *root, infermem_host_facts *out) {
  *out = {};
  out->page_size = page_size();
  Text text;
  if (text.read_in(root, "proc/meminfo")) {
    if (find_kib(text, "MemTotal", &out->total_bytes)) out->known |= INFERMEM_HOST_TOTAL;
    if (find_kib(text, "MemAvailable", &out->available_bytes)) out->known |= INFERMEM_HOST_AVAILABLE;
    uint64_t size, total, available;
    if (find_kib(text, "Hugepagesize", &size) && text.find("HugePages_Total", &total) &&
        text.find("HugePages_Free", &available)) {
      out->known |= INFERMEM_HOST_HUGE_PAGES;
      out->huge_page_size = size;
      out->huge_pages_total = total;
      out->huge_pages_free = available;
    }
  }
  if (text.read_in(root, "proc/self/cgroup"))
    for (const Hierarchy &hierarchy : kHierarchies) read_groups(root, text, hierarchy, out);
  if (out->known & INFERMEM_HOST_AVAILABLE) {
    out->known |= INFERMEM_HOST_EFFECTIVE;
    out->effective_bytes = out->available_bytes;
    if (out->known & INFERMEM_HOST_CGROUP) out->effective_bytes = std::min(out->effective_bytes, left_in(*out));
  }
  if (text.read_in(root, "sys/devices/system/node/online") && count_list(text.bytes, &out->n_numa_nodes))
    out->known |= INFERMEM_HOST_NUMA;
  out->timestamp_ns = now_ns();
}

}  // namespace infermem
