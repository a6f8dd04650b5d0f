#include "base/dl.hh"

#include <dlfcn.h>
#include <link.h>

#include <cstdio>
#include <cstring>

namespace infermem {
namespace {

// Where the loader found the library; "" when it does not tell.
const char *path_of(void *handle) {
  link_map *map = nullptr;
  return dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map && map->l_name ? map->l_name : "";
}

// The words, for one line of text: a path in them may have control characters.
void put(const char *words, char *reason, size_t capacity) {
  std::snprintf(reason, capacity, "%s", words);
  for (char *p = reason; *p; ++p)
    if (static_cast<unsigned char>(*p) < 0x20 || *p == 0x7f) *p = '?';
}

}  // namespace

Library::Result Library::open(const char *const *names, size_t n_names, char *reason, size_t capacity) {
  Result result = Result::kAbsent;
  for (size_t i = 0; i < n_names; ++i) {
    void *const handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
      const char *const words = dlerror();
      if (result == Result::kAbsent) put(words ? words : names[i], reason, capacity);
      continue;
    }
    if (!std::strstr(path_of(handle), "/stubs/")) {
      handle_ = handle;
      return Result::kOpen;
    }
    std::snprintf(reason, capacity, "%s is a stub", path_of(handle));
    dlclose(handle);  // nothing in it was called; left open, it would answer to the real library's name
    result = Result::kStub;
  }
  return result;
}

void *Library::look_up(const char *name) const { return handle_ ? dlsym(handle_, name) : nullptr; }

}  // namespace infermem
