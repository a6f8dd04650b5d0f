/* gguf_make.h: writing GGUF files field by field, right ones and wrong ones, and opening them under a watch. */
#ifndef GGUF_MAKE_H
#define GGUF_MAKE_H

#include "support.h"

/* A file in memory; zero it before use, and free it with gguf_free. */
struct gguf {
  unsigned char *bytes;
  size_t size;
  size_t capacity;
};

void gguf_free(struct gguf *g);
void gguf_bytes(struct gguf *g, const void *bytes, size_t n);
void gguf_zeros(struct gguf *g, size_t n);
/* Zeros up to a multiple of align. */
void gguf_pad(struct gguf *g, size_t align);

/* The n low bytes of the value, little-endian. */
void gguf_number(struct gguf *g, uint64_t value, size_t n);
void gguf_u32(struct gguf *g, uint32_t value);
void gguf_u64(struct gguf *g, uint64_t value);
/* Length and bytes. */
void gguf_string(struct gguf *g, const char *text);
void gguf_header(struct gguf *g, uint32_t version, uint64_t n_tensors, uint64_t n_metas);
/* A key and the type that its value, which is to follow, has. */
void gguf_key(struct gguf *g, const char *key, uint32_t type);
void gguf_meta_u32(struct gguf *g, const char *key, uint32_t value);
void gguf_meta_f32(struct gguf *g, const char *key, float value);
void gguf_meta_string(struct gguf *g, const char *key, const char *value);
/* A key, and the start of an array whose elements are to follow. */
void gguf_array(struct gguf *g, const char *key, uint32_t element_type, uint64_t count);
void gguf_tensor(struct gguf *g, const char *name, uint32_t n_dims, const uint64_t *ne, uint32_t type, uint64_t offset);

/* The path of a file of this process's that gguf_save writes and test programs open; removed by gguf_remove. */
const char *gguf_path(void);
void gguf_save(const struct gguf *g);
void gguf_remove(void);
/* A group tear-down that removes it. */
int gguf_leave(void **state);

/* A file with all there is in the format, of less than 4 KiB: 14 values, 4 tensors, and last their data, of
 * GGUF_SMALL_DATA bytes. It ends with the last byte of its last tensor. */
struct gguf gguf_small(void);
#define GGUF_SMALL_DATA (704 + 256)

/* What the models that gguf_open opened took of memory, in bytes, since the last gguf_open. */
extern struct gguf_heap { size_t calls, live, peak; } gguf_heap;

/* Starts gguf_heap anew, and gives the allocator that keeps it. */
infermem_allocator gguf_hook(void);

/* Opens the saved file with it. */
int32_t gguf_open(infermem_model **out);

infermem_model *open_model(const char *path);
/* Saves the file, opens it and frees g. */
infermem_model *open_gguf(struct gguf *g);

/* One of the model's warnings contains the text. */
int warned(const infermem_model *model, const char *text);

/* Calls everything there is to call on a model, and touches its data if it has some; what contradicts itself fails the
 * test. */
void gguf_exercise(infermem_model *model);

#endif
