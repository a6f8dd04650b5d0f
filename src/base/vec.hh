// A growing array whose growth can fail: what std::vector cannot be without exceptions.
//
// Elements are copied as bytes, so only trivial types are held. It grows by a half: the old and the new array together
// stay below three times what is held.
#pragma once

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "base/allocator.hh"
#include "base/checked.hh"

namespace infermem {

template <typename T>
class Vec {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  Vec() = default;
  explicit Vec(const Allocator &allocator) : allocator_(allocator) {}
  ~Vec() { allocator_.give(data_, capacity_ * sizeof(T), alignof(T)); }
  Vec(const Vec &) = delete;
  Vec &operator=(const Vec &) = delete;

  // Which allocator to take from; called before anything is held.
  void use(const Allocator &allocator) { allocator_ = allocator; }

  // Makes room for n elements in all. Records INFERMEM_E_NOMEM, and INFERMEM_E_OVERFLOW.
  Status reserve(size_t n) {
    if (n <= capacity_) return INFERMEM_OK;
    size_t bytes;
    if (!checked::mul(n, sizeof(T), &bytes))
      return fail(INFERMEM_E_OVERFLOW, 0, n, "%zu elements of %zu bytes do not fit", n, sizeof(T));
    T *const data = static_cast<T *>(allocator_.take(bytes, alignof(T)));
    if (!data) return fail_nomem(bytes);
    if (size_ != 0) std::memcpy(data, data_, size_ * sizeof(T));
    allocator_.give(data_, capacity_ * sizeof(T), alignof(T));
    data_ = data;
    capacity_ = n;
    return INFERMEM_OK;
  }

  // Adds one at the end.
  Status push(const T &value) {
    if (size_ == capacity_) {
      const T copy = value;  // which may lie in what moves
      INFERMEM_TRY(reserve(capacity_ + std::max(capacity_ / 2, kLeast)));
      data_[size_++] = copy;
      return INFERMEM_OK;
    }
    data_[size_++] = value;
    return INFERMEM_OK;
  }

  // Makes it n elements long; new ones are copies of value.
  Status resize(size_t n, const T &value) {
    const T copy = value;
    INFERMEM_TRY(reserve(n));
    std::fill(data_ + std::min(size_, n), data_ + n, copy);
    size_ = n;
    return INFERMEM_OK;
  }

  // Takes the last one off.
  void pop() { --size_; }
  void clear() { size_ = 0; }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T *data() { return data_; }
  const T *data() const { return data_; }
  T &operator[](size_t i) { return data_[i]; }
  const T &operator[](size_t i) const { return data_[i]; }
  T *begin() { return data_; }
  T *end() { return data_ + size_; }
  const T *begin() const { return data_; }
  const T *end() const { return data_ + size_; }

 private:
  static constexpr size_t kLeast = 16;

  Allocator allocator_;
  T *data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace infermem
