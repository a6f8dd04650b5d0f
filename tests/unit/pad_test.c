/* The scratchpad: every function of infermem/pad.h. */
#include <float.h>
#include <math.h>

#include "model_check.h"
#include "support.h"

static infermem_pad_options shape(size_t max_tokens, size_t dim, int32_t type) {
  INFERMEM_STRUCT(infermem_pad_options, options);
  options.max_tokens = max_tokens;
  options.dim = dim;
  options.type = type;
  return options;
}

static infermem_pad *make(infermem_pad_options options) {
  infermem_pad *pad = NULL;
  assert_ok(pad_new(&options, &pad));
  return pad;
}

/* The pad of most tests: five rows of three floats. */
enum { kDim = 3, kRows = 5 };
static infermem_pad *small(void) { return make(shape(kRows, kDim, INFERMEM_DTYPE_F32)); }

static const float kNumbers[kRows * kDim] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};

static const int32_t kTypes[] = {INFERMEM_DTYPE_F64, INFERMEM_DTYPE_F32, INFERMEM_DTYPE_F16, INFERMEM_DTYPE_BF16};
static const size_t kBytes[] = {8, 4, 2, 2};
enum { kNTypes = 4 };

static const void *rows_of(const infermem_pad *pad, size_t n) {
  infermem_view view;
  assert_ok(pad_view(pad, &view));
  assert_int_equal(view.shape[0], n);
  return view.data;
}

/* All that a failed call must leave alone, of the small pad. */
struct snapshot {
  size_t length;
  uint64_t generation;
  infermem_view view;
  float contents[kRows * kDim];
};

static struct snapshot snapshot_of(const infermem_pad *pad) {
  struct snapshot s;
  memset(&s, 0, sizeof s);
  s.length = pad_len(pad);
  s.generation = pad_generation(pad);
  assert_ok(pad_view(pad, &s.view));
  memcpy(s.contents, s.view.data, sizeof s.contents); /* with the rows that are not there yet */
  return s;
}

static void assert_unchanged(const infermem_pad *pad, const struct snapshot *before) {
  const struct snapshot now = snapshot_of(pad);
  assert_memory_equal(&now, before, sizeof now);
}

/* ---- Rows ---- */

static void a_new_pad_is_empty_and_zero(void **state) {
  (void)state;
  infermem_tape *tape = test_tape(1 << 16);
  void *before;
  assert_ok(tape_alloc(tape, 1 << 15, 1, &before));
  memset(before, 0xa5, 1 << 15);
  assert_ok(tape_clear(tape));
  assert_ok(tape_alloc(tape, 3, 1, &before)); /* so that the pad begins at an odd place */
  for (int i = 0; i < 2 * kNTypes; i++) {
    infermem_pad_options options = shape(50, 7, kTypes[i % kNTypes]);
    options.tape = i < kNTypes ? NULL : tape;
    infermem_pad *pad = make(options);
    const size_t element = kBytes[i % kNTypes];
    assert_int_equal(pad_len(pad), 0);
    assert_int_equal(pad_is_empty(pad), 1);
    assert_int_equal(pad_capacity(pad), 50);
    assert_int_equal(pad_dim(pad), 7);
    assert_int_equal(pad_generation(pad), 0);
    infermem_view view;
    assert_ok(pad_view(pad, &view));
    assert_non_null(view.data);
    assert_int_equal((uintptr_t)view.data % 64, 0);
    assert_int_equal(view.dtype, kTypes[i % kNTypes]);
    assert_int_equal(view.flags, INFERMEM_VIEW_READONLY);
    assert_int_equal(view.n_dims, 2);
    assert_int_equal(view.reserved, 0);
    assert_int_equal(view.bytes, 0);
    const uint64_t shape_is[] = {0, 7, 1, 1};
    const int64_t strides_are[] = {7 * (int64_t)element, (int64_t)element, 0, 0};
    assert_memory_equal(view.shape, shape_is, sizeof shape_is);
    assert_memory_equal(view.strides, strides_are, sizeof strides_are);
    for (size_t b = 0; b < 50 * 7 * element; b++) assert_int_equal(((const char *)view.data)[b], 0);
    pad_free(pad);
  }
  tape_free(tape);
}

