#include "device/list.hh"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/log.hh"
#include "device/host.hh"

namespace infermem {
namespace {

Status check_path(const char *path, const char *name) {
  if (!path || path[0] == '/') return INFERMEM_OK;
  return fail(INFERMEM_E_ARG, '/', static_cast<unsigned char>(path[0]), "%s is not an absolute path", name);
}

// Whether it is CUDA_VISIBLE_DEVICES that leaves no device. NVML is not subject to it; without NVML the variable's
// value may tell: its list ends at the first entry that is no device.
bool hidden(const char *nvml_path) {
  const char *const visible = std::getenv("CUDA_VISIBLE_DEVICES");
  if (!visible) return false;
  Nvml nvml;
  nvml.open(nvml_path);
  uint32_t count;
  if (nvml.count(&count)) return count != 0;
  return visible[0] == '\0' || visible[0] == '-' || std::strcmp(visible, "NoDevFiles") == 0;
}

}  // namespace

DeviceList::~DeviceList() { allocator_.give(devices_, capacity_ * sizeof *devices_, alignof(infermem_device_facts)); }

Status DeviceList::open(const infermem_device_options &options, const Allocator &allocator) {
  constexpr uint32_t kFlags = INFERMEM_DEVICE_NO_CUDA | INFERMEM_DEVICE_NO_AMD;
  if ((options.flags & ~kFlags) != 0)
    return fail(INFERMEM_E_ARG, kFlags, options.flags, "flags are 0x%x, of which 0x%x are unknown", options.flags,
                options.flags & ~kFlags);
  if (options.reserved != 0)
    return fail(INFERMEM_E_ARG, 0, options.reserved, "a reserved field is %u, not 0", options.reserved);
  INFERMEM_TRY(check_path(options.cuda_path, "cuda_path"));
  INFERMEM_TRY(check_path(options.nvml_path, "nvml_path"));
  INFERMEM_TRY(check_path(options.root, "root"));
  const char *const root = options.root ? options.root : "";
  allocator_ = allocator;
  read_host(root, &host_);

  Cuda cuda;
  bool has_cuda = false;
  if (options.flags & INFERMEM_DEVICE_NO_CUDA)
    why_.set(INFERMEM_DEVICE_WHY_DISABLED, "looking for CUDA devices is switched off");
  else if (cuda.open(options.cuda_path, root, &why_))
    has_cuda = true;
  else if (why_.code == INFERMEM_DEVICE_WHY_NO_DEVICE && hidden(options.nvml_path))
    why_.set(INFERMEM_DEVICE_WHY_HIDDEN, "CUDA_VISIBLE_DEVICES hides all CUDA devices");
  Amd amd;
  if (!(options.flags & INFERMEM_DEVICE_NO_AMD)) amd.read(root, host_);
  INFERMEM_TRY(list_devices(has_cuda ? &cuda : nullptr, options.nvml_path, amd));
  if (count_ == 0 && amd.all_are_hidden())
    why_.set(INFERMEM_DEVICE_WHY_HIDDEN, "ROCR_VISIBLE_DEVICES or HIP_VISIBLE_DEVICES hides all AMD devices");
  if (count_ == 0) log(INFERMEM_LOG_INFO, "%s", why_.text);
  return INFERMEM_OK;
}

Status DeviceList::list_devices(const Cuda *cuda, const char *nvml_path, const Amd &amd) {
  const size_t most = (cuda ? cuda->count() : 0) + amd.count();
  if (most == 0) return INFERMEM_OK;
  const size_t bytes = most * sizeof *devices_;
  devices_ = static_cast<infermem_device_facts *>(allocator_.take(bytes, alignof(infermem_device_facts)));
  if (!devices_) return fail_nomem(bytes);
  capacity_ = most;
  if (cuda) {
    Nvml nvml;
    nvml.open(nvml_path);
    for (uint32_t ordinal = 0; ordinal < cuda->count(); ++ordinal) {
      infermem_device_facts *const facts = &devices_[count_];
      if (!cuda->describe(ordinal, facts, &why_)) {
        log(INFERMEM_LOG_WARN, "%s", why_.text);
        continue;
      }
      add_free(nvml, facts);
      ++count_;
    }
  }
  for (size_t i = 0; i < amd.count(); ++i) devices_[count_++] = amd.at(i);
  if (count_ != 0) why_ = Why();
  return INFERMEM_OK;
}

void DeviceList::add_free(const Nvml &nvml, infermem_device_facts *out) const {
  // A total of 0 is a driver's way to say that there is no memory but the host's.
  if (!out->is_unified) nvml.describe(out);
  if (out->total_bytes == 0) out->is_unified = 1;
  if (!out->is_unified) return;
  if (out->total_bytes == 0) out->total_bytes = host_.total_bytes;
  if (!(host_.known & INFERMEM_HOST_EFFECTIVE)) return;
  out->free_bytes = std::min(host_.effective_bytes, out->total_bytes);
  out->free_known = 1;
  out->free_source = INFERMEM_DEVICE_SOURCE_HOST;
  out->timestamp_ns = host_.timestamp_ns;
}

Status DeviceList::device(size_t index, infermem_device_facts *out) const {
  if (index >= count_) return fail(INFERMEM_E_RANGE, count_, index, "index is %zu, of %zu devices", index, count_);
  *out = devices_[index];
  return INFERMEM_OK;
}

}  // namespace infermem
