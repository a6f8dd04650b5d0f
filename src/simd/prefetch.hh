// Asking memory early for what is read once, from one end to the other.
//
// A core's own prefetchers follow a stream to the end of a page of 4 KiB, and keep more requests under way when they follow
// several. So what is asked for lies a window of four pages ahead, and is asked for in an order in which all four advance
// together: on a Sapphire Rapids, a product reads matrices in memory at 10 GB/s without, at 15 with requests in the order
// of addresses, however far ahead, and at 18 to 19 like this, which is as fast as they can be summed up.
#pragma once

#include <cstddef>
#include <cstdint>

namespace infermem {
namespace {  // each file's own, as its flags are

class Ahead {
 public:
  explicit Ahead(const void *begin)
      : position_(reinterpret_cast<uintptr_t>(begin) / kStep * kStep),
        line_(position_ / kWindow * kWindow + kWindow + position_ % kWindow / kPages) {}

  // To be called with addresses that grow, and so many bytes from there on that will have been read soon, or that would be
  // if there were as many.
  void follow(const void *at, size_t bytes) {
    for (const uintptr_t end = reinterpret_cast<uintptr_t>(at) + bytes; position_ < end; position_ += kStep) {
      // Maybe beyond what there is, which does no harm.
      for (uintptr_t page = 0; page < kPages; ++page)
        __builtin_prefetch(reinterpret_cast<const void *>(line_ + page * kPage));
      line_ += kLine;
      if (line_ % kPage == 0) line_ += kWindow - kPage;
    }
  }

  // For a slow stream beside another: the line that follows 1 KiB behind.
  static void once(const void *at) {
    __builtin_prefetch(reinterpret_cast<const void *>(reinterpret_cast<uintptr_t>(at) + 1024));
  }

 private:
  static constexpr uintptr_t kPage = 4096, kPages = 4, kWindow = kPages * kPage, kLine = 64, kStep = kPages * kLine;

  uintptr_t position_, line_;
};

}  // namespace
}  // namespace infermem
