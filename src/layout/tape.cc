#include "layout/tape.hh"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.hh"
#include "layout/store.hh"

namespace infermem {
namespace {

// Two of AddressSanitizer's granules: one of them is whole wherever the zone begins.
constexpr size_t kRedZone = 16;

constexpr uint32_t kSettings =
    INFERMEM_TAPE_LAZY | INFERMEM_TAPE_ZERO_ON_CLEAR | INFERMEM_TAPE_EXCLUSIVE | INFERMEM_TAPE_REQUIRE;
constexpr uint32_t kWishes = INFERMEM_TAPE_WARM | INFERMEM_TAPE_HUGE | INFERMEM_TAPE_LOCK | INFERMEM_TAPE_GUARD;
constexpr uint32_t kFlags = kSettings | kWishes | INFERMEM_TAPE_SHARED;

std::atomic<uint64_t> next_id{1};

Status check_options(const infermem_tape_options &options) {
  if (options.size == 0) return fail(INFERMEM_E_ARG, 1, 0, "a tape's size is 0");
  const uint32_t flags = options.flags;
  if ((flags & ~kFlags) != 0)
    return fail(INFERMEM_E_ARG, kFlags, flags, "a tape's flags are 0x%x, of which 0x%x are unknown", flags,
                flags & ~kFlags);
  if ((flags & INFERMEM_TAPE_WARM) && (flags & INFERMEM_TAPE_LAZY))
    return fail(INFERMEM_E_ARG, 0, flags, "a tape's flags hold both WARM and LAZY");
  if ((flags & INFERMEM_TAPE_SHARED) && options.lent)
    return fail(INFERMEM_E_ARG, 0, flags, "a tape's flags hold SHARED, but its memory is lent");
  if (options.reserved != 0)
    return fail(INFERMEM_E_ARG, 0, options.reserved, "a reserved field is %u, not 0", options.reserved);
  return INFERMEM_OK;
}

}  // namespace

Status Tape::open(const infermem_tape_options &options, const Allocator &) {
  INFERMEM_TRY(check_options(options));
  const uint32_t flags = options.flags;
  uint32_t granted = flags & kSettings;
  void *base = options.lent;
  size_t size = options.size;
  if (base) {
    if (reinterpret_cast<uintptr_t>(base) > PTRDIFF_MAX - size || size > PTRDIFF_MAX)
      return fail(INFERMEM_E_OVERFLOW, 0, size, "%zu bytes lent at %p do not fit the address range", size,
                  options.lent);
  } else {
    MappingWishes wishes;
    wishes.huge = (flags & INFERMEM_TAPE_HUGE) != 0;
    wishes.guard = (flags & INFERMEM_TAPE_GUARD) != 0;
    wishes.shared = (flags & INFERMEM_TAPE_SHARED) != 0;
    wishes.numa_nodes = options.numa_nodes;
    INFERMEM_TRY(mapping_.reserve(size, wishes));
    base = mapping_.data();
    size = mapping_.size();
    const MappingWishes &got = mapping_.granted();
    if (got.huge) granted |= INFERMEM_TAPE_HUGE;
    if (got.guard) granted |= INFERMEM_TAPE_GUARD;
    if (got.shared) granted |= INFERMEM_TAPE_SHARED;
    if (got.numa_nodes != 0) granted |= INFERMEM_TAPE_NUMA;
    if ((flags & INFERMEM_TAPE_LOCK) && mapping_.lock()) granted |= INFERMEM_TAPE_LOCK;
  }
  if (flags & INFERMEM_TAPE_WARM) {
    const int refused = commit_pages(base, size);
    if (refused == 0)
      granted |= INFERMEM_TAPE_WARM;
    else
      log(INFERMEM_LOG_INFO, "%zu bytes not warmed: errno %d", size, refused);
  }

  const uint32_t wanted = flags | (options.numa_nodes != 0 ? uint32_t{INFERMEM_TAPE_NUMA} : 0);
  if ((flags & INFERMEM_TAPE_REQUIRE) && (wanted & ~granted) != 0)
    return fail(INFERMEM_E_SYSTEM, wanted, granted, "of the tape flags 0x%x required, 0x%x were not granted", wanted,
                wanted & ~granted);

  base_ = reinterpret_cast<uintptr_t>(base);
  cursor_.store(base_, std::memory_order_relaxed);
  end_ = base_ + size;
  size_ = size;
  exclusive_ = (flags & INFERMEM_TAPE_EXCLUSIVE) != 0;
  red_zone_ = poison::active() ? kRedZone : 0;
  if (poison::active() || (flags & INFERMEM_TAPE_ZERO_ON_CLEAR)) special_ |= kCleaned;
  requested_ = flags;
  granted_ = granted;
  lent_ = options.lent != nullptr;
  id_ = next_id.fetch_add(1, std::memory_order_relaxed);
  poison::forbid(base, size);
  return INFERMEM_OK;
}

Tape::~Tape() {
  if (!base_) return;
  Store::expire(this, 0);
  if ((special_ & kSealed) && lent_) (void)unseal();
  poison::allow_defined(data(), size_);  // the next owner of these addresses starts without marks
}

void Tape::make_accessible(uintptr_t begin, size_t size) const {
  auto *const p = reinterpret_cast<void *>(begin);
  if ((granted_ & INFERMEM_TAPE_ZERO_ON_CLEAR) || lent_)
    poison::allow_defined(p, size);
  else
    poison::allow(p, size);
}

void Tape::clean(uintptr_t begin, uintptr_t end) const {
  if (!(special_ & kCleaned)) return;
  auto *const p = reinterpret_cast<void *>(begin);
  if (granted_ & INFERMEM_TAPE_ZERO_ON_CLEAR) {
    poison::allow(p, end - begin);  // the red zones among it
    std::memset(p, 0, end - begin);
  }
  poison::forbid(p, end - begin);
}

void Tape::give_back(uintptr_t to) {
  clean(to, cursor_.load(std::memory_order_relaxed));
  move_back(to);
  if (stores_.load(std::memory_order_relaxed)) Store::expire(this, to);
}

bool Tape::take_back(uintptr_t begin, uintptr_t end) const {
  clean(begin, end);  // until the cursor moves, the bytes are still their user's
  // Releases what was written there to whoever is given the bytes next.
  return cursor_.compare_exchange_strong(end, begin, std::memory_order_release, std::memory_order_relaxed);
}

Status Tape::why_not(size_t size, size_t align) const {
  if (size == 0) return fail(INFERMEM_E_ARG, 1, 0, "size is 0");
  if (!checked::is_power_of_two(align)) return fail(INFERMEM_E_ARG, 0, align, "align is %zu, no power of two", align);
  INFERMEM_TRY(check_unsealed());
  failures_.fetch_add(1, std::memory_order_relaxed);
  const TapeUsage now = usage();
  return fail(INFERMEM_E_FULL, size, now.total - now.used, "%zu bytes at %zu do not fit: %zu of %zu are used", size,
              align, now.used, now.total);
}

Status Tape::check_unsealed() const {
  if (!(special_ & kSealed)) return INFERMEM_OK;
  return fail(INFERMEM_E_SEALED, 0, 0, "the tape of %zu bytes is sealed", size_);
}

Status Tape::alloc_array(size_t count, size_t size, size_t align, void **out) const {
  size_t bytes;
  if (!checked::mul(count, size, &bytes))
    return fail(INFERMEM_E_OVERFLOW, size, count, "%zu elements of %zu bytes do not fit", count, size);
  if (count == 0) return fail(INFERMEM_E_ARG, 1, 0, "count is 0");
  return alloc(bytes, align, out);
}

infermem_tape_mark Tape::mark() const { return {id_, offset(), generation()}; }

Status Tape::rewind(const infermem_tape_mark &mark) {
  INFERMEM_TRY(check_unsealed());
  if (mark.tape != id_) return fail(INFERMEM_E_ARG, id_, mark.tape, "the mark is of another tape");
  const uint64_t generation = this->generation();
  if (mark.generation != generation)
    return fail(INFERMEM_E_STALE, generation, mark.generation, "the mark is of generation %llu, the tape is at %llu",
                wide(mark.generation), wide(generation));
  const size_t used = offset();
  if (mark.offset > used)
    return fail(INFERMEM_E_STALE, used, mark.offset, "the mark is at byte %llu, the cursor at %zu", wide(mark.offset),
                used);
  give_back(base_ + static_cast<size_t>(mark.offset));
  return INFERMEM_OK;
}

Status Tape::check_clearable() const {
  if (special_ & kKept) return fail(INFERMEM_E_STATE, 0, 0, "this is a layout's weights tape, which is never cleared");
  return check_unsealed();
}

Status Tape::clear() {
  INFERMEM_TRY(check_clearable());
  give_back(base_);
  next_generation();
  return INFERMEM_OK;
}

Status Tape::trim() {
  INFERMEM_TRY(check_unsealed());
  if (lent_) return fail(INFERMEM_E_UNSUPPORTED, 0, 0, "the memory is lent: its pages are its owner's");
  return mapping_.discard_from(offset());
}

Status Tape::warm() const {
  INFERMEM_TRY(check_unsealed());
  const int refused = commit_pages(data(), size_);
  if (refused == 0) return INFERMEM_OK;
  return fail_os(refused == ENOMEM ? INFERMEM_E_NOMEM : INFERMEM_E_SYSTEM, refused, "committing %zu bytes", size_);
}

Status Tape::seal() {
  if (special_ & kSealed) return INFERMEM_OK;
  const size_t page = page_size();
  if (base_ % page != 0 || size_ % page != 0)
    return fail(INFERMEM_E_UNSUPPORTED, page, size_, "the memory lent, %zu bytes at %p, is not whole pages of %zu",
                size_, data(), page);
  INFERMEM_TRY(protect_pages(data(), size_, false));
  special_ |= kSealed;
  end_ = 0;
  return INFERMEM_OK;
}

Status Tape::unseal() {
  if (!(special_ & kSealed)) return INFERMEM_OK;
  INFERMEM_TRY(protect_pages(data(), size_, true));
  special_ &= static_cast<uint8_t>(~kSealed);
  end_ = base_ + size_;
  return INFERMEM_OK;
}

TapeUsage Tape::usage() const {
  // One look at the cursor for both figures: used is never beyond peak.
  const size_t used = offset();
  return {used, std::max(used, peak_.load(std::memory_order_relaxed)), size_};
}

size_t Tape::free_bytes() const {
  const uintptr_t cursor = cursor_.load(std::memory_order_relaxed);
  const size_t left = size_ - (cursor - base_);
  return left - std::min(left, gap(cursor));
}

bool Tape::owns(const void *pointer) const {
  // A pointer before the base wraps, and is beyond any cursor.
  return offset_of(pointer) < offset();
}

void Tape::describe(infermem_tape_facts *out) const {
  out->base = data();
  out->total = size_;
  out->page_size = page_size();
  out->requested = requested_;
  out->granted = granted_;
  if (!mapping_.is_locked()) out->granted &= ~uint32_t{INFERMEM_TAPE_LOCK};  // a trim may have lost it
  out->fd = mapping_.fd();
  out->red_zone = static_cast<uint32_t>(red_zone_);
  out->is_sealed = (special_ & kSealed) ? 1 : 0;
}

}  // namespace infermem
