/* model_refuse.h: what the tests of wrong model files share. */
#ifndef MODEL_REFUSE_H
#define MODEL_REFUSE_H

#include "gguf_make.h"

/* The saved file is refused with the code, which is returned too; what a refusal leaves behind is checked. */
static inline void refuse_saved(int32_t code) {
  infermem_model *out = NULL;
  const int32_t status = gguf_open(&out);
  if (status == INFERMEM_OK) model_free(out);
  if (status != code)
    fail_msg("%s, not %s: %s", infermem_error_name(status), infermem_error_name(code),
             infermem_error_detail()->message);
  assert_string_equal(infermem_error_detail()->function, "model_open");
  assert_true(infermem_error_detail()->message[0] != '\0');
  assert_null(out);
  assert_int_equal(gguf_heap.live, 0);
  assert_true(gguf_heap.peak < 256 << 10); /* whatever the file claims to have */
}

static inline void refuse(struct gguf *g, int32_t code) {
  gguf_save(g);
  gguf_free(g);
  refuse_saved(code);
}

/* The file is opened, and whatever is then called on the model holds. */
static inline void accept(struct gguf *g) {
  gguf_save(g);
  gguf_free(g);
  infermem_model *model;
  assert_ok(gguf_open(&model));
  gguf_exercise(model);
  model_free(model);
}

#endif
