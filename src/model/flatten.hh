// From a JSON text to metadata: each value under its path.
//
// {"rope": {"factor": 8}} becomes "rope.factor". An array whose elements are all integers, numbers, bools or strings becomes
// one value; of any other array each element gets a path of its own, "blocks.3.width". Nulls are left out.
#pragma once

#include "model/json.hh"
#include "model/meta.hh"

namespace infermem {

// Adds what a text of `size` bytes has, which is overwritten and followed by room for kJsonPadding bytes; it is an object.
// Records what parse_json does, INFERMEM_E_FORMAT also where a key is empty or has a
// control character, INFERMEM_E_LIMIT for what is beyond INFERMEM_MODEL_MAX_KEY, _VALUES and _KEPT, and INFERMEM_E_NOMEM.
Status flatten_json(char *text, size_t size, const char *what, const Allocator &allocator, Arena *arena,
                    MetaTable *metas);

}  // namespace infermem
