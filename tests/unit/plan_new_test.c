/* Plans as objects: their errors, and what they answer. */
#include <math.h>

#include "plans.h"

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
  const infermem_plan_device d = plans_device(24 * GIB);
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
  infermem_plan_device d = plans_device(0);
  assert_new_fails(INFERMEM_E_ARG, &c, &d, 1, NULL);
  assert_non_null(strstr(infermem_error_detail()->message, "the caller has to choose"));
  assert_new_fails(INFERMEM_E_ARG, &c, NULL, 0, NULL); /* the host is not known either */
  d = plans_device(GIB);
  d.flags = 4;
  assert_new_fails(INFERMEM_E_ARG, &c, &d, 1, NULL);
  d = plans_device(GIB);
  d.reserved = 1;
  assert_new_fails(INFERMEM_E_ARG, &c, &d, 1, NULL);
  d = plans_device(GIB);
  memset(d.name, 'x', sizeof d.name);
  assert_new_fails(INFERMEM_E_ARG, &c, &d, 1, NULL);
  infermem_plan_device two[2] = {plans_device(GIB), plans_device(GIB)};
  two[1].struct_size = 8;
  assert_new_fails(INFERMEM_E_STRUCT, &c, two, 2, NULL);
  two[0].struct_size = 2;
  assert_new_fails(INFERMEM_E_STRUCT, &c, two, 2, NULL);
  infermem_plan_device many[INFERMEM_PLAN_MAX_DEVICES + 1];
  for (size_t i = 0; i <= INFERMEM_PLAN_MAX_DEVICES; i++) many[i] = plans_device(4 * GIB + i);
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
  } newer[2] = {{plans_device(24 * GIB), 0}, {plans_device(25 * GIB), 0}};
  newer[0].device.struct_size = newer[1].device.struct_size = sizeof *newer;
  infermem_plan *plan = NULL;
  assert_ok(plan_new(NULL, &c, &newer[0].device, 2, NULL, &plan));
  assert_int_equal(plans_at(plan, INFERMEM_PLAN_FREE_BYTES, 1), 25 * GIB);
  plan_free(plan);
  newer[1].future = 1;
  assert_new_fails(INFERMEM_E_STRUCT, &c, &newer[0].device, 2, NULL);
  infermem_plan_device older = plans_device(24 * GIB);
  older.struct_size = offsetof(infermem_plan_device, link_bytes_per_s);
  older.link_bytes_per_s = 1; /* beyond what this caller has */
  assert_ok(plan_new(NULL, &c, &older, 1, NULL, &plan));
  plan_free(plan);
}

static void a_configuration_is_validated(void **state) {
  (void)state;
  const infermem_plan_device d = plans_device(24 * GIB);
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
  const infermem_plan_device d = plans_device(24 * GIB);
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
  const infermem_plan_device d = plans_device(24 * GIB);
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
  assert_fails(INFERMEM_E_NULL, plan_build_scratch(plan, NULL, NULL));
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
  infermem_plan_device d = plans_device(0);
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

/* ---- Failing allocations ---- */

static int32_t plan_with(const infermem_allocator *allocator) {
  infermem_model_config c = plans_mixtral(); /* in small */
  c.n_layers = 4;
  c.hidden = c.vocab = c.context = 512;
  c.n_heads = c.n_kv_heads = 4;
  c.rope_dims = 0;
  c.intermediate = 1024;
  INFERMEM_STRUCT(infermem_plan_options, options);
  options.allocator = allocator;
  options.host_bytes = GIB;
  options.flags = INFERMEM_PLAN_NO_MARGIN;
  options.driver_bytes = MIB;
  const infermem_plan_device devices[] = {plans_device(30 * MIB), plans_device(50 * MIB)};
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
  const infermem_plan_device d = plans_device(GIB);
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
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests_name("plans", tests, NULL, NULL);
}
