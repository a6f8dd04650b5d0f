/* Models that are a config.json: each value under its path, numbers to the last bit, and what is refused. */
#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model_make.h"

static void save_text(const char *text, size_t n) {
  struct gguf g = {0};
  gguf_bytes(&g, text, n);
  gguf_save(&g);
  gguf_free(&g);
}

static infermem_model *open_text(const char *text) {
  save_text(text, strlen(text));
  infermem_model *model = NULL;
  assert_ok(gguf_open(&model));
  gguf_exercise(model);
  return model;
}

static void refuse_bytes(const char *text, size_t n, int32_t code) {
  save_text(text, n);
  infermem_model *out = NULL;
  const int32_t status = gguf_open(&out);
  if (status != code) {
    if (status == INFERMEM_OK) model_free(out);
    fail_msg("%s, not %s: %s: %s", infermem_error_name(status), infermem_error_name(code),
             infermem_error_detail()->message, text);
  }
  assert_null(out);
  assert_int_equal(gguf_heap.live, 0);
}

static void refuse_text(const char *text, int32_t code) { refuse_bytes(text, strlen(text), code); }

/* ---- What is read ---- */

static void values_stand_under_their_paths(void **state) {
  (void)state;
  infermem_model *model = open_text(
      "\n{\"model_type\": \"gemma3\", \"architectures\": [\"Gemma3ForConditionalGeneration\"],\n"
      " \"text_config\": {\"num_hidden_layers\": 34, \"rope_scaling\": {\"factor\": 8.0, \"rope_type\": \"linear\"}},\n"
      " \"tie_word_embeddings\": true, \"dropout\": false, \"nothing\": null, \"empty\": {}, \"none\": [],\n"
      " \"block_configs\": [{\"ffn\": {\"width\": 7}}, {\"ffn\": {\"width\": -9, \"no_op\": true}}, null]}\n ");
  assert_int_equal(model_meta_count(model), 11);
  assert_int_equal(model_tensor_count(model), 0);
  assert_string(model, "model_type", "gemma3", 6);
  assert_integer(model, "text_config.num_hidden_layers", 34);
  assert_string(model, "text_config.rope_scaling.rope_type", "linear", 6);
  double f;
  assert_ok(model_meta_f64(model, "text_config.rope_scaling.factor", &f));
  assert_true(f == 8.0);
  int32_t b;
  assert_ok(model_meta_bool(model, "tie_word_embeddings", &b));
  assert_int_equal(b, 1);
  assert_ok(model_meta_bool(model, "dropout", &b));
  assert_int_equal(b, 0);
  assert_integer(model, "block_configs.0.ffn.width", 7);
  assert_integer(model, "block_configs.1.ffn.width", -9);
  const infermem_meta_info architectures = meta_of(model, "architectures");
  assert_int_equal(architectures.type, INFERMEM_META_ARRAY);
  assert_int_equal(architectures.element_type, INFERMEM_META_STRING);
  assert_int_equal(architectures.count, 1);
  assert_int_equal(meta_of(model, "none").count, 0);
  size_t index;
  assert_fails(INFERMEM_E_NOT_FOUND, model_meta_find(model, "nothing", &index));
  assert_fails(INFERMEM_E_NOT_FOUND, model_tensor_find(model, "nothing", &index));
  model_free(model);
}

