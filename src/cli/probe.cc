// infermem probe: the devices and the host's memory, or why there is no device.
#include <cstdio>

#include "print.hh"
#include "tool.hh"

namespace tool {
namespace {

const char *source(const infermem_device_facts &facts) {
  switch (facts.free_source) {
    case INFERMEM_DEVICE_SOURCE_NVML:
      return "nvml";
    case INFERMEM_DEVICE_SOURCE_HOST:
      return "host";
    case INFERMEM_DEVICE_SOURCE_SYSFS:
      return "sysfs";
  }
  return "unknown";
}

const char *vendor(const infermem_device_facts &facts) {
  return facts.vendor == 0x10de ? "NVIDIA" : facts.vendor == 0x1002 ? "AMD" : "unknown";
}

void print_json(const std::vector<infermem_device_facts> &devices, const infermem_host_facts &host, int32_t why,
                const char *why_text) {
  Json json;
  json.begin_object().key("devices").begin_array();
  for (const infermem_device_facts &facts : devices) {
    json.begin_object().field("name", facts.name).field("vendor", vendor(facts)).field("uuid", facts.uuid);
    json.field("bus_id", facts.bus_id).field("ordinal", facts.ordinal);
    json.field("compute_capability", format("%u.%u", facts.cc_major, facts.cc_minor));
    json.field("driver_version", facts.driver_version).field("is_unified", facts.is_unified != 0);
    json.field("is_mig", facts.is_mig != 0).field("total_bytes", facts.total_bytes).key("free_bytes");
    facts.free_known ? json.value(facts.free_bytes) : json.null();
    json.field("free_source", source(facts)).end_object();
  }
  json.end_array().field("why_not", why).field("why_not_text", why_text).key("host").begin_object();
  const auto known = [&](uint32_t bit, const char *name, uint64_t n) {
    json.key(name);
    (host.known & bit) != 0 ? json.value(n) : json.null();
  };
  known(INFERMEM_HOST_TOTAL, "total_bytes", host.total_bytes);
  known(INFERMEM_HOST_AVAILABLE, "available_bytes", host.available_bytes);
  known(INFERMEM_HOST_CGROUP, "cgroup_limit_bytes", host.cgroup_limit_bytes);
  known(INFERMEM_HOST_CGROUP, "cgroup_used_bytes", host.cgroup_used_bytes);
  known(INFERMEM_HOST_EFFECTIVE, "effective_bytes", host.effective_bytes);
  known(INFERMEM_HOST_NUMA, "numa_nodes", host.n_numa_nodes);
  known(INFERMEM_HOST_HUGE_PAGES, "huge_page_size", host.huge_page_size);
  known(INFERMEM_HOST_HUGE_PAGES, "huge_pages_free", host.huge_pages_free);
  json.end_object().end_object().print();
}

// A row of a table of memories.
std::vector<std::string> row(const std::string &name, uint64_t total, bool is_known, uint64_t available,
                             const std::string &note) {
  if (!is_known) return {name, bytes(total), "unknown", "", note};
  const double part = total == 0 ? 0 : 1 - static_cast<double>(available) / static_cast<double>(total);
  return {name, bytes(total), bytes(available), bar(part, 20) + format(" %2.0f %%", part * 100), note};
}

}  // namespace

int run_probe(int argc, char **argv) {
  const Arguments arguments(argc, argv, {});
  arguments.operands(0, "no operands");
  infermem_device_list *made = nullptr;
  check(device_probe(nullptr, &made));
  const Devices list(made);
  std::vector<infermem_device_facts> devices;
  for (size_t i = 0; i < device_count(list.get()); ++i) {
    INFERMEM_STRUCT(infermem_device_facts, facts);
    check(device_info(list.get(), i, &facts));
    devices.push_back(facts);
  }
  INFERMEM_STRUCT(infermem_host_facts, host);
  check(device_host(list.get(), &host));
  int32_t why = 0;
  check(device_why_not(list.get(), &why));
  const char *const why_text = device_why_not_text(list.get());
  if (arguments.json()) {
    print_json(devices, host, why, why_text);
    return kDone;
  }
  Table table({"memory", ">total", ">available", "in use", ""});
  for (const infermem_device_facts &facts : devices) {
    std::string note = facts.bus_id;
    if (facts.cc_major != 0) note += format("  compute %u.%u", facts.cc_major, facts.cc_minor);
    if (facts.is_unified) note += "  shares the host's memory";
    if (facts.is_mig) note += "  MIG slice";
    table.add(row(printable(facts.name[0] ? facts.name : vendor(facts)), facts.total_bytes, facts.free_known != 0,
                  facts.free_bytes, note));
  }
  std::string note;
  if (host.known & INFERMEM_HOST_CGROUP) note = "control group: " + bytes(host.cgroup_limit_bytes);
  if ((host.known & INFERMEM_HOST_NUMA) && host.n_numa_nodes > 1)
    note += format("%s%u NUMA nodes", note.empty() ? "" : "  ", host.n_numa_nodes);
  table.add(row("host", host.total_bytes, (host.known & INFERMEM_HOST_EFFECTIVE) != 0, host.effective_bytes, note));
  table.print();
  if (devices.empty()) std::printf("%s\n", faint(std::string("no device: ") + printable(why_text)).c_str());
  return kDone;
}

}  // namespace tool
