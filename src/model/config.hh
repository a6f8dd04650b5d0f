// From keys and tensors to the numbers that a model's memory depends on.
#pragma once

#include "infermem/model.h"
#include "model/gguf.hh"

namespace infermem {

// Fills *out with what the file says, 0 where it does not; what is wrong or missing becomes a warning of contents.
// Records only INFERMEM_E_NOMEM, _IO, _TRUNCATED and _LIMIT.
Status read_config(Contents *contents, infermem_model_config *out);

}  // namespace infermem
