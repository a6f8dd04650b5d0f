#!/bin/sh
# rust.sh CARGO SOURCE LIBRARY OUT DECODE: the Rust crates' tests against the library in the folder LIBRARY, below OUT. The
# example in Rust gives the tokens that the one in C, DECODE, does.
#
# Nothing is downloaded: where the one crate that is not in the tree, ndarray, is not in cargo's cache, what it is for is
# left out. Neither cargo nor the tests write to the source.
set -eu
cargo=$1 source=$2 library=$3 out=$4 decode=$5

# A copy, for cargo reads the manifest of each crate that could be used, and writes down which are.
tree=$out/tree
rm -rf "$tree" && mkdir -p "$tree/bindings/rust"
for name in include src tests CMakeLists.txt; do ln -s "$source/$name" "$tree/$name"; done
for name in Cargo.toml Cargo.lock rustfmt.toml infermem infermem-sys; do
  cp -Rp "$source/bindings/rust/$name" "$tree/bindings/rust/$name"
done
cd "$tree/bindings/rust"

export CARGO_NET_OFFLINE=true CARGO_TARGET_DIR="$out/target" RUSTFLAGS="-D warnings" RUSTDOCFLAGS="-D warnings"
unset INFERMEM_LIB_DIR DOCS_RS
features="--features ndarray"
if ! "$cargo" fetch --locked >/dev/null 2>&1; then
  echo "rust: without ndarray, which is not in cargo's cache"
  features=
  sed -i 's/^ndarray = \["dep:ndarray"\]/ndarray = []/; /^ndarray = {/d' infermem/Cargo.toml
fi

fail() {
  echo "rust: $1" >&2
  exit 1
}

# How the library is found: by pkg-config, within its range of versions; without one, all works that needs none.
with_version() { # a version, and what cargo is to do where pkg-config finds that alone
  pc=$out/pc-$1 && mkdir -p "$pc" && shift
  PKG_CONFIG_LIBDIR=$pc PKG_CONFIG_PATH='' "$cargo" "$@" >"$out/log" 2>&1
}
for version in 0.1.0 0.0.9 1.0.0; do
  mkdir -p "$out/pc-$version"
  printf 'Name: infermem\nDescription: a test\nVersion: %s\nLibs: -L%s -linfermem\nincludedir=%s\n' \
    "$version" "$library" "$source/include" >"$out/pc-$version/infermem.pc"
done
if command -v pkg-config >/dev/null; then
  with_version 0.1.0 build -p infermem-sys || { cat "$out/log" >&2; fail "0.1.0 was not taken"; }
  for version in 0.0.9 1.0.0; do
    ! with_version $version build -p infermem-sys || fail "$version was taken"
    grep -q "infermem $version is installed; this crate needs 0.1.0 or later, below 1" "$out/log" || fail "no reason given"
  done
fi
with_version none check || { cat "$out/log" >&2; fail "no check without the library"; }
grep -q "infermem was not found" "$out/log" || fail "nothing said that the library is missing"
# shellcheck disable=SC2086
DOCS_RS=1 "$cargo" doc -q --no-deps $features

export INFERMEM_LIB_DIR="$library" LD_LIBRARY_PATH="$library${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
# shellcheck disable=SC2086
"$cargo" test -q $features
if "$cargo" clippy --version >/dev/null 2>&1; then
  # shellcheck disable=SC2086
  "$cargo" clippy -q --all-targets $features
fi
if "$cargo" fmt --version >/dev/null 2>&1; then
  "$cargo" fmt --check
fi

model=$source/tests/data/tiny-llama.gguf
tokens() {
  sed -n 's/^tokens *//p'
}
expected=$("$decode" "$model" | tokens)
given=$("$out/target/debug/examples/decode" "$model" | tokens)
[ -n "$expected" ] && [ "$given" = "$expected" ] || fail "decode gives the tokens $given, not $expected"
