#!/bin/sh
# Builds the library and the C tests with a sanitizer (address or thread) and runs them.
set -eu
cd "$(dirname "$0")/.."
kind=$1
out=build/$kind
mkdir -p "$out"
scripts/version-script.sh > build/gatewire.map
resources=$(swiftc -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
clang=${resources%/lib/swift}/bin/clang

# The sanitizer's functions come from the program, so the library may leave them undefined.
GATEWIRE_BUILD=embedded swift build -c release --product gatewire --scratch-path "build/swift-$kind" \
  --disable-local-rpath --sanitize "$kind" -Xswiftc -use-ld=lld -Xlinker -z -Xlinker undefs
cp "build/swift-$kind/release/libgatewire.so" "$out/libgatewire.so"
ln -sf libgatewire.so "$out/libgatewire.so.0"

flags=-fsanitize=$kind
# The toolchain's thread sanitizer watches libdispatch too and wants it there.
if [ "$kind" = thread ]; then
  flags="$flags -L$resources/linux -Wl,-rpath,$resources/linux -Wl,--no-as-needed -ldispatch -lBlocksRuntime"
fi
# A test forks and has its child start a thread.
export TSAN_OPTIONS="die_after_fork=0 ${TSAN_OPTIONS:-}"
GATEWIRE_TEST_NO_MEMORY=1 CC=$clang CFLAGS="$flags" Tests/C/run.sh "$out"