static void a_view_taken_at_one_row_still_shows_it_after_more(void **state) {
  (void)state;
  infermem_pad *pad = small();
  assert_ok(pad_append(pad, kNumbers, kDim));
  infermem_view view;
  assert_ok(pad_view(pad, &view));
  assert_ok(pad_append(pad, kNumbers + kDim, kDim));
  assert_ok(pad_append_rows(pad, kNumbers + 2 * kDim, 2, kDim));
  assert_ok(pad_append_f32(pad, kNumbers + 4 * kDim, 1, kDim));
  assert_int_equal(view.shape[0], 1);
  assert_int_equal(view.bytes, kDim * sizeof(float));
  assert_memory_equal(view.data, kNumbers, kDim * sizeof(float));
  assert_ptr_equal(rows_of(pad, 5), view.data); /* nothing moved */
  assert_memory_equal(view.data, kNumbers, sizeof kNumbers);
  assert_int_equal(pad_len(pad), 5);
  pad_free(pad);
}

static void rows_of_the_pads_own_type_keep_their_bytes(void **state) {
  (void)state;
  unsigned char rows[6 * kDim * 8 + 1]; /* any bits: NaNs, denormals, infinities */
  uint64_t seed = 3;
  for (size_t i = 0; i < sizeof rows; i++) rows[i] = (unsigned char)test_random(&seed);
  for (int i = 0; i < kNTypes; i++) {
    infermem_pad *pad = make(shape(6, kDim, kTypes[i]));
    const size_t row = kDim * kBytes[i];
    const unsigned char *odd = rows + 1; /* at an odd address */
    assert_ok(pad_append_rows(pad, odd, 4, kDim));
    assert_ok(pad_append(pad, odd + 4 * row, kDim));
    assert_ok(pad_append(pad, odd + 5 * row, kDim));
    assert_memory_equal(rows_of(pad, 6), odd, 6 * row);
    pad_free(pad);
  }
}

/* The upper half of a float's bits, rounded to nearest, ties to even; of a NaN, quiet. */
static uint16_t bf16_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  if (isnan(value)) return (uint16_t)(bits >> 16 | 0x40);
  const uint32_t low = bits & 0xffff, high = bits >> 16;
  return (uint16_t)(high + (low > 0x8000 || (low == 0x8000 && (high & 1))));
}

static void floats_become_the_pads_type(void **state) {
  (void)state;
  /* What F16 has exactly, what is halfway and goes to even, the largest, the smallest, and what it has not. */
  const float values[] = {1.0f,     -2.5f,         0.0f,     -0.0f,       1 + 0x1p-11f, 1 + 3 * 0x1p-11f,
                          65504.0f, 65519.0f,      65520.0f, -1e30f,      0x1p-24f,     0x1p-25f,
                          0x3p-25f, (float)-1e-30, INFINITY, (float)M_PI, FLT_MAX,      0x1p-149f};
  const uint16_t halves[] = {0x3c00, 0xc100, 0,      0x8000, 0x3c00, 0x3c02, 0x7bff, 0x7bff, 0x7c00,
                             0xfc00, 0x0001, 0x0000, 0x0002, 0x8000, 0x7c00, 0x4248, 0x7c00, 0};
  enum { kCount = sizeof values / sizeof *values, kWidth = 6, kN = kCount / kWidth };
  for (int i = 0; i < kNTypes; i++) {
    infermem_pad *pad = make(shape(kN, kWidth, kTypes[i]));
    assert_ok(pad_append_f32(pad, values, 1, kWidth));
    assert_ok(pad_append_f32(pad, values + kWidth, kN - 1, kWidth));
    const void *rows = rows_of(pad, kN);
    for (size_t j = 0; j < kCount; j++) {
      const double d = (double)values[j];
      const uint16_t b = bf16_bits(values[j]);
      if (kTypes[i] == INFERMEM_DTYPE_F64) assert_memory_equal((const double *)rows + j, &d, sizeof d);
      if (kTypes[i] == INFERMEM_DTYPE_F32) assert_memory_equal((const float *)rows + j, &values[j], 4);
      if (kTypes[i] == INFERMEM_DTYPE_F16) assert_int_equal(((const uint16_t *)rows)[j], halves[j]);
      if (kTypes[i] == INFERMEM_DTYPE_BF16) assert_int_equal(((const uint16_t *)rows)[j], b);
    }
    pad_free(pad);
  }
}

