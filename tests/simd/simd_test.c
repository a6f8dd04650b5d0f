/* Every instruction set that this processor has gives the bits of the plain code: matrices quantized and dequantized, and
 * 16-bit floats, over random groups of every kind. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support.h"

/* ---- Choosing ---- */

static void sets_are_listed_from_the_plainest_to_the_fastest(void **state) {
  (void)state;
  assert_string_equal(infermem_simd_available(0), "reference");
  size_t n = 0;
  while (infermem_simd_available(n)) n++;
  assert_null(infermem_simd_available(n + 1));
  assert_ok(infermem_simd_select(NULL));
  assert_string_equal(infermem_simd_name(), infermem_simd_available(n - 1));
}

static void a_set_is_selected_by_name(void **state) {
  (void)state;
  for (size_t i = 0; infermem_simd_available(i); i++) {
    assert_ok(infermem_simd_select(infermem_simd_available(i)));
    assert_string_equal(infermem_simd_name(), infermem_simd_available(i));
  }
  assert_ok(infermem_simd_select("reference"));
  assert_fails(INFERMEM_E_NOT_FOUND, infermem_simd_select("mmx"));
  assert_fails(INFERMEM_E_NOT_FOUND, infermem_simd_select(""));
#ifdef __x86_64__
  assert_fails(INFERMEM_E_UNSUPPORTED, infermem_simd_select("neon"));
#else
  assert_fails(INFERMEM_E_UNSUPPORTED, infermem_simd_select("avx2"));
#endif
  assert_string_equal(infermem_simd_name(), "reference");
  assert_ok(infermem_simd_select(NULL));
}

/* What a process started with INFERMEM_SIMD=name uses: this program, with the argument --name, prints it. */
static void used_with(const char *wish, char *out, size_t capacity) {
  char command[4200], self[4000];
  const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  assert_true(n > 0);
  self[n] = '\0';
  snprintf(command, sizeof command, "INFERMEM_SIMD=%s %s '%s' --name", wish, TEST_RUNNER, self);
  FILE *pipe = popen(command, "r");
  assert_non_null(pipe);
  assert_non_null(fgets(out, (int)capacity, pipe));
  assert_int_equal(pclose(pipe), 0);
  out[strcspn(out, "\n")] = '\0';
}

static void the_environment_chooses_a_set(void **state) {
  (void)state;
  char used[64];
  const char *fastest = NULL;
  for (size_t i = 0; infermem_simd_available(i); i++) {
    fastest = infermem_simd_available(i);
    used_with(fastest, used, sizeof used);
    assert_string_equal(used, fastest);
  }
  used_with("nonsense", used, sizeof used);
  assert_string_equal(used, fastest);
}

/* ---- Groups ---- */

static float from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static float any_finite(uint64_t *seed) {
  float value;
  do value = from_bits((uint32_t)test_random(seed));
  while (!isfinite(value));
  return value;
}

enum { kKinds = 12 };

/* Fills a group with values of one kind. */
static void fill(float *values, size_t n, unsigned kind, uint64_t *seed) {
  const float base = any_finite(seed), unit = ldexpf(1.0f, (int)test_random_below(seed, 40) - 20);
  for (size_t i = 0; i < n; i++) {
    const float u = test_random_float(seed);
    switch (kind) {
      case 0:
        values[i] = u;
        break;
      case 1:
        values[i] = any_finite(seed);
        break; /* all exponents: ranges overflow */
      case 2:
        values[i] = base;
        break; /* constant */
      case 3:
        values[i] = test_random_below(seed, 2) ? 0.0f : -0.0f;
        break; /* zeros of both signs */
      case 4:
        values[i] = from_bits((uint32_t)test_random_below(seed, 500));
        break; /* denormal */
      case 5:
        values[i] = (float)test_random_below(seed, 511) * 0.5f * unit;
        break; /* halves, to be rounded up */
      case 6:
        values[i] = (float)test_random_below(seed, 31) * 0.5f * unit;
        break;
      case 7:
        values[i] = test_random_below(seed, 2) ? FLT_MAX : -FLT_MAX;
        break;
      case 8:
        values[i] = u * unit + 1000.0f * unit;
        break; /* far from zero */
      case 9:
        values[i] = i == 7 ? 1e6f * u : u;
        break; /* an outlier */
      case 10:
        values[i] = u * FLT_MIN;
        break; /* about the denormal limit */
      default:
        values[i] = u * FLT_MIN * 300.0f;
        break; /* scales about it */
    }
  }
}

struct shape {
  size_t rows, cols, group;
};

static const struct shape kShapes[] = {
    {16, 512, 32},  {6, 96, 16},    {5, 480, 48},  {3, 100, 48}, {5, 96, 32},  {7, 77, 32},  {3, 1024, 64},
    {4, 200, 64},   {3, 2048, 128}, {2, 300, 128}, {9, 8, 8},    {5, 100, 24}, {4, 123, 40}, {3, 288, 96},
    {2, 1000, 256}, {1, 1, 8},      {1, 17, 8},    {64, 1, 8},   {33, 32, 32}, {2, 31, 32},  {2, 33, 32},
};

