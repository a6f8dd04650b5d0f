// The reason for finding no device: a code, and the sentence that goes with it.
#pragma once

#include <cstdarg>
#include <cstdint>
#include <cstdio>

#include "infermem/device.h"

namespace infermem {

struct Why {
  int32_t code = INFERMEM_DEVICE_WHY_NONE;
  char text[320] = {};

  [[gnu::format(printf, 3, 4)]] void set(int32_t why, const char *format, ...) {
    code = why;
    std::va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
  }
};

}  // namespace infermem
