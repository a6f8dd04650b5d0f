/* Random operations on two caches and on models of them: plain arrays of the bytes that each row must have. */
#include <math.h>
#include <stdlib.h>

#include "model_check.h"
#include "stored.h"
#include "support.h"

enum {
  kAppend,
  kAppend16,
  kStep,
  kAdvance,
  kAbort,
  kTruncate,
  kClear,
  kKeep,
  kCopy,
  kGrow,
  kRead,
  kMut,
  kSave,
  kLoad,
  kBad,
  kKinds
};
static const char *const kNames[] = {"append", "append16", "step", "advance", "abort", "truncate", "clear", "keep",
                                     "copy",   "grow",     "read", "mut",     "save",  "load",     "bad"};

enum { kLayers = 3, kTokens = 14, kMost = 20, kHeads = 2, kDimK = 32, kDimV = 64 };
enum { kRowK = kHeads * kDimK, kRowV = kHeads * kDimV, kRowBytes = 4 * kRowV };

static int32_t types[2][kLayers]; /* of the run: by INFERMEM_KV_* */
static uint32_t flags;
static int in_tape;

struct model {
  infermem_kv *kv;
  size_t length, max, pending[kLayers];
  uint64_t generation;
  unsigned char rows[2][kLayers][kMost][kRowBytes];
};
static struct model models[2]; /* the first is operated on; copies of it go to the second */
static struct {
  struct model of; /* what was saved */
  size_t n, at;
  unsigned char bytes[kLayers * kMost * (4 * kRowK + 4 * kRowV) + 1024];
} saved; /* the last */

#define DIFFERS(condition, what)  \
  do {                            \
    if (condition) return (what); \
  } while (0)

static size_t row_of(int which) { return which == INFERMEM_KV_K ? kRowK : kRowV; }
static size_t bytes_of(int which, size_t layer) { return stored_bytes(types[which][layer], row_of(which)); }

static const char *compare_view(const struct model *m, int which, size_t layer, size_t tokens, int32_t status,
                                const infermem_view *view) {
  DIFFERS(status != INFERMEM_OK, "a view is refused");
  const size_t row = row_of(which), row_bytes = bytes_of(which, layer);
  DIFFERS(view->shape[0] != tokens || view->shape[1] != row || view->bytes != tokens * row_bytes, "a view's shape");
  DIFFERS(view->strides[0] != (int64_t)row_bytes, "a view's stride");
  DIFFERS(view->dtype != types[which][layer], "a view's type");
  for (size_t t = 0; t < tokens; t++)
    DIFFERS(memcmp((const char *)view->data + t * row_bytes, m->rows[which][layer][t], row_bytes) != 0, "a row");
  return NULL;
}

static const char *compare(const struct model *m) {
  DIFFERS(kv_len(m->kv) != m->length, "length");
  DIFFERS(kv_max(m->kv) != m->max, "max");
  DIFFERS(kv_generation(m->kv) != m->generation, "generation");
  for (size_t layer = 0; layer < kLayers; layer++) {
    const size_t all = m->length + m->pending[layer];
    infermem_view view;
    const char *what = compare_view(m, INFERMEM_KV_K, layer, m->length, kv_keys(m->kv, layer, &view), &view);
    if (!what) what = compare_view(m, INFERMEM_KV_V, layer, m->length, kv_values(m->kv, layer, &view), &view);
    if (!what) what = compare_view(m, INFERMEM_KV_K, layer, all, kv_keys_pending(m->kv, layer, &view), &view);
    if (!what) what = compare_view(m, INFERMEM_KV_V, layer, all, kv_values_pending(m->kv, layer, &view), &view);
    if (what) return what;
  }
  return NULL;
}

/* Rounds to what a type of 16 bits holds, and gives its bits. */
static void round16(int32_t type, float *values, size_t n, uint16_t *bits) {
  for (size_t i = 0; i < n; i++) {
    bits[i] = type == INFERMEM_DTYPE_F16 ? stored_f16(values[i]) : stored_bf16(values[i]);
    values[i] = type == INFERMEM_DTYPE_F16 ? stored_from_f16(bits[i]) : stored_from_bf16(bits[i]);
  }
}

