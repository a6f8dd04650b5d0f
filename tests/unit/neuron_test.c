/* Hot and cold neurons: counting and classifying, by given and by random operations. */
#include "model_check.h"
#include "neurons.h"

/* ---- Counting and classifying ---- */

static void the_first_five_of_a_hundred_are_hot_after_a_thousand_events(void **state) {
  (void)state;
  infermem_neuron *neuron = make(0, 100, 0.1f, 0, 0);
  const uint32_t active[] = {0, 1, 2, 3, 4};
  record_times(neuron, 0, active, 5, 999);
  assert_lists(neuron, 0, NULL, 0, 100); /* the default interval is 1000 */
  assert_ok(neuron_record(neuron, 0, active, 5));
  assert_int_equal(neuron_is_hot(neuron, 0, 0), 1);
  assert_int_equal(neuron_is_hot(neuron, 0, 1), 1);
  assert_int_equal(neuron_is_hot(neuron, 0, 50), 0);
  assert_lists(neuron, 0, active, 5, 100);
  const infermem_neuron_counts counts = stat_of(neuron, 0);
  assert_int_equal(counts.events, 1000);
  assert_int_equal(counts.reclassifications, 1);
  assert_true(counts.hot_ratio == 0.05);
  neuron_free(neuron);
}

/* events, threshold, and the count from which on a neuron is hot */
static void the_needed_count_is_the_truncated_product_and_at_least_one(void **state) {
  (void)state;
  const struct {
    size_t events;
    float threshold;
    size_t needed;
  } cases[] = {
      {1000, 0.1f, 100}, {1000, 0.2f, 200}, {5, 0.2f, 1},  {5, 0.1f, 1},     {1, 1.0f, 1},
      {9, 1.0f, 9},      {1000, 0.0f, 1},   {3, 0.5f, 1},  {7, 0.5f, 3},     {10, 0.3f, 3},
      {1000, 0.7f, 699}, {10, 0.7f, 6},     {10, 0.9f, 8}, {100, 0.25f, 25}, {99, 0.25f, 24},
  };
  const uint32_t pair[] = {0, 1}, one = 1;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    /* Neuron 0 is active one time less than needed, neuron 1 exactly as often, 2 never. */
    infermem_neuron *neuron = make(1, 3, cases[i].threshold, 100000, 0);
    record_times(neuron, 0, pair, 2, cases[i].needed - 1);
    assert_ok(neuron_record(neuron, 0, &one, 1));
    record_times(neuron, 0, NULL, 0, cases[i].events - cases[i].needed);
    assert_int_equal(stat_of(neuron, 0).events, cases[i].events);
    assert_ok(neuron_reclassify(neuron, 0));
    assert_lists(neuron, 0, &one, 1, 3);
    neuron_free(neuron);
  }
}

static void before_any_classification_all_are_cold(void **state) {
  (void)state;
  infermem_neuron *neuron = make(2, 130, 0.0f, 0, 0);
  assert_lists(neuron, 0, NULL, 0, 130);
  assert_lists(neuron, 1, NULL, 0, 130);
  const uint32_t all[] = {0, 64, 129};
  assert_ok(neuron_record(neuron, 1, all, 3));
  assert_lists(neuron, 1, NULL, 0, 130);
  assert_ok(neuron_reclassify(neuron, 1));
  assert_lists(neuron, 1, all, 3, 130);
  assert_lists(neuron, 0, NULL, 0, 130);
  assert_ok(neuron_reclassify(neuron, 0)); /* of no events: still nothing was ever active */
  assert_lists(neuron, 0, NULL, 0, 130);
  neuron_free(neuron);
}

static void an_index_counts_once_for_each_time_that_it_occurs(void **state) {
  (void)state;
  infermem_neuron *neuron = make(1, 8, 0.0f, 0, 0);
  const uint32_t active[] = {7, 2, 7, 7, 2};
  assert_ok(neuron_record(neuron, 0, active, 5));
  assert_true(neuron_frequency(neuron, 0, 7) == 3.0);
  assert_true(neuron_frequency(neuron, 0, 2) == 2.0);
  assert_true(neuron_frequency(neuron, 0, 0) == 0.0);
  record_times(neuron, 0, NULL, 0, 3);
  assert_true(neuron_frequency(neuron, 0, 7) == 0.75);
  assert_int_equal(stat_of(neuron, 0).events, 4);
  neuron_free(neuron);
}

