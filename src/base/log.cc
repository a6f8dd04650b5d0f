#include "base/log.hh"

#include <pthread.h>

#include <cstdarg>
#include <cstdio>

#include "base/error.hh"

namespace infermem {
namespace {

struct Hook {
  infermem_log_function function;
  void *context;
  int32_t min_level;
};

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
Hook hook;

}  // namespace

void log(int32_t level, const char *format, ...) {
  pthread_mutex_lock(&mutex);
  const Hook to = hook;  // called outside the lock, so that a hook may take its time
  pthread_mutex_unlock(&mutex);
  if (!to.function || level < to.min_level) return;
  char line[256];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  to.function(to.context, level, line);
}

}  // namespace infermem

extern "C" int32_t infermem_log_set(infermem_log_function function, void *context, int32_t min_level) {
  using namespace infermem;
  if (min_level < INFERMEM_LOG_DEBUG || min_level > INFERMEM_LOG_WARN)
    INFERMEM_LEAVE(fail(INFERMEM_E_ARG, INFERMEM_LOG_WARN, static_cast<uint64_t>(min_level),
                        "min_level is %d, not between %d and %d", min_level, INFERMEM_LOG_DEBUG, INFERMEM_LOG_WARN));
  pthread_mutex_lock(&mutex);
  hook = {function, context, min_level};
  pthread_mutex_unlock(&mutex);
  return INFERMEM_OK;
}
