#include "base/mapping.hh"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/checked.hh"
#include "base/log.hh"
#include "base/poison.hh"

// Linux 5.14; older C library headers lack it, and older kernels answer EINVAL.
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC 1U
#define MFD_ALLOW_SEALING 2U
#endif

namespace infermem {
namespace {

char *round_up(char *p, size_t align) {
  const auto address = reinterpret_cast<uintptr_t>(p);
  return p + (((address + align - 1) & ~(align - 1)) - address);
}

char *round_down(char *p, size_t align) { return p - (reinterpret_cast<uintptr_t>(p) & (align - 1)); }

// A setting of transparent huge pages, as text; "" when there is none.
struct HugePageSetting {
  explicit HugePageSetting(const char *path) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    const ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
  }
  char text[128] = "";
};

// The size and alignment at which this machine makes one: 2 MiB where base pages have 4 KiB, 512 MiB where they have 64.
size_t huge_page_size() {
  const HugePageSetting setting("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size");
  const size_t size = std::strtoull(setting.text, nullptr, 10);
  return checked::is_power_of_two(size) ? size : size_t{2} << 20;
}

// madvise(MADV_HUGEPAGE) succeeds even where the administrator has switched huge pages off: the switch itself is asked.
bool huge_pages_allowed(bool shared) {
  const HugePageSetting setting(shared ? "/sys/kernel/mm/transparent_hugepage/shmem_enabled"
                                       : "/sys/kernel/mm/transparent_hugepage/enabled");
  return setting.text[0] != '\0' && !std::strstr(setting.text, "[never]") && !std::strstr(setting.text, "[deny]");
}

bool bind_to_nodes(void *p, size_t n, uint64_t nodes) {
  constexpr int kMpolBind = 2;
  const unsigned long mask = nodes;
  // The kernel takes one bit less than it is told.
  return syscall(SYS_mbind, p, n, kMpolBind, &mask, sizeof mask * 8 + 1, 0) == 0;
}

// A memfd of that size, for ever: whoever else holds it could make the tape's pages fault by cutting it short. Returns -1
// and errno when there can be none.
int make_memfd(size_t size) {
  // Beyond the process's limit on the size of files, ftruncate would send a signal that ends it.
  rlimit limit;
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && size > limit.rlim_cur) {
    errno = EFBIG;
    return -1;
  }
  const int fd = static_cast<int>(syscall(SYS_memfd_create, "infermem", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (fd < 0) return -1;
  if (ftruncate(fd, static_cast<off_t>(size)) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0)
    return fd;
  const int reason = errno;
  close(fd);
  errno = reason;
  return -1;
}

}  // namespace

size_t page_size() {
  static std::atomic<size_t> known{0};
  size_t size = known.load(std::memory_order_relaxed);
  if (size == 0) {
    size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    known.store(size, std::memory_order_relaxed);
  }
  return size;
}

Status Mapping::reserve(size_t size, const MappingWishes &wishes) {
  const size_t page = page_size();
  const size_t huge_page = wishes.huge ? huge_page_size() : 0;
  // Room to move to a huge page's boundary.
  const size_t slack = wishes.huge && size >= huge_page ? huge_page : 0;
  const size_t guards = wishes.guard ? 2 * page : 0;
  size_t rounded, wanted;
  if (!checked::align_up(size, page, &rounded) || !checked::add(rounded, slack + guards, &wanted) ||
      wanted > PTRDIFF_MAX)
    return fail(INFERMEM_E_OVERFLOW, PTRDIFF_MAX, size, "%zu bytes do not fit the address range", size);

  int fd = -1;
  if (wishes.shared) {
    fd = make_memfd(rounded);
    if (fd < 0) return fail_os(INFERMEM_E_SYSTEM, errno, "making a memfd of %zu bytes", rounded);
  }

  // Reserve with no access, then open the part in use: what stays closed around it is the guards.
  void *const reserved = mmap(nullptr, wanted, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) {
    const int reason = errno;
    if (fd >= 0) close(fd);
    return fail_os(INFERMEM_E_NOMEM, reason, "reserving %zu bytes of address range", wanted);
  }
  auto *const begin = static_cast<char *>(reserved);
  char *const data = slack != 0 ? round_up(begin + guards / 2, huge_page) : begin + guards / 2;
  const int backing = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
  if (mmap(data, rounded, PROT_READ | PROT_WRITE, backing | MAP_NORESERVE | MAP_FIXED, fd, 0) == MAP_FAILED) {
    const int reason = errno;
    munmap(reserved, wanted);
    if (fd >= 0) close(fd);
    return fail_os(INFERMEM_E_NOMEM, reason, "mapping %zu bytes", rounded);
  }
  // Return the slack on both sides.
  char *const outer = data - guards / 2;
  char *const outer_end = data + rounded + guards / 2;
  if (outer > begin) munmap(begin, static_cast<size_t>(outer - begin));
  if (begin + wanted > outer_end) munmap(outer_end, static_cast<size_t>(begin + wanted - outer_end));

  data_ = data;
  size_ = rounded;
  outer_ = outer;
  outer_size_ = static_cast<size_t>(outer_end - outer);
  fd_ = fd;
  granted_.guard = wishes.guard;
  granted_.shared = wishes.shared;

  if (wishes.huge) {
    if (slack == 0) {
      log(INFERMEM_LOG_INFO, "no huge pages: %zu bytes are less than one", rounded);
    } else if (!huge_pages_allowed(wishes.shared)) {
      log(INFERMEM_LOG_INFO, "no huge pages: this system has them switched off");
    } else if (madvise(data, rounded, MADV_HUGEPAGE) != 0) {
      log(INFERMEM_LOG_INFO, "no huge pages: madvise failed with errno %d", errno);
    } else {
      granted_.huge = true;
    }
  }
  if (wishes.sparse) madvise(data, rounded, MADV_NOHUGEPAGE);  // refused where there are none
  if (wishes.wiped) {
    if (madvise(data, rounded, MADV_WIPEONFORK) == 0)
      granted_.wiped = true;
    else
      log(INFERMEM_LOG_INFO, "not wiped in a child process: madvise failed with errno %d", errno);
  }
  if (wishes.numa_nodes != 0) {
    if (bind_to_nodes(data, rounded, wishes.numa_nodes))
      granted_.numa_nodes = wishes.numa_nodes;
    else
      log(INFERMEM_LOG_INFO, "no binding to NUMA nodes 0x%llx: mbind failed with errno %d", wide(wishes.numa_nodes),
          errno);
  }
  return INFERMEM_OK;
}

Mapping::~Mapping() {
  if (outer_) munmap(outer_, outer_size_);
  if (fd_ >= 0) close(fd_);
}

bool Mapping::lock() {
  locked_ = mlock2(data_, size_, MLOCK_ONFAULT) == 0;
  if (!locked_) log(INFERMEM_LOG_INFO, "%zu bytes not locked: mlock2 failed with errno %d", size_, errno);
  return locked_;
}

Status Mapping::discard_from(size_t begin) {
  char *const from = round_up(data_ + begin, page_size());
  const size_t n = static_cast<size_t>(data_ + size_ - from);
  if (n == 0) return INFERMEM_OK;
  if (locked_) munlock(from, n);  // the kernel keeps locked pages
  const bool done = madvise(from, n, fd_ >= 0 ? MADV_REMOVE : MADV_DONTNEED) == 0;
  const int reason = errno;
  if (locked_) locked_ = mlock2(from, n, MLOCK_ONFAULT) == 0;
  return done ? INFERMEM_OK : fail_os(INFERMEM_E_SYSTEM, reason, "returning %zu bytes", n);
}

// A byte that may be poisoned: the tools that would object are told not to.
__attribute__((no_sanitize("address"))) static void touch(char *byte) {
  // Adding nothing, atomically, commits a page as a write does, and loses no write of another thread's.
  __atomic_fetch_add(byte, 0, __ATOMIC_RELAXED);
}

// Whether the kernel knows MADV_POPULATE_WRITE: asked of a page that it has no other reason to refuse.
static bool kernel_populates() {
  char here = 0;
  return madvise(round_down(&here, page_size()), page_size(), MADV_POPULATE_WRITE) == 0;
}

int commit_pages(void *p, size_t n) {
  const size_t page = page_size();
  auto *const begin = static_cast<char *>(p);
  // Outward to whole pages: committing the rest of a page changes nothing that its owner could see.
  char *const first = round_down(begin, page);
  char *const last = round_up(begin + n, page);
  while (madvise(first, static_cast<size_t>(last - first), MADV_POPULATE_WRITE) != 0) {
    if (errno == EINTR || errno == EAGAIN) continue;
    const int refused = errno;
    if (refused == EINVAL && !kernel_populates()) {
      poison::begin_quiet();
      for (char *q = first; q < last; q += page) touch(q < begin ? begin : q);
      poison::end_quiet();
      break;
    }
    return refused;
  }
  return 0;
}

Status protect_pages(void *p, size_t n, bool writable) {
  if (mprotect(p, n, writable ? PROT_READ | PROT_WRITE : PROT_READ) == 0) return INFERMEM_OK;
  return fail_os(INFERMEM_E_SYSTEM, errno, "changing the protection of %zu bytes", n);
}

}  // namespace infermem
