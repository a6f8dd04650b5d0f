// NVML, the driver's management library: the free memory of a device without a context on it.
//
// NVML knows nothing of CUDA_VISIBLE_DEVICES and numbers devices its own way, so a device is asked for by its UUID, or by its
// place on the bus where CUDA does not tell that.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/dl.hh"
#include "infermem/device.h"

namespace infermem {

class Nvml {
 public:
  Nvml() = default;
  ~Nvml();
  Nvml(const Nvml &) = delete;
  Nvml &operator=(const Nvml &) = delete;

  // Loads the library, from `path` or (NULL) from where the system has it, and starts it. Without it the other calls
  // know nothing.
  void open(const char *path);

  // How many devices the machine has, visible to CUDA or not. False when it is not known.
  bool count(uint32_t *out) const;

  // Fills in a device's free and reserved memory (and its total, where CUDA does not know it), and whether it is a
  // slice or shares the host's memory. What is not known stays as it is.
  void describe(infermem_device_facts *out) const;

 private:
  struct Handle;  // NVML's own
  struct Memory {
    unsigned long long total, free, used;
  };
  struct Memory2 {
    unsigned version;
    unsigned long long total, reserved, free, used;
  };

  Handle *find_device(infermem_device_facts *facts) const;
  Handle *find_at(const char *bus_id) const;
  int memory_of(Handle *device, Memory2 *out) const;

  Library library_;
  bool started_ = false;

  // Their C types; an nvmlReturn_t is an int.
  int (*shutdown_)() = nullptr;
  int (*device_count_)(unsigned *) = nullptr;
  int (*device_by_uuid_)(const char *, Handle **) = nullptr;
  int (*device_by_bus_id_)(const char *, Handle **) = nullptr;
  int (*mig_mode_)(Handle *, unsigned *, unsigned *) = nullptr;
  int (*memory_)(Handle *, Memory *) = nullptr;
  int (*memory2_)(Handle *, Memory2 *) = nullptr;
};

}  // namespace infermem
