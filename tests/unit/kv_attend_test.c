/* Attention over a cache: kv_attend, kv_attend_partial and kv_attend_merge, against the definition in double precision of
 * what the cache holds, on every instruction set. */
#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "fence.h"

/* What is attended to. Zero stands for 1 head, as many query heads, 64 elements, 70 tokens, 1 query token. */
struct setup {
  int32_t k_type, v_type;
  uint32_t flags;
  size_t n_kv_heads, n_q_heads, head_dim, head_dim_v;
  size_t n_tokens, n_q_tokens, window;
  float scale, soft_cap;
  float last_value; /* by what the last token's value is larger than the others'; 0 means 1 */
};

static struct setup filled(struct setup s) {
  if (s.n_kv_heads == 0) s.n_kv_heads = 1;
  if (s.n_q_heads == 0) s.n_q_heads = s.n_kv_heads;
  if (s.head_dim == 0) s.head_dim = 64;
  if (s.head_dim_v == 0) s.head_dim_v = s.head_dim;
  if (s.n_tokens == 0) s.n_tokens = 70;
  if (s.n_q_tokens == 0) s.n_q_tokens = 1;
  if (s.last_value == 0) s.last_value = 1;
  return s;
}

static float *floats(size_t n, uint64_t seed, float factor) {
  float *p = malloc((n + 1) * sizeof *p);
  assert_non_null(p);
  for (size_t i = 0; i < n; i++) p[i] = factor * test_random_float(&seed);
  return p;
}

/* A cache of one layer with tokens first … first + n - 1 of a stream of random rows, the last of them pending. */
static infermem_kv *part_of_stream(struct setup s, size_t first, size_t n) {
  INFERMEM_STRUCT(infermem_kv_options, options);
  options.n_layers = 1;
  options.n_kv_heads = s.n_kv_heads;
  options.head_dim = s.head_dim;
  options.head_dim_v = s.head_dim_v;
  options.max_tokens = n + 1;
  options.k_type = s.k_type;
  options.v_type = s.v_type;
  options.flags = s.flags;
  infermem_kv *kv = NULL;
  assert_ok(kv_new(&options, &kv));
  const size_t k_row = s.n_kv_heads * s.head_dim, v_row = s.n_kv_heads * s.head_dim_v;
  for (size_t i = 0; i < n; i++) {
    float *k = floats(k_row, 1000 + first + i, 1), *v = floats(v_row, 500000 + first + i, 2);
    for (size_t j = 0; first + i + 1 == s.n_tokens && j < v_row; j++) v[j] *= s.last_value;
    assert_ok(kv_append(kv, 0, k, k_row, v, v_row, 1));
    if (i + 1 < n) assert_ok(kv_advance(kv, 1));
    free(k);
    free(v);
  }
  return kv;
}

static infermem_kv_attend_options options_of(struct setup s) {
  INFERMEM_STRUCT(infermem_kv_attend_options, options);
  options.n_q_heads = s.n_q_heads;
  options.n_q_tokens = s.n_q_tokens;
  options.window = s.window;
  options.scale = s.scale;
  options.soft_cap = s.soft_cap;
  return options;
}

static size_t q_floats(struct setup s) { return s.n_q_tokens * s.n_q_heads * s.head_dim; }
static size_t out_floats(struct setup s) { return s.n_q_tokens * s.n_q_heads * s.head_dim_v; }
static size_t part_floats(struct setup s) { return s.n_q_tokens * s.n_q_heads * (s.head_dim_v + 2); }

static int is_block(int32_t type) {
  return type == INFERMEM_DTYPE_Q8_0 || type == INFERMEM_DTYPE_Q4_0 || type == INFERMEM_DTYPE_Q4_1;
}

