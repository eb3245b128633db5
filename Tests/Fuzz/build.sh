#!/bin/sh
# Builds the fuzz targets and prints their names: one program, which goes by the name that it is started as.
set -eu
cd "$(dirname "$0")/../.."
out=build/fuzz
scripts/build-pure.sh "$out/layers" -sanitize=fuzzer,address

if [ ! -f "$out/targets" ] || [ -n "$(find Tests/Fuzz/*.swift "$out"/layers/*.o -newer "$out/targets")" ]; then
  # The coverage that leads the fuzzer is the layers', not that of the checks around them.
  swiftc -O -wmo -parse-as-library -swift-version 6 -sanitize=address -module-name Fuzz -I "$out/layers" \
    -I Sources/CZlib -I Sources/CUTF8/include -I Sources/CJSON -c Tests/Fuzz/*.swift -o "$out/targets.o"
  swiftc -sanitize=fuzzer,address -use-ld=lld "$out/targets.o" "$out"/layers/*.o -lz -o "$out/targets"
fi
sed -n 's/^    ("\([a-z]*\)", fuzz.*/\1/p' Tests/Fuzz/Main.swift | while read -r target; do
  ln -f "$out/targets" "$out/$target"
  echo "$target"
done
