/* Saved profiles: what is written, what is read, and what is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "files.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { kHeader = 128 };

/* The profiles of data/make_neuron_files.py. */
static const char *const kProfiles[] = {"threshold", "budget"};

static infermem_neuron *make(int which, const infermem_tape *tape) {
  INFERMEM_STRUCT(infermem_neuron_options, options);
  options.tape = tape;
  options.n_layers = which == 0 ? 2 : 0;
  options.n_neurons = which == 0 ? 20 : 70;
  options.interval = which == 0 ? 4 : 7;
  if (which == 0) {
    options.threshold = 0.25f;
    options.flags = INFERMEM_NEURON_STRICT;
  } else {
    options.budget_fraction = 0.1f;
    options.hysteresis = 0.25f;
    options.half_life = 6;
  }
  infermem_neuron *neuron = NULL;
  assert_ok(neuron_new(&options, &neuron));
  for (uint32_t layer = 0; layer < (which == 0 ? 2u : 1u); layer++) {
    for (uint32_t event = 0; event < (which == 0 ? 10 : 25) + layer; event++) {
      uint32_t active[80], n = 0;
      for (uint32_t i = 0; i < options.n_neurons; i++)
        if ((i * 7 + event * 5 + layer * 3) % (2 + i % 9) == 0) active[n++] = i;
      if (which == 1) active[n++] = 70, active[n++] = 71; /* out of range */
      assert_ok(neuron_record(neuron, layer, active, n));
    }
  }
  return neuron;
}

static struct bytes golden(int which) {
  char path[512];
  snprintf(path, sizeof path, "%s/neuron/%s.neuron", TEST_DATA, kProfiles[which]);
  struct bytes b = file_read(path);
  assert_non_null(b.data);
  return b;
}

static void assert_same(const infermem_neuron *a, const infermem_neuron *b, size_t n_layers, uint32_t n) {
  for (size_t layer = 0; layer < n_layers; layer++) {
    INFERMEM_STRUCT(infermem_neuron_counts, x);
    INFERMEM_STRUCT(infermem_neuron_counts, y);
    assert_ok(neuron_stat(a, layer, &x));
    assert_ok(neuron_stat(b, layer, &y));
    assert_memory_equal(&x, &y, sizeof x);
    const uint32_t *hot, *also_hot, *cold, *also_cold;
    size_t n_hot, n_cold;
    assert_ok(neuron_hot(a, layer, &hot, &n_hot));
    assert_ok(neuron_hot(b, layer, &also_hot, &n_hot));
    assert_ok(neuron_cold(a, layer, &cold, &n_cold));
    assert_ok(neuron_cold(b, layer, &also_cold, &n_cold));
    assert_memory_equal(hot, also_hot, n_hot * sizeof *hot);
    assert_memory_equal(cold, also_cold, n_cold * sizeof *cold);
    for (uint32_t i = 0; i < n; i++) {
      assert_true(neuron_frequency(a, layer, i) == neuron_frequency(b, layer, i));
      assert_int_equal(neuron_is_hot(a, layer, i), neuron_is_hot(b, layer, i));
    }
  }
}

/* ---- Reading and writing ---- */

static void golden_files_are_read_and_written(void **state) {
  (void)state;
  for (int which = 0; which < 2; which++) {
    struct bytes saved = golden(which);
    infermem_neuron *made = make(which, NULL), *loaded = NULL;
    file_write("it", saved.data, saved.size);
    assert_ok(neuron_load("it", NULL, &loaded));
    assert_same(made, loaded, which == 0 ? 2 : 1, which == 0 ? 20 : 70);
    assert_ok(neuron_save(made, "made"));
    assert_ok(neuron_save(loaded, "loaded"));
    assert_true(file_is("made", saved) && file_is("loaded", saved));
    neuron_free(loaded);
    neuron_free(made);
    bytes_free(&saved);
  }
}

static void what_is_loaded_goes_on_as_if_it_had_not_been_saved(void **state) {
  (void)state;
  for (int which = 0; which < 2; which++) {
    infermem_neuron *made = make(which, NULL), *loaded = NULL;
    assert_ok(neuron_save(made, "it"));
    assert_ok(neuron_load("it", NULL, &loaded));
    for (uint32_t event = 0; event < 20; event++) {
      const uint32_t active[] = {event % 20, 3};
      assert_ok(neuron_record(made, 0, active, 2));
      assert_ok(neuron_record(loaded, 0, active, 2));
      assert_same(made, loaded, which == 0 ? 2 : 1, which == 0 ? 20 : 70);
    }
    assert_ok(neuron_clear(loaded));
    assert_int_equal(neuron_is_hot(loaded, 0, 3), 0);
    neuron_free(made);
    neuron_free(loaded);
  }
}