/* One row of the query: out within the bound that the header states, and that `more` times. */
static void assert_row(struct setup s, const float *keys, const float *values, const float *q, size_t t, size_t head,
                       const float *out, double more) {
  const size_t position = s.n_tokens - s.n_q_tokens + t, kv_head = head / (s.n_q_heads / s.n_kv_heads);
  const size_t begin = s.window != 0 && position >= s.window ? position + 1 - s.window : 0, n = position + 1 - begin;
  const double scale = s.scale != 0 ? (double)s.scale : 1 / sqrt((double)s.head_dim);
  double *scores = malloc(n * sizeof *scores);
  double largest = -INFINITY, sum = 0, most_product = 0, most_key = 0, most_q = 0, most_value = 0;
  for (size_t j = 0; j < n; j++) {
    const float *key = keys + ((begin + j) * s.n_kv_heads + kv_head) * s.head_dim;
    double product = 0, magnitude = 0, key_sum = 0;
    for (size_t i = 0; i < s.head_dim; i++) {
      product += (double)q[i] * (double)key[i];
      magnitude += fabs((double)q[i] * (double)key[i]);
      key_sum += fabs((double)key[i]);
      most_q = fmax(most_q, fabs((double)q[i]));
    }
    scores[j] = product * scale;
    if (s.soft_cap != 0) scores[j] = (double)s.soft_cap * tanh(scores[j] / (double)s.soft_cap);
    largest = fmax(largest, scores[j]);
    most_product = fmax(most_product, magnitude);
    most_key = fmax(most_key, key_sum);
  }
  for (size_t j = 0; j < n; j++) sum += scores[j] = exp(scores[j] - largest);
  for (size_t j = begin; j < begin + n; j++)
    for (size_t i = 0; i < s.head_dim_v; i++)
      most_value = fmax(most_value, fabs((double)values[(j * s.n_kv_heads + kv_head) * s.head_dim_v + i]));
  double e = (double)(s.head_dim + 16) * 0x1p-23 * fabs(scale) * most_product + 0x1p-20 * (double)s.soft_cap;
  if (is_block(s.k_type)) e += 0x1p-15 * fabs(scale) * most_q * most_key;
  assert_true(e < 1.0 / 16);
  double bound = (2.1 * e + (double)(n + 32) * 0x1p-23) * most_value;
  if (is_block(s.v_type)) bound += (s.v_type == INFERMEM_DTYPE_Q4_1 ? 0x1p-9 : 0x1p-10) * most_value;
  bound *= more;
  for (size_t i = 0; i < s.head_dim_v; i++) {
    double wanted = 0;
    for (size_t j = 0; j < n; j++)
      wanted += scores[j] / sum * (double)values[((begin + j) * s.n_kv_heads + kv_head) * s.head_dim_v + i];
    if (!(fabs((double)out[i] - wanted) <= bound))
      fail_msg("%s, K %d, V %d, %zu x %zu, token %zu, head %zu, element %zu: %.9g, not %.9g within %.3g",
               infermem_simd_name(), s.k_type, s.v_type, s.head_dim, s.head_dim_v, t, head, i, (double)out[i], wanted,
               bound);
  }
  free(scores);
}

static void assert_attended(const infermem_kv *kv, struct setup s, const float *q, const float *out, double more) {
  const size_t k_row = s.n_kv_heads * s.head_dim, v_row = s.n_kv_heads * s.head_dim_v;
  float *keys = floats(s.n_tokens * k_row, 0, 0), *values = floats(s.n_tokens * v_row, 0, 0);
  assert_ok(kv_read(kv, 0, INFERMEM_KV_K, 0, s.n_tokens, keys, s.n_tokens * k_row));
  assert_ok(kv_read(kv, 0, INFERMEM_KV_V, 0, s.n_tokens, values, s.n_tokens * v_row));
  for (size_t t = 0; t < s.n_q_tokens; t++)
    for (size_t head = 0; head < s.n_q_heads; head++) {
      const size_t row = t * s.n_q_heads + head;
      assert_row(s, keys, values, q + row * s.head_dim, t, head, out + row * s.head_dim_v, more);
    }
  free(values);
  free(keys);
}

