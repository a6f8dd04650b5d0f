#!/bin/sh
# A bad path, a file that is no GGUF and a truncated one: one clear sentence, on standard error, and exit status 1.
#
#   decode_errors.sh DECODE MODEL WORK_DIR
set -eu
decode=$1 model=$2 work=$3

refuses() {
  status=0
  "$decode" "$@" >"$work/decode.out" 2>"$work/decode.err" || status=$?
  cat "$work/decode.err"
  [ "$status" -eq 1 ]
  [ ! -s "$work/decode.out" ]
  [ "$(wc -l <"$work/decode.err")" -eq 1 ]
}

refuses "$work/there/is/no/such/file.gguf"
refuses "$work"
refuses "$0"
for bytes in 0 3 20 1000 5000 400000; do
  head -c "$bytes" "$model" >"$work/truncated.gguf"
  refuses "$work/truncated.gguf"
done
refuses --tokens 0 "$model"
refuses
