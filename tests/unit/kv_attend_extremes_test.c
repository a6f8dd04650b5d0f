/* Attention to scores, scales and queries as large as floats are, to weights as small as count, and beside what is not
 * finite. */
#include <fenv.h>
#include <float.h>
#include <math.h>

#include "support.h"

static const int32_t kTypes[] = {INFERMEM_DTYPE_F32,  INFERMEM_DTYPE_F16,  INFERMEM_DTYPE_BF16,
                                 INFERMEM_DTYPE_Q8_0, INFERMEM_DTYPE_Q4_0, INFERMEM_DTYPE_Q4_1};

/* One head of 8 elements; key t is keys[t] in its first element, value t is t in all. */
static infermem_kv *numbered(const float *keys, size_t n) {
  INFERMEM_STRUCT(infermem_kv_options, options);
  options.n_layers = options.n_kv_heads = 1;
  options.head_dim = 8;
  options.max_tokens = n;
  infermem_kv *kv = NULL;
  assert_ok(kv_new(&options, &kv));
  for (size_t t = 0; t < n; t++) {
    float k[8] = {keys[t]}, v[8];
    for (size_t i = 0; i < 8; i++) v[i] = (float)t;
    assert_ok(kv_append(kv, 0, k, 8, v, 8, 1));
    assert_ok(kv_advance(kv, 1));
  }
  return kv;
}

static void scores_may_be_as_large_as_floats_are(void **state) {
  (void)state;
  static const struct {
    float keys[3], wanted, soft_cap;
  } cases[] = {{{0, 1e30f, -1e30f}, 1, 0},          {{3e38f, -3e38f, 0}, 0, 0},   {{-1e30f, -1e30f, -1e30f}, 1, 0},
               {{-3e38f, -3e38f, -3e38f}, 1, 0},    {{0, 200, 0}, 1, 0},          {{1e-40f, 0, -1e-40f}, 1, 0},
               {{3e38f, -3e38f, 3e38f}, 1, 1e-30f}, {{1e30f, 0, -1e30f}, 0, 1000}};
  const float q[8] = {10};
  for (size_t set = 0; infermem_simd_available(set); set++) {
    assert_ok(infermem_simd_select(infermem_simd_available(set)));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      infermem_kv *kv = numbered(cases[i].keys, 3);
      INFERMEM_STRUCT(infermem_kv_attend_options, options);
      options.scale = 1;
      options.soft_cap = cases[i].soft_cap;
      float out[8];
      assert_ok(kv_attend(kv, 0, &options, 0, 1, q, 8, out, 8));
      for (size_t j = 0; j < 8; j++)
        if (!(fabsf(out[j] - cases[i].wanted) < 1e-5f))
          fail_msg("%s, case %zu: %g", infermem_simd_name(), i, (double)out[j]);
      kv_free(kv);
    }
  }
  assert_ok(infermem_simd_select(NULL));
}

/* Where a query's unit is beyond the largest float, as it can be where keys are in blocks, scores of 0 stay what they are. */
static void scales_may_be_as_large_as_floats_are(void **state) {
  (void)state;
  enum { kDim = 32, kTokens = 5, kLargest = 3 };
  float k[kTokens * kDim] = {0}, v[kTokens * kDim];
  for (size_t i = 0; i < kDim; i++) k[kLargest * kDim + i] = 1;
  for (size_t i = 0; i < kTokens * kDim; i++) v[i] = i / kDim == kLargest ? 7 : 1;
  for (size_t set = 0; infermem_simd_available(set); set++) {
    assert_ok(infermem_simd_select(infermem_simd_available(set)));
    for (size_t type = 0; type < 6; type++) {
      INFERMEM_STRUCT(infermem_kv_options, options);
      options.n_layers = options.n_kv_heads = 1;
      options.head_dim = kDim;
      options.max_tokens = kTokens;
      options.k_type = kTypes[type];
      infermem_kv *kv = NULL;
      assert_ok(kv_new(&options, &kv));
      assert_ok(kv_append(kv, 0, k, kTokens * kDim, v, kTokens * kDim, kTokens));
      for (int exponent = -20; exponent <= 120; exponent += 20) {
        float q[kDim], out[kDim];
        for (size_t i = 0; i < kDim; i++) q[i] = ldexpf(1, exponent);
        INFERMEM_STRUCT(infermem_kv_attend_options, attend);
        attend.scale = FLT_MAX;
        assert_ok(kv_attend(kv, 0, &attend, 0, 1, q, kDim, out, kDim));
        for (size_t i = 0; i < kDim; i++)
          if (out[i] != 7) fail_msg("%s, K %d, 2^%d: %g", infermem_simd_name(), kTypes[type], exponent, (double)out[i]);
      }
      kv_free(kv);
    }
  }
  assert_ok(infermem_simd_select(NULL));
}

enum { kHeads = 2, kDim = 64, kRow = kHeads * kDim, kLength = 70, kGroup = 4 };

