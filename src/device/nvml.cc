#include "device/nvml.hh"

#include <algorithm>
#include <cstring>

#include "base/log.hh"
#include "device/host.hh"

namespace infermem {
namespace {

constexpr const char *kNames[] = {"/usr/lib/wsl/lib/libnvidia-ml.so.1", "libnvidia-ml.so.1"};

// Status codes of nvml.h.
enum : int { kSuccess = 0, kNotSupported = 3, kFunctionNotFound = 13 };

}  // namespace

void Nvml::open(const char *path) {
  char reason[256];
  const char *const *const names = path ? &path : kNames;
  const size_t n_names = path ? 1 : sizeof kNames / sizeof *kNames;
  if (library_.open(names, n_names, reason, sizeof reason) != Library::Result::kOpen) {
    log(INFERMEM_LOG_INFO, "free device memory is not known: no NVML: %s", reason);
    return;
  }
  int (*init)() = nullptr;
  if (!library_.find("nvmlInit_v2", &init) || !library_.find("nvmlShutdown", &shutdown_)) {
    log(INFERMEM_LOG_INFO, "free device memory is not known: NVML lacks nvmlInit_v2 or nvmlShutdown");
    return;
  }
  library_.find("nvmlDeviceGetCount_v2", &device_count_);
  library_.find("nvmlDeviceGetHandleByUUID", &device_by_uuid_);
  library_.find("nvmlDeviceGetHandleByPciBusId_v2", &device_by_bus_id_);
  library_.find("nvmlDeviceGetMigMode", &mig_mode_);
  library_.find("nvmlDeviceGetMemoryInfo", &memory_);
  library_.find("nvmlDeviceGetMemoryInfo_v2", &memory2_);
  const int code = init();
  started_ = code == kSuccess;
  if (!started_) log(INFERMEM_LOG_INFO, "free device memory is not known: NVML failed with code %d", code);
}

Nvml::~Nvml() {
  if (started_) shutdown_();
}

bool Nvml::count(uint32_t *out) const {
  unsigned count = 0;
  if (!started_ || !device_count_ || device_count_(&count) != kSuccess) return false;
  *out = count;
  return true;
}

Nvml::Handle *Nvml::find_device(infermem_device_facts *facts) const {
  if (!started_) return nullptr;
  if (!device_by_uuid_ || facts->uuid[0] == '\0') return find_at(facts->bus_id);
  Handle *device = nullptr;
  if (device_by_uuid_(facts->uuid, &device) == kSuccess) return device;
  // CUDA gives the number alone: it may be a slice's.
  char uuid[sizeof facts->uuid];
  std::memcpy(uuid, facts->uuid, sizeof uuid);
  std::memcpy(uuid, "MIG-", 4);
  if (device_by_uuid_(uuid, &device) != kSuccess) return nullptr;
  std::memcpy(facts->uuid, uuid, sizeof uuid);
  facts->is_mig = 1;
  return device;
}

// Where a GPU is shared out in slices it is the whole that is found at its place, and not what CUDA sees.
Nvml::Handle *Nvml::find_at(const char *bus_id) const {
  Handle *device = nullptr;
  if (!device_by_bus_id_ || bus_id[0] == '\0' || device_by_bus_id_(bus_id, &device) != kSuccess) return nullptr;
  unsigned mode = 0, pending = 0;
  if (mig_mode_ && mig_mode_(device, &mode, &pending) == kSuccess && mode != 0) return nullptr;
  return device;
}

int Nvml::memory_of(Handle *device, Memory2 *out) const {
  *out = {};
  out->version = sizeof(Memory2) | 2u << 24;
  if (memory2_ && memory2_(device, out) == kSuccess) return kSuccess;
  Memory memory = {};
  const int code = memory_ ? memory_(device, &memory) : kFunctionNotFound;
  *out = {};
  out->total = memory.total;
  out->free = memory.free;
  return code;
}

void Nvml::describe(infermem_device_facts *out) const {
  Handle *const device = find_device(out);
  if (!device) return;
  Memory2 memory;
  const int code = memory_of(device, &memory);
  // Where the GPU has no memory of its own, drivers say that it is not supported, or succeed and fill in nothing.
  if (code == kNotSupported || (code == kSuccess && memory.total == 0)) {
    out->is_unified = 1;
  } else if (code != kSuccess) {
    log(INFERMEM_LOG_INFO, "free memory of device %u is not known: NVML failed with code %d", out->ordinal, code);
  } else {
    // NVML's total can be the larger one: it counts what CUDA cannot use.
    if (out->total_bytes == 0) out->total_bytes = memory.total;
    out->free_bytes = std::min<uint64_t>(memory.free, out->total_bytes);
    out->reserved_bytes = memory.reserved;
    out->free_known = 1;
    out->free_source = INFERMEM_DEVICE_SOURCE_NVML;
    out->timestamp_ns = now_ns();
  }
}

}  // namespace infermem
