// What a configuration must be to be computed with, and the limits of its numbers.
#pragma once

#include "base/error.hh"
#include "infermem/model.h"

namespace infermem {

// The most that a count of heads, groups or experts, or a head's elements, may be; and any other number.
constexpr uint64_t kMostSmall = (uint64_t{1} << 20) - 1;
constexpr uint64_t kMostLarge = uint64_t{1} << 31;

Status validate_config(const infermem_model_config &config);

}  // namespace infermem
