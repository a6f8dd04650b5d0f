/* model_make.h: safetensors files and JSON texts in memory, and opening models from there under a watch. */
#ifndef MODEL_MAKE_H
#define MODEL_MAKE_H

#include "gguf_make.h"

/* Appends a text as printf would make it, of less than 64 KiB. */
__attribute__((format(printf, 2, 3))) void make_text(struct gguf *g, const char *format, ...);

/* A safetensors file of this header and n bytes of data, which are 0, 1, 2, … */
struct gguf make_safetensors(const char *header, size_t n);

/* Opens the bytes with an allocator that keeps gguf_heap. file_size is 0 for a whole file. */
int32_t open_memory(const struct gguf *g, uint64_t file_size, infermem_model **out);

/* Saves the bytes under that name, and frees g. */
void save_as(const char *path, struct gguf *g);

infermem_tensor_info tensor_of(const infermem_model *model, const char *name);
infermem_meta_info meta_of(const infermem_model *model, const char *key);
void assert_integer(const infermem_model *model, const char *key, int64_t value);
void assert_string(const infermem_model *model, const char *key, const char *value, size_t length);

#endif
