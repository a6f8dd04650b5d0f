// Which files make up a model, and of which format they are.
#pragma once

#include "model/gguf.hh"

namespace infermem {

// Opens what is at path, a file or a directory, and fills out, which is empty and uses the source.
Status open_model(const char *path, const Allocator &allocator, Source *source, Contents *out);

// The same of a source that is open.
Status read_source(const Source &source, const Allocator &allocator, Contents *out);

}  // namespace infermem
