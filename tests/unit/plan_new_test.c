/* Plans as objects: their errors, what they answer, and how they are shown. */
#include <math.h>
#include <stdio.h>

#include "plans.h"

static infermem_plan_device device_of(uint64_t free_bytes) {
  INFERMEM_STRUCT(infermem_plan_device, device);
  device.free_bytes = free_bytes;
  return device;
}

/* What is given to plan_new, which must fail so and leave *out alone. */
static void assert_new_fails(int32_t code, const infermem_model_config *c, const infermem_plan_device *devices,
                             size_t n, const infermem_plan_options *options) {
  infermem_plan *out = (infermem_plan *)77;
  assert_fails(code, plan_new(NULL, c, devices, n, options, &out));
  assert_ptr_equal(out, (infermem_plan *)77);
}

static void options_that_make_no_sense_are_refused(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  const infermem_plan_device d = device_of(24 * GIB);
#define BAD(code, statement)                   \
  do {                                         \
    INFERMEM_STRUCT(infermem_plan_options, o); \
    statement;                                 \
    assert_new_fails(code, &c, &d, 1, &o);     \
  } while (0)
  BAD(INFERMEM_E_STRUCT, o.struct_size = 3);
  BAD(INFERMEM_E_ARG, o.flags = 512);
  BAD(INFERMEM_E_ARG, o.flags = INFERMEM_PLAN_DEQUANT_F8 | INFERMEM_PLAN_DEQUANT_F16);
  BAD(INFERMEM_E_ARG, o.steps = 64);
  BAD(INFERMEM_E_ARG, o.steps = INFERMEM_PLAN_STEP_NONE | INFERMEM_PLAN_STEP_HOST);
  BAD(INFERMEM_E_ARG, o.profile = 4);
  BAD(INFERMEM_E_ARG, o.mla = 4);
  BAD(INFERMEM_E_ARG, o.slots = 1);
  BAD(INFERMEM_E_ARG, o.slots = 5);
  BAD(INFERMEM_E_ARG, o.reserved = 1);
  BAD(INFERMEM_E_ARG, o.context = 100; o.min_context = 101);
  BAD(INFERMEM_E_ARG, o.margin_fraction = 1.0);
  BAD(INFERMEM_E_ARG, o.margin_fraction = -0.1);
  BAD(INFERMEM_E_NOT_FINITE, o.margin_fraction = NAN);
  BAD(INFERMEM_E_NOT_FINITE, o.margin_fraction = INFINITY);
  const uint64_t much = INFERMEM_PLAN_MAX_CONTEXT + 1;
  BAD(INFERMEM_E_LIMIT, o.context = much);
  BAD(INFERMEM_E_LIMIT, o.min_context = much);
  BAD(INFERMEM_E_LIMIT, o.n_sequences = much);
  BAD(INFERMEM_E_LIMIT, o.ubatch = much);
  BAD(INFERMEM_E_LIMIT, o.n_outputs_max = much);
  BAD(INFERMEM_E_LIMIT, o.n_snapshots = much);
  BAD(INFERMEM_E_TYPE, o.k_type = 4);
  BAD(INFERMEM_E_TYPE, o.v_type = -1);
  BAD(INFERMEM_E_UNSUPPORTED, o.k_type = INFERMEM_DTYPE_Q5_0);
  BAD(INFERMEM_E_UNSUPPORTED, o.v_type = INFERMEM_DTYPE_I8);
  BAD(INFERMEM_E_UNSUPPORTED, o.profile = INFERMEM_PLAN_CELLS; o.flags = INFERMEM_PLAN_NO_FLASH_ATTENTION;
      o.v_type = INFERMEM_DTYPE_Q8_0);
  BAD(INFERMEM_E_OVERFLOW, o.context = o.n_sequences = INFERMEM_PLAN_MAX_CONTEXT);
#undef BAD
}

