/* Dispatch metrics as text. */
#include <stdlib.h>

#include "dispatches.h"

static char *text_of(const infermem_dispatch *dispatch, int is_json) {
  size_t length = 0, again = 0;
  int32_t (*const write)(const infermem_dispatch *, char *, size_t, size_t *) =
      is_json ? dispatch_json : dispatch_prometheus;
  assert_int_equal(write(dispatch, NULL, 0, &length), INFERMEM_OK);
  char *text = malloc(length + 20); /* the time may have become longer */
  assert_non_null(text);
  assert_int_equal(write(dispatch, text, length + 20, &again), INFERMEM_OK);
  assert_int_equal(strlen(text), again);
  return text;
}

static void prometheus_text_is_cumulative_and_inclusive(void **state) {
  (void)state;
  const char *const names[] = {"CPU", "say \"hi\"\\\n", "\xc3\xa9"};
  INFERMEM_STRUCT(infermem_dispatch_options, options);
  options.n_backends = 3;
  options.names = names;
  infermem_dispatch *dispatch = NULL;
  assert_ok(dispatch_new(&options, &dispatch));
  RECORD_US(dispatch, CPU, 100, 101, 500, 6000000);
  assert_ok(dispatch_count_only(dispatch, CPU));
  assert_ok(dispatch_record(dispatch, 1, 99999));
  char *const text = text_of(dispatch, 0);
  assert_string_equal(text,
                      "# HELP infermem_dispatches_total Dispatches that a backend did.\n"
                      "# TYPE infermem_dispatches_total counter\n"
                      "infermem_dispatches_total{backend=\"CPU\"} 5\n"
                      "infermem_dispatches_total{backend=\"say \\\"hi\\\"\\\\\\n\"} 1\n"
                      "infermem_dispatches_total{backend=\"\xc3\xa9\"} 0\n"
                      "# HELP infermem_dispatch_latency_seconds How long a backend's dispatches took.\n"
                      "# TYPE infermem_dispatch_latency_seconds histogram\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"CPU\",le=\"0.0001\"} 1\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"CPU\",le=\"0.0005\"} 3\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"CPU\",le=\"0.001\"} 3\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"CPU\",le=\"0.005\"} 3\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"CPU\",le=\"+Inf\"} 4\n"
                      "infermem_dispatch_latency_seconds_sum{backend=\"CPU\"} 6.000701\n"
                      "infermem_dispatch_latency_seconds_count{backend=\"CPU\"} 4\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"say \\\"hi\\\"\\\\\\n\",le=\"0.0001\"} 1\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"say \\\"hi\\\"\\\\\\n\",le=\"0.0005\"} 1\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"say \\\"hi\\\"\\\\\\n\",le=\"0.001\"} 1\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"say \\\"hi\\\"\\\\\\n\",le=\"0.005\"} 1\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"say \\\"hi\\\"\\\\\\n\",le=\"+Inf\"} 1\n"
                      "infermem_dispatch_latency_seconds_sum{backend=\"say \\\"hi\\\"\\\\\\n\"} 0.000099999\n"
                      "infermem_dispatch_latency_seconds_count{backend=\"say \\\"hi\\\"\\\\\\n\"} 1\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"\xc3\xa9\",le=\"0.0001\"} 0\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"\xc3\xa9\",le=\"0.0005\"} 0\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"\xc3\xa9\",le=\"0.001\"} 0\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"\xc3\xa9\",le=\"0.005\"} 0\n"
                      "infermem_dispatch_latency_seconds_bucket{backend=\"\xc3\xa9\",le=\"+Inf\"} 0\n"
                      "infermem_dispatch_latency_seconds_sum{backend=\"\xc3\xa9\"} 0\n"
                      "infermem_dispatch_latency_seconds_count{backend=\"\xc3\xa9\"} 0\n");
  free(text);
  dispatch_free(dispatch);
}

