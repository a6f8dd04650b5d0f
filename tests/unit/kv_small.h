/* kv_small.h: a small cache, whose rows tell what they are. */
#ifndef KV_SMALL_H
#define KV_SMALL_H

#include "kvs.h"

/* Two layers, rows of 4, five tokens. */
enum { kRow = 4 };
static inline infermem_kv *small(void) { return make(shape(2, 2, 2, 5)); }

/* n rows of which every element tells the layer, the token and the plane. */
static inline void fill(float *rows, size_t n, float tag) {
  for (size_t i = 0; i < n * kRow; i++) rows[i] = tag + (float)i / 16;
}

static inline void append(infermem_kv *kv, size_t layer, size_t n, float tag) {
  float k[5 * kRow], v[5 * kRow];
  fill(k, n, tag);
  fill(v, n, -tag);
  assert_ok(kv_append(kv, layer, k, n * kRow, v, n * kRow, n));
}

static inline void step(infermem_kv *kv, size_t n, float tag) {
  append(kv, 0, n, tag);
  append(kv, 1, n, tag + 1000);
  assert_ok(kv_advance(kv, n));
}

static inline const float *keys_of(const infermem_kv *kv, size_t layer, size_t tokens) {
  infermem_view view;
  assert_ok(kv_keys(kv, layer, &view));
  assert_int_equal(view.shape[0], tokens);
  return view.data;
}

/* All that a failed call must leave alone, of the small cache. */
struct snapshot {
  size_t length, committed;
  uint64_t generation;
  infermem_view views[2][4];
  float contents[2][4][5 * kRow];
};

static inline void take_snapshot(const infermem_kv *kv, struct snapshot *s) {
  memset(s, 0, sizeof *s);
  s->length = kv_len(kv);
  s->committed = kv_memory_committed(kv);
  s->generation = kv_generation(kv);
  for (size_t layer = 0; layer < 2; layer++) {
    assert_ok(kv_keys(kv, layer, &s->views[layer][0]));
    assert_ok(kv_values(kv, layer, &s->views[layer][1]));
    assert_ok(kv_keys_pending(kv, layer, &s->views[layer][2]));
    assert_ok(kv_values_pending(kv, layer, &s->views[layer][3]));
    for (int i = 0; i < 4; i++)
      memcpy(s->contents[layer][i], s->views[layer][i].data, (size_t)s->views[layer][i].bytes);
  }
}

static inline void assert_unchanged(const infermem_kv *kv, const struct snapshot *before) {
  static struct snapshot now;
  take_snapshot(kv, &now);
  assert_memory_equal(&now, before, sizeof now);
}

#endif
