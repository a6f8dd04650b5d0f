// The process-wide log hook. The library says there what is worth knowing and is no error: a wish not granted, a driver
// not found.
#pragma once

#include "infermem/error.h"

namespace infermem {

// Sends a line, up to 255 bytes of it, to the hook, if there is one that wants the level. Never allocates.
[[gnu::cold, gnu::format(printf, 2, 3)]] void log(int32_t level, const char *format, ...);

}  // namespace infermem
