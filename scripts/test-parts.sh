#!/bin/sh
# Runs make targets one after another, all of them whatever happens, and adds up what they report.
# The last line is "N passed, N failed"; exit status 1 if a part failed.
set -eu
cd "$(dirname "$0")/.."
logs=build/test-logs
mkdir -p "$logs"
: > "$logs/summary"

# The sums of a log, as the test runners write them: "N passed, N failed" (ours), "N passed in" (pytest), "# pass N" and
# "# fail N" (node), "with N tests" (Swift Testing).  Parts without any count as one test.
count() {
  awk '
    /^ *[0-9]+ passed, [0-9]+ failed$/ { passed += $1; failed += $3; next }
    /^=* *.*[0-9]+ (passed|failed|error|errors).* in [0-9.]+s/ {
      for (at = 2; at <= NF; ++at) {
        word = $at; sub(/,$/, "", word)
        if (word == "passed") passed += $(at - 1)
        if (word == "failed" || word == "error" || word == "errors") failed += $(at - 1)
      }
      next
    }
    /^# pass [0-9]+$/ || /^ℹ pass [0-9]+$/ { passed += $3; next }
    /^# fail [0-9]+$/ || /^ℹ fail [0-9]+$/ { failed += $3; next }
    /Test run with [0-9]+ tests? / {
      match($0, /with [0-9]+ tests?/); tests = substr($0, RSTART + 5) + 0
      swift += tests
    }
    /^. Test .* failed after / { ++swift_failed }
    END { print passed + swift - swift_failed + 0, failed + swift_failed + 0 }' "$1"
}

total_passed=0
total_failed=0
for part in "$@"; do
  echo "--- $part"
  started=$(date +%s)
  status=0
  # A pipe would hide the exit status of make, so it is kept in a file.
  { make "$part" 2>&1 || echo $? > "$logs/status"; } | tee "$logs/$part.log"
  if [ -f "$logs/status" ]; then
    status=1
    rm "$logs/status"
  fi
  counts=$(count "$logs/$part.log")
  passed=${counts% *}
  failed=${counts#* }
  if [ "$passed" -eq 0 ] && [ "$failed" -eq 0 ] && [ "$status" -eq 0 ]; then passed=1; fi
  if [ "$failed" -eq 0 ] && [ "$status" -ne 0 ]; then failed=1; fi
  printf '%-12s %5d passed, %3d failed, %4d s\n' "$part" "$passed" "$failed" "$(($(date +%s) - started))" \
    >> "$logs/summary"
  total_passed=$((total_passed + passed))
  total_failed=$((total_failed + failed))
done
echo "---"
cat "$logs/summary"
echo "$total_passed passed, $total_failed failed"
[ "$total_failed" -eq 0 ]
