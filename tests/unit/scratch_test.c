/* The buffers of a forward pass: every function of infermem/scratch.h, but for those of plans. */
#include <math.h>

#include "support.h"

static infermem_model_config config_of(uint64_t hidden, uint64_t n_heads, uint64_t n_kv_heads, uint64_t head_dim,
                                       uint64_t intermediate, uint64_t vocab) {
  INFERMEM_STRUCT(infermem_model_config, config);
  config.n_layers = 4;
  config.hidden = hidden;
  config.n_heads = n_heads;
  config.n_kv_heads = n_kv_heads;
  config.head_dim_k = config.head_dim_v = head_dim;
  config.intermediate = intermediate;
  config.vocab = vocab;
  return config;
}

static infermem_model_config small(void) { return config_of(256, 8, 4, 0, 512, 1000); }

static infermem_scratch *make(infermem_model_config config, size_t batch, uint32_t flags, const infermem_tape *tape) {
  INFERMEM_STRUCT(infermem_scratch_options, options);
  options.batch = batch;
  options.flags = flags;
  options.tape = tape;
  infermem_scratch *scratch = NULL;
  assert_ok(scratch_new(&config, &options, &scratch));
  return scratch;
}

static float *floats(const infermem_scratch *scratch, int32_t which, size_t n) {
  float *p = NULL;
  size_t got = 0;
  assert_ok(scratch_f32(scratch, which, &p, &got));
  assert_int_equal(got, n);
  return p;
}

static int8_t *bytes(const infermem_scratch *scratch, int32_t which, size_t n) {
  int8_t *p = NULL;
  size_t got = 0;
  assert_ok(scratch_i8(scratch, which, &p, &got));
  assert_int_equal(got, n);
  return p;
}

/* Buffers that are there, and their bytes in all. */
static size_t sum_of(const infermem_scratch *scratch, size_t *out_count) {
  size_t sum = 0, count = 0;
  for (int32_t which = 0; which < INFERMEM_SCRATCH_COUNT; which++) {
    infermem_view view;
    if (scratch_view(scratch, which, &view) != INFERMEM_OK) continue;
    sum += (size_t)view.bytes;
    count++;
  }
  *out_count = count;
  return sum;
}

/* ---- Sizes ---- */

static void sizes_follow_from_the_configuration(void **state) {
  (void)state;
  infermem_scratch *s = make(small(), 0, INFERMEM_SCRATCH_Q8 | INFERMEM_SCRATCH_EXPAND_V, NULL);
  static const struct {
    int32_t which;
    size_t n;
  } sizes[] = {{INFERMEM_SCRATCH_HIDDEN, 256},
               {INFERMEM_SCRATCH_NORMED, 256},
               {INFERMEM_SCRATCH_QKV, 512},
               {INFERMEM_SCRATCH_Q, 256},
               {INFERMEM_SCRATCH_K, 128},
               {INFERMEM_SCRATCH_V, 128},
               {INFERMEM_SCRATCH_ATTN_OUT, 256},
               {INFERMEM_SCRATCH_ATTN_PROJ, 256},
               {INFERMEM_SCRATCH_FFN_UP, 512},
               {INFERMEM_SCRATCH_FFN_GATE, 512},
               {INFERMEM_SCRATCH_FFN_DOWN, 256},
               {INFERMEM_SCRATCH_LOGITS, 1000},
               {INFERMEM_SCRATCH_EXPANDED_V, 256},
               {INFERMEM_SCRATCH_Q8_SCALES, 8},
               {INFERMEM_SCRATCH_Q8K_HIDDEN_SCALES, 1},
               {INFERMEM_SCRATCH_Q8K_INTER_SCALES, 2}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) floats(s, sizes[i].which, sizes[i].n);
  bytes(s, INFERMEM_SCRATCH_Q8_QUANTS, 256);
  bytes(s, INFERMEM_SCRATCH_Q8K_HIDDEN_QUANTS, 256);
  bytes(s, INFERMEM_SCRATCH_Q8K_INTER_QUANTS, 512);
  scratch_free(s);
  scratch_free(NULL);
}

static void quantized_rows_are_whole_blocks(void **state) {
  (void)state;
  infermem_scratch *s = make(config_of(300, 3, 3, 0, 700, 10), 1, INFERMEM_SCRATCH_Q8, NULL);
  floats(s, INFERMEM_SCRATCH_Q8K_HIDDEN_SCALES, 2);
  bytes(s, INFERMEM_SCRATCH_Q8K_HIDDEN_QUANTS, 512);
  floats(s, INFERMEM_SCRATCH_Q8K_INTER_SCALES, 3);
  bytes(s, INFERMEM_SCRATCH_Q8K_INTER_QUANTS, 768);
  floats(s, INFERMEM_SCRATCH_Q8_SCALES, 10);
  bytes(s, INFERMEM_SCRATCH_Q8_QUANTS, 320);
  scratch_free(s);
}