static void devices_that_make_no_sense_are_refused(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  infermem_plan_device d = device_of(0);
  assert_new_fails(INFERMEM_E_ARG, &c, &d, 1, NULL);
  assert_non_null(strstr(infermem_error_detail()->message, "the caller has to choose"));
  assert_new_fails(INFERMEM_E_ARG, &c, NULL, 0, NULL); /* the host is not known either */
  d = device_of(GIB);
  d.flags = 4;
  assert_new_fails(INFERMEM_E_ARG, &c, &d, 1, NULL);
  d = device_of(GIB);
  d.reserved = 1;
  assert_new_fails(INFERMEM_E_ARG, &c, &d, 1, NULL);
  d = device_of(GIB);
  memset(d.name, 'x', sizeof d.name);
  assert_new_fails(INFERMEM_E_ARG, &c, &d, 1, NULL);
  infermem_plan_device two[2] = {device_of(GIB), device_of(GIB)};
  two[1].struct_size = 8;
  assert_new_fails(INFERMEM_E_STRUCT, &c, two, 2, NULL);
  two[0].struct_size = 2;
  assert_new_fails(INFERMEM_E_STRUCT, &c, two, 2, NULL);
  infermem_plan_device many[INFERMEM_PLAN_MAX_DEVICES + 1];
  for (size_t i = 0; i <= INFERMEM_PLAN_MAX_DEVICES; i++) many[i] = device_of(4 * GIB + i);
  assert_new_fails(INFERMEM_E_LIMIT, &c, many, INFERMEM_PLAN_MAX_DEVICES + 1, NULL);
  infermem_plan *plan = NULL;
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = 64;
  options.flags = INFERMEM_PLAN_NO_MARGIN;
  assert_ok(plan_new(NULL, &c, many, INFERMEM_PLAN_MAX_DEVICES, &options, &plan));
  assert_int_equal(plan_mode(plan), INFERMEM_PLAN_FULL_CACHE);
  plan_free(plan);
}

static void devices_may_be_of_an_older_or_a_newer_caller(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  struct {
    infermem_plan_device device;
    uint64_t future;
  } newer[2] = {{device_of(24 * GIB), 0}, {device_of(25 * GIB), 0}};
  newer[0].device.struct_size = newer[1].device.struct_size = sizeof *newer;
  infermem_plan *plan = NULL;
  assert_ok(plan_new(NULL, &c, &newer[0].device, 2, NULL, &plan));
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_FREE_BYTES, 1), 25 * GIB);
  plan_free(plan);
  newer[1].future = 1;
  assert_new_fails(INFERMEM_E_STRUCT, &c, &newer[0].device, 2, NULL);
  infermem_plan_device older = device_of(24 * GIB);
  older.struct_size = offsetof(infermem_plan_device, link_bytes_per_s);
  older.link_bytes_per_s = 1; /* beyond what this caller has */
  assert_ok(plan_new(NULL, &c, &older, 1, NULL, &plan));
  plan_free(plan);
}

static void a_configuration_is_validated(void **state) {
  (void)state;
  const infermem_plan_device d = device_of(24 * GIB);
  infermem_model_config c = plans_llama8();
  c.n_heads = 0;
  assert_new_fails(INFERMEM_E_ARG, &c, &d, 1, NULL);
  c = plans_llama8();
  c.n_kv_heads = 5;
  assert_new_fails(INFERMEM_E_SHAPE, &c, &d, 1, NULL);
  c = plans_llama8();
  c.struct_size = 1;
  assert_new_fails(INFERMEM_E_STRUCT, &c, &d, 1, NULL);
}

static void heads_that_are_no_whole_blocks_name_their_layer(void **state) {
  (void)state;
  infermem_model_config c = plans_llama8();
  c.head_dim_k = c.head_dim_v = c.rope_dims = 100;
  const infermem_plan_device d = device_of(24 * GIB);
  INFERMEM_STRUCT(infermem_plan_options, options);
  for (options.profile = INFERMEM_PLAN_PLAIN; options.profile <= INFERMEM_PLAN_BLOCKS; options.profile++) {
    options.k_type = INFERMEM_DTYPE_Q8_0;
    options.v_type = INFERMEM_DTYPE_F16;
    assert_new_fails(INFERMEM_E_SHAPE, &c, &d, 1, &options);
    assert_non_null(strstr(infermem_error_detail()->message, "layer 0: heads of 100 elements"));
    assert_int_equal(infermem_error_detail()->expected, 32);
    options.k_type = INFERMEM_DTYPE_F16;
    options.v_type = INFERMEM_DTYPE_Q4_0;
    assert_new_fails(INFERMEM_E_SHAPE, &c, &d, 1, &options);
  }
}

