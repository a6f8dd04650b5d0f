#!/bin/sh
# check_baseline.sh LIBRARY ROOT: the library's binary interface is that of src/abi/libinfermem.abi, but for functions that
# have been added since.
if abidiff --no-added-syms --headers-dir2 "$2/include" "$2/src/abi/libinfermem.abi" "$1"; then
  echo "the interface is the one of the baseline"
else
  echo "The interface has changed. Where src/doc/abi.md allows that, 'make abi' renews the baseline." >&2
  exit 1
fi
