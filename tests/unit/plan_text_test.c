/* Plans as tables and as JSON, and the audit of what was planned. */
#include <stdio.h>

#include "plans.h"

/* ---- Text ---- */

static infermem_plan *small_plan(void) {
  INFERMEM_STRUCT(infermem_model_config, c);
  c.n_layers = 4;
  c.hidden = c.vocab = 1024;
  c.n_heads = c.n_kv_heads = 8;
  c.intermediate = 2048;
  c.context = 1024;
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.ubatch = 1;
  options.host_bytes = GIB;
  INFERMEM_STRUCT(infermem_plan_device, d);
  strcpy(d.name, "Card");
  d.free_bytes = 4 * GIB;
  infermem_plan *plan = NULL;
  assert_ok(plan_new(NULL, &c, &d, 1, &options, &plan));
  return plan;
}

static void a_plan_is_a_table(void **state) {
  (void)state;
  infermem_plan *plan = small_plan();
  char text[4096];
  size_t length;
  assert_ok(plan_text(plan, 0, text, sizeof text, &length));
  assert_string_equal(text,
                      "Full cache: all 4 layers stay on Card.\n"
                      "\n"
                      "                           Card         host\n"
                      "  weights            168.03 MiB            -  modelled\n"
                      "  KV global           32.00 MiB            -  modelled\n"
                      "  compute             67.12 KiB            -  modelled\n"
                      "  driver context     300.00 MiB            -  rough\n"
                      "  margin               1.00 GiB            -  exact\n"
                      "  total                1.48 GiB            -\n"
                      "  free                 4.00 GiB     1.00 GiB\n"
                      "\n"
                      "  Card  [##+++----------.........................]  1.48 GiB of 4.00 GiB\n"
                      "  host  [........................................]  0 B of 1.00 GiB\n"
                      "         # weights  = caches  + compute  - margin  . free\n"
                      "\n"
                      "  context  1024 tokens, 1 sequence, keys F32, values F32; the most that fits is 83324, the "
                      "model was trained for 1024\n"
                      "  largest  margin, 1.00 GiB\n");
  assert_int_equal(length, strlen(text));
  assert_ok(plan_text(plan, INFERMEM_PLAN_TEXT_UTF8, text, sizeof text, &length));
  assert_non_null(strstr(text, "Card  [\u2588\u2588\u2592"));
  assert_fails(INFERMEM_E_ARG, plan_text(plan, 2, text, sizeof text, &length));
  plan_free(plan);
}

static void a_text_needs_room_for_all_of_it(void **state) {
  (void)state;
  infermem_plan *plan = small_plan();
  char text[4096];
  memset(text, 'x', sizeof text);
  for (int json = 0; json < 2; json++) {
    size_t length = 0, again = 77;
    if (json) assert_ok(plan_json(plan, NULL, 0, &length));
    if (!json) assert_ok(plan_text(plan, 0, NULL, 0, &length));
    if (json) assert_fails(INFERMEM_E_BUFFER, plan_json(plan, text, length, &again));
    if (!json) assert_fails(INFERMEM_E_BUFFER, plan_text(plan, 0, text, length, &again));
    assert_int_equal(infermem_error_detail()->expected, length + 1);
    assert_int_equal(again, 77);
    assert_int_equal(text[0], 'x');
    assert_int_equal(text[length], 'x');
    if (json) assert_ok(plan_json(plan, text, length + 1, &again));
    if (!json) assert_ok(plan_text(plan, 0, text, length + 1, &again));
    assert_int_equal(again, length);
    assert_int_equal(strlen(text), length);
    assert_int_equal(text[length + 1], 'x');
    memset(text, 'x', sizeof text);
  }
  plan_free(plan);
}

static void many_devices_share_a_column(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  infermem_plan_device devices[8];
  for (size_t i = 0; i < 8; i++) devices[i] = plans_device(8 * GIB);
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = 4096;
  infermem_plan *plan = NULL;
  assert_ok(plan_new(NULL, &c, devices, 8, &options, &plan));
  char text[8192];
  size_t length;
  assert_ok(plan_text(plan, 0, text, sizeof text, &length));
  assert_non_null(
      strstr(text, "Full cache: all 32 layers stay on 8 devices.\n\n                        devices         host\n"));
  assert_non_null(strstr(text, "  free                64.00 GiB            -\n"));
  for (const char *at = text, *end; (end = strchr(at, '\n')); at = end + 1) assert_true(end - at <= 110);
  plan_free(plan);
}

