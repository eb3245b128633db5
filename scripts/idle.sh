#!/bin/sh
# What an idle connection costs at each end: many of them in one context, the server in another process.  Prints a table
# of docs/FIGURES.md; fails where a connection holds more than it should.
#   scripts/idle.sh [COUNT]      5000 unless told
set -eu
cd "$(dirname "$0")/.."
count=${1:-5000}
mkdir -p build/faults
cc -std=c11 -O1 -Wall -Wextra -Iinclude Tests/Faults/idle.c Tests/C/host.c -o build/faults/idle \
  -Lbuild -Wl,-rpath,"$PWD/build" -lgatewire
echo "| idle connections | count | client: bytes | server: bytes | client: CPU us a second | server: CPU us a second |"
echo "| --- | --- | --- | --- | --- | --- |"
for kind in plain tls gateway; do build/faults/idle "$count" $kind; done
