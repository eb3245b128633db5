#!/bin/sh
# Measures the library and prints the tables of docs/FIGURES.md.  Takes about a minute; other work on the machine shows.
#   scripts/figures.sh [SECONDS]      seconds for each rate, 2 unless told
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-2}
work=$(mktemp -d)
plain=
secure=
finish() {
  for server in $plain $secure; do kill "$server" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT INT TERM

for program in rpc load; do
  cc -std=gnu11 -O2 -Iinclude Tests/Bench/$program.c -o "$work/$program" -Lbuild -Wl,-rpath,"$PWD/build" -lgatewire
done

serve() {
  build/gatewire serve --port 0 --json "$@" > "$work/serve.$1" 2> /dev/null &
  server=$!
  while [ ! -s "$work/serve.$1" ]; do sleep 0.05; done
}
member() { sed -n "1s/.*\"$2\":\"\([^\"]*\)\".*/\1/p" "$work/serve.$1"; }
serve --plaintext
plain=$server
serve --tick 30
secure=$server
ws=$(member --plaintext url)
wss=$(member --tick url)
pin=$(member --tick certificatePin)

number() { sed "s/.*\"$1\": *\([0-9.]*\).*/\1/"; }

echo "| what | figure |"
echo "| --- | --- |"
echo "| library, stripped | $(stat -c %s build/libgatewire.so) bytes |"
echo "| needs | $(readelf -d build/libgatewire.so | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | paste -sd' ') |"
echo "| newest glibc symbol | $(objdump -T build/libgatewire.so | grep -o 'GLIBC_[0-9.]*' | sort -V | tail -n 1) |"
echo "| dlopen, with OpenSSL and zlib loaded | $("$work/load" "$PWD/build/libgatewire.so") us |"
peak=$(/usr/bin/time -f %M "$work/rpc" "$wss" "$pin" --calls 100 2>&1 >/dev/null | tail -n 1)
echo "| peak memory of a C client with one TLS connection | $peak KiB |"
if command -v valgrind >/dev/null 2>&1; then
  count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$work/rpc" "$1" --window "$2" --calls "$3" 2>&1 |
      sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
  }
  for window in 1 64; do
    short=$(count "$ws" $window 1000)
    long=$(count "$ws" $window 11000)
    echo "| instructions a round trip in user space, plain, window $window | $(((long - short) / 10000)) |"
  done
fi

echo
echo "| RPC round trips (\`health\`) | window 1: a second | CPU us | window 64: a second | CPU us |"
echo "| --- | --- | --- | --- | --- |"
row() {
  name=$1
  shift
  one=$("$@" --window 1 --seconds "$seconds")
  many=$("$@" --window 64 --seconds "$seconds")
  echo "| $name | $(echo "$one" | number per_second) | $(echo "$one" | number cpu_us_per_call) |" \
    "$(echo "$many" | number per_second) | $(echo "$many" | number cpu_us_per_call) |"
}
export PYTHONPATH=bindings/python/src GATEWIRE_LIBRARY="$PWD/build/libgatewire.so"
python=build/venv/bin/python
[ -x "$python" ] || python=python3
row "C, ws" "$work/rpc" "$ws"
row "C, wss" "$work/rpc" "$wss" "$pin"
row "Python, ws" "$python" Tests/Bench/rpc.py "$ws"
row "Python, wss" "$python" Tests/Bench/rpc.py "$wss" "$pin"
row "Node, ws" node Tests/Bench/rpc.mjs "$ws"
row "Node, wss" node Tests/Bench/rpc.mjs "$wss" "$pin"
