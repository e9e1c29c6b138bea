#!/usr/bin/env bash
# Runs `make test` again and again and prints a table: does it pass, always? `make test-repeat RUNS=20 BUSY=10`
#
# Arguments: how many runs; how many of them, the last ones, beside two loops that keep two cores busy.
# The output of each run is kept in .repeat/. The exit code is the number of runs that failed.
set -uo pipefail
cd "$(dirname "$0")/.."

runs=${1:-20} busy=${2:-10} failed=0 loops=()
logs=.repeat
mkdir -p "$logs"
trap '[ ${#loops[@]} = 0 ] || kill "${loops[@]}" 2>/dev/null' EXIT

echo "| run | busy loops | seconds | result |"
echo "|---|---|---|---|"
for run in $(seq "$runs"); do
  loops=()
  if [ "$run" -gt $((runs - busy)) ]; then
    for _ in 1 2; do
      while :; do :; done &
      loops+=($!)
    done
  fi
  began=$SECONDS
  "${MAKE:-make}" --no-print-directory test >"$logs/$run.log" 2>&1 && result=passed || { result=FAILED && failed=$((failed + 1)); }
  seconds=$((SECONDS - began))
  for loop in "${loops[@]}"; do
    kill "$loop" && wait "$loop"
  done 2>/dev/null
  said=$(grep -E '[0-9]+ (passed|failed|error)' "$logs/$run.log" | tail -1)
  echo "| $run | ${#loops[@]} | $seconds | $result: ${said:-see $logs/$run.log} |"
  grep -E '^(FAILED|ERROR) ' "$logs/$run.log" | sed 's/^/    /'
done
echo "$failed of $runs runs failed."
exit "$failed"
