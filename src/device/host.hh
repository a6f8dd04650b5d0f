// The host's memory, as the kernel tells it in /proc and /sys.
#pragma once

#include "infermem/device.h"

namespace infermem {

// Reads it, with `root` before every path. What cannot be read stays unknown; nothing is allocated.
void read_host(const char *root, infermem_host_facts *out);

// CLOCK_MONOTONIC.
uint64_t now_ns();

}  // namespace infermem