static void nothing_can_be_appended(void **state) {
  (void)state;
  for (int i = 0; i < kNTypes; i++) {
    infermem_pad *pad = make(shape(2, kDim, kTypes[i]));
    assert_ok(pad_append_rows(pad, NULL, 0, kDim));
    assert_ok(pad_append_f32(pad, NULL, 0, kDim));
    assert_fails(INFERMEM_E_SHAPE, pad_append_rows(pad, NULL, 0, 0));
    assert_ok(pad_append_f32(pad, kNumbers, 2, kDim));
    assert_ok(pad_append_rows(pad, kNumbers, 0, kDim)); /* there is room for nothing even in a full pad */
    assert_ok(pad_append_f32(pad, kNumbers, 0, kDim));
    assert_int_equal(pad_len(pad), 2);
    pad_free(pad);
  }
}

static void a_row_of_another_width_is_refused_before_the_room_is_looked_at(void **state) {
  (void)state;
  infermem_pad *pad = small();
  for (int full = 0; full < 2; full++) {
    const struct snapshot before = snapshot_of(pad);
    static const size_t widths[] = {0, kDim - 1, kDim + 1, SIZE_MAX};
    for (size_t i = 0; i < 4; i++) {
      assert_fails(INFERMEM_E_SHAPE, pad_append(pad, kNumbers, widths[i]));
      assert_fails(INFERMEM_E_SHAPE, pad_append_rows(pad, kNumbers, 6, widths[i]));
      assert_fails(INFERMEM_E_SHAPE, pad_append_f32(pad, kNumbers, 6, widths[i]));
      assert_true(infermem_error_detail()->expected == kDim && infermem_error_detail()->got == widths[i]);
    }
    assert_unchanged(pad, &before);
    if (!full) assert_ok(pad_append_rows(pad, kNumbers, kRows, kDim));
  }
  pad_free(pad);
}

static void what_does_not_fit_is_refused_whole(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) { /* floats stored as they are, and converted */
    infermem_pad *pad = make(shape(kRows, kDim, i == 0 ? INFERMEM_DTYPE_F32 : INFERMEM_DTYPE_F64));
    assert_ok(pad_append_f32(pad, kNumbers, 3, kDim));
    static const size_t too_many[] = {3, SIZE_MAX / kDim + 1, SIZE_MAX};
    struct snapshot before = snapshot_of(pad);
    for (size_t j = 0; j < 3; j++) {
      assert_fails(INFERMEM_E_FULL, pad_append_rows(pad, kNumbers, too_many[j], kDim));
      assert_fails(INFERMEM_E_FULL, pad_append_f32(pad, kNumbers, too_many[j], kDim));
      assert_true(infermem_error_detail()->expected == too_many[j] && infermem_error_detail()->got == 2);
      assert_non_null(strstr(infermem_error_detail()->message, "3 of 5"));
    }
    assert_unchanged(pad, &before);
    assert_ok(pad_append_f32(pad, kNumbers, 2, kDim));
    before = snapshot_of(pad);
    assert_fails(INFERMEM_E_FULL, pad_append(pad, kNumbers, kDim));
    assert_true(infermem_error_detail()->expected == 1 && infermem_error_detail()->got == 0);
    assert_non_null(strstr(infermem_error_detail()->message, "5 of 5"));
    assert_fails(INFERMEM_E_FULL, pad_append_f32(pad, kNumbers, 1, kDim));
    assert_unchanged(pad, &before);
    pad_free(pad);
  }
}

static void truncating_keeps_the_first_rows(void **state) {
  (void)state;
  infermem_pad *pad = small();
  assert_ok(pad_append_rows(pad, kNumbers, 4, kDim));
  const struct snapshot before = snapshot_of(pad);
  assert_fails(INFERMEM_E_RANGE, pad_truncate(pad, 5));
  assert_true(infermem_error_detail()->expected == 4 && infermem_error_detail()->got == 5);
  assert_fails(INFERMEM_E_RANGE, pad_truncate(pad, SIZE_MAX));
  assert_unchanged(pad, &before);
  assert_ok(pad_truncate(pad, 4));
  assert_int_equal(pad_len(pad), 4);
  assert_ok(pad_truncate(pad, 1));
  assert_int_equal(pad_generation(pad), 0);
  assert_memory_equal(rows_of(pad, 1), kNumbers, kDim * sizeof(float));
  assert_ok(pad_append_rows(pad, kNumbers + 3, 4, kDim));
  assert_memory_equal(rows_of(pad, 5), kNumbers, sizeof kNumbers);
  assert_ok(pad_truncate(pad, 0));
  assert_int_equal(pad_is_empty(pad), 1);
  pad_free(pad);
}

