/* Saved caches by themselves: kv_verify. */
#include <stdio.h>
#include <valgrind/valgrind.h>

#include "saved_kv.h"

static infermem_kv_saved verified(const char *path) {
  INFERMEM_STRUCT(infermem_kv_saved, saved);
  assert_ok(kv_verify(path, &saved));
  return saved;
}

/* The call fails with a code, and the struct is as it was. */
static void assert_refused(int32_t code, const char *path) {
  INFERMEM_STRUCT(infermem_kv_saved, saved);
  saved.n_tokens = 77;
  assert_fails(code, kv_verify(path, &saved));
  assert_int_equal(saved.n_tokens, 77);
  assert_int_equal(saved.n_layers, 0);
}

static void a_good_file_says_what_it_is_of(void **state) {
  (void)state;
  for (int f = 0; f < kNKvForms; f++) {
    const struct kv_form *const form = &kKvForms[f];
    struct bytes data = data_read("kv", form->name, "kv");
    file_write("it", data.data, data.size);
    const infermem_kv_saved saved = verified("it");
    assert_int_equal(saved.n_tokens, form->tokens);
    assert_int_equal(saved.n_layers, form->layers);
    assert_int_equal(saved.n_kv_heads, form->heads);
    assert_int_equal(saved.head_dim, form->dims[0]);
    assert_int_equal(saved.head_dim_v, form->dims[1]);
    assert_int_equal(saved.k_type, form->types[0][0]);
    assert_int_equal(saved.v_type, form->types[0][1]);
    uint32_t is_mixed = 0;
    for (size_t i = 1; i < form->layers; i++)
      is_mixed |= form->types[i][0] != form->types[0][0] || form->types[i][1] != form->types[0][1];
    assert_int_equal(saved.is_mixed, is_mixed);
    assert_int_equal(saved.flags & ~form->flags, 0);
    assert_int_equal(saved.file_bytes, data.size);
    assert_int_equal(saved.n_fingerprint, form->n_fingerprint);
    assert_memory_equal(saved.fingerprint, form->fingerprint ? form->fingerprint : "", form->n_fingerprint);
    bytes_free(&data);
  }
}

static void what_it_says_makes_a_cache_that_can_load_it(void **state) {
  (void)state;
  for (int f = 0; f < kNKvForms; f++) {
    struct bytes data = data_read("kv", kKvForms[f].name, "kv");
    file_write("it", data.data, data.size);
    const infermem_kv_saved saved = verified("it");
    if (saved.is_mixed) {
      bytes_free(&data);
      continue;
    }
    INFERMEM_STRUCT(infermem_kv_options, options);
    options.n_layers = (size_t)saved.n_layers;
    options.n_kv_heads = (size_t)saved.n_kv_heads;
    options.head_dim = (size_t)saved.head_dim;
    options.head_dim_v = (size_t)saved.head_dim_v;
    options.max_tokens = (size_t)saved.n_tokens + 1;
    options.k_type = saved.k_type;
    options.v_type = saved.v_type;
    options.flags = saved.flags;
    infermem_kv *kv = NULL;
    assert_ok(kv_new(&options, &kv));
    assert_ok(kv_load(kv, "it", saved.fingerprint, saved.n_fingerprint));
    assert_int_equal(kv_len(kv), saved.n_tokens);
    kv_free(kv);
    bytes_free(&data);
  }
}

static void every_flipped_byte_and_every_other_length_is_found(void **state) {
  (void)state;
  const unsigned char masks[] = {1, 0x80, 0xff};
  for (int f = 0; f < kNKvForms; f++) {
    struct bytes data = data_read("kv", kKvForms[f].name, "kv");
    const size_t stride = RUNNING_ON_VALGRIND ? 13 : 1;
    INFERMEM_STRUCT(infermem_kv_saved, saved);
    for (size_t at = 0; at < data.size; at += stride) {
      const unsigned char mask = masks[at % 3];
      data.data[at] ^= mask;
      file_write("it", data.data, data.size);
      assert_true(kv_verify("it", &saved) < 0);
      data.data[at] ^= mask;
      file_write("it", data.data, at);
      assert_true(kv_verify("it", &saved) < 0);
    }
    assert_int_equal(saved.n_layers, 0);
    bytes_free(&data);
  }
}

