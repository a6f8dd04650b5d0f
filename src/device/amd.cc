// Sources: the kernel's documents on amdgpu (mem_info_*, unique_id, product_name) and on the topology that its compute
// driver shows (nodes/*/properties), ROCm's on HIP_VISIBLE_DEVICES and ROCR_VISIBLE_DEVICES.
#include "device/amd.hh"

#include <dirent.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/checked.hh"
#include "device/host.hh"
#include "device/kernel_text.hh"

namespace infermem {
namespace {

constexpr uint32_t kAmd = 0x1002;

// Entries of a folder; "." and ".." too. Calls use(name) with each.
template <typename Use>
void for_each_entry(const char *folder, Use use) {
  DIR *const list = opendir(folder);
  if (!list) return;
  while (const dirent *const entry = readdir(list)) use(entry->d_name);
  closedir(list);
}

bool join(char (&out)[PATH_MAX], const char *a, const char *b, const char *c = "") {
  const int n = std::snprintf(out, sizeof out, "%s/%s%s", a, b, c);
  return n > 0 && static_cast<size_t>(n) < sizeof out;
}

// "card" and digits: connectors, "card0-DP-1", are there beside them.
bool is_card(const char *name) {
  return std::strncmp(name, "card", 4) == 0 && name[4] != '\0' && name[4 + std::strspn(name + 4, "0123456789")] == '\0';
}

// The first line of a file, of printable characters; what is too long is cut.
void read_line(const char *folder, const char *name, char *out, size_t capacity) {
  Text text;
  if (!text.read_in(folder, name)) return;
  size_t n = 0;
  for (const char *p = text.bytes; *p && *p != '\n' && n + 1 < capacity; ++p)
    out[n++] = *p >= 0x20 && *p < 0x7f ? *p : '?';
  out[n] = '\0';
}

// The place on the bus, "0000:03:00.0", which is the name of the folder that the link leads to.
bool read_bus_id(const char *folder, char *out, size_t capacity) {
  char target[PATH_MAX];
  const ssize_t n = readlink(folder, target, sizeof target - 1);
  if (n <= 0) return false;
  target[n] = '\0';
  const char *const slash = std::strrchr(target, '/');
  unsigned domain, bus, device, function;
  if (std::sscanf(slash ? slash + 1 : target, "%x:%x:%x.%x", &domain, &bus, &device, &function) != 4) return false;
  std::snprintf(out, capacity, "%04x:%02x:%02x.%x", domain, bus, device, function);
  return true;
}

// Whether the processor and the GPU at that place on the bus are one node of the topology: an APU.
bool is_apu(const char *root, const char *bus_id) {
  unsigned domain, bus, device, function;
  char nodes[PATH_MAX];
  if (std::sscanf(bus_id, "%x:%x:%x.%x", &domain, &bus, &device, &function) != 4 ||
      !join(nodes, root, "sys/class/kfd/kfd/topology/nodes"))
    return false;
  bool result = false;
  for_each_entry(nodes, [&](const char *name) {
    char folder[PATH_MAX];
    Text text;
    uint64_t cores, simds, place, segment;
    if (name[0] == '.' || !join(folder, nodes, name) || !text.read_in(folder, "properties")) return;
    if (!text.find("location_id", &place) || place != (bus << 8 | device << 3 | function)) return;
    if (text.find("domain", &segment) && segment != domain) return;
    if (text.find("cpu_cores_count", &cores) && text.find("simd_count", &simds)) result |= cores != 0 && simds != 0;
  });
  return result;
}

}  // namespace

bool Amd::read_card(const char *folder) {
  Text text;
  char *end;
  if (count_ == kMost || !text.read_in(folder, "vendor") || std::strtoul(text.bytes, &end, 16) != kAmd) return false;
  infermem_device_facts facts = {};
  facts.vendor = kAmd;
  if (!read_number(folder, "mem_info_vram_total", &facts.total_bytes)) return false;
  if (!read_bus_id(folder, facts.bus_id, sizeof facts.bus_id)) return false;
  read_line(folder, "product_name", facts.name, sizeof facts.name);
  char id[24] = {};
  read_line(folder, "unique_id", id, sizeof id);
  if (id[0] != '\0') std::snprintf(facts.uuid, sizeof facts.uuid, "GPU-%s", id);
  devices_[count_++] = facts;
  return true;
}

void Amd::read_memory(const char *folder, const infermem_host_facts &host, infermem_device_facts *out) const {
  uint64_t used;
  const bool knows_used = read_number(folder, "mem_info_vram_used", &used);
  if (!out->is_unified) {
    if (!knows_used) return;
    out->free_bytes = out->total_bytes - std::min(used, out->total_bytes);
    out->free_source = INFERMEM_DEVICE_SOURCE_SYSFS;
  } else {
    // What the firmware set aside for the GPU, and what it may map of the rest.
    uint64_t mapped, mapped_used, all;
    if (!read_number(folder, "mem_info_gtt_total", &mapped) ||
        !read_number(folder, "mem_info_gtt_used", &mapped_used) || !knows_used ||
        !(host.known & INFERMEM_HOST_EFFECTIVE) || !checked::add(out->total_bytes, mapped, &all))
      return;
    out->free_bytes = out->total_bytes - std::min(used, out->total_bytes) +
                      std::min(mapped - std::min(mapped_used, mapped), host.effective_bytes);
    out->total_bytes = all;
    out->free_source = INFERMEM_DEVICE_SOURCE_HOST;
  }
  out->free_known = 1;
  out->timestamp_ns = now_ns();
}

// The variable lists numbers, or the beginnings of UUIDs, in the order that is wanted, and ends at the first that names
// no device, or one again. Numbers are those of devices_.
void Amd::keep_visible(const char *variable) {
  const char *p = std::getenv(variable);
  if (!p) return;
  infermem_device_facts kept[kMost];
  size_t n = 0;
  while (n < kMost) {
    p += std::strspn(p, " ");
    const size_t length = std::strcspn(p, ", ");
    uint64_t index = count_;
    const char *end = p;
    if (length > 4 && std::strncmp(p, "GPU-", 4) == 0) {
      for (size_t i = 0; i < count_ && index == count_; ++i)
        if (std::strncmp(devices_[i].uuid, p, length) == 0) index = i;
    } else if (!parse(&end, &index) || end != p + length) {
      break;
    }
    const auto same = [&](const infermem_device_facts &facts) {
      return !std::strcmp(facts.bus_id, devices_[index].bus_id);
    };
    if (index >= count_ || std::any_of(kept, kept + n, same)) break;
    kept[n++] = devices_[index];
    p += length;
    p += std::strspn(p, " ");
    if (*p != ',') break;
    ++p;
  }
  hidden_ += count_ - std::min(n, count_);
  count_ = n;
  std::copy(kept, kept + n, devices_);
}

void Amd::read(const char *root, const infermem_host_facts &host) {
  char cards[PATH_MAX];
  if (!join(cards, root, "sys/class/drm")) return;
  for_each_entry(cards, [&](const char *name) {
    char card[PATH_MAX], folder[PATH_MAX];
    if (!is_card(name) || !join(card, cards, name) || !join(folder, card, "device") || !read_card(folder)) return;
    infermem_device_facts *const facts = &devices_[count_ - 1];
    facts->is_unified = is_apu(root, facts->bus_id);
    read_memory(folder, host, facts);
  });
  // The runtime numbers devices by their place.
  std::sort(devices_, devices_ + count_, [](const infermem_device_facts &a, const infermem_device_facts &b) {
    return std::strcmp(a.bus_id, b.bus_id) < 0;
  });
  keep_visible("ROCR_VISIBLE_DEVICES");
  keep_visible("HIP_VISIBLE_DEVICES");
  for (uint32_t i = 0; i < count_; ++i) devices_[i].ordinal = i;
}

}  // namespace infermem
