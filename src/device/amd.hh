// AMD's GPUs, as the kernel's amdgpu driver tells of them in /sys: no library is loaded, and no context made.
#pragma once

#include <cstddef>
#include <cstdint>

#include "infermem/device.h"

namespace infermem {

class Amd {
 public:
  // Looks, with `root` before every path. What shares the host's memory has what `host` can give.
  void read(const char *root, const infermem_host_facts &host);

  size_t count() const { return count_; }
  const infermem_device_facts &at(size_t i) const { return devices_[i]; }
  // Whether there are GPUs, all of which HIP_VISIBLE_DEVICES or ROCR_VISIBLE_DEVICES hides.
  bool all_are_hidden() const { return count_ == 0 && hidden_ != 0; }

 private:
  static constexpr size_t kMost = 64;

  bool read_card(const char *folder);
  void read_memory(const char *folder, const infermem_host_facts &host, infermem_device_facts *out) const;
  void keep_visible(const char *variable);

  infermem_device_facts devices_[kMost];
  size_t count_ = 0;
  size_t hidden_ = 0;
};

}  // namespace infermem
