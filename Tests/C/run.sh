#!/bin/sh
# Compiles the C programs against a library and runs each, in the three ways of driving a context.
#   run.sh DIRECTORY [valgrind]
# DIRECTORY holds libgatewire.so.  CC and CFLAGS may be set; VERBOSE=1 shows the tests that passed, too.
# The last line is "N passed, N failed".
set -eu
library=$(cd "$1" && pwd)
wrapper=${2:-}
cd "$(dirname "$0")/../.."
out=$library/c-tests
mkdir -p "$out/certificates"
[ -f "$out/certificates/self.pem" ] || Tests/C/certificates.sh "$out/certificates"

passed=0
failed=0

# run NAME ARGUMENTS...: one program; its last line has the sums
run() {
  name=$1
  shift
  set -- "$out/$name" "$@"
  if [ "$name" = networks ]; then
    if [ "$wrapper" = valgrind ]; then return; fi # it measures times
    set -- Tests/Faults/networks.sh "$@"
  fi
  case $wrapper in
  valgrind)
    set -- valgrind --quiet --error-exitcode=98 --leak-check=full --errors-for-leak-kinds=definite "$@"
    limit=900
    ;;
  *)
    limit=120
    ;;
  esac
  status=0
  timeout -k 5 "$limit" "$@" > "$out/$name.log" 2>&1 || status=$?
  if [ "${VERBOSE:-0}" = 1 ]; then
    sed 's/^/    /' "$out/$name.log"
  else
    grep -v -e '^ok ' -e '^1\.\.' -e '^[0-9]* passed, ' "$out/$name.log" | sed 's/^/    /' || true
  fi
  sums=$(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$out/$name.log")
  good=${sums% *}
  bad=${sums#* }
  # A program that did not come to its end, or that a checker complains about, is a failure of its own.
  if [ -z "$sums" ] || { [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; }; then
    echo "    $name ended with status $status"
    good=${good:-$(grep -c '^ok ' "$out/$name.log" || true)}
    bad=$((${bad:-0} + 1))
  fi
  passed=$((passed + good))
  failed=$((failed + bad))
}

for program in versions arguments link liveness routes endpoints doctor sockets socket-limits upgrades redirects trust \
  verdicts hostile threads crowd promises exits cut stalled networks; do
  case $program in
  promises) sources="Tests/Promises/promises.c" ;;
  cut) sources="Tests/Faults/cut.c Tests/Faults/child.c Tests/Faults/far_end.c" ;;
  exits | stalled | networks) sources="Tests/Faults/$program.c" ;;
  *) sources="Tests/C/$program.c" ;;
  esac
  # shellcheck disable=SC2086  # both are lists of words
  ${CC:-cc} -std=c11 -g -O1 -Wall -Wextra -Wpedantic -Werror ${CFLAGS:-} -Iinclude $sources \
    Tests/C/host.c Tests/C/peer.c Tests/C/pair.c -o "$out/$program" -L"$library" -Wl,-rpath,"$library" -lgatewire -lssl -lcrypto -pthread
  if [ "$program" = versions ]; then
    echo "  $program"
    run "$program"
    continue
  fi
  for drive in poll thread guardian; do
    echo "  $program, driven by $drive"
    run "$program" "$drive" "$out/certificates"
  done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
