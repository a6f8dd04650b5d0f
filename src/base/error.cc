// The thread-local error record, and the names and sentences of the status codes.
#include "base/error.hh"

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace infermem {
namespace {

// Initial-exec: the record lives in the block that a thread gets when it starts. The general model would have the
// loader allocate it on a thread's first error, and abort the process where it cannot.
#ifdef __GLIBC__
[[gnu::tls_model("initial-exec")]]
#endif
thread_local infermem_error record;

Status put(Status code, int os_error, uint64_t expected, uint64_t got, const char *format, std::va_list arguments) {
  record.code = code;
  record.os_error = os_error;
  record.expected = expected;
  record.got = got;
  record.function = "";
  std::vsnprintf(record.message, sizeof record.message, format, arguments);
  return code;
}

}  // namespace

Status fail(Status code, uint64_t expected, uint64_t got, const char *format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  put(code, 0, expected, got, format, arguments);
  va_end(arguments);
  return code;
}

Status fail_os(Status code, int os_error, const char *format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  put(code, os_error, 0, 0, format, arguments);
  va_end(arguments);
  const size_t used = std::strlen(record.message);
  const char *reason = nullptr;
#ifdef __GLIBC__
#if __GLIBC_PREREQ(2, 32)
  reason = strerrordesc_np(os_error);  // strerror may translate, and so allocate
#endif
#endif
  std::snprintf(record.message + used, sizeof record.message - used, ": %s (errno %d)", reason ? reason : "refused",
                os_error);
  return code;
}

Status stamp(Status code, const char *function) {
  record.function = function;
  return code;
}

Status fail_in(Status code, const char *file) {
  if (record.os_error != 0) return code;
  constexpr size_t kSize = sizeof record.message;
  const size_t n = std::min(std::strlen(file), kSize / 2);
  std::memmove(record.message + n + 2, record.message, kSize - 1 - (n + 2));  // the last NUL stays
  std::memcpy(record.message, file, n);
  std::memcpy(record.message + n, ": ", 2);
  return code;
}

Status fail_null(const char *name) { return fail(INFERMEM_E_NULL, 0, 0, "%s is NULL", name); }

}  // namespace infermem

extern "C" {

const infermem_error *infermem_error_detail(void) {
  if (!infermem::record.function) infermem::record.function = "";
  return &infermem::record;
}

void infermem_error_clear(void) {
  infermem::record = {};
  infermem::record.function = "";
}

const char *infermem_error_name(int32_t code) {
  switch (code) {
#define ENTRY(name, number, sentence) \
  case number:                        \
    return "INFERMEM_" #name;
    INFERMEM_STATUS_LIST(ENTRY)
#undef ENTRY
  }
  return "unknown";
}

const char *infermem_error_text(int32_t code) {
  switch (code) {
#define ENTRY(name, number, sentence) \
  case number:                        \
    return sentence;
    INFERMEM_STATUS_LIST(ENTRY)
#undef ENTRY
  }
  return "unknown status code";
}

uint32_t infermem_version(void) { return INFERMEM_VERSION_NUMBER; }

const char *infermem_version_string(void) { return INFERMEM_VERSION_STRING; }

}  // extern "C"