static void clearing_empties_the_pad_and_counts(void **state) {
  (void)state;
  infermem_pad *pad = small();
  for (uint64_t i = 0; i < 3; i++) {
    assert_int_equal(pad_generation(pad), i);
    assert_ok(pad_append_rows(pad, kNumbers, kRows, kDim));
    assert_ok(pad_clear(pad));
    assert_int_equal(pad_len(pad), 0);
  }
  assert_ok(pad_clear(pad)); /* of an empty pad too */
  assert_int_equal(pad_generation(pad), 4);
  pad_free(pad);
}

static void the_text_has_length_capacity_and_width(void **state) {
  (void)state;
  infermem_pad *pad = make(shape(512, 4096, INFERMEM_DTYPE_F32));
  static const float rows[2 * 4096];
  assert_ok(pad_append_rows(pad, rows, 2, 4096));
  static const char expected[] = "Scratchpad(len=2, capacity=512, dim=4096)";
  char text[64];
  size_t length = 0;
  assert_ok(pad_text(pad, text, sizeof text, &length));
  assert_string_equal(text, expected);
  assert_int_equal(length, strlen(expected));
  length = 0;
  assert_ok(pad_text(pad, NULL, 0, &length));
  assert_int_equal(length, strlen(expected));
  assert_ok(pad_text(pad, text, sizeof expected, &length));
  memset(text, '#', sizeof text);
  length = 7;
  assert_fails(INFERMEM_E_BUFFER, pad_text(pad, text, sizeof expected - 1, &length));
  assert_int_equal(infermem_error_detail()->expected, sizeof expected);
  assert_fails(INFERMEM_E_NULL, pad_text(pad, NULL, 1, &length));
  assert_fails(INFERMEM_E_NULL, pad_text(pad, text, sizeof text, NULL));
  assert_int_equal(length, 7);
  assert_int_equal(text[0], '#');
  pad_free(pad);
}

/* ---- Construction, handles, tapes, allocators ---- */

static void what_cannot_be_a_pad_is_refused(void **state) {
  (void)state;
  infermem_pad *pad = NULL;
  infermem_pad_options options = shape(5, 3, INFERMEM_DTYPE_F32);
  assert_fails(INFERMEM_E_NULL, pad_new(NULL, &pad));
  assert_fails(INFERMEM_E_NULL, pad_new(&options, NULL));
  options.reserved = 1;
  assert_fails(INFERMEM_E_ARG, pad_new(&options, &pad));
  for (int field = 0; field < 2; field++) {
    options = shape(field != 0, field != 1, INFERMEM_DTYPE_F32);
    assert_fails(INFERMEM_E_ARG, pad_new(&options, &pad));
  }
  static const int32_t others[] = {INFERMEM_DTYPE_Q8_0, INFERMEM_DTYPE_Q4_0, INFERMEM_DTYPE_I8, INFERMEM_DTYPE_I64};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    options = shape(5, 32, others[i]);
    assert_fails(INFERMEM_E_UNSUPPORTED, pad_new(&options, &pad));
    assert_non_null(strstr(infermem_error_detail()->message, infermem_dtype_name(others[i])));
  }
  static const int32_t no_types[] = {5, -1};
  for (size_t i = 0; i < 2; i++) {
    options = shape(5, 3, no_types[i]);
    assert_fails(INFERMEM_E_TYPE, pad_new(&options, &pad));
  }
  static const size_t too_much[][2] = {{SIZE_MAX, 2}, {SIZE_MAX / 8 + 1, 1}, {1, SIZE_MAX}};
  for (size_t i = 0; i < 3; i++) {
    options = shape(too_much[i][0], too_much[i][1], INFERMEM_DTYPE_F64);
    assert_fails(INFERMEM_E_OVERFLOW, pad_new(&options, &pad));
  }
  options = shape(SIZE_MAX / 8, 1, INFERMEM_DTYPE_F16);
  assert_fails(INFERMEM_E_NOMEM, pad_new(&options, &pad));
  options = shape(5, 3, INFERMEM_DTYPE_F32);
  options.struct_size = 7;
  assert_fails(INFERMEM_E_STRUCT, pad_new(&options, &pad));
  options.struct_size = sizeof options;
  INFERMEM_STRUCT(infermem_allocator, half);
  options.allocator = &half;
  assert_fails(INFERMEM_E_ARG, pad_new(&options, &pad));
  assert_null(pad);
}

