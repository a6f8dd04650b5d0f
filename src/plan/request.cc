#include "plan/request.hh"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "base/dtype.hh"
#include "base/size.hh"
#include "base/structs.hh"

namespace infermem {
namespace {

constexpr uint64_t kGuessedContext = 4096;
constexpr uint32_t kFlags = INFERMEM_PLAN_NO_FLASH_ATTENTION | INFERMEM_PLAN_UNIFIED_KV | INFERMEM_PLAN_SWA_FULL |
                            INFERMEM_PLAN_SWA_QUANTIZED | INFERMEM_PLAN_NEXTN | INFERMEM_PLAN_EXPERT_WISE |
                            INFERMEM_PLAN_DEQUANT_F8 | INFERMEM_PLAN_DEQUANT_F16 | INFERMEM_PLAN_NO_MARGIN;
constexpr uint32_t kBothDequants = INFERMEM_PLAN_DEQUANT_F8 | INFERMEM_PLAN_DEQUANT_F16;
constexpr uint32_t kSteps = INFERMEM_PLAN_STEP_NONE | INFERMEM_PLAN_STEP_QUANTIZE_KV | INFERMEM_PLAN_STEP_HOST_EXPERTS |
                            INFERMEM_PLAN_STEP_SOME_LAYERS | INFERMEM_PLAN_STEP_ALL_LAYERS | INFERMEM_PLAN_STEP_HOST;
constexpr uint32_t kUsualSteps = INFERMEM_PLAN_STEP_HOST_EXPERTS | INFERMEM_PLAN_STEP_SOME_LAYERS |
                                 INFERMEM_PLAN_STEP_ALL_LAYERS | INFERMEM_PLAN_STEP_HOST;
constexpr uint32_t kDeviceFlags = INFERMEM_PLAN_DEVICE_UNIFIED | INFERMEM_PLAN_DEVICE_HAS_CONTEXT;

template <typename T>
void default_to(T *value, T otherwise) {
  if (*value == 0) *value = otherwise;
}

Status check_count(uint64_t value, const char *name) {
  if (value <= INFERMEM_PLAN_MAX_CONTEXT) return INFERMEM_OK;
  return fail(INFERMEM_E_LIMIT, INFERMEM_PLAN_MAX_CONTEXT, value, "%s is %llu, above %llu", name, wide(value),
              wide(INFERMEM_PLAN_MAX_CONTEXT));
}

Status check_range(uint64_t value, uint64_t most, const char *name) {
  if (value <= most) return INFERMEM_OK;
  return fail(INFERMEM_E_ARG, most, value, "%s is %llu, above %llu", name, wide(value), wide(most));
}

Status check_bits(uint32_t value, uint32_t known, const char *name) {
  if ((value & ~known) == 0) return INFERMEM_OK;
  return fail(INFERMEM_E_ARG, known, value, "%s are 0x%x, of which 0x%x are unknown", name, value, value & ~known);
}

}  // namespace

Status Request::check() const {
  INFERMEM_TRY(check_bits(options.flags, kFlags, "flags"));
  INFERMEM_TRY(check_bits(options.steps, kSteps, "steps"));
  if (may(INFERMEM_PLAN_STEP_NONE) && options.steps != INFERMEM_PLAN_STEP_NONE)
    return fail(INFERMEM_E_ARG, INFERMEM_PLAN_STEP_NONE, options.steps, "steps are 0x%x: no step, and others besides",
                options.steps);
  if ((options.flags & kBothDequants) == kBothDequants)
    return fail(INFERMEM_E_ARG, INFERMEM_PLAN_DEQUANT_F16, options.flags,
                "flags ask for a copy of the matrices in 8 bits and in 16");
  INFERMEM_TRY(check_range(options.profile, INFERMEM_PLAN_BLOCKS, "profile"));
  INFERMEM_TRY(check_range(options.mla, INFERMEM_PLAN_MLA_FULL, "mla"));
  if (options.slots != 0 && (options.slots < 2 || options.slots > 4))
    return fail(INFERMEM_E_ARG, 2, options.slots, "slots are %u, not 2 to 4", options.slots);
  if (options.reserved != 0)
    return fail(INFERMEM_E_ARG, 0, options.reserved, "reserved is %u, not 0", options.reserved);
  if (!std::isfinite(options.margin_fraction))
    return fail(INFERMEM_E_NOT_FINITE, 0, 0, "margin_fraction is not finite");
  if (options.margin_fraction < 0 || options.margin_fraction >= 1)
    return fail(INFERMEM_E_ARG, 0, 1, "margin_fraction is not from 0 to below 1");
  INFERMEM_TRY(check_count(options.context, "context"));
  INFERMEM_TRY(check_count(options.min_context, "min_context"));
  INFERMEM_TRY(check_count(options.n_sequences, "n_sequences"));
  INFERMEM_TRY(check_count(options.ubatch, "ubatch"));
  INFERMEM_TRY(check_count(options.n_outputs_max, "n_outputs_max"));
  INFERMEM_TRY(check_count(options.n_snapshots, "n_snapshots"));
  Block block;
  INFERMEM_TRY(dtype_block(options.k_type, &block));
  return dtype_block(options.v_type, &block);
}

Status Request::read(const infermem_plan_options &given, const infermem_plan_device *devices, size_t count) {
  options = given;
  INFERMEM_TRY(check());
  if (count > INFERMEM_PLAN_MAX_DEVICES)
    return fail(INFERMEM_E_LIMIT, INFERMEM_PLAN_MAX_DEVICES, count, "%zu devices are more than %d", count,
                INFERMEM_PLAN_MAX_DEVICES);
  default_to(&options.profile, uint32_t{INFERMEM_PLAN_PLAIN});
  default_to(&options.slots, uint32_t{2});
  default_to(&options.steps, kUsualSteps);
  default_to(&options.n_sequences, uint64_t{1});
  default_to(&options.ubatch, uint64_t{512});
  default_to(&options.driver_bytes, uint64_t{INFERMEM_PLAN_DRIVER});
  default_to(&options.link_bytes_per_s, uint64_t{INFERMEM_PLAN_PCIE4});

  n_devices = count;
  INFERMEM_TRY(places.resize(n_devices + 1, PlanPlace{}));
  for (size_t i = 0; i < n_devices; ++i) {
    infermem_plan_device device;
    const char *const at = reinterpret_cast<const char *>(devices) + i * devices->struct_size;
    const auto *const element = reinterpret_cast<const infermem_plan_device *>(at);
    INFERMEM_TRY(read_struct(element, &device, "devices"));
    if (device.struct_size != devices->struct_size)
      return fail(INFERMEM_E_STRUCT, devices->struct_size, device.struct_size,
                  "device %zu has a struct_size of %zu, the first one of %zu", i, device.struct_size,
                  devices->struct_size);
    INFERMEM_TRY(read_device(device, i));
  }
  std::snprintf(host().name, sizeof host().name, "host");
  if (n_devices == 0 && options.host_bytes == 0)
    return fail(INFERMEM_E_ARG, 1, 0, "without devices the host is planned with, and host_bytes is 0");
  host().free_bytes = is_unified ? 0 : options.host_bytes;  // which the device has
  default_to(&options.host_margin_bytes, uint64_t{INFERMEM_PLAN_HOST_MARGIN});
  if (!has(INFERMEM_PLAN_NO_MARGIN)) host().margin = options.host_margin_bytes;
  return INFERMEM_OK;
}

Status Request::read_device(const infermem_plan_device &device, size_t index) {
  PlanPlace &place = places[index];
  if (!std::memchr(device.name, '\0', sizeof device.name))
    return fail(INFERMEM_E_ARG, sizeof device.name, 0, "the name of device %zu has no NUL", index);
  if (device.reserved != 0) return fail(INFERMEM_E_ARG, 0, device.reserved, "reserved of device %zu is not 0", index);
  INFERMEM_TRY(check_bits(device.flags, kDeviceFlags, "a device's flags"));
  if (device.free_bytes == 0)
    return fail(INFERMEM_E_ARG, 1, 0,
                "the free memory of device %zu is 0: where it is not known, the caller has to choose a number", index);
  if (device.name[0] != '\0')
    std::memcpy(place.name, device.name, sizeof place.name);
  else
    std::snprintf(place.name, sizeof place.name, "device %zu", index);
  place.total_bytes = device.total_bytes;
  place.free_bytes = device.free_bytes;
  place.link_bytes_per_s = device.link_bytes_per_s != 0 ? device.link_bytes_per_s : options.link_bytes_per_s;
  if ((device.flags & INFERMEM_PLAN_DEVICE_HAS_CONTEXT) == 0) place.driver = options.driver_bytes;
  if ((device.flags & INFERMEM_PLAN_DEVICE_UNIFIED) != 0) {
    if (n_devices != 1)
      return fail(INFERMEM_E_ARG, 1, n_devices,
                  "device %zu of %zu shares the host's memory, and has to be planned with alone", index, n_devices);
    is_unified = true;
  }
  place.margin = margin_of(place.free_bytes);
  return INFERMEM_OK;
}

uint64_t Request::margin_of(uint64_t free_bytes) const {
  if (has(INFERMEM_PLAN_NO_MARGIN)) return 0;
  double fraction = options.margin_fraction;
  uint64_t least = options.margin_bytes;
  if (is_unified)
    fraction = std::max(fraction, 0.25);
  else
    default_to(&least, uint64_t{INFERMEM_PLAN_MARGIN});
  // Below 2^64, as the fraction is below 1; rounded to the 53 bits of a double.
  const double part = std::ceil(static_cast<double>(free_bytes) * fraction);
  const auto bytes = part < 0x1p64 ? static_cast<uint64_t>(part) : UINT64_MAX;
  return std::max(least, std::min(bytes, free_bytes));
}

uint64_t Request::context_step() const {
  return options.profile == INFERMEM_PLAN_CELLS ? 256 : options.profile == INFERMEM_PLAN_BLOCKS ? 16 : 1;
}

Status Request::settle_context(const infermem_model_config &config) {
  if (options.context == 0) {
    options.context = config.context != 0 ? config.context : kGuessedContext;
    if (config.context == 0) notes |= INFERMEM_PLAN_NOTE_CONTEXT_GUESSED;
  }
  if (config.context != 0 && options.context > config.context) notes |= INFERMEM_PLAN_NOTE_CONTEXT_BEYOND;
  INFERMEM_TRY(check_range(options.min_context, options.context, "min_context"));
  const uint64_t step = context_step();  // of which INFERMEM_PLAN_MAX_CONTEXT is a multiple
  options.context = (options.context + step - 1) / step * step;
  options.min_context = (options.min_context + step - 1) / step * step;
  default_to(&options.min_context, options.context);
  return INFERMEM_OK;
}

}  // namespace infermem
