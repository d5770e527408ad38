#!/bin/sh
# Measures everything and writes FOLDER/bench.json with a chart of it, FOLDER/bench.svg.
#
#   bench/run.sh [FOLDER] [--small] [--build BUILD] [--only PART,...]
#
# FOLDER (default /var/tmp/tollmill-bench; 8 GB, for a while 15) keeps the worlds, so that a second run begins at once.
# It builds a Release tree in build-bench/, unless --build names one that is built. The parts, in their order: machine,
# month, many (5 million numbers), files, warm, import, compile, tax, worlds, whatif, kernels; --only measures these anew and
# keeps the others' figures. `peers` (bench/peers/run.sh: DuckDB from PyPI, PostgreSQL, awk) only when it is named.
# --small takes a minute or so, in FOLDER/small, and its figures mean nothing.
#
# TOLL_BENCH_CDRS=2000000 makes smaller months, in FOLDER/2000000, whose hashes nobody has frozen. TOLL_BENCH_TURNS is
# how often each is measured (7; imports and compiles 5). Cold files need root, which empties the page cache; without it
# `files` is left out. TOLL_BENCH_WRAP is put before each program that measures (taskset -c 2,3; flock FILE). What speed
# must not change, the hashes of the worlds, is checked by the programs themselves, and ends this script.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
folder=/var/tmp/tollmill-bench build='' only='' small=''

while [ $# -gt 0 ]; do
    case $1 in
    --small) small=--small ;;
    --build) build=$2; shift ;;
    --only) only=,$2,; shift ;;
    -h | --help) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    -*) echo "bench: there is no option $1; see bench/run.sh --help" >&2; exit 2 ;;
    *) folder=$1 ;;
    esac
    shift
done
for part in $(printf %s "$only" | tr , ' '); do
    case $part in
    machine | month | many | files | warm | import | compile | tax | worlds | whatif | kernels | peers) ;;
    *) echo "bench: there is no part $part; see bench/run.sh --help" >&2; exit 2 ;;
    esac
done

if [ -z "$build" ]; then
    build=$root/build-bench log=$root/build-bench/build.log
    mkdir -p "$build"
    cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release >"$log" 2>&1 &&
        cmake --build "$build" -j "$(nproc)" >>"$log" 2>&1 || { tail -40 "$log" >&2; exit 1; }
fi
if [ -n "$small" ]; then
    folder=$folder/small cdrs=150000 numbers=2000 many=5000 areas=20 days=3
    unset TOLL_BENCH_CDRS TOLL_BENCH_NUMBERS TOLL_BENCH_TURNS
else
    cdrs=${TOLL_BENCH_CDRS:-20000000} numbers=200000 many=5000000 areas=400 days=30
    [ "$cdrs" = 20000000 ] || folder=$folder/$cdrs
fi
mkdir -p "$folder/parts"
folder=$(cd "$folder" && pwd)
build=$(cd "$build" && pwd)
programs=$build/bench

# measure PART PROGRAM NAME=VALUE...: its figures go to FOLDER/parts/PART.json, and appear there only when it is done.
measure() {
    part=$1 program=$2
    shift 2
    if [ -n "$only" ]; then
        case $only in *,$part,*) ;; *) return 0 ;; esac
    fi
    [ -x "$programs/$program" ] || { echo "bench: $program is not built; $part is left out" >&2; return 0; }
    printf '\n== %s\n' "$part"
    # shellcheck disable=SC2086  # the wrap is a command with its arguments
    env "$@" ${TOLL_BENCH_WRAP:-} "$programs/$program" --json "$folder/parts/$part.tmp" $small
    mv "$folder/parts/$part.tmp" "$folder/parts/$part.json"
}

make_world() { # FOLDER NUMBERS: the canonical month
    [ -e "$1/cdrs/dataset.json" ] && return 0
    echo "bench: makes $1"
    rm -rf "$1/book" "$1/cdrs"
    mkdir -p "$1"
    "$programs/bench_world" "$1" --world month --cdrs $cdrs --numbers "$2" --areas $areas --days $days
}
make_world "$folder/month" $numbers
make_world "$folder/many/month" $many

measure machine bench_machine "TOLL_BENCH_FOLDER=$folder"
measure month bench_rate "TOLL_BENCH_FOLDER=$folder" TOLL_BENCH_WORLD=month TOLL_BENCH_STAGES=1
measure many bench_rate "TOLL_BENCH_FOLDER=$folder/many" TOLL_BENCH_WORLD=month TOLL_BENCH_STAGES=1 TOLL_BENCH_NUMBERS=$many
if [ -n "$small" ] || [ "$(id -u)" = 0 ]; then
    measure files bench_file "TOLL_BENCH_FOLDER=$folder/month"
else
    echo "bench: cold files need root; files is left out" >&2
fi
measure warm bench_file "TOLL_BENCH_FOLDER=$folder/month" TOLL_BENCH_WARM=1
measure import bench_import "TOLL_BENCH_FOLDER=$folder"
measure compile bench_compile "TOLL_BENCH_FOLDER=$folder"
measure tax bench_tax
measure worlds bench_rate "TMPDIR=$folder" TOLL_BENCH_WORLD=plain,whole,cost,bundles,pools,taxes
measure whatif bench_whatif "TOLL_BENCH_FOLDER=$folder"
measure kernels bench_kernels
case $only in
*,peers,*) TOLLMILL=$build/tollmill BENCH_WORLD=$programs/bench_world sh "$here/peers/run.sh" "$folder" ;;
esac

python3 "$here/collect.py" "$folder" --build "$build" --source "$root" ${small:+--small}
python3 "$here/chart.py" "$folder/bench.json" "$folder/bench.svg"
python3 "$here/table.py" "$folder/bench.json" --only goals
printf '\n%s\n' "$folder/bench.json, $folder/bench.svg"