static void a_call_is_one_event_even_without_indices(void **state) {
  (void)state;
  infermem_neuron *neuron = make(1, 4, 0.5f, 2, 0);
  const uint32_t active = 1;
  assert_ok(neuron_record(neuron, 0, NULL, 0));
  assert_ok(neuron_record(neuron, 0, &active, 0)); /* the second event: classified, but the index was not counted */
  assert_int_equal(stat_of(neuron, 0).events, 2);
  assert_int_equal(stat_of(neuron, 0).reclassifications, 1);
  assert_lists(neuron, 0, NULL, 0, 4);
  neuron_free(neuron);
}

static void indices_out_of_range_are_skipped_and_counted(void **state) {
  (void)state;
  infermem_neuron *neuron = make(1, 10, 0.0f, 0, 0);
  const uint32_t active[] = {9, 10, 3, UINT32_MAX, 11};
  assert_ok(neuron_record(neuron, 0, active, 5));
  assert_ok(neuron_reclassify(neuron, 0));
  const uint32_t hot[] = {3, 9};
  assert_lists(neuron, 0, hot, 2, 10);
  assert_int_equal(stat_of(neuron, 0).out_of_range, 3);
  assert_int_equal(stat_of(neuron, 0).events, 1);
  neuron_free(neuron);
}

static void strict_refuses_a_call_with_an_index_out_of_range_whole(void **state) {
  (void)state;
  infermem_neuron *neuron = make(2, 10, 0.0f, 1, INFERMEM_NEURON_STRICT);
  const uint32_t good[] = {9, 0}, bad[] = {9, 0, 10};
  assert_ok(neuron_record(neuron, 1, good, 2));
  assert_fails(INFERMEM_E_RANGE, neuron_record(neuron, 1, bad, 3));
  assert_int_equal(infermem_error_detail()->expected, 10);
  assert_int_equal(infermem_error_detail()->got, 10);
  const infermem_neuron_counts counts = stat_of(neuron, 1);
  assert_int_equal(counts.events, 1);
  assert_int_equal(counts.out_of_range, 0);
  assert_int_equal(counts.reclassifications, 1);
  assert_true(neuron_frequency(neuron, 1, 9) == 1.0);
  neuron_free(neuron);
}

static void a_layer_is_reclassified_every_interval_of_its_own_events(void **state) {
  (void)state;
  infermem_neuron *neuron = make(2, 5, 1.0f, 3, 0);
  const uint32_t first[] = {4}, later[] = {1};
  record_times(neuron, 0, first, 1, 2);
  record_times(neuron, 1, later, 1, 2); /* the other layer's events do not count here */
  assert_lists(neuron, 0, NULL, 0, 5);
  assert_ok(neuron_record(neuron, 0, first, 1));
  assert_lists(neuron, 0, first, 1, 5);
  assert_int_equal(stat_of(neuron, 1).reclassifications, 0);

  /* One asked for does not move the automatic ones, which come at events 6, 9, … */
  record_times(neuron, 0, later, 1, 1);
  assert_ok(neuron_reclassify(neuron, 0));
  assert_lists(neuron, 0, NULL, 0, 5);
  assert_int_equal(stat_of(neuron, 0).reclassifications, 2);
  record_times(neuron, 0, later, 1, 1);
  assert_int_equal(stat_of(neuron, 0).reclassifications, 2);
  record_times(neuron, 0, later, 1, 1);
  assert_int_equal(stat_of(neuron, 0).reclassifications, 3);
  neuron_free(neuron);
}

static void clear_forgets_every_layer(void **state) {
  (void)state;
  infermem_neuron *neuron = make(2, 70, 0.0f, 2, 0);
  const uint32_t active[] = {69, 0, 70};
  for (size_t layer = 0; layer < 2; layer++) record_times(neuron, layer, active, 3, 3);
  assert_int_equal(neuron_is_hot(neuron, 1, 69), 1);
  assert_ok(neuron_clear(neuron));
  for (size_t layer = 0; layer < 2; layer++) {
    const infermem_neuron_counts counts = stat_of(neuron, layer);
    assert_int_equal(counts.events, 0);
    assert_int_equal(counts.out_of_range, 0);
    assert_int_equal(counts.reclassifications, 0);
    assert_lists(neuron, layer, NULL, 0, 70);
    assert_true(neuron_frequency(neuron, layer, 69) == 0.0);
    record_times(neuron, layer, NULL, 0, 1);
    assert_int_equal(stat_of(neuron, layer).reclassifications, 0); /* the interval starts anew */
    record_times(neuron, layer, NULL, 0, 1);
    assert_int_equal(stat_of(neuron, layer).reclassifications, 1);
    assert_lists(neuron, layer, NULL, 0, 70);
  }
  neuron_free(neuron);
}

