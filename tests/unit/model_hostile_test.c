/* Model files that are wrong, by accident or on purpose: each ends in an error code, with no leak, no crash, and no
 * memory beyond what the file's size justifies. Those whose tensors are wrong are in model_hostile_tensors_test.c.
 *
 * The public findings in readers of this format each have a test here; their numbers are in the comments. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "model_refuse.h"

/* ---- Header ---- */

static void a_wrong_magic_is_no_gguf(void **state) {
  (void)state;
  static const char *const magics[] = {"ggml", "PK\3\4", "GGU\0", "FUGG", "{\"a\""};
  for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
    struct gguf g = {0};
    gguf_bytes(&g, magics[i], 4);
    gguf_zeros(&g, 100);
    refuse(&g, INFERMEM_E_FORMAT);
  }
  struct gguf g = {0};
  gguf_bytes(&g, "\x1b]0", 3);
  refuse(&g, INFERMEM_E_FORMAT);
  assert_non_null(strstr(infermem_error_detail()->message, "\"\\x1b]0\"")); /* shown harmlessly */
}

static void only_versions_2_and_3_are_read(void **state) {
  (void)state;
  static const uint32_t versions[] = {0, 1, 4, 0x01000000, 0x03000000, UINT32_MAX};
  for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
    struct gguf g = {0};
    gguf_header(&g, versions[i], 0, 0);
    refuse(&g, INFERMEM_E_VERSION);
    if (versions[i] == 0x03000000) assert_non_null(strstr(infermem_error_detail()->message, "big-endian"));
    if (versions[i] == 0) assert_null(strstr(infermem_error_detail()->message, "big-endian"));
  }
  for (uint32_t version = 2; version <= 3; version++) {
    struct gguf g = {0};
    gguf_header(&g, version, 0, 0);
    accept(&g);
  }
}

/* CVE-2024-21836, CVE-2024-23605: counts whose tables' sizes overflow or are absurd. */
static void counts_beyond_the_file_are_truncation(void **state) {
  (void)state;
  static const uint64_t counts[] = {UINT64_MAX,        (uint64_t)INT64_MAX + 1, UINT64_MAX / 8 + 1,
                                    (uint64_t)1 << 60, (uint64_t)1 << 32,       1};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
    for (int which = 0; which < 2; which++) {
      struct gguf g = {0};
      gguf_header(&g, 3, which ? counts[i] : 0, which ? 0 : counts[i]);
      refuse(&g, INFERMEM_E_TRUNCATED);
    }
}

/* ---- Metadata ---- */

/* CVE-2024-23496, CVE-2024-21825, CVE-2025-66960, ggml#1516: lengths that wrap when one is added, or ask for much. */
static void lengths_beyond_the_file_are_refused_before_memory_is_taken(void **state) {
  (void)state;
  static const uint64_t lengths[] = {UINT64_MAX,        UINT64_MAX - 8,    (uint64_t)INT64_MAX,
                                     (uint64_t)1 << 32, (uint64_t)1 << 30, 65};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    const uint64_t n = lengths[i];
    struct gguf g = {0};
    gguf_header(&g, 3, 0, 1);
    gguf_u64(&g, n);
    gguf_zeros(&g, 64);
    refuse(&g, n > INFERMEM_MODEL_MAX_KEY ? INFERMEM_E_LIMIT : INFERMEM_E_TRUNCATED);

    gguf_header(&g, 3, 0, 1);
    gguf_key(&g, "k", INFERMEM_META_STRING);
    gguf_u64(&g, n);
    gguf_zeros(&g, 64);
    refuse(&g, INFERMEM_E_TRUNCATED);

    gguf_header(&g, 3, 1, 0);
    gguf_u64(&g, n);
    gguf_zeros(&g, 64);
    refuse(&g, INFERMEM_E_LIMIT); /* a tensor's name has 64 at most */

    /* CVE-2025-49847: a token of a vocabulary */
    gguf_header(&g, 3, 0, 1);
    gguf_array(&g, "tokenizer.ggml.tokens", INFERMEM_META_STRING, 2);
    gguf_string(&g, "a");
    gguf_u64(&g, n);
    gguf_zeros(&g, 64);
    refuse(&g, INFERMEM_E_TRUNCATED);
  }
}

