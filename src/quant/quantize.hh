// Floats quantized to one of the field's formats, in the caller's memory.
#pragma once

#include "quant/quant.hh"

namespace infermem {

// From F32. n_out bytes at out, which has no alignment. Everything is checked before a byte is written.
Status quantize_to(int32_t dtype, const FloatMatrix &from, void *out, size_t n_out);

}  // namespace infermem
