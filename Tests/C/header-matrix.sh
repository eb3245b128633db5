#!/bin/sh
# Compiles every public header alone, as C99, C11 and C++17, with gcc and clang, without a warning.
set -eu
cd "$(dirname "$0")/../.."
resources=$(swiftc -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
clang=$(command -v clang || echo "${resources%/lib/swift}/bin/clang")
passed=0
failed=0

# compile COMPILER LANGUAGE STANDARD HEADER
compile() {
  if printf '#include <gatewire/%s>\n' "$4" |
    "$1" -x "$2" -std="$3" -Wall -Wextra -Wpedantic -Wconversion -Werror -Iinclude -fsyntax-only - 2>&1
  then
    passed=$((passed + 1))
  else
    echo "not ok - $4 as $3 with $1"
    failed=$((failed + 1))
  fi
}

for header in include/gatewire/*.h; do
  name=$(basename "$header")
  for compiler in gcc "$clang"; do
    compile "$compiler" c c99 "$name"
    compile "$compiler" c c11 "$name"
  done
  for compiler in g++ "$clang++"; do
    compile "$compiler" c++ c++17 "$name"
  done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
