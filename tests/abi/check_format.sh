#!/bin/sh
# Every C and C++ file is as clang-format leaves it; without git, in a release's tarball, every file in our folders.
set -eu
cd "$1"
files=$(git ls-files -co --exclude-standard '*.h' '*.hh' '*.c' '*.cc' 2>/dev/null || find include src bindings tests -name '*.[ch]' -o -name '*.hh' -o -name '*.cc')
clang-format --version | grep -q 'version 14\.' || { echo "format: not checked, this is not clang-format 14"; exit 77; }
# shellcheck disable=SC2086
clang-format --dry-run -Werror $files
echo "format: $(echo "$files" | wc -l) files"
