#!/bin/sh
# The same work in tollmill, DuckDB, PostgreSQL and awk, on the same calls: equal totals, then speeds and their ratios.
#
#   bench/peers/run.sh [FOLDER] [--small] [--cdrs N] [--turns N] [--slow-cdrs N] [--only duckdb,postgresql,mawk]
#                      [--lock FILE]
#
# FOLDER (build/peers) gets peers.json; what else is made there is removed again, but for FOLDER/venv, into which
# DuckDB is installed from PyPI (not with --small). Nothing else is installed; what is missing is skipped and named.
# TOLLMILL and BENCH_WORLD: the programs, if they are not those of build/.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
tollmill=${TOLLMILL:-$root/build/tollmill}
bench_world=${BENCH_WORLD:-$(dirname "$tollmill")/bench/bench_world}
for program in "$tollmill" "$bench_world"; do
    if [ ! -x "$program" ]; then
        echo "peers: error: $program is not there; build first (sh tools/quickstart.sh)," \
            "or set TOLLMILL and BENCH_WORLD" >&2
        exit 66
    fi
done

folder=
small=
case ${1:-} in
'' | -*) ;;
*)
    folder=$1
    shift
    ;;
esac
for option in "$@"; do
    [ "$option" != --small ] || small=yes
done
made=
if [ -z "$folder" ] && [ -n "$small" ]; then
    folder=$(mktemp -d)
    chmod 755 "$folder" # PostgreSQL's server is another user
    made=$folder
fi
folder=${folder:-$root/build/peers}
mkdir -p "$folder"

python=python3
if [ -x "$folder/venv/bin/python" ]; then
    python=$folder/venv/bin/python
elif [ -z "$small" ] && ! python3 -c 'import duckdb' 2>/dev/null; then
    echo "peers: installing DuckDB from PyPI into $folder/venv" >&2
    if python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q duckdb; then
        python=$folder/venv/bin/python
    else
        echo "peers: DuckDB could not be installed" >&2
    fi
fi

code=0
PYTHONDONTWRITEBYTECODE=1 "$python" "$here/peers.py" "$folder" "$@" --root "$root" --tollmill "$tollmill" \
    --bench-world "$bench_world" || code=$?
[ -z "$made" ] || rm -r "$made"
exit $code
