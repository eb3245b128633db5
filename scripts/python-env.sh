#!/bin/sh
# Makes build/venv with what the Python checks and tests use (bindings/python/requirements-dev.txt, from PyPI).
# Prints only what goes wrong; does nothing when it is up to date.  PYTHON names another interpreter than python3.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
venv="$root/build/venv"
wanted="$root/bindings/python/requirements-dev.txt"
stamp="$venv/.installed"
python=${PYTHON:-python3}

if [ -x "$venv/bin/python" ] && [ -f "$stamp" ] && cmp -s "$wanted" "$stamp"; then
  exit 0
fi

fail() {
  echo "python-env: $*" >&2
  exit 1
}

command -v "$python" >/dev/null || fail "$python is not there. Install it: apt-get install python3 python3-venv"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' || fail "$python is older than 3.9; set PYTHON to a newer one"
"$python" -c 'import ensurepip, venv' 2>/dev/null || fail "$python cannot make environments. Install: apt-get install python3-venv"

mkdir -p "$root/build"
log="$root/build/python-env.log"
"$python" -m venv --clear "$venv" >"$log" 2>&1 || fail "making $venv failed; see $log"
if ! "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted" >>"$log" 2>&1; then
  tail -n 3 "$log" >&2
  fail "packages of bindings/python/requirements-dev.txt could not be fetched from PyPI; see $log"
fi
cp "$wanted" "$stamp"
