#!/usr/bin/env bash
# Installs what the tests need, then runs them all. Arguments go to the tests: a part of a name, say.
set -euo pipefail
cd "$(dirname "$0")/.."

. tests/need.sh

command -v cargo >/dev/null || fail "cargo is missing: install Rust"
need node nodejs
need npm npm
need systemd-analyze systemd
need openssl openssl
need curl curl
need python3 python3
need php php-cli
node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || fail "Node.js 20 or newer is needed, this is $(node --version)"
if [ -n "${CHROMIUM:-}" ]; then
    [ -x "$CHROMIUM" ] || fail "CHROMIUM=$CHROMIUM is no program"
elif [ ! -x /usr/bin/chromium ] && [ ! -x /usr/bin/chromium-browser ]; then
    need chromium chromium
fi

# npm leaves a copy of the lock file behind: younger than ours, it is up to date.
if [ ! tests/node_modules/.package-lock.json -nt tests/package-lock.json ]; then
    npm ci --prefix tests --no-audit --no-fund </dev/null
fi

# The tests mostly wait for each other's servers: a few more of them at once than there are cores.
exec cargo test --locked -- --test-threads="${TEST_THREADS:-4}" "$@" </dev/null
