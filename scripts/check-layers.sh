#!/bin/sh
# Who may import whom.  The build holds Swift targets to their declared dependencies
# (--explicit-target-dependency-import-check error); here stands what a target may declare, and what nobody may import.
set -eu
cd "$(dirname "$0")/.."
passed=0
failed=0

# only_in MODULE FOLDERS: the folders (a grep pattern) that may import a module
only_in() {
  if grep -rnE "^(@testable )?import $1\$" Sources | grep -vE "^Sources/($2)/"; then
    echo "not ok - $1 only in $2"
    failed=$((failed + 1))
  else
    passed=$((passed + 1))
  fi
}

# nowhere PATTERN FOLDERS EXPLANATION
nowhere() {
  # shellcheck disable=SC2086  # a list of folders
  if grep -rnE "$1" $2; then
    echo "not ok - $3"
    failed=$((failed + 1))
  else
    passed=$((passed + 1))
  fi
}

only_in COpenSSL GWTLS
only_in CZlib GWDeflate
only_in CGatewire 'GatewireABI|gatewire-tool'
only_in CSystem 'GWRuntime|gatewire-tool'
only_in GWRuntime GatewireABI
only_in GatewireABI 'nothing'
nowhere '^import (Foundation|FoundationEssentials|Dispatch|Glibc|Musl|Synchronization|_Concurrency)' Sources \
  "no Foundation, Dispatch, Glibc or concurrency in Sources"
nowhere '\b(async|await|Task)\b *[{(]' Sources "no concurrency in Sources"
nowhere '^import (GW|Gatewire)' Sources/gatewire-tool "the tool knows the header alone"
only_in CUTF8 GWBase
only_in CJSON GWJSON
nowhere '^import ([^C]|C[^U])' Sources/GWBase "GWBase imports nothing but the vectors of CUTF8"
nowhere 'Unmanaged' "$(find Sources -mindepth 1 -maxdepth 1 -type d ! -name GatewireABI ! -name GWTLS \
  ! -name GWRuntime | tr '\n' ' ')" \
  "objects cross into C only where C calls back or holds handles"
nowhere '#include "(\.\./)+(Sources|include)' 'bindings examples Tests/C' "C hosts include <gatewire/...> as installed"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
