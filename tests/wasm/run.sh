#!/usr/bin/env bash
# Builds the pure layers for WebAssembly and runs them in Node. Exits with 77 (skipped) where the
# toolchain or Node is missing; `make test` installs both.
set -euo pipefail
cd "$(dirname "$0")/../.."

for program in clang++-19 wasm-ld-19 node; do
  if ! command -v "$program" >/dev/null; then
    echo "skipped: $program is not installed (scripts/install-dependencies wasm node)"
    exit 77
  fi
done
if [ ! -e /usr/lib/wasm32-wasi/libc++.a ]; then
  echo "skipped: libc++-19-dev-wasm32 is not installed (scripts/install-dependencies wasm)"
  exit 77
fi

cmake --preset wasm >/dev/null
cmake --build --preset wasm
answer=$(node tests/wasm/run.mjs build/wasm/tests/wasm/wasm_probe.wasm \
  <tests/data/kora/canonical-json.json)
echo "$answer"
[[ $answer == ok:* ]]
