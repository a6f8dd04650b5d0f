// A private range of address space from the operating system: reserved at once, committed page by page on first touch.
//
// Tapes, and every object that owns bulk memory without a tape, sit on one. All the system's peculiarities (huge pages,
// locking, NUMA, prefaulting) are known here and nowhere else.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/error.hh"

namespace infermem {

// Bytes of a base page of this machine.
size_t page_size();

// What to map, besides plain pages.
struct MappingWishes {
  bool huge = false;        // transparent huge pages
  bool guard = false;       // an inaccessible page at either end
  bool shared = false;      // a memfd
  bool sparse = false;      // base pages only, whatever the system prefers
  bool wiped = false;       // reads as zero in the child of a fork
  uint64_t numa_nodes = 0;  // bind to these nodes; 0 leaves the choice to the system
};

class Mapping {
 public:
  Mapping() = default;
  ~Mapping();
  Mapping(const Mapping &) = delete;
  Mapping &operator=(const Mapping &) = delete;

  // Reserves size bytes, more than 0, rounded up to the page. Wishes that the system refuses are logged and left out:
  // granted() tells. Records INFERMEM_E_OVERFLOW, _E_NOMEM, or _E_SYSTEM where no memfd can be had.
  Status reserve(size_t size, const MappingWishes &wishes);

  char *data() const { return data_; }
  size_t size() const { return size_; }
  int fd() const { return fd_; }
  const MappingWishes &granted() const { return granted_; }

  // Keeps the pages of the range, those touched later included, out of swap. False when the system refuses.
  bool lock();
  bool is_locked() const { return locked_; }
  // Gives the whole pages within [begin, size) back to the system.
  Status discard_from(size_t begin);

 private:
  char *data_ = nullptr;  // the usable range
  size_t size_ = 0;
  char *outer_ = nullptr;  // with the guards
  size_t outer_size_ = 0;
  int fd_ = -1;
  bool locked_ = false;
  MappingWishes granted_;
};

// Commits every page that overlaps [p, p + n) without changing a byte, also while others write there. Returns 0, or the
// errno of the refusal.
int commit_pages(void *p, size_t n);

// Makes the pages of [p, p + n), which starts and ends on a page, read-only or writable again.
Status protect_pages(void *p, size_t n, bool writable);

}  // namespace infermem