/* Attends on every instruction set. */
static void check(struct setup given) {
  const struct setup s = filled(given);
  infermem_kv *kv = part_of_stream(s, 0, s.n_tokens);
  const infermem_kv_attend_options options = options_of(s);
  float *q = floats(q_floats(s), 77, 2), *out = floats(out_floats(s), 0, 0);
  for (size_t set = 0; infermem_simd_available(set); set++) {
    assert_ok(infermem_simd_select(infermem_simd_available(set)));
    for (size_t i = 0; i <= out_floats(s); i++) out[i] = NAN; /* what is there does not matter */
    assert_ok(kv_attend(kv, 0, &options, 0, s.n_kv_heads, q, q_floats(s), out, out_floats(s)));
    assert_true(isnan(out[out_floats(s)]));
    /* rotated vectors have other elements, within the same length: the bound holds with room */
    assert_attended(kv, s, q, out, s.flags != 0 ? 16 : 1);
  }
  assert_ok(infermem_simd_select(NULL));
  free(out);
  free(q);
  kv_free(kv);
}

enum { F32 = INFERMEM_DTYPE_F32, F16 = INFERMEM_DTYPE_F16, BF16 = INFERMEM_DTYPE_BF16, Q8_0 = INFERMEM_DTYPE_Q8_0 };
static const int32_t kTypes[] = {F32, F16, BF16, Q8_0, INFERMEM_DTYPE_Q4_0, INFERMEM_DTYPE_Q4_1};

/* ---- What is computed ---- */

static void keys_and_values_are_of_any_two_types(void **state) {
  (void)state;
  for (size_t k = 0; k < 6; k++)
    for (size_t v = 0; v < 6; v++)
      check((struct setup){.k_type = kTypes[k], .v_type = kTypes[v], .n_kv_heads = 2, .n_q_heads = 6});
}

static void heads_have_any_size(void **state) {
  (void)state;
  const size_t dims[] = {8, 16, 24, 40, 56, 72, 80, 96, 112, 128, 136, 256, 1024};
  for (size_t type = 0; type < 3; type++)
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++)
      check((struct setup){.k_type = kTypes[type],
                           .v_type = kTypes[2 - type],
                           .head_dim = dims[i],
                           .head_dim_v = dims[(i + 5) % 13],
                           .n_q_heads = 3,
                           .n_tokens = 13});
  for (size_t type = 3; type < 6; type++)
    for (size_t dim = 32; dim <= 256; dim += 32)
      check((struct setup){.k_type = kTypes[type],
                           .v_type = kTypes[8 - type],
                           .head_dim = dim,
                           .head_dim_v = 288 - dim,
                           .n_q_heads = 3,
                           .n_tokens = 13});
  check((struct setup){.k_type = Q8_0, .v_type = Q8_0, .head_dim = 1024, .n_q_heads = 9, .n_tokens = 5});
}

static void heads_are_shared_in_any_ratio(void **state) {
  (void)state;
  const size_t ratios[] = {1, 2, 3, 4, 5, 7, 8, 71};
  for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++)
    for (size_t heads = 1; heads <= 4; heads += 3)
      check((struct setup){.k_type = F16,
                           .v_type = Q8_0,
                           .n_kv_heads = heads,
                           .n_q_heads = heads * ratios[i],
                           .head_dim = 32,
                           .n_tokens = 66});
  check((struct setup){.v_type = F16, .n_kv_heads = 80, .head_dim = 128, .n_tokens = 3}); /* more than one pass */
}

static void a_query_has_1_to_64_tokens_each_of_which_sees_those_before_it(void **state) {
  (void)state;
  for (size_t n = 1; n <= 64; n += n < 8 ? 1 : 7)
    check((struct setup){.k_type = F16, .n_q_heads = 2, .head_dim = 32, .n_tokens = 64, .n_q_tokens = n});
  check((struct setup){
      .k_type = Q8_0, .n_kv_heads = 2, .n_q_heads = 6, .head_dim = 32, .n_tokens = 140, .n_q_tokens = 64});
}

static void large_values_that_only_later_tokens_see_cost_no_more_than_is_stated(void **state) {
  (void)state;
  for (size_t type = 0; type < 6; type++)
    check((struct setup){
        .v_type = kTypes[type], .n_q_heads = 2, .head_dim = 32, .n_tokens = 75, .n_q_tokens = 9, .last_value = 1000});
}

