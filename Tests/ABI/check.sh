#!/bin/sh
# The gate of the C interface: headers, version script, exports, layouts, numbers and versions agree, and what the
# library needs of a system stays within its bounds.  "check.sh store" writes the golden files anew.
set -eu
cd "$(dirname "$0")/../.."
out=build/abi
mkdir -p "$out"
passed=0
failed=0

# check NAME COMMAND...: shows what the command printed if it fails
check() {
  name=$1
  shift
  if "$@" > "$out/check.log" 2>&1; then
    echo "ok - $name"
    passed=$((passed + 1))
  else
    sed 's/^/    /' "$out/check.log"
    echo "not ok - $name"
    failed=$((failed + 1))
  fi
}

same() { diff -u "$1" "$2"; }

compile() {
  cc -std=c11 -Wall -Werror -Iinclude "$1" -o "$2" -Lbuild -Wl,-rpath,"$PWD/build" -lgatewire
}

# --- functions: headers (by the compiler's own reading), version script, exports ---

resources=$(swiftc -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
clang=$(command -v clang || echo "${resources%/lib/swift}/bin/clang")
"$clang" -Xclang -ast-dump=json -fsyntax-only -Iinclude -x c include/gatewire/gatewire.h |
  python3 -c 'import json, sys
for node in json.load(sys.stdin)["inner"]:
    if node["kind"] == "FunctionDecl" and node["name"].startswith("gw_"): print(node["name"])' |
  LC_ALL=C sort -u > "$out/header"
sed -n 's/^ *\(gw_[a-z0-9_]*\);$/\1/p' build/gatewire.map | LC_ALL=C sort > "$out/script"
exports() { nm -D --extern-only --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort; }
exports build/libgatewire.so > "$out/exports"
exports build/static/libgatewire.so > "$out/exports-static"
check "header functions = version script" same "$out/header" "$out/script"
check "header functions = exports" same "$out/header" "$out/exports"
check "header functions = exports of the static library" same "$out/header" "$out/exports-static"

# --- layouts and numbers ---

Tests/ABI/layout.sh > "$out/layout.c"
compile "$out/layout.c" "$out/layout"
check "struct sizes of header = gw_struct_size" "$out/layout"
"$out/layout" > "$out/layout.txt" || true
Tests/ABI/names.sh > "$out/names.c"
compile "$out/names.c" "$out/names"
"$out/names" | LC_ALL=C sort > "$out/names.txt"
if [ "${1:-}" = store ]; then
  cp "$out/layout.txt" Tests/ABI/layout.txt
  Tests/ABI/stubs.sh > "$out/stubs.c"
  cc -g -w -shared -fPIC -Iinclude "$out/stubs.c" -o "$out/libstubs.so"
  abidw --no-corpus-path --no-comp-dir-path --no-show-locs "$out/libstubs.so" > Tests/ABI/gatewire.abi
  version=$(cat VERSION)
  while read -r name value; do
    grep -q "^$name " Tests/ABI/symbols-in-versions ||
      echo "$name $version${value:+ $value}" >> Tests/ABI/symbols-in-versions
  done < "$out/names.txt"
fi
check "layouts = layout.txt" same Tests/ABI/layout.txt "$out/layout.txt"
sed -n '/^#/d; s/^\([^ ]*\) [0-9.]*\(.*\)/\1\2/p' Tests/ABI/symbols-in-versions | LC_ALL=C sort > "$out/known"
check "names and values = symbols-in-versions" same "$out/known" "$out/names.txt"

sed -n 's/^  \(GW_[A-Z0-9_]*\) = \(-[0-9]*\).*/\2 \1/p; s/^  \(GW_OK\|GW_QUEUED\|GW_TIMEOUT\) = \([0-9]*\).*/\2 \1/p' \
  include/gatewire/base.h | LC_ALL=C sort > "$out/statuses"
sed -n 's/.*= Status(\(-\{0,1\}[0-9]*\)).*/\1/p' Sources/GWBase/Status.swift | LC_ALL=C sort > "$out/statuses-swift"
cut -d ' ' -f 1 "$out/statuses" > "$out/statuses-numbers"
check "status codes of base.h = Status.swift" same "$out/statuses-numbers" "$out/statuses-swift"
compile Tests/ABI/statuses.c "$out/statuses-print"
"$out/statuses-print" | LC_ALL=C sort > "$out/statuses-library"
check "status codes of base.h = gw_status_name" same "$out/statuses" "$out/statuses-library"

# --- what the library needs, and how it was linked ---

needed() {
  readelf -d build/libgatewire.so | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
    grep -v -x -e libc.so.6 -e libm.so.6 -e libssl.so.3 -e libcrypto.so.3 -e libz.so.1 -e 'ld-linux.*' && return 1
  return 0
}
dynamic() { readelf -d build/libgatewire.so; }
newest_glibc() {
  nm -D --undefined-only "$1" | sed -n 's/.*@GLIBC_\([0-9.]*\)$/\1/p' | sort -t . -k 1,1n -k 2,2n | tail -n 1
}
glibc_bound() {
  newest=$(newest_glibc build/libgatewire.so)
  echo "newest glibc symbol: $newest"
  printf '%s\n2.25\n' "$newest" | sort -t . -k 1,1n -k 2,2n -c
}
no_run_path() { dynamic | grep -E 'RPATH|RUNPATH' && return 1 || return 0; }
no_forbidden_imports() {
  nm -D --undefined-only build/libgatewire.so | awk '{ sub(/@.*/, "", $2); print $2 }' |
    grep -x -E 'getenv|signal|sigaction|atexit|exit|printf|puts|putchar|fork|system' && return 1
  return 0
}
check "needs libc, libm, libssl, libcrypto and libz only" needed
check "newest glibc symbol is at most 2.25" glibc_bound
check "no RUNPATH" no_run_path
check "soname libgatewire.so.0" sh -c "readelf -d build/libgatewire.so | grep -q 'soname: .libgatewire.so.0'"
check "cannot be unloaded" sh -c "readelf -d build/libgatewire.so | grep -q NODELETE"
check "no text relocations" sh -c "! readelf -d build/libgatewire.so | grep -q TEXTREL"
check "prints nothing, installs no handler" no_forbidden_imports

# --- versions ---

version=$(cat VERSION)
header_version=$(sed -n 's/^#define GW_VERSION_[A-Z]* \([0-9]*\)$/\1/p' include/gatewire/base.h | paste -s -d .)
check "VERSION = header" test "$version" = "$header_version"
check "VERSION has its CHANGELOG entry" grep -q "^## $version\$" CHANGELOG.md
[ ! -f bindings/python/pyproject.toml ] ||
  check "VERSION = pyproject.toml" grep -q "^version = \"$version\"" bindings/python/pyproject.toml
[ ! -f bindings/node/package.json ] ||
  check "VERSION = package.json" grep -q "\"version\": \"$version\"" bindings/node/package.json

# --- the baseline ---

if command -v abidiff > /dev/null; then
  Tests/ABI/stubs.sh > "$out/stubs.c"
  cc -g -w -shared -fPIC -Iinclude "$out/stubs.c" -o "$out/libstubs.so"
  # 0: nothing changed; 4: something was changed or added in a compatible way
  check "nothing that existed has changed (abidiff)" \
    sh -c "abidiff --no-added-syms Tests/ABI/gatewire.abi $out/libstubs.so"
else
  echo "# abidiff is not installed (package abigail-tools): the comparison with the baseline was left out"
fi

echo "$(du -b build/libgatewire.so | cut -f 1) bytes, newest glibc symbol $(newest_glibc build/libgatewire.so)"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