static void arrays_of_one_kind_are_one_value(void **state) {
  (void)state;
  infermem_model *model = open_text(
      "{\"ints\": [1, -2, 3], \"large\": [1, 18446744073709551615], \"reals\": [1, 2.5, -3], \"far\": [-1, "
      "18446744073709551615], \"bools\": [true, false], \"mixed\": [1, \"a\", null, [2, 3], {\"b\": 4}, true], "
      "\"nulls\": [null, 5], \"deep\": [[[]]]}");
  uint64_t u[3];
  assert_int_equal(meta_of(model, "ints").element_type, INFERMEM_META_I64);
  assert_ok(model_meta_array_u64(model, "ints", 2, 1, u));
  assert_int_equal(u[0], 3);
  assert_fails(INFERMEM_E_RANGE, model_meta_array_u64(model, "ints", 0, 3, u));
  assert_int_equal(meta_of(model, "large").element_type, INFERMEM_META_U64);
  assert_ok(model_meta_array_u64(model, "large", 0, 2, u));
  assert_true(u[0] == 1 && u[1] == UINT64_MAX);
  assert_int_equal(meta_of(model, "reals").element_type, INFERMEM_META_F64);
  assert_int_equal(meta_of(model, "far").element_type, INFERMEM_META_F64);
  assert_int_equal(meta_of(model, "bools").element_type, INFERMEM_META_BOOL);
  assert_ok(model_meta_array_u64(model, "bools", 0, 2, u));
  assert_true(u[0] == 1 && u[1] == 0);
  assert_integer(model, "mixed.0", 1);
  assert_string(model, "mixed.1", "a", 1);
  assert_int_equal(meta_of(model, "mixed.3").count, 2);
  assert_integer(model, "mixed.4.b", 4);
  int32_t b;
  assert_ok(model_meta_bool(model, "mixed.5", &b));
  assert_integer(model, "nulls.1", 5);
  assert_int_equal(meta_of(model, "deep.0.0").count, 0);
  assert_int_equal(model_meta_count(model), 12);
  model_free(model);
}

static void numbers_are_exact_in_any_locale(void **state) {
  (void)state;
  const int changed = setlocale(LC_ALL, "de_DE.UTF-8") != NULL;
  static const struct {
    const char *text;
    double value;
  } reals[] = {{"1e-5", 1e-5},
               {"10000.0", 10000.0},
               {"0.044194173824159216", 0.044194173824159216},
               {"9007199254740993.0", 9007199254740992.0},
               {"1.00000000000000011102230246251565404236316680908203125", 1.0}, /* halfway, to even */
               {"1.00000000000000011102230246251565404236316680908203126", 1.0000000000000002},
               {"1.7976931348623157e308", DBL_MAX},
               {"5e-324", 5e-324},
               {"1e-400", 0.0},
               {"-1.5E+2", -150.0},
               {"18446744073709551616", 18446744073709551616.0},
               {"-9223372036854775809", -9223372036854775808.0},
               {"1000000000000000019884624838656", 1e30},
               {"Infinity", INFINITY},
               {"-Infinity", -INFINITY}};
  for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
    char text[128];
    snprintf(text, sizeof text, "{\"x\":%s}", reals[i].text);
    infermem_model *model = open_text(text);
    double got;
    assert_ok(model_meta_f64(model, "x", &got));
    assert_true(got == reals[i].value);
    model_free(model);
  }
  infermem_model *model = open_text("{\"limits\": [0.0, Infinity], \"nan\": NaN}");
  double nan;
  assert_ok(model_meta_f64(model, "nan", &nan));
  assert_true(isnan(nan));
  assert_int_equal(meta_of(model, "limits").element_type, INFERMEM_META_F64);
  model_free(model);
  model = open_text(
      "{\"a\": 9223372036854775807, \"b\": -9223372036854775808, \"c\": 9223372036854775808, \"d\": -0, \"e\": 0}");
  assert_integer(model, "a", INT64_MAX);
  assert_integer(model, "b", INT64_MIN);
  assert_integer(model, "d", 0);
  uint64_t u;
  assert_ok(model_meta_u64(model, "c", &u));
  assert_true(u == (uint64_t)INT64_MAX + 1);
  assert_int_equal(meta_of(model, "c").type, INFERMEM_META_U64);
  model_free(model);
  if (changed) setlocale(LC_ALL, "C");
}

