#include "gguf_make.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void gguf_free(struct gguf *g) {
  free(g->bytes);
  memset(g, 0, sizeof *g);
}

static unsigned char *grow(struct gguf *g, size_t n) {
  if (g->size + n > g->capacity) {
    g->capacity = 2 * (g->size + n);
    g->bytes = realloc(g->bytes, g->capacity);
    assert_non_null(g->bytes);
  }
  unsigned char *const at = g->bytes + g->size;
  g->size += n;
  return at;
}

void gguf_bytes(struct gguf *g, const void *bytes, size_t n) {
  if (n != 0) memcpy(grow(g, n), bytes, n);
}

void gguf_zeros(struct gguf *g, size_t n) {
  if (n != 0) memset(grow(g, n), 0, n);
}

void gguf_pad(struct gguf *g, size_t align) { gguf_zeros(g, (align - g->size % align) % align); }

void gguf_number(struct gguf *g, uint64_t value, size_t n) {
  unsigned char *const at = grow(g, n);
  for (size_t i = 0; i < n; i++) at[i] = (unsigned char)(value >> (8 * i));
}

void gguf_u32(struct gguf *g, uint32_t value) { gguf_number(g, value, 4); }

void gguf_u64(struct gguf *g, uint64_t value) { gguf_number(g, value, 8); }

void gguf_string(struct gguf *g, const char *text) {
  gguf_u64(g, strlen(text));
  gguf_bytes(g, text, strlen(text));
}

void gguf_header(struct gguf *g, uint32_t version, uint64_t n_tensors, uint64_t n_metas) {
  gguf_bytes(g, "GGUF", 4);
  gguf_u32(g, version);
  gguf_u64(g, n_tensors);
  gguf_u64(g, n_metas);
}

void gguf_key(struct gguf *g, const char *key, uint32_t type) {
  gguf_string(g, key);
  gguf_u32(g, type);
}

void gguf_meta_u32(struct gguf *g, const char *key, uint32_t value) {
  gguf_key(g, key, INFERMEM_META_U32);
  gguf_u32(g, value);
}

void gguf_meta_f32(struct gguf *g, const char *key, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  gguf_key(g, key, INFERMEM_META_F32);
  gguf_u32(g, bits);
}

void gguf_meta_string(struct gguf *g, const char *key, const char *value) {
  gguf_key(g, key, INFERMEM_META_STRING);
  gguf_string(g, value);
}

void gguf_array(struct gguf *g, const char *key, uint32_t element_type, uint64_t count) {
  gguf_key(g, key, INFERMEM_META_ARRAY);
  gguf_u32(g, element_type);
  gguf_u64(g, count);
}

void gguf_tensor(struct gguf *g, const char *name, uint32_t n_dims, const uint64_t *ne, uint32_t type,
                 uint64_t offset) {
  gguf_string(g, name);
  gguf_u32(g, n_dims);
  for (uint32_t i = 0; i < n_dims; i++) gguf_u64(g, ne[i]);
  gguf_u32(g, type);
  gguf_u64(g, offset);
}

const char *gguf_path(void) {
  static char path[64];
  if (path[0] == '\0') snprintf(path, sizeof path, "infermem-test-%ld.gguf", (long)getpid());
  return path;
}

