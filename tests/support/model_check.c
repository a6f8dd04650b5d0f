#include "model_check.h"

#include <inttypes.h>
#include <stdlib.h>

#include "support.h"

/* Copies all but [from, from + count) of n operations. */
static void leave_out(const struct operation *in, size_t n, size_t from, size_t count, struct operation *out) {
  memcpy(out, in, from * sizeof *in);
  memcpy(out + from, in + from + count, (n - from - count) * sizeof *in);
}

/* Leaves out halves, then quarters, … then single operations, as long as what remains still fails. */
size_t model_shrink(model_run run, struct operation *operations, size_t n, struct operation *trial) {
  for (size_t chunk = n / 2 + 1; chunk >= 1; chunk /= 2) {
    for (size_t from = 0; from + chunk <= n;) {
      leave_out(operations, n, from, chunk, trial);
      if (run(trial, n - chunk)) {
        n -= chunk;
        memcpy(operations, trial, n * sizeof *trial);
      } else {
        from += chunk;
      }
    }
  }
  return n;
}

static void check_seed(model_run run, const char *const *names, uint32_t n_kinds, uint64_t seed, size_t n) {
  struct operation *operations = calloc(2 * n, sizeof *operations);
  assert_non_null(operations);
  uint64_t state = seed;
  for (size_t i = 0; i < n; i++) {
    operations[i].kind = (uint32_t)test_random_below(&state, n_kinds);
    operations[i].a = test_random(&state);
    operations[i].b = test_random(&state);
    operations[i].c = test_random(&state);
  }
  const char *difference = run(operations, n);
  if (difference) {
    const size_t left = model_shrink(run, operations, n, operations + n);
    print_error("seed %" PRIu64 ", after %zu of %zu operations: %s\n", seed, left, n, run(operations, left));
    for (size_t i = 0; i < left; i++)
      print_error("  %s a=%" PRIu64 " b=%" PRIu64 " c=%" PRIu64 "\n", names[operations[i].kind], operations[i].a,
                  operations[i].b, operations[i].c);
  }
  free(operations);
  assert_null(difference);
}

void model_check(model_run run, const char *const *names, uint32_t n_kinds, uint64_t seed, size_t n) {
  const uint64_t times = test_soak();
  for (uint64_t i = 0; i < times; i++) check_seed(run, names, n_kinds, seed + (i << 32), n);
}
