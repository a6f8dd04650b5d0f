/* dispatches.h: what the tests of dispatch metrics share. */
#ifndef DISPATCHES_H
#define DISPATCHES_H

#include "support.h"

enum { CPU = INFERMEM_DISPATCH_CPU, GPU = INFERMEM_DISPATCH_GPU };

static inline infermem_dispatch *make(void) {
  infermem_dispatch *dispatch = NULL;
  assert_ok(dispatch_new(NULL, &dispatch));
  return dispatch;
}

static inline infermem_dispatch_stats stats_of(const infermem_dispatch *dispatch, uint32_t backend) {
  INFERMEM_STRUCT(infermem_dispatch_stats, stats);
  assert_ok(dispatch_snapshot(dispatch, backend, &stats));
  return stats;
}

static inline void record_us(const infermem_dispatch *dispatch, uint32_t backend, const int64_t *us, size_t n) {
  for (size_t i = 0; i < n; i++) assert_ok(dispatch_record(dispatch, backend, 1000 * us[i]));
}

#define RECORD_US(dispatch, backend, ...)                         \
  do {                                                            \
    const int64_t us[] = {__VA_ARGS__};                           \
    record_us((dispatch), (backend), us, sizeof us / sizeof *us); \
  } while (0)

static inline void assert_double(double got, double expected) {
  if (!(got == expected)) print_error("%.17g is not %.17g\n", got, expected);
  assert_true(got == expected);
}

#endif