static void a_refusal_says_what_would_fit(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama70();
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = 131072;
  options.k_type = options.v_type = INFERMEM_DTYPE_F16;
  infermem_plan *plan = plans_one(&c, 24 * GIB, &options);
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_INSUFFICIENT);
  char text[8192], expected[128];
  size_t length;
  assert_ok(plan_text(plan, 0, text, sizeof text, &length));
  snprintf(expected, sizeof expected, "; a context of %llu tokens would fit.\n",
           (unsigned long long)plans_get(plan, INFERMEM_PLAN_MAX_CONTEXT_FITS));
  assert_memory_equal(text, "Insufficient memory: ", 21);
  assert_non_null(strstr(text, expected));
  assert_non_null(strstr(text, " too much\n"));
  assert_non_null(strstr(text, "What would help:\n"));
  plan_free(plan);
  plan = plans_one(&c, GIB, &options);
  assert_ok(plan_text(plan, 0, text, sizeof text, &length));
  assert_non_null(strstr(text, "; no context fits, and of 80 layers 0 would.\n"));
  assert_non_null(strstr(text, "; none fits\n"));
  plan_free(plan);
}

/* ---- JSON ---- */

/* Reads a value at *at, and moves on; fails the test where it is none. Nesting is shallow. */
static void read_json(const char **at) {
  if (**at == '"') {
    for (++*at; **at != '"'; ++*at) {
      assert_true(**at >= ' ' && **at < 0x7f);
      if (**at != '\\') continue;
      ++*at;
      assert_non_null(strchr("\"\\u", **at));
      for (int i = 0; **at == 'u' && i < 4; i++) assert_non_null(strchr("0123456789abcdef", (*at)[i + 1]));
      if (**at == 'u') *at += 4;
    }
    ++*at;
  } else if (**at == '{' || **at == '[') {
    const char close = **at == '{' ? '}' : ']';
    for (++*at; **at != close;) {
      if (close == '}') {
        assert_int_equal(**at, '"');
        read_json(at);
        assert_int_equal(*(*at)++, ':');
      }
      read_json(at);
      if (**at == ',')
        assert_int_not_equal(*++*at, close);
      else
        assert_int_equal(**at, close);
    }
    ++*at;
  } else {
    assert_true(**at >= '0' && **at <= '9');
    while (**at >= '0' && **at <= '9') ++*at;
  }
}

static void json_is_one_object_with_stable_keys(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama70();
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = 8192;
  const uint64_t sizes[] = {GIB, 8 * GIB, 40 * GIB, 300 * GIB};
  for (size_t i = 0; i < 4; i++) {
    infermem_plan *plan = plans_one(&c, sizes[i], &options);
    char json[16384];
    size_t length;
    assert_ok(plan_json(plan, json, sizeof json, &length));
    const char *at = json;
    read_json(&at);
    assert_string_equal(at, "\n");
    static const char *const keys[] = {"\"format\":\"infermem.plan\",\"version\":1,\"mode\":\"",
                                       "\"profile\":\"PLAIN\"",
                                       "\"total_bytes\":",
                                       "\"resident_layers\":",
                                       "\"sequences\":1",
                                       "\"layers\":80",
                                       "\"streamed_layers\":",
                                       "\"host_expert_layers\":0",
                                       "\"context\":8192",
                                       "\"max_context\":",
                                       "\"context_step\":1",
                                       "\"largest_layer_bytes\":",
                                       "\"slots\":",
                                       "\"stream_bytes\":",
                                       "\"milli_tokens_per_s\":",
                                       "\"full_needs_bytes\":",
                                       "\"needs_bytes\":",
                                       "\"k_type\":\"F32\"",
                                       "\"v_type\":\"F32\"",
                                       "\"largest_term\":\"weights\"",
                                       "\"stream_source\":\"",
                                       "\"places\":[{\"kind\":\"device\",\"name\":\"device 0\"",
                                       "{\"kind\":\"host\",\"name\":\"host\"",
                                       "\"terms\":[{\"term\":\"weights\",\"place\":0,\"bytes\":",
                                       "\"confidence\":\"modelled\"",
                                       "\"formula\":\"",
                                       "\"notes\":[\"host unknown\"]",
                                       "\"advice\":["};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
      if (!strstr(json, keys[k])) fail_msg("no %s in %s", keys[k], json);
    plan_free(plan);
  }
}

static void hostile_names_are_escaped(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  infermem_plan_device d = plans_device(100 * GIB);
  strcpy(d.name, "a\"b\\c\n\x1b[31m\x7f \xc3\xa9 \xf0\x9f\x98\x80 \xff \xc0\xaf \xed\xa0\x80 \xe2\x82");
  infermem_plan *plan = NULL;
  assert_ok(plan_new(NULL, &c, &d, 1, NULL, &plan));
  char text[16384];
  size_t length;
  assert_ok(plan_json(plan, text, sizeof text, &length));
  assert_non_null(strstr(text,
                         "\"a\\\"b\\\\c\\u000a\\u001b[31m\\u007f \\u00e9 \\ud83d\\ude00 \\ufffd \\ufffd\\ufffd "
                         "\\ufffd\\ufffd\\ufffd \\ufffd\\ufffd\""));
  const char *at = text;
  read_json(&at);
  assert_ok(plan_text(plan, 0, text, sizeof text, &length));
  assert_non_null(strstr(text, "a\"b\\c??[31m?"));
  for (size_t i = 0; i < length; i++) assert_true(text[i] == '\n' || (text[i] >= ' ' && text[i] < 0x7f));
  plan_free(plan);
}

