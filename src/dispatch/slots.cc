#include "dispatch/slots.hh"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace infermem {
namespace {

// An owner: thread and process in 22 bits each, which is as large as Linux makes them, and how often the slot was
// claimed. By that a claim fails where the slot has changed hands since it was looked at, be it to the same numbers.
constexpr unsigned kBits = 22;
constexpr uint64_t kThreadMask = (uint64_t{1} << kBits) - 1;
constexpr uint64_t kOwnerMask = (uint64_t{1} << 2 * kBits) - 1;

std::atomic<uint64_t> owners[kSlots];
std::atomic<uint32_t> used;

uint64_t myself() {
  const auto process = static_cast<uint64_t>(getpid()), thread = static_cast<uint64_t>(syscall(SYS_gettid));
  return process << kBits | thread;
}

bool try_claim(uint32_t slot, uint64_t before, uint64_t me) {
  const uint64_t claims = (before & ~kOwnerMask) + (kOwnerMask + 1);
  if (!owners[slot].compare_exchange_strong(before, claims | me)) return false;
  uint32_t most = used.load();
  while (most < slot + 1 && !used.compare_exchange_weak(most, slot + 1)) {
  }
  return true;
}

// Of another process's slots, from before a fork, one may be that of the thread that forked: they are left alone.
bool has_ended(uint64_t owner, uint64_t me) {
  if ((owner & kOwnerMask) >> kBits != me >> kBits) return false;
  const auto process = static_cast<pid_t>(me >> kBits), thread = static_cast<pid_t>(owner & kThreadMask);
  return syscall(SYS_tgkill, process, thread, 0) != 0 && errno == ESRCH;
}

}  // namespace

__thread uint32_t my_slot = UINT32_MAX;

void claim_slot() {
  const int error = errno;
  const uint64_t me = myself();
  uint32_t mine = kSlots;
  for (uint32_t slot = 0; slot < kSlots && mine == kSlots; ++slot) {
    const uint64_t owner = owners[slot].load();
    // One with this thread's numbers was that of a thread before it.
    if ((owner == 0 || (owner & kOwnerMask) == me) && try_claim(slot, owner, me)) mine = slot;
  }
  for (uint32_t slot = 0; slot < kSlots && mine == kSlots; ++slot) {
    const uint64_t owner = owners[slot].load();
    if (has_ended(owner, me) && try_claim(slot, owner, me)) mine = slot;
  }
  errno = error;
  my_slot = mine;
}

uint32_t slots_used() { return used.load(); }

}  // namespace infermem