static void the_same_profile_gives_the_same_bytes_wherever_it_lies(void **state) {
  (void)state;
  infermem_tape *tape = test_tape(1 << 15);
  for (int which = 0; which < 2; which++) {
    void *dirt;
    assert_ok(tape_alloc(tape, 1 << 14, 1, &dirt));
    memset(dirt, 0x77, 1 << 14);
    assert_ok(tape_clear(tape));
    infermem_neuron *made = make(which, tape), *loaded = NULL;
    INFERMEM_STRUCT(infermem_neuron_options, place);
    place.tape = tape;
    struct bytes saved = golden(which);
    assert_ok(neuron_save(made, "it"));
    assert_true(file_is("it", saved));
    const size_t used = tape_used(tape);
    assert_ok(neuron_load("it", &place, &loaded));
    assert_true(tape_used(tape) > used);
    assert_ok(neuron_save(loaded, "it"));
    assert_true(file_is("it", saved));
    assert_ok(tape_clear(tape));
    assert_fails(INFERMEM_E_STALE, neuron_save(made, "it"));
    assert_true(file_is("it", saved));
    neuron_free(made);
    neuron_free(loaded);
    bytes_free(&saved);
  }
  tape_free(tape);
}

/* ---- What is refused ---- */

static int32_t load(const struct bytes *file) {
  file_write("it", file->data, file->size);
  infermem_neuron *neuron = NULL;
  const int32_t status = neuron_load("it", NULL, &neuron);
  assert_true((status == INFERMEM_OK) == (neuron != NULL));
  if (neuron) neuron_free(neuron);
  return status;
}

static void sign(struct bytes *file) {
  const uint64_t data = XXH3_64bits(file->data + kHeader, file->size - kHeader);
  memcpy(file->data + kHeader - 16, &data, 8);
  const uint64_t header = XXH3_64bits(file->data, kHeader - 8);
  memcpy(file->data + kHeader - 8, &header, 8);
}

static void a_file_that_is_cut_or_too_long_is_refused(void **state) {
  (void)state;
  struct bytes file = golden(0);
  const size_t whole = file.size;
  for (file.size = 0; file.size < whole; file.size++) assert_int_equal(load(&file), INFERMEM_E_TRUNCATED);
  struct bytes longer = {aligned_alloc(64, whole + 64), whole + 1};
  assert_non_null(longer.data);
  memcpy(longer.data, file.data, whole);
  longer.data[whole] = 0;
  assert_int_equal(load(&longer), INFERMEM_E_CORRUPT);
  bytes_free(&longer);
  bytes_free(&file);
}

static void a_bit_that_is_flipped_is_found(void **state) {
  (void)state;
  for (int which = 0; which < 2; which++) {
    struct bytes file = golden(which);
    for (size_t i = 0; i < file.size; i++) {
      file.data[i] ^= (unsigned char)(1u << i % 8);
      const int32_t status = load(&file);
      assert_int_equal(status, i < 16 ? INFERMEM_E_FORMAT : i < 20 ? INFERMEM_E_VERSION : INFERMEM_E_CORRUPT);
      file.data[i] ^= (unsigned char)(1u << i % 8);
    }
    assert_int_equal(load(&file), INFERMEM_OK);
    bytes_free(&file);
  }
}

