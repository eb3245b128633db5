#!/bin/sh
# How long connections take to stand, beside `openssl s_time`: prints a table of docs/FIGURES.md.
#   scripts/connect.sh [COUNT]      connections of each kind, 500 unless told
set -eu
cd "$(dirname "$0")/.."
certificates=build/bench/certificates
mkdir -p "$certificates"
[ -f "$certificates/self.pem" ] || Tests/C/certificates.sh "$certificates"
cc -std=c11 -O1 -Wall -Wextra -Iinclude Tests/Bench/connect.c Tests/C/host.c Tests/C/peer.c -o build/bench/connect \
  -Lbuild -Wl,-rpath,"$PWD/build" -lgatewire -lssl -lcrypto -pthread
build/bench/connect "$certificates" "$@"
