#!/bin/sh
# Runs one C program that run.sh has compiled, with a limit of time; what it said and its status stay in OUT/logs.
#   program.sh OUT WRAPPER NAME DRIVE
# WRAPPER is valgrind or empty; DRIVE is - for a program that has none.
set -eu
out=$1
wrapper=$2
name=$3
drive=$4
log=$out/logs/$name-$drive

if [ "$drive" = - ]; then set -- "$out/$name"; else set -- "$out/$name" "$drive" "$out/certificates"; fi
if [ "$name" = networks ]; then set -- Tests/Faults/networks.sh "$@"; fi
limit=120
if [ "$wrapper" = valgrind ]; then
  limit=900
  set -- valgrind --quiet --error-exitcode=98 --leak-check=full --errors-for-leak-kinds=definite "$@"
fi
status=0
timeout -k 5 "$limit" "$@" > "$log" 2>&1 || status=$?
echo "$status" > "$log.status"