static void null_and_other_handles_are_errors(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  const infermem_plan_device d = device_of(24 * GIB);
  infermem_plan *plan = NULL;
  assert_fails(INFERMEM_E_NULL, plan_new(NULL, &c, &d, 1, NULL, NULL));
  assert_fails(INFERMEM_E_NULL, plan_new(NULL, NULL, &d, 1, NULL, &plan));
  assert_fails(INFERMEM_E_NULL, plan_new(NULL, &c, NULL, 1, NULL, &plan));
  infermem_model *model = NULL;
  assert_ok(model_open(TEST_DATA "/tiny-llama.gguf", NULL, &model));
  assert_fails(INFERMEM_E_ARG, plan_new(model, &c, &d, 1, NULL, &plan));
  const infermem_plan *other = (const infermem_plan *)model;
  uint64_t out = 77;
  size_t length = 77;
  char text[8];
  INFERMEM_STRUCT(infermem_plan_term_facts, term);
  INFERMEM_STRUCT(infermem_plan_layer_facts, layer);
  INFERMEM_STRUCT(infermem_plan_advice_facts, advice);
  INFERMEM_STRUCT(infermem_plan_measure, measure);
  measure.kind = INFERMEM_PLAN_WEIGHTS;
  infermem_layout *layout = NULL;
  infermem_kv *kv = NULL;
  const struct {
    const infermem_plan *plan;
    int32_t code;
  } wrong[] = {{NULL, INFERMEM_E_NULL}, {other, INFERMEM_E_HANDLE}};
  for (size_t i = 0; i < 2; i++) {
    const infermem_plan *p = wrong[i].plan;
    assert_int_equal(plan_mode(p), 0);
    assert_int_equal(plan_term_count(p), 0);
    assert_int_equal(plan_advice_count(p), 0);
    assert_fails(wrong[i].code, plan_query(p, INFERMEM_PLAN_CONTEXT, INFERMEM_PLAN_PLACE_ALL, &out));
    assert_fails(wrong[i].code, plan_term(p, 0, &term));
    assert_fails(wrong[i].code, plan_layer(p, 0, &layer));
    assert_fails(wrong[i].code, plan_advice(p, 0, &advice));
    assert_fails(wrong[i].code, plan_text(p, 0, text, sizeof text, &length));
    assert_fails(wrong[i].code, plan_json(p, text, sizeof text, &length));
    assert_fails(wrong[i].code, plan_build_layout(p, &layout));
    assert_fails(wrong[i].code, plan_build_kv(p, NULL, &kv));
    assert_fails(wrong[i].code, plan_audit(p, &measure, 1));
    assert_fails(wrong[i].code, plan_audit_text(p, &measure, 1, text, sizeof text, &length));
  }
  plan_free(NULL);
  model_free(model);

  assert_ok(plan_new(NULL, &c, &d, 1, NULL, &plan));
  assert_fails(INFERMEM_E_NULL, plan_query(plan, INFERMEM_PLAN_CONTEXT, INFERMEM_PLAN_PLACE_ALL, NULL));
  assert_fails(INFERMEM_E_NULL, plan_term(plan, 0, NULL));
  assert_fails(INFERMEM_E_NULL, plan_layer(plan, 0, NULL));
  assert_fails(INFERMEM_E_NULL, plan_advice(plan, 0, NULL));
  assert_fails(INFERMEM_E_NULL, plan_text(plan, 0, text, sizeof text, NULL));
  assert_fails(INFERMEM_E_NULL, plan_text(plan, 0, NULL, 1, &length));
  assert_fails(INFERMEM_E_NULL, plan_json(plan, text, sizeof text, NULL));
  assert_fails(INFERMEM_E_NULL, plan_json(plan, NULL, 1, &length));
  assert_fails(INFERMEM_E_NULL, plan_build_layout(plan, NULL));
  assert_fails(INFERMEM_E_NULL, plan_build_kv(plan, NULL, NULL));
  assert_fails(INFERMEM_E_NULL, plan_audit(plan, NULL, 1));
  assert_fails(INFERMEM_E_NULL, plan_audit_text(plan, NULL, 1, text, sizeof text, &length));
  assert_fails(INFERMEM_E_NULL, plan_audit_text(plan, &measure, 1, text, sizeof text, NULL));
  assert_fails(INFERMEM_E_NULL, plan_audit_text(plan, &measure, 1, NULL, 1, &length));
  assert_ok(plan_audit(plan, NULL, 0));
  assert_int_equal(out, 77);
  assert_int_equal(length, 77);
  const infermem_model *no_model = (const infermem_model *)plan;
  infermem_plan *none = NULL;
  assert_fails(INFERMEM_E_HANDLE, plan_new(no_model, NULL, &d, 1, NULL, &none));
  plan_free(plan);
}

