#!/usr/bin/env bash
# Lighthouse over the demo's checkout page, as a phone and as a desktop: accessibility and best practices must be 100, the
# performance is reported. Needs what tests/run.sh installs.
set -euo pipefail
cd "$(dirname "$0")/../.."

cargo build --locked --quiet
if [ ! tests/lighthouse/node_modules/.package-lock.json -nt tests/lighthouse/package-lock.json ]; then
    npm ci --prefix tests/lighthouse --no-audit --no-fund --ignore-scripts </dev/null
fi
node tests/lighthouse/judge.mjs "${CARGO_TARGET_DIR:-target}/debug/ocrch" </dev/null