static void every_number_of_tokens_is_seen(void **state) {
  (void)state;
  for (size_t n = 1; n <= 200; n += n < 10 || (n > 60 && n < 70) ? 1 : 17) {
    check((struct setup){.k_type = F16, .v_type = F16, .n_q_heads = 2, .head_dim = 16, .n_tokens = n});
    for (size_t type = 3; type < 6; type++)
      check((struct setup){
          .k_type = kTypes[type], .v_type = kTypes[8 - type], .n_q_heads = 7, .head_dim = 32, .n_tokens = n});
  }
}

static void values_of_zeros_give_zeros(void **state) {
  (void)state;
  const float zeros[64] = {0}, q[64] = {1, -1};
  for (size_t set = 0; infermem_simd_available(set); set++) {
    assert_ok(infermem_simd_select(infermem_simd_available(set)));
    for (size_t type = 0; type < 6; type++) {
      INFERMEM_STRUCT(infermem_kv_options, options);
      options.n_layers = options.n_kv_heads = options.max_tokens = 1;
      options.head_dim = 64;
      options.k_type = options.v_type = kTypes[type];
      infermem_kv *kv = NULL;
      assert_ok(kv_new(&options, &kv));
      assert_ok(kv_append(kv, 0, zeros, 64, zeros, 64, 1));
      float out[64] = {1};
      assert_ok(kv_attend(kv, 0, NULL, 0, 1, q, 64, out, 64));
      for (size_t i = 0; i < 64; i++) assert_true(out[i] == 0);
      kv_free(kv);
    }
  }
  assert_ok(infermem_simd_select(NULL));
}

static void a_window_hides_what_lies_behind_it(void **state) {
  (void)state;
  const size_t windows[] = {1, 2, 63, 64, 65, 129, 150, SIZE_MAX};
  for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
    check((struct setup){.k_type = F16,
                         .n_q_heads = 2,
                         .head_dim = 16,
                         .n_tokens = 150,
                         .n_q_tokens = 1 + 9 * (i % 3),
                         .window = windows[i]});
}

static void scores_are_scaled_and_capped(void **state) {
  (void)state;
  check((struct setup){.k_type = F16, .scale = 0.5f});
  check((struct setup){.k_type = Q8_0, .scale = -0.25f});
  check((struct setup){.soft_cap = 50, .scale = 3});
  check((struct setup){.soft_cap = 0.5f, .scale = 3});
  check((struct setup){.k_type = F16, .soft_cap = 2, .n_q_tokens = 5, .window = 20});
}

static void rotation_is_not_seen(void **state) {
  (void)state;
  for (size_t type = 0; type < 6; type++)
    for (uint32_t flags = 1; flags <= 3; flags++)
      check((struct setup){.k_type = kTypes[type],
                           .v_type = kTypes[5 - type],
                           .flags = flags,
                           .n_kv_heads = 2,
                           .n_q_heads = 4,
                           .head_dim = 96,
                           .head_dim_v = 64});
}

static void pending_tokens_count_as_those_of_the_length(void **state) {
  (void)state;
  const struct setup s = filled((struct setup){.v_type = F16});
  infermem_kv *kv = part_of_stream(s, 0, s.n_tokens);
  float *q = floats(64, 1, 1), pending[64], advanced[64];
  assert_ok(kv_attend(kv, 0, NULL, 0, 1, q, 64, pending, 64));
  assert_int_equal(kv_len(kv), s.n_tokens - 1);
  assert_ok(kv_advance(kv, 1));
  assert_ok(kv_attend(kv, 0, NULL, 0, 1, q, 64, advanced, 64));
  assert_memory_equal(pending, advanced, sizeof pending);
  free(q);
  kv_free(kv);
}

/* ---- Parts ---- */

