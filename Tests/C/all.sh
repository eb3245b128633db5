#!/bin/sh
# The C programs against both libraries, and the tool; all of them, whatever fails.  They run side by side, for most of
# their time is waiting, and what they say comes in order.
set -u
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

# beside NAME COMMAND...: starts it
beside() {
  name=$1
  shift
  { "$@" > "$work/$name" 2>&1; echo $? > "$work/$name.status"; } &
  eval "$name=$!"
}

# show NAME TITLE: waits for its end and shows it
show() {
  echo "$2"
  eval "wait \$$1"
  cat "$work/$1"
  if [ "$(cat "$work/$1.status")" != 0 ]; then status=1; fi
}

beside embedded Tests/C/run.sh build
beside static Tests/C/run.sh build/static
beside tool Tests/C/tool.sh
beside ws Tests/C/tool-ws.sh
show embedded "embedded library"
show static "static library"
show tool "tool"
show ws "tool: ws"
exit "$status"
