/* Model files whose tensors or hyperparameters are wrong, by accident or on purpose: as in model_hostile_test.c. */
#include "model_refuse.h"

/* A file of one tensor and so many bytes of data. */
static struct gguf one_tensor(uint32_t n_dims, const uint64_t *ne, uint32_t type, uint64_t offset, size_t data) {
  struct gguf g = {0};
  gguf_header(&g, 3, 1, 0);
  gguf_tensor(&g, "t", n_dims, ne, type, offset);
  gguf_pad(&g, 32);
  gguf_zeros(&g, data);
  return g;
}

/* CVE-2024-21802, gguf-tools #25: dimensions beyond a fixed array. */
static void more_than_four_dimensions_are_refused(void **state) {
  (void)state;
  const uint64_t ne[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  for (uint32_t n = 5; n <= 16; n++) {
    struct gguf g = one_tensor(n, ne, INFERMEM_DTYPE_F32, 0, 64);
    refuse(&g, INFERMEM_E_FORMAT);
  }
  static const uint32_t counts[] = {255, 256, 0x80000000u, UINT32_MAX};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    struct gguf g = {0};
    gguf_header(&g, 3, 1, 0);
    gguf_string(&g, "t");
    gguf_u32(&g, counts[i]);
    gguf_zeros(&g, 4096);
    refuse(&g, INFERMEM_E_FORMAT);
  }
}

/* c2cdd2b2: a division by a dimension of 0. */
static void a_dimension_of_zero_is_refused(void **state) {
  (void)state;
  for (uint32_t zero = 0; zero < 4; zero++) {
    uint64_t ne[4] = {32, 32, 32, 32};
    ne[zero] = 0;
    struct gguf g = one_tensor(4, ne, INFERMEM_DTYPE_Q8_0, 0, 64);
    refuse(&g, INFERMEM_E_FORMAT);
    g = one_tensor(4, ne, 99, 0, 64);
    refuse(&g, INFERMEM_E_FORMAT);
  }
}

/* CVE-2026-33298, CVE-2026-27940: products that wrap, to 0 or to something small. CVE-2026-7482: shapes larger than the
 * data. */
static void sizes_that_wrap_or_exceed_the_file_are_refused(void **state) {
  (void)state;
  static const struct {
    uint64_t ne[4];
    uint32_t type;
    int32_t code;
  } rows[] = {
      {{UINT64_MAX, 1, 1, 1}, INFERMEM_DTYPE_I8, INFERMEM_E_OVERFLOW}, /* its end */
      {{UINT64_MAX, 1, 1, 1}, INFERMEM_DTYPE_F32, INFERMEM_E_OVERFLOW},
      {{(uint64_t)1 << 62, 1, 1, 1}, INFERMEM_DTYPE_F32, INFERMEM_E_OVERFLOW},
      {{(uint64_t)1 << 32, (uint64_t)1 << 32, 1, 1}, INFERMEM_DTYPE_F32, INFERMEM_E_OVERFLOW},
      {{(uint64_t)1 << 32, (uint64_t)1 << 32, 1, 1}, 99, INFERMEM_E_OVERFLOW},
      {{1 << 16, 1 << 16, 1 << 16, 1 << 16}, INFERMEM_DTYPE_Q4_0, INFERMEM_E_OVERFLOW},
      {{1 << 16, 1 << 16, 1 << 16, (1 << 16) - 1}, INFERMEM_DTYPE_F16, INFERMEM_E_OVERFLOW},
      {{0x100000001u, 0xffffffffu, 2, 1}, INFERMEM_DTYPE_F32, INFERMEM_E_OVERFLOW},
      {{(uint64_t)1 << 60, 1, 1, 1}, INFERMEM_DTYPE_Q8_0, INFERMEM_E_TRUNCATED},
      {{(uint64_t)INT64_MAX, 1, 1, 1}, INFERMEM_DTYPE_I8, INFERMEM_E_TRUNCATED},
      {{(uint64_t)INT64_MAX, 1, 1, 1}, 99, INFERMEM_E_TRUNCATED},
      {{17, 1, 1, 1}, INFERMEM_DTYPE_F32, INFERMEM_E_TRUNCATED},
      {{1, 1, 1, 17}, INFERMEM_DTYPE_F32, INFERMEM_E_TRUNCATED},
      {{64, 1, 1, 1}, INFERMEM_DTYPE_Q8_0, INFERMEM_E_TRUNCATED},
      {{31, 1, 1, 1}, INFERMEM_DTYPE_Q8_0, INFERMEM_E_FORMAT},
      {{33, 32, 1, 1}, INFERMEM_DTYPE_Q4_0, INFERMEM_E_FORMAT},
      {{128, 1, 1, 1}, INFERMEM_DTYPE_Q4_K, INFERMEM_E_FORMAT},
      {{1, 1, 1, 1}, 0x80000000u, INFERMEM_E_FORMAT},
      {{1, 1, 1, 1}, UINT32_MAX, INFERMEM_E_FORMAT},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct gguf g = one_tensor(4, rows[i].ne, rows[i].type, 0, 64);
    refuse(&g, rows[i].code);
  }
}

