// Reading GGUF: magic, version, counts, the metadata, the tensor table. Source: the GGUF specification of ggml.
#pragma once

#include "model/contents.hh"

namespace infermem {

// Adds what the file has; *data_start becomes where its data begins. What is wrong with a file is recorded as
// model_open's comment lists it.
Status read_gguf(const Reading &file, const Allocator &allocator, Contents *out, uint64_t *data_start);

}  // namespace infermem