static void models_take_what_they_are_known_to_take(void **state) {
  (void)state;
  const struct {
    infermem_model_config config;
    size_t bytes;
  } models[] = {
      {config_of(2048, 32, 4, 64, 5632, 32000), 242296},      /* TinyLlama 1.1B */
      {config_of(4096, 32, 32, 128, 11008, 32000), 411628},   /* Llama 2 7B */
      {config_of(4096, 32, 8, 128, 14336, 128256), 777504},   /* Llama 3 8B */
      {config_of(896, 14, 2, 64, 4864, 151936), 679772},      /* Qwen2.5 0.5B */
      {config_of(1024, 16, 8, 128, 3072, 151936), 694864},    /* Qwen3 0.6B: queries are wider than the stream */
      {config_of(3072, 16, 16, 256, 24576, 256000), 1413568}, /* Gemma 7B */
  };
  for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
    size_t count = 0;
    infermem_scratch *s = make(models[i].config, 1, 0, NULL);
    assert_int_equal(sum_of(s, &count), models[i].bytes);
    assert_int_equal(count, 16);
    assert_true(scratch_total_bytes(s) >= models[i].bytes && scratch_total_bytes(s) < models[i].bytes + 16 * 64);
    assert_int_equal(scratch_separate_bytes(s), scratch_total_bytes(s));
    scratch_free(s);
    s = make(models[i].config, 3, INFERMEM_SCRATCH_OVERLAP, NULL);
    assert_int_equal(sum_of(s, &count), 3 * models[i].bytes);
    assert_true(scratch_total_bytes(s) < scratch_separate_bytes(s));
    scratch_free(s);
  }
}

static void value_heads_may_have_a_size_of_their_own(void **state) {
  (void)state;
  infermem_model_config config = config_of(256, 8, 4, 48, 512, 1000);
  config.head_dim_v = 40;
  infermem_scratch *s = make(config, 1, INFERMEM_SCRATCH_EXPAND_V, NULL);
  floats(s, INFERMEM_SCRATCH_Q, 384);
  floats(s, INFERMEM_SCRATCH_K, 192);
  floats(s, INFERMEM_SCRATCH_V, 160);
  floats(s, INFERMEM_SCRATCH_QKV, 384 + 192 + 160);
  floats(s, INFERMEM_SCRATCH_ATTN_OUT, 320);
  floats(s, INFERMEM_SCRATCH_EXPANDED_V, 320);
  bytes(s, INFERMEM_SCRATCH_Q8K_HIDDEN_QUANTS, 512);
  scratch_free(s);
}

/* ---- Memory ---- */

static void buffers_are_aligned_zero_and_apart(void **state) {
  (void)state;
  const uint32_t flags = INFERMEM_SCRATCH_Q8 | INFERMEM_SCRATCH_EXPAND_V;
  infermem_tape *tape = test_tape(1 << 20);
  void *before;
  assert_ok(tape_alloc(tape, 1 << 19, 1, &before));
  memset(before, 0xa5, 1 << 19);
  assert_ok(tape_clear(tape));
  assert_ok(tape_alloc(tape, 3, 1, &before)); /* so that it begins at an odd place */
  for (int i = 0; i < 2; i++) {
    infermem_scratch *s = make(config_of(300, 3, 3, 0, 700, 10), 3, flags, i == 0 ? NULL : tape);
    const size_t total = scratch_total_bytes(s);
    infermem_view views[INFERMEM_SCRATCH_COUNT];
    for (int32_t which = 0; which < INFERMEM_SCRATCH_COUNT; which++) {
      infermem_view *v = &views[which];
      assert_ok(scratch_view(s, which, v));
      const size_t element = v->dtype == INFERMEM_DTYPE_F32 ? 4 : 1;
      assert_int_equal((uintptr_t)v->data % 64, 0);
      assert_int_equal(v->n_dims, 2);
      assert_int_equal(v->flags, 0);
      assert_int_equal(v->shape[0], 3);
      assert_int_equal(v->shape[2], 1);
      assert_int_equal(v->strides[0], v->shape[1] * element);
      assert_int_equal(v->strides[1], element);
      assert_int_equal(v->bytes, 3 * v->shape[1] * element);
      for (size_t b = 0; b < v->bytes; b++) assert_int_equal(((const char *)v->data)[b], 0);
    }
    for (int32_t which = 0; which < INFERMEM_SCRATCH_COUNT; which++)
      memset(views[which].data, which + 1, (size_t)views[which].bytes);
    for (int32_t which = 0; which < INFERMEM_SCRATCH_COUNT; which++)
      for (size_t b = 0; b < views[which].bytes; b++) assert_int_equal(((const char *)views[which].data)[b], which + 1);
    if (i == 1) assert_true(tape_used(tape) <= 64 + total + 64);
    scratch_free(s);
  }
  tape_free(tape);
}

