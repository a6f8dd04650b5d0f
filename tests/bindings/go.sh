#!/bin/sh
# Tests the Go package with the library of a build: by cgo, under the race detector where there is one and with cgo's checks
# of pointers; and without cgo, where the module that loads libraries is to be had.
#
#   go.sh SOURCE_DIR LIBRARY WORK_DIR GO CC
set -eu
source=$1 library=$2 work=$3 go=$4
export CC="$5"
folder=$(dirname "$library")
mkdir -p "$work"
cat >"$work/infermem.pc" <<END
Name: infermem
Description: the library of this build
Version: 0
Libs: -L$folder -linfermem
Cflags: -I$source/include
END
# What Go keeps is kept here, and nothing is fetched but by the pinned sums.
export PKG_CONFIG_PATH="$work" LD_LIBRARY_PATH="$folder" INFERMEM_LIBRARY="$library"
export GOCACHE="$work/cache" GOPATH="$work/path" GOTOOLCHAIN=local GOFLAGS='-modcacherw -buildvcs=false' GO111MODULE=on
cd "$source/bindings/go"

gofmt=$("$go" env GOROOT)/bin/gofmt
unformatted=$("$gofmt" -l .)
[ -z "$unformatted" ] || { echo "not formatted: $unformatted"; exit 1; }

# Until 1.20 cgo's checks are a setting of the program's, afterwards one of the compiler's.
case $("$go" env GOVERSION) in
  go1.19* | go1.20*) export GODEBUG=cgocheck=2 ;;
  *) export GOEXPERIMENT=cgocheck2 ;;
esac

export CGO_ENABLED=1
"$go" vet ./...
printf 'package main\nfunc main() {}\n' >"$work/race.go"
if "$go" run -race "$work/race.go" 2>/dev/null; then
  echo "by cgo, under the race detector"
  "$go" test -race -count=1 .
else
  echo "by cgo"
  "$go" test -count=1 .
fi
unset GODEBUG GOEXPERIMENT

echo "without cgo"
export CGO_ENABLED=0
"$go" test -count=1 .
cd purego
if ! timeout 60 "$go" mod download 2>"$work/download.log"; then
  echo "left out: $(tail -n 1 "$work/download.log")"
  exit 0
fi
"$go" vet .
"$go" test -count=1 .
