/* Saved caches that are cut, changed, or made to deceive, and functions that fail to bring them: an error, and the
 * cache is as it was; or it is what was saved, to the last byte. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include <valgrind/valgrind.h>

#include "saved_kv.h"

static const unsigned char kMasks[] = {0x01, 0x80, 0xff, 0x10};
enum { kNMasks = sizeof kMasks };

static size_t mutants; /* files that were no longer what was saved */

/* Every byte is cut off or changed; in Valgrind, where that would take minutes, every seventh. */
static size_t step(void) { return RUNNING_ON_VALGRIND ? 7 : 1; }

/* Two caches of a form: an empty one, and one with tokens, of which one is pending. */
struct pair {
  const struct kv_form *form;
  infermem_kv *caches[2];
  struct kv_seen before[2];
};

static void pair_make(struct pair *p, const struct kv_form *form) {
  p->form = form;
  for (int i = 0; i < 2; i++) p->caches[i] = kv_form_new(form, 8);
  kv_form_append(p->caches[1], form, 5, 2);
  assert_ok(kv_advance(p->caches[1], 2));
  kv_form_append(p->caches[1], form, 8, 1);
  for (int i = 0; i < 2; i++) kv_see(p->caches[i], form->layers, &p->before[i]);
}

static void pair_free(struct pair *p) {
  for (int i = 0; i < 2; i++) kv_free(p->caches[i]);
}

/* Loads wrong bytes into both caches, which must refuse them alike and stay as they were. */
static int32_t refuse(struct pair *p, struct bytes b) {
  int32_t status = INFERMEM_OK;
  for (int i = 0; i < 2; i++) {
    status = kv_load_bytes(p->caches[i], b, p->form);
    assert_true(status != INFERMEM_OK);
    assert_int_equal(infermem_error_detail()->code, status);
    assert_as_seen(p->caches[i], p->form->layers, &p->before[i]);
  }
  mutants++;
  return status;
}

static int32_t refuse_file(struct pair *p, struct bytes b) {
  file_write("wrong", b.data, b.size);
  int32_t status = INFERMEM_OK;
  for (int i = 0; i < 2; i++) {
    status = kv_load(p->caches[i], "wrong", p->form->fingerprint, p->form->n_fingerprint);
    assert_true(status != INFERMEM_OK);
    assert_as_seen(p->caches[i], p->form->layers, &p->before[i]);
  }
  return status;
}

/* ---- Cut and changed ---- */

static void every_shorter_and_longer_file_is_refused(void **state) {
  (void)state;
  for (int f = 0; f < kNKvForms; f++) {
    struct pair p;
    pair_make(&p, &kKvForms[f]);
    const struct bytes whole = data_read("kv", p.form->name, "kv");
    struct bytes b = {whole.data, 0};
    for (b.size = 0; b.size < whole.size; b.size += step()) {
      assert_int_equal(refuse(&p, b), INFERMEM_E_TRUNCATED);
      if (f > 2) continue;
      assert_int_equal(refuse_file(&p, b), INFERMEM_E_TRUNCATED);
      assert_int_equal(infermem_error_detail()->got, b.size);
      if (b.size >= 256) assert_int_equal(infermem_error_detail()->expected, whole.size);
    }
    struct bytes longer = {calloc(whole.size + 9, 1), 0};
    assert_non_null(longer.data);
    memcpy(longer.data, whole.data, whole.size);
    for (longer.size = whole.size + 1; longer.size <= whole.size + 9; longer.size++)
      assert_int_equal(refuse_file(&p, longer), INFERMEM_E_CORRUPT);
    free(longer.data);
    free(whole.data);
    pair_free(&p);
  }
}

static void every_flipped_byte_is_found(void **state) {
  (void)state;
  for (int f = 0; f < kNKvForms; f++) {
    struct pair p;
    pair_make(&p, &kKvForms[f]);
    struct bytes b = data_read("kv", p.form->name, "kv");
    for (size_t at = 0; at < b.size; at += step()) {
      for (size_t m = 0; m < kNMasks; m++) {
        b.data[at] ^= kMasks[m];
        const int32_t due = at < 16 ? INFERMEM_E_FORMAT : at < 20 ? INFERMEM_E_VERSION : INFERMEM_E_CORRUPT;
        assert_int_equal(refuse(&p, b), due);
        if (f == 0 && m == 0) assert_int_equal(refuse_file(&p, b), due);
        b.data[at] ^= kMasks[m];
      }
    }
    bytes_free(&b);
    pair_free(&p);
  }
}

/* What a byte of the header that was changed, and signed, is. */
static int is_due(size_t at, unsigned char mask, const struct kv_form *form, int32_t status) {
  if (at < 16) return status == INFERMEM_E_FORMAT;
  if (at < 20) return status == INFERMEM_E_VERSION;
  if (at == 20 && (mask & ~3) == 0) return status == INFERMEM_E_TYPE;
  if (at < 24) return status == INFERMEM_E_UNSUPPORTED;
  if (at < 32) return status == INFERMEM_E_FORMAT; /* the bytes in all */
  if (at == 32 && (form->tokens ^ mask) <= 8) return status == INFERMEM_E_FORMAT;
  if (at < 40) return status == INFERMEM_E_FULL;
  if (at < 72) return status == INFERMEM_E_SHAPE;
  if (at < 76) return status == INFERMEM_E_FINGERPRINT;
  if (at < 80) return status == INFERMEM_E_FORMAT;
  if (at < 144) return status == INFERMEM_E_FINGERPRINT;
  return status == INFERMEM_E_FORMAT;
}

