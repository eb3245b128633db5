#!/bin/sh
# SEEDS (10000) runs of client and gateway over the simulated network, from seed FIRST (0) on; SEED runs that one, and
# TRACE=1 shows its history.
set -eu
cd "$(dirname "$0")/../.."
program=$(Tests/Simulation/build.sh)
if [ -n "${SEED:-}" ]; then exec "$program" --seed "$SEED" ${TRACE:+--trace}; fi
exec "$program" --first "${FIRST:-0}" --seeds "${SEEDS:-10000}"
