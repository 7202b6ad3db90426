#!/usr/bin/env bash
# Lighthouse over the demo's checkout page: a phone on a slow mobile network with a slow processor (Lighthouse's own
# simulation), and a desktop. Accessibility and best practices must be 100; the performance is the median of five runs
# (or of as many as the first argument says), reported beside the machine's load. Needs what tests/run.sh installs.
set -euo pipefail
cd "$(dirname "$0")/../.."

cargo build --locked --quiet
if [ ! tests/lighthouse/node_modules/.package-lock.json -nt tests/lighthouse/package-lock.json ]; then
    npm ci --prefix tests/lighthouse --no-audit --no-fund --ignore-scripts </dev/null
fi
node tests/lighthouse/judge.mjs "${CARGO_TARGET_DIR:-target}/debug/ocrch" "${1:-5}" </dev/null
