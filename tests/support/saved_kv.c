#include "saved_kv.h"

#include <stdlib.h>

#include "stored.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define F32 INFERMEM_DTYPE_F32
#define F16 INFERMEM_DTYPE_F16
#define BF16 INFERMEM_DTYPE_BF16
#define Q8_0 INFERMEM_DTYPE_Q8_0
#define Q4_0 INFERMEM_DTYPE_Q4_0
#define Q4_1 INFERMEM_DTYPE_Q4_1

static const char kLong[64] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
                               23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44,
                               45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64};

const struct kv_form kKvForms[] = {
    {"f32", 3, 1, {5, 5}, 1, {{F32, F32}}, 0, NULL, 0},
    {"f16", 4, 2, {6, 5}, 2, {{F16, F16}, {F16, F16}}, 0, "m", 1},
    {"bf16", 4, 2, {6, 5}, 2, {{BF16, BF16}, {BF16, BF16}}, 0, kLong, 64},
    {"q8_0", 3, 1, {32, 32}, 2, {{Q8_0, Q8_0}, {Q8_0, Q8_0}}, 0, "sha-256 of thirty-two bytes is it", 32},
    {"q4_0", 3, 1, {32, 32}, 2, {{Q4_0, Q4_0}, {Q4_0, Q4_0}}, 0, "q4", 2},
    {"q4_1", 3, 1, {32, 32}, 2, {{Q4_1, Q4_1}, {Q4_1, Q4_1}}, 0, "q4", 2},
    {"mixed", 5, 1, {32, 64}, 3, {{F32, Q4_0}, {Q8_0, BF16}, {F16, Q4_1}}, 0, "mixed", 5},
    {"rotated", 4, 1, {64, 64}, 2, {{Q8_0, Q4_0}, {F16, F32}}, 3, "rotated", 7},
    {"rotated-k", 3, 2, {48, 20}, 1, {{BF16, F16}}, 1, "rotated-k", 9},
    {"empty", 0, 2, {32, 32}, 2, {{Q8_0, Q4_1}, {Q8_0, Q4_1}}, 0, "empty", 5},
};
_Static_assert(sizeof kKvForms / sizeof *kKvForms == kNKvForms, "there are others");

infermem_kv_options kv_form_options(const struct kv_form *form, size_t max_tokens, int32_t types[2][3]) {
  INFERMEM_STRUCT(infermem_kv_options, options);
  options.n_layers = form->layers;
  options.n_kv_heads = form->heads;
  options.head_dim = form->dims[0];
  options.head_dim_v = form->dims[1];
  options.max_tokens = max_tokens;
  for (size_t i = 0; i < form->layers; i++)
    for (int which = 0; which < 2; which++) types[which][i] = form->types[i][which];
  options.k_types = types[0];
  options.v_types = types[1];
  options.flags = form->flags;
  return options;
}

infermem_kv *kv_form_new(const struct kv_form *form, size_t max_tokens) {
  int32_t types[2][3];
  const infermem_kv_options options = kv_form_options(form, max_tokens, types);
  infermem_kv *kv = NULL;
  assert_ok(kv_new(&options, &kv));
  return kv;
}

void kv_form_append(infermem_kv *kv, const struct kv_form *form, size_t token, size_t n) {
  enum { kMost = 16 * 64 };
  static float rows[2][kMost];
  for (size_t layer = 0; layer < form->layers; layer++) {
    size_t lengths[2];
    for (size_t which = 0; which < 2; which++) {
      const size_t row = form->heads * form->dims[which], first = token * row + 1000 * (2 * layer + which);
      lengths[which] = n * row;
      assert_true(lengths[which] <= kMost);
      for (size_t i = 0; i < n * row; i++) rows[which][i] = (float)((int)((first + i) * 7919 % 1009) - 504) / 64;
    }
    assert_ok(kv_append(kv, layer, rows[0], lengths[0], rows[1], lengths[1], n));
  }
}

infermem_kv *kv_form_make(const struct kv_form *form) {
  infermem_kv *kv = kv_form_new(form, form->tokens + 3);
  if (form->tokens != 0) kv_form_append(kv, form, 0, form->tokens);
  assert_ok(kv_advance(kv, form->tokens));
  return kv;
}