static const char *append(struct model *m, size_t layer, size_t n, uint64_t seed, int32_t from) {
  float k[kMost * kRowK], v[kMost * kRowV];
  uint16_t k16[kMost * kRowK], v16[kMost * kRowV];
  for (size_t i = 0; i < n * kRowK; i++) k[i] = 100 * test_random_float(&seed);
  for (size_t i = 0; i < n * kRowV; i++) v[i] = 0x1p-10f * test_random_float(&seed);
  int32_t status;
  if (from == INFERMEM_DTYPE_F32) {
    status = kv_append(m->kv, layer, k, n * kRowK, v, n * kRowV, n);
  } else {
    round16(from, k, n * kRowK, k16);
    round16(from, v, n * kRowV, v16);
    status = from == INFERMEM_DTYPE_F16 ? kv_append_f16(m->kv, layer, k16, n * kRowK, v16, n * kRowV, n)
                                        : kv_append_bf16(m->kv, layer, k16, n * kRowK, v16, n * kRowV, n);
  }
  if (layer >= kLayers) return status == INFERMEM_E_RANGE ? NULL : "an append to no layer";
  if (n == 0) return status == INFERMEM_E_ARG ? NULL : "an append of nothing";
  if (n > m->max - m->length) return status == INFERMEM_E_FULL ? NULL : "an append beyond the end";
  DIFFERS(status != INFERMEM_OK, "an append is refused");
  for (size_t t = 0; t < n; t++) {
    stored_encode(types[INFERMEM_KV_K][layer], k + t * kRowK, kRowK, m->rows[INFERMEM_KV_K][layer][m->length + t]);
    stored_encode(types[INFERMEM_KV_V][layer], v + t * kRowV, kRowV, m->rows[INFERMEM_KV_V][layer][m->length + t]);
  }
  m->pending[layer] = n;
  return NULL;
}

static void drop_pending(struct model *m) { memset(m->pending, 0, sizeof m->pending); }

static const char *advance(struct model *m, size_t n) {
  int32_t expected = INFERMEM_OK;
  size_t first = 0;
  while (first < kLayers && m->pending[first] == n) first++;
  if (first < kLayers) expected = INFERMEM_E_INCOMPLETE;
  DIFFERS(kv_advance(m->kv, n) != expected, "an advance");
  if (expected != INFERMEM_OK) {
    DIFFERS(infermem_error_detail()->got != m->pending[first], "the layer named");
    return NULL;
  }
  m->length += n;
  drop_pending(m);
  return NULL;
}

static const char *keep(struct model *m, size_t sinks, size_t recent) {
  size_t dropped = 99;
  DIFFERS(kv_keep(m->kv, sinks, recent, &dropped) != INFERMEM_OK, "keep");
  const size_t expected = sinks + recent < m->length ? m->length - sinks - recent : 0;
  DIFFERS(dropped != expected, "what was dropped");
  if (dropped != 0) {
    for (int which = 0; which < 2; which++)
      for (size_t layer = 0; layer < kLayers; layer++)
        memmove(m->rows[which][layer][sinks], m->rows[which][layer][sinks + dropped],
                recent * sizeof m->rows[which][layer][0]);
    m->generation++;
  }
  m->length -= dropped;
  drop_pending(m);
  return NULL;
}

static const char *copy(struct model *to, const struct model *from, size_t n) {
  const int32_t status = kv_copy_prefix(to->kv, from->kv, n);
  if (n > from->length) return status == INFERMEM_E_RANGE ? NULL : "a copy of more than there is";
  if (n > to->max) return status == INFERMEM_E_FULL ? NULL : "a copy of more than fits";
  DIFFERS(status != INFERMEM_OK, "copy");
  memcpy(to->rows, from->rows, sizeof to->rows);
  to->length = n;
  to->generation++;
  drop_pending(to);
  return NULL;
}

static const char *read_rows(const struct model *m, const struct operation *op) {
  float out[kMost * kRowV], expected[kRowV];
  const int which = (int)(op->a >> 32 & 1);
  const size_t layer = op->a % kLayers, first = op->b % (kMost + 1), n = op->c % (kMost + 1), row = row_of(which);
  const int32_t status = kv_read(m->kv, layer, which, first, n, out, n * row);
  if (first + n > m->length + m->pending[layer])
    return status == INFERMEM_E_RANGE ? NULL : "a read beyond what there is";
  DIFFERS(status != INFERMEM_OK, "a read is refused");
  for (size_t t = 0; t < n; t++) {
    stored_decode(types[which][layer], m->rows[which][layer][first + t], row, expected);
    DIFFERS(memcmp(out + t * row, expected, row * sizeof *out) != 0, "a row that was read");
  }
  return NULL;
}

/* The last row is overwritten with the first, in place. */
static const char *change(struct model *m, const struct operation *op) {
  const int which = (int)(op->a >> 32 & 1);
  const size_t layer = op->a % kLayers, all = m->length + m->pending[layer], bytes = bytes_of(which, layer);
  infermem_view view;
  const int32_t status = which == INFERMEM_KV_K ? kv_keys_mut(m->kv, layer, &view) : kv_values_mut(m->kv, layer, &view);
  DIFFERS(status != INFERMEM_OK || view.shape[0] != all || view.flags != 0, "a view to write through");
  if (all < 2) return NULL;
  memcpy((char *)view.data + (all - 1) * bytes, view.data, bytes);
  memcpy(m->rows[which][layer][all - 1], m->rows[which][layer][0], bytes);
  return NULL;
}