static void bytes_changed_by_somebody_who_signs_them_are_refused_or_a_cache_of_their_own(void **state) {
  (void)state;
  for (int f = 0; f < kNKvForms; f++) {
    struct pair p;
    pair_make(&p, &kKvForms[f]);
    struct bytes whole = data_read("kv", p.form->name, "kv"), b = data_read("kv", p.form->name, "kv");
    size_t ends[16];
    const size_t n = kv_sections(p.form, p.form->tokens, ends);
    for (size_t at = 0, section = 0; at < b.size; at += step()) {
      while (section < n && at >= ends[section] + 8) section++;
      for (size_t m = 0; m < kNMasks; m++) {
        b.data[at] ^= kMasks[m];
        kv_sign(b, p.form);
        if (at >= ends[section]) {
          assert_bytes(b, whole); /* a checksum, which is right again */
        } else if (section == 0) {
          const int32_t status = refuse(&p, b);
          assert_true(is_due(at, kMasks[m], p.form, status));
        } else if (section == 1) {
          assert_int_equal(refuse(&p, b), INFERMEM_E_TYPE);
        } else {
          for (int i = 0; i < 2; i++) { /* other rows: those are loaded, and no others */
            assert_int_equal(kv_load_bytes(p.caches[i], b, p.form), INFERMEM_OK);
            struct bytes again = kv_saved(p.caches[i], p.form);
            assert_bytes(again, b);
            bytes_free(&again);
          }
          mutants++;
        }
        memcpy(b.data, whole.data, b.size);
      }
      if (section >= 2 && at + step() >= ends[section]) { /* the caches as they were */
        pair_free(&p);
        pair_make(&p, &kKvForms[f]);
      }
    }
    bytes_free(&b);
    bytes_free(&whole);
    pair_free(&p);
  }
}

static void numbers_beyond_measure_do_no_harm(void **state) {
  (void)state;
  static const uint64_t large[] = {0,          1,          UINT64_MAX,      INT64_MAX,      1ull << 63,
                                   1ull << 32, 1ull << 61, UINT64_MAX / 34, UINT32_MAX - 1, 9};
  struct pair p;
  pair_make(&p, &kKvForms[3]); /* 3 tokens, 2 layers, 1 head of 32 */
  struct bytes b = data_read("kv", "q8_0", "kv");
  for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
    for (size_t at = 24; at < 72; at += 8) {
      uint64_t was;
      memcpy(&was, b.data + at, sizeof was);
      if (was == large[i]) continue;
      memcpy(b.data + at, &large[i], sizeof was);
      kv_sign(b, p.form);
      assert_int_equal(refuse(&p, b), at == 24       ? INFERMEM_E_FORMAT
                                      : at > 32      ? INFERMEM_E_SHAPE
                                      : large[i] > 8 ? INFERMEM_E_FULL
                                                     : INFERMEM_E_FORMAT);
      const int32_t status = refuse_file(&p, b);
      if (at == 24) assert_int_equal(status, large[i] > b.size ? INFERMEM_E_TRUNCATED : INFERMEM_E_CORRUPT);
      memcpy(b.data + at, &was, sizeof was);
    }
  }
  const uint32_t most = UINT32_MAX;
  memcpy(b.data + 72, &most, sizeof most);
  kv_sign(b, p.form);
  assert_int_equal(refuse(&p, b), INFERMEM_E_FINGERPRINT);
  bytes_free(&b);
  pair_free(&p);
}

static void rows_that_are_not_finite_are_loaded_and_attended_to(void **state) {
  (void)state;
  static const uint16_t halves[] = {0x7c00, 0xfc00, 0x7e00, 0xffff, 0x0001, 0x8000, 0x7bff, 0x7f80};
  static const int forms[] = {3, 4, 5, 7};
  for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
    const struct kv_form *form = &kKvForms[forms[f]];
    struct bytes b = data_read("kv", form->name, "kv");
    size_t ends[16];
    const size_t n = kv_sections(form, form->tokens, ends);
    for (size_t h = 0; h < sizeof halves / sizeof *halves; h++) {
      for (size_t s = 2; s < n; s++) /* every number of 16 bits there is, scales among them */
        for (size_t at = ends[s - 1] + 8; at + 2 <= ends[s]; at += 2) memcpy(b.data + at, &halves[h], 2);
      kv_sign(b, form);
      infermem_kv *kv = kv_form_new(form, 8);
      assert_ok(kv_load_bytes(kv, b, form));
      for (size_t layer = 0; layer < form->layers; layer++) {
        float q[64], out[64], rows[4 * 64];
        for (int i = 0; i < 64; i++) q[i] = 1;
        assert_ok(kv_attend(kv, layer, NULL, 0, 1, q, form->dims[0], out, form->dims[1]));
        assert_ok(kv_read(kv, layer, INFERMEM_KV_K, 0, form->tokens, rows, form->tokens * form->dims[0]));
      }
      kv_free(kv);
    }
    bytes_free(&b);
  }
}

