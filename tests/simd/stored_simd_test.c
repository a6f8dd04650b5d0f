/* Every instruction set gives the bits of the plain code for what caches store: blocks, BF16, rotated heads. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "support.h"

enum { kBlock = 32 };

static float from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* A block of one of many kinds, each a trap for some shortcut; all can be stored. */
static void fill_block(float *v, uint64_t *seed) {
  const uint64_t kind = test_random_below(seed, 12);
  const float scale = ldexpf(1.0f, (int)test_random_below(seed, 28) - 25);
  for (size_t i = 0; i < kBlock; i++) {
    const float x = test_random_float(seed);
    switch (kind) {
      case 0: /* plain */
        v[i] = x * scale;
        break;
      case 1: /* levels and halves of them */
        v[i] = (float)((int)test_random_below(seed, 511) - 255) * 0.5f * scale;
        break;
      case 2: /* opposite extremes, in either order */
        v[i] = i % 5 == 0 ? (test_random_below(seed, 2) ? scale : -scale) : x * scale;
        break;
      case 3: /* zeros of both signs among positive values */
        v[i] = test_random_below(seed, 3) == 0 ? (test_random_below(seed, 2) ? 0.0f : -0.0f) : fabsf(x) * scale;
        break;
      case 4: /* zeros alone */
        v[i] = test_random_below(seed, 2) ? 0.0f : -0.0f;
        break;
      case 5: /* denormal */
        v[i] = from_bits((uint32_t)test_random(seed) & 0x807fffff);
        break;
      case 6: /* about where the inverse of a scale overflows */
        v[i] = ldexpf(x, -126 + (int)test_random_below(seed, 8));
        break;
      case 7: /* a scale that is a denormal F16 */
        v[i] = ldexpf(x, -14);
        break;
      case 8: /* constant */
        v[i] = i == 0 ? x * scale : v[0];
        break;
      case 9: /* one outlier */
        v[i] = i == kBlock / 2 ? 1000 * scale : x * scale;
        break;
      case 10: /* near the largest */
        v[i] = x * 65000.0f;
        break;
      default: /* negative */
        v[i] = -fabsf(x) * scale;
    }
  }
}

static const int32_t kTypes[] = {INFERMEM_DTYPE_Q8_0, INFERMEM_DTYPE_Q4_0, INFERMEM_DTYPE_Q4_1};
static const size_t kBytes[] = {34, 18, 20};

static void blocks_have_the_same_bytes(void **state) {
  (void)state;
  enum { kMost = 70 };
  static float data[kMost * kBlock + 1], values[kMost * kBlock], expected_values[kMost * kBlock];
  static unsigned char expected[kMost * 34 + 1], got[kMost * 34 + 1];
  uint64_t seed = 11;
  for (uint32_t round = 0; round < 3000; round++) {
    const size_t n = 1 + test_random_below(&seed, round % 10 == 0 ? kMost : 20), odd = round % 2;
    for (size_t i = 0; i < n; i++) fill_block(data + odd + i * kBlock, &seed);
    for (size_t t = 0; t < 3; t++) {
      for (size_t set = 0; infermem_simd_available(set); set++) {
        assert_ok(infermem_simd_select(infermem_simd_available(set)));
        unsigned char *const out = (set == 0 ? expected : got) + odd;
        assert_ok(quant_quantize(kTypes[t], data + odd, n * kBlock, 1, n * kBlock, out, n * kBytes[t]));
        if (set != 0) assert_memory_equal(out, expected + odd, n * kBytes[t]);
        infermem_quant *q = NULL;
        assert_ok(quant_borrow(kTypes[t], expected + odd, n * kBytes[t], 1, n * kBlock, NULL, &q));
        float *const back = set == 0 ? expected_values : values;
        assert_ok(quant_to_f32(q, back, n * kBlock));
        if (set != 0) assert_memory_equal(back, expected_values, n * kBlock * sizeof *back);
        quant_free(q);
      }
    }
  }
  assert_ok(infermem_simd_select(NULL));
}

/* What is refused is so by all, for the same reason: about the largest values that a block can hold, and what is not
 * finite, at each place. */
