#!/usr/bin/env bash
# Takes the README's pictures of the checkout page anew: docs/images/checkout-*.png. Look at them before you commit them.
# Needs what tests/run.sh installs.
set -euo pipefail
cd "$(dirname "$0")/../.."

cargo build --locked --quiet
if [ ! tests/node_modules/.package-lock.json -nt tests/package-lock.json ]; then
    npm ci --prefix tests --no-audit --no-fund </dev/null
fi
node tests/e2e/screenshots.mjs "${CARGO_TARGET_DIR:-target}/debug/ocrch" </dev/null
