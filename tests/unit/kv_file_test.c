/* Saved caches: what is written, what is read, and what a loaded cache is good for. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "saved_kv.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static int32_t save(const infermem_kv *kv, const char *path, const struct kv_form *form) {
  return kv_save(kv, path, form->fingerprint, form->n_fingerprint);
}

static int32_t load(infermem_kv *kv, const char *path, const struct kv_form *form) {
  return kv_load(kv, path, form->fingerprint, form->n_fingerprint);
}

/* That two caches of a form hold the same rows, and attend alike. */
static void assert_same(const infermem_kv *a, const infermem_kv *b, const struct kv_form *form) {
  assert_int_equal(kv_len(a), kv_len(b));
  for (size_t layer = 0; layer < form->layers; layer++) {
    infermem_view views[2][2];
    assert_ok(kv_keys_pending(a, layer, &views[0][0]));
    assert_ok(kv_values_pending(a, layer, &views[0][1]));
    assert_ok(kv_keys_pending(b, layer, &views[1][0]));
    assert_ok(kv_values_pending(b, layer, &views[1][1]));
    for (int which = 0; which < 2; which++) {
      assert_int_equal(views[0][which].bytes, views[1][which].bytes);
      assert_int_equal(views[0][which].dtype, views[1][which].dtype);
      assert_memory_equal(views[0][which].data, views[1][which].data, (size_t)views[0][which].bytes);
    }
    if (form->dims[0] % 8 != 0 || form->dims[1] % 8 != 0 || views[0][0].shape[0] == 0) continue;
    float q[128], out[2][128];
    for (int i = 0; i < 128; i++) q[i] = (float)(i % 7) / 8;
    const size_t n_q = form->heads * form->dims[0], n_out = form->heads * form->dims[1];
    assert_ok(kv_attend(a, layer, NULL, 0, form->heads, q, n_q, out[0], n_out));
    assert_ok(kv_attend(b, layer, NULL, 0, form->heads, q, n_q, out[1], n_out));
    assert_memory_equal(out[0], out[1], n_out * sizeof(float));
  }
}

/* ---- Reading and writing ---- */

static void golden_files_are_read_and_written(void **state) {
  (void)state;
  for (int f = 0; f < kNKvForms; f++) {
    const struct kv_form *form = &kKvForms[f];
    struct bytes saved = data_read("kv", form->name, "kv"), floats = data_read("kv", form->name, "f32");
    infermem_kv *made = kv_form_make(form), *loaded = kv_form_new(form, form->tokens + 2);
    file_write("golden", saved.data, saved.size);
    assert_ok(load(loaded, "golden", form));
    assert_same(made, loaded, form);
    assert_int_equal(kv_len(loaded), form->tokens);
    assert_int_equal(kv_saved_bytes(loaded), saved.size);
    const float *expected = (const float *)(void *)floats.data;
    for (size_t layer = 0; layer < form->layers; layer++) {
      for (int which = 0; which < 2; which++) {
        float rows[5 * 64];
        const size_t n = form->tokens * form->heads * form->dims[which];
        assert_true(n <= sizeof rows / sizeof *rows);
        assert_ok(kv_read(loaded, layer, which, 0, form->tokens, rows, n));
        for (size_t i = 0; i < n; i++)
          assert_true(fabsf(rows[i] - expected[i]) <= (form->flags >> which & 1 ? 0x1p-20f : 0.0f));
        expected += n;
      }
    }
    assert_ptr_equal(expected, floats.data + floats.size);
    assert_ok(save(made, "made", form));
    assert_ok(save(loaded, "loaded", form));
    assert_true(file_is("made", saved) && file_is("loaded", saved));
    struct bytes written = kv_saved(made, form);
    assert_bytes(written, saved);
    bytes_free(&written);
    kv_free(loaded);
    kv_free(made);
    bytes_free(&floats);
    bytes_free(&saved);
  }
}