/* ---- Functions that fail ---- */

static void functions_may_move_any_share_of_the_bytes(void **state) {
  (void)state;
  static const size_t shares[] = {1, 2, 7, 8, 100, 255, 256, 257, 1000};
  for (int f = 0; f < kNKvForms; f++) {
    const struct kv_form *form = &kKvForms[f];
    struct bytes whole = data_read("kv", form->name, "kv");
    struct bytes longer = {calloc(whole.size + 100, 1), whole.size + 100};
    assert_non_null(longer.data);
    memcpy(longer.data, whole.data, whole.size);
    for (size_t s = 0; s < sizeof shares / sizeof *shares; s++) {
      infermem_kv *kv = kv_form_new(form, 8);
      struct kv_memory from = {.bytes = longer, .most = shares[s]};
      assert_ok(kv_load_from(kv, kv_memory_read, &from, form->fingerprint, form->n_fingerprint));
      assert_int_equal(from.at, whole.size); /* and not a byte more */
      struct kv_memory to = {.bytes = {calloc(whole.size, 1), whole.size}, .most = shares[s]};
      assert_ok(kv_save_to(kv, kv_memory_write, &to, form->fingerprint, form->n_fingerprint));
      assert_int_equal(to.at, whole.size);
      assert_bytes(to.bytes, whole);
      bytes_free(&to.bytes);
      kv_free(kv);
    }
    bytes_free(&longer);
    bytes_free(&whole);
  }
}

static void a_function_that_fails_at_any_call_changes_nothing(void **state) {
  (void)state;
  static const int64_t failures[] = {-1, INT64_MIN, INT64_MAX, 0};
  struct pair p;
  pair_make(&p, &kKvForms[7]);
  const void *const fingerprint = p.form->fingerprint;
  const size_t n_fingerprint = p.form->n_fingerprint;
  struct bytes whole = data_read("kv", p.form->name, "kv");
  for (size_t most = 100; most <= 10000; most *= 10) {
    for (size_t f = 0; f < sizeof failures / sizeof *failures; f++) {
      size_t n = 0;
      for (size_t fail_at = 1;; fail_at++) {
        struct kv_memory m = {.bytes = whole, .most = most, .fail_at = fail_at, .failure = failures[f]};
        const int is_full = fail_at % 2 == 1;
        if (fail_at > 1 && n < fail_at - 1) break;
        const int32_t due = failures[f] == 0 ? INFERMEM_E_TRUNCATED : INFERMEM_E_IO;
        assert_fails(due, kv_load_from(p.caches[is_full], kv_memory_read, &m, fingerprint, n_fingerprint));
        assert_int_equal(m.calls, fail_at);
        if (due == INFERMEM_E_IO && f < 2) assert_int_equal(infermem_error_detail()->got, (uint64_t)failures[f]);
        assert_as_seen(p.caches[is_full], p.form->layers, &p.before[is_full]);
        n = fail_at;
        if (m.at + most >= whole.size && m.at + 8 >= whole.size) break;
      }
      assert_true(n >= 12); /* a header, types and rows with their checksums */
      infermem_kv *kv = kv_form_make(p.form);
      struct kv_seen *before = malloc(sizeof *before);
      assert_non_null(before);
      kv_see(kv, p.form->layers, before);
      struct bytes room = {malloc(whole.size), whole.size};
      assert_non_null(room.data);
      for (size_t fail_at = 1; fail_at <= n; fail_at++) {
        struct kv_memory m = {.bytes = room, .most = most, .fail_at = fail_at, .failure = failures[f]};
        assert_fails(INFERMEM_E_IO, kv_save_to(kv, kv_memory_write, &m, fingerprint, n_fingerprint));
        assert_int_equal(m.calls, fail_at);
        assert_memory_equal(room.data, whole.data, m.at);
        assert_as_seen(kv, p.form->layers, before);
      }
      bytes_free(&room);
      free(before);
      kv_free(kv);
    }
  }
  bytes_free(&whole);
  pair_free(&p);
}

static void enough_files_were_wrong(void **state) {
  (void)state;
  assert_true(mutants >= 15000 / step());
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_shorter_and_longer_file_is_refused),
      cmocka_unit_test(every_flipped_byte_is_found),
      cmocka_unit_test(bytes_changed_by_somebody_who_signs_them_are_refused_or_a_cache_of_their_own),
      cmocka_unit_test(numbers_beyond_measure_do_no_harm),
      cmocka_unit_test(rows_that_are_not_finite_are_loaded_and_attended_to),
      cmocka_unit_test(functions_may_move_any_share_of_the_bytes),
      cmocka_unit_test(a_function_that_fails_at_any_call_changes_nothing),
      cmocka_unit_test(enough_files_were_wrong),
  };
  return cmocka_run_group_tests_name("kv_file_hostile", tests, files_enter, files_leave);
}