/* CVE-2024-21825; the endless loop of gguf-py #27188. */
static void arrays_beyond_the_file_are_truncation(void **state) {
  (void)state;
  static const uint32_t types[] = {INFERMEM_META_U8,     INFERMEM_META_I16, INFERMEM_META_F32,
                                   INFERMEM_META_STRING, INFERMEM_META_U64, INFERMEM_META_F64};
  static const uint64_t counts[] = {UINT64_MAX,        (uint64_t)1 << 63, ((uint64_t)1 << 61) + 1,
                                    (uint64_t)1 << 62, (uint64_t)1 << 31, 65};
  for (size_t t = 0; t < sizeof types / sizeof *types; t++)
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
      struct gguf g = {0};
      gguf_header(&g, 3, 0, 1);
      gguf_array(&g, "k", types[t], counts[i]);
      gguf_zeros(&g, 64);
      refuse(&g, INFERMEM_E_TRUNCATED);
    }
}

/* huggingface.js #2028: nesting without end. */
static void arrays_of_arrays_are_refused(void **state) {
  (void)state;
  struct gguf g = {0};
  gguf_header(&g, 3, 0, 1);
  gguf_array(&g, "k", INFERMEM_META_ARRAY, 1);
  for (int i = 0; i < 1000; i++) {
    gguf_u32(&g, INFERMEM_META_ARRAY);
    gguf_u64(&g, 1);
  }
  refuse(&g, INFERMEM_E_FORMAT);
}

static void unknown_value_types_are_refused(void **state) {
  (void)state;
  static const uint32_t types[] = {13, 255, 256, 0x80000000u, UINT32_MAX};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    struct gguf g = {0};
    gguf_header(&g, 3, 0, 1);
    gguf_key(&g, "k", types[i]);
    gguf_zeros(&g, 64);
    refuse(&g, INFERMEM_E_FORMAT);
    gguf_header(&g, 3, 0, 1);
    gguf_array(&g, "k", types[i], 1);
    gguf_zeros(&g, 64);
    refuse(&g, INFERMEM_E_FORMAT);
  }
}

static void a_bool_is_0_or_1(void **state) {
  (void)state;
  for (unsigned value = 2; value < 256; value += 11) {
    struct gguf g = {0};
    gguf_header(&g, 3, 0, 1);
    gguf_key(&g, "k", INFERMEM_META_BOOL);
    gguf_number(&g, value, 1);
    refuse(&g, INFERMEM_E_FORMAT);
  }
}

static void names_are_not_empty_and_have_no_control_characters(void **state) {
  (void)state;
  for (int c = 0; c < 256; c++) {
    const char name[] = {'a', (char)c, 'b'};
    const int refused = c < 0x20 || c == 0x7f; /* NUL among them */
    for (int tensor = 0; tensor < 2; tensor++) {
      struct gguf g = {0};
      gguf_header(&g, 3, (uint64_t)tensor, (uint64_t)!tensor);
      gguf_u64(&g, 3);
      gguf_bytes(&g, name, 3);
      gguf_u32(&g, tensor ? 0 : INFERMEM_META_F32);
      gguf_u32(&g, 0);
      if (tensor) gguf_u64(&g, 0);
      gguf_pad(&g, 32);
      gguf_zeros(&g, 4);
      if (refused) {
        refuse(&g, INFERMEM_E_FORMAT);
        continue;
      }
      accept(&g);
    }
  }
  struct gguf g = {0};
  gguf_header(&g, 3, 0, 1);
  gguf_meta_u32(&g, "", 1);
  refuse(&g, INFERMEM_E_FORMAT);
  gguf_header(&g, 3, 1, 0);
  gguf_tensor(&g, "", 0, NULL, 0, 0);
  gguf_zeros(&g, 64);
  refuse(&g, INFERMEM_E_FORMAT);
}

static void limits_are_reached_and_not_passed(void **state) {
  (void)state;
  static char name[INFERMEM_MODEL_MAX_KEY + 2];
  for (int tensor = 0; tensor < 2; tensor++)
    for (size_t over = 0; over < 2; over++) {
      const size_t length = (tensor ? INFERMEM_MODEL_MAX_NAME : INFERMEM_MODEL_MAX_KEY) + over;
      memset(name, 'n', length);
      name[length] = '\0';
      struct gguf g = {0};
      gguf_header(&g, 3, (uint64_t)tensor, (uint64_t)!tensor);
      if (tensor)
        gguf_tensor(&g, name, 0, NULL, INFERMEM_DTYPE_F32, 0);
      else
        gguf_meta_u32(&g, name, 1);
      gguf_pad(&g, 32);
      gguf_zeros(&g, 4);
      if (over) {
        refuse(&g, INFERMEM_E_LIMIT);
        continue;
      }
      accept(&g);
    }
}

