#include "base/handle.hh"

namespace infermem {

Status fail_handle(const char *name, Kind expected, Kind got) {
  const auto want = static_cast<uint32_t>(expected);
  const auto have = static_cast<uint32_t>(got);
  return fail(INFERMEM_E_HANDLE, want, have, "%s is %s (its kind is 0x%08x, not 0x%08x)", name,
              got == Kind::kFreed ? "a freed handle" : "a handle of another kind", have, want);
}

}  // namespace infermem