static void assert_heads_part(struct setup s, size_t end_of_first) {
  infermem_kv *kv = part_of_stream(s, 0, s.n_tokens);
  const infermem_kv_attend_options options = options_of(s);
  const size_t heads = s.n_kv_heads, group = s.n_q_heads / heads;
  float *q = floats(q_floats(s), 5, 1), *whole = floats(out_floats(s), 0, 0), *out = floats(out_floats(s), 0, 0);
  assert_ok(kv_attend(kv, 0, &options, 0, heads, q, q_floats(s), whole, out_floats(s)));
  assert_ok(kv_attend(kv, 0, &options, end_of_first, heads - end_of_first, q, q_floats(s), out, out_floats(s)));
  for (size_t i = 0; i < out_floats(s); i++)
    assert_true(out[i] == (i / 64 % s.n_q_heads < end_of_first * group ? 0 : whole[i]));
  assert_ok(kv_attend(kv, 0, &options, 0, end_of_first, q, q_floats(s), out, out_floats(s)));
  assert_ok(kv_attend(kv, 0, &options, heads, 0, q, q_floats(s), out, out_floats(s))); /* none */
  assert_memory_equal(out, whole, out_floats(s) * sizeof *out);
  free(out);
  free(whole);
  free(q);
  kv_free(kv);
}

static void parts_of_the_heads_give_the_bits_of_the_whole(void **state) {
  (void)state;
  for (size_t set = 0; infermem_simd_available(set); set++) {
    assert_ok(infermem_simd_select(infermem_simd_available(set)));
    for (size_t type = 0; type < 6; type++) {
      struct setup s = {
          .k_type = kTypes[5 - type], .v_type = kTypes[type], .n_kv_heads = 5, .n_q_heads = 15, .n_q_tokens = 3};
      assert_heads_part(filled(s), 3);
      s.n_kv_heads = s.n_q_heads = 72; /* more than are attended to in one pass; long rows */
      s.n_q_tokens = 1;
      assert_heads_part(filled(s), 5);
    }
  }
  assert_ok(infermem_simd_select(NULL));
}

static void parts_of_the_tokens_are_merged_into_the_whole(void **state) {
  (void)state;
  enum { kParts = 5 };
  for (size_t set = 0; infermem_simd_available(set); set++) {
    assert_ok(infermem_simd_select(infermem_simd_available(set)));
    const struct setup s = filled((struct setup){
        .k_type = F16, .v_type = Q8_0, .n_kv_heads = 2, .n_q_heads = 6, .n_tokens = 150, .n_q_tokens = 4, .scale = 1});
    infermem_kv *kv = part_of_stream(s, 0, s.n_tokens);
    const infermem_kv_attend_options options = options_of(s);
    const size_t bounds[kParts + 1] = {0, 31, 31, 130, 148, 150}, n = part_floats(s);
    float *q = floats(q_floats(s), 5, 1), *parts = floats(kParts * n, 0, 0), *out = floats(out_floats(s), 0, 0);
    for (size_t i = 0; i < kParts; i++)
      assert_ok(kv_attend_partial(kv, 0, &options, 0, 2, bounds[i], bounds[i + 1] - bounds[i], q, q_floats(s),
                                  parts + i * n, n));
    assert_ok(kv_attend_merge(parts, kParts * n, kParts, 24, 64, out, out_floats(s)));
    assert_attended(kv, s, q, out, 1.2);
    /* the first token of the query sees nothing from 148 on */
    const float *blind = parts + 4 * n;
    for (size_t i = 0; i < 64; i++) assert_true(blind[i] == 0);
    assert_true(blind[64] == -INFINITY && blind[65] == 0);
    free(out);
    free(parts);
    free(q);
    kv_free(kv);
  }
  assert_ok(infermem_simd_select(NULL));
}

static void a_prefix_and_a_suffix_in_two_caches_are_attended_to_as_one(void **state) {
  (void)state;
  for (size_t window = 0; window <= 40; window += 20) {
    const struct setup s = filled((struct setup){
        .k_type = Q8_0, .v_type = Q8_0, .n_q_heads = 4, .n_tokens = 100, .n_q_tokens = 7, .window = window});
    infermem_kv *prefix = part_of_stream(s, 0, 90), *suffix = part_of_stream(s, 90, 10),
                *all = part_of_stream(s, 0, 100);
    infermem_kv_attend_options options = options_of(s);
    const size_t n = part_floats(s);
    float *q = floats(q_floats(s), 5, 1), *parts = floats(2 * n, 0, 0), *out = floats(out_floats(s), 0, 0);
    assert_ok(kv_attend_partial(suffix, 0, &options, 0, 1, 0, 10, q, q_floats(s), parts, n));
    options.n_after = 10;
    assert_ok(kv_attend_partial(prefix, 0, &options, 0, 1, 0, 90, q, q_floats(s), parts + n, n));
    assert_ok(kv_attend_merge(parts, 2 * n, 2, 28, 64, out, out_floats(s)));
    assert_attended(all, s, q, out, 1.2);
    free(out);
    free(parts);
    free(q);
    kv_free(all);
    kv_free(suffix);
    kv_free(prefix);
  }
}