static void metadata_of_more_than_a_gibibyte_is_refused(void **state) {
  (void)state;
  struct gguf g = {0};
  gguf_header(&g, 3, 0, 1);
  gguf_key(&g, "k", INFERMEM_META_STRING);
  gguf_u64(&g, (uint64_t)1 << 30);
  gguf_save(&g);
  gguf_free(&g);
  assert_int_equal(truncate(gguf_path(), (off_t)1 << 31), 0); /* which is a hole, and takes no disk */
  refuse_saved(INFERMEM_E_LIMIT);
}

/* A file's size is no bound for what has to be walked where the file is a hole. */
static void arrays_of_more_than_a_gibibyte_of_strings_are_refused(void **state) {
  (void)state;
  struct gguf g = {0};
  gguf_header(&g, 3, 0, 2);
  gguf_array(&g, "a", INFERMEM_META_STRING, 1);
  gguf_string(&g, "12345678");
  gguf_array(&g, "b", INFERMEM_META_STRING, ((uint64_t)1 << 27) - 1); /* one of 8 bytes too many */
  gguf_save(&g);
  gguf_free(&g);
  assert_int_equal(truncate(gguf_path(), (off_t)1 << 32), 0);
  refuse_saved(INFERMEM_E_LIMIT);

  for (uint64_t over = 0; over < 2; over++) {
    gguf_header(&g, 3, 0, 1);
    gguf_array(&g, "a", INFERMEM_META_STRING, 1);
    gguf_u64(&g, ((uint64_t)1 << 30) - 8 + over);
    gguf_save(&g);
    gguf_free(&g);
    assert_int_equal(truncate(gguf_path(), (off_t)1 << 31), 0);
    if (over) {
      refuse_saved(INFERMEM_E_LIMIT);
      continue;
    }
    infermem_model *model;
    assert_ok(gguf_open(&model));
    model_free(model);
  }
}

/* #24997: an alignment without upper bound. */
static void the_alignment_is_a_power_of_two_from_8_to_1_mib(void **state) {
  (void)state;
  for (uint64_t value = 0; value < 70; value++) {
    const int good = value == 8 || value == 16 || value == 32 || value == 64;
    struct gguf g = {0};
    gguf_header(&g, 3, 0, 1);
    gguf_meta_u32(&g, "general.alignment", (uint32_t)value);
    if (!good) {
      refuse(&g, value < 8 ? INFERMEM_E_LIMIT : INFERMEM_E_FORMAT);
      continue;
    }
    gguf_save(&g);
    gguf_free(&g);
    infermem_model *model;
    assert_ok(gguf_open(&model));
    model_free(model);
  }
  static const uint32_t large[] = {(1 << 20) + 1, 1 << 21, 0x80000000u, UINT32_MAX};
  for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
    struct gguf g = {0};
    gguf_header(&g, 3, 0, 1);
    gguf_meta_u32(&g, "general.alignment", large[i]);
    refuse(&g, INFERMEM_E_LIMIT);
  }
  struct gguf g = {0};
  gguf_header(&g, 3, 1, 1);
  gguf_meta_u32(&g, "general.alignment", 1 << 20);
  gguf_tensor(&g, "t", 0, NULL, INFERMEM_DTYPE_F32, 0);
  gguf_save(&g);
  assert_int_equal(truncate(gguf_path(), (1 << 20) + 4), 0);
  infermem_model *model;
  assert_ok(gguf_open(&model));
  gguf_exercise(model);
  model_free(model);
  assert_int_equal(truncate(gguf_path(), (1 << 20) + 3), 0);
  refuse_saved(INFERMEM_E_TRUNCATED);
  gguf_free(&g);

  gguf_header(&g, 3, 0, 1);
  gguf_key(&g, "general.alignment", INFERMEM_META_U64);
  gguf_u64(&g, 32);
  refuse(&g, INFERMEM_E_FORMAT);
  gguf_header(&g, 3, 0, 1);
  gguf_meta_string(&g, "general.alignment", "32");
  refuse(&g, INFERMEM_E_FORMAT);
}