static void a_reset_zeroes_what_a_pass_starts_from(void **state) {
  (void)state;
  const uint32_t all[] = {INFERMEM_SCRATCH_Q8 | INFERMEM_SCRATCH_EXPAND_V,
                          INFERMEM_SCRATCH_OVERLAP | INFERMEM_SCRATCH_Q8 | INFERMEM_SCRATCH_EXPAND_V};
  for (size_t i = 0; i < 2; i++) {
    infermem_scratch *s = make(small(), 2, all[i], NULL);
    const size_t total = scratch_total_bytes(s);
    infermem_view views[INFERMEM_SCRATCH_COUNT];
    for (int32_t which = 0; which < INFERMEM_SCRATCH_COUNT; which++) {
      assert_ok(scratch_view(s, which, &views[which]));
      memset(views[which].data, 1, (size_t)views[which].bytes);
    }
    assert_ok(scratch_reset(s));
    for (int32_t which = 0; which < INFERMEM_SCRATCH_COUNT; which++) {
      const int zero = which == INFERMEM_SCRATCH_HIDDEN || which == INFERMEM_SCRATCH_NORMED;
      for (size_t b = 0; b < views[which].bytes; b++) assert_int_equal(((const char *)views[which].data)[b], !zero);
    }
    assert_ok(scratch_reset_all(s));
    for (int32_t which = 0; which < INFERMEM_SCRATCH_COUNT; which++) {
      infermem_view now;
      assert_ok(scratch_view(s, which, &now));
      assert_memory_equal(&now, &views[which], sizeof now); /* the same place and length */
      for (size_t b = 0; b < now.bytes; b++) assert_int_equal(((const char *)now.data)[b], 0);
    }
    assert_int_equal(scratch_total_bytes(s), total);
    scratch_free(s);
  }
}