static void equal_tokens_give_equal_bytes_whatever_the_cache(void **state) {
  (void)state;
  infermem_tape *tape = test_tape_dirty(1 << 18);
  for (int f = 0; f < kNKvForms; f++) {
    const struct kv_form *form = &kKvForms[f];
    struct bytes saved = data_read("kv", form->name, "kv");
    for (int kind = 0; kind < 4; kind++) {
      int32_t types[2][3];
      infermem_kv_options options = kv_form_options(form, form->tokens + 5, types);
      if (kind == 1) options.growable = 100;
      if (kind == 2) options.flags |= INFERMEM_KV_STREAM;
      if (kind == 3) options.tape = tape;
      infermem_kv *kv = NULL;
      assert_ok(kv_new(&options, &kv));
      kv_form_append(kv, form, 7, 2); /* others, which go */
      assert_ok(kv_advance(kv, 2));
      assert_ok(kv_truncate(kv, 0));
      for (size_t t = 0; t < form->tokens; t++) {
        kv_form_append(kv, form, t, 1);
        assert_ok(kv_advance(kv, 1));
      }
      kv_form_append(kv, form, 9, 3);
      assert_ok(kv_advance(kv, 3));
      assert_ok(kv_truncate(kv, form->tokens));
      kv_form_append(kv, form, 11, 2); /* pending, and not saved */
      assert_ok(save(kv, "it", form));
      assert_true(file_is("it", saved));
      kv_free(kv);
    }
    bytes_free(&saved);
  }
  tape_free(tape);
}

static void a_loaded_cache_goes_on_as_if_it_had_never_been_saved(void **state) {
  (void)state;
  for (int f = 0; f < kNKvForms; f++) {
    const struct kv_form *form = &kKvForms[f];
    infermem_kv *whole = kv_form_make(form), *loaded = kv_form_new(form, form->tokens + 3);
    assert_ok(save(whole, "it", form));
    assert_ok(load(loaded, "it", form));
    for (size_t t = form->tokens; t < form->tokens + 3; t++) {
      kv_form_append(whole, form, t, 1);
      kv_form_append(loaded, form, t, 1);
      assert_same(whole, loaded, form);
      assert_ok(kv_advance(whole, 1));
      assert_ok(kv_advance(loaded, 1));
    }
    size_t dropped;
    assert_ok(kv_keep(whole, 1, 1, &dropped));
    assert_ok(kv_keep(loaded, 1, 1, &dropped));
    assert_same(whole, loaded, form);
    kv_free(loaded);
    kv_free(whole);
  }
}

static void loading_replaces_what_there_was(void **state) {
  (void)state;
  for (int f = 0; f < kNKvForms; f++) {
    const struct kv_form *form = &kKvForms[f];
    infermem_kv *made = kv_form_make(form), *kv = kv_form_new(form, 9);
    assert_ok(save(made, "it", form));
    struct bytes saved = kv_saved(made, form);
    for (size_t tokens = 0; tokens < 8; tokens++) {
      for (size_t pending = 0; pending < 2; pending++) {
        for (int is_memory = 0; is_memory < 2; is_memory++) {
          assert_ok(kv_clear(kv));
          if (tokens != 0) kv_form_append(kv, form, 3, tokens);
          assert_ok(kv_advance(kv, tokens));
          if (pending != 0) kv_form_append(kv, form, 20, pending);
          const uint64_t generation = kv_generation(kv);
          assert_ok(is_memory ? kv_load_bytes(kv, saved, form) : load(kv, "it", form));
          assert_int_equal(kv_generation(kv), generation + 1);
          assert_same(kv, made, form);
        }
      }
    }
    bytes_free(&saved);
    kv_free(kv);
    kv_free(made);
  }
}

/* ---- Chunks ---- */

enum { kTokens = 700, kRow = 1024, kBytes = kTokens * kRow * 4, kChunk = 1 << 20 }; /* three chunks a half */
static const struct kv_form kLarge = {"large", kTokens, 8, {kRow / 8, kRow / 8}, 2, {{0, 0}, {0, 0}}, 0, "large", 5};

static infermem_kv *make_large(void) {
  infermem_kv *kv = kv_form_new(&kLarge, kTokens);
  float *rows = malloc(kBytes);
  assert_non_null(rows);
  uint64_t seed = 5;
  for (size_t layer = 0; layer < 2; layer++) {
    for (size_t i = 0; i < kTokens * kRow; i++) rows[i] = test_random_float(&seed);
    assert_ok(kv_append(kv, layer, rows, kTokens * kRow, rows, kTokens * kRow, kTokens));
  }
  assert_ok(kv_advance(kv, kTokens));
  free(rows);
  return kv;
}