static void where_nothing_is_seen_the_result_is_zero(void **state) {
  (void)state;
  for (size_t set = 0; infermem_simd_available(set); set++) {
    assert_ok(infermem_simd_select(infermem_simd_available(set)));
    const struct setup s = filled((struct setup){0});
    infermem_kv *kv = part_of_stream(s, 0, 3), *empty = part_of_stream(s, 0, 0);
    INFERMEM_STRUCT(infermem_kv_attend_options, options);
    options.n_after = 100;
    options.window = 50;
    float *q = floats(64, 1, 1), out[64], part[66];
    for (size_t i = 0; i < 64; i++) out[i] = NAN;
    assert_ok(kv_attend(kv, 0, &options, 0, 1, q, 64, out, 64)); /* all tokens lie behind the window */
    for (size_t i = 0; i < 64; i++) assert_true(out[i] == 0);
    assert_ok(kv_attend_partial(empty, 0, &options, 0, 1, 0, 0, q, 64, part, 66));
    for (size_t i = 0; i < 64; i++) assert_true(part[i] == 0);
    assert_true(part[64] == -INFINITY && part[65] == 0);
    out[3] = NAN;
    assert_ok(kv_attend_merge(part, 66, 1, 1, 64, out, 64));
    for (size_t i = 0; i < 64; i++) assert_true(out[i] == 0);
    free(q);
    kv_free(empty);
    kv_free(kv);
  }
  assert_ok(infermem_simd_select(NULL));
}

/* ---- Extremes ---- */

/* A host may have the processor trap these. */
static void usual_numbers_raise_no_exceptions(void **state) {
  (void)state;
  for (size_t type = 0; type < 6; type++)
    for (size_t n = 1; n <= 20; n += 19) {
      const struct setup s = filled((struct setup){
          .k_type = kTypes[type], .v_type = kTypes[type], .n_tokens = 140, .n_q_tokens = n, .window = 90});
      infermem_kv *kv = part_of_stream(s, 0, s.n_tokens);
      infermem_kv_attend_options options = options_of(s);
      options.scale = -40; /* the largest score of a tile may be far from 0 */
      float *q = floats(q_floats(s), 77, 2), *out = floats(out_floats(s), 0, 0);
      for (size_t set = 0; infermem_simd_available(set); set++) {
        assert_ok(infermem_simd_select(infermem_simd_available(set)));
        assert_int_equal(feclearexcept(FE_ALL_EXCEPT), 0);
        assert_ok(kv_attend(kv, 0, &options, 0, 1, q, q_floats(s), out, out_floats(s)));
        const int raised = fetestexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW);
        if (raised != 0) fail_msg("%s, type %d, %zu: 0x%x", infermem_simd_name(), kTypes[type], n, (unsigned)raised);
      }
      assert_ok(infermem_simd_select(NULL));
      free(out);
      free(q);
      kv_free(kv);
    }
}

static void a_query_of_zeros_gives_the_mean(void **state) {
  (void)state;
  for (size_t set = 0; infermem_simd_available(set); set++) {
    assert_ok(infermem_simd_select(infermem_simd_available(set)));
    for (size_t type = 0; type < 6; type++) {
      const struct setup s = filled((struct setup){.k_type = kTypes[type], .v_type = kTypes[type]});
      infermem_kv *kv = part_of_stream(s, 0, s.n_tokens);
      float *values = floats(s.n_tokens * 64, 0, 0), q[64] = {0}, out[64];
      assert_ok(kv_read(kv, 0, INFERMEM_KV_V, 0, s.n_tokens, values, s.n_tokens * 64));
      assert_ok(kv_attend(kv, 0, NULL, 0, 1, q, 64, out, 64));
      for (size_t i = 0; i < 64; i++) {
        double sum = 0;
        for (size_t t = 0; t < s.n_tokens; t++) sum += (double)values[t * 64 + i];
        assert_true(fabs(sum / (double)s.n_tokens - (double)out[i]) < 1e-5);
      }
      free(values);
      kv_free(kv);
    }
  }
  assert_ok(infermem_simd_select(NULL));
}

