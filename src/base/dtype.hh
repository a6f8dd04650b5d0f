// What an element type takes; the table is infermem/dtype.h's.
#pragma once

#include "base/error.hh"
#include "infermem/dtype.h"

namespace infermem {

struct Block {
  uint32_t elements;
  uint32_t bytes;
};

// Whether the number is a known type's; reports nothing.
bool find_dtype(int32_t dtype, Block *out);

// Records INFERMEM_E_TYPE when the number is no known type's.
Status dtype_block(int32_t dtype, Block *out);

// The bytes of n elements; records INFERMEM_E_TYPE, _SHAPE or _OVERFLOW.
Status dtype_bytes(int32_t dtype, uint64_t n, uint64_t *out);

}  // namespace infermem