void gguf_save(const struct gguf *g) {
  const int fd = open(gguf_path(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  for (size_t at = 0; at < g->size;) {
    const ssize_t n = write(fd, g->bytes + at, g->size - at);
    assert_true(n > 0);
    at += (size_t)n;
  }
  assert_int_equal(close(fd), 0);
}

void gguf_remove(void) { unlink(gguf_path()); }

int gguf_leave(void **state) {
  (void)state;
  gguf_remove();
  return 0;
}

struct gguf gguf_small(void) {
  struct gguf g = {0};
  gguf_header(&g, 3, 4, 14);
  gguf_meta_string(&g, "general.architecture", "llama");
  gguf_meta_u32(&g, "general.alignment", 32);
  gguf_meta_u32(&g, "llama.block_count", 2);
  gguf_meta_u32(&g, "llama.embedding_length", 64);
  gguf_meta_u32(&g, "llama.feed_forward_length", 96);
  gguf_array(&g, "llama.attention.head_count", INFERMEM_META_U32, 2);
  gguf_u64(&g, (uint64_t)8 << 32 | 8);
  gguf_array(&g, "llama.attention.head_count_kv", INFERMEM_META_I16, 2);
  gguf_u32(&g, 2u << 16 | 4);
  gguf_meta_f32(&g, "llama.rope.freq_base", 10000.0f);
  gguf_array(&g, "tokenizer.ggml.tokens", INFERMEM_META_STRING, 4);
  gguf_string(&g, "<s>");
  gguf_string(&g, "");
  gguf_string(&g, "\xe2\x96\x81the");
  gguf_string(&g, "x");
  gguf_array(&g, "tokenizer.ggml.scores", INFERMEM_META_F32, 4);
  gguf_zeros(&g, 16);
  gguf_array(&g, "flags", INFERMEM_META_BOOL, 3);
  gguf_bytes(&g, "\1\0\1", 3);
  gguf_key(&g, "yes", INFERMEM_META_BOOL);
  gguf_number(&g, 1, 1);
  gguf_key(&g, "far", INFERMEM_META_F64);
  gguf_u64(&g, 0x4059000000000000u);
  gguf_key(&g, "back", INFERMEM_META_I64);
  gguf_u64(&g, (uint64_t)-5);
  const uint64_t embedding[] = {64, 4}, norm[] = {64}, gate[] = {64, 2, 2};
  gguf_tensor(&g, "token_embd.weight", 2, embedding, INFERMEM_DTYPE_F16, 0);
  gguf_tensor(&g, "blk.0.ffn_gate.weight", 3, gate, INFERMEM_DTYPE_Q4_0, 512);
  gguf_tensor(&g, "unknown", 1, norm, 200, 672);
  gguf_tensor(&g, "output_norm.weight", 1, norm, INFERMEM_DTYPE_F32, 704);
  gguf_pad(&g, 32);
  uint64_t seed = 7;
  for (size_t i = 0; i < GGUF_SMALL_DATA; i++) gguf_number(&g, test_random(&seed), 1);
  assert_true(g.size < 4096);
  return g;
}

struct gguf_heap gguf_heap;

static void *allocate(void *context, size_t size, size_t align) {
  (void)context;
  void *pointer;
  if (posix_memalign(&pointer, align < sizeof(void *) ? sizeof(void *) : align, size) != 0) return NULL;
  gguf_heap.calls++;
  gguf_heap.live += size;
  if (gguf_heap.live > gguf_heap.peak) gguf_heap.peak = gguf_heap.live;
  return pointer;
}

static void release(void *context, void *pointer, size_t size, size_t align) {
  (void)context, (void)align;
  gguf_heap.live -= size;
  free(pointer);
}

infermem_allocator gguf_hook(void) {
  memset(&gguf_heap, 0, sizeof gguf_heap);
  return (infermem_allocator){sizeof(infermem_allocator), allocate, release, NULL};
}

int32_t gguf_open(infermem_model **out) {
  const infermem_allocator hook = gguf_hook();
  INFERMEM_STRUCT(infermem_model_options, options);
  options.allocator = &hook;
  return model_open(gguf_path(), &options, out);
}

infermem_model *open_model(const char *path) {
  infermem_model *model = NULL;
  assert_ok(model_open(path, NULL, &model));
  return model;
}

infermem_model *open_gguf(struct gguf *g) {
  gguf_save(g);
  gguf_free(g);
  return open_model(gguf_path());
}

int warned(const infermem_model *model, const char *text) {
  for (size_t i = 0; i < model_warning_count(model); i++)
    if (strstr(model_warning(model, i), text)) return 1;
  return 0;
}

void gguf_exercise(infermem_model *model) {
  INFERMEM_STRUCT(infermem_model_config, config);
  assert_ok(model_config(model, &config));
  (void)infermem_config_validate(&config);
  INFERMEM_STRUCT(infermem_model_layer, layer);
  INFERMEM_STRUCT(infermem_model_weights, weights);
  assert_ok(model_weights(model, &weights));
  for (uint64_t i = 0; i < config.n_layers; i++) assert_ok(model_layer(model, i, &layer));
  unsigned sum = 0;
  for (size_t i = 0; i < model_tensor_count(model); i++) {
    INFERMEM_STRUCT(infermem_tensor_info, info);
    infermem_view view;
    size_t found;
    assert_ok(model_tensor_info(model, i, &info));
    assert_ok(model_tensor_find(model, info.name, &found));
    assert_int_equal(found, i);
    const int32_t status = model_tensor_view(model, i, &view);
    if (status == INFERMEM_E_STATE) continue;
    assert_int_equal(status, INFERMEM_OK);
    assert_true(view.bytes == info.bytes && (view.data == NULL) == (view.bytes == 0));
    if (view.data) sum += ((const unsigned char *)view.data)[0] + ((const unsigned char *)view.data)[view.bytes - 1];
  }
  for (size_t i = 0; i < model_meta_count(model); i++) {
    INFERMEM_STRUCT(infermem_meta_info, info);
    size_t found;
    assert_ok(model_meta_info(model, i, &info));
    assert_ok(model_meta_find(model, info.key, &found));
    assert_int_equal(found, i);
    uint64_t u, elements[4];
    int64_t n, integers[4];
    double f, reals[4];
    int32_t b;
    const char *text;
    size_t length;
    (void)model_meta_u64(model, info.key, &u);
    (void)model_meta_i64(model, info.key, &n);
    (void)model_meta_f64(model, info.key, &f);
    (void)model_meta_bool(model, info.key, &b);
    if (model_meta_string(model, info.key, &text, &length) == INFERMEM_OK) assert_int_equal(text[length], 0);
    const size_t some = info.count < 4 ? (size_t)info.count : 4;
    (void)model_meta_array_u64(model, info.key, 0, some, elements);
    (void)model_meta_array_i64(model, info.key, 0, some, integers);
    (void)model_meta_array_f64(model, info.key, 0, some, reals);
    (void)model_meta_array_strings(model, info.key, 0, some, NULL, 0, NULL, &length);
  }
  for (size_t i = 0; i < model_warning_count(model); i++) sum += (unsigned)strlen(model_warning(model, i));
  (void)sum;
}
