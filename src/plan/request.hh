// What plan_new was asked for, with every default filled in.
#pragma once

#include "base/vec.hh"
#include "infermem/plan.h"

namespace infermem {

constexpr size_t kKinds = INFERMEM_PLAN_KINDS + 1;  // indexed by kind

// A device, or the host, and what the ledger has there.
struct PlanPlace {
  char name[96];
  uint64_t total_bytes;
  uint64_t free_bytes;  // of the host, 0 where it is not known
  uint64_t margin;
  uint64_t driver;
  uint64_t link_bytes_per_s;
  uint64_t bytes[kKinds];
  uint32_t confidence[kKinds];
  uint64_t n_resident;

  uint64_t total() const {  // which is known to fit
    uint64_t sum = 0;
    for (const uint64_t b : bytes) sum += b;
    return sum;
  }
};

// How long the caches are, and how they are stored.
struct Caches {
  uint64_t context;
  int32_t k_type;
  int32_t v_type;
};

struct Request {
  void use(const Allocator &allocator) { places.use(allocator); }
  // Records what plan_new does. The context stays 0 where it is the model's.
  Status read(const infermem_plan_options &given, const infermem_plan_device *devices, size_t n_devices);
  // Once the model is known.
  Status settle_context(const infermem_model_config &config);

  bool has(uint32_t flag) const { return (options.flags & flag) != 0; }
  bool may(uint32_t step) const { return (options.steps & step) != 0; }
  PlanPlace &host() { return places[n_devices]; }
  const PlanPlace &host() const { return places[n_devices]; }
  bool host_known() const { return host().free_bytes != 0; }
  // Whether all there is lies in one memory: without devices, or on one that shares the host's.
  bool is_pool() const { return n_devices == 0 || is_unified; }
  uint64_t context_step() const;
  Caches asked() const { return {options.context, options.k_type, options.v_type}; }
  // What is left free of a device.
  uint64_t margin_of(uint64_t free_bytes) const;

  infermem_plan_options options = {};
  Vec<PlanPlace> places;  // the devices, then the host
  size_t n_devices = 0;
  bool is_unified = false;
  uint32_t notes = 0;

 private:
  Status check() const;
  Status read_device(const infermem_plan_device &device, size_t index);
};

}  // namespace infermem