static void rows_are_cut_into_chunks_of_a_mebibyte_each_with_its_checksum(void **state) {
  (void)state;
  infermem_kv *kv = make_large();
  struct bytes b = kv_saved(kv, &kLarge);
  assert_int_equal(b.size, 256 + 16 + 8 + 4 * (kBytes + 3 * 8));
  size_t at = 272, before = 248;
  for (int section = 0; section < 13; section++) {
    uint64_t sum;
    memcpy(&sum, b.data + at, sizeof sum);
    assert_int_equal(sum, XXH3_64bits(b.data + before, at - before));
    before = at;
    at += 8 + (size_t)(section % 3 < 2 ? kChunk : kBytes - 2 * kChunk);
    if (section == 12) assert_int_equal(before + 8, b.size);
  }
  infermem_view view;
  assert_ok(kv_values(kv, 0, &view));
  assert_memory_equal(b.data + 280 + 3 * 8 + kBytes, view.data, kChunk); /* the values of layer 0 */
  infermem_kv *loaded = kv_form_new(&kLarge, kTokens);
  for (int i = 0; i < 2; i++) { /* into its place, and over what is there */
    assert_ok(kv_load_bytes(loaded, b, &kLarge));
    struct bytes again = kv_saved(loaded, &kLarge);
    assert_bytes(again, b);
    bytes_free(&again);
  }
  kv_free(loaded);
  bytes_free(&b);
  kv_free(kv);
}

static void a_good_chunk_in_another_place_is_found(void **state) {
  (void)state;
  infermem_kv *kv = make_large();
  struct bytes b = kv_saved(kv, &kLarge);
  unsigned char *const first = b.data + 280, *const second = first + kChunk + 8;
  unsigned char *const aside = malloc(kChunk + 8);
  assert_non_null(aside);
  memcpy(aside, first, kChunk + 8);
  memcpy(first, second, kChunk + 8);
  memcpy(second, aside, kChunk + 8);
  static struct kv_seen none;
  infermem_kv *empty = kv_form_new(&kLarge, kTokens);
  kv_see(empty, 2, &none);
  assert_int_equal(kv_load_bytes(empty, b, &kLarge), INFERMEM_E_CORRUPT);
  assert_non_null(strstr(infermem_error_detail()->message, "keys"));
  assert_as_seen(empty, 2, &none);
  memcpy(second, first, kChunk + 8);
  memcpy(first, aside, kChunk + 8);
  second[kChunk / 2] ^= 1;
  assert_int_equal(kv_load_bytes(empty, b, &kLarge), INFERMEM_E_CORRUPT);
  char place[32];
  snprintf(place, sizeof place, "from byte %d on", 280 + kChunk + 8);
  assert_non_null(strstr(infermem_error_detail()->message, place));
  assert_as_seen(empty, 2, &none);
  free(aside);
  kv_free(empty);
  bytes_free(&b);
  kv_free(kv);
}

/* ---- What a cache can load ---- */

