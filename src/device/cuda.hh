// The CUDA driver API, as far as it says which devices there are. It is never asked to make a context: that costs
// hundreds of MiB on the device for the rest of the process.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/dl.hh"
#include "device/why.hh"

namespace infermem {

class Cuda {
 public:
  // Loads the driver, from `path` or (NULL) from where the system has it, initializes it, and counts its devices.
  // False, with the reason in *why, when there are none. `root` comes before the path of the device node.
  bool open(const char *path, const char *root, Why *why);

  uint32_t count() const { return count_; }

  // Fills in what the driver says of a device: all but the free memory. False, with the reason in *why, when it does
  // not even tell the total.
  bool describe(uint32_t ordinal, infermem_device_facts *out, Why *why) const;

 private:
  struct Uuid {
    unsigned char bytes[16];
  };

  bool find_functions(Why *why);
  void explain(int code, const char *root, Why *why) const;
  uint32_t attribute(int which, int device) const;

  Library library_;
  uint32_t count_ = 0;
  uint32_t version_ = 0;

  // Their C types; a CUresult, a CUdevice and a CUdevice_attribute are ints.
  int (*init_)(unsigned) = nullptr;
  int (*driver_version_)(int *) = nullptr;
  int (*device_count_)(int *) = nullptr;
  int (*device_get_)(int *, int) = nullptr;
  int (*device_name_)(char *, int, int) = nullptr;
  int (*device_uuid_)(Uuid *, int) = nullptr;
  int (*device_total_)(size_t *, int) = nullptr;
  int (*device_attribute_)(int *, int, int) = nullptr;
  int (*device_bus_id_)(char *, int, int) = nullptr;
};

}  // namespace infermem
