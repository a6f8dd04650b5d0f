#include "device/cuda.hh"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace infermem {
namespace {

// WSL keeps the library that works in a folder of its own; one that a distribution installed beside it does not.
constexpr const char *kNames[] = {"/usr/lib/wsl/lib/libcuda.so.1", "libcuda.so.1"};

// Status codes and attributes of cuda.h.
enum : int {
  kSuccess = 0,
  kNotInitialized = 3,
  kStubLibrary = 34,
  kNoDevice = 100,
  kOperatingSystem = 304,
  kNotPermitted = 800,
  kSystemDriverMismatch = 803,
  kCompatNotSupportedOnDevice = 804,
  kUnknown = 999,
};
enum : int { kIntegrated = 18, kComputeCapabilityMajor = 75, kComputeCapabilityMinor = 76 };

constexpr uint32_t kNvidia = 0x10de;

// CUDA 3.2, whose 64-bit functions are the youngest of those that are required.
constexpr uint32_t kOldestVersion = 3020;

// No machine has more; a driver that says so is not believed.
constexpr int kMaxDevices = 1024;

// Whether a device node is there that this user may not use.
bool is_forbidden(const char *root) {
  char path[PATH_MAX];
  const int n = std::snprintf(path, sizeof path, "%s/dev/nvidiactl", root);
  return n > 0 && static_cast<size_t>(n) < sizeof path && faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) != 0 &&
         (errno == EACCES || errno == EPERM);
}

}  // namespace

bool Cuda::open(const char *path, const char *root, Why *why) {
  char reason[256];
  const char *const *const names = path ? &path : kNames;
  const size_t n_names = path ? 1 : sizeof kNames / sizeof *kNames;
  switch (library_.open(names, n_names, reason, sizeof reason)) {
    case Library::Result::kOpen:
      break;
    case Library::Result::kStub:
      why->set(INFERMEM_DEVICE_WHY_STUB, "no CUDA driver: %s", reason);
      return false;
    case Library::Result::kAbsent:
      why->set(INFERMEM_DEVICE_WHY_NO_DRIVER, "no CUDA driver: %s", reason);
      return false;
  }
  if (!find_functions(why)) return false;
  int count = 0;
  int code = init_(0);
  if (code == kSuccess) code = device_count_(&count);
  if (code != kSuccess) {
    explain(code, root, why);
    return false;
  }
  if (count < 0 || count > kMaxDevices) {
    why->set(INFERMEM_DEVICE_WHY_FAILED, "the CUDA driver says that it has %d devices", count);
    return false;
  }
  if (count == 0) {
    why->set(INFERMEM_DEVICE_WHY_NO_DEVICE, "the CUDA driver finds no device");
    return false;
  }
  count_ = static_cast<uint32_t>(count);
  return true;
}

bool Cuda::find_functions(Why *why) {
  const char *missing = nullptr;
  const auto require = [&](const char *name, auto **function) {
    if (!library_.find(name, function) && !missing) missing = name;
  };
  require("cuInit", &init_);
  require("cuDeviceGetCount", &device_count_);
  require("cuDeviceGet", &device_get_);
  require("cuDeviceTotalMem_v2", &device_total_);
  require("cuDeviceGetAttribute", &device_attribute_);
  // Of these a driver may lack any; what they would tell is then not known.
  library_.find("cuDeviceGetName", &device_name_);
  library_.find("cuDeviceGetPCIBusId", &device_bus_id_);
  // The second version knows a MIG slice from its GPU.
  if (!library_.find("cuDeviceGetUuid_v2", &device_uuid_)) library_.find("cuDeviceGetUuid", &device_uuid_);
  int version = 0;
  if (library_.find("cuDriverGetVersion", &driver_version_) && driver_version_(&version) == kSuccess && version > 0)
    version_ = static_cast<uint32_t>(version);
  if (!missing) return true;
  if (version_ != 0 && version_ < kOldestVersion)
    why->set(INFERMEM_DEVICE_WHY_TOO_OLD, "the CUDA driver is too old: its version %u.%u lacks %s", version_ / 1000,
             version_ % 1000 / 10, missing);
  else
    why->set(INFERMEM_DEVICE_WHY_NO_SYMBOL, "the CUDA driver library lacks %s", missing);
  return false;
}

void Cuda::explain(int code, const char *root, Why *why) const {
  const bool forbidden = code == kNotPermitted ||
                         ((code == kNoDevice || code == kOperatingSystem || code == kUnknown) && is_forbidden(root));
  if (forbidden)
    why->set(INFERMEM_DEVICE_WHY_PERMISSION, "this user may not use the CUDA devices (code %d)", code);
  else if (code == kNotInitialized)
    why->set(INFERMEM_DEVICE_WHY_FORKED,
             "CUDA was used before this process was forked, and cannot be used in it (code %d)", code);
  else if (code == kStubLibrary)
    why->set(INFERMEM_DEVICE_WHY_STUB, "no CUDA driver: the library is a stub (code %d)", code);
  else if (code == kNoDevice)
    why->set(INFERMEM_DEVICE_WHY_NO_DEVICE, "the CUDA driver finds no device (code %d)", code);
  else if (code == kSystemDriverMismatch)
    why->set(INFERMEM_DEVICE_WHY_MISMATCH,
             "the CUDA driver library is of another version than the kernel's driver (code %d)", code);
  else if (code == kCompatNotSupportedOnDevice)
    why->set(INFERMEM_DEVICE_WHY_MISMATCH, "the CUDA compatibility library does not support this device (code %d)",
             code);
  else
    why->set(INFERMEM_DEVICE_WHY_FAILED, "the CUDA driver failed with code %d", code);
}

uint32_t Cuda::attribute(int which, int device) const {
  int value = 0;
  return device_attribute_(&value, which, device) == kSuccess && value > 0 ? static_cast<uint32_t>(value) : 0;
}

bool Cuda::describe(uint32_t ordinal, infermem_device_facts *out, Why *why) const {
  int device = 0;
  size_t total = 0;
  int code = device_get_(&device, static_cast<int>(ordinal));
  if (code == kSuccess) code = device_total_(&total, device);
  if (code != kSuccess) {
    why->set(INFERMEM_DEVICE_WHY_FAILED, "the CUDA driver failed with code %d for device %u", code, ordinal);
    return false;
  }
  *out = {};
  out->vendor = kNvidia;
  out->ordinal = ordinal;
  out->driver_version = version_;
  out->total_bytes = total;
  out->cc_major = attribute(kComputeCapabilityMajor, device);
  out->cc_minor = attribute(kComputeCapabilityMinor, device);
  out->is_unified = attribute(kIntegrated, device) != 0;
  // The last byte is kept out of the driver's reach: it is the NUL.
  if (device_name_ && device_name_(out->name, sizeof out->name - 1, device) != kSuccess) out->name[0] = '\0';
  if (device_bus_id_ && device_bus_id_(out->bus_id, sizeof out->bus_id - 1, device) != kSuccess) out->bus_id[0] = '\0';
  Uuid uuid;
  if (device_uuid_ && device_uuid_(&uuid, device) == kSuccess) {
    char *p = out->uuid;
    p += std::snprintf(p, sizeof out->uuid, "GPU-");
    for (size_t i = 0; i < sizeof uuid.bytes; ++i)
      p += std::snprintf(p, static_cast<size_t>(out->uuid + sizeof out->uuid - p), "%s%02x",
                         i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", unsigned{uuid.bytes[i]});
  }
  return true;
}

}  // namespace infermem
