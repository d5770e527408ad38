#!/bin/sh
# The whole test suite: a Release tree and one with the address and undefined-behaviour sanitizers.
# The trees stay (build/, build-asan/), so that the next run builds only what changed.
set -eu
cd "$(dirname "$0")/.."
TOLL_SETUP=packages tools/setup.sh

jobs=$(nproc)
quietly() { # shows the output of a build only when it fails
    log=$(mktemp)
    if "$@" >"$log" 2>&1; then
        rm -f "$log"
    else
        cat "$log" >&2
        rm -f "$log"
        echo "tests: failed: $*" >&2
        return 1
    fi
}

quietly cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DTOLL_SANITIZE=
quietly cmake --build build -j "$jobs"
quietly cmake -S . -B build-asan -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG="-O1 -g" \
    -DTOLL_SANITIZE=address,undefined -DTOLL_BENCH=OFF
quietly cmake --build build-asan -j "$jobs"

failed=0
ctest --test-dir build --output-on-failure --timeout 300 -j2 "$@" || failed=1
ctest --test-dir build-asan --output-on-failure --timeout 300 -j2 "$@" || failed=1
exit $failed
