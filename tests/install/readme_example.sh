#!/bin/sh
# Compiles and runs the C example of the README, as it stands there, against a build.
#
#   readme_example.sh BUILD_DIR SOURCE_DIR CC MODEL
set -eu
build=$1 source=$2 cc=$3 model=$4
example=$build/tests/readme_example.c
awk '/^```c$/ { inside = 1; next } /^```$/ { if (inside) exit } inside' "$source/README.md" >"$example"
lines=$(wc -l <"$example")
echo "README example: $lines lines"
[ "$lines" -ge 10 ] && [ "$lines" -le 25 ]
$cc -std=c99 -Wall -Wextra -Wpedantic -Werror -I"$source/include" "$example" -o "$build/tests/readme_example" \
  -L"$build/src" -linfermem -Wl,-rpath,"$build/src"
"$build/tests/readme_example" "$model"