static void a_shorter_struct_of_options_means_floats(void **state) {
  (void)state;
  infermem_pad_options options = shape(5, 3, INFERMEM_DTYPE_F64);
  options.struct_size = offsetof(infermem_pad_options, type);
  infermem_pad *pad = make(options);
  infermem_view view;
  assert_ok(pad_view(pad, &view));
  assert_int_equal(view.dtype, INFERMEM_DTYPE_F32);
  pad_free(pad);
}

static void no_handle_and_other_handles_are_told_apart(void **state) {
  (void)state;
  infermem_tape *tape = test_tape(4096);
  infermem_pad *const handles[] = {NULL, (infermem_pad *)(void *)tape};
  const int32_t codes[] = {INFERMEM_E_NULL, INFERMEM_E_HANDLE};
  for (int i = 0; i < 2; i++) {
    infermem_pad *const pad = handles[i];
    infermem_view view;
    char text[64];
    size_t length;
    assert_fails(codes[i], pad_append(pad, kNumbers, kDim));
    assert_fails(codes[i], pad_append_rows(pad, kNumbers, 1, kDim));
    assert_fails(codes[i], pad_append_f32(pad, kNumbers, 1, kDim));
    assert_fails(codes[i], pad_view(pad, &view));
    assert_fails(codes[i], pad_truncate(pad, 0));
    assert_fails(codes[i], pad_clear(pad));
    assert_fails(codes[i], pad_text(pad, text, sizeof text, &length));
    assert_int_equal(pad_len(pad), 0);
    assert_int_equal(pad_capacity(pad), 0);
    assert_int_equal(pad_dim(pad), 0);
    assert_int_equal(pad_is_empty(pad), 1);
    assert_int_equal(pad_generation(pad), 0);
    pad_free(pad);
  }
  assert_int_equal(tape_total(tape), 4096);
  tape_free(tape);

  infermem_pad *pad = small();
  const struct snapshot before = snapshot_of(pad);
  assert_fails(INFERMEM_E_NULL, pad_append(pad, NULL, kDim));
  assert_fails(INFERMEM_E_NULL, pad_append_rows(pad, NULL, 1, kDim));
  assert_fails(INFERMEM_E_NULL, pad_append_f32(pad, NULL, 1, kDim));
  assert_fails(INFERMEM_E_NULL, pad_view(pad, NULL));
  assert_unchanged(pad, &before);
  pad_free(pad);
}

static void a_pad_lives_in_the_tape_it_is_given(void **state) {
  (void)state;
  infermem_tape *tape = test_tape(4096);
  infermem_pad_options options = shape(kRows, kDim, INFERMEM_DTYPE_F32);
  options.tape = tape;
  infermem_pad *pad = make(options);
  assert_true(tape_used(tape) >= sizeof kNumbers);
  assert_ok(pad_append_rows(pad, kNumbers, 3, kDim));
  assert_true(tape_owns(tape, rows_of(pad, 3)));

  const struct snapshot before = snapshot_of(pad);
  assert_ok(tape_seal(tape));
  assert_fails(INFERMEM_E_SEALED, pad_append(pad, kNumbers, kDim));
  assert_fails(INFERMEM_E_SEALED, pad_append_rows(pad, kNumbers, 1, kDim));
  assert_fails(INFERMEM_E_SEALED, pad_append_f32(pad, kNumbers, 1, kDim));
  assert_unchanged(pad, &before);
  assert_ok(pad_truncate(pad, 2)); /* which writes nothing to the tape */
  assert_ok(tape_unseal(tape));
  assert_ok(pad_append(pad, kNumbers + 6, kDim));
  const size_t used = tape_used(tape);
  pad_free(pad);
  assert_int_equal(tape_used(tape), used);

  pad = NULL;
  options.max_tokens = 1000;
  assert_fails(INFERMEM_E_FULL, pad_new(&options, &pad));
  options.max_tokens = 1;
  assert_ok(tape_seal(tape));
  assert_fails(INFERMEM_E_SEALED, pad_new(&options, &pad));
  assert_ok(tape_unseal(tape));
  assert_int_equal(tape_used(tape), used);
  infermem_pad *no_tape = small();
  options.tape = (const infermem_tape *)(const void *)no_tape;
  assert_fails(INFERMEM_E_HANDLE, pad_new(&options, &pad));
  assert_null(pad);
  pad_free(no_tape);
  tape_free(tape);
}

