/* Saved matrices: what is written, what is read, and what is refused. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "saved.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { kHeader = 256 };

/* ---- Reading and writing ---- */

static void golden_files_are_read_and_written(void **state) {
  (void)state;
  for (int i = 0; i < kNForms; i++) {
    const struct form *form = &kForms[i];
    struct bytes saved = golden(form->name, "quant");
    infermem_quant *made = make(form), *loaded = NULL;
    assert_ok(quant_load_bytes(saved.data, saved.size, NULL, &loaded));
    assert_same(made, loaded);
    if (form->dtype == INFERMEM_QUANT_NATIVE) {
      const size_t n = form->rows * form->cols;
      struct bytes floats = golden(form->name, "f32");
      float out[kMost];
      assert_ok(quant_to_f32(loaded, out, n));
      assert_int_equal(floats.size, n * sizeof *out);
      assert_memory_equal(out, floats.data, floats.size);
      bytes_free(&floats);
      assert_int_equal(quant_bits(loaded), form->bits);
      assert_int_equal(quant_group(loaded), form->group);
    }
    assert_int_equal(quant_dtype(loaded), form->dtype);
    assert_ok(quant_save(made, "made"));
    assert_ok(quant_save(loaded, "loaded"));
    assert_true(file_is("made", saved) && file_is("loaded", saved));
    quant_free(loaded);
    quant_free(made);
    bytes_free(&saved);
  }
}

static void every_form_comes_back_as_it_was(void **state) {
  (void)state;
  static const size_t shapes[][3] = {{1, 1, 8}, {3, 7, 8},    {5, 33, 32},   {4, 64, 64},  {2, 300, 128},
                                     {1, 8, 8}, {17, 64, 16}, {2, 257, 264}, {9, 100, 24}, {1, 1024, 32}};
  static const int32_t params[] = {INFERMEM_DTYPE_F32, INFERMEM_DTYPE_F16, INFERMEM_DTYPE_BF16};
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    for (uint32_t k = 0; k < 24; k++) {
      struct form form = {"", INFERMEM_QUANT_NATIVE, shapes[s][0], shapes[s][1], 0, 0, shapes[s][2], params[k % 3], 0,
                          0};
      form.bits = k % 6 < 3 ? 4 : 8;
      form.symmetric = k / 12;
      form.layout = k % 12 < 6 ? INFERMEM_QUANT_PLAIN : INFERMEM_QUANT_PACKED;
      infermem_quant *made = make(&form), *loaded = NULL;
      assert_ok(quant_save(made, "it"));
      for (uint32_t flags = 0; flags <= INFERMEM_QUANT_NO_VERIFY; flags++) {
        INFERMEM_STRUCT(infermem_quant_options, options);
        options.flags = flags;
        assert_ok(quant_load("it", &options, &loaded));
        assert_same(made, loaded);
        assert_ok(quant_verify(loaded));
        quant_free(loaded);
        struct bytes saved = file_read("it");
        assert_int_equal(saved.size % INFERMEM_QUANT_SAVED_ALIGN, 0);
        assert_ok(quant_load_bytes(saved.data, saved.size, &options, &loaded));
        assert_same(made, loaded);
        assert_ok(quant_verify(loaded));
        quant_free(loaded);
        bytes_free(&saved);
      }
      quant_free(made);
    }
  }
}

static void the_same_matrix_gives_the_same_bytes_wherever_it_lies(void **state) {
  (void)state;
  infermem_tape *tape = test_tape_dirty(1 << 16);
  void *before;
  assert_ok(tape_alloc(tape, 3, 1, &before));
  for (int i = 0; i < 8; i++) {
    infermem_quant *q = make_in(&kForms[i], tape);
    assert_ok(quant_save(q, "it"));
    struct bytes saved = golden(kForms[i].name, "quant");
    assert_true(file_is("it", saved));
    bytes_free(&saved);
    if (i == 7) {
      assert_ok(tape_clear(tape));
      assert_fails(INFERMEM_E_STALE, quant_save(q, "it"));
    }
    quant_free(q);
  }
  tape_free(tape);
}

