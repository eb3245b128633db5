#!/bin/sh
# Compiles the pure layers, one object and one module each, into a directory, for programs that drive them without the
# world around: scripts/build-pure.sh DIRECTORY [FLAG...].  What has not changed since is left as it is.
set -eu
cd "$(dirname "$0")/.."
out=$1
shift
mkdir -p "$out"

# From the bottom up: each may import those before it.
layers="GWBase GWJSON GWHTTP GWDeflate GWWebSocket GWGateway GWSocketIO"
flags="$*"
if [ "$(cat "$out/flags" 2>/dev/null || true)" != "$flags" ]; then rm -f "$out"/*.o; fi
printf '%s\n' "$flags" > "$out/flags"

# The C below GWBase.
if [ ! -f "$out/CUTF8.o" ] || [ -n "$(find Sources/CUTF8 -newer "$out/CUTF8.o")" ]; then
  cc -O2 -fPIC -ISources/CUTF8/include -c Sources/CUTF8/utf8.c -o "$out/CUTF8.o"
fi

isFresh=true
for layer in $layers; do
  if [ ! -f "$out/$layer.o" ] || [ -n "$(find "Sources/$layer" -newer "$out/$layer.o")" ]; then isFresh=false; fi
  # Whoever imports a module that was compiled again is compiled again too.
  if ! $isFresh; then
    rm -f "$out/$layer.o"
    # shellcheck disable=SC2046  # a list of files
    swiftc -O -wmo -parse-as-library -swift-version 6 -enable-testing -module-name "$layer" -I "$out" \
      -I Sources/CZlib -I Sources/CUTF8/include -I Sources/CJSON "$@" \
      -emit-module -emit-module-path "$out/$layer.swiftmodule" -c $(find "Sources/$layer" -name "*.swift") \
      -o "$out/$layer.o.new"
    mv "$out/$layer.o.new" "$out/$layer.o"
  fi
done