/* Keys and values of a type, random but for a row of one head that is `odd` throughout. */
static infermem_kv *random_but(int32_t type, size_t token, size_t head, float odd) {
  INFERMEM_STRUCT(infermem_kv_options, options);
  options.n_layers = 1;
  options.n_kv_heads = kHeads;
  options.head_dim = kDim;
  options.max_tokens = kLength;
  options.k_type = options.v_type = type;
  infermem_kv *kv = NULL;
  assert_ok(kv_new(&options, &kv));
  uint64_t seed = 7;
  for (size_t t = 0; t < kLength; t++) {
    float rows[2][kRow];
    for (size_t i = 0; i < 2 * kRow; i++) rows[i / kRow][i % kRow] = test_random_float(&seed);
    for (size_t i = 0; t == token && i < kDim; i++) rows[0][head * kDim + i] = rows[1][head * kDim + i] = odd;
    assert_ok(kv_append(kv, 0, rows[0], kRow, rows[1], kRow, 1));
    assert_ok(kv_advance(kv, 1));
  }
  return kv;
}

/* Of `group` query heads to a head, 2^exponent times random numbers, with a scale that takes this back. */
static void attend_scaled(const infermem_kv *kv, size_t group, int exponent, uint64_t window, float *out) {
  INFERMEM_STRUCT(infermem_kv_attend_options, options);
  options.n_q_heads = kHeads * group;
  options.scale = ldexpf(1, -exponent - 3);
  options.window = window;
  uint64_t seed = 11;
  float q[kRow * kGroup];
  for (size_t i = 0; i < kRow * group; i++) q[i] = ldexpf(test_random_float(&seed), exponent);
  assert_ok(kv_attend(kv, 0, &options, 0, kHeads, q, kRow * group, out, kRow * group));
}

static void queries_may_be_as_large_as_their_products_allow(void **state) {
  (void)state;
  for (size_t set = 0; infermem_simd_available(set); set++) {
    assert_ok(infermem_simd_select(infermem_simd_available(set)));
    for (size_t type = 0; type < 6; type++) {
      infermem_kv *kv = random_but(kTypes[type], kLength, 0, 0);
      for (size_t group = 1; group <= kGroup; group++) {
        float wanted[kRow * kGroup], out[kRow * kGroup];
        attend_scaled(kv, group, 0, 0, wanted);
        for (int exponent = 20; exponent <= 120; exponent += 20) {
          feclearexcept(FE_ALL_EXCEPT);
          attend_scaled(kv, group, exponent, 0, out);
          assert_int_equal(fetestexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW), 0);
          for (size_t i = 0; i < kRow * group; i++)
            if (!(fabsf(out[i] - wanted[i]) <= 1e-6f))
              fail_msg("%s, %d, group %zu, 2^%d: %g, not %g", infermem_simd_name(), kTypes[type], group, exponent,
                       (double)out[i], (double)wanted[i]);
        }
      }
      kv_free(kv);
    }
  }
  assert_ok(infermem_simd_select(NULL));
}

/* Neither behind a window nor in another head does it do harm. Blocks are finite. */
static void what_is_not_finite_stays_where_it_is(void **state) {
  (void)state;
  const size_t kToken = 66, kWindow = kLength - kToken - 1;
  for (size_t set = 0; infermem_simd_available(set); set++) {
    assert_ok(infermem_simd_select(infermem_simd_available(set)));
    for (size_t type = 0; type < 3; type++) {
      infermem_kv *kv = random_but(kTypes[type], kToken, 1, 0), *odd = random_but(kTypes[type], kToken, 1, NAN);
      for (size_t group = 1; group <= kGroup; group++) {
        float wanted[kRow * kGroup], out[kRow * kGroup];
        attend_scaled(kv, group, 0, kWindow, wanted);
        attend_scaled(odd, group, 0, kWindow, out);
        assert_memory_equal(out, wanted, kRow * group * sizeof *out);
        attend_scaled(kv, group, 0, 0, wanted);
        attend_scaled(odd, group, 0, 0, out);
        assert_memory_equal(out, wanted, kDim * group * sizeof *out);
      }
      kv_free(kv);
      kv_free(odd);
    }
  }
  assert_ok(infermem_simd_select(NULL));
}

/* Of two tokens, the second's score x below the first's: its share is exp(-x) / (1 + exp(-x)), to seven digits. */
static void weights_are_exact_to_the_last_digits(void **state) {
  (void)state;
  const float q[8] = {1};
  INFERMEM_STRUCT(infermem_kv_attend_options, options);
  options.scale = 1;
  for (size_t set = 0; infermem_simd_available(set); set++) {
    assert_ok(infermem_simd_select(infermem_simd_available(set)));
    for (int i = 0; i < 860; i++) {
      const float keys[2] = {0, -0.1f * (float)i};
      infermem_kv *kv = numbered(keys, 2);
      float out[8];
      assert_ok(kv_attend(kv, 0, &options, 0, 1, q, 8, out, 8));
      const double wanted = 1 / (1 + exp(-(double)keys[1]));
      if (!(fabs((double)out[0] / wanted - 1) < 0x1p-20))
        fail_msg("%s, %g: %.9g, not %.9g", infermem_simd_name(), (double)keys[1], (double)out[0], wanted);
      kv_free(kv);
    }
  }
  assert_ok(infermem_simd_select(NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scores_may_be_as_large_as_floats_are),
      cmocka_unit_test(scales_may_be_as_large_as_floats_are),
      cmocka_unit_test(queries_may_be_as_large_as_their_products_allow),
      cmocka_unit_test(what_is_not_finite_stays_where_it_is),
      cmocka_unit_test(weights_are_exact_to_the_last_digits),
  };
  return cmocka_run_group_tests_name("kv_attend_extremes", tests, NULL, NULL);
}