static void a_cache_loads_what_fits_it_alone(void **state) {
  (void)state;
  static const struct kv_form base = {"", 4, 2, {32, 64}, 2, {{1, 8}, {2, 0}}, 1, "it", 2};
  static const struct {
    struct kv_form form;
    int32_t due;
    const char *tells;
  } others[] = {
      {{"", 4, 2, {32, 64}, 2, {{1, 8}, {2, 0}}, 1, "it", 2}, INFERMEM_OK, ""},
      {{"", 4, 2, {32, 64}, 1, {{1, 8}}, 1, "it", 2}, INFERMEM_E_SHAPE, "1 layers cannot load one of 2"},
      {{"", 4, 2, {32, 64}, 3, {{1, 8}, {2, 0}, {2, 0}}, 1, "it", 2}, INFERMEM_E_SHAPE, "3 layers"},
      {{"", 4, 1, {32, 64}, 2, {{1, 8}, {2, 0}}, 1, "it", 2}, INFERMEM_E_SHAPE, "1 heads of 32"},
      {{"", 4, 1, {64, 128}, 2, {{1, 8}, {2, 0}}, 1, "it", 2}, INFERMEM_E_SHAPE, "those of 2 of 32"},
      {{"", 4, 2, {32, 32}, 2, {{1, 8}, {2, 0}}, 1, "it", 2}, INFERMEM_E_SHAPE, "values of 2 heads of 32"},
      {{"", 4, 2, {32, 64}, 2, {{1, 8}, {2, 0}}, 0, "it", 2}, INFERMEM_E_TYPE, "keys are not rotated"},
      {{"", 4, 2, {32, 64}, 2, {{1, 8}, {2, 0}}, 3, "it", 2}, INFERMEM_E_TYPE, "values are rotated"},
      {{"", 4, 2, {32, 64}, 2, {{30, 8}, {2, 0}}, 1, "it", 2}, INFERMEM_E_TYPE, "keys of layer 0 are stored as BF16"},
      {{"", 4, 2, {32, 64}, 2, {{1, 8}, {2, 1}}, 1, "it", 2}, INFERMEM_E_TYPE, "the values of layer 1"},
      {{"", 4, 2, {32, 64}, 2, {{1, 8}, {2, 0}}, 1, "It", 2}, INFERMEM_E_FINGERPRINT, "of 2 bytes"},
      {{"", 4, 2, {32, 64}, 2, {{1, 8}, {2, 0}}, 1, "it", 1}, INFERMEM_E_FINGERPRINT, "than the 1 bytes"},
      {{"", 4, 2, {32, 64}, 2, {{1, 8}, {2, 0}}, 1, "it\0", 3}, INFERMEM_E_FINGERPRINT, "than the 3 bytes"},
      {{"", 4, 2, {32, 64}, 2, {{1, 8}, {2, 0}}, 1, NULL, 0}, INFERMEM_E_FINGERPRINT, "than the 0 bytes"},
  };
  infermem_kv *made = kv_form_make(&base);
  struct bytes saved = kv_saved(made, &base);
  assert_ok(save(made, "it", &base));
  static struct kv_seen before;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    const struct kv_form *form = &others[i].form;
    for (int is_full = 0; is_full < 2; is_full++) {
      infermem_kv *kv = is_full ? kv_form_make(form) : kv_form_new(form, 4);
      kv_see(kv, form->layers, &before);
      assert_int_equal(load(kv, "it", form), others[i].due);
      if (others[i].due != INFERMEM_OK) {
        assert_string_equal(infermem_error_detail()->function, "kv_load");
        assert_non_null(strstr(infermem_error_detail()->message, others[i].tells));
        assert_as_seen(kv, form->layers, &before);
      }
      assert_int_equal(kv_load_bytes(kv, saved, form), others[i].due);
      if (others[i].due != INFERMEM_OK) assert_as_seen(kv, form->layers, &before);
      kv_free(kv);
    }
  }
  bytes_free(&saved);
  kv_free(made);
}

static void the_room_of_a_cache_may_be_another_as_long_as_the_tokens_fit(void **state) {
  (void)state;
  const struct kv_form *form = &kKvForms[6];
  infermem_kv *made = kv_form_make(form);
  assert_ok(save(made, "it", form));
  for (size_t room = form->tokens - 2; room <= form->tokens + 40; room++) {
    int32_t types[2][3];
    infermem_kv_options options = kv_form_options(form, room, types);
    options.growable = form->tokens + 50;
    infermem_kv *kv = NULL;
    assert_ok(kv_new(&options, &kv));
    if (room < form->tokens) {
      assert_fails(INFERMEM_E_FULL, kv_load(kv, "it", form->fingerprint, form->n_fingerprint));
      assert_int_equal(infermem_error_detail()->expected, form->tokens);
      assert_int_equal(infermem_error_detail()->got, room);
      assert_int_equal(kv_len(kv), 0);
      assert_ok(kv_grow(kv, form->tokens));
    }
    assert_ok(load(kv, "it", form));
    assert_same(kv, made, form);
    kv_free(kv);
  }
  kv_free(made);
}

static void pages_of_loaded_rows_count_and_are_overwritten_with_zeros(void **state) {
  (void)state;
  infermem_kv *made = make_large(), *kv = kv_form_new(&kLarge, 4 * kTokens);
  struct bytes b = kv_saved(made, &kLarge);
  infermem_view keys[2], values;
  for (size_t layer = 0; layer < 2; layer++) assert_ok(kv_keys(kv, layer, &keys[layer]));
  assert_int_equal(kv_memory_committed(kv), 0);
  b.data[b.size - 9] ^= 1; /* the last value */
  assert_int_equal(kv_load_bytes(kv, b, &kLarge), INFERMEM_E_CORRUPT);
  b.data[b.size - 9] ^= 1;
  assert_int_equal(kv_len(kv), 0);
  assert_true(kv_memory_committed(kv) >= 4 * (size_t)kBytes);
  assert_memory_equal(keys[1].data, b.data + 280 + 2 * (kBytes + 24), kChunk); /* rows that nobody sees */
  assert_ok(kv_clear_zero(kv));
  for (size_t layer = 0; layer < 2; layer++)
    for (size_t i = 0; i < kBytes; i++) assert_int_equal(((const char *)keys[layer].data)[i], 0);
  assert_ok(kv_load_bytes(kv, b, &kLarge));
  assert_ok(kv_values(kv, 1, &values));
  assert_memory_equal(values.data, b.data + 280 + 3 * (kBytes + 24), kChunk);
  bytes_free(&b);
  kv_free(kv);
  kv_free(made);
}

