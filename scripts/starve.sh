#!/bin/sh
# A host that computes for 90 s against a gateway that waits 10 s for a pong, in each language; make test has the short form.
set -eu
cd "$(dirname "$0")/.."
export GATEWIRE_STARVE=long
out=build/c-tests
mkdir -p "$out"

echo "C"
cc -std=c11 -O1 -Wall -Wextra -Iinclude Tests/C/liveness.c Tests/C/host.c Tests/C/peer.c -o "$out/liveness" \
  -Lbuild -Wl,-rpath,"$PWD/build" -lgatewire -lssl -lcrypto -pthread
"$out/liveness" guardian "$out/certificates" long

echo "Python"
GATEWIRE_LIBRARY=$PWD/build/libgatewire.so PYTHONDONTWRITEBYTECODE=1 build/venv/bin/python -m pytest -q -p no:cacheprovider \
  -c bindings/python/pyproject.toml bindings/python/tests/test_starvation.py -k outlives

echo "Node"
cd bindings/node
node --test --test-name-pattern outlives test/starve.test.js
