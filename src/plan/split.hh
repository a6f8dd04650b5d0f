// Whether a model fits so, and where its layers then go.
#pragma once

#include "plan/sizes.hh"

namespace infermem {

// One way to run a model.
struct Way {
  Caches caches;
  uint64_t n_resident;      // of the layers loaded, the first that stay
  uint64_t n_host_experts;  // the first whose routed experts are on the host
  bool on_host;             // everything is, although there are devices
};

// Layers go to the devices in order, the one with the most usable memory first, each taking as many as its room allows.
// As the order of layers and devices is fixed, no other way of dividing them fits where this one does not.
class Split {
 public:
  Split(const Request &request, const Sizes &sizes) : request_(request), sizes_(sizes) { sort(); }

  bool fits(const Way &way) const { return fits_host(way) && fits_devices(way); }
  // What must be in the host's memory fits there; always where there is none known, and in a pool, which is a device.
  bool fits_host(const Way &way) const { return host_bytes(way).is_at_most(host_room(way)); }
  Size host_bytes(const Way &way) const;
  bool fits_devices(const Way &way) const { return walk(way, kWhole, nullptr, nullptr); }

  // The most of the first layers that can stay while others pass through; 0 where not even one can.
  uint64_t most_resident(const Caches &caches) const;

  // Writes the place of each layer: no device is fuller, of its room, than has to be. Where it does not fit, what is
  // left over is on the last device.
  void place(const Way &way, PlanLayer *layers, size_t *out_head) const;

  // Whether layers that pass through can all be kept in the host's memory.
  bool can_keep_streamed(const Way &way) const;

  // Another amount of free memory on the device that comes first, or without devices on the host.
  void set_largest(uint64_t free_bytes);
  uint64_t largest() const { return rooms_[0].free_bytes; }
  // Only the first n of the layers loaded.
  void cut_to(uint64_t n) { n_layers_ = n; }

 private:
  static constexpr uint64_t kWhole = 1024;  // parts of a room
  struct Room {
    size_t place;
    uint64_t free_bytes;
    uint64_t margin;
    uint64_t driver;

    uint64_t usable() const;  // what is free beyond the margin and the driver's
    bool precedes(const Room &other) const;
  };

  void sort();
  bool is_pool(const Way &way) const { return way.on_host || request_.is_pool(); }
  uint64_t host_room(const Way &way) const;
  // The walk over layers and rooms, of each room so many parts used.
  bool walk(const Way &way, uint64_t parts, PlanLayer *layers, size_t *out_head) const;
  Size fixed_bytes(const Way &way, const Room &room) const;
  uint64_t limit(const Room &room, Size fixed, uint64_t parts) const;
  // How many layers that stay the first 0, 1, ... n_rooms_ devices hold together.
  void count_held(const Caches &caches, uint64_t *out) const;

  const Request &request_;
  const Sizes &sizes_;
  Room rooms_[INFERMEM_PLAN_MAX_DEVICES];
  size_t n_rooms_ = 0;
  uint64_t n_layers_ = UINT64_MAX;
};

}  // namespace infermem