/* CVE-2025-53630, #24759: offsets and paddings that wrap. */
static void places_outside_the_file_are_refused(void **state) {
  (void)state;
  const uint64_t one[] = {1};
  static const struct {
    uint64_t offset;
    int32_t code;
  } rows[] = {
      {UINT64_MAX - 31, INFERMEM_E_OVERFLOW},
      {UINT64_MAX - 63, INFERMEM_E_OVERFLOW},
      {(uint64_t)1 << 63, INFERMEM_E_TRUNCATED},
      {64, INFERMEM_E_TRUNCATED},
      {1 << 20, INFERMEM_E_TRUNCATED},
      {UINT64_MAX, INFERMEM_E_FORMAT},
      {1, INFERMEM_E_FORMAT},
      {16, INFERMEM_E_FORMAT},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (uint32_t type = 0; type <= 99; type += 99) {
      struct gguf g = one_tensor(1, one, type, rows[i].offset, 64);
      refuse(&g, rows[i].code);
    }
  struct gguf g = one_tensor(1, one, INFERMEM_DTYPE_F32, 0, 0); /* the data section itself is not there */
  refuse(&g, INFERMEM_E_TRUNCATED);
  const uint64_t huge[] = {(uint64_t)1 << 62, 2};
  gguf_header(&g, 3, 2, 0);
  gguf_tensor(&g, "a", 1, huge, INFERMEM_DTYPE_I16, 0);
  gguf_tensor(&g, "b", 1, huge, INFERMEM_DTYPE_I16, (uint64_t)1 << 63);
  gguf_zeros(&g, 64);
  refuse(&g, INFERMEM_E_TRUNCATED);
}

static void tensors_that_overlap_are_refused(void **state) {
  (void)state;
  static const uint64_t places[][3] = {{0, 32, 32}, {0, 0, 64}, {64, 0, 0}, {32, 64, 32}, {96, 32, 0}, {0, 96, 32}};
  static const uint64_t elements[][3] = {{8, 8, 8}, {8, 8, 8}, {8, 8, 8}, {8, 8, 8}, {1, 1, 9}, {9, 1, 1}};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    struct gguf g = {0};
    gguf_header(&g, 3, 3, 0);
    for (size_t k = 0; k < 3; k++) {
      const char name[] = {(char)('a' + k), '\0'};
      gguf_tensor(&g, name, 1, &elements[i][k], INFERMEM_DTYPE_F32, places[i][k]);
    }
    gguf_pad(&g, 32);
    gguf_zeros(&g, 256);
    refuse(&g, INFERMEM_E_FORMAT);
    assert_non_null(strstr(infermem_error_detail()->message, "overlap"));
  }
  /* Two of an unknown type in one place: one of them has no byte of its own. */
  const uint64_t one[] = {1};
  struct gguf g = {0};
  gguf_header(&g, 3, 2, 0);
  gguf_tensor(&g, "a", 1, one, 99, 0);
  gguf_tensor(&g, "b", 1, one, 99, 0);
  gguf_pad(&g, 32);
  gguf_zeros(&g, 64);
  refuse(&g, INFERMEM_E_FORMAT);
}

/* CVE-2024-8063: a division by what the metadata says. */
static void hostile_hyperparameters_do_not_stop_a_file_from_opening(void **state) {
  (void)state;
  static const char *const keys[] = {"x.block_count",
                                     "x.embedding_length",
                                     "x.attention.head_count",
                                     "x.attention.head_count_kv",
                                     "x.attention.key_length",
                                     "x.feed_forward_length",
                                     "x.vocab_size",
                                     "x.rope.dimension_count",
                                     "x.expert_count",
                                     "x.expert_used_count",
                                     "x.attention.sliding_window",
                                     "x.context_length"};
  enum { KEYS = sizeof keys / sizeof *keys };
  static const uint64_t values[] = {0, 1, UINT64_MAX, (uint64_t)1 << 63, (uint64_t)1 << 32, 1 << 20, 3};
  uint64_t seed = 1;
  for (int round = 0; round < 300; round++) {
    struct gguf g = {0};
    gguf_header(&g, 3, 0, KEYS + 1);
    gguf_meta_string(&g, "general.architecture", "x");
    for (size_t i = 0; i < KEYS; i++) {
      const uint64_t value = values[test_random_below(&seed, sizeof values / sizeof *values)];
      if (test_random_below(&seed, 4) == 0) {
        gguf_array(&g, keys[i], INFERMEM_META_U64, 1);
        gguf_u64(&g, value);
      } else {
        gguf_key(&g, keys[i], test_random_below(&seed, 2) ? INFERMEM_META_I64 : INFERMEM_META_U64);
        gguf_u64(&g, value);
      }
    }
    accept(&g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(more_than_four_dimensions_are_refused),
      cmocka_unit_test(a_dimension_of_zero_is_refused),
      cmocka_unit_test(sizes_that_wrap_or_exceed_the_file_are_refused),
      cmocka_unit_test(places_outside_the_file_are_refused),
      cmocka_unit_test(tensors_that_overlap_are_refused),
      cmocka_unit_test(hostile_hyperparameters_do_not_stop_a_file_from_opening),
  };
  return cmocka_run_group_tests_name("model_hostile_tensors", tests, NULL, gguf_leave);
}