static void quantize(const float *data, const struct shape *s, uint32_t bits, infermem_quant **out) {
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.bits = bits;
  options.group = s->group;
  assert_ok(quant_from_f32(data, s->rows * s->cols, s->rows, s->cols, &options, out));
}

static size_t groups_compared;

/* One matrix, made and read by the plain code and by the set: all ways must agree. `shift` moves data and results off
 * their alignment. */
static void compare(const char *set, const struct shape *s, uint32_t bits, const float *data, size_t shift,
                    float *work) {
  const size_t n = s->rows * s->cols;
  float *expected = work + shift, *got = expected + n + 16;
  infermem_quant *plain = NULL, *fast = NULL;
  assert_ok(infermem_simd_select("reference"));
  quantize(data, s, bits, &plain);
  assert_ok(quant_to_f32(plain, expected, n));
  assert_ok(infermem_simd_select(set));
  quantize(data, s, bits, &fast);

  got[n] = 12345.0f;                      /* beyond the end */
  assert_ok(quant_to_f32(plain, got, n)); /* plain levels, read by the set */
  if (memcmp(got, expected, n * sizeof *got) != 0)
    fail_msg("%s reads %u bits of group %zu otherwise", set, bits, s->group);
  assert_true(got[n] == 12345.0f);
  assert_ok(infermem_simd_select("reference"));
  memset(got, 0xff, n * sizeof *got);
  assert_ok(quant_to_f32(fast, got, n)); /* the set's levels, read plainly */
  if (memcmp(got, expected, n * sizeof *got) != 0)
    fail_msg("%s makes %u bits of group %zu otherwise", set, bits, s->group);
  const size_t row = s->rows - 1;
  assert_ok(infermem_simd_select(set));
  assert_ok(quant_rows_to_f32(fast, &row, 1, got, s->cols));
  assert_memory_equal(got, expected + row * s->cols, s->cols * sizeof *got);
  groups_compared += s->rows * ((s->cols + s->group - 1) / s->group);
  quant_free(plain);
  quant_free(fast);
}

static void every_set_gives_the_bits_of_the_plain_code(void **state) {
  (void)state;
  enum { kMost = 16 * 2048 };
  float *data = malloc((kMost + 64) * sizeof *data), *work = malloc((2 * kMost + 128) * sizeof *work);
  assert_non_null(data);
  assert_non_null(work);
  const int times = (int)test_soak(), shapes = sizeof kShapes / sizeof *kShapes;
  for (size_t i = 1; infermem_simd_available(i); i++) {
    const char *set = infermem_simd_available(i);
    uint64_t seed = 2024;
    groups_compared = 0;
    for (int round = 0; groups_compared < (size_t)times * 1000000; round++) {
      const struct shape *s = &kShapes[round < 400 * times ? round % shapes : 0];
      const size_t shift = test_random_below(&seed, 3) == 0 ? test_random_below(&seed, 16) : 0;
      for (size_t row = 0; row < s->rows; row++)
        for (size_t col = 0; col < s->cols; col += s->group) {
          const size_t n = s->cols - col < s->group ? s->cols - col : s->group;
          fill(data + shift + row * s->cols + col, n, (unsigned)test_random_below(&seed, kKinds), &seed);
        }
      compare(set, s, round % 2 ? 4 : 8, data + shift, shift, work);
    }
    print_message("%s: %zu groups, bit for bit\n", set, groups_compared);
  }
  assert_ok(infermem_simd_select(NULL));
  free(work);
  free(data);
}

static void large_outputs_that_pass_the_caches_are_the_same(void **state) {
  (void)state;
  const struct shape s = {4096, 4096, 32}; /* 64 MiB of floats */
  const size_t n = s.rows * s.cols;
  float *data = malloc(n * sizeof *data), *expected = malloc(n * sizeof *expected);
  float *got = aligned_alloc(64, n * sizeof *got);
  assert_true(data && expected && got);
  uint64_t seed = 3;
  for (size_t i = 0; i < n; i++) data[i] = test_random_float(&seed);
  for (int run = 0; run < 4; run++) {
    INFERMEM_STRUCT(infermem_quant_options, options);
    options.bits = run % 2 ? 4 : 8;
    options.params = run < 2 ? INFERMEM_DTYPE_F32 : INFERMEM_DTYPE_F16; /* these are widened a few at a time */
    infermem_quant *q = NULL;
    assert_ok(infermem_simd_select(NULL));
    assert_ok(quant_from_f32(data, n, s.rows, s.cols, &options, &q));
    assert_ok(infermem_simd_select("reference"));
    assert_ok(quant_to_f32(q, expected, n));
    for (size_t i = 1; infermem_simd_available(i); i++) {
      assert_ok(infermem_simd_select(infermem_simd_available(i)));
      memset(got, 0, n * sizeof *got);
      assert_ok(quant_to_f32(q, got, n));
      assert_memory_equal(got, expected, n * sizeof *got);
    }
    quant_free(q);
  }
  assert_ok(infermem_simd_select(NULL));
  free(got);
  free(expected);
  free(data);
}