static void one_neuron_in_one_layer_is_enough(void **state) {
  (void)state;
  infermem_neuron *neuron = make(1, 1, 1.0f, 1, 0);
  const uint32_t zero = 0;
  assert_ok(neuron_record(neuron, 0, &zero, 1));
  assert_lists(neuron, 0, &zero, 1, 1);
  assert_true(stat_of(neuron, 0).hot_ratio == 1.0);
  assert_ok(neuron_record(neuron, 0, NULL, 0));
  assert_lists(neuron, 0, NULL, 0, 1);
  neuron_free(neuron);
}

static void counts_stay_at_their_largest_value(void **state) {
  (void)state;
  const uint32_t zeros[] = {0, 0, 0};
  infermem_neuron *neuron = make(1, 3, 1.0f, UINT32_MAX, 0);
  for (int i = 0; i < 32; i++) { /* twice what there is, and one more */
    infermem_neuron *more = make(1, 3, 1.0f, UINT32_MAX, 0);
    const infermem_neuron *const twice[] = {neuron, neuron};
    assert_ok(neuron_merge(more, twice, 2));
    assert_ok(neuron_record(more, 0, zeros, 1));
    neuron_free(neuron);
    neuron = more;
  }
  assert_int_equal(stat_of(neuron, 0).events, UINT32_MAX);
  assert_true(neuron_frequency(neuron, 0, 0) == 1.0);
  assert_ok(neuron_record(neuron, 0, zeros, 3));
  assert_true(neuron_frequency(neuron, 0, 0) == 4294967295.0 / 4294967296.0);
  const uint32_t others[] = {1, 0, 3};
  assert_ok(neuron_record(neuron, 0, others, 3));
  assert_true(neuron_frequency(neuron, 0, 0) == 4294967295.0 / 4294967297.0);
  assert_true(neuron_frequency(neuron, 0, 1) == 1.0 / 4294967297.0);
  assert_int_equal(stat_of(neuron, 0).out_of_range, 1);
  assert_ok(neuron_reclassify(neuron, 0));
  assert_lists(neuron, 0, zeros, 1, 3);
  neuron_free(neuron);
}

/* ---- Against a model ---- */

enum { kRecord, kRecordMany, kReclassify, kClear, kKinds };
static const char *const kNames[] = {"record", "record_many", "reclassify", "clear"};
enum { kLayers = 3, kMaxNeurons = 200 };

static struct {
  uint32_t n_neurons;
  float threshold;
  uint32_t interval;
  uint32_t flags;
  int tape;
} setup;

static struct {
  uint64_t counts[kMaxNeurons], events, out_of_range, reclassifications;
  int is_hot[kMaxNeurons];
} model[kLayers];

static void model_classify(size_t layer) {
  const uint64_t product = (uint64_t)((double)model[layer].events * (double)setup.threshold);
  const uint64_t needed = product > 1 ? product : 1;
  for (uint32_t i = 0; i < setup.n_neurons; i++) model[layer].is_hot[i] = model[layer].counts[i] >= needed;
  model[layer].reclassifications++;
}

static const char *model_record(infermem_neuron *neuron, size_t layer, uint64_t seed, size_t n) {
  uint32_t indices[300] = {0};
  int bad = 0;
  for (size_t k = 0; k < n; k++) {
    indices[k] = (uint32_t)test_random_below(&seed, setup.n_neurons);
    if (test_random_below(&seed, 100) == 0) indices[k] = setup.n_neurons + (uint32_t)test_random_below(&seed, 5);
    bad += indices[k] >= setup.n_neurons;
  }
  const int32_t status = neuron_record(neuron, layer, indices, n);
  if (bad && (setup.flags & INFERMEM_NEURON_STRICT)) return status == INFERMEM_E_RANGE ? NULL : "not refused";
  if (status != INFERMEM_OK) return "refused";
  for (size_t k = 0; k < n; k++) {
    if (indices[k] < setup.n_neurons)
      model[layer].counts[indices[k]]++;
    else
      model[layer].out_of_range++;
  }
  if (++model[layer].events % setup.interval == 0) model_classify(layer);
  return NULL;
}