/* ---- Arguments ---- */

static void what_is_no_argument_is_refused(void **state) {
  (void)state;
  const struct kv_form *form = &kKvForms[3];
  infermem_kv *kv = kv_form_make(form), *const none = NULL;
  infermem_pad *pad = NULL;
  INFERMEM_STRUCT(infermem_pad_options, pad_options);
  pad_options.max_tokens = pad_options.dim = 1;
  assert_ok(pad_new(&pad_options, &pad));
  infermem_kv *const other = (infermem_kv *)(void *)pad;
  struct bytes saved = kv_saved(kv, form);
  struct kv_memory m = {.bytes = saved};
  assert_ok(save(kv, "it", form));
  static struct kv_seen before;
  kv_see(kv, 2, &before);
  char long_fingerprint[65] = "";
  assert_fails(INFERMEM_E_NULL, kv_save(none, "it", NULL, 0));
  assert_fails(INFERMEM_E_NULL, kv_save(kv, NULL, NULL, 0));
  assert_fails(INFERMEM_E_NULL, kv_save(kv, "it", NULL, 1));
  assert_fails(INFERMEM_E_HANDLE, kv_save(other, "it", NULL, 0));
  assert_fails(INFERMEM_E_LIMIT, kv_save(kv, "it", long_fingerprint, 65));
  assert_fails(INFERMEM_E_NULL, kv_save_to(none, kv_memory_write, &m, NULL, 0));
  assert_fails(INFERMEM_E_NULL, kv_save_to(kv, NULL, &m, NULL, 0));
  assert_fails(INFERMEM_E_NULL, kv_save_to(kv, kv_memory_write, &m, NULL, 1));
  assert_fails(INFERMEM_E_HANDLE, kv_save_to(other, kv_memory_write, &m, NULL, 0));
  assert_fails(INFERMEM_E_LIMIT, kv_save_to(kv, kv_memory_write, &m, long_fingerprint, SIZE_MAX));
  assert_fails(INFERMEM_E_NULL, kv_load(none, "it", NULL, 0));
  assert_fails(INFERMEM_E_NULL, kv_load(kv, NULL, NULL, 0));
  assert_fails(INFERMEM_E_NULL, kv_load(kv, "it", NULL, 1));
  assert_fails(INFERMEM_E_HANDLE, kv_load(other, "it", NULL, 0));
  assert_fails(INFERMEM_E_LIMIT, kv_load(kv, "it", long_fingerprint, 65));
  assert_fails(INFERMEM_E_NULL, kv_load_from(none, kv_memory_read, &m, NULL, 0));
  assert_fails(INFERMEM_E_NULL, kv_load_from(kv, NULL, &m, NULL, 0));
  assert_fails(INFERMEM_E_NULL, kv_load_from(kv, kv_memory_read, &m, NULL, 1));
  assert_fails(INFERMEM_E_HANDLE, kv_load_from(other, kv_memory_read, &m, NULL, 0));
  assert_fails(INFERMEM_E_LIMIT, kv_load_from(kv, kv_memory_read, &m, long_fingerprint, 65));
  assert_int_equal(m.calls, 0);
  assert_int_equal(kv_saved_bytes(NULL), 0);
  assert_int_equal(kv_saved_bytes(other), 0);
  assert_fails(INFERMEM_E_ARG, kv_save(kv, "", NULL, 0));
  assert_fails(INFERMEM_E_ARG, kv_save(kv, ".", NULL, 0));
  assert_fails(INFERMEM_E_IO, kv_save(kv, "no/it", NULL, 0));
  assert_fails(INFERMEM_E_IO, kv_load(kv, "no", NULL, 0));
  assert_fails(INFERMEM_E_FORMAT, kv_load(kv, ".", NULL, 0));
  assert_int_equal(mkfifo("fifo", 0600), 0);
  assert_fails(INFERMEM_E_FORMAT, kv_load(kv, "fifo", NULL, 0));
  file_write("none", "", 0);
  assert_fails(INFERMEM_E_TRUNCATED, kv_load(kv, "none", NULL, 0));
  assert_true(file_is("it", saved));
  assert_as_seen(kv, 2, &before);
  bytes_free(&saved);
  pad_free(pad);
  kv_free(kv);
}

