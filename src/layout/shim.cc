// The extern "C" functions of infermem/layout.h.
#include "base/structs.hh"
#include "layout/layout.hh"

using namespace infermem;

// The rare parts of the two fastest functions. They are called last, so that these need no frame.
[[gnu::cold, gnu::noinline]] static Status explain_alloc(const infermem_tape *tape, size_t size, size_t align,
                                                         void **out, const char *function) {
  Status status = check_handle(tape, "tape");
  if (status == INFERMEM_OK) status = out ? tape->core.why_not(size, align) : fail_null("out");
  return stamp(status, function);
}

[[gnu::cold, gnu::noinline]] static Status clear_special(infermem_tape *tape, const char *function) {
  Status status = check_handle(tape, "tape");
  if (status == INFERMEM_OK) status = tape->core.clear();
  return leave(status, function);
}

extern "C" {

int32_t tape_new(const infermem_tape_options *options, infermem_tape **out) {
  INFERMEM_NOT_NULL(options);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options));
}

void tape_free(infermem_tape *tape) {
  if (is(tape) && !tape->of_layout) free_handle(tape);
}

int32_t tape_alloc(const infermem_tape *tape, size_t size, size_t align, void **out) {
  if (__builtin_expect(is(tape) && out && tape->core.try_alloc(size, align, out), 1)) return INFERMEM_OK;
  return explain_alloc(tape, size, align, out, __func__);
}

int32_t tape_alloc_array(const infermem_tape *tape, size_t count, size_t size, size_t align, void **out) {
  INFERMEM_HANDLE(tape);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(tape->core.alloc_array(count, size, align, out));
}

int32_t tape_mark(const infermem_tape *tape, infermem_tape_mark *out) {
  INFERMEM_HANDLE(tape);
  INFERMEM_NOT_NULL(out);
  *out = tape->core.mark();
  return INFERMEM_OK;
}

int32_t tape_rewind(infermem_tape *tape, const infermem_tape_mark *mark) {
  INFERMEM_HANDLE(tape);
  INFERMEM_NOT_NULL(mark);
  INFERMEM_LEAVE(tape->core.rewind(*mark));
}

int32_t tape_clear(infermem_tape *tape) {
  if (__builtin_expect(is(tape) && tape->core.try_clear(), 1)) return INFERMEM_OK;
  return clear_special(tape, __func__);
}

int32_t tape_trim(infermem_tape *tape) {
  INFERMEM_HANDLE(tape);
  INFERMEM_LEAVE(tape->core.trim());
}

int32_t tape_warm(const infermem_tape *tape) {
  INFERMEM_HANDLE(tape);
  INFERMEM_LEAVE(tape->core.warm());
}

int32_t tape_seal(infermem_tape *tape) {
  INFERMEM_HANDLE(tape);
  INFERMEM_LEAVE(tape->core.seal());
}

int32_t tape_unseal(infermem_tape *tape) {
  INFERMEM_HANDLE(tape);
  INFERMEM_LEAVE(tape->core.unseal());
}

size_t tape_used(const infermem_tape *tape) { return is(tape) ? tape->core.usage().used : 0; }

size_t tape_free_bytes(const infermem_tape *tape) { return is(tape) ? tape->core.free_bytes() : 0; }

size_t tape_total(const infermem_tape *tape) { return is(tape) ? tape->core.usage().total : 0; }

size_t tape_peak(const infermem_tape *tape) { return is(tape) ? tape->core.usage().peak : 0; }

uint64_t tape_failures(const infermem_tape *tape) { return is(tape) ? tape->core.failures() : 0; }

uint64_t tape_generation(const infermem_tape *tape) { return is(tape) ? tape->core.generation() : 0; }

int32_t tape_owns(const infermem_tape *tape, const void *pointer) { return is(tape) && tape->core.owns(pointer); }

int32_t tape_info(const infermem_tape *tape, infermem_tape_facts *out) {
  INFERMEM_HANDLE(tape);
  INFERMEM_NOT_NULL(out);
  infermem_tape_facts facts = {};
  tape->core.describe(&facts);
  INFERMEM_LEAVE(write_struct(facts, out, "out"));
}

int32_t layout_new(const infermem_layout_options *options, infermem_layout **out) {
  INFERMEM_NOT_NULL(options);
  INFERMEM_NOT_NULL(out);
  INFERMEM_LEAVE(new_handle(out, options));
}

void layout_free(infermem_layout *layout) { free_handle(layout); }

infermem_tape *layout_weights(const infermem_layout *layout) {
  return is(layout) ? layout->core.tape(kWeights) : nullptr;
}

infermem_tape *layout_scratch(const infermem_layout *layout) {
  return is(layout) ? layout->core.tape(kScratch) : nullptr;
}

infermem_tape *layout_history(const infermem_layout *layout) {
  return is(layout) ? layout->core.tape(kHistory) : nullptr;
}

int32_t layout_clear_pass(infermem_layout *layout) {
  INFERMEM_HANDLE(layout);
  INFERMEM_LEAVE(layout->core.clear_pass());
}

int32_t layout_clear_talk(infermem_layout *layout) {
  INFERMEM_HANDLE(layout);
  INFERMEM_LEAVE(layout->core.clear_talk());
}

size_t layout_total(const infermem_layout *layout) { return is(layout) ? layout->core.total() : 0; }

int32_t layout_stat(const infermem_layout *layout, infermem_layout_usage *out) {
  INFERMEM_HANDLE(layout);
  INFERMEM_NOT_NULL(out);
  infermem_layout_usage usage;
  layout->core.usage(&usage);
  INFERMEM_LEAVE(write_struct(usage, out, "out"));
}

int32_t layout_stat_text(const infermem_layout *layout, char *buffer, size_t capacity, size_t *out_length) {
  INFERMEM_HANDLE(layout);
  INFERMEM_NOT_NULL(out_length);
  INFERMEM_LEAVE(layout->core.text(buffer, capacity, out_length));
}

}  // extern "C"
