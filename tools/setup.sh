#!/bin/sh
# Installs what the build needs (Debian, Ubuntu) and builds tollmill into build/. Quick when nothing is missing.
# TOLL_SETUP=packages installs only; TOLL_BROWSER=1 with it also a headless Chromium for the tests of the HTML report,
# some 400 MB, where the system has a package of it (without one those tests skip).
set -eu
cd "$(dirname "$0")/.."

packages="build-essential cmake ninja-build pkg-config libxxhash-dev libssl-dev libyaml-dev libjemalloc-dev
libcmocka-dev libbenchmark-dev liburing-dev libgmp-dev tzdata python3 xz-utils clang-format cppcheck strace valgrind"

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "setup: this is no Debian or Ubuntu; install the likes of these, then build with cmake:" $packages >&2
    exit 1
fi

if [ "${TOLL_BROWSER:-0}" = 1 ] && apt-cache show chromium-headless-shell >/dev/null 2>&1; then
    packages="$packages chromium-headless-shell"
fi

missing=""
for package in $packages; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done

if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ]; then
        as_root=""
    elif command -v sudo >/dev/null 2>&1; then
        as_root="sudo"
    else
        echo "setup: these packages are missing:$missing" >&2
        echo "setup: neither root nor sudo here; have somebody run: apt-get install$missing" >&2
        exit 1
    fi
    echo "setup: installing$missing" >&2
    # Lists that are out of date name files that are gone: refresh them only when the first try fails.
    if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >/dev/null 2>&1
    then
        $as_root apt-get update -q >/dev/null
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >/dev/null
    fi
fi

[ "${TOLL_SETUP:-build}" = packages ] && exit 0

# A build folder that another generator or another place left behind cannot be reused.
if [ -f build/CMakeCache.txt ] && ! grep -q "^CMAKE_GENERATOR:INTERNAL=Ninja$" build/CMakeCache.txt; then
    echo "setup: build/ was not made with Ninja; remove it and run again" >&2
    exit 1
fi
cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release >/dev/null
echo "setup: building build/tollmill" >&2
cmake --build build --target tollmill -- --quiet
