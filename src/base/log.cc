#include "base/log.hh"

#include <atomic>
#include <cstdarg>
#include <cstdio>

#include "base/error.hh"

namespace infermem {
namespace {

// The hook, without a lock: a child of fork would inherit a locked one, and wait for it for ever.
std::atomic<uint32_t> version{0};  // odd while the hook is being set
std::atomic<infermem_log_function> hook{nullptr};
std::atomic<void *> hook_context{nullptr};
std::atomic<int32_t> hook_min_level{0};

}  // namespace

void log(int32_t level, const char *format, ...) {
  const uint32_t before = version.load(std::memory_order_acquire);
  const infermem_log_function function = hook.load(std::memory_order_acquire);
  void *const context = hook_context.load(std::memory_order_acquire);
  const int32_t min_level = hook_min_level.load(std::memory_order_acquire);
  // Of two hooks' halves none is called: the line is lost.
  if ((before & 1) || version.load(std::memory_order_relaxed) != before) return;
  if (!function || level < min_level) return;
  char line[256];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  function(context, level, line);
}

}  // namespace infermem

extern "C" int32_t infermem_log_set(infermem_log_function function, void *context, int32_t min_level) {
  using namespace infermem;
  if (min_level < INFERMEM_LOG_DEBUG || min_level > INFERMEM_LOG_WARN)
    INFERMEM_LEAVE(fail(INFERMEM_E_ARG, INFERMEM_LOG_WARN, static_cast<uint64_t>(min_level),
                        "min_level is %d, not between %d and %d", min_level, INFERMEM_LOG_DEBUG, INFERMEM_LOG_WARN));
  uint32_t before = version.load(std::memory_order_relaxed);
  do {
    before &= ~uint32_t{1};  // another thread that sets one comes first
  } while (!version.compare_exchange_weak(before, before + 1, std::memory_order_acquire, std::memory_order_relaxed));
  hook.store(function, std::memory_order_release);
  hook_context.store(context, std::memory_order_release);
  hook_min_level.store(min_level, std::memory_order_release);
  version.store(before + 2, std::memory_order_release);
  return INFERMEM_OK;
}