/* Numbers in the header that are signed as if they were meant: nothing is read beyond the file, and what is accepted has
 * the bytes that it says. */
static void signed_numbers_beyond_measure_do_no_harm(void **state) {
  (void)state;
  const uint64_t numbers[] = {0,         1, 2, 3, 33, 1 << 20, (uint64_t)1 << 32, (uint64_t)1 << 61, UINT64_MAX / 8,
                              UINT64_MAX};
  for (int f = 0; f < kNKvForms; f++) {
    struct bytes good = data_read("kv", kKvForms[f].name, "kv"), data = data_read("kv", kKvForms[f].name, "kv");
    for (size_t at = 20; at < 248; at += 4) {
      for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        memcpy(data.data, good.data, good.size);
        memcpy(data.data + at, &numbers[i], at + 8 <= 248 ? 8 : 4);
        kv_sign(data, &kKvForms[f]);
        file_write("it", data.data, data.size);
        INFERMEM_STRUCT(infermem_kv_saved, saved);
        if (kv_verify("it", &saved) != INFERMEM_OK) continue;
        assert_int_equal(saved.file_bytes, data.size);
        assert_true(saved.n_fingerprint <= INFERMEM_KV_MAX_FINGERPRINT);
      }
    }
    bytes_free(&data);
    bytes_free(&good);
  }
}

static void each_refusal_has_its_code(void **state) {
  (void)state;
  const struct kv_form *const form = &kKvForms[0];
  struct bytes data = data_read("kv", form->name, "kv");
  INFERMEM_STRUCT(infermem_kv_saved, saved);
  file_write("it", data.data, data.size);
  assert_fails(INFERMEM_E_NULL, kv_verify(NULL, &saved));
  assert_fails(INFERMEM_E_NULL, kv_verify("it", NULL));
  saved.struct_size = 1;
  assert_fails(INFERMEM_E_STRUCT, kv_verify("it", &saved));
  assert_refused(INFERMEM_E_IO, "nothing");
  assert_refused(INFERMEM_E_FORMAT, ".");
  file_write("short", data.data, data.size - 1);
  assert_refused(INFERMEM_E_TRUNCATED, "short");
  file_write("none", data.data, 0);
  assert_refused(INFERMEM_E_TRUNCATED, "none");
  const struct {
    size_t at;
    uint32_t value;
    int32_t code;
    int is_signed;
  } cases[] = {
      {0, 0, INFERMEM_E_FORMAT, 0},         {16, 2, INFERMEM_E_VERSION, 1},      {20, 8, INFERMEM_E_UNSUPPORTED, 1},
      {40, 0, INFERMEM_E_FORMAT, 1},        {48, 0, INFERMEM_E_FORMAT, 1},       {76, 1, INFERMEM_E_FORMAT, 1},
      {72, 65, INFERMEM_E_FORMAT, 1},       {144, 1, INFERMEM_E_FORMAT, 1},      {240, 9, INFERMEM_E_CORRUPT, 0},
      {256, 12, INFERMEM_E_UNSUPPORTED, 1}, {256, 99, INFERMEM_E_UNSUPPORTED, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct bytes wrong = data_read("kv", form->name, "kv");
    memcpy(wrong.data + cases[i].at, &cases[i].value, 4);
    if (cases[i].is_signed) kv_sign(wrong, form);
    file_write("wrong", wrong.data, wrong.size);
    assert_refused(cases[i].code, "wrong");
    bytes_free(&wrong);
  }
  bytes_free(&data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_good_file_says_what_it_is_of),
      cmocka_unit_test(what_it_says_makes_a_cache_that_can_load_it),
      cmocka_unit_test(every_flipped_byte_and_every_other_length_is_found),
      cmocka_unit_test(signed_numbers_beyond_measure_do_no_harm),
      cmocka_unit_test(each_refusal_has_its_code),
  };
  return cmocka_run_group_tests_name("kv_verify", tests, files_enter, files_leave);
}