static void a_pad_whose_tape_took_its_memory_back_is_stale(void **state) {
  (void)state;
  enum { kClear, kRewind, kFree };
  for (int how = kClear; how <= kFree; how++) {
    infermem_tape *tape = test_tape(4096);
    infermem_tape_mark mark;
    assert_ok(tape_mark(tape, &mark));
    infermem_pad_options options = shape(kRows, kDim, INFERMEM_DTYPE_F32);
    options.tape = tape;
    infermem_pad *pad = make(options);
    assert_ok(pad_append_rows(pad, kNumbers, 2, kDim));
    if (how == kClear) assert_ok(tape_clear(tape));
    if (how == kRewind) assert_ok(tape_rewind(tape, &mark));
    if (how == kFree) tape_free(tape);
    infermem_view view;
    char text[64];
    size_t length;
    assert_fails(INFERMEM_E_STALE, pad_append(pad, kNumbers, kDim));
    assert_fails(INFERMEM_E_STALE, pad_append_rows(pad, kNumbers, 1, kDim));
    assert_fails(INFERMEM_E_STALE, pad_append_f32(pad, kNumbers, 1, kDim));
    assert_fails(INFERMEM_E_STALE, pad_view(pad, &view));
    assert_fails(INFERMEM_E_STALE, pad_truncate(pad, 0));
    assert_fails(INFERMEM_E_STALE, pad_clear(pad));
    assert_int_equal(pad_len(pad), 2);
    assert_int_equal(pad_generation(pad), 0);
    assert_ok(pad_text(pad, text, sizeof text, &length));
    pad_free(pad);
    if (how != kFree) tape_free(tape);
  }
}

static int32_t make_and_fill(const infermem_allocator *allocator) {
  infermem_tape *tape = test_tape(4096);
  infermem_pad_options options = shape(kRows, kDim, INFERMEM_DTYPE_F16);
  options.allocator = allocator;
  options.tape = tape;
  infermem_pad *pad = NULL;
  const int32_t status = pad_new(&options, &pad);
  if (status == INFERMEM_OK) {
    const size_t calls = ((const struct test_allocator *)allocator->context)->calls;
    assert_ok(pad_append_f32(pad, kNumbers, 2, kDim));
    assert_ok(pad_append(pad, kNumbers, kDim));
    assert_ok(pad_clear(pad));
    assert_int_equal(((const struct test_allocator *)allocator->context)->calls, calls);
  } else {
    assert_null(pad);
    assert_int_equal(tape_used(tape), 0);
  }
  pad_free(pad);
  tape_free(tape);
  return status;
}

static void any_allocation_may_fail(void **state) {
  (void)state;
  assert_int_equal(oom_walk(make_and_fill), 1);
}

/* ---- Random operations against a model: an array, and two counters ---- */

enum { kAppend, kAppendRows, kTruncate, kClear, kBad, kKinds };
static const char *const kNames[] = {"append", "append_rows", "truncate", "clear", "bad"};
enum { kMost = 20, kWide = 6 };

static int use_tape;

static struct {
  size_t length;
  uint64_t generation;
  float rows[kMost][kWide];
} model;

#define DIFFERS(condition, what)  \
  do {                            \
    if (condition) return (what); \
  } while (0)

