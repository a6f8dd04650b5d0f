/* saved.h: the matrices of data/quant, and their files. */
#ifndef SAVED_H
#define SAVED_H

#include "files.h"

struct form {
  const char *name;
  int32_t dtype;
  size_t rows, cols, bytes; /* of a borrowed type */
  uint32_t bits;
  size_t group;
  int32_t params;
  int32_t layout;
  uint32_t symmetric;
};

/* Those of data/make_quant_files.py. */
extern const struct form kForms[];
enum { kNForms = 11, kMost = 4 * 300 };

/* The matrix, in a tape, or in a mapping of its own where that is NULL. */
infermem_quant *make_in(const struct form *form, const infermem_tape *tape);
infermem_quant *make(const struct form *form);

/* data/quant/NAME.EXTENSION */
struct bytes golden(const char *name, const char *extension);

/* Of two matrices of up to kMost elements, everything that can be asked of them. */
void assert_same(const infermem_quant *a, const infermem_quant *b);

#endif
