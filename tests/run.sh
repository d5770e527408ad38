#!/bin/sh
# The whole test suite: a Release tree, one with the address and undefined-behaviour sanitizers, and what runs threads
# with the thread sanitizer. The trees stay (build/, build-asan/, build-tsan/), so that the next run builds only what
# changed.
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

for tree in release asan tsan; do
    quietly cmake --preset "$tree"
done
for folder in build build-asan build-tsan; do
    quietly cmake --build "$folder" -j "$jobs"
done

failed=0
ctest --test-dir build --output-on-failure --timeout 300 -j2 "$@" || failed=1
ctest --test-dir build-asan --output-on-failure --timeout 300 -j2 "$@" || failed=1
SAME_CDRS=40000 ctest --test-dir build-tsan --output-on-failure --timeout 300 -j2 -L threads "$@" || failed=1
exit $failed