static void strings_are_decoded(void **state) {
  (void)state;
  infermem_model *model = open_text(
      "{\"a\": \"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\ud83d\\ude00\", \"nul\": \"a\\u0000b\", "
      "\"b\\u0041\": 1, "
      "\"raw\": \"\xe2\x96\x81\xf0\x9f\x98\x80\", \"\xc3\xa9\": 2}");
  assert_string(model, "a", "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 18);
  assert_string(model, "nul", "a\0b", 3);
  assert_string(model, "raw", "\xe2\x96\x81\xf0\x9f\x98\x80", 7);
  assert_integer(model, "bA", 1);
  assert_integer(model, "\xc3\xa9", 2);
  model_free(model);
}

static void a_directory_stands_for_the_config_in_it(void **state) {
  (void)state;
  assert_int_equal(mkdir("model_json_test.dir", 0700), 0);
  save_text("{\"hidden_size\": 64}", 19);
  infermem_model *model = NULL;
  assert_int_equal(model_open("model_json_test.dir", NULL, &model), INFERMEM_E_FORMAT);
  assert_int_equal(rename(gguf_path(), "model_json_test.dir/config.json"), 0);
  assert_ok(model_open("model_json_test.dir", NULL, &model));
  assert_integer(model, "hidden_size", 64);
  model_free(model);
  unlink("model_json_test.dir/config.json");
  /* One that cannot be read is not taken for none. */
  assert_int_equal(symlink("config.json", "model_json_test.dir/config.json"), 0);
  assert_fails(INFERMEM_E_IO, model_open("model_json_test.dir", NULL, &model));
  assert_int_equal(infermem_error_detail()->os_error, ELOOP);
  unlink("model_json_test.dir/config.json");
  rmdir("model_json_test.dir");
}

/* ---- What is refused ---- */

static void what_is_no_json_is_refused(void **state) {
  (void)state;
  static const char *const texts[] = {
      "{\"a\":1,}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":+1}", "{\"a\":1e}", "{\"a\":0x10}",
      "{\"a\":1e309}", "{\"a\":'b'}", "{a:1}", "{\"a\" 1}", "{\"a\":[1,]}", "{\"a\":[1 2]}", "{\"a\":tru}",
      "{\"a\":nul}", "{\"a\":True}", "{\"a\":1}{}", "{\"a\":1}]", "{\"a\":1} x", "{\"a\":/**/1}", "{\"a\":\"\\x\"}",
      "{\"a\":\"\\u12g4\"}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\\ud800\\u0041\"}", "{\"a\":\"\\udc00\"}",
      "{\"\\udfff\":1}", "{\"a\":\"\xff\"}", "{\"a\":\"\xc0\x80\"}", "{\"a\":\"\xe2\x82\"}", "{\"a\":\"\xed\xa0\x80\"}",
      "{\"a\":\"\xf4\x90\x80\x80\"}", "{\"a\":\"\n\"}", "{\"a\":1}\v",
      /* JSON, but no configuration */
      "[{\"a\":1}]", "{\"\":1}", "{\"a\":{\"\":1}}", "{\"a\\u0000b\":1}", "{\"a\\nb\":1}", "{\"a\\u007f\":1}",
      "{\"a\":1,\"a\":1}", "{\"a.b\":1,\"a\":{\"b\":2}}"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) refuse_text(texts[i], INFERMEM_E_FORMAT);
  refuse_bytes("{\"a\":1}\0", 8, INFERMEM_E_FORMAT);
  refuse_bytes("{\"a\":\"b\0c\"}", 11, INFERMEM_E_FORMAT);
  refuse_bytes("{\"a\":1\0}", 8, INFERMEM_E_FORMAT);
}

static void every_truncation_is_told(void **state) {
  (void)state;
  static const char text[] =
      " {\"a\": [1, 2.5e-3, -7], \"b\": {\"c\": \"\\u20ac\xe2\x82\xac\\\\\", \"d\": [true, null, {\"e\": Infinity}]}}";
  model_free(open_text(text));
  for (size_t n = sizeof text - 1; n-- > 0;) {
    save_text(text, n);
    infermem_model *out = NULL;
    assert_int_equal(gguf_open(&out), INFERMEM_E_TRUNCATED);
    assert_null(out);
    assert_int_equal(gguf_heap.live, 0);
  }
}

static void no_changed_byte_does_harm(void **state) {
  (void)state;
  static const char text[] =
      "{\"a\":[1,2.5e-3],\"b\":{\"c\":\"\\u20ac\xe2\x82\xac\\\\\",\"d\":[true,null,{\"e\":Infinity}]}}";
  size_t opened = 0;
  for (size_t at = 0; at < sizeof text - 1; at++)
    for (int bit = 0; bit < 8; bit++) {
      char changed[sizeof text];
      memcpy(changed, text, sizeof text);
      changed[at] = (char)(changed[at] ^ 1 << bit);
      save_text(changed, sizeof text - 1);
      infermem_model *model = NULL;
      if (gguf_open(&model) == INFERMEM_OK) {
        gguf_exercise(model);
        model_free(model);
        opened++;
      }
      assert_int_equal(gguf_heap.live, 0);
      assert_true(gguf_heap.peak < 512 << 10);
    }
  assert_true(opened > 50);
}

static void nesting_has_a_limit(void **state) {
  (void)state;
  for (int kind = 0; kind < 2; kind++)
    for (int depth = 64; depth <= 65; depth++) {
      struct gguf g = {0};
      gguf_bytes(&g, "{\"a\":", 5);
      for (int i = 1; i < depth; i++) gguf_bytes(&g, kind ? "{\"a\":" : "[", kind ? 5 : 1);
      gguf_bytes(&g, kind ? "7" : "", (size_t)kind);
      for (int i = 1; i < depth; i++) gguf_bytes(&g, kind ? "}" : "]", 1);
      gguf_bytes(&g, "}", 1);
      gguf_save(&g);
      gguf_free(&g);
      infermem_model *model = NULL;
      const int32_t status = gguf_open(&model);
      assert_int_equal(status, depth == 64 ? INFERMEM_OK : INFERMEM_E_LIMIT);
      if (model) gguf_exercise(model);
      model_free(model);
    }
  struct gguf g = {0}; /* and the stack is never used up */
  gguf_bytes(&g, "{\"a\":", 5);
  for (int i = 0; i < 1000000; i++) gguf_bytes(&g, "[", 1);
  gguf_save(&g);
  gguf_free(&g);
  infermem_model *model = NULL;
  assert_int_equal(gguf_open(&model), INFERMEM_E_LIMIT);
}

static void values_and_their_paths_have_limits(void **state) {
  (void)state;
  infermem_model *model = NULL;
  struct gguf g = {0};
  make_text(&g, "{}       ");
  assert_int_equal(open_memory(&g, (16 << 20) + 1, &model), INFERMEM_E_LIMIT);
  gguf_free(&g);
  static const char *const elements[][2] = {{"1,", "\"\","}, {"1,", "2.5,"}, {"\"\",", "\"\","}, {"[],", "{},"}};
  for (size_t e = 0; e < sizeof elements / sizeof *elements; e++)
    for (size_t over = 0; over < 2; over++) {
      make_text(&g, "{\"a\":["); /* which is one of them */
      for (size_t i = 0; i < INFERMEM_MODEL_MAX_VALUES - 1 + over; i++) make_text(&g, "%s", elements[e][i % 2]);
      g.bytes[g.size - 1] = ']';
      make_text(&g, "}");
      model = NULL;
      assert_int_equal(open_memory(&g, 0, &model), over ? INFERMEM_E_LIMIT : INFERMEM_OK);
      assert_true(gguf_heap.peak <= (64 << 20) + 2 * g.size);
      model_free(model);
      gguf_free(&g);
    }
  for (size_t over = 0; over < 2; over++) { /* a path of 32 KiB, 1,023 or 1,024 times, with 8 bytes each */
    char path[(32 << 10) - 16];
    memset(path, 'p', sizeof path);
    path[sizeof path - 1] = '\0';
    make_text(&g, "{\"%s\":{", path);
    for (size_t i = 0; i < 1023 + 2 * over; i++) make_text(&g, "%s\"%06zx\":1", i ? "," : "", i);
    make_text(&g, "}}");
    model = NULL;
    assert_int_equal(open_memory(&g, 0, &model), over ? INFERMEM_E_LIMIT : INFERMEM_OK);
    assert_true(gguf_heap.peak <= (64 << 20) + 2 * g.size);
    model_free(model);
    gguf_free(&g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_stand_under_their_paths),
      cmocka_unit_test(arrays_of_one_kind_are_one_value),
      cmocka_unit_test(numbers_are_exact_in_any_locale),
      cmocka_unit_test(strings_are_decoded),
      cmocka_unit_test(a_directory_stands_for_the_config_in_it),
      cmocka_unit_test(what_is_no_json_is_refused),
      cmocka_unit_test(every_truncation_is_told),
      cmocka_unit_test(no_changed_byte_does_harm),
      cmocka_unit_test(nesting_has_a_limit),
      cmocka_unit_test(values_and_their_paths_have_limits),
  };
  return cmocka_run_group_tests_name("model_json", tests, NULL, gguf_leave);
}
