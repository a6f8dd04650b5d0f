// Fuzzes model_open and model_open_bytes with safetensors files, and every call on the models that they open.
#include "model_use.hh"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  open_input(data, size, size_t{512} << 10);
  return 0;
}