static void a_state_that_cannot_be_is_refused_even_with_its_checksum(void **state) {
  (void)state;
  enum { kLayer = kHeader };
  const struct {
    int which;
    size_t at, n;
    uint64_t value;
    int32_t status;
  } cases[] = {
      {0, 20, 4, 2, INFERMEM_E_UNSUPPORTED},                  /* flags */
      {0, 32, 4, 0, INFERMEM_E_FORMAT},                       /* layers */
      {0, 32, 4, UINT32_MAX, INFERMEM_E_FORMAT},              /**/
      {0, 36, 4, 0, INFERMEM_E_FORMAT},                       /* neurons */
      {0, 36, 4, 16, INFERMEM_E_FORMAT},                      /**/
      {0, 36, 4, UINT32_MAX, INFERMEM_E_FORMAT},              /**/
      {0, 40, 4, 0x7fc00000, INFERMEM_E_FORMAT},              /* threshold: NaN */
      {1, 40, 4, 0x80000000, INFERMEM_E_FORMAT},              /* -0, which is not saved so */
      {0, 44, 4, 0, INFERMEM_E_FORMAT},                       /* interval */
      {1, 48, 4, 0, INFERMEM_E_FORMAT},                       /* half_life: without one, weights are events */
      {0, 52, 4, 3, INFERMEM_E_FORMAT},                       /* a budget and a threshold */
      {1, 60, 4, 0x40000000, INFERMEM_E_FORMAT},              /* hysteresis: 2 */
      {0, 72, 8, 3, INFERMEM_E_FORMAT},                       /* row_bytes alone */
      {0, 80, 1, 1, INFERMEM_E_FORMAT},                       /* reserved */
      {0, kLayer + 0, 8, UINT64_MAX, INFERMEM_E_FORMAT},      /* events */
      {0, kLayer + 8, 8, 10, INFERMEM_E_FORMAT},              /* next */
      {0, kLayer + 8, 8, 15, INFERMEM_E_FORMAT},              /**/
      {0, kLayer + 16, 8, 11, INFERMEM_E_FORMAT},             /* weight */
      {1, kLayer + 16, 8, UINT64_MAX, INFERMEM_E_FORMAT},     /**/
      {0, kLayer + 24, 8, 1, INFERMEM_E_FORMAT},              /* phase */
      {1, kLayer + 24, 8, 6, INFERMEM_E_FORMAT},              /**/
      {0, kLayer + 32, 8, UINT64_MAX, INFERMEM_E_FORMAT},     /* out of range */
      {0, kLayer + 40, 8, UINT64_MAX, INFERMEM_E_FORMAT},     /* NaNs */
      {0, kLayer + 48, 8, UINT64_MAX, INFERMEM_E_FORMAT},     /* classifications */
      {0, kLayer + 56, 8, 1, INFERMEM_E_FORMAT},              /* reserved */
      {0, kLayer + 64 + 80, 4, 1, INFERMEM_E_FORMAT},         /* a count beyond the last */
      {0, kLayer + 64 + 128 + 2, 1, 0x10, INFERMEM_E_FORMAT}, /* a bit beyond the last */
      {0, kLayer + 64, 8, UINT64_MAX, INFERMEM_OK},           /* counts may be anything */
      {0, kLayer + 64 + 128, 2, 0xffff, INFERMEM_OK},         /* and anything may be hot */
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    struct bytes file = golden(cases[c].which);
    memcpy(file.data + cases[c].at, &cases[c].value, cases[c].n);
    sign(&file);
    const int32_t status = load(&file);
    if (status != cases[c].status) print_error("case %zu\n", c);
    assert_int_equal(status, cases[c].status);
    if (status != INFERMEM_OK) assert_string_equal(infermem_error_detail()->function, "neuron_load");
    bytes_free(&file);
  }
}

static void a_load_that_fails_gives_the_tape_back_what_it_took(void **state) {
  (void)state;
  infermem_tape *tape = test_tape(1 << 14);
  struct bytes file = golden(0);
  file.data[kHeader + 70] ^= 1;
  file_write("it", file.data, file.size);
  INFERMEM_STRUCT(infermem_neuron_options, options);
  options.tape = tape;
  infermem_neuron *neuron = NULL;
  assert_fails(INFERMEM_E_CORRUPT, neuron_load("it", &options, &neuron));
  assert_null(neuron);
  assert_int_equal(tape_used(tape), 0);
  file.data[kHeader + 70] ^= 1;
  file_write("it", file.data, file.size);
  assert_ok(tape_seal(tape));
  assert_fails(INFERMEM_E_SEALED, neuron_load("it", &options, &neuron));
  tape_free(tape);
  tape = test_tape(4096);
  void *p;
  assert_ok(tape_alloc(tape, 4000, 1, &p));
  options.tape = tape;
  assert_fails(INFERMEM_E_FULL, neuron_load("it", &options, &neuron));
  options.tape = (const infermem_tape *)(const void *)&options;
  assert_fails(INFERMEM_E_HANDLE, neuron_load("it", &options, &neuron));
  tape_free(tape);
  bytes_free(&file);
}