/* Each step of a pass writes what it makes, and still finds what it reads. */
static void a_pass_finds_what_it_wrote_where_buffers_overlap(void **state) {
  (void)state;
  enum { kMost = 6 };
  static const struct {
    int32_t reads[kMost], writes[kMost]; /* -1 ends them */
  } steps[] = {
      {{INFERMEM_SCRATCH_HIDDEN, -1},
       {INFERMEM_SCRATCH_NORMED, INFERMEM_SCRATCH_Q8_QUANTS, INFERMEM_SCRATCH_Q8K_HIDDEN_QUANTS, -1}},
      {{INFERMEM_SCRATCH_NORMED, INFERMEM_SCRATCH_Q8_QUANTS, INFERMEM_SCRATCH_Q8K_HIDDEN_QUANTS, -1},
       {INFERMEM_SCRATCH_QKV, -1}},
      {{INFERMEM_SCRATCH_QKV, -1},
       {INFERMEM_SCRATCH_Q, INFERMEM_SCRATCH_K, INFERMEM_SCRATCH_V, INFERMEM_SCRATCH_EXPANDED_V, -1}},
      {{INFERMEM_SCRATCH_Q, INFERMEM_SCRATCH_K, INFERMEM_SCRATCH_V, INFERMEM_SCRATCH_EXPANDED_V, -1},
       {INFERMEM_SCRATCH_ATTN_OUT, -1}},
      {{INFERMEM_SCRATCH_ATTN_OUT, -1}, {INFERMEM_SCRATCH_Q8K_HIDDEN_QUANTS, -1}},
      {{INFERMEM_SCRATCH_ATTN_OUT, INFERMEM_SCRATCH_Q8K_HIDDEN_QUANTS, -1}, {INFERMEM_SCRATCH_ATTN_PROJ, -1}},
      {{INFERMEM_SCRATCH_ATTN_PROJ, INFERMEM_SCRATCH_HIDDEN, -1}, {INFERMEM_SCRATCH_HIDDEN, -1}},
      {{INFERMEM_SCRATCH_HIDDEN, -1}, {INFERMEM_SCRATCH_NORMED, -1}},
      {{INFERMEM_SCRATCH_NORMED, -1}, {INFERMEM_SCRATCH_FFN_UP, INFERMEM_SCRATCH_FFN_GATE, -1}},
      {{INFERMEM_SCRATCH_FFN_UP, INFERMEM_SCRATCH_FFN_GATE, -1}, {INFERMEM_SCRATCH_FFN_GATE, -1}},
      {{INFERMEM_SCRATCH_FFN_GATE, -1}, {INFERMEM_SCRATCH_Q8K_INTER_QUANTS, INFERMEM_SCRATCH_Q8K_INTER_SCALES, -1}},
      {{INFERMEM_SCRATCH_FFN_GATE, INFERMEM_SCRATCH_Q8K_INTER_QUANTS, INFERMEM_SCRATCH_Q8K_INTER_SCALES, -1},
       {INFERMEM_SCRATCH_FFN_DOWN, -1}},
      {{INFERMEM_SCRATCH_FFN_DOWN, INFERMEM_SCRATCH_HIDDEN, -1}, {INFERMEM_SCRATCH_HIDDEN, -1}},
      {{INFERMEM_SCRATCH_HIDDEN, -1}, {INFERMEM_SCRATCH_NORMED, -1}},
  };
  enum { kSteps = sizeof steps / sizeof *steps };
  infermem_scratch *s =
      make(small(), 1, INFERMEM_SCRATCH_OVERLAP | INFERMEM_SCRATCH_Q8 | INFERMEM_SCRATCH_EXPAND_V, NULL);
  infermem_view views[INFERMEM_SCRATCH_COUNT];
  int mark[INFERMEM_SCRATCH_COUNT] = {0};
  for (int32_t which = 0; which < INFERMEM_SCRATCH_COUNT; which++) assert_ok(scratch_view(s, which, &views[which]));
  int now = 1;
  for (int layer = 0; layer < 3; layer++) {
    for (size_t i = 0; i < kSteps; i++, now++) {
      for (const int32_t *r = steps[i].reads; *r >= 0; r++)
        for (size_t b = 0; b < views[*r].bytes; b++) assert_int_equal(((const char *)views[*r].data)[b], mark[*r]);
      for (const int32_t *w = steps[i].writes; *w >= 0; w++)
        memset(views[*w].data, mark[*w] = now, (size_t)views[*w].bytes);
    }
  }
  memset(views[INFERMEM_SCRATCH_LOGITS].data, 111, (size_t)views[INFERMEM_SCRATCH_LOGITS].bytes);
  assert_ok(scratch_reset(s)); /* leaves the logits, too, for who reads them then */
  for (size_t b = 0; b < views[INFERMEM_SCRATCH_LOGITS].bytes; b++)
    assert_int_equal(((const char *)views[INFERMEM_SCRATCH_LOGITS].data)[b], 111);
  scratch_free(s);
}

static void overlap_is_as_small_as_the_fullest_step(void **state) {
  (void)state;
  /* Llama 3 8B: the logits, beside what is there all the time: hidden, normed and the 8-bit activations. */
  infermem_scratch *s = make(config_of(4096, 32, 8, 128, 14336, 128256), 1, INFERMEM_SCRATCH_OVERLAP, NULL);
  assert_int_equal(scratch_total_bytes(s), 4 * (4096 + 4096 + 128256) + 64 + 4096);
  scratch_free(s);
  /* A small vocabulary: the feed-forward part. */
  s = make(config_of(4096, 32, 8, 128, 14336, 64), 1, INFERMEM_SCRATCH_OVERLAP, NULL);
  assert_int_equal(scratch_total_bytes(s), 4 * (4096 + 4096 + 2 * 14336 + 4096) + 64 + 4096 + 256 + 14336);
  scratch_free(s);
}

