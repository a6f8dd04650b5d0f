// Which files make up a model, and of which format they are.
#pragma once

#include "model/contents.hh"
#include "model/parts.hh"

namespace infermem {

// Opens what is at path, a file or a directory, and fills out and parts, which are empty. With is_mapped the data of each
// file is mapped. What is wrong is recorded as model_open's comment lists it.
Status open_model(const char *path, const Allocator &allocator, bool is_mapped, Parts *parts, Contents *out);

// Fills out from one file, that of the part, which is open.
Status read_part(const Allocator &allocator, Part *part, Contents *out);

}  // namespace infermem
