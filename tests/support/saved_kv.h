/* saved_kv.h: the caches of data/kv, and where saved ones go and come from. */
#ifndef SAVED_KV_H
#define SAVED_KV_H

#include "files.h"

struct kv_form {
  const char *name;
  size_t tokens, heads, dims[2]; /* by INFERMEM_KV_* */
  size_t layers;
  int32_t types[3][2];
  uint32_t flags;
  const char *fingerprint;
  size_t n_fingerprint;
};

/* Those of data/make_kv_files.py. */
extern const struct kv_form kKvForms[];
enum { kNKvForms = 10, kKvEmpty = 9 };

/* The options of an empty cache of the form; types must live as long as they are used. */
infermem_kv_options kv_form_options(const struct kv_form *form, size_t max_tokens, int32_t types[2][3]);
infermem_kv *kv_form_new(const struct kv_form *form, size_t max_tokens);
/* The same with its tokens. */
infermem_kv *kv_form_make(const struct kv_form *form);
/* Appends n tokens, the token-th of the form and those after it, and leaves them pending. */
void kv_form_append(infermem_kv *kv, const struct kv_form *form, size_t token, size_t n);

/* All that can be seen of a cache: length, generation, and every row, pending ones too. */
struct kv_seen {
  size_t n;
  unsigned char bytes[1 << 15];
};
void kv_see(const infermem_kv *kv, size_t layers, struct kv_seen *out);
/* That a cache is as it was. */
void assert_as_seen(const infermem_kv *kv, size_t layers, const struct kv_seen *before);

/* A saved cache in memory, written or read at `at`, at most `most` bytes a call. */
struct kv_memory {
  struct bytes bytes;
  size_t at, most;
  size_t calls;
  size_t fail_at;  /* the number, from 1, of the call that returns `failure`; 0 is none */
  int64_t failure; /* INT64_MAX means one more than was asked */
};
int64_t kv_memory_write(void *memory, const void *bytes, size_t n);
int64_t kv_memory_read(void *memory, void *out, size_t n);

/* What kv_save_to gives of a cache. Free it with bytes_free. */
struct bytes kv_saved(const infermem_kv *kv, const struct kv_form *form);
/* Loads a cache from memory. */
int32_t kv_load_bytes(infermem_kv *kv, struct bytes bytes, const struct kv_form *form);

/* Makes every checksum of saved bytes right, as far as its form and the bytes go. */
void kv_sign(struct bytes bytes, const struct kv_form *form);
/* Where the sections of a saved cache of the form end, and their checksums begin; returns how many there are. */
size_t kv_sections(const struct kv_form *form, size_t tokens, size_t ends[16]);

#endif
