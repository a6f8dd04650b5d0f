/* dlpack.h: views as DLPack tensors, the form in which NumPy, PyTorch, JAX and others take each other's memory.
 *
 *     infermem_view keys;
 *     kv_keys(kv, layer, &keys);
 *     infermem_dlpack *tensor;
 *     if (infermem_view_dlpack(&keys, NULL, &tensor) != INFERMEM_OK) return 1;
 *     capsule = PyCapsule_New(tensor, "dltensor_versioned", …);    // who takes the capsule calls tensor->deleter(tensor)
 *
 * The structs are those of DLPack 1.0, byte for byte, under names of this library's own, so that a program may include
 * DLPack's header too: a pointer to one is a pointer to the other. Source: github.com/dmlc/dlpack, include/dlpack/dlpack.h.
 *
 * Nothing is copied, and nothing holds on to the memory: a tensor shows the memory of its view, and is good for as long
 * as the view is, whoever has it by then. The deleter releases the record and no more. Who hands a tensor to code whose
 * end is not known, such as an array of NumPy's, keeps the object behind the view until that code has called the deleter.
 */
#ifndef INFERMEM_DLPACK_H
#define INFERMEM_DLPACK_H

#include "alloc.h"
#include "error.h"
#include "tensor.h"

INFERMEM_BEGIN_DECLS

/* The values that this library writes. */
enum {
  INFERMEM_DLPACK_CPU = 1,      /* the device */
  INFERMEM_DLPACK_INT = 0,      /* codes of types */
  INFERMEM_DLPACK_FLOAT = 2,    /* IEEE 754: F64, F32, F16 */
  INFERMEM_DLPACK_BFLOAT = 4,   /* BF16 */
  INFERMEM_DLPACK_READONLY = 1, /* a flag: the memory must not be written to */
  INFERMEM_DLPACK_MAJOR = 1,    /* the version */
  INFERMEM_DLPACK_MINOR = 0
};

/* A tensor: where it is and what it looks like. */
typedef struct infermem_dlpack_tensor {
  void *data;          /* the first element; NULL when there is none */
  int32_t device_type; /* INFERMEM_DLPACK_CPU */
  int32_t device_id;   /* 0 */
  int32_t n_dims;
  uint8_t type_code;    /* INFERMEM_DLPACK_INT, _FLOAT or _BFLOAT */
  uint8_t type_bits;    /* of an element */
  uint16_t type_lanes;  /* 1 */
  int64_t *shape;       /* n_dims numbers of elements, from the slowest dimension to the fastest */
  int64_t *strides;     /* n_dims numbers of elements, not of bytes; never NULL */
  uint64_t byte_offset; /* from data to the first element: 0 */
} infermem_dlpack_tensor;

/* A tensor that is passed on, DLManagedTensorVersioned: a capsule of the name "dltensor_versioned" holds one. */
typedef struct infermem_dlpack {
  uint32_t version_major; /* INFERMEM_DLPACK_MAJOR; with another one only the deleter may be relied on */
  uint32_t version_minor;
  void *manager;                                 /* the library's own */
  void (*deleter)(struct infermem_dlpack *self); /* releases the record; to be called once, in any thread */
  uint64_t flags;                                /* INFERMEM_DLPACK_READONLY or 0 */
  infermem_dlpack_tensor tensor;
} infermem_dlpack;

/* The form from before versions, DLManagedTensor: a capsule of the name "dltensor" holds one. */
typedef struct infermem_dlpack_unversioned {
  infermem_dlpack_tensor tensor;
  void *manager;
  void (*deleter)(struct infermem_dlpack_unversioned *self);
} infermem_dlpack_unversioned;

#ifndef INFERMEM_NO_PROTOTYPES

/* Makes a DLPack tensor of a view, without copying what it shows; release it with its deleter. A read-only view makes a
 * read-only tensor. The tensor is valid as long as the view is.
 *   view: one of the library's, or made by hand in the same way, of type F64, F32, F16, BF16, I8, I16, I32 or I64.
 *   allocator: for the record; the deleter calls it, in whichever thread that is called. NULL means malloc.
 * Errors: INFERMEM_E_NULL: view or out is NULL, or view->data is where the view has elements.  INFERMEM_E_STRUCT: the
 * allocator's struct_size.  INFERMEM_E_ARG: the allocator lacks a function.  INFERMEM_E_TYPE: the view's type is no known
 * type's number.  INFERMEM_E_UNSUPPORTED: DLPack cannot say it, being a block type.  INFERMEM_E_SHAPE: the view's n_dims
 * is not 1 to INFERMEM_MAX_DIMS, or a stride is not whole elements.  INFERMEM_E_OVERFLOW: a dimension exceeds 2^63 - 1.
 * INFERMEM_E_NOMEM.
 * Thread: any.  Memory: one allocation from the allocator, until the deleter is called.  Since: 0.1 */
INFERMEM_FN int32_t infermem_view_dlpack(const infermem_view *view, const infermem_allocator *allocator,
                                         infermem_dlpack **out);

/* The same in the form from before versions, for those who know no other: NumPy before 2.1, for one. It cannot say that
 * a tensor is read-only: of a read-only view, whoever passes it on sees to it that nobody writes.
 * Errors: those of infermem_view_dlpack.
 * Thread: any.  Memory: one allocation from the allocator, until the deleter is called.  Since: 0.1 */
INFERMEM_FN int32_t infermem_view_dlpack_unversioned(const infermem_view *view, const infermem_allocator *allocator,
                                                     infermem_dlpack_unversioned **out);

#endif

INFERMEM_END_DECLS

#endif
