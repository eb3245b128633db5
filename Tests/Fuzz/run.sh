#!/bin/sh
# Runs every fuzz target: first what was found before and the corpus, then new inputs for SECONDS_EACH seconds (60).
# TARGETS names some of them.  What is found is kept in Tests/Fuzz/fails/TARGET; exit status 1 if anything was.
set -eu
cd "$(dirname "$0")/../.."
seconds=${SECONDS_EACH:-60}
# A trap's report is the sanitizer's; Swift's own takes seconds and adds nothing.
export SWIFT_BACKTRACE=enable=no
# No declared length may cost memory: the greatest limit that a target sets is 1 MiB.
limits="-timeout=20 -rss_limit_mb=1024 -malloc_limit_mb=64"
passed=0
failed=0

targets=$(Tests/Fuzz/build.sh)
for target in ${TARGETS:-$targets}; do
  fails=Tests/Fuzz/fails/$target
  corpus=Tests/Fuzz/corpus/$target
  # New inputs grow the corpus of later runs on this machine.
  work=build/fuzz/found/$target
  log=build/fuzz/$target.log
  mkdir -p "$fails" "$corpus" "$work"
  status=0
  # shellcheck disable=SC2086  # a list of options
  { "build/fuzz/$target" $limits -runs=0 "-artifact_prefix=$fails/" "$fails" "$corpus" &&
    "build/fuzz/$target" $limits "-max_total_time=$seconds" -max_len=4096 -print_final_stats=1 \
      "-artifact_prefix=$fails/" "$work" "$corpus"; } > "$log" 2>&1 || status=$?
  rmdir "$fails" 2>/dev/null || true
  if [ "$status" -eq 0 ]; then
    passed=$((passed + 1))
    sed -n "s/^#\([0-9]*\)\tDONE *cov: \([0-9]*\) ft: [0-9]* corp: \([0-9]*\)\/.*/ok - $target: \1 inputs, \2 edges, \3 kept/p" \
      "$log" | tail -n 1
  else
    failed=$((failed + 1))
    echo "not ok - $target"
    grep -E -A 12 'Fatal error|ERROR|Test unit written' "$log" | cut -c 1-300 | head -n 60
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