static void more_than_a_piece_is_written_whole(void **state) {
  (void)state;
  enum { kRows = 301, kCols = 1031 };
  const size_t n = kRows * kCols;
  float *weights = malloc(n * sizeof *weights), *other = malloc(n * sizeof *other);
  assert_non_null(weights);
  assert_non_null(other);
  uint64_t seed = 17;
  for (size_t i = 0; i < n; i++) weights[i] = test_random_float(&seed);
  infermem_quant *q = NULL, *loaded = NULL;
  assert_ok(quant_borrow(INFERMEM_DTYPE_F32, weights, n * sizeof *weights, kRows, kCols, NULL, &q));
  assert_ok(quant_save(q, "it"));
  assert_ok(quant_load("it", NULL, &loaded));
  assert_ok(quant_to_f32(loaded, other, n));
  assert_memory_equal(other, weights, n * sizeof *weights);
  quant_free(loaded);
  quant_free(q);
  free(other);
  free(weights);
}

static void what_was_loaded_is_packed_and_unpacked(void **state) {
  (void)state;
  struct bytes plain = golden("native-4-f16", "quant"), packed = golden("packed-4-f16", "quant");
  infermem_quant *from_plain = NULL, *from_packed = NULL, *q = NULL, *made = make(&kForms[2]);
  assert_ok(quant_load_bytes(plain.data, plain.size, NULL, &from_plain));
  assert_ok(quant_load_bytes(packed.data, packed.size, NULL, &from_packed));
  assert_ok(quant_pack(from_plain, NULL, &q));
  assert_ok(quant_save(q, "it"));
  assert_true(file_is("it", packed));
  assert_fails(INFERMEM_E_STATE, quant_verify(q));
  quant_free(q);
  assert_ok(quant_unpack(from_packed, NULL, &q));
  assert_same(q, made);
  assert_ok(quant_save(q, "it"));
  assert_true(file_is("it", plain));
  quant_free(q);
  quant_free(made);
  quant_free(from_plain);
  quant_free(from_packed);
  bytes_free(&plain);
  bytes_free(&packed);
}

static void a_matrix_is_saved_over_the_file_that_it_lies_in(void **state) {
  (void)state;
  infermem_quant *made = make(&kForms[0]), *loaded = NULL, *other = make(&kForms[1]);
  assert_ok(quant_save(made, "it"));
  assert_ok(quant_load("it", NULL, &loaded));
  assert_ok(quant_save(loaded, "it"));
  assert_same(made, loaded);
  assert_ok(quant_save(other, "it"));
  assert_same(made, loaded); /* which is the former file's */
  assert_ok(quant_verify(loaded));
  quant_free(loaded);
  assert_ok(quant_load("it", NULL, &loaded));
  assert_same(other, loaded);
  quant_free(loaded);
  quant_free(other);
  quant_free(made);
}

static void a_loaded_matrix_holds_no_descriptor(void **state) {
  (void)state;
  infermem_quant *made = make(&kForms[0]), *loaded = NULL;
  const size_t fds = count_fds();
  assert_ok(quant_save(made, "it"));
  assert_ok(quant_load("it", NULL, &loaded));
  assert_int_equal(count_fds(), fds);
  assert_int_equal(unlink("it"), 0);
  assert_same(made, loaded);
  quant_free(loaded);
  quant_free(made);
}

/* ---- Wrong bytes ---- */

/* Loads from memory with flags, and asserts that a failure leaves out alone. */
static int32_t load(struct bytes b, uint64_t flags, infermem_quant **out) {
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.flags = flags;
  *out = NULL;
  const int32_t status = quant_load_bytes(b.data, b.size, &options, out);
  assert_true((status == INFERMEM_OK) == (*out != NULL));
  if (status != INFERMEM_OK) assert_true(infermem_error_detail()->message[0] != '\0');
  return status;
}

static int32_t load_status(struct bytes b, uint64_t flags) {
  infermem_quant *q;
  const int32_t status = load(b, flags, &q);
  quant_free(q);
  return status;
}

static int32_t load_file(struct bytes b) {
  file_write("wrong", b.data, b.size);
  infermem_quant *q = NULL;
  const int32_t status = quant_load("wrong", NULL, &q);
  assert_true((status == INFERMEM_OK) == (q != NULL));
  quant_free(q);
  return status;
}

/* Makes the checksum of the header right. */
static void sign(struct bytes b) {
  const uint64_t sum = XXH3_64bits(b.data, kHeader - 8);
  memcpy(b.data + kHeader - 8, &sum, sizeof sum);
}

