// What the fuzz targets of model files share: an allocator that counts, files in memory, and using all of a model.
#pragma once

#include <infermem.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// What does not hold ends the run, which the fuzzer reports with its input.
#define CHECK(condition)                                                   \
  do {                                                                     \
    if (!(condition)) {                                                    \
      std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                        \
    }                                                                      \
  } while (0)

// The status of the last input, for the replay, which knows what each file is to give.
extern int32_t fuzz_status;

struct Heap {
  size_t live = 0;
  size_t peak = 0;

  static void *allocate(void *context, size_t size, size_t align) {
    auto *const heap = static_cast<Heap *>(context);
    heap->live += size;
    heap->peak = std::max(heap->peak, heap->live);
    return std::aligned_alloc(align, (size + align - 1) / align * align);
  }
  static void release(void *context, void *pointer, size_t size, size_t) {
    static_cast<Heap *>(context)->live -= size;
    std::free(pointer);
  }
  infermem_allocator hook() { return {sizeof(infermem_allocator), allocate, release, this}; }
};

// One file in memory for all inputs, opened by its name in /proc.
struct MemoryFile {
  MemoryFile() : fd(memfd_create("fuzz", MFD_CLOEXEC)) {
    CHECK(fd >= 0);
    std::snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  }
  void write(const uint8_t *data, size_t size) const {
    CHECK(ftruncate(fd, 0) == 0);
    for (size_t at = 0; at < size;) {
      const ssize_t n = pwrite(fd, data + at, size - at, static_cast<off_t>(at));
      CHECK(n > 0);
      at += static_cast<size_t>(n);
    }
  }
  int fd;
  char path[32];
};

// Calls all there is to call on a model, and frees it. What contradicts itself ends the run.
void use_model(infermem_model *model, bool has_data);

// Opens the input as a file, and from memory, which must come to the same, within `slack` bytes of memory and twice the
// input; uses what was opened.
void open_input(const uint8_t *data, size_t size, size_t slack);
