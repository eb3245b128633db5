#!/bin/sh
# Formatters and static checkers, each over everything that is its own.
set -eu
cd "$(dirname "$0")/.."
passed=0
failed=0

# check NAME COMMAND...
check() {
  name=$1
  shift
  if "$@"; then
    echo "ok - $name"
    passed=$((passed + 1))
  else
    echo "not ok - $name"
    failed=$((failed + 1))
  fi
}

headers() { Tests/C/header-matrix.sh > build/header-matrix.log || { cat build/header-matrix.log && false; }; }

mkdir -p build
check "swift format" swift format lint --strict -r -p Package.swift Sources Tests
# shellcheck disable=SC2046  # a list of files
check "shellcheck" shellcheck .ci/run $(find bindings scripts Tests -name "*.sh" -not -path "*/node_modules/*")
check "headers as C99, C11 and C++17 with gcc and clang" headers
scripts/python-env.sh
check "ruff" build/venv/bin/ruff check --quiet --no-cache --config bindings/python/pyproject.toml bindings/python \
  Tests/Differential Tests/Peers Tests/Autobahn/verdict.py
check "mypy, differential" sh -c "cd Tests/Differential && ../../build/venv/bin/mypy --strict --no-error-summary \
  --cache-dir ../../build/mypy differential.py"
check "mypy" sh -c "cd bindings/python && ../../build/venv/bin/mypy --no-error-summary --cache-dir ../../build/mypy"
check "tsc" tsc -p bindings/node/test/types
for file in bindings/node/lib/*js examples/node/*.mjs; do check "$file" node --check "$file"; done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
