// Choosing a table of kernels, and the functions of infermem/simd.h.
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "base/error.hh"
#include "base/log.hh"
#include "infermem/simd.h"
#include "simd/kernels.hh"

namespace infermem {
namespace {

std::atomic<const Kernels *> chosen{nullptr};

const char *const kNames[] = {"reference", "sse4", "avx2", "avx512", "neon"};

const Kernels *fastest() {
  const Kernels *best = nullptr;
  for (const Kernels *const *k = all_kernels; *k; ++k)
    if ((*k)->is_usable()) best = *k;
  return best;
}

// The usable table of that name, or NULL.
const Kernels *find(const char *name) {
  for (const Kernels *const *k = all_kernels; *k; ++k)
    if (std::strcmp((*k)->name, name) == 0) return (*k)->is_usable() ? *k : nullptr;
  return nullptr;
}

Status fail_find(const char *name) {
  for (const char *known : kNames)
    if (std::strcmp(known, name) == 0)
      return fail(INFERMEM_E_UNSUPPORTED, 0, 0, "this build or this processor has no %s", name);
  return fail(INFERMEM_E_NOT_FOUND, 0, 0, "no instruction set is named \"%.32s\"", name);
}

// Threads that come here at once choose the same.
const Kernels *choose() {
  const Kernels *best = fastest();
  if (const char *wish = std::getenv("INFERMEM_SIMD")) {
    if (const Kernels *wanted = find(wish))
      best = wanted;
    else
      log(INFERMEM_LOG_WARN, "INFERMEM_SIMD is \"%.32s\", which there is not here; using %s", wish, best->name);
  }
  const Kernels *nobody = nullptr;
  chosen.compare_exchange_strong(nobody, best, std::memory_order_relaxed);
  return chosen.load(std::memory_order_relaxed);
}

}  // namespace

const Kernels &kernels() {
  const Kernels *k = chosen.load(std::memory_order_relaxed);
  return __builtin_expect(k != nullptr, 1) ? *k : *choose();
}

}  // namespace infermem

using namespace infermem;

extern "C" {

const char *infermem_simd_name(void) { return kernels().name; }

const char *infermem_simd_available(size_t index) {
  for (const Kernels *const *k = all_kernels; *k; ++k)
    if ((*k)->is_usable() && index-- == 0) return (*k)->name;
  return nullptr;
}

int32_t infermem_simd_select(const char *name) {
  const Kernels *k = name ? find(name) : fastest();
  if (!k) INFERMEM_LEAVE(fail_find(name));
  chosen.store(k, std::memory_order_relaxed);
  return INFERMEM_OK;
}

}  // extern "C"