static void a_tape_that_took_the_memory_back_is_noticed(void **state) {
  (void)state;
  infermem_tape *tape = test_tape(1 << 20);
  infermem_scratch *s = make(small(), 1, INFERMEM_SCRATCH_Q8, tape);
  float *p = NULL, values[4] = {0};
  int8_t *b = NULL;
  size_t n = 0;
  infermem_view view;
  assert_ok(tape_seal(tape));
  assert_ok(scratch_f32(s, INFERMEM_SCRATCH_HIDDEN, &p, &n));
  assert_fails(INFERMEM_E_SEALED, scratch_reset(s));
  assert_fails(INFERMEM_E_SEALED, scratch_reset_all(s));
  assert_fails(INFERMEM_E_SEALED, scratch_quantize_q8k(s, INFERMEM_SCRATCH_Q8K_INTER, 0, values, 4));
  assert_fails(INFERMEM_E_SEALED, scratch_quantize_q8(s, 0, values, 4));
  assert_ok(tape_unseal(tape));
  assert_ok(tape_clear(tape));
  assert_fails(INFERMEM_E_STALE, scratch_f32(s, INFERMEM_SCRATCH_HIDDEN, &p, &n));
  assert_fails(INFERMEM_E_STALE, scratch_i8(s, INFERMEM_SCRATCH_Q8_QUANTS, &b, &n));
  assert_fails(INFERMEM_E_STALE, scratch_view(s, INFERMEM_SCRATCH_HIDDEN, &view));
  assert_fails(INFERMEM_E_STALE, scratch_reset(s));
  assert_fails(INFERMEM_E_STALE, scratch_reset_all(s));
  assert_fails(INFERMEM_E_STALE, scratch_quantize_q8k(s, INFERMEM_SCRATCH_Q8K_INTER, 0, values, 4));
  assert_fails(INFERMEM_E_STALE, scratch_quantize_q8(s, 0, values, 4));
  tape_free(tape);
  scratch_free(s);
}

/* ---- Quantizing ---- */

/* What the header says, step by step. */
static void quantize(const float *values, size_t n, size_t block, int8_t *levels, float *scales) {
  for (size_t first = 0; first < n; first += block, scales++) {
    const size_t end = first + block < n ? first + block : n;
    float farthest = 0;
    for (size_t i = first; i < end; i++) farthest = fmaxf(farthest, fabsf(values[i]));
    *scales = (farthest <= 1e-10f ? 1.0f : farthest) / 127.0f;
    for (size_t i = first; i < first + block; i++) {
      const float level = roundf((i < end ? values[i] : 0.0f) / *scales);
      levels[i] = (int8_t)fmaxf(-128, fminf(127, level));
    }
  }
}

static void values_are_quantized_as_defined_on_every_instruction_set(void **state) {
  (void)state;
  enum { kWidth = 1024, kBatch = 3 };
  infermem_scratch *s = make(config_of(1000, 10, 10, 0, 600, 10), kBatch, INFERMEM_SCRATCH_Q8, NULL);
  int8_t *quants[] = {bytes(s, INFERMEM_SCRATCH_Q8K_HIDDEN_QUANTS, kBatch * kWidth),
                      bytes(s, INFERMEM_SCRATCH_Q8K_INTER_QUANTS, kBatch * 768),
                      bytes(s, INFERMEM_SCRATCH_Q8_QUANTS, kBatch * kWidth)};
  float *scales[] = {floats(s, INFERMEM_SCRATCH_Q8K_HIDDEN_SCALES, kBatch * 4),
                     floats(s, INFERMEM_SCRATCH_Q8K_INTER_SCALES, kBatch * 3),
                     floats(s, INFERMEM_SCRATCH_Q8_SCALES, kBatch * 32)};
  static const size_t widths[] = {kWidth, 768, kWidth}, blocks[] = {256, 256, 32};
  uint64_t seed = 9;
  const char *name;
  for (size_t set = 0; (name = infermem_simd_available(set)) != NULL; set++) {
    assert_ok(infermem_simd_select(name));
    for (int round = 0; round < 300; round++) {
      const size_t form = (size_t)round % 3, row = test_random_below(&seed, kBatch);
      const size_t n = test_random_below(&seed, widths[form] + 1),
                   whole = (n + blocks[form] - 1) / blocks[form] * blocks[form];
      float values[kWidth];
      const float unit = ldexpf(1, (int)test_random_below(&seed, 100) - 60);
      for (size_t i = 0; i < n; i++) {
        const int half = (int)test_random_below(&seed, 509) - 254; /* halves of levels, where one is 254 */
        values[i] = round % 5 == 0 ? (float)half * unit : test_random_float(&seed) * unit;
      }
      int8_t levels[kWidth];
      float wanted[32];
      quantize(values, n, blocks[form], levels, wanted);
      assert_ok(scratch_reset_all(s));
      assert_int_equal(
          form == 2 ? scratch_quantize_q8(s, row, values, n) : scratch_quantize_q8k(s, (int32_t)form, row, values, n),
          INFERMEM_OK);
      if (n != 0) {
        assert_memory_equal(quants[form] + row * widths[form], levels, whole);
        assert_memory_equal(scales[form] + row * (widths[form] / blocks[form]), wanted,
                            whole / blocks[form] * sizeof(float));
      }
      for (size_t i = 0; i < kBatch * widths[form]; i++) /* the others are as they were */
        if (i < row * widths[form] || i >= row * widths[form] + whole) assert_int_equal(quants[form][i], 0);
    }
  }
  assert_ok(infermem_simd_select(NULL));
  scratch_free(s);
}

