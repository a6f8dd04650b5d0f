// Reading safetensors: the length, the header in JSON, and the proof that the tensors cover the data. Source: the
// format's description in the safetensors repository.
#pragma once

#include "model/contents.hh"

namespace infermem {

// Adds what the file has; *data_start becomes where its data begins. The entries of __metadata__ become values under
// "__metadata__.". What is wrong with a file is recorded as model_open's comment lists it.
Status read_safetensors(const Reading &file, const Allocator &allocator, Contents *out, uint64_t *data_start);

}  // namespace infermem
