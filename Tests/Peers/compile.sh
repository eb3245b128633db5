#!/bin/sh
# Compiles programs on the raw interface into build/peers, each named as its source.
#   compile.sh SOURCE...
set -eu
cd "$(dirname "$0")/../.."
mkdir -p build/peers
for source in "$@"; do
  # shellcheck disable=SC2086  # CFLAGS is a list of words
  ${CC:-cc} -std=c11 -g -O1 -Wall -Wextra -Wpedantic -Werror ${CFLAGS:-} -Iinclude "$source" \
    -o "build/peers/$(basename "$source" .c)" -Lbuild -Wl,-rpath,"$PWD/build" -lgatewire
done