static void edges_of_quantizing(void **state) {
  (void)state;
  infermem_scratch *s = make(small(), 1, 0, NULL);
  const int8_t *q = bytes(s, INFERMEM_SCRATCH_Q8K_HIDDEN_QUANTS, 256);
  const float *scale = floats(s, INFERMEM_SCRATCH_Q8K_HIDDEN_SCALES, 1);
  const float values[] = {127, 0.5f, -0.5f, 1.5f, -126.5f, 126.49999f, -127};
  assert_ok(scratch_quantize_q8k(s, INFERMEM_SCRATCH_Q8K_HIDDEN, 0, values, 7));
  assert_true(*scale == 1);
  const int8_t levels[] = {127, 1, -1, 2, -127, 126, -127, 0};
  assert_memory_equal(q, levels, sizeof levels);
  const float tiny[] = {1e-10f, -1e-10f}, less_tiny[] = {1.1e-10f, -1.1e-10f};
  assert_ok(scratch_quantize_q8k(s, INFERMEM_SCRATCH_Q8K_HIDDEN, 0, tiny, 2));
  assert_true(*scale == 1.0f / 127);
  assert_int_equal(q[0], 0);
  assert_ok(scratch_quantize_q8k(s, INFERMEM_SCRATCH_Q8K_HIDDEN, 0, less_tiny, 2));
  assert_int_equal(q[0], 127);
  assert_int_equal(q[1], -127);
  assert_ok(scratch_quantize_q8k(s, INFERMEM_SCRATCH_Q8K_HIDDEN, 0, NULL, 0));
  assert_int_equal(q[1], -127);
  scratch_free(s);
}

/* ---- Errors ---- */

