/* What a long cache that holds little costs, as the kernel counts it. */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "files.h"

/* Rows of 8 heads of 128 in F16, 2 KiB, as in models of 8 billion parameters; of their 32 layers two. */
enum { kLayers = 2, kHeads = 8, kHeadDim = 128, kRow = kHeads * kHeadDim, kMost = 131072, kTokens = 2048, kStep = 128 };
static const size_t kNeeded = (size_t)kLayers * 2 * kTokens * kRow * 2;

static infermem_kv *new_cache(void) {
  INFERMEM_STRUCT(infermem_kv_options, options);
  options.n_layers = kLayers;
  options.n_kv_heads = kHeads;
  options.head_dim = kHeadDim;
  options.max_tokens = kMost;
  options.k_type = options.v_type = INFERMEM_DTYPE_F16;
  infermem_kv *kv = NULL;
  assert_ok(kv_new(&options, &kv));
  assert_int_equal(kv_memory_reserved(kv), (size_t)kLayers * 2 * kMost * kRow * 2);
  return kv;
}

static void append(infermem_kv *kv, size_t n) {
  static uint16_t rows[kStep * kRow];
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) rows[i] = (uint16_t)(0x3c00 + i % 997);
  for (size_t layer = 0; layer < kLayers; layer++)
    assert_ok(kv_append_f16(kv, layer, rows, n * kRow, rows, n * kRow, n));
  assert_ok(kv_advance(kv, n));
}

/* Bytes of the cache's address range that are in memory. */
static size_t resident(const infermem_kv *kv) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = kv_memory_reserved(kv) / page;
  unsigned char *in = malloc(pages);
  assert_non_null(in);
  infermem_view view;
  assert_ok(kv_keys(kv, 0, &view)); /* which begin the range */
  assert_int_equal(mincore(view.data, pages * page, in), 0);
  size_t n = 0;
  for (size_t i = 0; i < pages; i++) n += in[i] & 1;
  free(in);
  return n * page;
}

static void assert_costs_what_it_holds(const infermem_kv *kv) {
  assert_int_equal(kv_len(kv), kTokens);
  assert_in_range(kv_memory_committed(kv), kNeeded, kNeeded + kNeeded / 50);
  assert_in_range(resident(kv), kNeeded, kNeeded + kNeeded / 50);
}

static void tokens_cost_what_they_need(void **state) {
  (void)state;
  infermem_kv *kv = new_cache();
  assert_int_equal(resident(kv), 0);
  for (size_t t = 0; t < kTokens; t += kStep) append(kv, kStep);
  assert_costs_what_it_holds(kv);
  kv_free(kv);
}

static void loaded_tokens_cost_what_they_need(void **state) {
  (void)state;
  infermem_kv *from = new_cache(), *to = new_cache();
  for (size_t t = 0; t < kTokens; t += kStep) append(from, kStep);
  assert_ok(kv_save(from, "it", "model", 5));
  assert_ok(kv_load(to, "it", "model", 5));
  assert_costs_what_it_holds(to);
  assert_ok(kv_load(to, "it", "model", 5)); /* by way of another mapping, which is gone */
  assert_costs_what_it_holds(to);
  assert_costs_what_it_holds(from);
  kv_free(to);
  kv_free(from);
}

static int set_up(void **state) {
  /* Without huge pages, of which some systems make one wherever a byte is written. */
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  return files_enter(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tokens_cost_what_they_need),
      cmocka_unit_test(loaded_tokens_cost_what_they_need),
  };
  return cmocka_run_group_tests_name("kv_memory", tests, set_up, files_leave);
}
