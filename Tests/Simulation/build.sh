#!/bin/sh
# Builds the simulation, from the pure layers alone, and prints its name.
set -eu
cd "$(dirname "$0")/../.."
out=build/simulation
scripts/build-pure.sh "$out/layers"
if [ ! -f "$out/simulation" ] ||
  [ -n "$(find Tests/Simulation/*.swift Tests/Fuzz/Random.swift "$out"/layers/*.o -newer "$out/simulation")" ]; then
  swiftc -O -wmo -enforce-exclusivity=unchecked -parse-as-library -swift-version 6 -module-name Simulation \
    -I "$out/layers" -I Sources/CZlib -I Sources/CUTF8/include -I Sources/CJSON \
    Tests/Simulation/*.swift Tests/Fuzz/Random.swift "$out"/layers/*.o -lz -o "$out/simulation"
fi
echo "$out/simulation"
