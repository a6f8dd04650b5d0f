// Libraries that are looked for at run time. None is ever unloaded once a function of it was looked up: drivers leave
// threads and exit handlers behind.
#pragma once

#include <cstddef>

namespace infermem {

class Library {
 public:
  enum class Result { kOpen, kAbsent, kStub };

  // Opens the first of the names (sonames or absolute paths) that can be, other than from a folder named stubs. When
  // none can be, `reason` gets the loader's words about the last.
  Result open(const char *const *names, size_t n_names, char *reason, size_t capacity);

  // Looks up a function; false, and *out stays as it was, when the library lacks it.
  template <typename Function>
  bool find(const char *name, Function **out) const {
    void *const symbol = look_up(name);
    if (symbol) *out = reinterpret_cast<Function *>(symbol);
    return symbol != nullptr;
  }

 private:
  void *look_up(const char *name) const;

  void *handle_ = nullptr;
};

}  // namespace infermem