static void every_flipped_byte_is_found(void **state) {
  (void)state;
  static const unsigned char masks[] = {0x01, 0x80, 0xff, 0x10};
  for (int i = 0; i < kNForms; i++) {
    struct bytes b = golden(kForms[i].name, "quant");
    for (size_t at = 0; at < b.size; at++) {
      for (size_t m = 0; m < sizeof masks; m++) {
        const unsigned char was = b.data[at];
        b.data[at] ^= masks[m];
        const int32_t due = at < 16 ? INFERMEM_E_FORMAT : at < 20 ? INFERMEM_E_VERSION : INFERMEM_E_CORRUPT;
        assert_int_equal(load_status(b, 0), due);
        if (i == 1 && m == 0) assert_int_equal(load_file(b), due);
        infermem_quant *q;
        if (at < kHeader) {
          assert_int_equal(load_status(b, INFERMEM_QUANT_NO_VERIFY), due);
        } else {
          assert_int_equal(load(b, INFERMEM_QUANT_NO_VERIFY, &q), INFERMEM_OK);
          assert_fails(INFERMEM_E_CORRUPT, quant_verify(q));
          b.data[at] = was;
          assert_ok(quant_verify(q));
          quant_free(q);
        }
        b.data[at] = was;
      }
    }
    bytes_free(&b);
  }
}

static void every_shorter_and_longer_file_is_refused(void **state) {
  (void)state;
  for (int i = 0; i < kNForms; i++) {
    const struct bytes whole = golden(kForms[i].name, "quant");
    struct bytes b = {aligned_alloc(64, whole.size + 64), 0};
    assert_non_null(b.data);
    memcpy(b.data, whole.data, whole.size);
    memset(b.data + whole.size, 0, 64);
    for (b.size = 0; b.size <= whole.size + 64; b.size++) {
      const int32_t due = b.size < whole.size    ? INFERMEM_E_TRUNCATED
                          : b.size == whole.size ? INFERMEM_OK
                                                 : INFERMEM_E_CORRUPT;
      assert_int_equal(load_status(b, 0), due);
      assert_int_equal(load_status(b, INFERMEM_QUANT_NO_VERIFY), due);
      if (i == 1) assert_int_equal(load_file(b), due);
      if (due == INFERMEM_OK) continue;
      assert_int_equal(infermem_error_detail()->got, b.size);
      if (b.size >= kHeader) assert_int_equal(infermem_error_detail()->expected, whole.size);
    }
    free(b.data);
    free(whole.data);
  }
}

static void a_header_that_contradicts_itself_is_refused_whatever_its_checksum(void **state) {
  (void)state;
  static const unsigned char masks[] = {0x01, 0x02, 0x80, 0xff};
  for (int i = 0; i < 3; i += 2) { /* whose sizes say all of the form */
    struct bytes b = golden(kForms[i].name, "quant");
    for (size_t at = 20; at < kHeader - 8; at++) {
      for (size_t m = 0; m < sizeof masks; m++) {
        b.data[at] ^= masks[m];
        sign(b);
        const int is_checksum = at >= 96 && at < 192 && (at - 96) % 32 >= 24;
        const int is_known = (at == 64 || at == 68) && masks[m] == 1; /* and not this one's */
        const int32_t status = load_status(b, 0);
        if (at >= 20 && at < 24)
          assert_true(status == INFERMEM_E_FORMAT || status == INFERMEM_E_UNSUPPORTED);
        else if (at >= 24 && at < 32)
          assert_true(status == INFERMEM_E_TRUNCATED || status == INFERMEM_E_CORRUPT);
        else
          assert_int_equal(status, is_checksum                        ? INFERMEM_E_CORRUPT
                                   : at >= 64 && at < 72 && !is_known ? INFERMEM_E_UNSUPPORTED
                                                                      : INFERMEM_E_FORMAT);
        if (!is_checksum) assert_int_equal(load_status(b, INFERMEM_QUANT_NO_VERIFY), status);
        b.data[at] ^= masks[m];
      }
    }
    bytes_free(&b);
  }
}

/* Puts a number of n bytes into a header, and signs it. */
static int32_t load_with(size_t at, uint64_t value, size_t n) {
  struct bytes b = golden("native-8-f32", "quant");
  for (size_t i = 0; i < n; i++) b.data[at + i] = (unsigned char)(value >> (8 * i));
  sign(b);
  const int32_t status = load_status(b, INFERMEM_QUANT_NO_VERIFY);
  bytes_free(&b);
  return status;
}

