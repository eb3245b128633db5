#!/bin/sh
# Formatters and static checkers, each over everything that is its own.
set -eu
cd "$(dirname "$0")/.."
status=0

# check NAME COMMAND...
check() {
  name=$1
  shift
  if "$@"; then echo "ok - $name"; else
    echo "not ok - $name"
    status=1
  fi
}

check "swift format" swift format lint --strict -r -p Package.swift Sources Tests
# shellcheck disable=SC2046  # a list of files
check "shellcheck" shellcheck $(git ls-files '*.sh' .ci/run)
check "headers as C99, C11 and C++17 with gcc and clang" Tests/C/header-matrix.sh
if [ -d bindings/python ]; then check "Python types" scripts/python-types.sh; fi
if [ -d bindings/node ]; then
  for file in bindings/node/lib/*.js; do check "$file" node --check "$file"; done
fi
exit "$status"