static void a_name_stands_once(void **state) {
  (void)state;
  for (int apart = 0; apart < 2; apart++)
    for (int tensor = 0; tensor < 2; tensor++) {
      struct gguf g = {0};
      const uint64_t n = apart ? 102 : 2;
      gguf_header(&g, 3, tensor ? n : 0, tensor ? 0 : n);
      for (uint64_t i = 0; i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i == n - 1 ? 0 : (int)i);
        if (tensor)
          gguf_tensor(&g, name, 0, NULL, INFERMEM_DTYPE_F32, 32 * i);
        else
          gguf_meta_u32(&g, name, 1);
      }
      gguf_pad(&g, 32);
      gguf_zeros(&g, 32 * n);
      refuse(&g, INFERMEM_E_FORMAT);
      assert_non_null(strstr(infermem_error_detail()->message, "\"n0\" stands twice"));
    }
}

/* ---- Every truncation, every byte ---- */

static void every_truncation_fails_cleanly(void **state) {
  (void)state;
  struct gguf g = gguf_small();
  gguf_save(&g);
  infermem_model *model;
  assert_ok(gguf_open(&model));
  gguf_exercise(model);
  model_free(model);
  for (size_t n = g.size; n-- > 0;) {
    assert_int_equal(truncate(gguf_path(), (off_t)n), 0);
    refuse_saved(INFERMEM_E_TRUNCATED);
  }
  gguf_free(&g);
}

static void no_changed_byte_does_harm(void **state) {
  (void)state;
  struct gguf g = gguf_small();
  gguf_save(&g);
  const int fd = open(gguf_path(), O_WRONLY | O_CLOEXEC);
  assert_true(fd >= 0);
  static const unsigned char changes[] = {0xff, 0x01, 0x80, 0x10};
  size_t opened = 0, refused = 0;
  const size_t metadata = g.size - GGUF_SMALL_DATA;
  for (size_t at = 0; at < g.size; at += at < metadata ? 1 : 50)
    for (size_t c = 0; c < sizeof changes; c++) {
      const unsigned char changed = g.bytes[at] ^ changes[c];
      assert_int_equal(pwrite(fd, &changed, 1, (off_t)at), 1);
      infermem_model *model = NULL;
      const int32_t status = gguf_open(&model);
      assert_true(gguf_heap.peak < 256 << 10);
      if (status == INFERMEM_OK) {
        gguf_exercise(model);
        model_free(model);
        opened++;
      } else {
        assert_null(model);
        assert_true(status == INFERMEM_E_FORMAT || status == INFERMEM_E_VERSION || status == INFERMEM_E_TRUNCATED ||
                    status == INFERMEM_E_LIMIT || status == INFERMEM_E_OVERFLOW);
        refused++;
      }
      assert_int_equal(gguf_heap.live, 0);
      assert_int_equal(pwrite(fd, &g.bytes[at], 1, (off_t)at), 1);
    }
  assert_true(opened > 100 && refused > 100);
  close(fd);
  gguf_free(&g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_wrong_magic_is_no_gguf),
      cmocka_unit_test(only_versions_2_and_3_are_read),
      cmocka_unit_test(counts_beyond_the_file_are_truncation),
      cmocka_unit_test(lengths_beyond_the_file_are_refused_before_memory_is_taken),
      cmocka_unit_test(arrays_beyond_the_file_are_truncation),
      cmocka_unit_test(arrays_of_arrays_are_refused),
      cmocka_unit_test(unknown_value_types_are_refused),
      cmocka_unit_test(a_bool_is_0_or_1),
      cmocka_unit_test(names_are_not_empty_and_have_no_control_characters),
      cmocka_unit_test(limits_are_reached_and_not_passed),
      cmocka_unit_test(metadata_of_more_than_a_gibibyte_is_refused),
      cmocka_unit_test(arrays_of_more_than_a_gibibyte_of_strings_are_refused),
      cmocka_unit_test(the_alignment_is_a_power_of_two_from_8_to_1_mib),
      cmocka_unit_test(a_name_stands_once),
      cmocka_unit_test(every_truncation_fails_cleanly),
      cmocka_unit_test(no_changed_byte_does_harm),
  };
  return cmocka_run_group_tests_name("model_hostile", tests, NULL, gguf_leave);
}
