// Checked arithmetic: every size that comes from outside goes through these.
//
// Each function returns false, and leaves *out alone, when the result does not fit. That is rule one of reading
// untrusted numbers: the check sits in the arithmetic, not beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace infermem::checked {

template <typename T>
[[nodiscard]] inline bool add(T a, T b, T *out) {
  T r;
  if (__builtin_add_overflow(a, b, &r)) return false;
  *out = r;
  return true;
}

template <typename T>
[[nodiscard]] inline bool mul(T a, T b, T *out) {
  T r;
  if (__builtin_mul_overflow(a, b, &r)) return false;
  *out = r;
  return true;
}

// The product of all the factors.
template <typename T, typename... Rest>
[[nodiscard]] inline bool product(T *out, T first, Rest... rest) {
  T r = first;
  if (!(mul(r, static_cast<T>(rest), &r) && ...)) return false;
  *out = r;
  return true;
}

// value rounded up to a multiple of align, a power of two.
template <typename T>
[[nodiscard]] inline bool align_up(T value, T align, T *out) {
  static_assert(std::is_unsigned_v<T>);
  T r;
  if (!add(value, static_cast<T>(align - 1), &r)) return false;
  *out = static_cast<T>(r & ~(align - 1));
  return true;
}

template <typename To, typename From>
[[nodiscard]] inline bool narrow(From value, To *out) {
  static_assert(std::is_unsigned_v<From> && std::is_unsigned_v<To>);
  if (value > std::numeric_limits<To>::max()) return false;
  *out = static_cast<To>(value);
  return true;
}

// The lowest set bit and all below it exceed n - 1 only where that bit is the highest too; of 0, n - 1 is the largest.
constexpr bool is_power_of_two(size_t n) { return (n ^ (n - 1)) > n - 1; }

}  // namespace infermem::checked