/* ---- The audit ---- */

static void an_audit_compares_what_was_measured(void **state) {
  (void)state;
  infermem_plan *plan = small_plan();
  infermem_plan_measure rows[5];
  for (size_t i = 0; i < 5; i++) {
    INFERMEM_STRUCT(infermem_plan_measure, row);
    rows[i] = row;
  }
  const uint64_t weights = plans_get(plan, INFERMEM_PLAN_WEIGHTS), kv = plans_get(plan, INFERMEM_PLAN_KV_GLOBAL);
  rows[0].kind = INFERMEM_PLAN_WEIGHTS;
  rows[0].measured_bytes = weights;
  rows[1].kind = INFERMEM_PLAN_KV_GLOBAL;
  rows[1].measured_bytes = kv + kv / 100;
  rows[2].kind = INFERMEM_PLAN_TOTAL_BYTES;
  rows[2].place = INFERMEM_PLAN_PLACE_ALL;
  rows[2].measured_bytes = 1;
  rows[3].kind = INFERMEM_PLAN_STAGING;
  rows[3].place = INFERMEM_PLAN_PLACE_HOST;
  rows[4].kind = INFERMEM_PLAN_WEIGHTS; /* nothing of what was planned */
  assert_ok(plan_audit(plan, rows, 5));
  assert_int_equal(rows[0].predicted_bytes, weights);
  assert_int_equal(rows[0].per_million, 0);
  assert_int_equal(rows[1].predicted_bytes, kv);
  assert_int_equal(rows[1].per_million, 9901); /* 1 / 101 */
  const uint64_t total = plans_get(plan, INFERMEM_PLAN_TOTAL_BYTES) - INFERMEM_PLAN_MARGIN;
  assert_int_equal(rows[2].predicted_bytes, total);
  assert_int_equal(rows[2].per_million, (total - 1) * 1000000);
  assert_int_equal(rows[3].per_million, 0);
  assert_int_equal(rows[4].per_million, UINT64_MAX);
  char text[2048];
  size_t length;
  assert_ok(plan_audit_text(plan, rows, 3, text, sizeof text, &length));
  assert_non_null(strstr(text,
                         "  weights           Card   168.03 MiB   168.03 MiB      0.00 %\n"
                         "  KV global         Card    32.00 MiB    32.31 MiB      0.99 %\n"));
  assert_non_null(strstr(text, "  furthest apart: total\n"));
  assert_int_equal(length, strlen(text));
  assert_fails(INFERMEM_E_BUFFER, plan_audit_text(plan, rows, 3, text, length, &length));
  assert_ok(plan_audit_text(plan, rows, 5, text, sizeof text, &length));
  assert_non_null(strstr(text, "0 B           -\n"));

  rows[4].kind = 0;
  rows[0].predicted_bytes = 5;
  assert_fails(INFERMEM_E_ARG, plan_audit(plan, rows, 5));
  assert_int_equal(rows[0].predicted_bytes, 5); /* none was changed */
  assert_fails(INFERMEM_E_ARG, plan_audit_text(plan, rows, 5, text, sizeof text, &length));
  rows[4].kind = INFERMEM_PLAN_KINDS + 1;
  assert_fails(INFERMEM_E_ARG, plan_audit(plan, rows, 5));
  rows[4].kind = INFERMEM_PLAN_WEIGHTS;
  rows[4].place = 1;
  assert_fails(INFERMEM_E_RANGE, plan_audit(plan, rows, 5));
  rows[4].place = 0;
  rows[4].struct_size = 8;
  assert_fails(INFERMEM_E_STRUCT, plan_audit(plan, rows, 5));
  rows[0].struct_size = offsetof(infermem_plan_measure, per_million);
  assert_fails(INFERMEM_E_STRUCT, plan_audit(plan, rows, 5));
  plan_free(plan);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_plan_is_a_table),
      cmocka_unit_test(a_text_needs_room_for_all_of_it),
      cmocka_unit_test(many_devices_share_a_column),
      cmocka_unit_test(a_refusal_says_what_would_fit),
      cmocka_unit_test(json_is_one_object_with_stable_keys),
      cmocka_unit_test(hostile_names_are_escaped),
      cmocka_unit_test(an_audit_compares_what_was_measured),
  };
  return cmocka_run_group_tests_name("plans as text", tests, NULL, NULL);
}
