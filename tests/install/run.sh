#!/usr/bin/env bash
# usage: run.sh BUILD_FOLDER COMPILER
# Installs the build into a folder of its own, then builds and runs examples/embed against it: as a
# CMake package, and with pkg-config's file where that is installed.
set -euo pipefail
source_folder=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$1" --prefix "$work/prefix" >/dev/null
# The example is outside of our tree, and must find everything by the prefix alone.
cp -r "$source_folder/examples/embed" "$work/embed"
cmake -S "$work/embed" -B "$work/build" -G Ninja -DCMAKE_CXX_COMPILER="$2" \
  -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
cmake --build "$work/build"

expected=$'Ladin: 31000 speakers\nRomansh: 60000 speakers'
for round in first second; do # a database that exists is opened again
  answer=$("$work/build/languages" "$work/languages.db")
  [ "$answer" = "$expected" ] || { echo "$round run: $answer"; exit 1; }
done

if command -v pkg-config >/dev/null; then
  export PKG_CONFIG_PATH="$work/prefix/lib/pkgconfig"
  # shellcheck disable=SC2046
  "$2" -std=c++23 "$work/embed/main.cpp" $(pkg-config --cflags --libs --static tombolo) \
    -o "$work/by_pkg_config"
  [ "$("$work/by_pkg_config" "$work/languages.db")" = "$expected" ]
fi
if [ -e "$work/prefix/bin/tombolo" ]; then
  "$work/prefix/bin/tombolo" --help >/dev/null
fi