static void numbers_beyond_measure_do_no_harm(void **state) {
  (void)state;
  static const uint64_t large[] = {0,         UINT64_MAX, (uint64_t)1 << 63, (uint64_t)1 << 32, UINT64_MAX / 40 + 1,
                                   1ull << 62};
  for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
    for (size_t at = 32; at <= 48; at += 8) assert_int_equal(load_with(at, large[i], 8), INFERMEM_E_FORMAT);
    for (size_t at = 104; at < 192; at += 8)
      if ((at - 96) % 32 == 8 || (at - 96) % 32 == 16) assert_int_equal(load_with(at, large[i], 8), INFERMEM_E_FORMAT);
  }
  assert_int_equal(load_with(24, UINT64_MAX, 8), INFERMEM_E_TRUNCATED);
  assert_int_equal(load_with(24, 0, 8), INFERMEM_E_CORRUPT);
  assert_int_equal(load_with(16, 2, 4), INFERMEM_E_VERSION);
  assert_int_equal(load_with(68, 2, 4), INFERMEM_E_UNSUPPORTED);
  assert_int_equal(load_with(64, 2, 4), INFERMEM_E_UNSUPPORTED);
  assert_int_equal(load_with(20, INFERMEM_DTYPE_IQ2_S, 4), INFERMEM_E_UNSUPPORTED);
  assert_int_equal(load_with(20, 999, 4), INFERMEM_E_UNSUPPORTED);
  assert_int_equal(load_with(56, 5, 4), INFERMEM_E_FORMAT);
  assert_non_null(strstr(infermem_error_detail()->message, "bits is 5"));
  assert_int_equal(load_with(72, 2, 4), INFERMEM_E_FORMAT);
  assert_non_null(strstr(infermem_error_detail()->message, "byte 72 "));
}

static void sizes_that_wrap_are_not_taken_for_those_of_the_file(void **state) {
  (void)state;
  struct bytes b = golden("packed-8-f32", "quant"); /* 1792 bytes of records */
  const uint64_t cols =
      ((uint64_t)1 << 57) + 104; /* in one row and group: 16 * 8 * cols bits are 1664 bytes mod 2^64 */
  const uint64_t shape[] = {1, cols, cols};
  memcpy(b.data + 32, shape, sizeof shape);
  sign(b);
  assert_int_equal(load_status(b, 0), INFERMEM_E_FORMAT);
  assert_int_equal(load_status(b, INFERMEM_QUANT_NO_VERIFY), INFERMEM_E_FORMAT);
  bytes_free(&b);
}

static void padding_is_zero(void **state) {
  (void)state;
  struct bytes b = golden("native-4-f32", "quant"); /* levels of 3 bytes at 256, parameters of 4 at 320 and 384 */
  static const size_t pads[] = {259, 319, 324, 383, 388, 447};
  for (size_t i = 0; i < sizeof pads / sizeof *pads; i++) {
    b.data[pads[i]] = 7;
    assert_int_equal(load_status(b, 0), INFERMEM_E_CORRUPT);
    char text[32];
    snprintf(text, sizeof text, "byte %zu is 7", pads[i]);
    assert_non_null(strstr(infermem_error_detail()->message, text));
    b.data[pads[i]] = 0;
  }
  bytes_free(&b);
}

static void a_file_changed_in_place_is_found_by_verifying(void **state) {
  (void)state;
  struct bytes saved = golden("native-8-f32", "quant");
  static const size_t places[] = {40, 250, 256, 400};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    file_write("it", saved.data, saved.size);
    infermem_quant *q = NULL;
    assert_ok(quant_load("it", NULL, &q));
    const int fd = open("it", O_WRONLY | O_CLOEXEC);
    const unsigned char byte = (unsigned char)~saved.data[places[i]];
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)places[i]), 1);
    close(fd);
    assert_fails(INFERMEM_E_CORRUPT, quant_verify(q));
    assert_true(infermem_error_detail()->expected != infermem_error_detail()->got || places[i] == 250);
    quant_free(q);
  }
  bytes_free(&saved);
}

/* ---- Arguments ---- */

