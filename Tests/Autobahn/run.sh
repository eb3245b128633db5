#!/bin/sh
# The Autobahn test suite against the raw interface in both roles, at the same time.  Every case has to be OK.
#   run.sh            all cases
#   QUICK=1 run.sh    without the large messages of the compression cases
# The reports are in build/autobahn/server and build/autobahn/client, as HTML too.  The last line is "N passed, N failed".
set -eu
cd "$(dirname "$0")/../.."
python27=$(Tests/Autobahn/setup.sh)
out=$PWD/build/autobahn
limit=${LIMIT:-1800} # seconds

children=
finish() {
  for child in $children; do kill "$child" 2>/dev/null || true; done
}
trap finish EXIT
trap 'exit 130' INT TERM

# await FILE CHILD: waits until a program that was just started has written its first line
await() {
  while [ ! -s "$1" ]; do
    kill -0 "$2" 2>/dev/null || return 1
    sleep 0.1
  done
  head -n 1 "$1"
}

for role in server client; do
  rm -rf "${out:?}/$role"
  mkdir -p "$out/$role"
done
Tests/Peers/compile.sh Tests/Peers/echo_server.c Tests/Autobahn/examinee.c

build/peers/echo_server --takeover > "$out/server/peer.log" 2>&1 &
server=$!
children=$server
url=$(await "$out/server/peer.log" "$server")
timeout -k 5 "$limit" "$python27" -u Tests/Autobahn/fuzz.py server "$out/server" "$url" > "$out/server/fuzz.log" 2>&1 &
examiner=$!

"$python27" -u Tests/Autobahn/fuzz.py client "$out/client" > "$out/client/fuzz.log" 2>&1 &
fuzzer=$!
children="$children $examiner $fuzzer"
if url=$(await "$out/client/url" "$fuzzer"); then
  timeout -k 5 "$limit" build/peers/examinee "$url" gatewire > "$out/client/peer.log" 2>&1 ||
    sed 's/^/    /' "$out/client/peer.log"
else
  tail -n 3 "$out/client/fuzz.log"
fi
wait "$examiner" || tail -n 3 "$out/server/fuzz.log"
kill -0 "$server" || echo "    the server ended before it should"
python3 Tests/Autobahn/verdict.py "$out/server" "$out/client"