static void what_is_refused_changes_nothing(void **state) {
  (void)state;
  infermem_scratch *s = make(small(), 2, 0, NULL);
  infermem_tape *tape = test_tape(4096);
  infermem_scratch *const other = (void *)tape;
  float *p = NULL, values[600] = {1, 2, 3};
  int8_t *b = NULL;
  size_t n = 77;
  infermem_view view;
  int8_t *q = bytes(s, INFERMEM_SCRATCH_Q8K_INTER_QUANTS, 1024);
  assert_ok(scratch_quantize_q8k(s, INFERMEM_SCRATCH_Q8K_INTER, 1, values, 512));
  int8_t before[1024];
  memcpy(before, q, sizeof before);

  static const int32_t none[] = {-1, INFERMEM_SCRATCH_COUNT, INT32_MIN, INT32_MAX};
  for (size_t i = 0; i < 4; i++) {
    assert_fails(INFERMEM_E_RANGE, scratch_f32(s, none[i], &p, &n));
    assert_fails(INFERMEM_E_RANGE, scratch_i8(s, none[i], &b, &n));
    assert_fails(INFERMEM_E_RANGE, scratch_view(s, none[i], &view));
    assert_fails(INFERMEM_E_RANGE, scratch_quantize_q8k(s, none[i], 0, values, 1));
  }
  assert_fails(INFERMEM_E_STATE, scratch_f32(s, INFERMEM_SCRATCH_EXPANDED_V, &p, &n));
  assert_fails(INFERMEM_E_STATE, scratch_f32(s, INFERMEM_SCRATCH_Q8_SCALES, &p, &n));
  assert_fails(INFERMEM_E_STATE, scratch_i8(s, INFERMEM_SCRATCH_Q8_QUANTS, &b, &n));
  assert_fails(INFERMEM_E_STATE, scratch_view(s, INFERMEM_SCRATCH_Q8_QUANTS, &view));
  assert_fails(INFERMEM_E_STATE, scratch_quantize_q8(s, 0, values, 1));
  assert_fails(INFERMEM_E_TYPE, scratch_i8(s, INFERMEM_SCRATCH_HIDDEN, &b, &n));
  assert_fails(INFERMEM_E_TYPE, scratch_f32(s, INFERMEM_SCRATCH_Q8K_INTER_QUANTS, &p, &n));
  assert_fails(INFERMEM_E_RANGE, scratch_quantize_q8k(s, INFERMEM_SCRATCH_Q8K_INTER, 2, values, 1));
  assert_fails(INFERMEM_E_SHAPE, scratch_quantize_q8k(s, INFERMEM_SCRATCH_Q8K_INTER, 0, values, 513));
  assert_fails(INFERMEM_E_SHAPE, scratch_quantize_q8k(s, INFERMEM_SCRATCH_Q8K_INTER, 0, values, SIZE_MAX));
  static const float odd[] = {NAN, INFINITY, -INFINITY};
  for (size_t i = 0; i < 3; i++) {
    values[500] = odd[i];
    assert_fails(INFERMEM_E_NOT_FINITE, scratch_quantize_q8k(s, INFERMEM_SCRATCH_Q8K_INTER, 1, values, 501));
    assert_int_equal(infermem_error_detail()->got, 500);
  }
  assert_fails(INFERMEM_E_NULL, scratch_quantize_q8k(s, INFERMEM_SCRATCH_Q8K_INTER, 0, NULL, 1));
  assert_fails(INFERMEM_E_NULL, scratch_quantize_q8(s, 0, NULL, 1));
  assert_fails(INFERMEM_E_NULL, scratch_f32(s, 0, NULL, &n));
  assert_fails(INFERMEM_E_NULL, scratch_f32(s, 0, &p, NULL));
  assert_fails(INFERMEM_E_NULL, scratch_i8(s, 0, NULL, &n));
  assert_fails(INFERMEM_E_NULL, scratch_i8(s, 0, &b, NULL));
  assert_fails(INFERMEM_E_NULL, scratch_view(s, 0, NULL));
  for (int i = 0; i < 2; i++) {
    infermem_scratch *const bad = i == 0 ? NULL : other;
    const int32_t code = i == 0 ? INFERMEM_E_NULL : INFERMEM_E_HANDLE;
    assert_fails(code, scratch_f32(bad, 0, &p, &n));
    assert_fails(code, scratch_i8(bad, 0, &b, &n));
    assert_fails(code, scratch_view(bad, 0, &view));
    assert_fails(code, scratch_reset(bad));
    assert_fails(code, scratch_reset_all(bad));
    assert_fails(code, scratch_quantize_q8k(bad, 0, 0, values, 1));
    assert_fails(code, scratch_quantize_q8(bad, 0, values, 1));
    assert_int_equal(scratch_total_bytes(bad), 0);
    assert_int_equal(scratch_separate_bytes(bad), 0);
  }
  assert_null(p);
  assert_null(b);
  assert_int_equal(n, 77);
  assert_memory_equal(q, before, sizeof before);
  tape_free(tape);
  scratch_free(s);
}

static void options_are_checked(void **state) {
  (void)state;
  infermem_scratch *s = NULL;
  infermem_model_config config = small();
  assert_fails(INFERMEM_E_NULL, scratch_new(NULL, NULL, &s));
  assert_fails(INFERMEM_E_NULL, scratch_new(&config, NULL, NULL));
  assert_ok(scratch_new(&config, NULL, &s));
  scratch_free(s);
  s = NULL;
  INFERMEM_STRUCT(infermem_scratch_options, options);
  options.flags = 8;
  assert_fails(INFERMEM_E_ARG, scratch_new(&config, &options, &s));
  options.flags = 0, options.reserved = 1;
  assert_fails(INFERMEM_E_ARG, scratch_new(&config, &options, &s));
  options.reserved = 0, options.struct_size = 1;
  assert_fails(INFERMEM_E_STRUCT, scratch_new(&config, &options, &s));
  options.struct_size = sizeof options;
  static const size_t batches[] = {SIZE_MAX, SIZE_MAX / 4000, SIZE_MAX / 12000, SIZE_MAX / 30000};
  for (size_t i = 0; i < 4; i++) {
    options.batch = batches[i];
    assert_fails(INFERMEM_E_OVERFLOW, scratch_new(&config, &options, &s));
  }
  options.batch = (size_t)1 << 45;
  assert_fails(INFERMEM_E_NOMEM, scratch_new(&config, &options, &s));
  options.batch = 1;
  INFERMEM_STRUCT(infermem_allocator, allocator);
  options.allocator = &allocator;
  assert_fails(INFERMEM_E_ARG, scratch_new(&config, &options, &s));
  options.allocator = NULL;

  config.struct_size = 1;
  assert_fails(INFERMEM_E_STRUCT, scratch_new(&config, NULL, &s));
  config = small(), config.n_heads = 0;
  assert_fails(INFERMEM_E_ARG, scratch_new(&config, NULL, &s));
  config = small(), config.n_heads = 7;
  assert_fails(INFERMEM_E_SHAPE, scratch_new(&config, NULL, &s));
  config = small(), config.vocab = (uint64_t)1 << 40;
  assert_fails(INFERMEM_E_LIMIT, scratch_new(&config, NULL, &s));
  config = small();

  infermem_tape *tape = test_tape(4096);
  options.tape = tape;
  assert_fails(INFERMEM_E_FULL, scratch_new(&config, &options, &s));
  assert_int_equal(tape_used(tape), 0);
  assert_ok(tape_seal(tape));
  assert_fails(INFERMEM_E_SEALED, scratch_new(&config, &options, &s));
  assert_ok(tape_unseal(tape));
  infermem_dispatch *dispatch = NULL;
  assert_ok(dispatch_new(NULL, &dispatch));
  options.tape = (const void *)dispatch;
  assert_fails(INFERMEM_E_HANDLE, scratch_new(&config, &options, &s));
  assert_null(s);
  dispatch_free(dispatch);
  tape_free(tape);
}

