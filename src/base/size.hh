// A size that knows whether it still fits: formulas stay formulas, and the question is asked once, at their end.
#pragma once

#include "base/checked.hh"
#include "base/error.hh"

namespace infermem {

class Size {
 public:
  Size(uint64_t value = 0) : value_(value) {}

  friend Size operator+(Size a, Size b) {
    a.fits_ = a.fits_ && b.fits_ && checked::add(a.value_, b.value_, &a.value_);
    return a;
  }
  friend Size operator*(Size a, Size b) {
    a.fits_ = a.fits_ && b.fits_ && checked::mul(a.value_, b.value_, &a.value_);
    return a;
  }
  Size &operator+=(Size other) { return *this = *this + other; }

  // To the next multiple of unit, which is any number but 0.
  Size rounded_up(uint64_t unit) const {
    const uint64_t over = value_ % unit;
    return over == 0 ? *this : *this + (unit - over);
  }
  friend Size larger(Size a, Size b) { return a.or_most() >= b.or_most() ? a : b; }

  bool fits() const { return fits_; }
  // Of a size that fits.
  uint64_t value() const { return value_; }
  // What does not fit is more than any memory.
  uint64_t or_most() const { return fits_ ? value_ : UINT64_MAX; }
  bool is_at_most(uint64_t bytes) const { return fits_ && value_ <= bytes; }

  // Its value; records INFERMEM_E_OVERFLOW.
  Status give(const char *what, uint64_t *out) const {
    if (!fits_) return fail(INFERMEM_E_OVERFLOW, UINT64_MAX, 0, "the bytes of the %s do not fit 64 bits", what);
    *out = value_;
    return INFERMEM_OK;
  }

 private:
  uint64_t value_;
  bool fits_ = true;
};

}  // namespace infermem
