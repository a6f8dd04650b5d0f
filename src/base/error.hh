// Reporting failure: a status code through the return value, the numbers through a thread-local record.
//
// The core says what is wrong where it finds it, with fail(); the extern "C" shim adds the name of the public function
// on the way out, with INFERMEM_LEAVE, so the core never carries names about.
#pragma once

#include <cstdint>

#include "infermem/error.h"

namespace infermem {

using Status = int32_t;

// Records a failure of this thread and returns its code. The message is a printf format without floating point, which
// is the part of printf that never allocates.
[[gnu::cold, gnu::format(printf, 4, 5)]] Status fail(Status code, uint64_t expected, uint64_t got, const char *format,
                                                     ...);

// The same for a refusal by the operating system, whose errno `os_error` becomes part of the record and the message.
[[gnu::cold, gnu::format(printf, 3, 4)]] Status fail_os(Status code, int os_error, const char *format, ...);

// As printf takes it: %llu.
inline unsigned long long wide(uint64_t n) { return n; }

// Adds the public function's name to the record of a failure just made.
[[gnu::cold]] Status stamp(Status code, const char *function);

// Says of a failure just recorded which file it is about; one of the operating system's names its file already.
[[gnu::cold]] Status fail_in(Status code, const char *file);

// NULL where there must be a pointer; name is the argument's.
[[gnu::cold]] Status fail_null(const char *name);

inline Status leave(Status status, const char *function) {
  return __builtin_expect(status == INFERMEM_OK, 1) ? status : stamp(status, function);
}

}  // namespace infermem

// Ends an extern "C" function with the status of an expression.
#define INFERMEM_LEAVE(expression) return ::infermem::leave((expression), __func__)

// Ends an extern "C" function early when a step of it fails.
#define INFERMEM_STEP(expression)                                                                         \
  do {                                                                                                    \
    const ::infermem::Status step_status = (expression);                                                  \
    if (__builtin_expect(step_status != INFERMEM_OK, 0)) return ::infermem::stamp(step_status, __func__); \
  } while (0)

// Ends an extern "C" function early when a pointer argument is NULL.
#define INFERMEM_NOT_NULL(pointer) INFERMEM_STEP((pointer) != nullptr ? INFERMEM_OK : ::infermem::fail_null(#pointer))

// Ends a core function early when a step of it fails.
#define INFERMEM_TRY(expression)                                           \
  do {                                                                     \
    const ::infermem::Status try_status = (expression);                    \
    if (__builtin_expect(try_status != INFERMEM_OK, 0)) return try_status; \
  } while (0)
