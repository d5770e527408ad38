"""valgrind's memcheck over the verbs of a small month: no invalid access, no use of what was never set, no leak.

Files are read by pread: what the kernel writes through a ring valgrind does not see. It does not know AVX-512 either,
and hides it from the command, so that what runs here are the other kernels. Before anything is believed, valgrind has
to find each fault of memcheck_proof, which is linked to the same allocator.
"""
import os
import re
import shutil
import subprocess
import sys

import fault_tools as tools

PROOF = os.environ["MEMCHECK_PROOF"]
FOUND = 99
VALGRIND = ["valgrind", "--quiet", "--error-exitcode=%d" % FOUND, "--leak-check=full", "--errors-for-leak-kinds=all",
            "--show-leak-kinds=all", "--soname-synonyms=somalloc=*jemalloc*"]


def memcheck(*command):
    return subprocess.run([*VALGRIND, *command], capture_output=True, text=True, timeout=10 * tools.TIMEOUT_S)


def need_valgrind():
    if os.environ.get("TOLL_SANITIZE"):
        tools.skip("valgrind and sanitizers do not go together; the other tree runs this")
    if shutil.which("valgrind") is None:
        tools.skip("there is no valgrind; tools/setup.sh installs it")
    assert os.path.exists(PROOF), PROOF
    plain = memcheck(PROOF, "none")
    if plain.returncode != 0:
        tools.skip("valgrind does not run here: " + plain.stderr.strip()[:200])
    for fault in ("leak", "overread", "uninitialised"):
        done = memcheck(PROOF, fault)
        assert done.returncode == FOUND, (fault, "is not found, so nothing would be", done.returncode, done.stderr)


def clean(*arguments):
    done = memcheck(tools.TOLLMILL, *arguments)
    assert done.returncode == 0 and "==" not in done.stderr, (arguments, done.returncode, done.stderr[-3000:])
    return done.stdout


def fails(code, *arguments):
    """An error's way out must free everything, too."""
    done = memcheck(tools.TOLLMILL, *arguments)
    assert done.returncode == code and "==" not in done.stderr, (arguments, done.returncode, done.stderr[-3000:])


def main():
    need_valgrind()
    with tools.work_folder():
        tools.small_world(cdrs=300, numbers=30, prefixes=60)
        importing = ["import", "--spec", tools.SPEC, "-o", "cdrs", "--max-rejects", "9", "--threads", "2", "--quiet"]
        clean(*importing, "one.csv")
        clean(*importing, "two.csv")
        rating = ["rate", "--book", "book", "--cdrs", "cdrs", "--io", "pread", "--threads", "2", "--quiet"]
        clean(*rating, "-o", "run")
        clean("verify", "cdrs")
        clean("verify", "run")
        assert "charge" in clean("summary", "run")
        day = re.search(r"(\d{4}-\d\d-\d\d)", " ".join(os.listdir("run/lines"))).group(1)
        assert "rate" in clean("explain", "run", day + ":0", "--cdrs", "cdrs")
        assert clean("export", "run", "--format", "csv", "--cdrs", "cdrs", "--quiet").count("\n") > 100
        assert "suspense" in clean("summary", "run", "--suspense")
        clean(*rating, "--only-suspense", "run", "-o", "merged")
        clean("verify", "merged")
        fails(73, *rating, "-o", "run")
        fails(65, *importing, "book/plans.csv")
        # The same bytes as without valgrind, whatever the kernels.
        tools.ok(*rating, "-o", "native")
        assert tools.tree("run") == tools.tree("native"), "other bytes than without valgrind"
        tools.ok(*rating, "--only-suspense", "run", "-o", "native-merged")
        assert tools.tree("merged") == tools.tree("native-merged"), "other bytes than without valgrind"
    print("memcheck: import, rate, rating again, verify, summary, explain, export and two errors are clean")
    return 0


if __name__ == "__main__":
    sys.exit(main())
