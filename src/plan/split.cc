#include "plan/split.hh"

#include <algorithm>

namespace infermem {

uint64_t Split::Room::usable() const { return free_bytes - std::min(free_bytes, (Size(margin) + driver).or_most()); }

bool Split::Room::precedes(const Room &other) const {
  if (usable() != other.usable()) return usable() > other.usable();
  return free_bytes != other.free_bytes ? free_bytes > other.free_bytes : place < other.place;
}

void Split::sort() {
  n_rooms_ = 0;
  if (request_.n_devices == 0) {
    const PlanPlace &host = request_.host();
    rooms_[n_rooms_++] = {0, host.free_bytes, host.margin, 0};
    return;
  }
  for (size_t i = 0; i < request_.n_devices; ++i) {
    const PlanPlace &place = request_.places[i];
    const Room room = {i, place.free_bytes, place.margin, place.driver};
    size_t at = n_rooms_++;
    for (; at > 0 && room.precedes(rooms_[at - 1]); --at) rooms_[at] = rooms_[at - 1];
    rooms_[at] = room;
  }
}

void Split::set_largest(uint64_t free_bytes) {
  sort();  // as they were: the room may have been moved before
  Room room = rooms_[0];
  room.free_bytes = free_bytes;
  if (request_.n_devices != 0) room.margin = request_.margin_of(free_bytes);
  size_t at = 0;
  for (; at + 1 < n_rooms_ && rooms_[at + 1].precedes(room); ++at) rooms_[at] = rooms_[at + 1];
  rooms_[at] = room;
}

Size Split::host_bytes(const Way &way) const {
  if (is_pool(way)) return 0;
  Size sum = sizes_.host_compute(way.caches) + sizes_.embedding(false);
  if (request_.options.profile == INFERMEM_PLAN_CELLS) sum += sizes_.output();
  uint64_t n = 0;
  for (size_t i = 0; i < sizes_.n_layers() && n < way.n_host_experts; ++i) {
    if (!sizes_.layer(i).is_loaded) continue;
    sum += sizes_.layer(i).experts;
    ++n;
  }
  return sum.is_at_most(0) ? sum : sum + request_.host().margin;  // which is not kept where there is nothing else
}

uint64_t Split::host_room(const Way &way) const {
  return is_pool(way) || !request_.host_known() ? UINT64_MAX : request_.host().free_bytes;
}

bool Split::can_keep_streamed(const Way &way) const {
  if (is_pool(way) || !request_.host_known()) return false;
  Size sum = host_bytes(way) + request_.host().margin;  // which may be in it already
  uint64_t n = 0;
  for (size_t i = 0; i < sizes_.n_layers(); ++i)
    if (sizes_.layer(i).is_loaded && n++ >= way.n_resident) sum += sizes_.layer(i).weights;
  return sum.is_at_most(request_.host().free_bytes);
}

// What a device needs before it has a layer.
Size Split::fixed_bytes(const Way &way, const Room &room) const {
  Size sum = Size(room.margin) + room.driver;
  if (!is_pool(way)) return sum + sizes_.compute(way.caches, false);
  return sum + sizes_.pool_compute(way.caches) + sizes_.output();
}

uint64_t Split::limit(const Room &room, Size fixed, uint64_t parts) const {
  const uint64_t least = fixed.or_most();
  if (parts == kWhole || least >= room.free_bytes) return room.free_bytes;
  const uint64_t rest = room.free_bytes - least;
  return least + rest / kWhole * parts + rest % kWhole * parts / kWhole;
}

bool Split::walk(const Way &way, uint64_t parts, PlanLayer *layers, size_t *out_head) const {
  const Room host = {request_.n_devices, request_.host().free_bytes, request_.host().margin, 0};
  const Room *const rooms = way.on_host ? &host : rooms_;
  const size_t n_rooms = way.on_host ? 1 : n_rooms_;
  if (way.on_host && !request_.host_known()) return false;

  size_t room = 0;
  bool fits = true;
  Size used = fixed_bytes(way, rooms[0]);
  uint64_t most = limit(rooms[0], used, parts);
  bool has_slots = false;
  // Adds what is to come in one piece, and the slots where it passes through, in the first room that has it.
  const auto add = [&](Size bytes, bool is_streamed) {
    for (;;) {
      Size after = used + bytes;
      if (is_streamed && !has_slots) after += sizes_.staging();
      if (after.is_at_most(most) || room + 1 == n_rooms) {
        fits = fits && after.is_at_most(most);
        has_slots = has_slots || is_streamed;
        used = after;
        return;
      }
      ++room;
      used = fixed_bytes(way, rooms[room]);
      most = limit(rooms[room], used, parts);
      has_slots = false;
    }
  };

  uint64_t n = 0;
  for (size_t i = 0; i < sizes_.n_layers() && n < n_layers_; ++i) {
    const PlanLayer &layer = sizes_.layer(i);
    if (!layer.is_loaded) continue;
    const bool is_streamed = n >= way.n_resident;
    const uint64_t experts = n < way.n_host_experts ? layer.experts : 0;
    Size bytes = Size(layer.state) + sizes_.kv(layer, way.caches);
    if (!is_streamed) bytes += Size(layer.weights - experts) + layer.dequant;
    add(bytes, is_streamed);
    ++n;
    if (!fits && !layers) return false;
    if (layers) layers[i].place = static_cast<uint32_t>(rooms[room].place);
  }
  // The output is computed where its matrix is, in more than the buffers of a layer.
  Size head = sizes_.head(is_pool(way));
  if (!is_pool(way)) {
    head += sizes_.compute(way.caches, true).or_most() - sizes_.compute(way.caches, false).or_most();
    if (request_.options.profile != INFERMEM_PLAN_CELLS) head += sizes_.output();
  }
  add(head, false);
  if (out_head) *out_head = rooms[room].place;
  return fits;
}

void Split::count_held(const Caches &caches, uint64_t *out) const {
  const Way way = {caches, sizes_.n_loaded(), 0, false};
  size_t room = 0;
  Size used = fixed_bytes(way, rooms_[0]);
  uint64_t n = 0;
  for (size_t i = 0; i < sizes_.n_layers() && room < n_rooms_; ++i) {
    const PlanLayer &layer = sizes_.layer(i);
    if (!layer.is_loaded) continue;
    const Size bytes = Size(layer.state) + sizes_.kv(layer, caches) + layer.weights + layer.dequant;
    while (room < n_rooms_ && !(used + bytes).is_at_most(rooms_[room].free_bytes)) {
      out[++room] = n;
      if (room < n_rooms_) used = fixed_bytes(way, rooms_[room]);
    }
    if (room == n_rooms_) break;
    used += bytes;
    ++n;
  }
  out[0] = 0;
  while (room < n_rooms_) out[++room] = n;
}

// A device on which all layers stay needs no slots. So of the numbers between what whole devices hold, the smaller ones
// fit up to one of them; those beyond may, where the slots of the device in the middle have gone.
uint64_t Split::most_resident(const Caches &caches) const {
  const uint64_t most = sizes_.n_loaded() - 1;
  const auto fits_with = [&](uint64_t n) { return fits({caches, n, 0, false}); };
  uint64_t held[INFERMEM_PLAN_MAX_DEVICES + 1];
  count_held(caches, held);
  for (size_t room = n_rooms_; room-- > 0;) {
    uint64_t low = std::max(held[room], uint64_t{1});
    uint64_t high = std::min(held[room + 1], most);
    if (low > high) continue;
    if (fits_with(high)) return high;
    if (!fits_with(low)) continue;
    while (low + 1 < high) {  // low fits, high does not
      const uint64_t middle = low + (high - low) / 2;
      (fits_with(middle) ? low : high) = middle;
    }
    return low;
  }
  return 0;
}

void Split::place(const Way &way, PlanLayer *layers, size_t *out_head) const {
  uint64_t parts = kWhole;
  if (n_rooms_ > 1 && !way.on_host && fits_devices(way)) {
    uint64_t low = 0;  // does not fit, or is not worth asking
    while (low + 1 < parts) {
      const uint64_t middle = low + (parts - low) / 2;
      (walk(way, middle, nullptr, nullptr) ? parts : low) = middle;
    }
  }
  walk(way, parts, layers, out_head);
}

}  // namespace infermem