void kv_see(const infermem_kv *kv, size_t layers, struct kv_seen *out) {
  const uint64_t numbers[] = {kv_len(kv), kv_generation(kv), kv_max(kv)};
  memcpy(out->bytes, numbers, sizeof numbers);
  out->n = sizeof numbers;
  for (size_t layer = 0; layer < layers; layer++) {
    infermem_view views[2];
    assert_ok(kv_keys_pending(kv, layer, &views[0]));
    assert_ok(kv_values_pending(kv, layer, &views[1]));
    for (int i = 0; i < 2; i++) {
      assert_true(out->n + sizeof views[i].data + views[i].bytes <= sizeof out->bytes);
      memcpy(out->bytes + out->n, &views[i].data, sizeof views[i].data);
      out->n += sizeof views[i].data;
      memcpy(out->bytes + out->n, views[i].data, (size_t)views[i].bytes);
      out->n += (size_t)views[i].bytes;
    }
  }
}

void assert_as_seen(const infermem_kv *kv, size_t layers, const struct kv_seen *before) {
  static struct kv_seen now;
  kv_see(kv, layers, &now);
  assert_int_equal(now.n, before->n);
  assert_memory_equal(now.bytes, before->bytes, now.n);
}

/* How many of n bytes a call moves, or the failure that it is to return. */
static int is_met(struct kv_memory *m, size_t n, int64_t *out) {
  m->calls++;
  const size_t share = m->most != 0 && m->most < n ? m->most : n, left = m->bytes.size - m->at;
  *out = (int64_t)(share < left ? share : left);
  if (m->calls != m->fail_at) return 0;
  *out = m->failure;
  return 1;
}

int64_t kv_memory_write(void *memory, const void *bytes, size_t n) {
  struct kv_memory *const m = memory;
  int64_t share;
  assert_true(n > 0);
  if (is_met(m, n, &share)) return share == INT64_MAX ? (int64_t)n + 1 : share;
  memcpy(m->bytes.data + m->at, bytes, (size_t)share);
  m->at += (size_t)share;
  return share;
}

int64_t kv_memory_read(void *memory, void *out, size_t n) {
  struct kv_memory *const m = memory;
  int64_t share;
  assert_true(n > 0);
  if (is_met(m, n, &share)) return share == INT64_MAX ? (int64_t)n + 1 : share;
  memcpy(out, m->bytes.data + m->at, (size_t)share);
  m->at += (size_t)share;
  return share;
}

struct bytes kv_saved(const infermem_kv *kv, const struct kv_form *form) {
  struct kv_memory m = {.bytes = {NULL, (size_t)kv_saved_bytes(kv)}};
  m.bytes.data = malloc(m.bytes.size);
  assert_non_null(m.bytes.data);
  assert_ok(kv_save_to(kv, kv_memory_write, &m, form->fingerprint, form->n_fingerprint));
  assert_int_equal(m.at, m.bytes.size);
  return m.bytes;
}

int32_t kv_load_bytes(infermem_kv *kv, struct bytes bytes, const struct kv_form *form) {
  struct kv_memory m = {.bytes = bytes};
  return kv_load_from(kv, kv_memory_read, &m, form->fingerprint, form->n_fingerprint);
}

size_t kv_sections(const struct kv_form *form, size_t tokens, size_t ends[16]) {
  size_t n = 0, at = 0;
  ends[n++] = at = 248;
  ends[n++] = at += 8 + 8 * form->layers;
  for (size_t layer = 0; layer < form->layers && tokens != 0; layer++)
    for (int which = 0; which < 2; which++)
      ends[n++] = at += 8 + stored_bytes(form->types[layer][which], tokens * form->heads * form->dims[which]);
  return n;
}

void kv_sign(struct bytes bytes, const struct kv_form *form) {
  size_t ends[16], begin = 0;
  const size_t n = kv_sections(form, form->tokens, ends);
  for (size_t i = 0; i < n && ends[i] + 8 <= bytes.size; i++) {
    const uint64_t sum = XXH3_64bits(bytes.data + begin, ends[i] - begin);
    memcpy(bytes.data + ends[i], &sum, sizeof sum);
    begin = ends[i];
  }
}
