#include "model_make.h"

#include <stdio.h>

#include "files.h"

void make_text(struct gguf *g, const char *format, ...) {
  static char text[65536];
  va_list arguments;
  va_start(arguments, format);
  const int n = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  assert_true(n >= 0 && (size_t)n < sizeof text);
  gguf_bytes(g, text, (size_t)n);
}

struct gguf make_safetensors(const char *header, size_t n) {
  struct gguf g = {0};
  gguf_u64(&g, strlen(header));
  gguf_bytes(&g, header, strlen(header));
  for (size_t i = 0; i < n; i++) gguf_number(&g, i, 1);
  return g;
}

int32_t open_memory(const struct gguf *g, uint64_t file_size, infermem_model **out) {
  const infermem_allocator hook = gguf_hook();
  INFERMEM_STRUCT(infermem_model_options, options);
  options.allocator = &hook;
  return model_open_bytes(g->size != 0 ? (const void *)g->bytes : "", g->size, file_size, &options, out);
}

void save_as(const char *path, struct gguf *g) {
  file_write(path, g->bytes, g->size);
  gguf_free(g);
}

infermem_tensor_info tensor_of(const infermem_model *model, const char *name) {
  size_t index;
  assert_ok(model_tensor_find(model, name, &index));
  INFERMEM_STRUCT(infermem_tensor_info, info);
  assert_ok(model_tensor_info(model, index, &info));
  assert_string_equal(info.name, name);
  assert_int_equal(info.name_length, strlen(name));
  return info;
}

infermem_meta_info meta_of(const infermem_model *model, const char *key) {
  size_t index;
  assert_ok(model_meta_find(model, key, &index));
  INFERMEM_STRUCT(infermem_meta_info, info);
  assert_ok(model_meta_info(model, index, &info));
  assert_string_equal(info.key, key);
  assert_int_equal(info.key_length, strlen(key));
  return info;
}

void assert_integer(const infermem_model *model, const char *key, int64_t value) {
  int64_t got;
  assert_ok(model_meta_i64(model, key, &got));
  assert_true(got == value);
  assert_int_equal(meta_of(model, key).type, INFERMEM_META_I64);
}

void assert_string(const infermem_model *model, const char *key, const char *value, size_t length) {
  const char *text;
  size_t n;
  assert_ok(model_meta_string(model, key, &text, &n));
  assert_int_equal(n, length);
  assert_memory_equal(text, value, length + 1);
}
