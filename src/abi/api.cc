// The function table behind infermem_api.
#include "infermem/api.h"

namespace {

const infermem_api_table table = {
    sizeof(infermem_api_table),
#include "abi/table.inc"
};

}  // namespace

extern "C" const infermem_api_table *infermem_api(uint32_t major) {
  return major == INFERMEM_VERSION_MAJOR ? &table : nullptr;
}
