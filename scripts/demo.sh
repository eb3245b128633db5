#!/bin/sh
# The main job from end to end, to be watched: a gateway with a fresh certificate, a C, a Python and a Node program that
# use it over wss:// with its pin, and a client with a wrong pin that is refused.  Any failure gives a non-zero status.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
gateway=

finish() {
  status=$?
  trap - EXIT
  if [ -n "$gateway" ]; then
    kill "$gateway" 2>/dev/null || true
    wait "$gateway" 2>/dev/null || true
  fi
  if [ "$status" -ne 0 ]; then
    echo
    echo "The demo FAILED (exit status $status).  What the gateway said:"
    sed 's/^/  gateway /' "$work/gateway.out" "$work/gateway.err" 2>/dev/null || true
  fi
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

step() {
  echo
  echo "$1. $2"
}

# member NAME: a string member of the gateway's first line
member() { sed -n "1s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$work/gateway.out"; }

step 1 "A gateway starts, with a certificate that it makes now"
build/gatewire serve --port 0 --tick 1 --json > "$work/gateway.out" 2> "$work/gateway.err" &
gateway=$!
tries=0
while [ ! -s "$work/gateway.out" ]; do
  tries=$((tries + 1))
  if [ "$tries" -gt 100 ] || ! kill -0 "$gateway" 2>/dev/null; then
    gateway=
    exit 1
  fi
  sleep 0.1
done
url=$(member url)
pin=$(member certificatePin)
echo "  URL     $url"
echo "  pin     $pin"

step 2 "The tool shows the same pin, without sending the gateway a single byte of HTTP"
host_port=${url#wss://}
build/gatewire pin "$host_port" | sed 's/^/  tool    /' | tee "$work/pin"
grep -q "$pin" "$work/pin"

step 3 "A C program: call, streamed run, events, a rejected call"
cc -std=c11 -O2 -Iinclude examples/c/demo.c -o "$work/demo-c" -Lbuild -Wl,-rpath,"$PWD/build" -lgatewire
"$work/demo-c" "$url" "$pin"

step 4 "The same in Python"
GATEWIRE_LIBRARY=$PWD/build/libgatewire.so PYTHONPATH=bindings/python/src PYTHONDONTWRITEBYTECODE=1 \
  python3 examples/python/demo.py "$url" "$pin"

step 5 "The same in Node"
node examples/node/demo.mjs "$url" "$pin"

step 6 "The tool: events as JSON lines, for scripts"
build/gatewire events "$url" --pin "$pin" --name tick --count 1 --json | sed 's/^/  tool    /'

step 7 "A wrong pin is refused inside the TLS handshake, before anything is sent"
wrong=$(echo "$pin" | tr '0-9a-f' '1-9a-f0')
status=0
build/gatewire call "$url" health --pin "$wrong" > "$work/wrong" 2>&1 || status=$?
sed 's/^/  tool    /' "$work/wrong"
echo "  tool    exit status $status"
[ "$status" -eq 4 ]

step 8 "The gateway stops when it is told to"
kill -TERM "$gateway"
wait "$gateway"
gateway=
peers=$(grep -c '"type":"peer-connected"' "$work/gateway.out")
echo "  gateway $peers clients were admitted, exit status 0"

echo
echo "The demo worked."
