#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

void support_assert_status(int32_t expected, int32_t got, const char *call, const char *file, int line) {
  const infermem_error *error = infermem_error_detail();
  if (got != expected) {
    print_error("%s is %s, not %s", call, infermem_error_name(got), infermem_error_name(expected));
    if (got != INFERMEM_OK) print_error(" (%s: %s)", error->function, error->message);
    print_error("\n");
    _fail(file, line);
  }
  if (expected == INFERMEM_OK) return;
  const size_t name = strcspn(call, "(");
  if (error->code != expected || strlen(error->function) != name || strncmp(error->function, call, name) != 0 ||
      error->message[0] == '\0') {
    print_error("%s left the error record: %s of \"%s\", \"%s\"\n", call, infermem_error_name(error->code),
                error->function, error->message);
    _fail(file, line);
  }
}

static void *allocate(void *context, size_t size, size_t align) {
  struct test_allocator *a = context;
  a->calls++;
  if (a->fail_at != 0 && (a->calls == a->fail_at || (a->fail_for_ever && a->calls > a->fail_at))) return NULL;
  void *pointer;
  if (posix_memalign(&pointer, align < sizeof(void *) ? sizeof(void *) : align, size) != 0) abort();
  memset(pointer, 0xa5, size); /* whoever relies on zeroed memory is found out */
  a->live++;
  a->live_bytes += size;
  return pointer;
}

static void release(void *context, void *pointer, size_t size, size_t align) {
  struct test_allocator *a = context;
  (void)align;
  a->live--;
  a->live_bytes -= size;
  free(pointer);
}

void test_allocator_init(struct test_allocator *a) {
  memset(a, 0, sizeof *a);
  a->hook.struct_size = sizeof a->hook;
  a->hook.allocate = allocate;
  a->hook.release = release;
  a->hook.context = a;
}

static int32_t run(oom_scenario scenario, struct test_allocator *a, size_t fail_at, int for_ever) {
  test_allocator_init(a);
  a->fail_at = fail_at;
  a->fail_for_ever = for_ever;
  const int32_t status = scenario(&a->hook);
  assert_int_equal(a->live, 0);
  assert_int_equal(a->live_bytes, 0);
  return status;
}

size_t oom_walk(oom_scenario scenario) {
  struct test_allocator a;
  for (size_t fail_at = 1;; fail_at++) {
    for (int for_ever = 0; for_ever < 2; for_ever++) {
      const int32_t status = run(scenario, &a, fail_at, for_ever);
      if (a.calls < fail_at) {
        assert_int_equal(status, INFERMEM_OK);
        assert_true(a.calls > 0);
        return a.calls;
      }
      assert_int_equal(status, INFERMEM_E_NOMEM);
    }
  }
}

infermem_tape *test_tape(size_t size) {
  INFERMEM_STRUCT(infermem_tape_options, options);
  options.size = size;
  infermem_tape *tape = NULL;
  assert_ok(tape_new(&options, &tape));
  return tape;
}

infermem_tape *test_tape_dirty(size_t size) {
  infermem_tape *tape = test_tape(size);
  void *bytes;
  assert_ok(tape_alloc(tape, size, 1, &bytes));
  memset(bytes, 0xa5, size); /* whoever relies on zeroed memory is found out */
  assert_ok(tape_clear(tape));
  return tape;
}

int test_wipes_on_fork(void) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char *p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_true(p != MAP_FAILED);
  *p = 1;
  const int asked = madvise(p, page, MADV_WIPEONFORK);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) _exit(*p);
  int status = -1;
  assert_int_equal(waitpid(child, &status, 0), child);
  munmap(p, page);
  return asked == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

uint64_t test_random(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

uint64_t test_random_below(uint64_t *state, uint64_t n) { return test_random(state) % n; }

float test_random_float(uint64_t *state) { return (float)(test_random(state) >> 40) * 0x1p-23f - 1.0f; }

float *test_random_floats(size_t n, uint64_t seed) {
  float *values = malloc(n * sizeof *values);
  assert_non_null(values);
  for (size_t i = 0; i < n; i++) values[i] = test_random_float(&seed);
  return values;
}

uint64_t test_soak(void) {
  const char *const times = getenv("INFERMEM_SOAK");
  const uint64_t n = times ? strtoull(times, NULL, 10) : 1;
  return n > 0 ? n : 1;
}
