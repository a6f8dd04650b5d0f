// A size that knows whether it still fits: formulas stay formulas, and the question is asked once, at their end.
#pragma once

#include "base/checked.hh"

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

  bool fits() const { return fits_; }
  // Of a size that fits.
  uint64_t value() const { return value_; }

 private:
  uint64_t value_;
  bool fits_ = true;
};

}  // namespace infermem
