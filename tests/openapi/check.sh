#!/usr/bin/env bash
# Does with docs/openapi.json what its users do: validates it, makes types from it, and compiles a client against them.
set -euo pipefail
cd "$(dirname "$0")"

npm ci --no-audit --no-fund </dev/null
npx --no-install validate-api ../../docs/openapi.json
npx --no-install openapi-typescript ../../docs/openapi.json -o api.d.ts
npx --no-install tsc --noEmit --strict --skipLibCheck --target es2022 --module esnext --moduleResolution bundler client.ts
echo "the document is valid, and a typed client compiles"
