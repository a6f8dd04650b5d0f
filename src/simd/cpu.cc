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

namespace {

bool is_intel_server() {
  const Cpuid vendor(0);  // "GenuineIntel"; their AVX-512 with VNNI is that of servers, but for a generation of laptops
  return vendor.ebx == 0x756e6547 && vendor.edx == 0x49656e69 && vendor.ecx == 0x6c65746e && cpu_has_avx512();
}

}  // namespace

#else

namespace {
bool is_intel_server() { return false; }
}  // namespace

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

// Bytes of one of the first processor's caches, as the system says, 0 where it does not; glibc gives all of an AMD
// package's last one.
size_t cache_told_by_system(char index) {
  char path[] = "/sys/devices/system/cpu/cpu0/cache/index0/size";
  path[sizeof path - sizeof "0/size"] = index;
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[24] = {};  // "32768K"
  const ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  return n > 0 ? static_cast<size_t>(std::strtoull(text, nullptr, 10)) << 10 : 0;
}

// Where the core's own complex holds the last-level cache (AMD's), stores into it are two to three times as fast as into
// memory, and streaming wins only beyond its size. Intel's servers spread it over the whole package, and give one core no
// more of it than memory: on a Sapphire Rapids with 2 MiB of L2 and 300 of L3, plain stores came to 1.04 of streaming ones
// for 4 MiB, 0.98 for 6, 0.84 for 16 and 0.5 to 0.86 for 64; with a reader right behind, to 1.15 for 8 MiB and 0.92 for 16.
size_t find_streaming_threshold() {
  constexpr size_t kUsual = size_t{32} << 20;
  const size_t second = cache_told_by_system('2'), last = cache_told_by_system('3');
  if (is_intel_server() && second != 0) return 3 * second;
  return last != 0 ? last : kUsual;
}

}  // namespace

size_t streaming_threshold() {
  static std::atomic<size_t> known{0};
  size_t size = known.load(std::memory_order_relaxed);
  if (size == 0) {
    size = find_streaming_threshold();
    known.store(size, std::memory_order_relaxed);
  }
  return size;
}

}  // namespace infermem