static void queries_know_their_keys_and_places(void **state) {
  (void)state;
  const infermem_model_config c = plans_llama8();
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.context = 4096;
  infermem_plan *plan = plans_one(&c, 24 * GIB, &options);
  uint64_t out = 77;
  const uint32_t all = INFERMEM_PLAN_PLACE_ALL;
  assert_fails(INFERMEM_E_ARG, plan_query(plan, 0, all, &out));
  assert_fails(INFERMEM_E_ARG, plan_query(plan, INFERMEM_PLAN_KINDS + 1, all, &out));
  assert_fails(INFERMEM_E_ARG, plan_query(plan, INFERMEM_PLAN_TOTAL_BYTES - 1, all, &out));
  assert_fails(INFERMEM_E_ARG, plan_query(plan, INFERMEM_PLAN_NOTES + 1, all, &out));
  assert_fails(INFERMEM_E_ARG, plan_query(plan, UINT32_MAX, all, &out));
  assert_fails(INFERMEM_E_ARG, plan_query(plan, INFERMEM_PLAN_CONTEXT, 0, &out));
  assert_fails(INFERMEM_E_RANGE, plan_query(plan, INFERMEM_PLAN_WEIGHTS, 1, &out));
  assert_fails(INFERMEM_E_RANGE, plan_query(plan, INFERMEM_PLAN_TOTAL_BYTES, 1, &out));
  assert_int_equal(out, 77);
  for (uint32_t key = INFERMEM_PLAN_TOTAL_BYTES; key <= INFERMEM_PLAN_NOTES; key++)
    assert_ok(plan_query(plan, key, all, &out));
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_FREE_BYTES, 0), 24 * GIB);
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_FREE_BYTES, INFERMEM_PLAN_PLACE_HOST), 0);
  assert_int_equal(plans_get(plan, INFERMEM_PLAN_CONTEXT_STEP), 1);
  INFERMEM_STRUCT(infermem_plan_term_facts, term);
  INFERMEM_STRUCT(infermem_plan_layer_facts, layer);
  INFERMEM_STRUCT(infermem_plan_advice_facts, advice);
  assert_fails(INFERMEM_E_RANGE, plan_term(plan, plan_term_count(plan), &term));
  assert_fails(INFERMEM_E_RANGE, plan_layer(plan, 32, &layer));
  assert_fails(INFERMEM_E_RANGE, plan_advice(plan, 0, &advice));
  term.struct_size = layer.struct_size = 0;
  assert_fails(INFERMEM_E_STRUCT, plan_term(plan, 0, &term));
  assert_fails(INFERMEM_E_STRUCT, plan_layer(plan, 0, &layer));
  layer.struct_size = sizeof layer;
  assert_ok(plan_layer(plan, 31, &layer));
  assert_int_equal(layer.place, 0);
  assert_int_equal(layer.kv_index, 31);
  assert_int_equal(layer.kv_bytes, (uint64_t)2048 * 4 * 4096);
  plan_free(plan);
  plan = plans_one(&c, GIB, NULL);
  advice.struct_size = 0;
  assert_true(plan_advice_count(plan) > 0);
  assert_fails(INFERMEM_E_STRUCT, plan_advice(plan, 0, &advice));
  plan_free(plan);
}

static void layers_that_share_keys_share_their_place_in_the_cache(void **state) {
  (void)state;
  infermem_model_config c = plans_llama8();
  c.n_kv_shared_layers = 12;
  infermem_plan *plan = plans_one(&c, 200 * GIB, NULL);
  INFERMEM_STRUCT(infermem_plan_layer_facts, layer);
  INFERMEM_STRUCT(infermem_model_layer, source);
  for (uint64_t i = 0; i < 32; i++) {
    assert_ok(infermem_config_layer(&c, i, &source));
    assert_ok(plan_layer(plan, i, &layer));
    assert_int_equal(layer.kv_index, source.kv_source);
    assert_int_equal(layer.kv_bytes != 0, i < 20);
  }
  plan_free(plan);
}

