#!/bin/sh
# Builds build/gatewire.node with the C compiler and the headers that came with node.
#   NODE          node to build for                   (node)
#   NODE_INCLUDE  directory of its node_api.h and uv.h (beside the node program)
#   CC, CFLAGS    compiler and its flags              (cc, -O2)
#   LIBRARY_DIR   where libgatewire.so lies           (build/ of the source tree)
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
root=$(cd "$here/../.." && pwd)
node=${NODE:-node}
library=${LIBRARY_DIR:-$root/build}

command -v "$node" >/dev/null || { echo "gatewire: there is no '$node'; install Node.js 18 or later" >&2; exit 1; }
include=${NODE_INCLUDE:-$("$node" -p 'require("path").resolve(process.execPath, "../../include/node")')}
# Debian keeps uv.h in a package of its own, where the compiler finds it by itself.
if [ ! -f "$include/node_api.h" ] || { [ ! -f "$include/uv.h" ] && [ ! -f /usr/include/uv.h ]; }; then
  cat >&2 <<END
gatewire: no Node headers (node_api.h, uv.h) in $include
  Debian's nodejs:    apt-get install libnode-dev libuv1-dev
  Node from nodejs.org or nodesource: they are part of it; keep include/ beside bin/
  elsewhere:          NODE_INCLUDE=/path/to/include/node
END
  exit 1
fi
if [ ! -e "$library/libgatewire.so" ]; then
  echo "gatewire: no libgatewire.so in $library; build it first (make), or set LIBRARY_DIR" >&2
  exit 1
fi

mkdir -p "$here/build"
# The library is looked for beside the addon, as a package ships it, then in the build directory of the source tree.
# shellcheck disable=SC2016,SC2086  # $ORIGIN is the loader's, CFLAGS is a list
${CC:-cc} -std=c11 -D_GNU_SOURCE ${CFLAGS:--O2} -Wall -Wextra -Wpedantic -fvisibility=hidden -fPIC -shared \
  -I"$include" -I"$root/include" "$here"/src/*.c \
  -L"$library" -lgatewire -Wl,-rpath,'$ORIGIN:$ORIGIN/../../../build' \
  -o "$here/build/gatewire.node"
