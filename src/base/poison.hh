// Marking memory that must not be touched, for AddressSanitizer and Valgrind. In other builds all of this is nothing.
//
// AddressSanitizer is known at compile time. Valgrind's requests are compiled in with INFERMEM_MEMCHECK (the CMake option
// of that name): they cost a few instructions each outside Valgrind, so release builds go without.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define INFERMEM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define INFERMEM_ASAN 1
#endif
#endif

#if defined(INFERMEM_ASAN)
#include <sanitizer/asan_interface.h>
#elif defined(INFERMEM_MEMCHECK)
#include <valgrind/memcheck.h>
#endif

namespace infermem::poison {

#if defined(INFERMEM_ASAN) || defined(INFERMEM_MEMCHECK)
constexpr bool kCompiledIn = true;
#else
constexpr bool kCompiledIn = false;
#endif

#if defined(INFERMEM_ASAN)

inline bool active() { return true; }
// No access from here on.
inline void forbid(const void *p, size_t n) { __asan_poison_memory_region(p, n); }
// Access allowed, contents meaningless.
inline void allow(const void *p, size_t n) { __asan_unpoison_memory_region(p, n); }
// Access allowed, contents meaningful.
inline void allow_defined(const void *p, size_t n) { __asan_unpoison_memory_region(p, n); }
inline void begin_quiet() {}
inline void end_quiet() {}

#elif defined(INFERMEM_MEMCHECK)

inline bool active() { return RUNNING_ON_VALGRIND != 0; }
inline void forbid(const void *p, size_t n) { (void)VALGRIND_MAKE_MEM_NOACCESS(p, n); }
inline void allow(const void *p, size_t n) { (void)VALGRIND_MAKE_MEM_UNDEFINED(p, n); }
inline void allow_defined(const void *p, size_t n) { (void)VALGRIND_MAKE_MEM_DEFINED(p, n); }
// Between them, Valgrind reports nothing.
inline void begin_quiet() { VALGRIND_DISABLE_ERROR_REPORTING; }
inline void end_quiet() { VALGRIND_ENABLE_ERROR_REPORTING; }

#else

constexpr bool active() { return false; }
inline void forbid(const void *, size_t) {}
inline void allow(const void *, size_t) {}
inline void allow_defined(const void *, size_t) {}
inline void begin_quiet() {}
inline void end_quiet() {}

#endif

}  // namespace infermem::poison
