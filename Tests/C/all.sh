#!/bin/sh
# The C programs against both libraries, and the tool; all of them, whatever fails.
set -u
cd "$(dirname "$0")/../.." || exit 1
status=0
echo "embedded library"
Tests/C/run.sh build || status=1
echo "static library"
Tests/C/run.sh build/static || status=1
echo "tool"
Tests/C/tool.sh || status=1
Tests/C/tool-ws.sh || status=1
exit "$status"
