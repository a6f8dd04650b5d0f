#!/bin/sh
# same_tokens.sh A B MODEL: two examples generate the same tokens of a model, more than thirty of them.
set -eu
a=$("$1" "$3" | grep '^tokens ')
b=$("$2" "$3" | grep '^tokens ')
[ "$(echo "$a" | wc -w)" -gt 30 ]
[ "$a" = "$b" ] || { printf '%s\n%s\n' "$a" "$b"; exit 1; }
