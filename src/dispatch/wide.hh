// Integers of 128 bits, which the compilers have as an extension.
#pragma once

#include <cstdint>

namespace infermem {

__extension__ typedef unsigned __int128 U128;

inline uint64_t low_of(U128 x) { return static_cast<uint64_t>(x); }
inline uint64_t high_of(U128 x) { return static_cast<uint64_t>(x >> 64); }

}  // namespace infermem
