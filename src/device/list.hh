// What a probe found: the devices, the host, and why there is no device. Plain data: no driver is asked again, so that
// a list is as good after a fork as before.
#pragma once

#include "base/allocator.hh"
#include "base/handle.hh"
#include "device/amd.hh"
#include "device/cuda.hh"
#include "device/nvml.hh"
#include "device/why.hh"
#include "infermem/device.h"

namespace infermem {

class DeviceList {
 public:
  DeviceList() = default;
  ~DeviceList();
  DeviceList(const DeviceList &) = delete;
  DeviceList &operator=(const DeviceList &) = delete;

  // Probes. Called once.
  Status open(const infermem_device_options &options, const Allocator &allocator);

  size_t count() const { return count_; }
  Status device(size_t index, infermem_device_facts *out) const;
  const infermem_host_facts &host() const { return host_; }
  const Why &why() const { return why_; }

 private:
  // Of the devices of either, where it is there.
  Status list_devices(const Cuda *cuda, const char *nvml_path, const Amd &amd);
  void add_free(const Nvml &nvml, infermem_device_facts *out) const;

  Allocator allocator_;
  infermem_device_facts *devices_ = nullptr;
  size_t count_ = 0;
  size_t capacity_ = 0;
  infermem_host_facts host_;
  Why why_;
};

}  // namespace infermem

struct infermem_device_list {
  static constexpr infermem::Kind kKind = infermem::Kind::kDevice;
  infermem::Head head{kKind};
  infermem::DeviceList core;
  infermem::Allocator allocator;
};