static const char *compare(const infermem_pad *pad) {
  infermem_view view;
  DIFFERS(pad_view(pad, &view) != INFERMEM_OK, "a view is refused");
  DIFFERS(pad_len(pad) != model.length || view.shape[0] != model.length, "length");
  DIFFERS(pad_is_empty(pad) != (model.length == 0), "is_empty");
  DIFFERS(pad_generation(pad) != model.generation, "generation");
  DIFFERS(view.bytes != model.length * sizeof *model.rows, "bytes");
  DIFFERS(memcmp(view.data, model.rows, view.bytes) != 0, "a row");
  return NULL;
}

static const char *append(infermem_pad *pad, size_t n, uint64_t seed, int one) {
  float rows[kMost][kWide];
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < kWide; j++) rows[i][j] = test_random_float(&seed);
  const int32_t status =
      one ? pad_append(pad, rows, kWide)
          : (seed & 1 ? pad_append_rows(pad, rows, n, kWide) : pad_append_f32(pad, rows[0], n, kWide));
  if (n > kMost - model.length) return status == INFERMEM_E_FULL ? NULL : "an append beyond the end";
  DIFFERS(status != INFERMEM_OK, "an append is refused");
  memcpy(model.rows[model.length], rows, n * sizeof *rows);
  model.length += n;
  return NULL;
}

static const char *operate(infermem_pad *pad, const struct operation *op) {
  switch (op->kind) {
    case kAppend:
      return append(pad, 1, op->b, 1);
    case kAppendRows:
      return append(pad, op->a % 6, op->b, 0);
    case kTruncate: {
      const size_t n = op->a % (model.length + 2);
      DIFFERS(pad_truncate(pad, n) != (n > model.length ? INFERMEM_E_RANGE : INFERMEM_OK), "truncate");
      if (n <= model.length) model.length = n;
      return NULL;
    }
    case kClear:
      if (op->a % 8 != 0) return NULL;
      DIFFERS(pad_clear(pad) != INFERMEM_OK, "clear");
      model.length = 0;
      model.generation++;
      return NULL;
    default:
      DIFFERS(pad_append_rows(pad, model.rows, 1, op->a % kWide) != INFERMEM_E_SHAPE, "a wrong width");
      DIFFERS(pad_append(pad, NULL, kWide) != INFERMEM_E_NULL, "no row");
      return NULL;
  }
}

static const char *run_operations(const struct operation *operations, size_t n) {
  memset(&model, 0, sizeof model);
  infermem_tape *tape = use_tape ? test_tape(1 << 12) : NULL;
  infermem_pad_options options = shape(kMost, kWide, INFERMEM_DTYPE_F32);
  options.tape = tape;
  infermem_pad *pad = make(options);
  const char *what = compare(pad);
  for (size_t i = 0; i < n && !what; i++) {
    what = operate(pad, &operations[i]);
    if (!what) what = compare(pad);
  }
  pad_free(pad);
  tape_free(tape);
  return what;
}

static void random_operations_agree_with_a_model(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 40; seed++) {
    use_tape = (int)(seed & 1);
    model_check(run_operations, kNames, kKinds, seed, 300);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_new_pad_is_empty_and_zero),
      cmocka_unit_test(a_view_taken_at_one_row_still_shows_it_after_more),
      cmocka_unit_test(rows_of_the_pads_own_type_keep_their_bytes),
      cmocka_unit_test(floats_become_the_pads_type),
      cmocka_unit_test(nothing_can_be_appended),
      cmocka_unit_test(a_row_of_another_width_is_refused_before_the_room_is_looked_at),
      cmocka_unit_test(what_does_not_fit_is_refused_whole),
      cmocka_unit_test(truncating_keeps_the_first_rows),
      cmocka_unit_test(clearing_empties_the_pad_and_counts),
      cmocka_unit_test(the_text_has_length_capacity_and_width),
      cmocka_unit_test(what_cannot_be_a_pad_is_refused),
      cmocka_unit_test(a_shorter_struct_of_options_means_floats),
      cmocka_unit_test(no_handle_and_other_handles_are_told_apart),
      cmocka_unit_test(a_pad_lives_in_the_tape_it_is_given),
      cmocka_unit_test(a_pad_whose_tape_took_its_memory_back_is_stale),
      cmocka_unit_test(any_allocation_may_fail),
      cmocka_unit_test(random_operations_agree_with_a_model),
  };
  return cmocka_run_group_tests_name("pad", tests, NULL, NULL);
}
