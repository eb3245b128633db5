#!/bin/sh
# The engine's verdicts on SEEDS (2000) streams of frames, from seed FIRST (0) on, beside those of wsproto and websockets.
set -eu
cd "$(dirname "$0")/../.."
out=build/differential
scripts/build-pure.sh "$out/layers"
if [ ! -f "$out/engine" ] || [ -n "$(find Tests/Differential/Engine.swift "$out"/layers/*.o -newer "$out/engine")" ]; then
  swiftc -O -swift-version 6 -module-name Engine -I "$out/layers" -I Sources/CZlib -I Sources/CUTF8/include -I Sources/CJSON \
    Tests/Differential/Engine.swift \
    "$out"/layers/*.o -lz -o "$out/engine"
fi
scripts/python-env.sh
PYTHONDONTWRITEBYTECODE=1 exec build/venv/bin/python Tests/Differential/differential.py "$out/engine" \
  "${SEEDS:-2000}" "${FIRST:-0}"