/* The values end with the memory that may be read, and so do the query and the output. */
static void nothing_beyond_the_rows_is_touched(void **state) {
  (void)state;
  const struct fenced memory = fence(1 << 16), io = fence(1 << 16);
  for (size_t set = 0; infermem_simd_available(set); set++) {
    assert_ok(infermem_simd_select(infermem_simd_available(set)));
    for (size_t type = 0; type < 6; type++) {
      for (size_t dim = type < 3 ? 8 : 32; dim <= 96; dim += type < 3 ? 8 : 32) {
        INFERMEM_STRUCT(infermem_kv_options, options);
        options.n_layers = options.n_kv_heads = 1;
        options.head_dim = dim;
        options.max_tokens = 32;
        options.k_type = options.v_type = kTypes[type];
        infermem_kv *kv = NULL;
        assert_ok(kv_new(&options, &kv));
        const size_t bytes = kv_memory_bytes(kv); /* whole rows: 32 tokens fill what a layer is rounded up to */
        kv_free(kv);
        INFERMEM_STRUCT(infermem_tape_options, tape_options);
        tape_options.size = bytes;
        tape_options.lent = memory.end - bytes;
        infermem_tape *tape = NULL;
        assert_ok(tape_new(&tape_options, &tape));
        options.tape = tape;
        assert_ok(kv_new(&options, &kv));
        float *rows = floats(32 * dim, 4, 1), *q = (float *)(void *)io.end - 3 * dim, out[3 * 96];
        for (size_t i = 0; i < 3 * dim; i++) q[i] = 0.5f;
        assert_ok(kv_append(kv, 0, rows, 32 * dim, rows, 32 * dim, 32));
        INFERMEM_STRUCT(infermem_kv_attend_options, attend);
        attend.n_q_tokens = 3;
        assert_ok(kv_attend(kv, 0, &attend, 0, 1, q, 3 * dim, out, 3 * dim));
        assert_ok(kv_attend(kv, 0, &attend, 0, 1, out, 3 * dim, q, 3 * dim));
        free(rows);
        kv_free(kv);
        tape_free(tape);
      }
    }
  }
  assert_ok(infermem_simd_select(NULL));
  unfence(&memory);
  unfence(&io);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keys_and_values_are_of_any_two_types),
      cmocka_unit_test(heads_have_any_size),
      cmocka_unit_test(heads_are_shared_in_any_ratio),
      cmocka_unit_test(a_query_has_1_to_64_tokens_each_of_which_sees_those_before_it),
      cmocka_unit_test(large_values_that_only_later_tokens_see_cost_no_more_than_is_stated),
      cmocka_unit_test(every_number_of_tokens_is_seen),
      cmocka_unit_test(values_of_zeros_give_zeros),
      cmocka_unit_test(a_window_hides_what_lies_behind_it),
      cmocka_unit_test(scores_are_scaled_and_capped),
      cmocka_unit_test(rotation_is_not_seen),
      cmocka_unit_test(pending_tokens_count_as_those_of_the_length),
      cmocka_unit_test(parts_of_the_heads_give_the_bits_of_the_whole),
      cmocka_unit_test(parts_of_the_tokens_are_merged_into_the_whole),
      cmocka_unit_test(a_prefix_and_a_suffix_in_two_caches_are_attended_to_as_one),
      cmocka_unit_test(where_nothing_is_seen_the_result_is_zero),
      cmocka_unit_test(usual_numbers_raise_no_exceptions),
      cmocka_unit_test(a_query_of_zeros_gives_the_mean),
      cmocka_unit_test(nothing_beyond_the_rows_is_touched),
  };
  return cmocka_run_group_tests_name("kv_attend", tests, NULL, NULL);
}