static int32_t scenario(const infermem_allocator *allocator) {
  const infermem_model_config config = small();
  INFERMEM_STRUCT(infermem_scratch_options, options);
  options.allocator = allocator;
  options.flags = INFERMEM_SCRATCH_OVERLAP;
  infermem_scratch *s = NULL;
  const int32_t status = scratch_new(&config, &options, &s);
  if (status != INFERMEM_OK) {
    assert_null(s);
    return status;
  }
  assert_ok(scratch_reset_all(s));
  scratch_free(s);
  return INFERMEM_OK;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  oom_walk(scenario);
}

static void a_model_without_heads_has_no_buffers_of_them(void **state) {
  (void)state;
  infermem_model_config config = small(); /* Mamba's mixer */
  strcpy(config.architecture, "mamba");
  config.n_heads = config.n_kv_heads = config.head_dim_k = config.head_dim_v = config.rope_dims = 0;
  config.conv_kernel = 4;
  config.ssm_inner = 2 * config.hidden;
  config.ssm_state = 16;
  config.ssm_heads = 16;
  infermem_scratch *scratch = NULL;
  assert_ok(scratch_new(&config, NULL, &scratch));
  float *at = NULL;
  size_t n = 0;
  assert_ok(scratch_f32(scratch, INFERMEM_SCRATCH_HIDDEN, &at, &n));
  assert_int_equal(n, config.hidden);
  assert_fails(INFERMEM_E_STATE, scratch_f32(scratch, INFERMEM_SCRATCH_Q, &at, &n));
  scratch_free(scratch);
}

static void the_middle_is_that_of_the_widest_part(void **state) {
  (void)state;
  infermem_model_config config = small();
  config.n_experts = 8;
  config.n_experts_used = 2;
  config.expert_intermediate = config.intermediate + 32;
  infermem_scratch *scratch = NULL;
  assert_ok(scratch_new(&config, NULL, &scratch));
  float *at = NULL;
  size_t n = 0;
  assert_ok(scratch_f32(scratch, INFERMEM_SCRATCH_FFN_UP, &at, &n));
  assert_int_equal(n, config.expert_intermediate);
  scratch_free(scratch);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_model_without_heads_has_no_buffers_of_them),
      cmocka_unit_test(the_middle_is_that_of_the_widest_part),
      cmocka_unit_test(sizes_follow_from_the_configuration),
      cmocka_unit_test(quantized_rows_are_whole_blocks),
      cmocka_unit_test(models_take_what_they_are_known_to_take),
      cmocka_unit_test(value_heads_may_have_a_size_of_their_own),
      cmocka_unit_test(buffers_are_aligned_zero_and_apart),
      cmocka_unit_test(a_reset_zeroes_what_a_pass_starts_from),
      cmocka_unit_test(a_pass_finds_what_it_wrote_where_buffers_overlap),
      cmocka_unit_test(overlap_is_as_small_as_the_fullest_step),
      cmocka_unit_test(a_tape_that_took_the_memory_back_is_noticed),
      cmocka_unit_test(values_are_quantized_as_defined_on_every_instruction_set),
      cmocka_unit_test(edges_of_quantizing),
      cmocka_unit_test(what_is_refused_changes_nothing),
      cmocka_unit_test(options_are_checked),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("scratch", tests, NULL, NULL);
}