static void json_text_has_the_same(void **state) {
  (void)state;
  const char *const names[] = {"a\"b\\c\n\x01\x1f"};
  INFERMEM_STRUCT(infermem_dispatch_options, options);
  options.n_backends = 1;
  options.names = names;
  infermem_dispatch *dispatch = NULL;
  assert_ok(dispatch_new(&options, &dispatch));
  RECORD_US(dispatch, 0, 100, 200);
  char *const text = text_of(dispatch, 1);
  static const char begin[] = "{\"elapsed_ns\": ";
  assert_memory_equal(text, begin, sizeof begin - 1);
  const char *rest = text + sizeof begin - 1;
  rest += strspn(rest, "0123456789");
  assert_string_equal(
      rest,
      ", \"backends\": [{\"name\": \"a\\\"b\\\\c\\n\\u0001\\u001f\", \"dispatches\": 2, \"latencies\": 2, "
      "\"sum_ns\": 300000, \"min_ns\": 100000, \"max_ns\": 200000, \"p50_ns\": 100000, \"p90_ns\": 200000, "
      "\"p95_ns\": 200000, \"p99_ns\": 200000, \"p999_ns\": 200000, \"mean_ns\": 150000.000, "
      "\"deviation_ns\": 50000.000, \"variation_percent\": 33.333, \"buckets\": [{\"below_ns\": 100000, "
      "\"count\": 0}, {\"below_ns\": 500000, \"count\": 2}, {\"below_ns\": 1000000, \"count\": 0}, "
      "{\"below_ns\": 5000000, \"count\": 0}, {\"below_ns\": null, \"count\": 0}]}]}\n");
  free(text);
  dispatch_free(dispatch);
}

static void a_text_that_does_not_fit_is_not_begun(void **state) {
  (void)state;
  infermem_dispatch *dispatch = make();
  char buffer[4096];
  size_t length = 0, untouched = 77;
  assert_ok(dispatch_prometheus(dispatch, NULL, 0, &length));
  memset(buffer, 'x', sizeof buffer);
  assert_fails(INFERMEM_E_BUFFER, dispatch_prometheus(dispatch, buffer, length, &untouched));
  assert_int_equal(infermem_error_detail()->expected, length + 1);
  assert_int_equal(untouched, 77);
  for (size_t i = 0; i < sizeof buffer; i++) assert_int_equal(buffer[i], 'x');
  assert_ok(dispatch_prometheus(dispatch, buffer, length + 1, &untouched));
  assert_int_equal(untouched, length);
  assert_int_equal(buffer[length], '\0');
  assert_int_equal(buffer[length + 1], 'x');
  assert_fails(INFERMEM_E_BUFFER, dispatch_json(dispatch, buffer, 10, &untouched));
  assert_fails(INFERMEM_E_NULL, dispatch_prometheus(dispatch, NULL, 10, &untouched));
  assert_fails(INFERMEM_E_NULL, dispatch_json(dispatch, NULL, 10, &untouched));
  assert_fails(INFERMEM_E_NULL, dispatch_prometheus(dispatch, buffer, 10, NULL));
  assert_fails(INFERMEM_E_NULL, dispatch_json(dispatch, buffer, 10, NULL));
  assert_fails(INFERMEM_E_NULL, dispatch_prometheus(NULL, buffer, 10, &length));
  assert_fails(INFERMEM_E_NULL, dispatch_json(NULL, buffer, 10, &length));
  dispatch_free(dispatch);
}

static void backends_are_named(void **state) {
  (void)state;
  INFERMEM_STRUCT(infermem_dispatch_options, options);
  options.n_backends = INFERMEM_DISPATCH_MAX_BACKENDS;
  infermem_dispatch *dispatch = NULL;
  assert_ok(dispatch_new(&options, &dispatch));
  assert_ok(dispatch_record(dispatch, INFERMEM_DISPATCH_MAX_BACKENDS - 1, 1));
  char *const text = text_of(dispatch, 0);
  assert_non_null(strstr(text, "infermem_dispatches_total{backend=\"CPU\"} 0\n"));
  assert_non_null(strstr(text, "infermem_dispatches_total{backend=\"GPU\"} 0\n"));
  assert_non_null(strstr(text, "infermem_dispatches_total{backend=\"backend2\"} 0\n"));
  assert_non_null(strstr(text, "infermem_dispatches_total{backend=\"backend31\"} 1\n"));
  free(text);
  dispatch_free(dispatch);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(prometheus_text_is_cumulative_and_inclusive),
      cmocka_unit_test(json_text_has_the_same),
      cmocka_unit_test(a_text_that_does_not_fit_is_not_begun),
      cmocka_unit_test(backends_are_named),
  };
  return cmocka_run_group_tests_name("dispatch_text", tests, NULL, NULL);
}
