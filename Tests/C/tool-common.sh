#!/bin/sh
# For the tests of the tool, which read this in: a place to work, and words to say what must hold.
set -eu
cd "$(dirname "$0")/../.."
tool=build/gatewire
work=$(mktemp -d)
children=
passed=0
failed=0

finish() {
  for child in $children; do kill -9 "$child" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT
unset GATEWIRE_TOKEN

: > "$work/in"
: > "$work/out"
: > "$work/err"

# expect STATUS NAME ARGUMENTS...: runs the tool with $work/in as its input; out and err hold what it said
expect() {
  wanted=$1 name=$2
  shift 2
  status=0
  timeout 30 "$tool" "$@" > "$work/out" 2> "$work/err" < "$work/in" || status=$?
  cat "$work/out" "$work/err" >> "$work/all"
  verdict "$name (exit $status)" test "$status" -eq "$wanted"
}

verdict() {
  name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    echo "    not ok - $name"
    sed 's/^/      /' "$work/out" "$work/err"
    failed=$((failed + 1))
  fi
}

says() { grep -q -e "$1" "$work/out"; }
complains() { grep -q -e "$1" "$work/err"; }
json_lines() {
  python3 -c 'import json, sys
for line in open(sys.argv[1]): assert isinstance(json.loads(line)["type"], str)' "$1"
}

# wait_for PATTERN FILE: until the file has it, ten seconds at most
wait_for() {
  tries=0
  until grep -q -e "$1" "$2" 2> "$work/grep"; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || return 1
    sleep 0.05
  done
}

# background NAME ARGUMENTS...: the tool with --json beside us, with $work/in as its input; when this returns it has
# announced itself in $work/NAME, and server, url and pin are set
background() {
  output=$work/$1
  shift
  : > "$output"
  "$tool" "$@" --json > "$output" 2>&1 < "$work/in" &
  server=$!
  children="$children $server"
  wait_for '"type":"listening"' "$output" || echo "    no announcement: $*"
  # shellcheck disable=SC2034  # for the tests that read this in
  url=$(sed -n '1s/.*"url":"\([^"]*\)".*/\1/p' "$output")
  # shellcheck disable=SC2034
  pin=$(sed -n '1s/.*"certificatePin":"\([^"]*\)".*/\1/p' "$output")
}

# stop SIGNAL: ends the server; status is its exit status
stop() {
  kill "-$1" "$server"
  status=0
  wait "$server" || status=$?
}

# sums: the last line, and the exit status
sums() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}
