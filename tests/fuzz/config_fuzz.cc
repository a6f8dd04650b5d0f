// Fuzzes model_open and model_open_bytes with config.json texts, and every call on the models that they open.
#include "model_use.hh"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  open_input(data, size, size_t{64} << 20);  // paths repeat: the bound is the promised one
  return 0;
}
