#!/bin/sh
# The unit and vector tests of the Swift layers; shows what failed and the sums.  VERBOSE=1 shows everything.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build
log=build/test-unit.log
status=0
if [ "${VERBOSE:-0}" = 1 ]; then
  swift test --scratch-path build/swift-test --disable-xctest || status=$?
  exit "$status"
fi
swift test --scratch-path build/swift-test --disable-xctest > "$log" 2>&1 || status=$?
if [ "$status" -ne 0 ]; then 
  grep -E 'error:|✘|↳|recorded an issue' "$log" | awk '!seen[$0]++' | head -n 60
fi
grep 'Test run with' "$log" || true
exit "$status"