static int64_t write_saved(void *context, const void *bytes, size_t n) {
  (void)context;
  assert_true(n <= sizeof saved.bytes - saved.n);
  memcpy(saved.bytes + saved.n, bytes, n);
  saved.n += n;
  return (int64_t)n;
}

static int64_t read_saved(void *context, void *out, size_t n) {
  (void)context;
  if (n > saved.n - saved.at) n = saved.n - saved.at;
  memcpy(out, saved.bytes + saved.at, n);
  saved.at += n;
  return (int64_t)n;
}

static const char *save(const struct model *m) {
  saved.of = *m;
  saved.n = 0;
  DIFFERS(kv_save_to(m->kv, write_saved, NULL, NULL, 0) != INFERMEM_OK, "save");
  DIFFERS(saved.n != kv_saved_bytes(m->kv), "the bytes that are saved");
  return NULL;
}

/* What was saved last; now and then with a byte changed. */
static const char *load(struct model *m, const struct operation *op) {
  unsigned char *const changed = op->a % 3 == 0 && saved.n != 0 ? &saved.bytes[op->b % saved.n] : NULL;
  const unsigned char mask = (unsigned char)(1 + op->c % 255);
  saved.at = 0;
  if (changed) *changed ^= mask;
  const int32_t status = kv_load_from(m->kv, read_saved, NULL, NULL, 0);
  if (changed) {
    *changed ^= mask;
    return status != INFERMEM_OK ? NULL : "a changed byte is not found";
  }
  if (saved.n == 0) return status == INFERMEM_E_TRUNCATED ? NULL : "a load of nothing";
  if (saved.of.length > m->max) return status == INFERMEM_E_FULL ? NULL : "a load of more than fits";
  DIFFERS(status != INFERMEM_OK, "load");
  memcpy(m->rows, saved.of.rows, sizeof m->rows);
  m->length = saved.of.length;
  m->generation++;
  drop_pending(m);
  return NULL;
}

static int is_block(int32_t type) {
  return type == INFERMEM_DTYPE_Q8_0 || type == INFERMEM_DTYPE_Q4_0 || type == INFERMEM_DTYPE_Q4_1;
}

/* Arguments that must change nothing. */
static const char *refuse(struct model *m, const struct operation *op) {
  float rows[2 * kRowV] = {0};
  const size_t layer = op->a % kLayers, k_len = op->b % kRowK, v_len = op->c % kRowV;
  DIFFERS(kv_append(m->kv, layer, rows, k_len, rows, kRowV, 1) != INFERMEM_E_SHAPE, "a narrow key");
  DIFFERS(kv_append(m->kv, layer, rows, kRowK, rows, v_len, 1) != INFERMEM_E_SHAPE, "a narrow value");
  DIFFERS(kv_append(m->kv, layer, NULL, kRowK, rows, kRowV, 1) != INFERMEM_E_NULL, "no key");
  DIFFERS(kv_truncate(m->kv, m->length + 1 + op->b % 9) != INFERMEM_E_RANGE, "truncation to more");
  DIFFERS(kv_grow(m->kv, kMost + 1 + op->b % 9) != INFERMEM_E_RANGE, "growth beyond the reserve");
  DIFFERS(kv_copy_prefix(m->kv, m->kv, 0) != INFERMEM_E_ARG, "a copy of itself");
  DIFFERS(kv_prefetch(m->kv, layer) != INFERMEM_OK, "prefetch");
  if (m->length == m->max || !is_block(types[INFERMEM_KV_V][layer])) return NULL;
  rows[v_len] = op->b % 2 ? NAN : 1e7f;
  const int32_t expected = op->b % 2 ? INFERMEM_E_NOT_FINITE : INFERMEM_E_LIMIT;
  const float zeros[kRowK] = {0};
  const int32_t status = kv_append(m->kv, layer, zeros, kRowK, rows, kRowV, 1);
  DIFFERS(status != expected, "a value that a block cannot hold");
  DIFFERS(infermem_error_detail()->got != (op->b % 2 ? v_len : v_len / 32 * 32), "its index");
  return NULL;
}

