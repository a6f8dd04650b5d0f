#!/bin/sh
# All neurons give what the whole layer gives; the fewer there are, the farther off the output, and the less is read.
#
#   sparse_ffn.sh COMMAND…
set -eu
"$@" | awk '
  { print }
  /^layer / {
    split($0, parts, " have ")
    n = split(parts[2], share, /[ ,%]+/)
    if (share[3] < 60 || share[3] > 80) exit failed = 1  # of the most active 26 %
  }
  / of neurons: / {
    gsub(/,/, "")
    error = $6; there = $10; bytes = $13
    if (lines == 0 && (error > 0.006 || bytes > 1)) exit failed = 1
    if (lines > 0 && (error <= last_error || there <= last_there || bytes >= last_bytes)) exit failed = 1
    last_error = error; last_there = there; last_bytes = bytes; lines++
  }
  END { exit failed || lines != 4 || last_error > 0.1 || last_bytes > 0.1 }'