static void facts_of_a_probe_become_a_device(void **state) {
  (void)state;
  INFERMEM_STRUCT(infermem_device_facts, facts);
  strcpy(facts.name, "GPU");
  facts.total_bytes = 24 * GIB;
  facts.free_bytes = 20 * GIB;
  facts.free_known = 1;
  infermem_plan_device d = device_of(0);
  assert_ok(plan_device_from(&facts, &d));
  assert_string_equal(d.name, "GPU");
  assert_int_equal(d.total_bytes, 24 * GIB);
  assert_int_equal(d.free_bytes, 20 * GIB);
  assert_int_equal(d.flags, 0);
  facts.free_known = 0;
  facts.is_unified = 1;
  memset(facts.name, 'n', sizeof facts.name);
  assert_ok(plan_device_from(&facts, &d));
  assert_int_equal(strlen(d.name), sizeof d.name - 1);
  assert_int_equal(d.free_bytes, 0);
  assert_int_equal(d.flags, INFERMEM_PLAN_DEVICE_UNIFIED);
  assert_fails(INFERMEM_E_NULL, plan_device_from(NULL, &d));
  assert_fails(INFERMEM_E_NULL, plan_device_from(&facts, NULL));
  d.struct_size = 0;
  assert_fails(INFERMEM_E_STRUCT, plan_device_from(&facts, &d));
  facts.struct_size = 0;
  assert_fails(INFERMEM_E_STRUCT, plan_device_from(&facts, &d));
}

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
                      "  context  1024 tokens, 1 sequence, keys F32, values F32; the most that fits is 83324\n"
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
  for (size_t i = 0; i < 8; i++) devices[i] = device_of(8 * GIB);
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
  infermem_plan_device d = device_of(100 * GIB);
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

/* ---- Failing allocations ---- */

static int32_t plan_with(const infermem_allocator *allocator) {
  const infermem_model_config c = plans_mixtral();
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.allocator = allocator;
  options.host_bytes = 128 * GIB;
  const infermem_plan_device devices[] = {device_of(8 * GIB), device_of(16 * GIB)};
  infermem_plan *plan = NULL;
  const int32_t status = plan_new(NULL, &c, devices, 2, &options, &plan);
  if (status != INFERMEM_OK) {
    assert_null(plan);
    return status;
  }
  infermem_kv *kv = NULL;
  const int32_t kv_status = plan_build_kv(plan, NULL, &kv);
  if (kv_status != INFERMEM_OK) assert_null(kv);
  kv_free(kv);
  infermem_layout *layout = NULL;
  const int32_t layout_status = plan_build_layout(plan, &layout);
  if (layout_status != INFERMEM_OK) assert_null(layout);
  layout_free(layout);
  plan_free(plan);
  return kv_status != INFERMEM_OK ? kv_status : layout_status;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  assert_true(oom_walk(plan_with) >= 5);
  INFERMEM_STRUCT(infermem_allocator, none);
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.allocator = &none;
  const infermem_model_config c = plans_llama8();
  const infermem_plan_device d = device_of(GIB);
  assert_new_fails(INFERMEM_E_ARG, &c, &d, 1, &options);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(options_that_make_no_sense_are_refused),
      cmocka_unit_test(devices_that_make_no_sense_are_refused),
      cmocka_unit_test(devices_may_be_of_an_older_or_a_newer_caller),
      cmocka_unit_test(a_configuration_is_validated),
      cmocka_unit_test(heads_that_are_no_whole_blocks_name_their_layer),
      cmocka_unit_test(null_and_other_handles_are_errors),
      cmocka_unit_test(queries_know_their_keys_and_places),
      cmocka_unit_test(layers_that_share_keys_share_their_place_in_the_cache),
      cmocka_unit_test(facts_of_a_probe_become_a_device),
      cmocka_unit_test(a_plan_is_a_table),
      cmocka_unit_test(a_text_needs_room_for_all_of_it),
      cmocka_unit_test(many_devices_share_a_column),
      cmocka_unit_test(a_refusal_says_what_would_fit),
      cmocka_unit_test(json_is_one_object_with_stable_keys),
      cmocka_unit_test(hostile_names_are_escaped),
      cmocka_unit_test(an_audit_compares_what_was_measured),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("plans", tests, NULL, NULL);
}