static int32_t scenario(const infermem_allocator *allocator) {
  INFERMEM_STRUCT(infermem_neuron_options, options);
  options.allocator = allocator;
  infermem_neuron *neuron = NULL;
  const int32_t status = neuron_load("it", &options, &neuron);
  if (status == INFERMEM_OK) neuron_free(neuron);
  return status;
}

static void every_allocation_of_a_load_may_fail(void **state) {
  (void)state;
  struct bytes file = golden(0);
  file_write("it", file.data, file.size);
  assert_int_equal(oom_walk(scenario), 1);
  bytes_free(&file);
}

static void bad_arguments_are_refused(void **state) {
  (void)state;
  infermem_neuron *neuron = make(0, NULL), *out = NULL;
  const infermem_neuron *other = (const infermem_neuron *)(const void *)"something else than a handle";
  assert_fails(INFERMEM_E_NULL, neuron_save(NULL, "it"));
  assert_fails(INFERMEM_E_HANDLE, neuron_save(other, "it"));
  assert_fails(INFERMEM_E_NULL, neuron_save(neuron, NULL));
  assert_fails(INFERMEM_E_ARG, neuron_save(neuron, "none/"));
  assert_fails(INFERMEM_E_ARG, neuron_save(neuron, "."));
  assert_fails(INFERMEM_E_IO, neuron_save(neuron, "none/it"));
  assert_fails(INFERMEM_E_NULL, neuron_load(NULL, NULL, &out));
  assert_fails(INFERMEM_E_NULL, neuron_load("it", NULL, NULL));
  assert_fails(INFERMEM_E_IO, neuron_load("none", NULL, &out));
  assert_fails(INFERMEM_E_FORMAT, neuron_load(".", NULL, &out));
  INFERMEM_STRUCT(infermem_neuron_options, options);
  options.n_neurons = 20;
  assert_fails(INFERMEM_E_ARG, neuron_load("it", &options, &out));
  options.n_neurons = 0;
  options.hysteresis = 0.5f;
  assert_fails(INFERMEM_E_ARG, neuron_load("it", &options, &out));
  options.hysteresis = 0;
  infermem_allocator half = {0};
  half.struct_size = sizeof half;
  options.allocator = &half;
  assert_fails(INFERMEM_E_ARG, neuron_load("it", &options, &out));
  options.allocator = NULL;
  options.struct_size = 2;
  assert_fails(INFERMEM_E_STRUCT, neuron_load("it", &options, &out));
  assert_null(out);
  file_write("it", "infermem neuron!0123456789", 26);
  assert_fails(INFERMEM_E_FORMAT, neuron_load("it", NULL, &out));
  neuron_free(neuron);
}

static void events_beyond_the_limit_are_not_merged(void **state) {
  (void)state;
  struct bytes file = golden(0);
  const uint64_t events = (uint64_t)1 << 61, next = events + 4;
  memcpy(file.data + kHeader, &events, 8);
  memcpy(file.data + kHeader + 8, &next, 8);
  memcpy(file.data + kHeader + 16, &events, 8);
  sign(&file);
  file_write("it", file.data, file.size);
  infermem_neuron *neuron = make(0, NULL), *loaded = NULL;
  assert_ok(neuron_load("it", NULL, &loaded));
  const infermem_neuron *const others[] = {loaded, loaded};
  assert_fails(INFERMEM_E_LIMIT, neuron_merge(neuron, others, 2));
  INFERMEM_STRUCT(infermem_neuron_counts, counts);
  assert_ok(neuron_stat(neuron, 0, &counts));
  assert_int_equal(counts.events, 10);
  neuron_free(neuron);
  neuron_free(loaded);
  bytes_free(&file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(golden_files_are_read_and_written),
      cmocka_unit_test(what_is_loaded_goes_on_as_if_it_had_not_been_saved),
      cmocka_unit_test(the_same_profile_gives_the_same_bytes_wherever_it_lies),
      cmocka_unit_test(a_file_that_is_cut_or_too_long_is_refused),
      cmocka_unit_test(a_bit_that_is_flipped_is_found),
      cmocka_unit_test(a_state_that_cannot_be_is_refused_even_with_its_checksum),
      cmocka_unit_test(a_load_that_fails_gives_the_tape_back_what_it_took),
      cmocka_unit_test(every_allocation_of_a_load_may_fail),
      cmocka_unit_test(bad_arguments_are_refused),
      cmocka_unit_test(events_beyond_the_limit_are_not_merged),
  };
  return cmocka_run_group_tests_name("neuron_file", tests, files_enter, files_leave);
}
