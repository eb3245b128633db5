#!/bin/sh
# Makes build/autobahn/venv with the Autobahn test suite from PyPI, which is written in Python 2, and prints its interpreter.
# Does nothing more when it is up to date.  Exit status 3: there is no Python 2.7 with ssl and zlib; PYTHON27 may name one.
set -eu
cd "$(dirname "$0")/../.."
venv=$PWD/build/autobahn/venv
wanted=Tests/Autobahn/requirements.txt
if [ -x "$venv/bin/python" ] && cmp -s "$wanted" "$venv/.installed"; then
  echo "$venv/bin/python"
  exit 0
fi

find_python27() {
  for candidate in "${PYTHON27:-}" python2.7 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7*/bin/python2.7; do
    if "$candidate" -c 'import ssl, sys, zlib; sys.exit(sys.version_info[:2] != (2, 7))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}
python27=$(find_python27) || {
  echo "The Autobahn test suite needs Python 2.7 with ssl and zlib, and there is none here: set PYTHON27 to one." >&2
  exit 3
}

scripts/python-env.sh
mkdir -p build/autobahn
log=build/autobahn/setup.log
if ! {
  rm -rf "$venv"
  build/venv/bin/virtualenv --python "$python27" "$venv" &&
    "$venv/bin/pip" install --disable-pip-version-check --requirement "$wanted" &&
    "$venv/bin/python" -c 'from autobahntestsuite import wstest'
} > "$log" 2>&1; then
  tail -n 3 "$log" >&2
  echo "The Autobahn test suite could not be installed; see $log" >&2
  exit 1
fi
cp "$wanted" "$venv/.installed"
echo "$venv/bin/python"