static const char *compare(const infermem_neuron *neuron, size_t layer) {
  const uint32_t *hot, *cold;
  size_t n_hot, n_cold, h = 0, c = 0;
  INFERMEM_STRUCT(infermem_neuron_counts, counts);
  if (neuron_hot(neuron, layer, &hot, &n_hot) || neuron_cold(neuron, layer, &cold, &n_cold) ||
      neuron_stat(neuron, layer, &counts))
    return "refused";
  if (n_hot + n_cold != setup.n_neurons) return "the lists are not all neurons";
  for (uint32_t i = 0; i < setup.n_neurons; i++) {
    const int is_hot = model[layer].is_hot[i];
    if (is_hot ? h == n_hot || hot[h++] != i : c == n_cold || cold[c++] != i) return "a list";
    if (neuron_is_hot(neuron, layer, i) != is_hot) return "is_hot";
    const double frequency = model[layer].events ? (double)model[layer].counts[i] / (double)model[layer].events : 0.0;
    if (neuron_frequency(neuron, layer, i) != frequency) return "frequency";
  }
  if (counts.n_hot != n_hot || counts.n_cold != n_cold) return "the lists' lengths";
  if (counts.events != model[layer].events) return "events";
  if (counts.out_of_range != model[layer].out_of_range) return "out_of_range";
  if (counts.reclassifications != model[layer].reclassifications) return "reclassifications";
  return NULL;
}

static const char *run_operations(const struct operation *operations, size_t n) {
  memset(model, 0, sizeof model);
  infermem_tape *tape = setup.tape ? test_tape_dirty(1 << 16) : NULL;
  INFERMEM_STRUCT(infermem_neuron_options, options);
  options.n_layers = kLayers;
  options.n_neurons = setup.n_neurons;
  options.threshold = setup.threshold;
  options.interval = setup.interval;
  options.flags = setup.flags;
  options.tape = tape;
  infermem_neuron *neuron = NULL;
  assert_ok(neuron_new(&options, &neuron));
  const char *difference = NULL;
  for (size_t i = 0; i < n && !difference; i++) {
    const struct operation *op = &operations[i];
    const size_t layer = op->a % kLayers;
    switch (op->kind) {
      case kRecord:
        difference = model_record(neuron, layer, op->b, op->c % 8);
        break;
      case kRecordMany:
        difference = model_record(neuron, layer, op->b, op->c % 300);
        break;
      case kReclassify:
        if (op->b % 4 != 0) break;
        if (neuron_reclassify(neuron, layer)) difference = "refused";
        model_classify(layer);
        break;
      case kClear:
        if (op->b % 20 != 0) break;
        if (neuron_clear(neuron)) difference = "refused";
        memset(model, 0, sizeof model);
        break;
    }
    for (size_t l = 0; l < kLayers && !difference; l++) difference = compare(neuron, l);
  }
  neuron_free(neuron);
  tape_free(tape);
  return difference;
}

static void random_operations_agree_with_a_model(void **state) {
  (void)state;
  const uint32_t neurons[] = {1, 2, 63, 64, 65, 128, 200};
  const float thresholds[] = {0.0f, 0.1f, 0.5f, 0.9f, 1.0f};
  uint64_t random = 20250101;
  for (uint64_t seed = 1; seed <= 40; seed++) {
    setup.n_neurons = neurons[test_random_below(&random, 7)];
    setup.threshold = thresholds[test_random_below(&random, 5)];
    setup.interval = 1 + (uint32_t)test_random_below(&random, 20);
    setup.flags = test_random_below(&random, 4) == 0 ? INFERMEM_NEURON_STRICT : 0;
    setup.tape = test_random_below(&random, 2) == 0;
    model_check(run_operations, kNames, kKinds, seed, 150);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_five_of_a_hundred_are_hot_after_a_thousand_events),
      cmocka_unit_test(the_needed_count_is_the_truncated_product_and_at_least_one),
      cmocka_unit_test(before_any_classification_all_are_cold),
      cmocka_unit_test(an_index_counts_once_for_each_time_that_it_occurs),
      cmocka_unit_test(a_call_is_one_event_even_without_indices),
      cmocka_unit_test(indices_out_of_range_are_skipped_and_counted),
      cmocka_unit_test(strict_refuses_a_call_with_an_index_out_of_range_whole),
      cmocka_unit_test(a_layer_is_reclassified_every_interval_of_its_own_events),
      cmocka_unit_test(clear_forgets_every_layer),
      cmocka_unit_test(one_neuron_in_one_layer_is_enough),
      cmocka_unit_test(counts_stay_at_their_largest_value),
      cmocka_unit_test(random_operations_agree_with_a_model),
  };
  return cmocka_run_group_tests_name("neuron", tests, NULL, NULL);
}
