/* tensor.h: views, the one form in which data leaves the library. */
#ifndef INFERMEM_TENSOR_H
#define INFERMEM_TENSOR_H

#include "dtype.h"

#define INFERMEM_MAX_DIMS 4

enum {
  INFERMEM_VIEW_READONLY = 1 /* writing through the view is an error, and may fault */
};

/* A strided window on memory that a handle owns. Dimensions run from the slowest to the fastest, as in C and NumPy:
 * element [i][j] of a matrix is at data + i * strides[0] + j * strides[1].
 *
 * Of a block type the last dimension counts elements, and its stride is the bytes of one block. Entries from n_dims on
 * are 1 in shape and 0 in strides. How long a view is valid, the function that gives it says. */
typedef struct infermem_view {
  void *data;
  int32_t dtype;   /* INFERMEM_DTYPE_*, or a number of the file's that no INFERMEM_DTYPE_ names */
  uint32_t flags;  /* INFERMEM_VIEW_* */
  uint32_t n_dims; /* 1 to INFERMEM_MAX_DIMS */
  uint32_t reserved;
  uint64_t bytes;                     /* the bytes from the first element to the end of the last */
  uint64_t shape[INFERMEM_MAX_DIMS];  /* elements */
  int64_t strides[INFERMEM_MAX_DIMS]; /* bytes */
} infermem_view;

#endif
