#!/bin/sh
# Prints the linker's version script: every function that the public headers export, by name, and nothing else.
set -eu
cd "$(dirname "$0")/.."
echo "GATEWIRE_0 {"
echo "  global:"
sed -n 's/^GW_EXPORT [^(]*[ *]\(gw_[a-z0-9_]*\)(.*/    \1;/p' include/gatewire/*.h | sort
echo "  local: *;"
echo "};"
