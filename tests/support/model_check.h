/* model_check.h: random operations on an object and on a simple model of it, shrunk to a short list when they differ.
 */
#ifndef MODEL_CHECK_H
#define MODEL_CHECK_H

#include <stddef.h>
#include <stdint.h>

/* One operation: its kind and three random numbers, which the test reduces to what the kind needs. */
struct operation {
  uint32_t kind;
  uint64_t a, b, c;
};

/* Runs the operations from a fresh state; returns NULL when object and model agree after each, else what differed. Must
 * free what it made in either case. */
typedef const char *(*model_run)(const struct operation *operations, size_t n);

/* Draws n operations of kinds below n_kinds from the seed and runs them. On a difference, fails the test, printing a
 * list from which no operation can be left out. names has n_kinds entries. Under `make soak`, goes on with other seeds. */
void model_check(model_run run, const char *const *names, uint32_t n_kinds, uint64_t seed, size_t n);

/* Leaves out of the n operations what is not needed for run to differ still; returns how many remain. trial has room
 * for n operations. What model_check does; apart, so that it can be tested itself. */
size_t model_shrink(model_run run, struct operation *operations, size_t n, struct operation *trial);

#endif
