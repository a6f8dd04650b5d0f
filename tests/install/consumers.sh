#!/bin/sh
# Installs a build into a folder of its own, and uses it from there in every way that a program can.
#
#   consumers.sh BUILD_DIR SOURCE_DIR CC
set -eu
build=$1 source=$2 cc=$3
here=$source/tests/install
stage=$build/tests/stage
work=$build/tests/consumers
rm -rf "$stage" "$work"
mkdir -p "$work"
cmake --install "$build" --prefix "$stage" >/dev/null
lib=$(dirname "$(find "$stage" -name libinfermem.a)")

# infermem.pc has the prefix that was configured; pkg-config is told where it really is.
flags() { PKG_CONFIG_PATH=$lib/pkgconfig pkg-config --define-variable=prefix="$stage" "$@" infermem; }

echo "pkg-config, shared"
# shellcheck disable=SC2046
$cc -std=c99 -Wall -Wextra -Werror $(flags --cflags) "$here/consumer.c" -o "$work/shared" $(flags --libs)
LD_LIBRARY_PATH=$lib "$work/shared"

echo "static library, by the C driver"
# shellcheck disable=SC2046
$cc -std=c99 $(flags --cflags) "$here/consumer.c" -o "$work/static" "$lib/libinfermem.a" -lm -ldl
"$work/static"
if ldd "$work/static" | grep -E 'libstdc|libinfermem'; then exit 1; fi

echo "dlopen, function table"
# shellcheck disable=SC2046
$cc -std=c99 -Wall -Wextra -Werror $(flags --cflags) "$here/consumer_dlopen.c" -o "$work/dlopen" -ldl
LD_LIBRARY_PATH=$lib "$work/dlopen"

echo "the example, by its own makefile"
make -s -C "$source/bindings/c" PREFIX="$stage" OUT="$work/decode" CC="$cc" RPATH="-Wl,-rpath,$lib" \
  PC="PKG_CONFIG_PATH=$lib/pkgconfig pkg-config --define-variable=prefix=$stage"
"$work/decode" --tokens 4 "$source/tests/data/tiny-llama.gguf" | grep '^tokens'

for target in infermem infermem_static; do
  echo "CMake package, $target"
  cmake -S "$here/cmake" -B "$work/cmake-$target" -DCMAKE_PREFIX_PATH="$stage" -DCMAKE_C_COMPILER="$cc" -DTARGET=$target >/dev/null
  cmake --build "$work/cmake-$target" >/dev/null
  "$work/cmake-$target/consumer"
done
