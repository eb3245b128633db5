#!/bin/sh
# Compiles the C programs against a library and runs each, in the three ways of driving a context.
#   run.sh DIRECTORY [valgrind]
# DIRECTORY holds libgatewire.so.  CC and CFLAGS may be set; VERBOSE=1 shows the tests that passed, too.  JOBS programs run
# at once, most of whose time is waiting.  The last line is "N passed, N failed".
set -eu
library=$(cd "$1" && pwd)
wrapper=${2:-}
cd "$(dirname "$0")/../.."
jobs=${JOBS:-$(($(getconf _NPROCESSORS_ONLN) + 1))}
out=$library/c-tests
mkdir -p "$out/certificates" "$out/logs"
rm -f "$out"/logs/*
[ -f "$out/certificates/self.pem" ] || Tests/C/certificates.sh "$out/certificates"

programs="versions arguments link calls credentials observe socketio liveness routes endpoints doctor sockets socket-limits upgrades redirects trust verdicts
  hostile threads crowd promises exits cut stalled reconnects networks"
flags="-std=c11 -g -O1 -Wall -Wextra -Wpedantic -Werror ${CFLAGS:-} -Iinclude"

# compile WORDS: one call of the compiler for each line of what to make and what from
compile() {
  # shellcheck disable=SC2086  # lists of words
  xargs -P "$jobs" -L 1 ${CC:-cc} $flags "$@"
}

for shared in Tests/C/host.c Tests/C/peer.c Tests/C/pair.c Tests/Faults/child.c Tests/Faults/far_end.c; do
  echo "$out/$(basename "$shared" .c).o" "$shared"
done | compile -c -o
for program in $programs; do
  case $program in
  promises) sources="Tests/Promises/promises.c" ;;
  cut) sources="Tests/Faults/cut.c $out/child.o $out/far_end.o" ;;
  exits | stalled | reconnects | networks) sources="Tests/Faults/$program.c" ;;
  *) sources="Tests/C/$program.c" ;;
  esac
  echo "$out/$program" "$sources" "$out/host.o" "$out/peer.o" "$out/pair.o" -L"$library" -Wl,-rpath,"$library" \
    -lgatewire -lssl -lcrypto -pthread
done | compile -o

for program in $programs; do
  if [ "$program" = versions ]; then
    echo "$program" -
    continue
  fi
  for drive in poll thread guardian; do echo "$program" "$drive"; done
done > "$out/runs"
xargs -P "$jobs" -n 2 Tests/C/program.sh "$out" "$wrapper" < "$out/runs"

passed=0
failed=0
while read -r program drive; do
  if [ "$drive" = - ]; then echo "  $program"; else echo "  $program, driven by $drive"; fi
  log=$out/logs/$program-$drive
  status=$(cat "$log.status")
  if [ "${VERBOSE:-0}" = 1 ]; then
    sed 's/^/    /' "$log"
  else
    grep -v -e '^ok ' -e '^1\.\.' -e '^[0-9]* passed, ' "$log" | sed 's/^/    /' || true
  fi
  sums=$(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log")
  good=${sums% *}
  bad=${sums#* }
  # A program that did not come to its end, or that a checker complains about, is a failure of its own.
  if [ -z "$sums" ] || { [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; }; then
    echo "    $program ended with status $status"
    good=${good:-$(grep -c '^ok ' "$log" || true)}
    bad=$((${bad:-0} + 1))
  fi
  passed=$((passed + good))
  failed=$((failed + bad))
done < "$out/runs"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