static void a_sealed_tape_takes_no_rows_and_a_cleared_one_gives_none(void **state) {
  (void)state;
  const struct kv_form *form = &kKvForms[3];
  infermem_tape *tape = test_tape(1 << 16);
  int32_t types[2][3];
  infermem_kv_options options = kv_form_options(form, 8, types);
  options.tape = tape;
  infermem_kv *kv = NULL;
  assert_ok(kv_new(&options, &kv));
  kv_form_append(kv, form, 0, 3);
  assert_ok(kv_advance(kv, 3));
  struct bytes saved = data_read("kv", form->name, "kv");
  struct kv_memory m = {.bytes = saved};
  assert_ok(tape_seal(tape));
  assert_ok(save(kv, "it", form));
  assert_true(file_is("it", saved));
  assert_fails(INFERMEM_E_SEALED, kv_load(kv, "it", form->fingerprint, form->n_fingerprint));
  assert_fails(INFERMEM_E_SEALED, kv_load_from(kv, kv_memory_read, &m, form->fingerprint, form->n_fingerprint));
  assert_ok(tape_unseal(tape));
  assert_ok(load(kv, "it", form));
  assert_ok(tape_clear(tape));
  assert_int_equal(unlink("it"), 0);
  assert_fails(INFERMEM_E_STALE, kv_save(kv, "it", NULL, 0));
  assert_fails(INFERMEM_E_STALE, kv_save_to(kv, kv_memory_write, &m, NULL, 0));
  assert_fails(INFERMEM_E_STALE, kv_load(kv, "it", NULL, 0));
  assert_fails(INFERMEM_E_STALE, kv_load_from(kv, kv_memory_read, &m, NULL, 0));
  assert_int_equal(access("it", F_OK), -1);
  assert_int_equal(m.calls, 0);
  bytes_free(&saved);
  kv_free(kv);
  tape_free(tape);
}

/* ---- Allocations ---- */

static int32_t save_and_load(const infermem_allocator *allocator) {
  const struct kv_form *form = &kKvForms[7];
  int32_t types[2][3];
  infermem_kv_options options = kv_form_options(form, 8, types);
  options.allocator = allocator;
  infermem_kv *from = NULL, *to = NULL;
  int32_t status = kv_new(&options, &from);
  if (status == INFERMEM_OK) status = kv_new(&options, &to);
  if (status == INFERMEM_OK) {
    kv_form_append(from, form, 0, 4);
    assert_ok(kv_advance(from, 4));
    assert_ok(save(from, "it", form));
    assert_ok(load(to, "it", form));
    assert_ok(load(to, "it", form));
    assert_same(from, to, form);
  }
  kv_free(to);
  kv_free(from);
  return status;
}

static void any_allocation_may_fail_and_saving_makes_none(void **state) {
  (void)state;
  assert_int_equal(oom_walk(save_and_load), 4); /* those of two caches */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(golden_files_are_read_and_written),
      cmocka_unit_test(equal_tokens_give_equal_bytes_whatever_the_cache),
      cmocka_unit_test(a_loaded_cache_goes_on_as_if_it_had_never_been_saved),
      cmocka_unit_test(loading_replaces_what_there_was),
      cmocka_unit_test(rows_are_cut_into_chunks_of_a_mebibyte_each_with_its_checksum),
      cmocka_unit_test(a_good_chunk_in_another_place_is_found),
      cmocka_unit_test(a_cache_loads_what_fits_it_alone),
      cmocka_unit_test(the_room_of_a_cache_may_be_another_as_long_as_the_tokens_fit),
      cmocka_unit_test(pages_of_loaded_rows_count_and_are_overwritten_with_zeros),
      cmocka_unit_test(what_is_no_argument_is_refused),
      cmocka_unit_test(a_sealed_tape_takes_no_rows_and_a_cleared_one_gives_none),
      cmocka_unit_test(any_allocation_may_fail_and_saving_makes_none),
  };
  return cmocka_run_group_tests_name("kv_file", tests, files_enter, files_leave);
}
