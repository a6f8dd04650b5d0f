#include "simd/cpu.hh"

#include <fcntl.h>
#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include <atomic>
#include <cstdlib>

namespace infermem {

#ifdef __x86_64__

// Asked of the processor itself: the compiler's __builtin_cpu_supports would bring a static constructor with it. The
// bits are those of the Intel manual's CPUID and XGETBV tables.
namespace {

struct Cpuid {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  explicit Cpuid(unsigned leaf) { __get_cpuid_count(leaf, 0, &eax, &ebx, &ecx, &edx); }
};

constexpr bool has(unsigned word, unsigned bits) { return (word & bits) == bits; }
constexpr unsigned bit(unsigned n) { return 1u << n; }

// The registers that the system saves.
unsigned saved_state() {
  if (!has(Cpuid(1).ecx, bit(27))) return 0;  // OSXSAVE
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

}  // namespace

bool cpu_has_sse4() {
  return has(Cpuid(1).ecx, bit(20) | bit(1) | bit(25));  // SSE4.2, PCLMUL, AES
}

bool cpu_has_avx2() {
  return cpu_has_sse4() && has(saved_state(), bit(1) | bit(2)) &&
         has(Cpuid(1).ecx, bit(28) | bit(12) | bit(29)) &&  // AVX, FMA, F16C
         has(Cpuid(7).ebx, bit(5) | bit(3) | bit(8));       // AVX2, BMI1, BMI2
}

bool cpu_has_avx512() {
  return cpu_has_avx2() && has(saved_state(), bit(5) | bit(6) | bit(7)) &&
         has(Cpuid(7).ebx, bit(16) | bit(17) | bit(30) | bit(31)) &&  // F, DQ, BW, VL
         has(Cpuid(7).ecx, bit(1) | bit(11));                         // VBMI, VNNI
}

bool cpu_has_neon() { return false; }
bool cpu_has_dot_product() { return false; }

#else

bool cpu_has_sse4() { return false; }
bool cpu_has_avx2() { return false; }
bool cpu_has_avx512() { return false; }

#ifdef __aarch64__
bool cpu_has_neon() { return true; }
bool cpu_has_dot_product() { return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0; }
#else
bool cpu_has_neon() { return false; }
bool cpu_has_dot_product() { return false; }
#endif

#endif

namespace {

// Bytes of the cache that one processor shares with its nearest, as the system says; glibc gives all of an AMD package's.
size_t cache_told_by_system() {
  const int fd = open("/sys/devices/system/cpu/cpu0/cache/index3/size", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[24] = {};  // "32768K"
  const ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  return n > 0 ? static_cast<size_t>(std::strtoull(text, nullptr, 10)) << 10 : 0;
}

}  // namespace

size_t last_level_cache() {
  constexpr size_t kUsual = size_t{32} << 20;
  static std::atomic<size_t> known{0};
  size_t size = known.load(std::memory_order_relaxed);
  if (size == 0) {
    size = cache_told_by_system();
    if (size == 0) size = kUsual;
    known.store(size, std::memory_order_relaxed);
  }
  return size;
}

}  // namespace infermem