static void what_is_no_argument_is_refused(void **state) {
  (void)state;
  infermem_quant *made = make(&kForms[0]), *q = NULL, *const none = NULL;
  struct bytes b = golden("native-8-f32", "quant");
  infermem_tape *tape = test_tape(4096);
  infermem_quant *const other = (infermem_quant *)(void *)tape;
  assert_fails(INFERMEM_E_NULL, quant_save(none, "it"));
  assert_fails(INFERMEM_E_NULL, quant_save(made, NULL));
  assert_fails(INFERMEM_E_HANDLE, quant_save(other, "it"));
  assert_fails(INFERMEM_E_NULL, quant_verify(none));
  assert_fails(INFERMEM_E_HANDLE, quant_verify(other));
  assert_fails(INFERMEM_E_STATE, quant_verify(made));
  assert_fails(INFERMEM_E_NULL, quant_load(NULL, NULL, &q));
  assert_fails(INFERMEM_E_NULL, quant_load("it", NULL, NULL));
  assert_fails(INFERMEM_E_NULL, quant_load_bytes(NULL, b.size, NULL, &q));
  assert_fails(INFERMEM_E_NULL, quant_load_bytes(b.data, b.size, NULL, NULL));
  for (size_t shift = 1; shift < 64; shift++) {
    assert_fails(INFERMEM_E_ARG, quant_load_bytes(b.data + shift, b.size - shift, NULL, &q));
    assert_int_equal(infermem_error_detail()->got, shift);
  }
  assert_ok(quant_save(made, "it"));
  for (int field = 0; field < 8; field++) {
    INFERMEM_STRUCT(infermem_quant_options, options);
    INFERMEM_STRUCT(infermem_allocator, half);
    if (field == 0) options.bits = 8;
    if (field == 1) options.nan_policy = 1;
    if (field == 2) options.group = 32;
    if (field == 3) options.tape = tape;
    if (field == 4) options.params = INFERMEM_DTYPE_F16;
    if (field == 5) options.flags = 3;
    if (field == 7) options.symmetric = 1;
    if (field == 6) options.allocator = &half;
    assert_fails(INFERMEM_E_ARG, quant_load("it", &options, &q));
    assert_fails(INFERMEM_E_ARG, quant_load_bytes(b.data, b.size, &options, &q));
  }
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.flags = INFERMEM_QUANT_NO_VERIFY;
  float value = 0;
  assert_fails(INFERMEM_E_ARG, quant_from_f32(&value, 1, 1, 1, &options, &q));
  assert_fails(INFERMEM_E_ARG, quant_borrow(INFERMEM_DTYPE_F32, &value, 4, 1, 1, &options, &q));
  assert_fails(INFERMEM_E_ARG, quant_pack(made, &options, &q));
  options.struct_size = 3;
  assert_fails(INFERMEM_E_STRUCT, quant_load("it", &options, &q));
  assert_fails(INFERMEM_E_STRUCT, quant_load_bytes(b.data, b.size, &options, &q));
  assert_null(q);
  options.struct_size = offsetof(infermem_quant_options, flags); /* an older caller's, which has none */
  options.flags = 99;
  assert_ok(quant_load("it", &options, &q));
  quant_free(q);
  tape_free(tape);
  quant_free(made);
  bytes_free(&b);
}

/* ---- Allocations ---- */

static int32_t load_both(const infermem_allocator *allocator) {
  struct bytes b = golden("native-8-f32", "quant");
  INFERMEM_STRUCT(infermem_quant_options, options);
  options.allocator = allocator;
  file_write("it", b.data, b.size);
  infermem_quant *mapped = NULL, *lent = NULL;
  int32_t status = quant_load("it", &options, &mapped);
  if (status == INFERMEM_OK) status = quant_load_bytes(b.data, b.size, &options, &lent);
  if (status == INFERMEM_OK) {
    assert_ok(quant_save(mapped, "it"));
    assert_ok(quant_verify(lent));
  }
  quant_free(lent);
  quant_free(mapped);
  bytes_free(&b);
  return status;
}

static void any_allocation_may_fail(void **state) {
  (void)state;
  assert_int_equal(oom_walk(load_both), 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(golden_files_are_read_and_written),
      cmocka_unit_test(every_form_comes_back_as_it_was),
      cmocka_unit_test(the_same_matrix_gives_the_same_bytes_wherever_it_lies),
      cmocka_unit_test(more_than_a_piece_is_written_whole),
      cmocka_unit_test(what_was_loaded_is_packed_and_unpacked),
      cmocka_unit_test(a_matrix_is_saved_over_the_file_that_it_lies_in),
      cmocka_unit_test(a_loaded_matrix_holds_no_descriptor),
      cmocka_unit_test(every_flipped_byte_is_found),
      cmocka_unit_test(every_shorter_and_longer_file_is_refused),
      cmocka_unit_test(a_header_that_contradicts_itself_is_refused_whatever_its_checksum),
      cmocka_unit_test(numbers_beyond_measure_do_no_harm),
      cmocka_unit_test(sizes_that_wrap_are_not_taken_for_those_of_the_file),
      cmocka_unit_test(padding_is_zero),
      cmocka_unit_test(a_file_changed_in_place_is_found_by_verifying),
      cmocka_unit_test(what_is_no_argument_is_refused),
      cmocka_unit_test(any_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("quant_file", tests, files_enter, files_leave);
}
