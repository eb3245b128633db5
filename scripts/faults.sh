#!/bin/sh
# Connections cut at every byte of their life, in every way of driving a context; networks that fail; hosts and peers
# that stall; and what idle connections cost.  make test has the short form.  The last line is "N passed, N failed".
set -eu
cd "$(dirname "$0")/.."
out=build/faults
mkdir -p "$out/certificates"
[ -f "$out/certificates/self.pem" ] || Tests/C/certificates.sh "$out/certificates"

for program in cut exits networks stalled; do
  sources=Tests/Faults/$program.c
  if [ $program = cut ]; then sources="$sources Tests/Faults/child.c Tests/Faults/far_end.c"; fi
  # shellcheck disable=SC2086  # a list of words
  cc -std=c11 -g -O1 -Wall -Wextra -Iinclude $sources Tests/C/host.c Tests/C/peer.c Tests/C/pair.c \
    -o "$out/$program" -Lbuild -Wl,-rpath,"$PWD/build" -lgatewire -lssl -lcrypto -pthread
done

# The three at once: most of their time is waiting.
for drive in poll thread guardian; do
  timeout 1800 "$out/cut" "$drive" "$out/certificates" full > "$out/cut-$drive.log" 2>&1 &
done
for drive in poll thread guardian; do
  for program in exits stalled; do timeout 120 "$out/$program" "$drive" > "$out/$program-$drive.log" 2>&1 || true; done
  timeout 120 Tests/Faults/networks.sh "$out/networks" "$drive" > "$out/networks-$drive.log" 2>&1 || true
done
wait

for drive in poll thread guardian; do
  for program in cut exits stalled networks; do
    echo "  $program, driven by $drive"
    sed 's/^/    /' "$out/$program-$drive.log"
  done
done
echo "  idle connections"
scripts/idle.sh > "$out/idle.log" && idle=1 || idle=0
sed 's/^/    /' "$out/idle.log"

# A program without sums has failed.
awk -v idle="$idle" '/^[0-9]+ passed, [0-9]+ failed$/ { passed += $1; failed += $3; ++programs }
  END {
    passed += idle; failed += 12 - programs + 1 - idle
    print passed " passed, " failed " failed"
    exit failed > 0
  }' \
  "$out"/*-poll.log "$out"/*-thread.log "$out"/*-guardian.log