/* The nearest integer, halves up, against double precision: at and about every boundary that a level can have. */
static void halves_are_rounded_up_exactly(void **state) {
  (void)state;
  float data[32];
  for (size_t set = 0; infermem_simd_available(set); set++) {
    assert_ok(infermem_simd_select(infermem_simd_available(set)));
    for (int level = 0; level < 255; level++) {
      for (int side = -1; side <= 1; side++) {
        float boundary = (float)level + 0.5f;
        if (side != 0) boundary = nextafterf(boundary, side < 0 ? 0.0f : 1000.0f);
        for (size_t i = 0; i < 32; i++) data[i] = boundary;
        data[0] = 0.0f;
        data[31] = 255.0f; /* the scale is 1 */
        const struct shape s = {1, 32, 32};
        infermem_quant *q = NULL;
        quantize(data, &s, 8, &q);
        assert_ok(quant_to_f32(q, data, 32));
        for (size_t i = 1; i < 31; i++) assert_true(data[i] == (float)(side < 0 ? level : level + 1));
        quant_free(q);
      }
    }
  }
  assert_ok(infermem_simd_select(NULL));
}

/* ---- Values that are not finite ---- */

static void the_first_value_that_is_not_finite_is_found(void **state) {
  (void)state;
  enum { kN = 1000 };
  float data[kN];
  uint64_t seed = 9;
  for (size_t set = 0; infermem_simd_available(set); set++) {
    assert_ok(infermem_simd_select(infermem_simd_available(set)));
    for (size_t i = 0; i < kN; i++) data[i] = any_finite(&seed);
    for (size_t at = 0; at < kN; at += 1 + at / 50) {
      const float before = data[at];
      const float bad[] = {NAN, -NAN, INFINITY, -INFINITY, from_bits(0x7f800001), from_bits(0xff812345)};
      memcpy(&data[at], &bad[at % 6], sizeof *bad); /* the last two are signalling: a copy as a float may quiet them */
      infermem_quant *q = NULL;
      assert_fails(INFERMEM_E_NOT_FINITE, quant_from_f32(data, kN, 10, kN / 10, NULL, &q));
      assert_int_equal(infermem_error_detail()->got, at);
      data[at] = before;
    }
  }
  assert_ok(infermem_simd_select(NULL));
}

/* ---- 16-bit floats ---- */

static void halves_convert_to_the_same_bits(void **state) {
  (void)state;
  enum { kN = 65536 };
  static uint16_t halves[kN + 1], back[kN + 1];
  static float expected[kN], got[kN], floats[kN];
  for (size_t i = 0; i < kN; i++) halves[i] = (uint16_t)i;
  uint64_t seed = 4;
  INFERMEM_STRUCT(infermem_kv_options, options);
  options.n_layers = options.n_kv_heads = 1;
  options.head_dim = kN - 5; /* not whole vectors */
  options.max_tokens = 1;
  options.k_type = options.v_type = INFERMEM_DTYPE_F16;
  for (size_t i = 0; i < kN; i++) {
    floats[i] = from_bits((uint32_t)test_random(&seed));
    if (i % 2) floats[i] = ldexpf(test_random_float(&seed), (int)test_random_below(&seed, 48) - 28); /* F16's range */
  }
  for (size_t set = 0; infermem_simd_available(set); set++) {
    assert_ok(infermem_simd_select(infermem_simd_available(set)));
    infermem_quant *q = NULL;
    assert_ok(quant_borrow(INFERMEM_DTYPE_F16, halves, sizeof halves, 1, kN, NULL, &q));
    assert_ok(quant_to_f32(q, set == 0 ? expected : got, kN));
    if (set != 0) assert_memory_equal(got, expected, sizeof got);
    quant_free(q);

    infermem_kv *kv = NULL;
    infermem_view view;
    assert_ok(kv_new(&options, &kv));
    assert_ok(kv_append(kv, 0, floats, kN - 5, floats + 5, kN - 5, 1));
    assert_ok(kv_keys_pending(kv, 0, &view));
    if (set == 0)
      memcpy(back, view.data, 2 * (kN - 5));
    else
      assert_memory_equal(view.data, back, 2 * (kN - 5));
    kv_free(kv);
  }
  assert_ok(infermem_simd_select(NULL));
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--name") == 0) return puts(infermem_simd_name()) < 0;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sets_are_listed_from_the_plainest_to_the_fastest),
      cmocka_unit_test(a_set_is_selected_by_name),
      cmocka_unit_test(the_environment_chooses_a_set),
      cmocka_unit_test(every_set_gives_the_bits_of_the_plain_code),
      cmocka_unit_test(large_outputs_that_pass_the_caches_are_the_same),
      cmocka_unit_test(halves_are_rounded_up_exactly),
      cmocka_unit_test(the_first_value_that_is_not_finite_is_found),
      cmocka_unit_test(halves_convert_to_the_same_bits),
  };
  return cmocka_run_group_tests_name("simd", tests, NULL, NULL);
}