static const char *operate(struct model *m, const struct operation *op) {
  switch (op->kind) {
    case kAppend: /* to one layer; now and then none, of nothing, or beyond the end */
      return append(m, op->a % 16 == 0 ? kLayers : op->a % kLayers, op->b % 5, op->c, INFERMEM_DTYPE_F32);
    case kAppend16:
      return append(m, op->a % kLayers, op->b % 3, op->c, op->c % 2 ? INFERMEM_DTYPE_F16 : INFERMEM_DTYPE_BF16);
    case kStep: { /* what a model does */
      const size_t n = 1 + op->b % 4;
      for (size_t layer = 0; layer < kLayers; layer++) {
        const char *what = append(m, layer, n, op->c + layer, INFERMEM_DTYPE_F32);
        if (what) return what;
      }
      return n > m->max - m->length ? NULL : advance(m, n);
    }
    case kAdvance:
      return advance(m, op->a % 4 == 0 ? op->b % 5 : m->pending[op->b % kLayers]);
    case kAbort:
      DIFFERS(kv_abort(m->kv) != INFERMEM_OK, "abort");
      drop_pending(m);
      return NULL;
    case kTruncate: {
      const size_t n = op->a % (m->length + 2);
      DIFFERS(kv_truncate(m->kv, n) != (n > m->length ? INFERMEM_E_RANGE : INFERMEM_OK), "truncate");
      if (n > m->length) return NULL;
      m->length = n;
      drop_pending(m);
      return NULL;
    }
    case kClear:
      if (op->a % 4 != 0) return NULL;
      DIFFERS((op->b % 2 ? kv_clear(m->kv) : kv_clear_zero(m->kv)) != INFERMEM_OK, "clear");
      m->length = 0;
      m->generation++;
      drop_pending(m);
      return NULL;
    case kKeep:
      return keep(m, op->a % 8, op->b % (kMost / 2));
    case kCopy: /* forth, and now and then back */
      return op->a % 4 == 0 ? copy(m, &models[1], op->b % (models[1].length + 2))
                            : copy(&models[1], m, op->b % (m->length + 2));
    case kGrow: {
      const size_t n = m->max + op->a % 2;
      if (op->a % 16 > 1 || n > kMost) return NULL;
      DIFFERS(kv_grow(m->kv, n) != INFERMEM_OK, "grow");
      m->max = n;
      DIFFERS(kv_grow(m->kv, n - 1) != INFERMEM_E_RANGE, "growth to less");
      return NULL;
    }
    case kRead:
      return read_rows(m, op);
    case kMut:
      return change(m, op);
    case kSave:
      return save(m);
    case kLoad: /* into the other cache, too */
      return load(op->b % 4 == 0 ? &models[1] : m, op);
    default:
      return refuse(m, op);
  }
}

static infermem_kv *make(size_t max_tokens, const infermem_tape *tape) {
  INFERMEM_STRUCT(infermem_kv_options, options);
  options.n_layers = kLayers;
  options.n_kv_heads = kHeads;
  options.head_dim = kDimK;
  options.head_dim_v = kDimV;
  options.max_tokens = max_tokens;
  options.k_types = types[INFERMEM_KV_K];
  options.v_types = types[INFERMEM_KV_V];
  options.growable = kMost;
  options.flags = flags;
  options.tape = tape;
  infermem_kv *kv = NULL;
  assert_ok(kv_new(&options, &kv));
  return kv;
}

static const char *run(const struct operation *operations, size_t n) {
  infermem_tape *tape = in_tape ? test_tape(1 << 18) : NULL;
  for (size_t i = 0; i < 2; i++) {
    memset(&models[i], 0, sizeof models[i]);
    models[i].max = i == 0 ? kTokens : kTokens / 2;
    models[i].kv = make(models[i].max, tape);
  }
  saved.n = 0;
  const char *what = NULL;
  for (size_t i = 0; i < n && !what; i++) {
    what = operate(&models[0], &operations[i]);
    if (!what) what = compare(&models[0]);
    if (!what && (operations[i].kind == kCopy || operations[i].kind == kLoad)) what = compare(&models[1]);
  }
  for (size_t i = 0; i < 2; i++) kv_free(models[i].kv);
  tape_free(tape);
  return what;
}

static void caches_do_as_their_models(void **state) {
  (void)state;
  static const int32_t all[] = {INFERMEM_DTYPE_F32,  INFERMEM_DTYPE_F16,  INFERMEM_DTYPE_BF16,
                                INFERMEM_DTYPE_Q8_0, INFERMEM_DTYPE_Q4_0, INFERMEM_DTYPE_Q4_1};
  for (uint64_t seed = 0; seed < 6; seed++) {
    for (size_t layer = 0; layer < kLayers; layer++) {
      types[INFERMEM_KV_K][layer] = all[(seed + layer) % 6];
      types[INFERMEM_KV_V][layer] = all[(seed * 5 + layer * 3 + 1) % 6];
    }
    in_tape = seed % 3 == 1;
    flags = seed % 2 ? INFERMEM_KV_STREAM : 0;
    model_check(run, kNames, kKinds, 1000 + seed, 6000);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(caches_do_as_their_models),
  };
  return cmocka_run_group_tests_name("kv_model", tests, NULL, NULL);
}