static void what_blocks_cannot_hold_is_refused(void **state) {
  (void)state;
  enum { kN = 40 * kBlock };
  static float data[kN];
  static unsigned char out[40 * 34];
  uint64_t seed = 5;
  static const float kLargest[] = {65520.0f * 127, 65520.0f * 8, 65520.0f};
  for (size_t set = 0; infermem_simd_available(set); set++) {
    assert_ok(infermem_simd_select(infermem_simd_available(set)));
    for (size_t t = 0; t < 3; t++) {
      for (size_t i = 0; i < kN; i++) data[i] = test_random_float(&seed);
      for (size_t at = 0; at < kN; at += 1 + test_random_below(&seed, 40)) {
        const float before = data[at], bad[] = {NAN, -NAN, INFINITY, -INFINITY};
        data[at] = bad[at % 4];
        assert_fails(INFERMEM_E_NOT_FINITE, quant_quantize(kTypes[t], data, kN, 1, kN, out, 40 * kBytes[t]));
        data[at] = -kLargest[t];
        assert_fails(INFERMEM_E_LIMIT, quant_quantize(kTypes[t], data, kN, 1, kN, out, 40 * kBytes[t]));
        assert_int_equal(infermem_error_detail()->got, at - at % kBlock);
        data[at] = -kLargest[t] * 0.9999f;
        assert_ok(quant_quantize(kTypes[t], data, kN, 1, kN, out, 40 * kBytes[t]));
        data[at] = before;
      }
    }
  }
  assert_ok(infermem_simd_select(NULL));
}

static infermem_kv *new_cache(size_t head_dim, int32_t type, uint32_t flags) {
  INFERMEM_STRUCT(infermem_kv_options, options);
  options.n_layers = options.n_kv_heads = 1;
  options.head_dim = head_dim;
  options.max_tokens = 1;
  options.k_type = options.v_type = type;
  options.flags = flags;
  infermem_kv *kv = NULL;
  assert_ok(kv_new(&options, &kv));
  return kv;
}

/* Stores a row by each set, and compares what is stored and what is read back. */
static void check_row(const float *row, size_t n, int32_t type, uint32_t flags) {
  static unsigned char expected[1 << 18];
  float *const values = malloc(2 * n * sizeof *values);
  assert_non_null(values);
  for (size_t set = 0; infermem_simd_available(set); set++) {
    assert_ok(infermem_simd_select(infermem_simd_available(set)));
    infermem_kv *kv = new_cache(n, type, flags);
    infermem_view view;
    assert_ok(kv_append(kv, 0, row, n, row, n, 1));
    assert_ok(kv_keys_pending(kv, 0, &view));
    assert_true(view.bytes <= sizeof expected);
    float *const back = values + (set == 0 ? 0 : n);
    assert_ok(kv_read(kv, 0, INFERMEM_KV_K, 0, 1, back, n));
    if (set == 0) memcpy(expected, view.data, view.bytes);
    assert_memory_equal(view.data, expected, view.bytes);
    assert_memory_equal(back, values, n * sizeof *back);
    kv_free(kv);
  }
  assert_ok(infermem_simd_select(NULL));
  free(values);
}

static void bf16_has_the_same_bits(void **state) {
  (void)state;
  enum { kN = 65536 - 5 };
  static float row[kN];
  uint64_t seed = 4;
  for (size_t i = 0; i < kN; i++) row[i] = from_bits((uint32_t)test_random(&seed));
  static const uint32_t special[] = {0x7f800001, 0xffbfffff, 0x7f7fffff, 0x3f808000, 0x3f818000, 0x00008000};
  memcpy(row, special, sizeof special);
  check_row(row, kN, INFERMEM_DTYPE_BF16, 0);
}

static void rotated_heads_have_the_same_bits(void **state) {
  (void)state;
  static float row[8192];
  uint64_t seed = 8;
  for (size_t n = 1; n <= 8192; n = n < 40 ? n + 1 : n * 2 - n % 32) {
    for (size_t i = 0; i < n; i++) row[i] = test_random_float(&seed);
    check_row(row, n, INFERMEM_DTYPE_F32, INFERMEM_KV_ROTATE_K);
    check_row(row, n, INFERMEM_DTYPE_F16, INFERMEM_KV_ROTATE_K);
    if (n % kBlock == 0) check_row(row, n, INFERMEM_DTYPE_Q4_1, INFERMEM_KV_ROTATE_K | INFERMEM_KV_STREAM);
    check_row(row, n, INFERMEM_DTYPE_F32, INFERMEM_KV_STREAM);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_have_the_same_bytes),
      cmocka_unit_test(what_blocks_cannot_hold_is_refused),
      cmocka_unit_test(bf16_has_the_same_bits),
      cmocka_unit_test(rotated_heads_have_the_same_bits),
  };
  return cmocka_run_group_tests_name("stored_simd", tests, NULL, NULL);
}
